//! `hooklake rebuild`.

use std::io::IsTerminal;

use clap::Args;

use super::Exit;
use crate::app::Base;
use crate::registry;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// `hooklake rebuild …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The consumer, as `hooklake status` names it
    consumer: String,
}

/// Rebuilds a consumer beside the live one; a server may go on running.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let consumers = registry::consumers(base)?;
    let Some(consumer) = consumers.iter().find(|consumer| consumer.name() == arguments.consumer) else {
        let names: Vec<&str> = consumers.iter().map(|consumer| consumer.name()).collect();
        eprintln!("hooklake: there is no consumer {:?}; there are {}", arguments.consumer, names.join(", "));
        return Ok(Exit::Refused);
    };
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    let is_terminal = std::io::stderr().is_terminal();
    let mut progress = |position: crate::domain::Position, head: crate::domain::Position| {
        if is_terminal {
            eprint!("\r{} rebuilt to {position} of {head} ", arguments.consumer);
        }
    };
    let outcome = runner.rebuild(consumer.as_ref(), &mut progress).await;
    if is_terminal {
        eprintln!();
    }
    tasks.stop().tell();
    let position = outcome?;
    println!("{} is rebuilt through position {position} and live.", arguments.consumer);
    Ok(Exit::Done)
}
