//! How requests become batches, without a database.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::{AppendError, NewEnvelope, QUEUE_ENTRIES_MAX, Receipt, Sealed};
use super::*;
use crate::domain::clock::Timestamp;
use crate::domain::envelope::{Headers, Verdict};
use crate::domain::{EventId, Tenant};

fn batches() -> (mpsc::Sender<Request>, Batches) {
    let (queue, waiting) = mpsc::channel(QUEUE_ENTRIES_MAX);
    (queue, Batches::of(waiting))
}

/// Sends a request with so large a body; who waits for its answer.
fn send(queue: &mpsc::Sender<Request>, bytes: usize) -> oneshot::Receiver<Result<Receipt, AppendError>> {
    let (reply, answer) = oneshot::channel();
    let new = NewEnvelope {
        id: EventId::generate(),
        tenant: Tenant::default_tenant(),
        source: "github".into(),
        delivery_key: "key".into(),
        event_type: "push".into(),
        arrived_at: Timestamp::UNIX_EPOCH,
        headers: Headers::default(),
        body: Bytes::from(vec![0; bytes]),
        verdict: Verdict::Signed,
        secret_id: None,
        signature_tag: None,
        flags: Vec::new(),
    };
    queue.try_send(Request { envelope: Sealed::new(new).expect("sealed"), reply }).expect("there is room");
    answer
}

/// What a future that is looked at once says.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn sizes(batch: &Batch) -> Vec<usize> {
    batch.requests.iter().map(|request| request.envelope.new.body.len()).collect()
}

#[test]
fn a_batch_ends_at_its_bytes_or_its_entries() {
    let (queue, batches) = batches();
    let _answers: Vec<_> = [3 << 19, 3 << 19, 10].into_iter().map(|bytes| send(&queue, bytes)).collect();
    assert_eq!(sizes(&now(batches.next()).flatten().expect("a batch")), [3 << 19, 3 << 19]);
    let _answers: Vec<_> = (0..BATCH_ENTRIES_MAX).map(|_| send(&queue, 10)).collect();
    assert_eq!(sizes(&now(batches.next()).flatten().expect("a batch")).len(), BATCH_ENTRIES_MAX);
    assert_eq!(sizes(&now(batches.next()).flatten().expect("a batch")).len(), 1);
}

#[test]
fn what_is_in_flight_is_bounded_and_the_largest_body_goes_alone() {
    let (queue, batches) = batches();
    let large = IN_FLIGHT_BYTES_MAX + (1 << 20);
    let _answers: Vec<_> = [1 << 20, large, large, 10].into_iter().map(|bytes| send(&queue, bytes)).collect();
    // Together they are more than there is room for: they go as soon as nothing else is in flight.
    let first = now(batches.next()).flatten().expect("all the room there is will do");
    assert_eq!(sizes(&first), [1 << 20, large]);
    assert!(now(batches.next()).is_none(), "while that is in flight, the next waits");
}

#[tokio::test]
async fn few_wait_for_a_batch_in_flight_to_end_and_many_do_not() {
    let (queue, batches) = batches();
    let _answers: Vec<_> = [1, 2].map(|bytes| send(&queue, bytes)).into();
    let first = now(batches.next()).flatten().expect("nothing else is in flight");
    let _few: Vec<_> = [3, 4].map(|bytes| send(&queue, bytes)).into();
    let mut next = std::pin::pin!(batches.next());
    let mut look = || next.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(look().is_pending());
    let _late = send(&queue, 5);
    assert!(look().is_pending());
    drop(first);
    let Poll::Ready(Some(second)) = look() else { panic!("the first has ended") };
    assert_eq!(sizes(&second), [3, 4, 5]);
    let _many: Vec<_> = (0..BATCH_ENTRIES_WORTH).map(|_| send(&queue, 6)).collect();
    assert_eq!(sizes(&now(batches.next()).flatten().expect("enough")).len(), BATCH_ENTRIES_WORTH);
}

#[test]
fn a_request_that_was_given_up_is_not_stored() {
    let (queue, batches) = batches();
    drop(send(&queue, 10));
    let _kept = send(&queue, 20);
    assert_eq!(sizes(&now(batches.next()).flatten().expect("a batch")), [20]);
}
