//! What GitHub's webhooks tell of entities.

mod checks;
mod code;
mod work;

use super::super::entry::{key, whole};
use super::deployments;
use super::kind::{END, Kind, WHOLE};
use super::state::As::{self, Flag, Name, Text, Texts, Time, Whole};
use super::state::{Field, State, latest};
use super::version::{Versions, by_number};
use crate::domain::Json;
use crate::domain::facts::text;

/// A repository as every event shows it.
const REPOSITORY: &[Field] = &[
    ("repository_id", Whole, "/id"),
    ("full_name", Name, "/full_name"),
    ("owner", Name, "/owner/login"),
    ("name", Name, "/name"),
    ("description", Text, "/description"),
    ("default_branch", Text, "/default_branch"),
    ("visibility", Text, "/visibility"),
    ("is_private", Flag, "/private"),
    ("is_fork", Flag, "/fork"),
    ("is_archived", Flag, "/archived"),
    ("language", Text, "/language"),
    ("topics", Texts(""), "/topics"),
    ("stars", Whole, "/stargazers_count"),
    ("forks", Whole, "/forks_count"),
    ("open_issues", Whole, "/open_issues_count"),
    ("created_at", Time, "/created_at"),
    ("updated_at", Time, "/updated_at"),
    ("pushed_at", Time, "/pushed_at"),
    ("url", Text, "/html_url"),
];

const PROJECT: &[Field] = &[
    ("name", Text, "/name"),
    ("description", Text, "/body"),
    ("status", Text, "/state"),
    ("creator", Name, "/creator/login"),
    ("number", Whole, "/number"),
    ("created_at", Time, "/created_at"),
    ("updated_at", Time, "/updated_at"),
    ("url", Text, "/html_url"),
];

const PROJECT_V2: &[Field] = &[
    ("name", Text, "/title"),
    ("description", Text, "/short_description"),
    ("status", Text, "/state"),
    ("creator", Name, "/creator/login"),
    ("number", Whole, "/number"),
    ("created_at", Time, "/created_at"),
    ("updated_at", Time, "/updated_at"),
    ("completed_at", Time, "/closed_at"),
    ("url", Text, "/html_url"),
];

/// The repository that an event is in.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// Its number, which it keeps when it is renamed or transferred.
    id: i64,
    full_name: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(repository: Json<'a>) -> Option<Self> {
        let id = whole(repository, "/id")?;
        Some(Self { id, full_name: key(text(repository, "/full_name")) })
    }

    /// `github:186853002#2`: a pull request or an issue.
    fn numbered(self, number: i64) -> String {
        format!("github:{}#{number}", self.id)
    }

    /// `github:186853002@name`: a commit or a branch.
    fn at(self, name: &str) -> String {
        format!("github:{}@{name}", self.id)
    }

    /// The columns that say where something is.
    fn state(self) -> State {
        State::default().with("repository_id", self.id).with("repository", self.full_name)
    }

    /// The name of something in it as a subject, which has the repository's own within.
    fn subject(self, name: impl FnOnce(&str) -> Option<String>) -> Option<String> {
        self.full_name.and_then(name)
    }
}

/// Tells the versions that an event shows. `delivery` is its `X-GitHub-Delivery`, which all hooks share that tell of it.
pub(super) fn tell(event_type: &str, delivery: Option<&str>, value: Json<'_>, versions: &mut Versions) {
    let action = text(value, "/action");
    match event_type {
        "project" => project(PROJECT, "project", value, action, versions),
        "projects_v2" => project(PROJECT_V2, "projects_v2", value, action, versions),
        _ => {}
    }
    let Some((repository, place)) = value.get("repository").and_then(|repository| Some((repository, Place::of(repository)?))) else { return };
    if shows_repository(event_type, action) {
        tell_repository(event_type, action, repository, place, versions);
    }
    work::tell(event_type, action, value, place, versions);
    code::tell(event_type, action, value, place, delivery, versions);
    checks::tell(event_type, value, place, versions);
    deployments::tell_github(event_type, value, place.state(), versions);
}

/// Every event shows its repository; taken are those that change it, and those that begin or end something in it.
fn shows_repository(event_type: &str, action: Option<&str>) -> bool {
    match event_type {
        "repository" | "push" | "create" | "delete" | "fork" | "public" | "star" | "watch" | "release" | "member" | "team_add" | "ping" | "meta" => true,
        "pull_request" | "issues" => matches!(action, Some("opened" | "closed" | "transferred")),
        _ => false,
    }
}

fn tell_repository(event_type: &str, action: Option<&str>, repository: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    let key = format!("github:{}", place.id);
    let at = latest(repository, &["/updated_at", "/pushed_at", "/created_at"]);
    // What an event says of the repository itself counts before what another of the same second happens to show.
    let rank = i64::from(event_type == "repository");
    versions.tell(Kind::Repository, Some(key.clone()), WHOLE, at, rank, &State::of(repository, REPOSITORY));
    if event_type == "repository" && action == Some("deleted") {
        versions.tell(Kind::Repository, Some(key), END, at, 0, &State::default().with("is_deleted", true));
    }
}

fn project(fields: &[Field], object: &str, value: Json<'_>, action: Option<&str>, versions: &mut Versions) {
    let Some(project) = value.get(object) else { return };
    let key = whole(project, "/id").map(|id| format!("github:{object}/{id}"));
    let at = latest(project, &["/updated_at", "/created_at"]);
    versions.tell(Kind::Project, key.clone(), WHOLE, at, 0, &State::of(project, fields));
    if action == Some("deleted") {
        versions.tell(Kind::Project, key, END, at, 0, &State::default().with("is_deleted", true));
    }
}

/// Columns of the people that a thing names, as logins.
const LOGINS: As = Texts("/login");

/// `github:21031067`, the key of someone in `person_identities`.
fn person(value: Json<'_>, pointer: &str) -> Option<String> {
    by_number("github", value, pointer)
}
