//! Read, apply, repeat: one loop for every consumer.
//!
//! ```text
//! lease ─→ open ─→ read a batch ─→ apply ─→ … until the log ends; then wait for the tail
//!   ↑                                 │ trouble of the store: the same batch again, less and less often
//!   │                                 │ trouble of an event: one by one; ATTEMPTS_MAX tries, then parked
//!   └────── lease lost: stand by ─────┘
//!            the log was restored to an older state: complain, and wait for a rebuild
//! ```

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::sync::watch;

use super::checkpoint::{self, Lease};
use super::parked;
use super::{Consumer, Error, Meter, Next};
use crate::db::Database;
use crate::domain::clock::Timestamp;
use crate::domain::{Places, Position, Span};
use crate::log::{Batch, Tail, Window};
use crate::tasks::Stop;
use crate::telemetry::Metrics;

/// How often an event is tried alone before it is parked.
pub const ATTEMPTS_MAX: i32 = 3;
pub(super) const RETRY_FIRST: Duration = Duration::from_millis(100);
pub(super) const RETRY_MAX: Duration = Duration::from_secs(10);
pub(super) const STAND_BY: Duration = Duration::from_secs(2);
/// A server that rebuilds by itself says how far it is this often.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// What every consumer's loop needs. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    /// Where checkpoints and leases are.
    pub database: Database,
    /// The log's last stretch, which all loops of the process share.
    pub window: Window,
    /// Tells when there is more.
    pub tail: Tail,
    /// Tells when to stop.
    pub stop: Stop,
    /// Counts what is done.
    pub metrics: Metrics,
    /// The name of this process among the owners of leases.
    pub owner: String,
    /// How long a lease of this process holds without being renewed.
    pub lease_ttl: Duration,
}

/// What a step found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The log ends here.
    Nothing,
    /// A batch, and there was more.
    Some,
    /// All that there was.
    Rest,
}

/// Where a loop stands in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The last position taken.
    pub(super) position: Position,
    /// When it was received, if known.
    pub(super) since: Option<Timestamp>,
}

impl Place {
    /// The place after a batch.
    pub(super) fn beyond(self, batch: &Batch) -> Self {
        Self { position: batch.span.through, since: batch.envelopes.last().map(|last| last.received_at).or(self.since) }
    }
}

impl Runner {
    /// Follows the log until told to stop.
    pub async fn follow(mut self, mut consumer: Box<dyn Consumer>) {
        let (late, beside, another) = (watch::Sender::new(Vec::new()), self.clone(), consumer.another());
        tokio::join!(self.follow_in_order(consumer.as_mut(), &late), beside.rebuild_for(another.as_ref(), &late));
    }

    /// The same, leaving to others what comes late and takes a rebuild.
    async fn follow_in_order(&mut self, consumer: &mut dyn Consumer, late: &watch::Sender<Vec<Position>>) {
        let name = consumer.name().to_owned();
        let mut wait = RETRY_FIRST;
        while !self.stop.is_told() {
            let outcome = self.hold_and_follow(consumer, late).await;
            let Err(error) = outcome else { return };
            wait = match error.next() {
                Next::StandBy => STAND_BY,
                Next::Halt => {
                    tracing::error!(consumer = name, error = &error as &dyn std::error::Error, "{error}");
                    self.until_rebuilt(&name, &describe(&error)).await;
                    RETRY_FIRST
                }
                Next::Retry | Next::Park => {
                    tracing::warn!(consumer = name, error = &error as &dyn std::error::Error, "consumer {name} was interrupted, next try in {wait:?}");
                    (wait * 2).min(RETRY_MAX)
                }
            };
            self.stop.sleep(wait).await;
        }
    }

    /// Waits for as long as the complaint stands; a rebuild withdraws it.
    async fn until_rebuilt(&self, name: &str, complaint: &str) {
        loop {
            if self.stop.sleep(STAND_BY).await.is_stopped() {
                return;
            }
            // A database that does not answer says nothing about the complaint.
            if let Ok(stands) = checkpoint::complaint(&self.database, name).await
                && stands.as_deref() != Some(complaint)
            {
                return;
            }
        }
    }

    /// Takes the lease, follows until told to stop, gives the lease back.
    async fn hold_and_follow(&mut self, consumer: &mut dyn Consumer, late: &watch::Sender<Vec<Position>>) -> Result<(), Error> {
        let kept = checkpoint::enroll(&self.database, consumer.name(), consumer.version()).await?;
        if kept != consumer.version() {
            tracing::info!(consumer = consumer.name(), from = kept, to = consumer.version(), "{} has a new version and is rebuilt", consumer.name());
            self.rebuild_reporting(consumer).await?;
        }
        let lease = checkpoint::acquire_for(&self.database, consumer.name(), &self.owner, self.lease_ttl).await?;
        let lease = lease.ok_or_else(|| Error::LeaseLost(consumer.name().to_owned()))?;
        tracing::debug!(consumer = consumer.name(), epoch = lease.epoch, "{lease} starts");
        let outcome = self.follow_holding(consumer, &lease, late).await;
        consumer.close();
        if let Err(error) = &outcome
            && error.next() == Next::Halt
        {
            checkpoint::complain(&self.database, &lease, &describe(error)).await?;
        }
        if let Err(error) = lease.release(&self.database).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the lease {lease} ends by itself");
        }
        outcome
    }

    pub(super) async fn rebuild_reporting(&self, consumer: &dyn Consumer) -> Result<Position, Error> {
        let mut meter = Meter::default();
        let mut reported = Instant::now();
        self.rebuild(consumer, &mut |position, head| {
            let progress = meter.note(position, head);
            if reported.elapsed() >= REPORT_EVERY {
                reported = Instant::now();
                tracing::info!(consumer = consumer.name(), %position, %head, "{} is rebuilt to {progress}", consumer.name());
            }
        })
        .await
    }

    async fn follow_holding(&mut self, consumer: &mut dyn Consumer, lease: &Lease, late: &watch::Sender<Vec<Position>>) -> Result<(), Error> {
        let mut place = Place { position: consumer.open().await?, since: None };
        checkpoint::unpark_beyond(&self.database, &lease.consumer, place.position).await?;
        lease.record(&self.database, place.position).await?;
        let mut looked: Option<Instant> = None;
        while !self.stop.is_told() {
            // While it is rebuilt for some, others wait.
            if late.borrow().is_empty() && looked.is_none_or(|looked| looked.elapsed() >= parked::LOOK_EVERY) {
                late.send_replace(self.take_requested(consumer, lease).await?);
                looked = Some(Instant::now());
            }
            let started = Instant::now();
            match self.step(consumer, lease, &mut place).await? {
                Step::Some => continue,
                Step::Rest => {
                    self.stop.sleep(consumer.pace().saturating_sub(started.elapsed())).await;
                    continue;
                }
                Step::Nothing => {}
            }
            let stop = self.stop.clone();
            tokio::select! {
                () = stop.told() => {}
                // The loop that feeds the tail ends only when the server stops.
                _ = self.tail.beyond(place.position) => {}
                () = tokio::time::sleep_until(lease.due().into()) => {
                    lease.renew(&self.database).await?;
                    if self.tail.seen() < place.position {
                        // The log went back under it; what it keeps may have gone back too.
                        place = Place { position: consumer.open().await?, since: None };
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads and takes one batch.
    pub(super) async fn step(&self, consumer: &mut dyn Consumer, lease: &Lease, place: &mut Place) -> Result<Step, Error> {
        let batch = self.window.after(place.position, place.since, consumer.sources(), consumer.limits()).await?;
        if batch.span.is_empty() {
            return Ok(Step::Nothing);
        }
        self.take(consumer, lease, &batch).await?;
        *place = place.beyond(&batch);
        Ok(if batch.span.through < batch.head { Step::Some } else { Step::Rest })
    }

    /// Applies a batch, however often it takes; parks what cannot be taken.
    pub(super) async fn take(&self, consumer: &mut dyn Consumer, lease: &Lease, batch: &Batch) -> Result<(), Error> {
        // Batches that each are quick never come to the renewal beside them.
        if Instant::now() >= lease.due() {
            lease.renew(&self.database).await?;
        }
        let mut wait = RETRY_FIRST;
        let started = Instant::now();
        loop {
            let Err(error) = self.attempt(consumer, lease, batch).await else {
                self.metrics.consumed(consumer.name(), batch.envelopes.len(), started.elapsed());
                self.metrics.met_replays(consumer.name(), batch.envelopes.iter().filter(|envelope| envelope.is_replay()).count());
                return Ok(());
            };
            match error.next() {
                Next::StandBy | Next::Halt => return Err(error),
                Next::Park => return self.take_one_by_one(consumer, lease, batch).await,
                Next::Retry => {
                    tracing::warn!(consumer = consumer.name(), span = %batch.span, error = &error as &dyn std::error::Error, "{} did not take {}, next try in {wait:?}", consumer.name(), batch.span);
                    // The reason is for `status`; where the database is what fails, it cannot be kept there.
                    drop(checkpoint::complain(&self.database, lease, &describe(&error)).await);
                    if self.stop.sleep(wait).await.is_stopped() {
                        return Err(error);
                    }
                    lease.renew(&self.database).await?;
                    wait = (wait * 2).min(RETRY_MAX).min(self.lease_ttl / 2);
                }
            }
        }
    }

    async fn take_one_by_one(&self, consumer: &mut dyn Consumer, lease: &Lease, batch: &Batch) -> Result<(), Error> {
        let mut after = batch.span.after;
        for envelope in &batch.envelopes {
            let span = Span { after, through: envelope.position };
            let alone = Batch { span, envelopes: vec![envelope.clone()], head: batch.head };
            let mut attempts = 0;
            while let Err(error) = self.attempt(consumer, lease, &alone).await {
                if error.next() != Next::Park {
                    return Err(error);
                }
                attempts += 1;
                if attempts < ATTEMPTS_MAX {
                    continue;
                }
                let (reason, kind) = (describe(&error), kind(&error));
                if !Places::of(&alone.envelopes).is_empty() {
                    // Passing over it would keep what someone had taken away: rather stand still and say so.
                    drop(checkpoint::complain(&self.database, lease, &reason).await);
                    return Err(error);
                }
                tracing::error!(consumer = consumer.name(), event.id = %envelope.id, position = %envelope.position, kind, "{} parked {} after {attempts} tries; `hooklake parked list` says why", consumer.name(), envelope.id);
                checkpoint::park(&self.database, lease, envelope.position, &envelope.id.to_string(), &reason, attempts).await?;
                self.metrics.parked(consumer.name());
                self.attempt(consumer, lease, &Batch { span, envelopes: Vec::new(), head: batch.head }).await?;
                break;
            }
            after = envelope.position;
        }
        let rest = Span { after, through: batch.span.through };
        if rest.is_empty() {
            return Ok(());
        }
        self.attempt(consumer, lease, &Batch { span: rest, envelopes: Vec::new(), head: batch.head }).await
    }

    /// Applies a batch once.
    async fn attempt(&self, consumer: &mut dyn Consumer, lease: &Lease, batch: &Batch) -> Result<(), Error> {
        self.holding(lease, consumer.apply(batch, lease)).await
    }

    /// Does one piece of work, keeping the lease while it takes; a panic is an error of the events.
    pub(super) async fn holding<T>(&self, lease: &Lease, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut applying = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
        loop {
            // Side by side: the row that a renewal writes may be locked by the effect's own transaction, and then the
            // renewal waits for it. Nobody else can take the lease meanwhile, for they would wait for the same row.
            let renewed = async {
                tokio::time::sleep_until(lease.due().into()).await;
                lease.renew(&self.database).await
            };
            tokio::select! {
                outcome = &mut applying => return outcome.unwrap_or_else(|panic| Err(Error::Event(format!("panic: {}", panic_message(&*panic))))),
                renewed = renewed => renewed?,
            }
        }
    }
}

/// The error and its causes in one line.
pub(super) fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What can be said of an error in the server's log, where nobody redacts: its text may quote the event.
pub(super) fn kind(error: &Error) -> String {
    match error {
        Error::Database(error) => error.sqlstate().map_or_else(|| error.to_string(), |state| format!("SQLSTATE {}", state.code())),
        Error::Event(_) => "the event cannot be taken".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
