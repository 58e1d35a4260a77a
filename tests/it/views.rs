//! Views answer what leaders ask: a few events made for it, and the answers worked out by hand.
//!
//! The repository acme/shop in the week of Monday 2026-03-02, all times UTC unless they say otherwise. Pull request 1 (for
//! ABC-1) and 2 (for XYZ-9) are merged and reach production with one deployment, after two that fail; 4 waits for Carol
//! after Bob asked for changes; 5 has a check that fails; 7 is merged after the last deployment. The check of 8 could not
//! start, and that of 3 was cancelled. 9 was a draft for three hours. acme/edge deploys what is pushed, and acme/gone was deleted with all its work.

use std::collections::BTreeMap;
use std::time::Duration;

use hooklake::domain::Tenant;
use hooklake::saved::{self, postgres};
use serde_json::{Value, json};

use crate::harness::TestDatabase;
use crate::harness::fold::{Fold, root, sorted};

/// Lays fields over an object, deeply.
pub fn with(mut base: Value, fields: Value) -> Value {
    if let (Some(object), Value::Object(fields)) = (base.as_object_mut(), fields) {
        for (name, value) in fields {
            let before = object.remove(&name).unwrap_or(Value::Null);
            object.insert(name, if before.is_object() { with(before, value) } else { value });
        }
    }
    base
}

pub fn login(name: &str) -> Value {
    json!({"login": name})
}

pub fn at(time: &str) -> String {
    format!("2026-03-{time}:00Z")
}

pub fn sha(letter: char) -> String {
    letter.to_string().repeat(40)
}

pub fn pull_request(number: i64, title: &str, opened: &str, fields: Value) -> Value {
    let shown = json!({
        "id": number, "number": number, "title": title, "state": "open", "draft": false, "user": login("alice"), "created_at": at(opened),
        "updated_at": at(opened), "head": {"ref": format!("branch-{number}"), "sha": sha('0')}, "base": {"ref": "main"}, "requested_reviewers": [],
    });
    with(shown, fields)
}

pub fn merged(when: &str, commit: char) -> Value {
    json!({"state": "closed", "merged": true, "merged_at": at(when), "closed_at": at(when), "updated_at": at(when), "merge_commit_sha": sha(commit)})
}

pub async fn github(fold: &Fold, event_type: &str, body: Value) {
    let repository = json!({"repository": {"id": 1, "full_name": "acme/shop", "name": "shop", "owner": login("acme")}});
    fold.append_json("github", event_type, &with(repository, body)).await;
}

pub async fn reviewed(fold: &Fold, shown: &Value, id: i64, who: &str, state: &str, when: &str) {
    let review = json!({"id": id, "user": login(who), "state": state, "submitted_at": at(when)});
    github(fold, "pull_request_review", json!({"action": "submitted", "review": review, "pull_request": shown})).await;
}

async fn checked(fold: &Fold, id: i64, name: &str, commit: char, conclusion: &str, when: &str) {
    let run = json!({"id": id, "name": name, "head_sha": sha(commit), "status": "completed", "conclusion": conclusion, "completed_at": at(when), "pull_requests": []});
    github(fold, "check_run", json!({"action": "completed", "check_run": run})).await;
}

pub async fn deployed(fold: &Fold, id: &str, environment: &str, status: &str, commit: char, finished: &str) {
    let body = json!({
        "deployment_id": id, "environment": environment, "status": status, "repository_name": "acme/shop", "commit_sha": sha(commit), "finished_at": finished,
    });
    fold.append_json("deployment", "deployment", &body).await;
}

pub async fn issue(fold: &Fold, identifier: &str, fields: Value) {
    let team = identifier.split('-').next().expect("a team");
    let data =
        json!({"id": format!("id-{identifier}"), "identifier": identifier, "title": "x", "team": {"key": team, "name": team}, "creator": {"name": "Dana"}});
    fold.append_json("linear", "Issue", &json!({"type": "Issue", "action": "update", "data": with(data, fields)})).await;
}

async fn said(fold: &Fold, ts: &str, user: &str, thread: Option<&str>, text: &str) {
    let event = json!({"type": "message", "channel": "C1", "user": user, "text": text, "ts": ts, "event_ts": ts, "thread_ts": thread});
    fold.append_json("slack", "message", &json!({"team_id": "T1", "event": event})).await;
}

async fn told() -> Fold {
    let fold = Fold::start().await;
    issue(&fold, "ABC-1", json!({"state": {"name": "Done", "type": "completed"}, "createdAt": at("02T08:00"), "updatedAt": at("03T20:00"), "startedAt": at("02T09:00"), "completedAt": at("03T20:00")})).await;
    let evening = "2026-03-02T23:30:00-05:00";
    issue(&fold, "ABC-2", json!({"state": {"name": "Doing", "type": "started"}, "assignee": {"id": "d", "name": "Dana"}, "description": "See https://github.com/acme/shop/pull/7", "createdAt": evening, "updatedAt": at("03T06:00"), "startedAt": at("03T05:00")})).await;
    issue(&fold, "XYZ-9", json!({"state": {"name": "Todo", "type": "unstarted"}, "createdAt": at("02T08:00"), "updatedAt": at("02T08:00")})).await;

    let commit = json!({"id": sha('1'), "message": "Begin", "timestamp": at("02T08:00"), "author": {"name": "Alice"}, "committer": {"name": "Alice"}});
    let push = json!({"ref": "refs/heads/branch-1", "after": sha('1'), "head_commit": commit, "commits": [commit]});
    github(&fold, "push", push).await;
    let first = pull_request(1, "ABC-1: Checkout", "02T10:00", json!({"head": {"sha": sha('1')}}));
    github(&fold, "pull_request", json!({"action": "opened", "number": 1, "pull_request": first})).await;
    reviewed(&fold, &first, 11, "Alice", "commented", "02T11:00").await;
    reviewed(&fold, &first, 12, "bob", "commented", "02T14:00").await;
    reviewed(&fold, &first, 13, "bob", "approved", "02T16:00").await;
    let second = pull_request(2, "XYZ-9: Tidy", "02T12:00", merged("02T17:00", 'b'));
    github(&fold, "pull_request", json!({"action": "closed", "number": 2, "pull_request": second})).await;
    github(&fold, "pull_request", json!({"action": "closed", "number": 1, "pull_request": with(first, merged("02T18:00", 'a'))})).await;
    let seventh = pull_request(7, "Later", "03T08:00", merged("04T10:00", 'c'));
    github(&fold, "pull_request", json!({"action": "closed", "number": 7, "pull_request": seventh})).await;

    deployed(&fold, "s1", "pre-prod", "success", 'a', &at("02T18:30")).await;
    deployed(&fold, "d1", "production", "failure", 'a', &at("02T19:00")).await;
    deployed(&fold, "d2", "production", "failure", 'a', &at("02T19:30")).await;
    deployed(&fold, "d3", "production", "in_progress", 'a', &at("02T20:00")).await;
    deployed(&fold, "d3", "production", "success", 'a', &at("02T21:00")).await;
    deployed(&fold, "d3", "production", "inactive", 'a', &at("03T04:30")).await;
    deployed(&fold, "d4", "production", "success", 'f', evening).await;

    let fourth = pull_request(4, "Prices", "03T09:00", json!({"head": {"sha": sha('4')}}));
    github(&fold, "pull_request", json!({"action": "opened", "number": 4, "pull_request": fourth})).await;
    let asked = with(fourth, json!({"requested_reviewers": [login("carol")], "updated_at": at("03T10:00")}));
    github(&fold, "pull_request", json!({"action": "review_requested", "number": 4, "pull_request": asked})).await;
    reviewed(&fold, &with(asked, json!({"updated_at": at("03T11:00")})), 41, "bob", "changes_requested", "03T11:00").await;
    let fifth = pull_request(5, "Stock", "03T09:00", json!({"head": {"sha": sha('5')}}));
    github(&fold, "pull_request", json!({"action": "opened", "number": 5, "pull_request": fifth})).await;
    checked(&fold, 1, "unit", '4', "failure", "03T09:10").await;
    checked(&fold, 2, "unit", '4', "success", "03T09:20").await;
    checked(&fold, 3, "unit", '5', "success", "03T09:25").await;
    checked(&fold, 4, "lint", '5', "failure", "03T09:30").await;
    checked(&fold, 5, "docs", '5', "cancelled", "03T09:30").await;

    let ninth = pull_request(9, "Draft", "03T09:00", json!({"draft": true}));
    github(&fold, "pull_request", json!({"action": "opened", "number": 9, "pull_request": ninth})).await;
    let ready = with(ninth, json!({"draft": false, "updated_at": at("03T12:00")}));
    github(&fold, "pull_request", json!({"action": "ready_for_review", "number": 9, "pull_request": ready})).await;
    reviewed(&fold, &with(ready, json!({"updated_at": at("03T14:00")})), 91, "bob", "commented", "03T14:00").await;

    for (number, commit, conclusion) in [(3, '3', "cancelled"), (8, '8', "startup_failure")] {
        let shown = pull_request(number, "More", "03T09:00", json!({"head": {"sha": sha(commit)}}));
        github(&fold, "pull_request", json!({"action": "opened", "number": number, "pull_request": shown})).await;
        checked(&fold, number, "build", commit, conclusion, "03T09:40").await;
    }

    let bug = json!({"id": 6, "number": 6, "title": "Bug", "state": "open", "user": login("dave"), "assignees": [], "created_at": at("03T08:00"), "updated_at": at("03T08:00")});
    github(&fold, "issues", json!({"action": "opened", "issue": bug})).await;
    let comment = |id: i64, who: &str, when: &str| json!({"id": id, "user": login(who), "body": "x", "created_at": at(when), "updated_at": at(when)});
    github(&fold, "issue_comment", json!({"action": "created", "issue": bug, "comment": comment(61, "dave", "03T08:10")})).await;
    github(&fold, "issue_comment", json!({"action": "created", "issue": bug, "comment": comment(62, "alice", "03T09:30")})).await;
    let named = json!({"id": 1, "number": 1, "title": "ABC-1: Checkout", "state": "open", "pull_request": {}, "user": login("alice"), "created_at": at("02T10:00"), "updated_at": at("02T16:30")});
    let naming = with(comment(63, "bob", "02T16:30"), json!({"body": "It follows XYZ-9"}));
    github(&fold, "issue_comment", json!({"action": "created", "issue": named, "comment": naming})).await;
    let release = json!({"id": 1, "tag_name": "v1", "name": "One", "draft": false, "author": login("alice"), "created_at": at("03T12:00"), "published_at": at("03T12:00")});
    github(&fold, "release", json!({"action": "published", "release": release})).await;

    // 2026-03-02T09:00 is 1772442000; the last one is of 23:30 in New York, the next day in UTC.
    said(&fold, "1772442000.000100", "U1", None, "Who can look at <https://github.com/acme/shop/pull/4>?").await;
    said(&fold, "1772442300.000100", "U1", Some("1772442000.000100"), "It is for ABC-2, or UTF-8").await;
    said(&fold, "1772443800.000100", "U2", Some("1772442000.000100"), "I do").await;
    said(&fold, "1772512200.000100", "U2", None, "hello").await;
    let reaction = json!({"type": "reaction_added", "user": "U2", "reaction": "eyes", "event_ts": "1772442001.000100", "item": {"type": "message", "channel": "C1", "ts": "1772442000.000100"}});
    fold.append_json("slack", "reaction_added", &json!({"team_id": "T1", "event": reaction})).await;
    fold.append("custom", "custom_event", b"not json").await;
    told_elsewhere(&fold).await;
    fold.caught_up().await;
    fold
}

/// What two other repositories tell: one that deploys commits without a pull request, and one that is deleted.
async fn told_elsewhere(fold: &Fold) {
    let edge = json!({"repository": {"id": 2, "full_name": "acme/edge", "name": "edge", "default_branch": "main"}});
    let in_edge = |fields: Value| with(edge.clone(), fields);
    let tenth = pull_request(10, "Edge", "09T08:00", merged("09T10:00", 'd'));
    github(fold, "pull_request", in_edge(json!({"action": "closed", "number": 10, "pull_request": tenth}))).await;
    let commit = json!({"id": sha('e'), "message": "More", "timestamp": at("09T11:00"), "author": {"name": "Alice"}, "committer": {"name": "Alice"}});
    github(fold, "push", in_edge(json!({"ref": "refs/heads/main", "after": sha('e'), "head_commit": commit, "commits": [commit]}))).await;
    for (id, environment, status, finished) in [
        ("e1", "EU production", "Successful", "09T12:00"),
        ("e2", "non-live", "success", "09T11:30"),
        ("e3", "staging", "success", "09T11:40"),
        ("e3", "live", "in_progress", "09T11:50"),
        // Told again, of another mind, and out of order: e4 failed and then succeeded, e5 succeeded in qa and then failed.
        ("e4", "qa", "success", "10T10:06"),
        ("e4", "qa", "success", "10T10:05"),
        ("e4", "qa", "failure", "10T10:00"),
        ("e5", "qa", "success", "10T10:10"),
        ("e5", "test", "success", "10T10:11"),
        ("e5", "qa", "failure", "10T10:12"),
        ("e5", "qa", "inactive", "10T10:19"),
        ("e6", "qa", "success", "10T10:42"),
    ] {
        let body = json!({
            "deployment_id": id, "environment": environment, "status": status, "repository_name": "acme/edge", "commit_sha": sha('e'), "finished_at": at(finished),
        });
        fold.append_json("deployment", "deployment", &body).await;
    }
    let begun = json!({"deployment_id": "e1", "environment": "EU production", "status": "in_progress", "repository_name": "acme/edge", "commit_sha": sha('e'), "started_at": at("09T11:45")});
    fold.append_json("deployment", "deployment", &begun).await;
    let gone = |fields: Value| with(json!({"repository": {"id": 3, "full_name": "acme/gone", "name": "gone"}}), fields);
    let asked = pull_request(11, "Gone", "03T09:00", json!({"requested_reviewers": [login("carol")]}));
    github(fold, "pull_request", gone(json!({"action": "opened", "number": 11, "pull_request": asked}))).await;
    let begun = json!({"id": 12, "number": 12, "title": "Gone", "state": "open", "user": login("dave"), "assignees": [login("dave")], "created_at": at("03T08:00"), "updated_at": at("03T08:00")});
    github(fold, "issues", gone(json!({"action": "opened", "issue": begun}))).await;
    let under_way =
        json!({"deployment_id": "g1", "environment": "production", "status": "in_progress", "repository_name": "acme/gone", "started_at": at("03T09:00")});
    fold.append_json("deployment", "deployment", &under_way).await;
    github(fold, "repository", gone(json!({"action": "deleted"}))).await;
}

/// The rows of a question as PostgreSQL writes them, asked by someone in this time zone.
async fn rows_in(db: &TestDatabase, zone: &str, sql: &str) -> Vec<String> {
    db.execute(&format!("ALTER DATABASE {} SET timezone = '{zone}'", db.rows("SELECT current_database()::text").await[0].get::<_, String>(0))).await;
    db.rows(&format!("SELECT q::text FROM ({sql}) q")).await.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_say_what_was_worked_out_by_hand() {
    let fold = told().await;
    let cases: Vec<String> = std::fs::read_to_string(root().join("tests/it/views/expected.txt")).expect("readable").split("\n\n").map(str::to_owned).collect();
    assert!(cases.len() >= 15, "found {}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let lines: Vec<&str> = case.lines().filter(|line| !line.starts_with('#')).collect();
        let Some((question, expected)) = lines.split_first() else { continue };
        for zone in ["America/New_York", "Asia/Tokyo"] {
            let found = rows_in(&fold.db, zone, question).await;
            if found != expected {
                wrong.push(format!("{question}\n  in {zone} is\n{}\n  and should be\n{}", found.join("\n"), expected.join("\n")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_of_nothing_are_empty() {
    let db = TestDatabase::new().await;
    for path in sorted(&root().join("views"), "sql") {
        let view = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        assert_eq!(db.number(&format!("SELECT count(*) FROM {view}")).await, 0, "{view}");
    }
}

/// Another tenant with the very same subjects neither changes a row of this one nor gets one that is joined from both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_view_and_no_story_mixes_tenants() {
    let fold = Fold::start().await;
    fold.append_story().await;
    fold.caught_up().await;
    let relations: Vec<String> = fold.db.rows(TENANTED).await.iter().map(|row| row.get(0)).collect();
    assert!(relations.len() > 40, "{relations:?}");
    let seen = async || {
        let mut seen = Vec::new();
        for relation in &relations {
            // What counts the hours until now is another at every look.
            let rows = fold.db.rows(&format!("SELECT (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(v)) WHERE key !~ '(hours|days|wait|age|time)$')::text FROM {relation} v WHERE tenant = 'default' ORDER BY 1")).await;
            seen.push((relation.clone(), rows.iter().map(|row| row.get::<_, Option<String>>(0)).collect::<Vec<_>>()));
        }
        seen
    };
    let asked = async || {
        let mut answers = Vec::new();
        for name in ["deployed_pull_requests", "workflow_progress", "lead_time", "pull_requests_with_context", "pull_request_story", "story_of_issue"] {
            let saved = saved::find(name).expect("it is there");
            let values = saved.bind(&BTreeMap::new()).expect("defaults");
            answers.push((name, postgres::ask(&fold.db.database, &saved, &values, 1000, Duration::from_mins(1)).await.expect("an answer").rows.len()));
        }
        answers
    };
    let (alone, answers) = (seen().await, asked().await);
    fold.append_story_of(&Tenant::new("other")).await;
    fold.caught_up().await;
    for (before, after) in alone.iter().zip(&seen().await) {
        assert_eq!(before, after);
    }
    let twice: Vec<_> = answers.iter().map(|(name, rows)| (*name, rows * 2)).collect();
    assert_eq!(asked().await, twice);
    fold.stop().await;
}

const TENANTED: &str = "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' ORDER BY 1";
