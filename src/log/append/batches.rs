//! How requests become batches.
//!
//! ```text
//! requests ─→ those that wait, ≤ BATCH_ENTRIES_MAX and ≤ BATCH_BYTES_MAX ─→ in flight, ≤ IN_FLIGHT_BYTES_MAX in all
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::Request;

/// The most envelopes of one transaction.
pub const BATCH_ENTRIES_MAX: usize = 512;
/// The most bytes of bodies of one transaction, save that one envelope always goes.
pub const BATCH_BYTES_MAX: usize = 2 << 20;
/// As long as fewer would go together, a batch waits until one in flight has ended: its commit could not begin before.
pub const BATCH_ENTRIES_WORTH: usize = 64;
/// But no longer than this: one that hangs must not hold up the others.
const COMPANY_WAIT_MAX: Duration = Duration::from_millis(50);
/// Bytes of bodies in all batches in flight; each is copied twice on its way to the database. A body that is larger
/// goes alone.
pub const IN_FLIGHT_BYTES_MAX: usize = 24 << 20;

/// Gives out batches, to one lane at a time.
pub(super) struct Batches {
    waiting: Mutex<mpsc::Receiver<Request>>,
    room: Arc<Semaphore>,
    in_flight: Arc<watch::Sender<usize>>,
}

/// What goes into one transaction.
pub(super) struct Batch {
    pub(super) requests: Vec<Request>,
    pub(super) flight: Flight,
}

/// Counts as in flight, and takes room, until it is dropped.
pub(super) struct Flight {
    in_flight: Arc<watch::Sender<usize>>,
    _room: OwnedSemaphorePermit,
}

impl Flight {
    fn begin(in_flight: &Arc<watch::Sender<usize>>, room: OwnedSemaphorePermit) -> Self {
        in_flight.send_modify(|count| *count += 1);
        Self { in_flight: Arc::clone(in_flight), _room: room }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.in_flight.send_modify(|count| *count -= 1);
    }
}

impl Batches {
    pub(super) fn of(waiting: mpsc::Receiver<Request>) -> Self {
        Self { waiting: Mutex::new(waiting), room: Arc::new(Semaphore::new(IN_FLIGHT_BYTES_MAX)), in_flight: Arc::default() }
    }

    /// Waits for one request, then takes what else is there; none when the queue is closed and empty.
    pub(super) async fn next(&self) -> Option<Batch> {
        let mut waiting = self.waiting.lock().await;
        let mut in_flight = self.in_flight.subscribe();
        loop {
            let mut requests = vec![waiting.recv().await?];
            let mut bytes = requests[0].envelope.new.body.len();
            // While it waits for room, the queue fills and the batch grows.
            let mut room = self.room_for(bytes.min(IN_FLIGHT_BYTES_MAX)).await?;
            while requests.len() < BATCH_ENTRIES_MAX && bytes < BATCH_BYTES_MAX {
                let Some(request) = companion(&mut waiting, requests.len(), &mut in_flight).await else { break };
                let more = request.envelope.new.body.len();
                bytes += more;
                // Never more than there is in all, or it would wait for itself.
                room.merge(self.room_for(more.min(IN_FLIGHT_BYTES_MAX - room.num_permits())).await?);
                requests.push(request);
            }
            // Whoever was refused for lack of time must not find the delivery stored (I3).
            requests.retain(|request| !request.reply.is_closed());
            if !requests.is_empty() {
                return Some(Batch { requests, flight: Flight::begin(&self.in_flight, room) });
            }
        }
    }

    /// Waits until so many more bytes may be in flight; none is never the case, for the room is not closed.
    async fn room_for(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX)).await.ok()
    }
}

/// The request that goes along with so many others: one that waits already or, while few go and other batches are in flight, one that
/// comes before the first of these ends.
async fn companion(waiting: &mut mpsc::Receiver<Request>, entries: usize, in_flight: &mut watch::Receiver<usize>) -> Option<Request> {
    if let Ok(request) = waiting.try_recv() {
        return Some(request);
    }
    if entries >= BATCH_ENTRIES_WORTH || *in_flight.borrow_and_update() == 0 {
        return None;
    }
    tokio::select! {
        biased;
        request = waiting.recv() => request,
        _ = in_flight.changed() => None,
        () = tokio::time::sleep(COMPANY_WAIT_MAX) => None,
    }
}

#[cfg(test)]
mod tests;
