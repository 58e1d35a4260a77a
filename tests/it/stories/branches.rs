//! What goes to production by way of another branch: `develop`, a branch for a release, the branch of another pull request.

use serde_json::{Value, json};

use super::{commit, push, story, told};
use crate::harness::fold::Fold;
use crate::views::{at, deployed, github, merged, pull_request, sha, with};

/// A pull request that was merged: its number, from where to where, when it was opened and merged, and the commit that it became.
async fn merge(fold: &Fold, number: i64, (head, base): (&str, &str), (opened, when): (&str, &str), commit: char) {
    let branches = json!({"head": {"ref": head}, "base": {"ref": base}});
    told(fold, "closed", &with(pull_request(number, "Some work", opened, branches), merged(when, commit))).await;
}

/// When each of these was deployed, as two views have it.
async fn deployed_at(fold: &Fold, numbers: &[i64]) -> Vec<String> {
    let mut found = Vec::new();
    for number in numbers {
        let when = story(fold, *number, "to_char(deployed_at AT TIME ZONE 'UTC', 'DD\"T\"HH24:MI')").await;
        let flow = format!("SELECT to_char(deployed_at AT TIME ZONE 'UTC', 'DD\"T\"HH24:MI') FROM pull_request_flow WHERE number = {number}");
        assert_eq!(fold.db.rows(&flow).await[0].get::<_, Option<String>>(0).unwrap_or_default(), when, "{number}");
        found.push(when);
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_merged_to_develop_is_deployed_with_the_release() {
    let fold = Fold::start().await;
    merge(&fold, 1, ("branch-1", "develop"), ("02T08:00", "02T09:00"), '1').await;
    merge(&fold, 2, ("develop", "main"), ("03T08:00", "03T09:00"), '2').await;
    merge(&fold, 3, ("main", "develop"), ("03T09:10", "03T09:20"), '3').await;
    merge(&fold, 4, ("branch-4", "develop"), ("03T10:00", "03T11:00"), '4').await;
    // A fork has a branch of the same name.
    let fork = json!({"head": {"ref": "develop", "repo": {"full_name": "carl/shop"}}});
    told(&fold, "closed", &with(pull_request(5, "From a fork", "03T10:00", fork), merged("03T12:00", '5'))).await;
    deployed(&fold, "d0", "staging", "success", '2', &at("03T12:30")).await;
    deployed(&fold, "d1", "production", "failure", '2', &at("03T13:00")).await;
    deployed(&fold, "d2", "production", "success", '2', &at("03T14:00")).await;
    deployed(&fold, "d3", "production", "success", '5', &at("03T15:00")).await;
    fold.caught_up().await;
    assert_eq!(deployed_at(&fold, &[1, 2, 3, 4, 5]).await, ["03T14:00", "03T14:00", "", "", "03T15:00"]);
    assert_eq!(fold.db.number("SELECT count(*) FROM stuck_work WHERE subject = 'github:acme/shop#4'").await, 1, "it waits for the next release");
    merge(&fold, 6, ("develop", "main"), ("04T08:00", "04T09:00"), '6').await;
    deployed(&fold, "d4", "production", "success", '6', &at("04T10:00")).await;
    fold.caught_up().await;
    assert_eq!(deployed_at(&fold, &[1, 2, 3, 4, 5]).await, ["03T14:00", "03T14:00", "04T10:00", "04T10:00", "03T15:00"]);
    // 30 and 24 h of the first, 1.
    let lead = "SELECT (changes, median_lead_hours)::text FROM dora_metrics WHERE scope = 'all' AND period = 'day' AND period_start = '2026-03-03'";
    assert_eq!(fold.db.rows(lead).await[0].get::<_, String>(0), "(3,6.00)", "30, 6 and 5 hours");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_s_deployment_is_also_one_that_brings_its_work_by_another_branch() {
    let fold = Fold::start().await;
    crate::views::issue(&fold, "ABC-7", json!({"createdAt": at("01T08:00"), "updatedAt": at("01T08:00")})).await;
    let ours = with(pull_request(1, "ABC-7: Carts", "02T08:00", merged("02T09:00", '1')), json!({"base": {"ref": "develop"}}));
    told(&fold, "closed", &ours).await;
    merge(&fold, 2, ("develop", "main"), ("03T08:00", "03T09:00"), '2').await;
    deployed(&fold, "d1", "production", "failure", '2', &at("03T13:00")).await;
    deployed(&fold, "d2", "production", "success", '2', &at("03T14:00")).await;
    fold.caught_up().await;
    let of_team = "SELECT (deployments, failed_deployments, changes)::text FROM dora_metrics WHERE scope = 'team' AND name = 'ABC' AND period = 'day'";
    assert_eq!(fold.db.rows(of_team).await[0].get::<_, String>(0), "(1,1,1)");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_merged_into_another_pull_request_is_deployed_with_that() {
    let fold = Fold::start().await;
    // Three on top of each other, merged from the top; what comes to a branch after its merge goes nowhere.
    merge(&fold, 13, ("branch-13", "branch-12"), ("02T08:00", "02T09:00"), '3').await;
    merge(&fold, 12, ("branch-12", "branch-11"), ("02T08:00", "02T10:00"), '2').await;
    merge(&fold, 11, ("branch-11", "main"), ("02T08:00", "02T11:00"), '1').await;
    merge(&fold, 14, ("branch-14", "branch-11"), ("02T08:00", "02T12:00"), '4').await;
    merge(&fold, 15, ("branch-15", "main"), ("02T08:00", "02T13:00"), '5').await;
    deployed(&fold, "d1", "production", "success", '5', &at("02T14:00")).await;
    fold.caught_up().await;
    assert_eq!(deployed_at(&fold, &[11, 12, 13, 14, 15]).await, ["02T14:00", "02T14:00", "02T14:00", "", "02T14:00"]);

    // A branch for a release; and the name is used again for another, which never had what was not released then.
    merge(&fold, 21, ("branch-21", "release"), ("03T08:00", "03T09:00"), '6').await;
    github(&fold, "delete", json!({"ref": "release", "ref_type": "branch", "repository": {"pushed_at": at("03T10:00")}})).await;
    merge(&fold, 22, ("branch-22", "release"), ("04T08:00", "04T09:00"), '7').await;
    merge(&fold, 23, ("release", "main"), ("04T09:00", "04T10:00"), '8').await;
    deployed(&fold, "d2", "production", "success", '8', &at("04T11:00")).await;
    fold.caught_up().await;
    assert_eq!(deployed_at(&fold, &[21, 22, 23]).await, ["", "04T11:00", "04T11:00"]);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_merged_by_hand_is_deployed_with_what_is_pushed() {
    let fold = Fold::start().await;
    let known = |fields: Value| with(json!({"repository": {"default_branch": "main"}}), fields);
    merge(&fold, 31, ("branch-31", "develop"), ("02T08:00", "02T09:00"), 'a').await;
    push(&fold, "develop", &[commit('a', "Some work (#31)", "02T09:00")]).await;
    merge(&fold, 32, ("branch-32", "develop"), ("02T08:00", "03T08:59"), 'b').await;
    let (brought, merge_of_it) = (commit('a', "Some work (#31)", "02T09:00"), commit('c', "Merge branch 'develop'", "03T09:00"));
    let pushed = json!({"ref": "refs/heads/main", "after": sha('c'), "head_commit": merge_of_it, "commits": [brought, merge_of_it]});
    github(&fold, "push", known(pushed)).await;
    // Before that nothing of it was there.
    push(&fold, "main", &[commit('d', "Mend it", "03T08:00")]).await;
    deployed(&fold, "d1", "production", "success", 'd', &at("03T09:30")).await;
    fold.caught_up().await;
    assert_eq!(deployed_at(&fold, &[31, 32]).await, ["", ""]);
    deployed(&fold, "d2", "production", "success", 'c', &at("03T10:00")).await;
    fold.caught_up().await;
    assert_eq!(deployed_at(&fold, &[31, 32]).await, ["03T10:00", ""]);

    // From there by a pull request to the branch that is deployed, after several that went elsewhere; and by hand again to the last.
    for (number, day) in [(33, "04"), (34, "05"), (35, "06")] {
        merge(&fold, number, ("develop", "test"), (&format!("{day}T08:00"), &format!("{day}T09:00")), '9').await;
    }
    merge(&fold, 36, ("develop", "live"), ("06T08:00", "06T10:00"), 'e').await;
    let (brought, last) = (commit('e', "Release (#36)", "06T10:00"), commit('f', "Merge branch 'live'", "06T11:00"));
    push(&fold, "main", &[brought, last]).await;
    deployed(&fold, "d3", "production", "success", 'f', &at("06T12:00")).await;
    fold.caught_up().await;
    assert_eq!(deployed_at(&fold, &[31, 32]).await, ["03T10:00", "06T12:00"]);
    fold.stop().await;
}
