//! `hooklake status` and `hooklake sources`.

use clap::Args;
use serde_json::json;

use super::{Exit, Format, output};
use crate::app::Base;
use crate::consumer::checkpoint;
use crate::log::Reader;
use crate::registry::Doors;

/// `hooklake status …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// `hooklake sources …`
#[derive(Debug, Args)]
pub(super) struct SourcesArguments {
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// Shows where the log ends and where each consumer stands; not healthy when one stands still.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let head = Reader::new(base.database.clone()).head().await?;
    let standings = checkpoint::standings(&base.database).await?;
    let rows: Vec<_> = standings
        .iter()
        .map(|standing| {
            let lag = (standing.lag_seconds * 1000.0).round() / 1000.0;
            vec![
                json!(standing.name),
                json!(standing.position),
                json!(standing.lag_events),
                json!(lag),
                json!(standing.parked),
                json!(standing.owner),
                json!(standing.error),
            ]
        })
        .collect();
    if arguments.output == Format::Table {
        let time = head.received_at.map_or_else(|| "never".to_owned(), |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string());
        println!("The log ends at position {}; last append: {time}.\n", head.position);
    }
    output::print(arguments.output, &["consumer", "position", "lag_events", "lag_seconds", "parked", "owner", "error"], &rows)?;
    let is_healthy = standings.iter().all(|standing| standing.error.is_none());
    Ok(if is_healthy { Exit::Done } else { Exit::Unhealthy })
}

/// Lists the sources and their paths.
pub(super) fn sources(base: &Base, arguments: &SourcesArguments) -> anyhow::Result<Exit> {
    let doors = Doors::new(&base.config, &base.installation.derivation_key)?;
    let rows: Vec<_> = doors
        .listing()
        .into_iter()
        .map(|listing| {
            vec![json!(listing.source), json!(listing.path), json!(listing.generated_path), json!(listing.is_configured), json!(listing.body_bytes_max)]
        })
        .collect();
    output::print(arguments.output, &["source", "path", "generated_path", "has_secret", "body_bytes_max"], &rows)?;
    Ok(Exit::Done)
}
