//! The Delta table on its store: where it is, opened or made, and made safe against a power loss.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use deltalake::kernel::Transaction as AppTransaction;
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake::kernel::schema::StructType;
use deltalake::operations::create::CreateBuilder;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use deltalake::parquet::schema::types::ColumnPath;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use url::Url;

use super::Error;
use super::schema::{self, PARTITION, SKIPPED_BY, UNIQUE};
use super::store::CheckedStore;
use super::sums;
use crate::domain::Position;
use crate::log::Fence;

/// Under which name the position stands in the Delta log.
const APP_ID: &str = "hooklake";
/// Under which name the fence stands there, as a number.
const FENCE_APP_ID: &str = "hooklake.fence";
/// Written when there is none, so that an earlier commit's does not stand for it.
const NO_FENCE: i64 = 0;
/// Measured on real GitHub payloads: level 3 is a fifth smaller than level 1 at little more time.
const ZSTD_LEVEL: i32 = 3;
/// Rows of a row group: a reader holds one column of one at a time.
const ROW_GROUP_ROWS: usize = 10_000;
/// A checkpoint of the Delta log every so many commits, so that opening it stays quick.
const CHECKPOINT_EVERY: &str = "20";
const SKIPPED_BY_PROPERTY: &str = "delta.dataSkippingStatsColumns";
const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// Where the table `events` is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Location {
    url: Url,
    directory: PathBuf,
}

impl Location {
    pub(super) fn new(text: &str, data_dir: &Path) -> Result<Self, Error> {
        let root = match text.split_once("://") {
            None if text.is_empty() => data_dir.join("lake"),
            None => PathBuf::from(text),
            Some(("file", _)) => {
                Url::parse(text).ok().and_then(|url| url.to_file_path().ok()).ok_or_else(|| Error::Location("the file URL is not absolute".to_owned()))?
            }
            Some((scheme, _)) => return Err(Error::Location(format!("this build writes to local directories; {scheme}:// is not one"))),
        };
        let unusable = |error: std::io::Error| Error::Location(format!("{}: {error}", root.display()));
        let directory = std::path::absolute(&root).map_err(unusable)?.join("events");
        std::fs::create_dir_all(&directory).map_err(unusable)?;
        let directory = directory.canonicalize().map_err(unusable)?;
        let url = Url::from_directory_path(&directory).map_err(|()| Error::Location("it has no absolute path".to_owned()))?;
        Ok(Self { url, directory })
    }

    /// The directory of the table.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// An error without the place on disk.
    pub(super) fn hide(&self, error: Error) -> Error {
        match error {
            Error::Syntax(text) => Error::Syntax(self.hide_in_text(&text)),
            Error::TooLarge(text) => Error::TooLarge(self.hide_in_text(&text)),
            other => other,
        }
    }

    /// A text without the place on disk, which plans and some errors name.
    pub(super) fn hide_in_text(&self, text: &str) -> String {
        let path = self.directory.to_string_lossy();
        text.replace(&*path, "/lake/events").replace(path.trim_start_matches('/'), "lake/events")
    }

    fn builder(&self) -> Result<DeltaTableBuilder, DeltaTableError> {
        let store = Arc::new(CheckedStore::new(&self.directory));
        Ok(DeltaTableBuilder::from_url(self.url.clone())?.with_storage_backend(store, self.url.clone()))
    }

    /// The table as it is now; none when it was not made yet.
    pub(super) async fn load(&self) -> Result<Option<DeltaTable>, DeltaTableError> {
        let mut table = self.builder()?.build()?;
        if !table.verify_deltatable_existence().await? {
            return Ok(None);
        }
        table.load().await?;
        Ok(Some(table))
    }

    /// The table for writing: made if it is not there, mended if a power loss tore its last commit.
    pub(super) async fn open(&self) -> Result<DeltaTable, DeltaTableError> {
        self.mend()?;
        let table = match self.load().await? {
            Some(table) => table,
            None => self.create().await?,
        };
        let has: Schema = (&table.snapshot()?.metadata().parse_schema()?).try_into_arrow()?;
        let names = |schema: &Schema| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
        if names(&has) != names(&schema::schema()) {
            return Err(DeltaTableError::Generic("the table has other columns than this hooklake writes; move it away and rebuild the lake".to_owned()));
        }
        self.skip_by_known_columns(table).await
    }

    /// Statistics of other columns would quote event text in the Delta log; tables made by earlier versions had them.
    async fn skip_by_known_columns(&self, table: DeltaTable) -> Result<DeltaTable, DeltaTableError> {
        let configuration = table.snapshot()?.metadata().configuration();
        if configuration.get(SKIPPED_BY_PROPERTY).is_some_and(|columns| columns == SKIPPED_BY) {
            return Ok(table);
        }
        let properties = HashMap::from([(SKIPPED_BY_PROPERTY.to_owned(), SKIPPED_BY.to_owned())]);
        let table = table.set_tbl_properties().with_properties(properties).await?;
        self.sync_log()?;
        Ok(table)
    }

    async fn create(&self) -> Result<DeltaTable, DeltaTableError> {
        let columns: StructType = schema::schema().as_ref().try_into_kernel()?;
        let configuration = HashMap::from([
            ("delta.appendOnly", "false"),
            ("delta.checkpointInterval", CHECKPOINT_EVERY),
            (SKIPPED_BY_PROPERTY, SKIPPED_BY),
            ("delta.logRetentionDuration", "interval 7 days"),
            ("hooklake.schemaVersion", "1"),
        ]);
        let table = CreateBuilder::new()
            .with_log_store(self.builder()?.build_storage()?)
            .with_table_name("events")
            .with_comment("Every webhook received, one row each, in the order of the log")
            .with_columns(columns.fields().cloned())
            .with_partition_columns([PARTITION])
            .with_configuration(configuration.into_iter().map(|(name, value)| (name.to_owned(), Some(value.to_owned()))))
            .with_raise_if_key_not_exists(false)
            .await?;
        self.sync_log()?;
        Ok(table)
    }

    /// Syncs the last commit, a checkpoint that came with it, and the directory that names them.
    pub(super) fn sync_log(&self) -> std::io::Result<()> {
        if let Some(last) = self.last_commit()? {
            File::open(&last)?.sync_all()?;
            let checkpoint = last.with_extension("checkpoint.parquet");
            for file in [checkpoint, self.log().join(LAST_CHECKPOINT)] {
                match File::open(file) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    file => file?.sync_all()?,
                }
            }
        }
        File::open(self.log())?.sync_all()
    }

    /// Sets aside what a power loss left half written: the last commit, whose events come again from the log, and
    /// checkpoints, which only shorten the reading of the commits.
    fn mend(&self) -> std::io::Result<()> {
        let mut torn = Vec::new();
        for path in self.files("parquet")? {
            if !is_whole_parquet(&path)? {
                torn.push(self.log().join(LAST_CHECKPOINT));
                torn.push(path);
            }
        }
        if let Some(last) = self.last_commit()? {
            let text = std::fs::read(&last)?;
            let is_json = |line: &[u8]| line.is_empty() || serde_json::from_slice::<serde_json::Value>(line).is_ok();
            if text.is_empty() || !text.split(|byte| *byte == b'\n').all(is_json) {
                torn.push(last);
            }
        }
        for path in torn.into_iter().filter(|path| path.exists()) {
            tracing::warn!(file = %path.display(), "a file of the lake's log is not whole, as after a power loss; it is set aside");
            std::fs::rename(&path, path.with_extension("torn"))?;
        }
        Ok(())
    }

    /// Removes a data file that no commit ever named.
    pub(super) fn discard(&self, name: &str) -> std::io::Result<()> {
        std::fs::remove_file(self.directory.join(name))
    }

    /// Removes the checksums of files that are gone and that the table does not name.
    pub(super) fn sweep(&self, table: &DeltaTable) -> Result<(), DeltaTableError> {
        let named: HashSet<String> = table.snapshot()?.log_data().iter().map(|file| file.path().into_owned()).collect();
        Ok(sums::sweep(&self.directory, |name| named.contains(name))?)
    }

    /// Removes what [`mend`](Self::mend) set aside.
    pub(super) fn remove_torn(&self) -> std::io::Result<()> {
        self.files("torn")?.into_iter().try_for_each(std::fs::remove_file)
    }

    /// Notes that files with what was taken away are to leave the disk, so that a crash before that is noticed.
    pub(super) fn note_purge(&self) -> std::io::Result<()> {
        File::create(self.purge_note())?.sync_all()?;
        File::open(&self.directory)?.sync_all()
    }

    /// True when [`note_purge`](Self::note_purge) was not followed by [`purged`](Self::purged).
    pub(super) fn is_purge_due(&self) -> bool {
        self.purge_note().exists()
    }

    /// Notes that they have left it.
    pub(super) fn purged(&self) -> std::io::Result<()> {
        std::fs::remove_file(self.purge_note())
    }

    /// Readers of the table pass over names that begin with an underscore.
    fn purge_note(&self) -> PathBuf {
        self.directory.join("_hooklake_purge")
    }

    fn last_commit(&self) -> std::io::Result<Option<PathBuf>> {
        let is_commit =
            |path: &PathBuf| path.file_stem().is_some_and(|stem| stem.len() == 20 && stem.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()));
        Ok(self.files("json")?.into_iter().filter(is_commit).max())
    }

    /// The files of the Delta log with this extension.
    fn files(&self, extension: &str) -> std::io::Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(self.log()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        Ok(entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|known| known == extension)).collect())
    }

    fn log(&self) -> PathBuf {
        self.directory.join("_delta_log")
    }
}

/// A Parquet file ends with its magic number, which is written last.
fn is_whole_parquet(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let mut end = [0; 4];
    Ok(file.metadata()?.len() >= 12 && file.seek(SeekFrom::End(-4)).and_then(|_| file.read_exact(&mut end)).is_ok() && &end == b"PAR1")
}

/// Through which position the log is in a snapshot of the table.
pub(super) async fn position(table: &DeltaTable) -> Result<Position, DeltaTableError> {
    let version = table.snapshot()?.transaction_version(table.log_store().as_ref(), APP_ID).await?;
    Ok(version.map_or(Position::START, Position::new))
}

/// Its rows, to be asked in this session.
pub(super) async fn rows(table: &DeltaTable, context: &SessionContext) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    // Instead of the store that sessions have, which reads past the checksums.
    let store = table.log_store();
    context.register_object_store(store.root_url(), store.root_object_store(None));
    table.table_provider().await
}

/// What the log was at that position; none in a table that an older hooklake wrote last.
pub(super) async fn fence(table: &DeltaTable) -> Result<Option<Fence>, DeltaTableError> {
    let number = table.snapshot()?.transaction_version(table.log_store().as_ref(), FENCE_APP_ID).await?;
    Ok(number.filter(|number| *number != NO_FENCE).map(Fence::from_number))
}

/// What a commit says of the log: through which position it is in the table, and what it was there.
pub(super) fn marks(through: Position, fence: Option<Fence>) -> Vec<AppTransaction> {
    let fence = fence.map_or(NO_FENCE, Fence::to_number);
    vec![AppTransaction::new(APP_ID, through.get()), AppTransaction::new(FENCE_APP_ID, fence)]
}

/// How data files are written.
pub(super) fn writer_properties() -> WriterProperties {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default();
    let plain = |properties: WriterPropertiesBuilder, column: &&str| properties.set_column_dictionary_enabled(ColumnPath::from(*column), false);
    let properties = WriterProperties::builder()
        .set_created_by(format!("hooklake {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    UNIQUE.iter().fold(properties, plain).build()
}
