//! From a delivery to every table, the index and the lake: `make bench project`.
//!
//! Rounds of as many real payloads as 64 connections bring, each round timed until the last consumer has seen the last of
//! them, so that what an event costs is seen as the log grows. Then the same at rates that are given, with how far the
//! slowest consumer lags. The load generator shares the machine with server and database.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use hooklake::config::Config;
use hooklake::consumer::checkpoint;
use hooklake::db::Database;
use hooklake::domain::Clock;
use hooklake::serve::Access;

use crate::server::Server;
use crate::{bodies, load, milliseconds};

const CONNECTIONS: usize = 64;
const RATES: [f64; 5] = [250.0, 500.0, 1000.0, 2000.0, 3000.0];
const RATED_TIME: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A rate at which the slowest consumer is further behind than this is not sustained; higher ones are not tried.
const LAG_MAX: Duration = Duration::from_secs(2);

/// Prints all of it; so many rounds.
pub async fn run(rounds: usize) -> anyhow::Result<()> {
    let real = bodies::real()?;
    let server = Server::start("ingest,consume,serve").await.context("the server does not start")?;
    let watch = Watch { database: Database::new(&server.cluster.url("hooklake"), &Config::load(None, [])?.database)?, server: &server };
    println!("{}, {} bytes on average, {} a round, {CONNECTIONS} connections, every consumer", real.name, real.mean(), real.deliveries);
    println!("{:<24} {:>10} {:>11} {:>11} {:>12} {:>12} {:>8}", "", "per second", "lag p50 ms", "lag p99 ms", "server us", "database us", "RSS MB");
    for round in 1..=rounds {
        let sending = load::run(server.address, &real.texts, CONNECTIONS, real.deliveries);
        watch.over(&format!("log of {}", round * real.deliveries), sending).await?;
    }
    for rate in RATES {
        let sending = load::run_at(server.address, &real.texts, CONNECTIONS, rate, RATED_TIME);
        if watch.over(&format!("{rate} a second offered"), sending).await? > LAG_MAX {
            break;
        }
    }
    watch.consumers().await?;
    server.stop().await
}

/// Looks on while deliveries come, and until everyone has seen them.
struct Watch<'a> {
    server: &'a Server,
    database: Database,
}

impl Watch<'_> {
    /// Prints a line; returns the lag that 99 of 100 looks were within.
    async fn over(&self, name: &str, sending: impl Future<Output = anyhow::Result<load::Measured>>) -> anyhow::Result<Duration> {
        let (server_before, database_before) = self.server.processor_seconds()?;
        let started = Instant::now();
        let mut lags = Vec::new();
        let mut sending = std::pin::pin!(sending);
        let mut sent = None;
        loop {
            tokio::select! {
                measured = &mut sending, if sent.is_none() => sent = Some(measured?),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let slowest = self.slowest().await?;
            lags.push(slowest);
            if sent.is_some() && slowest.is_zero() {
                break;
            }
        }
        let took = started.elapsed().as_secs_f64();
        let count = sent.map_or(0, |measured| measured.accepted.count()) as f64;
        let (server, database) = self.server.processor_seconds()?;
        lags.sort_unstable();
        let lag = |share: f64| lags[((lags.len() as f64 * share) as usize).min(lags.len() - 1)];
        println!(
            "{name:<24} {:>10.0} {:>11.0} {:>11.0} {:>12.0} {:>12.0} {:>8}",
            count / took,
            milliseconds(lag(0.50)),
            milliseconds(lag(0.99)),
            (server - server_before) * 1e6 / count,
            (database - database_before) * 1e6 / count,
            self.server.resident_mb()?
        );
        Ok(lag(0.99))
    }

    /// How long the oldest envelope has waited that some consumer has not seen; zero when all have seen all.
    async fn slowest(&self) -> anyhow::Result<Duration> {
        let standings = checkpoint::standings(&self.database).await?;
        let waits = standings.iter().filter(|one| one.lag_events > 0 && !one.is_copy()).map(|one| Duration::from_secs_f64(one.lag_seconds.max(0.001)));
        Ok(waits.max().unwrap_or_default())
    }

    /// What each consumer spent on an envelope that it follows, waits for the database and for a core included.
    async fn consumers(&self) -> anyhow::Result<()> {
        let token = Access::new(self.database.clone(), Clock::system()).rotate().await?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let text = client.get(format!("http://{}/metrics", self.server.address)).bearer_auth(token.reveal()).send().await?.error_for_status()?.text().await?;
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
}
