//! Sends signed deliveries over HTTP, a few at a time.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use super::deliveries::Delivery;
use super::signing::Signer;
use crate::sources::Secret;

/// As many as a busy provider sends at once.
pub const AT_ONCE: usize = 16;
const TELL_EVERY: usize = 100;
/// The status of a server that could not store a delivery now.
const COME_AGAIN: u16 = 503;
const COME_AGAIN_AFTER: Duration = Duration::from_secs(1);
const COME_AGAIN_MAX: usize = 20;

/// Sends to one server.
#[derive(Debug)]
pub struct Sender {
    client: reqwest::Client,
    base: String,
    signer: Signer,
}

/// What a server made of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is new in the log.
    Accepted,
    /// It was in the log already.
    Duplicate,
    /// It is not in the log: the status, and what the server says.
    Refused(u16, String),
}

/// What became of what was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// New in the log.
    pub accepted: usize,
    /// In the log already.
    pub duplicate: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.accepted += more.accepted;
        self.duplicate += more.duplicate;
    }
}

impl Sender {
    /// A sender with the secrets of GitHub, Linear and Slack, in this order, and a token for events of one's own.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(address: SocketAddr, secrets: &[Secret; 3], token: &str) -> anyhow::Result<Self> {
        Self::to(&format!("http://{address}"), Signer::new(secrets, token))
    }

    /// A sender to the server at this address, `https://…`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn to(base: &str, signer: Signer) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build().context("no HTTP client")?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned(), signer })
    }

    /// Sends everything, `at_once` deliveries at a time: 1 keeps their order. `tell` hears from time to time how many were
    /// answered.
    ///
    /// # Errors
    /// When the server refuses one, or cannot be reached.
    pub async fn send_all(&self, deliveries: &[Delivery], at_once: usize, mut tell: impl FnMut(usize)) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        let mut answers = futures::stream::iter(deliveries).map(|delivery| self.send(delivery)).buffered(at_once);
        while let Some(duplicate) = answers.try_next().await? {
            if duplicate {
                tally.duplicate += 1;
            } else {
                tally.accepted += 1;
            }
            let done = tally.accepted + tally.duplicate;
            if done.is_multiple_of(TELL_EVERY) || done == deliveries.len() {
                tell(done);
            }
        }
        Ok(tally)
    }

    /// Sends one, again whenever it is told to come again, as providers do; true when it was known already.
    async fn send(&self, delivery: &Delivery) -> anyhow::Result<bool> {
        let mut answer = self.offer(delivery).await?;
        for _ in 0..COME_AGAIN_MAX {
            if !matches!(answer, Answer::Refused(COME_AGAIN, _)) {
                break;
            }
            tokio::time::sleep(COME_AGAIN_AFTER).await;
            answer = self.offer(delivery).await?;
        }
        match answer {
            Answer::Accepted => Ok(false),
            Answer::Duplicate => Ok(true),
            Answer::Refused(status, text) => bail!("a {} delivery ({}) was answered {status}: {text}", delivery.source, delivery.event),
        }
    }

    /// Sends one, signed now.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn offer(&self, delivery: &Delivery) -> anyhow::Result<Answer> {
        let (path, headers) = self.signer.sign(delivery, chrono::Utc::now())?;
        let mut request = self.client.post(format!("{}{path}", self.base)).body(delivery.body.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.with_context(|| format!("the server at {} does not answer", self.base))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("the server at {} stopped in the middle of its answer", self.base))?;
        if !status.is_success() {
            return Ok(Answer::Refused(status.as_u16(), text));
        }
        let reply: Value = serde_json::from_str(&text).unwrap_or_default();
        Ok(if reply["duplicate"] == Value::Bool(true) { Answer::Duplicate } else { Answer::Accepted })
    }
}
