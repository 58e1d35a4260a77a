//! Full-text queries over HTTP.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::auth::Caller;
use super::error::ApiError;
use super::parameters::Parameters;
use super::router::AppState;
use crate::domain::Position;
use crate::domain::clock::Timestamp;

/// The most hits of one answer.
pub const HITS_MAX: u32 = 100;
/// How far one may page; beyond it a narrower query is the better way.
pub const OFFSET_MAX: u32 = 10_000;

/// The hits, best first, and how far the index had come.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    query: String,
    total: usize,
    hits: Vec<View>,
    through_position: Position,
    lag_events: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    id: String,
    position: Position,
    score: f32,
    source: String,
    event_type: String,
    action: Option<String>,
    title: Option<String>,
    /// Escaped for HTML, with the words found in `<b>`.
    snippet_html: String,
    url: Option<String>,
    received_at: Timestamp,
}

/// `GET /search?q=&limit=&offset=`.
pub(super) async fn search(State(app): State<AppState>, caller: Caller, mut parameters: Parameters) -> Result<Json<Answer>, ApiError> {
    let query = parameters.required("q")?;
    let limit = parameters.number("limit", 1..=HITS_MAX, 20)?;
    let offset = parameters.number("offset", 0..=OFFSET_MAX, 0)?;
    parameters.finish()?;

    let found = app.searcher.search(&caller.tenant, &query, limit as usize, offset as usize).await;
    app.metrics.queried("search", if found.is_ok() { "ok" } else { "error" });
    let found = found?;

    let hits = found
        .hits
        .into_iter()
        .map(|hit| View {
            id: hit.id.to_string(),
            position: hit.position,
            score: hit.score,
            source: hit.source,
            event_type: hit.event_type,
            action: hit.action,
            title: hit.title,
            snippet_html: hit.snippet_html,
            url: hit.url,
            received_at: hit.received_at,
        })
        .collect();
    Ok(Json(Answer { query, total: found.total, hits, through_position: found.through, lag_events: found.lag_events }))
}
