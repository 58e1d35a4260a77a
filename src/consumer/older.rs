//! Readers that are older than a copy.
//!
//! PostgreSQL shows a table that takes another's place to everybody at once, but its rows only to snapshots that are newer
//! than they are. A transaction in one older snapshot, a report or a dump, that comes to the table only then would find it
//! empty, and would not be told. So a copy is shown when all who began before it was filled have ended.

use tokio_postgres::Client;

use super::Error;
use crate::db::Database;

const OLDER: &str = "SELECT hooklake.reader_older_than($1::text::xid8)";

/// A point in the history of the database: what had been committed by then is seen by all who begin later.
#[derive(Debug)]
pub struct Moment {
    /// The transaction that marks it, as PostgreSQL writes an `xid8`.
    transaction: String,
}

impl Moment {
    /// Now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn now(database: &Database) -> Result<Self, Error> {
        let row = database.get().await?.query_one("SELECT pg_current_xact_id()::text", &[]).await?;
        Ok(Self { transaction: row.get(0) })
    }

    /// Nothing, when all who read now began after it.
    ///
    /// # Errors
    /// [`Error::Readers`] with the oldest of those who did not; and when the database does not answer.
    pub async fn is_behind_all(&self, client: &Client) -> Result<(), Error> {
        let row = client.query_one(OLDER, &[&self.transaction]).await?;
        row.get::<_, Option<String>>(0).map_or(Ok(()), |who| Err(Error::Readers(who)))
    }
}
