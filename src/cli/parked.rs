//! `hooklake parked …`: events that a consumer could not take.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::say;
use super::{Exit, Format, output};
use crate::app::Base;
use crate::consumer::checkpoint;
use crate::consumer::parked::{self, Parked};
use crate::domain::clock::Timestamp;
use crate::domain::{Envelope, EventId, Position, Tenant};
use crate::log::{Appender, Reader, Recent};
use crate::registry;
use crate::sources::own;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// As much of a body as `show` prints, in bytes.
const EXCERPT_BYTES: usize = 2048;
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// `hooklake parked …`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List them
    List(List),
    /// Show one: why it was not taken, and what it says
    Show(Show),
    /// Let the consumer try one again, or all of them
    Retry(Retry),
    /// Accept the loss of one; who lost what and why is written into the log
    Drop(DropOne),
}

/// `hooklake parked list …`
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those of this consumer
    #[arg(long)]
    consumer: Option<String>,
    /// Those whose loss was accepted as well
    #[arg(long)]
    dropped: bool,
    /// How many have the same error, the most first: numbers and quoted words in reasons do not count
    #[arg(long)]
    group: bool,
    /// The most rows to print
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: u32,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// `hooklake parked show …`
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The consumer, as `hooklake status` names it
    consumer: String,
    /// The event's position in the log
    position: i64,
    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// `hooklake parked retry …`
#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The consumer, as `hooklake status` names it
    consumer: String,
    /// The event's position in the log
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    position: Option<i64>,
    /// Every event that the consumer parked
    #[arg(long)]
    all: bool,
    /// Seconds to wait for the outcome; the request stands after them
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    timeout: u64,
}

/// `hooklake parked drop …`
#[derive(Debug, Args)]
pub(super) struct DropOne {
    /// The consumer, as `hooklake status` names it
    consumer: String,
    /// The event's position in the log
    position: i64,
    /// Why its loss is accepted; it stands in the log for ever
    #[arg(long)]
    reason: String,
}

/// Does what was asked.
pub(super) async fn run(base: &Base, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(arguments) => list(base, arguments).await,
        Command::Show(arguments) => show(base, arguments).await,
        Command::Retry(arguments) => retry(base, arguments).await,
        Command::Drop(arguments) => drop_one(base, arguments).await,
    }
}

async fn list(base: &Base, arguments: List) -> anyhow::Result<Exit> {
    if arguments.group {
        return groups(base, arguments).await;
    }
    let found = parked::list(&base.database, arguments.consumer.as_deref(), arguments.dropped, arguments.limit).await?;
    let state = |parked: &Parked| match (parked.dropped_at, parked.retry_requested_at) {
        (Some(_), _) => "dropped",
        (None, Some(_)) => "retry requested",
        (None, None) => "parked",
    };
    let row = |parked: &Parked| {
        vec![
            json!(parked.consumer),
            json!(parked.position),
            json!(state(parked)),
            json!(parked.attempts),
            json!(second(parked.parked_at)),
            json!(parked.event_id),
            json!(parked.reason),
        ]
    };
    let rows: Vec<Vec<Value>> = found.iter().map(row).collect();
    output::print(arguments.output, &["consumer", "position", "state", "attempts", "parked_at", "event_id", "reason"], &rows)?;
    Ok(Exit::Done)
}

async fn groups(base: &Base, arguments: List) -> anyhow::Result<Exit> {
    let found = parked::groups(&base.database, arguments.consumer.as_deref(), arguments.dropped, arguments.limit).await?;
    let row = |group: &parked::Group| {
        vec![
            json!(group.consumer),
            json!(group.events),
            json!(group.retry_requested),
            json!(group.dropped),
            json!(group.first_position),
            json!(group.last_position),
            json!(second(group.last_parked_at)),
            json!(group.error),
        ]
    };
    let rows: Vec<Vec<Value>> = found.iter().map(row).collect();
    let columns = ["consumer", "events", "retry_requested", "dropped", "first_position", "last_position", "last_parked_at", "error"];
    output::print(arguments.output, &columns, &rows)?;
    Ok(Exit::Done)
}

async fn show(base: &Base, arguments: Show) -> anyhow::Result<Exit> {
    let Some(parked) = find(base, &arguments.consumer, arguments.position).await? else { return Ok(Exit::Refused) };
    let envelope = match parked.event_id.parse::<EventId>() {
        Ok(id) => Reader::new(base.database.clone()).one(&Tenant::default_tenant(), id).await?,
        Err(_) => None,
    };
    let mut facts = vec![
        ("consumer", json!(parked.consumer)),
        ("position", json!(parked.position)),
        ("event_id", json!(parked.event_id)),
        ("reason", json!(parked.reason)),
        ("attempts", json!(parked.attempts)),
        ("parked_at", json!(second(parked.parked_at))),
        ("tried_at", json!(parked.tried_at.map(second))),
        ("retry_requested_at", json!(parked.retry_requested_at.map(second))),
        ("dropped_at", json!(parked.dropped_at.map(second))),
        ("drop_reason", json!(parked.drop_reason)),
    ];
    facts.extend(envelope.as_ref().map_or_else(|| vec![("event", json!("no longer in the log"))], of_envelope));
    match arguments.output {
        Format::Table => {
            for (name, value) in facts.iter().filter(|(_, value)| !value.is_null()) {
                let text = value.as_str().map_or_else(|| value.to_string(), output::visible);
                say!("{name:<20}{text}")?;
            }
        }
        format => {
            let (names, values): (Vec<&str>, Vec<Value>) = facts.into_iter().unzip();
            output::print(format, &names, &[values])?;
        }
    }
    Ok(Exit::Done)
}

fn of_envelope(envelope: &Envelope) -> Vec<(&'static str, Value)> {
    vec![
        ("source", json!(envelope.source)),
        ("event_type", json!(envelope.event_type)),
        ("delivery_key", json!(envelope.delivery_key)),
        ("received_at", json!(second(envelope.received_at))),
        ("verdict", json!(envelope.verdict.as_str())),
        ("flags", json!(envelope.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>().join(","))),
        ("parse_status", json!(envelope.payload().status.as_str())),
        ("body_bytes", json!(envelope.body.len())),
        ("body_excerpt", json!(excerpt(&envelope.body))),
    ]
}

async fn retry(base: &Base, arguments: Retry) -> anyhow::Result<Exit> {
    let mut consumers = registry::consumers(base)?;
    let Some(consumer) = consumers.iter_mut().find(|consumer| consumer.name() == arguments.consumer) else {
        eprintln!("hooklake: there is no consumer {:?} that runs with these settings; `hooklake status` names them", arguments.consumer);
        return Ok(Exit::Refused);
    };
    let requested = parked::request(&base.database, &arguments.consumer, arguments.position.map(Position::new)).await?;
    if requested.is_empty() {
        let what = arguments.position.map_or_else(|| "has no parked event".to_owned(), |position| format!("has no parked event at position {position}"));
        eprintln!("hooklake: {} {what}; see `hooklake parked list`", arguments.consumer);
        return Ok(if arguments.all { Exit::Done } else { Exit::Refused });
    }
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    let give_up = Instant::now() + Duration::from_secs(arguments.timeout);
    let outcome = loop {
        let outcome = parked::outcome(&base.database, &arguments.consumer, &requested).await?;
        if outcome.waiting == 0 || Instant::now() >= give_up {
            break outcome;
        }
        // Without a server nobody would pick it up. Whoever holds the lease is the one writer.
        let standings = checkpoint::standings(&base.database).await?;
        let is_owned = standings.iter().any(|standing| standing.name == arguments.consumer && standing.owner.is_some());
        if is_owned {
            tokio::time::sleep(LOOK_EVERY).await;
        } else if let Err(error) = runner.retry_parked(consumer.as_mut()).await {
            // Another owner came first: what matters is how the requests stand.
            tracing::debug!(error = &error as &dyn std::error::Error, "the command did not try them itself");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tasks.stop().tell();
    report(base, &arguments, &requested, &outcome).await
}

async fn report(base: &Base, arguments: &Retry, requested: &[Position], outcome: &parked::Outcome) -> anyhow::Result<Exit> {
    let waiting = usize::try_from(outcome.waiting).unwrap_or(usize::MAX);
    let taken = requested.len().saturating_sub(outcome.failed.len()).saturating_sub(waiting);
    say!("{}: {taken} taken, {} failed again, {waiting} waiting.", arguments.consumer, outcome.failed.len())?;
    for position in &outcome.failed {
        let reason = parked::one(&base.database, &arguments.consumer, *position).await?.map(|parked| parked.reason).unwrap_or_default();
        say!("  position {position}: {}", output::visible(&reason))?;
    }
    if waiting > 0 {
        eprintln!("hooklake: not picked up within {} s; the request stands, and the server that follows tries it", arguments.timeout);
        return Ok(Exit::Failed);
    }
    Ok(if outcome.failed.is_empty() { Exit::Done } else { Exit::Unhealthy })
}

async fn drop_one(base: &Base, arguments: DropOne) -> anyhow::Result<Exit> {
    if arguments.reason.trim().is_empty() {
        eprintln!("hooklake: --reason must say why the loss is accepted");
        return Ok(Exit::Refused);
    }
    let Some(found) = find(base, &arguments.consumer, arguments.position).await? else { return Ok(Exit::Refused) };
    let note = own::note(parked::DROPPED_TYPE, &parked::drop_note(&found, &arguments.reason), chrono::Utc::now())?;
    let tasks = Tasks::default();
    // Written down first: an event that is given up must not be given up silently.
    let receipt = Appender::start(&base.database, &tasks, &Metrics::new(), &Recent::default()).append(note).await?;
    parked::mark_dropped(&base.database, &found.consumer, found.position, &arguments.reason).await?;
    tasks.stop().tell();
    say!("{} does without position {}; position {} of the log says why.", found.consumer, found.position, receipt.position)?;
    Ok(Exit::Done)
}

async fn find(base: &Base, consumer: &str, position: i64) -> anyhow::Result<Option<Parked>> {
    let found = parked::one(&base.database, consumer, Position::new(position)).await?;
    if found.is_none() {
        eprintln!("hooklake: {consumer} has no parked event at position {position}; see `hooklake parked list`");
    }
    Ok(found)
}

fn second(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The beginning of a body, with whatever a terminal would obey or hide written out: it is a stranger's.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_BYTES)]);
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '"' | '\'' | '\\') {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    if body.len() > EXCERPT_BYTES {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(excerpt(b"{\"a\":\"\x1b[31m\xe2\x80\xae\xff\n\"}"), "{\"a\":\"\\u{1b}[31m\\u{202e}\u{fffd}\\n\"}");
        let long = excerpt(&[b'x'; 5000]);
        assert_eq!((long.chars().count(), long.ends_with('…')), (EXCERPT_BYTES + 1, true));
    }
}
