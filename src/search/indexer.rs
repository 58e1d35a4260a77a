//! The consumer that keeps the index.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::forget;
use super::schema::VERSION;
use super::store::{self, Mark, Open};
use crate::consumer::{Consumer, Error, Lease, Moment, Retaken, checkpoint};
use crate::db::{Database, Transaction};
use crate::domain::{Envelope, Places, Position};
use crate::failpoint;
use crate::log::{Batch, BatchLimits, Reader};

/// The name of the consumer.
pub const NAME: &str = "search";
/// The most entries of one commit.
pub const BATCH_ENTRIES_MAX: u32 = 2_000;
/// The most bytes of bodies of one commit, save that one envelope always goes.
pub const BATCH_BYTES_MAX: i64 = 16 << 20;
/// A commit makes a segment, which others have to be merged with.
const PACE: Duration = Duration::from_millis(500);

/// Keeps the index of one generation: the live one, or the one that a rebuild fills.
pub struct Indexer {
    database: Database,
    root: PathBuf,
    name: String,
    /// The generation of a copy; the live indexer asks for the current one whenever it opens.
    copy_of: Option<i32>,
    generation: i32,
    /// None until opened, and after a failure: what was added and not committed goes with it.
    open: Option<Open>,
}

impl std::fmt::Debug for Indexer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indexer").field("name", &self.name).field("root", &self.root).field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Indexer {
    /// The live indexer; its index is in `data_dir/search`.
    #[must_use]
    pub fn new(database: Database, data_dir: &Path) -> Self {
        Self { database, root: data_dir.join("search"), name: NAME.to_owned(), copy_of: None, generation: 0, open: None }
    }

    /// What the index is of the log; opens it if need be.
    async fn mark(&mut self) -> Result<Mark, Error> {
        if self.open.is_none() {
            self.open().await?;
        }
        self.open.as_ref().map(|open| open.mark).ok_or_else(|| Error::LeaseLost(self.name.clone()))
    }

    /// Takes the open index away. It is given back after a commit: whatever ends the work before, an error or the loss of
    /// the lease in the middle of an await, closes it with what was added.
    async fn take(&mut self) -> Result<Open, Error> {
        self.mark().await?;
        self.open.take().ok_or_else(|| Error::LeaseLost(self.name.clone()))
    }

    /// Takes out what acts of the batch took away, and adds what the log still says, without committing.
    async fn forget(&self, open: Open, places: &Places) -> Result<Open, Error> {
        let wanted = places.clone();
        let mut open = with(open, move |open| forget::delete(open, &wanted)).await?;
        let mut rest = Reader::new(self.database.clone()).reread(places);
        while let Some(batch) = rest.next().await? {
            open = with(open, move |open| open.add(&batch.envelopes)).await?;
        }
        Ok(open)
    }
}

/// Runs blocking work on an open index, which is closed if the work fails.
async fn with(mut open: Open, work: impl FnOnce(&mut Open) -> tantivy::Result<()> + Send + 'static) -> Result<Open, Error> {
    blocking(move || work(&mut open).map(|()| open)).await
}

#[async_trait]
impl Consumer for Indexer {
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
        // Closed first: its lock would keep us out of our own index.
        self.open = None;
        let is_live = self.copy_of.is_none();
        self.generation = match self.copy_of {
            Some(generation) => generation,
            None => checkpoint::generation(&self.database, NAME).await?,
        };
        let (root, generation) = (self.root.clone(), self.generation);
        let open = blocking(move || {
            let open = store::open(&root, generation)?;
            if is_live {
                store::remove_before(&root, generation);
            }
            Ok(open)
        })
        .await?;
        let Mark { position, fence } = open.mark;
        self.open = Some(open);
        match checkpoint::agree(&self.database, &self.name, position, fence, position).await {
            Ok(_) => Ok(position),
            Err(Error::Restored { .. }) if !is_live => {
                // What a rebuild had filled is of a log that is no more; it starts over.
                self.open = None;
                let directory = store::directory(&self.root, self.generation);
                blocking(move || {
                    store::remove(&directory);
                    Ok(())
                })
                .await?;
                self.open().await
            }
            Err(error) => {
                self.open = None;
                Err(error)
            }
        }
    }

    fn close(&mut self) {
        // The next owner, on this machine, needs the lock of the index.
        self.open = None;
    }

    async fn apply(&mut self, batch: &Batch, lease: &Lease) -> Result<(), Error> {
        let Mark { position: stands, fence } = self.mark().await?;
        if stands >= batch.span.through {
            return lease.record(&self.database, batch.span.through).await;
        }
        if stands != batch.span.after {
            // It was filled anew, or by another owner: the runner has to read from where it stands.
            return Err(Error::LeaseLost(self.name.clone()));
        }
        let mark = Mark { position: batch.span.through, fence: checkpoint::agree(&self.database, &self.name, stands, fence, batch.span.through).await? };
        let envelopes = batch.envelopes.clone();
        let mut open = with(self.take().await?, move |open| open.add(&envelopes)).await?;
        let places = Places::of(&batch.envelopes);
        if !places.is_empty() {
            open = self.forget(open, &places).await?;
        }
        lease.renew(&self.database).await?;
        failpoint::reach(failpoint::SEARCH_BEFORE_COMMIT);
        open = with(open, move |open| open.commit(mark)).await?;
        failpoint::reach(failpoint::SEARCH_AFTER_COMMIT);
        if !places.is_empty() {
            // What was deleted leaves the disk.
            open = blocking(move || forget::purge(open)).await?;
            checkpoint::unpark(&self.database, &self.name, &places).await?;
        }
        self.open = Some(open);
        lease.record(&self.database, batch.span.through).await
    }

    async fn retake(&mut self, envelope: &Envelope, lease: &Lease) -> Result<Retaken, Error> {
        lease.renew(&self.database).await?;
        let late = envelope.clone();
        // Where the index goes through stays; what a try before this one committed is replaced.
        let replace = with(self.take().await?, move |open| {
            open.writer.delete_term(open.fields.at(late.position));
            open.add(&[late])?;
            open.commit(open.mark)
        });
        self.open = Some(replace.await?);
        lease.unpark_after(&self.database, envelope.position).await?;
        Ok(Retaken::Done)
    }

    fn another(&self) -> Box<dyn Consumer> {
        Box::new(Self { database: self.database.clone(), root: self.root.clone(), name: NAME.to_owned(), copy_of: None, generation: 0, open: None })
    }

    async fn beside(&self) -> Result<Box<dyn Consumer>, Error> {
        let name = checkpoint::copy_name(NAME);
        let generation = checkpoint::generation(&self.database, NAME).await? + 1;
        // A rebuild that was killed goes on where it stood, unless the code has changed since.
        if checkpoint::enroll(&self.database, &name, 0).await? != VERSION {
            let directory = store::directory(&self.root, generation);
            blocking(move || {
                store::remove(&directory);
                Ok(())
            })
            .await?;
            checkpoint::restart(&self.database, &name, VERSION).await?;
        }
        Ok(Box::new(Self { database: self.database.clone(), root: self.root.clone(), name, copy_of: Some(generation), generation, open: None }))
    }

    async fn swap(&mut self, _transaction: &Transaction<'_>, _filled: &Moment) -> Result<(), Error> {
        // Everything is committed; the generation in the row makes it the live one. Closed, so that the live indexer
        // finds its lock free.
        self.open = None;
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> tantivy::Result<T> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::Store(NAME, Box::new(error))),
        // The runner takes a panic for what it is: trouble with the events.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Error::Store(NAME, Box::new(error))),
        },
    }
}
