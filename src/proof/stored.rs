//! An envelope as its row says it is, and the leaf that the row gives. Nothing is taken for granted: whoever can write
//! the tables could have put anything there.

use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::{EventId, Position};
use crate::log::chain::{Hash, Leaf};

/// What the leaf is made of, as it is stored.
#[derive(Debug)]
pub(super) struct Stored<'a> {
    pub(super) position: Position,
    pub(super) id: EventId,
    pub(super) tenant: &'a str,
    pub(super) source: &'a str,
    pub(super) delivery_key: &'a str,
    pub(super) event_type: &'a str,
    pub(super) arrived_at: Timestamp,
    /// The JSON text, byte for byte: it is what the leaf commits to.
    pub(super) headers: &'a str,
    pub(super) body_hash: Hash,
    pub(super) verdict: &'a str,
    pub(super) secret_id: &'a str,
}

impl<'a> Stored<'a> {
    /// Reads a row that has these columns.
    ///
    /// # Errors
    /// When a column holds something that cannot have been written there by an append.
    pub(super) fn of(row: &'a Row) -> Result<Self, String> {
        let column = |error: tokio_postgres::Error| error.to_string();
        let body_hash: &[u8] = row.try_get("body_hash").map_err(column)?;
        Ok(Self {
            position: Position::new(row.try_get("position").map_err(column)?),
            id: EventId::from_uuid(row.try_get::<_, Uuid>("id").map_err(column)?),
            tenant: row.try_get("tenant").map_err(column)?,
            source: row.try_get("source").map_err(column)?,
            delivery_key: row.try_get("delivery_key").map_err(column)?,
            event_type: row.try_get("event_type").map_err(column)?,
            arrived_at: row.try_get("arrived_at").map_err(column)?,
            headers: row.try_get("headers").map_err(column)?,
            body_hash: body_hash.try_into().map_err(|_| format!("its body hash has {} bytes", body_hash.len()))?,
            verdict: row.try_get("verdict").map_err(column)?,
            secret_id: row.try_get::<_, Option<&str>>("secret_id").map_err(column)?.unwrap_or_default(),
        })
    }

    /// The hash that chain and tree take in.
    pub(super) fn leaf(&self) -> Hash {
        Leaf {
            id: self.id,
            tenant: self.tenant,
            source: self.source,
            delivery_key: self.delivery_key,
            event_type: self.event_type,
            arrived_at: self.arrived_at,
            headers: self.headers,
            body_hash: &self.body_hash,
            verdict: self.verdict,
            secret_id: self.secret_id,
        }
        .hash()
    }
}
