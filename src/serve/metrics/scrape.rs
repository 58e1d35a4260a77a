//! What is counted as it happens, and what is looked at when Prometheus asks.

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, Opts, Registry, TextEncoder};

use crate::db;
use crate::log::append::QUEUE_ENTRIES_MAX;
use crate::operate::Overview;
use crate::serve::router::AppState;

/// Everything in Prometheus's text format. A database that does not answer is a figure too, not an error.
pub(super) async fn text(app: &AppState) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    process(app, &registry)?;
    let looked = database(app, &registry).await;
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
    gauge(registry, "hooklake_append_queue_requests_max", "Deliveries that may wait; one more is told to come back.", QUEUE_ENTRIES_MAX as f64)?;
    gauge(registry, "hooklake_uptime_seconds", "How long this process has served.", app.started.elapsed().as_secs_f64())?;
    family(registry, "hooklake_build_info", "1, labelled with the version.", "version")?.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
    if let Some(bytes) = resident_bytes() {
        gauge(registry, "process_resident_memory_bytes", "Resident memory of this process.", bytes)?;
    }
    Ok(())
}

async fn database(app: &AppState, registry: &Registry) -> Result<(), Trouble> {
    let overview = Overview::look(&app.database, &app.places).await?;
    log(&overview, registry)?;
    consumers(&overview, registry)?;
    tables(&overview, registry)?;
    server(&overview, registry)?;
    Ok(())
}

fn log(overview: &Overview, registry: &Registry) -> Result<(), prometheus::Error> {
    gauge(registry, "hooklake_log_head_position", "The last position of the log.", overview.log.head.get() as f64)?;
    if let Some(last) = overview.log.last_append {
        gauge(registry, "hooklake_log_last_append_timestamp_seconds", "When the log last grew.", last.timestamp_millis() as f64 / 1000.0)?;
    }
    gauge(registry, "hooklake_log_bytes", "The log's partitions with their indexes.", overview.log_bytes() as f64)?;
    gauge(registry, "hooklake_log_partitions", "Partitions of the log, a week each.", overview.partitions.len() as f64)?;
    gauge(registry, "hooklake_log_partitions_ahead", "Weeks whose partition is ready before they begin.", overview.weeks_ahead() as f64)?;
    if let Some(oldest) = overview.partitions.first() {
        gauge(registry, "hooklake_log_oldest_partition_timestamp_seconds", "From when the oldest partition is.", oldest.starts.timestamp() as f64)?;
    }
    gauge(registry, "hooklake_log_redeliveries", "Deliveries that came again, over all time, as PostgreSQL estimates them.", overview.log.redeliveries as f64)
}

fn consumers(overview: &Overview, registry: &Registry) -> Result<(), prometheus::Error> {
    let position = family(registry, "hooklake_consumer_position", "The last position that a consumer has applied.", "consumer")?;
    let lag_events = family(registry, "hooklake_consumer_lag_events", "Envelopes that a consumer has not seen.", "consumer")?;
    let lag_seconds = family(registry, "hooklake_consumer_lag_seconds", "How long the oldest envelope not seen has waited.", "consumer")?;
    let parked = family(registry, "hooklake_consumer_parked_events", "Envelopes set aside, not yet taken and not given up.", "consumer")?;
    let failing = family(registry, "hooklake_consumer_failing", "1 when a consumer stands still with an error.", "consumer")?;
    let held = family(registry, "hooklake_consumer_lease_held", "1 when a process holds the consumer's lease.", "consumer")?;
    let epoch = family(registry, "hooklake_consumer_lease_epoch", "How often the consumer's lease changed hands.", "consumer")?;
    for standing in &overview.consumers {
        let name = [standing.name.as_str()];
        position.with_label_values(&name).set(standing.position.get() as f64);
        lag_events.with_label_values(&name).set(standing.lag_events as f64);
        lag_seconds.with_label_values(&name).set(standing.lag_seconds);
        parked.with_label_values(&name).set(standing.parked as f64);
        failing.with_label_values(&name).set(f64::from(u8::from(standing.error.is_some())));
        held.with_label_values(&name).set(f64::from(u8::from(standing.owner.is_some())));
        epoch.with_label_values(&name).set(standing.epoch as f64);
    }
    Ok(())
}

fn tables(overview: &Overview, registry: &Registry) -> Result<(), prometheus::Error> {
    let bytes = family(
        registry,
        "hooklake_table_bytes",
        "A table made from the log, with its indexes; those of links are event_correlations, event_subjects, alias_mentions and subject_aliases.",
        "table",
    )?;
    let rows = family(registry, "hooklake_table_rows", "Rows of a table made from the log, as PostgreSQL estimates them.", "table")?;
    for table in &overview.tables {
        bytes.with_label_values(&[&table.name]).set(table.bytes as f64);
        rows.with_label_values(&[&table.name]).set(table.rows as f64);
    }
    let recent = family(
        registry,
        "hooklake_correlation_recent_mentions",
        "The newest names, at most 500, that another event has to explain: explained, or unexplained.",
        "state",
    )?;
    recent.with_label_values(&["explained"]).set(overview.mentions.explained as f64);
    recent.with_label_values(&["unexplained"]).set(overview.mentions.unexplained as f64);
    Ok(())
}

fn server(overview: &Overview, registry: &Registry) -> Result<(), prometheus::Error> {
    let server = &overview.server;
    gauge(registry, "hooklake_database_bytes", "The whole database.", overview.log.database_bytes as f64)?;
    let sessions = family(registry, "hooklake_postgres_connections", "Sessions of the server by state, as far as hooklake may see them.", "state")?;
    sessions.with_label_values(&["active"]).set(server.connections_active as f64);
    sessions.with_label_values(&["idle"]).set(server.connections_idle as f64);
    sessions.with_label_values(&["idle_in_transaction"]).set(server.connections_in_transaction as f64);
    gauge(registry, "hooklake_postgres_connections_max", "The most sessions that the server takes.", server.connections_max as f64)?;
    gauge(registry, "hooklake_postgres_oldest_transaction_seconds", "For how long the oldest transaction has run.", server.oldest_transaction_seconds)?;
    gauge(
        registry,
        "hooklake_postgres_transaction_id_age",
        "Transactions since the oldest unfrozen one; at 2^31 the server stops.",
        server.transaction_id_age as f64,
    )?;
    gauge(registry, "hooklake_postgres_prepared_transactions", "Transactions prepared and not finished.", server.prepared_transactions as f64)?;
    let free = family(registry, "hooklake_disk_free_bytes", "Free bytes of the file system that holds a place.", "place")?;
    let size = family(registry, "hooklake_disk_size_bytes", "Size of the file system that holds a place.", "place")?;
    let used = family(registry, "hooklake_stored_bytes", "Bytes of the files in a place.", "place")?;
    for volume in &overview.disks {
        free.with_label_values(&[volume.place]).set(volume.free_bytes as f64);
        size.with_label_values(&[volume.place]).set(volume.size_bytes as f64);
        if let Some(bytes) = volume.used_bytes {
            used.with_label_values(&[volume.place]).set(bytes as f64);
        }
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
