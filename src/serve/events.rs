//! Events over HTTP: pages of them, one, and counts by day.

use axum::Json;
use axum::extract::{Path, State};
use chrono::Datelike;
use serde::Serialize;
use serde_json::Value;

use super::auth::Caller;
use super::error::ApiError;
use super::parameters::Parameters;
use super::router::AppState;
use crate::domain::clock::Timestamp;
use crate::domain::{KindPattern, Position};
use crate::projectors::query::{EventFilter, EventRow, Page, SummaryRow};

/// The most events of one page.
pub const PAGE_ROWS_MAX: u32 = 1000;
/// The most days of a summary.
pub const SUMMARY_DAYS_MAX: u32 = 3660;

/// One event, as JSON shows it. Everything in `payload`, and every text taken from it, was written by outsiders.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View {
    id: String,
    position: Position,
    source: String,
    platform: String,
    event_type: String,
    action: Option<String>,
    kind: String,
    actor: Option<String>,
    title: Option<String>,
    repository: Option<String>,
    subject: Option<String>,
    url: Option<String>,
    status: String,
    priority: String,
    parse_status: String,
    lossy: bool,
    duplicate_keys: bool,
    flags: Vec<String>,
    body_bytes: i32,
    delivery_key: String,
    created_at: Timestamp,
    processed_at: Timestamp,
    received_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
}

impl From<EventRow> for View {
    fn from(row: EventRow) -> Self {
        Self {
            id: row.id,
            position: row.position,
            source: row.source,
            platform: row.platform,
            event_type: row.event_type,
            action: row.action,
            kind: row.kind,
            actor: row.actor,
            title: row.title,
            repository: row.repository,
            subject: row.subject,
            url: row.url,
            status: row.status,
            priority: row.priority,
            parse_status: row.parse_status,
            lossy: row.lossy,
            duplicate_keys: row.duplicate_keys,
            flags: row.flags,
            body_bytes: row.body_bytes,
            delivery_key: row.delivery_key,
            created_at: row.created_at,
            processed_at: row.processed_at,
            received_at: row.received_at,
            payload: row.payload,
        }
    }
}

/// Newest first; `next`, when there is more, is the `after` of the page that follows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List {
    events: Vec<View>,
    has_more: bool,
    next: Option<Position>,
}

/// `GET /events`: filters `source`, `type` (may repeat: `type`, `type:action`), `actor`, `repository`, `subject` (in full,
/// `linear:HEL-42`, or in short, `HEL-42`), `since`, `until`; `limit` to 1000, `after` a position; `payload=true` for whole payloads.
pub(super) async fn list(State(app): State<AppState>, caller: Caller, mut parameters: Parameters) -> Result<Json<List>, ApiError> {
    let filter = EventFilter {
        source: parameters.text("source")?,
        kinds: kinds("type", &parameters.all("type"))?,
        actor: parameters.text("actor")?,
        repository: parameters.text("repository")?,
        subject: parameters.text("subject")?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    };
    answerable(&filter)?;
    let page = Page {
        after: parameters.parsed("after")?.map(Position::new),
        before: None,
        first: parameters.number("limit", 1..=PAGE_ROWS_MAX, 50)?,
        payloads: parameters.parsed("payload")?.unwrap_or(false),
    };
    parameters.finish()?;

    not_retired(&app, page.after).await?;
    let page = app.events.bounded().page(&caller.tenant, &filter, page).await?;

    let next = page.rows.last().filter(|_| page.has_more).map(|row| row.position);
    Ok(Json(List { events: page.rows.into_iter().map(View::from).collect(), has_more: page.has_more, next }))
}

/// Refuses by its name what PostgreSQL could not even be asked for.
pub(super) fn answerable(filter: &EventFilter) -> Result<(), ApiError> {
    for (name, text) in [("source", &filter.source), ("actor", &filter.actor), ("repository", &filter.repository), ("subject", &filter.subject)] {
        if text.as_ref().is_some_and(|text| text.contains('\0')) {
            return Err(ApiError::parameter(name, "holds a NUL, as no event does"));
        }
    }
    for (name, moment) in [("since", filter.since), ("until", filter.until)] {
        if moment.is_some_and(|moment| !(1..=9999).contains(&moment.year())) {
            return Err(ApiError::parameter(name, "is in the years 1 to 9999"));
        }
    }
    Ok(())
}

/// Refuses a cursor whose events are gone: what follows it is not to be taken for all that there was.
pub(super) async fn not_retired(app: &AppState, cursor: Option<Position>) -> Result<(), ApiError> {
    if let Some(position) = cursor
        && app.events.is_retired(position).await?
    {
        return Err(ApiError::Gone(format!(
            "the events at position {position} were dropped by retention, and those before them; begin anew without this cursor"
        )));
    }
    Ok(())
}

/// `GET /events/{id}`: one event with its payload.
pub(super) async fn one(State(app): State<AppState>, caller: Caller, Path(id): Path<String>) -> Result<Json<View>, ApiError> {
    // What is not the name of an event names no event: the answer is the same as for one that is not there.
    let id = id.parse().map_err(|_| ApiError::NotFound("event"))?;
    let row = app.events.one(&caller.tenant, id, true).await?;
    row.map(|row| Json(row.into())).ok_or(ApiError::NotFound("event"))
}

/// Counts by day, source and type.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    days: u32,
    summary: Vec<Count>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    day: String,
    source: String,
    event_type: String,
    #[serde(rename = "eventCount")]
    events: i64,
    distinct_actors: i64,
}

impl From<SummaryRow> for Count {
    fn from(row: SummaryRow) -> Self {
        Self { day: row.day, source: row.source, event_type: row.event_type, events: row.event_count, distinct_actors: row.distinct_actors }
    }
}

/// `GET /events/summary?days=7`.
pub(super) async fn summary(State(app): State<AppState>, caller: Caller, mut parameters: Parameters) -> Result<Json<Summary>, ApiError> {
    let days = parameters.number("days", 1..=SUMMARY_DAYS_MAX, 7)?;
    parameters.finish()?;
    let rows = app.events.summary(&caller.tenant, days).await?;
    Ok(Json(Summary { days, summary: rows.into_iter().map(Count::from).collect() }))
}

/// Patterns of kinds; what cannot be read is refused by the parameter's name.
pub(super) fn kinds(name: &str, patterns: &[String]) -> Result<Vec<KindPattern>, ApiError> {
    patterns.iter().map(|pattern| pattern.parse().map_err(|error| ApiError::parameter(name, error))).collect()
}
