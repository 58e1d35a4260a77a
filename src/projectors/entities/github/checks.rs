//! Checks, workflow runs and their jobs at GitHub.

use super::super::super::entry::{key, whole};
use super::super::kind::{Kind, WHOLE};
use super::super::state::As::{self, Name, Text, Time, Whole, Wholes};
use super::super::state::{Field, State, at, latest};
use super::super::version::{Versions, progress};
use super::{Place, person};
use crate::domain::Json;
use crate::domain::facts::text;

const NUMBERS: As = Wholes("/number");

const CHECK_RUN: &[Field] = &[
    ("check_id", Whole, "/id"),
    ("name", Name, "/name"),
    ("status", Text, "/status"),
    ("conclusion", Text, "/conclusion"),
    ("head_sha", Name, "/head_sha"),
    ("head_branch", Name, "/check_suite/head_branch"),
    ("app", Text, "/app/name"),
    ("suite_id", Whole, "/check_suite/id"),
    ("summary", Text, "/output/title"),
    ("pull_request_numbers", NUMBERS, "/pull_requests"),
    ("started_at", Time, "/started_at"),
    ("completed_at", Time, "/completed_at"),
    ("url", Text, "/html_url"),
];

const CHECK_SUITE: &[Field] = &[
    ("check_id", Whole, "/id"),
    ("name", Name, "/app/name"),
    ("status", Text, "/status"),
    ("conclusion", Text, "/conclusion"),
    ("head_sha", Name, "/head_sha"),
    ("head_branch", Name, "/head_branch"),
    ("app", Text, "/app/name"),
    ("suite_id", Whole, "/id"),
    ("pull_request_numbers", NUMBERS, "/pull_requests"),
    ("started_at", Time, "/created_at"),
    ("url", Text, "/url"),
];

const STATUS: &[Field] = &[
    ("check_id", Whole, "/id"),
    ("name", Name, "/context"),
    ("status", Text, "/state"),
    ("head_sha", Name, "/sha"),
    ("head_branch", Name, "/branches/0/name"),
    ("summary", Text, "/description"),
    ("started_at", Time, "/created_at"),
    ("url", Text, "/target_url"),
];

const WORKFLOW_RUN: &[Field] = &[
    ("run_id", Whole, "/id"),
    ("workflow_id", Whole, "/workflow_id"),
    ("name", Name, "/name"),
    ("title", Text, "/display_title"),
    ("run_number", Whole, "/run_number"),
    ("run_attempt", Whole, "/run_attempt"),
    ("event", Text, "/event"),
    ("status", Text, "/status"),
    ("conclusion", Text, "/conclusion"),
    ("head_branch", Name, "/head_branch"),
    ("head_sha", Name, "/head_sha"),
    ("actor", Name, "/actor/login"),
    ("pull_request_numbers", NUMBERS, "/pull_requests"),
    ("created_at", Time, "/created_at"),
    ("started_at", Time, "/run_started_at"),
    ("updated_at", Time, "/updated_at"),
    ("url", Text, "/html_url"),
];

const WORKFLOW_JOB: &[Field] = &[
    ("job_id", Whole, "/id"),
    ("run_id", Whole, "/run_id"),
    ("run_attempt", Whole, "/run_attempt"),
    ("workflow", Text, "/workflow_name"),
    ("name", Name, "/name"),
    ("status", Text, "/status"),
    ("conclusion", Text, "/conclusion"),
    ("head_branch", Name, "/head_branch"),
    ("head_sha", Name, "/head_sha"),
    ("runner", Text, "/runner_name"),
    ("created_at", Time, "/created_at"),
    ("started_at", Time, "/started_at"),
    ("completed_at", Time, "/completed_at"),
    ("url", Text, "/html_url"),
];

pub(super) fn tell(event_type: &str, value: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    match event_type {
        "check_run" => {
            if let Some(run) = value.get("check_run") {
                tell_check("check_run", CHECK_RUN, run, &["/started_at", "/completed_at"], place, versions);
            }
        }
        "check_suite" => {
            if let Some(suite) = value.get("check_suite") {
                tell_check("check_suite", CHECK_SUITE, suite, &["/updated_at", "/created_at"], place, versions);
            }
        }
        "status" => tell_status(value, place, versions),
        "workflow_run" => tell_workflow_run(value, place, versions),
        "workflow_job" => tell_workflow_job(value, place, versions),
        _ => {}
    }
}

fn tell_check(kind: &str, fields: &[Field], check: Json<'_>, times: &[&str], place: Place<'_>, versions: &mut Versions) {
    let Some(id) = whole(check, "/id") else { return };
    let status = text(check, "/status");
    let mut state = State::of(check, fields).and(place.state()).with("kind", kind);
    if kind == "check_suite" {
        state = state.with("completed_at", finished(check, status));
    }
    versions.tell(Kind::Check, Some(format!("github:{kind}/{id}")), WHOLE, latest(check, times), progress(status), &state);
}

/// When it was last changed, if that was its end.
fn finished(value: Json<'_>, status: Option<&str>) -> Option<String> {
    at(value, "/updated_at").filter(|_| status == Some("completed")).map(super::super::state::written)
}

/// One context of one commit is one check, however often its state is set.
fn tell_status(value: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    let (Some(sha), Some(context)) = (text(value, "/sha"), text(value, "/context")) else { return };
    let conclusion = text(value, "/state").filter(|state| *state != "pending");
    let completed = at(value, "/updated_at").filter(|_| conclusion.is_some()).map(super::super::state::written);
    let state = State::of(value, STATUS)
        .and(place.state())
        .with("kind", "status")
        .with("status", if conclusion.is_some() { "completed" } else { "in_progress" })
        .with("conclusion", key(conclusion))
        .with("completed_at", completed);
    let name = format!("github:{}@{sha}/{context}", place.id);
    versions.tell(Kind::Check, Some(name), WHOLE, latest(value, &["/updated_at", "/created_at"]), whole(value, "/id").unwrap_or_default(), &state);
}

fn tell_workflow_run(value: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    /// An attempt comes after every step of the one before.
    const STEPS: i64 = 10;
    let Some(run) = value.get("workflow_run") else { return };
    let Some(id) = whole(run, "/id") else { return };
    let status = text(run, "/status");
    let state = State::of(run, WORKFLOW_RUN).and(place.state()).with("actor_key", person(run, "/actor/id")).with("completed_at", finished(run, status));
    let rank = whole(run, "/run_attempt").unwrap_or_default().saturating_mul(STEPS).saturating_add(progress(status));
    versions.tell(Kind::WorkflowRun, Some(format!("github:workflow_run/{id}")), WHOLE, latest(run, &["/updated_at", "/created_at"]), rank, &state);
}

fn tell_workflow_job(value: Json<'_>, place: Place<'_>, versions: &mut Versions) {
    let Some(job) = value.get("workflow_job") else { return };
    let Some(id) = whole(job, "/id") else { return };
    let state = State::of(job, WORKFLOW_JOB).and(place.state()).with("run_key", whole(job, "/run_id").map(|run| format!("github:workflow_run/{run}")));
    let changed = latest(job, &["/completed_at", "/started_at", "/created_at"]);
    versions.tell(Kind::WorkflowJob, Some(format!("github:workflow_job/{id}")), WHOLE, changed, progress(text(job, "/status")), &state);
}
