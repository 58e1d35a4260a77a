//! What Linear's webhooks tell of entities. `data` is always the whole object; what it belongs to is shown in part.

use super::super::entry::{key, list};
use super::kind::{Kind, ORIGIN, WHOLE};
use super::state::As::{Name, Number, Text, Texts, Time, Whole};
use super::state::{Field, State, at, latest, written};
use super::version::Versions;
use crate::domain::Json;
use crate::domain::clock::Timestamp;
use crate::domain::facts::{first_text, issue_identifier, text};
use crate::domain::subject;

const ISSUE: &[Field] = &[
    ("issue_id", Name, "/id"),
    ("identifier", Name, "/identifier"),
    ("number", Whole, "/number"),
    ("title", Text, "/title"),
    ("body", Text, "/description"),
    ("state", Text, "/state/name"),
    ("state_type", Name, "/state/type"),
    ("priority", Whole, "/priority"),
    ("estimate", Number, "/estimate"),
    ("creator", Name, "/creator/name"),
    ("labels", Texts("/name"), "/labels"),
    ("team", Name, "/team/key"),
    ("team_name", Text, "/team/name"),
    ("project", Text, "/project/name"),
    ("cycle", Whole, "/cycle/number"),
    ("milestone", Text, "/projectMilestone/name"),
    ("due_at", Time, "/dueDate"),
    ("created_at", Time, "/createdAt"),
    ("updated_at", Time, "/updatedAt"),
    ("started_at", Time, "/startedAt"),
];

/// What it was called in the teams that it was in before, all of them: <https://linear.app/developers/graphql>,
/// `Issue.previousIdentifiers`.
const ISSUE_ORIGIN: &[Field] = &[("previous_identifiers", Texts(""), "/previousIdentifiers")];

const COMMENT: &[Field] = &[
    ("comment_id", Name, "/id"),
    ("author", Name, "/user/name"),
    ("body", Text, "/body"),
    ("created_at", Time, "/createdAt"),
    ("updated_at", Time, "/updatedAt"),
];

const ATTACHMENT: &[Field] = &[
    ("attachment_id", Name, "/id"),
    ("title", Text, "/title"),
    ("subtitle", Text, "/subtitle"),
    ("attached_from", Name, "/sourceType"),
    ("created_at", Time, "/createdAt"),
    ("updated_at", Time, "/updatedAt"),
];

const PROJECT: &[Field] = &[
    ("name", Text, "/name"),
    ("description", Text, "/description"),
    ("status", Text, "/status/name"),
    ("status_type", Text, "/status/type"),
    ("health", Text, "/health"),
    ("priority", Whole, "/priority"),
    ("lead", Name, "/lead/name"),
    ("created_at", Time, "/createdAt"),
    ("updated_at", Time, "/updatedAt"),
    ("started_at", Time, "/startedAt"),
    ("target_at", Time, "/targetDate"),
    ("url", Text, "/url"),
];

const CYCLE: &[Field] = &[
    ("number", Whole, "/number"),
    ("name", Text, "/name"),
    ("description", Text, "/description"),
    ("team_id", Name, "/teamId"),
    ("team", Name, "/team/key"),
    ("starts_at", Time, "/startsAt"),
    ("ends_at", Time, "/endsAt"),
    ("completed_at", Time, "/completedAt"),
    ("created_at", Time, "/createdAt"),
    ("updated_at", Time, "/updatedAt"),
];

/// Tells the version that an event shows.
pub(super) fn tell(event_type: &str, value: Json<'_>, versions: &mut Versions) {
    let Some(data) = value.get("data") else { return };
    let Some(id) = text(data, "/id") else { return };
    let is_removed = text(value, "/action") == Some("remove");
    let told = Told { data, name: format!("linear:{id}"), is_removed, changed: changed(value, data) };
    match event_type {
        "Issue" => tell_issue(&told, value, versions),
        "Comment" => tell_comment(&told, value, versions),
        "Attachment" | "IssueAttachment" => tell_attachment(&told, versions),
        "Project" => tell_project(&told, versions),
        "Cycle" => told.tell(Kind::Cycle, State::of(data, CYCLE).with("cycle_id", id), versions),
        _ => {}
    }
}

/// An object, and what became of it.
struct Told<'a> {
    data: Json<'a>,
    name: String,
    is_removed: bool,
    changed: Option<Timestamp>,
}

/// When it became what it is shown as. Who removes an object, or restores it, does not change it: that is told by the event's own time.
fn changed(value: Json<'_>, data: Json<'_>) -> Option<Timestamp> {
    latest(data, &["/updatedAt", "/createdAt"]).max(at(value, "/createdAt"))
}

impl Told<'_> {
    /// `linear:…`: the key of what an id at a JSON pointer names.
    fn named(&self, pointer: &str) -> Option<String> {
        key(text(self.data, pointer)).map(|id| format!("linear:{id}"))
    }

    fn tell(&self, kind: Kind, state: State, versions: &mut Versions) {
        let is_trashed = self.data.get("trashed").and_then(Json::as_bool).unwrap_or_default();
        let state =
            state.with("is_deleted", self.is_removed || is_trashed).with("deleted_at", self.changed.filter(|_| self.is_removed || is_trashed).map(written));
        versions.tell(kind, Some(self.name.clone()), WHOLE, self.changed, i64::from(self.is_removed), &state);
    }
}

fn tell_issue(told: &Told<'_>, value: Json<'_>, versions: &mut Versions) {
    let data = told.data;
    let state_type = text(data, "/state/type");
    let closed_at = at(data, "/completedAt").or_else(|| at(data, "/canceledAt"));
    let state = State::of(data, ISSUE)
        .with("is_open", state_type.map(|state| !matches!(state, "completed" | "canceled" | "duplicate")))
        .with("closed_at", closed_at.map(written))
        .with("creator_key", told.named("/creator/id").or_else(|| told.named("/creatorId")))
        .with("assignees", text(data, "/assignee/name").map_or_else(Vec::new, |name| vec![name.to_owned()]))
        .with("assignee_key", told.named("/assignee/id").or_else(|| told.named("/assigneeId")))
        .with("project_key", told.named("/project/id").or_else(|| told.named("/projectId")))
        .with("cycle_key", told.named("/cycle/id").or_else(|| told.named("/cycleId")))
        .with("parent_key", told.named("/parentId"))
        .with("subject", text(data, "/identifier").and_then(subject::linear))
        .with("url", text(data, "/url").or_else(|| text(value, "/url")));
    told.tell(Kind::Issue, state, versions);
    // An event that does not show them takes none of them away.
    if list(data, "/previousIdentifiers").next().is_some() {
        versions.tell(Kind::Issue, Some(told.name.clone()), ORIGIN, told.changed, 0, &State::of(data, ISSUE_ORIGIN));
    }
}

fn tell_comment(told: &Told<'_>, value: Json<'_>, versions: &mut Versions) {
    let data = told.data;
    let (parent_kind, parent_key) = [
        ("issue", "/issue/id"),
        ("issue", "/issueId"),
        ("project_update", "/projectUpdateId"),
        ("project", "/projectId"),
        ("initiative_update", "/initiativeUpdateId"),
        ("document", "/documentContentId"),
    ]
    .iter()
    .find_map(|(kind, pointer)| Some((*kind, told.named(pointer)?)))
    .unzip();
    let state = State::of(data, COMMENT)
        .with("kind", "linear_comment")
        .with("parent_kind", parent_kind)
        .with("parent_key", parent_key)
        .with("in_reply_to", told.named("/parentId"))
        .with("author_key", told.named("/user/id").or_else(|| told.named("/userId")))
        .with("subject", issue_identifier("Comment", value).and_then(subject::linear))
        .with("url", text(value, "/url"));
    told.tell(Kind::Comment, state, versions);
}

/// What is attached may be moved to another issue, and keeps its id: <https://linear.app/developers/graphql>, `Attachment.originalIssue`.
fn tell_attachment(told: &Told<'_>, versions: &mut Versions) {
    let state = State::of(told.data, ATTACHMENT)
        .with("attached_url", first_text(told.data, &["/url", "/attachment/url"]))
        .with("issue_key", told.named("/issueId").or_else(|| told.named("/issue/id")))
        .with("original_issue_key", told.named("/originalIssueId"))
        .with("creator_key", told.named("/creatorId"));
    told.tell(Kind::Attachment, state, versions);
}

fn tell_project(told: &Told<'_>, versions: &mut Versions) {
    let data = told.data;
    let state = State::of(data, PROJECT)
        .with("lead_key", told.named("/lead/id").or_else(|| told.named("/leadId")))
        .with("creator_key", told.named("/creatorId"))
        .with("completed_at", at(data, "/completedAt").or_else(|| at(data, "/canceledAt")).map(written))
        .with("team_ids", list(data, "/teamIds").filter_map(Json::as_str).collect::<Vec<_>>());
    told.tell(Kind::Project, state, versions);
}
