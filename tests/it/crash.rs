//! A server that is killed in the middle of everything loses nothing it acknowledged and stores nothing twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::harness::process::Process;
use crate::harness::{TestApp, TestDatabase, github_signature, wait_until};

const KILLS: usize = 6;
const SENDERS: usize = 6;
/// Acknowledgements between one kill and the next; each kill comes at another point of this course.
const ACKNOWLEDGED_BETWEEN: usize = 40;

/// What a sender knows of each delivery that it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Acknowledged,
    /// No answer, or one that says to come again.
    Unknown,
}

#[derive(Default)]
struct Ledger {
    sent: Mutex<HashMap<String, (String, Known)>>,
    acknowledged: AtomicUsize,
}

impl Ledger {
    fn note(&self, id: &str, body: &str, known: Known) {
        let digest = hex::encode(Sha256::digest(body));
        self.sent.lock().expect("a lock").insert(id.to_owned(), (digest, known));
        if known == Known::Acknowledged {
            self.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn body(id: &str) -> String {
    let pull = 1 + id.len() % 5;
    format!(
        r#"{{"action":"opened","number":{pull},"pull_request":{{"number":{pull},"title":"CRA-1: {id}","html_url":"https://github.com/o/r/pull/{pull}","user":{{"login":"ada"}},"head":{{"ref":"b","sha":"{}"}}}},"repository":{{"full_name":"o/r"}},"sender":{{"login":"ada"}}}}"#,
        hex::encode(&Sha256::digest(id)[..20])
    )
}

async fn send(client: &reqwest::Client, address: std::net::SocketAddr, id: &str) -> Known {
    let body = body(id);
    let sending = client
        .post(format!("http://{address}/webhook/github"))
        .header("X-GitHub-Event", "pull_request")
        .header("X-GitHub-Delivery", id)
        .header("X-Hub-Signature-256", github_signature(body.as_bytes()))
        .header("Content-Type", "application/json")
        .timeout(Duration::from_secs(5))
        .body(body)
        .send();
    match sending.await {
        Ok(answer) if answer.status() == 200 => Known::Acknowledged,
        Ok(answer) => {
            assert_eq!(answer.status(), 503, "an authentic delivery is stored, or asked for again");
            Known::Unknown
        }
        Err(_) => Known::Unknown,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_under_load_loses_nothing_and_doubles_nothing() {
    let db = TestDatabase::new().await;
    let ledger = Arc::new(Ledger::default());
    for round in 0..KILLS {
        let process = Process::start(&db).await;
        let stop = Arc::new(AtomicBool::new(false));
        let before = ledger.acknowledged.load(Ordering::SeqCst);
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| tokio::spawn(keep_sending(process.address, format!("{round}-{sender}"), Arc::clone(&ledger), Arc::clone(&stop))))
            .collect();
        let enough = before + ACKNOWLEDGED_BETWEEN + round * 7;
        wait_until("enough is acknowledged", async || ledger.acknowledged.load(Ordering::SeqCst) >= enough).await;
        process.signal("KILL");
        stop.store(true, Ordering::SeqCst);
        for sender in senders {
            sender.await.expect("a sender ends");
        }
        assert_eq!(process.wait(), None, "it was killed");
    }

    // What is unknown is sent again under the same id, as providers do.
    let app = TestApp::start_on(db, &[]).await;
    let unknown: Vec<String> =
        ledger.sent.lock().expect("a lock").iter().filter(|(_, (_, known))| *known == Known::Unknown).map(|(id, _)| id.clone()).collect();
    for id in &unknown {
        assert_eq!(send(&app.client, app.app.address, id).await, Known::Acknowledged);
    }
    app.caught_up().await;
    let sent = ledger.sent.lock().expect("a lock").clone();
    println!("{KILLS} kills, {} sent, {} unknown and sent again", sent.len(), unknown.len());

    let rows = app.db.rows("SELECT delivery_key, encode(sha256(body), 'hex'), position FROM log.envelopes ORDER BY position").await;
    assert_eq!(rows.len(), sent.len(), "every delivery is there, once (I1, I2), and nothing else (I3)");
    for (index, row) in rows.iter().enumerate() {
        let (digest, _) = &sent[row.get::<_, &str>(0)];
        assert_eq!(row.get::<_, &str>(1), digest, "byte for byte");
        assert_eq!(row.get::<_, i64>(2), i64::try_from(index).expect("small") + 1, "without gaps (I4)");
    }
    assert_eq!(app.db.number("SELECT count(*) FROM github_events").await, i64::try_from(sent.len()).expect("small"), "projected once each (I5)");
    assert_eq!(app.db.number("SELECT count(*) FROM hooklake.parked").await, 0);
    app.stop().await;
}

async fn keep_sending(address: std::net::SocketAddr, name: String, ledger: Arc<Ledger>, stop: Arc<AtomicBool>) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let id = format!("{name}-{number}");
        number += 1;
        // Written down before it is sent: what was sent and never answered must not be forgotten.
        ledger.note(&id, &body(&id), Known::Unknown);
        let known = send(&client, address, &id).await;
        if known == Known::Acknowledged {
            ledger.note(&id, &body(&id), known);
        }
    }
}

#[tokio::test]
async fn a_server_told_to_stop_finishes_what_it_began() {
    let db = TestDatabase::new().await;
    let process = Process::start(&db).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for number in 0..20 {
        assert_eq!(send(&client, process.address, &format!("s-{number}")).await, Known::Acknowledged);
    }
    process.signal("TERM");
    assert_eq!(process.wait(), Some(0), "a stop in order is a success");
    assert_eq!(db.number("SELECT count(*) FROM log.envelopes").await, 20);
    assert_eq!(db.number("SELECT count(*) FROM hooklake.consumers WHERE owner IS NOT NULL").await, 0, "leases are given back");
}
