//! `hooklake retention`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::redact::By;
use super::{Exit, Format, output};
use crate::app::Base;
use crate::domain::Clock;
use crate::registry;
use crate::retention::Custodian;
use crate::retention::schedule::What;
use crate::tasks::Tasks;

/// `hooklake retention …`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Take away now what is past its time; a server does so every hour
    Run(RunArguments),
    /// Show the partitions of the log
    Status(StatusArguments),
}

/// `hooklake retention run …`
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Only show what would go
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    by: By,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// `hooklake retention status …`
#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// Runs retention, or shows where it stands.
pub(super) async fn run(base: &Base, command: Command) -> anyhow::Result<Exit> {
    let tasks = Tasks::default();
    match command {
        Command::Run(arguments) => {
            let consumers: Vec<String> = registry::consumers(base)?.iter().map(|consumer| consumer.name().to_owned()).collect();
            let mut custodian = Custodian::connect(&base.database, &tasks, Clock::system(), arguments.by.name()).await?;
            let steps = custodian.run(&base.config.retention, &consumers, arguments.dry_run).await?;
            let rows: Vec<_> = steps
                .iter()
                .map(|step| match &step.what {
                    What::Dropped { envelopes } => vec![json!(step.partition), json!("dropped"), json!(envelopes), json!(null)],
                    What::Redacted { envelopes } => vec![json!(step.partition), json!("redacted"), json!(envelopes), json!(null)],
                    What::Waits(reason) => vec![json!(step.partition), json!("waits"), json!(null), json!(reason)],
                })
                .collect();
            output::print(arguments.output, &["partition", "what", "envelopes", "reason"], &rows)?;
            Ok(Exit::Done)
        }
        Command::Status(arguments) => {
            let custodian = Custodian::connect(&base.database, &tasks, Clock::system(), "").await?;
            let partitions = custodian.partitions().await?;
            let rows: Vec<_> = partitions
                .iter()
                .map(|partition| {
                    vec![
                        json!(partition.name),
                        json!(partition.received_from),
                        json!(partition.received_until),
                        json!(partition.bytes),
                        json!(partition.retired_at),
                        json!(partition.emptied_at),
                    ]
                })
                .collect();
            output::print(arguments.output, &["partition", "from", "until", "bytes", "retired_at", "emptied_at"], &rows)?;
            Ok(Exit::Done)
        }
    }
}
