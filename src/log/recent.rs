//! Bodies that this process appended a moment ago, so that whoever follows the log in it need not have PostgreSQL
//! decompress and send them again.
//!
//! What is in the log is said by the log alone: its rows are read, and only the body of a row whose id is known here is
//! left out of the answer, unless it was redacted. Ids are drawn for every delivery and never used again, so a log that
//! was restored meanwhile holds the same body under an id, or does not know it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::domain::{EventId, Position, Span};

/// The most bytes of bodies that are kept until someone follows; older ones are read from the log.
const BYTES_MAX: usize = 8 << 20;

/// Bodies by their position, shared by the one who appends and the one who reads; the default keeps none. Cheap to
/// clone.
#[derive(Debug, Clone, Default)]
pub struct Recent(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bodies: BTreeMap<Position, (EventId, Bytes)>,
    bytes: usize,
    bytes_max: usize,
}

/// Bodies that follow one another from the start of a span, by the ids of their envelopes.
#[derive(Debug, Default)]
pub(super) struct Run {
    bodies: HashMap<EventId, Bytes>,
}

impl Recent {
    /// Keeps bodies for a reader in this process.
    #[must_use]
    pub fn kept() -> Self {
        Self(Arc::new(Mutex::new(Kept { bytes_max: BYTES_MAX, ..Kept::default() })))
    }

    /// Keeps what was appended at a position.
    pub(super) fn put(&self, position: Position, id: EventId, body: Bytes) {
        let mut kept = self.lock();
        kept.bytes += body.len();
        let replaced = kept.bodies.insert(position, (id, body));
        kept.bytes -= replaced.map_or(0, |(_, body)| body.len());
        while kept.bytes > kept.bytes_max && kept.drop_oldest() {}
    }

    /// Gives away what is known from the start of a span on without a gap, up to the body with which it is so many bytes.
    /// Nobody will ask for that, or for what is before it, again.
    pub(super) fn take(&self, span: Span, bytes: i64) -> Run {
        let mut kept = self.lock();
        while kept.bodies.first_key_value().is_some_and(|(position, _)| *position <= span.after) && kept.drop_oldest() {}
        let mut run = Run::default();
        let mut taken = 0;
        for position in span.after.get() + 1..=span.through.get() {
            let Some((id, body)) = kept.bodies.remove(&Position::new(position)) else { break };
            kept.bytes -= body.len();
            taken += body.len();
            run.bodies.insert(id, body);
            if i64::try_from(taken).is_ok_and(|taken| taken >= bytes) {
                break;
            }
        }
        run
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn drop_oldest(&mut self) -> bool {
        let oldest = self.bodies.pop_first();
        self.bytes -= oldest.as_ref().map_or(0, |(_, (_, body))| body.len());
        oldest.is_some()
    }
}

impl Run {
    /// How many positions it covers.
    pub(super) fn len(&self) -> i64 {
        i64::try_from(self.bodies.len()).unwrap_or(i64::MAX)
    }

    /// The body of the envelope of this name.
    pub(super) fn body(&mut self, id: EventId) -> Option<Bytes> {
        self.bodies.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(recent: &Recent, position: i64, bytes: usize) -> EventId {
        let id = EventId::generate();
        recent.put(Position::new(position), id, Bytes::from(vec![b' '; bytes]));
        id
    }

    fn take(recent: &Recent, after: i64, through: i64, bytes: i64) -> Run {
        recent.take(Span { after: Position::new(after), through: Position::new(through) }, bytes)
    }

    #[test]
    fn a_run_has_no_gaps_and_is_given_once() {
        let recent = Recent::kept();
        let ids: Vec<EventId> = [11, 12, 14].into_iter().map(|position| put(&recent, position, 10)).collect();
        assert_eq!(take(&recent, 9, 20, 1_000).len(), 0, "what comes first is not known");
        let mut run = take(&recent, 10, 20, 1_000);
        assert_eq!(run.len(), 2, "there is a gap at 13");
        assert!(run.body(ids[0]).is_some() && run.body(ids[0]).is_none() && run.body(ids[1]).is_some() && run.body(ids[2]).is_none());
        assert_eq!(take(&recent, 10, 20, 1_000).len(), 0);
        assert_eq!(take(&recent, 13, 20, 1_000).len(), 1);
        for position in 21..=30 {
            put(&recent, position, 10);
        }
        assert_eq!(take(&recent, 20, 30, 25).len(), 3, "the one that fills it still goes");
        assert_eq!(take(&recent, 23, 25, 1_000).len(), 2);
        assert_eq!(take(&recent, 28, 28, 1_000).len(), 0);
        assert_eq!(recent.lock().bodies.len(), 2, "what was passed over is let go");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let recent = Recent::kept();
        for position in 1..=20 {
            put(&recent, position, 1 << 20);
        }
        assert_eq!(recent.lock().bodies.keys().next().copied(), Some(Position::new(13)));
        assert_eq!(recent.lock().bytes, BYTES_MAX);
        put(&recent, 21, 2 * BYTES_MAX);
        assert_eq!((recent.lock().bodies.len(), recent.lock().bytes), (0, 0));
        let none = Recent::default();
        put(&none, 1, 1);
        assert_eq!(take(&none, 0, 1, 100).len(), 0);
    }
}
