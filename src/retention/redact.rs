//! Takes bodies away, or parts of them, in batches: the bodies go and the act comes in one transaction.

use uuid::Uuid;

use super::blank::{self, Pointer};
use super::custodian::try_again;
use super::{Custodian, Error};
use crate::domain::places::{Cause, REDACTION, Redaction};
use crate::domain::{Envelope, Places, Position};
use crate::log::{self, Reader};

const REDACT: &str = "SELECT log_position, bytes_before, conflicts FROM log.redact($1, $2)";
const MISSING: &str = include_str!("missing.sql");
const REDACT_CONFLICTS: &str = "SELECT log.redact_conflicts($1)";

/// The most envelopes of one act.
pub const BATCH_ENTRIES_MAX: usize = 500;
/// The most bytes that remain of the bodies of one act: whoever forgets reads them again.
pub const BATCH_BYTES_MAX: usize = 16 << 20;

/// Why something is taken away, and what of it.
#[derive(Debug, Clone)]
pub struct Order {
    /// Why.
    pub cause: Cause,
    /// In words.
    pub reason: String,
    /// The parts of each body; none for all of it.
    pub paths: Vec<Pointer>,
    /// The erasure that it is part of.
    pub erasure: Option<Uuid>,
    /// True when the lake keeps what it has.
    pub lake_keeps: bool,
}

/// What was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Envelopes.
    pub envelopes: u64,
    /// Bytes of their bodies before.
    pub bytes: i64,
    /// Other bodies that had come under the same keys.
    pub conflicts: i64,
    /// The last act: whoever is beyond it has forgotten.
    pub act: Position,
}

impl Custodian {
    /// Redacts the envelopes at these positions.
    ///
    /// # Errors
    /// [`Error::Request`] when a position or a path is not there: then nothing is redacted; [`Error::Held`] and [`Error::Own`].
    /// Batches before the one that failed stay redacted, with their acts; the first is refused for all positions.
    pub async fn redact(&mut self, order: &Order, positions: &[Position]) -> Result<Done, Error> {
        let numbers: Vec<i64> = positions.iter().map(|position| position.get()).collect();
        let missing = self.client.query_opt(MISSING, &[&numbers]).await?;
        if let Some(row) = missing {
            return Err(Error::Request(format!("the log holds nothing at position {}; nothing was redacted", row.get::<_, i64>(0))));
        }
        self.redact_each(order, positions).await
    }

    /// The same, of those that are still there: what retention takes away meanwhile needs no redaction.
    ///
    /// # Errors
    /// As [`redact`](Self::redact).
    pub(super) async fn redact_each(&mut self, order: &Order, positions: &[Position]) -> Result<Done, Error> {
        let mut positions = positions.to_vec();
        positions.sort_unstable();
        positions.dedup();
        self.refuse_held(&positions).await?;
        let mut done = Done::default();
        if order.paths.is_empty() {
            for chunk in positions.chunks(BATCH_ENTRIES_MAX) {
                let bodies = vec![None; chunk.len()];
                self.redact_batch(order, chunk, &bodies, &mut done).await?;
            }
            return Ok(done);
        }
        // First all of them in mind, so that a path that is not there stops before anything is gone.
        let places = Places { positions: positions.clone(), ..Places::default() };
        let mut rest = Reader::new(self.database.clone()).with_retired().reread(&places);
        while let Some(batch) = rest.next().await? {
            for envelope in &batch.envelopes {
                reduced(envelope, &order.paths)?;
            }
        }
        let mut rest = Reader::new(self.database.clone()).with_retired().reread(&places);
        let (mut chunk, mut bodies, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(batch) = rest.next().await? {
            for envelope in &batch.envelopes {
                let body = reduced(envelope, &order.paths)?;
                if !chunk.is_empty() && (chunk.len() == BATCH_ENTRIES_MAX || bytes + body.len() > BATCH_BYTES_MAX) {
                    self.redact_batch(order, &chunk, &bodies, &mut done).await?;
                    (chunk, bodies, bytes) = (Vec::new(), Vec::new(), 0);
                }
                bytes += body.len();
                chunk.push(envelope.position);
                bodies.push(Some(body));
            }
        }
        if !chunk.is_empty() {
            self.redact_batch(order, &chunk, &bodies, &mut done).await?;
        }
        Ok(done)
    }

    /// Takes away only the other bodies that came under the keys of these envelopes.
    ///
    /// # Errors
    /// As [`redact`](Self::redact).
    pub async fn redact_conflicts(&mut self, order: &Order, positions: &[Position]) -> Result<Done, Error> {
        let numbers: Vec<i64> = positions.iter().map(|position| position.get()).collect();
        let transaction = self.client.transaction().await?;
        let conflicts: i64 = transaction.query_one(REDACT_CONFLICTS, &[&numbers]).await?.get(0);
        let (_, act) = Self::act(&transaction, REDACTION, &recorded(order, &self.by, positions, conflicts), &self.clock).await?;
        transaction.commit().await?;
        Ok(Done { conflicts, act, ..Done::default() })
    }

    /// One batch and its act, in one transaction.
    async fn redact_batch(&mut self, order: &Order, positions: &[Position], bodies: &[Option<Vec<u8>>], done: &mut Done) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            match self.try_batch(order, positions, bodies, done).await {
                Err(Error::Busy) if try_again(&mut tries).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_batch(&mut self, order: &Order, positions: &[Position], bodies: &[Option<Vec<u8>>], done: &mut Done) -> Result<(), Error> {
        let numbers: Vec<i64> = positions.iter().map(|position| position.get()).collect();
        let transaction = self.client.transaction().await?;
        let rows = transaction.query(REDACT, &[&numbers, &bodies]).await?;
        let there: Vec<Position> = rows.iter().map(|row| Position::new(row.get(0))).collect();
        let bytes: i64 = rows.iter().map(|row| i64::from(row.get::<_, i32>(1))).sum();
        let conflicts: i64 = rows.iter().map(|row| row.get::<_, i64>(2)).sum();
        if there.is_empty() {
            return Ok(());
        }
        // Last: from here to the commit every append waits.
        let (_, act) = Self::act(&transaction, REDACTION, &recorded(order, &self.by, &there, conflicts), &self.clock).await?;
        transaction.commit().await?;
        // Readers look every second all the same.
        drop(log::announce(&self.client).await);
        done.envelopes += there.len() as u64;
        done.bytes += bytes;
        done.conflicts += conflicts;
        done.act = act;
        Ok(())
    }

    /// Refuses all of these positions when a hold covers any.
    pub(super) async fn refuse_held(&self, positions: &[Position]) -> Result<(), Error> {
        let numbers: Vec<i64> = positions.iter().map(|position| position.get()).collect();
        let held: Option<String> = self.client.query_one("SELECT log.held($1)", &[&numbers]).await?.get(0);
        held.map_or(Ok(()), |held| Err(Error::Held(held)))
    }
}

fn recorded(order: &Order, by: &str, positions: &[Position], conflicts: i64) -> Redaction {
    Redaction {
        cause: order.cause,
        reason: order.reason.clone(),
        by: by.to_owned(),
        positions: positions.to_vec(),
        paths: order.paths.iter().map(ToString::to_string).collect(),
        erasure: order.erasure,
        conflicts,
        lake_keeps: order.lake_keeps,
    }
}

/// The body without the parts at these paths.
fn reduced(envelope: &Envelope, paths: &[Pointer]) -> Result<Vec<u8>, Error> {
    let refused = |reason: String| Error::Request(format!("{} at position {}: {reason}", envelope.id, envelope.position));
    let mut body = std::str::from_utf8(&envelope.body).map_err(|_| refused("its body is not text; redact all of it".to_owned()))?.to_owned();
    for path in paths {
        body = blank::blank(&body, path).map_err(|error| refused(error.to_string()))?;
    }
    Ok(body.into_bytes())
}
