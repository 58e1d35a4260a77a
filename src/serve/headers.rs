//! What every request gets (an id, in a span that every log line of it carries) and every answer (headers that keep
//! browsers from doing more with it than was meant).

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

/// Which request this is: taken from the caller when it is harmless, made otherwise, always in the answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES_MAX: usize = 64;

const GUARDS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'; img-src 'self' data:",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Puts the request's id and the guards around every route that the router has by now.
pub fn dress(router: Router) -> Router {
    router.layer(middleware::from_fn(around))
}

async fn around(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let span = tracing::info_span!("request", request.id = %id, method = %request.method(), path = request.uri().path());
    // Whoever passes the request on finds the same id.
    let value = HeaderValue::from_str(&id).ok();
    if let Some(value) = &value {
        request.headers_mut().insert(REQUEST_ID, value.clone());
    }
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered {}", response.status()));
    let headers = response.headers_mut();
    if let Some(value) = value {
        headers.insert(REQUEST_ID, value);
    }
    guard(headers);
    response
}

/// Adds what the handler did not set itself. What is answered to a caller is kept by no cache unless it says so.
fn guard(headers: &mut HeaderMap) {
    for (name, value) in GUARDS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The caller's id if it can neither forge a log line nor fill one.
fn request_id(headers: &HeaderMap) -> String {
    let is_harmless =
        |id: &&str| !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let theirs = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_harmless);
    theirs.map_or_else(|| Uuid::now_v7().simple().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn every_line_of_a_request_carries_its_id() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().json().flatten_event(true).with_max_level(tracing::Level::DEBUG).with_writer(move || writer.clone()).finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let handler = async || tracing::warn!("something in the middle");
        let router = dress(Router::new().route("/here", axum::routing::get(handler)));
        let request = Request::get("/here?token=secret").header("x-request-id", "trace-7").body(axum::body::Body::empty()).expect("a request");
        tower::ServiceExt::oneshot(router, request).await.expect("an answer");
        let text = String::from_utf8(lines.0.lock().expect("not poisoned").clone()).expect("text");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|line| line.contains("\"request.id\":\"trace-7\"") && line.contains("/here") && !line.contains("secret")), "{text}");
    }

    #[test]
    fn only_a_harmless_id_is_taken_over() {
        let id = |value: &str| request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(value).expect("a value"))]));
        assert_eq!(id("abc-1_2.3"), "abc-1_2.3");
        for value in ["", "a b", "a\u{e9}", "a;b", "a=\"b\"", &"x".repeat(65)] {
            assert_eq!(id(value).len(), 32, "{value:?}");
        }
    }
}
