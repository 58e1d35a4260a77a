//! The demonstration: real webhooks, signed and sent to ourselves over HTTP like any provider would, then questions.
//!
//! [`deliveries`] reads GitHub's own example payloads (npm `@octokit/webhooks-examples`) and the [story](deliveries::STORY)
//! that belongs to them: Linear issues, Slack messages, pull requests and deployments of one small team; a simulated
//! organisation (`crate::simulate`) is handed in. [`signing`] signs
//! and [`sender`] sends them. [`report`] asks what anyone would ask. Everything is the same at every run, so that a second run
//! finds every delivery known.

pub mod deliveries;
pub mod report;
pub mod sender;
pub mod signing;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::app::{App, Base};
use crate::config::Config;
use crate::consumer::checkpoint;
use crate::domain::Clock;
use crate::log::Reader;
use crate::sources::Secret;
use crate::sources::secret::hmac_sha256;

/// A demonstration whose questions can be asked.
#[derive(Debug)]
pub struct Demo {
    /// The server; stop it when done.
    pub app: App,
    /// The admin token of this run.
    pub token: String,
    /// What was sent, and what became of it.
    pub sent: sender::Tally,
}

/// Starts a server, sends it everything and waits until every consumer has seen it: what a simulated organisation did, the
/// examples, and the story last, so that it is the news. `say` is told how it goes.
///
/// # Errors
/// When the server does not start or a delivery is not accepted.
pub async fn run(mut config: Config, payloads: Option<&Path>, simulated: &[deliveries::Delivery], mut say: impl FnMut(&str)) -> anyhow::Result<Demo> {
    config.set_data_dir(config.data_dir().join("demo"));
    say("Starting hooklake and its PostgreSQL …");
    let mut base = Base::open(config).await?;
    let secrets = ["github", "linear", "slack"].map(|source| demo_secret(&base.installation.derivation_key, source));
    base.config.sources.set_demo_secrets(&secrets);
    choose_free_port(&mut base.config).await?;
    let examples = payloads.map_or_else(|| Ok(Vec::new()), deliveries::examples)?;
    let story = deliveries::story(base.installation.created_at)?;
    let app = App::start(base, Clock::system()).await?;
    let token = app.access().rotate().await?.reveal().to_owned();

    let all = simulated.len() + examples.len() + story.len();
    say(&format!("Sending {all} signed webhooks to http://{}, {} of them of a simulated organisation called northwind …", app.address, simulated.len()));
    let sender = sender::Sender::new(app.address, &secrets, &token)?;
    let mut sent = sender.send_all(simulated, sender::AT_ONCE, |done| say(&format!("  {done} of {} simulated ones answered", simulated.len()))).await?;
    sent += sender.send_all(&examples, sender::AT_ONCE, |done| say(&format!("  {done} of {} examples answered", examples.len()))).await?;
    // The story is told in order: a pull request is opened before it is merged.
    sent += sender.send_all(&story, 1, |done| say(&format!("  {done} of {} of the story answered", story.len()))).await?;
    caught_up(&app, &mut say).await?;
    Ok(Demo { app, token, sent })
}

/// A secret of this installation's demonstration: the same at every run, and different everywhere else.
fn demo_secret(derivation_key: &[u8], source: &str) -> Secret {
    Secret::new(hex::encode(hmac_sha256(derivation_key, &[b"demo secret ", source.as_bytes()])))
}

/// The configured port, or any free one when something else listens there: a demonstration should not fail for that.
async fn choose_free_port(config: &mut Config) -> anyhow::Result<()> {
    let wanted = (config.server.host.as_str(), config.server.port);
    if tokio::net::TcpListener::bind(wanted).await.is_err() {
        let free = tokio::net::TcpListener::bind((wanted.0, 0)).await.with_context(|| format!("cannot listen on {}", wanted.0))?;
        config.server.port = free.local_addr()?.port();
    }
    Ok(())
}

/// Waits until every consumer has seen the whole log.
async fn caught_up(app: &App, say: &mut impl FnMut(&str)) -> anyhow::Result<()> {
    let database = &app.base.database;
    let head = Reader::new(database.clone()).head().await?.position;
    let mut told = String::new();
    loop {
        let behind: Vec<String> = checkpoint::standings(database)
            .await?
            .into_iter()
            .filter(|standing| standing.position < head)
            .map(|standing| format!("{} at {} of {head}", standing.name, standing.position))
            .collect();
        if behind.is_empty() {
            return Ok(());
        }
        let news = behind.join(", ");
        if news != told {
            say(&format!("  catching up: {news}"));
            told = news;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
