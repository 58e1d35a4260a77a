//! Keeps the table quick to read: joins small files, removes files that nothing names. Never fails the export.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use deltalake::delta_datafusion::create_session;
use deltalake::operations::vacuum::VacuumMode;
use deltalake::{DeltaTable, DeltaTableError};

use super::exporter::NAME;
use super::table::{self, Location};
use crate::consumer::checkpoint;
use crate::db::Database;

/// More files than this since the last time are joined.
const FILES_MAX: usize = 32;
/// Most rounds join files up to this size, so that a byte is not written again in every one of them.
const SMALL_FILE_BYTES: u64 = 1 << 20;
/// Every sixteenth round joins them up to this size.
const FILE_BYTES: u64 = 64 << 20;
const LARGE_ROUND_EVERY: u32 = 16;
/// How long files that the table no longer names are kept for those who still read them.
pub(super) const KEPT_FOR: Duration = Duration::from_hours(1);

pub(super) struct Upkeep {
    database: Database,
    location: Location,
    files: usize,
    rounds: u32,
}

impl Upkeep {
    pub(super) const fn new(database: Database, location: Location) -> Self {
        // From no files: the first commit after a start looks at what there is.
        Self { database, location, files: 0, rounds: 0 }
    }

    /// Joins files if there are many; returns the table as it is then.
    pub(super) async fn after_commit(&mut self, table: DeltaTable) -> DeltaTable {
        let files = count(&table);
        if files <= self.files + FILES_MAX {
            return table;
        }
        self.rounds += 1;
        let target = if self.rounds.is_multiple_of(LARGE_ROUND_EVERY) { FILE_BYTES } else { SMALL_FILE_BYTES };
        let kept = table.clone();
        let kept_up = match self.keep_up(table, target).await {
            Ok(table) => table,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the lake's files could not be joined; they are read as they are");
                // A commit may have succeeded before the failure; the exporter has to know.
                self.location.load().await.ok().flatten().unwrap_or(kept)
            }
        };
        self.files = count(&kept_up);
        tracing::debug!(before = files, after = self.files, "joined {files} files of the lake into {}", self.files);
        kept_up
    }

    async fn keep_up(&self, table: DeltaTable, target: u64) -> Result<DeltaTable, DeltaTableError> {
        let target = NonZeroU64::new(target).unwrap_or(NonZeroU64::MIN);
        // A session of its own would have a store of its own, and read past the checksums.
        let session = create_session().state();
        let store = table.log_store();
        session.runtime_env().register_object_store(store.root_url(), store.root_object_store(None));
        let optimize = table
            .optimize()
            .with_session_state(Arc::new(session))
            .with_target_size(target)
            .with_max_concurrent_tasks(1)
            .with_writer_properties(table::writer_properties());
        let (table, _) = optimize.await?;
        self.location.sync_log()?;
        if self.is_rebuilt().await {
            // Its files are not named by any commit yet.
            return Ok(table);
        }
        let retention = chrono::Duration::from_std(KEPT_FOR).unwrap_or(chrono::Duration::MAX);
        let (table, _) = table.vacuum().with_mode(VacuumMode::Full).with_retention_period(retention).with_enforce_retention_duration(false).await?;
        self.location.sweep()?;
        Ok(table)
    }

    /// True while a rebuild fills files that no commit names yet.
    pub(super) async fn is_rebuilt(&self) -> bool {
        let copy = checkpoint::copy_name(NAME);
        let standings = checkpoint::standings(&self.database).await;
        standings.map_or(true, |standings| standings.iter().any(|standing| standing.name == copy && standing.owner.is_some()))
    }
}

fn count(table: &DeltaTable) -> usize {
    table.snapshot().map_or(0, |snapshot| snapshot.log_data().num_files())
}
