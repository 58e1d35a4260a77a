//! `hooklake sql`.

use std::time::Duration;

use clap::Args;

use super::output::{say, write_out};
use super::{Exit, Format};
use crate::app::Base;
use crate::domain::Tenant;
use crate::lake::Error;
use crate::lake::engine::QueryOptions;

/// `hooklake sql …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// One statement that reads, in DataFusion's SQL; `SHOW TABLES` lists what there is
    query: String,
    /// The most rows to print
    #[arg(long, default_value_t = 1000, value_name = "N")]
    max_rows: usize,
    /// Seconds after which the question is given up
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    timeout: u64,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// Asks, prints rows, and says on standard error how far the answer reaches.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let engine = base.engine()?;
    let options = QueryOptions { max_rows: arguments.max_rows, timeout: Duration::from_secs(arguments.timeout) };
    let answer = match engine.query(&Tenant::default_tenant(), &arguments.query, options).await {
        Ok(answer) => answer,
        Err(error) if error.is_refusal() => {
            eprintln!("hooklake: {error}");
            return Ok(Exit::Refused);
        }
        Err(error) => return Err(error.into()),
    };
    match arguments.output {
        Format::Table => say!("{}", answer.to_table()?)?,
        Format::Json => say!("{}", serde_json::to_string_pretty(&answer.to_json_rows()?)?)?,
        Format::Csv => write_out!("{}", answer.to_csv()?)?,
    }
    let cut = if answer.truncated { format!(", cut at {}; --max-rows gives more", answer.rows) } else { String::new() };
    let receipt = &answer.receipt;
    let reach = if receipt.complete { "complete" } else { "incomplete" };
    eprintln!("{} rows{cut}; {reach} through position {}, {} ms behind the log.", answer.rows, receipt.through_position, receipt.lag_ms);
    Ok(Exit::Done)
}

impl Error {
    /// True when the question itself is at fault.
    const fn is_refusal(&self) -> bool {
        matches!(self, Self::NotReadOnly(_) | Self::Syntax(_) | Self::TooComplex(_) | Self::TooLarge(_))
    }
}
