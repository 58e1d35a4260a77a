//! The log keeps what came, once, in order, and proves it (I1–I4, I11).

use hooklake::domain::Position;
use hooklake::log::{BatchLimits, Reader};

use crate::harness::{TestApp, TestDatabase, chain, examples};

#[tokio::test]
async fn every_real_payload_is_kept_byte_for_byte() {
    let app = TestApp::start().await;
    let examples = examples();
    let sent = app.send(&examples).await;
    assert_eq!((sent.accepted, sent.duplicate), (329, 0));

    let rows = app.db.rows("SELECT delivery_key, event_type, body FROM log.envelopes").await;
    assert_eq!(rows.len(), 329);
    for example in &examples {
        let key = format!("{}:{}", example.hook_id, example.id);
        let row = rows.iter().find(|row| row.get::<_, &str>(0) == key).expect("the delivery is there");
        assert_eq!(row.get::<_, &str>(1), example.event);
        assert_eq!(row.get::<_, &[u8]>(2), example.body.as_bytes());
    }
    let again = app.send(&examples).await;
    assert_eq!((again.accepted, again.duplicate), (0, 329));
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 329);
    app.stop().await;
}

#[tokio::test]
async fn positions_have_no_gaps_and_the_chain_can_be_recomputed() {
    let app = TestApp::start().await;
    app.send(&examples()[..60]).await;
    app.send(&examples()[..90]).await;
    let db = app.stop().await;
    assert_eq!(db.number("SELECT count(*) FROM log.envelopes WHERE position BETWEEN 1 AND 90").await, 90);

    assert_eq!(db.number("SELECT max(through_position) FROM log.batches").await, 90);
    chain::recomputes(&db.database).await;
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_told_so() {
    let app = TestApp::start().await;
    let first = app.github("push", "a", r#"{"n":1}"#).await.json();
    assert_eq!((first["status"].as_str(), first["duplicate"].as_bool(), first["position"].as_i64()), (Some("accepted"), Some(false), Some(1)));
    let again = app.github("push", "a", r#"{"n":1}"#).await.json();
    assert_eq!((again["status"].as_str(), again["duplicate"].as_bool()), (Some("duplicate"), Some(true)));
    assert_eq!((&again["eventId"], &again["position"]), (&first["eventId"], &first["position"]));
    let other = app.github("push", "a", r#"{"n":2}"#).await;
    assert_eq!((other.status, other.json()["status"].as_str()), (200, Some("conflict")));

    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 1);
    let kept = app.db.rows("SELECT outcome, body FROM log.redeliveries ORDER BY received_at").await;
    let kept: Vec<(String, Option<Vec<u8>>)> = kept.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(kept, [("duplicate".to_owned(), None), ("conflict".to_owned(), Some(br#"{"n":2}"#.to_vec()))]);
    app.stop().await;
}

#[tokio::test]
async fn one_delivery_to_two_hooks_is_two_deliveries() {
    let app = TestApp::start().await;
    let body = br#"{"zen":"x"}"#;
    let signature = crate::harness::github_signature(body);
    for hook in ["1", "2", "1"] {
        let headers = [("X-GitHub-Event", "ping"), ("X-GitHub-Delivery", "same"), ("X-GitHub-Hook-ID", hook), ("X-Hub-Signature-256", signature.as_str())];
        assert_eq!(app.post("/webhook/github", &headers, body.to_vec()).await.status, 200);
    }
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 2);
    app.stop().await;
}

#[tokio::test]
async fn a_signed_body_under_another_name_is_flagged_as_a_replay() {
    let app = TestApp::start().await;
    app.github("push", "original", r#"{"after":"abc"}"#).await;
    let replay = app.github("release", "made-up", r#"{"after":"abc"}"#).await;
    assert_eq!(replay.status, 200);
    app.github("push", "another", r#"{"after":"def"}"#).await;
    let flags = app.db.rows("SELECT flags FROM log.envelopes ORDER BY position").await;
    let flags: Vec<Vec<String>> = flags.iter().map(|row| row.get(0)).collect();
    assert_eq!(flags, [vec![], vec!["suspect_replay".to_owned()], vec![]]);
    app.stop().await;
}

#[tokio::test]
async fn the_application_can_neither_change_nor_remove_what_the_log_holds() {
    let app = TestApp::start().await;
    app.github("push", "a", "{}").await;
    let connection = app.db.database.get().await.expect("a connection");
    for attack in [
        "UPDATE log.envelopes SET body = ''",
        "DELETE FROM log.envelopes",
        "TRUNCATE log.envelopes",
        "INSERT INTO log.envelopes SELECT * FROM log.envelopes",
        "UPDATE log.head SET position = 0",
        "DELETE FROM log.keys",
        "DELETE FROM log.batches",
        "DROP TABLE log.envelopes",
        "ALTER TABLE log.envelopes DISABLE TRIGGER ALL",
    ] {
        let error = connection.batch_execute(attack).await.expect_err(attack);
        let state = error.code().map(tokio_postgres::error::SqlState::code);
        assert_eq!(state, Some("42501"), "{attack}: {error:?}");
    }
    drop(connection);
    app.stop().await;
}

/// A reader that goes by position never passes an envelope that becomes visible later, however many write at once (I4).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_skips_nothing_while_many_write() {
    const WRITERS: usize = 8;
    const EACH: usize = 60;
    let app = TestApp::start().await;
    let reader = Reader::new(app.db.database.clone());
    let writing = futures::future::join_all((0..WRITERS).map(|writer| {
        let app = &app;
        async move {
            for number in 0..EACH {
                // A busy machine may ask to come again, as it may ask any provider.
                crate::harness::wait_until("it is stored", async || {
                    app.github("push", &format!("{writer}-{number}"), format!("{{\"w\":{writer},\"n\":{number}}}")).await.status == 200
                })
                .await;
            }
        }
    }));
    let reading = async {
        let mut seen = Vec::new();
        let mut after = Position::START;
        while seen.len() < WRITERS * EACH {
            let batch = reader.after(after, None, None, BatchLimits { entries: 7, bytes: 1 << 20 }).await.expect("a batch");
            seen.extend(batch.envelopes.iter().map(|envelope| envelope.position.get()));
            after = batch.span.through;
            tokio::task::yield_now().await;
        }
        seen
    };
    let (_, seen) = tokio::join!(writing, reading);
    assert_eq!(seen, (1..=i64::try_from(WRITERS * EACH).expect("small")).collect::<Vec<_>>());
    app.stop().await;
}

#[tokio::test]
async fn a_batch_is_bounded_by_its_bytes_and_loses_nothing() {
    let app = TestApp::start().await;
    for number in 0..10 {
        app.github("push", &number.to_string(), format!("{{\"n\":{number},\"x\":\"{}\"}}", "y".repeat(1000))).await;
    }
    let reader = Reader::new(app.db.database.clone());
    let (mut after, mut sizes) = (Position::START, Vec::new());
    loop {
        let batch = reader.after(after, None, None, BatchLimits { entries: 100, bytes: 3000 }).await.expect("a batch");
        if batch.span.is_empty() {
            break;
        }
        sizes.push(batch.envelopes.len());
        after = batch.span.through;
    }
    assert_eq!(sizes, [3, 3, 3, 1]);
    let other = reader.after(Position::START, None, Some(&["slack"]), BatchLimits::default()).await.expect("a batch");
    assert_eq!((other.envelopes.len(), other.span.through), (0, Position::new(10)));
    app.stop().await;
}

#[tokio::test]
async fn a_missing_partition_is_made_by_the_append_that_needs_it() {
    let db = TestDatabase::new().await;
    for row in db.rows("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'log.envelopes'::regclass").await {
        db.rows(&format!("DROP TABLE {}", row.get::<_, &str>(0))).await;
    }
    let settings = crate::harness::config(db.directory.path(), &[]).database;
    let tasks = hooklake::tasks::Tasks::default();
    let database = hooklake::db::Database::new(&db.url, &settings).expect("an address");
    let appender = hooklake::log::Appender::start(&database, &tasks, &hooklake::telemetry::Metrics::new(), &hooklake::log::Recent::default());
    let envelope = hooklake::log::NewEnvelope {
        id: hooklake::domain::EventId::generate(),
        tenant: hooklake::domain::Tenant::default_tenant(),
        source: "github".to_owned(),
        delivery_key: "k".to_owned(),
        event_type: "push".to_owned(),
        arrived_at: chrono::Utc::now(),
        headers: hooklake::domain::envelope::Headers::default(),
        body: bytes::Bytes::from_static(b"{}"),
        verdict: hooklake::domain::envelope::Verdict::Signed,
        secret_id: None,
        signature_tag: None,
        flags: Vec::new(),
    };
    let receipt = appender.append(envelope).await.expect("the partition is made");
    assert_eq!(receipt.position, Position::new(1));
    tasks.stop().tell();
}
