//! Deployments: hooklake's own events, and GitHub's deployments with their statuses.

use super::super::entry::whole;
use super::kind::{FINISH, Kind, STATUS, WHOLE};
use super::state::As::{Name, Text, Time, Whole};
use super::state::{Field, State, at, latest, written};
use super::version::{Versions, by_number, is_replaced, progress};
use crate::domain::Json;
use crate::domain::facts::text;
use crate::domain::subject;

const OWN: &[Field] = &[
    ("deployment_id", Name, "/deployment_id"),
    ("environment", Name, "/environment"),
    ("status", Name, "/status"),
    ("repository", Name, "/repository_name"),
    ("commit_sha", Name, "/commit_sha"),
    ("ref", Text, "/branch_name"),
    ("creator", Name, "/creator"),
    ("description", Text, "/description"),
    ("started_at", Time, "/started_at"),
    ("url", Text, "/url"),
];

const GITHUB: &[Field] = &[
    ("environment", Name, "/environment"),
    ("commit_sha", Name, "/sha"),
    ("ref", Text, "/ref"),
    ("task", Text, "/task"),
    ("creator", Name, "/creator/login"),
    ("created_at", Time, "/created_at"),
    ("started_at", Time, "/created_at"),
];

const GITHUB_STATUS: &[Field] =
    &[("status", Name, "/state"), ("status_id", Whole, "/id"), ("description", Text, "/description"), ("updated_at", Time, "/updated_at")];

/// An event posted to `/events/deployment`.
pub(super) fn tell_own(value: Json<'_>, versions: &mut Versions) {
    let Some(id) = text(value, "/deployment_id") else { return };
    let changed = latest(value, &["/finished_at", "/started_at"]);
    let status = text(value, "/status").map(str::to_ascii_lowercase);
    let state = State::of(value, OWN).with("created_at", at(value, "/started_at").map(written)).with("updated_at", changed.map(written));
    let state = state.with("subject", subject::deployment(id));
    // One and the same id may be brought to several environments, each with an end of its own.
    let environment = text(value, "/environment").unwrap_or_default().replace('%', "%25").replace('@', "%40");
    let (name, rank) = (format!("deployment:{id}@{environment}"), progress(status.as_deref()));
    versions.tell(Kind::Deployment, Some(name.clone()), WHOLE, changed, rank, &state);
    if !is_replaced(status.as_deref()) {
        let finish = State::default().with("finished_at", at(value, "/finished_at").map(written));
        versions.tell(Kind::Deployment, Some(name), FINISH, changed, rank, &finish);
    }
}

/// GitHub's `deployment` and `deployment_status`.
pub(super) fn tell_github(event_type: &str, value: Json<'_>, place: State, versions: &mut Versions) {
    if !matches!(event_type, "deployment" | "deployment_status") {
        return;
    }
    let Some((deployment, id)) = value.get("deployment").and_then(|deployment| Some((deployment, whole(deployment, "/id")?))) else { return };
    let name = format!("github:deployment/{id}");
    let state = State::of(deployment, GITHUB)
        .and(place)
        .with("deployment_id", id.to_string())
        .with("creator_key", by_number("github", deployment, "/creator/id"))
        .with("subject", subject::at_github("deployment", id));
    versions.tell(Kind::Deployment, Some(name.clone()), WHOLE, latest(deployment, &["/updated_at", "/created_at"]), 0, &state);
    let Some(status) = value.get("deployment_status") else {
        // It begins without a status; the first one that comes is later, or of the same second and has a number.
        let begun = State::empty(GITHUB_STATUS).with("status", "created").with("url", ());
        versions.tell(Kind::Deployment, Some(name), STATUS, at(deployment, "/created_at"), 0, &begun);
        return;
    };
    let changed = latest(status, &["/updated_at", "/created_at"]);
    let url = ["/environment_url", "/target_url", "/log_url"].iter().find_map(|pointer| text(status, pointer).filter(|url| !url.is_empty()));
    let told = State::of(status, GITHUB_STATUS).with("url", url);
    let (told_at, rank) = (at(status, "/created_at"), whole(status, "/id").unwrap_or_default());
    versions.tell(Kind::Deployment, Some(name.clone()), STATUS, told_at, rank, &told);
    let state = text(status, "/state");
    if !is_replaced(state) {
        let is_over = matches!(state, Some("success" | "failure" | "error"));
        let finish = State::default().with("finished_at", changed.filter(|_| is_over).map(written));
        versions.tell(Kind::Deployment, Some(name), FINISH, told_at, rank, &finish);
    }
}
