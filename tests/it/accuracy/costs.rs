//! What it costs to look up one thing of a simulated organisation.

use std::collections::BTreeMap;

use hooklake::saved::{self, Bound, Over};
use serde_json::Value;

use crate::harness::fold::Fold;

/// How many blocks PostgreSQL reads to answer a question.
pub async fn blocks(fold: &Fold, sql: &str) -> f64 {
    let plan: Value = fold.db.rows(&format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")).await[0].get(0);
    let of = |name: &str| plan.pointer(&format!("/0/Plan/{name} Blocks")).and_then(Value::as_f64).expect("a number of blocks");
    of("Shared Hit") + of("Shared Read")
}

/// One thing, and a page of the newest, cost what as many of all of them cost, however many there are.
pub async fn one_costs_what_one_costs(fold: &Fold, pull_request: &str) {
    fold.db.execute("ANALYZE").await;
    for (view, subject) in [("workflows", "pull_request"), ("pull_request_flow", "subject")] {
        let all = fold.db.number(&format!("SELECT count(*) FROM {view}")).await as f64;
        let each = blocks(fold, &format!("SELECT * FROM {view}")).await / all;
        let one = blocks(fold, &format!("SELECT * FROM {view} WHERE {subject} = '{pull_request}'")).await;
        let newest = blocks(fold, &format!("SELECT * FROM {view} ORDER BY \"position\" DESC LIMIT 20")).await;
        println!("{view}: {all} of {each} blocks; one {one}, the newest twenty {newest}");
        assert!(all > 60.0 && one < 4.0 * each && newest < 2.0 * 20.0 * each, "{view}: {all} of {each} blocks, one {one}, the newest {newest}");
    }
    // PostgreSQL knows how frequent a name is. Where it takes each for one in two hundred it reads the log backwards for a rare one.
    for column in ["actor", "repository", "subject"] {
        let frequent = format!("SELECT lower({column}), count(*) FROM events WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 1");
        let frequent = &fold.db.rows(&frequent).await[0];
        let (name, times) = (frequent.get::<_, String>(0), frequent.get::<_, i64>(1) as f64);
        let plan = format!("EXPLAIN (FORMAT JSON) SELECT id FROM events WHERE lower({column}) = '{name}'");
        let plan: Value = fold.db.rows(&plan).await[0].get(0);
        let planned = plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_f64).expect("a number of rows");
        assert!(planned > 0.5 * times && planned < 2.0 * times, "{column} {name}: {times}, planned {planned}");
    }
    for (all, one) in [
        ("pull_request_issues", format!("pull_request = '{pull_request}'")),
        ("correlated_events", format!("lower(subject) = lower('{pull_request}')")),
        ("correlated_events", format!("lower(related_subject) = lower('{pull_request}')")),
        ("stuck_work", format!("subject = '{pull_request}'")),
        ("shipped_work", format!("subject = '{pull_request}'")),
    ] {
        let of_all = blocks(fold, &format!("SELECT * FROM {all}")).await;
        let of_one = blocks(fold, &format!("SELECT * FROM {all} WHERE {one}")).await;
        println!("{all}: {of_all} blocks, {one}: {of_one}");
        assert!(of_one * 10.0 < of_all, "{all}: {of_all} blocks, {one}: {of_one}");
    }
    // The reviews of all are counted for the part of each, but looked into only for the one.
    let seldom = "SELECT lower(reviewer) FROM reviews_by_others GROUP BY 1 ORDER BY count(*), 1 LIMIT 1";
    let seldom: String = fold.db.rows(seldom).await[0].get(0);
    let of_all = blocks(fold, "SELECT * FROM review_load").await;
    let of_one = blocks(fold, &format!("SELECT * FROM review_load WHERE lower(reviewer) = '{seldom}'")).await;
    println!("review_load: {of_all} blocks, {seldom}: {of_one}");
    assert!(of_one * 3.0 < of_all, "review_load: {of_all} blocks, {seldom}: {of_one}");
}

/// Views, and what finds one of their rows: made up by the first question, of what was there first.
const LOOKUPS: &[(&str, &str)] = &[
    (
        "deployment_outcomes",
        "SELECT format('WHERE deployment_id = %L', deployment_id) FROM deployment_outcomes WHERE restored_at IS NOT NULL ORDER BY finished_at LIMIT 1",
    ),
    (
        "deployment_outcomes",
        "SELECT format('WHERE lower(repository) = lower(%L) AND finished_at <= %L', repository, finished_at) FROM deployment_outcomes ORDER BY finished_at LIMIT 1",
    ),
    (
        "deployed_commits",
        "SELECT format('WHERE lower(repository) = lower(%L) AND finished_at <= %L', repository, finished_at) FROM deployed_commits ORDER BY finished_at LIMIT 1",
    ),
    ("response_times", "SELECT format('WHERE subject = %L', min(subject)) FROM response_times WHERE kind = 'slack_thread' AND answered_at IS NOT NULL"),
    ("response_times", "SELECT format('WHERE subject = %L', min(subject)) FROM response_times WHERE kind = 'pull_request' AND answered_at IS NOT NULL"),
    ("response_times", "SELECT format('WHERE subject = %L', min(subject)) FROM response_times WHERE kind = 'issue' AND answered_at IS NOT NULL"),
    ("response_times", "SELECT format('WHERE asked_at <= %L', min(asked_at) + interval '1 hour') FROM response_times"),
    ("channel_activity", "SELECT format('WHERE channel_id = %L AND day = %L', channel_id, day) FROM channel_activity ORDER BY day, channel_id LIMIT 1"),
    ("channel_activity", "SELECT format('WHERE day <= %L', min(day)) FROM channel_activity"),
    ("webhook_deliveries", "SELECT format('WHERE id = %L', min(id)) FROM webhook_deliveries WHERE status = 'duplicate'"),
    (
        "webhook_deliveries",
        "SELECT format('WHERE id IN (SELECT id FROM received_deliveries WHERE delivery_id = %L)', min(delivery_id)) FROM webhook_deliveries WHERE status = 'duplicate'",
    ),
    ("webhook_deliveries", "SELECT 'ORDER BY received_at DESC LIMIT 20'"),
    ("pull_request_issues", "SELECT format('WHERE pull_request = %L', min(pull_request)) FROM pull_request_issues"),
    ("slack_discussions", "SELECT format('WHERE subject = %L', min(subject)) FROM slack_discussions WHERE kind = 'pull_request'"),
    ("slack_discussions", "SELECT format('WHERE subject = %L', min(subject)) FROM slack_discussions WHERE kind = 'issue'"),
    ("issue_pull_requests", "SELECT format('WHERE issue = %L', min(issue)) FROM issue_pull_requests"),
    ("issue_pull_requests", "SELECT format('WHERE issue_subject = %L', min(issue_subject)) FROM issue_pull_requests"),
];

/// Questions for one row, and how many blocks each reads; made up anew unless they are given. PostgreSQL looks up what it
/// can: of so few rows it would rather read all.
pub async fn looked_up(fold: &Fold, asked: Option<&[(String, f64)]>) -> Vec<(String, f64)> {
    fold.db
        .execute(
            "INSERT INTO log.redeliveries (id, tenant, source, delivery_key, arrived_at, outcome, headers)
             SELECT id, tenant, source, delivery_key, now(), 'duplicate', '{}' FROM log.envelopes e
             WHERE \"position\" % 5 = 0 AND NOT EXISTS (SELECT FROM log.redeliveries r WHERE r.id = e.id);
             ANALYZE",
        )
        .await;
    let mut questions = Vec::new();
    for (view, made_up) in LOOKUPS {
        questions.push(format!("SELECT * FROM {view} {}", fold.db.rows(made_up).await[0].get::<_, String>(0)));
    }
    if let Some(asked) = asked {
        questions = asked.iter().map(|(question, _)| question.clone()).collect();
    }
    let database: String = fold.db.rows("SELECT current_database()::text").await[0].get(0);
    fold.db.execute(&format!("ALTER DATABASE {database} SET enable_seqscan = off")).await;
    let mut cost = Vec::new();
    for question in questions {
        assert!(fold.db.number(&format!("SELECT count(*) FROM ({question}) q")).await > 0, "{question}");
        let read = blocks(fold, &question).await;
        cost.push((question, read));
    }
    fold.db.execute(&format!("ALTER DATABASE {database} RESET enable_seqscan")).await;
    cost
}

/// Looking up one row does not read more when there are twice as many.
pub async fn one_costs_no_more_later(fold: &Fold, sooner: &[(String, f64)]) {
    let later = looked_up(fold, Some(sooner)).await;
    let dearer = sooner.iter().zip(&later).filter(|((_, before), (_, after))| *after > 1.2 * before + 24.0);
    let dearer = dearer.map(|((question, before), (_, after))| format!("{question}: {before}, later {after}")).collect::<Vec<_>>();
    println!("{later:#?}");
    assert!(dearer.is_empty() && sooner.len() == LOOKUPS.len(), "{dearer:#?}");
}

/// How many rows PostgreSQL passes from step to step, or takes and leaves out, to answer each saved query with its defaults. It looks up
/// what it can, as in [`looked_up`].
pub async fn rows_passed(fold: &Fold) -> Vec<(&'static str, f64)> {
    fold.db.execute("ANALYZE").await;
    let connection = fold.db.database.get().await.expect("a connection");
    connection.batch_execute("SET enable_seqscan = off").await.expect("set");
    let mut passed = Vec::new();
    for saved in saved::all().expect("saved queries").iter().filter(|saved| saved.over == Over::PostgreSql) {
        let values = saved.bind(&BTreeMap::new()).expect("defaults");
        let values: Vec<_> = values.iter().map(Bound::typed).collect();
        let explained = connection.query_typed(&format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", saved.text), &values).await;
        let plan: Value = explained.unwrap_or_else(|error| panic!("{}: {error:?}", saved.name))[0].get(0);
        passed.push((saved.name, rows_of(&plan[0]["Plan"])));
    }
    connection.batch_execute("RESET enable_seqscan").await.expect("reset");
    passed
}

fn rows_of(step: &Value) -> f64 {
    let of = |name: &str| step[name].as_f64().unwrap_or(0.0);
    let rows = (of("Actual Rows") + of("Rows Removed by Filter") + of("Rows Removed by Join Filter")) * of("Actual Loops");
    rows + step["Plans"].as_array().map_or(0.0, |steps| steps.iter().map(rows_of).sum())
}

/// No saved query compares all with all: of about twice as much it passes about twice as many rows.
pub async fn saved_queries_cost_as_much_as_there_is(fold: &Fold, sooner: &[(&'static str, f64)]) {
    let later = rows_passed(fold).await;
    for ((name, before), (_, after)) in sooner.iter().zip(&later) {
        println!("{name}: {before} rows, later {after}, {:.2}", after / before);
    }
    let dearer: Vec<_> = sooner.iter().zip(&later).filter(|((_, before), (_, after))| *after > 3.0 * before + 20_000.0).collect();
    assert!(dearer.is_empty() && sooner.len() == later.len(), "{dearer:#?}");
}
