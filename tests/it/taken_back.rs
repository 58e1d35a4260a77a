//! What was said and is taken back counts no more, in whichever order it is told; what is said once more counts again. What moves
//! on is followed.

use hooklake::domain::Tenant;
use serde_json::{Value, json};

use crate::harness::fold::Fold;
use crate::views::{at, github, issue, pull_request};

/// A pull request that is attached to an issue, or taken off it, at a time of January.
pub fn attachment(action: &str, id: &str, issue: &str, at: &str) -> Value {
    let time = format!("2026-01-{at}:00Z");
    // Who takes it off does not change it.
    let updated = if action == "remove" { "2026-01-01T00:00:00Z" } else { &time };
    let data = json!({
        "id": id, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": updated, "title": "XYZ-3: Mend it", "url": "https://github.com/acme/shop/pull/1",
        "sourceType": "github", "issueId": format!("id-{issue}"),
    });
    json!({"action": action, "type": "Attachment", "createdAt": time, "data": data})
}

async fn texts(fold: &Fold, sql: &str) -> Vec<String> {
    fold.db.rows(sql).await.iter().map(|row| row.get(0)).collect()
}

/// The issues that the pull request is for, by each view that says so.
async fn is_for(fold: &Fold) -> Vec<String> {
    let issues = texts(fold, "SELECT DISTINCT issue FROM pull_request_links WHERE pull_request = 'github:acme/shop#1' ORDER BY 1").await;
    for other in [
        "SELECT lower('linear:' || issue) FROM pull_request_issues ORDER BY 1",
        "SELECT lower(issue_subject) FROM issue_pull_requests ORDER BY 1",
        "SELECT lower(unnest(issues)) FROM workflows WHERE pull_request IS NOT NULL ORDER BY 1",
        "SELECT lower(related_subject) FROM correlated_events WHERE correlation_type = 'pr_to_issue' ORDER BY 1",
    ] {
        assert_eq!(texts(fold, other).await, issues, "{other}");
    }
    issues
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_is_for_what_it_is_attached_to() {
    let (one, other) = (vec!["linear:abc-1".to_owned()], vec!["linear:abc-2".to_owned()]);
    let histories = [
        ("taken off", vec![attachment("create", "x", "ABC-1", "02T08:00"), attachment("remove", "x", "ABC-1", "03T08:00")], vec![]),
        (
            "attached again",
            vec![
                attachment("create", "x", "ABC-1", "02T08:00"),
                attachment("remove", "x", "ABC-1", "03T08:00"),
                attachment("create", "y", "ABC-1", "04T08:00"),
            ],
            one.clone(),
        ),
        (
            "restored",
            vec![
                attachment("create", "x", "ABC-1", "02T08:00"),
                attachment("remove", "x", "ABC-1", "03T08:00"),
                attachment("restore", "x", "ABC-1", "04T08:00"),
            ],
            one.clone(),
        ),
        (
            "one of two",
            vec![
                attachment("create", "x", "ABC-1", "02T08:00"),
                attachment("create", "y", "ABC-1", "02T08:00"),
                attachment("remove", "x", "ABC-1", "03T08:00"),
            ],
            one,
        ),
        ("moved", vec![attachment("create", "x", "ABC-1", "02T08:00"), attachment("update", "x", "ABC-2", "03T08:00")], other),
    ];
    for (what, mut events, expected) in histories {
        for order in ["as it was", "the other way round"] {
            let fold = Fold::start().await;
            for identifier in ["ABC-1", "ABC-2", "XYZ-3"] {
                issue(&fold, identifier, json!({"createdAt": at("01T08:00"), "updatedAt": at("01T08:00")})).await;
            }
            let shown = pull_request(1, "Mend it", "02T08:00", json!({}));
            github(&fold, "pull_request", json!({"action": "opened", "number": 1, "pull_request": shown})).await;
            for event in &events {
                fold.append_json("linear", "Attachment", event).await;
            }
            fold.caught_up().await;
            assert_eq!(is_for(&fold).await, expected, "{what}, {order}");
            let told = events.iter().filter(|event| event["action"] != "remove").count() as i64;
            let evidence =
                "SELECT (SELECT count(*) FROM event_correlations WHERE rule = 'attachment') + (SELECT count(*) FROM alias_mentions WHERE rule = 'attachment')";
            assert_eq!(fold.db.number(evidence).await, told, "{what}: that it was said stays, and who takes it off says nothing");
            fold.stop().await;
            events.reverse();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attachment_is_what_it_has_come_to() {
    let fold = Fold::start_with(&["entities"]).await;
    fold.append_json("linear", "Attachment", &attachment("remove", "x", "ABC-1", "03T08:00")).await;
    fold.append_json("linear", "Attachment", &attachment("create", "x", "ABC-1", "02T08:00")).await;
    fold.caught_up().await;
    let row = "SELECT (key, attachment_id, title, attached_url, attached_from, issue_key, is_deleted, deleted_at AT TIME ZONE 'UTC')::text FROM attachments";
    let expected = "(linear:x,x,\"XYZ-3: Mend it\",https://github.com/acme/shop/pull/1,github,linear:id-ABC-1,t,\"2026-01-03 08:00:00\")";
    assert_eq!(texts(&fold, row).await, [expected]);
    fold.stop().await;
}

/// Tells the same in every order, each time to a log of its own, which is then asked; with what it should answer.
async fn in_every_order(events: &[(&str, &str, Value)], asked: &[(&str, &[&str])]) {
    for order in orders(events.len()) {
        let fold = Fold::start().await;
        for index in &order {
            let (source, event_type, body) = &events[*index];
            fold.append_json(source, event_type, body).await;
        }
        fold.caught_up().await;
        for (sql, expected) in asked {
            assert_eq!(texts(&fold, sql).await, *expected, "{sql}, in the order {order:?}");
        }
        fold.stop().await;
    }
}

/// As it was, the other way round, and beginning with each but the first.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let as_it_was = (0..count).collect::<Vec<_>>();
    let mut orders = vec![as_it_was.clone(), as_it_was.iter().rev().copied().collect()];
    orders.extend((1..count).map(|first| [&as_it_was[first..], &as_it_was[..first]].concat()));
    orders
}

fn shop() -> Value {
    json!({"id": 1, "full_name": "acme/shop", "name": "shop", "owner": {"login": "acme"}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_a_pull_request_is_no_issue() {
    let opened = |number: i64, head: &str, body: &str| {
        let shown = pull_request(number, "Mend it", "02T08:00", json!({"body": body, "head": {"sha": head.repeat(40)}}));
        ("github", "pull_request", json!({"action": "opened", "number": number, "pull_request": shown, "repository": shop()}))
    };
    let commit = json!({"id": "b".repeat(40), "message": "Fixes #41, closes #7", "timestamp": at("02T07:00")});
    let push = json!({"ref": "refs/heads/branch-42", "after": commit["id"], "head_commit": commit, "commits": [commit], "repository": shop()});
    let message = json!({"team_id": "T1", "event": {
        "type": "message", "channel": "C1", "user": "U1", "text": "<https://github.com/acme/shop/issues/41>", "ts": "1.1", "event_ts": "1.1",
    }});
    let events = [
        opened(42, "b", "Fixes #41 and closes #7, see https://github.com/acme/shop/issues/41"),
        ("github", "push", push),
        opened(41, "c", ""),
        ("slack", "message", message),
    ];
    let links = "SELECT DISTINCT concat_ws(' ', correlation_type, split_part(subject, ':', 1), related_subject) FROM correlated_events
                 WHERE related_subject LIKE 'github:acme/shop#%' AND rule NOT LIKE 'commit_of%' ORDER BY 1";
    let linked = [
        "commit_to_issue commit github:acme/shop#7",
        "commit_to_pr commit github:acme/shop#41",
        "message_to_pr slack github:acme/shop#41",
        "pr_to_issue github github:acme/shop#7",
        "pr_to_pr github github:acme/shop#41",
    ];
    let stories = "SELECT workflow || ' ' || issues::text FROM workflows ORDER BY 1";
    let told = ["github:acme/shop#41 {}", "github:acme/shop#7 {github:acme/shop#7}"];
    let is_for = "SELECT DISTINCT pull_request || ' ' || issue FROM pull_request_links";
    in_every_order(&events, &[(links, &linked), (stories, &told), (is_for, &["github:acme/shop#42 github:acme/shop#7"])]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_at_the_end_of_a_message_may_be_an_issue() {
    let commit = |letter: &str, message: &str| json!({"id": letter.repeat(40), "message": message, "timestamp": at("02T07:00")});
    let commits = [commit("b", "Mend the crash (#7)"), commit("c", "Mend it (#8)"), commit("d", "Mend another (#9)")];
    let push = json!({"ref": "refs/heads/branch-8", "after": commits[0]["id"], "head_commit": commits[0], "commits": commits, "repository": shop()});
    let bug =
        json!({"id": 7, "number": 7, "title": "Bug", "state": "open", "user": {"login": "dave"}, "created_at": at("01T08:00"), "updated_at": at("01T08:00")});
    let opened = pull_request(8, "Mend it", "02T08:00", json!({"head": {"sha": "b".repeat(40)}}));
    let events = [
        ("github", "push", push),
        ("github", "issues", json!({"action": "opened", "issue": bug, "repository": shop()})),
        ("github", "pull_request", json!({"action": "opened", "number": 8, "pull_request": opened, "repository": shop()})),
    ];
    let links =
        "SELECT DISTINCT correlation_type || ' ' || left(subject, 8) || ' ' || related_subject FROM correlated_events WHERE rule = 'merge_message' ORDER BY 1";
    // Of what no event tells, it is what GitHub would write.
    let linked = ["commit_to_issue commit:b github:acme/shop#7", "commit_to_pr commit:c github:acme/shop#8", "commit_to_pr commit:d github:acme/shop#9"];
    in_every_order(&events, &[(links, &linked)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_was_written_to_its_end_is_another_one() {
    let told = |action: &str, title: &str, body: &str, when: &str| {
        let shown = pull_request(1, title, "02T08:00", json!({"body": body, "updated_at": at(when)}));
        ("github", "pull_request", json!({"action": action, "number": 1, "pull_request": shown, "repository": shop()}))
    };
    let team = json!({"type": "Team", "action": "create", "data": {"id": "t", "key": "ABC", "name": "Abc"}});
    let events = [
        ("linear", "Team", team),
        told("opened", "ABC-4: Mend it", "Fixes #7, see https://github.com/acme/next/issues/1 (und ABC-5)", "02T08:00"),
        told("edited", "これはABC-42です", "Fixes #70, see https://github.com/acme/next/issues/12 (und ABC-5)", "02T09:00"),
    ];
    let is_for = "SELECT DISTINCT issue FROM pull_request_links ORDER BY 1";
    in_every_order(&events, &[(is_for, &["github:acme/next#12", "github:acme/shop#70", "linear:abc-42", "linear:abc-5"])]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_on_a_server_of_ones_own_are_understood() {
    let own = "https://github.acme.example/acme/shop";
    let bug = json!({"id": 7, "number": 7, "title": "Bug", "state": "open", "html_url": format!("{own}/issues/7"), "updated_at": at("01T08:00")});
    let opened = |number: i64, body: &str| {
        let shown = pull_request(number, "Mend it", "02T08:00", json!({"body": body, "html_url": format!("{own}/pull/{number}")}));
        ("github", "pull_request", json!({"action": "opened", "number": number, "pull_request": shown, "repository": shop()}))
    };
    let message = json!({"team_id": "T1", "event": {
        "type": "message", "channel": "C1", "user": "U1", "text": format!("<{own}/pull/8#discussion_r1|shop#8>"), "ts": "1.1", "event_ts": "1.1",
    }});
    let events = [
        ("slack", "message", message),
        opened(8, &format!("For {own}/issues/7.")),
        ("github", "issues", json!({"action": "opened", "issue": bug, "repository": shop()})),
    ];
    let links = "SELECT correlation_type || ' ' || related_subject FROM correlated_events WHERE rule LIKE 'reference%' ORDER BY 1";
    in_every_order(&events, &[(links, &["message_to_pr github:acme/shop#8", "pr_to_issue github:acme/shop#7"])]).await;
}

/// An event of a release whose payloads do not say when it changed, as a delivery of some id. A hook of the repository and one of
/// the organisation may both tell of it.
async fn released(fold: &Fold, delivery: &str, action: &str, published_at: Option<&str>) {
    let body = json!({"action": action, "repository": shop(), "release": {
        "id": 1, "tag_name": "v1", "draft": published_at.is_none(), "prerelease": false, "created_at": "2026-01-01T10:00:00Z",
        "published_at": published_at,
    }});
    let headers = [("content-type", "application/json"), ("X-GitHub-Delivery", delivery)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    fold.append_for(Tenant::default_tenant(), "github", "release", body.to_string().as_bytes(), headers.to_vec(), Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_is_published_once_more_is_out() {
    type Told = (&'static str, &'static str, Option<&'static str>);
    let history: [Told; 5] = [
        ("1", "published", Some("2026-01-01T11:00:00Z")),
        ("2", "unpublished", None),
        ("2", "unpublished", None),
        ("3", "published", Some("2026-01-02T11:00:00Z")),
        ("4", "unpublished", None),
    ];
    let (out, draft) = ("(f,\"2026-01-02 11:00:00\")", "(t,)");
    for (through, expected) in [(3, draft), (4, out), (5, draft)] {
        for order in orders(through) {
            let fold = Fold::start_with(&["entities"]).await;
            for (delivery, action, published_at) in order.iter().map(|index| history[*index]) {
                released(&fold, delivery, action, published_at).await;
            }
            fold.caught_up().await;
            let row = "SELECT (is_draft, published_at AT TIME ZONE 'UTC')::text FROM releases";
            assert_eq!(texts(&fold, row).await, [expected], "{order:?} of {through}");
            fold.stop().await;
        }
    }
    // What it was published as first may have been before anything was heard of it. It was published after that was told: in 2126.
    let fold = Fold::start_with(&["entities"]).await;
    released(&fold, "2", "unpublished", None).await;
    released(&fold, "3", "published", Some("2126-01-01T11:00:00Z")).await;
    fold.caught_up().await;
    assert_eq!(texts(&fold, "SELECT is_draft::text FROM releases").await, ["false"]);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_the_place_of_a_deployment_does_not_end_it() {
    let told = |status: &str, finished: &str| {
        let body = json!({
            "deployment_id": "d1", "environment": "production", "status": status, "repository_name": "acme/shop", "started_at": at("02T08:00"),
            "finished_at": if finished.is_empty() { Value::Null } else { json!(at(finished)) },
        });
        ("deployment", "deployment", body)
    };
    let row = "SELECT (status, finished_at AT TIME ZONE 'UTC')::text FROM deployments";
    for replaced in ["inactive", "Inactive", "rolled_back"] {
        let events = [told("in_progress", ""), told("success", "02T09:00"), told(replaced, "05T10:00")];
        in_every_order(&events, &[(row, &[&format!("({replaced},\"2026-03-02 09:00:00\")")])]).await;
    }
    in_every_order(&[told("inactive", "05T10:00")], &[(row, &["(inactive,)"])]).await;
}

/// An issue in a repository of a number, as it was last changed on a day of March.
fn shown(number: i64, day: &str) -> Value {
    json!({
        "id": number, "number": number, "title": "Bug", "state": "open", "user": {"login": "dave"}, "created_at": at("01T08:00"),
        "updated_at": at(&format!("{day}T08:00")),
    })
}

fn repository(id: i64) -> Value {
    json!({"id": id, "full_name": format!("acme/r{id}"), "name": format!("r{id}"), "owner": {"login": "acme"}})
}

/// A transfer as the repository tells it that the issue leaves, or the one that it comes to; each issue by repository and number.
fn transferred(told_by_the_new: bool, old: (i64, i64), new: (i64, i64), day: &str) -> (&'static str, &'static str, Value) {
    let (old, new) = ((shown(old.1, day), repository(old.0)), (shown(new.1, day), repository(new.0)));
    let body = if told_by_the_new {
        json!({"action": "opened", "issue": new.0, "repository": new.1, "changes": {"old_issue": old.0, "old_repository": old.1}})
    } else {
        json!({"action": "transferred", "issue": old.0, "repository": old.1, "changes": {"new_issue": new.0, "new_repository": new.1}})
    };
    ("github", "issues", body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_is_followed_however_often_it_is_transferred() {
    let comment = json!({"id": 51, "user": {"login": "bob"}, "body": "Me too", "created_at": at("01T10:00"), "updated_at": at("01T10:00")});
    let said = ("github", "issue_comment", json!({"action": "created", "issue": shown(5, "01"), "comment": comment, "repository": repository(1)}));
    let body = "Fixes acme/r1#5";
    let opened = pull_request(1, "Mend it", "02T08:00", json!({"body": body}));
    let opened = ("github", "pull_request", json!({"action": "opened", "number": 1, "pull_request": opened, "repository": repository(9)}));
    let names = "SELECT name || ' ' || subject FROM issue_names ORDER BY 1";
    let answers = "SELECT subject || ' ' || answered_by || ' ' || hours_to_answer FROM response_times WHERE kind = 'issue' AND answered_by IS NOT NULL";
    let stories = "SELECT issues::text FROM workflows WHERE pull_request IS NOT NULL
                   UNION ALL SELECT issue_subject FROM issue_pull_requests UNION ALL SELECT issue FROM pull_request_issues";
    for by_the_new in [false, true] {
        let mut events = vec![
            said.clone(),
            opened.clone(),
            transferred(by_the_new, (1, 5), (2, 6), "02"),
            transferred(by_the_new, (2, 6), (3, 7), "03"),
            transferred(by_the_new, (3, 7), (4, 8), "04"),
        ];
        let all = ["r1#5", "r2#6", "r3#7", "r4#8"].map(|name| format!("github:acme/{name} github:acme/r4#8"));
        let asked = [
            (names, &all.each_ref().map(String::as_str)[..]),
            (answers, &["github:acme/r4#8 bob 2.00"]),
            (stories, &["{github:acme/r4#8}", "github:acme/r4#8", "acme/r4#8"]),
        ];
        in_every_order(&events, &asked).await;
        // It comes back to where it was, under the number that it had there.
        events.push(transferred(by_the_new, (4, 8), (1, 5), "05"));
        let all = ["r1#5", "r2#6", "r3#7", "r4#8"].map(|name| format!("github:acme/{name} github:acme/r1#5"));
        in_every_order(&events, &[(names, &all.each_ref().map(String::as_str))]).await;
    }
    // Of one second, nobody can tell where it ended; that is no reason to look for ever.
    let in_a_circle = [transferred(false, (1, 5), (2, 6), "02"), transferred(false, (2, 6), (1, 5), "02")];
    in_every_order(&in_a_circle, &[(names, &[])]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_is_followed_through_every_team() {
    let called_now = |identifier: &str, previous: Value, day: &str| {
        let team = identifier.split('-').next().expect("a team");
        let data = json!({
            "id": "i1", "identifier": identifier, "previousIdentifiers": previous, "title": "x", "team": {"key": team, "name": team},
            "createdAt": at("01T08:00"), "updatedAt": at(&format!("{day}T08:00")),
        });
        ("linear", "Issue", json!({"type": "Issue", "action": "update", "data": data}))
    };
    let opened = pull_request(1, "ENG-1: Mend it", "02T08:00", json!({}));
    let events = [
        ("github", "pull_request", json!({"action": "opened", "number": 1, "pull_request": opened, "repository": shop()})),
        called_now("ENG-1", json!([]), "01"),
        called_now("OPS-2", json!(["ENG-1"]), "02"),
        called_now("HEL-3", json!(["ENG-1", "OPS-2"]), "03"),
        // It says nothing of where it was.
        called_now("HEL-3", Value::Null, "04"),
    ];
    let names = "SELECT name || ' ' || subject FROM issue_names ORDER BY 1";
    let called = ["linear:eng-1 linear:HEL-3", "linear:hel-3 linear:HEL-3", "linear:ops-2 linear:HEL-3"];
    in_every_order(&events, &[(names, &called), ("SELECT issues::text FROM workflows", &["{linear:HEL-3}"])]).await;
}
