//! From a delivery to every table, the index and the lake: `make bench project`.
//!
//! Rounds of as many real payloads as 64 connections bring, each round timed until the last consumer has seen the last of
//! them, so that what an event costs is seen as the log grows. Then the same at rates that are given, with how far the
//! slowest consumer lags. The load generator shares the machine with server and database.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use hooklake::db::Database;
use hooklake::domain::Clock;
use hooklake::serve::Access;

use crate::server::Server;
use crate::watch::Watch;
use crate::{bodies, load};

const CONNECTIONS: usize = 64;
const RATES: [f64; 6] = [250.0, 500.0, 1000.0, 2000.0, 3000.0, 3500.0];
const RATED_TIME: Duration = Duration::from_secs(15);
/// A rate at which the slowest consumer is further behind than this is not sustained; higher ones are not tried.
const LAG_MAX: Duration = Duration::from_secs(2);

/// Prints all of it; so many rounds.
pub async fn run(rounds: usize) -> anyhow::Result<()> {
    let real = bodies::real()?;
    let server = Server::start("ingest,consume,serve").await.context("the server does not start")?;
    println!("{}, {} bytes on average, {} a round, {CONNECTIONS} connections, every consumer", real.name, real.mean(), real.deliveries);
    let watch = Watch::on(&server)?;
    for round in 1..=rounds {
        let sending = load::run(server.address, &real.texts, CONNECTIONS, real.deliveries);
        watch.over(&format!("log of {}", round * real.deliveries), accepted(sending)).await?;
    }
    for rate in RATES {
        let sending = load::run_at(server.address, &real.texts, CONNECTIONS, rate, RATED_TIME);
        if watch.over(&format!("{rate} a second offered"), accepted(sending)).await? > LAG_MAX {
            break;
        }
    }
    consumers(&server, &watch.database).await?;
    server.stop().await
}

async fn accepted(sending: impl Future<Output = anyhow::Result<load::Measured>>) -> anyhow::Result<usize> {
    Ok(sending.await?.accepted.count())
}

/// What each consumer spent on an envelope that it follows, waits for the database and for a core included.
async fn consumers(server: &Server, database: &Database) -> anyhow::Result<()> {
    let token = Access::new(database.clone(), Clock::system()).rotate().await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let text = client.get(format!("http://{}/metrics", server.address)).bearer_auth(token.reveal()).send().await?.error_for_status()?.text().await?;
    let family = |name: &str| -> BTreeMap<String, f64> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix("{consumer=\"")?.split_once("\"} "));
        lines.filter_map(|(consumer, value)| Some((consumer.to_owned(), value.parse().ok()?))).collect()
    };
    let (busy, consumed) = (family("hooklake_consumer_busy_seconds_total"), family("hooklake_consumed_total"));
    println!("\n{:<24} {:>12} {:>12}", "consumer", "envelopes", "us each");
    for (consumer, seconds) in busy {
        let count = consumed.get(&consumer).copied().unwrap_or_default();
        println!("{consumer:<24} {count:>12.0} {:>12.0}", seconds * 1e6 / count.max(1.0));
    }
    Ok(())
}
