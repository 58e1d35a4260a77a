//! The table `received_deliveries`: how each delivery in the log came in. The view `webhook_deliveries` adds those that
//! came again.

use async_trait::async_trait;
use tokio_postgres::Transaction;

use super::entry::{Entry, cut, row};
use crate::consumer::{Error, Projector};
use crate::domain::clock::Timestamp;
use crate::domain::facts::text;
use crate::domain::{Envelope, ParseStatus};
use crate::log::Batch;

/// Keeps the table `received_deliveries`.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryTable;

#[async_trait]
impl Projector for DeliveryTable {
    const NAME: &'static str = "webhook_deliveries";
    const VERSION: i32 = 1;
    const TABLES: &'static [&'static str] = &["received_deliveries"];
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::all(batch);
        let rows = entries.iter().map(Row::of).collect::<Vec<_>>();
        Row::insert(&rows, transaction).await
    }
}

row! {
    struct Row<'a> inserted by "deliveries.sql" {
        position: i64,
        id: &'a str,
        tenant: &'a str,
        source: &'a str,
        delivery_key: &'a str,
        delivery_id: &'a str,
        event_type: &'a str,
        response_time_ms: f64,
        retry_attempts: i32,
        retry_reason: Option<&'a str>,
        error: Option<&'static str>,
        flags: String,
        verdict: &'static str,
        secret_id: Option<&'a str>,
        body_bytes: i32,
        user_agent: Option<&'a str>,
        received_at: Timestamp,
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry<'_>) -> Self {
        let envelope = entry.envelope;
        let header = |name: &str| envelope.headers.get(name);
        let named = ["x-github-delivery", "linear-delivery", "webhook-id"].into_iter().find_map(header);
        // The two clocks may differ, so an answer may seem to precede its question.
        let waited_us = (envelope.received_at - envelope.arrived_at).num_microseconds().unwrap_or(0).max(0);
        Self {
            position: envelope.position.get(),
            id: &entry.id,
            tenant: envelope.tenant.as_str(),
            source: &envelope.source,
            delivery_key: &envelope.delivery_key,
            delivery_id: named.or_else(|| text(entry.value(), "/event_id")).unwrap_or(&envelope.delivery_key),
            event_type: cut(&envelope.event_type),
            response_time_ms: f64::from(u32::try_from(waited_us).unwrap_or(u32::MAX)) / 1000.0,
            retry_attempts: header("x-slack-retry-num").and_then(|number| number.trim().parse().ok()).unwrap_or(0),
            retry_reason: header("x-slack-retry-reason"),
            error: (entry.payload.status != ParseStatus::Ok).then(|| entry.payload.status.as_str()),
            flags: entry.flags(),
            verdict: envelope.verdict.as_str(),
            secret_id: envelope.secret_id.as_deref(),
            body_bytes: entry.body_bytes(),
            user_agent: header("user-agent"),
            received_at: envelope.received_at,
        }
    }
}
