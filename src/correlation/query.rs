//! The read half: everything linked with an event, and which links there are.

use tokio_postgres::Row;

use crate::db::{self, Database};
use crate::domain::clock::Timestamp;
use crate::domain::{EventId, Tenant};

const OF_EVENT: &str = include_str!("query/of_event.sql");
const RECENT: &str = include_str!("query/recent.sql");
const COUNTS: &str = include_str!("query/counts.sql");

/// The most links of one answer.
pub const LINKS_MAX: i64 = 500;

/// Two subjects that belong together, with the strongest evidence and the newest events about the other one.
#[derive(Debug, Clone)]
pub struct Correlation {
    /// `pr_to_issue`, `message_to_pr`, …: from `subject` to `related_subject`.
    pub correlation_type: String,
    /// The one that the evidence is about.
    pub subject: String,
    /// The one that it names.
    pub related_subject: String,
    /// From 0 to 1.
    pub confidence: f64,
    /// The rule that found it.
    pub rule: String,
    /// The field that says so.
    pub evidence_field: String,
    /// The words that say so.
    pub evidence_text: String,
    /// The event that says so, `evt_…`.
    pub event_id: String,
    /// How many events say so.
    pub evidence_count: i64,
    /// When the first of them came.
    pub first_at: Timestamp,
    /// The newest events about the subject at the other end, at most five.
    pub related_event_ids: Vec<EventId>,
}

/// How many links of a type there are.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TypeCount {
    /// `pr_to_issue`, `message_to_pr`, ….
    pub correlation_type: String,
    /// How many, each counted once.
    pub links: i64,
}

/// Reads links. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Links {
    database: Database,
}

impl Links {
    /// A reader of this database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Everything linked with what this event is about, in either direction: one step, the strongest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of_event(&self, tenant: &Tenant, id: EventId) -> Result<Vec<Correlation>, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(OF_EVENT).await?;
        Ok(connection.query(&statement, &[&tenant.as_str(), &id.to_string(), &LINKS_MAX]).await?.iter().map(correlation).collect())
    }

    /// The links found last, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn recent(&self, tenant: &Tenant, limit: u32) -> Result<Vec<Correlation>, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(RECENT).await?;
        let limit = i64::from(limit).min(LINKS_MAX);
        Ok(connection.query(&statement, &[&tenant.as_str(), &limit]).await?.iter().map(correlation).collect())
    }

    /// How many links there are of each type, the most frequent first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn counts_by_type(&self, tenant: &Tenant) -> Result<Vec<TypeCount>, db::Error> {
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(COUNTS).await?;
        let rows = connection.query(&statement, &[&tenant.as_str()]).await?;
        Ok(rows.iter().map(|row| TypeCount { correlation_type: row.get("correlation_type"), links: row.get("links") }).collect())
    }
}

fn correlation(row: &Row) -> Correlation {
    Correlation {
        correlation_type: row.get("correlation_type"),
        subject: row.get("subject"),
        related_subject: row.get("related_subject"),
        confidence: row.get("confidence"),
        rule: row.get("rule"),
        evidence_field: row.get("evidence_field"),
        evidence_text: row.get("evidence_text"),
        event_id: row.get("event_id"),
        evidence_count: row.get("evidence_count"),
        first_at: row.get("first_at"),
        related_event_ids: ids(row, "related_event_ids"),
    }
}

fn ids(row: &Row, column: &str) -> Vec<EventId> {
    row.get::<_, Vec<&str>>(column).into_iter().filter_map(|id| id.parse().ok()).collect()
}
