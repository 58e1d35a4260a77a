//! A person is erased everywhere, a hold stops it, and partitions go when their time is up.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hooklake::db::embedded;
use hooklake::domain::places::RETENTION;
use hooklake::domain::{Clock, Position};
use hooklake::registry;
use hooklake::retention::erase::{Erasure, Report};
use hooklake::retention::hold::Cover;
use hooklake::retention::mention::Person;
use hooklake::retention::redact::Order;
use hooklake::retention::schedule::What;
use hooklake::retention::traces::Files;
use hooklake::retention::{Custodian, Error, Settings};
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;
use serde_json::json;
use tokio::runtime::Handle;

use crate::harness::prove::verify;
use crate::harness::{TestApp, TestDatabase, examples};
use crate::retention::{custodian, order};

fn erasure<'a>(app: &'a TestApp, names: &[&str]) -> Erasure<'a> {
    let base = &app.app.base;
    Erasure {
        person: Person::new(names.iter().map(|name| (*name).to_owned())).expect("names"),
        reason: "asked for by the person".to_owned(),
        key: &base.installation.derivation_key,
        consumers: registry::consumers(base).expect("consumers").iter().map(|consumer| consumer.name().to_owned()).collect(),
        files: Files { data_dir: base.data_dir(), lake: base.config.lake.location(&base.data_dir()).expect("a location") },
        patience: Duration::from_mins(2),
    }
}

fn line(report: &Report, place: &str) -> (u64, u64) {
    let line = report.lines.iter().find(|line| line.place == place).unwrap_or_else(|| panic!("{place} is in {report:?}"));
    (line.before, line.after)
}

/// Files below a directory that hold these bytes.
fn files_with(directory: &Path, word: &str) -> Vec<String> {
    let output = Command::new("grep").args(["-rliaF", word]).arg(directory).output().expect("grep runs");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Builds what these consumers keep now, as tables that stay so; as of which position.
async fn as_they_stand(app: &TestApp, tasks: &Tasks, names: &[&str]) -> Position {
    let runner = app.app.base.runner(tasks, &Metrics::new());
    let at = Position::new(app.db.number("SELECT position FROM log.head").await);
    for consumer in registry::consumers(&app.app.base).expect("consumers").iter().filter(|consumer| names.contains(&consumer.name())) {
        assert_eq!(runner.rebuild_as_of(consumer.as_ref(), at, &mut |_, _| {}).await.expect("built"), Some(0), "{}", consumer.name());
    }
    at
}

async fn dump(db: &TestDatabase) -> String {
    let mut dump = String::new();
    for table in db
        .rows("SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname IN ('log', 'public', 'projections', 'hooklake') OR schemaname LIKE 'as!_of!_%' ESCAPE '!'")
        .await
    {
        let name: String = table.get(0);
        for row in db.rows(&format!("SELECT t::text FROM {name} t")).await {
            dump.push_str(row.get(0));
        }
    }
    // bytea is printed in hexadecimal.
    for row in db.rows("SELECT body FROM log.envelopes WHERE body IS NOT NULL UNION ALL SELECT body FROM log.redeliveries WHERE body IS NOT NULL").await {
        dump.push_str(&String::from_utf8_lossy(row.get(0)));
    }
    dump.to_lowercase()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_erased_everywhere() {
    let app = TestApp::start().await;
    app.send(&examples()[..40]).await;
    let named = [
        ("plain", json!({"action": "opened", "number": 1, "pull_request": {"number": 1, "title": "By Zaphod", "user": {"login": "zaphod-b"}}, "sender": {"login": "zaphod-b"}, "repository": {"id": 42, "full_name": "zaphod-b/heart"}}).to_string()),
        ("escaped", r#"{"action":"opened","issue":{"title":"x","body":"\u007aaphod-b was here"}}"#.to_owned()),
        ("nested", json!({"inner": json!({"mail": "Zaphod@Betelgeuse.example"}).to_string()}).to_string()),
    ];
    for (id, body) in &named {
        assert_eq!(app.github("pull_request", id, body).await.status, 200);
    }
    assert_eq!(
        app.slack("application/x-www-form-urlencoded", "payload=%7B%22type%22%3A%22block_actions%22%2C%22user%22%3A%22zaphod%40betelgeuse.example%22%7D")
            .await
            .status,
        200
    );
    assert_eq!(app.github("push", "other", r#"{"sender":{"login":"zaphod-bee"}}"#).await.status, 200);
    // A conflict: the same key with another body, which alone names them.
    assert_eq!(app.github("push", "twice", r#"{"ref":"a"}"#).await.status, 200);
    assert_eq!(app.github("push", "twice", r#"{"ref":"b","pusher":{"name":"zaphod-b"}}"#).await.status, 200);
    app.caught_up().await;
    assert!(dump(&app.db).await.contains("zaphod"));

    let tasks = Tasks::default();
    let at = as_they_stand(&app, &tasks, &["events", "entities", "correlation"]).await;
    assert_eq!(app.github("push", "later", r#"{"pusher":{"name":"zaphod-b"}}"#).await.status, 200);
    app.caught_up().await;
    let mut custodian = custodian(&app.db, &tasks).await;
    let wanted = erasure(&app, &["zaphod-b", "zaphod@betelgeuse.example"]);
    let hold = custodian.hold("a lawsuit", &Cover { source: Some("slack".to_owned()), ..Cover::default() }).await.expect("held");
    let refused = custodian.erase(&wanted, &mut |_| {}).await;
    assert!(matches!(&refused, Err(Error::Held(text)) if text.contains(&hold.to_string()) && text.contains("a lawsuit")), "{refused:?}");
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes WHERE 'redacted' = ANY (flags)").await, 0, "all or nothing");
    custodian.release(hold).await.expect("released");
    let telling = Erasure { reason: "Zaphod-B asked".to_owned(), ..erasure(&app, &["zaphod-b"]) };
    assert!(matches!(custodian.erase(&telling, &mut |_| {}).await, Err(Error::Request(_))), "the reason would stay");

    // As PostgreSQL writes of a row that it refuses.
    let server_log = embedded::log_file(&wanted.files.data_dir);
    std::fs::create_dir_all(server_log.parent().expect("a directory")).expect("made");
    std::fs::write(&server_log, "ERROR:  no\nDETAIL:  Failing row contains (1, zaphod-b).\n").expect("written");

    let report = custodian.erase(&wanted, &mut |_| {}).await.expect("erased");
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(std::fs::read_to_string(&server_log).expect("it is there still"), "");
    assert_eq!((report.redacted, line(&report, "log.envelopes, bodies"), line(&report, "log.redeliveries, bodies")), (5, (5, 0), (1, 0)));
    assert_eq!(app.db.number("SELECT count(*) FROM as_of_events.events").await, at.get(), "what is left of each is told, and nothing later");
    for place in [
        "table projections.events",
        "table projections.github_events",
        "table as_of_events.events",
        "table as_of_entities.pull_requests",
        "table as_of_correlation.event_subjects",
        "search index, files of every generation",
        "lake, data files and Delta log",
        "log of the embedded PostgreSQL",
    ] {
        let (before, after) = line(&report, place);
        assert!(before > 0 && after == 0, "{place}: {before} and {after}");
    }
    let dump = dump(&app.db).await;
    for word in ["zaphod-b\"", "zaphod-b/", "betelgeuse", "\\u007aaphod"] {
        assert!(!dump.contains(word), "{word}");
        for directory in ["search", "lake"] {
            assert_eq!(files_with(&app.app.base.data_dir().join(directory), word), Vec::<String>::new(), "{word}");
        }
    }
    assert!(dump.contains("zaphod-bee"), "someone else");
    let report_kept = app.db.rows("SELECT convert_from(body, 'UTF8')::jsonb FROM log.envelopes WHERE event_type = 'erasure'").await;
    let kept: serde_json::Value = report_kept[0].get(0);
    assert_eq!(kept["complete"], json!(true));
    assert_eq!(kept["subject_hmac"].as_array().map(Vec::len), Some(2));
    // As if somebody had begun to make this one anew and was killed.
    app.db
        .execute(
            "INSERT INTO hooklake.consumers (name, version, lease_until) VALUES ('events@as-of', 1, '-infinity');
             INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts) VALUES ('events@as-of', 1, 'evt_1', 'no room for Zaphod', 3)",
        )
        .await;
    let again = custodian.erase(&wanted, &mut |_| {}).await.expect("nothing to do");
    let shown = "SELECT string_agg(schema_name || ' ' || (to_regnamespace(schema_name) IS NOT NULL), ', ' ORDER BY schema_name) FROM hooklake.as_of_copies";
    let shown: Option<String> = app.db.rows(shown).await[0].get(0);
    assert_eq!(shown.as_deref(), Some("as_of_correlation true, as_of_entities true"), "nothing is shown that is not there");
    assert_eq!(app.db.number("SELECT count(*) FROM hooklake.parked").await, 0, "nor is it told why it could not take something");
    assert!(again.is_complete() && again.redacted == 0 && again.envelope.is_none());
    drop(custodian);
    tasks.stop().tell();
    let db = app.stop().await;
    let (code, said) = verify(&db, &[]);
    assert_eq!((code, &said["verified"]), (Some(0), &json!(true)), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_whose_past_was_dropped_verifies_and_old_cursors_are_gone() {
    let app = TestApp::start_with(&[("HOOKLAKE_PROOF_CHECKPOINT_EVERY_SECONDS", "0")]).await;
    app.send(&examples()[..20]).await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&app.db, &tasks).await;
    custodian.record("note", &json!({"own": "record"})).await.expect("recorded");
    app.send(&examples()[20..30]).await;
    app.caught_up().await;
    let partition = app.db.rows("SELECT tableoid::regclass::text FROM log.envelopes LIMIT 1").await[0].get::<_, String>(0).replace("log.", "");
    // As if this week had ended long ago.
    app.db.rows(&format!("SELECT * FROM log.retire('{partition}', '{{log_tree}}', -100)")).await;
    let act = json!({"partition": partition, "by": "tester", "first": 1, "through": 31});
    custodian.record(RETENTION, &act).await.expect("recorded");
    app.db.all_before_are_over().await;
    assert_eq!(custodian.empty(&partition).await.expect("emptied"), 2);
    app.send(&examples()[30..40]).await;
    app.caught_up().await;
    let bearer = format!("Bearer {}", app.token);
    for (path, status) in [("/events?after=25", 410), ("/events?after=35", 200), ("/events", 200)] {
        let request = app.client.get(app.url(path)).header("Authorization", &bearer);
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), status, "{path}");
    }
    drop(custodian);
    tasks.stop().tell();
    let db = app.stop().await;
    let (code, said) = verify(&db, &[]);
    assert_eq!((code, &said["verified"], &said["envelopes"]), (Some(0), &json!(true), &json!(12)), "{said}");
    db.rows("UPDATE log.envelopes SET event_type = 'other' WHERE position = 21 RETURNING 1").await;
    assert_eq!(verify(&db, &[]).0, Some(5), "what stays is still vouched for");
}

/// Lets the log so far have been received long ago, in a partition of its own.
pub async fn age(db: &TestDatabase, days: i32) {
    let (client, connection) = db.database.dedicated().await.expect("a connection");
    let driver = tokio::spawn(connection);
    let script = format!(
        "DO $$ DECLARE week timestamptz := date_trunc('week', now() - interval '{days} days'); BEGIN
             EXECUTE format('CREATE TABLE log.envelopes_old PARTITION OF log.envelopes FOR VALUES FROM (%L) TO (%L)', week, week + interval '1 week');
             UPDATE log.envelopes SET received_at = week + interval '1 day';
         END $$"
    );
    client.batch_execute(&script).await.expect("aged");
    drop(client);
    driver.await.expect("driven").expect("closed");
}

fn settings(text: &str) -> Settings {
    toml::from_str(text).expect("settings")
}

pub async fn run(custodian: &mut Custodian, text: &str, consumers: &[String]) -> Vec<What> {
    custodian.run(&settings(text), consumers, false).await.expect("run").into_iter().map(|step| step.what).collect()
}

/// Makes what was stored a hundred days old, with a record of hooklake's own behind it and an event of today; returns who
/// follows the log.
pub async fn grown_old(app: &TestApp, custodian: &mut Custodian) -> Vec<String> {
    custodian.record("note", &json!({"own": "record"})).await.expect("recorded");
    app.caught_up().await;
    age(&app.db, 100).await;
    app.github("push", "new", r#"{"ref":"refs/heads/new"}"#).await;
    app.caught_up().await;
    registry::consumers(&app.app.base).expect("consumers").iter().map(|consumer| consumer.name().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_goes_when_its_time_is_up_and_nobody_needs_it() {
    let app = TestApp::start().await;
    app.send(&examples()[..30]).await;
    assert_eq!(
        app.linear("l", &json!({"action": "create", "type": "Issue", "data": {"title": "kept"}, "webhookTimestamp": chrono::Utc::now().timestamp_millis()}))
            .await
            .status,
        200
    );
    app.caught_up().await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&app.db, &tasks).await;
    let consumers = grown_old(&app, &mut custodian).await;

    assert_eq!(run(&mut custodian, "days = 365\nlake = \"forget\"\nsources = {}\ntenants = {}", &consumers).await, [], "not yet");
    let ahead = Clock::manual(chrono::Utc::now() + chrono::Duration::days(1000));
    let mut hasty = Custodian::connect(&app.db.database, &tasks, ahead, "tester").await.expect("connected");
    assert_eq!(run(&mut hasty, "days = 365\nlake = \"forget\"\nsources = {}\ntenants = {}", &consumers).await, [], "whatever a clock says that is ahead");
    let redacted = run(&mut custodian, "days = 0\nlake = \"forget\"\nsources = { github = 60 }\ntenants = {}", &consumers).await;
    assert_eq!(redacted, [What::Redacted { envelopes: 30 }], "the shorter policy");
    let hold = custodian.hold("a lawsuit", &Cover { from: Some(Position::new(3)), to: Some(Position::new(3)), ..Cover::default() }).await.expect("held");
    let all = "days = 60\nlake = \"forget\"\nsources = {}\ntenants = {}";
    let waits = run(&mut custodian, all, &consumers).await;
    assert!(matches!(&waits[..], [What::Waits(reason)] if reason.contains(&hold.to_string())), "{waits:?}");
    custodian.release(hold).await.expect("released");
    app.caught_up().await;
    app.db.rows("INSERT INTO hooklake.consumers (name, version, position) VALUES ('slow', 1, 2) RETURNING 1").await;
    let waits = run(&mut custodian, all, &[&consumers[..], &["slow".to_owned()]].concat()).await;
    assert!(matches!(&waits[..], [What::Waits(reason)] if reason.contains("slow stands at position 2")), "{waits:?}");
    app.db.rows("DELETE FROM hooklake.consumers WHERE name = 'slow' RETURNING 1").await;
    let copy = "INSERT INTO hooklake.consumers (name, version, position, lease_until) VALUES ('events@as-of', 1, 2, 'infinity')";
    app.db.execute(copy).await;
    let waits = run(&mut custodian, all, &consumers).await;
    assert!(matches!(&waits[..], [What::Waits(reason)] if reason.contains("events@as-of stands at position 2")), "{waits:?}");
    app.db.execute("DELETE FROM hooklake.consumers WHERE name = 'events@as-of'").await;

    assert_eq!(run(&mut custodian, all, &consumers).await, [What::Dropped { envelopes: 31 }]);
    app.caught_up().await;
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes_old WHERE source <> 'hooklake'").await, 0);
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes_old").await, 1, "hooklake's own record stays");
    assert_eq!(app.db.number("SELECT count(*) FROM events WHERE position <= 31").await, 0);
    assert_eq!(app.db.number("SELECT count(*) FROM events WHERE position = 32").await, 1);
    assert_eq!(app.db.number("SELECT count(*) FROM log.keys WHERE source <> 'hooklake'").await, 1);
    assert!(app.db.number("SELECT count(*) FROM log.batches").await > 3, "the chain goes on");
    let engine = app.app.base.engine().expect("an engine");
    assert_eq!(crate::lake::rows(&engine, "SELECT count(*) FROM events WHERE source IN ('github', 'linear')").await, "1");
    assert_eq!(run(&mut custodian, all, &consumers).await, [], "once");
    // A fold of what is left.
    let base = &app.app.base;
    let before = app.db.rows("SELECT (to_jsonb(t) - 'processed_at')::text FROM events t ORDER BY position").await;
    let runner = base.runner(&tasks, &Metrics::new());
    for consumer in registry::consumers(base).expect("consumers").iter().filter(|consumer| ["events", "search", "lake"].contains(&consumer.name())) {
        runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.unwrap_or_else(|error| panic!("{}: {error:?}", consumer.name()));
    }
    let after = app.db.rows("SELECT (to_jsonb(t) - 'processed_at')::text FROM events t ORDER BY position").await;
    assert_eq!(before.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), after.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
    drop(custodian);
    tasks.stop().tell();
    app.stop().await;
}

/// Retention takes a week while an erasure has found what names somebody in it, and has not redacted that yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_goes_on_when_a_week_goes_that_it_has_read() {
    let app = TestApp::start().await;
    assert_eq!(app.github("push", "old", r#"{"pusher":{"name":"zaphod-b"}}"#).await.status, 200);
    app.caught_up().await;
    let tasks = Tasks::default();
    let (mut eraser, mut keeper) = (custodian(&app.db, &tasks).await, custodian(&app.db, &tasks).await);
    let consumers = grown_old(&app, &mut keeper).await;
    assert_eq!(app.github("push", "young", r#"{"pusher":{"name":"zaphod-b"}}"#).await.status, 200);
    app.caught_up().await;

    let mut dropped = Vec::new();
    let mut between = |_| {
        if dropped.is_empty() {
            let running = run(&mut keeper, "days = 60\nlake = \"forget\"\nsources = {}\ntenants = {}", &consumers);
            dropped = tokio::task::block_in_place(|| Handle::current().block_on(running));
        }
    };
    let report = eraser.erase(&erasure(&app, &["zaphod-b"]), &mut between).await.expect("erased");
    assert_eq!(dropped, [What::Dropped { envelopes: 1 }]);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.redacted, line(&report, "log.envelopes, bodies")), (1, (2, 0)), "what is gone needs none");
    assert!(!dump(&app.db).await.contains("zaphod"));
    drop((eraser, keeper));
    tasks.stop().tell();
    let db = app.stop().await;
    let (code, said) = verify(&db, &[]);
    assert_eq!((code, &said["verified"]), (Some(0), &json!(true)), "{said}");
}

/// What the lake may keep it tells word for word when the log has let it go; tables do not, nor does a lake that is made anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_that_keeps_tells_what_the_log_no_longer_holds() {
    let app = TestApp::start().await;
    app.send(&examples()[..30]).await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&app.db, &tasks).await;
    let consumers = grown_old(&app, &mut custodian).await;
    let base = &app.app.base;
    let engine = base.engine().expect("an engine");
    let asked = async || crate::lake::rows(&engine, "SELECT position, subject, title, payload FROM events WHERE position <= 30 ORDER BY position").await;
    let before = asked().await;
    assert_eq!(crate::lake::rows(&engine, "SELECT count(payload) FROM events WHERE position <= 30").await, "30");

    custodian.redact(&Order { lake_keeps: true, ..order(&[]) }, &[Position::new(3)]).await.expect("redacted");
    app.caught_up().await;
    assert_eq!(asked().await, before, "a body went");
    let keeps = "days = 60\nlake = \"keep\"\nsources = {}\ntenants = {}";
    let (old, connection) = app.db.database.dedicated().await.expect("a connection");
    tokio::spawn(connection);
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM hooklake.consumers").await.expect("begun");
    let waits = run(&mut custodian, keeps, &consumers).await;
    assert!(matches!(&waits[..], [What::Waits(_)]), "{waits:?}");
    custodian.redact(&order(&["/sender"]), &[Position::new(5)]).await.expect("redacted");
    app.caught_up().await;
    assert_eq!(crate::lake::rows(&engine, "SELECT count(payload) FROM events WHERE position <= 30").await, "30", "what is left of it stays");
    let before = asked().await;
    old.batch_execute("COMMIT").await.expect("ended");
    assert_eq!(run(&mut custodian, keeps, &consumers).await, [What::Dropped { envelopes: 30 }]);
    app.caught_up().await;
    assert_eq!(asked().await, before, "rows went");
    assert_eq!(app.db.number("SELECT count(*) FROM events WHERE position <= 30").await, 0);

    let lake = registry::consumers(base).expect("consumers").into_iter().find(|consumer| consumer.name() == "lake").expect("the lake");
    base.runner(&tasks, &Metrics::new()).rebuild(lake.as_ref(), &mut |_, _| {}).await.expect("rebuilt");
    assert_eq!(asked().await, "", "it is made of what the log holds");
    drop(custodian);
    tasks.stop().tell();
    app.stop().await;
}
