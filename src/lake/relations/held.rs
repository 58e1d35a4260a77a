//! A connection that reads for a question. When the question is given up, what runs on it is cancelled before anyone else
//! is given it: otherwise it would go on for nobody, and whoever came next would wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_postgres::{Client, IsolationLevel, Transaction};

use crate::db::{Connection, Database, Error};

/// How long a cancelled statement has to end; then the connection is closed.
const CALM_WITHIN: Duration = Duration::from_secs(5);

/// See above.
pub(super) struct Held {
    connection: Option<Connection>,
    database: Database,
    is_busy: Arc<AtomicBool>,
    threads: Handle,
}

/// True while a statement runs.
#[derive(Clone)]
pub(super) struct Busy(Arc<AtomicBool>);

impl Busy {
    /// The outcome of a statement, during which the connection is busy.
    pub(super) async fn during<T>(&self, statement: impl Future<Output = T>) -> T {
        self.0.store(true, Ordering::SeqCst);
        let outcome = statement.await;
        self.0.store(false, Ordering::SeqCst);
        outcome
    }
}

impl Held {
    /// A connection of the pool; `threads` calm it when it is given up.
    pub(super) async fn get(database: &Database, threads: Handle) -> Result<Self, Error> {
        let connection = database.get().await?;
        Ok(Self { connection: Some(connection), database: database.clone(), is_busy: Arc::default(), threads })
    }

    /// What says that a statement runs.
    pub(super) fn busy(&self) -> Busy {
        Busy(Arc::clone(&self.is_busy))
    }

    /// A transaction that sees one moment and can only read.
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let Some(connection) = self.connection.as_mut() else { return Err(Error::Settings("the connection was given up".to_owned())) };
        let client: &mut Client = connection;
        Ok(client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !self.is_busy.load(Ordering::SeqCst) {
            return;
        }
        let database = self.database.clone();
        self.threads.spawn(async move {
            let calming = async {
                database.cancel(&connection).await?;
                // The answer to this comes after everything before it has ended.
                Ok::<_, Error>(connection.batch_execute("ROLLBACK").await?)
            };
            if !matches!(tokio::time::timeout(CALM_WITHIN, calming).await, Ok(Ok(()))) {
                drop(Connection::take(connection));
            }
        });
    }
}
