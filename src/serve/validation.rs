//! Validation rules: JSON Schemas that payloads are checked against after they were stored. A rule that is set or
//! removed is an envelope in the log, and holds for the events after it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::auth::Caller;
use super::body;
use super::error::ApiError;
use super::router::AppState;
use crate::db;
use crate::domain::Position;
use crate::projectors::validation::{RULE_TYPE, Rule, RuleChange};

const RULES: &str = include_str!("validation/rules.sql");

/// A rule, as it holds now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldRule {
    name: String,
    source: String,
    event_type: String,
    schema: Option<Value>,
    error: Option<String>,
    since_position: Position,
}

/// Where a change stands in the log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Noted {
    event_id: String,
    position: Position,
}

/// `GET /validation/rules`: what was set or removed; the rules that hooklake brings hold beside them.
pub(super) async fn list(State(app): State<AppState>, caller: Caller) -> Result<Json<Vec<HeldRule>>, ApiError> {
    let connection = app.database.get().await?;
    let rows = connection.query(RULES, &[&caller.tenant.as_str()]).await.map_err(db::Error::from)?;
    let rules = rows.into_iter().map(|row| HeldRule {
        name: row.get("name"),
        source: row.get("source"),
        event_type: row.get("event_type"),
        schema: row.get("schema"),
        error: row.get("error"),
        since_position: Position::new(row.get("since_position")),
    });
    Ok(Json(rules.collect()))
}

/// `POST /validation/rules`: sets a rule, or replaces the one of its name.
pub(super) async fn set(State(app): State<AppState>, _caller: Caller, body::Json(rule): body::Json<Rule>) -> Result<(StatusCode, Json<Noted>), ApiError> {
    Ok((StatusCode::CREATED, Json(note(&app, &RuleChange::Set(rule)).await?)))
}

/// `DELETE /validation/rules/{name}`: removes a rule, be it one that hooklake brings.
pub(super) async fn remove(State(app): State<AppState>, _caller: Caller, Path(name): Path<String>) -> Result<Json<Noted>, ApiError> {
    Ok(Json(note(&app, &RuleChange::Remove { name }).await?))
}

async fn note(app: &AppState, change: &RuleChange) -> Result<Noted, ApiError> {
    change.check().map_err(|error| ApiError::Body(error.to_string()))?;
    let change = serde_json::to_value(change).map_err(ApiError::internal)?;
    let receipt = app.ingest.note(RULE_TYPE, &change).await.map_err(|error| ApiError::Busy(error.to_string()))?;
    Ok(Noted { event_id: receipt.id.to_string(), position: receipt.position })
}
