//! The table `events`: every event of every source.

use async_trait::async_trait;

use super::entry::{Entry, cut, key, row};
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::domain::Envelope;
use crate::domain::clock::Timestamp;
use crate::domain::facts::{Facts, text};
use crate::log::Batch;

/// Keeps the table `events`.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventTable;

#[async_trait]
impl Projector for EventTable {
    const NAME: &'static str = "events";
    const VERSION: i32 = 4;
    const TABLES: &'static [&'static str] = &["events"];
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::fresh(batch);
        let rows = entries.iter().map(Row::of).collect::<Vec<_>>();
        Row::insert(&rows, transaction).await
    }
}

row! {
    struct Row<'a> inserted by "events.sql" {
        position: i64,
        id: &'a str,
        tenant: &'a str,
        source: &'a str,
        platform: &'a str,
        event_type: &'a str,
        action: Option<String>,
        kind: String,
        actor: Option<String>,
        title: Option<String>,
        repository: Option<String>,
        subject: Option<String>,
        url: Option<String>,
        priority: &'static str,
        parse_status: &'static str,
        lossy: bool,
        duplicate_keys: bool,
        flags: String,
        body_bytes: i32,
        delivery_key: &'a str,
        received_at: Timestamp,
        verbatim: bool,
        mended: Option<String>,
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry<'_>) -> Self {
        let envelope = entry.envelope;
        let kind = envelope.kind(&entry.payload);
        let facts = Facts::of(&envelope.source, &envelope.event_type, entry.value());
        let named_platform = (envelope.source == "custom").then(|| key(text(entry.value(), "/platform"))).flatten();
        let bounded = |value: Option<String>| value.filter(|value| key(Some(value)).is_some());
        Self {
            position: envelope.position.get(),
            id: &entry.id,
            tenant: envelope.tenant.as_str(),
            source: &envelope.source,
            platform: named_platform.unwrap_or(&envelope.source),
            event_type: cut(&envelope.event_type),
            kind: kind.to_string(),
            action: bounded(kind.action),
            actor: bounded(facts.actor),
            title: facts.title,
            repository: bounded(facts.repository),
            subject: bounded(facts.subject),
            url: facts.url,
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
        }
    }
}
