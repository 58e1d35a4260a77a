//! Every event becomes rows that answer what people ask; built anew, the rows are the same.

use std::collections::BTreeMap;

use hooklake::consumer::Projection;
use hooklake::domain::OWN_SOURCE;
use hooklake::domain::Tenant;
use hooklake::domain::clock::Timestamp;
use hooklake::domain::envelope::Flag;
use hooklake::projectors::ValidationTables;
use hooklake::projectors::query::{EventFilter, Events, Page};
use hooklake::projectors::validation::RULE_TYPE;
use hooklake::saved::{self, Bound, Over};
use hooklake::simulate::{Organisation, Settings};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::harness::fold::{Fold, root, sorted, story};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_payloads_become_rows_and_rebuilding_changes_none() {
    let fold = Fold::start().await;
    fold.append_examples().await;
    let told = fold.append_story().await;
    fold.caught_up().await;
    let all = i64::try_from(329 + told.len()).expect("few");
    let of_source = |source: &'static str| story().iter().filter(|told| told["source"] == source).count() as i64;
    for (table, count) in [
        ("events", all),
        ("received_deliveries", all),
        ("github_events", 329 + of_source("github")),
        ("linear_events", of_source("linear")),
        ("slack_events", of_source("slack")),
        ("deployment_events", 8 + of_source("deployment")),
    ] {
        assert_eq!(fold.db.number(&format!("SELECT count(*) FROM {table}")).await, count, "{table}");
    }
    let invalid = fold.db.rows("SELECT rule || ' ' || event_type || ' ' || array_to_string(errors, '; ') FROM event_validations WHERE NOT valid").await;
    assert!(invalid.is_empty(), "real payloads are valid: {:?}", invalid.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
    assert!(fold.db.number("SELECT count(*) FROM event_validations").await > 100);

    // Linear's own attachments name their issue by its number only.
    let attachment = json!({"action": "create", "type": "Attachment", "data": {"id": "x", "issueId": "i", "url": "https://github.com/o/r/pull/1"}});
    fold.append_json("linear", "Attachment", &attachment).await;
    fold.caught_up().await;
    let processed = fold.db.rows("SELECT processed_at FROM events ORDER BY position").await;
    let live = fold.tables().await;
    for consumer in fold.consumers() {
        fold.runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.unwrap_or_else(|error| panic!("{}: {error:?}", consumer.name()));
    }
    for ((name, before), (_, after)) in live.iter().zip(&fold.tables().await) {
        assert!(!before.is_empty() || name == "validation_rules", "{name} has rows to compare");
        assert_eq!(before, after, "{name}");
    }
    let again = fold.db.rows("SELECT processed_at FROM events ORDER BY position").await;
    assert!(
        processed.iter().zip(&again).all(|(one, other)| one.get::<_, Timestamp>(0) == other.get::<_, Timestamp>(0)),
        "a rebuild keeps when rows were first written"
    );
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saved_queries_and_views_answer_the_reader() {
    let fold = Fold::start().await;
    // Long enough for something to be deployed, and what takes it back as well.
    for simulated in Organisation::new(&Settings { seed: 8, people: 8, repos: 2, days: 9, ..Settings::default() }) {
        fold.append(&simulated.delivery.source, &simulated.delivery.event, simulated.delivery.body.as_bytes()).await;
    }
    fold.append_simulated().await;
    fold.append_examples().await;
    fold.append_story().await;
    fold.caught_up().await;

    let url = fold.db.url.replace("user=hooklake", "user=codegen_readonly");
    let (reader, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the reader may connect");
    let driver = tokio::spawn(connection);
    for saved in saved::all().expect("saved queries").iter().filter(|saved| saved.over == Over::PostgreSql) {
        let values = saved.bind(&BTreeMap::new()).expect("defaults");
        let values: Vec<_> = values.iter().map(Bound::typed).collect();
        reader.query_typed(saved.text, &values).await.unwrap_or_else(|error| panic!("{}: {error:?}", saved.name));
    }
    for path in sorted(&root().join("views"), "sql") {
        let view = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let rows = reader.query(&format!("SELECT * FROM {view}"), &[]).await.unwrap_or_else(|error| panic!("{view}: {error:?}"));
        assert!(!rows.is_empty(), "{view} has rows");
        let comment = reader.query_one("SELECT obj_description($1::text::regclass)", &[&view]).await.expect("asked").get::<_, Option<String>>(0);
        assert!(comment.is_some(), "{view} says what it is");
    }
    let newest: Vec<i64> = reader.query("SELECT position FROM recent_events LIMIT 100", &[]).await.expect("rows").iter().map(|row| row.get(0)).collect();
    assert!(newest.is_sorted_by(|a, b| a > b) && newest.len() == 100, "newest first");
    for refused in [
        "DELETE FROM events",
        "UPDATE github_events SET action = NULL",
        "SELECT * FROM log.envelopes",
        "SELECT * FROM projections.events",
        "SELECT * FROM hooklake.installation",
    ] {
        assert!(reader.query(refused, &[]).await.is_err(), "{refused}");
    }
    let silent =
        fold.db.rows("SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND obj_description(oid) IS NULL").await;
    assert!(silent.is_empty(), "everything that can be asked says what it is: {silent:?}");
    let silent = fold
        .db
        .rows("SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND col_description(c.oid, a.attnum) IS NULL ORDER BY 1")
        .await;
    assert!(silent.is_empty(), "every column says what it means: {:?}", silent.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
    drop(reader);
    driver.await.expect("driven").expect("closed");
    fold.stop().await;
}

/// What a sender may put anywhere (RELIABILITY B26, B51–B66): each is stored, projected and parks nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_content_becomes_rows_too() {
    let fold = Fold::start().await;
    let long = "x".repeat(100_000);
    let random: String = (0..40_000_u32).map(|n| char::from(b'!' + u8::try_from(n.wrapping_mul(2_654_435_761) >> 25 & 63).expect("small"))).collect();
    let odd = [
        json!({}),
        json!([1, 2]),
        json!("text"),
        json!({"action": 7, "pull_request": [], "issue": "x", "repository": {"full_name": 5}, "sender": null, "event": [], "data": false, "labels": 3}),
        json!({"action": long, "repository": {"full_name": random}, "sender": {"login": random}, "after": random, "ref": random, "platform": random}),
        json!({"event": {"type": "message", "channel": random, "ts": random, "user": random, "thread_ts": random, "subtype": random, "text": long, "files": [null, {"name": 1}]}}),
        json!({"data": {"identifier": random, "team": {"key": random}, "number": 1.5, "estimate": 1e308, "priority": 1e18, "labels": [{"name": null}, 1]}, "actor": random, "webhookTimestamp": 1e15}),
        json!({"deployment_id": random, "environment": random, "status": random, "commit_sha": random, "started_at": "0000-00-00", "finished_at": "9999-12-31T23:59:60Z"}),
        json!({"deployment_id": "d", "started_at": "0000-01-01T00:00:00Z", "finished_at": 1_000_000_000_000_000_i64}),
        json!({"number": 18_446_744_073_709_551_615_u64, "pull_request": {"number": 18_446_744_073_709_551_615_u64, "title": "; DROP TABLE events; --", "body": "$$ \\ ' \" %s \u{202e} \u{0}"}}),
        json!({"deployment": {"id": 1e30, "created_at": {}}, "deployment_status": {"state": "success", "updated_at": "yesterday"}, "repository": {"full_name": "o/r"}}),
        json!({"repository": {"full_name": "o/r"}, "commits": [{"id": "f".repeat(40), "message": format!("{long} (#1)")}], "after": "f".repeat(40)}),
    ];
    let raw: [&[u8]; 6] = [
        b"",
        b"not json",
        b"{\"a\":\"\\u0000\",\"b\":\"\\ud800\",\"c\":1e131000}",
        b"\xff\xfe",
        b"{\"a\":1,\"a\":2}",
        b"{\"title\":\"a\\u0000b\",\"event\":{\"text\":\"\\u0000\"},\"action\":\"\\u0000\"}",
    ];
    let mut count = 0;
    for (source, event_type) in [
        ("github", "deployment_status"),
        ("github", "pull_request"),
        ("linear", "Issue"),
        ("slack", "message"),
        ("deployment", "deployment"),
        ("custom", &*random),
        ("hooklake", RULE_TYPE),
    ] {
        for body in odd.iter().map(|value| value.to_string().into_bytes()).chain(raw.iter().map(|bytes| bytes.to_vec())) {
            fold.append(source, event_type, &body).await;
            count += 1;
        }
    }
    fold.append(source_of_depth().0, "push", &source_of_depth().1).await;
    fold.caught_up().await;
    assert_eq!(fold.db.number("SELECT count(*) FROM events").await, count + 1);
    let odd_fields = fold.db.rows("SELECT odd_fields FROM deployment_events WHERE deployment_id = 'd'").await;
    assert_eq!(odd_fields[0].get::<_, Vec<String>>(0), ["started_at", "finished_at"]);
    assert_eq!(fold.db.number("SELECT count(*) FROM events WHERE parse_status <> 'ok' AND payload IS NULL").await, 7 * 3 + 1);
    for view in sorted(&root().join("views"), "sql") {
        fold.db.rows(&format!("SELECT * FROM {}", view.file_stem().and_then(|stem| stem.to_str()).expect("a name"))).await;
    }
    fold.stop().await;
}

fn source_of_depth() -> (&'static str, Vec<u8>) {
    ("github", "[".repeat(100_000).into_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_is_a_delivery_and_nothing_else() {
    let fold = Fold::start().await;
    let body = json!({"action": "opened", "pull_request": {"number": 1, "title": "HEL-1"}, "repository": {"full_name": "o/r"}, "sender": {"login": "a"}});
    fold.append_json("github", "pull_request", &body).await;
    fold.append_flagged("github", "pull_request", body.to_string().as_bytes(), Vec::new(), vec![Flag::SuspectReplay]).await;
    fold.caught_up().await;
    for (table, count) in [("events", 1), ("github_events", 1), ("received_deliveries", 2), ("event_correlations", 1), ("event_validations", 1)] {
        assert_eq!(fold.db.number(&format!("SELECT count(*) FROM {table}")).await, count, "{table}");
    }
    assert_eq!(fold.db.number("SELECT count(*) FROM webhook_deliveries WHERE 'suspect_replay' = ANY (flags)").await, 1);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_hold_from_where_they_stand_in_the_log() {
    let fold = Fold::start().await;
    let event = json!({"event_type": "custom_event", "action": 7});
    let rule = |action: &str, schema: Value| json!({"action": action, "name": "mine", "source": "custom", "event_type": "custom_event", "schema": schema});
    let wants_text = json!({"type": "object", "required": ["action"], "properties": {"action": {"type": "string"}}});
    fold.append_json("custom", "custom_event", &event).await;
    fold.append_json(OWN_SOURCE, RULE_TYPE, &rule("set", wants_text)).await;
    fold.append_json("custom", "custom_event", &event).await;
    fold.append_json("custom", "other_event", &event).await;
    fold.append_json(OWN_SOURCE, RULE_TYPE, &rule("set", json!({"type": 7}))).await;
    fold.append_json("custom", "custom_event", &event).await;
    fold.append_json(OWN_SOURCE, RULE_TYPE, &json!({"action": "remove", "name": "mine"})).await;
    fold.append_json(OWN_SOURCE, RULE_TYPE, &json!({"action": "remove", "name": "custom"})).await;
    fold.append_json("custom", "custom_event", &event).await;
    fold.caught_up().await;
    let said = |row: &tokio_postgres::Row| (row.get::<_, i64>(0), row.get::<_, String>(1), row.get::<_, bool>(2));
    let all = async || fold.db.rows("SELECT position, rule, valid FROM event_validations ORDER BY 1, 2").await.iter().map(said).collect::<Vec<_>>();
    let own = |position, valid| (position, "mine".to_owned(), valid);
    let brought = |position| (position, "custom".to_owned(), true);
    let live = all().await;
    assert_eq!(live, [brought(1), brought(3), own(3, false), brought(4), brought(6)], "a schema that cannot be used checks nothing");
    let consumer = Projection::new(fold.db.database.clone(), ValidationTables::default());
    fold.runner.rebuild(&consumer, &mut |_, _| {}).await.expect("rebuilt");
    assert_eq!(all().await, live);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_newest_first_and_filters_narrow() {
    let fold = Fold::start().await;
    fold.append_examples().await;
    fold.append_story().await;
    fold.caught_up().await;
    let events = Events::new(fold.db.database.clone());
    let tenant = Tenant::default_tenant();
    let everything = EventFilter::default();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = events.page(&tenant, &everything, Page { after, before: None, first: 100, payloads: false }).await.expect("a page");
        seen.extend(page.rows.iter().map(|row| row.position));
        after = seen.last().copied();
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seen.len() as i64, fold.db.number("SELECT count(*) FROM events").await);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let back = events.page(&tenant, &everything, Page { after: None, before: Some(seen[50]), first: 10, payloads: false }).await.expect("a page");
    assert_eq!(back.rows.iter().map(|row| row.position).collect::<Vec<_>>(), &seen[40..50]);
    assert!(back.has_more);

    let page = Page { after: None, before: None, first: 1000, payloads: false };
    let count = async |filter: EventFilter| events.page(&tenant, &filter, page).await.expect("a page").rows.len() as i64;
    let kinds =
        |patterns: &[&str]| EventFilter { kinds: patterns.iter().map(|pattern| pattern.parse().expect("a pattern")).collect(), ..EventFilter::default() };
    for (filter, condition) in [
        (EventFilter { source: Some("linear".into()), ..EventFilter::default() }, "source = 'linear'"),
        (kinds(&["pull_request:opened", "Issue:*"]), "kind = 'pull_request.opened' OR event_type IN ('Issue')"),
        (kinds(&["*"]), "true"),
        (EventFilter { actor: Some("codertocat".into()), ..EventFilter::default() }, "actor = 'Codertocat'"),
        (EventFilter { repository: Some("codertocat/hello-world".into()), ..EventFilter::default() }, "repository = 'Codertocat/Hello-World'"),
        (EventFilter { subject: Some("hel-42".into()), ..EventFilter::default() }, "subject = 'linear:HEL-42'"),
        (EventFilter { since: Some(chrono::DateTime::UNIX_EPOCH), until: Some(chrono::DateTime::UNIX_EPOCH), ..EventFilter::default() }, "false"),
    ] {
        assert_eq!(count(filter.clone()).await, fold.db.number(&format!("SELECT count(*) FROM events WHERE {condition}")).await, "{filter:?}");
    }
    let other = Tenant::new("other");
    assert!(events.page(&other, &everything, page).await.expect("a page").rows.is_empty());
    let one = events.page(&tenant, &everything, Page { first: 1, ..page }).await.expect("a page").rows.remove(0);
    let id = one.id.parse().expect("an id");
    assert_eq!(events.one(&tenant, id, false).await.expect("asked").map(|row| row.position), Some(one.position));
    assert!(events.one(&other, id, false).await.expect("asked").is_none());
    assert_eq!(events.by_positions(&tenant, &seen[..3]).await.expect("rows").len(), 3);
    let summary = events.summary(&tenant, 7).await.expect("a summary");
    assert_eq!(summary.iter().map(|row| row.event_count).sum::<i64>(), seen.len() as i64);
    fold.stop().await;
}
