//! The load: requests are made and signed before the clock starts, and sent on connections that stay open, each waiting
//! for its answer before the next.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hooklake::sources::secret::hmac_sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::server::SECRET;

/// When a sender that was told to come back does so; real ones wait longer.
const COME_BACK: Duration = Duration::from_millis(50);

/// What was measured.
#[derive(Default)]
pub struct Measured {
    pub took: Duration,
    pub accepted: Latencies,
    pub refused: Latencies,
}

/// How long answers of one kind took, in no order.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Zero when there is none.
    pub fn percentile(&mut self, share: f64) -> Duration {
        self.0.sort_unstable();
        let index = ((self.0.len() as f64 * share) as usize).min(self.0.len().saturating_sub(1));
        self.0.get(index).copied().unwrap_or_default()
    }
}

/// Makes requests of which no two have the same body or the same name.
#[derive(Clone)]
pub struct Requests {
    bodies: Arc<Vec<String>>,
    run: String,
}

impl Requests {
    pub fn new(bodies: &[String]) -> Self {
        Self { bodies: Arc::new(bodies.to_vec()), run: uuid::Uuid::now_v7().simple().to_string() }
    }

    /// The request of this number, signed.
    pub fn make(&self, number: usize) -> Vec<u8> {
        let run = &self.run;
        let body = self.bodies[number % self.bodies.len()].replacen('{', &format!("{{\"_n\":\"{run}-{number}\","), 1);
        let signature = hex::encode(hmac_sha256(SECRET.as_bytes(), &[body.as_bytes()]));
        let head = format!(
            "POST /webhook/github HTTP/1.1\r\nHost: bench\r\nUser-Agent: GitHub-Hookshot/bench\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n\
             X-GitHub-Hook-ID: 1\r\nX-GitHub-Delivery: {run}-{number}\r\nX-Hub-Signature-256: sha256={signature}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body.as_bytes()].concat()
    }
}

/// Sends `count` deliveries on so many connections, from the same moment on, until each is accepted.
pub async fn run(address: SocketAddr, bodies: &[String], connections: usize, count: usize) -> anyhow::Result<Measured> {
    let requests = Requests::new(bodies);
    let start = Arc::new(Barrier::new(connections + 1));
    let mut talks = JoinSet::new();
    for first in 0..connections {
        let mine: Vec<Vec<u8>> = (first..count).step_by(connections).map(|number| requests.make(number)).collect();
        let start = Arc::clone(&start);
        talks.spawn(async move {
            let mut talk = Talk::open(address).await?;
            start.wait().await;
            for request in &mine {
                while !talk.ask(request).await? {
                    tokio::time::sleep(COME_BACK).await;
                }
            }
            anyhow::Ok(talk.measured)
        });
    }
    start.wait().await;
    gather(talks, Instant::now()).await
}

/// Sends without end on so many connections until the time is up; one that is told to come back does so at once.
pub async fn run_for(address: SocketAddr, bodies: &[String], connections: usize, time: Duration) -> anyhow::Result<Measured> {
    let mut talks = JoinSet::new();
    let all = Requests::new(bodies);
    let started = Instant::now();
    let until = started + time;
    for first in 0..connections {
        let requests = all.clone();
        talks.spawn(async move {
            let mut talk = Talk::open(address).await?;
            let mut number = first;
            let mut request = requests.make(number);
            while Instant::now() < until {
                if talk.ask(&request).await? {
                    number += connections;
                    request = requests.make(number);
                }
            }
            anyhow::Ok(talk.measured)
        });
    }
    gather(talks, started).await
}

/// Sends so many deliveries a second on so many connections until the time is up, each until it is accepted.
pub async fn run_at(address: SocketAddr, bodies: &[String], connections: usize, rate: f64, time: Duration) -> anyhow::Result<Measured> {
    let mut talks = JoinSet::new();
    let all = Requests::new(bodies);
    let started = Instant::now();
    for first in 0..connections {
        let requests = all.clone();
        talks.spawn(async move {
            let mut talk = Talk::open(address).await?;
            for number in (first..(rate * time.as_secs_f64()) as usize).step_by(connections) {
                let request = requests.make(number);
                tokio::time::sleep_until((started + Duration::from_secs_f64(number as f64 / rate)).into()).await;
                while !talk.ask(&request).await? {
                    tokio::time::sleep(COME_BACK).await;
                }
            }
            anyhow::Ok(talk.measured)
        });
    }
    gather(talks, started).await
}

async fn gather(mut talks: JoinSet<anyhow::Result<Measured>>, started: Instant) -> anyhow::Result<Measured> {
    let mut all = Measured::default();
    while let Some(outcome) = talks.join_next().await {
        let measured = outcome??;
        all.accepted.0.extend(measured.accepted.0);
        all.refused.0.extend(measured.refused.0);
    }
    all.took = started.elapsed();
    Ok(all)
}

/// One connection; opened anew when the server has closed it.
struct Talk {
    address: SocketAddr,
    stream: TcpStream,
    answer: Vec<u8>,
    measured: Measured,
}

impl Talk {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self { address, stream: connect(address).await?, answer: Vec::with_capacity(2048), measured: Measured::default() })
    }

    /// Sends a request; true when it was accepted, false when it must come again.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<bool> {
        let sent = Instant::now();
        if self.exchange(request).await.is_err() {
            self.stream = connect(self.address).await?;
            return Ok(false);
        }
        let is_accepted = self.answer.starts_with(b"HTTP/1.1 200");
        anyhow::ensure!(is_accepted || self.answer.starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&self.answer));
        let latencies = if is_accepted { &mut self.measured.accepted } else { &mut self.measured.refused };
        latencies.0.push(sent.elapsed());
        Ok(is_accepted)
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        while !is_whole(&self.answer) {
            anyhow::ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server closed the connection");
        }
        Ok(())
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// True when the headers and as much body as they promise are there.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = &answer[..end];
    let name = b"content-length: ";
    let Some(at) = head.windows(name.len()).position(|window| window.eq_ignore_ascii_case(name)) else { return true };
    let digits = head[at + name.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    answer.len() >= end + 4 + length
}
