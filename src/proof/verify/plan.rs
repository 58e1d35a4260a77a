//! What there is to do: spans of whole batches, after a look at whether the batches themselves follow one another.

use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{Ends, Examination, Finding, Since};
use crate::db;
use crate::domain::Position;
use crate::domain::clock::Timestamp;

pub(super) const BATCHES: &str = include_str!("batches.sql");
const BEFORE: &str = include_str!("before.sql");
const FIRST_SINCE: &str = include_str!("first_since.sql");

/// A span ends with the batch that reaches this many envelopes.
const SPAN_ENVELOPES: u64 = 2048;

/// A row of `log.batches`.
#[derive(Debug, Clone)]
pub(super) struct BatchRow {
    pub(super) first: Position,
    pub(super) through: Position,
    pub(super) received_at: Timestamp,
    pub(super) chain: Vec<u8>,
    /// False when retention took the week, but for hooklake's own records.
    pub(super) is_kept: bool,
}

/// Batches that follow one another, and the chain hash before them.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) before: Vec<u8>,
    pub(super) batches: Vec<BatchRow>,
}

/// What the plan came to.
pub(super) struct Planned {
    /// The first position that was looked at.
    pub(super) first: Position,
    /// What is wrong with the batches or the ends.
    pub(super) finding: Option<Finding>,
}

/// The chain hash of the empty log.
fn genesis() -> Vec<u8> {
    Sha256::digest(b"hooklake log 1").to_vec()
}

/// Where the batches before stand.
struct Place {
    through: Position,
    received_at: Option<Timestamp>,
    chain: Vec<u8>,
}

/// Hands out all work; ends when every span is taken.
pub(super) async fn plan(examination: &Examination, since: Since, ends: &Ends, spans: mpsc::Sender<Work>) -> Result<Planned, db::Error> {
    let connection = examination.database.get().await?;
    let start = match since {
        Since::Start => Position::new(1),
        Since::Position(position) => position,
        Since::Time(time) => connection.query_opt(FIRST_SINCE, &[&time]).await?.map_or(Position::new(ends.head.get() + 1), |row| Position::new(row.get(0))),
    };
    let mut place = match connection.query_opt(BEFORE, &[&start.get()]).await? {
        None => Place { through: Position::START, received_at: None, chain: genesis() },
        Some(row) => Place { through: Position::new(row.get("through_position")), received_at: Some(row.get("received_at")), chain: row.get("chain") },
    };
    let first = Position::new(place.through.get() + 1);
    let mut work = Work { before: place.chain.clone(), batches: Vec::new() };
    let rows = connection.query_raw(BATCHES, [place.through.get(), ends.head.get()]).await?;
    let mut rows = std::pin::pin!(rows);
    let mut finding = None;
    while let Some(row) = rows.try_next().await? {
        let batch = BatchRow {
            first: Position::new(row.get("first_position")),
            through: Position::new(row.get("through_position")),
            received_at: row.get("received_at"),
            chain: row.get("chain"),
            is_kept: row.get("is_kept"),
        };
        finding = out_of_order(&place, &batch);
        if finding.is_some() {
            break;
        }
        place = Place { through: batch.through, received_at: Some(batch.received_at), chain: batch.chain.clone() };
        work.batches.push(batch);
        let reached = work.batches.first().map_or(0, |first| first.first.distance_to(place.through));
        if reached >= SPAN_ENVELOPES {
            let next = Work { before: place.chain.clone(), batches: Vec::new() };
            if spans.send(std::mem::replace(&mut work, next)).await.is_err() {
                break;
            }
        }
    }
    if !work.batches.is_empty() {
        drop(spans.send(work).await);
    }
    Ok(Planned { first, finding: finding.or_else(|| wrong_end(&place, ends)) })
}

fn found(position: i64, reason: String) -> Finding {
    Finding { position: Some(Position::new(position)), reason }
}

/// Batches cover every position once, and time does not go back.
fn out_of_order(before: &Place, batch: &BatchRow) -> Option<Finding> {
    let expected = before.through.get() + 1;
    if batch.first.get() != expected || batch.through < batch.first {
        let reason = format!("log.batches has {} to {} where position {expected} should begin: a batch was removed or altered", batch.first, batch.through);
        return Some(found(expected.min(batch.first.get()), reason));
    }
    if before.received_at.is_some_and(|before| before > batch.received_at) {
        return Some(found(expected, format!("log.batches says that positions {} to {} were received before those before them", batch.first, batch.through)));
    }
    None
}

/// Head, batches and envelopes end together.
fn wrong_end(last: &Place, ends: &Ends) -> Option<Finding> {
    let head = ends.head.get();
    if ends.batches > ends.head || ends.envelopes > ends.head {
        let end = ends.batches.max(ends.envelopes);
        return Some(found(head + 1, format!("log.head ends at {head}, but there are positions to {end}: the head was altered")));
    }
    if last.through < ends.head {
        let reason = format!("log.head ends at {head}, log.batches at {}: batches were cut off, or the head was altered", last.through);
        return Some(found(last.through.get() + 1, reason));
    }
    if last.chain != ends.chain || (head > 0 && last.received_at != ends.received_at) {
        return Some(found(head, "log.head does not have the chain hash and the time of the last batch: one of the two was altered".to_owned()));
    }
    None
}
