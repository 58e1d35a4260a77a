//! One endpoint answers every question, within bounds.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::harness::router::{Answer, App};

async fn ask(app: &App, query: &str, variables: Value) -> Value {
    let answer = app.post("/graphql", json!({"query": query, "variables": variables})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn raw(app: &App, accept: &str, content_type: &str, body: impl Into<Body>) -> Answer {
    let request =
        Request::post("/graphql").header("authorization", format!("Bearer {}", app.token)).header("accept", accept).header("content-type", content_type);
    app.send(request.body(body.into()).expect("a request")).await
}

const PAGE: &str = "query Page($first: Int, $after: String, $source: String) {
    events(first: $first, after: $after, filter: { source: $source }) {
        edges { cursor node { id position source kind payload parseStatus correlations { correlationType } } }
        pageInfo { hasNextPage hasPreviousPage endCursor }
    }
}";

#[tokio::test]
async fn pages_go_through_all_events_once_while_more_arrive() {
    let app = App::start().await;
    for number in 0..7 {
        app.store("github", "pull_request", json!({"action": "opened", "number": number})).await;
        app.store("slack", "message", json!({"event": {"text": "<script>"}})).await;
    }
    let (mut after, mut seen) = (Value::Null, Vec::new());
    loop {
        let page = ask(&app, PAGE, json!({"first": 3, "after": after, "source": "github"})).await;
        let events = &page["data"]["events"];
        for edge in events["edges"].as_array().expect("edges") {
            assert_eq!(edge["node"]["kind"], "pull_request.opened");
            seen.push(edge["node"]["payload"]["number"].as_i64().expect("a number"));
        }
        // What arrives meanwhile is newer than every page still to come.
        app.store("github", "pull_request", json!({"action": "opened", "number": 99})).await;
        if events["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = events["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1, 0]);
}

#[tokio::test]
async fn pages_go_back_the_way_they_came() {
    let app = App::start().await;
    for number in 1..=5 {
        app.store("github", "push", json!({"number": number})).await;
    }
    let query = "query Back($before: String) { events(last: 2, before: $before) { nodes { position } pageInfo { hasPreviousPage hasNextPage startCursor } } }";
    let (mut before, mut pages) = (Value::Null, Vec::new());
    loop {
        let events = ask(&app, query, json!({"before": before})).await["data"]["events"].clone();
        pages.push(events["nodes"].as_array().expect("nodes").iter().map(|node| node["position"].as_i64().expect("a number")).collect::<Vec<_>>());
        assert_eq!(events["pageInfo"]["hasNextPage"], !before.is_null());
        if events["pageInfo"]["hasPreviousPage"] == false {
            break;
        }
        before = events["pageInfo"]["startCursor"].clone();
    }
    assert_eq!(pages, [vec![2, 1], vec![4, 3], vec![5]]);
}

#[tokio::test]
async fn one_event_is_found_by_its_name_only() {
    let app = App::start().await;
    let stored = app.store("linear", "Issue", json!({"action": "create"})).await;
    let query = "query One($id: ID!) { event(id: $id) { id position payload } correlations(eventId: $id) { subject } }";
    let found = ask(&app, query, json!({"id": stored.id.to_string()})).await;
    assert_eq!(found["data"]["event"], json!({"id": stored.id.to_string(), "position": 1, "payload": {"action": "create"}}));
    for other in ["1", "evt_1", "", "evt_00000000000000000000000000000000"] {
        assert_eq!(ask(&app, query, json!({"id": other})).await["data"]["event"], Value::Null, "{other}");
        assert_eq!(app.get(&format!("/events/{other}")).await.status, 404);
    }
    assert_eq!(app.get(&format!("/events/{}", stored.id)).await.json()["payload"], json!({"action": "create"}));
}

#[tokio::test]
async fn status_and_summary_tell_what_is_there() {
    let app = App::start().await;
    app.store("github", "push", json!({})).await;
    app.store("github", "push", json!({})).await;
    let answer = ask(
        &app,
        "{ status { version uptimeSeconds head totals { source events } consumers { name lagEvents } } summary(days: 2) { source eventType eventCount } }",
        json!({}),
    )
    .await;
    let data = &answer["data"];
    assert_eq!(data["status"]["head"], 2);
    assert_eq!(data["status"]["totals"], json!([{"source": "github", "events": 2}]));
    assert_eq!(data["summary"], json!([{"source": "github", "eventType": "push", "eventCount": 2}]));
}

#[tokio::test]
async fn arguments_out_of_range_are_named() {
    let app = App::start().await;
    for (query, parameter) in [
        ("{ events(first: 0) { nodes { id } } }", "first"),
        ("{ events(first: -1) { nodes { id } } }", "first"),
        ("{ events(last: 201) { nodes { id } } }", "last"),
        ("{ events(first: 1, last: 1) { nodes { id } } }", "last"),
        ("{ events(first: 1, before: \"ZTE6MQ\") { nodes { id } } }", "last"),
        ("{ events(after: \"x\") { nodes { id } } }", "after"),
        ("{ events(filter: { kinds: [\"a:\"] }) { nodes { id } } }", "kinds"),
        ("{ search(query: \"a\", first: 101) { total } }", "first"),
        ("{ summary(days: 0) { day } }", "days"),
        ("{ sql(query: \"SELECT 1\", maxRows: 0) { rows } }", "maxRows"),
    ] {
        let error = ask(&app, query, json!({})).await["errors"][0].clone();
        assert_eq!(error["extensions"], json!({"code": "INVALID_PARAMETER", "parameter": parameter}), "{query}: {error}");
    }
    for path in [
        "/events?limit=0",
        "/events?limit=-1",
        "/events?limit=1e9",
        "/events?limit=abc",
        "/events?since=yesterday",
        "/events?sorce=x",
        "/search",
        "/events/summary?days=0",
    ] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_parameter")), "{path}");
    }
}

#[tokio::test]
async fn a_query_that_asks_too_much_is_refused_before_it_runs() {
    let app = App::start().await;
    let deep = format!("{{ events {{ nodes {} }} }}", "{ correlations { relatedEvents ".repeat(25) + "{ id }" + &" } }".repeat(25));
    let aliases = format!("{{ {} }}", (0..1000).map(|n| format!("a{n}: __typename")).collect::<Vec<_>>().join(" "));
    let directives = format!("{{ __typename {} }}", "@include(if: true) ".repeat(2000));
    let repeated = format!("{{ {} }}", "__typename ".repeat(5000));
    let circular = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned();
    let costly = "{ events(first: 200) { nodes { correlations { relatedEvents { correlations { relatedEvents { id } } } } } } }".to_owned();
    for query in [deep, aliases, directives, repeated, circular, costly] {
        let answer = app.post("/graphql", json!({"query": query})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        assert!(answer.json()["errors"][0]["extensions"]["code"].is_string() && answer.json().get("data").is_none(), "{}", answer.text);
    }
    assert_eq!(app.post("/graphql", json!([{"query": "{ __typename }"}])).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.post("/graphql", json!({"query": " ".repeat(1 << 20)})).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(app.get("/graphql?query={__typename}").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_protocol_is_graphql_over_http() {
    let app = App::start().await;
    let question = json!({"query": "{ __typename }"}).to_string();
    let (modern, legacy) = ("application/graphql-response+json", "application/json");
    for (accept, answered) in [("*/*", legacy), (modern, modern), (legacy, legacy)] {
        let answer = raw(&app, accept, "application/json; charset=utf-8", question.clone()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), format!("{answered}; charset=utf-8"));
        assert_eq!(answer.json(), json!({"data": {"__typename": "Query"}}));
    }
    for broken in ["{", "{ nothing }", "query Q($n: Int!) { summary(days: $n) { day } }"] {
        let question = json!({"query": broken}).to_string();
        assert_eq!(raw(&app, modern, "application/json", question.clone()).await.status, StatusCode::BAD_REQUEST, "{broken}");
        assert_eq!(raw(&app, legacy, "application/json", question.clone()).await.status, StatusCode::OK, "{broken}");
        assert_eq!(raw(&app, "*/*", "application/json", question).await.status, StatusCode::BAD_REQUEST, "{broken}");
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        assert_eq!(raw(&app, "*/*", content_type, question.clone()).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    assert_eq!(raw(&app, "text/html", "application/json", question).await.status, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(raw(&app, "*/*", "application/json", "{\"query\": 7}").await.json()["parameter"], "query");
}

#[tokio::test]
async fn what_no_event_can_be_is_refused_by_its_name() {
    let app = App::start().await;
    let query = "query Some($filter: EventFilterInput) { events(filter: $filter) { nodes { id } } }";
    for (name, value, in_address) in [
        ("actor", json!("a\u{0}b"), "a%00b"),
        ("subject", json!("\u{0}"), "%00"),
        ("since", json!("-9999-01-01T00:00:00Z"), "-9999-01-01T00:00:00Z"),
        ("until", json!("+262000-01-01T00:00:00Z"), "%2B262000-01-01T00:00:00Z"),
    ] {
        let refused = ask(&app, query, json!({"filter": {name: value}})).await;
        assert_eq!(refused["errors"][0]["extensions"], json!({"code": "INVALID_PARAMETER", "parameter": name}), "{refused}");
        let refused = app.get(&format!("/events?{name}={in_address}")).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["parameter"]), (400, &json!(name)), "{}", refused.text);
    }
    let kinds = ask(&app, query, json!({"filter": {"kinds": ["push\u{0}"]}})).await;
    assert_eq!(kinds["errors"][0]["extensions"]["parameter"], "kinds", "{kinds}");
}

/// Senders say how large bodies are: a page of them may be more than there is memory for.
#[tokio::test]
async fn what_one_request_reads_of_events_is_bounded() {
    let app = App::start().await;
    let mut last = None;
    for n in 0..5 {
        last = Some(app.store("custom", "export", json!({"n": n, "subject": "all of it", "rows": "x".repeat(7 << 20)})).await);
    }
    let id = last.expect("stored").id.to_string();
    let too_large = |answer: &Value| answer["errors"][0]["extensions"]["code"] == "TOO_LARGE";
    let page = "query Page($first: Int) { events(first: $first) { nodes { id payload } } }";
    // One more is read than a page has, which tells whether there is another page.
    assert_eq!(ask(&app, page, json!({"first": 3})).await["data"]["events"]["nodes"].as_array().map(Vec::len), Some(3));
    let refused = ask(&app, page, json!({"first": 5})).await;
    assert!(too_large(&refused), "{refused:.300}");
    // All that one request asks for is counted together.
    let again = |times: usize| format!("{{ {} }}", (0..times).map(|n| format!("e{n}: event(id: \"{id}\") {{ payload }}")).collect::<Vec<_>>().join(" "));
    assert_eq!(ask(&app, &again(4), Value::Null).await["errors"], Value::Null);
    assert!(too_large(&ask(&app, &again(5), Value::Null).await));
    assert_eq!(app.get("/events?payload=true&limit=3").await.status, StatusCode::OK);
    assert_eq!(app.get("/events?payload=true").await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(app.get("/events").await.status, StatusCode::OK);
}
