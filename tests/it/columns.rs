//! The platforms' tables: each event's row says what the event says, in PostgreSQL and in the lake alike (decision 0020).

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use hooklake::domain::Tenant;
use hooklake::lake::{Engine, Exporter, Limits, QueryOptions, Settings};
use serde_json::{Map, Value};

use crate::harness::fold::{Fold, root, sorted};
use crate::harness::follow::catch_up;

const TABLES: [&str; 4] = ["github_events", "linear_events", "slack_events", "deployment_events"];
/// Columns of one side only, and why.
const ONE_SIDED: [&str; 2] = [
    // The log has the bytes; the lake's `events` has them as `body` where they are not the payload.
    "raw",
    // In PostgreSQL `events` has it; the lake answers about one table of events.
    "delivery_key",
];

/// A webhook, and what its row has to say.
struct Example {
    source: String,
    event_type: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// All that its row holds beside the envelope's, written by hand; GitHub's and deployments are held against SQL.
    columns: Option<Map<String, Value>>,
}

/// `tests/fixtures/webhooks`: for each source what others do not send us examples of.
fn fixtures() -> Vec<Example> {
    let mut examples = Vec::new();
    for source in ["github", "linear", "slack", "deployment"] {
        let text = std::fs::read_to_string(root().join(format!("tests/fixtures/webhooks/{source}.json"))).expect("a file");
        let listed: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        for told in listed {
            let mut headers: Vec<(String, String)> =
                told["headers"].as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned())).collect();
            let fields = told["form"].as_object();
            let body = match fields {
                Some(fields) => {
                    let mut form = url::form_urlencoded::Serializer::new(String::new());
                    for (name, value) in fields {
                        form.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                    }
                    form.finish()
                }
                None => told["body"].to_string(),
            };
            let content_type = if fields.is_some() { "application/x-www-form-urlencoded" } else { "application/json" };
            headers.push(("content-type".to_owned(), content_type.to_owned()));
            examples.push(Example {
                source: source.to_owned(),
                event_type: told["event"].as_str().expect("a type").to_owned(),
                headers,
                body: body.into_bytes(),
                columns: told["columns"].as_object().cloned(),
            });
        }
    }
    examples
}

/// What a row says: its columns without those of the envelope, without what is absent.
fn said(row: &Map<String, Value>) -> Map<String, Value> {
    let of_envelope = ["position", "id", "tenant", "event_type", "received_at", "payload", "raw", "delivery_key"];
    let is_empty = |value: &Value| value.is_null() || value.as_str().is_some_and(str::is_empty) || value.as_array().is_some_and(Vec::is_empty);
    let is_said = |name: &str, value: &Value| !of_envelope.contains(&name) && !is_empty(value);
    row.iter().filter(|(name, value)| is_said(name, value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// True when two doors show one value: moments and numbers are written in several ways, and the lake shows JSON as text.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::String(one), Value::String(other)) if one != other => {
            let moments = [one, other].map(|text| DateTime::parse_from_rfc3339(text).ok());
            moments[0].is_some() && moments[0] == moments[1]
        }
        (json @ (Value::Object(_) | Value::Array(_)), Value::String(text)) => serde_json::from_str::<Value>(text).is_ok_and(|other| *json == other),
        (one, other) => one == other,
    }
}

fn differences(expected: &Map<String, Value>, found: &Map<String, Value>) -> BTreeMap<String, String> {
    let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let missing = Value::Null;
    let differs = |name: &&String| {
        let (one, other) = (expected.get(*name).unwrap_or(&missing), found.get(*name).unwrap_or(&missing));
        (!is_same(one, other)).then(|| ((*name).clone(), format!("expected {one}, found {other}")))
    };
    names.iter().filter_map(differs).collect()
}

/// The rows of a question in PostgreSQL, as objects.
async fn rows(fold: &Fold, sql: &str) -> Vec<Map<String, Value>> {
    let rows = fold.db.rows(&format!("SELECT to_jsonb(r) FROM ({sql}) r")).await;
    rows.iter().map(|row| row.get::<_, Value>(0).as_object().cloned().expect("an object")).collect()
}

async fn ask(engine: &Engine, sql: &str) -> Vec<Map<String, Value>> {
    let answer = engine.query(&Tenant::default_tenant(), sql, QueryOptions { max_rows: 10_000, ..QueryOptions::default() }).await;
    answer.unwrap_or_else(|error| panic!("{sql}: {error:?}")).to_json_rows().expect("rows")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_say_what_events_say_in_postgresql_and_in_the_lake() {
    let fold = Fold::start_with(&TABLES).await;
    let location = Settings::default().location(fold.db.directory.path()).expect("a location");
    fold.append_examples().await;
    // Half of the answers come from the lake, half from the log's tail.
    catch_up(&fold.db.database, &mut Exporter::new(fold.db.database.clone(), location.clone())).await;
    fold.append_story().await;
    let mut expected = BTreeMap::new();
    for example in fixtures() {
        let id = fold.append_flagged(&example.source, &example.event_type, &example.body, example.headers, Vec::new()).await;
        expected.insert(id.to_string(), (example.source, example.event_type, example.columns));
    }
    fold.caught_up().await;

    // What is written by hand beside examples of Linear and Slack, and that each type has a row.
    let mut wrong = Vec::new();
    for (id, (source, event_type, columns)) in &expected {
        let found = rows(&fold, &format!("SELECT * FROM {source}_events WHERE id = '{id}'")).await;
        assert_eq!(found.len(), 1, "{source} {event_type} has a row");
        let said = said(&found[0]);
        // What lets whoever has it act in the sender's name is in no column.
        let shown = Value::from(said.clone()).to_string();
        for secret in ["secret", "one-long-verification-token", "1.2.3"] {
            assert!(!shown.contains(secret), "{source} {event_type}: {shown}");
        }
        let Some(columns) = columns else { continue };
        let differences = differences(columns, &said);
        if !differences.is_empty() {
            wrong.push(format!("{source} {event_type}: {differences:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    for source in ["github", "linear", "slack"] {
        let stored = format!("SELECT count(*) FROM log.envelopes WHERE source = '{source}'");
        assert_eq!(fold.db.number(&format!("SELECT count(*) FROM {source}_events")).await, fold.db.number(&stored).await, "every event of {source} has a row");
    }
    assert!(fold.db.number("SELECT count(DISTINCT event_type) FROM github_events").await > 58);

    // What the payloads of all of GitHub's examples say, asked in another language.
    for table in ["github", "deployment"] {
        let oracle = std::fs::read_to_string(root().join(format!("tests/fixtures/columns/{table}.sql"))).expect("a file");
        let by_hand: BTreeMap<i64, Map<String, Value>> =
            rows(&fold, &oracle).await.iter().map(|row| (row["position"].as_i64().expect("a position"), said(row))).collect();
        let found = rows(&fold, &format!("SELECT * FROM {table}_events ORDER BY position")).await;
        assert_eq!(by_hand.len(), found.len());
        let mut wrong = BTreeMap::<String, (i64, String)>::new();
        for row in &found {
            let position = row["position"].as_i64().expect("a position");
            for (name, difference) in differences(&by_hand[&position], &said(row)) {
                wrong.entry(name).or_insert((position, format!("{} {difference}", row["event_type"])));
            }
        }
        assert!(wrong.is_empty(), "{table}: {wrong:#?}");
    }

    // The same in the lake, and no column that no event fills.
    let engine = Engine::new(fold.db.database.clone(), location, Limits::default()).expect("an engine");
    for table in TABLES {
        let in_postgresql = rows(&fold, &format!("SELECT * FROM {table} ORDER BY position")).await;
        let in_lake = ask(&engine, &format!("SELECT * FROM {table} ORDER BY position")).await;
        let names = |row: &Map<String, Value>| row.keys().filter(|name| !ONE_SIDED.contains(&name.as_str())).cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(&in_postgresql[0]), names(&in_lake[0]), "{table}");
        assert_eq!(in_postgresql.len(), in_lake.len(), "{table}");
        for (one, other) in in_postgresql.iter().zip(&in_lake) {
            for name in names(one).iter().filter(|name| *name != "payload") {
                assert!(is_same(&one[name], &other[name]), "{table}.{name} at {}: {} and {}", one["position"], one[name], other[name]);
            }
        }
        let filled: BTreeSet<String> = in_postgresql.iter().flat_map(|row| said(row).into_iter().map(|(name, _)| name)).collect();
        let dead: Vec<_> = in_postgresql[0].keys().filter(|name| !said_always(name) && !filled.contains(*name)).collect();
        assert!(dead.is_empty(), "{table}: no event fills {dead:?}");
    }

    // However many columns a question names, a payload is parsed once for it; not at all for those of the envelope.
    for (sql, calls) in [
        ("SELECT * FROM github_events", 1),
        ("SELECT action, sender_login, labels, title FROM github_events WHERE event_type = 'push'", 1),
        ("SELECT event_type, count(*) FROM github_events GROUP BY 1", 0),
    ] {
        let plan = ask(&engine, &format!("EXPLAIN {sql}")).await;
        let physical = plan.iter().find(|row| row["plan_type"] == "physical_plan").expect("a plan")["plan"].to_string();
        let branches = 2;
        assert_eq!(physical.matches("columns_of_github_events(").count(), calls * branches, "{sql}: {physical}");
    }
    let found = ask(&engine, "SELECT count(*) AS n FROM github_events WHERE 'bug' = ANY (labels) OR array_has(assignees, 'Codertocat')").await;
    assert_eq!(found[0]["n"], fold.db.number("SELECT count(*) FROM github_events WHERE 'bug' = ANY (labels) OR 'Codertocat' = ANY (assignees)").await);
    fold.stop().await;
}

/// Columns of the envelope, which every row has.
fn said_always(name: &str) -> bool {
    ["position", "id", "tenant", "event_type", "received_at", "payload", "raw"].contains(&name)
}

/// Every type of webhook that Linear's own library knows has an example.
#[test]
fn every_type_of_linear_has_an_example() {
    let known: BTreeSet<String> = fixtures().into_iter().filter(|example| example.source == "linear").map(|example| example.event_type).collect();
    let mut types = BTreeSet::new();
    for path in sorted(&root().join(".tools/clients/node_modules/@linear/sdk/dist"), "mts") {
        let text = std::fs::read_to_string(path).expect("text");
        let listed = |name: &str| text.split_once(&format!("type {name} = ")).and_then(|(_, rest)| rest.split_once(';')).map(|(list, _)| list.to_owned());
        types.extend(listed("LinearWebhookEventType").into_iter().flat_map(|list| list.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()));
        let of_data = listed("DataWebhookPayload").unwrap_or_default();
        types.extend(of_data.split('|').filter_map(|name| name.trim().strip_suffix("WebhookPayload")).map(str::to_owned));
    }
    assert!(types.len() > 20, "{types:?}");
    let missing: Vec<_> = types.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
