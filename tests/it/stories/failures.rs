//! Which deployments were changes that failed: those that failed themselves, were rolled back, or brought what was reverted.

use serde_json::json;

use super::told;
use crate::harness::fold::Fold;
use crate::views::{at, deployed, merged, pull_request, sha, with};

/// What became of the deployments, in their order.
async fn verdicts(fold: &Fold) -> Vec<String> {
    let asked = "SELECT concat_ws(' ', deployment_id, failed_change_because, CASE WHEN is_rollback THEN 'back' END,
                                  CASE WHEN begins_outage THEN 'outage' END, hours_to_restore) FROM deployment_outcomes ORDER BY finished_at";
    fold.db.rows(asked).await.iter().map(|row| row.get(0)).collect()
}

async fn dora(fold: &Fold) -> String {
    let asked = "SELECT (deployments, failed_deployments, failed_changes, change_failure_rate, outages, restored_outages, median_hours_to_restore)::text
                 FROM dora_metrics WHERE scope = 'all' AND period = 'month'";
    fold.db.rows(asked).await[0].get(0)
}

async fn merge(fold: &Fold, number: i64, body: &str, when: &str, commit: char) {
    told(fold, "closed", &with(pull_request(number, "Work", when, merged(when, commit)), json!({"body": body}))).await;
}

async fn live(fold: &Fold, id: &str, commit: char, when: &str) {
    deployed(fold, id, "production", "success", commit, &at(when)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_that_was_rolled_back_was_a_failed_change() {
    let fold = Fold::start().await;
    for (number, commit, when) in [(1, 'a', "02T09:00"), (2, 'b', "02T10:00"), (3, 'c', "02T11:00"), (4, 'd', "02T12:00")] {
        merge(&fold, number, "", when, commit).await;
    }
    live(&fold, "d1", 'a', "03T09:00").await;
    live(&fold, "d2", 'b', "03T10:00").await;
    // The same once more is no way back, and nor is another environment's.
    live(&fold, "d3", 'b', "03T10:30").await;
    deployed(&fold, "s1", "staging", "success", 'a', &at("03T10:40")).await;
    deployed(&fold, "d4", "production", "failure", 'c', &at("03T11:00")).await;
    live(&fold, "d5", 'c', "03T12:00").await;
    // Back from c to b, and further to a: what goes back is no change.
    live(&fold, "d6", 'b', "03T12:30").await;
    live(&fold, "d7", 'a', "03T13:00").await;
    live(&fold, "d8", 'd', "03T15:00").await;
    // An older one that was only slow: it began before d8 ended.
    let slow = json!({
        "deployment_id": "d9", "environment": "production", "status": "success", "repository_name": "acme/shop", "commit_sha": sha('c'),
        "started_at": at("03T14:50"), "finished_at": at("03T15:05"),
    });
    fold.append_json("deployment", "deployment", &slow).await;
    // Of commits that nothing tells of, the one that was there first is the earlier.
    live(&fold, "e1", '1', "04T09:00").await;
    live(&fold, "e2", '2', "04T10:00").await;
    live(&fold, "e3", '1', "04T10:15").await;
    live(&fold, "e4", '2', "04T11:00").await;
    fold.caught_up().await;
    let expected = [
        "d1",
        "d2",
        "d3",
        "s1",
        "d4 failed outage 1.00",
        "d5 rolled_back outage 0.50",
        "d6 back",
        "d7 back",
        "d8",
        "d9",
        "e1",
        "e2 rolled_back outage 0.25",
        "e3 back",
        "e4",
    ];
    assert_eq!(verdicts(&fold).await, expected);
    assert_eq!(dora(&fold).await, "(12,1,3,0.2308,3,3,0.50)", "3 of 13; 1, 0.5 and 0.25 hours");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_whose_work_was_reverted_was_a_failed_change() {
    let fold = Fold::start().await;
    merge(&fold, 1, "", "02T09:00", 'a').await;
    merge(&fold, 2, "", "02T10:00", 'b').await;
    live(&fold, "d1", 'b', "02T12:00").await;
    merge(&fold, 3, "", "02T13:00", 'c').await;
    live(&fold, "d2", 'c', "02T14:00").await;
    // 1 is taken back, by the commit that it became.
    merge(&fold, 4, &format!("This reverts commit {}.", sha('a')), "02T15:00", 'd').await;
    fold.caught_up().await;
    assert_eq!(verdicts(&fold).await, ["d1", "d2"], "it still runs");
    live(&fold, "d3", 'd', "02T18:00").await;
    fold.caught_up().await;
    assert_eq!(verdicts(&fold).await, ["d1 reverted outage 6.00", "d2", "d3"]);
    assert_eq!(dora(&fold).await, "(3,0,1,0.3333,1,1,6.00)");

    // That is brought back: a revert that is taken back was no failed change, and what was, stays so.
    merge(&fold, 5, "Reverts acme/shop#4", "03T09:00", 'e').await;
    live(&fold, "d4", 'e', "03T10:00").await;
    // What comes with its own revert never ran.
    merge(&fold, 6, "", "03T11:00", 'f').await;
    merge(&fold, 7, "Reverts acme/shop#6", "03T11:30", '1').await;
    live(&fold, "d5", '1', "03T12:00").await;
    // By way of develop, to one more: the deployment that brought it there failed, and not the one that came before it.
    let develop = |fields| with(json!({"base": {"ref": "develop"}}), fields);
    told(&fold, "closed", &with(pull_request(8, "Work", "03T13:00", merged("03T13:00", '2')), develop(json!({})))).await;
    merge(&fold, 9, "", "03T13:30", '3').await;
    live(&fold, "d6", '3', "03T14:00").await;
    let release = |number, commit, when| with(pull_request(number, "Release", when, merged(when, commit)), json!({"head": {"ref": "develop"}}));
    told(&fold, "closed", &release(10, '4', "03T15:00")).await;
    live(&fold, "d7", '4', "03T16:00").await;
    let back = json!({"body": "Reverts acme/shop#8"});
    told(&fold, "closed", &with(pull_request(11, "Undo", "03T17:00", merged("03T17:00", '5')), develop(back))).await;
    told(&fold, "closed", &release(12, '6', "03T18:00")).await;
    live(&fold, "d8", '6', "03T19:00").await;
    fold.caught_up().await;
    assert_eq!(verdicts(&fold).await, ["d1 reverted outage 6.00", "d2", "d3", "d4", "d5", "d6", "d7 reverted outage 3.00", "d8"]);
    fold.stop().await;
}
