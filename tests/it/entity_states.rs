//! What each kind of entity is after real events, compared with what was written down by hand; late events, deletions,
//! transfers and renames; and what a redaction leaves.

use hooklake::domain::{Position, Tenant};
use hooklake::tasks::Tasks;
use serde_json::{Value, json};

use crate::harness::fold::Fold;
use crate::retention::{custodian, order};

/// A row as JSON.
async fn row(fold: &Fold, table: &str, key: &str) -> Value {
    let rows = fold.db.rows(&format!("SELECT to_jsonb(t)::text FROM {table} t WHERE key = '{key}'")).await;
    assert_eq!(rows.len(), 1, "{table} {key}");
    serde_json::from_str(rows[0].get(0)).expect("JSON")
}

/// Checks that a row says what was written down.
async fn says(fold: &Fold, table: &str, key: &str, expected: Value) {
    let found = row(fold, table, key).await;
    for (column, value) in expected.as_object().expect("columns") {
        assert_eq!(&found[column], value, "{table}.{column} of {key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_ends_as_it_was_written() {
    let fold = Fold::start_with(&["entities"]).await;
    fold.append_story().await;
    fold.caught_up().await;
    says(
        &fold,
        "pull_requests",
        "github:186853002#42",
        json!({
            "repository": "Codertocat/Hello-World", "number": 42, "title": "HEL-42: Explain how to start", "state": "closed", "is_merged": true,
            "is_draft": false, "author": "ada-hel", "merged_by": "grace-hel", "head_ref": "ada/hel-42-explain-how-to-start",
            "head_sha": "c4b8cbdcf98dcd74f10468050ab11da752296e93", "merge_commit_sha": "f5867c119d76ef49196c1b14ba96ff0b0547d084", "commits": 2,
            "additions": 47, "changed_files": 1, "created_at": "2026-11-16T14:00:12+00:00", "merged_at": "2026-11-17T09:40:00+00:00",
            "subject": "github:Codertocat/Hello-World#42", "url": "https://github.com/Codertocat/Hello-World/pull/42", "is_deleted": false, "position": 16,
        }),
    )
    .await;
    says(
        &fold,
        "reviews",
        "github:review/3487120645",
        json!({"pull_request_key": "github:186853002#42", "reviewer": "grace-hel", "state": "approved", "submitted_at": "2026-11-17T09:30:12+00:00", "position": 15}),
    )
    .await;
    says(
        &fold,
        "issues",
        "linear:0186b11f-3206-467b-ab35-2285da83a8e2",
        json!({
            "identifier": "HEL-42", "state": "Done", "state_type": "completed", "is_open": false, "priority": 2, "estimate": 2, "team": "HEL", "cycle": 7,
            "labels": ["Bug", "Docs ✍️"], "assignees": ["Ada Lovelace"], "creator": "Grace Hopper", "project": "First steps",
            "started_at": "2026-11-16T14:00:15.901+00:00", "closed_at": "2026-11-17T09:40:06.301+00:00", "subject": "linear:HEL-42", "position": 18,
        }),
    )
    .await;
    says(
        &fold,
        "comments",
        "linear:ee5ab3ec-06dd-4acc-aebb-d9ca9755416a",
        json!({"kind": "linear_comment", "parent_kind": "issue", "parent_key": "linear:0186b11f-3206-467b-ab35-2285da83a8e2", "author": "Ada Lovelace", "subject": "linear:HEL-42"}),
    )
    .await;
    says(
        &fold,
        "cycles",
        "linear:e7b13f4f-0123-49e5-a217-60bab91a2728",
        json!({"number": 7, "starts_at": "2026-11-16T00:00:00+00:00", "ends_at": "2026-11-30T00:00:00+00:00"}),
    )
    .await;
    says(
        &fold,
        "branches",
        "github:186853002@master",
        json!({"sha": "f5867c119d76ef49196c1b14ba96ff0b0547d084", "is_default": true, "pushed_by": "grace-hel", "is_deleted": false}),
    )
    .await;
    says(
        &fold,
        "commits",
        "github:186853002@c4b8cbdcf98dcd74f10468050ab11da752296e93",
        json!({"author": "ada-hel", "author_email": "ada@hello-world.example", "message": "Say which runtime it wants", "files_modified": 1}),
    )
    .await;
    says(
        &fold,
        "deployments",
        "deployment:dep-20261117-0008@production",
        json!({"environment": "production", "status": "failure", "commit_sha": "f5867c119d76ef49196c1b14ba96ff0b0547d084", "finished_at": "2026-11-17T10:30:12+00:00"}),
    )
    .await;
    says(
        &fold,
        "releases",
        "github:release/262014877",
        json!({"tag": "v1.1.0", "author": "grace-hel", "is_draft": false, "published_at": "2026-11-17T11:30:00+00:00", "subject": "release:Codertocat/Hello-World@v1.1.0"}),
    )
    .await;
    let edited = row(&fold, "slack_messages", "slack:C0HELLODEV1/1794837820.117069").await;
    assert!(edited["text"].as_str().expect("text").ends_with("(Second commit: says which runtime.)"));
    assert_eq!((&edited["edited_by"], &edited["position"], &edited["is_reply"]), (&json!("U0HELADA001"), &json!(13), &json!(false)));
    says(
        &fold,
        "slack_threads",
        "slack:C0HELLODEV1/1794837820.117069",
        json!({"opened_by": "U0HELADA001", "replies": 1, "repliers": ["U0HELGRACE1"], "first_response_at": "2026-11-16T14:31:55.620049+00:00"}),
    )
    .await;
    says(&fold, "slack_channels", "slack:C0HELLOSHIP", json!({"name": "hello-ship", "team_id": "T0HELLOWRLD"})).await;
    says(&fold, "slack_reactions", "slack:C0HELLODEV1/1794837820.117069/U0HELJOSE01/eyes", json!({"reaction": "eyes", "is_deleted": false})).await;
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn examples_of_every_kind_become_what_they_say() {
    let fold = Fold::start_with(&["entities"]).await;
    fold.append_examples().await;
    fold.caught_up().await;
    for (table, key, expected) in [
        (
            "issues",
            "github:17273051#1",
            json!({"identifier": "octo-org/octo-repo#1", "is_deleted": true, "transferred_to": "github:186853002#1", "is_open": true}),
        ),
        ("issues", "github:186853002#1", json!({"identifier": "Codertocat/Hello-World#1", "transferred_from": "github:17273051#1"})),
        (
            "repositories",
            "github:186853002",
            json!({"full_name": "Codertocat/Hello-World", "owner": "Codertocat", "default_branch": "master", "language": "Ruby"}),
        ),
        (
            "checks",
            "github:check_run/4",
            json!({"kind": "check_run", "name": "randscape", "status": "completed", "conclusion": "neutral", "app": "Super Duper", "suite_id": 5}),
        ),
        (
            "workflow_jobs",
            "github:workflow_job/14541957942",
            json!({"status": "in_progress", "conclusion": null, "run_key": "github:workflow_run/5373506832", "workflow": "Test"}),
        ),
        ("pull_requests", "github:186853002#2", json!({"state": "closed", "is_merged": false, "closed_at": "2019-05-15T15:21:18+00:00", "labels": ["bug"]})),
    ] {
        says(&fold, table, key, expected).await;
    }
    let unsaid = "SELECT count(*) FROM entity_history h, jsonb_object_keys(h.state) column_name
        WHERE NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relname IN (h.entity || 's', replace(h.entity, 'branch', 'branches'), replace(h.entity, 'repository', 'repositories'))
              AND a.attname = column_name)";
    assert_eq!(fold.db.number(unsaid).await, 0, "every column that is told stands in its table");
    fold.stop().await;
}

fn comment(action: &str, body: &str, updated_at: &str) -> Value {
    json!({
        "action": action, "repository": {"id": 7, "full_name": "o/r"},
        "issue": {"id": 70, "number": 1, "title": "Down", "state": "open", "updated_at": "2026-01-01T00:00:00Z", "user": {"login": "ada", "id": 1}},
        "comment": {"id": 5, "body": body, "created_at": "2026-01-01T00:00:00Z", "updated_at": updated_at, "user": {"login": "ada", "id": 1}},
    })
}

fn push(deleted: bool, sha: &str, pushed_at: i64) -> Value {
    json!({
        "ref": "refs/heads/fix", "before": if deleted { sha } else { "0" }, "after": if deleted { "0" } else { sha }, "deleted": deleted, "commits": [],
        "head_commit": null, "sender": {"login": "ada"},
        "repository": {"id": 7, "full_name": "o/r", "default_branch": "main", "html_url": "https://github.com/o/r", "pushed_at": pushed_at, "updated_at": "2026-01-01T00:00:00Z"},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_stays_gone_and_what_comes_back_is_back() {
    let fold = Fold::start_with(&["entities"]).await;
    fold.append_json("github", "issue_comment", &comment("deleted", "second", "2026-01-02T00:00:00Z")).await;
    fold.append_json("github", "issue_comment", &comment("created", "first", "2026-01-01T00:00:00Z")).await;
    // A branch is deleted and made again; the deletion comes last.
    fold.append_json("github", "push", &push(false, "aaa", 1_767_225_600)).await;
    fold.append_json("github", "push", &push(false, "ccc", 1_767_225_900)).await;
    fold.append_json("github", "push", &push(true, "aaa", 1_767_225_700)).await;
    let repository =
        |action: &str, name: &str, updated_at: &str| json!({"action": action, "repository": {"id": 8, "full_name": name, "updated_at": updated_at}});
    fold.append_json("github", "repository", &repository("renamed", "o/new", "2026-01-03T00:00:00Z")).await;
    fold.append_json("github", "repository", &repository("created", "o/old", "2026-01-01T00:00:00Z")).await;
    fold.append_json("github", "repository", &repository("deleted", "o/new", "2026-01-03T00:00:00Z")).await;
    let linear = |action: &str, title: &str, happened: &str, updated: &str| json!({"action": action, "type": "Issue", "createdAt": happened, "data": {"id": "i1", "identifier": "ENG-1", "title": title, "updatedAt": updated}});
    fold.append_json("linear", "Issue", &linear("remove", "Renamed", "2026-01-05T00:00:00Z", "2026-01-02T00:00:00Z")).await;
    fold.append_json("linear", "Issue", &linear("update", "Renamed", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z")).await;
    let message = |event: Value| json!({"type": "event_callback", "team_id": "T1", "event": event});
    fold.append_json(
        "slack",
        "message",
        &message(json!({"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "1700000000.000100", "event_ts": "1700000100.000000"})),
    )
    .await;
    fold.append_json(
        "slack",
        "message",
        &message(json!({"type": "message", "channel": "C1", "ts": "1700000000.000100", "event_ts": "1700000000.000100", "user": "U1", "text": "oops"})),
    )
    .await;
    fold.append_json("slack", "channel_archive", &message(json!({"type": "channel_archive", "channel": "C1", "event_ts": "1700000200.000000"}))).await;
    fold.append_json(
        "slack",
        "channel_rename",
        &message(json!({"type": "channel_rename", "channel": {"id": "C1", "name": "after"}, "event_ts": "1700000150.000000"})),
    )
    .await;
    let reaction = |kind: &str, at: &str| {
        message(json!({"type": kind, "user": "U1", "reaction": "eyes", "item": {"channel": "C1", "ts": "1700000000.000100"}, "event_ts": at}))
    };
    fold.append_json("slack", "reaction_removed", &reaction("reaction_removed", "1700000400.000000")).await;
    fold.append_json("slack", "reaction_added", &reaction("reaction_added", "1700000300.000000")).await;
    fold.caught_up().await;
    says(&fold, "comments", "github:issue_comment/5", json!({"is_deleted": true, "body": "second", "parent_key": "github:7#1", "parent_kind": "issue"})).await;
    says(&fold, "branches", "github:7@fix", json!({"is_deleted": false, "sha": "ccc", "pushed_at": "2026-01-01T00:05:00+00:00"})).await;
    says(&fold, "repositories", "github:8", json!({"full_name": "o/new", "is_deleted": true})).await;
    says(&fold, "issues", "linear:i1", json!({"title": "Renamed", "is_deleted": true, "deleted_at": "2026-01-05T00:00:00+00:00"})).await;
    says(&fold, "slack_messages", "slack:C1/1700000000.000100", json!({"is_deleted": true, "text": "oops", "user_id": "U1"})).await;
    says(&fold, "slack_channels", "slack:C1", json!({"is_archived": true, "name": "after", "is_deleted": false})).await;
    says(&fold, "slack_reactions", "slack:C1/1700000000.000100/U1/eyes", json!({"is_deleted": true})).await;
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redacted_version_gives_way_to_the_one_before() {
    let fold = Fold::start_with(&["entities"]).await;
    fold.append_json("github", "issue_comment", &comment("created", "first", "2026-01-01T00:00:00Z")).await;
    fold.append_json("github", "issue_comment", &comment("edited", "second", "2026-01-02T00:00:00Z")).await;
    let alone = json!({"action": "created", "repository": {"id": 8, "full_name": "o/alone", "updated_at": "2026-01-01T00:00:00Z"}});
    fold.append_json("github", "repository", &alone).await;
    fold.caught_up().await;
    says(&fold, "comments", "github:issue_comment/5", json!({"body": "second", "position": 2})).await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&fold.db, &tasks).await;
    custodian.redact(&order(&[]), &[Position::new(2), Position::new(3)]).await.expect("redacted");
    fold.caught_up().await;
    says(&fold, "comments", "github:issue_comment/5", json!({"body": "first", "position": 1})).await;
    assert_eq!(fold.db.number("SELECT count(*) FROM repositories").await, 0, "nothing tells of it any more");
    assert_eq!(fold.db.number("SELECT count(*) FROM hooklake.unsettled_entities").await, 0);
    custodian.redact(&order(&["/comment/body"]), &[Position::new(1)]).await.expect("redacted");
    fold.caught_up().await;
    says(&fold, "comments", "github:issue_comment/5", json!({"body": "[redacted]", "position": 1})).await;
    fold.stop().await;
}

/// A comment below a pull request, which shows that as an issue; `fields` are laid over it.
fn below_pull_request(number: i64, updated_at: &str, fields: &Value) -> Value {
    let mut issue = json!({
        "id": number, "number": number, "title": "Mend it", "state": "closed", "created_at": "2026-01-01T00:00:00Z", "closed_at": "2026-01-03T00:00:00Z",
        "updated_at": updated_at, "user": {"login": "ada", "id": 1}, "pull_request": {"html_url": "https://github.com/o/r/pull/1"},
    });
    for (name, value) in fields.as_object().expect("fields") {
        issue[name] = value.clone();
    }
    let comment = json!({"id": number, "body": "x", "created_at": updated_at, "updated_at": updated_at, "user": {"login": "bob", "id": 2}});
    json!({"action": "created", "repository": {"id": 7, "full_name": "o/r"}, "issue": issue, "comment": comment})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_tells_that_its_pull_request_is_merged() {
    let fold = Fold::start_with(&["entities"]).await;
    let merged = json!({"draft": false, "pull_request": {"html_url": "https://github.com/o/r/pull/1", "merged_at": "2026-01-03T00:00:00Z"}});
    fold.append_json("github", "issue_comment", &below_pull_request(1, "2026-01-04T00:00:00Z", &merged)).await;
    // Older payloads do not say it: what another event told stays.
    let shown = json!({
        "id": 2, "number": 2, "title": "Mend it", "state": "closed", "draft": false, "merged_at": "2026-01-03T00:00:00Z", "closed_at": "2026-01-03T00:00:00Z",
        "updated_at": "2026-01-03T00:00:00Z", "user": {"login": "ada", "id": 1},
    });
    let closed = json!({"action": "closed", "repository": {"id": 7, "full_name": "o/r"}, "pull_request": shown});
    fold.append_json("github", "pull_request", &closed).await;
    fold.append_json("github", "issue_comment", &below_pull_request(2, "2026-01-04T00:00:00Z", &json!({}))).await;
    fold.append_json("github", "issue_comment", &below_pull_request(3, "2026-01-04T00:00:00Z", &json!({}))).await;
    fold.caught_up().await;
    for key in ["github:7#1", "github:7#2"] {
        let expected = json!({"state": "closed", "is_merged": true, "merged_at": "2026-01-03T00:00:00+00:00", "is_draft": false, "version_at": "2026-01-04T00:00:00+00:00"});
        says(&fold, "pull_requests", key, expected).await;
    }
    says(&fold, "pull_requests", "github:7#3", json!({"state": "closed", "is_merged": null, "merged_at": null, "is_draft": null})).await;
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_what_it_has_come_to() {
    let fold = Fold::start_with(&["entities"]).await;
    let release = |id: i64, action: &str, body: &str, is_prerelease: bool, published_at: Option<&str>| {
        json!({
            "action": action, "repository": {"id": 7, "full_name": "o/r"},
            "release": {
                "id": id, "tag_name": format!("v{id}"), "name": "x", "body": body, "draft": published_at.is_none(), "prerelease": is_prerelease,
                "author": {"login": "ada", "id": 1}, "created_at": "2026-01-01T10:00:00Z", "published_at": published_at,
            },
        })
    };
    let published = Some("2026-01-01T11:00:00Z");
    let told = [
        // Tried out, described, and then meant for all; only the order of arrival differs.
        release(1, "prereleased", "a", true, published),
        release(1, "edited", "b", true, published),
        release(1, "released", "b", false, published),
        release(2, "released", "b", false, published),
        release(2, "edited", "b", true, published),
        release(2, "prereleased", "a", true, published),
        release(3, "created", "a", false, None),
        release(3, "published", "a", false, published),
        release(3, "unpublished", "a", false, None),
        release(4, "unpublished", "a", false, None),
        release(4, "published", "a", false, published),
        release(5, "edited", "b", false, published),
        release(5, "released", "a", false, published),
        release(5, "created", "a", false, None),
    ];
    for one in told {
        fold.append_json("github", "release", &one).await;
    }
    fold.caught_up().await;
    for id in [1, 2] {
        says(&fold, "releases", &format!("github:release/{id}"), json!({"is_prerelease": false, "body": "b", "is_draft": false})).await;
    }
    for id in [3, 4] {
        says(&fold, "releases", &format!("github:release/{id}"), json!({"is_draft": true, "published_at": null})).await;
    }
    says(&fold, "releases", "github:release/5", json!({"is_draft": false, "body": "b", "published_at": "2026-01-01T11:00:00+00:00"})).await;
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_calls_every_private_channel_is_no_name() {
    let fold = Fold::start_with(&["entities"]).await;
    let message = |event: Value| json!({"type": "event_callback", "team_id": "T1", "event": event});
    let created =
        json!({"type": "channel_created", "channel": {"id": "G1", "name": "ops", "created": 1_700_000_000, "creator": "U1"}, "event_ts": "1700000000.000100"});
    fold.append_json("slack", "channel_created", &message(created)).await;
    let renamed = json!({"type": "channel_rename", "channel": {"id": "G1", "name": "secret-ops", "created": 1_700_000_000}, "event_ts": "1700000100.000100"});
    fold.append_json("slack", "channel_rename", &message(renamed)).await;
    for (sent, channel, name) in [("1700000200", "G1", "privategroup"), ("1700000201", "D1", "directmessage"), ("1700000202", "C7", "general")] {
        let command = json!({"command": "/x", "team_id": "T1", "channel_id": channel, "channel_name": name, "user_id": "U1"});
        let headers = [("content-type", "application/json"), ("x-slack-request-timestamp", sent)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        fold.append_for(Tenant::default_tenant(), "slack", "slash_command", command.to_string().as_bytes(), headers.to_vec(), Vec::new()).await;
    }
    fold.caught_up().await;
    let expected =
        json!({"name": "secret-ops", "creator_key": "slack:U1", "created_at": "2023-11-14T22:13:20+00:00", "last_event_at": "2023-11-14T22:16:40+00:00"});
    says(&fold, "slack_channels", "slack:G1", expected).await;
    says(&fold, "slack_channels", "slack:D1", json!({"name": null})).await;
    says(&fold, "slack_channels", "slack:C7", json!({"name": "general"})).await;
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_linear_restores_is_back() {
    let fold = Fold::start_with(&["entities"]).await;
    let issue = |action: &str, happened: &str| json!({"action": action, "type": "Issue", "createdAt": happened, "data": {"id": "i1", "identifier": "ENG-1", "title": "x", "updatedAt": "2026-01-02T00:00:00Z"}});
    // Neither changes the issue itself.
    fold.append_json("linear", "Issue", &issue("restore", "2026-01-06T00:00:00Z")).await;
    fold.append_json("linear", "Issue", &issue("remove", "2026-01-05T00:00:00Z")).await;
    fold.append_json("linear", "Issue", &issue("update", "2026-01-02T00:00:00Z")).await;
    fold.caught_up().await;
    says(&fold, "issues", "linear:i1", json!({"is_deleted": false, "deleted_at": null, "updated_at": "2026-01-02T00:00:00+00:00"})).await;
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_ended_before_another_took_its_place() {
    let fold = Fold::start_with(&["entities"]).await;
    let status = |deployment: i64, id: i64, state: &str, at: &str| {
        json!({
            "action": "created", "repository": {"id": 7, "full_name": "o/r"},
            "deployment": {"id": deployment, "sha": "a".repeat(40), "environment": "production", "created_at": "2026-01-01T10:00:00Z", "updated_at": at},
            "deployment_status": {"id": id, "state": state, "created_at": at, "updated_at": at},
        })
    };
    for (deployment, id, state, at) in [
        (1, 3, "inactive", "2026-01-05T10:00:00Z"),
        (1, 2, "success", "2026-01-01T10:05:00Z"),
        (1, 1, "in_progress", "2026-01-01T10:01:00Z"),
        (2, 4, "failure", "2026-01-01T11:00:00Z"),
        (2, 5, "in_progress", "2026-01-01T11:01:00Z"),
    ] {
        fold.append_json("github", "deployment_status", &status(deployment, id, state, at)).await;
    }
    fold.caught_up().await;
    says(&fold, "deployments", "github:deployment/1", json!({"status": "inactive", "finished_at": "2026-01-01T10:05:00+00:00"})).await;
    says(&fold, "deployments", "github:deployment/2", json!({"status": "in_progress", "finished_at": null})).await;
    fold.stop().await;
}
