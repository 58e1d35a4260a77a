//! Is it alive, is it ready, how is it.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::metrics::Requests;
use super::router::AppState;
use crate::consumer::checkpoint::{self, Standing};
use crate::db;
use crate::log::append::QUEUE_ENTRIES_MAX;

/// Whether the schema is there: false on a database that nobody migrated.
const SCHEMA: &str = include_str!("schema_is_there.sql");

/// How long what `GET /health/ready` found at the database is told again.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A consumer that is further behind is trouble (I10: healed within 60 s).
const LAG_SECONDS_MAX: f64 = 60.0;
/// Less free disk than this is trouble.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// How it is, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Healthy,
    Degraded,
    Unhealthy,
}

impl Status {
    const fn degraded_if(is_trouble: bool) -> Self {
        if is_trouble { Self::Degraded } else { Self::Healthy }
    }
}

/// `GET /health/live`: the process answers. Open, and says nothing else.
pub(super) async fn live() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// `GET /health/ready`: 200 when deliveries can be stored and questions answered, 503 otherwise, and as soon as the
/// server is about to leave. Open, because balancers ask it.
pub(super) async fn ready(State(app): State<AppState>) -> Response {
    let (database, migrations) = app.schema_seen.look(&app).await;
    let has_room = app.ingest.queue_depth() < QUEUE_ENTRIES_MAX;
    let status = match (app.draining.is_told(), database && migrations && has_room) {
        (true, _) => "draining",
        (false, true) => "ready",
        (false, false) => "not ready",
    };
    let code = if status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({"status": status, "checks": {"database": database, "migrations": migrations, "queue": has_room}}))).into_response()
}

/// What the last look at the database found. One look serves everyone for a while: strangers may ask.
#[derive(Debug, Default)]
pub struct SchemaSeen(tokio::sync::Mutex<Option<(Instant, bool, bool)>>);

impl SchemaSeen {
    /// Whether the database answers, and whether its schema is there.
    async fn look(&self, app: &AppState) -> (bool, bool) {
        let mut seen = self.0.lock().await;
        if let Some((_, database, migrations)) = seen.filter(|(at, ..)| at.elapsed() < LOOK_EVERY) {
            return (database, migrations);
        }
        let schema = schema_is_there(app).await;
        let (database, migrations) = (schema.is_ok(), schema.unwrap_or(false));
        *seen = Some((Instant::now(), database, migrations));
        (database, migrations)
    }
}

async fn schema_is_there(app: &AppState) -> Result<bool, db::Error> {
    Ok(app.database.reserved().await?.query_one(SCHEMA, &[]).await?.get(0))
}

/// `GET /health`: the whole and its parts; 503 when the whole is unhealthy.
pub(super) async fn health(State(app): State<AppState>, _: Caller) -> Response {
    let asked = Instant::now();
    let standings = checkpoint::standings(&app.database).await;
    let latency_ms = asked.elapsed().as_secs_f64() * 1000.0;
    let (open, idle) = app.database.connections();
    let database_status = if standings.is_ok() { Status::Healthy } else { Status::Unhealthy };
    if let Err(error) = &standings {
        tracing::warn!(error = error as &dyn std::error::Error, "the database does not answer the health check");
    }
    let standings = standings.unwrap_or_default();

    let (disk_status, disk) = disk(&app.places.data);
    let consumers_status = standings.iter().map(of_consumer).max().unwrap_or(Status::Healthy);
    let status = database_status.max(consumers_status).max(disk_status);
    let body = json!({
        "status": status,
        "uptime": app.started.elapsed().as_secs(),
        "version": env!("CARGO_PKG_VERSION"),
        "metrics": Requests::of(&app.metrics.delivery_totals()),
        "parts": {
            "database": {"status": database_status, "latencyMs": latency_ms, "connections": {"open": open, "idle": idle}},
            "consumers": {"status": consumers_status, "each": standings.iter().map(consumer).collect::<Vec<_>>()},
            "lake": part(&standings, "lake"),
            "index": part(&standings, "search"),
            "brokers": {"status": "none configured"},
            "disk": disk,
        },
    });
    let code = if status == Status::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(body)).into_response()
}

fn of_consumer(standing: &Standing) -> Status {
    Status::degraded_if(standing.error.is_some() || (standing.lag_seconds > LAG_SECONDS_MAX && !standing.is_copy()))
}

fn consumer(standing: &Standing) -> Value {
    json!({
        "name": standing.name, "status": of_consumer(standing), "position": standing.position, "lagEvents": standing.lag_events,
        "lagSeconds": standing.lag_seconds, "parked": standing.parked, "owner": standing.owner, "error": standing.error,
    })
}

/// The part that one consumer keeps.
fn part(standings: &[Standing], name: &str) -> Value {
    standings.iter().find(|standing| standing.name == name).map_or_else(|| json!({"status": "not running"}), consumer)
}

fn disk(path: &std::path::Path) -> (Status, Value) {
    match crate::operate::disk::room(path) {
        Some((free, size)) => {
            let status = Status::degraded_if(free < FREE_BYTES_MIN);
            (status, json!({"status": status, "freeBytes": free, "totalBytes": size}))
        }
        None => (Status::Degraded, json!({"status": Status::Degraded, "error": "the data directory cannot be looked at"})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Position;

    #[test]
    fn a_consumer_that_stands_still_degrades() {
        let standing = |lag_seconds, error: Option<&str>| Standing {
            name: "search".into(),
            position: Position::new(5),
            lag_events: 1,
            lag_seconds,
            parked: 0,
            owner: None,
            epoch: 1,
            error: error.map(str::to_owned),
        };
        assert_eq!(of_consumer(&standing(59.0, None)), Status::Healthy);
        assert_eq!(of_consumer(&standing(61.0, None)), Status::Degraded);
        assert_eq!(of_consumer(&standing(0.0, Some("full"))), Status::Degraded);
        let copy = Standing { name: "search@rebuild".into(), ..standing(61.0, None) };
        assert_eq!(of_consumer(&copy), Status::Healthy, "a copy that waits for its swap is behind by right");
        assert_eq!(part(&[], "lake"), json!({"status": "not running"}));
    }
}
