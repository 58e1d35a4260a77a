//! Why a question was not answered, and by what name each kind of failure goes.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use tokio_postgres::error::SqlState;

use super::bounded::TOO_LARGE;
use super::checked;

/// Why a question was not answered. No message names a place on disk, and none but that of damage a file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It would do more than read, or names what only the server may.
    #[error("only questions are answered: {0}")]
    NotReadOnly(String),
    /// It is not SQL, or names what is not there.
    #[error("{0}")]
    Syntax(String),
    /// It is longer or more nested than a question may be.
    #[error("{0}")]
    TooComplex(String),
    /// It took too long.
    #[error("the query took longer than it may; narrow it, for example by received_at")]
    TimedOut,
    /// It needs more memory or gives a larger answer than it may.
    #[error("{0}")]
    TooLarge(String),
    /// As many questions as may are being answered.
    #[error("too many queries are running; try again")]
    Busy,
    /// The settings do not name a place that can be used.
    #[error("the lake cannot be there: {0}")]
    Location(String),
    /// The log could not be asked.
    #[error("the database did not answer")]
    Database(#[from] crate::db::Error),
    /// What was asked for is in PostgreSQL, which could not be asked.
    #[error("PostgreSQL does not answer, and {0} can only be asked there; events and the views over them can be asked all the same")]
    Away(String, #[source] crate::db::Error),
    /// A table of PostgreSQL could not be read.
    #[error("a table of PostgreSQL could not be read")]
    Reading(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The lake holds what the log lacks: the log was restored to an older state.
    #[error("the log was restored to an older state than the lake is of; run `hooklake rebuild lake`")]
    Restored,
    /// Retention took away what the question had not read yet.
    #[error("events that the question is about have expired while it was answered; ask again")]
    Expired,
    /// A file of the lake is not what was written; the message names it.
    #[error("{0}")]
    Damaged(String),
    /// The lake could not be read.
    #[error("the lake could not be read")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub(super) fn store(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = error.into();
        match checked::damage_in(&error.to_string()) {
            Some(message) => Self::Damaged(message.to_owned()),
            None => Self::Store(error),
        }
    }

    /// What PostgreSQL said to whoever read from it for a question.
    fn of_database(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::External(cause)
                if cause.downcast_ref::<crate::db::Error>().and_then(crate::db::Error::sqlstate) == Some(&SqlState::QUERY_CANCELED) =>
            {
                Self::TimedOut
            }
            _ => Self::Reading(Box::new(error)),
        }
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::TooLarge("the query needs more memory than it may; narrow it, or ask for fewer columns".to_owned()),
            DataFusionError::External(cause) if cause.is::<crate::db::Error>() => Self::of_database(error),
            DataFusionError::Execution(message) if message.starts_with(TOO_LARGE) => Self::TooLarge(message.clone()),
            DataFusionError::ArrowError(cause, _) if is_damage(cause) => Self::store(error),
            root @ (DataFusionError::SQL(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::Execution(_)
            | DataFusionError::ArrowError(..)) => Self::Syntax(root.strip_backtrace()),
            _ => Self::store(error),
        }
    }
}

/// True when a file could not be read, rather than a value not be computed.
fn is_damage(error: &ArrowError) -> bool {
    matches!(error, ArrowError::ParquetError(_) | ArrowError::IoError(..) | ArrowError::ExternalError(_) | ArrowError::IpcError(_))
}
