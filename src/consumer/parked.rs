//! Events that a consumer could not take: looked at, tried again, or given up by someone who says why.
//!
//! What a consumer keeps has one writer, the owner of its lease. So another try is a request in the event's row, which
//! the owner picks up: [`Runner`] looks every [`LOOK_EVERY`]. The event comes late then, behind the checkpoint. A consumer
//! that keeps a row per event takes it in one atomic step with the end of its parking ([`Consumer::retake`]); one whose
//! result depends on the order is rebuilt beside, while it goes on with the log, and swapped. Either way it is a fold of the log again (I5).

use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::Row;

use super::runner::{RETRY_MAX, Runner, describe, kind};
use super::{Consumer, Error, Lease, Retaken};
use crate::db::{self, Database, Transaction};
use crate::domain::clock::Timestamp;
use crate::domain::{Envelope, Position};
use crate::log::{BatchLimits, Reader};

const LIST: &str = include_str!("parked/list.sql");
const GROUPS: &str = include_str!("parked/groups.sql");
const ONE: &str = include_str!("parked/one.sql");
const REQUEST: &str = include_str!("parked/request.sql");
const REQUESTED: &str = include_str!("parked/requested.sql");
const OUTCOME: &str = include_str!("parked/outcome.sql");
const FAILED_AGAIN: &str = include_str!("parked/failed_again.sql");
const UNPARK: &str = include_str!("parked/unpark.sql");
const DROP: &str = include_str!("parked/drop.sql");

/// How often the owner of a lease looks for requests.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The type of the envelope that records that a loss was accepted.
pub const DROPPED_TYPE: &str = "parked_event_dropped";

/// An event that a consumer set aside.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parked {
    /// Which consumer.
    pub consumer: String,
    /// The event's place in the log.
    pub position: Position,
    /// Its name.
    pub event_id: String,
    /// Why it was not taken, when it was last tried.
    pub reason: String,
    /// How often it was tried alone.
    pub attempts: i32,
    /// When it was set aside.
    pub parked_at: Timestamp,
    /// When it was last tried again.
    pub tried_at: Option<Timestamp>,
    /// Since when someone waits for another try.
    pub retry_requested_at: Option<Timestamp>,
    /// When someone accepted its loss.
    pub dropped_at: Option<Timestamp>,
    /// Why.
    pub drop_reason: Option<String>,
}

impl From<Row> for Parked {
    fn from(row: Row) -> Self {
        Self {
            consumer: row.get("consumer"),
            position: Position::new(row.get("position")),
            event_id: row.get("event_id"),
            reason: row.get("reason"),
            attempts: row.get("attempts"),
            parked_at: row.get("parked_at"),
            tried_at: row.get("tried_at"),
            retry_requested_at: row.get("retry_requested_at"),
            dropped_at: row.get("dropped_at"),
            drop_reason: row.get("drop_reason"),
        }
    }
}

/// The first `limit` parked events, of one consumer or of all; with those whose loss was accepted if asked for.
///
/// # Errors
/// When the database does not answer.
pub async fn list(database: &Database, consumer: Option<&str>, with_dropped: bool, limit: u32) -> Result<Vec<Parked>, db::Error> {
    let rows = database.get().await?.query(LIST, &[&consumer, &with_dropped, &i64::from(limit)]).await?;
    Ok(rows.into_iter().map(Parked::from).collect())
}

/// Parked events with one reason, but for numbers and quoted words in it.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Which consumer.
    pub consumer: String,
    /// What their reasons have in common.
    pub error: String,
    /// How many there are.
    pub events: i64,
    /// When the first one was set aside.
    pub first_parked_at: Timestamp,
    /// When the last one was.
    pub last_parked_at: Timestamp,
    /// The first place in the log.
    pub first_position: Position,
    /// The last one.
    pub last_position: Position,
    /// How many of them someone wants to be tried again.
    pub retry_requested: i64,
    /// How many were given up.
    pub dropped: i64,
    /// The whole reason of the last one.
    pub example: String,
}

/// The `limit` largest groups of parked events, of one consumer or of all; with those given up if asked for.
///
/// # Errors
/// When the database does not answer.
pub async fn groups(database: &Database, consumer: Option<&str>, with_dropped: bool, limit: u32) -> Result<Vec<Group>, db::Error> {
    let rows = database.get().await?.query(GROUPS, &[&consumer, &with_dropped, &i64::from(limit)]).await?;
    let group = |row: &Row| Group {
        consumer: row.get("consumer"),
        error: row.get("error"),
        events: row.get("events"),
        first_parked_at: row.get("first_parked_at"),
        last_parked_at: row.get("last_parked_at"),
        first_position: Position::new(row.get("first_position")),
        last_position: Position::new(row.get("last_position")),
        retry_requested: row.get("retry_requested"),
        dropped: row.get("dropped"),
        example: row.get("example"),
    };
    Ok(rows.iter().map(group).collect())
}

/// A parked event, if it is parked.
///
/// # Errors
/// When the database does not answer.
pub async fn one(database: &Database, consumer: &str, position: Position) -> Result<Option<Parked>, db::Error> {
    let row = database.get().await?.query_opt(ONE, &[&consumer, &position.get()]).await?;
    Ok(row.map(Parked::from))
}

/// Asks for another try of one event, or of all that nobody gave up; returns which.
///
/// # Errors
/// When the database does not answer.
pub async fn request(database: &Database, consumer: &str, position: Option<Position>) -> Result<Vec<Position>, db::Error> {
    let rows = database.get().await?.query(REQUEST, &[&consumer, &position.map(Position::get)]).await?;
    Ok(rows.iter().map(|row| Position::new(row.get(0))).collect())
}

/// How requests stand.
#[derive(Debug)]
pub struct Outcome {
    /// How many nobody has picked up.
    pub waiting: i64,
    /// Which were tried and not taken.
    pub failed: Vec<Position>,
}

/// What became of requests.
///
/// # Errors
/// When the database does not answer.
pub async fn outcome(database: &Database, consumer: &str, requested: &[Position]) -> Result<Outcome, db::Error> {
    let positions: Vec<i64> = requested.iter().map(|position| position.get()).collect();
    let row = database.get().await?.query_one(OUTCOME, &[&consumer, &positions]).await?;
    Ok(Outcome { waiting: row.get("waiting"), failed: row.get::<_, Vec<i64>>("failed").into_iter().map(Position::new).collect() })
}

/// Marks an event as lost; false when it is not parked. Write it down in the log before: see [`DROPPED_TYPE`].
///
/// # Errors
/// When the database does not answer.
pub async fn mark_dropped(database: &Database, consumer: &str, position: Position, reason: &str) -> Result<bool, db::Error> {
    let marked = database.get().await?.execute(DROP, &[&consumer, &position.get(), &reason]).await?;
    Ok(marked == 1)
}

/// What the envelope of [`DROPPED_TYPE`] says: not why the event was not taken, which may quote it, in a record that stays.
#[must_use]
pub fn drop_note(parked: &Parked, reason: &str) -> serde_json::Value {
    serde_json::json!({"consumer": parked.consumer, "position": parked.position, "event_id": parked.event_id, "reason": reason})
}

impl Lease {
    /// Ends the parking of an event within the transaction that holds its effect.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another owner came, or took it already: nothing of the transaction may then be
    /// committed.
    pub async fn unpark(&self, transaction: &Transaction<'_>, position: Position) -> Result<(), Error> {
        let ended = transaction.execute(UNPARK, &[&self.consumer, &self.epoch, &position.get()]).await?;
        if ended == 1 { Ok(()) } else { Err(Error::LeaseLost(self.consumer.clone())) }
    }

    /// Ends the parking of an event whose effect is kept outside the database and already durable.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] as above: the next owner tries the event again.
    pub async fn unpark_after(&self, database: &Database, position: Position) -> Result<(), Error> {
        let ended = database.get().await?.execute(UNPARK, &[&self.consumer, &self.epoch, &position.get()]).await?;
        if ended == 1 { Ok(()) } else { Err(Error::LeaseLost(self.consumer.clone())) }
    }
}

impl Runner {
    /// Takes the lease and what was asked for, and gives the lease back: for a command, when no server follows.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when a server follows after all; it will pick the requests up.
    pub async fn retry_parked(&self, consumer: &mut dyn Consumer) -> Result<Retaken, Error> {
        let lease = super::checkpoint::acquire(&self.database, consumer.name(), &self.owner).await?;
        let lease = lease.ok_or_else(|| Error::LeaseLost(consumer.name().to_owned()))?;
        let outcome = self.open_and_retry(consumer, &lease).await;
        // After a rebuild the row has another epoch, and no owner.
        drop(lease.release(&self.database).await);
        outcome
    }

    async fn open_and_retry(&self, consumer: &mut dyn Consumer, lease: &Lease) -> Result<Retaken, Error> {
        consumer.open().await?;
        let late = self.take_requested(consumer, lease).await?;
        if late.is_empty() {
            return Ok(Retaken::Done);
        }
        self.rebuild_with(consumer, &late).await?;
        Ok(Retaken::ByRebuild)
    }

    /// Tries what someone asked to be tried again; returns what only a rebuild brings.
    pub(super) async fn take_requested(&self, consumer: &mut dyn Consumer, lease: &Lease) -> Result<Vec<Position>, Error> {
        let mut by_rebuild = Vec::new();
        let mut after = Position::START;
        loop {
            let requested = self.requested(consumer.name(), after).await?;
            let Some(last) = requested.last() else { return Ok(by_rebuild) };
            after = *last;
            for position in requested {
                if self.stop.is_told() {
                    return Ok(Vec::new());
                }
                if self.retake(consumer, lease, position).await? == Retaken::ByRebuild {
                    by_rebuild.push(position);
                }
            }
        }
    }

    /// Rebuilds a consumer each time that events are late which only a rebuild brings, until told to stop. The consumer follows
    /// the log meanwhile, until the swap.
    pub(super) async fn rebuild_for(&self, live: &dyn Consumer, late: &watch::Sender<Vec<Position>>) {
        let mut told = late.subscribe();
        let mut next = async || {
            let positions = self.stop.or(told.wait_for(|positions| !positions.is_empty())).await?.ok()?;
            Some(positions.clone())
        };
        while let Some(positions) = next().await {
            if let Err(error) = self.rebuild_with(live, &positions).await {
                tracing::warn!(consumer = live.name(), error = &error as &dyn std::error::Error, "{} was not rebuilt, next try in {RETRY_MAX:?}", live.name());
                self.stop.sleep(RETRY_MAX).await;
            }
            // Those that were not answered are asked for still.
            late.send_replace(Vec::new());
        }
    }

    /// Rebuilds a consumer with events that were asked for, and answers for each.
    async fn rebuild_with(&self, live: &dyn Consumer, late: &[Position]) -> Result<(), Error> {
        tracing::info!(consumer = live.name(), "{} is rebuilt: what it keeps depends on the order of events, and {} come late", live.name(), late.len());
        self.rebuild_reporting(live).await?;
        for position in late {
            let failed = self.failed_again(live.name(), *position, None).await?;
            self.metrics.retried(live.name(), if failed { "failed" } else { "taken" });
        }
        Ok(())
    }

    async fn requested(&self, consumer: &str, after: Position) -> Result<Vec<Position>, Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(REQUESTED).await?;
        let rows = connection.query(&statement, &[&consumer, &after.get()]).await?;
        Ok(rows.iter().map(|row| Position::new(row.get(0))).collect())
    }

    /// Tries one event. Trouble of the event or of the consumer's own store is its answer, so that the consumer goes on
    /// with the log; only a database that is away, or a lost lease, comes back as an error.
    async fn retake(&self, consumer: &mut dyn Consumer, lease: &Lease, position: Position) -> Result<Retaken, Error> {
        let outcome = match self.envelope(position).await? {
            Some(envelope) => self.holding(lease, consumer.retake(&envelope, lease)).await,
            None => Err(Error::Event("it is no longer in the log".to_owned())),
        };
        match outcome {
            Ok(Retaken::Done) => {
                tracing::info!(consumer = consumer.name(), %position, "{} took {position}, which was parked", consumer.name());
                self.metrics.retried(consumer.name(), "taken");
                Ok(Retaken::Done)
            }
            Ok(Retaken::ByRebuild) => Ok(Retaken::ByRebuild),
            Err(error @ Error::LeaseLost(_)) => Err(error),
            Err(Error::Database(error)) if !error.is_bad_data() => Err(Error::Database(error)),
            Err(error) => {
                let (reason, kind) = (describe(&error), kind(&error));
                tracing::warn!(consumer = consumer.name(), %position, kind, "{} tried {position} again and did not take it", consumer.name());
                self.failed_again(consumer.name(), position, Some(&reason)).await?;
                self.metrics.retried(consumer.name(), "failed");
                Ok(Retaken::Done)
            }
        }
    }

    async fn envelope(&self, position: Position) -> Result<Option<Envelope>, Error> {
        let limits = BatchLimits { entries: 1, ..BatchLimits::default() };
        let batch = Reader::new(self.database.clone()).after(Position::new(position.get() - 1), None, None, limits).await?;
        Ok(batch.envelopes.into_iter().next())
    }

    /// Answers a request; false when the event is no longer parked.
    async fn failed_again(&self, consumer: &str, position: Position, reason: Option<&str>) -> Result<bool, Error> {
        let connection = self.database.get().await?;
        Ok(connection.execute(FAILED_AGAIN, &[&consumer, &position.get(), &reason]).await? == 1)
    }
}
