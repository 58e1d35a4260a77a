//! Recomputes everything that the log commits to from the stored bytes, and names the first position that is wrong.
//!
//! ```text
//! log.batches ─ plan: contiguous? in time? ─→ spans of whole batches ─→ WORKERS, each on a connection of its own:
//!     every envelope: body → body hash → leaf → the tree's leaf; signature, if asked for
//!     every batch:    chain before ‖ … ‖ leaves → chain
//!     what lacks its content: named by an act in the log
//! then: the ends of head, batches and envelopes; every tile from those below it; checkpoints that were kept elsewhere
//! ```
//!
//! Each batch is checked from the stored chain hash before it, so spans are independent of one another. Rows are
//! streamed: what is held is one envelope for each worker, and the hashes of a span. A log that grows meanwhile is
//! checked to where it ended at the start.

mod acts;
mod against;
mod plan;
mod signatures;
mod span;
mod tiles;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio::sync::{Mutex, mpsc};

pub use signatures::{Signatures, Sources};

use super::Checkpoint;
use crate::db::{self, Database};
use crate::domain::Position;
use crate::domain::clock::Timestamp;
use crate::tasks::Tasks;
use acts::Acts;
use plan::Work;

/// Spans that wait for a worker.
const SPANS_WAITING_MAX: usize = 4;

/// Where to begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Since {
    /// At the first envelope that is there.
    #[default]
    Start,
    /// At the batch that holds this position.
    Position(Position),
    /// At the first batch that was appended at or after this time.
    Time(Timestamp),
}

/// What is to be verified.
#[derive(Default)]
pub struct Question {
    /// Where to begin.
    pub since: Since,
    /// Where signatures are checked again; none to leave them.
    pub signatures: Option<Signatures>,
    /// Checkpoints that the log must continue, and how each is named to people.
    pub against: Vec<(String, Checkpoint)>,
    /// The log's own name; checkpoints of another are refused.
    pub origin: String,
    /// Only read the bytes, to know how fast that is.
    pub only_read: bool,
}

/// What was counted so far. Shared with whoever shows progress.
#[derive(Debug, Default)]
pub struct Progress {
    /// Envelopes that were recomputed.
    pub envelopes: AtomicU64,
    /// Bytes of bodies and headers that were read.
    pub bytes: AtomicU64,
    /// Envelopes whose body is gone or reduced: redacted, so that body and signature cannot be checked.
    pub redacted: AtomicU64,
    /// Envelopes of weeks that retention dropped.
    pub dropped: AtomicU64,
    /// Batches whose chain hash was recomputed.
    pub batches: AtomicU64,
    /// Signatures that are right.
    pub signed: AtomicU64,
    /// Envelopes that came with a credential of ours instead of a signature.
    pub authorized: AtomicU64,
    /// Signatures that cannot be checked: their secret is not configured any more.
    pub secret_gone: AtomicU64,
    /// Where it will end.
    pub head: AtomicI64,
}

impl Progress {
    fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// Something that is not as it was committed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where; none when it cannot be said.
    pub position: Option<Position>,
    /// What, and what it means.
    pub reason: String,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The end of the log when it began.
    pub head: Position,
    /// Where it began to recompute; the first position of a batch.
    pub first: Position,
    /// How many envelopes the tree had taken.
    pub tree_size: u64,
    /// Everything that is wrong, the first position first; of the envelopes only the first.
    pub findings: Vec<Finding>,
    /// The checkpoints that the log continues.
    pub continued: Vec<String>,
}

/// What the workers share.
struct Examination {
    database: Database,
    signatures: Option<Signatures>,
    only_read: bool,
    tree_size: u64,
    acts: Acts,
    progress: Arc<Progress>,
    first_bad: Mutex<Option<Finding>>,
    failed: Mutex<Option<db::Error>>,
}

impl Examination {
    /// Notes something wrong, if nothing earlier is.
    async fn find(&self, position: Position, reason: String) {
        let mut first = self.first_bad.lock().await;
        if first.as_ref().and_then(|found| found.position).is_none_or(|known| position < known) {
            *first = Some(Finding { position: Some(position), reason });
        }
    }

    /// True when something before this position is wrong already, or nothing can be read.
    async fn is_beyond(&self, position: Position) -> bool {
        let first = self.first_bad.lock().await;
        first.as_ref().and_then(|found| found.position).is_some_and(|known| known < position) || self.failed.lock().await.is_some()
    }
}

/// Where everything ends.
struct Ends {
    head: Position,
    received_at: Option<Timestamp>,
    chain: Vec<u8>,
    batches: Position,
    envelopes: Position,
    tree: u64,
}

async fn ends(database: &Database) -> Result<Ends, db::Error> {
    let connection = database.get().await?;
    let row = connection.query_one(include_str!("ends.sql"), &[]).await?;
    let position = |name| Position::new(row.get::<_, Option<i64>>(name).unwrap_or(0));
    Ok(Ends {
        head: position("position"),
        received_at: row.get("received_at"),
        chain: row.get("chain"),
        batches: position("batches_end"),
        envelopes: position("envelopes_end"),
        tree: Position::START.distance_to(position("tree_end")),
    })
}

/// Verifies the log with this many workers.
///
/// # Errors
/// When the database does not answer; what is wrong with the log is in the report.
pub async fn verify(database: &Database, question: Question, workers: usize, progress: &Arc<Progress>, tasks: &Tasks) -> Result<Report, super::Error> {
    let ends = ends(database).await?;
    progress.head.store(ends.head.get(), Ordering::Relaxed);
    let examination = Arc::new(Examination {
        database: database.clone(),
        signatures: question.signatures,
        only_read: question.only_read,
        tree_size: ends.tree,
        acts: Acts::new(database.clone()),
        progress: Arc::clone(progress),
        first_bad: Mutex::default(),
        failed: Mutex::default(),
    });
    let (spans, waiting) = mpsc::channel::<Work>(SPANS_WAITING_MAX);
    let waiting = Arc::new(Mutex::new(waiting));
    let working: Vec<_> = (0..workers.max(1)).map(|_| tasks.spawn("proof.verify", span::work(Arc::clone(&examination), Arc::clone(&waiting)))).collect();
    // So that the plan does not wait for workers that are gone.
    drop(waiting);
    let planned = plan::plan(&examination, question.since, &ends, spans).await;
    for worker in working {
        drop(worker.await);
    }
    let planned = planned?;
    if let Some(error) = examination.failed.lock().await.take() {
        return Err(error.into());
    }
    let mut findings: Vec<Finding> = examination.first_bad.lock().await.take().into_iter().chain(planned.finding).collect();
    let mut continued = Vec::new();
    if !question.only_read {
        let from = if question.against.is_empty() { Position::START.distance_to(planned.first).saturating_sub(1) } else { 0 };
        findings.extend(tiles::check(database, from, ends.tree).await?);
        for (name, checkpoint) in question.against {
            match against::check(database, &ends, &question.origin, &checkpoint).await? {
                None => continued.push(name),
                Some(reason) => findings.push(Finding { position: None, reason: format!("{name}: {reason}") }),
            }
        }
    }
    // What has no position comes last.
    findings.sort_by_key(|finding| finding.position.map_or(i64::MAX, Position::get));
    Ok(Report { head: ends.head, first: planned.first, tree_size: ends.tree, findings, continued })
}
