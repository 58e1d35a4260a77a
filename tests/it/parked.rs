//! An event that a consumer cannot take is set aside, can be looked at, tried again and given up, and in the end what
//! the consumer keeps is a fold of the log (I5–I7).

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use hooklake::app::Base;
use hooklake::consumer::{Consumer, Error, Projection, Projector, Retaken, checkpoint, parked};
use hooklake::db::Transaction;
use hooklake::domain::{Envelope, Position, Span, Tenant};
use hooklake::lake::QueryOptions;
use hooklake::log::{Batch, BatchLimits, Reader};
use hooklake::registry;
use hooklake::search::Searcher;
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;
use serde_json::{Value, json};

use crate::harness::fold::Fold;
use crate::harness::process::command;
use crate::harness::{TestApp, TestDatabase, examples, wait_until};
use reqwest::Method;

/// Keeps a row for each event, and panics on a poisoned one until it is mended.
#[derive(Clone, Default)]
struct Fragile {
    is_mended: Arc<AtomicBool>,
}

#[async_trait]
impl Projector for Fragile {
    const NAME: &'static str = "fragile";
    const VERSION: i32 = 1;
    const TABLES: &'static [&'static str] = &["fragile"];

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        for envelope in &batch.envelopes {
            let is_poison = envelope.event_type == "poison" && !self.is_mended.load(Ordering::SeqCst);
            assert!(!is_poison, "it is poisoned");
            transaction.execute("INSERT INTO fragile VALUES ($1, $2)", &[&envelope.position.get(), &envelope.event_type]).await?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_event_is_taken_when_it_is_mended_and_asked_for() {
    let fold = Fold::start().await;
    let database = &fold.db.database;
    database
        .get()
        .await
        .expect("a connection")
        .batch_execute("CREATE TABLE projections.fragile (position bigint PRIMARY KEY, event_type text)")
        .await
        .expect("a table");
    let fragile = Fragile::default();
    for event_type in ["fine", "poison", "fine", "poison", "fine"] {
        fold.append_json("custom", event_type, &json!({})).await;
    }
    let following = tokio::spawn(fold.runner.clone().follow(Box::new(Projection::new(database.clone(), fragile.clone()))));
    fold.reached("fragile").await;
    let positions =
        async || fold.db.rows("SELECT position FROM projections.fragile ORDER BY 1").await.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>();
    assert_eq!(positions().await, [1, 3, 5], "the rest went on");
    let set_aside = parked::list(database, Some("fragile"), false, 10).await.expect("a list");
    assert_eq!(set_aside.iter().map(|parked| (parked.position.get(), parked.attempts)).collect::<Vec<_>>(), [(2, 3), (4, 3)]);
    assert!(set_aside[0].reason.contains("it is poisoned"), "{}", set_aside[0].reason);

    // Asked for too early: it fails again, says so, and does not stop the rest.
    parked::request(database, "fragile", Some(Position::new(2))).await.expect("a request");
    let one = async |position| parked::one(database, "fragile", Position::new(position)).await.expect("an answer");
    wait_until("it was tried", async || one(2).await.is_some_and(|parked| parked.tried_at.is_some())).await;
    let tried = one(2).await.expect("still parked");
    assert_eq!((tried.attempts, tried.retry_requested_at), (4, None));
    fold.append_json("custom", "fine", &json!({})).await;
    fold.reached("fragile").await;

    fragile.is_mended.store(true, Ordering::SeqCst);
    assert_eq!(parked::request(database, "fragile", None).await.expect("requests").len(), 2);
    wait_until("nothing is parked", async || one(2).await.is_none() && one(4).await.is_none()).await;
    assert_eq!(positions().await, [1, 2, 3, 4, 5, 6]);
    let epoch = "SELECT epoch FROM hooklake.consumers WHERE name = 'fragile'";
    assert_eq!(fold.db.number(epoch).await, 1, "the one writer took them, under its lease");
    fold.stop().await;
    following.await.expect("followed");
}

/// What a process parks before it is killed, the next one may take: then it is not parked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_parked_before_a_kill_and_is_taken_after_it_is_not_parked() {
    let app = TestApp::start_with(&[("HOOKLAKE_ROLES", "ingest,serve")]).await;
    app.send(&examples()[..10]).await;
    let base = &app.app.base;
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    let park = async |consumer: &str| {
        let parked = format!("INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts) VALUES ('{consumer}', 4, 'evt_4', 'no room', 3)");
        app.db.execute(&parked).await;
    };
    let parked = async || rows_of(&app.db.rows("SELECT position FROM hooklake.parked").await);
    // Copies that are filled out of order, in order, beside the database, and as of a position; with nothing of them in place yet.
    let mut consumers = registry::consumers(base).expect("consumers");
    consumers.retain(|consumer| ["events", "validation", "search", "lake"].contains(&consumer.name()));
    assert_eq!(consumers.len(), 4);
    for consumer in &consumers {
        checkpoint::enroll(&base.database, consumer.name(), consumer.version()).await.expect("enrolled");
        drop(consumer.beside().await.expect("begun"));
        park(&checkpoint::copy_name(consumer.name())).await;
        runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.expect("rebuilt");
        assert_eq!(parked().await, Vec::<i64>::new(), "{}", consumer.name());
    }

    // A live one, whose checkpoint was lost with what it had written.
    let live = consumers.remove(0);
    let name = live.name().to_owned();
    app.db.execute(&format!("TRUNCATE projections.{name}; UPDATE hooklake.consumers SET position = 3, fence = NULL WHERE name = '{name}'")).await;
    park(&name).await;
    let lost = checkpoint::acquire(&base.database, &name, "killed").await.expect("asked").expect("free");
    lost.release(&base.database).await.expect("released");
    let following = tokio::spawn(runner.clone().follow(live));
    wait_until("it goes on", async || checkpoint::position(&base.database, &name).await.expect("a position") == Position::new(10)).await;
    assert_eq!(parked().await, Vec::<i64>::new(), "{name}");
    // Who was paused parks nothing for its successor.
    let late = checkpoint::park(&base.database, &lost, Position::new(5), "evt_5", "no room", 3).await;
    assert!(matches!(late, Err(Error::LeaseLost(_))), "{late:?}");
    assert_eq!(parked().await, Vec::<i64>::new());
    tasks.stop().tell();
    following.await.expect("followed");
    app.stop().await;
}

/// Every table that is a fold of the log, as text, without when a row was written.
async fn tables(db: &TestDatabase) -> Vec<(String, Vec<String>)> {
    let names = "SELECT relname::text FROM pg_class WHERE relnamespace = 'projections'::regnamespace AND relkind = 'r' ORDER BY 1";
    let mut tables = Vec::new();
    for row in db.rows(names).await {
        let name: String = row.get(0);
        let rows = db.rows(&format!("SELECT (to_jsonb(t) - 'processed_at')::text FROM projections.{name} t ORDER BY 1")).await;
        tables.push((name, rows.iter().map(|row| row.get(0)).collect()));
    }
    tables
}

/// Lets a consumer take the log, save the positions that it parks.
async fn follow_parking(base: &Base, consumer: &mut dyn Consumer, skipped: &[i64]) {
    let database = &base.database;
    checkpoint::enroll(database, consumer.name(), consumer.version()).await.expect("enrolled");
    let lease = checkpoint::acquire(database, consumer.name(), "test").await.expect("asked").expect("free");
    let reader = Reader::new(database.clone());
    let mut after = consumer.open().await.expect("opened");
    loop {
        let next = skipped.iter().copied().find(|position| *position > after.get());
        let entries = next.map_or(500, |next| u32::try_from(next - after.get() - 1).expect("small").clamp(1, 500));
        let mut batch = reader.after(after, None, consumer.sources(), BatchLimits { entries, ..BatchLimits::default() }).await.expect("a batch");
        if batch.span.is_empty() {
            break;
        }
        if next == Some(batch.span.through.get()) {
            batch.span = Span { after, through: batch.span.through };
            // A consumer that does not follow the event's source has nothing to set aside.
            if let Some(envelope) = batch.envelopes.pop() {
                checkpoint::park(database, &lease, envelope.position, &envelope.id.to_string(), "a test sets it aside", 3).await.expect("parked");
            }
        }
        consumer.apply(&batch, &lease).await.expect("applied");
        after = batch.span.through;
    }
    lease.release(database).await.expect("released");
}

/// What the lake and the index hold, beyond doubt about doubles.
async fn lake_and_index(app: &TestApp) -> (String, Vec<i64>) {
    let engine = app.app.base.engine().expect("an engine");
    let rows = engine.query(&Tenant::default_tenant(), "SELECT * FROM events ORDER BY position", QueryOptions::default()).await.expect("rows");
    let searcher = Searcher::new(app.db.database.clone(), &app.app.base.data_dir());
    let hits = searcher.search(&Tenant::default_tenant(), "*", 1000, 0).await.expect("hits").hits;
    let mut positions: Vec<i64> = hits.iter().map(|hit| hit.position.get()).collect();
    positions.sort_unstable();
    (rows.to_csv().expect("CSV"), positions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_parked_the_end_is_that_of_a_fresh_fold() {
    let app = TestApp::start_with(&[("HOOKLAKE_ROLES", "ingest,serve")]).await;
    app.send(&examples()[..20]).await;
    let bearer = format!("Bearer {}", app.token);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let rule = |required: &str| json!({"name": "issues", "source": "linear", "event_type": "Issue", "schema": {"required": [required]}}).to_string();
    assert_eq!(app.post("/validation/rules", &headers, rule("nothing")).await.status, 201);
    app.send(&hooklake::demo::deliveries::story(chrono::Utc::now()).expect("the story")).await;
    assert_eq!(app.post("/validation/rules", &headers, rule("action")).await.status, 201);
    app.send(&examples()[20..30]).await;
    // Deliveries come side by side, so no place is sure to be that of an event that names a team.
    let wanted = "source = 'hooklake' OR position % 3 = 0 OR position = (SELECT min(position) FROM log.envelopes WHERE source = 'linear')";
    let rules = app.db.rows(&format!("SELECT position FROM log.envelopes WHERE {wanted} ORDER BY 1")).await;
    let skipped: Vec<i64> = rows_of(&rules);
    assert!(skipped.len() > 15);

    let base = &app.app.base;
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    for consumer in &mut registry::consumers(base).expect("consumers") {
        follow_parking(base, consumer.as_mut(), &skipped).await;
        let requested = parked::request(&base.database, consumer.name(), None).await.expect("requests");
        if consumer.sources().is_some_and(<[_]>::is_empty) {
            continue; // It reads no events, so it has none to set aside.
        }
        assert!(!requested.is_empty(), "{} has set something aside", consumer.name());
        let is_rebuilt = runner.retry_parked(consumer.as_mut()).await.expect("tried") == Retaken::ByRebuild;
        assert_eq!(is_rebuilt, matches!(consumer.name(), "validation" | "correlation" | "people"), "{}: only those that depend on the order", consumer.name());
        if matches!(consumer.name(), "lake" | "search") {
            // As after a crash between the effect and the end of the parking.
            let again = "INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts, retry_requested_at) SELECT $1, position, 'evt_' || replace(id::text, '-', ''), 'again', 3, now() FROM log.envelopes WHERE position = $2";
            base.database.get().await.expect("a connection").execute(again, &[&consumer.name(), &skipped[0]]).await.expect("parked again");
            runner.retry_parked(consumer.as_mut()).await.expect("tried again");
        }
    }
    assert_eq!(app.db.number("SELECT count(*) FROM hooklake.parked").await, 0, "everything was taken");
    let (late, late_files) = (tables(&app.db).await, lake_and_index(&app).await);
    for consumer in registry::consumers(base).expect("consumers") {
        runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.expect("rebuilt");
    }
    let fresh = tables(&app.db).await;
    assert!(fresh.iter().filter(|(_, rows)| !rows.is_empty()).count() > 8, "there is something to compare");
    for ((name, late), (_, fresh)) in late.iter().zip(&fresh) {
        assert_eq!(late, fresh, "{name}");
    }
    assert_eq!(late_files, lake_and_index(&app).await);
    tasks.stop().tell();
    app.stop().await;
}

fn rows_of(rows: &[tokio_postgres::Row]) -> Vec<i64> {
    rows.iter().map(|row| row.get(0)).collect()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Lets the real consumer of Slack's events meet a row that the database refuses.
async fn poisoned(app: &TestApp) {
    let constraint = "ALTER TABLE projections.slack_events ADD CONSTRAINT poison CHECK (text IS DISTINCT FROM 'poison')";
    app.db.database.get().await.expect("a connection").batch_execute(constraint).await.expect("a constraint");
    for text in ["fine", "poison", "fine too"] {
        let body =
            json!({"type": "event_callback", "event_id": format!("Ev{text}"), "event": {"type": "message", "user": "U1", "channel": "C1", "text": text}});
        assert_eq!(app.slack("application/json", &body.to_string()).await.status, 200);
    }
    app.caught_up().await;
}

async fn mend(db: &TestDatabase) {
    db.database.get().await.expect("a connection").batch_execute("ALTER TABLE projections.slack_events DROP CONSTRAINT poison").await.expect("no constraint");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_shows_tries_and_gives_up() {
    let app = TestApp::start().await;
    poisoned(&app).await;
    let db = &app.db;
    let run = |arguments: &[&str]| {
        let output = command(db).arg("parked").args(arguments).output().expect("the binary runs");
        (output.status.code().expect("a code"), text(&output))
    };
    let (code, listed) = run(&["list"]);
    assert!(code == 0 && listed.contains("slack_events") && listed.contains("violates check constraint"), "{listed}");
    let (_, json) = run(&["list", "--consumer", "slack_events", "--output", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    assert_eq!((rows.len(), &rows[0]["position"], &rows[0]["state"]), (1, &json!(2), &json!("parked")));
    db.execute(
        "INSERT INTO hooklake.consumers (name, version, position) VALUES ('other', 1, 9);
         INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts)
         VALUES ('other', 4, 'evt_4', 'no \"a b\" at 17', 3), ('other', 7, 'evt_7', 'no \"c\" at 4', 3), ('other', 8, 'evt_8', 'full', 3)",
    )
    .await;
    let (_, grouped) = run(&["list", "--group", "--consumer", "other", "--output", "json"]);
    let groups: Vec<Value> = serde_json::from_str(&grouped).expect("JSON");
    let told: Vec<_> = groups.iter().map(|group| (&group["error"], &group["events"], &group["last_position"])).collect();
    assert_eq!(told, [(&json!("no … at #"), &json!(2), &json!(7)), (&json!("full"), &json!(1), &json!(8))]);
    db.execute("DELETE FROM hooklake.parked WHERE consumer = 'other'; DELETE FROM hooklake.consumers WHERE name = 'other'").await;
    let (code, shown) = run(&["show", "slack_events", "2"]);
    assert!(code == 0 && shown.contains("\"text\":\"poison\"") && shown.contains("attempts            3"), "{shown}");
    assert_eq!(run(&["show", "slack_events", "1"]).0, 4);
    assert_eq!(run(&["retry", "nobody", "--all"]).0, 4);
    assert_eq!(run(&["retry", "slack_events"]).0, 2, "one, or all");

    // The server that runs owns the lease and tries it.
    let (code, failed) = run(&["retry", "slack_events", "2"]);
    assert!(code == 5 && failed.contains("0 taken, 1 failed again") && failed.contains("poison"), "{failed}");
    mend(db).await;
    let (code, taken) = run(&["retry", "slack_events", "--all"]);
    assert!(code == 0 && taken.contains("1 taken, 0 failed again"), "{taken}");
    assert_eq!(db.number("SELECT count(*) FROM slack_events").await, 3);
    assert_eq!(run(&["retry", "slack_events", "2"]).0, 4, "it is no longer parked");
    let metrics = app.client.get(app.url("/metrics")).bearer_auth(&app.token).send().await.expect("metrics").text().await.expect("text");
    for outcome in ["failed", "taken"] {
        let line = format!("hooklake_parked_retried_total{{consumer=\"slack_events\",outcome=\"{outcome}\"}} 1");
        assert!(metrics.contains(&line), "{line}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_the_command_tries_and_a_loss_is_written_down() {
    let app = TestApp::start().await;
    poisoned(&app).await;
    let db = app.stop().await;
    let run = |arguments: &[&str]| {
        let output = command(&db).arg("parked").args(arguments).output().expect("the binary runs");
        (output.status.code().expect("a code"), text(&output))
    };
    let (code, failed) = run(&["retry", "slack_events", "2"]);
    assert!(code == 5 && failed.contains("1 failed again"), "{failed}");
    assert_eq!(run(&["drop", "slack_events", "2", "--reason", " "]).0, 4);
    let (code, dropped) = run(&["drop", "slack_events", "2", "--reason", "a test message"]);
    assert!(code == 0 && dropped.contains("does without position 2"), "{dropped}");
    assert!(!run(&["list"]).1.contains("slack_events") && run(&["list", "--dropped"]).1.contains("dropped"));
    let noted = db.rows("SELECT convert_from(body, 'UTF8'), event_type FROM log.envelopes WHERE source = 'hooklake'").await;
    let note: Value = serde_json::from_str(noted[0].get(0)).expect("JSON");
    assert_eq!((&note["consumer"], &note["position"], &note["reason"]), (&json!("slack_events"), &json!(2), &json!("a test message")));
    assert_eq!(noted[0].get::<_, &str>(1), parked::DROPPED_TYPE);
    assert!(!note.to_string().contains("poison"), "what stays does not quote the event: {note}");

    // A rebuild meets it again, and the loss stays accepted; once mended, it is not lost any longer.
    let rebuild = || command(&db).args(["rebuild", "slack_events"]).output().expect("the binary runs");
    let output = rebuild();
    assert!(output.status.success());
    let logged = text(&output);
    assert!(logged.contains("SQLSTATE 23514") && !logged.contains("Failing row"), "nor does the server's log: {logged}");
    assert_eq!(db.number("SELECT count(*) FROM hooklake.parked WHERE dropped_at IS NOT NULL").await, 1);
    let as_it_stood = command(&db).args(["rebuild", "slack_events", "--as-of", "3"]).output().expect("the binary runs");
    let told = text(&as_it_stood);
    assert!(told.contains("are missing: 1") && told.contains("slack_events@as-of parked"), "{told}");
    mend(&db).await;
    let (code, taken) = run(&["retry", "slack_events", "2"]);
    assert!(code == 0 && taken.contains("1 taken"), "{taken}");
    assert_eq!(db.number("SELECT count(*) FROM slack_events").await, 3);
    assert_eq!(db.number("SELECT count(*) FROM hooklake.parked").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_can_do_the_same_over_http() {
    let app = TestApp::start().await;
    poisoned(&app).await;
    let ask = async |method: Method, path: &str| {
        let answer = app.client.request(method, app.url(path)).bearer_auth(&app.token).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let (status, listed) = ask(Method::GET, "/parked?consumer=slack_events").await;
    assert_eq!((status, &listed["parked"][0]["position"]), (200, &json!(2)));
    let (status, grouped) = ask(Method::GET, "/parked/groups").await;
    assert_eq!((status, &grouped["events"], &grouped["groups"][0]["lastPosition"]), (200, &json!(1), &json!(2)), "{grouped}");
    let (status, shown) = ask(Method::GET, "/parked/slack_events/2").await;
    assert_eq!((status, &shown["event"]["source"], &shown["parked"]["attempts"]), (200, &json!("slack"), &json!(3)));
    assert!(shown.to_string().find("\"body\"").is_none());
    for (method, path) in
        [(Method::GET, "/parked/slack_events/1"), (Method::POST, "/parked/nobody/2/retry"), (Method::DELETE, "/parked/slack_events/9?reason=x")]
    {
        assert_eq!(ask(method.clone(), path).await.0, 404, "{method} {path}");
    }
    assert_eq!(ask(Method::DELETE, "/parked/slack_events/2").await.0, 400, "a reason must be given");
    let (status, dropped) = ask(Method::DELETE, "/parked/slack_events/2?reason=not%20needed").await;
    assert_eq!((status, &dropped["position"]), (200, &json!(4)), "it is written into the log");
    assert_eq!(ask(Method::GET, "/parked").await.1, json!({"parked": []}));
    assert_eq!(ask(Method::GET, "/parked?dropped=true").await.1["parked"][0]["dropReason"], "not needed");
    mend(&app.db).await;
    assert_eq!(ask(Method::POST, "/parked/slack_events/2/retry").await.0, 202);
    wait_until("it is taken", async || ask(Method::GET, "/parked/slack_events/2").await.0 == 404).await;
    assert_eq!(app.db.number("SELECT count(*) FROM slack_events").await, 3);
    app.stop().await;
}
