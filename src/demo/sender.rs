//! Sends signed deliveries over HTTP, a few at a time, and comes again as providers do.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use super::deliveries::Delivery;
use super::signing::Signer;
use crate::sources::Secret;

/// As many as a busy provider sends at once.
pub const AT_ONCE: usize = 16;
const TELL_EVERY: usize = 100;
/// The statuses of a server, or of what stands before it, that cannot take a delivery now.
const COME_AGAIN: &[u16] = &[429, 502, 503, 504];
/// How long to wait before coming again when the server does not say; twice as long each time.
const AGAIN_FIRST: Duration = Duration::from_millis(500);
const AGAIN_MAX: Duration = Duration::from_secs(10);
/// The longest that a server may ask for with `Retry-After`.
const TOLD_MAX: Duration = Duration::from_mins(1);
/// How long a server gets for its answer, each time: as long as GitHub gives it.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long after its first try a delivery is sent again, unless told otherwise.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Sends to one server.
#[derive(Debug)]
pub struct Sender {
    client: reqwest::Client,
    base: String,
    signer: Signer,
    patience: Duration,
    answer_within: Duration,
    /// True once the server has answered anything: until then an address without a server is not worth waiting for.
    has_answered: AtomicBool,
    again: AtomicUsize,
}

/// An answer, and when to come again if the server says so.
struct Reply {
    answer: Answer,
    come_again: Option<Duration>,
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
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { client, base, signer, patience: PATIENCE, answer_within: ANSWER_WITHIN, has_answered: AtomicBool::new(false), again: AtomicUsize::new(0) })
    }

    /// The same, but a delivery is sent again for so long.
    #[must_use]
    pub const fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How often deliveries were sent again.
    #[must_use]
    pub fn again(&self) -> usize {
        self.again.load(Ordering::Relaxed)
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
        match self.offer(delivery).await? {
            Answer::Accepted => Ok(false),
            Answer::Duplicate => Ok(true),
            Answer::Refused(status, text) => bail!("a {} delivery ({}) was answered {status}: {text}", delivery.source, delivery.event),
        }
    }

    /// Sends one, and again while the server is busy or gone, as providers do: when it says, or less and less often, until
    /// patience ends. Signed anew each time. What was stored although its answer was lost is a duplicate then.
    ///
    /// # Errors
    /// When the server does not answer, or not in time.
    pub async fn offer(&self, delivery: &Delivery) -> anyhow::Result<Answer> {
        let started = Instant::now();
        let mut tries = 0;
        loop {
            let reply = self.attempt(delivery).await;
            let told = match &reply {
                Ok(Reply { answer: Answer::Refused(status, _), come_again }) if COME_AGAIN.contains(status) => *come_again,
                Err(_) if self.has_answered.load(Ordering::Relaxed) => None,
                _ => return reply.map(|reply| reply.answer),
            };
            let wait = wait(tries, told);
            if started.elapsed() + wait > self.patience {
                return reply.map(|reply| reply.answer);
            }
            tokio::time::sleep(wait).await;
            self.again.fetch_add(1, Ordering::Relaxed);
            tries += 1;
        }
    }

    async fn attempt(&self, delivery: &Delivery) -> anyhow::Result<Reply> {
        let (path, headers) = self.signer.sign(delivery, chrono::Utc::now())?;
        let mut request = self.client.post(format!("{}{path}", self.base)).timeout(self.answer_within).body(delivery.body.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.with_context(|| format!("the server at {} does not answer", self.base))?;
        self.has_answered.store(true, Ordering::Relaxed);
        let status = answer.status();
        let come_again = answer.headers().get(reqwest::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        let text = answer.text().await.with_context(|| format!("the server at {} stopped in the middle of its answer", self.base))?;
        let answer = if status.is_success() {
            let reply: Value = serde_json::from_str(&text).unwrap_or_default();
            if reply["duplicate"] == Value::Bool(true) { Answer::Duplicate } else { Answer::Accepted }
        } else {
            Answer::Refused(status.as_u16(), text)
        };
        Ok(Reply { answer, come_again })
    }
}

/// How long to wait after so many tries before this one: what the server told, within reason.
fn wait(tries: u32, told: Option<Duration>) -> Duration {
    told.map_or_else(|| AGAIN_FIRST.saturating_mul(2_u32.saturating_pow(tries)).min(AGAIN_MAX), |told| told.min(TOLD_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for_without_end() {
        let secrets = ["a", "b", "c"].map(Secret::new);
        // It takes connections, and nobody reads what comes.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut sender = Sender::new(silent.local_addr().expect("an address"), &secrets, "t").expect("a sender").patient(Duration::ZERO);
        sender.answer_within = Duration::from_millis(50);
        let delivery = Delivery {
            source: "github".to_owned(),
            event: "ping".to_owned(),
            id: uuid::Uuid::nil(),
            hook_id: "1",
            content_type: "application/json",
            body: "{}".to_owned(),
        };
        let answer = tokio::time::timeout(PATIENCE, sender.offer(&delivery)).await.expect("it ends");
        assert!(answer.is_err_and(|error| error.to_string().contains("does not answer")));
    }

    #[test]
    fn the_server_says_when_to_come_again_and_else_it_is_less_and_less_often() {
        let seconds = Duration::from_secs;
        assert_eq!((wait(0, None), wait(1, None), wait(4, None)), (AGAIN_FIRST, seconds(1), seconds(8)));
        assert_eq!((wait(5, None), wait(u32::MAX, None)), (AGAIN_MAX, AGAIN_MAX));
        assert_eq!((wait(7, Some(seconds(2))), wait(0, Some(seconds(0)))), (seconds(2), seconds(0)));
        assert_eq!(wait(0, Some(seconds(86_400))), TOLD_MAX);
    }
}
