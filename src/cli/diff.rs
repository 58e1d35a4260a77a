//! `hooklake diff`.

use clap::Args;
use serde_json::{Value, json};

use super::output::say;
use super::{Exit, Format, output, rebuild};
use crate::app::Base;
use crate::consumer::diff::{DiffError, diff};
use crate::registry;

/// `hooklake diff …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The consumer, as `hooklake status` names it
    consumer: String,
    /// What to compare: `live`, `rebuild` (what `hooklake rebuild --no-swap` filled), or their version numbers
    #[arg(long, num_args = 2, value_names = ["A", "B"], default_values = ["live", "rebuild"])]
    versions: Vec<String>,
    /// Rows to name for each table; all are counted
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: u32,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// Shows which rows differ between what is live and what a rebuild would put in its place.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let consumers = registry::consumers(base)?;
    let Some(consumer) = rebuild::find(&consumers, &arguments.consumer) else { return Ok(Exit::Refused) };
    let versions = [arguments.versions[0].as_str(), arguments.versions[1].as_str()];
    let (sides, tables) = match diff(&base.database, consumer, versions, arguments.limit).await {
        Err(DiffError::Refused(why)) => {
            eprintln!("hooklake: {why}");
            return Ok(Exit::Refused);
        }
        compared => compared?,
    };
    if arguments.output == Format::Table {
        let [a, b] = &sides;
        say!("A is {} (version {}), B is {} (version {}), both through position {}.", a.name, a.version, b.name, b.version, a.position.min(b.position))?;
        for table in &tables {
            say!("{}: {} rows only in A, {} only in B, {} changed.", table.table, table.only_first, table.only_second, table.changed)?;
        }
    }
    let word = |kind: &str| match kind {
        "only_first" => "only in A",
        "only_second" => "only in B",
        _ => "changed",
    };
    let rows: Vec<Vec<Value>> = tables
        .iter()
        .flat_map(|table| table.rows.iter().map(move |row| vec![json!(table.table), json!(word(&row.kind)), row.key.clone(), row.columns.clone()]))
        .collect();
    if arguments.output != Format::Table || !rows.is_empty() {
        output::print(arguments.output, &["table", "difference", "key", "values_a_b"], &rows)?;
    }
    Ok(Exit::Done)
}
