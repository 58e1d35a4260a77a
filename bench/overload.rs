//! Ten times as many senders as the rate is stated for: `make overload`.
//!
//! In one run on one server: the rate of 1,000 senders; 10,000 that obey `Retry-After`; 10,000 that ask again the moment they
//! are refused; and 1,000 again, directly after. All are the same senders, who make and sign what they send as they go.

use std::time::Duration;

use anyhow::Context;

use crate::bodies::{self, Bodies};
use crate::ingest::INGEST_ONLY;
use crate::load::{self, Manners, RUSH, Timed};
use crate::milliseconds;
use crate::server::{Server, processor_seconds};

const RATED_CONNECTIONS: usize = 1000;
const OVERLOAD_CONNECTIONS: usize = 10 * RATED_CONNECTIONS;
const RATED_TIME: Duration = Duration::from_secs(15);
/// How soon after an overload all must be as before.
const RECOVERED_WITHIN: Duration = Duration::from_secs(30);

/// Prints all of it; each overload lasts so long.
pub async fn run(time: Duration) -> anyhow::Result<()> {
    let real = bodies::real()?;
    let server = Server::start(INGEST_ONLY).await.context("the server does not start")?;
    println!("{}, {} bytes on average", real.name, real.mean());
    println!("Times in ms, from the request to the answer; in brackets without what of it the sender had been told to stay away, and, last, so of");
    println!("what was sent later than {RUSH:?} after all had begun.");
    println!("Server, database and load: the cores that each used.\n");
    println!(
        "{:<32} {:>10} {:>6} {:>18} {:>18} {:>10} {:>18} {:>18} {:>7} {:>7} {:>8} {:>6}",
        "", "accepted/s", "share", "p50", "p99", "refused/s", "p50", "p99", "RSS MB", "server", "database", "load"
    );
    let rated = phase("rated", &server, &real, RATED_CONNECTIONS, RATED_TIME, Manners::Obey, None).await?;
    // Once for what only a first run costs.
    let rated = rated.max(phase("rated, again", &server, &real, RATED_CONNECTIONS, RATED_TIME, Manners::Obey, Some(rated)).await?);
    for (name, manners) in [("overload, all obey", Manners::Obey), ("overload, all impatient", Manners::Impatient)] {
        phase(name, &server, &real, OVERLOAD_CONNECTIONS, time, manners, Some(rated)).await?;
        phase("directly after it", &server, &real, RATED_CONNECTIONS, RECOVERED_WITHIN / 2, Manners::Obey, Some(rated)).await?;
    }
    server.stop().await
}

/// Measures and prints a line; returns what was accepted a second. Server and database: cores that they used.
async fn phase(name: &str, server: &Server, bodies: &Bodies, connections: usize, time: Duration, manners: Manners, rated: Option<f64>) -> anyhow::Result<f64> {
    server.forget_peak()?;
    let (server_before, database_before) = server.processor_seconds()?;
    let load_before = processor_seconds(std::process::id(), false)?;
    let measured = load::run_for(server.address, &bodies.texts, connections, time, manners).await?;
    let (server_after, database_after) = server.processor_seconds()?;
    let load_after = processor_seconds(std::process::id(), false)?;
    let (seconds, rate) = (measured.took.as_secs_f64(), measured.rate());
    let times = |timed: &Timed, share: f64| [&timed.all, &timed.in_time, &timed.later].map(|some| milliseconds(some.percentile(share)));
    let three = |timed: &Timed, share: f64| {
        let [all, in_time, later] = times(timed, share);
        format!("{all:.0} ({in_time:.0}, {later:.0})")
    };
    println!(
        "{:<32} {rate:>10.0} {:>6.2} {:>18} {:>18} {:>10.0} {:>18} {:>18} {:>7} {:>7.2} {:>8.2} {:>6.2}  {}",
        format!("{name}, {seconds:.0} s"),
        rate / rated.unwrap_or(rate),
        three(&measured.accepted, 0.50),
        three(&measured.accepted, 0.99),
        measured.refused.count() as f64 / seconds,
        three(&measured.refused, 0.50),
        three(&measured.refused, 0.99),
        server.resident_mb()?,
        (server_after - server_before) / seconds,
        (database_after - database_before) / seconds,
        (load_after - load_before) / seconds,
        measured.troubles()
    );
    Ok(rate)
}
