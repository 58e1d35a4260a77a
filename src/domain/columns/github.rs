//! The columns of `github_events`. The object that an event is about stands under a name of its own (`pull_request`,
//! `issue`, `check_run`, …); a comment on a pull request comes as an `issue` that names one.

use super::super::json::Json;
use super::Read::{Flag, Made, Piece, Text, Texts, Whole};
use super::{Column, Event, key, named, text, whole};
use crate::domain::facts;

/// The columns of `github_events`, save those of the envelope.
pub const COLUMNS: &[Column] = &[
    Column("action", Text(|e| key(e.at("/action")))),
    Column("delivery_id", Text(|e| e.header("x-github-delivery"))),
    Column("hook_id", Text(|e| e.header("x-github-hook-id"))),
    Column("title", Made(|e| facts::github::title(e.payload))),
    Column("url", Text(|e| facts::github::url(e.payload))),
    // Where, and by whom.
    Column("repository_full_name", Text(|e| key(e.at("/repository/full_name")))),
    Column("repository_id", Whole(|e| e.whole(&["/repository/id"]))),
    Column("repository_private", Flag(|e| e.flag("/repository/private"))),
    Column("organization_login", Text(|e| e.first(&["/organization/login", "/installation/account/login"]))),
    Column("installation_id", Whole(|e| e.whole(&["/installation/id"]))),
    Column("sender_login", Text(|e| key(e.at("/sender/login")))),
    Column("sender_type", Text(|e| e.at("/sender/type"))),
    Column("sender_id", Whole(|e| e.whole(&["/sender/id"]))),
    Column(
        "author_association",
        Text(|e| {
            e.first(&[
                "/comment/author_association",
                "/review/author_association",
                "/pull_request/author_association",
                "/issue/author_association",
                "/discussion/author_association",
            ])
        }),
    ),
    Column("number", Whole(|e| e.whole(&["/number", "/pull_request/number", "/issue/number", "/discussion/number"]))),
    // Pull requests.
    Column("pull_request_number", Whole(pull_request_number)),
    Column("pull_request_title", Text(|e| text(pull_request(e)?, "/title"))),
    Column("pull_request_state", Text(|e| text(pull_request(e)?, "/state"))),
    Column("pull_request_merged", Flag(|e| e.flag("/pull_request/merged"))),
    Column("pull_request_draft", Flag(|e| e.flag("/pull_request/draft"))),
    Column("pull_request_author", Text(|e| text(pull_request(e)?, "/user/login"))),
    Column("pull_request_merged_by", Text(|e| e.at("/pull_request/merged_by/login"))),
    Column("pull_request_additions", Whole(|e| e.whole(&["/pull_request/additions"]))),
    Column("pull_request_deletions", Whole(|e| e.whole(&["/pull_request/deletions"]))),
    Column("pull_request_changed_files", Whole(|e| e.whole(&["/pull_request/changed_files"]))),
    Column("pull_request_commits", Whole(|e| e.whole(&["/pull_request/commits"]))),
    Column("requested_reviewers", Texts(requested_reviewers)),
    Column("requested_reviewer", Text(|e| e.first(&["/requested_reviewer/login", "/requested_team/slug"]))),
    Column("head_ref", Text(|e| e.at("/pull_request/head/ref").or_else(|| of_check(e, "/head_branch")).or_else(|| e.at("/merge_group/head_ref")))),
    Column("head_sha", Text(|e| e.at("/pull_request/head/sha").or_else(|| of_check(e, "/head_sha")))),
    Column("base_ref", Text(|e| e.first(&["/pull_request/base/ref", "/merge_group/base_ref", "/base_ref"]))),
    Column("base_sha", Text(|e| e.first(&["/pull_request/base/sha", "/merge_group/base_sha"]))),
    Column("merge_commit_sha", Text(|e| e.at("/pull_request/merge_commit_sha"))),
    // Issues and discussions.
    Column("issue_number", Whole(|e| whole(issue(e)?, "/number"))),
    Column("issue_title", Text(|e| text(issue(e)?, "/title"))),
    Column("issue_state", Text(|e| text(issue(e)?, "/state"))),
    Column("issue_state_reason", Text(|e| text(issue(e)?, "/state_reason"))),
    Column("issue_author", Text(|e| text(issue(e)?, "/user/login"))),
    Column("discussion_number", Whole(|e| e.whole(&["/discussion/number"]))),
    Column("discussion_title", Text(|e| e.at("/discussion/title"))),
    Column("discussion_category", Text(|e| e.at("/discussion/category/name"))),
    Column("labels", Texts(|e| of_numbered(e, "/labels", "name"))),
    Column("label", Text(|e| e.at("/label/name"))),
    Column("assignees", Texts(|e| of_numbered(e, "/assignees", "login"))),
    Column("assignee", Text(|e| e.at("/assignee/login"))),
    Column("milestone", Text(|e| e.first(&["/pull_request/milestone/title", "/issue/milestone/title", "/milestone/title"]))),
    // Commits, branches and tags.
    Column("ref", Text(|e| e.first(&["/ref", "/deployment/ref"]))),
    Column("ref_type", Text(|e| e.at("/ref_type").or_else(|| reference(e).map(|(kind, _)| kind)))),
    Column("branch", Text(|e| branch(e).or_else(|| of_check(e, "/head_branch")))),
    Column("tag", Text(|e| named_ref(e, "tag").or_else(|| e.at("/release/tag_name")))),
    Column("push_forced", Flag(|e| e.flag("/forced"))),
    Column("ref_created", Flag(|e| e.flag("/created"))),
    Column("ref_deleted", Flag(|e| e.flag("/deleted"))),
    Column("before_sha", Text(|e| e.at("/before").filter(|sha| is_commit(sha)))),
    Column("commit_sha", Text(|e| key(commit(e).or_else(|| of_check(e, "/head_sha"))))),
    Column("commit_message", Text(|e| e.first(&["/head_commit/message", "/commit/commit/message"]).or_else(|| of_check(e, "/head_commit/message")))),
    Column(
        "commit_author",
        Text(|e| {
            e.first(&["/head_commit/author/username", "/commit/author/login", "/head_commit/author/name", "/commit/commit/author/name"])
                .or_else(|| of_check(e, "/head_commit/author/name"))
        }),
    ),
    Column(
        "commit_author_email",
        Text(|e| e.first(&["/head_commit/author/email", "/commit/commit/author/email"]).or_else(|| of_check(e, "/head_commit/author/email"))),
    ),
    Column("commit_count", Whole(|e| i64::try_from(e.payload.at("/commits").filter(|commits| commits.is_list())?.items().count()).ok())),
    Column("pusher_name", Text(|e| e.at("/pusher/name"))),
    // Reviews and comments.
    Column("review_id", Whole(|e| e.whole(&["/review/id"]))),
    Column("review_state", Text(|e| e.at("/review/state"))),
    Column("review_author", Text(|e| e.at("/review/user/login"))),
    Column("comment_id", Whole(|e| e.whole(&["/comment/id"]))),
    Column("comment_body", Text(|e| e.first(&["/comment/body", "/review/body"]))),
    Column("comment_author", Text(|e| e.at("/comment/user/login"))),
    Column("comment_path", Text(|e| e.first(&["/comment/path", "/thread/comments/0/path"]))),
    // Checks and workflows.
    Column("check_id", Whole(|e| e.whole(&["/check_run/id", "/check_suite/id"]))),
    Column("check_name", Text(|e| check(e, "/name").or_else(|| e.first(&["/check_suite/app/name", "/context"])))),
    Column("check_status", Text(|e| check(e, "/status").or_else(|| e.at("/context").and_then(|_| e.at("/state"))))),
    Column("check_conclusion", Text(|e| check(e, "/conclusion"))),
    Column("check_app", Text(|e| e.first(&["/check_run/app/slug", "/check_suite/app/slug"]))),
    Column("workflow_name", Text(|e| e.first(&["/workflow_run/name", "/workflow_job/workflow_name", "/workflow/name"]))),
    Column("workflow_path", Text(|e| e.first(&["/workflow_run/path", "/workflow/path", "/workflow"]))),
    Column("workflow_event", Text(|e| e.at("/workflow_run/event"))),
    Column("run_id", Whole(|e| e.whole(&["/workflow_run/id", "/workflow_job/run_id"]))),
    Column("run_number", Whole(|e| e.whole(&["/workflow_run/run_number"]))),
    Column("run_attempt", Whole(|e| e.whole(&["/workflow_run/run_attempt", "/workflow_job/run_attempt"]))),
    Column("job_id", Whole(|e| e.whole(&["/workflow_job/id"]))),
    // Deployments, releases and packages.
    Column("deployment_id", Whole(|e| e.whole(&["/deployment/id"]))),
    Column("deployment_state", Text(|e| e.at("/deployment_status/state"))),
    Column("environment", Text(|e| e.first(&["/deployment/environment", "/check_run/deployment/environment", "/environment"]))),
    Column("release_id", Whole(|e| e.whole(&["/release/id"]))),
    Column("release_tag", Text(|e| e.at("/release/tag_name"))),
    Column("release_name", Text(|e| e.at("/release/name"))),
    Column("release_draft", Flag(|e| e.flag("/release/draft"))),
    Column("release_prerelease", Flag(|e| e.flag("/release/prerelease"))),
    Column("package_name", Text(|e| e.first(&["/package/name", "/registry_package/name"]))),
    // Security.
    Column("alert_number", Whole(|e| e.whole(&["/alert/number"]))),
    Column("alert_state", Text(|e| e.at("/alert/state"))),
    Column(
        "alert_severity",
        Text(|e| {
            e.first(&[
                "/alert/rule/security_severity_level",
                "/alert/security_advisory/severity",
                "/alert/severity",
                "/alert/rule/severity",
                "/security_advisory/severity",
            ])
        }),
    ),
    Column("alert_rule", Text(|e| e.first(&["/alert/rule/id", "/alert/secret_type"]))),
    Column(
        "alert_package",
        Text(|e| {
            e.first(&[
                "/alert/dependency/package/name",
                "/alert/security_vulnerability/package/name",
                "/alert/affected_package_name",
                "/security_advisory/vulnerabilities/0/package/name",
            ])
        }),
    ),
    Column("advisory_id", Text(|e| e.first(&["/alert/security_advisory/ghsa_id", "/alert/ghsa_id", "/security_advisory/ghsa_id"]))),
    // People, teams and forks.
    Column("member_login", Text(|e| e.first(&["/member/login", "/membership/user/login", "/blocked_user/login", "/invitation/login", "/user/login"]))),
    Column("team_slug", Text(|e| e.at("/team/slug"))),
    Column("fork_full_name", Text(|e| e.at("/forkee/full_name"))),
    Column("changes", Piece(|e| e.payload.at("/changes").filter(|before| before.is_object()).map(|value| value.to_string()))),
];

/// What checks stand under. A check run names its branch and commit by its suite.
const HEADS: [&str; 5] = ["/check_run/check_suite", "/check_suite", "/workflow_run", "/workflow_job", "/merge_group"];
const CHECKS: [&str; 4] = ["/check_run", "/check_suite", "/workflow_job", "/workflow_run"];

fn of_check<'a>(e: &Event<'a>, pointer: &str) -> Option<&'a str> {
    HEADS.iter().find_map(|place| text(e.payload.at(place)?, pointer))
}

fn check<'a>(e: &Event<'a>, pointer: &str) -> Option<&'a str> {
    CHECKS.iter().find_map(|place| text(e.payload.at(place)?, pointer))
}

/// The pull request that an event is about: its own, or that of a comment.
fn pull_request<'a>(e: &Event<'a>) -> Option<Json<'a>> {
    let commented = || e.payload.at("/issue").filter(|issue| issue.get("pull_request").is_some_and(Json::is_object));
    e.payload.at("/pull_request").or_else(commented)
}

/// Its number, or that of the only one that a check names.
fn pull_request_number(e: &Event<'_>) -> Option<i64> {
    if let Some(own) = pull_request(e) {
        return whole(own, "/number");
    }
    let checked = ["/check_run/pull_requests", "/check_suite/pull_requests", "/workflow_run/pull_requests"];
    let mut named = checked.iter().find_map(|pointer| e.payload.at(pointer))?.items();
    let only = named.next().filter(|_| named.next().is_none())?;
    whole(only, "/number")
}

/// The issue that an event is about, unless it is a pull request.
fn issue<'a>(e: &Event<'a>) -> Option<Json<'a>> {
    e.payload.at("/issue").filter(|issue| issue.get("pull_request").is_none_or(Json::is_null))
}

/// The texts of a list of what has a number.
fn of_numbered(e: &Event<'_>, pointer: &str, name: &str) -> Vec<String> {
    let numbered = ["/pull_request", "/issue", "/discussion"].iter().filter_map(|place| e.payload.at(place));
    numbered.map(|object| named(object, pointer, name)).find(|texts| !texts.is_empty()).unwrap_or_default()
}

/// People by login, then teams by slug.
fn requested_reviewers(e: &Event<'_>) -> Vec<String> {
    let mut reviewers = named(e.payload, "/pull_request/requested_reviewers", "login");
    reviewers.extend(named(e.payload, "/pull_request/requested_teams", "slug"));
    reviewers
}

/// What a full ref is the name of.
fn reference<'a>(e: &Event<'a>) -> Option<(&'static str, &'a str)> {
    let reference = e.at("/ref")?;
    let branch = reference.strip_prefix("refs/heads/").map(|name| ("branch", name));
    branch.or_else(|| reference.strip_prefix("refs/tags/").map(|name| ("tag", name)))
}

/// The branch or tag that was pushed to, created or deleted.
fn named_ref<'a>(e: &Event<'a>, wanted: &str) -> Option<&'a str> {
    match e.at("/ref_type") {
        Some(kind) => e.at("/ref").filter(|_| kind == wanted),
        None => reference(e).filter(|(kind, _)| *kind == wanted).map(|(_, name)| name),
    }
}

fn branch<'a>(e: &Event<'a>) -> Option<&'a str> {
    let listed = || e.at("/branches/0/name").filter(|_| e.at("/ref_type").is_none());
    named_ref(e, "branch").or_else(listed)
}

/// Before the creation of a branch and after its deletion, GitHub names a commit of zeros.
fn is_commit(sha: &str) -> bool {
    sha.bytes().any(|digit| digit != b'0')
}

fn commit<'a>(e: &Event<'a>) -> Option<&'a str> {
    let pushed = e.at("/after").filter(|sha| is_commit(sha));
    pushed.or_else(|| e.first(&["/check_run/head_sha", "/deployment/sha", "/sha", "/comment/commit_id", "/review/commit_id", "/commit_oid"]))
}
