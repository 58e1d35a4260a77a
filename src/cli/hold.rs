//! `hooklake hold`.

use clap::{Args, Subcommand};
use serde_json::json;
use uuid::Uuid;

use super::output::say;
use super::redact::{By, refused};
use super::{Exit, Format, output};
use crate::app::Base;
use crate::domain::{Clock, Position};
use crate::retention::Custodian;
use crate::retention::hold::Cover;
use crate::tasks::Tasks;

/// `hooklake hold …`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Let nothing be redacted, erased or dropped that is covered; without further options that is everything
    Add(AddArguments),
    /// Show every hold
    List(ListArguments),
    /// End a hold
    Release(ReleaseArguments),
}

/// `hooklake hold add …`
#[derive(Debug, Args)]
pub(super) struct AddArguments {
    /// Why; it stays in the log for ever
    #[arg(long)]
    reason: String,
    /// Only this tenant's
    #[arg(long)]
    tenant: Option<String>,
    /// Only from this source
    #[arg(long)]
    source: Option<String>,
    /// Only from this position
    #[arg(long, value_name = "POSITION")]
    from: Option<i64>,
    /// Only through this position
    #[arg(long, value_name = "POSITION")]
    to: Option<i64>,
    #[command(flatten)]
    by: By,
}

/// `hooklake hold list …`
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// `hooklake hold release …`
#[derive(Debug, Args)]
pub(super) struct ReleaseArguments {
    /// The hold, as `hooklake hold list` names it
    id: Uuid,
    #[command(flatten)]
    by: By,
}

/// Places, shows or ends legal holds.
pub(super) async fn run(base: &Base, command: Command) -> anyhow::Result<Exit> {
    let tasks = Tasks::default();
    let connect = async |by: String| Custodian::connect(&base.database, &tasks, Clock::system(), by).await;
    let outcome = match command {
        Command::Add(arguments) => {
            let (from, to) = (arguments.from.map(Position::new), arguments.to.map(Position::new));
            let cover = Cover { tenant: arguments.tenant, source: arguments.source, from, to };
            let mut custodian = connect(arguments.by.name()).await?;
            // Before it stands, so that nothing that fails after it hides that it does.
            let nothing = " It covers nothing that the log has now: see that tenant, source and positions are right.";
            let warning = if custodian.covers_something(&cover).await? { "" } else { nothing };
            custodian.hold(&arguments.reason, &cover).await.map(|id| format!("The hold {id} stands.{warning}"))
        }
        Command::Release(arguments) => {
            let released = connect(arguments.by.name()).await?.release(arguments.id).await;
            released.map(|()| format!("The hold {} is released.", arguments.id))
        }
        Command::List(arguments) => return list(&connect(String::new()).await?, arguments.output).await,
    };
    match outcome {
        Ok(done) => {
            say!("{done}")?;
            Ok(Exit::Done)
        }
        Err(error) => refused(error),
    }
}

async fn list(custodian: &Custodian, format: Format) -> anyhow::Result<Exit> {
    let holds = custodian.holds().await?;
    let rows: Vec<_> = holds
        .into_iter()
        .map(|hold| {
            let cover = hold.cover;
            vec![
                json!(hold.id),
                json!(hold.reason),
                json!(hold.placed_by),
                json!(hold.placed_at),
                json!(cover.tenant),
                json!(cover.source),
                json!(cover.from),
                json!(cover.to),
                json!(hold.released_at),
            ]
        })
        .collect();
    output::print(format, &["id", "reason", "by", "since", "tenant", "source", "from", "to", "released_at"], &rows)?;
    Ok(Exit::Done)
}
