//! `hooklake codegen`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::say;
use super::redact::By;
use super::{Exit, Format, output};
use crate::app::Base;
use crate::domain::Clock;
use crate::reader::Connection;
use crate::reader::credentials::{GIVEN, Wish};

/// `hooklake codegen …`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show how psql, BI tools and agents connect as the role that only reads; its password is shown once
    ConnectionInfo(Arguments),
}

/// `hooklake codegen connection-info …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Make another password; the one before stops working at once
    #[arg(long)]
    rotate: bool,
    #[command(flatten)]
    by: By,
    /// How it is printed; `json` holds the views as well
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// Shows how to connect.
pub(super) async fn run(base: &Base, command: Command) -> anyhow::Result<Exit> {
    let Command::ConnectionInfo(arguments) = command;
    let wish = if arguments.rotate { Wish::Another } else { Wish::First };
    let readers = base.readers(Clock::system())?;
    if arguments.rotate && readers.is_given() {
        eprintln!("hooklake: {GIVEN}");
        return Ok(Exit::Refused);
    }
    let connection = readers.tell(wish, &arguments.by.name()).await?;
    match arguments.output {
        Format::Json => say!("{}", serde_json::to_string_pretty(&connection)?)?,
        format => output::print(format, &["name", "value"], &rows(&connection))?,
    }
    if arguments.output == Format::Table {
        for note in &connection.notes {
            eprintln!("{note}");
        }
        eprintln!("{} views can be asked: --output json lists them, \\dv+ in psql as well.", connection.views.len());
    }
    Ok(Exit::Done)
}

fn rows(connection: &Connection) -> Vec<Vec<Value>> {
    let facts = [
        ("host", json!(connection.host)),
        ("port", json!(connection.port)),
        ("database", json!(connection.database)),
        ("username", json!(connection.username)),
        ("password", json!(connection.password)),
        ("ssl_mode", json!(connection.ssl_mode)),
        ("uri", json!(connection.uri)),
        ("psql", json!(connection.psql)),
    ];
    let facts = facts.into_iter().map(|(name, value)| vec![json!(name), value]);
    let limits = connection.limits.iter().map(|(name, value)| vec![json!(name), json!(value)]);
    facts.chain(limits).chain(connection.environment.iter().map(|(name, value)| vec![json!(name), json!(value)])).collect()
}
