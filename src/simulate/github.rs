//! GitHub's payloads, with the fields that its documented examples have; lean ones leave out addresses and counters.

mod checks;
mod deploys;

pub use checks::{CI, JOBS, Job, NIGHTLY, Run, Workflow, check_run, check_suite, workflow_job, workflow_run};
pub use deploys::{Deployed, address as deployment_address, deployment, deployment_status, release};

use super::chance::Sha;
use super::json::{Json, Object, object};
use super::moment::Moment;
use super::story::{Commit, PullRequest, Story};
use super::world::{Repository, World};

/// Ends an event as every event of a repository ends: where, and who.
pub fn ended(world: &World, event: &mut Object, repository: usize, sender: &Json) -> Json {
    event.put("repository", world.repositories[repository].json()).put("organization", &world.organization).put("sender", sender).done()
}

/// Who made a piece of work, as a user.
pub fn author<'a>(world: &'a World, story: &Story) -> &'a Json {
    if story.by_robot() { &world.robot } else { &world.people[story.author].github }
}

/// An event of a pull request; `fields` are those that only this action has.
pub fn pull_request_event(world: &World, story: &Story, own: &PullRequest, action: &str, sender: &Json, fields: Option<&Json>) -> Json {
    let mut event = Object::new();
    event.put("action", action).put("number", own.number).put("pull_request", pull_request(world, story, own, true));
    if let Some(fields) = fields {
        event.all_of(fields);
    }
    ended(world, &mut event, story.repository, sender)
}

/// A pull request; events of reviews leave out what must be counted (`is_whole` false).
pub fn pull_request(world: &World, story: &Story, own: &PullRequest, is_whole: bool) -> Json {
    let repository = &world.repositories[story.repository];
    let (api, number) = (&repository.api, own.number);
    let html = format!("{}/pull/{number}", repository.html);
    let mut fields = Object::new();
    fields.put("url", format!("{api}/pulls/{number}")).put("id", own.id).put("node_id", format!("PR_kwDO{:x}", own.id)).put("html_url", &html);
    fields.put("number", number).put("state", if own.closed.is_some() { "closed" } else { "open" }).put("locked", false).put("title", &own.title);
    fields.put("user", author(world, story)).put("body", &own.body).put("created_at", own.created).put("updated_at", own.updated);
    fields.put("closed_at", own.closed).put("merged_at", own.merged.map(|(at, ..)| at));
    fields.put("merge_commit_sha", own.merged.map(|(_, _, sha)| sha).or(own.test_merge)).put("assignee", None::<&str>).put("assignees", [""; 0]);
    let requested: Vec<&Json> = own.requested.iter().map(|person| &world.people[*person].github).collect();
    fields.put("requested_reviewers", requested).put("requested_teams", [""; 0]).put("labels", [""; 0]).put("milestone", None::<&str>);
    fields.put("draft", own.draft);
    if world.is_real() {
        addresses(&mut fields, api, &html, number, story.head);
    }
    fields.put("head", side(world, repository, story.branch.as_deref().unwrap_or_default(), story.head, author(world, story)));
    fields.put("base", side(world, repository, &story.into, story.base, &world.organization));
    fields.put("author_association", "MEMBER").put("auto_merge", None::<&str>).put("active_lock_reason", None::<&str>);
    if is_whole {
        fields
            .put("merged", own.merged.is_some())
            .put("mergeable", own.closed.is_none().then_some(true))
            .put("rebaseable", own.closed.is_none().then_some(true));
        fields.put("mergeable_state", if own.closed.is_some() { "unknown" } else { "clean" });
        fields.put("merged_by", own.merged.map(|(_, person, _)| &world.people[person].github)).put("comments", own.comments);
        fields.put("review_comments", own.review_comments).put("maintainer_can_modify", false).put("commits", story.commit_count);
        fields.put("additions", own.additions).put("deletions", own.deletions).put("changed_files", own.additions / 20 + 1);
    }
    fields.done()
}

fn side(world: &World, repository: &Repository, branch: &str, sha: Sha, user: &Json) -> Json {
    let repo = if world.is_real() { repository.json() } else { small(repository) };
    object! { "label": format!("{}:{branch}", super::people::OWNER), "ref": branch, "sha": sha, "user": user, "repo": repo }
}

/// A repository as checks name it.
fn small(repository: &Repository) -> Json {
    object! { "id": repository.id, "url": repository.api, "name": repository.name, "full_name": repository.full_name }
}

/// The addresses that a whole pull request spells out.
fn addresses(fields: &mut Object, api: &str, html: &str, number: u32, head: Sha) {
    let (pull, issue) = (format!("{api}/pulls/{number}"), format!("{api}/issues/{number}"));
    let link = |address: &str| object! { "href": address };
    let statuses = format!("{api}/statuses/{head}");
    fields.put("diff_url", format!("{html}.diff")).put("patch_url", format!("{html}.patch")).put("issue_url", &issue);
    fields.put("commits_url", format!("{pull}/commits")).put("review_comments_url", format!("{pull}/comments"));
    fields
        .put("review_comment_url", format!("{api}/pulls/comments{{/number}}"))
        .put("comments_url", format!("{issue}/comments"))
        .put("statuses_url", &statuses);
    let links = object! {
        "self": link(&pull), "html": link(html), "issue": link(&issue), "comments": link(&format!("{issue}/comments")),
        "review_comments": link(&format!("{pull}/comments")), "review_comment": link(&format!("{api}/pulls/comments{{/number}}")),
        "commits": link(&format!("{pull}/commits")), "statuses": link(&statuses),
    };
    fields.put("_links", links);
}

/// What a push did.
pub struct Push<'a> {
    pub reference: String,
    pub before: Sha,
    pub after: Sha,
    /// What came along and was known elsewhere already.
    pub came: &'a [Json],
    pub commits: &'a [Commit],
    /// Who merged, when GitHub made the last commit itself.
    pub merged_by: Option<usize>,
}

pub fn push(world: &World, story: &Story, told: &Push<'_>, sender: &Json) -> Json {
    let repository = &world.repositories[story.repository];
    let own = told.commits.iter().enumerate().map(|(index, own)| {
        let by = told.merged_by.filter(|_| index + 1 == told.commits.len());
        commit(world, story, own, by, true)
    });
    let commits: Vec<Json> = told.came.iter().cloned().chain(own).collect();
    let pusher = &world.people[told.merged_by.unwrap_or(story.author)];
    let pusher = if story.by_robot() && told.merged_by.is_none() {
        object! { "name": "dependabot[bot]", "email": ROBOT_EMAIL }
    } else {
        object! { "name": pusher.login, "email": pusher.commit_email }
    };
    let is_new = told.before == Sha::NONE;
    let is_gone = told.after == Sha::NONE;
    let compare = format!("{}/compare/{:.12}...{:.12}", repository.html, told.before.to_string(), told.after.to_string());
    let mut event = Object::new();
    event.put("ref", &told.reference).put("before", told.before).put("after", told.after).put("repository", repository.json()).put("pusher", pusher);
    event.put("organization", &world.organization).put("sender", sender).put("created", is_new).put("deleted", is_gone).put("forced", false);
    event.put("base_ref", None::<&str>).put("compare", compare).put("commits", &commits).put("head_commit", commits.last()).done()
}

/// How a robot's commits are signed.
const ROBOT_EMAIL: &str = "49699333+dependabot[bot]@users.noreply.github.com";

fn signature(world: &World, story: &Story) -> Json {
    if story.by_robot() {
        return object! { "name": "dependabot[bot]", "email": ROBOT_EMAIL, "username": "dependabot[bot]" };
    }
    let person = &world.people[story.author];
    object! { "name": person.name, "email": person.commit_email, "username": person.login }
}

/// A commit, as pushes list it; what GitHub merged is committed by GitHub, and what another branch has too is not distinct.
pub fn commit(world: &World, story: &Story, own: &Commit, merged_by: Option<usize>, is_distinct: bool) -> Json {
    let committer = if merged_by.is_some() {
        object! { "name": "GitHub", "email": "noreply@github.com", "username": "web-flow" }
    } else {
        signature(world, story)
    };
    let (added, modified): (&[&str], &[&str]) = if own.is_new_file { (&[own.file], &[]) } else { (&[], &[own.file]) };
    object! {
        "id": own.sha, "tree_id": own.tree, "distinct": is_distinct, "message": own.message, "timestamp": own.at,
        "url": format!("{}/commit/{}", world.repositories[story.repository].html, own.sha), "author": signature(world, story), "committer": committer,
        "added": added, "removed": [""; 0], "modified": modified,
    }
}

/// A branch or tag that came (`create`) or went (`delete`).
pub fn reference(world: &World, repository: usize, name: &str, kind: &str, is_new: bool, sender: &Json) -> Json {
    let mut event = Object::new();
    event.put("ref", name).put("ref_type", kind);
    if is_new {
        event.put("master_branch", "main").put("description", None::<&str>);
    }
    event.put("pusher_type", "user");
    ended(world, &mut event, repository, sender)
}

/// A review.
pub struct Review<'a> {
    pub id: u64,
    pub sender: &'a Json,
    pub state: &'a str,
    pub text: &'a str,
    pub at: Moment,
    /// `MEMBER` for people; apps are none.
    pub association: &'a str,
}

pub fn review(world: &World, story: &Story, own: &PullRequest, told: &Review<'_>) -> Json {
    let repository = &world.repositories[story.repository];
    let html = format!("{}/pull/{}#pullrequestreview-{}", repository.html, own.number, told.id);
    let api = format!("{}/pulls/{}", repository.api, own.number);
    let sender = told.sender;
    let review = object! {
        "id": told.id, "node_id": format!("PRR_kwDO{:x}", told.id), "user": sender, "body": Some(told.text).filter(|text| !text.is_empty()),
        "commit_id": story.head, "submitted_at": told.at, "state": told.state, "html_url": html, "pull_request_url": api, "author_association": told.association,
        "_links": object! { "html": object! { "href": html }, "pull_request": object! { "href": api } },
    };
    let mut event = Object::new();
    event.put("action", "submitted").put("review", review).put("pull_request", pull_request(world, story, own, false));
    ended(world, &mut event, story.repository, sender)
}

/// A comment on a line.
pub fn review_comment(world: &World, story: &Story, own: &PullRequest, ids: (u64, u64), told: &Review<'_>, file: &str) -> Json {
    let repository = &world.repositories[story.repository];
    let (id, review_id) = ids;
    let sender = told.sender;
    let url = format!("{}/pulls/comments/{id}", repository.api);
    let html = format!("{}/pull/{}#discussion_r{id}", repository.html, own.number);
    let api = format!("{}/pulls/{}", repository.api, own.number);
    let links = object! { "self": object! { "href": url }, "html": object! { "href": html }, "pull_request": object! { "href": api } };
    let comment = object! {
        "url": url, "pull_request_review_id": review_id, "id": id, "node_id": format!("PRRC_kwDO{id:x}"), "diff_hunk": "@@ -1,6 +1,9 @@\n-let a = 1;\n+let a = 2;",
        "path": file, "position": 1, "original_position": 1, "commit_id": story.head, "original_commit_id": story.head, "user": sender, "body": told.text,
        "created_at": told.at, "updated_at": told.at, "html_url": html, "pull_request_url": api, "author_association": "MEMBER", "_links": links,
        "start_line": None::<u32>, "original_start_line": None::<u32>, "start_side": None::<&str>, "line": 7, "original_line": 7, "side": "RIGHT",
    };
    let mut event = Object::new();
    event.put("action", "created").put("comment", comment).put("pull_request", pull_request(world, story, own, false));
    ended(world, &mut event, story.repository, sender)
}

/// An issue of the repository; comments carry it too.
pub fn issue(world: &World, story: &Story) -> Option<Json> {
    let own = story.github_issue.as_ref()?;
    let repository = &world.repositories[story.repository];
    let api = format!("{}/issues/{}", repository.api, own.number);
    let mut issue = Object::new();
    issue.put("url", &api).put("repository_url", &repository.api);
    if world.is_real() {
        issue.put("labels_url", format!("{api}/labels{{/name}}")).put("comments_url", format!("{api}/comments")).put("events_url", format!("{api}/events"));
    }
    issue.put("html_url", format!("{}/issues/{}", repository.html, own.number)).put("id", own.id).put("node_id", format!("I_kwDO{:x}", own.id));
    issue.put("number", own.number).put("title", &story.title).put("user", &world.people[own.author].github).put("labels", [""; 0]);
    issue.put("state", if own.closed.is_some() { "closed" } else { "open" }).put("locked", false).put("assignee", None::<&str>).put("assignees", [""; 0]);
    issue.put("milestone", None::<&str>).put("comments", own.comments).put("created_at", own.created).put("updated_at", own.updated);
    issue.put("closed_at", own.closed).put("author_association", "MEMBER").put("active_lock_reason", None::<&str>).put("body", &own.body);
    issue.put("state_reason", own.closed.map(|_| "completed"));
    Some(issue.done())
}

/// A pull request as a comment's event carries it: as an issue.
pub fn as_issue(world: &World, story: &Story, own: &PullRequest) -> Json {
    let repository = &world.repositories[story.repository];
    let api = format!("{}/issues/{}", repository.api, own.number);
    let html = format!("{}/pull/{}", repository.html, own.number);
    let pull_request = object! { "url": format!("{}/pulls/{}", repository.api, own.number), "html_url": html, "merged_at": own.merged.map(|(at, ..)| at) };
    let state = if own.closed.is_some() { "closed" } else { "open" };
    object! {
        "url": api, "repository_url": repository.api, "html_url": html, "id": own.id + 1, "node_id": format!("I_kwDO{:x}", own.id + 1),
        "number": own.number, "title": own.title, "user": author(world, story), "labels": [""; 0], "state": state, "locked": false,
        "assignee": None::<&str>, "assignees": [""; 0], "milestone": None::<&str>, "comments": own.comments, "created_at": own.created,
        "updated_at": own.updated, "closed_at": own.closed, "author_association": "MEMBER", "draft": own.draft, "pull_request": pull_request,
        "body": own.body,
    }
}

/// Somebody says something below a pull request or an issue.
pub fn comment(world: &World, repository: usize, issue: Json, id: u64, number: u32, told: &Review<'_>) -> Json {
    let place = &world.repositories[repository];
    let sender = told.sender;
    let comment = object! {
        "url": format!("{}/issues/comments/{id}", place.api), "html_url": format!("{}/issues/{number}#issuecomment-{id}", place.html),
        "issue_url": format!("{}/issues/{number}", place.api), "id": id, "node_id": format!("IC_kwDO{id:x}"), "user": sender, "created_at": told.at,
        "updated_at": told.at, "author_association": told.association, "body": told.text, "performed_via_github_app": None::<&str>,
    };
    let mut event = Object::new();
    event.put("action", "created").put("issue", issue).put("comment", comment);
    ended(world, &mut event, repository, sender)
}
