//! The table `linear_events`: Linear's webhooks in typed columns. What each column holds is said in `domain::columns::linear`.

use async_trait::async_trait;

use super::entry::Entry;
use super::typed;
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::domain::Envelope;
use crate::domain::columns::linear::COLUMNS;
use crate::log::Batch;

/// Keeps the table `linear_events`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinearTable;

#[async_trait]
impl Projector for LinearTable {
    const NAME: &'static str = "linear_events";
    const VERSION: i32 = 3;
    const TABLES: &'static [&'static str] = &["linear_events"];
    const SOURCES: Option<&'static [&'static str]> = Some(&["linear"]);
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::fresh(batch);
        typed::insert(Self::TABLES[0], COLUMNS, &entries, transaction).await
    }
}
