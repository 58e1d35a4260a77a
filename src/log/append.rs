//! The only writer of the log: group commit, dedupe and chain in one statement (decisions D3 to D5).
//!
//! ```text
//! requests ─QUEUE_ENTRIES_MAX→ LANES batches in flight ─→ log.append
//! ```
//!
//! A request is answered after COMMIT. When the outcome of a batch is unknown it is sent again with the same ids, which
//! `log.append` answers as the first time if it had committed; when the time is up the sender is told to come back, and
//! the delivery key sorts it out.

mod batches;
mod columns;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use batches::{Batch, Batches};
use columns::Columns;

use super::chain::{self, Hash, Leaf};
use super::recent::Recent;
use crate::db::{self, Database};
use crate::domain::clock::Timestamp;
use crate::domain::envelope::{Flag, Headers, Verdict};
use crate::domain::{EventId, Position, Tenant};
use crate::failpoint;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

const APPEND: &str = include_str!("append.sql");

/// Requests that may wait for a lane; one more is told to come back later.
pub const QUEUE_ENTRIES_MAX: usize = 1024;
/// Batches in flight at once, each on one of the connections that are [reserved](db::RESERVED): while one commits, the next is on its way.
pub const LANES: usize = 3;
/// How long a batch is tried before its senders are told to come back. Slack allows 3 s for the whole answer.
pub const BATCH_TIME_MAX: Duration = Duration::from_secs(2);
/// The longest delivery key; longer ones are hashed by the source.
pub const DELIVERY_KEY_BYTES_MAX: usize = 256;

/// An authentic delivery, ready for the log.
#[derive(Debug, Clone)]
pub struct NewEnvelope {
    /// Its name.
    pub id: EventId,
    /// Whose it is, from the credential.
    pub tenant: Tenant,
    /// Where it came from.
    pub source: String,
    /// What makes it the same delivery when it comes again.
    pub delivery_key: String,
    /// Its type as far as known without reading the payload.
    pub event_type: String,
    /// When the server saw it.
    pub arrived_at: Timestamp,
    /// The headers that may be kept.
    pub headers: Headers,
    /// The body as received.
    pub body: Bytes,
    /// How it was proved.
    pub verdict: Verdict,
    /// Which secret proved it.
    pub secret_id: Option<String>,
    /// The first eight bytes of a signature over the body alone, by which a replay is recognised.
    pub signature_tag: Option<i64>,
    /// What was noticed.
    pub flags: Vec<Flag>,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log now.
    Accepted,
    /// It was in the log already.
    Duplicate,
    /// Its key was in the log with another body; the first is kept, this one is recorded beside.
    Conflict,
}

/// The proof that a delivery is in the log, durably.
#[derive(Debug, Clone, Copy)]
pub struct Receipt {
    /// What became of it.
    pub outcome: Outcome,
    /// The name of the envelope in the log; of the first one, for a duplicate.
    pub id: EventId,
    /// Its place.
    pub position: Position,
}

/// Why a delivery is not known to be in the log.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// More requests wait than may; nothing was stored.
    #[error("too many deliveries wait to be stored")]
    Busy,
    /// The batch failed or its outcome is unknown; the sender should come again with the same key.
    #[error("could not store the delivery")]
    Database(#[source] Arc<db::Error>),
    /// The server is stopping; nothing was stored.
    #[error("the server is stopping")]
    Stopping,
}

/// The door to the log for writing. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Appender {
    queue: mpsc::Sender<Request>,
}

struct Request {
    envelope: Sealed,
    reply: oneshot::Sender<Result<Receipt, AppendError>>,
}

/// An envelope with its commitments, computed by the request's own task.
struct Sealed {
    new: NewEnvelope,
    headers: String,
    salt: [u8; 16],
    body_hash: Hash,
    leaf: Hash,
}

impl Appender {
    /// Starts the lanes; they end after the last clone of the appender is gone and the queue is empty. What they append
    /// stays with `recent` for a reader in this process.
    #[must_use]
    pub fn start(database: &Database, tasks: &Tasks, metrics: &Metrics, recent: &Recent) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let batches = Arc::new(Batches::of(waiting));
        let appended = Arc::new(Notify::new());
        for _ in 0..LANES {
            let lane = Lane {
                database: database.clone(),
                batches: Arc::clone(&batches),
                appended: Arc::clone(&appended),
                metrics: metrics.clone(),
                recent: recent.clone(),
            };
            tasks.spawn("log.append", lane.run());
        }
        tasks.spawn_until_stopped("log.notify", super::tail::announce(database.clone(), appended));
        Self { queue }
    }

    /// Stores a delivery; returns after COMMIT.
    ///
    /// # Errors
    /// See [`AppendError`]: only [`AppendError::Database`] leaves open whether it was stored.
    pub async fn append(&self, envelope: NewEnvelope) -> Result<Receipt, AppendError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { envelope: Sealed::new(envelope)?, reply };
        self.queue.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppendError::Busy,
            mpsc::error::TrySendError::Closed(_) => AppendError::Stopping,
        })?;
        answer.await.map_err(|_| AppendError::Stopping)?
    }

    /// True when one more request would be told to come back.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.queue.capacity() == 0
    }

    /// Requests that wait for a lane now.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        QUEUE_ENTRIES_MAX - self.queue.capacity()
    }
}

impl Sealed {
    fn new(mut new: NewEnvelope) -> Result<Self, AppendError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| AppendError::Database(Arc::new(db::Error::Settings(format!("no random numbers: {error}")))))?;
        // From here on as the text that is stored: both would be kept for as long as it waits.
        let headers = serde_json::to_string(&std::mem::take(&mut new.headers)).unwrap_or_else(|_| "[]".to_owned());
        let body_hash = chain::body_hash(&salt, &new.body);
        let leaf = Leaf {
            id: new.id,
            tenant: new.tenant.as_str(),
            source: &new.source,
            delivery_key: &new.delivery_key,
            event_type: &new.event_type,
            arrived_at: new.arrived_at,
            headers: &headers,
            body_hash: &body_hash,
            verdict: new.verdict.as_str(),
            secret_id: new.secret_id.as_deref().unwrap_or_default(),
        }
        .hash();
        Ok(Self { new, headers, salt, body_hash, leaf })
    }
}

struct Lane {
    database: Database,
    batches: Arc<Batches>,
    appended: Arc<Notify>,
    metrics: Metrics,
    recent: Recent,
}

impl Lane {
    async fn run(self) {
        while let Some(Batch { requests, flight }) = self.batches.next().await {
            let (envelopes, replies): (Vec<_>, Vec<_>) = requests.into_iter().map(|request| (request.envelope, request.reply)).unzip();
            let started = Instant::now();
            // Before anyone can see them in the log.
            for sealed in &envelopes {
                self.recent.put(sealed.new.id, sealed.new.body.clone());
            }
            let outcome = self.store(&envelopes).await;
            drop(flight);
            match outcome {
                Ok(receipts) => {
                    self.metrics.appended(envelopes.len(), receipts.iter().filter(|receipt| receipt.outcome == Outcome::Accepted).count(), started.elapsed());
                    for (sealed, _) in envelopes.iter().zip(&receipts).filter(|(_, receipt)| receipt.outcome != Outcome::Accepted) {
                        self.recent.take(sealed.new.id);
                    }
                    self.appended.notify_one();
                    for (reply, receipt) in replies.into_iter().zip(receipts) {
                        // A sender that left before the answer will come again and be told that it is a duplicate.
                        drop(reply.send(Ok(receipt)));
                    }
                }
                Err(error) => {
                    for sealed in &envelopes {
                        self.recent.take(sealed.new.id);
                    }
                    self.metrics.append_failed();
                    tracing::error!(error = &error as &dyn std::error::Error, entries = envelopes.len(), "a batch of {} could not be stored", envelopes.len());
                    let error = Arc::new(error);
                    for reply in replies {
                        drop(reply.send(Err(AppendError::Database(Arc::clone(&error)))));
                    }
                }
            }
        }
    }

    /// Stores a batch, again and again until it is known to be stored or the time is up.
    async fn store(&self, batch: &[Sealed]) -> Result<Vec<Receipt>, db::Error> {
        let give_up = Instant::now() + BATCH_TIME_MAX;
        tokio::time::timeout_at(give_up, self.store_until(give_up, batch)).await.unwrap_or(Err(db::Error::TimedOut(BATCH_TIME_MAX)))
    }

    async fn store_until(&self, give_up: Instant, batch: &[Sealed]) -> Result<Vec<Receipt>, db::Error> {
        loop {
            let mut error = match self.attempt(batch).await {
                Ok(receipts) => return Ok(receipts),
                Err(error) => error,
            };
            if is_missing_partition(&error) {
                match self.ensure_partitions().await {
                    Ok(1..) => continue,
                    // Another has made it, or it is not what was missing.
                    Ok(_) => {}
                    Err(refused) => error = refused,
                }
            }
            if error.is_bad_data() && !is_missing_partition(&error) || Instant::now() + RETRY_WAIT >= give_up {
                return Err(error);
            }
            tokio::time::sleep(RETRY_WAIT).await;
        }
    }

    async fn ensure_partitions(&self) -> Result<i32, db::Error> {
        let guard = Discard(Some(self.database.reserved().await?));
        let made = super::partition::ensure(guard.connection()).await?;
        guard.keep();
        Ok(made)
    }

    async fn attempt(&self, batch: &[Sealed]) -> Result<Vec<Receipt>, db::Error> {
        let guard = Discard(Some(self.database.reserved().await?));
        failpoint::reach(failpoint::APPEND_BEFORE);
        let rows = {
            let connection = guard.connection();
            let statement = connection.prepare_cached(APPEND).await?;
            let columns = Columns::of(batch);
            connection.query(&statement, &columns.parameters()).await?
        };
        guard.keep();
        failpoint::reach(failpoint::APPEND_AFTER_COMMIT);
        let mut receipts: Vec<Option<Receipt>> = vec![None; batch.len()];
        for row in rows {
            let ordinal: i32 = row.get("ordinal");
            let receipt = Receipt {
                outcome: match row.get("outcome") {
                    "accepted" => Outcome::Accepted,
                    "duplicate" => Outcome::Duplicate,
                    _ => Outcome::Conflict,
                },
                id: EventId::from_uuid(row.get("event_id")),
                position: Position::new(row.get::<_, Option<i64>>("log_position").unwrap_or_default()),
            };
            if let Some(slot) = usize::try_from(ordinal - 1).ok().and_then(|index| receipts.get_mut(index)) {
                *slot = Some(receipt);
            }
        }
        receipts
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| db::Error::Settings("log.append answered for fewer deliveries than it was given".to_owned()))
    }
}

const RETRY_WAIT: Duration = Duration::from_millis(50);

/// Returns a connection to the pool only when its statement ended; one that was given up in the middle is closed.
struct Discard(Option<deadpool_postgres::Object>);

impl Discard {
    #[expect(clippy::expect_used, reason = "only `keep` and `drop` take it, and both end it")]
    fn connection(&self) -> &deadpool_postgres::Object {
        self.0.as_ref().expect("held until dropped")
    }

    fn keep(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Discard {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(deadpool_postgres::Object::take(connection));
        }
    }
}

/// PostgreSQL's answer to a row that no partition takes: a check violation that names no constraint.
fn is_missing_partition(error: &db::Error) -> bool {
    match error {
        db::Error::Statement(error) => {
            error.as_db_error().is_some_and(|error| *error.code() == tokio_postgres::error::SqlState::CHECK_VIOLATION && error.constraint().is_none())
        }
        _ => false,
    }
}
