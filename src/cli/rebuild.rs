//! `hooklake rebuild`.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::Args;

use super::Exit;
use crate::app::Base;
use crate::consumer::rebuild::Then;
use crate::consumer::{Consumer, Error, Meter};
use crate::domain::Position;
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
}

/// Rebuilds a consumer beside the live one; a server may go on running.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let consumers = registry::consumers(base)?;
    let Some(consumer) = find(&consumers, &arguments.consumer) else { return Ok(Exit::Refused) };
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    let then = if arguments.no_swap { Then::Keep } else { Then::Swap };
    let mut teller = Teller::new(consumer.name());
    let outcome = runner.rebuild_and(consumer, then, &mut |position, head| teller.tell(position, head)).await;
    teller.end();
    tasks.stop().tell();
    if let Err(Error::LeaseLost(copy)) = &outcome {
        anyhow::bail!("{copy} is filled by another process at this moment; `hooklake status` shows which, and how far it is");
    }
    let position = outcome?;
    match then {
        Then::Swap => println!("{} is rebuilt through position {position} and live.", arguments.consumer),
        Then::Keep => println!(
            "A new {0} is filled through position {position} beside the live one. Compare with `hooklake diff {0}`, swap with `hooklake rebuild {0}`.",
            arguments.consumer
        ),
    }
    Ok(Exit::Done)
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
