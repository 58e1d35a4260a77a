//! GraphQL is one more view: types wrap the rows that the read halves return, and nothing here writes.
//!
//! ```text
//! POST /graphql ─≤ 64 KiB→ guard (fields, aliases, directives, cycles) ─→ depth, complexity ─→ resolvers ─≤ 30 s→ answer
//! ```
//!
//! Status codes follow *GraphQL over HTTP*: a request that cannot be executed is a 400, but a 200 for whoever asks for
//! `application/json` by name, as older clients do. What the guard refuses is a 400 either way. There are no batches, no
//! `GET`, no mutations and no subscriptions.

use std::time::Duration;

use async_graphql::{EmptyMutation, EmptySubscription, ErrorExtensionValues, Request, Response as Answer, ServerError, Value, Variables};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::auth::Caller;
use super::body::Json;
use super::error::ApiError;
use super::router::AppState;
use crate::domain::clock::Timestamp;

mod connection;
mod event;
mod guard;
mod query;
mod types;

pub use query::Query;

/// The schema.
pub type Schema = async_graphql::Schema<Query, EmptyMutation, EmptySubscription>;

/// How deep a query may nest; what tools ask for introspection is 15 deep.
const DEPTH_MAX: usize = 16;
/// What a query may cost: about one for a field, times the items of a list.
const COMPLEXITY_MAX: usize = 20_000;
/// Directives on one field.
const DIRECTIVES_MAX: usize = 5;
/// How long one query may take.
const TIME_MAX: Duration = Duration::from_secs(30);

/// The schema with its limits.
#[must_use]
pub fn schema() -> Schema {
    Schema::build(Query, EmptyMutation, EmptySubscription)
        .limit_depth(DEPTH_MAX)
        .limit_complexity(COMPLEXITY_MAX)
        .limit_directives(DIRECTIVES_MAX)
        .limit_recursive_depth(32)
        .override_output_type_description::<Timestamp>("A moment, in UTC, as RFC 3339 writes it: `2026-01-31T09:00:00Z`.")
        .finish()
}

/// A request as *GraphQL over HTTP* has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Question {
    query: String,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    #[expect(dead_code, reason = "the specification reserves it and wants it to be a map; nothing is read from it")]
    extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// `POST /graphql`.
pub(super) async fn answer(State(app): State<AppState>, caller: Caller, headers: HeaderMap, Json(question): Json<Question>) -> Result<Response, ApiError> {
    let form = Form::accepted(&headers)?;
    let document = match guard::read(&question.query) {
        Ok(document) => document,
        Err(guard::Refusal::Syntax(error)) => return Ok(respond(Answer::from_errors(vec![*error]), form)),
        Err(guard::Refusal::TooMuch(detail)) => {
            app.metrics.queried("graphql", "error");
            return Ok((StatusCode::BAD_REQUEST, respond(refused(&ApiError::Query(detail)), form)).into_response());
        }
    };
    let variables = question.variables.map(|variables| Variables::from_json(serde_json::Value::Object(variables))).unwrap_or_default();
    // async-graphql notices only where a field uses it, and would execute the others.
    if let Some(name) = guard::missing_variable(&document, question.operation_name.as_deref(), &variables) {
        return Ok(respond(refused(&ApiError::Query(format!("the variable ${name} is missing"))), form));
    }
    let mut request = Request::new(question.query).variables(variables).data(app.events.bounded()).data(app.clone()).data(caller);
    request.operation_name = question.operation_name;
    request.set_parsed_query(document);

    let answer = tokio::time::timeout(TIME_MAX, app.schema.execute(request)).await;
    let answer = answer.unwrap_or_else(|_| refused(&ApiError::TimedOut(format!("the query took longer than {} s", TIME_MAX.as_secs()))));
    app.metrics.queried("graphql", if answer.is_ok() { "ok" } else { "error" });
    Ok(respond(answer, form))
}

/// Asks the schema within the process, for a command: no door, and the same limits.
///
/// # Errors
/// What the schema answers instead of data.
pub async fn ask(
    app: AppState,
    caller: Caller,
    query: &str,
    variables: serde_json::Map<String, serde_json::Value>,
) -> Result<serde_json::Value, Vec<ServerError>> {
    let schema = app.schema.clone();
    let request = Request::new(query).variables(Variables::from_json(serde_json::Value::Object(variables))).data(app.events.bounded()).data(app).data(caller);
    let answer = schema.execute(request).await.into_result()?;
    answer.data.into_json().map_err(|error| vec![ServerError::new(error.to_string(), None)])
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As the specification has it.
    Modern,
    /// Asked for by name: there, an error of the query is no error of the request.
    Legacy,
    /// Whoever accepts anything gets what every client reads, with the status that tells the truth.
    Any,
}

impl Form {
    /// What the caller accepts, the first that is known.
    fn accepted(headers: &HeaderMap) -> Result<Self, ApiError> {
        let Some(accept) = headers.get(header::ACCEPT) else { return Ok(Self::Any) };
        let ranges = accept.to_str().unwrap_or_default().split(',');
        let known = ranges.map(|range| range.split(';').next().unwrap_or_default().trim()).find_map(|range| match range {
            "application/graphql-response+json" => Some(Self::Modern),
            "application/json" => Some(Self::Legacy),
            "*/*" | "application/*" | "" => Some(Self::Any),
            _ => None,
        });
        known.ok_or(ApiError::NotAcceptable("application/graphql-response+json or application/json"))
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Modern => "application/graphql-response+json; charset=utf-8",
            Self::Legacy | Self::Any => "application/json; charset=utf-8",
        }
    }

    const fn refusal(self) -> StatusCode {
        match self {
            Self::Modern | Self::Any => StatusCode::BAD_REQUEST,
            Self::Legacy => StatusCode::OK,
        }
    }
}

fn respond(mut answer: Answer, form: Form) -> Response {
    // Errors without a path were found before anything was executed.
    let is_refused = answer.data == Value::Null && !answer.errors.is_empty() && answer.errors.iter().all(|error| error.path.is_empty());
    for error in &mut answer.errors {
        let code = if error.path.is_empty() { "INVALID_QUERY" } else { "INVALID_ARGUMENT" };
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", code);
        }
    }
    let status = if is_refused { form.refusal() } else { StatusCode::OK };
    // An answer that was refused has no `data` at all; async-graphql would write `null`.
    let body = if is_refused { serde_json::to_vec(&serde_json::json!({"errors": answer.errors})) } else { serde_json::to_vec(&answer) };
    match body {
        Ok(body) => (status, [(header::CONTENT_TYPE, form.content_type())], body).into_response(),
        Err(error) => ApiError::internal(error).into_response(),
    }
}

fn refused(error: &ApiError) -> Answer {
    let mut refusal = ServerError::new(error.to_string(), None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", error.code().to_uppercase());
    refusal.extensions = Some(extensions);
    Answer::from_errors(vec![refusal])
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        error.log();
        let mut told = Self::new(error.to_string());
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code().to_uppercase());
        if let ApiError::Parameter { name, .. } = &error {
            extensions.set("parameter", name.as_str());
        }
        told.extensions = Some(extensions);
        told
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_type_that_is_known_counts() {
        let accept = |value| Form::accepted(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(value))])).ok();
        assert_eq!(Form::accepted(&HeaderMap::new()).ok(), Some(Form::Any));
        assert_eq!(accept("*/*"), Some(Form::Any));
        assert_eq!(accept("application/json, */*"), Some(Form::Legacy));
        assert_eq!(accept("application/graphql-response+json; charset=utf-8, application/json"), Some(Form::Modern));
        assert_eq!(accept("text/html"), None);
    }

    #[test]
    fn the_schema_is_the_golden_file() {
        let golden = include_str!("../../../tests/fixtures/schema.graphql");
        let sdl = schema().sdl();
        if sdl != golden && std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema.graphql"), &sdl).expect("the golden file can be written");
        } else {
            assert!(sdl == golden, "the schema changed; look at the difference after UPDATE_GOLDEN=1 cargo test");
        }
    }
}
