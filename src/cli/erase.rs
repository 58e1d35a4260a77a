//! `hooklake erase`.

use std::io::{IsTerminal, Read};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::output::say;
use super::redact::{By, refused};
use super::{Exit, Format, output};
use crate::app::Base;
use crate::domain::Clock;
use crate::registry;
use crate::retention::Custodian;
use crate::retention::erase::{Erasure, Line, Report};
use crate::retention::mention::Person;
use crate::retention::traces::Files;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// `hooklake erase …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Whom: an address, login, display name or id; `-` reads names from standard input, one a line
    #[arg(long, value_name = "PERSON")]
    subject: String,
    /// Other names of theirs
    #[arg(long, value_name = "NAME")]
    also: Vec<String>,
    /// Only show where they are named
    #[arg(long)]
    dry_run: bool,
    /// Why, without naming them; it stays in the log for ever
    #[arg(long, required_unless_present = "dry_run", default_value = "")]
    reason: String,
    /// How long consumers are waited for until they have forgotten, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
    #[command(flatten)]
    by: By,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// Erases what names a person, everywhere; not healthy when something of it is left.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let mut names = arguments.also;
    if arguments.subject == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        names.extend(text.lines().map(str::to_owned));
    } else {
        names.push(arguments.subject);
    }
    let person = match Person::new(names) {
        Ok(person) => person,
        Err(error) => return refused(error),
    };
    let tasks = Tasks::default();
    let consumers = registry::consumers(base)?;
    let erasure = Erasure {
        person,
        reason: arguments.reason,
        key: &base.installation.derivation_key,
        consumers: consumers.iter().map(|consumer| consumer.name().to_owned()).collect(),
        files: Files { data_dir: base.data_dir(), lake: base.config.lake.location(&base.data_dir())? },
        patience: Duration::from_secs(arguments.wait),
    };
    let mut custodian = Custodian::connect(&base.database, &tasks, Clock::system(), arguments.by.name()).await?;
    let is_terminal = std::io::stderr().is_terminal();
    let mut progress = |positions: u64| {
        if is_terminal {
            eprint!("\rlooked through {positions} positions of the log ");
        }
    };
    let outcome = if arguments.dry_run {
        custodian.survey(&erasure, &mut progress).await.map(Found::Only)
    } else {
        // A server that runs holds the leases, and its consumers forget; without one, these do.
        let runner = base.runner(&tasks, &Metrics::new());
        for consumer in consumers {
            drop(tasks.spawn("consumer", runner.clone().follow(consumer)));
        }
        custodian.erase(&erasure, &mut progress).await.map(Found::Erased)
    };
    if is_terminal {
        eprintln!();
    }
    drop(custodian);
    tasks.stop().tell();
    let running = tasks.finish(Duration::from_secs(20)).await;
    if !running.is_empty() {
        eprintln!("hooklake: did not end in time: {}", running.join(", "));
    }
    match outcome {
        Ok(Found::Only(lines)) => {
            print(arguments.output, &lines)?;
            Ok(Exit::Done)
        }
        Ok(Found::Erased(report)) => tell(arguments.output, &report),
        Err(error) => refused(error),
    }
}

enum Found {
    Only(Vec<Line>),
    Erased(Report),
}

fn tell(format: Format, report: &Report) -> anyhow::Result<Exit> {
    print(format, &report.lines)?;
    if format == Format::Table {
        say!("\nErased {} envelopes (erasure {}).", report.redacted, report.id)?;
        if let Some(envelope) = report.envelope {
            say!("This report is kept as {envelope}.")?;
        }
        say!("Not covered: backups and copies made before; PostgreSQL's write-ahead log until it is recycled. See docs/retention.md.")?;
    }
    for (consumer, position) in &report.behind {
        eprintln!("hooklake: {consumer} stands at position {position} and has not forgotten yet; run this again once it has caught up");
    }
    for line in report.lines.iter().filter(|line| line.after > 0) {
        let why = if line.stays { "cannot be erased: the chain commits to it, or it is hooklake's own record" } else { "is left" };
        eprintln!("hooklake: {}: {} {why}", line.place, line.after);
    }
    Ok(if report.is_complete() { Exit::Done } else { Exit::Unhealthy })
}

fn print(format: Format, lines: &[Line]) -> anyhow::Result<()> {
    let rows: Vec<_> = lines.iter().map(|line| vec![json!(line.place), json!(line.before), json!(line.after)]).collect();
    output::print(format, &["place", "before", "after"], &rows)
}
