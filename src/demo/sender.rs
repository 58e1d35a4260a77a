//! Signs deliveries by each provider's rules and sends them over HTTP, a few at a time.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt};
use reqwest::RequestBuilder;
use serde_json::Value;

use super::deliveries::Delivery;
use crate::sources::Secret;
use crate::sources::secret::hmac_sha256;

/// As many as a busy provider sends at once.
pub const AT_ONCE: usize = 16;
const TELL_EVERY: usize = 100;

/// Sends to one server.
#[derive(Debug)]
pub struct Sender {
    client: reqwest::Client,
    base: String,
    github: Secret,
    linear: Secret,
    slack: Secret,
    token: String,
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
        let [github, linear, slack] = secrets.clone();
        let client = reqwest::Client::builder().no_proxy().build().context("no HTTP client")?;
        Ok(Self { client, base: format!("http://{address}"), github, linear, slack, token: token.to_owned() })
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

    /// Sends one; true when it was known already.
    async fn send(&self, delivery: &Delivery) -> anyhow::Result<bool> {
        let answer = self.request(delivery)?.send().await.context("the server does not answer")?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("a {} delivery ({}) was answered {status}: {text}", delivery.source, delivery.event);
        }
        let reply: Value = serde_json::from_str(&text).unwrap_or_default();
        Ok(reply["duplicate"] == Value::Bool(true))
    }

    fn request(&self, delivery: &Delivery) -> anyhow::Result<RequestBuilder> {
        let body = delivery.body.clone();
        let sign = |secret: &Secret, parts: &[&[u8]]| hex::encode(hmac_sha256(secret.bytes(), parts));
        let request = match delivery.source.as_str() {
            "github" => self
                .post("/webhook/github")
                .header("X-GitHub-Event", &delivery.event)
                .header("X-GitHub-Delivery", delivery.id.to_string())
                .header("X-GitHub-Hook-ID", delivery.hook_id)
                .header("User-Agent", "GitHub-Hookshot/demo")
                .header("X-Hub-Signature-256", format!("sha256={}", sign(&self.github, &[body.as_bytes()]))),
            "linear" => self
                .post("/webhook/linear")
                .header("Linear-Event", &delivery.event)
                .header("Linear-Delivery", delivery.id.to_string())
                .header("User-Agent", "Linear-Webhook")
                .header("Linear-Signature", sign(&self.linear, &[body.as_bytes()])),
            "slack" => {
                let time = chrono::Utc::now().timestamp().to_string();
                let signature = sign(&self.slack, &[b"v0:", time.as_bytes(), b":", body.as_bytes()]);
                self.post("/webhook/slack")
                    .header("X-Slack-Request-Timestamp", time)
                    .header("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
                    .header("X-Slack-Signature", format!("v0={signature}"))
            }
            "deployment" | "custom" => {
                self.post(&format!("/events/{}", delivery.source)).bearer_auth(&self.token).header("Idempotency-Key", delivery.id.to_string())
            }
            other => bail!("the story has a delivery from {other:?}, which the demonstration cannot send"),
        };
        Ok(request.header("Content-Type", delivery.content_type).body(body))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }
}
