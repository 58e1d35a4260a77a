//! "There is more": a notification to be quick, a look every second to be sure (decision D4).

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::{Notify, watch};
use tokio_postgres::AsyncMessage;

use super::read::Reader;
use crate::db::{self, Database};
use crate::domain::Position;
use crate::tasks::Stop;

/// What the appender sends after COMMIT.
pub(super) const NOTIFY: &str = "NOTIFY hooklake_log";
const LISTEN: &str = "LISTEN hooklake_log";
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Knows the end of the log, as far as seen. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tail {
    head: watch::Receiver<Position>,
}

impl Tail {
    /// A tail and the loop that feeds it; the caller spawns the loop.
    pub fn new(database: Database, stop: Stop) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, head) = watch::channel(Position::START);
        (Self { head }, feed(database, sender, stop))
    }

    /// The end of the log, as far as seen.
    #[must_use]
    pub fn seen(&self) -> Position {
        *self.head.borrow()
    }

    /// Waits until the log goes beyond `after`; false when it is no longer fed.
    pub async fn beyond(&mut self, after: Position) -> bool {
        self.head.wait_for(|head| *head > after).await.is_ok()
    }
}

async fn feed(database: Database, sender: watch::Sender<Position>, stop: Stop) {
    let reader = Reader::new(database.clone());
    let looks = async {
        loop {
            let error = match listen(&database, &reader, &sender).await {
                Ok(()) => continue,
                Err(error) => error,
            };
            tracing::debug!(error = &error as &dyn std::error::Error, "listening to the log was interrupted");
            tokio::time::sleep(POLL_EVERY).await;
        }
    };
    stop.or(looks).await;
}

/// Looks at the head whenever notified, and every second; ends when the connection does.
async fn listen(database: &Database, reader: &Reader, sender: &watch::Sender<Position>) -> Result<(), db::Error> {
    let (client, mut connection) = database.dedicated().await?;
    let mut messages = futures::stream::poll_fn(move |context| connection.poll_message(context));
    let mut registered = std::pin::pin!(client.batch_execute(LISTEN));
    let mut is_registered = false;
    loop {
        tokio::select! {
            outcome = &mut registered, if !is_registered => { outcome?; is_registered = true; }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(_))) => {}
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            () = tokio::time::sleep(POLL_EVERY) => {}
        }
        let head = reader.head().await?.position;
        // It goes back only when the log was restored to an older state; whoever waits must not believe in what was.
        sender.send_if_modified(|seen| std::mem::replace(seen, head) != head);
    }
}

/// Tells other processes that there is more, outside the append transaction and at most once at a time: `NOTIFY` holds
/// a global lock over COMMIT (RELIABILITY P5).
pub(super) async fn announce(database: Database, appended: Arc<Notify>) {
    loop {
        appended.notified().await;
        // Readers poll all the same, so a lost notification costs a second.
        if let Ok(connection) = database.get().await
            && let Err(error) = connection.batch_execute(NOTIFY).await
        {
            tracing::debug!(error = &error as &dyn std::error::Error, "the log's notification was not sent");
        }
    }
}
