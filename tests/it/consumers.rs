//! What every consumer is promised by the loop that runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hooklake::consumer::checkpoint::LEASE_TTL;
use hooklake::consumer::{Consumer, Error, Lease, Moment, Projection, Projector};
use hooklake::db::Transaction;
use hooklake::domain::Position;
use hooklake::log::Batch;
use serde_json::json;

use crate::harness::fold::Fold;
use crate::harness::wait_until;

/// Takes longer for a batch than the lease holds without being renewed.
#[derive(Clone)]
struct Slow;

#[async_trait]
impl Projector for Slow {
    const NAME: &'static str = "slow";
    const VERSION: i32 = 1;
    const TABLES: &'static [&'static str] = &[];

    async fn project(&self, transaction: &Transaction<'_>, _: &Batch) -> Result<(), Error> {
        transaction.execute("SELECT pg_sleep($1)", &[&(LEASE_TTL.as_secs_f64() * 1.1)]).await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_may_take_longer_than_the_lease() {
    let fold = Fold::start().await;
    fold.append_json("custom", "x", &json!({"event_type": "x"})).await;
    let slow = Projection::new(fold.db.database.clone(), Slow);
    let following = tokio::spawn(fold.runner.clone().follow(Box::new(slow)));
    fold.reached("slow").await;
    assert_eq!(fold.db.number("SELECT epoch FROM hooklake.consumers WHERE name = 'slow'").await, 1, "the lease was never lost");
    fold.stop().await;
    following.await.expect("followed");
}

/// Keeps nothing.
#[derive(Clone)]
struct Idle;

#[async_trait]
impl Projector for Idle {
    const NAME: &'static str = "idle";
    const VERSION: i32 = 1;
    const TABLES: &'static [&'static str] = &[];

    async fn project(&self, _: &Transaction<'_>, _: &Batch) -> Result<(), Error> {
        Ok(())
    }
}

/// Counts the batches that it is given, at a pace that no test waits for.
struct Leisurely {
    inner: Projection<Idle>,
    batches: Arc<AtomicUsize>,
}

#[async_trait]
impl Consumer for Leisurely {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn version(&self) -> i32 {
        self.inner.version()
    }

    fn pace(&self) -> Duration {
        Duration::from_hours(1)
    }

    async fn open(&mut self) -> Result<Position, Error> {
        self.inner.open().await
    }

    async fn apply(&mut self, batch: &Batch, lease: &Lease) -> Result<(), Error> {
        self.inner.apply(batch, lease).await?;
        self.batches.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn beside(&self) -> Result<Box<dyn Consumer>, Error> {
        self.inner.beside().await
    }

    async fn swap(&mut self, transaction: &Transaction<'_>, filled: &Moment) -> Result<(), Error> {
        self.inner.swap(transaction, filled).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_within_the_pace_goes_into_one_batch() {
    let fold = Fold::start().await;
    let event = json!({"event_type": "x"});
    fold.append_json("custom", "x", &event).await;
    let batches = Arc::new(AtomicUsize::new(0));
    let leisurely = Leisurely { inner: Projection::new(fold.db.database.clone(), Idle), batches: Arc::clone(&batches) };
    let following = tokio::spawn(fold.runner.clone().follow(Box::new(leisurely)));
    wait_until("the first event is taken at once", async || batches.load(Ordering::SeqCst) == 1).await;
    for _ in 0..20 {
        fold.append_json("custom", "x", &event).await;
    }
    // Everyone else has a quicker pace, and has seen them all.
    fold.reached("events").await;
    fold.stop().await;
    following.await.expect("it stops without waiting for its pace");
    assert_eq!(batches.load(Ordering::SeqCst), 1);
}
