//! Where each consumer stands, and who may move it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Error;
use crate::db::{self, Database, Transaction};
use crate::domain::{Places, Position, Span};
use crate::log::{Fence, Reader};

/// How long a lease holds without being renewed, by the database's clock, unless settings say otherwise.
pub const LEASE_TTL: Duration = Duration::from_secs(10);

const ENROLL: &str = include_str!("enroll.sql");
const ACQUIRE: &str = include_str!("acquire.sql");
const RENEW: &str = include_str!("renew.sql");
const RELEASE: &str = include_str!("release.sql");
const HOLDS: &str = include_str!("holds.sql");
const HOLD_ALONE: &str = include_str!("hold_alone.sql");
const ADVANCE: &str = include_str!("advance.sql");
const RECORD: &str = include_str!("record.sql");
const COMPLAIN: &str = include_str!("complain.sql");
const PARK: &str = include_str!("park.sql");
const UNPARK: &str = include_str!("unpark.sql");
const UNPARK_BEYOND: &str = include_str!("unpark_beyond.sql");
const RESTART: &str = include_str!("restart.sql");
const REPLACE_PARKED: &str = include_str!("replace_parked.sql");
const REPLACE_ROW: &str = include_str!("replace_row.sql");
const COMPLAINT: &str = include_str!("complaint.sql");
const STANDINGS: &str = include_str!("standings.sql");

/// The right to move one consumer's checkpoint, until someone else takes it.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Whose checkpoint.
    pub consumer: String,
    /// Raised by every new owner; effects of an older epoch are refused.
    pub epoch: i64,
    owner: String,
    ttl: Duration,
    /// When it was taken or renewed last.
    renewed: Arc<Mutex<Instant>>,
}

impl Lease {
    /// Refuses a transaction whose effect leaves the checkpoint where it is. Until it ends, [`hold`](Self::hold) waits for it.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another owner came: nothing of the transaction may then be committed.
    pub async fn check(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let statement = transaction.prepare_cached(HOLDS).await?;
        match transaction.query_opt(&statement, &[&self.consumer, &self.epoch]).await? {
            Some(_) => Ok(()),
            None => Err(Error::LeaseLost(self.consumer.clone())),
        }
    }

    /// Keeps everybody else from writing until the transaction ends: whoever was paused since a [`check`](Self::check) is waited
    /// for, and whoever comes to one finds out. Take it first: not after a check, nor with locks that a writer may come to.
    /// Returns where the consumer stands.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another owner came: nothing of the transaction may then be committed.
    pub async fn hold(&self, transaction: &Transaction<'_>) -> Result<Position, Error> {
        let statement = transaction.prepare_cached(HOLD_ALONE).await?;
        match transaction.query_opt(&statement, &[&self.consumer, &self.epoch]).await? {
            Some(row) => Ok(Position::new(row.get(0))),
            None => Err(Error::LeaseLost(self.consumer.clone())),
        }
    }

    /// Moves the checkpoint within the transaction that holds the effect.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another owner came, the checkpoint is not where the span starts, or the log is another
    /// one there: nothing of the transaction may then be committed.
    pub async fn advance(&self, transaction: &Transaction<'_>, span: Span) -> Result<(), Error> {
        let statement = transaction.prepare_cached(ADVANCE).await?;
        let moved = transaction.execute(&statement, &[&self.consumer, &self.epoch, &span.after.get(), &span.through.get()]).await?;
        if moved == 1 { Ok(()) } else { Err(Error::LeaseLost(self.consumer.clone())) }
    }

    /// Notes where a consumer stands that keeps its checkpoint elsewhere, for others to see.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another owner came.
    pub async fn record(&self, database: &Database, position: Position) -> Result<(), Error> {
        let connection = database.get().await?;
        let statement = connection.prepare_cached(RECORD).await?;
        let moved = connection.execute(&statement, &[&self.consumer, &self.epoch, &position.get()]).await?;
        if moved == 1 { Ok(()) } else { Err(Error::LeaseLost(self.consumer.clone())) }
    }

    /// Holds it for as long again as when it was taken.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another owner came.
    pub async fn renew(&self, database: &Database) -> Result<(), Error> {
        let connection = database.get().await?;
        let statement = connection.prepare_cached(RENEW).await?;
        // From before the question: the database counts from a moment after it.
        let asked = Instant::now();
        let held = connection.execute(&statement, &[&self.consumer, &self.epoch, &self.ttl.as_secs_f64()]).await?;
        if held != 1 {
            return Err(Error::LeaseLost(self.consumer.clone()));
        }
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        Ok(())
    }

    /// When the next renewal is due: early enough that two may fail.
    #[must_use]
    pub fn due(&self) -> Instant {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) + self.ttl / 3
    }

    /// Gives it back, so that the next owner need not wait.
    ///
    /// # Errors
    /// When the database does not answer; the lease then ends by itself.
    pub async fn release(&self, database: &Database) -> Result<(), Error> {
        let connection = database.get().await?;
        connection.execute(RELEASE, &[&self.consumer, &self.epoch]).await?;
        Ok(())
    }
}

/// Makes the consumer's row if there is none; returns the version of what it keeps.
///
/// # Errors
/// When the database does not answer.
pub async fn enroll(database: &Database, consumer: &str, version: i32) -> Result<i32, Error> {
    let connection = database.get().await?;
    connection.execute(ENROLL, &[&consumer, &version]).await?;
    Ok(connection.query_one("SELECT version FROM hooklake.consumers WHERE name = $1", &[&consumer]).await?.get(0))
}

/// The name of the copy that a rebuild of this consumer fills.
#[must_use]
pub fn copy_name(consumer: &str) -> String {
    format!("{consumer}@rebuild")
}

/// The name of the copy that shows what this consumer kept at some position.
#[must_use]
pub fn as_of_name(consumer: &str) -> String {
    format!("{consumer}@as-of")
}

/// True when the consumer has a row.
///
/// # Errors
/// When the database does not answer.
pub async fn is_enrolled(database: &Database, consumer: &str) -> Result<bool, Error> {
    Ok(database.get().await?.query_opt("SELECT FROM hooklake.consumers WHERE name = $1", &[&consumer]).await?.is_some())
}

/// Forgets a consumer that is gone, or a copy; returns how many events it had set aside.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(transaction: &Transaction<'_>, consumer: &str) -> Result<u64, Error> {
    let parked = transaction.execute("DELETE FROM hooklake.parked WHERE consumer = $1", &[&consumer]).await?;
    transaction.execute("DELETE FROM hooklake.consumers WHERE name = $1", &[&consumer]).await?;
    Ok(parked)
}

/// Puts a copy's row back to the start, with the version of the code that will fill it.
///
/// # Errors
/// When the database does not answer.
pub async fn restart(database: &Database, copy: &str, version: i32) -> Result<(), Error> {
    database.get().await?.execute(RESTART, &[&copy, &version]).await?;
    Ok(())
}

/// Lets the copy take the place of the live consumer's row, which the transaction locks. The raised epoch makes the
/// live consumer's owner open it anew.
///
/// # Errors
/// When the database does not answer.
pub async fn replace(transaction: &Transaction<'_>, live: &str, copy: &str) -> Result<(), Error> {
    for statement in [REPLACE_PARKED, REPLACE_ROW] {
        transaction.execute(statement, &[&live, &copy]).await?;
    }
    transaction.execute("DELETE FROM hooklake.consumers WHERE name = $1", &[&copy]).await?;
    Ok(())
}

/// Locks a consumer's row until the transaction ends, and waits for nobody who only shares it; returns where the consumer stands.
///
/// # Errors
/// When the database does not answer, or there is no such consumer.
pub async fn hold(transaction: &Transaction<'_>, consumer: &str) -> Result<Position, Error> {
    let row = transaction.query_one("SELECT position FROM hooklake.consumers WHERE name = $1 FOR NO KEY UPDATE", &[&consumer]).await?;
    Ok(Position::new(row.get(0)))
}

/// Which of its copies is the live one, for a consumer that keeps them outside the database.
///
/// # Errors
/// When the database does not answer.
pub async fn generation(database: &Database, consumer: &str) -> Result<i32, db::Error> {
    let connection = database.get().await?;
    let statement = connection.prepare_cached("SELECT generation FROM hooklake.consumers WHERE name = $1").await?;
    Ok(connection.query_opt(&statement, &[&consumer]).await?.map_or(1, |row| row.get(0)))
}

/// Takes the lease for [`LEASE_TTL`] if it is free; none while another owner holds it.
///
/// # Errors
/// When the database does not answer.
pub async fn acquire(database: &Database, consumer: &str, owner: &str) -> Result<Option<Lease>, Error> {
    acquire_for(database, consumer, owner, LEASE_TTL).await
}

/// Takes the lease for this long if it is free; none while another owner holds it.
///
/// # Errors
/// When the database does not answer.
pub async fn acquire_for(database: &Database, consumer: &str, owner: &str, ttl: Duration) -> Result<Option<Lease>, Error> {
    let connection = database.get().await?;
    let asked = Instant::now();
    let row = connection.query_opt(ACQUIRE, &[&consumer, &owner, &ttl.as_secs_f64()]).await?;
    Ok(row.map(|row| Lease { consumer: consumer.to_owned(), epoch: row.get(0), owner: owner.to_owned(), ttl, renewed: Arc::new(Mutex::new(asked)) }))
}

/// Compares where a consumer stands, and what it remembers of the log there, with the log; returns the fence to keep
/// at `through`.
///
/// # Errors
/// [`Error::Restored`] when the log is another one.
pub async fn agree(database: &Database, consumer: &str, stands: Position, fence: Option<Fence>, through: Position) -> Result<Option<Fence>, Error> {
    let [log, then] = Reader::new(database.clone()).at([stands, through]).await?;
    if log.agrees_with(fence) {
        return Ok(then.fence());
    }
    let kept = fence.map_or_else(|| "unknown".to_owned(), |fence| fence.to_string());
    Err(Error::Restored { consumer: consumer.to_owned(), position: stands, kept, log })
}

/// What a consumer's row remembers of the log at its position.
///
/// # Errors
/// When the database does not answer.
pub async fn fence(database: &Database, consumer: &str) -> Result<Option<Fence>, Error> {
    let connection = database.get().await?;
    let row = connection.query_opt("SELECT fence FROM hooklake.consumers WHERE name = $1", &[&consumer]).await?;
    Ok(row.and_then(|row| row.get::<_, Option<&[u8]>>(0).and_then(Fence::of_chain)))
}

/// Why a consumer stands still, by its row.
///
/// # Errors
/// When the database does not answer.
pub async fn complaint(database: &Database, consumer: &str) -> Result<Option<String>, Error> {
    Ok(database.get().await?.query_opt(COMPLAINT, &[&consumer]).await?.and_then(|row| row.get(0)))
}

/// Where a consumer stands by its row.
///
/// # Errors
/// When the database does not answer.
pub async fn position(database: &Database, consumer: &str) -> Result<Position, Error> {
    let connection = database.get().await?;
    let statement = connection.prepare_cached("SELECT position FROM hooklake.consumers WHERE name = $1").await?;
    Ok(connection.query_opt(&statement, &[&consumer]).await?.map_or(Position::START, |row| Position::new(row.get(0))))
}

/// Notes why a consumer stands still.
///
/// # Errors
/// When the database does not answer.
pub async fn complain(database: &Database, lease: &Lease, error: &str) -> Result<(), Error> {
    let connection = database.get().await?;
    connection.execute(COMPLAIN, &[&lease.consumer, &lease.epoch, &error]).await?;
    Ok(())
}

/// Sets an event aside with its reason.
///
/// # Errors
/// [`Error::LeaseLost`] when another owner came, who may take it; and when the database does not answer.
pub async fn park(database: &Database, lease: &Lease, position: Position, event_id: &str, reason: &str, attempts: i32) -> Result<(), Error> {
    let connection = database.get().await?;
    let parked = connection.execute(PARK, &[&lease.consumer, &lease.epoch, &position.get(), &event_id, &reason, &attempts]).await?;
    if parked == 1 { Ok(()) } else { Err(Error::LeaseLost(lease.consumer.clone())) }
}

/// Takes back what was set aside beyond where a consumer stands that was opened: whoever did so was killed before it went on.
///
/// # Errors
/// When the database does not answer.
pub async fn unpark_beyond(database: &Database, consumer: &str, position: Position) -> Result<(), Error> {
    database.get().await?.execute(UNPARK_BEYOND, &[&consumer, &position.get()]).await?;
    Ok(())
}

/// Takes back what was set aside at places that were redacted or retired since, whose reason may quote them.
///
/// # Errors
/// When the database does not answer.
pub async fn unpark(database: &Database, consumer: &str, places: &Places) -> Result<(), Error> {
    let mut connection = database.get().await?;
    let transaction = connection.transaction().await?;
    unpark_within(&transaction, consumer, places).await?;
    transaction.commit().await?;
    Ok(())
}

/// The same, in the transaction of the effect.
///
/// # Errors
/// When the database does not answer.
pub async fn unpark_within(transaction: &Transaction<'_>, consumer: &str, places: &Places) -> Result<(), Error> {
    let (positions, firsts, lasts) = places.columns();
    transaction.execute(UNPARK, &[&consumer, &positions, &firsts, &lasts]).await?;
    Ok(())
}

/// One consumer, as `status` shows it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub position: Position,
    /// Envelopes of the log that it has not seen.
    pub lag_events: i64,
    /// How long the oldest envelope that it has not seen has waited, in seconds.
    pub lag_seconds: f64,
    /// Events that it set aside.
    pub parked: i64,
    /// Who holds its lease; none when nobody does.
    pub owner: Option<String>,
    /// How often its lease changed hands.
    pub epoch: i64,
    /// Why it stands still, when it does.
    pub error: Option<String>,
}

impl Standing {
    /// True for a copy beside a live consumer, which may stand still for as long as one likes.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.name.contains('@')
    }
}

/// Where every consumer stands, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn standings(database: &Database) -> Result<Vec<Standing>, db::Error> {
    let connection = database.get().await?;
    let statement = connection.prepare_cached(STANDINGS).await?;
    let rows = connection.query(&statement, &[]).await?;
    Ok(rows
        .into_iter()
        .map(|row| Standing {
            name: row.get("name"),
            position: Position::new(row.get("position")),
            lag_events: row.get("lag_events"),
            lag_seconds: row.get("lag_seconds"),
            parked: row.get("parked"),
            owner: row.get("owner"),
            epoch: row.get("epoch"),
            error: row.get("error"),
        })
        .collect())
}

impl std::fmt::Display for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (epoch {}, {})", self.consumer, self.epoch, self.owner)
    }
}
