//! The one way to follow the log.
//!
//! A [`Consumer`] takes batches in order and keeps its effect and its checkpoint in one atomic step (decision D8): in
//! PostgreSQL the same transaction ([`projection`] does this for every table), in tantivy the commit's payload, in the
//! lake the Delta `txn`. The [`runner`] reads, applies and repeats; after a crash the same batch comes again. A
//! [`checkpoint::Lease`] keeps one owner per consumer across instances, and every effect checks its epoch. What a
//! consumer cannot take is parked with its reason after a few tries, and the rest goes on. [`rebuild`] fills a fresh
//! copy beside the live one and swaps; where the order of envelopes does not matter, [`fill`] does it on several
//! connections at once. A checkpoint carries a [`Fence`](crate::log::Fence): a consumer that is ahead of a
//! restored log stops, says so, and waits to be rebuilt (decision 0011).
//!
//! There is no exactly-once here, only atomic steps that are safe to repeat.

pub mod checkpoint;
pub mod copy;
pub mod diff;
pub mod fill;
mod forget;
pub mod meter;
pub mod older;
pub mod parked;
pub mod projection;
pub mod rebuild;
pub mod runner;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use checkpoint::Lease;
pub use fill::Filler;
pub use meter::Meter;
pub use older::Moment;
pub use projection::{Projection, Projector};
pub use runner::Runner;

use crate::db;
use crate::db::Transaction;
use crate::domain::{Envelope, Places, Position};
use crate::log::{At, Batch, BatchLimits};

/// A consumer's pace, unless it has one of its own.
const PACE: Duration = Duration::from_millis(100);

/// Follows the log. After a crash the same batch comes again, so `apply` must be safe to repeat.
#[async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// The key of its checkpoint; never reused for something else.
    fn name(&self) -> &str;

    /// The version of what it keeps: raised when the same log would give another result, which makes the runner
    /// rebuild it.
    fn version(&self) -> i32;

    /// The sources that it follows; none for all of them.
    fn sources(&self) -> Option<&[&str]> {
        None
    }

    /// How much it takes at once.
    fn limits(&self) -> BatchLimits {
        BatchLimits::default()
    }

    /// The least time between two batches that each took all there was. A small batch costs nearly as much as a large one:
    /// what comes meanwhile goes into the next.
    fn pace(&self) -> Duration {
        PACE
    }

    /// Opens what it keeps; returns where its effect stands, which the log must agree with: see [`checkpoint::agree`].
    async fn open(&mut self) -> Result<Position, Error>;

    /// Takes a batch that starts where its effect stands: effect and checkpoint in one atomic step, if the lease is
    /// still held. A batch without envelopes only moves the checkpoint. Part of the step is to forget: when the batch
    /// holds acts that redacted or retired places of the log ([`Places::of`](crate::domain::Places::of)), nothing made
    /// from what these places said before may be left.
    async fn apply(&mut self, batch: &Batch, lease: &Lease) -> Result<(), Error>;

    /// Takes an event that it had set aside, behind its checkpoint: the effect and the end of its parking in one atomic
    /// step if the lease is still held, or the effect first where it can be repeated. The result must be that of a fresh
    /// fold; where the order matters, a rebuild brings it.
    async fn retake(&mut self, _envelope: &Envelope, _lease: &Lease) -> Result<Retaken, Error> {
        Ok(Retaken::ByRebuild)
    }

    /// Another one that keeps the same, not opened: a rebuild is given it while this one follows.
    fn another(&self) -> Box<dyn Consumer>;

    /// A copy that a rebuild fills beside the live one: empty, or where a rebuild that was killed had brought it.
    async fn beside(&self) -> Result<Box<dyn Consumer>, Error>;

    /// The PostgreSQL tables that it keeps; none for what is kept elsewhere.
    fn tables(&self) -> &[&str] {
        &[]
    }

    /// An empty copy under a name of its own, for what it was at some position; none for what is no table.
    async fn as_of(&self) -> Result<Option<Box<dyn Consumer>>, Error> {
        Ok(None)
    }

    /// Shows readers this copy, which is filled as of a position. What was taken out of the log while it was filled goes
    /// from it; what is taken out later, the live one takes out of both.
    async fn publish(&mut self, _transaction: &mut Transaction<'_>, _at: Position, _taken: Places) -> Result<(), Error> {
        Ok(())
    }

    /// Takes out of the copy that readers are shown what was taken out of the log. The live one does so with every act that it
    /// takes; a rebuild does it with those that the live one has not seen and the one that takes its place has.
    async fn forget_as_of(&self, _transaction: &mut Transaction<'_>, _taken: Places) -> Result<(), Error> {
        Ok(())
    }

    /// Lets go of what would keep another owner out.
    fn close(&mut self) {}

    /// Fills a copy out of order, for a consumer whose rows each come from one envelope, or follow from such rows.
    fn filler(&self) -> Option<Arc<dyn Filler>> {
        None
    }

    /// Does to a copy that has reached the end of the log what is quicker done once than with every batch, as long as the lease
    /// is held.
    async fn complete(&mut self, _lease: &Lease) -> Result<(), Error> {
        Ok(())
    }

    /// Makes this copy the live one, which a rebuild had `filled` to where the live one stood at that moment. The transaction
    /// holds the live consumer still; committing it completes the swap.
    async fn swap(&mut self, transaction: &Transaction<'_>, filled: &Moment) -> Result<(), Error>;
}

/// What became of an event that comes late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retaken {
    /// It was taken, and is no longer parked.
    Done,
    /// Only a rebuild gives the result that it would have had in its place.
    ByRebuild,
}

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do it.
    #[error("the database refused")]
    Database(#[from] db::Error),
    /// Another instance holds the lease, or this one lost it.
    #[error("the lease of {0} is held elsewhere")]
    LeaseLost(String),
    /// This consumer's own store failed.
    #[error("{0} could not be written")]
    Store(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The log lacks what was taken from it: it was restored to an older state, and gives the positions to others.
    #[error(
        "the log was restored to an older state: {consumer} is ahead at {position} with chain {kept}, the log says {log}; run `hooklake rebuild {consumer}`"
    )]
    Restored {
        /// Who is ahead.
        consumer: String,
        /// Where it stands.
        position: Position,
        /// What it remembers of the log there.
        kept: String,
        /// What the log says.
        log: At,
    },
    /// Somebody reads in a snapshot to which a copy's rows are too young.
    #[error("{0} may still read what was there before")]
    Readers(String),
    /// An event cannot be taken, whatever is tried.
    #[error("the event cannot be taken: {0}")]
    Event(String),
}

/// What comes after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The same again, later: nothing is wrong with the events.
    Retry,
    /// The events one by one, and those that fail are parked.
    Park,
    /// Wait until the lease is free.
    StandBy,
    /// Nothing, until someone has rebuilt it.
    Halt,
}

impl Error {
    /// What comes next.
    #[must_use]
    pub fn next(&self) -> Next {
        match self {
            Self::Database(error) if error.is_bad_data() => Next::Park,
            Self::Database(_) | Self::Store(..) | Self::Readers(_) => Next::Retry,
            Self::LeaseLost(_) => Next::StandBy,
            Self::Restored { .. } => Next::Halt,
            Self::Event(_) => Next::Park,
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}
