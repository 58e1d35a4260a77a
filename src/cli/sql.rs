//! `hooklake sql`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::Exit;
use crate::app::Base;
use crate::domain::Tenant;
use crate::lake::Error;
use crate::lake::answer::Answer;
use crate::lake::engine::{Limits, QueryOptions};

/// Rows for eyes, unless more are asked for.
const ROWS_SHOWN: usize = 1_000;
/// Whoever runs this has a process of their own for it, unlike those who share a server.
const LIMITS: Limits = Limits {
    memory_bytes: 512 << 20,
    spill_bytes: 4 << 30,
    rows_max: 10_000_000,
    answer_bytes: 512 << 20,
    timeout_max: Duration::from_hours(1),
    concurrent: 1,
};

/// `hooklake sql …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// One statement that reads, in DataFusion's SQL; `SHOW TABLES` lists what there is, the table `documentation` what it means
    query: String,
    /// The most rows to print [default: 1000, or all that fit into memory for Parquet]
    #[arg(long, value_name = "N")]
    max_rows: Option<usize>,
    /// Seconds after which the question is given up
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Shape,
    /// Where they go instead of standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON list of objects.
    Json,
    /// RFC 4180, with a header line.
    Csv,
    /// A Parquet file, with the types that the columns have.
    Parquet,
}

impl Shape {
    fn write(self, answer: &Answer) -> anyhow::Result<Vec<u8>> {
        Ok(match self {
            Self::Table => format!("{}\n", answer.to_table()?).into_bytes(),
            Self::Json => format!("{}\n", serde_json::to_string_pretty(&answer.to_json_rows()?)?).into_bytes(),
            Self::Csv => answer.to_csv()?.into_bytes(),
            Self::Parquet => answer.to_parquet()?,
        })
    }
}

/// Asks, prints rows, and says on standard error how far the answer reaches.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { query, max_rows, timeout, output, to } = arguments;
    if output == Shape::Parquet && to.is_none() && std::io::stdout().is_terminal() {
        eprintln!("hooklake: a Parquet file is not for a terminal; name one with --to FILE");
        return Ok(Exit::Refused);
    }
    let engine = base.engine_within(LIMITS)?;
    let max_rows = max_rows.unwrap_or(if output == Shape::Parquet { LIMITS.rows_max } else { ROWS_SHOWN });
    let options = QueryOptions { max_rows, timeout: Duration::from_secs(timeout) };
    let answer = match engine.query(&Tenant::default_tenant(), &query, options).await {
        Ok(answer) => answer,
        Err(error) if error.is_refusal() => {
            eprintln!("hooklake: {error}");
            return Ok(Exit::Refused);
        }
        Err(error) => return Err(error.into()),
    };
    let written = output.write(&answer)?;
    if let Some(file) = &to {
        std::fs::write(file, written).with_context(|| format!("cannot write {}", file.display()))?;
    } else {
        let mut out = std::io::stdout().lock();
        out.write_all(&written).and_then(|()| out.flush())?;
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
