//! Instances behind a balancer are restarted one after another, and no sender notices.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::process::Process;
use crate::harness::{TestDatabase, github_signature, tools_dir, wait_until};

const SENDERS: usize = 8;
/// Deliveries that must have gone through between one step and the next.
const BETWEEN: usize = 100;
const LEAVING: &[(&str, &str)] = &[("HOOKLAKE_SERVER_DRAIN_MS", "2000"), ("HOOKLAKE_CONSUMERS_LEASE_SECONDS", "2")];

struct Balancer {
    child: Child,
    address: SocketAddr,
    status: SocketAddr,
}

impl Balancer {
    fn start(one: SocketAddr, two: SocketAddr) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let (address, status) = (free(), free());
        let child = Command::new(tools_dir().join("bin/haproxy"))
            .args(["-db", "-f"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/haproxy.cfg"))
            .env("HOOKLAKE_BIND", address.to_string())
            .env("HOOKLAKE_ONE", one.to_string())
            .env("HOOKLAKE_TWO", two.to_string())
            .env("HAPROXY_STATUS", status.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`make test` installs haproxy");
        Self { child, address, status }
    }

    /// Whether it sends requests to a server, as it says itself.
    async fn is_up(&self, client: &reqwest::Client, server: &str) -> bool {
        let Ok(answer) = client.get(format!("http://{}/;csv", self.status)).send().await else { return false };
        let text = answer.text().await.expect("text");
        let line = text.lines().find(|line| line.starts_with(&format!("hooklake,{server},"))).unwrap_or_else(|| panic!("no {server} in {text}"));
        line.split(',').nth(17) == Some("UP")
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Posts one delivery after another on kept connections; returns the names of all, and every answer that was not 200.
async fn send(address: SocketAddr, sender: usize, sent: Arc<std::sync::atomic::AtomicUsize>, stop: Arc<AtomicBool>) -> (Vec<String>, Vec<String>) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let (mut names, mut failures) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::SeqCst) {
        let name = format!("rolling-{sender}-{}", names.len());
        let body = format!(r#"{{"ref":"refs/heads/{name}","repository":{{"full_name":"o/r"}}}}"#);
        let sending = client
            .post(format!("http://{address}/webhook/github"))
            .header("X-GitHub-Event", "push")
            .header("X-GitHub-Delivery", &name)
            .header("X-Hub-Signature-256", github_signature(body.as_bytes()))
            .header("Content-Type", "application/json")
            .body(body)
            .send();
        match sending.await {
            Ok(answer) if answer.status() == 200 => {}
            Ok(answer) => failures.push(format!("{name}: {}: {}", answer.status(), answer.text().await.unwrap_or_default())),
            Err(error) => failures.push(format!("{name}: {error:?}")),
        }
        names.push(name);
        sent.fetch_add(1, Ordering::SeqCst);
    }
    (names, failures)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_refuses_nothing() {
    let db = TestDatabase::new().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut one = Process::start_with(&db, LEAVING).await;
    let mut two = Process::start_with(&db, LEAVING).await;
    let balancer = Balancer::start(one.address, two.address);
    for server in ["one", "two"] {
        wait_until("the balancer has found both", async || balancer.is_up(&client, server).await).await;
    }

    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
    let senders: Vec<_> = (0..SENDERS).map(|sender| tokio::spawn(send(balancer.address, sender, Arc::clone(&sent), Arc::clone(&stop)))).collect();
    let more = async |what: &str| {
        let enough = sent.load(Ordering::SeqCst) + BETWEEN;
        wait_until(what, async || sent.load(Ordering::SeqCst) >= enough).await;
    };
    more("deliveries go through").await;
    for server in ["one", "two"] {
        let leaving = if server == "one" { &mut one } else { &mut two };
        let address = leaving.address;
        leaving.signal("TERM");
        // Directly: it says that it leaves, and answers all the same, for the last time on this connection.
        wait_until("readiness says no", async || client.get(format!("http://{address}/health/ready")).send().await.is_ok_and(|answer| answer.status() == 503))
            .await;
        let answer = client.get(format!("http://{address}/health/live")).send().await.expect("it still answers");
        assert_eq!((answer.status().as_u16(), answer.headers()["connection"].as_bytes()), (200, b"close".as_slice()));
        assert_eq!(leaving.wait_for_end().await, Some(0), "a stop in order is a success");
        more("the other takes all").await;
        *leaving = Process::start_at(&db, address, LEAVING).await;
        wait_until("the balancer has it back", async || balancer.is_up(&client, server).await).await;
        more("both take some").await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut names = Vec::new();
    for sender in senders {
        let (sent, failures) = sender.await.expect("a sender ends");
        assert!(failures.is_empty(), "{failures:?}");
        names.extend(sent);
    }
    println!("{} deliveries, none refused", names.len());
    let rows = db.rows("SELECT delivery_key FROM log.envelopes ORDER BY 1").await;
    let mut kept: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    kept.sort();
    names.sort();
    assert_eq!(kept, names, "each is in the log, once");
}
