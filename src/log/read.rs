//! Batches after a position, never past the settled edge.

use std::collections::HashMap;

use bytes::Bytes;
use futures::TryStreamExt;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::fence::{At, Fence};
use super::recent::Recent;
use crate::db::{self, Connection, Database};
use crate::domain::clock::Timestamp;
use crate::domain::envelope::{Flag, Headers, Shared, Verdict};
use crate::domain::{Envelope, EventId, Position, Span, Tenant};

const READ: &str = include_str!("read.sql");
const READ_BODIES: &str = include_str!("read_bodies.sql");
const RECEIVED_BY: &str = include_str!("received_by.sql");
const READ_ONE: &str = include_str!("read_one.sql");
const FENCES: &str = include_str!("fences.sql");
const NEXT_AFTER: &str = include_str!("next_after.sql");
const RETIRED_AFTER: &str = include_str!("retired_after.sql");

/// How much one batch may hold.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// The most positions that it spans.
    pub entries: u32,
    /// The most bytes of bodies, save that one envelope always goes.
    pub bytes: i64,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { entries: 500, bytes: 4 << 20 }
    }
}

/// Part of the log: every envelope of the span that the reader follows.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What was looked at. Positions of sources that the reader does not follow are in the span, not in the envelopes.
    pub span: Span,
    /// In order of position.
    pub envelopes: Vec<Envelope>,
    /// The end of the log when it was read.
    pub head: Position,
}

/// The end of the log.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// The last position given out; everything up to it is visible.
    pub position: Position,
    /// When it was appended; none while the log is empty.
    pub received_at: Option<Timestamp>,
}

/// Reads the log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    database: Database,
    recent: Recent,
    with_retired: bool,
}

impl Reader {
    /// A reader of this database's log.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self::knowing(database, Recent::default())
    }

    /// A reader that takes bodies which were appended lately from where they are kept: for one reader, as each is given
    /// once.
    #[must_use]
    pub const fn knowing(database: Database, recent: Recent) -> Self {
        Self { database, recent, with_retired: false }
    }

    /// The same, but what is retired and still there is read as well: for who takes content away wherever it is.
    #[must_use]
    pub fn with_retired(self) -> Self {
        Self { with_retired: true, ..self }
    }

    pub(super) const fn reads_retired(&self) -> bool {
        self.with_retired
    }

    /// The end of the log.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn head(&self) -> Result<Head, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached("SELECT position, CASE WHEN position > 0 THEN received_at END FROM log.head").await?;
        let row = connection.query_one(&statement, &[]).await?;
        Ok(Head { position: Position::new(row.get(0)), received_at: row.get(1) })
    }

    /// What the log says of these positions, all looked at together. The log's start is the same in every log.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn at<const N: usize>(&self, positions: [Position; N]) -> Result<[At; N], db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(FENCES).await?;
        let rows = connection.query(&statement, &[&positions.map(Position::get).as_slice()]).await?;
        let mut said = positions.map(|position| if position == Position::START { At::Dropped } else { At::Beyond });
        for ((said, row), position) in said.iter_mut().zip(&rows).zip(positions) {
            let chain: Option<&[u8]> = row.get("chain");
            if let (Some(fence), true) = (chain.and_then(Fence::of_chain), position > Position::START) {
                *said = if row.get("is_held") { At::Held(fence) } else { At::Dropped };
            }
        }
        Ok(said)
    }

    /// The last position that was received at or before a time; [`Position::START`] when there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn received_by(&self, time: Timestamp) -> Result<Position, db::Error> {
        let row = self.database.get().await?.query_opt(RECEIVED_BY, &[&time]).await?;
        Ok(row.map_or(Position::START, |row| Position::new(row.get(0))))
    }

    /// What comes after a position. `since` is the time of the last envelope read, if known; it saves looking at older
    /// partitions.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn after(&self, after: Position, since: Option<Timestamp>, sources: Option<&[&str]>, limits: BatchLimits) -> Result<Batch, db::Error> {
        let head = self.head().await?.position;
        self.below(head, after, since, sources, limits).await
    }

    /// What comes after a position in a log that ends there.
    pub(super) async fn below(
        &self,
        head: Position,
        after: Position,
        since: Option<Timestamp>,
        sources: Option<&[&str]>,
        limits: BatchLimits,
    ) -> Result<Batch, db::Error> {
        let through = Position::new(head.get().min(after.get() + i64::from(limits.entries)));
        let mut batch = self.span(Span { after, through }, since, sources, limits.bytes, head).await?;
        if batch.envelopes.is_empty() && !batch.span.is_empty() {
            // Nothing to follow here, or the rows were retired: then the span goes on to where the log does.
            let until = self.next_after(batch.span.through).await?.map_or(head, |next| Position::new(next.get() - 1));
            batch.span.through = batch.span.through.max(until.min(head));
        }
        Ok(batch)
    }

    /// The first position after this one that the log still holds.
    async fn next_after(&self, after: Position) -> Result<Option<Position>, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(NEXT_AFTER).await?;
        Ok(connection.query_opt(&statement, &[&after.get()]).await?.map(|row| Position::new(row.get(0))))
    }

    /// How many partitions that reach beyond a position were retired so far. Who reads from there in several steps has
    /// read all there was if this has not changed meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn retired_after(&self, after: Position) -> Result<i64, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(RETIRED_AFTER).await?;
        Ok(connection.query_one(&statement, &[&after.get()]).await?.get(0))
    }

    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// As much of a span that the log has reached as fits into this many bytes of bodies, but at least one envelope;
    /// what it says of the log's end is the span's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn within(&self, span: Span, since: Option<Timestamp>, sources: Option<&[&str]>, bytes: i64) -> Result<Batch, db::Error> {
        self.span(span, since, sources, bytes, span.through).await
    }

    async fn span(&self, span: Span, since: Option<Timestamp>, sources: Option<&[&str]>, bytes: i64, head: Position) -> Result<Batch, db::Error> {
        if span.is_empty() {
            return Ok(Batch { span: Span { after: span.after, through: span.after }, envelopes: Vec::new(), head });
        }
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(READ).await?;
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        let wants_bodies = self.recent.is_empty();
        let (first, last) = (span.after.get(), span.through.get());
        let parameters: [&(dyn ToSql + Sync); 7] = [&first, &last, &sources, &bytes, &since, &wants_bodies, &self.with_retired];
        // One by one: rows that are kept keep all that came from the socket with them.
        let mut rows = std::pin::pin!(connection.query_raw(&statement, parameters).await?);
        let mut envelopes = Vec::new();
        let mut through = span.through;
        while let Some(row) = rows.try_next().await? {
            let envelope = envelope(&row);
            // As many bytes as may be: what is left of the span comes with the next batch.
            through = if row.get::<_, i64>("bytes_passed") < bytes { span.through } else { envelope.position };
            envelopes.push(envelope);
        }
        if !wants_bodies {
            self.fill(&mut envelopes, &connection).await?;
        }
        Ok(Batch { span: Span { after: span.after, through }, envelopes, head })
    }

    /// Gives envelopes that were read without their bodies what was appended here, and the others what the log says.
    async fn fill(&self, envelopes: &mut Vec<Envelope>, connection: &Connection) -> Result<(), db::Error> {
        let mut missing = Vec::new();
        for (index, envelope) in envelopes.iter_mut().enumerate() {
            match self.recent.take(envelope.id) {
                Some(body) if !envelope.is_redacted() => envelope.body = body,
                _ => missing.push(index),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let (positions, received): (Vec<i64>, Vec<Timestamp>) =
            missing.iter().map(|index| (envelopes[*index].position.get(), envelopes[*index].received_at)).unzip();
        let statement = connection.prepare_cached(READ_BODIES).await?;
        let rows = connection.query(&statement, &[&positions, &received]).await?;
        let rows: HashMap<i64, &Row> = rows.iter().map(|row| (row.get("position"), row)).collect();
        for (index, position) in missing.into_iter().zip(positions).rev() {
            match rows.get(&position) {
                Some(row) => (envelopes[index].body, envelopes[index].flags) = (body(row), flags(row)),
                // Retired since: as if it had been read a moment later.
                None => drop(envelopes.remove(index)),
            }
        }
        Ok(())
    }

    /// The envelope of this name, if the tenant has one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn one(&self, tenant: &Tenant, id: EventId) -> Result<Option<Envelope>, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(READ_ONE).await?;
        let row = connection.query_opt(&statement, &[&id.uuid(), &tenant.as_str()]).await?;
        Ok(row.as_ref().map(envelope))
    }
}

pub(super) fn envelope(row: &Row) -> Envelope {
    Envelope {
        position: Position::new(row.get("position")),
        id: EventId::from_uuid(row.get("id")),
        tenant: Tenant::new(row.get::<_, String>("tenant")),
        source: row.get("source"),
        delivery_key: row.get("delivery_key"),
        event_type: row.get("event_type"),
        arrived_at: row.get("arrived_at"),
        received_at: row.get("received_at"),
        headers: serde_json::from_str::<Headers>(row.get("headers")).unwrap_or_default(),
        body: body(row),
        verdict: Verdict::from_word(row.get("verdict")).unwrap_or(Verdict::Signed),
        secret_id: row.get("secret_id"),
        flags: flags(row),
        shared: Shared::default(),
    }
}

fn body(row: &Row) -> Bytes {
    Bytes::from(row.get::<_, Option<Vec<u8>>>("body").unwrap_or_default())
}

fn flags(row: &Row) -> Vec<Flag> {
    row.get::<_, Vec<&str>>("flags").into_iter().filter_map(Flag::from_word).collect()
}
