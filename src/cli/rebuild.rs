//! `hooklake rebuild`.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::Args;

use super::Exit;
use super::output::say;
use crate::app::Base;
use crate::consumer::copy::schema_as_of;
use crate::consumer::rebuild::Then;
use crate::consumer::{Consumer, Error, Meter, Runner};
use crate::domain::Position;
use crate::domain::clock::Timestamp;
use crate::log::Reader;
use crate::registry;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// How often progress is told to whom nobody watches: a file, a log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// `hooklake rebuild …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The consumer, as `hooklake status` names it
    consumer: String,
    /// Leave the filled copy beside the live one, for `hooklake diff`; a later rebuild goes on with it and swaps
    #[arg(long)]
    no_swap: bool,
    /// Leave the live one alone, and build what it was at a position of the log, or at a time (RFC 3339, or a day for
    /// its beginning in UTC), as tables in the schema `as_of_NAME`
    #[arg(long, value_name = "POSITION|TIME", conflicts_with = "no_swap")]
    as_of: Option<String>,
    /// Remove what --no-swap and --as-of left beside the live one
    #[arg(long, conflicts_with_all = ["no_swap", "as_of"])]
    discard: bool,
}

/// Rebuilds a consumer beside the live one; a server may go on running.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let consumers = registry::consumers(base)?;
    let Some(consumer) = find(&consumers, &arguments.consumer) else { return Ok(Exit::Refused) };
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    let outcome = if arguments.discard {
        discard(&runner, consumer).await
    } else if let Some(text) = &arguments.as_of {
        as_of(base, &runner, consumer, text).await
    } else {
        beside(&runner, consumer, arguments.no_swap).await
    };
    tasks.stop().tell();
    outcome
}

/// The error in words that say what to do.
fn explained(error: Error) -> anyhow::Error {
    match error {
        Error::LeaseLost(copy) => anyhow::anyhow!("{copy} is filled by another process at this moment; `hooklake status` shows how far it is"),
        error => error.into(),
    }
}

async fn discard(runner: &Runner, consumer: &dyn Consumer) -> anyhow::Result<Exit> {
    runner.discard_copies(consumer).await.map_err(explained)?;
    say!("Nothing stands beside {} any more.", consumer.name())?;
    Ok(Exit::Done)
}

async fn beside(runner: &Runner, consumer: &dyn Consumer, no_swap: bool) -> anyhow::Result<Exit> {
    let then = if no_swap { Then::Keep } else { Then::Swap };
    let mut teller = Teller::new(consumer.name());
    let outcome = runner.rebuild_and(consumer, then, &mut |position, head| teller.tell(position, head)).await;
    teller.end();
    let (position, name) = (outcome.map_err(explained)?, consumer.name());
    match then {
        Then::Swap => say!("{name} is rebuilt through position {position} and live.")?,
        Then::Keep => say!(
            "A new {name} is filled through position {position} beside the live one. Compare with `hooklake diff {name}`, swap with `hooklake rebuild {name}`."
        )?,
    }
    Ok(Exit::Done)
}

async fn as_of(base: &Base, runner: &Runner, consumer: &dyn Consumer, text: &str) -> anyhow::Result<Exit> {
    let reader = Reader::new(base.database.clone());
    let head = reader.head().await?.position;
    let at = match (text.parse::<i64>(), time(text)) {
        (Ok(position), _) => Position::new(position),
        (_, Some(time)) => reader.received_by(time).await?,
        _ => {
            eprintln!("hooklake: {text:?} is neither a position nor a time like 2026-11-21T12:00:00Z or 2026-11-21");
            return Ok(Exit::Refused);
        }
    };
    if at < Position::START || at > head {
        eprintln!("hooklake: there is no position {at}; the log ends at {head}");
        return Ok(Exit::Refused);
    }
    let name = consumer.name();
    let mut teller = Teller::new(name);
    let outcome = runner.rebuild_as_of(consumer, at, &mut |position, head| teller.tell(position, head)).await;
    teller.end();
    let Some(missing) = outcome.map_err(explained)? else {
        eprintln!("hooklake: {name} keeps no tables; --as-of is for those that do");
        return Ok(Exit::Refused);
    };
    if missing > 0 {
        eprintln!("hooklake: events that could not be taken and are missing: {missing}; the lines above name them");
    }
    let tables: Vec<String> = consumer.tables().iter().map(|table| format!("{}.{table}", schema_as_of(name))).collect();
    say!("As it stood at position {at}: {}. Ask as codegen_readonly; remove with `hooklake rebuild {name} --discard`.", tables.join(", "))?;
    Ok(Exit::Done)
}

/// A time, or the beginning of a day in UTC.
fn time(text: &str) -> Option<Timestamp> {
    let day = || Some(text.parse::<chrono::NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()).or_else(day)
}

/// The consumer of this name; says which there are when there is none.
pub(super) fn find<'a>(consumers: &'a [Box<dyn Consumer>], name: &str) -> Option<&'a dyn Consumer> {
    let found = consumers.iter().find(|consumer| consumer.name() == name).map(AsRef::as_ref);
    if found.is_none() {
        let names: Vec<&str> = consumers.iter().map(|consumer| consumer.name()).collect();
        eprintln!("hooklake: there is no consumer {name:?}; there are {}", names.join(", "));
    }
    found
}

/// Tells progress on standard error: in one line that is written over on a terminal, else in a line now and then.
pub(super) struct Teller {
    name: String,
    meter: Meter,
    is_terminal: bool,
    told: Option<Instant>,
}

impl Teller {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), meter: Meter::default(), is_terminal: std::io::stderr().is_terminal(), told: None }
    }

    pub(super) fn tell(&mut self, position: Position, head: Position) {
        let progress = self.meter.note(position, head);
        if self.is_terminal {
            eprint!("\r\x1b[K{} rebuilt to {progress}", self.name);
        } else if self.told.is_none_or(|told| told.elapsed() >= LINE_EVERY) {
            self.told = Some(Instant::now());
            eprintln!("{} rebuilt to {progress}", self.name);
        }
    }

    pub(super) fn end(&self) {
        if self.is_terminal {
            eprintln!();
        }
    }
}
