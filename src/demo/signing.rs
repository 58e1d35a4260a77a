//! Signs deliveries by each provider's rules: the path and the headers that a delivery is sent with.

use anyhow::bail;

use super::deliveries::Delivery;
use crate::domain::clock::Timestamp;
use crate::sources::Secret;
use crate::sources::secret::hmac_sha256;

/// Signs with the secrets of GitHub, Linear and Slack, and with a token for events of one's own.
#[derive(Debug, Clone)]
pub struct Signer {
    github: Secret,
    linear: Secret,
    slack: Secret,
    token: String,
}

/// Names and values of headers.
pub type Headers = Vec<(&'static str, String)>;

impl Signer {
    /// A signer with the secrets of GitHub, Linear and Slack, in this order.
    #[must_use]
    pub fn new(secrets: &[Secret; 3], token: &str) -> Self {
        let [github, linear, slack] = secrets.clone();
        Self { github, linear, slack, token: token.to_owned() }
    }

    /// The path and the headers of a delivery that is sent `now`.
    ///
    /// # Errors
    /// When nobody that we know sends deliveries of this source.
    pub fn sign(&self, delivery: &Delivery, now: Timestamp) -> anyhow::Result<(String, Headers)> {
        let body = delivery.body.as_bytes();
        let id = delivery.id.to_string();
        let made = |secret: &Secret, parts: &[&[u8]]| hex::encode(hmac_sha256(secret.bytes(), parts));
        let mut headers = vec![("Content-Type", delivery.content_type.to_owned())];
        let path = match delivery.source.as_str() {
            "github" => {
                headers.extend([
                    ("X-GitHub-Event", delivery.event.clone()),
                    ("X-GitHub-Delivery", id),
                    ("X-GitHub-Hook-ID", delivery.hook_id.to_owned()),
                    ("User-Agent", "GitHub-Hookshot/demo".to_owned()),
                    ("X-Hub-Signature-256", format!("sha256={}", made(&self.github, &[body]))),
                ]);
                "/webhook/github".to_owned()
            }
            "linear" => {
                headers.extend([
                    ("Linear-Event", delivery.event.clone()),
                    ("Linear-Delivery", id),
                    ("User-Agent", "Linear-Webhook".to_owned()),
                    ("Linear-Signature", made(&self.linear, &[body])),
                ]);
                "/webhook/linear".to_owned()
            }
            "slack" => {
                let time = now.timestamp().to_string();
                let signature = format!("v0={}", made(&self.slack, &[b"v0:", time.as_bytes(), b":", body]));
                headers.extend([
                    ("X-Slack-Request-Timestamp", time),
                    ("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned()),
                    ("X-Slack-Signature", signature),
                ]);
                "/webhook/slack".to_owned()
            }
            "deployment" | "custom" => {
                headers.extend([("Authorization", format!("Bearer {}", self.token)), ("Idempotency-Key", id)]);
                format!("/events/{}", delivery.source)
            }
            other => bail!("a delivery of {other:?} cannot be signed: it is of no provider that is known here"),
        };
        Ok((path, headers))
    }
}
