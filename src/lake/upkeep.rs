//! Keeps the table quick to read: has small files joined, removes files that nothing names. Never fails the export.

use std::collections::HashSet;
use std::time::Duration;

use deltalake::kernel::Action;
use deltalake::operations::vacuum::VacuumMode;
use deltalake::{DeltaTable, DeltaTableError};

use super::exporter::NAME;
use super::join::{Joined, Joining};
use super::table::Location;
use crate::consumer::checkpoint;
use crate::db::Database;

/// After so many commits files are looked at.
const COMMITS_A_LOOK: u32 = 8;
/// After so many joins what nothing names any more is looked for.
const JOINS_A_VACUUM: u32 = 2;
/// How long files that the table no longer names are kept for those who still read them.
pub(super) const KEPT_FOR: Duration = Duration::from_hours(1);

pub(super) struct Upkeep {
    database: Database,
    location: Location,
    joining: Option<Joining>,
    /// What could not be joined: it is read as it is.
    refused: HashSet<String>,
    commits: u32,
    joins: u32,
}

impl Upkeep {
    pub(super) fn new(database: Database, location: Location) -> Self {
        Self { database, location, joining: None, refused: HashSet::new(), commits: 0, joins: 0 }
    }

    /// What the next commit on this snapshot is to say of a join that has ended; nothing otherwise.
    pub(super) async fn joined(&mut self, table: &DeltaTable) -> Vec<Action> {
        let Some(joining) = self.joining.take_if(|joining| joining.has_ended()) else { return Vec::new() };
        let Joined { files, made } = joining.end().await;
        match made {
            Ok(made) => {
                // None when someone else has replaced them: a rebuild, or an owner of the lease in between.
                let actions = made.take(&files, table).ok().flatten().unwrap_or_default();
                tracing::debug!("joined {} files of the lake", files.len());
                self.joins += 1;
                actions
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "{} files of the lake could not be joined; they are read as they are", files.len());
                self.refused.extend(files);
                Vec::new()
            }
        }
    }

    /// Begins a join if one is due, and now and then removes what nothing names; returns the table as it is then.
    pub(super) async fn after_commit(&mut self, table: DeltaTable) -> DeltaTable {
        self.commits += 1;
        if self.joining.is_none() && self.commits >= COMMITS_A_LOOK {
            self.commits = 0;
            match Joining::begin(&self.location, &table, &self.refused) {
                Ok(joining) => self.joining = joining,
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the files of the lake could not be looked at"),
            }
        }
        if self.joins < JOINS_A_VACUUM {
            return table;
        }
        self.joins = 0;
        let kept = table.clone();
        match self.vacuum(table).await {
            Ok(table) => table,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "files that the lake no longer names could not be removed");
                // A commit may have succeeded before the failure; the exporter has to know.
                self.location.load().await.ok().flatten().unwrap_or(kept)
            }
        }
    }

    async fn vacuum(&self, table: DeltaTable) -> Result<DeltaTable, DeltaTableError> {
        if self.is_rebuilt().await {
            // Its files are not named by any commit yet.
            return Ok(table);
        }
        let retention = chrono::Duration::from_std(KEPT_FOR).unwrap_or(chrono::Duration::MAX);
        let (table, _) = table.vacuum().with_mode(VacuumMode::Full).with_retention_period(retention).with_enforce_retention_duration(false).await?;
        self.location.sync_log()?;
        self.location.sweep(&table)?;
        Ok(table)
    }

    /// Ends a join under way and waits until nothing is left of it: it may hold what is being taken away.
    pub(super) async fn abandon(&mut self) {
        if let Some(joining) = self.joining.take() {
            joining.abandon().await;
        }
    }

    /// The same, without waiting.
    pub(super) fn close(&mut self) {
        self.joining = None;
    }

    /// True while a rebuild fills files that no commit names yet.
    pub(super) async fn is_rebuilt(&self) -> bool {
        let copy = checkpoint::copy_name(NAME);
        let standings = checkpoint::standings(&self.database).await;
        standings.map_or(true, |standings| standings.iter().any(|standing| standing.name == copy && standing.owner.is_some()))
    }
}
