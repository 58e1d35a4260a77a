//! What a story is made of when people do not work by the book: branches that are brought up to date, texts that speak of other work,
//! titles that are mended, and several attempts to take something back.

use serde_json::{Value, json};

use crate::harness::fold::Fold;
use crate::views::{at, deployed, github, issue, merged, pull_request, reviewed, sha, with};

mod branches;
mod failures;

fn commit(letter: char, message: &str, when: &str) -> Value {
    json!({"id": sha(letter), "message": message, "timestamp": at(when), "author": {"name": "Alice"}, "committer": {"name": "Alice"}})
}

async fn push(fold: &Fold, branch: &str, commits: &[Value]) {
    let last = commits.last().expect("a commit");
    let body = json!({"ref": format!("refs/heads/{branch}"), "after": last["id"], "head_commit": last, "commits": commits});
    github(fold, "push", body).await;
}

async fn told(fold: &Fold, action: &str, shown: &Value) {
    github(fold, "pull_request", json!({"action": action, "number": shown["number"], "pull_request": shown})).await;
}

async fn story(fold: &Fold, number: i64, columns: &str) -> String {
    let asked = format!("SELECT ({columns})::text FROM workflows WHERE pull_request = 'github:acme/shop#{number}'");
    fold.db.rows(&asked).await[0].get::<_, Option<String>>(0).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_begins_with_a_commit_of_ones_own() {
    let fold = Fold::start().await;
    push(&fold, "main", &[commit('a', "Somebody else's", "02T09:00")]).await;
    let shown = pull_request(21, "Checkout", "03T11:00", json!({"head": {"sha": sha('b')}}));
    push(&fold, "branch-21", &[commit('b', "Begin", "03T10:00")]).await;
    told(&fold, "opened", &shown).await;
    push(&fold, "branch-21", &[commit('a', "Somebody else's", "02T09:00"), commit('c', "Merge branch 'main' into branch-21", "03T15:00")]).await;
    // What the merge of it brings to the branch was its own before.
    push(&fold, "main", &[commit('b', "Begin", "03T10:00"), commit('d', "Merge pull request #21 from acme/branch-21", "03T16:00")]).await;
    told(&fold, "closed", &with(shown, merged("03T16:00", 'd'))).await;
    fold.caught_up().await;
    let own = "SELECT string_agg(left(sha, 1), '' ORDER BY sha) FROM pull_request_commits WHERE pull_request = 'github:acme/shop#21'";
    assert_eq!(fold.db.rows(own).await[0].get::<_, String>(0), "bc");
    assert_eq!(story(&fold, 21, "first_commit_at AT TIME ZONE 'UTC', coding_time").await, "(\"2026-03-03 10:00:00\",01:00:00)");
    // Nor does it matter which of two pushes is told first: what came to the default branch, or that it came from there.
    let shown = pull_request(27, "Checkout", "04T11:00", json!({"head": {"sha": sha('9')}}));
    push(&fold, "branch-27", &[commit('8', "Somebody else's, too", "02T10:00"), commit('9', "Merge branch 'main' into branch-27", "04T10:00")]).await;
    told(&fold, "opened", &shown).await;
    push(&fold, "main", &[commit('9', "Merge branch 'main' into branch-27", "04T10:00"), commit('7', "Merge pull request #27", "04T16:00")]).await;
    told(&fold, "closed", &with(shown, merged("04T16:00", '7'))).await;
    push(&fold, "main", &[commit('8', "Somebody else's, too", "02T10:00")]).await;
    fold.caught_up().await;
    assert_eq!(fold.db.rows(&own.replace("#21", "#27")).await[0].get::<_, String>(0), "9");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_story_is_named_by_what_it_is_for() {
    let fold = Fold::start().await;
    for identifier in ["ABC-7", "ABC-8", "ABC-10", "ABC-11"] {
        issue(&fold, identifier, json!({"createdAt": at("01T08:00"), "updatedAt": at("01T08:00")})).await;
    }
    push(&fold, "branch-22", &[commit('e', "ABC-7: handle nulls", "03T10:00")]).await;
    told(&fold, "opened", &pull_request(22, "Tidy", "03T11:00", json!({"head": {"sha": sha('e')}}))).await;
    let speaks = "Follow-up of ABC-10, see https://linear.app/acme/issue/ABC-11";
    told(&fold, "opened", &pull_request(23, "ABC-8: Checkout", "03T11:00", json!({"body": speaks}))).await;
    let upstream = "As in https://github.com/other/upstream/issues/3, for ABC-10";
    told(&fold, "opened", &pull_request(24, "Prices", "03T11:00", json!({"body": upstream}))).await;
    told(&fold, "opened", &pull_request(25, "ABC-8: Stock", "03T11:00", json!({}))).await;
    told(&fold, "edited", &pull_request(25, "ABC-10: Stock", "03T11:00", json!({"updated_at": at("03T12:00")}))).await;
    let closes = "ABC-10 is related.\n\nFixes ABC-11";
    told(&fold, "opened", &pull_request(26, "Shelves", "03T11:00", json!({"body": closes}))).await;
    let besides = json!({"body": "https://linear.app/acme/issue/ABC-8/carts\n\nSee also ABC-10.", "head": {"ref": "ada/abc-8-carts"}});
    told(&fold, "opened", &pull_request(28, "ABC-8: Carts", "03T11:00", besides.clone())).await;
    told(&fold, "opened", &pull_request(29, "Carts", "03T11:00", with(besides, json!({"body": "https://linear.app/acme/issue/ABC-8/carts See also ABC-11."}))))
        .await;
    let besides = json!({"body": "Part of ABC-8. Follow-up of ABC-11.", "head": {"ref": "ada/abc-8-racks"}});
    told(&fold, "opened", &pull_request(30, "Racks", "03T11:00", besides)).await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 30, "issues").await, "{linear:ABC-8,linear:ABC-11}", "the branch, not only the text");
    assert_eq!(story(&fold, 28, "issues").await, "{linear:ABC-8,linear:ABC-10}", "the title, not only the address");
    assert_eq!(story(&fold, 29, "issues").await, "{linear:ABC-8,linear:ABC-11}", "the branch, not only the address");
    assert_eq!(story(&fold, 22, "issue").await, "linear:ABC-7", "the message of its commit");
    assert_eq!(story(&fold, 23, "issues").await, "{linear:ABC-8,linear:ABC-10,linear:ABC-11}", "the title comes first");
    assert_eq!(story(&fold, 24, "issues").await, "{linear:ABC-10,github:other/upstream#3}", "an issue that is known comes first");
    assert_eq!(story(&fold, 25, "issues").await, "{linear:ABC-10}", "the title was mended");
    assert_eq!(story(&fold, 26, "issue").await, "linear:ABC-11", "it says that it closes it");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_attempts_to_take_something_back_the_one_that_was_merged_counts() {
    let fold = Fold::start().await;
    told(&fold, "closed", &pull_request(98, "Checkout", "03T08:00", merged("03T09:00", 'f'))).await;
    let reverts = json!({"body": "Reverts acme/shop#98"});
    told(&fold, "closed", &with(pull_request(99, "Undo", "03T10:00", merged("03T12:00", 'e')), reverts.clone())).await;
    let given_up = json!({"state": "closed", "closed_at": at("03T11:30")});
    told(&fold, "closed", &with(pull_request(100, "Undo it", "03T11:00", reverts), given_up)).await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 98, "reverted_by, reverted_at AT TIME ZONE 'UTC', state").await, "(github:acme/shop#99,\"2026-03-03 12:00:00\",reverted)");

    // By the commit that it became; and then it is brought back.
    told(&fold, "closed", &pull_request(50, "Prices", "03T08:00", merged("03T09:00", 'a'))).await;
    let by_hash = json!({"body": format!("This reverts commit {}.", sha('a'))});
    told(&fold, "closed", &with(pull_request(51, "Revert \"Prices\"", "04T08:00", merged("04T09:00", 'b')), by_hash)).await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 50, "reverted_by, state").await, "(github:acme/shop#51,reverted)");
    let again = json!({"body": "Reverts acme/shop#51"});
    told(&fold, "closed", &with(pull_request(52, "Revert \"Revert \"Prices\"\"", "05T08:00", merged("05T09:00", 'c')), again)).await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 50, "reverted_by, state").await, "(,merged)");
    assert_eq!(story(&fold, 51, "reverted_by, state").await, "(github:acme/shop#52,reverted)");
    // That may be said by the hash, too.
    told(&fold, "closed", &pull_request(55, "Stock", "03T08:00", merged("03T09:00", '1'))).await;
    for (number, shown, of) in [(56, merged("04T09:00", '2'), '1'), (57, merged("05T09:00", '3'), '2')] {
        let by_hash = json!({"body": format!("This reverts commit {}.", sha(of))});
        told(&fold, "closed", &with(pull_request(number, "Another try", "04T08:00", shown), by_hash)).await;
    }
    fold.caught_up().await;
    assert_eq!(story(&fold, 55, "reverted_by, state").await, "(,merged)");
    assert_eq!(story(&fold, 56, "reverted_by, state").await, "(github:acme/shop#57,reverted)");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pushed_to_another_branch_brings_nothing_of_the_default_one() {
    let fold = Fold::start().await;
    let known = json!({"repository": {"default_branch": "main"}});
    let shown = pull_request(41, "Checkout", "03T08:00", merged("03T10:00", 'a'));
    github(&fold, "pull_request", with(known, json!({"action": "closed", "number": 41, "pull_request": shown}))).await;
    push(&fold, "main", &[commit('a', "Checkout (#41)", "03T10:00")]).await;
    push(&fold, "release/1.0", &[commit('e', "Mend it", "04T10:00")]).await;
    deployed(&fold, "d1", "production", "success", 'e', &at("04T11:00")).await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 41, "state").await, "merged");
    deployed(&fold, "d2", "production", "success", 'a', &at("04T12:00")).await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 41, "state, deployed_at AT TIME ZONE 'UTC'").await, "(deployed,\"2026-03-04 12:00:00\")");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_is_what_github_says_it_is() {
    let fold = Fold::start().await;
    told(&fold, "closed", &pull_request(42, "Stock", "03T08:00", merged("03T10:00", 'b'))).await;
    for (id, environment, is_production) in [(1, "heroku-review", false), (2, "heroku-main", true)] {
        let deployment = json!({"id": id, "sha": sha('b'), "ref": "main", "environment": environment, "production_environment": is_production, "created_at": at("03T11:00")});
        let status = json!({"id": id, "state": "success", "environment": environment, "created_at": at("03T12:00"), "updated_at": at("03T12:00")});
        github(&fold, "deployment_status", json!({"action": "created", "deployment": deployment, "deployment_status": status})).await;
    }
    fold.caught_up().await;
    let ended = fold.db.rows("SELECT string_agg(environment || ' ' || is_production, ', ' ORDER BY environment) FROM deployment_outcomes").await;
    assert_eq!(ended[0].get::<_, String>(0), "heroku-main true, heroku-review false");
    assert_eq!(story(&fold, 42, "state, deployed_at AT TIME ZONE 'UTC'").await, "(deployed,\"2026-03-03 12:00:00\")");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_is_one_on_every_platform() {
    let fold = Fold::start().await;
    fold.append_story().await;
    let profile = json!({"id": "U0HELADA001", "name": "ada", "profile": {"real_name": "Ada Lovelace", "email": "ada@hello-world.example"}});
    fold.append_json("slack", "user_change", &json!({"team_id": "T1", "event": {"type": "user_change", "user": profile}})).await;
    fold.caught_up().await;
    let ada = "SELECT string_agg(DISTINCT platform, ' ' ORDER BY platform) FROM person_activity
               WHERE person_key = (SELECT person_key FROM person_identities WHERE 'ada-hel' = ANY (logins) AND platform = 'github')";
    assert_eq!(fold.db.rows(ada).await[0].get::<_, String>(0), "github linear slack");
    assert_eq!(fold.db.number("SELECT count(*) FROM person_activity").await, fold.db.number("SELECT count(*) FROM events WHERE actor IS NOT NULL").await);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asked_in_the_second_of_opening_is_asked() {
    let fold = Fold::start().await;
    for number in 61..=72 {
        let shown = pull_request(number, "Asked", "03T08:00", json!({}));
        let asked = with(shown.clone(), json!({"requested_reviewers": [{"login": "carol"}]}));
        // GitHub promises no order.
        for (action, shown) in
            if number % 2 == 0 { [("opened", &shown), ("review_requested", &asked)] } else { [("review_requested", &asked), ("opened", &shown)] }
        {
            told(&fold, action, shown).await;
        }
    }
    fold.caught_up().await;
    assert_eq!(fold.db.number("SELECT count(*) FROM review_waiting WHERE reviewer = 'carol'").await, 12);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_does_not_wait_for_a_review_that_comes_after_it() {
    let fold = Fold::start().await;
    let shown = pull_request(53, "Checkout", "03T08:00", merged("03T09:00", 'a'));
    told(&fold, "closed", &shown).await;
    reviewed(&fold, &shown, 531, "bob", "approved", "03T10:00").await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 53, "merge_wait, review_wait").await, "(,02:00:00)");
    let flow = "SELECT (review_hours, pickup_hours)::text FROM pull_request_flow WHERE subject = 'github:acme/shop#53'";
    assert_eq!(fold.db.rows(flow).await[0].get::<_, String>(0), "(,2.00)");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_that_was_transferred_is_meant_by_its_old_name() {
    let fold = Fold::start().await;
    let old =
        json!({"id": 5, "number": 5, "title": "Bug", "state": "open", "user": {"login": "dave"}, "created_at": at("02T08:00"), "updated_at": at("02T08:00")});
    github(&fold, "issues", json!({"action": "opened", "issue": old})).await;
    told(&fold, "opened", &pull_request(54, "Mend it", "03T08:00", json!({"body": "Fixes #5"}))).await;
    let new = with(old.clone(), json!({"id": 9, "number": 9, "updated_at": at("03T09:00")}));
    let next = json!({"id": 7, "full_name": "acme/next", "name": "next", "owner": {"login": "acme"}});
    github(&fold, "issues", json!({"action": "transferred", "issue": old, "changes": {"new_issue": new, "new_repository": next}})).await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 54, "issues").await, "{github:acme/next#9}");
    for (asked, view) in [("issue_subject", "issue_pull_requests"), ("(SELECT subject FROM issues i WHERE i.key = issue_key)", "pull_request_issues")] {
        let rows = fold.db.rows(&format!("SELECT string_agg({asked} || ' ' || pull_request, ', ') FROM {view}")).await;
        assert_eq!(rows[0].get::<_, String>(0), "github:acme/next#9 github:acme/shop#54", "{view}");
    }
    assert_eq!(fold.db.number("SELECT count(*) FROM workflows").await, 1, "one story");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_of_a_fork_that_is_gone_is_no_branch_of_ours() {
    let fold = Fold::start().await;
    push(&fold, "main", &[commit('a', "Long ago", "01T09:00")]).await;
    let fork = json!({"head": {"ref": "main", "sha": sha('b'), "label": "carl:main", "repo": {"full_name": "carl/shop"}}});
    let shown = pull_request(31, "From a fork", "03T11:00", fork);
    told(&fold, "opened", &shown).await;
    told(&fold, "labeled", &with(shown, json!({"head": {"repo": null}, "updated_at": at("04T11:00")}))).await;
    // Nothing says whose it was but the one who opened it there.
    let nameless = json!({"head": {"ref": "main", "sha": sha('b'), "repo": null, "user": {"login": "carl"}}});
    told(&fold, "opened", &pull_request(32, "From a fork", "03T11:00", nameless)).await;
    let nobodys = json!({"head": {"ref": "main", "sha": sha('b'), "label": null, "repo": null, "user": null}});
    told(&fold, "opened", &pull_request(39, "From a fork", "03T11:00", nobodys)).await;
    push(&fold, "branch-33", &[commit('c', "Ours", "03T10:00")]).await;
    told(&fold, "opened", &pull_request(33, "Of our own", "03T11:00", json!({"head": {"sha": sha('d'), "label": "Acme:branch-33", "repo": null}}))).await;
    fold.caught_up().await;
    let commits = "SELECT string_agg(pull_request || ' ' || left(sha, 1), ', ') FROM pull_request_commits";
    assert_eq!(fold.db.rows(commits).await[0].get::<_, String>(0), "github:acme/shop#33 c");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_knows_what_brought_a_merge_that_was_not_heard_of() {
    let fold = Fold::start().await;
    told(&fold, "labeled", &with(pull_request(34, "Long ago", "01T08:00", merged("01T10:00", 'a')), json!({"updated_at": at("20T10:00")}))).await;
    let shown = pull_request(35, "Lately", "19T08:00", json!({}));
    told(&fold, "opened", &shown).await;
    told(&fold, "closed", &with(shown, merged("20T09:00", 'b'))).await;
    // What closed this one is lost, but it was heard of before.
    let shown = pull_request(36, "Lost", "19T08:00", json!({}));
    told(&fold, "opened", &shown).await;
    told(&fold, "labeled", &with(with(shown, merged("20T09:05", 'c')), json!({"updated_at": at("22T09:00")}))).await;
    deployed(&fold, "d1", "production", "success", 'c', &at("20T09:20")).await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 34, "state, deployed_at, is_complete").await, "(merged,,t)");
    for number in [35, 36] {
        assert_eq!(story(&fold, number, "state, deployed_at AT TIME ZONE 'UTC'").await, "(deployed,\"2026-03-20 09:20:00\")");
    }
    assert_eq!(fold.db.number("SELECT count(*) FROM stuck_work").await, 0);
    assert_eq!(fold.db.number("SELECT changes FROM dora_metrics WHERE scope = 'all' AND period = 'month'").await, 2);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_was_mended_is_no_evidence_any_more() {
    let fold = Fold::start().await;
    for identifier in ["ABC-7", "ABC-8"] {
        issue(&fold, identifier, json!({"createdAt": at("01T08:00"), "updatedAt": at("01T08:00")})).await;
    }
    let body = |text: &str, when: &str| json!({"body": text, "updated_at": at(when)});
    told(&fold, "opened", &pull_request(37, "Checkout", "03T11:00", body("Fixes ABC-7", "03T11:00"))).await;
    told(&fold, "edited", &pull_request(37, "Checkout", "03T11:00", body("Fixes ABC-8", "03T11:05"))).await;
    told(&fold, "opened", &pull_request(38, "Prices", "03T11:00", body("Fixes ABC-7", "03T11:00"))).await;
    told(&fold, "edited", &pull_request(38, "Prices", "03T11:00", json!({"body": null, "updated_at": at("03T11:05")}))).await;
    fold.caught_up().await;
    assert_eq!(story(&fold, 37, "issues").await, "{linear:ABC-8}");
    assert_eq!(story(&fold, 38, "issues").await, "{}");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_is_the_same_under_another_name() {
    let fold = Fold::start().await;
    let renamed = |fields: Value| with(json!({"repository": {"full_name": "acme/store", "name": "store", "updated_at": at("03T12:00")}}), fields);
    told(&fold, "closed", &pull_request(43, "Before", "03T08:00", merged("03T10:00", 'a'))).await;
    deployed(&fold, "d1", "production", "success", 'a', &at("03T11:00")).await;
    told(&fold, "closed", &pull_request(44, "On the way", "03T08:00", merged("03T11:30", 'b'))).await;
    github(&fold, "repository", renamed(json!({"action": "renamed"}))).await;
    let deployment = json!({"id": 9, "sha": sha('b'), "ref": "main", "environment": "production", "created_at": at("03T13:00")});
    let status = json!({"id": 9, "state": "success", "environment": "production", "created_at": at("03T14:00"), "updated_at": at("03T14:00")});
    github(&fold, "deployment_status", renamed(json!({"action": "created", "deployment": deployment, "deployment_status": status}))).await;
    let labeled = with(pull_request(43, "Before", "03T08:00", merged("03T10:00", 'a')), json!({"updated_at": at("04T08:00")}));
    github(&fold, "pull_request", renamed(json!({"action": "labeled", "number": 43, "pull_request": labeled}))).await;
    fold.caught_up().await;
    let deployed = "SELECT (subject, deployed_at AT TIME ZONE 'UTC')::text FROM pull_request_flow ORDER BY number";
    let deployed: Vec<String> = fold.db.rows(deployed).await.iter().map(|row| row.get(0)).collect();
    assert_eq!(deployed, ["(github:acme/store#43,\"2026-03-03 11:00:00\")", "(github:acme/shop#44,\"2026-03-03 14:00:00\")"]);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_counts_from_when_it_was_made() {
    let fold = Fold::start().await;
    let pushed = async |branch: &str, commits: &[Value], when: &str| {
        let last = commits.last().expect("a commit");
        let body =
            json!({"ref": format!("refs/heads/{branch}"), "after": last["id"], "head_commit": last, "commits": commits, "repository": {"pushed_at": at(when)}});
        github(&fold, "push", body).await;
    };
    told(&fold, "opened", &pull_request(45, "Checkout", "03T11:00", json!({"head": {"sha": sha('b')}}))).await;
    pushed("branch-45", &[commit('b', "Begin", "03T10:00")], "03T10:30").await;
    let merge = commit('c', "Merge branch 'main' into branch-45", "03T15:00");
    pushed("branch-45", &[commit('a', "Somebody else's", "02T09:00"), merge], "03T15:00").await;
    // It was pushed before, and delivered once more after that.
    pushed("main", &[commit('a', "Somebody else's", "02T09:00")], "02T09:01").await;
    fold.caught_up().await;
    let own = "SELECT string_agg(left(sha, 1), '' ORDER BY sha) FROM pull_request_commits WHERE pull_request = 'github:acme/shop#45'";
    assert_eq!(fold.db.rows(own).await[0].get::<_, String>(0), "bc");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_that_nobody_will_do_is_not_done() {
    let fold = Fold::start().await;
    for (number, reason) in [(46, "not_planned"), (47, "completed")] {
        let shown = json!({
            "id": number, "number": number, "title": "x", "state": "closed", "state_reason": reason, "user": {"login": "dave"}, "created_at": at("02T08:00"),
            "updated_at": at("03T08:00"), "closed_at": at("03T08:00"),
        });
        github(&fold, "issues", json!({"action": "closed", "issue": shown})).await;
    }
    let duplicate =
        json!({"state": {"name": "Duplicate", "type": "duplicate"}, "createdAt": at("02T08:00"), "updatedAt": at("03T08:00"), "canceledAt": at("03T08:00")});
    issue(&fold, "ABC-7", duplicate).await;
    fold.caught_up().await;
    let stories = "SELECT (issue, state, is_complete)::text FROM workflows ORDER BY issue";
    let stories: Vec<String> = fold.db.rows(stories).await.iter().map(|row| row.get(0)).collect();
    assert_eq!(stories, ["(github:acme/shop#46,cancelled,f)", "(github:acme/shop#47,done,t)", "(linear:ABC-7,cancelled,f)"]);
    fold.stop().await;
}
