//! What is kept and what is given, without a database.

use bytes::Bytes;

use super::*;
use crate::domain::envelope::{Headers, Verdict};
use crate::domain::{EventId, Tenant};

fn envelope(position: i64, source: &str, bytes: usize) -> Envelope {
    Envelope {
        position: Position::new(position),
        id: EventId::generate(),
        tenant: Tenant::default_tenant(),
        source: source.to_owned(),
        delivery_key: position.to_string(),
        event_type: "push".to_owned(),
        arrived_at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        headers: Headers::default(),
        body: Bytes::from(vec![b' '; bytes]),
        verdict: Verdict::Signed,
        secret_id: None,
        flags: Vec::new(),
        shared: Shared::default(),
    }
}

fn batch(positions: std::ops::RangeInclusive<i64>, bytes: usize) -> Batch {
    let span = Span { after: Position::new(positions.start() - 1), through: Position::new(*positions.end()) };
    let source = |position: i64| if position % 2 == 0 { "github" } else { "slack" };
    Batch { span, envelopes: positions.map(|position| envelope(position, source(position), bytes)).collect(), head: span.through }
}

fn kept(through: i64, bytes: usize) -> Kept {
    let mut kept = Kept::default();
    kept.start(Position::START);
    for first in (1..=through).step_by(100) {
        kept.extend(batch(first..=through.min(first + 99), bytes));
    }
    kept
}

fn given(kept: &Kept, after: i64, sources: Option<&[&str]>, entries: u32, bytes: i64) -> (Vec<i64>, i64) {
    let batch = kept.batch(Position::new(after), sources, BatchLimits { entries, bytes }, Position::new(1_000_000));
    (batch.envelopes.iter().map(|envelope| envelope.position.get()).collect(), batch.span.through.get())
}

#[test]
fn a_batch_is_what_follows_within_its_limits() {
    let kept = kept(10, 10);
    assert_eq!(given(&kept, 4, None, 100, 1_000), (vec![5, 6, 7, 8, 9, 10], 10));
    assert_eq!(given(&kept, 4, None, 3, 1_000), (vec![5, 6, 7], 7), "positions are what is limited");
    assert_eq!(given(&kept, 4, None, 100, 25), (vec![5, 6, 7], 7), "the one that fills it still goes");
    assert_eq!(given(&kept, 4, None, 100, 1), (vec![5], 5), "one always goes");
    assert_eq!(given(&kept, 10, None, 100, 1_000), (vec![], 10));
}

#[test]
fn a_span_covers_what_is_not_followed() {
    let kept = kept(10, 10);
    assert_eq!(given(&kept, 4, Some(&["github"]), 100, 1_000), (vec![6, 8, 10], 10));
    assert_eq!(given(&kept, 4, Some(&["linear"]), 100, 1_000), (vec![], 10));
    assert_eq!(given(&kept, 4, Some(&["github"]), 100, 15), (vec![6, 8], 8), "cut short where the next would not fit");
}

#[test]
fn what_is_kept_is_bounded_and_without_gaps() {
    let few = kept(10_000, 10);
    assert_eq!((few.envelopes.len(), few.span.expect("a span").after.get()), (ENTRIES_MAX, 6_000));
    let large = kept(300, 1 << 20);
    assert!(large.bytes <= BYTES_MAX, "{}", large.bytes);
    assert_eq!(large.envelopes.front().expect("one").position.get(), large.span.expect("a span").after.get() + 1);
    assert_eq!(large.bytes, large.envelopes.iter().map(|envelope| envelope.body.len()).sum::<usize>());
    let is_kept = |envelope: &&Envelope| Arc::ptr_eq(&envelope.payload(), &envelope.payload());
    assert!(large.envelopes.iter().all(|envelope| is_kept(&envelope)), "what they say is read once for all who follow");
    assert_eq!(kept(1, 2 * BYTES_MAX).envelopes.len(), 1, "one that is larger than everything is kept until the next");
}
