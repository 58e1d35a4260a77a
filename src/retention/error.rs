//! Why something was not taken away.

use crate::db;
use crate::lake;
use crate::search;

/// Why something was not taken away. Unless it says otherwise, nothing was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A legal hold covers it.
    #[error("refused: {0}; `hooklake hold list` shows the holds, `hooklake hold release` ends one")]
    Held(String),
    /// It is a record of hooklake's own.
    #[error("refused: {0}; settings and acts stay")]
    Own(String),
    /// A consumer has not seen it yet.
    #[error("not yet: {0}")]
    Needed(String),
    /// A sender may still deliver it again.
    #[error("not yet: {0}")]
    TooYoung(String),
    /// What was asked for makes no sense; the message says why.
    #[error("{0}")]
    Request(String),
    /// Others held a lock for too long; nothing waited for us.
    #[error("others are using it; try again later")]
    Busy,
    /// The database did not do it.
    #[error("the database refused")]
    Database(#[source] db::Error),
    /// The index could not be looked through.
    #[error("the search index cannot be read")]
    Index(#[from] search::Error),
    /// The log that the embedded PostgreSQL writes could not be looked through, or not emptied.
    #[error("the log of the embedded PostgreSQL cannot be read or emptied")]
    ServerLog(#[source] std::io::Error),
    /// The lake could not be looked through.
    #[error("the lake cannot be read")]
    Lake(#[from] lake::Error),
}

impl Error {
    pub(super) fn database(error: impl Into<db::Error>) -> Self {
        error.into().into()
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        db::Error::from(error).into()
    }
}

/// The SQLSTATEs are those of `migrations/V0008__retention.sql`.
impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        let message = match &error {
            db::Error::Statement(error) => error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default(),
            _ => String::new(),
        };
        match error.sqlstate().map(tokio_postgres::error::SqlState::code) {
            Some("HL001") => Self::Held(message),
            Some("HL002") => Self::Own(message),
            Some("HL003") => Self::Needed(message),
            Some("HL004") => Self::TooYoung(message),
            // A lock was not given in time, or another one waits for us in turn.
            Some("55P03" | "40P01") => Self::Busy,
            _ => Self::Database(error),
        }
    }
}
