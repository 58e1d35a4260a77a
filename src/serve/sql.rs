//! SQL over the log and the lake, read-only: JSON, or CSV for `Accept: text/csv`.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::auth::Caller;
use super::body::Json;
use super::error::ApiError;
use super::router::AppState;
use crate::domain::{Position, Tenant};
use crate::lake::answer::Answer;
use crate::lake::engine::QueryOptions;

/// The most rows of one answer.
pub const ROWS_MAX: u32 = 10_000;
/// Rows of an answer that asked for no number.
pub const ROWS_DEFAULT: u32 = 1000;
/// How long one query may take.
pub const TIME_MAX: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Question {
    query: String,
    max_rows: Option<u32>,
}

/// An answer as a table, with its receipt.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Map<String, Value>>,
    pub truncated: bool,
    pub receipt: Receipt,
}

/// What an answer rests on (decision D11).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    pub through_position: Position,
    pub lag_ms: i64,
    pub complete: bool,
}

impl TryFrom<Answer> for Table {
    type Error = ApiError;

    fn try_from(answer: Answer) -> Result<Self, ApiError> {
        let receipt = &answer.receipt;
        let receipt = Receipt { through_position: receipt.through_position, lag_ms: receipt.lag_ms, complete: receipt.complete };
        Ok(Self { columns: answer.columns(), rows: answer.to_json_rows()?, truncated: answer.truncated, receipt })
    }
}

/// `POST /sql`: `{"query": "…", "maxRows": 1000}`.
pub(super) async fn query(State(app): State<AppState>, caller: Caller, headers: HeaderMap, Json(question): Json<Question>) -> Result<Response, ApiError> {
    let max_rows = question.max_rows.unwrap_or(ROWS_DEFAULT);
    let answer = ask(&app, &caller.tenant, &question.query, max_rows, "maxRows").await?;
    if !wants_csv(&headers) {
        return Ok(axum::Json(Table::try_from(answer)?).into_response());
    }
    let truncated = answer.truncated.to_string();
    let through = answer.receipt.through_position.to_string();
    let names = [("x-truncated", truncated), ("x-through-position", through)];
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], names, answer.to_csv()?).into_response())
}

/// Asks the engine; counts the question.
pub(super) async fn ask(app: &AppState, tenant: &Tenant, query: &str, max_rows: u32, parameter: &str) -> Result<Answer, ApiError> {
    if !(1..=ROWS_MAX).contains(&max_rows) {
        return Err(ApiError::parameter(parameter, format!("is a whole number from 1 to {ROWS_MAX}")));
    }
    let answer = app.engine.query(tenant, query, QueryOptions { max_rows: max_rows as usize, timeout: TIME_MAX }).await;
    app.metrics.queried("sql", if answer.is_ok() { "ok" } else { "error" });
    Ok(answer?)
}

fn wants_csv(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/csv"))
}
