//! The table `deployment_events`: what was deployed where, by own events and by GitHub's. What each column holds is said in `domain::columns::deployment`.

use async_trait::async_trait;

use super::entry::Entry;
use super::typed;
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::domain::Envelope;
use crate::domain::columns::deployment::COLUMNS;
use crate::log::Batch;

/// Keeps the table `deployment_events`.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeploymentTable;

#[async_trait]
impl Projector for DeploymentTable {
    const NAME: &'static str = "deployment_events";
    const VERSION: i32 = 4;
    const TABLES: &'static [&'static str] = &["deployment_events"];
    const SOURCES: Option<&'static [&'static str]> = Some(&["deployment", "github"]);
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::chosen(batch, |envelope| tells_of_deployment(envelope) && !envelope.is_replay());
        typed::insert(Self::TABLES[0], COLUMNS, &entries, transaction).await
    }
}

/// Most of GitHub's events do not.
fn tells_of_deployment(envelope: &Envelope) -> bool {
    envelope.source == "deployment" || matches!(envelope.event_type.as_str(), "deployment" | "deployment_status")
}
