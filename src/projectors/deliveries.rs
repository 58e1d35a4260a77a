//! The table `received_deliveries`: how each delivery in the log came in. The view `webhook_deliveries` adds those that
//! came again.

use std::borrow::Cow;

use async_trait::async_trait;

use super::entry::{body_bytes, cut, flags, row};
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
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
    const VERSION: i32 = 2;
    const TABLES: &'static [&'static str] = &["received_deliveries"];
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let told = batch.envelopes.iter().map(Told::of).collect::<Vec<_>>();
        Row::insert(told.iter().map(Row::of).collect(), transaction).await
    }
}

row! {
    struct Row<'a> of "received_deliveries" {
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
        flags: Vec<String>,
        verdict: &'static str,
        secret_id: Option<&'a str>,
        body_bytes: i32,
        user_agent: Option<&'a str>,
        received_at: Timestamp,
    }
}

/// An envelope, and the little that this table wants of its body.
struct Told<'a> {
    envelope: &'a Envelope,
    id: String,
    status: ParseStatus,
    delivery_id: Cow<'a, str>,
}

impl<'a> Told<'a> {
    fn of(envelope: &'a Envelope) -> Self {
        let named = ["x-github-delivery", "linear-delivery", "webhook-id"].into_iter().find_map(|name| envelope.headers.get(name));
        let payload = envelope.payload();
        let event_id = || text(payload.value(), "/event_id").map(|id| Cow::Owned(id.to_owned()));
        let delivery_id = named.map(Cow::Borrowed).or_else(event_id).unwrap_or(Cow::Borrowed(envelope.delivery_key.as_str()));
        Self { envelope, id: envelope.id.to_string(), status: payload.status, delivery_id }
    }
}

impl<'a> Row<'a> {
    fn of(told: &'a Told<'_>) -> Self {
        let envelope = told.envelope;
        let header = |name: &str| envelope.headers.get(name);
        // The two clocks may differ, so an answer may seem to precede its question.
        // What was taken away since says nothing about how the delivery came.
        let is_gone = envelope.is_redacted() && envelope.body.is_empty();
        let waited_us = (envelope.received_at - envelope.arrived_at).num_microseconds().unwrap_or(0).max(0);
        Self {
            position: envelope.position.get(),
            id: &told.id,
            tenant: envelope.tenant.as_str(),
            source: &envelope.source,
            delivery_key: &envelope.delivery_key,
            delivery_id: &told.delivery_id,
            event_type: cut(&envelope.event_type),
            response_time_ms: f64::from(u32::try_from(waited_us).unwrap_or(u32::MAX)) / 1000.0,
            retry_attempts: header("x-slack-retry-num").and_then(|number| number.trim().parse().ok()).unwrap_or(0),
            retry_reason: header("x-slack-retry-reason"),
            error: (told.status != ParseStatus::Ok && !is_gone).then(|| told.status.as_str()),
            flags: flags(envelope),
            verdict: envelope.verdict.as_str(),
            secret_id: envelope.secret_id.as_deref(),
            body_bytes: body_bytes(envelope),
            user_agent: header("user-agent"),
            received_at: envelope.received_at,
        }
    }
}
