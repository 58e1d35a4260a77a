//! What every consumer is promised by the loop that runs it.

use async_trait::async_trait;
use hooklake::consumer::checkpoint::LEASE_TTL;
use hooklake::consumer::{Error, Projection, Projector};
use hooklake::log::Batch;
use serde_json::json;
use tokio_postgres::Transaction;

use crate::harness::fold::Fold;

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
