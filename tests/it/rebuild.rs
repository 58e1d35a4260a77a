//! What a consumer keeps is a fold of the log: built anew, it is the same (I5–I7).

use std::collections::BTreeMap;

use hooklake::consumer::{Consumer, Runner, checkpoint};
use hooklake::db::Database;
use hooklake::domain::Position;
use hooklake::registry;
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;

use crate::harness::fold::Fold;
use crate::harness::{TestApp, examples, rows, wait_until};

/// Every table that is made from the log as text, without when a row was written.
pub async fn tables(database: &Database) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    for table in rows(database, "SELECT relname::text FROM pg_class WHERE relnamespace = 'projections'::regnamespace AND relkind = 'r' ORDER BY 1").await {
        let name: String = table.get(0);
        let rows = rows(database, &format!("SELECT (to_jsonb(t) - 'processed_at')::text FROM projections.{name} t ORDER BY 1")).await;
        tables.insert(name, rows.iter().map(|row| row.get(0)).collect());
    }
    tables
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_projection_rebuilt_equals_the_live_one() {
    let app = TestApp::start().await;
    app.send(&examples()).await;
    app.send(&hooklake::demo::deliveries::story(chrono::Utc::now()).expect("the story")).await;
    // One name that an event explains, and one that none does.
    app.github("issues", "seven", r#"{"action":"opened","issue":{"number":7,"title":"x"},"repository":{"full_name":"p/q"}}"#).await;
    let event = r#"{"type":"message","channel":"C1","user":"U1","text":"p/q#7 and p/q#8","ts":"1.1","event_ts":"1.1"}"#;
    app.slack("application/json", &format!(r#"{{"type":"event_callback","team_id":"T1","event_id":"Ev7","event":{event}}}"#)).await;
    app.caught_up().await;
    let live = tables(&app.db.database).await;
    assert!(live["github_events"].len() > 300 && live["slack_events"].len() > 5, "there is something to compare");

    // What correlation made is counted, and how large it is.
    let metrics = app.client.get(app.url("/metrics")).bearer_auth(&app.token).send().await.expect("metrics").text().await.expect("text");
    let sum = |family: &str| -> f64 {
        metrics.lines().filter(|line| line.starts_with(&format!("{family}{{"))).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    for (family, table) in [("links", "event_correlations"), ("mentions", "alias_mentions"), ("subjects", "event_subjects")] {
        assert!(sum(&format!("hooklake_correlation_{family}_total")) >= live[table].len() as f64, "{table}");
    }
    assert!(metrics.contains(",type=\"pr_to_issue\"} "), "by type");
    for line in ["recent_mentions{state=\"explained\"} 1", "recent_mentions{state=\"unexplained\"} 1"] {
        assert!(metrics.contains(&format!("hooklake_correlation_{line}\n")), "{line}");
    }
    assert!(metrics.contains("hooklake_table_bytes{table=\"event_correlations\"} "), "how large it is");

    let base = &app.app.base;
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    for consumer in registry::consumers(base).expect("consumers") {
        let before = checkpoint::generation(&base.database, consumer.name()).await.expect("a generation");
        runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.unwrap_or_else(|error| panic!("{}: {error:?}", consumer.name()));
        let after = checkpoint::generation(&base.database, consumer.name()).await.expect("a generation");
        assert_eq!(after, before + 1, "{} was swapped", consumer.name());
    }
    app.caught_up().await;
    let rebuilt = tables(&app.db.database).await;
    assert_eq!(live.keys().collect::<Vec<_>>(), rebuilt.keys().collect::<Vec<_>>());
    for (name, rows) in &live {
        assert_eq!(rows, &rebuilt[name], "{name}");
    }
    assert_eq!(app.db.number("SELECT count(*) FROM hooklake.parked").await, 0);
    assert_eq!(app.db.number("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'rebuild%'").await, 0, "nothing is left behind");

    // The swapped tables go on being filled, and readers may still read them.
    app.github("push", "after", r#"{"ref":"refs/heads/main","repository":{"full_name":"o/r"}}"#).await;
    app.caught_up().await;
    assert_eq!(app.db.number("SELECT count(*) FROM github_events WHERE repository_full_name = 'o/r'").await, 1);
    let grants = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND NOT has_table_privilege('codegen_readonly', oid, 'SELECT')";
    assert_eq!(app.db.number(grants).await, 0);
    tasks.stop().tell();
    app.stop().await;
}

/// A transaction's connection, and the task that drives it.
async fn connected(fold: &Fold) -> (tokio_postgres::Client, tokio::task::JoinHandle<Result<(), tokio_postgres::Error>>) {
    let (client, connection) = fold.db.database.dedicated().await.expect("a connection");
    let driver = tokio::spawn(connection);
    client.batch_execute("BEGIN").await.expect("a transaction");
    (client, driver)
}

/// Whether a copy is filled, and waits for readers that began before.
async fn waits_for_older(fold: &Fold, copy: &str) -> bool {
    fold.db.number(&format!("SELECT count(*) FROM hooklake.consumers WHERE name = '{copy}' AND error LIKE '%may still read%'")).await > 0
}

async fn as_of(runner: Runner, live: Box<dyn Consumer>) -> Result<Option<u64>, hooklake::consumer::Error> {
    runner.rebuild_as_of(live.as_ref(), Position::new(1), &mut |_, _| {}).await
}

/// Whoever reads several tables of a copy, in an order that is not that of its removal, is answered; and it is replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_copy_and_another_one_in_its_place_do_not_end_each_other() {
    let fold = Fold::start_with(&["entities"]).await;
    fold.append("github", "push", br#"{"ref":"refs/heads/main","after":"a","repository":{"id":1,"full_name":"o/r"}}"#).await;
    fold.caught_up().await;
    assert_eq!(as_of(fold.runner.clone(), fold.consumers().remove(0)).await.expect("it is made"), Some(0));
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let ((first, first_driver), (reader, reader_driver)) = (connected(&fold).await, connected(&fold).await);
    assert_eq!(first.query("SELECT title FROM as_of_entities.issues", &[]).await.expect("an answer").len(), 0);
    assert_eq!(reader.query("SELECT name FROM as_of_entities.branches", &[]).await.expect("an answer").len(), 1);
    let replacing = tokio::spawn(as_of(fold.runner.clone(), fold.consumers().remove(0)));
    wait_until("it waits for a reader", async || fold.db.number(waiting).await > 0 || replacing.is_finished()).await;
    let reading = tokio::spawn(async move { (reader.query("SELECT full_name FROM as_of_entities.repositories", &[]).await, reader) });
    wait_until("the other one waits, or is answered", async || fold.db.number(waiting).await > 1 || reading.is_finished()).await;
    first.batch_execute("COMMIT").await.expect("the first is done");
    let (answer, reader) = reading.await.expect("it ends");
    assert_eq!(answer.expect("the reader is answered").len(), 1);
    reader.batch_execute("COMMIT").await.expect("the other one is done");
    assert_eq!(replacing.await.expect("it ends").expect("it is replaced"), Some(0));
    drop((first, reader));
    for driver in [first_driver, reader_driver] {
        driver.await.expect("driven").expect("closed");
    }
    fold.stop().await;
}

/// Whoever reads one view after another, in an order that is not the swap's, waits for it and is answered; so is the swap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_several_views_and_a_swap_do_not_end_each_other() {
    let fold = Fold::start_with(&["entities"]).await;
    fold.append("github", "push", br#"{"ref":"refs/heads/main","after":"a","repository":{"id":1,"full_name":"o/r"}}"#).await;
    fold.caught_up().await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let ((old, old_driver), (first, first_driver), (reader, reader_driver)) = (connected(&fold).await, connected(&fold).await, connected(&fold).await);
    assert_eq!(old.query("SELECT FROM hooklake.installation", &[]).await.expect("an answer").len(), 1);
    let (runner, live) = (fold.runner.clone(), fold.consumers().remove(0));
    let swap = tokio::spawn(async move { runner.rebuild(live.as_ref(), &mut |_, _| {}).await });
    wait_until("the copy is filled", async || waits_for_older(&fold, &checkpoint::copy_name("entities")).await).await;
    // The swap changes what is asked for in the order of names: branches, issues, repositories.
    fold.db.all_before_are_over().await;
    assert_eq!(first.query("SELECT title FROM issues", &[]).await.expect("an answer").len(), 0);
    assert_eq!(reader.query("SELECT full_name FROM repositories", &[]).await.expect("an answer").len(), 1);
    old.batch_execute("COMMIT").await.expect("the oldest is done");
    wait_until("the swap waits for the first reader", async || fold.db.number(waiting).await > 0).await;
    let reading = tokio::spawn(async move { (reader.query("SELECT name FROM branches", &[]).await, reader) });
    wait_until("the other one waits for the swap", async || fold.db.number(waiting).await > 1 || reading.is_finished()).await;
    // Now the swap comes to what the other one holds, which was the first of the two to wait.
    first.batch_execute("COMMIT").await.expect("the first is done");
    let (answer, reader) = reading.await.expect("it ends");
    assert_eq!(answer.expect("the reader is answered").len(), 1);
    reader.batch_execute("COMMIT").await.expect("the other one is done");
    swap.await.expect("it ends").expect("the swap comes again");
    assert_eq!(fold.db.number("SELECT generation::bigint FROM hooklake.consumers WHERE name = 'entities'").await, 2);
    drop((old, first, reader));
    for driver in [old_driver, first_driver, reader_driver] {
        driver.await.expect("driven").expect("closed");
    }
    fold.stop().await;
}

/// Whoever reads in one snapshot finds in a table what was there when that began, whether the table is swapped meanwhile or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_began_before_a_swap_never_finds_an_empty_table() {
    let fold = Fold::start_with(&["events"]).await;
    for branch in ["a", "b", "c"] {
        fold.append_json("github", "push", &serde_json::json!({"ref": branch})).await;
    }
    fold.caught_up().await;
    let begun = async || {
        let (client, driver) = connected(&fold).await;
        client.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT FROM hooklake.installation").await.expect("a snapshot");
        (client, driver)
    };
    let counted = async |client: &tokio_postgres::Client| client.query_one("SELECT count(*) FROM events", &[]).await.expect("a count").get::<_, i64>(0);

    let (old, old_driver) = begun().await;
    let (runner, live) = (fold.runner.clone(), fold.consumers().remove(0));
    let swap = tokio::spawn(async move { runner.rebuild(live.as_ref(), &mut |_, _| {}).await });
    wait_until("it waits for the reader", async || waits_for_older(&fold, &checkpoint::copy_name("events")).await || swap.is_finished()).await;
    // Whoever begins now is not waited for, and is shown what the copy has by then.
    fold.append_json("github", "push", &serde_json::json!({"ref": "d"})).await;
    let copied = format!("SELECT position FROM hooklake.consumers WHERE name = '{}'", checkpoint::copy_name("events"));
    wait_until("the copy follows", async || swap.is_finished() || fold.db.number(&copied).await == 4).await;
    fold.db.all_before_are_over().await;
    let (young, young_driver) = begun().await;
    assert_eq!(counted(&old).await, 3, "as when it began");
    old.batch_execute("COMMIT").await.expect("it is done");
    swap.await.expect("it ends").expect("swapped");
    assert_eq!(counted(&young).await, 4, "as when it began");

    // Nor one as of an earlier position.
    let publish = tokio::spawn(as_of(fold.runner.clone(), fold.consumers().remove(0)));
    wait_until("it waits for the reader", async || waits_for_older(&fold, &checkpoint::as_of_name("events")).await || publish.is_finished()).await;
    assert_eq!(fold.db.number("SELECT count(*) FROM hooklake.as_of_copies").await, 0, "it is not shown yet");
    young.batch_execute("COMMIT").await.expect("it is done");
    assert_eq!(publish.await.expect("it ends").expect("it is shown"), Some(0));
    drop((old, young));
    for driver in [old_driver, young_driver] {
        driver.await.expect("driven").expect("closed");
    }
    fold.stop().await;
}
