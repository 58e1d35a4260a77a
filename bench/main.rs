//! What hooklake can do on this machine: `make bench`, or one of it (`make bench project`), `make overload`,
//! `make growth`.
//!
//! Everything is measured on a real server process with a PostgreSQL of its own, in one run with the load generator
//! beside it. Figures are for comparing within a run; machines differ, and are shared.

mod bodies;
mod copy;
mod growth;
mod ingest;
mod latencies;
mod load;
mod overload;
mod project;
mod rebuild;
mod retention;
mod server;
mod steps;
mod talk;
mod verify;
mod watch;

use std::time::Duration;

use anyhow::Context;

const ROUNDS: u64 = 3;
const OVERLOAD_SECONDS: u64 = 300;
/// A week's partition of the bench.
const RETIRED_ENVELOPES: u64 = 100_000;
const READ_ENVELOPES: u64 = 50_000;
const GROWTH_EVENTS: u64 = 1_000_000;

/// `ingest [TABLE…]`, `project [ROUNDS]`, `rebuild [ENVELOPES]`, `retention [ENVELOPES]`, `verify [ENVELOPES]`, `overload [SECONDS]` or
/// `growth [EVENTS]`; cargo adds flags of its own.
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let words: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let (what, rest) = words.split_first().context("which bench: ingest, project, rebuild, retention, verify, overload or growth?")?;
    match what.as_str() {
        "ingest" => ingest::rates(rest).await,
        "project" => project::run(number(rest, ROUNDS)?.try_into()?).await,
        "rebuild" => rebuild::run(number(rest, READ_ENVELOPES)?.try_into()?).await,
        "retention" => retention::run(number(rest, RETIRED_ENVELOPES)?.try_into()?).await,
        "verify" => verify::run(number(rest, READ_ENVELOPES)?.try_into()?).await,
        "overload" => overload::run(Duration::from_secs(number(rest, OVERLOAD_SECONDS)?)).await,
        "growth" => growth::run(number(rest, GROWTH_EVENTS)?.try_into()?).await,
        other => anyhow::bail!("there is no bench {other:?}; there are ingest, project, rebuild, retention, verify, overload and growth"),
    }
}

fn number(words: &[String], otherwise: u64) -> anyhow::Result<u64> {
    words.first().map_or(Ok(otherwise), |word| word.parse().with_context(|| format!("{word:?} is not a number")))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
