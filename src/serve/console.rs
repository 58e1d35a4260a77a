//! The pages that people open in a browser: signing in, an overview, a GraphQL console. Everything comes from here;
//! no other host is asked for anything.

use std::sync::LazyLock;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::auth::Access;
use super::error::ApiError;
use super::router::AppState;

const LOGIN: &str = include_str!("pages/login.html");
const OVERVIEW: &str = include_str!("pages/overview.html");
const CONSOLE: &str = include_str!("pages/console.html");
const STYLE: &str = include_str!("pages/console.css");
const SCRIPT: &str = include_str!("pages/console.js");
const OVERVIEW_SCRIPT: &str = include_str!("pages/overview.js");

/// Where the login page says that the token was wrong.
const MESSAGE: &str = "<!--message-->";
const WRONG: &str = "<p class=\"wrong\" role=\"alert\">This is not the admin token. <code>hooklake token</code> makes a new one.</p>";

/// The login page is the only open one, so its style stands within it, allowed by its hash and nothing else.
static LOGIN_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = LOGIN.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).map_or("", |(style, _)| style);
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'; form-action 'self'"))
});

/// What the login form sends.
#[derive(Deserialize)]
pub(super) struct Login {
    token: String,
}

pub(super) async fn login_page() -> Response {
    login_form(StatusCode::OK, "")
}

/// `POST /login`: a session for the admin token.
pub(super) async fn login(State(app): State<AppState>, headers: HeaderMap, form: Result<Form<Login>, FormRejection>) -> Result<Response, ApiError> {
    let token = form.map(|Form(login)| login.token).unwrap_or_default();
    if app.access.caller(token.trim()).await?.is_none() {
        tracing::warn!("a sign-in was refused");
        return Ok(login_form(StatusCode::UNAUTHORIZED, WRONG));
    }
    let is_https = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let cookie = app.access.session(is_https).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

/// `POST /logout`: this browser's session ends here.
pub(super) async fn logout() -> Response {
    ([(header::SET_COOKIE, Access::no_session())], Redirect::to("/login")).into_response()
}

pub(super) async fn overview() -> Html<&'static str> {
    Html(OVERVIEW)
}

pub(super) async fn console() -> Html<&'static str> {
    Html(CONSOLE)
}

pub(super) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", STYLE)
}

pub(super) async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

pub(super) async fn overview_script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", OVERVIEW_SCRIPT)
}

fn asset(content_type: &'static str, text: &'static str) -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, content_type)], text)
}

fn login_form(status: StatusCode, message: &str) -> Response {
    let page = Html(LOGIN.replace(MESSAGE, message));
    (status, [(header::CONTENT_SECURITY_POLICY, LOGIN_POLICY.clone())], page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_names_another_host() {
        for (name, page) in
            [("login", LOGIN), ("overview", OVERVIEW), ("console", CONSOLE), ("style", STYLE), ("script", SCRIPT), ("overview script", OVERVIEW_SCRIPT)]
        {
            for reference in ["http://", "https://", "//cdn", "@import", "url("] {
                assert!(!page.contains(reference), "{name} holds {reference}");
            }
        }
    }

    #[test]
    fn pages_hold_no_inline_code() {
        for page in [OVERVIEW, CONSOLE, LOGIN] {
            assert!(!page.contains("<script>") && !page.contains(" style=") && !page.contains(" onclick="));
        }
        assert!(LOGIN_POLICY.to_str().is_ok_and(|policy| policy.contains("style-src 'sha256-")));
        assert!(LOGIN.contains(MESSAGE));
    }
}
