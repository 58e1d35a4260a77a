//! Entities: what repositories, pull requests, issues, messages and so on are now, and how they came to be so.
//!
//! ```text
//! envelope ─→ versions (kind, key, aspect, order, columns) ─→ entity_history ─→ newest of each aspect, merged ─→ pull_requests, …
//! ```
//!
//! An envelope tells versions of entities: its own, and those that it shows beside it (a comment shows its issue). Every
//! version is a row of `entity_history`, made from that one envelope. What an entity is now is computed from there, for
//! the entities that a batch touches: of each aspect the version with the greatest order ([`version`]), merged so that a
//! newer version's columns count. Nothing else goes in, so late, repeated and shuffled events, a rebuild, and the
//! history that a redaction leaves all give the rows that they must. A lookup of the newest version costs the same
//! however many there are. docs/decisions/0015 tells why it is so.
//!
//! Deliberately absent: payloads (they are in the log), and what is counted over several entities (those are views).

mod deployments;
mod github;
mod kind;
mod linear;
mod slack;
mod state;
mod version;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::entry::Entry;
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::db::rows::{self, Cell};
use crate::domain::Envelope;
use crate::log::Batch;
use kind::Kind;
use version::{Version, Versions};

const REMEMBERED: &str = include_str!("remembered.sql");
/// Written for one of the tables; it is the same for all of them.
const SETTLE: &str = include_str!("settle.sql");
const SETTLE_IS_FOR: &str = "pull_requests";

/// The most entities that are brought up to date by one statement.
const SETTLED_MAX: usize = 5_000;

/// Keeps `entity_history` and the table of each kind of entity.
#[derive(Debug, Clone, Copy, Default)]
pub struct EntityTables;

/// Entities of one kind, by tenant and key.
type Touched<'a> = BTreeMap<Kind, BTreeSet<(&'a str, &'a str)>>;

#[async_trait]
impl Projector for EntityTables {
    const NAME: &'static str = "entities";
    const VERSION: i32 = 6;
    const TABLES: &'static [&'static str] = kind::TABLES;
    const SOURCES: Option<&'static [&'static str]> = Some(&["github", "linear", "slack", "deployment"]);
    const IN_ORDER: bool = false;
    const FOLDED: &'static [&'static str] = &["entity_history"];
    const REMEMBER: Option<&'static str> = Some(include_str!("remember.sql"));

    /// The order of arrival decides nothing.
    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::fresh(batch);
        let told = told(&entries);
        insert(transaction, &told).await?;
        let mut touched = Touched::new();
        for (entry, version) in &told {
            touched.entry(version.kind).or_default().insert((entry.envelope.tenant.as_str(), &version.key));
        }
        settle(transaction, &touched).await
    }

    async fn record(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        insert(transaction, &told(&Entry::fresh(batch))).await
    }

    async fn settle(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let statement = transaction.prepare_cached(REMEMBERED).await?;
        let rows = transaction.query(&statement, &[]).await?;
        let mut touched = Touched::new();
        for row in &rows {
            let word: &str = row.get("entity");
            if let Some(kind) = Kind::ALL.iter().find(|kind| kind.word() == word) {
                touched.entry(*kind).or_default().insert((row.get("tenant"), row.get("key")));
            }
        }
        settle(transaction, &touched).await
    }
}

/// What envelopes tell, each with the one that tells it.
fn told<'a, 'b>(entries: &'a [Entry<'b>]) -> Vec<(&'a Entry<'b>, Version)> {
    entries.iter().flat_map(|entry| versions(entry).into_iter().map(move |version| (entry, version))).collect()
}

/// What an envelope tells.
fn versions(entry: &Entry<'_>) -> Versions {
    let mut versions = Versions::default();
    let (event_type, value) = (entry.envelope.event_type.as_str(), entry.value());
    match entry.envelope.source.as_str() {
        "github" => github::tell(event_type, entry.envelope.headers.get("x-github-delivery"), value, &mut versions),
        "linear" => linear::tell(event_type, value, &mut versions),
        "slack" => slack::tell(event_type, entry.envelope.headers.get("x-slack-request-timestamp"), value, &mut versions),
        "deployment" => deployments::tell_own(value, &mut versions),
        _ => {}
    }
    versions
}

async fn insert(transaction: &Transaction<'_>, told: &[(&Entry<'_>, Version)]) -> Result<(), Error> {
    let columns = ["position", "tenant", "source", "entity", "key", "aspect", "version_at", "rank", "digest", "received_at", "state"];
    let rows = told.iter().map(|(entry, version)| {
        vec![
            entry.envelope.position.get().into(),
            entry.envelope.tenant.as_str().into(),
            (&entry.envelope.source).into(),
            version.kind.word().into(),
            (&version.key).into(),
            version.aspect.into(),
            version.order.at.into(),
            version.order.rank.into(),
            version.order.digest.into(),
            entry.envelope.received_at.into(),
            Cell::Json((&version.state).into()),
        ]
    });
    Ok(rows::add(transaction, "entity_history", &columns, rows.collect()).await?)
}

/// Brings the tables of what is now up to date for these entities.
async fn settle(transaction: &Transaction<'_>, touched: &Touched<'_>) -> Result<(), Error> {
    for (kind, names) in touched {
        let statement = transaction.prepare_cached(&SETTLE.replace(SETTLE_IS_FOR, kind.table())).await?;
        let names: Vec<_> = names.iter().copied().collect();
        for some in names.chunks(SETTLED_MAX) {
            let (tenants, keys): (Vec<&str>, Vec<&str>) = some.iter().copied().unzip();
            transaction.execute(&statement, &[&tenants, &keys, &kind.word(), &kind.aspects()]).await?;
        }
    }
    Ok(())
}
