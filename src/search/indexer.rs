//! The consumer that keeps the index.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tantivy::Term;
use tokio_postgres::Transaction;

use super::forget;
use super::schema::VERSION;
use super::store::{self, Mark, Open};
use crate::consumer::{Consumer, Error, Lease, Retaken, checkpoint};
use crate::db::Database;
use crate::domain::{Envelope, Places, Position};
use crate::failpoint;
use crate::log::{Batch, BatchLimits, Reader};

/// The name of the consumer.
pub const NAME: &str = "search";
/// The most entries of one commit.
pub const BATCH_ENTRIES_MAX: u32 = 2_000;
/// The most bytes of bodies of one commit, save that one envelope always goes.
pub const BATCH_BYTES_MAX: i64 = 8 << 20;

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

    /// Adds the documents of a batch, without committing them.
    async fn add(&mut self, envelopes: &[Envelope]) -> Result<(), Error> {
        let envelopes = envelopes.to_vec();
        self.with_index(move |open| {
            for document in envelopes.iter().filter_map(|envelope| open.fields.document(envelope)) {
                open.writer.add_document(document)?;
            }
            Ok(())
        })
        .await
    }

    /// Takes out what acts of the batch took away, and adds what the log still says, without committing.
    async fn forget(&mut self, places: &Places) -> Result<(), Error> {
        let wanted = places.clone();
        self.with_index(move |open| forget::delete(open, &wanted)).await?;
        let mut rest = Reader::new(self.database.clone()).reread(places);
        while let Some(batch) = rest.next().await? {
            self.with_index(move |open| forget::add(open, &batch.envelopes)).await?;
        }
        Ok(())
    }

    /// Lets what was deleted leave the disk.
    async fn purge(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else { return Err(Error::LeaseLost(self.name.clone())) };
        self.open = Some(blocking(move || forget::purge(open)).await?);
        Ok(())
    }

    /// Commits what was added, with what the index then is of the log.
    async fn commit(&mut self, mark: Mark) -> Result<(), Error> {
        self.with_index(move |open| {
            let mut commit = open.writer.prepare_commit()?;
            commit.set_payload(&mark.payload());
            commit.commit()?;
            open.mark = mark;
            Ok(())
        })
        .await
    }

    /// Runs blocking work on the open index, which stays open only if the work succeeds.
    async fn with_index(&mut self, work: impl FnOnce(&mut Open) -> tantivy::Result<()> + Send + 'static) -> Result<(), Error> {
        let Some(mut open) = self.open.take() else {
            return Err(Error::LeaseLost(self.name.clone()));
        };
        let open = blocking(move || work(&mut open).map(|()| open)).await?;
        self.open = Some(open);
        Ok(())
    }
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
        if self.open.is_none() {
            self.open().await?;
        }
        let Some(Mark { position: stands, fence }) = self.open.as_ref().map(|open| open.mark) else {
            return Err(Error::LeaseLost(self.name.clone()));
        };
        if stands < batch.span.through {
            if stands != batch.span.after {
                // It was filled anew, or by another owner: the runner has to read from where it stands.
                return Err(Error::LeaseLost(self.name.clone()));
            }
            let fence = checkpoint::agree(&self.database, &self.name, stands, fence, batch.span.through).await?;
            self.add(&batch.envelopes).await?;
            let places = Places::of(&batch.envelopes);
            if !places.is_empty() {
                self.forget(&places).await?;
            }
            if let Err(error) = lease.renew(&self.database).await {
                self.open = None;
                return Err(error);
            }
            failpoint::reach(failpoint::SEARCH_BEFORE_COMMIT);
            self.commit(Mark { position: batch.span.through, fence }).await?;
            failpoint::reach(failpoint::SEARCH_AFTER_COMMIT);
            if !places.is_empty() {
                self.purge().await?;
                checkpoint::unpark(&self.database, &self.name, &places).await?;
            }
        }
        lease.record(&self.database, batch.span.through).await
    }

    async fn retake(&mut self, envelope: &Envelope, lease: &Lease) -> Result<Retaken, Error> {
        if self.open.is_none() {
            self.open().await?;
        }
        lease.renew(&self.database).await?;
        let late = envelope.clone();
        // Where the index goes through stays; what a try before this one committed is replaced.
        self.with_index(move |open| {
            open.writer.delete_term(Term::from_field_text(open.fields.id, &late.id.to_string()));
            if let Some(document) = open.fields.document(&late) {
                open.writer.add_document(document)?;
            }
            let mut commit = open.writer.prepare_commit()?;
            commit.set_payload(&open.mark.payload());
            commit.commit().map(drop)
        })
        .await?;
        lease.unpark_after(&self.database, envelope.position).await?;
        Ok(Retaken::Done)
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

    async fn swap(&mut self, _transaction: &Transaction<'_>) -> Result<(), Error> {
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
