//! The columns of `deployment_events`: events of tools in our own format, and GitHub's `deployment` and
//! `deployment_status`.

use super::Read::{Flag, Made, Text, Texts, Time, Whole};
use super::{Column, Event, key, odd, time, time_at};
use crate::domain::facts::Facts;

/// The columns of `deployment_events`, save those of the envelope.
pub const COLUMNS: &[Column] = &[
    Column("origin", Text(|e| Some(if is_githubs(e) { "github" } else { "deployment" }))),
    Column("deployment_id", Made(deployment_id)),
    Column("environment", Text(|e| key(by(e, &["/environment"], &["/deployment_status/environment", "/deployment/environment"])))),
    Column("status", Text(|e| key(by(e, &["/status"], &["/deployment_status/state"]).or(if is_githubs(e) { Some("created") } else { None })))),
    Column("repository_name", Text(|e| key(by(e, &["/repository_name"], &["/repository/full_name"])))),
    Column("commit_sha", Text(|e| key(by(e, &["/commit_sha"], &["/deployment/sha"])))),
    Column("branch_name", Text(|e| by(e, &["/branch_name"], &["/deployment/ref"]))),
    Column("title", Made(|e| Facts::of(e.source, e.event_type, e.payload).title)),
    Column("url", Text(|e| by(e, &["/url"], &["/deployment_status/environment_url", "/deployment_status/target_url", "/deployment_status/log_url"]))),
    Column("creator", Text(|e| by(e, &["/creator"], &["/deployment_status/creator/login", "/deployment/creator/login"]))),
    Column("description", Text(|e| by(e, &["/description"], &["/deployment_status/description", "/deployment/description"]))),
    Column("task", Text(|e| by(e, &["/task"], &["/deployment/task"]))),
    Column("production_environment", Flag(|e| if is_githubs(e) { e.flag("/deployment/production_environment") } else { None })),
    Column("run_id", Whole(|e| if is_githubs(e) { e.whole(&["/workflow_run/id"]) } else { None })),
    Column("started_at", Time(|e| time_at(e.payload, started(e)))),
    Column("finished_at", Time(|e| time_at(e.payload, finished(e)?))),
    Column("odd_fields", Texts(|e| odd(e.payload, &[Some(started(e)), finished(e)].into_iter().flatten().collect::<Vec<_>>(), |found| time(found).is_some()))),
];

fn is_githubs(e: &Event<'_>) -> bool {
    e.source == "github"
}

/// What stands in one of these places of our own format, or in one of GitHub's.
fn by<'a>(e: &Event<'a>, own: &[&str], of_github: &[&str]) -> Option<&'a str> {
    e.first(if is_githubs(e) { of_github } else { own })
}

fn deployment_id(e: &Event<'_>) -> Option<String> {
    if is_githubs(e) { e.whole(&["/deployment/id"]).map(|id| id.to_string()) } else { key(e.at("/deployment_id")).map(str::to_owned) }
}

fn started(e: &Event<'_>) -> &'static str {
    if is_githubs(e) { "/deployment/created_at" } else { "/started_at" }
}

/// A status of GitHub's that ends the deployment tells when.
fn finished(e: &Event<'_>) -> Option<&'static str> {
    if !is_githubs(e) {
        return Some("/finished_at");
    }
    matches!(e.at("/deployment_status/state"), Some("success" | "failure" | "error" | "inactive")).then_some("/deployment_status/updated_at")
}
