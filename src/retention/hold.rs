//! Legal holds: what must not go, whatever policy or person says so.

use serde_json::json;
use uuid::Uuid;

use super::{Custodian, Error};
use crate::domain::Position;
use crate::domain::clock::Timestamp;

const ADD: &str = include_str!("hold_add.sql");
const COVERS: &str = include_str!("hold_covers.sql");
const LIST: &str = include_str!("hold_list.sql");
const RELEASE: &str = include_str!("hold_release.sql");
/// Holds wait for what is being redacted at this moment, and the next redaction sees them.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtext('log.holds'))";

/// The type of envelopes that record that a hold was placed.
pub const HOLD: &str = "hold";
/// The type of envelopes that record that a hold was released.
pub const HOLD_RELEASED: &str = "hold_released";

/// What a hold covers: envelopes to which everything that is given applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of this source.
    pub source: Option<String>,
    /// From this position.
    pub from: Option<Position>,
    /// Through this position.
    pub to: Option<Position>,
}

/// A hold, as it stands.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Its name.
    pub id: Uuid,
    /// Why it was placed.
    pub reason: String,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: Timestamp,
    /// What it covers.
    pub cover: Cover,
    /// When it was released; none while it holds.
    pub released_at: Option<Timestamp>,
}

impl Custodian {
    /// Places a hold.
    ///
    /// # Errors
    /// [`Error::Request`] when there is no reason, or no position that it could cover; and when the database does not answer.
    pub async fn hold(&mut self, reason: &str, cover: &Cover) -> Result<Uuid, Error> {
        if reason.trim().is_empty() {
            return Err(Error::Request("say why: --reason".to_owned()));
        }
        if [cover.from, cover.to].into_iter().flatten().any(|position| position <= Position::START)
            || cover.from.zip(cover.to).is_some_and(|(from, to)| from > to)
        {
            return Err(Error::Request("no position is in that range: the first is 1, and --from comes before --to".to_owned()));
        }
        let transaction = self.client.transaction().await?;
        transaction.batch_execute("SET LOCAL lock_timeout = '10s'").await?;
        transaction.execute(ALONE, &[]).await?;
        let (from, to) = (cover.from.map(Position::get), cover.to.map(Position::get));
        let id: Uuid = transaction.query_one(ADD, &[&reason, &self.by, &cover.tenant, &cover.source, &from, &to]).await?.get(0);
        let act = json!({"hold": id, "reason": reason, "by": self.by, "tenant": cover.tenant, "source": cover.source, "from": from, "to": to});
        Self::act(&transaction, HOLD, &act, &self.clock).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// True when the log has something that it would cover; a hold may also be on what is yet to come.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn covers_something(&self, cover: &Cover) -> Result<bool, Error> {
        let (from, to) = (cover.from.map(Position::get), cover.to.map(Position::get));
        Ok(self.client.query_one(COVERS, &[&cover.tenant, &cover.source, &from, &to]).await?.get(0))
    }

    /// Releases a hold; what it covered may go again.
    ///
    /// # Errors
    /// [`Error::Request`] when no such hold stands.
    pub async fn release(&mut self, id: Uuid) -> Result<(), Error> {
        let transaction = self.client.transaction().await?;
        transaction.batch_execute("SET LOCAL lock_timeout = '10s'").await?;
        transaction.execute(ALONE, &[]).await?;
        if transaction.execute(RELEASE, &[&id, &self.by]).await? == 0 {
            return Err(Error::Request(format!("no hold {id} stands; `hooklake hold list` shows those that do")));
        }
        Self::act(&transaction, HOLD_RELEASED, &json!({"hold": id, "by": self.by}), &self.clock).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Every hold, those that were released included, the latest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn holds(&self) -> Result<Vec<Hold>, Error> {
        let rows = self.client.query(LIST, &[]).await?;
        Ok(rows
            .into_iter()
            .map(|row| Hold {
                id: row.get("id"),
                reason: row.get("reason"),
                placed_by: row.get("placed_by"),
                placed_at: row.get("placed_at"),
                cover: Cover {
                    tenant: row.get("tenant"),
                    source: row.get("source"),
                    from: row.get::<_, Option<i64>>("from_position").map(Position::new),
                    to: row.get::<_, Option<i64>>("to_position").map(Position::new),
                },
                released_at: row.get("released_at"),
            })
            .collect())
    }
}
