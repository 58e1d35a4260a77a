//! SQL answers over everything at once (D11), for one tenant, and can do no harm (D13).

use std::time::{Duration, Instant};

use hooklake::domain::envelope::Flag;
use hooklake::domain::{Position, Tenant};
use hooklake::lake::{Engine, Error, Limits, QueryOptions};

use crate::harness::follow::{App, octokit_payloads, pull_request};
use crate::lake::{ask, engine, exporter, location, rows, store_pull_requests};

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
    // A JSON object has one value of a name.
    let pair = ask(&engine, "SELECT a.position, b.position, a.source FROM events a JOIN events b ON b.position = a.position + 1 ORDER BY 1 LIMIT 1").await;
    let expected = serde_json::json!({"a.position": 1, "b.position": 2, "source": "github"});
    assert_eq!(serde_json::Value::Object(pair.to_json_rows().expect("JSON").remove(0)), expected);
    assert_eq!(pair.columns(), ["a.position", "b.position", "source"]);
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

#[tokio::test(flavor = "multi_thread")]
async fn attacks_are_refused_and_the_process_lives() {
    let app = App::start().await;
    let engine = engine(&app);
    app.store_all(&octokit_payloads()).await;
    app.catch_up(&mut exporter(&app)).await;
    let chain = |times: usize, first: &str, step: &str| {
        let steps = (1..=times).map(|n| format!("a{n} AS ({step} a{})", n - 1)).collect::<Vec<_>>().join(", ");
        format!("WITH a0 AS ({first}), {steps} SELECT length(s::text) FROM a{times}")
    };
    let doubled = chain(8, "SELECT string_agg(payload, '') AS s FROM events", "SELECT s || s AS s FROM");
    let doubled_often = chain(40, "SELECT string_agg(payload, '') AS s FROM events", "SELECT s || s AS s FROM");
    let arrays = chain(6, "SELECT payload AS s FROM events", "SELECT array_to_string([s, s, s], '-') AS s FROM");
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
        (doubled_often.as_str(), "complex"),
        (arrays.as_str(), "large"),
        ("SELECT a.payload FROM events a, events b", "large"),
        ("SELECT regexp_match(payload, '(((((a+)+)+)+)+)+$') FROM events", "any"),
        ("SELECT 1/0", "syntax"),
        ("SELECT nothing FROM events", "syntax"),
    ] {
        let started = Instant::now();
        let outcome = engine.query(&Tenant::default_tenant(), sql, QueryOptions { max_rows: 10_000, timeout: Duration::from_secs(20) }).await;
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
        "SELECT sum(a.position) FROM events a, events b, events c, events d",
        "SELECT max(a.id) FROM events a, events b, events c, events d WHERE a.position * b.position + c.position * d.position < 0",
        "SELECT count(*) FROM events a JOIN events b ON a.source = b.source JOIN events c ON c.source = b.source JOIN events d ON d.source = c.source",
        "SELECT count(u) FROM (SELECT unnest(l) AS u FROM (SELECT array_agg(a.position) AS l FROM events a, events b), events c, events d, events e)",
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
    // What PostgreSQL keeps is missed by name.
    let of_people = engine.query(&Tenant::default_tenant(), "SELECT * FROM people, events", QueryOptions::default()).await.expect_err("no people");
    assert_eq!(
        of_people.to_string(),
        "PostgreSQL does not answer, and people can only be asked there; events and the views over them can be asked all the same"
    );
    assert!(rows(&engine, "SHOW TABLES").await.contains(",github_events,"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_questions_that_are_read_do_not_abort() {
    let app = App::start().await;
    let engine = engine(&app);
    store_pull_requests(&app, 1..=3).await;
    app.catch_up(&mut exporter(&app)).await;
    for sql in [
        format!("SELECT {}1", "1+".repeat(495)),
        format!("SELECT {}position FROM events", "position*".repeat(240)),
        format!("SELECT {}id FROM events", "id || ".repeat(90)),
        format!("SELECT count(*) FROM events WHERE {} true", "id = 'a' OR ".repeat(160)),
        format!("SELECT count(*) FROM events WHERE {} true", "id <> 'a' AND ".repeat(160)),
        format!("SELECT 1{}", "::int".repeat(240)),
        format!("SELECT payload{} FROM events", " -> 'a'".repeat(8)),
        vec!["SELECT id FROM events"; 120].join(" UNION ALL "),
        vec!["SELECT position FROM events"; 60].join(" UNION "),
        vec!["SELECT title, labels, pull_request_title FROM github_events"; 60].join(" UNION "),
        vec!["SELECT * FROM github_events"; 120].join(" UNION ALL "),
        format!(
            "SELECT count(*) FROM github_events g {}",
            (0..30).map(|n| format!("JOIN linear_events l{n} ON g.title = l{n}.title")).collect::<Vec<_>>().join(" ")
        ),
        format!("SELECT count(*) FROM events e {}", (0..60).map(|n| format!("JOIN events e{n} ON e.position = e{n}.position")).collect::<Vec<_>>().join(" ")),
        format!("SELECT CASE {} END FROM events", "WHEN id = 'a' THEN 1 ".repeat(120)),
        format!("SELECT {}action{} FROM events", "upper(".repeat(15), ")".repeat(15)),
        format!("SELECT {}1{}", "(SELECT ".repeat(15), ")".repeat(15)),
        format!("SELECT count(*) FROM events WHERE position IN ({}1)", "1,".repeat(3_900)),
        format!("SELECT {} FROM events", (0..2_000).map(|n| format!("id c{n}")).collect::<Vec<_>>().join(",")),
    ] {
        let started = Instant::now();
        let outcome = engine.query(&Tenant::default_tenant(), &sql, QueryOptions::default()).await.map(|answer| answer.rows);
        eprintln!("{:>6} ms {:.50} → {:.120}", started.elapsed().as_millis(), sql, format!("{outcome:?}"));
        assert!(started.elapsed() < Duration::from_secs(32));
    }
    assert_eq!(rows(&engine, "SELECT count(*) FROM events").await, "3");
}
