//! Nothing but liveness, readiness and the login page is open, and a credential is what it must be.

use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, StatusCode};
use hooklake::serve::router::{Door, routes};

use crate::harness::router::App;

fn bare(method: &str, path: &str) -> Builder {
    Request::builder().method(method).uri(path.replace("{id}", "evt_00000000000000000000000000000000"))
}

#[tokio::test]
async fn every_route_but_the_open_ones_wants_a_credential() {
    let app = App::start().await;
    let mut open = Vec::new();
    for route in routes() {
        let answer = app.send(bare(route.method, route.path).body(Body::empty()).expect("a request")).await;
        if route.door == Door::Open {
            open.push((route.method, route.path));
            continue;
        }
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", route.path);
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"hooklake\"");
        assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.contains("admin token")));
    }
    let signed = [("POST", "/webhook"), ("POST", "/webhook/{source}"), ("POST", "/webhook/custom/{name}")];
    assert_eq!(open[..3], signed, "webhooks prove themselves");
    assert_eq!(open[3..], [("GET", "/login"), ("POST", "/login"), ("GET", "/health/live"), ("GET", "/health/ready")]);
}

#[tokio::test]
async fn a_token_counts_whole_and_in_its_header_only() {
    let app = App::start().await;
    let token = app.token.clone();
    assert!(token.starts_with("hl_") && token.len() == 46);
    let wrong = [
        format!("Bearer {}", &token[..20]),
        format!("Bearer {token}x"),
        format!("Bearer {}", token.to_lowercase()),
        format!("Basic {token}"),
        token.clone(),
        "Bearer ".to_owned(),
    ];
    for credential in wrong {
        let request = bare("GET", "/events").header("authorization", &credential).body(Body::empty()).expect("a request");
        assert_eq!(app.send(request).await.status, StatusCode::UNAUTHORIZED, "{credential}");
    }
    for name in ["token", "access_token", "key", "authorization"] {
        let request = bare("GET", &format!("/events?{name}={token}")).body(Body::empty()).expect("a request");
        assert_eq!(app.send(request).await.status, StatusCode::UNAUTHORIZED, "{name}");
    }
    assert_eq!(app.get("/events").await.status, StatusCode::OK);
    assert!(app.access.ensure_token().await.expect("an answer").is_none(), "a second start makes no other token");
}

#[tokio::test]
async fn rotation_ends_the_token_and_the_sessions() {
    let app = App::start().await;
    let cookie = sign_in(&app).await;
    assert_eq!(with_cookie(&app, "GET", &cookie, &[]).await, StatusCode::OK);
    let token = app.access.rotate().await.expect("a token");
    assert_eq!(app.get("/events").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(with_cookie(&app, "GET", &cookie, &[]).await, StatusCode::UNAUTHORIZED);
    assert!(app.access.caller(token.reveal()).await.expect("an answer").is_some());
}

#[tokio::test]
async fn a_session_ends_after_its_time() {
    let app = App::start().await;
    let cookie = sign_in(&app).await;
    app.clock.advance(chrono::Duration::hours(12) - chrono::Duration::seconds(1));
    assert_eq!(with_cookie(&app, "GET", &cookie, &[]).await, StatusCode::OK);
    app.clock.advance(chrono::Duration::seconds(1));
    assert_eq!(with_cookie(&app, "GET", &cookie, &[]).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_sites_page_cannot_use_the_session() {
    let app = App::start().await;
    let cookie = sign_in(&app).await;
    for foreign in [[("sec-fetch-site", "cross-site")], [("sec-fetch-site", "same-site")], [("origin", "http://localhost:3000")]] {
        assert_eq!(with_cookie(&app, "POST", &cookie, &foreign).await, StatusCode::FORBIDDEN, "{foreign:?}");
    }
    assert_eq!(with_cookie(&app, "POST", &cookie, &[("sec-fetch-site", "same-origin")]).await, StatusCode::OK);
    assert_eq!(with_cookie(&app, "POST", &cookie, &[("origin", "http://localhost:8080"), ("host", "localhost:8080")]).await, StatusCode::OK);
}

#[tokio::test]
async fn signing_in_takes_the_token_and_nothing_else() {
    let app = App::start().await;
    for token in ["", "hl_wrong"] {
        let form = bare("POST", "/login").header("content-type", "application/x-www-form-urlencoded").body(Body::from(format!("token={token}")));
        let answer = app.send(form.expect("a request")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.text.contains("not the admin token") && answer.headers.get("set-cookie").is_none());
    }
    let browser = bare("GET", "/console").header("accept", "text/html,application/xhtml+xml").body(Body::empty()).expect("a request");
    let answer = app.send(browser).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/login"));
}

#[tokio::test]
async fn every_answer_is_guarded_and_named() {
    let app = App::start().await;
    for path in ["/health/live", "/login", "/nowhere", "/events", "/console"] {
        let answer = app.get_with(path, &[("x-request-id", "trace-7")]).await;
        assert_eq!(answer.header("x-request-id"), "trace-7", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    }
    assert_eq!(app.get("/events").await.header("x-request-id").len(), 32);
    assert_eq!(app.get("/nowhere").await.json()["code"], "not_found");
    assert_eq!(app.post("/events", serde_json::json!({})).await.json()["code"], "method_not_allowed");
}

/// Signs in as a browser does; returns what it sends from then on.
async fn sign_in(app: &App) -> String {
    let form = bare("POST", "/login").header("content-type", "application/x-www-form-urlencoded").body(Body::from(format!("token={}", app.token)));
    let answer = app.send(form.expect("a request")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/"), "{cookie}");
    cookie.split(';').next().expect("a value").to_owned()
}

async fn with_cookie(app: &App, method: &str, cookie: &str, headers: &[(&str, &str)]) -> StatusCode {
    let path = if method == "GET" { "/events" } else { "/graphql" };
    let mut request = bare(method, path).header("cookie", cookie).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(r#"{"query":"{ __typename }"}"#)).expect("a request")).await.status
}
