//! The table `deployment_events`: what was deployed where, by own events and by GitHub's.

use async_trait::async_trait;
use serde_json::Value;
use tokio_postgres::Transaction;

use super::entry::{Entry, Times, key, row, whole};
use crate::consumer::{Error, Projector};
use crate::domain::Envelope;
use crate::domain::clock::Timestamp;
use crate::domain::facts::{first_text, text};
use crate::log::Batch;

/// Keeps the table `deployment_events`.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeploymentTable;

#[async_trait]
impl Projector for DeploymentTable {
    const NAME: &'static str = "deployment_events";
    const VERSION: i32 = 2;
    const TABLES: &'static [&'static str] = &["deployment_events"];
    const SOURCES: Option<&'static [&'static str]> = Some(&["deployment", "github"]);
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::chosen(batch, |envelope| tells_of_deployment(envelope) && !envelope.is_replay());
        let rows = entries.iter().map(Row::of).collect::<Vec<_>>();
        Row::insert(&rows, transaction).await
    }
}

/// Most of GitHub's events do not.
fn tells_of_deployment(envelope: &Envelope) -> bool {
    envelope.source == "deployment" || matches!(envelope.event_type.as_str(), "deployment" | "deployment_status")
}

row! {
    struct Row<'a> inserted by "deployment.sql" {
        position: i64,
        id: &'a str,
        tenant: &'a str,
        origin: &'a str,
        deployment_id: Option<String>,
        environment: Option<&'a str>,
        status: Option<&'a str>,
        repository_name: Option<&'a str>,
        commit_sha: Option<&'a str>,
        branch_name: Option<&'a str>,
        url: Option<&'a str>,
        creator: Option<&'a str>,
        description: Option<&'a str>,
        started_at: Option<Timestamp>,
        finished_at: Option<Timestamp>,
        odd_fields: Value,
        received_at: Timestamp,
        verbatim: bool,
        mended: Option<String>,
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry<'_>) -> Self {
        if entry.envelope.source == "github" { Self::of_github(entry) } else { Self::of_own(entry) }
    }

    fn of_own(entry: &'a Entry<'_>) -> Self {
        let value = entry.value();
        let at = |pointer: &str| text(value, pointer);
        let mut times = Times::of(value);
        Self {
            position: entry.envelope.position.get(),
            id: &entry.id,
            tenant: entry.envelope.tenant.as_str(),
            origin: "deployment",
            deployment_id: key(at("/deployment_id")).map(str::to_owned),
            environment: key(at("/environment")),
            status: key(at("/status")),
            repository_name: at("/repository_name"),
            commit_sha: key(at("/commit_sha")),
            branch_name: at("/branch_name"),
            url: at("/url"),
            creator: at("/creator"),
            description: at("/description"),
            started_at: times.at("/started_at"),
            finished_at: times.at("/finished_at"),
            odd_fields: times.odd_fields(),
            received_at: entry.envelope.received_at,
            verbatim: entry.payload.verbatim,
            mended: entry.mended(),
        }
    }

    fn of_github(entry: &'a Entry<'_>) -> Self {
        let value = entry.value();
        let at = |pointer: &str| text(value, pointer);
        let first = |pointers: &[&str]| first_text(value, pointers);
        let state = at("/deployment_status/state");
        let is_over = matches!(state, Some("success" | "failure" | "error" | "inactive"));
        let mut times = Times::of(value);
        Self {
            position: entry.envelope.position.get(),
            id: &entry.id,
            tenant: entry.envelope.tenant.as_str(),
            origin: "github",
            deployment_id: whole(value, "/deployment/id").map(|id| id.to_string()),
            environment: key(first(&["/deployment_status/environment", "/deployment/environment"])),
            status: key(state.or(Some("created"))),
            repository_name: at("/repository/full_name"),
            commit_sha: key(at("/deployment/sha")),
            branch_name: at("/deployment/ref"),
            url: first(&["/deployment_status/environment_url", "/deployment_status/target_url", "/deployment_status/log_url"]),
            creator: first(&["/deployment_status/creator/login", "/deployment/creator/login"]),
            description: first(&["/deployment_status/description", "/deployment/description"]),
            started_at: times.at("/deployment/created_at"),
            finished_at: if is_over { times.at("/deployment_status/updated_at") } else { None },
            odd_fields: times.odd_fields(),
            received_at: entry.envelope.received_at,
            verbatim: entry.payload.verbatim,
            mended: entry.mended(),
        }
    }
}
