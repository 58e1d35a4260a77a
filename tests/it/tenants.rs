//! No byte crosses tenants (I9): neither in an answer nor in the error of a question that stumbles over others' rows.

use hooklake::domain::Tenant;
use hooklake::lake::{Error, QueryOptions};

use crate::harness::follow::{App, pull_request};
use crate::lake::{engine, exporter, rows};

/// Conditions that fail on a title that is no number, and say so with its words.
const STUMBLING: &[&str] = &[
    "SELECT count(*) FROM events WHERE CAST(title AS BIGINT) > 0",
    "SELECT count(*) FROM events WHERE source = 'github' AND CAST(title AS BIGINT) > 0",
    "SELECT count(*) FROM events WHERE CAST(title AS BIGINT) > 0 AND source = 'github'",
    "SELECT count(*) FROM events WHERE 1 / (CASE WHEN title LIKE '%secret%' THEN 0 ELSE 1 END) = 1",
    "SELECT count(*) FROM (SELECT CAST(title AS BIGINT) AS number FROM events) WHERE number > 0",
    "SELECT count(*) FROM events e JOIN (SELECT 1 AS number UNION SELECT 2) n ON CAST(e.title AS BIGINT) = n.number",
    "SELECT count(*) FROM github_events WHERE CAST(pull_request_title AS BIGINT) > 0",
    "SELECT count(*) FROM recent_events WHERE CAST(title AS BIGINT) > 0",
    "SELECT count(CAST(title AS BIGINT)) FROM events",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_question_does_not_stumble_over_rows_of_others() {
    let app = App::start().await;
    let engine = engine(&app);
    let other = Tenant::new("other");
    for (number, is_exported) in [(1, true), (2, false)] {
        app.store("github", "pull_request", &pull_request(number, &number.to_string(), "")).await;
        app.store_as(other.clone(), "github", "pull_request", pull_request(number, "their secret", "").to_string(), Vec::new()).await;
        if is_exported {
            app.catch_up(&mut exporter(&app)).await;
        }
    }
    let mut told = Vec::new();
    for sql in STUMBLING {
        match engine.query(&Tenant::default_tenant(), sql, QueryOptions::default()).await {
            Ok(answer) => assert_eq!(answer.to_csv().expect("CSV").lines().nth(1), Some("2"), "{sql}"),
            Err(error) => told.push(format!("{sql}: {error}")),
        }
    }
    assert!(told.is_empty(), "{told:#?}");
    // Whose they are is told of them: that the question is wrong, and no file damaged.
    let theirs = engine.query(&other, STUMBLING[0], QueryOptions::default()).await.expect_err("no number");
    assert!(matches!(theirs, Error::Syntax(_)) && theirs.to_string().contains("their secret"), "{theirs:?}");
    assert_eq!(rows(&engine, "SELECT title FROM events ORDER BY title LIMIT 1").await, "1");
}
