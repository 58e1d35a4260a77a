//! `hooklake tail`.

use clap::Args;
use serde_json::json;

use super::output::say;
use super::{Exit, Format, output};
use crate::app::Base;
use crate::domain::{Position, Span};
use crate::log::{BatchLimits, Reader};
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// `hooklake tail …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Events that are there already to begin with
    #[arg(short = 'n', long, default_value_t = 10, value_name = "N")]
    lines: u32,
    /// Only events from this source
    #[arg(long)]
    source: Option<String>,
    /// Stop at the end of the log instead of waiting for more
    #[arg(long)]
    no_follow: bool,
    /// How events are printed; `json` prints one object a line
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// Follows the log until Ctrl-C.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let tasks = Tasks::default();
    let mut tail = base.runner(&tasks, &Metrics::new()).tail;
    let reader = Reader::new(base.database.clone());
    let head = reader.head().await?.position;
    let mut after = Position::new((head.get() - i64::from(arguments.lines)).max(0));
    let sources = arguments.source.as_deref().map(|source| vec![source]);
    let mut is_first = true;
    let following = async {
        loop {
            let batch = reader.after(after, None, sources.as_deref(), BatchLimits::default()).await?;
            let Span { through, .. } = batch.span;
            let rows: Vec<_> = batch
                .envelopes
                .iter()
                .map(|envelope| {
                    let kind = envelope.kind(&envelope.payload()).to_string();
                    let time = envelope.received_at.format("%Y-%m-%d %H:%M:%S%.3f").to_string();
                    vec![json!(envelope.position), json!(time), json!(envelope.source), json!(kind), json!(envelope.id.to_string()), json!(envelope.body.len())]
                })
                .collect();
            print(arguments.output, &rows, is_first)?;
            is_first &= rows.is_empty();
            if batch.span.is_empty() {
                if arguments.no_follow {
                    return anyhow::Ok(());
                }
                tail.beyond(after).await;
            }
            after = through;
        }
    };
    tokio::select! {
        outcome = following => outcome?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    tasks.stop().tell();
    Ok(Exit::Done)
}

const COLUMNS: [&str; 6] = ["position", "received_at", "source", "kind", "event_id", "bytes"];

fn print(format: Format, rows: &[Vec<serde_json::Value>], with_header: bool) -> anyhow::Result<()> {
    for row in rows {
        match format {
            // A stream has no end, so each event is a document of its own.
            Format::Json => say!("{}", serde_json::Value::Object(COLUMNS.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect()))?,
            Format::Table => {
                let cell = |index: usize| row[index].as_str().map_or_else(|| row[index].to_string(), output::visible);
                say!("{:>8}  {}  {:<10}  {:<40}  {}  {:>8} B", cell(0), cell(1), cell(2), cell(3), cell(4), cell(5))?;
            }
            Format::Csv => {}
        }
    }
    if format == Format::Csv && !rows.is_empty() {
        output::print_csv(if with_header { Some(&COLUMNS) } else { None }, rows)?;
    }
    Ok(())
}
