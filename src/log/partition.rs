//! Partitions made ahead, so that no append ever meets a week without one (decision D6, RELIABILITY P8).

use std::time::Duration;

use crate::db::{self, Connection, Database};
use crate::tasks::Stop;

/// Weeks that are ready beyond this one.
pub const WEEKS_AHEAD: i32 = 4;
const LOOK_EVERY: Duration = Duration::from_hours(1);

/// Makes what is missing; returns how many that were.
///
/// # Errors
/// When the database refuses; a lock held by someone else is given up after 200 ms, and tried again at the next call.
pub async fn ensure(connection: &Connection) -> Result<i32, db::Error> {
    Ok(connection.query_one("SELECT log.ensure_partitions($1)", &[&WEEKS_AHEAD]).await?.get(0))
}

/// Looks every hour until stopped.
pub async fn keep_ready(database: Database, stop: Stop) {
    loop {
        let made = async { ensure(&database.get().await?).await };
        match made.await {
            Ok(0) => {}
            Ok(made) => tracing::info!(made, "made {made} partitions of the log"),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "could not make partitions of the log; trying again in an hour"),
        }
        if stop.sleep(LOOK_EVERY).await.is_stopped() {
            return;
        }
    }
}
