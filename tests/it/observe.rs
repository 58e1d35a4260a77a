//! Operators can see how it is: every figure is counted or looked at, none is made up.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use axum::http::StatusCode;
use hooklake::operate::{Overview, Places};
use serde_json::json;

use crate::harness::router::App;

/// Two consumers: one has seen everything, one stands still; one event was set aside.
async fn consumers(app: &App) {
    let sql = "INSERT INTO hooklake.consumers (name, version, position, error) VALUES ('projector.github', 1, 3, NULL), ('search', 1, 1, 'disk full');
               INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts) VALUES ('search', 1, 'evt_x', 'bad', 3)";
    app.database.get().await.expect("a connection").batch_execute(sql).await.expect("rows");
}

async fn three_events(app: &App) {
    app.store("github", "push", json!({})).await;
    app.store("slack", "message", json!({})).await;
    app.store("deployment", "deployment", json!({"status": "success"})).await;
}

#[tokio::test]
async fn health_names_the_part_that_is_in_trouble() {
    let app = App::start().await;
    assert_eq!(app.get("/health/live").await.json(), json!({"status": "alive"}));
    let ready = app.get("/health/ready").await;
    assert_eq!((ready.status, &ready.json()["checks"]), (StatusCode::OK, &json!({"database": true, "migrations": true, "queue": true})));
    assert_eq!(app.get("/health").await.json()["status"], "healthy");

    three_events(&app).await;
    consumers(&app).await;
    app.metrics.delivered("github", "accepted", 10, Duration::from_millis(4));
    app.metrics.refused("github", "signature");
    let health = app.get("/health").await;
    assert_eq!(health.status, StatusCode::OK);
    let body = health.json();
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["metrics"], json!({"totalRequests": 2, "validRequests": 1, "invalidRequests": 1}));
    assert_eq!(body["parts"]["index"]["error"], "disk full");
    assert_eq!(body["parts"]["index"]["lagEvents"], 2);
    assert_eq!(body["parts"]["database"]["status"], "healthy");
    assert_eq!(body["parts"]["brokers"]["status"], "none configured");
    assert!(body["parts"]["disk"]["freeBytes"].as_u64().is_some_and(|bytes| bytes > 0));
    assert!(body["uptime"].is_u64() && body["version"].is_string());
}

#[tokio::test]
async fn a_database_that_is_away_is_told_not_hidden() {
    let app = App::start().await;
    assert_eq!(app.get("/metrics").await.status, StatusCode::OK);
    app.database.close();
    assert_eq!(app.get("/health/live").await.status, StatusCode::OK);
    assert_eq!(app.get("/health/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let health = app.get("/health").await;
    assert_eq!((health.status, &health.json()["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unhealthy")));
    assert!(app.get("/metrics").await.text.contains("hooklake_database_up 0"));
    let events = app.get("/events").await;
    assert_eq!((events.status, events.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "2"));
    assert_eq!(events.json()["code"], "unavailable");
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads() {
    let app = App::start().await;
    three_events(&app).await;
    consumers(&app).await;
    app.metrics.delivered("github", "accepted", 10, Duration::from_millis(4));
    app.metrics.refused("github", "signature");
    app.metrics.consumed("search", 3, Duration::from_millis(250));
    app.metrics.parked("search");
    app.get("/search?q=a").await;
    let metrics = app.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    for line in ["hooklake_log_head_position 3", "hooklake_consumer_lag_events{consumer=\"search\"} 2", "hooklake_database_up 1"] {
        assert!(metrics.text.contains(line), "{line} in {}", metrics.text);
    }
    // Stored one by one, so in three transactions of one.
    for line in ["hooklake_appended_total 3", "hooklake_append_batch_envelopes_bucket{le=\"1\"} 3", "hooklake_append_duration_seconds_count 3"] {
        assert!(metrics.text.contains(line), "{line} in {}", metrics.text);
    }
    for family in [
        "hooklake_log_bytes",
        "hooklake_log_partitions_ahead 4",
        "hooklake_log_last_append_timestamp_seconds",
        "hooklake_consumer_lease_epoch{consumer=\"search\"} 0",
        "hooklake_consumer_lease_held{consumer=\"search\"} 0",
        "hooklake_postgres_connections{state=\"idle\"}",
        "hooklake_postgres_oldest_transaction_seconds",
        "hooklake_postgres_transaction_id_age",
        "hooklake_disk_free_bytes{place=\"data\"}",
        "hooklake_append_queue_requests_max ",
        "hooklake_database_bytes",
    ] {
        assert!(metrics.text.contains(family), "{family} in {}", metrics.text);
    }
    let Ok(mut promtool) = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
        return; // Not on this machine; `make test` installs it.
    };
    promtool.stdin.take().expect("a pipe").write_all(metrics.text.as_bytes()).expect("written");
    let verdict = promtool.wait_with_output().expect("a verdict");
    assert!(verdict.status.success(), "{}\n{}", String::from_utf8_lossy(&verdict.stderr), metrics.text);
}

#[tokio::test]
async fn figures_are_counted() {
    let app = App::start().await;
    three_events(&app).await;
    consumers(&app).await;
    app.metrics.delivered("github", "accepted", 10, Duration::from_millis(4));

    let metrics = app.get_with("/metrics", &[("accept", "application/json")]).await.json();
    assert_eq!(metrics["totalRequests"], 1);
    assert_eq!((&metrics["processedEvents"], &metrics["failedEvents"]), (&json!(0), &json!(1)));
    assert_eq!(metrics["queueMetrics"]["deployment"]["waiting"], 1);

    let analytics = app.get("/analytics/metrics?hours=1").await.json();
    let figures = &analytics["metrics"];
    assert_eq!([&figures["totalEvents"], &figures["successfulEvents"], &figures["failedEvents"], &figures["pendingEvents"]], [3, 0, 1, 2]);
    assert!(figures["averageProcessingTime"].as_f64().is_some_and(|ms| (0.0..10_000.0).contains(&ms)));
    assert_eq!(analytics["byHour"].as_array().map(Vec::len), Some(3));
    assert_eq!(app.get("/analytics/metrics").await.json()["hours"], 24);

    let queues = app.get("/queue/stats").await.json();
    assert_eq!(queues["consumers"]["search"]["waiting"], 2);
    assert_eq!(queues["append"]["waiting"], 0);

    let stats = app.get("/api/stats").await.json();
    assert_eq!(stats["events"]["bySource"], json!({"deployment": 1, "github": 1, "slack": 1}));
    assert_eq!((&stats["log"]["head"], &stats["parked"]), (&json!(3), &json!(1)));
    assert!(stats["database"]["bytes"].as_i64().is_some_and(|bytes| bytes > 0));

    let summary = app.get("/events/summary?days=2").await.json();
    assert_eq!(summary["summary"].as_array().map(Vec::len), Some(3));

    // Copies beside the live ones have no say in what was processed, nor in what failed.
    let copies = "UPDATE hooklake.consumers SET position = 2 WHERE name = 'search';
                  INSERT INTO hooklake.consumers (name, version, position) VALUES ('events@as-of', 1, 0), ('events@rebuild', 1, 0);
                  INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts) VALUES ('events@as-of', 2, 'evt_y', 'bad', 3)";
    app.database.get().await.expect("a connection").batch_execute(copies).await.expect("rows");
    let metrics = app.get_with("/metrics", &[("accept", "application/json")]).await.json();
    assert_eq!((&metrics["processedEvents"], &metrics["failedEvents"]), (&json!(1), &json!(1)));
    let figures = &app.get("/analytics/metrics?hours=1").await.json()["metrics"];
    assert_eq!([&figures["totalEvents"], &figures["successfulEvents"], &figures["failedEvents"], &figures["pendingEvents"]], [3, 1, 1, 1]);
}

/// A transaction that someone forgot is seen, whoever's it is.
#[tokio::test]
async fn a_transaction_left_open_is_seen() {
    let app = App::start().await;
    let (client, connection) = app.database.dedicated().await.expect("a connection");
    let driver = tokio::spawn(connection);
    client.batch_execute("BEGIN; SELECT txid_current()").await.expect("begun");
    let places = Places { data: "/".into(), lake: "/nowhere".into() };
    let overview = Overview::look(&app.database, &places).await.expect("an overview");
    assert!(overview.server.connections_in_transaction >= 1 && overview.server.oldest_transaction_seconds > 0.0, "{:?}", overview.server);
    assert_eq!(overview.disks.iter().map(|volume| volume.place).collect::<Vec<_>>(), ["data"], "no place is made up");
    assert_eq!((overview.weeks_ahead(), overview.partitions.len()), (4, 5));
    drop(client);
    driver.await.expect("driven").expect("closed");
}

/// Looking costs the same on a log of any size: nothing that grows with it is read from end to end.
#[tokio::test]
async fn looking_reads_no_events() {
    let app = App::start().await;
    three_events(&app).await;
    let connection = app.database.get().await.expect("a connection");
    connection.batch_execute("SET enable_seqscan = off").await.expect("set");
    for (name, sql) in [
        ("log", include_str!("../../src/operate/log.sql")),
        ("partitions", include_str!("../../src/operate/partitions.sql")),
        ("standings", include_str!("../../src/consumer/standings.sql")),
    ] {
        let rows = connection.query(&format!("EXPLAIN {sql}"), &[]).await.expect("a plan");
        let plan: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
        for table in ["envelopes", "batches", "keys", "redeliveries"] {
            let scan = format!("Seq Scan on {table}");
            assert!(!plan.iter().any(|line| line.contains(&scan)), "{name}: {plan:#?}");
        }
    }
}
