//! Joins small files into a larger one beside the export, which waits for nothing: a join only writes a file that no commit
//! names, and the exporter's next commit names it instead of those that it was made of.
//!
//! ```text
//! commit after commit → a file each → JOINED_MIN of about one size → one, of the next size → … → FILE_BYTES_MAX
//! ```
//!
//! So a row is written anew once for each size, three or four times in all, however large the table is; and where files are large
//! already, they are spliced instead ([`splice`]).

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deltalake::kernel::{Action, Add};
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::checked::Checked;
use super::forget::{ROWS, other, whole};
use super::splice::splice;
use super::table::{self, Location};

/// So many files of about one size are joined, or fewer if they make up half of the largest.
const JOINED_MIN: usize = 16;
/// Files are of about one size when the larger is less than eight times the smaller, and all below this are.
const SMALLEST_BYTES: u64 = 32 << 10;
/// The largest that joining makes; what has half of that is left alone.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// A join under way. It ends early, and leaves nothing behind, when it is dropped.
pub(super) struct Joining {
    files: Vec<String>,
    is_wanted: Arc<AtomicBool>,
    task: JoinHandle<Result<Made, DeltaTableError>>,
}

/// The files of a join that has ended, and what takes their place.
pub(super) struct Joined {
    pub(super) files: Vec<String>,
    pub(super) made: Result<Made, DeltaTableError>,
}

/// Files that no commit names. They are removed unless they are taken.
pub(super) struct Made {
    location: Location,
    adds: Vec<Add>,
}

impl Drop for Made {
    fn drop(&mut self) {
        for add in &self.adds {
            if let Err(error) = self.location.discard(&add.path) {
                tracing::warn!(error = &error as &dyn std::error::Error, file = add.path, "a file of the lake that was made for nothing is still there");
            }
        }
    }
}

impl Joining {
    /// Begins to join the files that are most in need of it; none when all is well, or only files that must not be
    /// joined are in need.
    pub(super) fn begin(location: &Location, table: &DeltaTable, refused: &HashSet<String>) -> Result<Option<Self>, DeltaTableError> {
        let log = table.snapshot()?.log_data();
        let files = log.iter().map(|file| File {
            path: file.path().into_owned(),
            bytes: u64::try_from(file.size()).unwrap_or_default(),
            made: file.modification_time(),
        });
        let Some(files) = chosen(files.filter(|file| !refused.contains(&file.path)).collect()) else { return Ok(None) };
        let is_wanted = Arc::new(AtomicBool::new(true));
        let write = write(location.clone(), table.clone(), files.clone(), Arc::clone(&is_wanted));
        let runtime = Handle::current();
        // Most of it is unpacking and packing, which must not hold up a thread that others wait for.
        let task = tokio::task::spawn_blocking(move || runtime.block_on(write));
        Ok(Some(Self { files, is_wanted, task }))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for its end.
    pub(super) async fn end(mut self) -> Joined {
        let made = (&mut self.task).await.map_err(other).and_then(|made| made);
        Joined { files: std::mem::take(&mut self.files), made }
    }

    /// Waits until nothing is left of it.
    pub(super) async fn abandon(self) {
        self.is_wanted.store(false, Ordering::Relaxed);
        drop(self.end().await);
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        self.is_wanted.store(false, Ordering::Relaxed);
    }
}

impl Made {
    /// What takes them into a commit on this snapshot instead of those that they were made of; none when one of these is no
    /// longer in it.
    pub(super) fn take(mut self, files: &[String], table: &DeltaTable) -> Result<Option<Vec<Action>>, DeltaTableError> {
        let log = table.snapshot()?.log_data();
        let is_old = |path: &str| files.iter().any(|file| file == path);
        let mut actions: Vec<_> = log.iter().filter(|file| is_old(&file.path())).map(|file| Action::Remove(file.remove_action(false))).collect();
        if actions.len() != files.len() {
            return Ok(None);
        }
        actions.extend(std::mem::take(&mut self.adds).into_iter().map(|add| Action::Add(Add { data_change: false, ..add })));
        Ok(Some(actions))
    }
}

async fn write(location: Location, table: DeltaTable, files: Vec<String>, is_wanted: Arc<AtomicBool>) -> Result<Made, DeltaTableError> {
    if let Some(add) = splice(&location, &table, &files, &is_wanted).await? {
        return Ok(Made { location, adds: vec![add] });
    }
    let mut writer = RecordBatchWriter::for_table(&table)?.with_writer_properties(table::writer_properties());
    for name in &files {
        let file = Checked::open(location.directory(), name).map_err(other)?;
        for rows in ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(ROWS).build()? {
            if !is_wanted.load(Ordering::Relaxed) {
                return Ok(Made { location, adds: Vec::new() });
            }
            writer.write(whole(&rows?, Path::new(name)).map_err(other)?).await?;
        }
    }
    let adds = writer.flush().await?;
    Ok(Made { location, adds })
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    path: String,
    bytes: u64,
    made: i64,
}

/// Which files to join: enough of about one size on the newest day, or whatever is small on a day that is over.
fn chosen(files: Vec<File>) -> Option<Vec<String>> {
    let day = |file: &File| file.path.split('/').next().map(str::to_owned);
    let newest = files.iter().filter_map(day).max();
    let mut alike: BTreeMap<_, Vec<File>> = BTreeMap::new();
    for file in files.into_iter().filter(|file| file.bytes < FILE_BYTES_MAX / 2) {
        let (day, size) = (day(&file), (file.bytes / SMALLEST_BYTES).max(1).ilog2() / 3);
        let size = if day == newest { size } else { 0 };
        alike.entry((day, size)).or_default().push(file);
    }
    alike.into_iter().find_map(|((day, _), mut files)| {
        files.sort_by(|one, other| (one.made, &one.path).cmp(&(other.made, &other.path)));
        let mut bytes = 0;
        let is_room = |file: &File| {
            let is_room = bytes + file.bytes <= FILE_BYTES_MAX;
            bytes += if is_room { file.bytes } else { 0 };
            is_room
        };
        let paths: Vec<_> = files.into_iter().take_while(is_room).map(|file| file.path).collect();
        let is_enough = day != newest || paths.len() >= JOINED_MIN || bytes >= FILE_BYTES_MAX / 2;
        (is_enough && paths.len() > 1).then_some(paths)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(day: u32, sizes: &[u64]) -> Vec<File> {
        let file = |(number, bytes): (usize, &u64)| File { path: format!("day=2026-11-{day:02}/{number}.parquet"), bytes: *bytes, made: number as i64 };
        sizes.iter().enumerate().map(file).collect()
    }

    fn count(files: Vec<File>) -> usize {
        chosen(files).map_or(0, |paths| paths.len())
    }

    #[test]
    fn many_of_about_one_size_are_joined() {
        assert_eq!(count(files(22, &[1_000; 15])), 0);
        assert_eq!(count(files(22, &[1_000; 16])), 16);
        assert_eq!(count(files(22, &[&[1_000; 15][..], &[1 << 20]].concat())), 0, "of two sizes");
        assert_eq!(count(files(22, &[4 << 20; 40])), 8, "fewer, if they make the largest there is");
        assert_eq!(count(files(22, &[4 << 20; 3])), 0);
        assert_eq!(count(files(22, &[1 << 20; 40])), 32, "as many as make the largest");
        assert_eq!(count(files(22, &[FILE_BYTES_MAX; 40])), 0);
    }

    #[test]
    fn a_day_that_is_over_is_joined_whatever_the_sizes() {
        let with_today = |sizes: &[u64]| [files(21, sizes), files(22, &[1_000])].concat();
        assert_eq!(count(with_today(&[1_000, 5 << 20])), 2);
        assert_eq!(count(with_today(&[20 << 20, 20 << 20])), 0, "they would be too large");
        assert_eq!(count(with_today(&[1_000])), 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_left_of_a_join_that_is_abandoned() {
        let directory = tempfile::tempdir().expect("a directory");
        let location = Location::new("", directory.path()).expect("a location");
        let file = location.directory().join("made.parquet");
        std::fs::create_dir_all(location.directory()).expect("a directory");
        let (is_wanted, path, place) = (Arc::new(AtomicBool::new(true)), file.clone(), location.clone());
        let is_still = Arc::clone(&is_wanted);
        // As far as it can come before it notices.
        let task = tokio::task::spawn_blocking(move || {
            while is_still.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            std::fs::write(path, "rows").map_err(other)?;
            Ok(Made { location: place, adds: vec![Add { path: "made.parquet".to_owned(), ..Add::default() }] })
        });
        Joining { files: Vec::new(), is_wanted, task }.abandon().await;
        assert!(!file.exists());
    }

    #[test]
    fn joining_ends_and_writes_a_row_a_few_times() {
        for size in [3_000, 300_000] {
            let mut table: Vec<_> = files(22, &vec![size; 5_000]);
            let (mut joins, mut written) = (0, 0);
            while let Some(paths) = chosen(table.clone()) {
                let bytes = table.iter().filter(|file| paths.contains(&file.path)).map(|file| file.bytes).sum();
                table.retain(|file| !paths.contains(&file.path));
                table.push(File { path: format!("day=2026-11-22/joined{joins}.parquet"), bytes, made: 5_000 + joins });
                written += bytes;
                joins += 1;
            }
            assert!(written <= 4 * 5_000 * size && table.len() < 60, "{size} bytes: {written} in {joins} joins, {} files", table.len());
        }
    }
}
