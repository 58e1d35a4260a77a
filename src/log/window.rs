//! The last stretch of the log, read once for all consumers of a process.
//!
//! ```text
//! log ─ 500 entries or 4 MB at a time → │ … │ … │ … │ ← ENTRIES_MAX entries, BYTES_MAX of bodies, and what they say
//!                                       └─ window ─┘
//!                                        ↓   ↓   ↓
//!                                        consumers that keep up      (who is behind reads the log itself)
//! ```
//!
//! A dozen consumers follow the same log. Each that keeps up would otherwise have PostgreSQL decompress and send every
//! body, and parse it, for itself alone.
//!
//! Rows come from the log. Bodies that this very process appended a moment ago do not: see [`Recent`](super::Recent).
//!
//! What is here is never trusted for longer than the log says the same: before every use the log's chain hash at the end
//! of what was read is compared (a restored backup has another), and an act that takes content away empties the window
//! before it, so that whoever reads the act reads everything before it from the log as the act left it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::read::{Batch, BatchLimits, Reader};
use crate::db;
use crate::domain::clock::Timestamp;
use crate::domain::envelope::Shared;
use crate::domain::{Envelope, Places, Position, Span};

const HEAD_THEN: &str = include_str!("head_then.sql");

/// The most envelopes that are kept.
const ENTRIES_MAX: usize = 4_000;
/// The most bytes of bodies that are kept, save that the last read always is. What they say takes about as much again.
const BYTES_MAX: usize = 24 << 20;

/// The log's last stretch, shared. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Window {
    reader: Reader,
    kept: Arc<Mutex<Kept>>,
}

/// A stretch without gaps, as far as the log has none.
#[derive(Debug, Default)]
struct Kept {
    span: Option<Span>,
    envelopes: VecDeque<Envelope>,
    /// Bytes of their bodies.
    bytes: usize,
    /// Where the log ended when it was read last, and its chain hash there.
    seen: Option<(Position, Vec<u8>)>,
}

impl Window {
    /// A window on the log that this reader reads; empty at first.
    #[must_use]
    pub fn new(reader: Reader) -> Self {
        Self { reader, kept: Arc::default() }
    }

    /// What comes after a position, as [`Reader::after`] gives it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn after(&self, after: Position, since: Option<Timestamp>, sources: Option<&[&str]>, limits: BatchLimits) -> Result<Batch, db::Error> {
        let mut kept = self.kept.lock().await;
        let head = self.look(&mut kept).await?;
        if i64::from(limits.entries).min(head.get() - after.get()) > ENTRIES_MAX as i64 {
            // More than fits in here: it would push out what the others are about to read.
            drop(kept);
            return self.reader.below(head, after, since, sources, limits).await;
        }
        let span = *kept.span.get_or_insert(Span { after, through: after });
        if after > span.through && after <= head {
            kept.start(after);
        }
        // As much as the batch may hold: one that ended where another consumer had read to would be followed by a small one,
        // and each is a commit.
        while kept.holds(after)
            && let Some(through) = kept.through().filter(|through| *through < head && kept.has_room(after, *through, limits))
        {
            let since = kept.envelopes.back().map(|last| last.received_at).or(since);
            let batch = self.reader.below(head, through, since, None, BatchLimits::default()).await?;
            kept.extend(batch);
        }
        if !kept.holds(after) || after > head {
            drop(kept);
            return self.reader.below(head, after, since, sources, limits).await;
        }
        Ok(kept.batch(after, sources, limits, head))
    }

    /// The log's end. Empties the window when the log is not the one that it was read from.
    async fn look(&self, kept: &mut Kept) -> Result<Position, db::Error> {
        let connection = self.reader.database().get().await?;
        let statement = connection.prepare_cached(HEAD_THEN).await?;
        let seen = kept.seen.as_ref().map_or(Position::START, |(position, _)| *position);
        let row = connection.query_one(&statement, &[&seen.get()]).await?;
        let then: Option<&[u8]> = row.get("then");
        if kept.seen.as_ref().is_some_and(|(_, chain)| then != Some(&**chain)) {
            *kept = Kept::default();
        }
        let head = Position::new(row.get("position"));
        kept.seen = (head > Position::START).then(|| (head, row.get("chain")));
        Ok(head)
    }
}

impl Kept {
    /// Starts over, empty, after a position.
    fn start(&mut self, after: Position) {
        *self = Self { span: Some(Span { after, through: after }), seen: self.seen.take(), ..Self::default() };
    }

    fn through(&self) -> Option<Position> {
        self.span.map(|span| span.through)
    }

    /// True when nothing between this position and the end of the window is missing.
    fn holds(&self, after: Position) -> bool {
        self.span.is_some_and(|span| span.after <= after && after <= span.through)
    }

    /// True when a batch from one position may go on beyond the other, where the window ends.
    fn has_room(&self, after: Position, through: Position, limits: BatchLimits) -> bool {
        let bytes: usize = self.envelopes.iter().rev().take_while(|envelope| envelope.position > after).map(|envelope| envelope.body.len()).sum();
        through.get() < after.get() + i64::from(limits.entries) && i64::try_from(bytes).is_ok_and(|bytes| bytes < limits.bytes)
    }

    /// Takes in what follows.
    fn extend(&mut self, batch: Batch) {
        if !Places::of(&batch.envelopes).is_empty() {
            self.start(batch.span.after);
        }
        if let Some(span) = &mut self.span {
            span.through = batch.span.through;
        }
        for mut envelope in batch.envelopes {
            envelope.shared = Shared::among_many();
            self.bytes += envelope.body.len();
            self.envelopes.push_back(envelope);
        }
        self.forget();
    }

    fn forget(&mut self) {
        while self.envelopes.len() > ENTRIES_MAX || self.bytes > BYTES_MAX && self.envelopes.len() > 1 {
            let Some(oldest) = self.envelopes.pop_front() else { return };
            self.bytes -= oldest.body.len();
            if let Some(span) = &mut self.span {
                span.after = oldest.position;
            }
        }
    }

    /// What is here after a position, as much as one batch may hold.
    fn batch(&self, after: Position, sources: Option<&[&str]>, limits: BatchLimits, head: Position) -> Batch {
        let until = self.span.map_or(after, |span| span.through);
        let through = until.min(Position::new(after.get() + i64::from(limits.entries)));
        let mut span = Span { after, through: if after >= until { after } else { through } };
        let mut envelopes = Vec::new();
        let mut bytes = 0;
        let first = self.envelopes.partition_point(|envelope| envelope.position <= after);
        let wanted = self.envelopes.range(first..).take_while(|envelope| envelope.position <= through);
        for envelope in wanted.filter(|envelope| sources.is_none_or(|sources| sources.contains(&&*envelope.source))) {
            if bytes >= limits.bytes {
                span.through = envelopes.last().map_or(through, |last: &Envelope| last.position);
                break;
            }
            bytes += i64::try_from(envelope.body.len()).unwrap_or(i64::MAX);
            envelopes.push(envelope.clone());
        }
        Batch { span, envelopes, head }
    }
}

#[cfg(test)]
mod tests;
