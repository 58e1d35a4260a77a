//! The load: requests are made and signed before the clock starts, and sent on connections that stay open, each waiting
//! for its answer before the next.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hooklake::sources::secret::hmac_sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use super::server::SECRET;

/// What was measured.
pub struct Measured {
    pub accepted: usize,
    pub took: Duration,
    /// In ascending order.
    latencies: Vec<Duration>,
}

impl Measured {
    pub fn percentile(&self, share: f64) -> Duration {
        let index = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len() - 1);
        self.latencies[index]
    }
}

/// The requests of each connection. Every body is different, as real ones are.
pub fn prepare(bodies: &[String], connections: usize, count: usize) -> Vec<Vec<Vec<u8>>> {
    let run = uuid::Uuid::now_v7().simple().to_string();
    let mut requests = vec![Vec::new(); connections];
    for number in 0..count {
        let original = &bodies[number % bodies.len()];
        let body = original.replacen('{', &format!("{{\"_n\":\"{run}-{number}\","), 1);
        let signature = hex::encode(hmac_sha256(SECRET.as_bytes(), &[body.as_bytes()]));
        let head = format!(
            "POST /webhook/github HTTP/1.1\r\nHost: bench\r\nUser-Agent: GitHub-Hookshot/bench\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n\
             X-GitHub-Hook-ID: 1\r\nX-GitHub-Delivery: {run}-{number}\r\nX-Hub-Signature-256: sha256={signature}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        requests[number % connections].push([head.as_bytes(), body.as_bytes()].concat());
    }
    requests
}

/// Sends everything, from the same moment on.
pub async fn run(address: SocketAddr, requests: Vec<Vec<Vec<u8>>>) -> anyhow::Result<Measured> {
    let start = Arc::new(Barrier::new(requests.len() + 1));
    let mut connections = tokio::task::JoinSet::new();
    for requests in requests {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let start = Arc::clone(&start);
        connections.spawn(async move {
            start.wait().await;
            talk(stream, &requests).await
        });
    }
    start.wait().await;
    let started = Instant::now();
    let mut latencies = Vec::new();
    let mut accepted = 0;
    while let Some(outcome) = connections.join_next().await {
        let (of_connection, count) = outcome??;
        latencies.extend(of_connection);
        accepted += count;
    }
    let took = started.elapsed();
    latencies.sort_unstable();
    Ok(Measured { accepted, took, latencies })
}

async fn talk(mut stream: TcpStream, requests: &[Vec<u8>]) -> anyhow::Result<(Vec<Duration>, usize)> {
    let mut latencies = Vec::with_capacity(requests.len());
    let mut accepted = 0;
    let mut answer = Vec::with_capacity(2048);
    for request in requests {
        let sent = Instant::now();
        stream.write_all(request).await?;
        answer.clear();
        while !is_whole(&answer) {
            anyhow::ensure!(stream.read_buf(&mut answer).await? > 0, "the server closed a connection");
        }
        latencies.push(sent.elapsed());
        accepted += usize::from(answer.starts_with(b"HTTP/1.1 200"));
    }
    Ok((latencies, accepted))
}

/// True when the headers and as much body as they promise are there.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok()).unwrap_or(0);
    answer.len() >= end + 4 + length
}
