//! How requests become batches, without a database.

use std::future::Future;
use std::path::PathBuf;
use std::task::{Context, Poll, Waker};

use super::*;

fn lane() -> (mpsc::Sender<Request>, Lane) {
    let (queue, waiting) = mpsc::channel(QUEUE_ENTRIES_MAX);
    let settings =
        db::Settings { url: String::new(), connections_max: 1, connect_timeout_ms: 1, ca_file: PathBuf::new(), bin_dir: PathBuf::new(), run_as: String::new() };
    // Nothing is connected before the first use, and there is none here.
    let database = Database::new("postgres://localhost/none", &settings).expect("an address");
    let lane = Lane {
        database,
        waiting: Arc::new(Mutex::new(waiting)),
        room: Arc::new(Semaphore::new(IN_FLIGHT_BYTES_MAX)),
        appended: Arc::new(Notify::new()),
        metrics: Metrics::new(),
        recent: Recent::default(),
    };
    (queue, lane)
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

fn sizes(batch: &InFlight) -> Vec<usize> {
    batch.requests.iter().map(|request| request.envelope.new.body.len()).collect()
}

#[test]
fn a_batch_ends_at_its_bytes_or_its_entries() {
    let (queue, lane) = lane();
    let _answers: Vec<_> = [3 << 19, 3 << 19, 10].into_iter().map(|bytes| send(&queue, bytes)).collect();
    assert_eq!(sizes(&now(lane.next_batch()).flatten().expect("a batch")), [3 << 19, 3 << 19]);
    let _answers: Vec<_> = (0..BATCH_ENTRIES_MAX).map(|_| send(&queue, 10)).collect();
    assert_eq!(sizes(&now(lane.next_batch()).flatten().expect("a batch")).len(), BATCH_ENTRIES_MAX);
    assert_eq!(sizes(&now(lane.next_batch()).flatten().expect("a batch")).len(), 1);
}

#[test]
fn what_is_in_flight_is_bounded_and_the_largest_body_goes_alone() {
    let (queue, lane) = lane();
    let large = IN_FLIGHT_BYTES_MAX + (1 << 20);
    let _answers: Vec<_> = [1 << 20, large, large, 10].into_iter().map(|bytes| send(&queue, bytes)).collect();
    // Together they are more than there is room for: they go as soon as nothing else is in flight.
    let first = now(lane.next_batch()).flatten().expect("all the room there is will do");
    assert_eq!(sizes(&first), [1 << 20, large]);
    assert!(now(lane.next_batch()).is_none(), "while that is in flight, the next waits");
}

#[test]
fn a_request_that_was_given_up_is_not_stored() {
    let (queue, lane) = lane();
    drop(send(&queue, 10));
    let _kept = send(&queue, 20);
    assert_eq!(sizes(&now(lane.next_batch()).flatten().expect("a batch")), [20]);
}
