//! What every consumer is promised by the loop that runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hooklake::consumer::checkpoint::LEASE_TTL;
use hooklake::consumer::{Consumer, Error, Lease, Moment, Projection, Projector, parked};
use hooklake::db::Transaction;
use hooklake::domain::Position;
use hooklake::log::Batch;
use serde_json::json;
use tokio::sync::Semaphore;

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

    fn another(&self) -> Box<dyn Consumer> {
        self.inner.another()
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

/// Keeps what came in its order, panics on a poisoned event until it is mended, and takes its time when it is built anew.
#[derive(Clone)]
struct Ordered {
    is_mended: Arc<AtomicBool>,
    is_rebuilt: Arc<AtomicBool>,
    goes_on: Arc<Semaphore>,
}

#[async_trait]
impl Projector for Ordered {
    const NAME: &'static str = "ordered";
    const VERSION: i32 = 1;
    const TABLES: &'static [&'static str] = &["ordered"];

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        for envelope in &batch.envelopes {
            let is_mended = self.is_mended.load(Ordering::SeqCst);
            assert!(envelope.event_type != "poison" || is_mended, "it is poisoned");
            if envelope.event_type == "first" && is_mended {
                self.is_rebuilt.store(true, Ordering::SeqCst);
                self.goes_on.acquire().await.expect("open").forget();
            }
            let before = "INSERT INTO ordered SELECT $1, count(*) FROM ordered";
            transaction.execute(before, &[&envelope.position.get()]).await?;
        }
        Ok(())
    }
}

/// What is tried again may take a rebuild, and a rebuild of a long log takes long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_follows_while_it_is_rebuilt_for_what_comes_late() {
    let fold = Fold::start().await;
    let table = "CREATE TABLE projections.ordered (position bigint PRIMARY KEY, before bigint)";
    fold.db.database.get().await.expect("a connection").batch_execute(table).await.expect("a table");
    let ordered = Ordered { is_mended: Arc::default(), is_rebuilt: Arc::default(), goes_on: Arc::new(Semaphore::new(0)) };
    let event = json!({});
    for event_type in ["first", "poison", "fine"] {
        fold.append_json("custom", event_type, &event).await;
    }
    let following = tokio::spawn(fold.runner.clone().follow(Box::new(Projection::new(fold.db.database.clone(), ordered.clone()))));
    fold.reached("ordered").await;
    let kept = async || {
        fold.db
            .rows("SELECT position, before FROM projections.ordered ORDER BY 1")
            .await
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect::<Vec<(i64, i64)>>()
    };
    assert_eq!(kept().await, [(1, 0), (3, 1)], "the rest went on");

    ordered.is_mended.store(true, Ordering::SeqCst);
    assert_eq!(parked::request(&fold.db.database, "ordered", None).await.expect("asked"), [Position::new(2)]);
    wait_until("a rebuild has begun", async || ordered.is_rebuilt.load(Ordering::SeqCst)).await;
    fold.append_json("custom", "fine", &event).await;
    fold.reached("ordered").await;
    assert_eq!(kept().await, [(1, 0), (3, 1), (4, 2)], "what came meanwhile did not wait for it");
    assert_eq!(fold.db.number("SELECT count(*) FROM hooklake.parked WHERE retry_requested_at IS NOT NULL").await, 1, "and the other one still waits");

    ordered.goes_on.add_permits(10);
    wait_until("it is taken", async || fold.db.number("SELECT count(*) FROM hooklake.parked").await == 0).await;
    fold.append_json("custom", "fine", &event).await;
    fold.reached("ordered").await;
    assert_eq!(kept().await, [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]);
    fold.stop().await;
    following.await.expect("followed");
}
