//! F20: a partition goes while export, rebuild, SQL and verification read it. Who began before finds all of it, who began
//! after knows that it is gone, and nobody takes a part for the whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hooklake::consumer::rebuild::Then;
use hooklake::consumer::{Consumer, Projection};
use hooklake::domain::places::RETENTION;
use hooklake::domain::{Position, Tenant};
use hooklake::lake::{Engine, Error, Limits, QueryOptions};
use hooklake::projectors::EventTable;
use hooklake::proof::verify::{Progress, Question, verify};
use hooklake::retention::mention::Person;
use hooklake::retention::schedule::What;
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::erase::{grown_old, run};
use crate::harness::prove::filled;
use crate::harness::{TestApp, TestDatabase, config, examples, wait_until};
use crate::retention::{custodian, order};

const ALL: &str = "days = 60\nlake = \"forget\"\nsources = {}\ntenants = {}";

/// A connection of the owner's.
async fn session(db: &TestDatabase) -> Client {
    let (client, connection) = db.database.dedicated().await.expect("a connection");
    tokio::spawn(connection);
    client
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
}

/// Whoever reads again and again until told to stop.
struct Readers {
    stop: Arc<AtomicBool>,
    /// How often each of them has been answered.
    answers: [Arc<AtomicUsize>; 2],
    reading: Vec<JoinHandle<()>>,
}

impl Readers {
    fn start(app: &TestApp, client: Client) -> Self {
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), [Arc::default(), Arc::default()]);
        let engine = app.app.base.engine().expect("an engine");
        let asking = again(&stop, &answers[0], async move || {
            let answer = engine.query(&Tenant::default_tenant(), "SELECT count(*) FROM events WHERE position <= 60", QueryOptions::default()).await;
            match answer {
                Ok(answer) => assert!(["60", "0"].contains(&answer.to_csv().expect("CSV").lines().nth(1).expect("a row")), "all or nothing"),
                Err(error) => assert!(matches!(error, Error::Expired), "{error:?}"),
            }
        });
        let copying = again(&stop, &answers[1], async move || {
            // As pg_dump reads: one snapshot, and the log not first.
            client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("begun");
            let retired = number(&client, "SELECT count(*) FROM log.retired").await;
            tokio::task::yield_now().await;
            let read = number(&client, "SELECT count(*) FROM log.envelopes WHERE position <= 60").await;
            assert!(read == 60 || (retired == 1 && read == 0), "{read} envelopes in a snapshot with {retired} retired partitions");
            client.batch_execute("COMMIT").await.expect("ended");
        });
        Self { stop, answers, reading: vec![asking, copying] }
    }

    /// Waits until each has been answered once more at least.
    async fn answered(&self) {
        let counts = || self.answers.each_ref().map(|answers| answers.load(Ordering::SeqCst));
        let before = counts();
        // One may have been asked before.
        wait_until("every reader is answered", async || counts().iter().zip(before).all(|(now, before)| *now >= before + 2)).await;
    }

    async fn stop(self) {
        self.answered().await;
        self.stop.store(true, Ordering::SeqCst);
        for reading in self.reading {
            reading.await.expect("nobody read a part of it");
        }
    }
}

fn again(stop: &Arc<AtomicBool>, answers: &Arc<AtomicUsize>, mut read: impl AsyncFnMut() + Send + 'static) -> JoinHandle<()> {
    let (stop, answers) = (Arc::clone(stop), Arc::clone(answers));
    // A thread of its own: what an async closure's future may do is not known to be fit for others.
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        runtime.block_on(async {
            while !stop.load(Ordering::SeqCst) {
                read().await;
                answers.fetch_add(1, Ordering::SeqCst);
            }
        });
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_goes_is_read_whole_or_not_at_all() {
    let app = TestApp::start().await;
    app.send(&examples()[..60]).await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&app.db, &tasks).await;
    let consumers = grown_old(&app, &mut custodian).await;
    let base = &app.app.base;
    let runner = base.runner(&tasks, &Metrics::new());
    let table: Box<dyn Consumer> = Box::new(Projection::new(app.db.database.clone(), EventTable));
    let readers = Readers::start(&app, session(&app.db).await);
    runner.rebuild(table.as_ref(), &mut |_, _| {}).await.expect("rebuilt");
    readers.answered().await;

    // A snapshot, and not a look at the log yet.
    let old = session(&app.db).await;
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM hooklake.consumers").await.expect("begun");
    let waits = run(&mut custodian, ALL, &consumers).await;
    assert!(matches!(&waits[..], [What::Waits(reason)] if reason.contains("may still read it")), "{waits:?}");
    app.db.all_before_are_over().await;
    let new = session(&app.db).await;
    new.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM log.retired").await.expect("begun");
    readers.answered().await;
    // Whoever asks the log from now on has none of it, so that no copy has half of it.
    runner.rebuild_and(table.as_ref(), Then::Keep, &mut |_, _| {}).await.expect("filled");
    assert_eq!(app.db.number("SELECT count(*) FROM rebuild_events.events WHERE position <= 60").await, 0);
    runner.discard_copies(table.as_ref()).await.expect("discarded");
    app.caught_up().await;
    assert_eq!(app.db.number("SELECT count(*) FROM events WHERE position <= 60").await, 0);

    // What takes content away finds it wherever it still is, and nobody takes what is left of it for news.
    let person = Person::new(["Codertocat".to_owned()]).expect("a name");
    let found = custodian.find(&person, &mut |_| {}).await.expect("found").bodies;
    assert!(found.first().is_some_and(|position| *position <= Position::new(60)), "{found:?}");
    custodian.redact(&order(&["/sender"]), &found[..1]).await.expect("redacted");
    app.caught_up().await;
    assert_eq!(app.db.number("SELECT count(*) FROM events WHERE position <= 60").await, 0);

    assert_eq!(number(&old, "SELECT count(body) FROM log.envelopes WHERE position <= 60").await, 60, "all that it was when this began");
    old.batch_execute("COMMIT").await.expect("ended");
    assert_eq!(run(&mut custodian, ALL, &consumers).await, [What::Dropped { envelopes: 60 }]);
    assert_eq!(number(&new, "SELECT count(*) FROM log.envelopes_old").await, 1, "what stays is there for whoever began before");
    assert_eq!(number(&new, "SELECT count(*) FROM log.envelopes_old WHERE source = 'hooklake' AND body IS NOT NULL").await, 1);
    new.batch_execute("COMMIT").await.expect("ended");
    readers.stop().await;
    drop((custodian, old, new));
    tasks.stop().tell();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verification_and_sql_know_of_what_goes_while_they_read() {
    let db = filled().await;
    let partition: String = db.rows("SELECT tableoid::regclass::text FROM log.envelopes LIMIT 1").await[0].get(0);
    let waiting = async |count: i64| {
        wait_until("they are about to read", async || {
            db.number("SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname = current_database()").await
                >= count
        })
        .await;
    };
    let (tasks, progress) = (Tasks::default(), Arc::new(Progress::default()));
    let act = json!({"partition": partition, "by": "tester", "first": 1, "through": 60});
    custodian(&db, &tasks).await.record(RETENTION, &act).await.expect("recorded");
    let retention = session(&db).await;
    // The plan is made, and no envelope was read.
    retention.batch_execute("BEGIN; LOCK TABLE projections.log_tiles IN ACCESS EXCLUSIVE MODE").await.expect("locked");
    let (database, counted, workers) = (db.database.clone(), Arc::clone(&progress), tasks.clone());
    let verifying = tokio::spawn(async move { verify(&database, Question::default(), 1, &counted, &workers).await });
    waiting(1).await;
    // The head is known, and nothing of the tail was read.
    retention.batch_execute(&format!("LOCK TABLE {partition} IN ACCESS EXCLUSIVE MODE")).await.expect("locked");
    let directory = tempfile::tempdir().expect("a directory");
    let lake = config(directory.path(), &[]).lake.location(directory.path()).expect("a location");
    let engine = Engine::new(db.database.clone(), lake, Limits::default()).expect("an engine");
    let asking = tokio::spawn(async move { engine.query(&Tenant::default_tenant(), "SELECT count(*) FROM events", QueryOptions::default()).await });
    waiting(2).await;
    let name = partition.replace("log.", "");
    let retire = format!(
        "INSERT INTO log.retired (partition, first_position, through_position, received_from, received_until) VALUES ('{name}', 1, 60, now(), now());
         DELETE FROM {partition} WHERE position <= 60; COMMIT"
    );
    retention.batch_execute(&retire).await.expect("gone");

    let report = verifying.await.expect("it ends").expect("verified");
    assert_eq!(report.findings, [], "nothing was altered");
    assert_eq!(progress.dropped.load(Ordering::Relaxed), 60);
    let answer = asking.await.expect("it ends");
    assert!(matches!(answer, Err(Error::Expired)), "{answer:?}");
}
