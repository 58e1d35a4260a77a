//! Full-text search: a tantivy index of what events say, and the question half that reads it.
//!
//! ```text
//! log ─2,000 entries or 16 MB→ Indexer ─one commit, its payload is the position→ data_dir/search/<generation>
//!                                                                                        ↓ mmap
//!                     text ─syntax→ query + the caller's tenant ─→ Searcher ─ids→ log.envelopes ─→ hits
//! ```
//!
//! The [`Indexer`] is a consumer of the log. Its checkpoint rides in the index's own commit, so after a crash the index
//! holds exactly the log through that position (I7); the row in `hooklake.consumers` only mirrors it. An index that is
//! corrupt or of another shape is set aside and filled anew from the log. The [`Searcher`] may only narrow (decision
//! D12): what it finds is looked up in the log, and what is redacted or gone there is not shown.
//!
//! Deliberately absent: replays, which must not count twice; bodies beyond [`schema::BODY_BYTES_MAX`]; any way to name a
//! tenant in a query's text.

pub mod forget;
pub mod indexer;
pub mod query;
pub mod schema;
mod snippet;
mod store;
mod syntax;
mod writer;

pub use indexer::Indexer;
pub use query::{Hit, SearchAnswer, Searcher};

/// Why a search was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not a query; the message says what to change.
    #[error("the query cannot be read: {0}")]
    Query(String),
    /// There is no index yet, or it is being replaced.
    #[error("the search index is not ready; it is filled from the log")]
    NotReady,
    /// The index holds what the log lacks: the log was restored to an older state.
    #[error("the log was restored to an older state than the search index is of; run `hooklake rebuild search`")]
    Restored,
    /// The index could not be read.
    #[error("the search index cannot be read")]
    Index(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The log could not be asked.
    #[error("the database did not answer")]
    Database(#[from] crate::db::Error),
}

impl From<tantivy::TantivyError> for Error {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::Index(Box::new(error))
    }
}
