//! Pull requests, reviews, issues and comments at GitHub.

use super::super::super::entry::{key, whole};
use super::super::kind::{AS_ISSUE, AS_ISSUE_MERGED, END, Kind, ORIGIN, PART, WHOLE};
use super::super::state::As::{Flag, Name, Text, Texts, Time, Whole};
use super::super::state::{Field, State, at, latest};
use super::super::version::Versions;
use super::{LOGINS, Place, person};
use crate::domain::Json;
use crate::domain::clock::Timestamp;
use crate::domain::facts::text;
use crate::domain::subject::{self, numbered};

/// A pull request as every event about it shows it.
const PULL_REQUEST: &[Field] = &[
    ("number", Whole, "/number"),
    ("pull_request_id", Whole, "/id"),
    ("title", Text, "/title"),
    ("body", Text, "/body"),
    ("state", Text, "/state"),
    ("is_draft", Flag, "/draft"),
    ("author", Name, "/user/login"),
    ("author_association", Text, "/author_association"),
    ("head_ref", Name, "/head/ref"),
    ("head_sha", Name, "/head/sha"),
    ("base_ref", Name, "/base/ref"),
    ("base_sha", Text, "/base/sha"),
    ("merge_commit_sha", Name, "/merge_commit_sha"),
    ("labels", Texts("/name"), "/labels"),
    ("assignees", LOGINS, "/assignees"),
    ("requested_reviewers", LOGINS, "/requested_reviewers"),
    ("requested_teams", Texts("/slug"), "/requested_teams"),
    ("milestone", Text, "/milestone/title"),
    ("created_at", Time, "/created_at"),
    ("updated_at", Time, "/updated_at"),
    ("closed_at", Time, "/closed_at"),
    ("merged_at", Time, "/merged_at"),
    ("url", Text, "/html_url"),
];

/// What only events of the pull request itself show.
const PULL_REQUEST_SIZE: &[Field] = &[
    ("merged_by", Name, "/merged_by/login"),
    ("comments", Whole, "/comments"),
    ("review_comments", Whole, "/review_comments"),
    ("commits", Whole, "/commits"),
    ("additions", Whole, "/additions"),
    ("deletions", Whole, "/deletions"),
    ("changed_files", Whole, "/changed_files"),
];

/// A pull request as the issue that it is too.
const PULL_REQUEST_AS_ISSUE: &[Field] = &[
    ("number", Whole, "/number"),
    ("title", Text, "/title"),
    ("body", Text, "/body"),
    ("state", Text, "/state"),
    ("author", Name, "/user/login"),
    ("author_association", Text, "/author_association"),
    ("labels", Texts("/name"), "/labels"),
    ("assignees", LOGINS, "/assignees"),
    ("milestone", Text, "/milestone/title"),
    ("created_at", Time, "/created_at"),
    ("updated_at", Time, "/updated_at"),
    ("closed_at", Time, "/closed_at"),
    ("url", Text, "/pull_request/html_url"),
];

/// What only newer payloads say of it there.
const PULL_REQUEST_MERGED_AS_ISSUE: &[Field] = &[("is_draft", Flag, "/draft"), ("merged_at", Time, "/pull_request/merged_at")];

const REVIEW: &[Field] = &[
    ("review_id", Whole, "/id"),
    ("reviewer", Name, "/user/login"),
    ("author_association", Text, "/author_association"),
    ("state", Text, "/state"),
    ("body", Text, "/body"),
    ("commit_sha", Name, "/commit_id"),
    ("submitted_at", Time, "/submitted_at"),
    ("url", Text, "/html_url"),
];

const ISSUE: &[Field] = &[
    ("number", Whole, "/number"),
    ("title", Text, "/title"),
    ("body", Text, "/body"),
    ("state", Text, "/state"),
    ("state_reason", Text, "/state_reason"),
    ("creator", Name, "/user/login"),
    ("author_association", Text, "/author_association"),
    ("labels", Texts("/name"), "/labels"),
    ("assignees", LOGINS, "/assignees"),
    ("milestone", Text, "/milestone/title"),
    ("due_at", Time, "/milestone/due_on"),
    ("comments", Whole, "/comments"),
    ("created_at", Time, "/created_at"),
    ("updated_at", Time, "/updated_at"),
    ("closed_at", Time, "/closed_at"),
    ("url", Text, "/html_url"),
];

const COMMENT: &[Field] = &[
    ("author", Name, "/user/login"),
    ("author_association", Text, "/author_association"),
    ("body", Text, "/body"),
    ("path", Text, "/path"),
    ("line", Whole, "/line"),
    ("commit_sha", Name, "/commit_id"),
    ("created_at", Time, "/created_at"),
    ("updated_at", Time, "/updated_at"),
    ("url", Text, "/html_url"),
];

pub(super) fn tell(event_type: &str, action: Option<&str>, value: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    if let Some(pull_request) = value.get("pull_request") {
        tell_pull_request(pull_request, event_type == "pull_request" && action == Some(OPENED), place, versions);
        if let Some(review) = value.get("review").filter(|_| event_type == "pull_request_review") {
            tell_review(review, pull_request, place, versions);
        }
    }
    if let Some(issue) = value.get("issue") {
        if issue.get("pull_request").is_some_and(Json::is_object) {
            tell_as_issue(issue, place, versions);
        } else {
            tell_issue(event_type, action, issue, value, place, versions);
        }
    }
    if let Some(comment) = value.get("comment") {
        tell_comment(event_type, action, comment, value, place, versions);
    }
}

/// The action of an event that tells how something began.
const OPENED: &str = "opened";

/// How far something has come: what is merged was closed, what is closed was open, and whoever is asked or named when it is opened
/// is told of after that. Of two versions of one second the later one counts.
fn progress(shown: Json<'_>, is_opened: bool) -> i64 {
    // The second is where an issue that is a pull request has it.
    match (at(shown, "/merged_at").or_else(|| at(shown, "/pull_request/merged_at")), at(shown, "/closed_at")) {
        (Some(_), _) => 2,
        (None, Some(_)) => 1,
        (None, None) => -i64::from(is_opened),
    }
}

fn tell_pull_request(shown: Json<'_>, is_opened: bool, place: Place<'_>, versions: &mut Versions) {
    let Some(number) = whole(shown, "/number") else { return };
    let is_whole = shown.get("additions").is_some();
    let mut state = State::of(shown, PULL_REQUEST)
        .and(place.state())
        .with("is_merged", at(shown, "/merged_at").is_some())
        .with("author_key", person(shown, "/user/id"))
        .with("subject", place.subject(|repository| numbered(repository, number)));
    if is_whole {
        state = state.and(State::of(shown, PULL_REQUEST_SIZE));
    }
    versions.tell(
        Kind::PullRequest,
        Some(place.numbered(number)),
        if is_whole { WHOLE } else { PART },
        at(shown, "/updated_at"),
        progress(shown, is_opened),
        &state,
    );
}

fn tell_as_issue(shown: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    let Some(number) = whole(shown, "/number") else { return };
    let mut state = State::of(shown, PULL_REQUEST_AS_ISSUE)
        .and(place.state())
        .with("author_key", person(shown, "/user/id"))
        .with("subject", place.subject(|repository| numbered(repository, number)));
    // Older payloads say neither; what they leave out must not take away what others told.
    let is_newer = shown.get("draft").is_some() && shown.at("/pull_request/merged_at").is_some();
    if is_newer {
        state = state.and(State::of(shown, PULL_REQUEST_MERGED_AS_ISSUE)).with("is_merged", at(shown, "/pull_request/merged_at").is_some());
    }
    let aspect = if is_newer { AS_ISSUE_MERGED } else { AS_ISSUE };
    versions.tell(Kind::PullRequest, Some(place.numbered(number)), aspect, at(shown, "/updated_at"), progress(shown, false), &state);
}

fn tell_review(review: Json<'_>, pull_request: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    let number = whole(pull_request, "/number");
    let state = State::of(review, REVIEW)
        .and(place.state())
        .with("pull_request_number", number)
        .with("pull_request_key", number.map(|number| place.numbered(number)))
        .with("reviewer_key", person(review, "/user/id"));
    // A review has no time of its last change; that of its pull request moves with it.
    let changed = latest(review, &["/submitted_at", "/updated_at"]).max(at(pull_request, "/updated_at"));
    let rank = i64::from(text(review, "/state") == Some("dismissed"));
    let name = whole(review, "/id").map(|id| format!("github:review/{id}"));
    versions.tell(Kind::Review, name, WHOLE, changed, rank, &state);
}

fn tell_issue(event_type: &str, action: Option<&str>, issue: Json<'_>, value: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    let Some(name) = tell_one_issue(issue, event_type == "issues" && action == Some(OPENED), place, versions) else { return };
    if event_type != "issues" {
        return;
    }
    let this = Moved { name, at: at(issue, "/updated_at") };
    // The other end of a transfer, which is shown beside it.
    let other = |issue: &str, repository: &str, versions: &mut Versions| {
        let (issue, place) = (value.at(issue)?, Place::of(value.at(repository)?)?);
        Some(Moved { name: tell_one_issue(issue, false, place, versions)?, at: at(issue, "/updated_at") })
    };
    match action {
        Some("deleted") => versions.tell(Kind::Issue, Some(this.name), END, this.at, 0, &gone(None)),
        Some("transferred") => match other("/changes/new_issue", "/changes/new_repository", versions) {
            Some(new) => tell_transfer(this, new, versions),
            None => versions.tell(Kind::Issue, Some(this.name), END, this.at, 1, &gone(None)),
        },
        Some(OPENED) => {
            if let Some(old) = other("/changes/old_issue", "/changes/old_repository", versions) {
                tell_transfer(old, this, versions);
            }
        }
        _ => {}
    }
}

/// An end of a transfer: the key of an issue, and when it last changed.
struct Moved {
    name: String,
    at: Option<Timestamp>,
}

/// An issue became another one, in another repository; each of the two repositories tells of both.
fn tell_transfer(from: Moved, to: Moved, versions: &mut Versions) {
    versions.tell(Kind::Issue, Some(from.name.clone()), END, from.at, 1, &gone(Some(to.name.clone())));
    // One that comes back to where it was is there again. Of one moment, that it went on is later.
    let origin = State::default().with("transferred_from", from.name).with("transferred_to", ()).with("is_deleted", false);
    versions.tell(Kind::Issue, Some(to.name), ORIGIN, to.at.max(from.at), -1, &origin);
}

fn gone(transferred_to: Option<String>) -> State {
    State::default().with("is_deleted", true).with("transferred_to", transferred_to)
}

fn tell_one_issue(issue: Json<'_>, is_opened: bool, place: Place<'_>, versions: &mut Versions) -> Option<String> {
    let number = whole(issue, "/number")?;
    let name = place.numbered(number);
    let is_open = text(issue, "/state").map(|state| state == "open");
    let state = State::of(issue, ISSUE)
        .and(place.state())
        .with("issue_id", whole(issue, "/id").map(|id| id.to_string()))
        .with("identifier", place.full_name.map(|repository| format!("{repository}#{number}")).filter(|name| key(Some(name)).is_some()))
        .with("is_open", is_open)
        .with("creator_key", person(issue, "/user/id"))
        .with("subject", place.subject(|repository| numbered(repository, number)));
    versions.tell(Kind::Issue, Some(name.clone()), WHOLE, at(issue, "/updated_at"), progress(issue, is_opened), &state);
    Some(name)
}

fn tell_comment(event_type: &str, action: Option<&str>, comment: Json<'_>, value: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    // Each kind of comment has numbers of its own.
    let kind = match event_type {
        "issue_comment" => "issue_comment",
        "pull_request_review_comment" | "pull_request_review_thread" => "pull_request_review_comment",
        "commit_comment" => "commit_comment",
        "discussion_comment" => "discussion_comment",
        _ => return,
    };
    let Some(id) = whole(comment, "/id") else { return };
    let number = ["/pull_request/number", "/issue/number", "/discussion/number"].iter().find_map(|pointer| whole(value, pointer));
    let is_pull_request = value.get("pull_request").is_some_and(Json::is_object) || value.at("/issue/pull_request").is_some_and(Json::is_object);
    let parent_kind = match kind {
        "commit_comment" => "commit",
        "discussion_comment" => "discussion",
        _ if is_pull_request => "pull_request",
        _ => "issue",
    };
    let commit = text(comment, "/commit_id").filter(|_| kind == "commit_comment");
    let subject = match number {
        Some(number) => place.subject(|repository| numbered(repository, number)),
        None => commit.and_then(subject::commit),
    };
    let state = State::of(comment, COMMENT)
        .and(place.state())
        .with("comment_id", id.to_string())
        .with("kind", kind)
        .with("parent_kind", parent_kind)
        .with("parent_key", number.filter(|_| parent_kind != "discussion").map(|number| place.numbered(number)).or_else(|| commit.map(|sha| place.at(sha))))
        .with("number", number)
        .with("review_id", whole(comment, "/pull_request_review_id"))
        .with("in_reply_to", whole(comment, "/in_reply_to_id").map(|other| format!("github:{kind}/{other}")))
        .with("author_key", person(comment, "/user/id"))
        .with("subject", subject);
    let (name, changed) = (format!("github:{kind}/{id}"), latest(comment, &["/updated_at", "/created_at"]));
    versions.tell(Kind::Comment, Some(name.clone()), WHOLE, changed, 0, &state);
    if action == Some("deleted") {
        versions.tell(Kind::Comment, Some(name), END, changed, 0, &State::default().with("is_deleted", true));
    }
}
