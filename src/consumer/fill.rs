//! Fills a copy on several connections at once, for consumers whose rows each come from one envelope, or follow from such rows.
//!
//! ```text
//! (0, 600]      read ─ rows ─ COMMIT ─┐
//! (600, 1200]   read ─ rows ─ COMMIT ─┼─ in this order ─→ checkpoint
//! (1200, 1800]  read ─ rows ─ …       ┘
//! ```
//!
//! Rows may then be there that the checkpoint does not say. That is safe because nobody reads a copy, and because a span
//! is cleared before it is filled: whatever a process that was killed or paused left beyond the checkpoint is replaced.
//! The checkpoint never says more than is there: both go through one WAL, in this order.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures::stream::{FuturesOrdered, StreamExt};
use futures::{FutureExt, TryFutureExt};

use super::runner::{ATTEMPTS_MAX, Place, RETRY_FIRST, RETRY_MAX, Runner, describe, kind, panic_message};
use super::{Error, Lease, Next, checkpoint};
use crate::domain::clock::Timestamp;
use crate::domain::{Position, Span};
use crate::log::{Batch, Reader};

/// Positions of one span: about as many real payloads as fit into a transaction.
const SPAN: i64 = 600;
/// The most bytes of bodies of one transaction, save that one envelope always goes.
const BYTES_MAX: i64 = 8 << 20;
/// Spans at work at once, at most; fewer where there are fewer cores.
const AT_ONCE_MAX: usize = 4;

/// Writes the rows of spans in any order.
#[async_trait]
pub trait Filler: Send + Sync {
    /// Writes a batch's rows in place of what is there for its span, if the lease is still held. The checkpoint stays.
    async fn fill(&self, batch: &Batch, lease: &Lease) -> Result<(), Error>;

    /// The sources that it follows; none for all of them.
    fn sources(&self) -> Option<&[&str]>;
}

/// What all spans share.
struct Filling {
    runner: Runner,
    filler: Arc<dyn Filler>,
    lease: Lease,
}

impl Runner {
    /// Fills a copy from its place through `until`; `progress` is told after each span.
    pub(super) async fn fill(
        &self,
        filler: Arc<dyn Filler>,
        lease: &Lease,
        place: &mut Place,
        until: Position,
        progress: &mut (dyn FnMut(Position, Position) + Send),
    ) -> Result<(), Error> {
        let at_once = std::thread::available_parallelism().map_or(1, |cores| cores.get() + 1).min(AT_ONCE_MAX);
        let filling = Arc::new(Filling { runner: self.clone(), filler, lease: lease.clone() });
        let mut spans = FuturesOrdered::new();
        let mut after = place.position;
        loop {
            while after < until && spans.len() < at_once {
                let span = Span { after, through: Position::new(until.get().min(after.get() + SPAN)) };
                after = span.through;
                spans.push_back(Arc::clone(&filling).span(span, place.since));
            }
            let Some(outcome) = self.holding(lease, async { Ok(spans.next().await) }).await? else { return Ok(()) };
            let (span, since) = outcome?;
            if Instant::now() >= lease.due() {
                lease.renew(&self.database).await?;
            }
            self.settle(lease, span).await?;
            place.position = span.through;
            place.since = since.or(place.since);
            progress(place.position, until);
            if self.stop.is_told() {
                return Err(Error::LeaseLost(lease.consumer.clone()));
            }
        }
    }

    /// Moves a copy's checkpoint over a span that is filled. Need not be on disk yet: the swap will be, and what comes
    /// before it with it.
    async fn settle(&self, lease: &Lease, span: Span) -> Result<(), Error> {
        let mut connection = self.database.get().await?;
        let transaction = connection.transaction().await?;
        transaction.batch_execute("SET LOCAL synchronous_commit = off").await?;
        lease.advance(&transaction, span).await?;
        transaction.commit().await?;
        Ok(())
    }
}

impl Filling {
    /// Fills a span on a thread of its own, as reading bodies and making rows is what takes the time.
    async fn span(self: Arc<Self>, span: Span, since: Option<Timestamp>) -> Result<(Span, Option<Timestamp>), Error> {
        let runtime = tokio::runtime::Handle::current();
        let working = tokio::task::spawn_blocking(move || runtime.block_on(self.batches(span, since)));
        working.await.unwrap_or_else(|failed| Err(Error::Event(format!("panic: {failed}"))))
    }

    async fn batches(&self, span: Span, mut since: Option<Timestamp>) -> Result<(Span, Option<Timestamp>), Error> {
        let reader = Reader::new(self.runner.database.clone());
        let mut rest = span;
        while !rest.is_empty() {
            let batch = reader.within(rest, since, self.filler.sources(), BYTES_MAX).await?;
            self.take(&batch).await?;
            since = batch.envelopes.last().map(|last| last.received_at).or(since);
            rest.after = batch.span.through;
        }
        Ok((span, since))
    }

    /// Fills a batch, however often it takes; parks what cannot be taken.
    async fn take(&self, batch: &Batch) -> Result<(), Error> {
        let runner = &self.runner;
        let mut wait = RETRY_FIRST;
        let started = Instant::now();
        loop {
            let Err(error) = self.attempt(batch).await else {
                runner.metrics.consumed(&self.lease.consumer, batch.envelopes.len(), started.elapsed());
                return Ok(());
            };
            match error.next() {
                Next::StandBy | Next::Halt => return Err(error),
                Next::Park => return self.take_one_by_one(batch).await,
                Next::Retry => {
                    tracing::warn!(consumer = self.lease.consumer, span = %batch.span, error = &error as &dyn std::error::Error, "{} did not take {}, next try in {wait:?}", self.lease.consumer, batch.span);
                    drop(checkpoint::complain(&runner.database, &self.lease, &describe(&error)).await);
                    if runner.stop.sleep(wait).await.is_stopped() {
                        return Err(error);
                    }
                    wait = (wait * 2).min(RETRY_MAX);
                }
            }
        }
    }

    async fn take_one_by_one(&self, batch: &Batch) -> Result<(), Error> {
        for envelope in &batch.envelopes {
            let span = Span { after: Position::new(envelope.position.get() - 1), through: envelope.position };
            let alone = Batch { span, envelopes: vec![envelope.clone()], head: batch.head };
            let mut attempts = 0;
            while let Err(error) = self.attempt(&alone).await {
                if error.next() != Next::Park {
                    return Err(error);
                }
                attempts += 1;
                if attempts == ATTEMPTS_MAX {
                    let (reason, kind) = (describe(&error), kind(&error));
                    tracing::error!(consumer = self.lease.consumer, event.id = %envelope.id, position = %envelope.position, kind, "{} parked {} after {attempts} tries; `hooklake parked list` says why", self.lease.consumer, envelope.id);
                    checkpoint::park(&self.runner.database, &self.lease, envelope.position, &envelope.id.to_string(), &reason, attempts).await?;
                    self.runner.metrics.parked(&self.lease.consumer);
                    break;
                }
            }
        }
        Ok(())
    }

    async fn attempt(&self, batch: &Batch) -> Result<(), Error> {
        let filling = AssertUnwindSafe(self.filler.fill(batch, &self.lease)).catch_unwind();
        filling.unwrap_or_else(|panic| Err(Error::Event(format!("panic: {}", panic_message(&*panic))))).await
    }
}
