//! Figures: for Prometheus, and as JSON in the shapes that users of other systems know.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::parameters::Parameters;
use super::router::AppState;
use crate::consumer::checkpoint;
use crate::log::append::QUEUE_ENTRIES_MAX;
use crate::telemetry::DeliveryTotals;

mod scrape;

const ANALYTICS: &str = include_str!("metrics/analytics.sql");
const BY_HOUR: &str = include_str!("metrics/by_hour.sql");
const PROCESSED: &str = include_str!("metrics/processed.sql");
const STORAGE: &str = include_str!("metrics/storage.sql");

/// The longest span of `/analytics/metrics`: a month.
const HOURS_MAX: u32 = 744;

/// Deliveries that this process answered.
#[derive(Debug, Serialize)]
pub(super) struct Requests {
    #[serde(rename = "totalRequests")]
    total: u64,
    #[serde(rename = "validRequests")]
    valid: u64,
    #[serde(rename = "invalidRequests")]
    invalid: u64,
}

impl Requests {
    pub(super) fn of(totals: &DeliveryTotals) -> Self {
        let valid = count(totals.accepted + totals.duplicate + totals.conflict);
        let invalid = count(totals.refused);
        Self { total: valid + invalid, valid, invalid }
    }
}

/// Prometheus counts in floating point.
const fn count(counter: f64) -> u64 {
    counter as u64
}

/// `GET /metrics`: Prometheus text, or JSON for `Accept: application/json`.
pub(super) async fn metrics(State(app): State<AppState>, _: Caller, headers: HeaderMap) -> Result<Response, ApiError> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("application/json") {
        return Ok(Json(as_json(&app).await?).into_response());
    }
    let text = scrape::text(&app).await.map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

/// Requests since this process started; events since the log began.
async fn as_json(app: &AppState) -> Result<Value, ApiError> {
    let totals = app.metrics.delivery_totals();
    let row = app.database.get().await?.query_one(PROCESSED, &[]).await?;
    let mut body = Map::new();
    let requests = Requests::of(&totals);
    body.insert("totalRequests".into(), requests.total.into());
    body.insert("validRequests".into(), requests.valid.into());
    body.insert("invalidRequests".into(), requests.invalid.into());
    body.insert("processedEvents".into(), row.get::<_, i64>("processed").into());
    body.insert("failedEvents".into(), row.get::<_, i64>("failed").into());
    body.insert("averageProcessingTime".into(), totals.average_ms.into());
    body.insert(
        "queueMetrics".into(),
        json!({
            "default": {"waiting": app.ingest.queue_depth(), "capacity": QUEUE_ENTRIES_MAX},
            "deployment": {"waiting": row.get::<_, i64>("deployments_waiting")},
            // Signatures are checked within the request, so what waits for it waits on its connection.
            "validation": {"waiting": 0, "capacity": 0},
        }),
    );
    Ok(Value::Object(body))
}

/// `GET /analytics/metrics?hours=24`: what came in the last hours, what became of it, and its course by the hour.
pub(super) async fn analytics(State(app): State<AppState>, caller: Caller, mut parameters: Parameters) -> Result<Json<Value>, ApiError> {
    let hours = parameters.number("hours", 1..=HOURS_MAX, 24)?;
    parameters.finish()?;

    let connection = app.database.get().await?;
    let tenant = caller.tenant.as_str();
    let span = i32::try_from(hours).unwrap_or(i32::MAX);
    let row = connection.query_one(ANALYTICS, &[&tenant, &span]).await?;
    let trend = connection.query(BY_HOUR, &[&tenant, &span]).await?;

    let total: i64 = row.get("total");
    let failed: i64 = row.get("failed");
    let trend = trend.iter().map(|row| json!({"hour": row.get::<_, chrono::DateTime<chrono::Utc>>("hour"), "source": row.get::<_, &str>("source"), "events": row.get::<_, i64>("events")}));
    Ok(Json(json!({
        "hours": hours,
        "metrics": {
            "totalEvents": total,
            "successfulEvents": row.get::<_, i64>("successful"),
            "failedEvents": failed,
            "pendingEvents": row.get::<_, i64>("pending"),
            "duplicateEvents": row.get::<_, i64>("duplicates"),
            "conflictEvents": row.get::<_, i64>("conflicts"),
            "errorRate": if total == 0 { 0.0 } else { failed as f64 / total as f64 },
            "averageProcessingTime": row.get::<_, f64>("mean_ms"),
            "p95ProcessingTime": row.get::<_, f64>("p95_ms"),
            "eventsPerHour": total as f64 / f64::from(hours),
        },
        "byHour": trend.collect::<Vec<_>>(),
    })))
}

/// `GET /queue/stats`: what waits, where.
pub(super) async fn queues(State(app): State<AppState>, _: Caller) -> Result<Json<Value>, ApiError> {
    let standings = checkpoint::standings(&app.database).await?;
    let consumers: Map<String, Value> = standings
        .into_iter()
        .map(|standing| (standing.name, json!({"waiting": standing.lag_events, "oldestSeconds": standing.lag_seconds, "parked": standing.parked})))
        .collect();
    Ok(Json(json!({"append": {"waiting": app.ingest.queue_depth(), "capacity": QUEUE_ENTRIES_MAX}, "consumers": consumers})))
}

/// `GET /api/stats`: the whole store in figures.
pub(super) async fn stats(State(app): State<AppState>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let summary = app.events.summary(&caller.tenant, super::events::SUMMARY_DAYS_MAX).await?;
    let correlations = app.links.counts_by_type(&caller.tenant).await?;
    let standings = checkpoint::standings(&app.database).await?;
    let row = app.database.get().await?.query_one(STORAGE, &[&caller.tenant.as_str()]).await?;

    let (mut by_source, mut by_type) = (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
    for count in &summary {
        *by_source.entry(count.source.as_str()).or_insert(0) += count.event_count;
        *by_type.entry(format!("{}.{}", count.source, count.event_type)).or_insert(0) += count.event_count;
    }
    Ok(Json(json!({
        "events": {"total": by_source.values().sum::<i64>(), "bySource": by_source, "byType": by_type},
        "correlations": {"total": correlations.iter().map(|count| count.links).sum::<i64>(), "byType": correlations.into_iter().map(|count| (count.correlation_type, count.links)).collect::<std::collections::BTreeMap<_, _>>()},
        "redeliveries": {"duplicates": row.get::<_, i64>("duplicates"), "conflicts": row.get::<_, i64>("conflicts")},
        "parked": standings.iter().map(|standing| standing.parked).sum::<i64>(),
        "log": {"head": row.get::<_, i64>("head"), "bytes": row.get::<_, i64>("log_bytes")},
        "database": {"bytes": row.get::<_, i64>("database_bytes")},
        "uptimeSeconds": app.started.elapsed().as_secs(),
        "version": env!("CARGO_PKG_VERSION"),
    })))
}
