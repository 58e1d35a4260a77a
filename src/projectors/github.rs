//! The table `github_events`: GitHub's webhooks in typed columns.

use async_trait::async_trait;
use serde_json::Value;
use tokio_postgres::Transaction;

use super::entry::{Entry, cut, key, names, row, whole};
use crate::consumer::{Error, Projector};
use crate::domain::Envelope;
use crate::domain::clock::Timestamp;
use crate::domain::facts::{Facts, first_text, text};
use crate::log::Batch;

/// Keeps the table `github_events`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GithubTable;

#[async_trait]
impl Projector for GithubTable {
    const NAME: &'static str = "github_events";
    const VERSION: i32 = 2;
    const TABLES: &'static [&'static str] = &["github_events"];
    const SOURCES: Option<&'static [&'static str]> = Some(&["github"]);
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::fresh(batch);
        let rows = entries.iter().map(Row::of).collect::<Vec<_>>();
        Row::insert(&rows, transaction).await
    }
}

row! {
    struct Row<'a> inserted by "github.sql" {
        position: i64,
        id: &'a str,
        tenant: &'a str,
        event_type: &'a str,
        action: Option<&'a str>,
        delivery_id: Option<&'a str>,
        hook_id: Option<&'a str>,
        repository_full_name: Option<&'a str>,
        repository_id: Option<i64>,
        organization_login: Option<&'a str>,
        sender_login: Option<&'a str>,
        sender_type: Option<&'a str>,
        sender_id: Option<i64>,
        number: Option<i64>,
        pull_request_number: Option<i64>,
        pull_request_title: Option<&'a str>,
        pull_request_state: Option<&'a str>,
        pull_request_merged: Option<bool>,
        pull_request_draft: Option<bool>,
        pull_request_author: Option<&'a str>,
        head_ref: Option<&'a str>,
        head_sha: Option<&'a str>,
        base_ref: Option<&'a str>,
        merge_commit_sha: Option<&'a str>,
        issue_number: Option<i64>,
        issue_title: Option<&'a str>,
        issue_state: Option<&'a str>,
        labels: Value,
        reference: Option<&'a str>,
        branch: Option<&'a str>,
        commit_sha: Option<&'a str>,
        commit_message: Option<&'a str>,
        commit_count: Option<i32>,
        review_state: Option<&'a str>,
        comment_body: Option<&'a str>,
        check_name: Option<&'a str>,
        check_status: Option<&'a str>,
        check_conclusion: Option<&'a str>,
        environment: Option<&'a str>,
        deployment_state: Option<&'a str>,
        release_tag: Option<&'a str>,
        url: Option<String>,
        received_at: Timestamp,
        verbatim: bool,
        mended: Option<String>,
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry<'_>) -> Self {
        let envelope = entry.envelope;
        let value = entry.value();
        let at = |pointer: &str| text(value, pointer);
        let first = |pointers: &[&str]| first_text(value, pointers);
        let pull_request = PullRequest::of(value);
        let issue = value.get("issue").filter(|issue| issue.get("pull_request").is_none_or(Value::is_null));
        let head = |name: &str| {
            ["/check_run/check_suite", "/check_suite", "/workflow_run", "/workflow_job", "/merge_group"]
                .iter()
                .find_map(|place| text(value, &format!("{place}/{name}")))
        };
        let check =
            |name: &str| ["/check_run", "/check_suite", "/workflow_job", "/workflow_run"].iter().find_map(|place| text(value, &format!("{place}/{name}")));
        Self {
            position: envelope.position.get(),
            id: &entry.id,
            tenant: envelope.tenant.as_str(),
            event_type: cut(&envelope.event_type),
            action: key(at("/action")),
            delivery_id: envelope.headers.get("x-github-delivery"),
            hook_id: envelope.headers.get("x-github-hook-id"),
            repository_full_name: key(at("/repository/full_name")),
            repository_id: whole(value, "/repository/id"),
            organization_login: first(&["/organization/login", "/installation/account/login"]),
            sender_login: key(at("/sender/login")),
            sender_type: at("/sender/type"),
            sender_id: whole(value, "/sender/id"),
            number: ["/number", "/pull_request/number", "/issue/number", "/discussion/number"].iter().find_map(|pointer| whole(value, pointer)),
            pull_request_number: pull_request.number,
            pull_request_title: pull_request.title,
            pull_request_state: pull_request.state,
            pull_request_merged: value.pointer("/pull_request/merged").and_then(Value::as_bool),
            pull_request_draft: value.pointer("/pull_request/draft").and_then(Value::as_bool),
            pull_request_author: pull_request.author,
            head_ref: at("/pull_request/head/ref").or_else(|| head("head_branch")).or_else(|| at("/merge_group/head_ref")),
            head_sha: at("/pull_request/head/sha").or_else(|| head("head_sha")),
            base_ref: first(&["/pull_request/base/ref", "/merge_group/base_ref", "/base_ref"]),
            merge_commit_sha: at("/pull_request/merge_commit_sha"),
            issue_number: issue.and_then(|issue| whole(issue, "/number")),
            issue_title: issue.and_then(|issue| text(issue, "/title")),
            issue_state: issue.and_then(|issue| text(issue, "/state")),
            labels: names(["/pull_request/labels", "/issue/labels", "/discussion/labels"].iter().find_map(|pointer| value.pointer(pointer))),
            reference: first(&["/ref", "/deployment/ref"]),
            branch: branch(value).or_else(|| head("head_branch")),
            commit_sha: key(commit(value).or_else(|| head("head_sha"))),
            commit_message: first(&["/head_commit/message", "/commit/commit/message"]).or_else(|| head("head_commit/message")),
            commit_count: value.get("commits").and_then(Value::as_array).and_then(|commits| i32::try_from(commits.len()).ok()),
            review_state: at("/review/state"),
            comment_body: first(&["/comment/body", "/review/body"]),
            check_name: check("name").or_else(|| first(&["/check_suite/app/name", "/context"])),
            check_status: check("status").or_else(|| at("/context").and_then(|_| at("/state"))),
            check_conclusion: check("conclusion"),
            environment: first(&["/deployment/environment", "/check_run/deployment/environment", "/environment"]),
            deployment_state: at("/deployment_status/state"),
            release_tag: at("/release/tag_name"),
            url: Facts::of("github", &envelope.event_type, value).url,
            received_at: envelope.received_at,
            verbatim: entry.payload.verbatim,
            mended: entry.mended(),
        }
    }
}

/// The pull request that an event is about: its own, that of a comment, or the only one that a check names.
#[derive(Default)]
struct PullRequest<'a> {
    number: Option<i64>,
    title: Option<&'a str>,
    state: Option<&'a str>,
    author: Option<&'a str>,
}

impl<'a> PullRequest<'a> {
    fn of(value: &'a Value) -> Self {
        let commented = value.get("issue").filter(|issue| issue.get("pull_request").is_some_and(Value::is_object));
        if let Some(own) = value.get("pull_request").or(commented) {
            return Self { number: whole(own, "/number"), title: text(own, "/title"), state: text(own, "/state"), author: text(own, "/user/login") };
        }
        let checked = ["/check_run/pull_requests", "/check_suite/pull_requests", "/workflow_run/pull_requests"];
        match checked.iter().find_map(|pointer| value.pointer(pointer)).and_then(Value::as_array).map(Vec::as_slice) {
            Some([only]) => Self { number: whole(only, "/number"), ..Self::default() },
            _ => Self::default(),
        }
    }
}

fn branch(value: &Value) -> Option<&str> {
    let reference = text(value, "/ref");
    match text(value, "/ref_type") {
        Some("branch") => reference,
        Some(_) => None,
        None => reference.and_then(|reference| reference.strip_prefix("refs/heads/")).or_else(|| text(value, "/branches/0/name")),
    }
}

fn commit(value: &Value) -> Option<&str> {
    // After the deletion of a branch, `after` is all zeros.
    let pushed = text(value, "/after").filter(|sha| sha.bytes().any(|digit| digit != b'0'));
    pushed.or_else(|| first_text(value, &["/check_run/head_sha", "/deployment/sha", "/sha", "/comment/commit_id", "/review/commit_id"]))
}
