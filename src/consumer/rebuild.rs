//! Fills a fresh copy of what a consumer keeps beside the live one, from the log's start, and swaps the two.
//!
//! Readers see the old one until the swap and the new one after it. A rebuild that was killed goes on where it stood.

use super::checkpoint;
use super::runner::{Place, Runner};
use super::{Consumer, Error};
use crate::domain::Position;
use crate::failpoint;

/// How often a swap is tried before readers that hold the tables make it fail.
const SWAP_TRIES: u32 = 20;

impl Runner {
    /// Rebuilds a consumer; `progress` is told where the copy stands and where the log ends. Returns the position of
    /// the swap.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another process rebuilds it at this moment, or was killed doing so within the lease.
    pub async fn rebuild(&self, live: &dyn Consumer, progress: &mut (dyn FnMut(Position, Position) + Send)) -> Result<Position, Error> {
        checkpoint::enroll(&self.database, live.name(), live.version()).await?;
        let name = checkpoint::copy_name(live.name());
        checkpoint::enroll(&self.database, &name, 0).await?;
        let lease = checkpoint::acquire(&self.database, &name, &self.owner).await?;
        let lease = lease.ok_or_else(|| Error::LeaseLost(name.clone()))?;
        let outcome = self.fill_and_swap(live, &lease, progress).await;
        // After a swap the copy's row is gone, and its lease with it.
        drop(lease.release(&self.database).await);
        outcome
    }

    async fn fill_and_swap(
        &self,
        live: &dyn Consumer,
        lease: &checkpoint::Lease,
        progress: &mut (dyn FnMut(Position, Position) + Send),
    ) -> Result<Position, Error> {
        let mut copy = live.beside().await?;
        let mut place = Place { position: copy.open().await?, since: None };
        let mut tries = 0;
        loop {
            while self.step(copy.as_mut(), lease, &mut place).await? {
                progress(place.position, self.tail.seen());
                if self.stop.is_told() {
                    return Err(Error::LeaseLost(lease.consumer.clone()));
                }
            }
            tries += 1;
            match self.swap(live.name(), copy.as_mut(), lease, &mut place).await {
                Ok(()) => return Ok(place.position),
                // A long query holds the old tables; it gets its time, the rebuild tries again.
                Err(Error::Database(error)) if tries < SWAP_TRIES && error.sqlstate() == Some(&tokio_postgres::error::SqlState::LOCK_NOT_AVAILABLE) => {
                    tracing::info!(consumer = live.name(), "the swap of {} waits for a query that reads the old tables", live.name());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Holds the live consumer still, takes what it has seen and the copy has not, and swaps, in one transaction.
    async fn swap(&self, live: &str, copy: &mut dyn Consumer, lease: &checkpoint::Lease, place: &mut Place) -> Result<(), Error> {
        let mut connection = self.database.get().await?;
        let transaction = connection.transaction().await?;
        transaction.batch_execute("SET LOCAL lock_timeout = '2s'").await?;
        let live_at = checkpoint::hold(&transaction, live).await?;
        while place.position < live_at && self.step(copy, lease, place).await? {}
        failpoint::reach(failpoint::REBUILD_BEFORE_SWAP);
        copy.swap(&transaction).await?;
        checkpoint::replace(&transaction, live, &lease.consumer).await?;
        transaction.commit().await?;
        Ok(())
    }
}
