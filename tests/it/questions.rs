//! SQL and search over HTTP: tables with a receipt, and refusals by their right names.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::harness::router::App;

#[tokio::test]
async fn sql_answers_as_json_and_as_csv_with_its_receipt() {
    let app = App::start().await;
    app.store("github", "push", json!({"ref": "refs/heads/main"})).await;
    app.store("slack", "message", json!({"event": {"text": "=1+1"}})).await;
    let query = "SELECT source, count(*) AS total_events FROM recent_events GROUP BY source ORDER BY source";
    let answer = app.post("/sql", json!({"query": query})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["columns"], json!(["source", "total_events"]));
    assert_eq!(body["rows"], json!([{"source": "github", "total_events": 1}, {"source": "slack", "total_events": 1}]));
    assert_eq!((&body["receipt"]["throughPosition"], &body["receipt"]["complete"], &body["truncated"]), (&json!(2), &json!(true), &json!(false)));

    let request = Request::post("/sql").header("authorization", format!("Bearer {}", app.token)).header("content-type", "application/json");
    let csv = app.send(request.header("accept", "text/csv").body(Body::from(json!({"query": query, "maxRows": 1}).to_string())).expect("a request")).await;
    assert_eq!((csv.text.as_str(), csv.header("x-truncated"), csv.header("x-through-position")), ("source,total_events\ngithub,1\n", "true", "2"));

    let graphql = app.post("/graphql", json!({"query": "query($q: String!) { sql(query: $q) { columns rows truncated receipt { throughPosition complete } } }", "variables": {"q": query}})).await.json();
    assert_eq!(graphql["data"]["sql"]["rows"], body["rows"], "{graphql}");
}

#[tokio::test]
async fn sql_that_does_more_than_read_is_refused_everywhere() {
    let app = App::start().await;
    for (query, status, code) in [
        ("DELETE FROM recent_events", StatusCode::FORBIDDEN, "read_only"),
        ("COPY recent_events TO '/tmp/x'", StatusCode::FORBIDDEN, "read_only"),
        ("SELEC 1", StatusCode::BAD_REQUEST, "invalid_query"),
        ("SELECT 1; SELECT 2", StatusCode::BAD_REQUEST, "invalid_query"),
        ("SELECT * FROM nothing_here", StatusCode::BAD_REQUEST, "invalid_query"),
    ] {
        let answer = app.post("/sql", json!({"query": query})).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{query}: {}", answer.text);
        let graphql = app.post("/graphql", json!({"query": "query($q: String!) { sql(query: $q) { rows } }", "variables": {"q": query}})).await.json();
        assert_eq!(graphql["errors"][0]["extensions"]["code"], code.to_uppercase(), "{query}");
    }
    for body in
        [json!({}), json!({"query": "SELECT 1", "maxRows": 0}), json!({"query": "SELECT 1", "maxRows": 1_000_000}), json!({"query": "SELECT 1", "rows": 1})]
    {
        assert_eq!(app.post("/sql", body.clone()).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn a_search_that_cannot_be_answered_says_why() {
    let app = App::start().await;
    let answer = app.get("/search?q=flaky").await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("busy")), "there is no index yet: {}", answer.text);
    assert_eq!(app.get("/search?q=after:never").await.json()["code"], "invalid_query");
}

#[tokio::test]
async fn a_search_finds_words_and_shows_them_as_text() {
    let app = App::start().await;
    let title = "A <script>flaky</script> test";
    let stored = app.store("github", "pull_request", json!({"action": "opened", "pull_request": {"title": title}, "sender": {"login": "octocat"}})).await;
    app.store("slack", "message", json!({"event": {"text": "nothing of the kind"}})).await;
    app.index().await;
    let found = app.get("/search?q=source:github%20flaky").await.json();
    assert_eq!((&found["total"], &found["throughPosition"], &found["lagEvents"]), (&json!(1), &json!(2), &json!(0)));
    assert_eq!(found["hits"][0]["id"], stored.id.to_string());
    let snippet = found["hits"][0]["snippetHtml"].as_str().expect("a snippet");
    assert!(snippet.contains("<b>flaky</b>") && !snippet.contains("<script>"), "{snippet}");
    let graphql = app.post("/graphql", json!({"query": "{ search(query: \"author:octocat\", first: 1) { total next hits { id snippetHtml } } }"})).await.json();
    assert_eq!((&graphql["data"]["search"]["total"], &graphql["data"]["search"]["next"]), (&json!(1), &json!(null)), "{graphql}");
}
