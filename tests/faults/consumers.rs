//! F21, F27: the process ends between any two steps of a consumer, and what it keeps is still a fold of the log.

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
