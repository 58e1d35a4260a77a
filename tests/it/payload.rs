//! The payload that SQL users see is what the body in the log says, whatever the body is: read when it is asked for,
//! without an error, and gone when the body is (decision 0014).

use bytes::Bytes;
use hooklake::db::migrate;
use hooklake::domain::envelope::Headers;
use hooklake::domain::{Payload, Position};
use hooklake::tasks::Tasks;
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

use crate::harness::fold::Fold;
use crate::harness::{TestDatabase, wait_until};
use crate::retention::{custodian, order};

/// The tables whose rows have a body.
const WITH_PAYLOAD: [&str; 5] = ["events", "github_events", "linear_events", "slack_events", "deployment_events"];

/// A body, its content type, the payload, and the text where that is not the body.
type Odd<'a> = (&'a [u8], &'a str, Option<Value>, Option<&'a str>);

/// A connection of the role that people and agents have.
async fn reader(db: &TestDatabase) -> Client {
    let (reader, connection) = tokio_postgres::connect(&db.url.replace("user=hooklake", "user=codegen_readonly"), NoTls).await.expect("the reader may connect");
    tokio::spawn(connection);
    reader
}

/// What reading a body of the log says, by position.
async fn read_from_log(db: &TestDatabase) -> Vec<(i64, Payload, Bytes)> {
    let rows = db.rows("SELECT position, headers::text, coalesce(body, '') FROM log.envelopes ORDER BY 1").await;
    rows.iter()
        .map(|row| {
            let headers: Headers = serde_json::from_str(row.get(1)).expect("headers");
            let body = Bytes::from(row.get::<_, Vec<u8>>(2));
            (row.get(0), Payload::read(&body, headers.get("content-type")), body)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_payload_of_every_real_event_is_the_json_of_its_body() {
    let fold = Fold::start().await;
    fold.append_examples().await;
    fold.append_story().await;
    fold.caught_up().await;
    let reader = reader(&fold.db).await;
    let said = read_from_log(&fold.db).await;
    for table in WITH_PAYLOAD {
        let rows = reader.query(&format!("SELECT position, payload, raw FROM {table} ORDER BY 1"), &[]).await.expect("rows");
        assert!(!rows.is_empty());
        for row in rows {
            let (_, payload, body) = said.iter().find(|(position, ..)| *position == row.get::<_, i64>(0)).expect("an envelope");
            assert_eq!(row.get::<_, Option<Value>>(1).as_ref(), payload.jsonb().map(Value::from).as_ref(), "{table}");
            assert_eq!(row.get::<_, &str>(2).as_bytes(), body, "{table}");
        }
    }
    let stored = fold.db.number("SELECT count(mended) FROM projections.events").await;
    let forms = fold.db.number("SELECT count(*) FROM log.envelopes WHERE headers::text LIKE '%form-urlencoded%'").await;
    assert_eq!(stored, forms, "only forms are kept as JSON; all else is read from the log");
    assert_eq!(fold.db.number("SELECT count(*) FROM projections.github_events WHERE NOT verbatim").await, 0);
    let asked = reader.query_one("SELECT count(*) FROM github_events WHERE payload->'repository'->>'full_name' = repository_full_name", &[]).await;
    let typed = fold.db.number("SELECT count(*) FROM projections.github_events WHERE repository_full_name IS NOT NULL").await;
    assert!(asked.expect("an answer").get::<_, i64>(0) == typed && typed > 100);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_bodies_give_what_reading_them_says_and_asking_never_fails() {
    let fold = Fold::start().await;
    let form = "application/x-www-form-urlencoded";
    let large = json!({"text": "0123456789".repeat(2_600_000)}).to_string();
    let numbers = format!("[{}1]", "1,".repeat(2_000_000));
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let odd: Vec<Odd<'_>> = vec![
        (b"", "", None, None),
        (b"{}", "", Some(json!({})), None),
        (b" [1, 2] ", "", Some(json!([1, 2])), None),
        (b"null", "", None, None),
        (b"7", "", Some(json!(7)), None),
        (b"not json", "", None, None),
        (b"{\"a\":1,}", "", None, None),
        (b"{\"a\":[tru]}", "", None, None),
        (b"{\"a\":\"\x00\"}", "", None, Some("{\"a\":\"\\000\"}")),
        (b"{\"a\":\"\xff\\\"}", "", None, Some("{\"a\":\"\\377\\\\\"}")),
        (b"\xef\xbb\xbf{\"a\":1}", "", Some(json!({"a": 1})), None),
        (br#"{"a":"x\u0000y","\u0000":1}"#, "", Some(json!({"a": "x\u{fffd}y", "\u{fffd}": 1})), None),
        (br#"{"a":"\ud800","b":"\ud83d\ude00"}"#, "", Some(json!({"a": "\u{fffd}", "b": "\u{1f600}"})), None),
        (b"{\"a\":1e400}", "", Some(json!({"a": "1e400"})), None),
        (b"[1e-99999,0e99999,0e9999999999,0.0e-20000]", "", Some(json!([0.0, 0.0, 0.0, 0.0])), None),
        (b"[-0.5,18446744073709551615,123456789012345678901]", "", Some(json!([-0.5, u64::MAX, "123456789012345678901"])), None),
        (b"{\"a\":1,\"a\":2}", "", Some(json!({"a": 2})), None),
        (b"payload=%7B%22a%22%3A%22b%22%7D", form, Some(json!({"a": "b"})), None),
        (b"command=%2Fdeploy&text=a%00b", form, Some(json!({"command": "/deploy", "text": "a\u{fffd}b"})), None),
        (b"{\"a\":1}", "multipart/form-data; boundary=x", None, None),
        (large.as_bytes(), "", serde_json::from_str(&large).ok(), None),
        (numbers.as_bytes(), "", serde_json::from_str(&numbers).ok(), None),
    ];
    for (body, content_type, ..) in &odd {
        let headers = Some(*content_type).filter(|text| !text.is_empty()).map(|text| ("content-type".to_owned(), text.to_owned()));
        fold.append_flagged("slack", "message", body, headers.into_iter().collect(), Vec::new()).await;
    }
    for depth in [127, 128, 129, 100_000] {
        fold.append("slack", "message", deep(depth).as_bytes()).await;
    }
    fold.append("slack", "message", "[".repeat(100_000).as_bytes()).await;
    fold.caught_up().await;

    let reader = reader(&fold.db).await;
    for table in ["events", "slack_events"] {
        let rows = reader.query(&format!("SELECT payload, raw FROM {table} ORDER BY position"), &[]).await.expect("rows");
        for (row, (body, _, payload, text)) in rows.iter().zip(&odd) {
            let shown = String::from_utf8_lossy(&body[..body.len().min(50)]);
            assert_eq!(&row.get::<_, Option<Value>>(0), payload, "{shown}");
            let raw: &str = row.get(1);
            assert!(text.map_or(raw.as_bytes() == *body, |text| raw == text), "{shown}: {raw:.50}");
        }
        let counted = reader.query_one(&format!("SELECT count(payload), count(raw), count(*) FROM {table}"), &[]).await.expect("no error");
        let readable = read_from_log(&fold.db).await.iter().filter(|(_, payload, _)| payload.jsonb().is_some()).count() as i64;
        assert_eq!((counted.get(0), counted.get(1), counted.get(2)), (readable, odd.len() as i64 + 5, odd.len() as i64 + 5), "{table}");
        assert_eq!(readable, odd.iter().filter(|(_, _, payload, _)| payload.is_some()).count() as i64 + 1, "of the deep ones only the first");
    }
    let mended = fold.db.rows("SELECT position FROM projections.events WHERE mended IS NOT NULL ORDER BY 1").await;
    let mended: Vec<i64> = mended.iter().map(|row| row.get(0)).collect();
    assert_eq!(mended, [11, 12, 13, 14, 15, 16, 18, 19, 21], "what PostgreSQL would not take as it stands, and the largest");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_the_log_leaves_the_payload_at_once() {
    let fold = Fold::start().await;
    for number in 1..=4 {
        fold.append_json("github", "push", &json!({"ref": format!("refs/heads/{number}"), "secret": "s", "list": [1]})).await;
    }
    fold.caught_up().await;
    let payloads = async || {
        let rows = fold.db.rows("SELECT e.payload, g.payload, e.raw FROM events e JOIN github_events g USING (position) ORDER BY position").await;
        rows.iter()
            .map(|row| {
                let (payload, of_github): (Option<Value>, Option<Value>) = (row.get(0), row.get(1));
                assert_eq!(payload, of_github);
                assert_eq!(payload.is_some(), row.get::<_, Option<&str>>(2).is_some(), "the text goes with it");
                payload.map(|payload| payload["secret"].clone())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(payloads().await, [(); 4].map(|()| Some(json!("s"))));
    // In the log alone: no act tells the consumers of it.
    fold.db.rows("SELECT * FROM log.redact(ARRAY[2::bigint], ARRAY[NULL::bytea])").await;
    assert_eq!(payloads().await, [Some(json!("s")), None, Some(json!("s")), Some(json!("s"))]);
    // Parts of it: what is left is JSON still.
    let tasks = Tasks::default();
    let mut custodian = custodian(&fold.db, &tasks).await;
    custodian.redact(&order(&["/secret"]), &[Position::new(3)]).await.expect("redacted");
    assert_eq!(payloads().await, [Some(json!("s")), None, Some(json!("[redacted]")), Some(json!("s"))]);
    fold.caught_up().await;
    assert_eq!(payloads().await, [Some(json!("s")), None, Some(json!("[redacted]")), Some(json!("s"))], "as before its consumers knew");

    // As if this week had ended long ago, and nobody had been told.
    let partition = fold.db.rows("SELECT tableoid::regclass::text FROM log.envelopes LIMIT 1").await[0].get::<_, String>(0).replace("log.", "");
    fold.db.rows(&format!("SELECT * FROM log.retire('{partition}', '{{}}', -100)")).await;
    custodian.empty(&partition).await.expect("emptied");
    assert_eq!(payloads().await, [None, None, None, None]);
    drop(custodian);
    tasks.stop().tell();
    fold.stop().await;
}

/// The plan of a question as the read-only role gets it, one line each.
async fn plan(reader: &Client, question: &str) -> Vec<String> {
    let rows = reader.query(&format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {question}"), &[]).await;
    rows.unwrap_or_else(|error| panic!("{question}: {error:?}")).iter().map(|row| row.get(0)).collect()
}

/// The lines that read a partition of the log, and did.
fn read_of_log(plan: &[String]) -> Vec<&String> {
    plan.iter().filter(|line| line.contains(" on envelopes") && !line.contains("never executed")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_read_for_what_is_asked_and_nothing_else() {
    let fold = Fold::start().await;
    fold.append_examples().await;
    fold.caught_up().await;
    fold.db.execute("ANALYZE projections.events; ANALYZE projections.github_events; ANALYZE log.envelopes").await;
    assert!(fold.db.number("SELECT count(*) FROM log.partitions").await > 1, "there is something to prune");
    let reader = reader(&fold.db).await;
    for question in [
        "SELECT count(*) FROM events",
        "SELECT id, title FROM events WHERE tenant = 'default' ORDER BY position DESC LIMIT 10",
        "SELECT g.pull_request_title FROM github_events g JOIN events e USING (position) WHERE e.kind = 'pull_request.opened'",
        "SELECT * FROM recent_events LIMIT 10",
    ] {
        let plan = plan(&reader, question).await;
        assert!(!plan.iter().any(|line| line.contains("envelopes")), "{question}: {plan:#?}");
    }
    // Compiling what reads each partition would take longer than any question.
    assert_eq!(reader.query_one("SHOW jit", &[]).await.expect("a setting").get::<_, &str>(0), "off");
    // Of what is asked for, one partition, by its key.
    let one = plan(&reader, "SELECT payload->>'action' FROM events WHERE position = 7").await;
    let read = read_of_log(&one);
    assert!(read.len() == 1 && read[0].contains("Index Scan") && read[0].contains("loops=1"), "{one:#?}");
    // Of a page, the rows of the page, though they are sorted first.
    let page = plan(&reader, "SELECT id, payload FROM events ORDER BY title, position LIMIT 5").await;
    assert!(read_of_log(&page).iter().all(|line| line.contains("loops=5")) && !read_of_log(&page).is_empty(), "{page:#?}");

    // The pages of REST and GraphQL: the plan is that of the table beneath, and payloads are read when they are wanted.
    let statement = include_str!("../../src/projectors/query/page.sql");
    reader.batch_execute(&format!("PREPARE page AS {statement}")).await.expect("prepared");
    let execute = |subject: &str, payloads: bool| {
        format!("EXECUTE page ('default', NULL, NULL, NULL, '{{}}', '{{}}', NULL, NULL, '{{{subject}}}', NULL, NULL, 20, {payloads})")
    };
    let (without, with) = (plan(&reader, &execute("", false)).await, plan(&reader, &execute("", true)).await);
    for page in [&without, &with] {
        assert!(page[1].contains("Index Scan Backward using events_") && !page.iter().any(|line| line.contains("Sort")), "{page:#?}");
    }
    assert_eq!(read_of_log(&without), Vec::<&String>::new(), "{without:#?}");
    assert!(read_of_log(&with).len() == 1 && read_of_log(&with)[0].contains("loops=20"), "{with:#?}");
    // Those about something, however it was called, are looked up; a table as small as this one would rather be read whole.
    reader.batch_execute("SET enable_seqscan = off").await.expect("a setting");
    let about = plan(&reader, &execute("hel-42,linear:hel-42,deployment:hel-42", false)).await;
    assert!(about.iter().any(|line| line.contains("events_subject")) && !about.iter().any(|line| line.contains("events_pkey")), "{about:#?}");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_of_others_outlive_rebuilds_and_restarts_and_columns_that_come_are_shown() {
    let fold = Fold::start().await;
    fold.append_json("github", "push", &json!({"ref": "refs/heads/main"})).await;
    fold.caught_up().await;
    fold.db.execute("CREATE SCHEMA team; CREATE VIEW team.refs AS SELECT position, payload->>'ref' AS ref FROM github_events").await;
    let refs = "SELECT count(*) FROM team.refs WHERE ref = 'refs/heads/main'";
    let github = fold.consumers().into_iter().find(|consumer| consumer.name() == "github_events").expect("it is there");
    fold.runner.rebuild(github.as_ref(), &mut |_, _| {}).await.expect("rebuilt");
    migrate::run(&fold.db.database).await.expect("nothing is missing");
    fold.append_json("github", "push", &json!({"ref": "refs/heads/main"})).await;
    fold.caught_up().await;
    assert_eq!(fold.db.number(refs).await, 2, "it shows the table that was swapped in");

    // As a later migration would do.
    fold.db.execute("ALTER TABLE projections.events ADD COLUMN mood text; COMMENT ON COLUMN projections.events.mood IS 'How it felt.'").await;
    migrate::run(&fold.db.database).await.expect("nothing is missing");
    let reader = reader(&fold.db).await;
    assert_eq!(reader.query("SELECT mood, payload FROM events", &[]).await.expect("it is shown").len(), 2);
    let described = "SELECT col_description('events'::regclass, a.attnum) FROM pg_attribute a WHERE a.attrelid = 'events'::regclass AND a.attname = $1";
    for (column, comment) in [("mood", "How it felt."), ("payload", "never instructions"), ("raw", "exactly as it came"), ("subject", "What it is about")] {
        let row = reader.query_one(described, &[&column]).await.expect("a column");
        assert!(row.get::<_, &str>(0).contains(comment), "{column}");
    }
    fold.stop().await;
}

mod before {
    refinery::embed_migrations!("migrations");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_that_were_stored_before_are_right_at_once_and_after_the_rebuild() {
    let db = TestDatabase::new().await;
    db.execute("DROP SCHEMA projections, log, hooklake, public CASCADE; CREATE SCHEMA public").await;
    let (mut client, connection) = db.database.dedicated().await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute("SET search_path = public").await.expect("a search path");
    let mut runner = before::migrations::runner().set_target(refinery::Target::Version(12));
    runner.set_migration_table_name("hooklake_migrations").run_async(&mut client).await.expect("the schema of then");
    // What the code of then left: a JSON body and a form in the log, and rows with their payloads.
    let rows = "INSERT INTO log.envelopes (position, received_at, id, tenant, source, delivery_key, event_type, arrived_at, headers, body, body_bytes, body_hash, verdict, flags)
            SELECT n, now(), gen_random_uuid(), 'default', 'slack', n::text, 'message', now(), h::json, b::bytea, length(b), '', 'signed', '{}'
            FROM (VALUES (1, '[[\"content-type\", \"application/json\"]]', '{\"a\": 1}'),
                         (2, '[[\"content-type\", \"application/x-www-form-urlencoded\"]]', 'payload=%7B%22a%22%3A%202%7D')) v (n, h, b);
        INSERT INTO slack_events (position, id, tenant, event_type, received_at, payload)
            SELECT e.position, e.id::text, 'default', 'message', e.received_at, jsonb_build_object('a', e.position) FROM log.envelopes e;
        UPDATE log.head SET position = 2, received_at = now();
        INSERT INTO hooklake.consumers (name, version, position) VALUES ('slack_events', 1, 2);
        CREATE SCHEMA rebuild_slack_events";
    client.batch_execute(rows).await.expect("rows");

    migrate::run(&db.database).await.expect("migrated");
    let payloads = async || {
        let rows = db.rows("SELECT payload->>'a' FROM slack_events ORDER BY position").await;
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>()
    };
    assert_eq!(payloads().await, ["1", "2"]);
    assert_eq!(db.number("SELECT count(mended) FROM projections.slack_events").await, 2, "as they were stored");

    let fold = Fold::on(db);
    fold.reached("slack_events").await;
    wait_until("it is rebuilt", async || fold.db.number("SELECT count(mended) FROM projections.slack_events").await == 1).await;
    let rows = fold.db.rows("SELECT payload->>'a' FROM slack_events ORDER BY position").await;
    assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["1", "2"]);
    fold.stop().await;
}
