//! Logs and metrics. Bodies, secrets and signatures are in neither.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{CounterVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people at a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the lake's libraries say of their steps is long, and for who works on them; a filter may name them again.
const QUIET: &str = "buoyant_kernel=warn,deltalake_core=warn";

/// Starts logging to standard error, so that standard output holds only answers.
///
/// # Errors
/// When the level is not one that [`tracing_subscriber::EnvFilter`] knows, or logging was started before.
pub fn start_logging(level: &str, format: LogFormat) -> anyhow::Result<()> {
    use tracing_subscriber::fmt;
    let lines = fmt().with_env_filter(filter(level)?).with_writer(std::io::stderr).with_target(false);
    let started = match format {
        LogFormat::Text => lines.compact().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging was started before: {error}"))
}

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    let read = |text: &str| EnvFilter::try_new(text).map_err(|error| anyhow::anyhow!("log.level {level:?} is not a level or filter: {error}"));
    let asked = read(level)?;
    // Whoever asks for less than warnings gets less of all.
    let is_quiet = asked.max_level_hint().is_some_and(|most| most <= LevelFilter::WARN);
    if is_quiet { Ok(asked) } else { read(&format!("{QUIET},{level}")) }
}

/// Upper bounds of what an answer or a commit takes; senders wait 3 s.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// Upper bounds of what one transaction takes, up to the largest batch.
const ENVELOPES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// What is counted. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    inner: Arc<Families>,
}

#[derive(Debug)]
struct Families {
    deliveries: IntCounterVec,
    refused: IntCounterVec,
    body_bytes: IntCounterVec,
    ingest_seconds: Histogram,
    consumed: IntCounterVec,
    busy_seconds: CounterVec,
    parked: IntCounterVec,
    replays: IntCounterVec,
    retried: IntCounterVec,
    queries: IntCounterVec,
    links: IntCounterVec,
    mentions: IntCounterVec,
    subjects: IntCounterVec,
    batch_envelopes: Histogram,
    append_seconds: Histogram,
    appended: IntCounter,
    append_failures: IntCounter,
    resting: IntGauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing counted yet.
    ///
    /// # Panics
    /// When two families have one name, which a test would find.
    #[must_use]
    #[expect(clippy::expect_used, reason = "every name, label and bucket stands below")]
    pub fn new() -> Self {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let family = IntCounterVec::new(Opts::new(name, help), labels).expect("the name and labels are valid");
            registry.register(Box::new(family.clone())).expect("the name is used once");
            family
        };
        let busy_seconds = CounterVec::new(
            Opts::new(
                "hooklake_consumer_busy_seconds_total",
                "Time that each consumer spent on batches, tries that failed and waits for the database included.",
            ),
            &["consumer"],
        )
        .expect("the name and labels are valid");
        registry.register(Box::new(busy_seconds.clone())).expect("the name is used once");
        let total = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help).expect("the name is valid");
            registry.register(Box::new(counter.clone())).expect("the name is used once");
            counter
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())).expect("the name and buckets are valid");
            registry.register(Box::new(histogram.clone())).expect("the name is used once");
            histogram
        };
        let resting = IntGauge::new("hooklake_resting_connections", "Connections left unread because their sender was told to come back later.")
            .expect("the name is valid");
        registry.register(Box::new(resting.clone())).expect("the name is used once");
        let inner = Families {
            deliveries: counter("hooklake_deliveries_total", "Authentic deliveries by outcome: accepted, duplicate, conflict.", &["source", "outcome"]),
            refused: counter("hooklake_refused_total", "Requests refused at the door, by reason; nothing of them is stored.", &["source", "reason"]),
            body_bytes: counter("hooklake_body_bytes_total", "Bytes of accepted bodies.", &["source"]),
            ingest_seconds: histogram("hooklake_ingest_duration_seconds", "Time from a delivery's first byte to its answer.", &SECONDS),
            consumed: counter("hooklake_consumed_total", "Envelopes applied by each consumer.", &["consumer"]),
            busy_seconds,
            parked: counter("hooklake_parked_total", "Envelopes that a consumer set aside.", &["consumer"]),
            replays: counter("hooklake_consumed_replays_total", "Envelopes flagged suspect_replay that each consumer met.", &["consumer"]),
            retried: counter("hooklake_parked_retried_total", "Parked envelopes tried again on request, by outcome: taken, failed.", &["consumer", "outcome"]),
            queries: counter("hooklake_queries_total", "Questions answered, by door and outcome.", &["door", "outcome"]),
            links: counter(
                "hooklake_correlation_links_total",
                "Evidence for links that correlation wrote down, by type and rule; again when it is rebuilt or a transaction is repeated.",
                &["type", "rule"],
            ),
            mentions: counter(
                "hooklake_correlation_mentions_total",
                "Names that correlation wrote down for another event to explain, by relation and rule; again as for links.",
                &["relation", "rule"],
            ),
            subjects: counter(
                "hooklake_correlation_subjects_total",
                "What events are about, as correlation wrote it down, by kind; again as for links.",
                &["kind"],
            ),
            batch_envelopes: histogram("hooklake_append_batch_envelopes", "Deliveries that one append transaction took.", &ENVELOPES),
            append_seconds: histogram(
                "hooklake_append_duration_seconds",
                "Time from an append transaction's start to its COMMIT, tries that failed included.",
                &SECONDS,
            ),
            appended: total("hooklake_appended_total", "Envelopes added to the log."),
            append_failures: total("hooklake_append_failures_total", "Append transactions given up; their senders were told to come back."),
            resting,
        };
        Self { registry, inner: Arc::new(inner) }
    }

    /// An authentic delivery was answered.
    pub fn delivered(&self, source: &str, outcome: &str, bytes: usize, took: Duration) {
        self.inner.deliveries.with_label_values(&[source, outcome]).inc();
        self.inner.body_bytes.with_label_values(&[source]).inc_by(bytes as u64);
        self.inner.ingest_seconds.observe(took.as_secs_f64());
    }

    /// A request was refused. `source` is one that is configured, or `unknown`.
    pub fn refused(&self, source: &str, reason: &str) {
        self.inner.refused.with_label_values(&[source, reason]).inc();
    }

    /// Shows how many connections rest; whoever makes them rest keeps it.
    #[must_use]
    pub fn resting_connections(&self) -> IntGauge {
        self.inner.resting.clone()
    }

    /// A batch of deliveries was committed, so many of them new.
    pub fn appended(&self, deliveries: usize, accepted: usize, took: Duration) {
        self.inner.batch_envelopes.observe(deliveries as f64);
        self.inner.append_seconds.observe(took.as_secs_f64());
        self.inner.appended.inc_by(accepted as u64);
    }

    /// A batch was given up.
    pub fn append_failed(&self) {
        self.inner.append_failures.inc();
    }

    /// A consumer applied envelopes, which took so long.
    pub fn consumed(&self, consumer: &str, envelopes: usize, took: Duration) {
        self.inner.consumed.with_label_values(&[consumer]).inc_by(envelopes as u64);
        self.inner.busy_seconds.with_label_values(&[consumer]).inc_by(took.as_secs_f64());
    }

    /// A consumer met envelopes whose signed body was in the log under another key.
    pub fn met_replays(&self, consumer: &str, envelopes: usize) {
        self.inner.replays.with_label_values(&[consumer]).inc_by(envelopes as u64);
    }

    /// A consumer set an envelope aside.
    pub fn parked(&self, consumer: &str) {
        self.inner.parked.with_label_values(&[consumer]).inc();
    }

    /// A parked envelope was tried again and `taken`, or `failed` again.
    pub fn retried(&self, consumer: &str, outcome: &str) {
        self.inner.retried.with_label_values(&[consumer, outcome]).inc();
    }

    /// A question was answered (`ok`) or not (`error`).
    pub fn queried(&self, door: &str, outcome: &str) {
        self.inner.queries.with_label_values(&[door, outcome]).inc();
    }

    /// Correlation found evidence for a link.
    pub fn linked(&self, correlation_type: &str, rule: &str) {
        self.inner.links.with_label_values(&[correlation_type, rule]).inc();
    }

    /// Correlation found a name that another event must explain.
    pub fn mentioned(&self, relation: &str, rule: &str) {
        self.inner.mentions.with_label_values(&[relation, rule]).inc();
    }

    /// Correlation found what an event is about.
    pub fn about(&self, kind: &str) {
        self.inner.subjects.with_label_values(&[kind]).inc();
    }

    /// Deliveries answered, by outcome over all sources: accepted, duplicate, conflict; and those refused.
    #[must_use]
    pub fn delivery_totals(&self) -> DeliveryTotals {
        let mut totals = DeliveryTotals::default();
        for family in self.registry.gather() {
            for metric in family.get_metric() {
                let value = metric.get_counter().get_value();
                let outcome = metric.get_label().iter().find(|label| label.name() == "outcome").map(|label| label.value().to_owned());
                match (family.name(), outcome.as_deref()) {
                    ("hooklake_deliveries_total", Some("accepted")) => totals.accepted += value,
                    ("hooklake_deliveries_total", Some("duplicate")) => totals.duplicate += value,
                    ("hooklake_deliveries_total", Some("conflict")) => totals.conflict += value,
                    ("hooklake_refused_total", _) => totals.refused += value,
                    _ => {}
                }
            }
        }
        totals.average_ms = match self.inner.ingest_seconds.get_sample_count() {
            0 => 0.0,
            count => self.inner.ingest_seconds.get_sample_sum() * 1000.0 / count as f64,
        };
        totals
    }

    /// Where others may register what they measure at the moment of asking.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Everything in Prometheus's text format.
    ///
    /// # Errors
    /// When a family cannot be written as text.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// Deliveries since the process started.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct DeliveryTotals {
    /// New in the log.
    pub accepted: f64,
    /// In the log already.
    pub duplicate: f64,
    /// Known key, other body.
    pub conflict: f64,
    /// Not let in.
    pub refused: f64,
    /// Mean time to the answer, in milliseconds.
    pub average_ms: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_quiet_unless_they_are_named() {
        let says = |level: &str| filter(level).expect("a filter").to_string().split(',').map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        let set = |directives: &[&str]| directives.iter().map(|&directive| directive.to_owned()).collect();
        assert_eq!(says("info"), set(&["buoyant_kernel=warn", "deltalake_core=warn", "info"]));
        assert_eq!(says("info,buoyant_kernel=debug"), set(&["buoyant_kernel=debug", "deltalake_core=warn", "info"]));
        assert_eq!(says("error"), set(&["error"]), "nobody is louder than was asked for");
        assert!(filter("info,=,").expect_err("no filter").to_string().starts_with("log.level \"info,=,\""));
    }
}
