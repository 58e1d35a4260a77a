//! Envelopes of hooklake's own that are one transaction with what they tell about: an act that destroys something and the
//! record of it are both there, or neither is.

use serde_json::Value;
use tokio_postgres::Transaction;

use super::chain::{self, Leaf};
use crate::db;
use crate::domain::clock::Timestamp;
use crate::domain::envelope::Verdict;
use crate::domain::{EventId, OWN_SOURCE, Position, Tenant};

const APPEND_ONE: &str = include_str!("append_one.sql");
const HEADERS: &str = r#"[["content-type","application/json"]]"#;

/// Appends a record of hooklake's own; it is in the log once the transaction commits. Call it last: from here on every
/// other append waits for the commit.
///
/// # Errors
/// When the database refuses, or there are no random numbers.
pub async fn append_within(transaction: &Transaction<'_>, event_type: &str, body: &Value, now: Timestamp) -> Result<(EventId, Position), db::Error> {
    let id = EventId::generate();
    let tenant = Tenant::default_tenant();
    let delivery_key = id.to_string();
    let body = body.to_string().into_bytes();
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| db::Error::Settings(format!("no random numbers: {error}")))?;
    // The log keeps microseconds, and the leaf commits to what it keeps.
    let arrived_at = Timestamp::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now);
    let body_hash = chain::body_hash(&salt, &body);
    let leaf = Leaf {
        id,
        tenant: tenant.as_str(),
        source: OWN_SOURCE,
        delivery_key: &delivery_key,
        event_type,
        arrived_at,
        headers: HEADERS,
        body_hash: &body_hash,
        verdict: Verdict::Authorized.as_str(),
        secret_id: "",
    }
    .hash();
    let statement = transaction.prepare(APPEND_ONE).await?;
    let row = transaction
        .query_one(
            &statement,
            &[
                &id.uuid(),
                &tenant.as_str(),
                &delivery_key,
                &event_type,
                &arrived_at,
                &HEADERS,
                &body,
                &salt.as_slice(),
                &body_hash.as_slice(),
                &leaf.as_slice(),
            ],
        )
        .await?;
    Ok((EventId::from_uuid(row.get(0)), Position::new(row.get(1))))
}

/// Tells readers that there is more, after a transaction with [`append_within`] has committed. They look every second
/// all the same.
///
/// # Errors
/// When the database does not answer.
pub async fn announce(client: &tokio_postgres::Client) -> Result<(), db::Error> {
    Ok(client.batch_execute(super::tail::NOTIFY).await?)
}
