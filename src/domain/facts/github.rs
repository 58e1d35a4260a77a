//! Facts of GitHub's webhooks. The object that an event is about stands under a name of its own (`pull_request`,
//! `issue`, `check_run`, …), so facts are found by looking for these names rather than by a table of 60 event types.

use super::super::json::Json;
use super::{Facts, Priority, excerpt, first_text, joined, owned, text};
use crate::domain::subject::{self, at_github, branch, numbered, release};

/// Objects that carry a number within a repository; the number of the first that an event has says what it is about.
const NUMBERED: [&str; 5] = ["pull_request", "issue", "discussion", "milestone", "alert"];

/// Where a title stands, the most telling first.
const TITLES: [&str; 23] = [
    "/pull_request/title",
    "/issue/title",
    "/discussion/title",
    "/release/name",
    "/release/tag_name",
    "/check_run/name",
    "/workflow_run/display_title",
    "/workflow_run/name",
    "/workflow_job/name",
    "/milestone/title",
    "/alert/rule/description",
    "/alert/security_advisory/summary",
    "/alert/affected_package_name",
    "/security_advisory/summary",
    "/project/name",
    "/project_column/name",
    "/package/name",
    "/registry_package/name",
    "/label/name",
    "/team/name",
    "/rule/name",
    "/pages/0/title",
    "/context",
];

/// Where the address stands that a person can open, the most exact first.
const URLS: [&str; 23] = [
    "/comment/html_url",
    "/review/html_url",
    "/pull_request/html_url",
    "/issue/html_url",
    "/answer/html_url",
    "/discussion/html_url",
    "/release/html_url",
    "/check_run/html_url",
    "/workflow_job/html_url",
    "/workflow_run/html_url",
    "/milestone/html_url",
    "/alert/html_url",
    "/deployment_status/target_url",
    "/commit/html_url",
    "/compare",
    "/pages/0/html_url",
    "/package/html_url",
    "/registry_package/html_url",
    "/forkee/html_url",
    "/project/html_url",
    "/team/html_url",
    "/security_advisory/references/0/url",
    "/repository/html_url",
];

/// Where the hash of the commit stands that an event is about.
const COMMITS: [&str; 9] = [
    "/check_run/head_sha",
    "/check_suite/head_sha",
    "/workflow_run/head_sha",
    "/workflow_job/head_sha",
    "/deployment/sha",
    "/comment/commit_id",
    "/merge_group/head_sha",
    "/sha",
    "/head_commit/id",
];

pub(super) fn facts(event_type: &str, payload: Json<'_>) -> Facts {
    Facts {
        actor: owned(first_text(payload, &["/sender/login", "/pusher/name"])),
        title: title(payload),
        body_text: body_text(payload),
        repository: owned(text(payload, "/repository/full_name")),
        subject: subject(event_type, payload),
        url: owned(url(payload)),
        priority: Priority::Normal,
    }
}

/// Where a person can look at it.
pub(in crate::domain) fn url(payload: Json<'_>) -> Option<&str> {
    first_text(payload, &URLS)
}

/// What it is called.
pub(in crate::domain) fn title(payload: Json<'_>) -> Option<String> {
    if let Some(title) = first_text(payload, &TITLES) {
        return Some(title.to_owned());
    }
    if let Some(message) = first_text(payload, &["/head_commit/message", "/check_suite/head_commit/message", "/merge_group/head_commit/message"]) {
        return excerpt(message);
    }
    if let Some(environment) = text(payload, "/deployment/environment") {
        let state = text(payload, "/deployment_status/state").unwrap_or("created");
        return Some(format!("{environment}: {state}"));
    }
    if let Some(comment) = text(payload, "/comment/body") {
        return excerpt(comment);
    }
    let named = first_text(payload, &["/ref", "/project_card/note", "/client_payload/title", "/zen", "/member/login", "/forkee/full_name"]);
    named.and_then(|name| excerpt(name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")).unwrap_or(name)))
}

/// What was written in this event; the description that a comment answers was written in an earlier one.
fn body_text(payload: Json<'_>) -> Option<String> {
    if let Some(comments) = payload.at("/thread/comments").filter(|comments| comments.is_list()) {
        return joined(comments.items().filter_map(|comment| text(comment, "/body")));
    }
    if let Some(written) = ["/comment", "/review", "/answer"].iter().find_map(|pointer| payload.at(pointer).filter(|found| found.is_object())) {
        return owned(text(written, "/body"));
    }
    if let Some(commits) = payload.get("commits").filter(|commits| commits.is_list()) {
        return joined(commits.items().filter_map(|commit| text(commit, "/message")));
    }
    joined(
        [
            "/pull_request/body",
            "/issue/body",
            "/discussion/body",
            "/release/body",
            "/milestone/description",
            "/check_run/output/title",
            "/check_run/output/summary",
            "/check_run/output/text",
            "/commit/commit/message",
            "/description",
            "/deployment/description",
            "/deployment_status/description",
            "/project_card/note",
            "/alert/rule/full_description",
            "/alert/security_advisory/description",
            "/security_advisory/description",
            "/label/description",
            "/merge_group/head_commit/message",
            "/check_suite/head_commit/message",
            "/workflow_run/head_commit/message",
            "/pages/0/summary",
        ]
        .iter()
        .filter_map(|pointer| text(payload, pointer)),
    )
}

/// The number of the deployment that an event is about. Checks that belong to a deployment carry one too, but are not about it.
#[must_use]
pub fn deployment_number(event_type: &str, payload: Json<'_>) -> Option<i64> {
    let is_about_it = matches!(event_type, "deployment" | "deployment_status" | "deployment_review");
    payload.at("/deployment/id").filter(|_| is_about_it).and_then(Json::as_i64)
}

/// What it is about: the most exact thing that it shows, and the repository where it shows none.
fn subject(event_type: &str, payload: Json<'_>) -> Option<String> {
    let repository = text(payload, "/repository/full_name")?;
    for name in NUMBERED {
        if let Some(number) = payload.at(&format!("/{name}/number")).and_then(Json::as_i64) {
            return match name {
                // Issues, pull requests and discussions share one numbering; the others have their own.
                "milestone" | "alert" => Some(format!("{repository} {name} {number}")),
                _ => numbered(repository, number),
            };
        }
    }
    let of_deployment = || deployment_number(event_type, payload).and_then(|number| at_github("deployment", number));
    let of_commit = || COMMITS.iter().find_map(|pointer| text(payload, pointer).and_then(subject::commit));
    let of_release = || text(payload, "/release/tag_name").and_then(|tag| release(repository, tag));
    of_deployment().or_else(of_commit).or_else(of_release).or_else(|| of_ref(repository, payload)).or_else(|| Some(repository.to_owned()))
}

/// A branch or a tag: `refs/heads/main`, or `main` with what it is beside it.
fn of_ref(repository: &str, payload: Json<'_>) -> Option<String> {
    let reference = text(payload, "/ref")?;
    if let Some(tag) = reference.strip_prefix("refs/tags/") {
        return release(repository, tag);
    }
    match reference.strip_prefix("refs/heads/") {
        Some(name) => branch(repository, name),
        None if reference.starts_with("refs/") => None,
        None if text(payload, "/ref_type") == Some("tag") => release(repository, reference),
        None => branch(repository, reference),
    }
}
