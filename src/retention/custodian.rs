//! The owner's connection, and the transactions that destroy something and record it at once.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::{Client, Transaction};

use super::Error;
use crate::db::{self, Database};
use crate::domain::{Clock, EventId, Position};
use crate::log;
use crate::tasks::Tasks;

/// How often something is tried for which others hold a lock.
const TRIES: u32 = 50;
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// Who may destroy: the owner of the database, on a connection of its own.
#[derive(Debug)]
pub struct Custodian {
    pub(super) client: Client,
    pub(super) database: Database,
    pub(super) clock: Clock,
    /// The name that acts are signed with.
    pub(super) by: String,
}

impl Custodian {
    /// Connects as the user of the settings. `by` is the name that acts are signed with.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn connect(database: &Database, tasks: &Tasks, clock: Clock, by: impl Into<String>) -> Result<Self, Error> {
        let (client, connection) = database.dedicated().await?;
        drop(tasks.spawn("retention.connection", async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection of retention ended");
            }
        }));
        client.batch_execute("SET search_path = public; SET lock_timeout = '200ms'").await?;
        Ok(Self { client, database: database.clone(), clock, by: by.into() })
    }

    /// Who acts.
    #[must_use]
    pub fn by(&self) -> &str {
        &self.by
    }

    /// Appends an act that destroys nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn record(&mut self, event_type: &str, act: &Value) -> Result<(EventId, Position), Error> {
        let now = self.clock.now();
        let transaction = self.client.transaction().await?;
        let recorded = log::append_within(&transaction, event_type, act, now).await?;
        transaction.commit().await?;
        log::announce(&self.client).await?;
        Ok(recorded)
    }

    pub(super) async fn act(transaction: &Transaction<'_>, event_type: &str, act: &impl Serialize, clock: &Clock) -> Result<(EventId, Position), Error> {
        let act = serde_json::to_value(act).map_err(|error| Error::database(db::Error::Settings(error.to_string())))?;
        Ok(log::append_within(transaction, event_type, &act, clock.now()).await?)
    }
}

/// Waits a little while others hold a lock; false when it was tried often enough.
pub(super) async fn try_again(tries: &mut u32) -> bool {
    *tries += 1;
    if *tries < TRIES {
        tokio::time::sleep(TRY_AGAIN).await;
    }
    *tries < TRIES
}
