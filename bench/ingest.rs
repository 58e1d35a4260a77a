//! How many deliveries a second hooklake takes, beside what the database itself can take: `make bench`.
//!
//! One run, one machine: a raw `COPY` of the same envelopes into a table of the same shape is the physical limit; then
//! signed deliveries over HTTP to a real server process, on 64 and on 1,000 connections, each acknowledged after a
//! durable commit. The load generator shares the machine with both.

#[path = "ingest/copy.rs"]
mod copy;
#[path = "ingest/load.rs"]
mod load;
#[path = "ingest/server.rs"]
mod server;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use hooklake::demo::deliveries;

/// Deliveries of each measurement; with the real payloads' mean of 9.9 KB about 200 MB.
const DELIVERIES: usize = 20_000;
const CONNECTIONS: [usize; 3] = [1, 64, 1000];
/// What the server does meanwhile.
const ROLES: [(&str, &str); 2] = [("ingest only", "ingest"), ("with every consumer", "ingest,consume,serve")];
/// A single connection waits for each commit, so it gets fewer.
const DELIVERIES_ALONE: usize = 1_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let payloads =
        std::env::var_os("HOOKLAKE_BENCH_PAYLOADS").map_or_else(|| PathBuf::from(".tools/examples/node_modules/@octokit/webhooks-examples"), PathBuf::from);
    let bodies: Vec<String> = deliveries::examples(&payloads)?.into_iter().map(|delivery| delivery.body).collect();
    let mean = bodies.iter().map(String::len).sum::<usize>() / bodies.len();
    println!("{} real GitHub payloads, {mean} bytes on average, {DELIVERIES} deliveries a measurement\n", bodies.len());

    println!("{:<42} {:>10} {:>9} {:>9} {:>9} {:>8}", "", "per second", "p50 ms", "p99 ms", "RSS MB", "ratio");
    let mut copied = None;
    for (name, roles) in ROLES {
        let server = server::Server::start(roles).await.context("the server does not start")?;
        if copied.is_none() {
            let rate = copy::measure(&server.cluster, &bodies, DELIVERIES).await.context("the raw COPY")?;
            println!("{:<42} {rate:>10.0} {:>9} {:>9} {:>9} {:>8}", "raw COPY, one transaction", "", "", "", "1.00");
            copied = Some(rate);
        }
        for connections in CONNECTIONS {
            measure(name, &server, &bodies, connections, copied.unwrap_or(1.0)).await?;
        }
        server.stop().await?;
    }
    Ok(())
}

async fn measure(name: &str, server: &server::Server, bodies: &[String], connections: usize, copied: f64) -> anyhow::Result<()> {
    let count = if connections == 1 { DELIVERIES_ALONE } else { DELIVERIES };
    let requests = load::prepare(bodies, connections, count);
    let measured = load::run(server.address, requests).await.context("the load")?;
    let rate = measured.accepted as f64 / measured.took.as_secs_f64();
    println!(
        "{:<42} {rate:>10.0} {:>9.1} {:>9.1} {:>9} {:>8.2}",
        format!("{name}, {connections} connection{}", if connections == 1 { "" } else { "s" }),
        milliseconds(measured.percentile(0.50)),
        milliseconds(measured.percentile(0.99)),
        server.resident_mb()?,
        rate / copied
    );
    anyhow::ensure!(measured.accepted == count, "{} of {count} deliveries were accepted", measured.accepted);
    Ok(())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
