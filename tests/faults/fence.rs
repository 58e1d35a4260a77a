//! F36: a consumer that is ahead of a log that went back notices, stops and says so, and a rebuild heals it.

use hooklake::consumer::{Consumer, Projection, checkpoint};
use hooklake::domain::{Position, Tenant};
use hooklake::lake::{self, Engine, Limits, QueryOptions};
use hooklake::projectors::EventTable;
use hooklake::search::{self, Indexer, Searcher};

use crate::harness::follow::{App, pull_request};
use crate::harness::wait_until;
use crate::lake::{engine, exporter, rows};

/// Takes the log back to a position, as a restored backup or a promoted standby does.
pub async fn take_back(app: &App, to: i64) {
    let (client, connection) = app.database.dedicated().await.expect("a connection");
    let driver = tokio::spawn(connection);
    let script = format!(
        "BEGIN;
         DELETE FROM log.keys WHERE id IN (SELECT id FROM log.envelopes WHERE position > {to});
         DELETE FROM log.envelopes WHERE position > {to};
         DELETE FROM log.batches WHERE through_position > {to};
         UPDATE log.head SET position = {to}, chain = (SELECT chain FROM log.batches WHERE through_position = {to});
         COMMIT"
    );
    client.batch_execute(&script).await.expect("taken back");
    drop(client);
    driver.await.expect("driven").expect("closed");
}

pub async fn store(app: &App, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        // One by one, so that each is a batch of its own.
        app.store("github", "pull_request", &pull_request(number, "Fix the checkout", "again")).await;
    }
}

fn events(app: &App) -> Projection<EventTable> {
    Projection::new(app.database.clone(), EventTable)
}

fn follow(app: &App) {
    app.follow(exporter(app));
    app.follow(Indexer::new(app.database.clone(), &app.data_dir));
    app.follow(events(app));
}

const NAMES: [&str; 3] = ["lake", "search", "events"];

async fn errors(app: &App) -> Vec<Option<String>> {
    let mut errors = Vec::new();
    for name in NAMES {
        errors.push(checkpoint::complaint(&app.database, name).await.expect("a row"));
    }
    errors
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_ahead_of_a_log_that_went_back_stops_and_says_so() {
    let app = App::start().await;
    follow(&app);
    store(&app, 1..=10).await;
    for name in NAMES {
        app.wait_for(name).await;
    }
    take_back(&app, 5).await;
    wait_until("all three complain, while nothing arrives", async || errors(&app).await.iter().all(Option::is_some)).await;
    for (name, error) in NAMES.iter().zip(errors(&app).await) {
        let error = error.expect("a complaint");
        assert!(error.contains(&format!("{name} is ahead at 10")) && error.contains("the log says nothing there yet"), "{error}");
        assert!(error.contains(&format!("run `hooklake rebuild {name}`")), "{error}");
    }
    assert!(matches!(answer(&app).await, Err(lake::Error::Restored)), "the lake is not asked");
    assert!(matches!(find(&app).await, Err(search::Error::Restored)), "nor is the index");

    // The positions are given to others, and still nobody goes on from what was.
    store(&app, 101..=107).await;
    assert_eq!(app.head().await, Position::new(12));
    assert!(matches!(answer(&app).await, Err(lake::Error::Restored)));
    assert!(matches!(find(&app).await, Err(search::Error::Restored)));
    for name in NAMES {
        let position = checkpoint::position(&app.database, name).await.expect("a position");
        assert_eq!(position, Position::new(10), "{name} moved");
    }
    for mut consumer in [Box::new(exporter(&app)) as Box<dyn Consumer>, Box::new(Indexer::new(app.database.clone(), &app.data_dir)), Box::new(events(&app))] {
        let refused = consumer.open().await.expect_err("the log says something else there").to_string();
        assert!(refused.contains("restored to an older state") && !refused.contains("nothing there"), "{refused}");
    }

    for consumer in [Box::new(exporter(&app)) as Box<dyn Consumer>, Box::new(Indexer::new(app.database.clone(), &app.data_dir)), Box::new(events(&app))] {
        app.runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.expect("rebuilt");
    }
    store(&app, 108..=108).await;
    for name in NAMES {
        app.wait_for(name).await;
    }
    assert_eq!(errors(&app).await, [None, None, None], "the complaints are withdrawn");
    assert_eq!(rows(&engine(&app), "SELECT count(*), sum(position), count(DISTINCT id) FROM events").await, "13,91,13");
    assert_eq!(find(&app).await.expect("found").total, 13);
    app.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_went_back_and_on_is_noticed_by_the_next_batch() {
    let app = App::start().await;
    store(&app, 1..=4).await;
    let mut lake = exporter(&app);
    let lease = app.lease(&lake).await;
    let start = lake.open().await.expect("opened");
    lake.apply(&app.batch_after(start, &lake).await, &lease).await.expect("applied");
    // Between two batches of a consumer that runs: it never looked at the log in between.
    take_back(&app, 2).await;
    store(&app, 11..=14).await;
    let refused = lake.apply(&app.batch_after(Position::new(4), &lake).await, &lease).await.expect_err("another log");
    assert!(matches!(refused, hooklake::consumer::Error::Restored { .. }), "{refused:?}");
    // A projection's transaction refuses it too, and the runner then opens it and finds out why.
    let mut table = events(&app);
    let lease = app.lease(&table).await;
    lease.record(&app.database, Position::new(4)).await.expect("recorded");
    take_back(&app, 3).await;
    store(&app, 21..=23).await;
    let batch = app.batch_after(Position::new(4), &table).await;
    assert!(matches!(table.apply(&batch, &lease).await, Err(hooklake::consumer::Error::LeaseLost(_))));
    assert!(matches!(table.open().await, Err(hooklake::consumer::Error::Restored { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_of_an_older_hooklake_gets_its_fence_without_complaint() {
    let app = App::start().await;
    store(&app, 1..=3).await;
    let mut table = events(&app);
    app.catch_up(&mut table).await;
    app.database.get().await.expect("a connection").execute("UPDATE hooklake.consumers SET fence = NULL", &[]).await.expect("as before the upgrade");
    app.follow(events(&app));
    wait_until("the fence is filled", async || checkpoint::fence(&app.database, "events").await.expect("a row").is_some()).await;
    assert_eq!(checkpoint::complaint(&app.database, "events").await.expect("a row"), None);
    store(&app, 4..=4).await;
    app.wait_for("events").await;
    app.stop();
}

async fn answer(app: &App) -> Result<lake::Answer, lake::Error> {
    let engine = Engine::new(app.database.clone(), crate::lake::location(app), Limits::default()).expect("an engine");
    engine.query(&Tenant::default_tenant(), "SELECT count(*) FROM events", QueryOptions::default()).await
}

async fn find(app: &App) -> Result<search::SearchAnswer, search::Error> {
    Searcher::new(app.database.clone(), &app.data_dir).search(&Tenant::default_tenant(), "checkout", 50, 0).await
}
