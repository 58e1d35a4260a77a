//! What all consumers of a process share of the log is what each would have read alone.

use std::sync::Arc;

use hooklake::db::driven;
use hooklake::domain::{Clock, Envelope, Position, Span};
use hooklake::log::{BatchLimits, Reader, Window};
use hooklake::retention::Custodian;
use hooklake::tasks::Tasks;

use crate::faults::fence::{store, take_back};
use crate::harness::follow::{App, octokit_payloads};
use crate::retention::order;

fn window(app: &App) -> Window {
    Window::new(Reader::knowing(app.database.clone(), app.recent.clone()))
}

fn bodies(envelopes: &[Envelope]) -> Vec<(i64, &[u8])> {
    envelopes.iter().map(|envelope| (envelope.position.get(), &*envelope.body)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_any_pace_get_what_they_would_have_read_alone() {
    let app = App::start().await;
    let (shared, alone) = (window(&app), Reader::new(app.database.clone()));
    // Each with what it follows and how much it takes at once.
    let readers: [(Option<&[&str]>, u32, i64); 5] =
        [(None, 500, 4 << 20), (None, 7, 4 << 20), (None, 20_000, 30_000), (Some(&["slack"]), 500, 4 << 20), (Some(&["github", "hooklake"]), 40, 100_000)];
    let mut stands = [Position::START; 5];
    let mut read: [Vec<Envelope>; 5] = Default::default();
    for (round, payload) in octokit_payloads().iter().enumerate() {
        app.store_all(std::slice::from_ref(payload)).await;
        app.store("slack", "message", &serde_json::json!({"type": "event_callback", "event": {"type": "message", "text": round.to_string()}})).await;
        // Some look after every event, some after many, so that all are at different places.
        for (reader, (sources, entries, bytes)) in readers.iter().enumerate().filter(|(reader, _)| round % (1 + 11 * reader) == 0) {
            let batch = shared.after(stands[reader], None, *sources, BatchLimits { entries: *entries, bytes: *bytes }).await.expect("a batch");
            assert_eq!(batch.span.after, stands[reader]);
            stands[reader] = batch.span.through;
            read[reader].extend(batch.envelopes);
        }
    }
    for (reader, (sources, entries, bytes)) in readers.iter().enumerate() {
        loop {
            let batch = shared.after(stands[reader], None, *sources, BatchLimits { entries: *entries, bytes: *bytes }).await.expect("a batch");
            if batch.span.is_empty() {
                break;
            }
            stands[reader] = batch.span.through;
            read[reader].extend(batch.envelopes);
        }
        let head = alone.head().await.expect("a head").position;
        let whole = alone.within(Span { after: Position::START, through: head }, None, *sources, i64::MAX).await.expect("the log");
        assert_eq!((stands[reader], bodies(&read[reader])), (head, bodies(&whole.envelopes)), "reader {reader}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_read_once_for_all() {
    let app = App::start().await;
    store(&app, 1..=3).await;
    let shared = window(&app);
    let [one, two] =
        [shared.after(Position::START, None, None, BatchLimits::default()).await, shared.after(Position::new(1), None, None, BatchLimits::default()).await];
    let (one, two) = (one.expect("a batch"), two.expect("a batch"));
    assert!(Arc::ptr_eq(&one.envelopes[2].payload(), &two.envelopes[1].payload()));
    let direct = Reader::new(app.database.clone()).after(Position::START, None, None, BatchLimits::default()).await.expect("a batch");
    assert!(!Arc::ptr_eq(&direct.envelopes[2].payload(), &direct.envelopes[2].payload()), "who reads alone keeps nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_seldom_gets_all_there_is_at_once() {
    let app = App::start().await;
    let shared = window(&app);
    let through = async |after: i64, limits: BatchLimits| {
        let batch = shared.after(Position::new(after), None, None, limits).await.expect("a batch");
        assert_eq!(batch.envelopes.last().map(|last| last.position), Some(batch.span.through));
        batch.span.through.get()
    };
    store(&app, 1..=4).await;
    assert_eq!(through(0, BatchLimits::default()).await, 4);
    store(&app, 5..=9).await;
    assert_eq!(through(2, BatchLimits::default()).await, 9, "not only what another had read");
    store(&app, 10..=12).await;
    assert_eq!(through(2, BatchLimits { entries: 5, ..BatchLimits::default() }).await, 7, "no more than it takes");
    assert_eq!(through(2, BatchLimits { bytes: 1, ..BatchLimits::default() }).await, 3);
    assert_eq!(through(2, BatchLimits::default()).await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_far_behind_pushes_nothing_out() {
    let app = App::start().await;
    let shared = window(&app);
    let events: Vec<_> = (1..=4_200).map(|number| ("push".to_owned(), serde_json::json!({"number": number}))).collect();
    app.store_all(&events).await;
    let next = async || shared.after(Position::new(10), None, None, BatchLimits::default()).await.expect("a batch");
    let before = next().await;
    let all = shared.after(Position::new(10), None, None, BatchLimits { entries: 20_000, bytes: 16 << 20 }).await.expect("a batch");
    assert_eq!((all.envelopes.len(), all.span.through), (4_190, Position::new(4_200)), "at once");
    let after = next().await;
    assert_eq!(after.span, before.span);
    assert!(Arc::ptr_eq(&before.envelopes[0].payload(), &after.envelopes[0].payload()), "still there for the others");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_not_asked_for_bodies_that_were_appended_here() {
    let app = App::start().await;
    store(&app, 1..=4).await;
    // What nobody can do but the owner of the database, and what a reader that asks would notice.
    let spoil = async || {
        let (client, connection) = app.database.dedicated().await.expect("a connection");
        let spoilt = "UPDATE log.envelopes SET body = 'spoilt' WHERE position > 1";
        driven(connection, async { Ok(client.batch_execute(spoilt).await?) }).await.expect("spoilt");
    };
    spoil().await;
    let shared = window(&app);
    let first = shared.after(Position::START, None, None, BatchLimits::default()).await.expect("a batch");
    assert!(first.envelopes.iter().all(|envelope| &*envelope.body != b"spoilt"), "{:?}", bodies(&first.envelopes));
    store(&app, 5..=6).await;
    let again = window(&app).after(Position::START, None, None, BatchLimits::default()).await.expect("a batch");
    let spoilt = again.envelopes.iter().map(|envelope| &*envelope.body == b"spoilt");
    assert_eq!(spoilt.collect::<Vec<_>>(), [false, true, true, true, false, false], "they are given once, and the others are asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_redacted_before_anyone_read_it_is_not_handed_over() {
    let app = App::start().await;
    store(&app, 1..=3).await;
    let tasks = Tasks::default();
    let mut custodian = Custodian::connect(&app.database, &tasks, Clock::system(), "tester").await.expect("connected");
    custodian.redact(&order(&[]), &[Position::new(2)]).await.expect("redacted");
    let read = window(&app).after(Position::START, None, None, BatchLimits::default()).await.expect("a batch");
    let empty = read.envelopes.iter().map(|envelope| envelope.body.is_empty());
    assert_eq!(empty.collect::<Vec<_>>(), [false, true, false, false]);
    assert!(read.envelopes[1].is_redacted());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_went_back_and_on_is_read_again() {
    let app = App::start().await;
    store(&app, 1..=4).await;
    let shared = window(&app);
    let before = shared.after(Position::START, None, None, BatchLimits::default()).await.expect("a batch");
    take_back(&app, 2).await;
    store(&app, 11..=14).await;
    let now = shared.after(Position::START, None, None, BatchLimits::default()).await.expect("a batch");
    let alone = Reader::new(app.database.clone()).after(Position::START, None, None, BatchLimits::default()).await.expect("a batch");
    assert_eq!((now.envelopes.len(), bodies(&now.envelopes)), (6, bodies(&alone.envelopes)));
    assert_ne!(bodies(&before.envelopes)[3], bodies(&now.envelopes)[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_an_act_reads_everything_before_it_as_the_act_left_it() {
    let app = App::start().await;
    store(&app, 1..=4).await;
    let shared = window(&app);
    assert_eq!(shared.after(Position::START, None, None, BatchLimits::default()).await.expect("a batch").envelopes.len(), 4);
    let tasks = Tasks::default();
    let mut custodian = Custodian::connect(&app.database, &tasks, Clock::system(), "tester").await.expect("connected");
    custodian.redact(&order(&[]), &[Position::new(2)]).await.expect("redacted");
    // One reader takes the act in; the others, who are behind it, get no more of what is gone.
    assert_eq!(shared.after(Position::new(4), None, None, BatchLimits::default()).await.expect("a batch").envelopes.len(), 1);
    let behind = shared.after(Position::START, None, None, BatchLimits::default()).await.expect("a batch");
    assert_eq!(behind.envelopes.len(), 5);
    assert!(behind.envelopes[1].is_redacted() && behind.envelopes[1].body.is_empty());
}
