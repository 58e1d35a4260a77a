//! The lake holds log[1..exported] exactly once (I6); SQL over it and the newest events sees every position once (D11)
//! and can do no harm (D13).

use std::time::{Duration, Instant};

use hooklake::consumer::{Consumer, checkpoint};
use hooklake::domain::envelope::Flag;
use hooklake::domain::{Position, Tenant};
use hooklake::lake::{Answer, Engine, Error, Exporter, Limits, Location, QueryOptions, Settings, exporter};

use crate::harness::follow::{App, octokit_payloads, pull_request};

fn location(app: &App) -> Location {
    Settings::default().location(&app.data_dir).expect("a location")
}

fn exporter(app: &App) -> Exporter {
    Exporter::new(app.database.clone(), location(app))
}

fn engine(app: &App) -> Engine {
    Engine::new(app.database.clone(), location(app), Limits::default()).expect("an engine")
}

async fn ask(engine: &Engine, sql: &str) -> Answer {
    engine.query(&Tenant::default_tenant(), sql, QueryOptions::default()).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

async fn rows(engine: &Engine, sql: &str) -> String {
    ask(engine, sql).await.to_csv().expect("CSV").lines().skip(1).collect::<Vec<_>>().join(";")
}

/// Count, sum and extremes of the positions: equal to those of 1..=n only when each is there once.
async fn positions(engine: &Engine) -> String {
    rows(engine, "SELECT count(*), sum(position), min(position), max(position), count(DISTINCT position), count(DISTINCT id) FROM events").await
}

fn each_once(through: i64) -> String {
    format!("{through},{},1,{through},{through},{through}", through * (through + 1) / 2)
}

async fn store_pull_requests(app: &App, numbers: std::ops::RangeInclusive<u64>) {
    let events: Vec<_> = numbers.map(|number| ("pull_request".to_owned(), pull_request(number, "Fix", "it"))).collect();
    app.store_all(&events).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_and_lake_are_one_table() {
    let app = App::start().await;
    let engine = engine(&app);
    assert_eq!(rows(&engine, "SELECT count(*) FROM events").await, "0", "an empty log");
    app.store_all(&octokit_payloads()).await;
    assert_eq!(positions(&engine).await, each_once(329), "the tail alone");
    app.catch_up(&mut exporter(&app)).await;
    assert_eq!(positions(&engine).await, each_once(329), "the lake alone");
    let from_lake = rows(&engine, "SELECT * FROM events ORDER BY position").await;
    store_pull_requests(&app, 1..=700).await;
    let answer = ask(&engine, "SELECT count(*) FROM events").await;
    assert_eq!(positions(&engine).await, each_once(1029), "both");
    assert_eq!(answer.receipt.through_position, Position::new(1029));
    assert!(answer.receipt.complete);
    assert!(answer.receipt.lag_ms < 10_000, "{:?}", answer.receipt);

    // The same rows, whichever way they come.
    let other = App::start().await;
    drop(other);
    std::fs::remove_dir_all(location(&app).directory()).expect("removed");
    let from_tail = rows(&self::engine(&app), "SELECT * FROM events WHERE position <= 329 ORDER BY position").await;
    assert_eq!(from_lake, from_tail);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_position_is_seen_once_while_exporting() {
    let app = App::start().await;
    let engine = engine(&app);
    app.follow(exporter(&app));
    let mut seen = 0;
    let started = Instant::now();
    for round in 0..12 {
        let writing = store_pull_requests(&app, round * 40 + 1..=round * 40 + 40);
        let asking = async {
            for _ in 0..3 {
                let answer = ask(&engine, "SELECT count(*), sum(position), count(DISTINCT position) FROM events").await;
                let through = answer.receipt.through_position.get();
                let expected = format!("{through},{},{through}", through * (through + 1) / 2);
                assert_eq!(
                    answer.to_csv().expect("CSV").lines().nth(1).expect("a row").replace(",,", ",0,"),
                    if through == 0 { "0,0,0".to_owned() } else { expected }
                );
                assert!(through >= seen, "an answer never goes back");
                seen = through;
            }
        };
        tokio::join!(writing, asking);
    }
    app.wait_for(exporter::NAME).await;
    assert_eq!(positions(&engine).await, each_once(480));
    eprintln!("36 answers over a growing lake in {:?}", started.elapsed());
    app.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_point_exports_each_event_once() {
    let app = App::start().await;
    store_pull_requests(&app, 1..=5).await;
    let mut first = exporter(&app);
    let lease = app.lease(&first).await;
    let start = first.open().await.expect("opened");
    let batch = app.batch_after(start, &first).await;
    first.apply(&batch, &lease).await.expect("applied");
    // Killed after the commit and before its row was written.
    lease.record(&app.database, Position::START).await.expect("recorded");
    drop(first);
    let mut second = exporter(&app);
    assert_eq!(second.open().await.expect("opened"), Position::new(5), "the table knows where it stands");
    second.apply(&batch, &lease).await.expect("the same batch again");
    assert_eq!(positions(&engine(&app)).await, each_once(5));

    // Killed after the data file and before the commit: nothing names the file.
    store_pull_requests(&app, 6..=9).await;
    let batch = app.batch_after(Position::new(5), &second).await;
    lease.release(&app.database).await.expect("released");
    let other = app.lease(&second).await;
    assert!(matches!(second.apply(&batch, &lease).await, Err(hooklake::consumer::Error::LeaseLost(_))));
    assert_eq!(second.open().await.expect("opened"), Position::new(5));
    second.apply(&batch, &other).await.expect("the owner applies");
    assert_eq!(positions(&engine(&app)).await, each_once(9));

    // Two exporters that both believe they are the owner: the second commit meets the first and gives way.
    store_pull_requests(&app, 10..=12).await;
    let mut third = exporter(&app);
    third.open().await.expect("opened");
    let batch = app.batch_after(Position::new(9), &third).await;
    second.apply(&batch, &other).await.expect("the first commits");
    third.apply(&batch, &other).await.expect_err("the second does not");
    third.apply(&batch, &other).await.expect("and finds it done");
    assert_eq!(positions(&engine(&app)).await, each_once(12));

    // A commit that a power loss tore is set aside; its events come again.
    let log = location(&app).directory().join("_delta_log");
    let mut commits: Vec<_> =
        std::fs::read_dir(&log).expect("a log").flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    commits.sort();
    std::fs::write(commits.last().expect("a commit"), "{\"commitInfo\":{\"time").expect("torn");
    let mut fourth = exporter(&app);
    assert_eq!(fourth.open().await.expect("opened"), Position::new(9));
    fourth.apply(&batch, &other).await.expect("applied");
    assert_eq!(positions(&engine(&app)).await, each_once(12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_equals_the_live_lake_while_events_come() {
    let app = App::start().await;
    let engine = engine(&app);
    app.store_all(&octokit_payloads()).await;
    app.follow(exporter(&app));
    app.wait_for(exporter::NAME).await;
    let before = rows(&engine, "SELECT * FROM events WHERE position <= 329 ORDER BY position").await;
    let copy = exporter(&app);
    let mut progress = |_: Position, _: Position| {};
    let (rebuilt, ()) = tokio::join!(app.runner.rebuild(&copy, &mut progress), store_pull_requests(&app, 1..=200));
    rebuilt.expect("rebuilt");
    store_pull_requests(&app, 201..=210).await;
    app.wait_for(exporter::NAME).await;
    assert_eq!(positions(&engine).await, each_once(539));
    assert_eq!(rows(&engine, "SELECT * FROM events WHERE position <= 329 ORDER BY position").await, before);
    assert_eq!(checkpoint::position(&app.database, exporter::NAME).await.expect("a position"), Position::new(539));
    app.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_are_joined_as_they_come() {
    let app = App::start().await;
    let mut consumer = exporter(&app);
    let lease = app.lease(&consumer).await;
    consumer.open().await.expect("opened");
    for number in 1..=40 {
        store_pull_requests(&app, number..=number).await;
        let batch = app.batch_after(Position::new(number as i64 - 1), &consumer).await;
        consumer.apply(&batch, &lease).await.expect("applied");
    }
    let answer = ask(&engine(&app), "EXPLAIN SELECT position FROM events").await.to_csv().expect("CSV");
    let files = answer.matches(".parquet").count();
    assert!((1..20).contains(&files), "{files} files: {answer}");
    assert!(!answer.contains(&*app.data_dir.to_string_lossy()), "no place on disk: {answer}");
    assert_eq!(positions(&engine(&app)).await, each_once(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_queries_run() {
    let app = App::start().await;
    let engine = engine(&app);
    app.store("github", "pull_request", &pull_request(1, "Fix the checkout", "")).await;
    let issue = serde_json::json!({"type": "Issue", "action": "create", "data": {"id": "i1", "identifier": "ENG-1", "title": "Checkout fails", "team": {"key": "ENG", "name": "Engineering"}, "creator": {"name": "Ada"}}, "actor": {"name": "Ada"}});
    app.store("linear", "Issue", &issue).await;
    app.store("slack", "message", &serde_json::json!({"team_id": "T1", "event": {"type": "message", "channel": "C1", "user": "U1", "text": "down?"}})).await;
    app.store("deployment", "deployment", &serde_json::json!({"status": "succeeded", "environment": "production", "service": "shop", "commit_sha": "abc"}))
        .await;
    app.catch_up(&mut exporter(&app)).await;
    app.store("github", "pull_request", &pull_request(2, "Tidy up", "")).await;

    assert_eq!(ask(&engine, "SELECT * FROM recent_events LIMIT 100").await.rows, 5);
    assert_eq!(
        rows(&engine, "SELECT source, COUNT(*) as total_events FROM recent_events GROUP BY source ORDER BY source").await,
        "deployment,1;github,2;linear,1;slack,1"
    );
    let pull_requests =
        "SELECT repository_full_name, pull_request_title, action FROM github_events WHERE event_type = 'pull_request' ORDER BY received_at DESC";
    assert_eq!(rows(&engine, pull_requests).await, "acme/shop,Tidy up,opened;acme/shop,Fix the checkout,opened");
    let issues = "SELECT team_name, issue_title, action, creator_name FROM linear_events WHERE event_type = 'Issue' ORDER BY received_at DESC";
    assert_eq!(rows(&engine, issues).await, "Engineering,Checkout fails,create,Ada");
    assert_eq!(rows(&engine, "SELECT channel_id, user_id, text FROM slack_events").await, "C1,U1,down?");
    assert_eq!(rows(&engine, "SELECT environment, status, origin FROM deployment_events").await, "production,succeeded,deployment");
    assert_eq!(rows(&engine, "SELECT source, event_type, total_events FROM event_summary WHERE source = 'github'").await, "github,pull_request,2");
    assert_eq!(rows(&engine, "SELECT payload->'pull_request'->>'title' FROM events WHERE payload->>'number' = '2'").await, "Tidy up");
    assert_eq!(rows(&engine, "SELECT payload->'number' AS n, 'a' || source FROM events WHERE position = 1").await, "1,agithub");
    let by_repository = "SELECT payload->'repository'->>'full_name' AS repository, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC, 1";
    assert_eq!(rows(&engine, by_repository).await, ",3;acme/shop,2");
    let tables = rows(&engine, "SHOW TABLES").await;
    for name in ["events", "recent_events", "event_summary", "github_events", "linear_events", "slack_events", "deployment_events"] {
        assert!(tables.contains(name), "{name} in {tables}");
    }
    assert!(rows(&engine, "DESCRIBE github_events").await.contains("pull_request_title"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_its_own_and_nothing_else() {
    let app = App::start().await;
    let engine = engine(&app);
    let other = Tenant::new("other'--");
    for round in 0..2 {
        app.store("github", "pull_request", &pull_request(round, "ours", "")).await;
        app.store_as(other.clone(), "github", "pull_request", pull_request(round, "theirs", "").to_string(), vec![Flag::SuspectReplay]).await;
        if round == 0 {
            app.catch_up(&mut exporter(&app)).await;
        }
    }
    assert_eq!(rows(&engine, "SELECT DISTINCT title FROM events").await, "ours");
    assert_eq!(rows(&engine, "SELECT count(*) FROM events WHERE tenant <> 'default' OR 1=1").await, "2");
    let theirs = engine.query(&other, "SELECT title, flags FROM events", QueryOptions::default()).await.expect("an answer");
    assert_eq!(theirs.to_csv().expect("CSV"), "title,flags\ntheirs,suspect_replay\ntheirs,suspect_replay\n");
    assert_eq!(theirs.to_json_rows().expect("JSON")[0]["title"], "theirs");
    assert!(theirs.to_table().expect("a table").contains("| theirs "));
}

/// A question that makes a text longer and longer: forty steps, each from what the one before made.
fn grown(start: &str, step: &str) -> String {
    let steps = (1..=40).map(|n| format!("a{n} AS (SELECT {step} AS s FROM a{})", n - 1)).collect::<Vec<_>>();
    format!("WITH a0 AS (SELECT {start} AS s FROM events), {} SELECT length(s) FROM a40", steps.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_are_refused_and_the_process_lives() {
    let app = App::start().await;
    let engine = engine(&app);
    app.store_all(&octokit_payloads()).await;
    app.catch_up(&mut exporter(&app)).await;
    let doubled = grown("string_agg(payload, '')", "s || s");
    let arrays = grown("payload", "array_concat(make_array(s), make_array(s), make_array(s))::text");
    for (sql, expected) in [
        ("SELECT 1; SELECT 2", "syntax"),
        ("DROP TABLE events", "read"),
        ("SELECT * FROM '/etc/passwd'", "syntax"),
        ("SELECT * FROM \"/etc/passwd\"", "syntax"),
        ("SELECT * FROM read_csv('/etc/passwd')", "syntax"),
        ("SELECT * FROM parquet_metadata('x')", "syntax"),
        ("SELECT * FROM pg_catalog.pg_authid", "syntax"),
        ("SELECT * FROM log.envelopes", "syntax"),
        ("SELECT pg_sleep(10)", "syntax"),
        ("SELECT repeat('x', 1000000000)", "syntax"),
        ("SELECT lpad('x', 1000000000)", "syntax"),
        ("SELECT * FROM generate_series(1, 1000000000000)", "syntax"),
        ("SELECT generate_series(1, 1000000000000)", "syntax"),
        ("SELECT length(replace(replace(string_agg(payload, ''), 'e', payload), 'e', payload)) FROM events GROUP BY payload", "large"),
        ("SELECT length(regexp_replace(payload, '', payload, 'g')) FROM events", "large"),
        ("SELECT length(array_to_string(string_to_array(payload, ''), payload)) FROM events", "large"),
        (doubled.as_str(), "large"),
        (arrays.as_str(), "any"),
        ("SELECT regexp_match(payload, '(((((a+)+)+)+)+)+$') FROM events", "any"),
        ("SELECT 1/0", "syntax"),
        ("SELECT nothing FROM events", "syntax"),
    ] {
        let started = Instant::now();
        let outcome = engine.query(&Tenant::default_tenant(), sql, QueryOptions { max_rows: 10, timeout: Duration::from_secs(20) }).await;
        let kind = match &outcome {
            Ok(_) => "ok",
            Err(Error::Syntax(_)) => "syntax",
            Err(Error::NotReadOnly(_)) => "read",
            Err(Error::TooLarge(_)) => "large",
            Err(Error::TooComplex(_)) => "complex",
            Err(Error::TimedOut) => "time",
            Err(_) => "other",
        };
        let shown = outcome.as_ref().map(|answer| answer.rows).map_err(ToString::to_string);
        eprintln!("{:>6} ms {kind:8} {:.90} → {:.200}", started.elapsed().as_millis(), sql, format!("{shown:?}"));
        assert!(kind == expected || (expected == "any" && kind != "other"), "{sql}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(!error.to_string().contains(&*app.data_dir.to_string_lossy()), "{error}");
        }
    }
    // Without end, or nearly: cut off, and the engine answers the next question.
    for sql in [
        "SELECT count(*) FROM events a, events b, events c, events d, events e WHERE a.position + b.position + c.position + d.position = e.position * 7919",
        "SELECT a.id FROM events a, events b, events c ORDER BY a.payload || b.payload || c.payload DESC",
    ] {
        let started = Instant::now();
        let outcome = engine.query(&Tenant::default_tenant(), sql, QueryOptions { max_rows: 10, timeout: Duration::from_secs(2) }).await;
        assert!(matches!(outcome, Err(Error::TimedOut | Error::TooLarge(_))), "{sql}: {outcome:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
    let many: Vec<_> = (0..8).map(|_| ask(&engine, "SELECT count(*) FROM events")).collect();
    assert!(futures::future::join_all(many).await.iter().all(|answer| answer.rows == 1));
    let capped =
        engine.query(&Tenant::default_tenant(), "SELECT id FROM events", QueryOptions { max_rows: 10, ..QueryOptions::default() }).await.expect("an answer");
    assert!(capped.truncated && capped.rows == 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lake_answers_when_the_database_does_not() {
    let app = App::start().await;
    store_pull_requests(&app, 1..=3).await;
    app.catch_up(&mut exporter(&app)).await;
    let away = hooklake::db::Database::new(
        "postgresql:///nowhere?host=/tmp/hooklake-no-such-directory&user=nobody",
        &crate::harness::config(std::path::Path::new("data"), &[]).database,
    )
    .expect("an address");
    let engine = Engine::new(away, location(&app), Limits::default()).expect("an engine");
    let answer = ask(&engine, "SELECT count(*) FROM events").await;
    assert_eq!((answer.receipt.complete, answer.receipt.through_position), (false, Position::new(3)));
    assert_eq!(answer.to_csv().expect("CSV").lines().nth(1), Some("3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_an_error_and_a_rebuild_heals_it() {
    type Damage = fn(&std::path::Path);
    let truncate: Damage = |file| std::fs::OpenOptions::new().write(true).open(file).expect("open").set_len(200).expect("cut");
    let empty: Damage = |file| std::fs::write(file, "").expect("written");
    let remove: Damage = |file| std::fs::remove_file(file).expect("removed");
    let app = App::start().await;
    store_pull_requests(&app, 1..=50).await;
    for damage in [truncate, empty, remove] {
        app.catch_up(&mut exporter(&app)).await;
        for file in walk(location(&app).directory()) {
            damage(&file);
        }
        let outcome = engine(&app).query(&Tenant::default_tenant(), "SELECT sum(length(payload)) FROM events", QueryOptions::default()).await;
        assert!(matches!(&outcome, Err(Error::Store(_))), "{outcome:?}");
        let text = outcome.expect_err("an error").to_string();
        assert!(!text.contains("parquet") && !text.contains(&*app.data_dir.to_string_lossy()), "{text}");
        app.runner.rebuild(&exporter(&app), &mut |_, _| {}).await.expect("rebuilt");
        assert_eq!(positions(&engine(&app)).await, each_once(50));
    }
}

/// The data files of the table.
fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let days = std::fs::read_dir(directory).expect("a directory").flatten().map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains("day="));
    days.flat_map(|day| std::fs::read_dir(day).expect("a day").flatten().map(|entry| entry.path()).collect::<Vec<_>>()).collect()
}
