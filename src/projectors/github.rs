//! The table `github_events`: GitHub's webhooks in typed columns. What each column holds is said in `domain::columns::github`.

use async_trait::async_trait;

use super::entry::Entry;
use super::typed;
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::domain::Envelope;
use crate::domain::columns::github::COLUMNS;
use crate::log::Batch;

/// Keeps the table `github_events`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GithubTable;

#[async_trait]
impl Projector for GithubTable {
    const NAME: &'static str = "github_events";
    const VERSION: i32 = 3;
    const TABLES: &'static [&'static str] = &["github_events"];
    const SOURCES: Option<&'static [&'static str]> = Some(&["github"]);
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::fresh(batch);
        typed::insert(Self::TABLES[0], COLUMNS, &entries, transaction).await
    }
}
