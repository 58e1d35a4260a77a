//! How many deliveries a second hooklake takes, beside what the database itself can take: `make bench`.
//!
//! One run, one machine: a raw `COPY` of the same envelopes into a table of the same shape is the physical limit; then
//! signed deliveries over HTTP to a real server process, on 1, 64 and 1,000 connections, each acknowledged after a
//! durable commit. The load generator shares the machine with both. `make overload` sends as fast as 10,000 impatient
//! connections can instead, and then looks how soon all is as before.

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::bodies::{self, Bodies};
use crate::server::Server;
use crate::{copy, load, milliseconds, steps};

const CONNECTIONS: [usize; 3] = [1, 64, 1000];
const RATED_CONNECTIONS: usize = 1000;
/// Ten times as many as the rate is stated for, and none of them waits.
const OVERLOAD_CONNECTIONS: usize = 10 * RATED_CONNECTIONS;
const INGEST_ONLY: &str = "ingest";
const EVERYTHING: &str = "ingest,consume,serve";

/// All tables, or those named.
pub async fn rates(named: &[String]) -> anyhow::Result<()> {
    let is_wanted = |name: &str| named.is_empty() || named.iter().any(|wanted| wanted == name);
    let real = bodies::real()?;
    if is_wanted("steps") {
        steps::print(&real.texts)?;
    }
    heading();
    if is_wanted("small") {
        table(&bodies::small(&real), "ingest only", INGEST_ONLY).await?;
    }
    if is_wanted("large") {
        table(&bodies::large(&real), "ingest only", INGEST_ONLY).await?;
    }
    if is_wanted("real") {
        table(&real, "ingest only", INGEST_ONLY).await?;
    }
    if is_wanted("consumers") {
        table(&real, "with every consumer", EVERYTHING).await?;
    }
    Ok(())
}

async fn table(bodies: &Bodies, name: &str, roles: &str) -> anyhow::Result<()> {
    println!("\n{}, {} bytes on average, {} deliveries a measurement", bodies.name, bodies.mean(), bodies.deliveries);
    let server = Server::start(roles).await.context("the server does not start")?;
    let copied = copy::measure(&server.cluster, &bodies.texts, bodies.deliveries).await.context("the raw COPY")?;
    println!("{:<42} {copied:>10.0} {:>9} {:>9} {:>9} {:>8}", "raw COPY, one transaction", "", "", "", "1.00");
    for connections in CONNECTIONS {
        measure(name, &server, bodies, connections, copied).await?;
    }
    server.stop().await
}

fn heading() {
    println!("{:<42} {:>10} {:>9} {:>9} {:>9} {:>8}", "", "per second", "p50 ms", "p99 ms", "RSS MB", "ratio");
}

/// A single connection waits for each commit, so it gets fewer. Returns accepted deliveries a second.
async fn measure(name: &str, server: &Server, bodies: &Bodies, connections: usize, copied: f64) -> anyhow::Result<f64> {
    let count = if connections == 1 { bodies.deliveries / 20 } else { bodies.deliveries.max(connections) };
    let mut measured = load::run(server.address, &bodies.texts, connections, count).await.context("the load")?;
    let rate = measured.accepted.count() as f64 / measured.took.as_secs_f64();
    println!(
        "{:<42} {rate:>10.0} {:>9.1} {:>9.1} {:>9} {:>8.2}{}",
        format!("{name}, {connections} connection{}", if connections == 1 { "" } else { "s" }),
        milliseconds(measured.accepted.percentile(0.50)),
        milliseconds(measured.accepted.percentile(0.99)),
        server.resident_mb()?,
        rate / copied,
        refusals(&mut measured.refused),
    );
    Ok(rate)
}

fn refusals(refused: &mut load::Latencies) -> String {
    match refused.count() {
        0 => String::new(),
        count => format!("  (503: {count}, p99 {:.0} ms)", milliseconds(refused.percentile(0.99))),
    }
}

/// The rate before, under overload, and after it.
pub async fn overloaded(time: Duration) -> anyhow::Result<()> {
    let real = bodies::real()?;
    let server = Server::start(INGEST_ONLY).await.context("the server does not start")?;
    heading();
    let rated = measure("rated", &server, &real, RATED_CONNECTIONS, 1.0).await?;
    let mut measured = load::run_for(server.address, &real.texts, OVERLOAD_CONNECTIONS, time).await?;
    let seconds = measured.took.as_secs_f64();
    let (accepted, refused) = (measured.accepted.count() as f64 / seconds, measured.refused.count() as f64 / seconds);
    println!(
        "{:<42} {accepted:>10.0} {:>9.1} {:>9.1} {:>9} {:>8.2}  ({refused:.0} times 503 a second, p50 {:.0} ms, p99 {:.0} ms)",
        format!("overload, {OVERLOAD_CONNECTIONS} connections, {seconds:.0} s"),
        milliseconds(measured.accepted.percentile(0.50)),
        milliseconds(measured.accepted.percentile(0.99)),
        server.resident_mb()?,
        accepted / rated,
        milliseconds(measured.refused.percentile(0.50)),
        milliseconds(measured.refused.percentile(0.99)),
    );
    let over = Instant::now();
    measure("after it", &server, &real, RATED_CONNECTIONS, rated).await?;
    println!("measured {:.1} s after the overload ended", over.elapsed().as_secs_f64());
    server.stop().await
}
