//! What GitHub's events are about, and what they link.

use super::{Findings, IN_COMMENT, Kind, Subject, alias, words};
use crate::domain::Json;
use crate::domain::facts::{deployment_number, first_text, text};

/// What GitHub lists in one event at most; whoever signs may list more, and is not followed there.
const COMMITS_MAX: usize = 2_048;

pub(super) fn find(event_type: &str, payload: Json<'_>, findings: &mut Findings) {
    findings.about(first_text(payload, &["/sender/login", "/pusher/name"]).and_then(|login| Subject::person("github", login)));
    let Some(repository) = text(payload, "/repository/full_name") else { return };
    if let Some(pull_request) = payload.get("pull_request") {
        of_pull_request(repository, pull_request, payload, findings);
    }
    if let Some(issue) = payload.get("issue") {
        of_issue(repository, issue, payload, findings);
    }
    if let Some(commits) = payload.get("commits").filter(|commits| commits.is_list()) {
        of_push(repository, commits, payload, findings);
    }
    for name in ["check_run", "check_suite", "workflow_run", "workflow_job", "merge_group"] {
        if let Some(check) = payload.get(name) {
            of_check(repository, name, check, findings);
        }
    }
    if let Some(deployment) = payload.get("deployment") {
        of_deployment(event_type, repository, deployment, payload, findings);
    }
    if let Some(release) = payload.get("release") {
        of_release(repository, release, findings);
    }
    if let Some(commit) =
        first_text(payload, &["/comment/commit_id", "/review/commit_id"]).or_else(|| if event_type == "status" { text(payload, "/sha") } else { None })
    {
        let commit = Subject::commit(commit);
        // A comment on a commit; what is said of a pull request or issue is looked at there.
        if let (Some(commit), Some(words)) = (&commit, text(payload, "/comment/body").filter(|_| event_type == "commit_comment")) {
            findings.read_shown(IN_COMMENT, commit, "comment.body", words, Some(repository));
        }
        findings.about(commit);
    }
    if text(payload, "/ref_type") == Some("branch") {
        findings.about(text(payload, "/ref").and_then(|branch| Subject::branch(repository, branch)));
    }
}

fn number(value: Json<'_>) -> Option<i64> {
    value.get("number").and_then(Json::as_i64)
}

/// The address of a pull request or issue on a server of one's own, which no rule knows by its host; at github.com addresses are read
/// as what they name.
fn own_address(shown: Json<'_>) -> Option<String> {
    text(shown, "/html_url").filter(|url| !words::is_explained(url)).and_then(alias::address)
}

fn of_pull_request(repository: &str, pull_request: Json<'_>, payload: Json<'_>, findings: &mut Findings) {
    let Some(subject) = number(pull_request).and_then(|number| Subject::numbered(Kind::PullRequest, repository, number)) else { return };
    findings.about(Some(subject.clone()));
    findings.explain(own_address(pull_request), Some(&subject));
    for (field, rule) in [("title", "identifier_in_title"), ("body", "reference_in_body")] {
        if let Some(words) = text(pull_request, &format!("/{field}")) {
            let field = format!("pull_request.{field}");
            let words = words::shown(words);
            findings.named("closing_keyword", &subject, &field, words::closed_issues(&words, repository));
            findings.read(rule, &subject, &field, &words, Some(repository));
        }
    }
    if let Some(branch) = text(pull_request, "/head/ref") {
        findings.named_as("revert", "reverts", &subject, "pull_request.head.ref", words::reverted_by_branch(branch, repository));
        findings.named("identifier_in_branch", &subject, "pull_request.head.ref", words::in_branch(branch));
        let head = home(repository, pull_request).and_then(|home| Subject::branch(home, branch));
        findings.stated("branch_of_pull_request", Some(&subject), head.as_ref(), "pull_request.head.ref", branch, 1.0);
        findings.about(head);
    }
    for comment in ["/comment/body", "/review/body"] {
        if let Some(words) = text(payload, comment) {
            findings.read_shown(IN_COMMENT, &subject, &comment[1..].replace('/', "."), words, Some(repository));
        }
    }
    let is_merged = pull_request.get("merged").and_then(Json::as_bool) == Some(true) || text(pull_request, "/merged_at").is_some();
    let commits = [
        ("pull_request.head.sha", text(pull_request, "/head/sha"), 1.0),
        // Before the merge this is a test merge of GitHub's, which is nobody's commit.
        ("pull_request.merge_commit_sha", text(pull_request, "/merge_commit_sha").filter(|_| is_merged), 1.0),
        // What the branch was before it was pushed to; after a forced push no longer part of it.
        ("before", text(payload, "/before"), 0.9),
    ];
    for (field, sha, confidence) in commits {
        let Some((sha, commit)) = sha.and_then(|sha| Some((sha, Subject::commit(sha)?))) else { continue };
        findings.stated("commit_of_pull_request", Some(&commit), Some(&subject), field, sha, confidence);
        if field != "before" {
            findings.about(Some(commit));
        }
    }
}

/// Where a pull request has its branch. One from a fork has it there; that may be gone, and then nothing but the owner says whose
/// it was.
fn home<'a>(repository: &'a str, pull_request: Json<'a>) -> Option<&'a str> {
    if let Some(home) = text(pull_request, "/head/repo/full_name") {
        return Some(home);
    }
    let owner = text(pull_request, "/head/label").and_then(|label| label.split_once(':')).map(|(owner, _)| owner);
    let owner = owner.or_else(|| text(pull_request, "/head/user/login"));
    let ours = repository.split('/').next().unwrap_or_default();
    let is_ours = owner.map_or_else(|| !pull_request.at("/head/repo").is_some_and(Json::is_null), |owner| owner.eq_ignore_ascii_case(ours));
    is_ours.then_some(repository)
}

fn of_issue(repository: &str, issue: Json<'_>, payload: Json<'_>, findings: &mut Findings) {
    let is_pull_request = issue.get("pull_request").is_some_and(Json::is_object);
    let kind = if is_pull_request { Kind::PullRequest } else { Kind::Issue };
    let Some(subject) = number(issue).and_then(|number| Subject::numbered(kind, repository, number)) else { return };
    findings.about(Some(subject.clone()));
    findings.explain(own_address(issue), Some(&subject));
    for (field, value, rule) in [
        ("issue.title", text(issue, "/title"), "identifier_in_title"),
        ("issue.body", text(issue, "/body"), "reference_in_body"),
        ("comment.body", text(payload, "/comment/body"), IN_COMMENT),
    ] {
        if let Some(words) = value {
            findings.read_shown(rule, &subject, field, words, Some(repository));
        }
    }
}

fn of_push(repository: &str, commits: Json<'_>, payload: Json<'_>, findings: &mut Findings) {
    let pushed = text(payload, "/ref").unwrap_or_default();
    let branch = pushed.strip_prefix("refs/heads/").and_then(|branch| Subject::branch(repository, branch));
    findings.about(branch.clone());
    if let Some(release) = pushed.strip_prefix("refs/tags/").and_then(|tag| Subject::release(repository, tag)) {
        // Of a tag with words of its own `after` is the tag, not the commit.
        let tagged = text(payload, "/head_commit/id");
        findings.stated("commit_of_tag", Some(&release), tagged.and_then(Subject::commit).as_ref(), "head_commit.id", tagged.unwrap_or_default(), 1.0);
        findings.about(Some(release));
    }
    findings.about(text(payload, "/after").and_then(Subject::commit));
    for (index, commit) in commits.items().enumerate().take(COMMITS_MAX) {
        let Some(subject) = text(commit, "/id").and_then(Subject::commit) else { continue };
        findings.about(Some(subject.clone()));
        findings.stated("commit_pushed_to_branch", Some(&subject), branch.as_ref(), "ref", pushed, 1.0);
        let Some(message) = text(commit, "/message") else { continue };
        let field = format!("commits.{index}.message");
        if let Some((number, words)) = merged_number(message) {
            let pull_request = Subject::numbered(Kind::PullRequest, repository, number);
            findings.stated("merge_message", Some(&subject), pull_request.as_ref(), &field, words, 0.95);
        }
        findings.named("closing_keyword", &subject, &field, words::closed_issues(message, repository));
        findings.read("reference_in_message", &subject, &field, message, Some(repository));
    }
}

/// The pull request that a commit merges, by the message that GitHub writes for it.
fn merged_number(message: &str) -> Option<(i64, &str)> {
    let title = message.lines().next()?.trim_end();
    let digits = match title.strip_prefix("Merge pull request #") {
        Some(rest) => rest.split(' ').next()?,
        None => title.rsplit_once("(#")?.1.strip_suffix(')')?,
    };
    let number = digits.parse::<i64>().ok().filter(|number| *number > 0)?;
    Some((number, title))
}

fn of_check(repository: &str, name: &str, check: Json<'_>, findings: &mut Findings) {
    let sha = text(check, "/head_sha");
    let commit = sha.and_then(Subject::commit);
    findings.about(commit.clone());
    let branch = first_text(check, &["/head_branch", "/check_suite/head_branch"]);
    findings.about(branch.and_then(|branch| Subject::branch(repository, branch)));
    let id = check.get("id").and_then(Json::as_i64);
    let subject = match name {
        "check_run" | "workflow_job" => id.and_then(|id| Subject::at_github(Kind::Check, id)),
        "workflow_run" => id.and_then(|id| Subject::at_github(Kind::Run, id)),
        _ => None,
    };
    findings.stated("commit_of_check", subject.as_ref(), commit.as_ref(), &format!("{name}.head_sha"), sha.unwrap_or_default(), 1.0);
    findings.about(subject.clone());
    let of_run = check.get("run_id").and_then(Json::as_i64).and_then(|id| Subject::at_github(Kind::Run, id));
    findings.stated("run_of_job", subject.as_ref(), of_run.as_ref(), &format!("{name}.run_id"), name, 1.0);
    let deployment = check.at("/deployment/id").and_then(Json::as_i64).and_then(|id| Subject::at_github(Kind::Deployment, id));
    findings.stated("deployment_of_check", deployment.as_ref(), subject.as_ref(), &format!("{name}.deployment.id"), name, 1.0);
    let check_subject = subject;
    let pull_requests = check.get("pull_requests").map(Json::items).into_iter().flatten();
    for (index, pull_request) in pull_requests.enumerate().take(COMMITS_MAX) {
        // A check of a fork names pull requests of the repository that it was forked from, too.
        let home = text(pull_request, "/url").and_then(repository_of).unwrap_or_else(|| repository.to_owned());
        let subject = number(pull_request).and_then(|number| Subject::numbered(Kind::PullRequest, &home, number));
        findings.stated(
            "commit_checked_for_pull_request",
            commit.as_ref(),
            subject.as_ref(),
            &format!("{name}.pull_requests.{index}"),
            sha.unwrap_or_default(),
            1.0,
        );
        findings.stated(
            "check_of_pull_request",
            check_subject.as_ref(),
            subject.as_ref(),
            &format!("{name}.pull_requests.{index}"),
            sha.unwrap_or_default(),
            1.0,
        );
        findings.about(subject);
    }
}

/// `owner/repo` of an address of GitHub's API.
fn repository_of(url: &str) -> Option<String> {
    let (_, path) = url.split_once("/repos/")?;
    let mut parts = path.split('/');
    Some(format!("{}/{}", parts.next()?, parts.next()?))
}

fn of_deployment(event_type: &str, repository: &str, deployment: Json<'_>, payload: Json<'_>, findings: &mut Findings) {
    let Some(id) = deployment_number(event_type, payload) else { return };
    let subject = Subject::at_github(Kind::Deployment, id);
    let sha = text(deployment, "/sha");
    let commit = sha.and_then(Subject::commit);
    findings.stated("commit_of_deployment", subject.as_ref(), commit.as_ref(), "deployment.sha", sha.unwrap_or_default(), 1.0);
    // A deployment is of a branch, a tag or a commit, and does not say of which; the default branch is known by name.
    let branch = text(deployment, "/ref").filter(|reference| text(payload, "/repository/default_branch") == Some(*reference));
    let of_branch = branch.and_then(|branch| Subject::branch(repository, branch));
    findings.stated("branch_of_deployment", subject.as_ref(), of_branch.as_ref(), "deployment.ref", branch.unwrap_or_default(), 1.0);
    for (field, kind) in [("workflow_run", Kind::Run), ("check_run", Kind::Check)] {
        let by = payload.get(field).and_then(|by| by.get("id")).and_then(Json::as_i64).and_then(|id| Subject::at_github(kind, id));
        findings.stated("run_of_deployment", subject.as_ref(), by.as_ref(), &format!("{field}.id"), field, 1.0);
    }
    if let (Some(subject), Some(description)) = (&subject, text(deployment, "/description")) {
        findings.read("reference_in_description", subject, "deployment.description", description, Some(repository));
    }
    findings.about(subject);
    findings.about(commit);
}

fn of_release(repository: &str, release: Json<'_>, findings: &mut Findings) {
    let Some(subject) = text(release, "/tag_name").and_then(|tag| Subject::release(repository, tag)) else { return };
    let target = text(release, "/target_commitish");
    findings.stated(
        "commit_of_release",
        Some(&subject),
        target.and_then(Subject::commit).as_ref(),
        "release.target_commitish",
        target.unwrap_or_default(),
        1.0,
    );
    for field in ["name", "body"] {
        if let Some(words) = text(release, &format!("/{field}")) {
            findings.read_shown("reference_in_notes", &subject, &format!("release.{field}"), words, Some(repository));
        }
    }
    findings.about(Some(subject));
}
