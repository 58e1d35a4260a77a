//! Whose word counts in the views of reviews, checks and answers: bots and notices say nothing, what shares a name is not
//! the same check, and one who asks for changes holds up a pull request that another approved.
//!
//! All in acme/shop, times in UTC.

use std::collections::BTreeMap;
use std::time::Duration;

use hooklake::saved::{self, postgres};
use serde_json::{Value, json};

use crate::harness::fold::Fold;

fn at(time: &str) -> String {
    format!("2026-03-{time}:00Z")
}

fn login(name: &str) -> Value {
    json!({"login": name})
}

async fn github(fold: &Fold, event_type: &str, mut body: Value) {
    body["repository"] = json!({"id": 1, "full_name": "acme/shop", "name": "shop", "owner": login("acme")});
    fold.append_json("github", event_type, &body).await;
}

/// A pull request of Alice's, as it is when it is opened.
fn shown_as(number: i64) -> Value {
    json!({
        "id": number, "number": number, "title": "x", "state": "open", "draft": false, "user": login("alice"), "created_at": at("02T09:00"),
        "updated_at": at("02T09:00"), "head": {"ref": "x", "sha": number.to_string().repeat(40)}, "base": {"ref": "main"}, "requested_reviewers": [], "requested_teams": [],
    })
}

/// A pull request of Alice's, opened at 9:00 on the 2nd.
async fn opened(fold: &Fold, number: i64) -> Value {
    let shown = shown_as(number);
    github(fold, "pull_request", json!({"action": "opened", "number": number, "pull_request": shown})).await;
    shown
}

/// Another field of it is so from then on.
async fn changed(fold: &Fold, shown: &Value, action: &str, field: &str, value: Value, when: &str) -> Value {
    let mut shown = shown.clone();
    shown[field] = value;
    shown["updated_at"] = json!(at(when));
    github(fold, "pull_request", json!({"action": action, "number": shown["number"], "pull_request": shown})).await;
    shown
}

async fn reviewed(fold: &Fold, shown: &Value, id: i64, who: &str, state: &str, when: &str) {
    let review = json!({"id": id, "user": login(who), "state": state, "submitted_at": at(when)});
    github(fold, "pull_request_review", json!({"action": "submitted", "review": review, "pull_request": shown})).await;
}

async fn issue(fold: &Fold, number: i64, state: &str) -> Value {
    let shown = json!({"id": number, "number": number, "title": "x", "state": state, "user": login("dave"), "assignees": [], "created_at": at("02T09:00"), "updated_at": at("02T09:00")});
    github(fold, "issues", json!({"action": "opened", "issue": shown})).await;
    shown
}

async fn commented(fold: &Fold, issue: &Value, id: i64, who: &str, when: &str) {
    let comment = json!({"id": id, "body": "x", "user": login(who), "created_at": at(when), "updated_at": at(when)});
    github(fold, "issue_comment", json!({"action": "created", "issue": issue, "comment": comment})).await;
}

/// A message in C1, so many minutes after 9:00 on the 2nd; `fields` are laid over it.
async fn said(fold: &Fold, minute: i64, user: &str, fields: Value) {
    let ts = format!("{}.000000", 1_772_442_000 + minute * 60);
    let mut event = json!({"type": "message", "channel": "C1", "user": user, "text": "x", "ts": ts, "event_ts": ts});
    if let Value::Object(fields) = fields {
        for (name, value) in fields {
            event[name] = value;
        }
    }
    fold.append_json("slack", "message", &json!({"team_id": "T1", "event": event})).await;
}

/// The message of minute 0, as those in its thread name it.
const FIRST: &str = "1772442000.000000";

/// The rows of a question as PostgreSQL writes them.
async fn rows(fold: &Fold, sql: &str) -> Vec<String> {
    fold.db.rows(&format!("SELECT q::text FROM ({sql}) q")).await.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_neither_review_nor_answer() {
    let fold = Fold::start().await;
    let shown = opened(&fold, 1).await;
    reviewed(&fold, &shown, 11, "coderabbitai[bot]", "commented", "02T09:01").await;
    reviewed(&fold, &shown, 12, "bob", "approved", "02T15:00").await;
    changed(&fold, &shown, "review_requested", "requested_reviewers", json!([login("other[bot]"), login("carol")]), "02T16:00").await;
    let bug = issue(&fold, 2, "open").await;
    commented(&fold, &bug, 21, "triage[bot]", "02T09:01").await;
    commented(&fold, &bug, 22, "bob", "02T11:00").await;
    said(&fold, 0, "U1", json!({})).await;
    said(&fold, 1, "U9", json!({"bot_id": "B1", "thread_ts": FIRST})).await;
    said(&fold, 30, "U2", json!({"thread_ts": FIRST})).await;
    said(&fold, 40, "U9", json!({"bot_id": "B1"})).await;
    fold.caught_up().await;
    let reviewed = "SELECT first_review_at AT TIME ZONE 'UTC', reviews, reviewers FROM pull_request_reviewed";
    assert_eq!(rows(&fold, reviewed).await, ["(\"2026-03-02 15:00:00\",1,1)"]);
    let load = "SELECT reviewer, reviews, awaited_now, median_hours_to_review FROM review_load ORDER BY 1";
    assert_eq!(rows(&fold, load).await, ["(bob,1,0,6.00)", "(carol,0,1,)"]);
    let answers = "SELECT kind, asked_by, answered_by, hours_to_answer FROM response_times ORDER BY 1";
    assert_eq!(rows(&fold, answers).await, ["(issue,dave,bob,2.00)", "(pull_request,alice,bob,6.00)", "(slack_thread,U1,U2,0.50)"]);
    let thread = "SELECT replies, first_response_at AT TIME ZONE 'UTC' FROM slack_threads";
    assert_eq!(rows(&fold, thread).await, ["(2,\"2026-03-02 09:30:00\")"]);
    fold.stop().await;
}

/// A check `build` of a commit, in a suite; the job of a workflow's run when one is given.
async fn built(fold: &Fold, id: i64, commit: i64, suite: i64, job: Option<(&str, i64)>, conclusion: &str) {
    let (sha, when) = (commit.to_string().repeat(40), at(&format!("02T10:{id:02}")));
    let app = if suite == 50 { json!({"name": "Other", "slug": "other"}) } else { json!({"name": "GitHub Actions", "slug": "github-actions"}) };
    let run = json!({
        "id": id, "name": "build", "head_sha": sha, "status": "completed", "conclusion": conclusion, "started_at": when, "completed_at": when,
        "check_suite": {"id": suite, "head_sha": sha}, "app": app, "pull_requests": [],
    });
    github(fold, "check_run", json!({"action": "completed", "check_run": run})).await;
    let Some((workflow, run)) = job else { return };
    let job = json!({
        "id": id, "run_id": run, "run_attempt": 1, "workflow_name": workflow, "name": "build", "head_sha": sha, "status": "completed", "conclusion": conclusion,
        "created_at": when, "started_at": when, "completed_at": when,
    });
    github(fold, "workflow_job", json!({"action": "completed", "workflow_job": job})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_is_more_than_its_name() {
    let fold = Fold::start().await;
    for (run, event) in [(60, "push"), (61, "pull_request")] {
        let run = json!({"id": run, "name": "CI", "event": event, "head_sha": "6".repeat(40), "status": "in_progress", "created_at": at("02T10:00"), "updated_at": at("02T10:00")});
        github(&fold, "workflow_run", json!({"action": "in_progress", "workflow_run": run})).await;
    }
    // Two workflows; two suites of which no job is told; run again in its suite; the workflow started again; two apps; a push
    // and a pull request that each start the workflow. Each time the first fails and the second succeeds.
    for (commit, suites, jobs) in [
        (1, [10, 11], [Some(("CI", 10)), Some(("Docs", 11))]),
        (2, [20, 21], [None, None]),
        (3, [30, 30], [None, None]),
        (4, [40, 41], [Some(("CI", 40)), Some(("CI", 41))]),
        (5, [50, 51], [None, None]),
        (6, [60, 61], [Some(("CI", 60)), Some(("CI", 61))]),
    ] {
        built(&fold, commit * 2, commit, suites[0], jobs[0], "failure").await;
        built(&fold, commit * 2 + 1, commit, suites[1], jobs[1], "success").await;
    }
    fold.caught_up().await;
    let states = "SELECT left(head_sha, 1), state FROM commit_checks ORDER BY 1";
    assert_eq!(rows(&fold, states).await, ["(1,failure)", "(2,failure)", "(3,success)", "(4,success)", "(5,failure)", "(6,failure)"]);
    let flaky = "SELECT kind, check_name, commits, runs, failures, flaky_commits FROM flaky_checks ORDER BY 1";
    assert_eq!(rows(&fold, flaky).await, ["(check_run,build,6,12,6,2)", "(workflow_job,build,3,6,3,1)"]);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_changes_holds_it_up() {
    let fold = Fold::start().await;
    let mut shown = Vec::new();
    for number in 1..=7 {
        shown.push(opened(&fold, number).await);
    }
    // Carol approves what Bob wants changed (1); he approves it himself (2); his word is dismissed (3); he is asked again (4).
    for (pull_request, number) in shown.iter().zip(1..=4) {
        reviewed(&fold, pull_request, number * 10, "bob", "changes_requested", "02T10:00").await;
        let second = if number == 2 { "Bob" } else { "carol" };
        reviewed(&fold, pull_request, number * 10 + 1, second, "approved", "02T11:00").await;
    }
    let dismissed = changed(&fold, &shown[2], "edited", "title", json!("y"), "02T12:00").await;
    reviewed(&fold, &dismissed, 30, "bob", "dismissed", "02T10:00").await;
    changed(&fold, &shown[3], "review_requested", "requested_reviewers", json!([login("bob")]), "02T12:00").await;
    // Only a team is asked.
    changed(&fold, &shown[4], "review_requested", "requested_teams", json!([{"slug": "shop"}]), "02T09:30").await;
    // The approval that took the place of his wish is dismissed: neither stands (6).
    reviewed(&fold, &shown[5], 60, "bob", "changes_requested", "02T10:00").await;
    let dismissed = changed(&fold, &shown[5], "edited", "title", json!("y"), "02T12:00").await;
    reviewed(&fold, &dismissed, 61, "bob", "dismissed", "02T11:00").await;
    // Two want changes, and only one is asked again (7).
    reviewed(&fold, &shown[6], 70, "bob", "changes_requested", "02T10:00").await;
    reviewed(&fold, &shown[6], 71, "carol", "changes_requested", "02T11:00").await;
    changed(&fold, &shown[6], "review_requested", "requested_reviewers", json!([login("bob")]), "02T12:00").await;
    fold.caught_up().await;
    let stuck = "SELECT subject, reason, since AT TIME ZONE 'UTC' FROM stuck_work ORDER BY 1";
    let expected = [
        "(github:acme/shop#1,\"changes requested\",\"2026-03-02 10:00:00\")",
        "(github:acme/shop#2,\"approved, not merged\",\"2026-03-02 11:00:00\")",
        "(github:acme/shop#3,\"approved, not merged\",\"2026-03-02 11:00:00\")",
        "(github:acme/shop#4,\"review asked for again\",\"2026-03-02 12:00:00\")",
        "(github:acme/shop#5,\"no review yet\",\"2026-03-02 09:00:00\")",
        "(github:acme/shop#6,\"no review yet\",\"2026-03-02 09:00:00\")",
        "(github:acme/shop#7,\"changes requested\",\"2026-03-02 11:00:00\")",
    ];
    assert_eq!(rows(&fold, stuck).await, expected);
    let asked = "SELECT right(key, 1), requested_at AT TIME ZONE 'UTC' FROM pull_request_reviewed WHERE requested_at IS NOT NULL ORDER BY 1";
    assert_eq!(rows(&fold, asked).await, ["(4,\"2026-03-02 12:00:00\")", "(5,\"2026-03-02 09:30:00\")", "(7,\"2026-03-02 12:00:00\")"]);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_say_nothing_and_what_is_over_is_not_awaited() {
    let fold = Fold::start().await;
    said(&fold, 0, "U1", json!({})).await;
    said(&fold, 1, "U1", json!({"subtype": "file_share", "files": [{"name": "plan.pdf"}]})).await;
    said(&fold, 2, "U1", json!({"subtype": "me_message"})).await;
    said(&fold, 3, "U2", json!({"subtype": "thread_broadcast", "thread_ts": FIRST})).await;
    said(&fold, 4, "U9", json!({"subtype": "bot_message", "bot_id": "B1"})).await;
    for (minute, notice) in (5..).zip(["channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "pinned_item", "bot_add"]) {
        said(&fold, minute, "U3", json!({"subtype": notice})).await;
    }
    // A day later somebody joins, and nobody says a word.
    said(&fold, 24 * 60, "U4", json!({"subtype": "channel_join"})).await;
    opened(&fold, 1).await;
    let shown = opened(&fold, 2).await;
    changed(&fold, &shown, "closed", "state", json!("closed"), "03T09:00").await;
    issue(&fold, 3, "open").await;
    issue(&fold, 4, "closed").await;
    fold.caught_up().await;
    let days = "SELECT day, messages, people, replies, bot_messages, with_files FROM channel_activity";
    assert_eq!(rows(&fold, days).await, ["(2026-03-02,5,2,1,1,1)"]);
    let asked = "SELECT asked_at AT TIME ZONE 'UTC', answered_by, hours_to_answer FROM response_times WHERE kind = 'slack_thread' ORDER BY 1";
    assert_eq!(rows(&fold, asked).await, ["(\"2026-03-02 09:00:00\",U2,0.05)", "(\"2026-03-02 09:01:00\",,)", "(\"2026-03-02 09:02:00\",,)"]);
    let saved = saved::find("unanswered").expect("it is there");
    let values = saved.bind(&BTreeMap::new()).expect("defaults");
    let answer = postgres::ask(&fold.db.database, &saved, &values, 1000, Duration::from_mins(1)).await.expect("an answer");
    let awaited: Vec<_> = answer.rows.iter().filter_map(|row| row[2].as_str()).collect();
    let expected = ["github:acme/shop#1", "github:acme/shop#3", "slack:C1/1772442060.000000", "slack:C1/1772442120.000000"];
    assert_eq!(awaited, expected);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copilot_is_a_bot() {
    let fold = Fold::start().await;
    let shown = opened(&fold, 1).await;
    let shown = changed(&fold, &shown, "review_requested", "requested_reviewers", json!([login("Copilot"), login("carol")]), "02T09:30").await;
    let comment = json!({"id": 9, "body": "nit", "user": login("Copilot"), "created_at": at("02T09:31"), "updated_at": at("02T09:31")});
    github(&fold, "pull_request_review_comment", json!({"action": "created", "pull_request": shown, "comment": comment})).await;
    reviewed(&fold, &shown, 11, "Copilot", "commented", "02T09:31").await;
    fold.caught_up().await;
    assert_eq!(rows(&fold, "SELECT reviewer FROM review_waiting").await, ["(carol)"]);
    assert_eq!(rows(&fold, "SELECT answered_by FROM response_times").await, ["()"]);
    assert_eq!(rows(&fold, "SELECT reviews FROM pull_request_reviewed").await, ["(0)"]);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_it_back_to_think_is_not_waited_for() {
    let fold = Fold::start().await;
    // Opened by mistake; a draft from 9:05 until two weeks later; reviewed within the hour (1), or not yet (2).
    for number in [1, 2] {
        let shown = opened(&fold, number).await;
        let draft = changed(&fold, &shown, "converted_to_draft", "draft", json!(true), "02T09:05").await;
        let ready = changed(&fold, &draft, "ready_for_review", "draft", json!(false), "16T09:00").await;
        if number == 1 {
            let shown = changed(&fold, &ready, "labeled", "labels", json!([]), "16T10:00").await;
            reviewed(&fold, &shown, 11, "bob", "approved", "16T10:00").await;
        }
    }
    // Reviewed first, and a draft only after that: for a while (3), or still (4).
    for number in [3, 4] {
        let shown = opened(&fold, number).await;
        reviewed(&fold, &shown, number * 10, "bob", "commented", "02T11:00").await;
        let draft = changed(&fold, &shown, "converted_to_draft", "draft", json!(true), "02T12:00").await;
        if number == 3 {
            changed(&fold, &draft, "ready_for_review", "draft", json!(false), "02T13:00").await;
        }
    }
    // A draft for less than a second (5).
    let mut draft = shown_as(5);
    draft["draft"] = json!(true);
    github(&fold, "pull_request", json!({"action": "opened", "number": 5, "pull_request": draft})).await;
    changed(&fold, &draft, "ready_for_review", "draft", json!(false), "02T09:00").await;
    changed(&fold, &shown_as(5), "labeled", "labels", json!([]), "02T10:00").await;
    fold.caught_up().await;
    let flow = "SELECT number, ready_at AT TIME ZONE 'UTC', pickup_hours FROM pull_request_flow ORDER BY 1";
    let expected =
        ["(1,\"2026-03-16 09:00:00\",1.00)", "(2,\"2026-03-16 09:00:00\",)", "(3,\"2026-03-02 09:00:00\",2.00)", "(4,,2.00)", "(5,\"2026-03-02 09:00:00\",)"];
    assert_eq!(rows(&fold, flow).await, expected);
    let stuck = "SELECT subject, since AT TIME ZONE 'UTC' FROM stuck_work WHERE reason = 'no review yet' ORDER BY 1";
    assert_eq!(
        rows(&fold, stuck).await,
        ["(github:acme/shop#2,\"2026-03-16 09:00:00\")", "(github:acme/shop#3,\"2026-03-02 09:00:00\")", "(github:acme/shop#5,\"2026-03-02 09:00:00\")",]
    );
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_in_a_repository_that_is_archived() {
    let fold = Fold::start().await;
    let shown = opened(&fold, 1).await;
    changed(&fold, &shown, "review_requested", "requested_reviewers", json!([login("carol")]), "02T16:00").await;
    let mut assigned = issue(&fold, 2, "open").await;
    assigned["assignees"] = json!([login("bob")]);
    assigned["updated_at"] = json!(at("02T17:00"));
    github(&fold, "issues", json!({"action": "assigned", "issue": assigned})).await;
    fold.caught_up().await;
    let waiting = "SELECT (SELECT count(*) FROM stuck_work), (SELECT count(*) FROM work_in_progress), (SELECT count(*) FROM review_waiting)";
    assert_eq!(rows(&fold, waiting).await, ["(1,2,1)"]);
    let archived = json!({"id": 1, "full_name": "acme/shop", "name": "shop", "owner": login("acme"), "archived": true, "updated_at": at("05T09:00")});
    fold.append_json("github", "repository", &json!({"action": "archived", "repository": archived})).await;
    fold.caught_up().await;
    assert_eq!(rows(&fold, waiting).await, ["(0,0,0)"]);
    fold.stop().await;
}

/// The rows of a saved query, as JSON.
async fn asked(fold: &Fold, name: &str) -> Vec<Vec<Value>> {
    let saved = saved::find(name).expect("it is there");
    let values = saved.bind(&BTreeMap::new()).expect("defaults");
    postgres::ask(&fold.db.database, &saved, &values, 1000, Duration::from_mins(1)).await.expect("an answer").rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_counts_is_what_people_said_and_left_standing() {
    let fold = Fold::start().await;
    let shown = opened(&fold, 1).await;
    for (id, who, state) in [(11, "alice", "commented"), (12, "coderabbitai[bot]", "commented"), (13, "bob", "approved")] {
        reviewed(&fold, &shown, id, who, state, "02T15:00").await;
    }
    for (id, who) in [(21, "alice"), (22, "coderabbitai[bot]"), (23, "bob"), (24, "bob")] {
        let comment = json!({"id": id, "body": "x", "user": login(who), "created_at": at("02T15:00"), "updated_at": at("02T15:00")});
        github(&fold, "pull_request_review_comment", json!({"action": "created", "pull_request": shown, "comment": comment})).await;
    }
    for minute in [0, 1] {
        said(&fold, minute, "U1", json!({"text": "look https://github.com/acme/shop/pull/1"})).await;
    }
    said(&fold, 2, "U9", json!({"subtype": "message_deleted", "deleted_ts": FIRST})).await;
    said(&fold, 3, "U9", json!({"bot_id": "B1"})).await;
    fold.caught_up().await;
    let reviewers: Vec<_> = asked(&fold, "review_activity").await.iter().map(|row| row[..6].to_vec()).collect();
    assert_eq!(reviewers, [vec![json!("acme/shop"), json!("bob"), json!(1), json!(1), json!(0), json!(2)]]);
    let messages: Vec<_> = asked(&fold, "pull_requests_with_context").await.iter().map(|row| row[5].clone()).collect();
    assert_eq!(messages, [json!(1)]);
    assert_eq!(rows(&fold, "SELECT messages, people, bot_messages FROM channel_activity").await, ["(2,1,1)"]);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_moves_with_its_issue() {
    let fold = Fold::start().await;
    let old = issue(&fold, 5, "open").await;
    commented(&fold, &old, 51, "bob", "02T10:00").await;
    let mut new = old.clone();
    new["number"] = json!(9);
    new["updated_at"] = json!(at("03T09:00"));
    let next = json!({"id": 7, "full_name": "acme/next", "name": "next", "owner": login("acme")});
    github(&fold, "issues", json!({"action": "transferred", "issue": old, "changes": {"new_issue": new, "new_repository": next}})).await;
    fold.caught_up().await;
    assert_eq!(rows(&fold, "SELECT subject, answered_by, hours_to_answer FROM response_times").await, ["(github:acme/next#9,bob,1.00)"]);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_without_events_are_days() {
    let fold = Fold::start().await;
    for number in 1..=10 {
        opened(&fold, number).await;
    }
    fold.caught_up().await;
    // Two came nine days ago, seven three days ago, and one today.
    fold.db.execute("UPDATE projections.events SET received_at = received_at - interval '9 days' WHERE \"position\" <= 2").await;
    fold.db.execute("UPDATE projections.events SET received_at = received_at - interval '3 days' WHERE \"position\" BETWEEN 3 AND 9").await;
    let trend: Vec<_> = asked(&fold, "event_trends").await.iter().map(|row| row[2..].to_vec()).collect();
    assert_eq!(trend, [[json!(1), json!(1.0), json!(0.0)], [json!(7), json!(0.3), json!(20.0)], [json!(2), json!(null), json!(null)]]);
    fold.stop().await;
}
