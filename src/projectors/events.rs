//! The table `events`: every event of every source.

use async_trait::async_trait;

use super::entry::{Entry, cut, key, row};
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::db::rows::Cell;
use crate::domain::Envelope;
use crate::domain::clock::Timestamp;
use crate::domain::facts::{Facts, text};
use crate::log::Batch;

const FIRST_PROCESSED: &str = include_str!("first_processed.sql");

/// Keeps the table `events`.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventTable;

#[async_trait]
impl Projector for EventTable {
    const NAME: &'static str = "events";
    const VERSION: i32 = 4;
    const TABLES: &'static [&'static str] = &["events"];
    const IN_ORDER: bool = false;
    const REMEMBER: Option<&'static str> = Some(include_str!("remember_processed.sql"));

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::fresh(batch);
        let facts = entries.iter().map(|entry| entry.envelope.facts()).collect::<Vec<_>>();
        let processed = first_processed(&entries, transaction).await?;
        let rows = entries.iter().zip(&facts).zip(processed).map(|((entry, facts), processed_at)| Row::of(entry, facts, processed_at));
        Row::insert(rows.collect(), transaction).await
    }
}

/// When each was processed first: now, or when the table that is replaced says.
async fn first_processed(entries: &[Entry<'_>], transaction: &Transaction<'_>) -> Result<Vec<Timestamp>, Error> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let positions = entries.iter().map(|entry| entry.envelope.position.get()).collect::<Vec<_>>();
    let statement = transaction.prepare_cached(FIRST_PROCESSED).await?;
    Ok(transaction.query(&statement, &[&positions]).await?.iter().map(|row| row.get(0)).collect())
}

row! {
    struct Row<'a> of "events" {
        position: i64,
        id: &'a str,
        tenant: &'a str,
        source: &'a str,
        platform: &'a str,
        event_type: &'a str,
        action: Option<String>,
        kind: String,
        actor: Option<&'a str>,
        title: Option<&'a str>,
        repository: Option<&'a str>,
        subject: Option<&'a str>,
        url: Option<&'a str>,
        priority: &'static str,
        parse_status: &'static str,
        lossy: bool,
        duplicate_keys: bool,
        flags: Vec<String>,
        body_bytes: i32,
        delivery_key: &'a str,
        received_at: Timestamp,
        verbatim: bool,
        mended: Cell<'static>,
        processed_at: Timestamp,
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry<'_>, facts: &'a Facts, processed_at: Timestamp) -> Self {
        let envelope = entry.envelope;
        let kind = envelope.kind(&entry.payload);
        let named_platform = (envelope.source == "custom").then(|| key(text(entry.value(), "/platform"))).flatten();
        Self {
            position: envelope.position.get(),
            id: &entry.id,
            tenant: envelope.tenant.as_str(),
            source: &envelope.source,
            platform: named_platform.unwrap_or(&envelope.source),
            event_type: cut(&envelope.event_type),
            kind: kind.to_string(),
            action: kind.action.filter(|action| key(Some(action)).is_some()),
            actor: key(facts.actor.as_deref()),
            title: facts.title.as_deref(),
            repository: key(facts.repository.as_deref()),
            subject: key(facts.subject.as_deref()),
            url: facts.url.as_deref(),
            priority: facts.priority.as_str(),
            parse_status: entry.payload.status.as_str(),
            lossy: entry.payload.lossy,
            duplicate_keys: entry.payload.duplicate_keys,
            flags: entry.flags(),
            body_bytes: entry.body_bytes(),
            delivery_key: &envelope.delivery_key,
            received_at: envelope.received_at,
            verbatim: entry.payload.verbatim,
            mended: entry.mended(),
            processed_at,
        }
    }
}
