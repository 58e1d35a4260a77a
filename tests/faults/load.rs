//! Senders that go on whatever happens, and a reader that follows the log and never forgets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hooklake::db::Database;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use super::ledger::{Known, Ledger};
use crate::harness::{github_signature, wait_until};

/// Whoever has no answer by then counts as not answered. Slack gives up after three seconds, and so much the server takes
/// at most by its own clock; a machine that is busy with other tests may let both wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Deliveries on their way, until told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
    pub counts: Arc<Counts>,
}

/// What the senders saw.
#[derive(Debug, Default)]
pub struct Counts {
    pub acknowledged: AtomicUsize,
    /// Told to come again, with `Retry-After`.
    pub later: AtomicUsize,
    /// The connection broke or was refused.
    pub broken: AtomicUsize,
    /// No answer in time.
    pub silent: AtomicUsize,
}

impl Counts {
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }
}

impl Load {
    /// So many senders, each with one delivery under way; every ninth is not authentic.
    pub fn start(address: SocketAddr, ledger: &Arc<Ledger>, name: &str, senders: usize) -> Self {
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
        let senders = (0..senders)
            .map(|sender| tokio::spawn(keep_sending(address, format!("{name}-{sender}"), Arc::clone(ledger), Arc::clone(&stop), Arc::clone(&counts))))
            .collect();
        Self { stop, senders, counts }
    }

    /// Waits until so many more are acknowledged.
    pub async fn acknowledges(&self, more: usize) {
        let enough = self.counts.acknowledged() + more;
        wait_until("enough is acknowledged", async || self.counts.acknowledged() >= enough).await;
    }

    pub async fn stop(self) -> Arc<Counts> {
        self.stop.store(true, Ordering::SeqCst);
        for sender in self.senders {
            sender.await.expect("a sender ends");
        }
        self.counts
    }
}

/// The body of a delivery follows from its name.
pub fn body(id: &str) -> String {
    let sha = hex::encode(&Sha256::digest(id)[..20]);
    let pull = 1 + usize::from(Sha256::digest(id)[0]) % 5;
    format!(
        r#"{{"action":"opened","number":{pull},"pull_request":{{"number":{pull},"title":"CRA-1: {id}","html_url":"https://github.com/o/r/pull/{pull}","user":{{"login":"ada"}},"head":{{"ref":"b","sha":"{sha}"}}}},"repository":{{"full_name":"o/r"}},"sender":{{"login":"ada"}}}}"#
    )
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build().expect("a client")
}

/// Sends one delivery, written down before and after.
pub async fn send(client: &reqwest::Client, address: SocketAddr, id: &str, ledger: &Ledger, counts: &Counts) -> Known {
    let body = body(id);
    ledger.sending(id, body.as_bytes());
    // Not authentic by its name, so that sending it again is refused again.
    let signature = if id.ends_with('9') { github_signature(b"another body") } else { github_signature(body.as_bytes()) };
    let sending = client
        .post(format!("http://{address}/webhook/github"))
        .header("X-GitHub-Event", "pull_request")
        .header("X-GitHub-Delivery", id)
        .header("X-Hub-Signature-256", signature)
        .header("Content-Type", "application/json")
        .body(body)
        .send();
    let known = match sending.await {
        Ok(answer) if answer.status() == 200 => {
            counts.acknowledged.fetch_add(1, Ordering::SeqCst);
            Known::Acknowledged
        }
        Ok(answer) if answer.status() == 401 && id.ends_with('9') => Known::Refused,
        Ok(answer) => {
            assert_eq!(answer.status(), 503, "an authentic delivery is stored, or asked for again");
            assert!(answer.headers().contains_key("retry-after"), "with when to come");
            counts.later.fetch_add(1, Ordering::SeqCst);
            Known::Unknown
        }
        Err(error) => {
            let count = if error.is_timeout() { &counts.silent } else { &counts.broken };
            count.fetch_add(1, Ordering::SeqCst);
            Known::Unknown
        }
    };
    ledger.answered(id, known);
    known
}

async fn keep_sending(address: SocketAddr, name: String, ledger: Arc<Ledger>, stop: Arc<AtomicBool>, counts: Arc<Counts>) {
    let client = client();
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let known = send(&client, address, &format!("{name}-{number}"), &ledger, &counts).await;
        number += 1;
        if known == Known::Unknown {
            // A server that is away is not asked thousands of times a second.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Follows the log by position, as every consumer does, and remembers all that it ever saw (I4).
pub struct TailReader {
    stop: Arc<AtomicBool>,
    reading: JoinHandle<Vec<(i64, String)>>,
}

impl TailReader {
    pub fn start(database: Database) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let reading = tokio::spawn(read_on(database, Arc::clone(&stop)));
        Self { stop, reading }
    }

    /// Position and name of everything that it saw, in the order in which it did.
    pub async fn stop(self) -> Vec<(i64, String)> {
        self.stop.store(true, Ordering::SeqCst);
        self.reading.await.expect("the reader skipped nothing")
    }
}

async fn read_on(database: Database, stop: Arc<AtomicBool>) -> Vec<(i64, String)> {
    let mut seen: Vec<(i64, String)> = Vec::new();
    loop {
        let is_last = stop.load(Ordering::SeqCst);
        let cursor = i64::try_from(seen.len()).expect("small");
        // The database comes and goes.
        if let Ok(connection) = database.get().await
            && let Ok(rows) = connection.query("SELECT position, delivery_key FROM log.envelopes WHERE position > $1 ORDER BY position", &[&cursor]).await
        {
            for row in rows {
                let (position, key): (i64, String) = (row.get(0), row.get(1));
                assert_eq!(position, i64::try_from(seen.len()).expect("small") + 1, "positions have no gaps for one who reads along");
                seen.push((position, key));
            }
        }
        if is_last {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}
