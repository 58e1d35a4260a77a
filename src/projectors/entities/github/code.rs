//! Commits, branches and releases at GitHub.

use super::super::super::entry::{key, list, whole};
use super::super::kind::{END, Kind, PART, STATUS, WHOLE, WITHDRAWN};
use super::super::state::As::{Flag, Name, Text, Time, Whole};
use super::super::state::{Field, State, at, latest};
use super::super::version::Versions;
use super::{Place, person};
use crate::domain::Json;
use crate::domain::facts::text;
use crate::domain::subject;

/// The most commits that are taken from one push; GitHub lists at most 2,048.
const COMMITS_MAX: usize = 2_048;

/// A commit as pushes, checks and merge queues show it.
const COMMIT: &[Field] = &[
    ("sha", Name, "/id"),
    ("message", Text, "/message"),
    ("author_name", Text, "/author/name"),
    ("author_email", Name, "/author/email"),
    ("committer_name", Text, "/committer/name"),
    ("committer_email", Name, "/committer/email"),
    ("committed_at", Time, "/timestamp"),
];

/// What only pushes show.
const PUSHED: &[Field] = &[("author", Name, "/author/username"), ("committer", Name, "/committer/username"), ("url", Text, "/url")];

/// A commit as commit statuses show it.
const COMMIT_OF_STATUS: &[Field] = &[
    ("sha", Name, "/sha"),
    ("message", Text, "/commit/message"),
    ("author_name", Text, "/commit/author/name"),
    ("author_email", Name, "/commit/author/email"),
    ("committer_name", Text, "/commit/committer/name"),
    ("committer_email", Name, "/commit/committer/email"),
    ("committed_at", Time, "/commit/committer/date"),
];

const RELEASE: &[Field] = &[
    ("release_id", Whole, "/id"),
    ("tag", Name, "/tag_name"),
    ("name", Text, "/name"),
    ("body", Text, "/body"),
    ("target", Text, "/target_commitish"),
    ("is_prerelease", Flag, "/prerelease"),
    ("author", Name, "/author/login"),
    ("created_at", Time, "/created_at"),
    ("url", Text, "/html_url"),
];

/// Whether a release is out.
const RELEASE_STATUS: &[Field] = &[("is_draft", Flag, "/draft"), ("published_at", Time, "/published_at")];

pub(super) fn tell(event_type: &str, action: Option<&str>, value: Json<'_>, place: Place<'_>, delivery: Option<&str>, versions: &mut Versions) {
    match event_type {
        "push" => tell_push(value, place, versions),
        "create" | "delete" if text(value, "/ref_type") == Some("branch") => tell_made(event_type, value, place, versions),
        "status" => {
            if let Some(commit) = value.get("commit") {
                tell_commit(commit, COMMIT_OF_STATUS, None, place, versions);
            }
        }
        "check_suite" | "merge_group" => {
            if let Some(commit) = value.get(event_type).and_then(|shown| shown.get("head_commit")) {
                tell_commit(commit, COMMIT, None, place, versions);
            }
        }
        "release" => tell_release(action, value, place, delivery, versions),
        _ => {}
    }
}

fn tell_push(value: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    let commits = list(value, "/commits").take(COMMITS_MAX).chain(value.get("head_commit"));
    for commit in commits {
        tell_commit(commit, COMMIT, Some(PUSHED), place, versions);
    }
    let Some(branch) = text(value, "/ref").and_then(|reference| reference.strip_prefix("refs/heads/")) else { return };
    let is_deleted = value.get("deleted").and_then(Json::as_bool).unwrap_or_default();
    // After its deletion a branch shows where it last was.
    let sha = text(value, if is_deleted { "/before" } else { "/after" });
    let pushed_at = at(value, "/repository/pushed_at");
    let state = branch_state(branch, value, place)
        .with("sha", key(sha))
        .with("is_deleted", is_deleted)
        .with("pushed_by", key(text(value, "/sender/login").or_else(|| text(value, "/pusher/name"))))
        .with("pushed_at", pushed_at.map(super::super::state::written));
    // Several pushes of one second: the later commit counts, and a deletion before all.
    let rank = if is_deleted { i64::MAX } else { at(value, "/head_commit/timestamp").map_or(0, |time| time.timestamp()) };
    versions.tell(Kind::Branch, Some(place.at(branch)), WHOLE, pushed_at.or_else(|| at(value, "/head_commit/timestamp")), rank, &state);
}

/// A branch was made or deleted; a push tells the same with more.
fn tell_made(event_type: &str, value: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    let Some(branch) = text(value, "/ref") else { return };
    let is_deleted = event_type == "delete";
    let state = branch_state(branch, value, place).with("is_deleted", is_deleted);
    let rank = if is_deleted { i64::MAX } else { -1 };
    versions.tell(Kind::Branch, Some(place.at(branch)), PART, at(value, "/repository/pushed_at"), rank, &state);
}

fn branch_state(branch: &str, value: Json<'_>, place: Place<'_>) -> State {
    let url = text(value, "/repository/html_url").map(|url| format!("{url}/tree/{branch}"));
    place
        .state()
        .with("name", branch)
        .with("is_default", text(value, "/repository/default_branch").map(|default| default == branch))
        .with("subject", place.subject(|repository| subject::branch(repository, branch)))
        .with("url", url)
}

fn tell_commit(commit: Json<'_>, fields: &[Field], pushed: Option<&[Field]>, place: Place<'_>, versions: &mut Versions) {
    let state = State::of(commit, fields);
    let Some(sha) = text(commit, fields[0].2) else { return };
    let mut state = state.and(place.state()).with("subject", subject::commit(sha));
    if let Some(pushed) = pushed {
        let count = |pointer| i64::try_from(list(commit, pointer).count()).ok();
        state = state
            .and(State::of(commit, pushed))
            .with("files_added", count("/added"))
            .with("files_removed", count("/removed"))
            .with("files_modified", count("/modified"));
    }
    // A commit never changes, so that its own time does for all of them.
    let committed_at = latest(commit, &["/timestamp", "/commit/committer/date"]);
    versions.tell(Kind::Commit, Some(place.at(sha)), if pushed.is_some() { WHOLE } else { PART }, committed_at, 0, &state);
}

fn tell_release(action: Option<&str>, value: Json<'_>, place: Place<'_>, delivery: Option<&str>, versions: &mut Versions) {
    let Some(release) = value.get("release") else { return };
    let Some(id) = whole(release, "/id") else { return };
    let subject = text(release, "/tag_name").and_then(|tag| place.subject(|repository| subject::release(repository, tag)));
    let state = State::of(release, RELEASE).and(place.state()).with("author_key", person(release, "/author/id")).with("subject", subject);
    let changed = latest(release, &["/updated_at", "/published_at", "/created_at"]);
    // Most payloads have no time of the last change. Then what is out came after the draft, and what is for all after what is to be
    // tried out; of either, what somebody has edited is later.
    let is_so = |pointer| release.at(pointer).and_then(Json::as_bool).unwrap_or_default();
    let reached = match (is_so("/draft"), is_so("/prerelease")) {
        (true, _) => 0,
        (false, true) => 2,
        (false, false) => 4,
    };
    let rank = match action {
        Some("deleted") => i64::MAX,
        Some("edited") => reached + 1,
        _ => reached,
    };
    let name = format!("github:release/{id}");
    versions.tell(Kind::Release, Some(name.clone()), WHOLE, changed, rank, &state);
    let status = State::of(release, RELEASE_STATUS);
    if action == Some("unpublished") && at(release, "/updated_at").is_none() {
        // It has lost the time at which it was published. Two hooks tell of it in deliveries of one id.
        let status = status.with("told_by", delivery);
        versions.tell(Kind::Release, Some(name.clone()), WITHDRAWN, changed, 0, &status);
    } else {
        // Of one second: what is out was a draft before, and what is taken back was out.
        let rank = if action == Some("unpublished") { 2 } else { i64::from(!is_so("/draft")) };
        versions.tell(Kind::Release, Some(name.clone()), STATUS, changed, rank, &status);
    }
    if action == Some("deleted") {
        versions.tell(Kind::Release, Some(name), END, changed, 0, &State::default().with("is_deleted", true));
    }
}
