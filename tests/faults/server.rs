//! F1 to F3: the server dies, at random instants and at the worst ones.

use super::invariants::all_hold;
use super::stage::Stage;
use crate::harness::{rows, wait_until};

const KILLS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_under_load_loses_nothing_and_doubles_nothing() {
    let mut stage = Stage::embedded().await;
    for round in 0..KILLS {
        let load = stage.load(&format!("kill-{round}"), 6);
        // Each kill comes at another point of the course.
        load.acknowledges(25 + round * 7).await;
        stage.kill_server();
        load.stop().await;
        stage.serve(&[]).await;
    }
    let found = all_hold(&mut stage).await;
    assert!(found.acknowledged >= KILLS * 25 && found.refused > 0, "{found:?}");
    assert_eq!(stage.starts(), KILLS + 1);
}

/// F2: committed, and the process ends before anybody is told. The sender comes again and learns that it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_commit_and_answer_is_settled_by_coming_again() {
    let mut stage = Stage::embedded().await;
    stage.stop_server().await;
    stage.serve(&[("FAILPOINTS", "append.after_commit=10*off->return(abort)")]).await;
    let load = stage.load("f2", 4);
    stage.server_ends().await;
    load.stop().await;
    let unknown = stage.ledger.unknown();
    stage.serve(&[]).await;
    let keys: Vec<String> = rows(&stage.database, "SELECT delivery_key FROM log.envelopes").await.iter().map(|row| row.get(0)).collect();
    assert!(unknown.iter().any(|id| keys.contains(id)), "something was stored that nobody was told of");
    all_hold(&mut stage).await;
    stage.serve(&[]).await;
    assert!(rows(&stage.database, "SELECT 1 FROM log.redeliveries WHERE outcome = 'duplicate'").await.len() <= unknown.len());
}

/// F3: the rows are written, the transaction is not committed, and its connection ends: nothing of it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_insert_and_commit_leaves_nothing() {
    let mut stage = Stage::embedded().await;
    // A deferred trigger runs after the last statement of a transaction and before its COMMIT.
    rows(&stage.database, "CREATE FUNCTION public.f3_wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$").await;
    let trigger = "CREATE CONSTRAINT TRIGGER f3 AFTER INSERT ON log.batches DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.f3_wait()";
    rows(&stage.database, trigger).await;
    let load = stage.load("f3", 3);
    let sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    wait_until("a batch stands before its COMMIT", async || !rows(&stage.database, sleeping).await.is_empty()).await;
    stage.kill_server();
    load.stop().await;
    // What the kernel does for a machine that died: the connection of the dead ends.
    rows(&stage.database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event IN ('PgSleep', 'transactionid', 'tuple')").await;
    wait_until("they are gone", async || rows(&stage.database, sleeping).await.is_empty()).await;
    assert_eq!(rows(&stage.database, "SELECT 1 FROM log.envelopes").await.len(), 0, "nothing of the batch is there");
    rows(&stage.database, "DROP FUNCTION public.f3_wait() CASCADE").await;
    stage.serve(&[]).await;
    let found = all_hold(&mut stage).await;
    assert!(found.settled > 0, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_told_to_stop_finishes_what_it_began() {
    let mut stage = Stage::embedded().await;
    let load = stage.load("stop", 4);
    load.acknowledges(40).await;
    assert_eq!(stage.stop_server().await, Some(0), "a stop in order is a success: {}", stage.said());
    load.stop().await;
    stage.serve(&[]).await;
    let owners = "SELECT 1 FROM hooklake.consumers WHERE owner IS NOT NULL AND epoch < 2";
    assert!(rows(&stage.database, owners).await.is_empty(), "leases were given back: each was taken anew at once");
    all_hold(&mut stage).await;
}
