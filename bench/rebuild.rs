//! How fast each consumer is made anew from the log: `make bench rebuild`.
//!
//! `hooklake rebuild NAME` as a user would run it, one consumer after another, its start and its swap included. A server runs
//! on and takes no deliveries.

use std::time::Instant;

use anyhow::ensure;
use hooklake::consumer::checkpoint;

use crate::bodies;
use crate::server::{Server, processor_seconds};

/// Prints a line a consumer, over a log of so many envelopes.
pub async fn run(envelopes: usize) -> anyhow::Result<()> {
    let real = bodies::real()?;
    let (server, database) = Server::filled(&real, envelopes).await?;
    println!("{envelopes} {}, {} bytes on average\n", real.name, real.mean());
    println!("{:<24} {:>10} {:>12} {:>12} {:>12}", "", "seconds", "envelopes/s", "program us", "database us");
    for consumer in checkpoint::standings(&database).await? {
        let (mut command, name) = (server.program(), consumer.name);
        command.args(["rebuild", &name]);
        let (_, database_before) = server.processor_seconds()?;
        let (program_before, started) = (ended_children()?, Instant::now());
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let took = started.elapsed().as_secs_f64();
        ensure!(output.status.success(), "rebuild {name}: {}", String::from_utf8_lossy(&output.stderr));
        let (_, database_after) = server.processor_seconds()?;
        let each = |seconds: f64| seconds * 1e6 / envelopes as f64;
        let (program, database) = (each(ended_children()? - program_before), each(database_after - database_before));
        println!("{name:<24} {took:>10.2} {:>12.0} {program:>12.0} {database:>12.0}", envelopes as f64 / took);
    }
    server.stop().await
}

/// Processor time of the programs that this one started and that have ended.
fn ended_children() -> anyhow::Result<f64> {
    let own = std::process::id();
    Ok(processor_seconds(own, true)? - processor_seconds(own, false)?)
}
