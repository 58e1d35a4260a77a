//! Events of hooklake's own: deployments, and incidents as a status page tells of them.

use super::json::{Json, object};
use super::moment::Moment;

/// A deployment that begins or ended.
pub struct Deployed<'a> {
    pub id: &'a str,
    pub environment: &'a str,
    pub status: &'a str,
    pub repository: &'a str,
    pub sha: String,
    pub creator: &'a str,
    pub description: String,
    pub started: Moment,
    pub finished: Option<Moment>,
}

/// The address of a deployment.
pub fn address(id: &str) -> String {
    format!("https://deploys.northwind.example/{id}")
}

pub fn deployment(told: &Deployed<'_>) -> Json {
    object! {
        "deployment_id": told.id, "environment": told.environment, "status": told.status, "repository_name": told.repository, "commit_sha": told.sha,
        "branch_name": "main", "url": address(told.id), "creator": told.creator, "description": told.description, "started_at": told.started,
        "finished_at": told.finished,
    }
}

/// An incident that began or is over.
pub fn incident(id: &str, name: &str, deployment_id: &str, started: Moment, resolved: Option<Moment>) -> Json {
    let kind = if resolved.is_some() { "incident.resolved" } else { "incident.opened" };
    let incident = object! {
        "id": id, "name": name, "impact": "major", "started_at": started, "resolved_at": resolved, "deployment_id": deployment_id,
        "postmortem_url": None::<&str>,
    };
    object! { "platform": "statuspage", "event_type": kind, "payload": object! { "incident": incident }, "priority": "high" }
}
