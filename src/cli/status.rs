//! `hooklake status` and `hooklake sources`.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::output::say;
use super::{Exit, Format, output};
use crate::app::Base;
use crate::consumer::checkpoint::Standing;
use crate::consumer::parked::{self, Parked};
use crate::domain::clock::Timestamp;
use crate::operate::{Overview, Volume};
use crate::registry::Doors;

/// The most parked events that are shown here; `hooklake parked list` shows more.
const PARKED_MAX: u32 = 20;

/// `hooklake status …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this part; `json` and `csv` print one, the consumers unless another is named
    #[arg(long, value_enum)]
    section: Option<Section>,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// `hooklake sources …`
#[derive(Debug, Args)]
pub(super) struct SourcesArguments {
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// The log as a whole
    Log,
    /// Where each consumer stands, and who owns it
    Consumers,
    /// Events that a consumer could not take
    Parked,
    /// The weeks of the log
    Partitions,
    /// Room and sizes
    Disk,
    /// What PostgreSQL is busy with
    Database,
}

/// The columns and rows of a section.
struct Rows {
    columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

/// Shows how everything is; not healthy when a consumer stands still.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let overview = Overview::look(&base.database, &base.places()?).await?;
    match (arguments.section, arguments.output) {
        (None, Format::Table) => {
            for section in Section::value_variants() {
                let Rows { columns, rows } = section.of(base, &overview).await?;
                if *section == Section::Parked && rows.is_empty() {
                    say!("Parked: none\n")?;
                    continue;
                }
                let heading = format!("{section:?}");
                say!("{heading}\n{}", output::table(columns, &rows))?;
            }
        }
        (section, format) => {
            // Programs have had the consumers from the start.
            let Rows { columns, rows } = section.unwrap_or(Section::Consumers).of(base, &overview).await?;
            output::print(format, columns, &rows)?;
        }
    }
    let is_healthy = overview.consumers.iter().all(|standing| standing.error.is_none());
    Ok(if is_healthy { Exit::Done } else { Exit::Unhealthy })
}

impl Section {
    async fn of(self, base: &Base, overview: &Overview) -> anyhow::Result<Rows> {
        let second = |time: Timestamp| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        Ok(match self {
            Self::Log => {
                let log = &overview.log;
                let (bytes, oldest) = (overview.log_bytes(), overview.partitions.first().map(|oldest| second(oldest.starts)));
                Rows {
                    columns: &["head", "last_append", "last_minute", "partitions", "weeks_ahead", "oldest_partition", "bytes", "redeliveries_estimate"],
                    rows: vec![vec![
                        json!(log.head),
                        json!(log.last_append.map(second)),
                        json!(log.last_minute),
                        json!(overview.partitions.len()),
                        json!(overview.weeks_ahead()),
                        json!(oldest),
                        json!(bytes),
                        json!(log.redeliveries),
                    ]],
                }
            }
            Self::Consumers => Rows {
                columns: &["consumer", "position", "lag_events", "lag_seconds", "parked", "owner", "epoch", "error"],
                rows: overview.consumers.iter().map(consumer).collect(),
            },
            Self::Parked => {
                let found = parked::list(&base.database, None, false, PARKED_MAX).await?;
                let row = |one: &Parked| vec![json!(one.consumer), json!(one.position), json!(second(one.parked_at)), json!(one.attempts), json!(one.reason)];
                Rows { columns: &["consumer", "position", "parked_at", "attempts", "reason"], rows: found.iter().map(row).collect() }
            }
            Self::Partitions => Rows {
                columns: &["partition", "starts", "ends", "rows_estimate", "bytes"],
                rows: overview
                    .partitions
                    .iter()
                    .map(|one| vec![json!(one.name), json!(second(one.starts)), json!(second(one.ends)), json!(one.rows), json!(one.bytes)])
                    .collect(),
            },
            Self::Disk => Rows {
                columns: &["place", "stored_bytes", "free_bytes", "size_bytes", "used_percent", "path"],
                rows: overview.disks.iter().map(volume).collect(),
            },
            Self::Database => {
                let server = &overview.server;
                Rows {
                    columns: &[
                        "bytes",
                        "active",
                        "idle",
                        "idle_in_transaction",
                        "connections_max",
                        "oldest_transaction_seconds",
                        "transaction_id_age",
                        "prepared",
                    ],
                    rows: vec![vec![
                        json!(overview.log.database_bytes),
                        json!(server.connections_active),
                        json!(server.connections_idle),
                        json!(server.connections_in_transaction),
                        json!(server.connections_max),
                        json!(millis(server.oldest_transaction_seconds)),
                        json!(server.transaction_id_age),
                        json!(server.prepared_transactions),
                    ]],
                }
            }
        })
    }
}

fn consumer(standing: &Standing) -> Vec<Value> {
    vec![
        json!(standing.name),
        json!(standing.position),
        json!(standing.lag_events),
        json!(millis(standing.lag_seconds)),
        json!(standing.parked),
        json!(standing.owner),
        json!(standing.epoch),
        json!(standing.error),
    ]
}

fn volume(volume: &Volume) -> Vec<Value> {
    let used = volume.size_bytes.saturating_sub(volume.free_bytes) as f64 * 100.0 / volume.size_bytes.max(1) as f64;
    vec![
        json!(volume.place),
        json!(volume.used_bytes),
        json!(volume.free_bytes),
        json!(volume.size_bytes),
        json!((used * 10.0).round() / 10.0),
        json!(volume.path),
    ]
}

/// Seconds to the millisecond.
fn millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Lists the sources and their paths.
pub(super) fn sources(base: &Base, arguments: &SourcesArguments) -> anyhow::Result<Exit> {
    let doors = Doors::new(&base.config, &base.installation.derivation_key)?;
    let rows: Vec<_> = doors
        .listing()
        .into_iter()
        .map(|listing| {
            vec![json!(listing.source), json!(listing.path), json!(listing.generated_path), json!(listing.is_configured), json!(listing.body_bytes_max)]
        })
        .collect();
    output::print(arguments.output, &["source", "path", "generated_path", "has_secret", "body_bytes_max"], &rows)?;
    Ok(Exit::Done)
}
