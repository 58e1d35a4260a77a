//! The read half: pages of `events`, single events, counts by day.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::TryStreamExt;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::db::{self, Database};
use crate::domain::clock::Timestamp;
use crate::domain::{EventId, KindPattern, Position, Tenant, subject};

const PAGE: &str = include_str!("query/page.sql");
const IS_RETIRED: &str = include_str!("query/is_retired.sql");
const ONE: &str = include_str!("query/one.sql");
const BY_POSITIONS: &str = include_str!("query/by_positions.sql");
const SUMMARY: &str = include_str!("query/summary.sql");

/// The most events of one page; more are asked for page by page.
pub const PAGE_ROWS_MAX: u32 = 1000;

/// The most bytes of events that one request may read, payloads among them: a page of the largest would be gigabytes. The
/// largest body (25 MB) fits.
pub const READ_BYTES_MAX: usize = 32 << 20;

/// Which events are meant; what is none or empty does not narrow.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Where they came from.
    pub source: Option<String>,
    /// Any of these kinds.
    pub kinds: Vec<KindPattern>,
    /// Who did it, whatever the case.
    pub actor: Option<String>,
    /// `owner/name`, whatever the case.
    pub repository: Option<String>,
    /// What they are about, whatever the case; short forms mean [every name](subject::spellings) that they may stand for.
    pub subject: Option<String>,
    /// Received at or after.
    pub since: Option<Timestamp>,
    /// Received before.
    pub until: Option<Timestamp>,
}

/// Which part of them, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// What comes after this one in the list: older events.
    pub after: Option<Position>,
    /// What comes before this one in the list: newer events, those next to it.
    pub before: Option<Position>,
    /// How many at most; see [`PAGE_ROWS_MAX`].
    pub first: u32,
    /// True when payloads are wanted: each is read from the log.
    pub payloads: bool,
}

/// Events of one page, newest first.
#[derive(Debug, Clone)]
pub struct EventPage {
    /// The events.
    pub rows: Vec<EventRow>,
    /// True when there are more in the direction that was asked for.
    pub has_more: bool,
}

/// One row of `events`.
#[derive(Debug, Clone, serde::Serialize)]
pub struct EventRow {
    /// Its place in the log.
    pub position: Position,
    /// Its name, `evt_…`.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// Where it came in.
    pub source: String,
    /// The source, save for custom events that name a platform.
    pub platform: String,
    /// Its type, as the platform names it.
    pub event_type: String,
    /// What happened.
    pub action: Option<String>,
    /// Type and action.
    pub kind: String,
    /// Who did it.
    pub actor: Option<String>,
    /// What it is called.
    pub title: Option<String>,
    /// Where, as `owner/name`.
    pub repository: Option<String>,
    /// What it is about, by its [name](subject).
    pub subject: Option<String>,
    /// Where a person can look at it.
    pub url: Option<String>,
    /// `processed`.
    pub status: String,
    /// `critical`, `high`, `normal` or `low`.
    pub priority: String,
    /// What became of reading the body.
    pub parse_status: String,
    /// True when `payload` differs from the body.
    pub lossy: bool,
    /// True when the body names a key twice.
    pub duplicate_keys: bool,
    /// What was noticed at receipt.
    pub flags: Vec<String>,
    /// The size of the body.
    pub body_bytes: i32,
    /// What makes it the same delivery when it comes again.
    pub delivery_key: String,
    /// When it was stored.
    pub received_at: Timestamp,
    /// The same.
    pub created_at: Timestamp,
    /// When the row was written.
    pub processed_at: Timestamp,
    /// What it says; none when that cannot be read, or was not asked for.
    pub payload: Option<Value>,
}

/// How many events of a type came from a source on a day (UTC).
#[derive(Debug, Clone, serde::Serialize)]
pub struct SummaryRow {
    /// `2026-11-17`.
    pub day: String,
    /// Where they came in.
    pub source: String,
    /// Their type.
    pub event_type: String,
    /// How many.
    pub event_count: i64,
    /// How many different actors.
    pub distinct_actors: i64,
    /// When the first came.
    pub first_at: Timestamp,
    /// When the last came.
    pub last_at: Timestamp,
}

/// Reads `events`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Events {
    database: Database,
    /// Bytes that were read for one request; none where nothing large is asked for.
    read: Option<Arc<AtomicUsize>>,
}

impl Events {
    /// A reader of this database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database, read: None }
    }

    /// The same for one request, of which all that is read together is at most [`READ_BYTES_MAX`].
    #[must_use]
    pub fn bounded(&self) -> Self {
        Self { database: self.database.clone(), read: Some(Arc::default()) }
    }

    /// A page of the events that the filter means, newest first.
    ///
    /// # Errors
    /// When the database does not answer, or with more than a [bounded](Self::bounded) request has room for.
    pub async fn page(&self, tenant: &Tenant, filter: &EventFilter, page: Page) -> Result<EventPage, db::Error> {
        let first = page.first.min(PAGE_ROWS_MAX);
        let types = filter.kinds.iter().map(KindPattern::event_type).collect::<Vec<_>>();
        let actions = filter.kinds.iter().map(KindPattern::action).collect::<Vec<_>>();
        let subjects = filter.subject.as_deref().map(subject::spellings).unwrap_or_default();
        let after = page.after.map(Position::get);
        let before = page.before.map(Position::get);
        // Towards newer events the nearest ones are wanted, so they are read upwards and turned round.
        let upwards = before.is_some() && after.is_none();
        let limit = i64::from(first) + 1;
        let statement = if upwards { PAGE.replace("DESC LIMIT", "ASC LIMIT") } else { PAGE.to_owned() };
        let mut rows = self
            .rows(
                &statement,
                &[
                    &tenant.as_str(),
                    &after,
                    &before,
                    &filter.source,
                    &types,
                    &actions,
                    &filter.actor,
                    &filter.repository,
                    &subjects,
                    &filter.since,
                    &filter.until,
                    &limit,
                    &page.payloads,
                ],
            )
            .await?;
        let has_more = rows.len() > first as usize;
        rows.truncate(first as usize);
        if upwards {
            rows.reverse();
        }
        Ok(EventPage { rows, has_more })
    }

    /// True when retention took what stood at this position: a page that begins there would silently be short.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_retired(&self, position: Position) -> Result<bool, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(IS_RETIRED).await?;
        Ok(connection.query_one(&statement, &[&position.get()]).await?.get(0))
    }

    /// The event of this name, if the tenant has one, with its payload if that is wanted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn one(&self, tenant: &Tenant, id: EventId, payload: bool) -> Result<Option<EventRow>, db::Error> {
        Ok(self.rows(ONE, &[&tenant.as_str(), &id.to_string(), &payload]).await?.pop())
    }

    /// The tenant's events at these places with their payloads, in order of position.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn by_positions(&self, tenant: &Tenant, positions: &[Position]) -> Result<Vec<EventRow>, db::Error> {
        let positions = positions.iter().map(|position| position.get()).collect::<Vec<_>>();
        self.rows(BY_POSITIONS, &[&tenant.as_str(), &positions]).await
    }

    /// Counts of the last days, newest day first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn summary(&self, tenant: &Tenant, days: u32) -> Result<Vec<SummaryRow>, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(SUMMARY).await?;
        let days = i32::try_from(days.clamp(1, 36_500)).unwrap_or(1);
        let rows = connection.query(&statement, &[&tenant.as_str(), &days]).await?;
        Ok(rows
            .into_iter()
            .map(|row| SummaryRow {
                day: row.get("day"),
                source: row.get("source"),
                event_type: row.get("event_type"),
                event_count: row.get("event_count"),
                distinct_actors: row.get("distinct_actors"),
                first_at: row.get("first_at"),
                last_at: row.get("last_at"),
            })
            .collect())
    }

    async fn rows(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<EventRow>, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(statement).await?;
        // Row by row: what is too much is known before all of it is there.
        let mut stream = pin!(connection.query_raw(&statement, parameters.iter().copied()).await?);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await? {
            self.has_read(row.raw_size_bytes())?;
            rows.push(event(&row));
        }
        Ok(rows)
    }

    fn has_read(&self, bytes: usize) -> Result<(), db::Error> {
        match &self.read {
            Some(read) if read.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > READ_BYTES_MAX => Err(db::Error::TooLarge(READ_BYTES_MAX)),
            _ => Ok(()),
        }
    }
}

fn event(row: &Row) -> EventRow {
    EventRow {
        position: Position::new(row.get("position")),
        id: row.get("id"),
        tenant: row.get("tenant"),
        source: row.get("source"),
        platform: row.get("platform"),
        event_type: row.get("event_type"),
        action: row.get("action"),
        kind: row.get("kind"),
        actor: row.get("actor"),
        title: row.get("title"),
        repository: row.get("repository"),
        subject: row.get("subject"),
        url: row.get("url"),
        status: row.get("status"),
        priority: row.get("priority"),
        parse_status: row.get("parse_status"),
        lossy: row.get("lossy"),
        duplicate_keys: row.get("duplicate_keys"),
        flags: row.get("flags"),
        body_bytes: row.get("body_bytes"),
        delivery_key: row.get("delivery_key"),
        received_at: row.get("received_at"),
        created_at: row.get("created_at"),
        processed_at: row.get("processed_at"),
        payload: row.get("payload"),
    }
}
