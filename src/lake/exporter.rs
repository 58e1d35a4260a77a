//! The consumer that keeps the Delta table.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::prelude::{SessionContext, col, lit};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError};

use super::forget::{self, Rewritten};
use super::schema::{self, PARTITION, VERSION};
use super::table::{self, Location};
use super::upkeep::Upkeep;
use crate::consumer::{Consumer, Error, Lease, Moment, Retaken, checkpoint};
use crate::db::{Database, Transaction};
use crate::domain::{Envelope, Places, Position};
use crate::failpoint;
use crate::log::{Batch, BatchLimits, Fence};

/// The name of the consumer.
pub const NAME: &str = "lake";
/// The most entries of one commit.
pub const BATCH_ENTRIES_MAX: u32 = 20_000;
/// The most bytes of bodies of one commit, save that one envelope always goes.
pub const BATCH_BYTES_MAX: i64 = 16 << 20;
/// A commit makes files, which have to be joined later; who asks reads from the log what is not exported yet.
const PACE: Duration = Duration::from_millis(500);
/// How often a swap is tried when the live exporter had a commit under way.
const SWAP_TRIES: u32 = 3;

/// Keeps the table, or fills a copy of it: files beside the live ones, which one commit then swaps.
pub struct Exporter {
    database: Database,
    location: Location,
    name: String,
    /// None until opened; and after a failure, save for a copy, which has no other memory of its files.
    open: Option<Open>,
    upkeep: Upkeep,
}

struct Open {
    table: DeltaTable,
    position: Position,
    /// What the log was there, if known.
    fence: Option<Fence>,
    /// What a copy has written and no commit names yet; none for the live exporter.
    beside: Option<Beside>,
}

#[derive(Default)]
struct Beside {
    adds: Vec<Add>,
    /// Paths of those of its files that were written anew and are still on the disk.
    replaced: Vec<String>,
    /// True once the files of the copy are the table's, whatever becomes of the transaction around it: what comes then, the live
    /// exporter adds.
    is_swapped: bool,
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("name", &self.name).field("location", &self.location).finish_non_exhaustive()
    }
}

impl Exporter {
    /// The live exporter.
    #[must_use]
    pub fn new(database: Database, location: Location) -> Self {
        let upkeep = Upkeep::new(database.clone(), location.clone());
        Self { database, location, name: NAME.to_owned(), open: None, upkeep }
    }

    fn is_live(&self) -> bool {
        self.name == NAME
    }

    /// Writes envelopes to data files that nothing names yet.
    async fn write(&self, table: &DeltaTable, envelopes: &[Envelope]) -> Result<Vec<Add>, Error> {
        if envelopes.is_empty() {
            return Ok(Vec::new());
        }
        let envelopes = envelopes.to_vec();
        let rows = match tokio::task::spawn_blocking(move || schema::batch_of(&envelopes)).await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(rows) => rows.map_err(failed)?,
            // The runner takes a panic for what it is: trouble with the events.
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(error)) => return Err(failed(error)),
        };
        let mut writer = RecordBatchWriter::for_table(table).map_err(failed)?.with_writer_properties(table::writer_properties());
        writer.write(rows).await.map_err(failed)?;
        writer.flush().await.map_err(failed)
    }
}

/// What a batch makes of the table. Until a commit names them, the files are nobody's; a vacuum removes them.
struct Change {
    adds: Vec<Add>,
    /// Paths of files that go.
    removes: Vec<String>,
    fence: Option<Fence>,
}

impl Exporter {
    /// Writes the files of a batch.
    async fn change(&self, open: &Open, batch: &Batch, places: &Places, lease: &Lease) -> Result<Change, Error> {
        if open.position != batch.span.after {
            // It was swapped, or written by another owner: the runner has to read from where it stands.
            return Err(Error::LeaseLost(self.name.clone()));
        }
        let fence = checkpoint::agree(&self.database, &self.name, open.position, open.fence, batch.span.through).await?;
        let mut adds = self.write(&open.table, &batch.envelopes).await?;
        failpoint::reach(failpoint::LAKE_AFTER_WRITE);
        let mut removes = Vec::new();
        if !places.is_empty() {
            let rewritten = self.forget(open, places).await?;
            adds.extend(rewritten.adds);
            removes = rewritten.replaced;
        }
        lease.renew(&self.database).await?;
        Ok(Change { adds, removes, fence })
    }

    /// Commits a batch to the table. After an error, whether it did is read from the table.
    async fn follow(&mut self, batch: &Batch, places: &Places, lease: &Lease) -> Result<(), Error> {
        let Some(mut open) = self.open.take() else { return Err(Error::LeaseLost(self.name.clone())) };
        if open.position < batch.span.through {
            let Change { adds, removes, fence } = self.change(&open, batch, places, lease).await?;
            let mut actions = open.removals(&removes).map_err(failed)?;
            actions.extend(adds.into_iter().map(Action::Add));
            actions.extend(self.upkeep.joined(&open.table).await);
            if places.is_urgent {
                self.location.note_purge().map_err(failed)?;
            }
            open.commit(&self.location, actions, SaveMode::Append, batch.span.through, fence).await.map_err(failed)?;
            failpoint::reach(failpoint::LAKE_AFTER_COMMIT);
            open.table = if places.is_urgent { self.purge(open.table).await? } else { self.upkeep.after_commit(open.table).await };
        }
        self.open = Some(open);
        Ok(())
    }

    /// Notes the files of a batch for the swap. Only this memory knows them: it stays as it was when the batch fails, whose
    /// events come again one by one.
    async fn fill(&mut self, batch: &Batch, places: &Places, lease: &Lease) -> Result<(), Error> {
        let change = match &self.open {
            Some(Open { beside: Some(Beside { is_swapped: true, .. }), .. }) => return Ok(()),
            Some(open) if open.position < batch.span.through => Some(self.change(open, batch, places, lease).await?),
            _ => None,
        };
        let Some(Open { beside: Some(beside), position, fence, .. }) = &mut self.open else { return Err(Error::LeaseLost(self.name.clone())) };
        if let Some(change) = change {
            beside.adds.retain(|add| !change.removes.contains(&add.path));
            beside.adds.extend(change.adds);
            beside.replaced.extend(change.removes);
            *position = batch.span.through;
            *fence = change.fence;
        }
        // No commit ever named them.
        while let Some(path) = beside.replaced.last() {
            self.location.discard(path).map_err(failed)?;
            beside.replaced.pop();
        }
        Ok(())
    }

    /// Files without what acts took away, instead of those that hold it.
    async fn forget(&self, open: &Open, places: &Places) -> Result<Rewritten, Error> {
        let files = match &open.beside {
            Some(beside) => beside.adds.iter().map(|add| add.path.clone()).collect(),
            None => open.table.snapshot().map_err(failed)?.log_data().iter().map(|file| file.path().into_owned()).collect(),
        };
        forget::rewrite(&self.location, &open.table, files, &self.database, places).await.map_err(failed)
    }

    /// Lets what was taken away leave the disk.
    async fn purge(&self, table: DeltaTable) -> Result<DeltaTable, Error> {
        let is_copied = self.upkeep.is_rebuilt().await;
        let table = forget::purge(&self.location, table, is_copied).await.map_err(failed)?;
        self.location.purged().map_err(failed)?;
        Ok(table)
    }
}

impl Open {
    /// The actions that take these files out of the table.
    fn removals(&self, paths: &[String]) -> Result<Vec<Action>, DeltaTableError> {
        let files = self.table.snapshot()?.log_data();
        Ok(files.iter().filter(|file| paths.iter().any(|path| *path == file.path())).map(|file| Action::Remove(file.remove_action(true))).collect())
    }

    /// Makes files part of the table, with the position through which it then goes, if nobody else has committed since
    /// the snapshot.
    async fn commit(
        &mut self,
        location: &Location,
        actions: Vec<Action>,
        mode: SaveMode,
        through: Position,
        fence: Option<Fence>,
    ) -> Result<(), DeltaTableError> {
        let operation = DeltaOperation::Write { mode, partition_by: Some(vec![PARTITION.to_owned()]), predicate: None };
        let properties = CommitProperties::default().with_max_retries(0).with_application_transactions(table::marks(through, fence));
        let committed = CommitBuilder::from(properties).with_actions(actions).build(Some(self.table.snapshot()?), self.table.log_store(), operation).await?;
        location.sync_log()?;
        self.table.state = Some(committed.snapshot());
        self.position = through;
        self.fence = fence;
        Ok(())
    }

    /// One commit that removes every file of the table and adds those of the copy. When these are the table's already, an attempt
    /// before has done it, and was not told.
    async fn swap(&mut self, location: &Location) -> Result<(), DeltaTableError> {
        let Some(beside) = self.beside.as_ref().filter(|beside| !beside.is_swapped) else { return Ok(()) };
        let own: HashSet<&str> = beside.adds.iter().map(|add| add.path.as_str()).collect();
        let files = self.table.snapshot()?.log_data();
        let named = files.iter().filter(|file| own.contains(&*file.path())).count();
        if own.is_empty() || named < own.len() {
            let others = files.iter().filter(|file| !own.contains(&*file.path()));
            let mut actions: Vec<Action> = others.map(|file| Action::Remove(file.remove_action(true))).collect();
            actions.extend(beside.adds.iter().cloned().map(Action::Add));
            self.commit(location, actions, SaveMode::Overwrite, self.position, self.fence).await?;
        } else {
            // Of this commit, too, nothing may be lost from here on.
            location.sync_log()?;
        }
        self.beside = Some(Beside { is_swapped: true, ..Beside::default() });
        Ok(())
    }

    /// True when the table has the event at this position: there is more than one way for it to have come late.
    async fn holds(&self, position: Position) -> Result<bool, DeltaTableError> {
        let context = SessionContext::new();
        let rows = context.read_table(table::rows(&self.table, &context).await?)?;
        Ok(rows.filter(col("position").eq(lit(position.get())))?.count().await? > 0)
    }
}

#[async_trait]
impl Consumer for Exporter {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> i32 {
        VERSION
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { entries: BATCH_ENTRIES_MAX, bytes: BATCH_BYTES_MAX }
    }

    fn pace(&self) -> Duration {
        PACE
    }

    async fn open(&mut self) -> Result<Position, Error> {
        let table = self.location.open().await.map_err(failed)?;
        // A copy starts over: only its memory knew which files were its own.
        let (position, fence, beside) = if self.is_live() {
            (table::position(&table).await.map_err(failed)?, table::fence(&table).await.map_err(failed)?, None)
        } else {
            (Position::START, None, Some(Beside::default()))
        };
        let table = if self.is_live() && self.location.is_purge_due() {
            self.upkeep.abandon().await;
            self.purge(table).await?
        } else {
            table
        };
        checkpoint::agree(&self.database, &self.name, position, fence, position).await?;
        self.open = Some(Open { table, position, fence, beside });
        Ok(position)
    }

    async fn apply(&mut self, batch: &Batch, lease: &Lease) -> Result<(), Error> {
        if self.open.is_none() {
            self.open().await?;
        }
        // What stands in this batch was read as the acts left it.
        let places = Places::of_the_lake(&batch.envelopes).through(batch.span.after);
        if !places.is_empty() {
            self.upkeep.abandon().await;
        }
        let taken = if self.is_live() { self.follow(batch, &places, lease).await } else { self.fill(batch, &places, lease).await };
        taken?;
        if !places.is_empty() {
            checkpoint::unpark(&self.database, &self.name, &places).await?;
        }
        lease.record(&self.database, batch.span.through).await
    }

    async fn retake(&mut self, envelope: &Envelope, lease: &Lease) -> Result<Retaken, Error> {
        if self.open.is_none() {
            self.open().await?;
        }
        let Some(mut open) = self.open.take() else { return Err(Error::LeaseLost(self.name.clone())) };
        // It may have come the last time, before a crash, or with a rebuild that did not come to its end.
        if !open.holds(envelope.position).await.map_err(failed)? {
            let adds = self.write(&open.table, std::slice::from_ref(envelope)).await?;
            lease.renew(&self.database).await?;
            let (position, fence) = (open.position, open.fence);
            open.commit(&self.location, adds.into_iter().map(Action::Add).collect(), SaveMode::Append, position, fence).await.map_err(failed)?;
        }
        self.open = Some(open);
        lease.unpark_after(&self.database, envelope.position).await?;
        Ok(Retaken::Done)
    }

    fn close(&mut self) {
        self.upkeep.close();
    }

    fn another(&self) -> Box<dyn Consumer> {
        Box::new(Self::new(self.database.clone(), self.location.clone()))
    }

    async fn beside(&self) -> Result<Box<dyn Consumer>, Error> {
        let name = checkpoint::copy_name(NAME);
        checkpoint::restart(&self.database, &name, VERSION).await?;
        Ok(Box::new(Self { name, ..Self::new(self.database.clone(), self.location.clone()) }))
    }

    async fn swap(&mut self, _transaction: &Transaction<'_>, _filled: &Moment) -> Result<(), Error> {
        let Some(open) = &mut self.open else { return Err(Error::LeaseLost(self.name.clone())) };
        let mut tries = 0;
        loop {
            // The live exporter checks its lease before it commits and the transaction holds its row, so at most one
            // commit of its own is under way.
            open.table.update_state().await.map_err(failed)?;
            match open.swap(&self.location).await {
                Ok(()) => return Ok(()),
                Err(error) if tries == SWAP_TRIES => return Err(failed(error)),
                Err(error) => tracing::debug!(%error, "the swap of the lake is tried again"),
            }
            tries += 1;
        }
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Store(NAME, Box::new(error))
}

#[cfg(test)]
mod tests;
