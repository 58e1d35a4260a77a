//! `hooklake redact`.

use clap::Args;

use super::Exit;
use super::output::say;
use crate::app::Base;
use crate::domain::places::Cause;
use crate::domain::{Clock, EventId, Position, Tenant};
use crate::log::Reader;
use crate::retention::blank::Pointer;
use crate::retention::redact::Order;
use crate::retention::{Custodian, Error};
use crate::tasks::Tasks;

/// `hooklake redact …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Events by their names, evt_…
    #[arg(value_name = "EVENT_ID")]
    events: Vec<EventId>,
    /// Events by their positions
    #[arg(long = "position", value_name = "N")]
    positions: Vec<i64>,
    /// Only this part of the body, as a JSON pointer such as /sender/email; `*` is every item [default: the whole body]
    #[arg(long = "path", value_name = "POINTER")]
    paths: Vec<Pointer>,
    /// Why; it stays in the log for ever
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: By,
}

/// Who acts.
#[derive(Debug, Args)]
pub(super) struct By {
    /// Who does it; it stays in the log for ever [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl By {
    pub(super) fn name(self) -> String {
        let user = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| !name.is_empty());
        self.by.or_else(user).unwrap_or_else(|| "unknown".to_owned())
    }
}

/// Takes bodies away, or parts of them; everything made from them follows.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let reader = Reader::new(base.database.clone());
    let mut positions: Vec<Position> = arguments.positions.into_iter().map(Position::new).collect();
    for id in arguments.events {
        let Some(envelope) = reader.one(&Tenant::default_tenant(), id).await? else {
            eprintln!("hooklake: there is no event {id}");
            return Ok(Exit::Refused);
        };
        positions.push(envelope.position);
    }
    if positions.is_empty() {
        eprintln!("hooklake: say which events: by name, or by --position");
        return Ok(Exit::Refused);
    }
    let tasks = Tasks::default();
    let mut custodian = Custodian::connect(&base.database, &tasks, Clock::system(), arguments.by.name()).await?;
    let order = Order { cause: Cause::Redact, reason: arguments.reason, paths: arguments.paths, erasure: None, lake_keeps: false };
    let done = match custodian.redact(&order, &positions).await {
        Ok(done) => done,
        Err(error) => return refused(error),
    };
    say!(
        "Redacted {} events ({} bytes) and {} other bodies under their keys; the act is at position {}.",
        done.envelopes,
        done.bytes,
        done.conflicts,
        done.act
    )?;
    say!("Tables, links, index and lake forget them as their consumers pass it: `hooklake status`.")?;
    // After what is done was said: others may hold these up.
    let discarded = custodian.discard_leftovers(&base.data_dir()).await;
    tasks.stop().tell();
    discarded?;
    Ok(Exit::Done)
}

/// What was refused for its own sake is said as such; everything else failed.
pub(super) fn refused(error: Error) -> anyhow::Result<Exit> {
    match error {
        Error::Held(_) | Error::Own(_) | Error::Request(_) | Error::TooYoung(_) => {
            eprintln!("hooklake: {error}");
            Ok(Exit::Refused)
        }
        error => Err(error.into()),
    }
}
