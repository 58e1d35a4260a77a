//! What is counted as it happens, and what is looked at when Prometheus asks.

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, Opts, Registry, TextEncoder};

use crate::consumer::checkpoint;
use crate::db;
use crate::log::Reader;
use crate::serve::router::AppState;

/// Everything in Prometheus's text format. A database that does not answer is a figure too, not an error.
pub(super) async fn text(app: &AppState) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    process(app, &registry)?;
    let looked = log(app, &registry).await;
    if let Err(Trouble::Database(error)) = &looked {
        tracing::warn!(error = error as &dyn std::error::Error, "metrics are incomplete: the database does not answer");
    }
    gauge(&registry, "hooklake_database_up", "1 when the database answered this scrape.", if looked.is_ok() { 1.0 } else { 0.0 })?;
    match looked {
        Err(Trouble::Family(error)) => Err(error),
        _ => Ok(app.metrics.text()? + &TextEncoder::new().encode_to_string(&registry.gather())?),
    }
}

fn process(app: &AppState, registry: &Registry) -> Result<(), prometheus::Error> {
    let (open, idle) = app.database.connections();
    let connections = family(registry, "hooklake_database_connections", "Pooled connections by state.", "state")?;
    connections.with_label_values(&["idle"]).set(idle as f64);
    connections.with_label_values(&["used"]).set(open.saturating_sub(idle) as f64);
    gauge(registry, "hooklake_append_queue_requests", "Deliveries that wait to be stored.", app.ingest.queue_depth() as f64)?;
    gauge(registry, "hooklake_uptime_seconds", "How long this process has served.", app.started.elapsed().as_secs_f64())?;
    family(registry, "hooklake_build_info", "1, labelled with the version.", "version")?.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
    if let Some(bytes) = resident_bytes() {
        gauge(registry, "process_resident_memory_bytes", "Resident memory of this process.", bytes)?;
    }
    Ok(())
}

async fn log(app: &AppState, registry: &Registry) -> Result<(), Trouble> {
    let head = Reader::new(app.database.clone()).head().await?;
    gauge(registry, "hooklake_log_head_position", "The last position of the log.", head.position.get() as f64)?;
    let position = family(registry, "hooklake_consumer_position", "The last position that a consumer has applied.", "consumer")?;
    let lag_events = family(registry, "hooklake_consumer_lag_events", "Envelopes that a consumer has not seen.", "consumer")?;
    let lag_seconds = family(registry, "hooklake_consumer_lag_seconds", "How long the oldest envelope not seen has waited.", "consumer")?;
    let parked = family(registry, "hooklake_consumer_parked_events", "Envelopes set aside and not yet taken.", "consumer")?;
    let failing = family(registry, "hooklake_consumer_failing", "1 when a consumer stands still with an error.", "consumer")?;
    for standing in checkpoint::standings(&app.database).await? {
        let name = [standing.name.as_str()];
        position.with_label_values(&name).set(standing.position.get() as f64);
        lag_events.with_label_values(&name).set(standing.lag_events as f64);
        lag_seconds.with_label_values(&name).set(standing.lag_seconds);
        parked.with_label_values(&name).set(standing.parked as f64);
        failing.with_label_values(&name).set(if standing.error.is_some() { 1.0 } else { 0.0 });
    }
    Ok(())
}

enum Trouble {
    Database(db::Error),
    Family(prometheus::Error),
}

impl From<db::Error> for Trouble {
    fn from(error: db::Error) -> Self {
        Self::Database(error)
    }
}

impl From<prometheus::Error> for Trouble {
    fn from(error: prometheus::Error) -> Self {
        Self::Family(error)
    }
}

fn gauge(registry: &Registry, name: &str, help: &str, value: f64) -> Result<(), prometheus::Error> {
    let gauge = register(registry, Gauge::new(name, help)?)?;
    gauge.set(value);
    Ok(())
}

fn family(registry: &Registry, name: &str, help: &str, label: &str) -> Result<GaugeVec, prometheus::Error> {
    register(registry, GaugeVec::new(Opts::new(name, help), &[label])?)
}

fn register<T: Collector + Clone + 'static>(registry: &Registry, collector: T) -> Result<T, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

/// From `/proc`, where there is one.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes: f64 = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024.0)
}
