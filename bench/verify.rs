//! How fast the log is verified, beside how fast its bytes can be read: `make bench verify`.
//!
//! Everything is read once before the clock starts. Then in one run, each a few times in turn, of which the fastest counts:
//! the log as `COPY` gives it over one connection; what `hooklake verify` reads, with nothing done to it; `hooklake verify`;
//! the same with every signature. No deliveries come meanwhile.

use std::time::Instant;

use anyhow::{Context, ensure};
use futures::TryStreamExt;
use hooklake::db::Database;

use crate::bodies;
use crate::server::Server;

const ROUNDS: usize = 3;

/// Bytes of envelopes, and in what time.
#[derive(Clone, Copy)]
struct Rate {
    megabytes: f64,
    seconds: f64,
}

impl Rate {
    fn per_second(self) -> f64 {
        self.megabytes / self.seconds
    }
}

/// Prints rates over a log of so many envelopes.
pub async fn run(envelopes: usize) -> anyhow::Result<()> {
    let real = bodies::real()?;
    let (server, database) = Server::filled(&real, envelopes).await?;
    let arguments: [(&str, &[&str]); 3] = [("read as verify does", &["--only-read"]), ("verify", &[]), ("verify --signatures", &["--signatures"])];
    verify(&server, &["--only-read"]).await?;
    let mut copied: Option<Rate> = None;
    let mut verified: [Option<Rate>; 3] = [None; 3];
    for _ in 0..ROUNDS {
        keep_faster(&mut copied, copy(&database).await?);
        for (best, (_, arguments)) in verified.iter_mut().zip(&arguments) {
            keep_faster(best, verify(&server, arguments).await?);
        }
    }
    let limit = verified[0].context("no round")?;
    println!("{envelopes} real payloads, {} bytes on average, the faster of {ROUNDS}, warm\n", real.mean());
    println!("{:<24} {:>10} {:>10} {:>12} {:>10}", "", "seconds", "MB/s", "envelopes/s", "of reading");
    let names = std::iter::once("COPY to one connection").chain(arguments.map(|(name, _)| name));
    for (name, rate) in names.zip(std::iter::once(copied).chain(verified)) {
        let rate = rate.context("no round")?;
        let share = rate.per_second() / limit.per_second();
        println!("{name:<24} {:>10.2} {:>10.0} {:>12.0} {share:>10.2}", rate.seconds, rate.per_second(), envelopes as f64 / rate.seconds);
    }
    server.stop().await
}

fn keep_faster(best: &mut Option<Rate>, rate: Rate) {
    if best.is_none_or(|best| rate.seconds < best.seconds) {
        *best = Some(rate);
    }
}

/// What the program says of itself: without its start, with which a longer log would not take longer.
async fn verify(server: &Server, arguments: &[&str]) -> anyhow::Result<Rate> {
    let mut command = server.program();
    command.args(["verify", "--output", "json"]).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(output.status.success(), "verify {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| said[name].as_f64().with_context(|| format!("verify does not say {name}"));
    Ok(Rate { megabytes: number("bytes")? / 1e6, seconds: number("seconds")? })
}

async fn copy(database: &Database) -> anyhow::Result<Rate> {
    let (client, connection) = database.dedicated().await?;
    let driver = tokio::spawn(connection);
    let started = Instant::now();
    let bytes = client.copy_out("COPY (SELECT * FROM log.envelopes) TO STDOUT (FORMAT binary)").await?;
    let bytes: usize = bytes.try_fold(0, async |sum, chunk| Ok(sum + chunk.len())).await?;
    let seconds = started.elapsed().as_secs_f64();
    drop(client);
    driver.await??;
    Ok(Rate { megabytes: bytes as f64 / 1e6, seconds })
}
