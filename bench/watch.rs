//! Looks on while deliveries come, until every consumer has seen them.

use std::time::{Duration, Instant};

use hooklake::config::Config;
use hooklake::consumer::checkpoint;
use hooklake::db::Database;

use crate::milliseconds;
use crate::server::Server;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A watch on a server and its database.
pub struct Watch<'a> {
    server: &'a Server,
    pub database: Database,
}

impl<'a> Watch<'a> {
    /// A watch on this server; prints the head of its table.
    pub fn on(server: &'a Server) -> anyhow::Result<Self> {
        println!("{:<24} {:>10} {:>11} {:>11} {:>12} {:>12} {:>8}", "", "per second", "lag p50 ms", "lag p99 ms", "server us", "database us", "RSS MB");
        Ok(Self { server, database: Database::new(&server.cluster.url("hooklake"), &Config::load(None, [])?.database)? })
    }

    /// Prints a line about deliveries that are being sent, which say how many were accepted; returns the lag that 99 of 100 looks were within.
    pub async fn over(&self, name: &str, sending: impl Future<Output = anyhow::Result<usize>>) -> anyhow::Result<Duration> {
        let (server_before, database_before) = self.server.processor_seconds()?;
        let started = Instant::now();
        let mut lags = Vec::new();
        let mut sending = std::pin::pin!(sending);
        let mut sent = None;
        loop {
            tokio::select! {
                count = &mut sending, if sent.is_none() => sent = Some(count?),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let slowest = self.slowest().await?;
            lags.push(slowest);
            if sent.is_some() && slowest.is_zero() {
                break;
            }
        }
        let took = started.elapsed().as_secs_f64();
        let count = sent.unwrap_or_default() as f64;
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
}
