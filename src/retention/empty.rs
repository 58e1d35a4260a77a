//! The rows of a retired partition go, and hooklake's own records stay.
//!
//! Rows go by TRUNCATE, for everybody at once and whatever their snapshots say; hence `log.may_empty` waits for those to
//! end that are older than the act. To those that are newer the partition may be empty at any time, and what stays must
//! be there throughout: it is loaded frozen, and so is visible to snapshots that are older than the loading.

use bytes::Bytes;
use futures::{SinkExt, TryStreamExt, stream};

use super::custodian::try_again;
use super::{Custodian, Error};

const MAY_EMPTY: &str = "SELECT log.may_empty($1)";
const EMPTIED: &str = "UPDATE log.retired SET emptied_at = clock_timestamp(), kept = $2 WHERE partition = $1";
/// How long readers may keep us waiting, and others wait behind us.
const LOCK_TIMEOUT: &str = "50ms";

impl Custodian {
    /// Takes the rows of a retired partition away, but for hooklake's own records; returns how many those are. It locks
    /// this one partition, no other and not the log: appends go on.
    ///
    /// # Errors
    /// [`Error::Held`] under a legal hold, [`Error::Needed`] while a transaction is open that began before it was retired,
    /// [`Error::Busy`] when readers hold it; and when the database does not answer.
    pub async fn empty(&mut self, partition: &str) -> Result<i64, Error> {
        let transaction = self.client.transaction().await?;
        transaction.execute(MAY_EMPTY, &[&partition]).await?;
        // Before the lock: nothing is appended to it, or taken from it, any more.
        let own = format!("COPY (SELECT * FROM log.{partition} WHERE source = 'hooklake') TO STDOUT (FORMAT binary)");
        let own: Vec<Bytes> = transaction.copy_out(&own).await?.try_collect().await?;
        transaction.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; TRUNCATE log.{partition}")).await?;
        let mut sink = std::pin::pin!(transaction.copy_in(&format!("COPY log.{partition} FROM STDIN (FORMAT binary, FREEZE)")).await?);
        sink.send_all(&mut stream::iter(own.into_iter().map(Ok))).await?;
        let kept = sink.finish().await? as i64;
        transaction.execute(EMPTIED, &[&partition, &kept]).await?;
        transaction.commit().await?;
        Ok(kept)
    }

    /// The same, after a little patience with whoever reads it.
    pub(super) async fn empty_soon(&mut self, partition: &str) -> Result<(), Error> {
        let mut tries = 0;
        while let Err(error) = self.empty(partition).await {
            if !matches!(error, Error::Busy | Error::Needed(_)) || !try_again(&mut tries).await {
                return Err(error);
            }
        }
        Ok(())
    }
}
