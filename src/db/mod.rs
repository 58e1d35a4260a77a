//! PostgreSQL plumbing; no business words.
//!
//! [`Database`] is the door that everything else uses: pooled connections that act as the least-privilege role.
//! [`embedded`] starts a private cluster when no database is configured (decision D16); [`migrate`] brings the schema
//! up to date as its owner; [`rows`] adds rows to tables.

pub mod embedded;
pub mod migrate;
mod pool;
pub mod rows;
pub mod views;

pub use pool::{Connection, Database, Driver, RESERVED, Settings, Transaction, driven};

/// What can go wrong between us and PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection within the time allowed.
    #[error("no database connection")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// A statement failed, or its outcome is unknown.
    #[error("database statement failed")]
    Statement(#[from] tokio_postgres::Error),
    /// The answer did not come in time; whether the statement took effect is unknown.
    #[error("the database did not answer within {0:?}")]
    TimedOut(std::time::Duration),
    /// More came than whoever asked has room for.
    #[error("the rows are larger than {0} bytes together")]
    TooLarge(usize),
    /// The settings do not describe a database.
    #[error("the database settings cannot be used: {0}")]
    Settings(String),
    /// A certificate file could not be used.
    #[error("cannot read the certificate file {0}")]
    Certificate(std::path::PathBuf, #[source] std::io::Error),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date")]
    Migration(#[from] Box<refinery::Error>),
    /// An acknowledged event could be lost with these server settings (decision D3).
    #[error("refusing to receive events: PostgreSQL runs with {0}, so an acknowledged event could be lost; switch it on")]
    NotDurable(String),
    /// The private cluster could not be started.
    #[error("the embedded PostgreSQL could not be started: {0}")]
    Embedded(String, #[source] Option<std::io::Error>),
}

impl Error {
    /// The SQLSTATE that the server gave, if it was the server that refused.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&tokio_postgres::error::SqlState> {
        match self {
            Self::Statement(error) => error.code(),
            _ => None,
        }
    }

    /// True when the data of a statement was refused, so that repeating it cannot help (classes 22 and 23).
    #[must_use]
    pub fn is_bad_data(&self) -> bool {
        self.sqlstate().is_some_and(|state| state.code().starts_with("22") || state.code().starts_with("23") || state.code() == "54000")
    }
}
