//! The operator's view: how the log, its consumers, its disks and the database under it are, in figures.
//!
//! `hooklake status` prints it and `/metrics` gives it to Prometheus. Looking is cheap on a log of any size: sizes and
//! counts come from catalogues and estimates, and no statement here reads events; of mentions only the newest are looked at.

pub mod disk;

use crate::consumer::checkpoint::{self, Standing};
use crate::db::{self, Database};
use crate::domain::Position;
use crate::domain::clock::Timestamp;

pub use disk::{Places, Volume};

const LOG: &str = include_str!("log.sql");
const PARTITIONS: &str = include_str!("partitions.sql");
const TABLES: &str = include_str!("tables.sql");
const MENTIONS: &str = include_str!("mentions.sql");
const SERVER: &str = include_str!("server.sql");

/// So many of the newest mentions are looked at, however many there are.
pub const MENTIONS_MAX: i64 = 500;

/// How everything is.
#[derive(Debug)]
pub struct Overview {
    /// The log as a whole.
    pub log: Log,
    /// Its consumers, by name.
    pub consumers: Vec<Standing>,
    /// Its partitions, oldest first.
    pub partitions: Vec<Partition>,
    /// The tables that are made from it, by name.
    pub tables: Vec<Table>,
    /// How the newest names stand that another event has to explain.
    pub mentions: Mentions,
    /// PostgreSQL.
    pub server: Server,
    /// Disks.
    pub disks: Vec<Volume>,
}

/// The log as a whole.
#[derive(Debug)]
pub struct Log {
    /// The last position given out.
    pub head: Position,
    /// When it was; none while the log is empty.
    pub last_append: Option<Timestamp>,
    /// Envelopes appended within the last minute.
    pub last_minute: i64,
    /// Deliveries that came again, as PostgreSQL estimates them.
    pub redeliveries: i64,
    /// The whole database, in bytes.
    pub database_bytes: i64,
}

/// A week of the log.
#[derive(Debug)]
pub struct Partition {
    /// The table.
    pub name: String,
    /// From when.
    pub starts: Timestamp,
    /// Until when.
    pub ends: Timestamp,
    /// With its indexes, in bytes.
    pub bytes: i64,
    /// As PostgreSQL estimates them.
    pub rows: i64,
    /// True when its time has not come.
    pub is_ahead: bool,
}

/// A table that is made from the log.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// With its indexes, in bytes.
    pub bytes: i64,
    /// As PostgreSQL estimates them.
    pub rows: i64,
}

/// Of the newest [`MENTIONS_MAX`] names that another event has to explain.
#[derive(Debug)]
pub struct Mentions {
    /// Those that one does.
    pub explained: i64,
    /// Those that none does, or not yet.
    pub unexplained: i64,
}

/// What PostgreSQL is busy with. Sessions that hooklake may not see count nowhere.
#[derive(Debug)]
pub struct Server {
    /// Sessions at work.
    pub connections_active: i64,
    /// Sessions that wait for work.
    pub connections_idle: i64,
    /// Sessions that hold a transaction open and do nothing.
    pub connections_in_transaction: i64,
    /// The most sessions that the server takes.
    pub connections_max: i64,
    /// For how long the oldest transaction has run, in seconds.
    pub oldest_transaction_seconds: f64,
    /// Transactions since the oldest one that is not frozen; at 2^31 the server stops.
    pub transaction_id_age: i64,
    /// Transactions prepared and not finished; they hold back everything that an open one does.
    pub prepared_transactions: i64,
}

impl Overview {
    /// Looks at everything.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look(database: &Database, places: &Places) -> Result<Self, db::Error> {
        let consumers = checkpoint::standings(database).await?;
        let connection = database.get().await?;
        let log = connection.query_one(LOG, &[]).await?;
        let partitions = connection.query(PARTITIONS, &[]).await?;
        let tables = connection.query(TABLES, &[]).await?;
        let mentions = connection.query_one(MENTIONS, &[&MENTIONS_MAX]).await?;
        let server = connection.query_one(SERVER, &[]).await?;
        drop(connection);
        let places = places.clone();
        let disks = tokio::task::spawn_blocking(move || places.look()).await.unwrap_or_default();
        Ok(Self {
            log: Log {
                head: Position::new(log.get("head")),
                last_append: log.get("last_append"),
                last_minute: log.get("last_minute"),
                redeliveries: log.get("redeliveries"),
                database_bytes: log.get("database_bytes"),
            },
            consumers,
            partitions: partitions
                .iter()
                .map(|row| Partition {
                    name: row.get("name"),
                    starts: row.get("starts"),
                    ends: row.get("ends"),
                    bytes: row.get("bytes"),
                    rows: row.get("rows"),
                    is_ahead: row.get("is_ahead"),
                })
                .collect(),
            tables: tables.iter().map(|row| Table { name: row.get("name"), bytes: row.get("bytes"), rows: row.get("rows") }).collect(),
            mentions: Mentions { explained: mentions.get("explained"), unexplained: mentions.get("unexplained") },
            server: Server {
                connections_active: server.get("connections_active"),
                connections_idle: server.get("connections_idle"),
                connections_in_transaction: server.get("connections_in_transaction"),
                connections_max: server.get("connections_max"),
                oldest_transaction_seconds: server.get("oldest_transaction_seconds"),
                transaction_id_age: server.get("transaction_id_age"),
                prepared_transactions: server.get("prepared_transactions"),
            },
            disks,
        })
    }

    /// Weeks whose partition is ready before they begin.
    #[must_use]
    pub fn weeks_ahead(&self) -> usize {
        self.partitions.iter().filter(|partition| partition.is_ahead).count()
    }

    /// The log's partitions together, in bytes.
    #[must_use]
    pub fn log_bytes(&self) -> i64 {
        self.partitions.iter().map(|partition| partition.bytes).sum()
    }
}
