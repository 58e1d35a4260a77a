//! Events that a consumer could not take, for operators: which, why, another try, or giving up.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::parameters::Parameters;
use super::router::AppState;
use crate::consumer::parked::{self, Parked};
use crate::domain::{EventId, Position};
use crate::log::Reader;

/// The most parked events of one answer.
const LIMIT_MAX: u32 = 1000;
/// The longest reason for a drop, in bytes.
const REASON_BYTES_MAX: usize = 1000;

/// `GET /parked?consumer=&limit=100&dropped=false`: by consumer and place; the dropped ones only if asked for.
pub(super) async fn list(State(app): State<AppState>, _: Caller, mut parameters: Parameters) -> Result<Json<Value>, ApiError> {
    let consumer = parameters.text("consumer")?;
    let limit = parameters.number("limit", 1..=LIMIT_MAX, 100)?;
    let with_dropped = parameters.parsed("dropped")?.unwrap_or(false);
    parameters.finish()?;
    let found = parked::list(&app.database, consumer.as_deref(), with_dropped, limit).await?;
    Ok(Json(json!({"parked": found})))
}

/// `GET /parked/groups?consumer=&limit=100&dropped=false`: how many have the same error, the most first.
pub(super) async fn groups(State(app): State<AppState>, _: Caller, mut parameters: Parameters) -> Result<Json<Value>, ApiError> {
    let consumer = parameters.text("consumer")?;
    let limit = parameters.number("limit", 1..=LIMIT_MAX, 100)?;
    let with_dropped = parameters.parsed("dropped")?.unwrap_or(false);
    parameters.finish()?;
    let found = parked::groups(&app.database, consumer.as_deref(), with_dropped, limit).await?;
    let events: i64 = found.iter().map(|group| group.events).sum();
    Ok(Json(json!({"events": events, "groups": found})))
}

/// `GET /parked/{consumer}/{position}`: the whole row, and what the log says of the event without its body.
pub(super) async fn one(State(app): State<AppState>, caller: Caller, Path(place): Path<(String, i64)>) -> Result<Json<Value>, ApiError> {
    let found = find(&app, &place).await?;
    let envelope = match found.event_id.parse::<EventId>() {
        Ok(id) => Reader::new(app.database.clone()).one(&caller.tenant, id).await?,
        Err(_) => None,
    };
    let event = envelope.map(|envelope| {
        json!({"source": envelope.source, "eventType": envelope.event_type, "deliveryKey": envelope.delivery_key,
               "receivedAt": envelope.received_at, "bodyBytes": envelope.body.len()})
    });
    Ok(Json(json!({"parked": found, "event": event})))
}

/// `POST /parked/{consumer}/{position}/retry`: 202; the owner of the consumer's lease tries it within seconds.
pub(super) async fn retry(State(app): State<AppState>, _: Caller, Path(place): Path<(String, i64)>) -> Result<(StatusCode, Json<Value>), ApiError> {
    let found = find(&app, &place).await?;
    parked::request(&app.database, &found.consumer, Some(found.position)).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "requested", "consumer": found.consumer, "position": found.position}))))
}

/// `DELETE /parked/{consumer}/{position}?reason=…`: accepts the loss, and writes down in the log who lost what, and why.
pub(super) async fn remove(
    State(app): State<AppState>,
    _: Caller,
    Path(place): Path<(String, i64)>,
    mut parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let reason = parameters.required("reason")?;
    parameters.finish()?;
    if reason.len() > REASON_BYTES_MAX {
        return Err(ApiError::parameter("reason", format!("is longer than {REASON_BYTES_MAX} bytes")));
    }
    let found = find(&app, &place).await?;
    let note = parked::drop_note(&found, &reason);
    let receipt = app.ingest.note(parked::DROPPED_TYPE, &note).await.map_err(|error| ApiError::Busy(error.to_string()))?;
    parked::mark_dropped(&app.database, &found.consumer, found.position, &reason).await?;
    Ok(Json(json!({"status": "dropped", "eventId": receipt.id.to_string(), "position": receipt.position})))
}

async fn find(app: &AppState, (consumer, position): &(String, i64)) -> Result<Parked, ApiError> {
    let found = parked::one(&app.database, consumer, Position::new(*position)).await?;
    found.ok_or(ApiError::NotFound("parked event"))
}
