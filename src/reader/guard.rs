//! Keeps the role's password the one that hooklake made: every role may give itself another, and lock the rest out.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::db;
use crate::db::migrate::READER_ROLE;

const VERIFIER: &str = include_str!("verifier.sql");

/// Waits for whoever makes a password at this moment, as long as the session waits for a lock.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtext('hooklake.reader'))";
/// The same for who makes one.
pub(super) const ALONE_TO_MAKE: &str = "SET LOCAL lock_timeout = '10s'; SELECT pg_advisory_xact_lock(hashtext('hooklake.reader'))";

/// What the role's password is compared with, and the note of when it was made: a password made by hooklake has another
/// note, one that a reader made has not.
#[derive(Debug, Default)]
pub(super) struct Guard(Option<(Option<String>, Option<String>)>);

impl Guard {
    /// Puts back the password of the note. Only superusers see what there is; for others there is nothing to be done.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep(&mut self, client: &mut Client) -> Result<(), db::Error> {
        let transaction = client.transaction().await?;
        transaction.batch_execute(ALONE).await?;
        let row = match transaction.query_one(VERIFIER, &[]).await {
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => return Ok(()),
            row => row?,
        };
        let found: (Option<String>, Option<String>) = (row.get("verifier"), row.get("note"));
        match &self.0 {
            Some((verifier, note)) if *note == found.1 && *verifier != found.0 => {
                tracing::warn!("a reader gave {READER_ROLE} another password; put back the one before");
                // Nothing in a verifier needs to be quoted.
                let password = verifier.as_ref().map_or_else(|| "NULL".to_owned(), |verifier| format!("'{verifier}'"));
                transaction.batch_execute(&format!("ALTER ROLE {READER_ROLE} PASSWORD {password}")).await?;
                transaction.commit().await?;
            }
            _ => self.0 = Some(found),
        }
        Ok(())
    }
}
