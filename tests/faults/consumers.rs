//! F21, F27, F28: the process ends between any two steps of a consumer, and what it keeps is still a fold of the log.

use hooklake::failpoint;

use super::invariants::all_hold;
use super::stage::Stage;

/// Each place of a consumer once, one life of the server after another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_step_of_a_consumer_counts_nothing_twice() {
    let mut stage = Stage::embedded().await;
    let places = [
        failpoint::PROJECTION_BEFORE_COMMIT,
        failpoint::PROJECTION_AFTER_COMMIT,
        failpoint::SEARCH_BEFORE_COMMIT,
        failpoint::SEARCH_AFTER_COMMIT,
        failpoint::LAKE_AFTER_WRITE,
        failpoint::LAKE_AFTER_COMMIT,
    ];
    for place in places {
        stage.stop_server().await;
        stage.serve(&[("FAILPOINTS", &format!("{place}=3*off->return(abort)"))]).await;
        let load = stage.load(place, 3);
        stage.server_ends().await;
        load.stop().await;
        stage.serve(&[]).await;
    }
    let found = all_hold(&mut stage).await;
    assert!(found.head > 0, "{found:?}");
}

/// F28: a rebuild is killed when its copy is complete and not yet live; the next one ends what it began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_was_killed_before_the_swap_changed_nothing() {
    let mut stage = Stage::embedded().await;
    let load = stage.load("rebuild", 3);
    load.acknowledges(40).await;
    for consumer in ["github_events", "search", "lake"] {
        let mut killed = stage.command();
        killed.args(["rebuild", consumer]).env("FAILPOINTS", format!("{}=return(abort)", failpoint::REBUILD_BEFORE_SWAP));
        let killed = tokio::task::spawn_blocking(move || killed.output().expect("it runs")).await.expect("waited");
        assert_eq!(killed.status.code(), None, "it was ended: {}", String::from_utf8_lossy(&killed.stderr));
    }
    load.acknowledges(20).await;
    load.stop().await;
    crate::harness::rows(&stage.database, "UPDATE hooklake.consumers SET lease_until = '-infinity' WHERE name LIKE '%@rebuild'").await;
    for consumer in ["github_events", "search", "lake"] {
        let mut again = stage.command();
        again.args(["rebuild", consumer]);
        let again = tokio::task::spawn_blocking(move || again.output().expect("it runs")).await.expect("waited");
        assert!(again.status.success(), "{consumer}: {}", String::from_utf8_lossy(&again.stderr));
    }
    all_hold(&mut stage).await;
}
