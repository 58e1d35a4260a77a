//! What the log commits to, recomputed from its rows.

use std::collections::BTreeMap;

use hooklake::db::Database;
use hooklake::domain::{EventId, Position};
use hooklake::log::chain::{self, Leaf};
use sha2::{Digest, Sha256};

use super::rows;

/// What a row of the log, with its headers as `header_text`, commits to.
pub fn leaf_of(row: &tokio_postgres::Row, body_hash: &chain::Hash) -> chain::Hash {
    Leaf {
        id: EventId::from_uuid(row.get("id")),
        tenant: row.get("tenant"),
        source: row.get("source"),
        delivery_key: row.get("delivery_key"),
        event_type: row.get("event_type"),
        arrived_at: row.get("arrived_at"),
        headers: row.get("header_text"),
        body_hash,
        verdict: row.get("verdict"),
        secret_id: row.get::<_, Option<&str>>("secret_id").unwrap_or_default(),
    }
    .hash()
}

/// I11: from the stored bytes alone.
pub async fn recomputes(database: &Database) {
    let envelopes = rows(database, "SELECT *, headers::text AS header_text FROM log.envelopes ORDER BY position").await;
    let mut leaves: BTreeMap<i64, chain::Hash> = BTreeMap::new();
    for row in &envelopes {
        let body_hash = chain::body_hash(row.get::<_, &[u8]>("salt").try_into().expect("16 bytes"), row.get("body"));
        leaves.insert(row.get("position"), leaf_of(row, &body_hash));
    }
    let mut before = 0;
    let mut so_far = <[u8; 32]>::from(Sha256::digest(b"hooklake log 1"));
    for batch in rows(database, "SELECT first_position, through_position, received_at, chain FROM log.batches ORDER BY 1").await {
        let (first, through): (i64, i64) = (batch.get(0), batch.get(1));
        assert_eq!(first, before + 1, "I4: batches follow each other");
        before = through;
        let of_batch: Vec<chain::Hash> = leaves.range(first..=through).map(|(_, leaf)| *leaf).collect();
        so_far = chain::link(&so_far, Position::new(first), batch.get(2), &of_batch);
        assert_eq!(batch.get::<_, &[u8]>(3), so_far, "I11: the chain through {through}");
    }
    let head = &rows(database, "SELECT chain FROM log.head").await[0];
    assert_eq!(head.get::<_, &[u8]>(0), so_far, "I11: the head");
}
