//! The load: requests are signed with the server's secret and sent on connections that stay open, each waiting for its answer
//! before the next.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hooklake::sources::secret::hmac_sha256;
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::latencies::Latencies;
use crate::server::SECRET;
use crate::talk::{Answer, Talk};

/// When a sender that was told to come back does so, where it is only asked how much is taken.
const COME_BACK: Duration = Duration::from_millis(50);
/// How long a connection that was refused or lost is left alone before another is opened.
const CONNECT_AGAIN: Duration = Duration::from_millis(100);
/// How long after the end answers are waited for.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// All senders begin in one moment, and this is how long after it they count among those that came later.
pub const RUSH: Duration = Duration::from_secs(2);

/// What senders do that are told to come back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// They do.
    Obey,
    /// They ask again at once.
    Impatient,
}

/// What was measured.
#[derive(Default)]
pub struct Measured {
    pub took: Duration,
    pub accepted: Timed,
    pub refused: Timed,
    /// Connections that could not be opened or ended before the answer.
    pub lost: usize,
    /// Answers that are neither 200 nor 503, and the last of them.
    pub odd: usize,
    pub odd_answer: String,
    /// Senders without an answer when all was over.
    pub unanswered: usize,
}

impl Measured {
    /// Accepted a second.
    pub fn rate(&self) -> f64 {
        self.accepted.count() as f64 / self.took.as_secs_f64()
    }

    /// What should not have happened, in words.
    pub fn troubles(&self) -> String {
        let mut words = Vec::new();
        for (count, what) in [(self.lost, "connections lost"), (self.unanswered, "without an answer at the end"), (self.odd, "answered otherwise")] {
            if count > 0 {
                words.push(format!("{count} {what}"));
            }
        }
        if self.odd > 0 {
            words.push(format!("the last: {:?}", self.odd_answer));
        }
        words.join(", ")
    }
}

/// Answers of one kind.
#[derive(Default)]
pub struct Timed {
    /// From the request to the answer.
    pub all: Latencies,
    /// The same without the time for which the sender had been told to stay away.
    pub in_time: Latencies,
    /// The same of those that were sent when the first rush was over.
    pub later: Latencies,
}

impl Timed {
    pub fn count(&self) -> usize {
        self.all.count()
    }
}

/// Where all senders of a run write down what they see.
type Notes = Arc<Mutex<Measured>>;

fn note(notes: &Notes, change: impl FnOnce(&mut Measured)) {
    change(&mut notes.lock().unwrap_or_else(PoisonError::into_inner));
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

/// Sends `count` deliveries on so many connections, from the same moment on, until each is accepted. They are made and signed
/// before the clock starts.
pub async fn run(address: SocketAddr, bodies: &[String], connections: usize, count: usize) -> anyhow::Result<Measured> {
    let requests = Requests::new(bodies);
    let start = Arc::new(Barrier::new(connections + 1));
    let notes = Notes::default();
    let mut senders = JoinSet::new();
    for first in 0..connections {
        let mine: Vec<Vec<u8>> = (first..count).step_by(connections).map(|number| requests.make(number)).collect();
        let (start, notes) = (Arc::clone(&start), Arc::clone(&notes));
        senders.spawn(async move {
            let mut sender = Sender::new(address, notes);
            sender.connect().await;
            start.wait().await;
            for request in &mine {
                sender.send(request).await;
            }
        });
    }
    start.wait().await;
    let started = Instant::now();
    while let Some(ended) = senders.join_next().await {
        ended?;
    }
    Ok(taken(&notes, started.elapsed()))
}

/// Sends so many deliveries a second on so many connections until the time is up, each until it is accepted.
pub async fn run_at(address: SocketAddr, bodies: &[String], connections: usize, rate: f64, time: Duration) -> anyhow::Result<Measured> {
    let mut senders = JoinSet::new();
    let all = Requests::new(bodies);
    let notes = Notes::default();
    let started = Instant::now();
    for first in 0..connections {
        let requests = all.clone();
        let mut sender = Sender::new(address, Arc::clone(&notes));
        senders.spawn(async move {
            for number in (first..(rate * time.as_secs_f64()) as usize).step_by(connections) {
                let request = requests.make(number);
                tokio::time::sleep_until((started + Duration::from_secs_f64(number as f64 / rate)).into()).await;
                sender.send(&request).await;
            }
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended?;
    }
    Ok(taken(&notes, started.elapsed()))
}

/// Sends without end on so many connections until the time is up. Who is not answered soon after it is not waited for.
pub async fn run_for(address: SocketAddr, bodies: &[String], connections: usize, time: Duration, manners: Manners) -> anyhow::Result<Measured> {
    let mut senders = JoinSet::new();
    let all = Requests::new(bodies);
    let notes = Notes::default();
    let started = Instant::now();
    let until = started + time;
    for first in 0..connections {
        let requests = all.clone();
        let mut sender = Sender::new(address, Arc::clone(&notes));
        senders.spawn(async move {
            for number in (first..).step_by(connections) {
                let request = requests.make(number);
                while Instant::now() < until && !sender.ask(&request).await {
                    if manners == Manners::Obey {
                        tokio::time::sleep_until(sender.not_before.min(until).into()).await;
                    }
                }
                if Instant::now() >= until {
                    break;
                }
            }
        });
    }
    let ended = async { while senders.join_next().await.is_some() {} };
    if tokio::time::timeout_at((until + ANSWERED_WITHIN).into(), ended).await.is_err() {
        note(&notes, |measured| measured.unanswered = senders.len());
    }
    senders.shutdown().await;
    Ok(taken(&notes, time))
}

fn taken(notes: &Notes, took: Duration) -> Measured {
    let mut all = Measured::default();
    note(notes, |measured| all = std::mem::take(measured));
    all.took = took;
    all
}

/// One that sends over one connection, opened anew when it ends.
struct Sender {
    address: SocketAddr,
    talk: Option<Talk>,
    notes: Notes,
    began: Instant,
    /// When it was told to come back.
    not_before: Instant,
}

impl Sender {
    fn new(address: SocketAddr, notes: Notes) -> Self {
        let now = Instant::now();
        Self { address, talk: None, notes, began: now, not_before: now }
    }

    /// Sends a request again and again until it is accepted.
    async fn send(&mut self, request: &[u8]) {
        while !self.ask(request).await {
            tokio::time::sleep(COME_BACK).await;
        }
    }

    /// Sends a request; true when it was accepted, false when it must come again.
    async fn ask(&mut self, request: &[u8]) -> bool {
        if self.talk.is_none() {
            self.connect().await;
        }
        let Some(talk) = &mut self.talk else { return false };
        let sent = Instant::now();
        let Ok(answer) = talk.exchange(request).await else {
            self.talk = None;
            note(&self.notes, |measured| measured.lost += 1);
            return false;
        };
        let now = Instant::now();
        let not_before = std::mem::replace(&mut self.not_before, now);
        let is_later = sent - self.began > RUSH;
        let timed = |kind: &mut Timed| {
            let in_time = now.saturating_duration_since(sent.max(not_before));
            kind.all.add(now - sent);
            kind.in_time.add(in_time);
            if is_later {
                kind.later.add(in_time);
            }
        };
        match &answer {
            Answer::Accepted => note(&self.notes, |measured| timed(&mut measured.accepted)),
            Answer::Refused { retry_after } => {
                self.not_before = now + *retry_after;
                note(&self.notes, |measured| timed(&mut measured.refused));
            }
            Answer::Odd(head) => note(&self.notes, |measured| {
                measured.odd += 1;
                measured.odd_answer.clone_from(head);
            }),
        }
        if talk.is_over() {
            self.talk = None;
        }
        matches!(answer, Answer::Accepted)
    }

    async fn connect(&mut self) {
        let connected = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            std::io::Result::Ok(stream)
        };
        if let Ok(stream) = connected.await {
            self.talk = Some(Talk::new(stream));
        } else {
            // No port is free, or nobody listens: as for any sender, that passes.
            note(&self.notes, |measured| measured.lost += 1);
            tokio::time::sleep(CONNECT_AGAIN).await;
        }
    }
}
