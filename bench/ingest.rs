//! How many deliveries a second hooklake takes, beside what the database itself can take: `make bench`.
//!
//! One run, one machine: a raw `COPY` of the same envelopes into a table of the same shape is the physical limit; then
//! signed deliveries over HTTP to a real server process, on 1, 64 and 1,000 connections, each acknowledged after a
//! durable commit. The load generator shares the machine with both.

use anyhow::Context;

use crate::bodies::{self, Bodies};
use crate::latencies::Latencies;
use crate::server::Server;
use crate::{copy, load, milliseconds, steps};

const CONNECTIONS: [usize; 3] = [1, 64, 1000];
pub const INGEST_ONLY: &str = "ingest";
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

/// A single connection waits for each commit, so it gets fewer.
async fn measure(name: &str, server: &Server, bodies: &Bodies, connections: usize, copied: f64) -> anyhow::Result<()> {
    let count = if connections == 1 { bodies.deliveries / 20 } else { bodies.deliveries.max(connections) };
    let measured = load::run(server.address, &bodies.texts, connections, count).await.context("the load")?;
    let rate = measured.rate();
    println!(
        "{:<42} {rate:>10.0} {:>9.1} {:>9.1} {:>9} {:>8.2}{}  {}",
        format!("{name}, {connections} connection{}", if connections == 1 { "" } else { "s" }),
        milliseconds(measured.accepted.all.percentile(0.50)),
        milliseconds(measured.accepted.all.percentile(0.99)),
        server.resident_mb()?,
        rate / copied,
        refusals(&measured.refused.all),
        measured.troubles(),
    );
    Ok(())
}

fn refusals(refused: &Latencies) -> String {
    match refused.count() {
        0 => String::new(),
        count => format!("  (503: {count}, p99 {:.0} ms)", milliseconds(refused.percentile(0.99))),
    }
}
