//! What is redacted is gone from everything made from the log, and each of these is what a fresh fold would give.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hooklake::consumer::rebuild::Then;
use hooklake::consumer::{Consumer, Projection};
use hooklake::domain::places::Cause;
use hooklake::domain::{Clock, Position};
use hooklake::projectors::{EntityTables, EventTable};
use hooklake::registry;
use hooklake::retention::hold::Cover;
use hooklake::retention::redact::Order;
use hooklake::retention::{Custodian, Error};
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;
use serde_json::json;

use crate::harness::fold::Fold;
use crate::harness::process::command;
use crate::harness::prove::filled;
use crate::harness::{TestApp, TestDatabase, examples, wait_until};

pub async fn custodian(db: &TestDatabase, tasks: &Tasks) -> Custodian {
    Custodian::connect(&db.database, tasks, Clock::system(), "tester").await.expect("connected")
}

pub fn order(paths: &[&str]) -> Order {
    let paths = paths.iter().map(|path| path.parse().expect("a pointer")).collect();
    Order { cause: Cause::Redact, reason: "asked for".to_owned(), paths, erasure: None, lake_keeps: false }
}

fn at(positions: &[i64]) -> Vec<Position> {
    positions.iter().copied().map(Position::new).collect()
}

/// Rebuilds everything of a fold, and compares.
async fn equals_a_fresh_fold(fold: &Fold) {
    fold.caught_up().await;
    let live = fold.tables().await;
    for consumer in fold.consumers() {
        fold.runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.unwrap_or_else(|error| panic!("{}: {error:?}", consumer.name()));
    }
    for ((name, live), (_, rebuilt)) in live.iter().zip(&fold.tables().await) {
        assert_eq!(live, rebuilt, "{name}");
    }
}

/// A copy that stands beside has all that follows from its rows. When some of these go while it goes on, so does what followed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_goes_on_forgets_what_followed() {
    let fold = Fold::start_with(&["entities", "people"]).await;
    for (number, login) in [(1, "ada"), (2, "bob")] {
        let user = json!({"id": number, "login": login});
        let issue = json!({"number": number, "title": format!("of {login}"), "updated_at": "2026-11-20T10:00:00Z", "user": user});
        fold.append_json("github", "issues", &json!({"action": "opened", "issue": issue, "repository": {"id": 1, "full_name": "o/r"}, "sender": user})).await;
    }
    fold.caught_up().await;
    let copied = async || {
        let told = "SELECT (SELECT string_agg(title, ', ' ORDER BY title) FROM rebuild_entities.issues), (SELECT string_agg(value, ', ' ORDER BY value) FROM rebuild_people.person_claims WHERE kind = 'login')";
        let row = fold.db.rows(told).await.remove(0);
        [row.get::<_, Option<String>>(0).unwrap_or_default(), row.get::<_, Option<String>>(1).unwrap_or_default()]
    };
    let keep = async || {
        for live in fold.consumers() {
            fold.runner.rebuild_and(live.as_ref(), Then::Keep, &mut |_, _| {}).await.expect("filled");
        }
    };
    keep().await;
    assert_eq!(copied().await, ["of ada, of bob", "ada, bob"]);
    let tasks = Tasks::default();
    let mut custodian = custodian(&fold.db, &tasks).await;
    custodian.redact(&order(&[]), &at(&[1])).await.expect("redacted");
    keep().await;
    assert_eq!(copied().await, ["of bob", "bob"]);
    equals_a_fresh_fold(&fold).await;
    drop(custodian);
    tasks.stop().tell();
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_projection_forgets_and_is_a_fold_of_what_is_left() {
    let fold = Fold::start().await;
    fold.append_examples().await;
    fold.append_story().await;
    // The only event that names a team, one that names it later, and one with two mentions of a name.
    let team = |key: &str, name: Option<&str>| json!({"action": "create", "type": "Issue", "data": {"identifier": format!("{key}-1"), "title": "secret-title", "team": {"id": "t", "key": key, "name": name}}});
    fold.append_json("linear", "Issue", &team("ONE", Some("Only"))).await;
    fold.append_json("linear", "Issue", &team("TWO", Some("First"))).await;
    fold.append_json("linear", "Issue", &team("TWO", Some("Second"))).await;
    fold.caught_up().await;
    let head = fold.db.number("SELECT position FROM log.head").await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&fold.db, &tasks).await;
    let chain = fold.db.rows("SELECT chain FROM log.batches ORDER BY through_position").await.len();

    let whole: Vec<i64> = (1..head - 2).filter(|position| position % 7 == 0).chain([head - 2, head - 1]).collect();
    let done = custodian.redact(&order(&[]), &at(&whole)).await.expect("redacted");
    assert_eq!(done.envelopes, whole.len() as u64);
    custodian.redact(&order(&["/data/title"]), &at(&[head])).await.expect("redacted");
    fold.caught_up().await;
    let gone = "SELECT count(*) FROM log.envelopes WHERE body IS NULL AND salt IS NULL AND body_bytes = 0 AND 'redacted' = ANY (flags)";
    assert_eq!(fold.db.number(gone).await, whole.len() as i64);
    assert_eq!(fold.db.number("SELECT count(*) FROM events WHERE 'redacted' = ANY (flags)").await, whole.len() as i64 + 1 - replays(&fold, &whole).await);
    assert_eq!(fold.db.number("SELECT count(*) FROM events WHERE payload IS NOT NULL AND flags = '{redacted}'").await, 1, "only what was redacted in part");
    assert_eq!(fold.db.number("SELECT count(*) FROM events e WHERE e::text LIKE '%secret-title%'").await, 0);
    let failed = "SELECT count(*) FROM received_deliveries WHERE error IS NOT NULL AND 'redacted' = ANY (flags)";
    assert_eq!(fold.db.number(failed).await, 0, "what was taken away is no failure of its delivery");
    assert_eq!(fold.db.number("SELECT count(*) FROM linear_events WHERE issue_title = '[redacted]'").await, 1);
    assert_eq!(fold.db.number("SELECT count(*) FROM linear_teams WHERE team_key = 'ONE'").await, 0, "nothing names it any more");
    let two = fold.db.rows("SELECT team_name, first_position FROM linear_teams WHERE team_key = 'TWO'").await;
    assert_eq!((two[0].get::<_, String>(0), two[0].get::<_, i64>(1)), ("Second".to_owned(), head), "as what is left names it");
    assert_eq!(fold.db.number("SELECT count(*) FROM event_validations v JOIN events e USING (position) WHERE 'redacted' = ANY (e.flags)").await, 0);
    assert!(fold.db.rows("SELECT chain FROM log.batches").await.len() > chain, "acts are in the chain");
    equals_a_fresh_fold(&fold).await;
    fold.stop().await;
}

async fn replays(fold: &Fold, positions: &[i64]) -> i64 {
    let list = positions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    fold.db.number(&format!("SELECT count(*) FROM log.envelopes WHERE position IN ({list}) AND 'suspect_replay' = ANY (flags)")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_that_only_a_rebuild_has_seen_counts_for_tables_as_they_stood() {
    // Nobody follows the log for the two that are asked for; one is filled in order, one is not.
    let fold = Fold::start_with(&["slack"]).await;
    let database = &fold.db.database;
    let away: [Box<dyn Consumer>; 2] = [Box::new(Projection::new(database.clone(), EventTable)), Box::new(Projection::new(database.clone(), EntityTables))];
    for number in 1..=3 {
        let issue = json!({"id": number, "number": number, "title": format!("secret-{number}"), "state": "open"});
        fold.append_json("github", "issues", &json!({"action": "opened", "issue": issue, "repository": {"id": 1, "full_name": "o/r"}})).await;
    }
    for consumer in &away {
        assert_eq!(fold.runner.rebuild_as_of(consumer.as_ref(), Position::new(2), &mut |_, _| {}).await.expect("built"), Some(0));
    }
    let tasks = Tasks::default();
    custodian(&fold.db, &tasks).await.redact(&order(&[]), &at(&[1])).await.expect("redacted");
    for (consumer, table) in away.iter().zip(["as_of_events.events", "as_of_entities.issues"]) {
        let told = async |number: i64| fold.db.number(&format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%secret-{number}%'")).await;
        assert_eq!((told(1).await, told(2).await, told(3).await), (1, 1, 0), "{table} before");
        fold.runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.expect("rebuilt");
        assert_eq!((told(1).await, told(2).await, told(3).await), (0, 1, 0), "{table} after");
    }
    // One that was made before there was such a table would be mended in the live one.
    fold.db.execute("DROP TABLE as_of_entities.attachments").await;
    custodian(&fold.db, &tasks).await.redact(&order(&[]), &at(&[2])).await.expect("redacted");
    fold.runner.rebuild(away[1].as_ref(), &mut |_, _| {}).await.expect("rebuilt");
    assert_eq!(fold.db.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'as_of_entities'").await, 0, "it tells no more");
    tasks.stop().tell();
    fold.stop().await;
}

/// The same for an act that comes at the last moment: when the live one is about to be held still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_that_comes_with_the_swap_counts_for_tables_as_they_stood() {
    let fold = Fold::start_with(&["slack"]).await;
    let issue =
        |number: i64| json!({"action": "opened", "issue": {"id": number, "title": format!("secret-{number}")}, "repository": {"id": 1, "full_name": "o/r"}});
    for number in 1..=3 {
        fold.append_json("github", "issues", &issue(number)).await;
    }
    let live = || Projection::new(fold.db.database.clone(), EventTable);
    let told = async || {
        let told = "SELECT coalesce(string_agg(title, ', ' ORDER BY position), '') FROM as_of_events.events";
        fold.db.rows(told).await[0].get::<_, String>(0)
    };
    let tasks = Tasks::default();
    let mut custodian = custodian(&fold.db, &tasks).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let (holder, driver) = fold.db.database.dedicated().await.expect("a connection");
    let driver = tokio::spawn(driver);
    fold.db.execute("INSERT INTO hooklake.consumers (name, version) VALUES ('events', 0)").await;
    let held = "BEGIN; SELECT FROM hooklake.consumers WHERE name = 'events' FOR UPDATE";

    // As the copy is shown.
    holder.batch_execute(held).await.expect("held");
    let (runner, consumer) = (fold.runner.clone(), live());
    let showing = tokio::spawn(async move { runner.rebuild_as_of(&consumer, Position::new(3), &mut |_, _| {}).await });
    wait_until("it is filled", async || showing.is_finished() || fold.db.number(waiting).await > 0).await;
    custodian.redact(&order(&[]), &at(&[1])).await.expect("redacted");
    holder.batch_execute("UPDATE hooklake.consumers SET position = 4 WHERE name = 'events'; COMMIT").await.expect("it took the act");
    assert_eq!(showing.await.expect("it ends").expect("shown"), Some(0));
    assert_eq!(told().await, "secret-2, secret-3");

    // As another one takes the live one's place.
    holder.batch_execute(held).await.expect("held");
    let (runner, consumer) = (fold.runner.clone(), live());
    let swapping = tokio::spawn(async move { runner.rebuild(&consumer, &mut |_, _| {}).await });
    wait_until("it is filled", async || swapping.is_finished() || fold.db.number(waiting).await > 0).await;
    fold.append_json("github", "issues", &issue(5)).await;
    custodian.redact(&order(&[]), &at(&[2])).await.expect("redacted");
    holder.batch_execute("UPDATE hooklake.consumers SET position = 5 WHERE name = 'events'; COMMIT").await.expect("it did not take the act");
    assert_eq!(swapping.await.expect("it ends").expect("swapped"), Position::new(6));
    assert_eq!(told().await, "secret-3");
    drop((holder, custodian));
    driver.await.expect("driven").expect("closed");
    tasks.stop().tell();
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redaction_says_what_it_cannot_do() {
    let fold = Fold::start().await;
    fold.append_json("custom", "x", &json!({"a": 1})).await;
    fold.append("custom", "x", b"not json").await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&fold.db, &tasks).await;
    let refused = custodian.redact(&order(&["/b"]), &at(&[1])).await;
    assert!(matches!(&refused, Err(Error::Request(text)) if text.contains("nothing at /b")), "{refused:?}");
    let refused = custodian.redact(&order(&["/a"]), &at(&[1, 2])).await;
    assert!(matches!(&refused, Err(Error::Request(text)) if text.contains("not JSON")), "{refused:?}");
    assert_eq!(fold.db.number("SELECT count(*) FROM log.envelopes WHERE 'redacted' = ANY (flags)").await, 0, "and then does nothing");
    let refused = custodian.redact(&order(&[]), &at(&[1, 99])).await;
    assert!(matches!(&refused, Err(Error::Request(text)) if text.contains("nothing at position 99")), "{refused:?}");
    assert_eq!(fold.db.number("SELECT count(*) FROM log.envelopes WHERE 'redacted' = ANY (flags)").await, 0, "nor then");
    custodian.redact(&order(&[]), &at(&[1])).await.expect("redacted");
    let act = fold.db.number("SELECT position FROM log.envelopes WHERE event_type = 'redaction'").await;
    assert!(matches!(custodian.redact(&order(&[]), &at(&[act])).await, Err(Error::Own(_))), "acts stay");

    // The application's role has no part in it.
    let connection = fold.db.database.get().await.expect("a connection");
    for statement in [
        "SELECT log.redact(ARRAY[2::bigint], ARRAY[NULL::bytea])",
        "SELECT log.retire('envelopes_2026w01', '{}', 0)",
        "SELECT log.may_empty('envelopes_2026w01')",
        "TRUNCATE log.envelopes",
        "SELECT log.forget_keys('envelopes_2026w01', 0, 1)",
        "SELECT log.redact_conflicts(ARRAY[2::bigint])",
        "INSERT INTO log.holds (reason, placed_by) VALUES ('x', 'x')",
        "DELETE FROM log.retired",
    ] {
        let error = connection.query(statement, &[]).await.expect_err(statement);
        assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE), "{statement}");
    }
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_redacted_was_processed_when_it_was() {
    let fold = Fold::start_with(&["events"]).await;
    for number in 1..=3 {
        fold.append_json("custom", "x", &json!({"title": format!("number {number}")})).await;
    }
    fold.reached("events").await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&fold.db, &tasks).await;
    fold.db.execute("UPDATE projections.events SET processed_at = '2026-01-02 03:04:05.678901Z'").await;
    custodian.redact(&order(&[]), &at(&[1, 3])).await.expect("redacted");
    fold.reached("events").await;
    let told =
        fold.db.rows("SELECT position, processed_at = '2026-01-02 03:04:05.678901Z', flags::text FROM projections.events WHERE position <= 3 ORDER BY 1").await;
    let told: Vec<(i64, bool, String)> = told.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert_eq!(told, [(1, true, "{redacted}".to_owned()), (2, true, "{}".to_owned()), (3, true, "{redacted}".to_owned())]);
    drop(custodian);
    tasks.stop().tell();
    fold.stop().await;
}

/// Nobody follows the log for it, so nobody would take anything out of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_left_beside_goes_with_a_redaction() {
    let db = filled().await;
    for (arguments, is_there) in [(&["rebuild", "events", "--no-swap"][..], true), (&["redact", "--position", "1", "--reason", "a test"], false)] {
        let output = command(&db).args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let found = db.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'rebuild_events'").await == 1;
        assert_eq!(found, is_there, "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_can_cover_nothing_is_refused() {
    let fold = Fold::start().await;
    fold.append_json("custom", "x", &json!({"a": 1})).await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&fold.db, &tasks).await;
    let cover = |source: &str, from: i64, to: i64| Cover {
        source: Some(source.to_owned()),
        from: Some(Position::new(from)),
        to: Some(Position::new(to)),
        tenant: None,
    };
    for (from, to) in [(5, 3), (0, 3), (1, -1)] {
        assert!(matches!(custodian.hold("a lawsuit", &cover("custom", from, to)).await, Err(Error::Request(_))), "{from} to {to}");
    }
    for (source, is_something) in [("custom", true), ("costum", false)] {
        let cover = cover(source, 1, 3);
        custodian.hold("a lawsuit", &cover).await.expect("it may be on what is yet to come");
        assert_eq!(custodian.covers_something(&cover).await.expect("an answer"), is_something, "{source}");
    }
    drop(custodian);
    tasks.stop().tell();
    fold.stop().await;
}

/// Files of the lake leave the disk at once, also from under a question that reads them: it is asked anew, not refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_answered_while_the_lake_forgets() {
    let app = TestApp::start().await;
    app.send(&examples()[..60]).await;
    app.caught_up().await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&app.db, &tasks).await;
    let engine = app.app.base.engine().expect("an engine");
    let stop = Arc::new(AtomicBool::new(false));
    let asking = std::thread::spawn({
        let (runtime, stop) = (tokio::runtime::Handle::current(), Arc::clone(&stop));
        move || {
            let mut answers = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                answers.push(runtime.block_on(crate::lake::rows(&engine, "SELECT count(*), count(DISTINCT subject) > 0 FROM events WHERE position <= 60")));
            }
            answers
        }
    });
    for position in 1..=12 {
        custodian.redact(&order(&[]), &at(&[position])).await.expect("redacted");
        app.caught_up().await;
    }
    stop.store(true, Ordering::SeqCst);
    let answers = asking.join().expect("each is answered");
    assert!(answers.len() > 12 && answers.iter().all(|answer| answer == "60,true"), "{answers:?}");
    tasks.stop().tell();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn index_and_lake_forget_too() {
    let app = TestApp::start().await;
    for number in 0..40 {
        let body = json!({"action": "opened", "number": number, "pull_request": {"number": number, "title": format!("Xylophone{number} arrives")}, "repository": {"full_name": "o/r"}});
        app.github("pull_request", &format!("d{number}"), body.to_string()).await;
    }
    app.caught_up().await;
    let count = async |word: &str| app.found(word).await;
    assert_eq!(count("xylophone7").await, 1);
    let tasks = Tasks::default();
    let mut custodian = custodian(&app.db, &tasks).await;
    let position = app.db.number("SELECT position FROM events WHERE title LIKE 'Xylophone7 %'").await;
    let position2 = app.db.number("SELECT position FROM events WHERE title LIKE 'Xylophone9 %'").await;
    custodian.redact(&order(&[]), &at(&[position])).await.expect("redacted");
    custodian.redact(&order(&["/pull_request/title"]), &at(&[position2])).await.expect("redacted");
    app.caught_up().await;
    assert_eq!((count("xylophone7").await, count("xylophone9").await, count("xylophone8").await), (0, 0, 1));

    let base = &app.app.base;
    let location = base.config.lake.location(&base.data_dir()).expect("a location");
    let is_in = |text: &str| text.to_lowercase().contains("xylophone7") || text.to_lowercase().contains("xylophone9");
    assert_eq!(hooklake::search::forget::traces(&base.data_dir(), &is_in).expect("read"), 0, "not in any file of the index");
    assert_eq!(hooklake::lake::forget::traces(&location, &is_in).expect("read"), 0, "not in any file of the lake");
    assert_eq!(crate::damage::sums(&location), crate::damage::files_of(&location), "checksums go with their file");
    let others = |text: &str| text.to_lowercase().contains("xylophone8");
    assert!(
        hooklake::search::forget::traces(&base.data_dir(), &others).expect("read") > 0 && hooklake::lake::forget::traces(&location, &others).expect("read") > 0
    );
    let engine = base.engine().expect("an engine");
    let answer = async |sql: &str| crate::lake::rows(&engine, sql).await;
    assert_eq!(answer("SELECT count(*), count(DISTINCT position), count(payload) FROM events WHERE source = 'github'").await, "40,40,39", "each once");
    let before = answer("SELECT * FROM events ORDER BY position").await;

    let runner = base.runner(&tasks, &Metrics::new());
    for consumer in registry::consumers(base).expect("consumers") {
        if ["search", "lake"].contains(&consumer.name()) {
            runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.unwrap_or_else(|error| panic!("{}: {error:?}", consumer.name()));
        }
    }
    assert_eq!(answer("SELECT * FROM events ORDER BY position").await, before, "a fresh lake is the same");
    assert_eq!((count("xylophone7").await, count("xylophone8").await), (0, 1));
    tasks.stop().tell();
    app.stop().await;
}
