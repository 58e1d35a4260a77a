//! F6 to F8: PostgreSQL loses a process, all of them, or answers nothing any more.

use std::sync::atomic::Ordering;

use super::invariants::all_hold;
use super::stage::{Stage, children, signal};
use crate::harness::wait_until;

const CRASHES: usize = 4;

/// F6: PostgreSQL ends all sessions when one process of it dies, and recovers by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_backend_costs_retries_and_nothing_else() {
    let mut stage = Stage::embedded().await;
    let load = stage.load("backend", 4);
    for _ in 0..CRASHES {
        load.acknowledges(20).await;
        let backends =
            crate::harness::rows(&stage.database, "SELECT pid FROM pg_stat_activity WHERE application_name = 'hooklake' AND pid <> pg_backend_pid() LIMIT 1")
                .await;
        signal(&[u32::try_from(backends[0].get::<_, i32>(0)).expect("a pid")], "KILL");
    }
    load.acknowledges(20).await;
    load.stop().await;
    all_hold(&mut stage).await;
    assert_eq!(stage.starts(), 1, "the server itself never ended");
}

/// F7: the whole tree at once, as when memory runs out; hooklake starts it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_dies_is_started_again_and_lost_nothing() {
    let mut stage = Stage::embedded().await;
    let load = stage.load("tree", 4);
    for round in 0..CRASHES {
        load.acknowledges(20).await;
        let before = stage.postmaster().expect("it runs");
        if round % 2 == 0 {
            signal(&stage.postgres_tree(), "KILL");
        } else {
            // `pg_ctl -m immediate`: no checkpoint, the children are told to end at once.
            signal(&[before], "QUIT");
        }
        wait_until("another PostgreSQL runs", async || stage.postmaster().is_some_and(|now| now != before)).await;
    }
    load.acknowledges(20).await;
    let counts = load.stop().await;
    all_hold(&mut stage).await;
    assert_eq!(stage.starts(), 1, "the server itself never ended");
    assert!(stage.said().contains("the embedded PostgreSQL runs again"), "{}", stage.said());
    assert!(counts.later.load(Ordering::SeqCst) > 0, "senders were told to come again");
}

/// F8: every process of PostgreSQL stands still. Nobody is told 200, everybody is told something in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_stands_still_is_a_503_in_time() {
    let mut stage = Stage::embedded().await;
    let load = stage.load("still", 4);
    load.acknowledges(20).await;
    let postmaster = stage.postmaster().expect("it runs");
    // The postmaster first, so that no child is missed.
    signal(&[postmaster], "STOP");
    signal(&children(postmaster), "STOP");
    // Answers that were under way have come by then.
    let told = || load.counts.later.load(Ordering::SeqCst);
    wait_until("everybody was told to come again", async || told() >= 8).await;
    let acknowledged = load.counts.acknowledged();
    let before = told();
    wait_until("and again", async || told() >= before + 8).await;
    assert_eq!(load.counts.acknowledged(), acknowledged, "no 200 without a COMMIT");
    signal(&stage.postgres_tree(), "CONT");
    load.acknowledges(20).await;
    let counts = load.stop().await;
    assert_eq!(counts.silent.load(Ordering::SeqCst), 0, "every request was answered: {counts:?}");
    all_hold(&mut stage).await;
}
