//! What an event costs as the log grows: `make growth EVENTS=1000000`.
//!
//! A simulated organisation with payloads as large as GitHub's sends all it does, in steps of a hundred thousand, each step timed until the last
//! consumer has seen the last of them. What a step prints must not rise.

use anyhow::Context;
use futures::{StreamExt, TryStreamExt};
use hooklake::demo::sender::{Answer, Sender};
use hooklake::demo::signing::Signer;
use hooklake::domain::Clock;
use hooklake::serve::Access;
use hooklake::simulate::{Organisation, Padding, Settings};
use hooklake::sources::Secret;

use crate::server::{SECRET, Server};
use crate::watch::Watch;

const STEP: usize = 100_000;
const AT_ONCE: usize = 64;
/// More days than are needed for as many events as anyone will wait for.
const DAYS: u32 = 100_000;

/// Prints a line for each step, so many events in all.
pub async fn run(events: usize) -> anyhow::Result<()> {
    let server = Server::start("ingest,consume,serve").await.context("the server does not start")?;
    println!("a simulated organisation of 200 people, payloads as large as GitHub's, {AT_ONCE} at once, every consumer");
    let watch = Watch::on(&server)?;
    let token = Access::new(watch.database.clone(), Clock::system()).rotate().await?;
    let sender = Sender::to(&format!("http://{}", server.address), Signer::new(&[SECRET; 3].map(Secret::new), token.reveal()))?;
    let mut organisation = Organisation::new(&Settings { people: 200, repos: 40, days: DAYS, padding: Padding::Real, ..Settings::default() });
    for step in 1..=events.div_ceil(STEP) {
        let deliveries = organisation.by_ref().take(STEP);
        let answers = futures::stream::iter(deliveries).map(|one| {
            let sender = &sender;
            async move { sender.offer(&one.delivery).await }
        });
        let accepted = answers.buffered(AT_ONCE).try_fold(0, async |accepted, answer| match answer {
            Answer::Refused(status, text) => anyhow::bail!("a delivery was answered {status}: {text}"),
            Answer::Accepted | Answer::Duplicate => Ok(accepted + 1),
        });
        watch.over(&format!("log of {}", step * STEP), accepted).await?;
        // Nobody asks what was true, and it would fill the memory.
        drop(organisation.take_truth());
    }
    server.stop().await
}
