//! Bodies that this process appended a moment ago, so that whoever follows the log in it need not have PostgreSQL
//! decompress and send them again.
//!
//! What is in the log is said by the log alone: its rows are read, and only the body of a row whose id is known here is
//! not asked for, unless it was redacted. Ids are drawn for every delivery and never used again, so a log that was
//! restored meanwhile holds the same body under an id, or does not know it. Bodies are put here before they are
//! appended, for a reader may see them in the log before the appender knows that they are there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::domain::EventId;

/// The most bytes of bodies that wait here to be read; older ones are read from the log.
const BYTES_MAX: usize = 16 << 20;

/// Bodies by the ids of their envelopes, shared by the one who appends and the one who reads; the default keeps none.
/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Recent(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bodies: HashMap<EventId, Bytes>,
    /// In the order in which they came; of those taken since, too, while an older one is still there.
    order: VecDeque<EventId>,
    bytes: usize,
    bytes_max: usize,
}

impl Recent {
    /// Keeps bodies for a reader in this process.
    #[must_use]
    pub fn kept() -> Self {
        Self(Arc::new(Mutex::new(Kept { bytes_max: BYTES_MAX, ..Kept::default() })))
    }

    /// True when nothing is kept now.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().bodies.is_empty()
    }

    /// Keeps what is about to be appended.
    pub(super) fn put(&self, id: EventId, body: Bytes) {
        let mut kept = self.lock();
        if body.is_empty() || body.len() > kept.bytes_max {
            return;
        }
        kept.bytes += body.len();
        kept.order.push_back(id);
        kept.bodies.insert(id, body);
        while kept.bytes > kept.bytes_max {
            let Some(oldest) = kept.order.pop_front() else { return };
            kept.remove(oldest);
        }
    }

    /// Gives a body away.
    pub(super) fn take(&self, id: EventId) -> Option<Bytes> {
        let mut kept = self.lock();
        let body = kept.remove(id);
        while kept.order.front().is_some_and(|oldest| !kept.bodies.contains_key(oldest)) {
            kept.order.pop_front();
        }
        body
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, id: EventId) -> Option<Bytes> {
        let body = self.bodies.remove(&id)?;
        self.bytes -= body.len();
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(recent: &Recent, bytes: usize) -> EventId {
        let id = EventId::generate();
        recent.put(id, Bytes::from(vec![b' '; bytes]));
        id
    }

    /// Bytes of bodies, and how many ids stand in the order.
    fn held(recent: &Recent) -> (usize, usize) {
        let kept = recent.lock();
        (kept.bytes, kept.order.len())
    }

    #[test]
    fn a_body_is_given_once() {
        let recent = Recent::kept();
        let ids = [10, 20, 30].map(|bytes| put(&recent, bytes));
        assert_eq!(recent.take(ids[1]).map(|body| body.len()), Some(20));
        assert!(recent.take(ids[1]).is_none() && recent.take(EventId::generate()).is_none());
        assert_eq!(held(&recent), (40, 3));
        assert!(recent.take(ids[0]).is_some());
        assert_eq!(held(&recent), (30, 1), "the order is let go from its front");
        assert!(!recent.is_empty() && recent.take(ids[2]).is_some() && recent.is_empty());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let recent = Recent::kept();
        let ids: Vec<EventId> = (0..20).map(|_| put(&recent, 1 << 20)).collect();
        assert_eq!(held(&recent), (BYTES_MAX, BYTES_MAX >> 20));
        assert!(recent.take(ids[3]).is_none() && recent.take(ids[4]).is_some(), "the oldest went");
        assert!(recent.take(put(&recent, 2 * BYTES_MAX)).is_none(), "what is larger than all is not kept");
        assert_eq!(held(&recent).0, BYTES_MAX - (1 << 20), "and drives nothing out");
        let none = Recent::default();
        assert!(none.take(put(&none, 1)).is_none());
    }
}
