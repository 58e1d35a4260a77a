//! The other things that a query returns.

use crate::consumer::checkpoint::Standing;
use crate::domain::clock::Timestamp;
use crate::projectors::query::{EventFilter, SummaryRow};
use crate::search::query::{Hit, SearchAnswer};
use crate::serve::error::ApiError;
use crate::serve::{events, sql};
use async_graphql::{ID, InputObject, InputValueError, InputValueResult, Json, Scalar, ScalarType, SimpleObject, Value};

/// A whole number of up to 64 bits, where `Int` has 32.
#[derive(Debug, Clone, Copy)]
pub(super) struct Long(pub i64);

/// A whole number of up to 64 bits, where `Int` has 32.
#[Scalar]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number.as_i64().map(Self).ok_or_else(|| InputValueError::custom("is a whole number")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        self.0.into()
    }
}

/// Which events: those that meet every condition given.
#[derive(Debug, Default, InputObject)]
pub(super) struct EventFilterInput {
    /// Where they came from, such as `github`.
    source: Option<String>,
    /// Kinds, any of them: `pull_request`, `pull_request:opened`, `pull_request:*`; whatever the case.
    kinds: Option<Vec<String>>,
    /// Who did it.
    actor: Option<String>,
    /// The repository, such as `octo/hello`.
    repository: Option<String>,
    /// What they are about, as `Event.subject` names it; or in short: `HEL-42`, `octo/hello#2`, a commit's hash, a deployment's id.
    subject: Option<String>,
    /// Not earlier than this.
    since: Option<Timestamp>,
    /// Earlier than this.
    until: Option<Timestamp>,
}

impl TryFrom<EventFilterInput> for EventFilter {
    type Error = ApiError;

    fn try_from(input: EventFilterInput) -> Result<Self, ApiError> {
        let filter = Self {
            source: input.source,
            kinds: events::kinds("kinds", &input.kinds.unwrap_or_default())?,
            actor: input.actor,
            repository: input.repository,
            subject: input.subject,
            since: input.since,
            until: input.until,
        };
        events::answerable(&filter)?;
        Ok(filter)
    }
}

/// What a search found, best first, and how far the index had come.
#[derive(Debug, SimpleObject)]
pub(super) struct SearchResult {
    /// How many events match.
    total: i32,
    /// The hits of this page.
    hits: Vec<SearchHit>,
    /// The cursor of the next page, for `after`; null on the last one.
    next: Option<String>,
    /// The last position of the log that the index holds.
    through_position: Long,
    /// Events of the log that the index does not hold yet.
    lag_events: Long,
}

impl SearchResult {
    pub fn new(answer: SearchAnswer, next: Option<String>) -> Self {
        Self {
            total: i32::try_from(answer.total).unwrap_or(i32::MAX),
            hits: answer.hits.into_iter().map(SearchHit::from).collect(),
            next,
            through_position: Long(answer.through.get()),
            lag_events: Long(i64::try_from(answer.lag_events).unwrap_or(i64::MAX)),
        }
    }
}

/// An event that matches. `event(id)` has the whole of it.
#[derive(Debug, SimpleObject)]
struct SearchHit {
    /// The event's name.
    id: ID,
    /// Its place in the log.
    position: Long,
    /// How well it matches; comparable within one answer only.
    score: f32,
    /// Where it came from.
    source: String,
    /// Its type.
    event_type: String,
    /// What happened.
    action: Option<String>,
    /// What it is about, in one line.
    title: Option<String>,
    /// The words around the match, escaped for HTML, the matching ones in `<b>`.
    snippet_html: String,
    /// Where to look at it.
    url: Option<String>,
    /// When it was stored.
    received_at: Timestamp,
}

impl From<Hit> for SearchHit {
    fn from(hit: Hit) -> Self {
        Self {
            id: hit.id.to_string().into(),
            position: Long(hit.position.get()),
            score: hit.score,
            source: hit.source,
            event_type: hit.event_type,
            action: hit.action,
            title: hit.title,
            snippet_html: hit.snippet_html,
            url: hit.url,
            received_at: hit.received_at,
        }
    }
}

/// How many events of one type came from one source on one day (UTC).
#[derive(Debug, SimpleObject)]
pub(super) struct SummaryEntry {
    /// The day, such as `2026-01-31`.
    day: String,
    /// Where they came from.
    source: String,
    /// Their type.
    event_type: String,
    /// How many.
    event_count: Long,
    /// How many different people or machines did it.
    distinct_actors: Long,
}

impl From<SummaryRow> for SummaryEntry {
    fn from(row: SummaryRow) -> Self {
        Self { day: row.day, source: row.source, event_type: row.event_type, event_count: Long(row.event_count), distinct_actors: Long(row.distinct_actors) }
    }
}

/// The answer to a SQL query.
#[derive(Debug, SimpleObject)]
pub(super) struct SqlResult {
    /// The columns, in order.
    columns: Vec<String>,
    /// The rows, each an object by column name.
    rows: Json<Vec<serde_json::Map<String, serde_json::Value>>>,
    /// True when there were more rows than asked for.
    truncated: bool,
    /// What the answer rests on.
    receipt: Receipt,
}

/// What an answer rests on.
#[derive(Debug, SimpleObject)]
struct Receipt {
    /// The last position of the log that the answer takes into account.
    through_position: Long,
    /// How old the newest event is that it does not take into account, in milliseconds.
    lag_ms: Long,
    /// True when it takes into account everything that was stored when it was asked.
    complete: bool,
}

impl From<sql::Table> for SqlResult {
    fn from(table: sql::Table) -> Self {
        let receipt =
            Receipt { through_position: Long(table.receipt.through_position.get()), lag_ms: Long(table.receipt.lag_ms), complete: table.receipt.complete };
        Self { columns: table.columns, rows: Json(table.rows), truncated: table.truncated, receipt }
    }
}

/// How the server is.
#[derive(Debug, SimpleObject)]
pub(super) struct Status {
    /// Its version.
    pub version: &'static str,
    /// How long it has been up.
    pub uptime_seconds: Long,
    /// The last position of the log.
    pub head: Long,
    /// Who follows the log, and how far each has come.
    pub consumers: Vec<ConsumerStatus>,
    /// Events by source, since the log began.
    pub totals: Vec<SourceTotal>,
}

/// How many events came from one source.
#[derive(Debug, SimpleObject)]
pub(super) struct SourceTotal {
    /// The source.
    pub source: String,
    /// How many.
    pub events: Long,
}

/// One follower of the log.
#[derive(Debug, SimpleObject)]
#[graphql(name = "Consumer")]
pub(super) struct ConsumerStatus {
    /// Its name.
    name: String,
    /// The last position that it has applied.
    position: Long,
    /// Events that it has not seen.
    lag_events: Long,
    /// How long the oldest event that it has not seen has waited.
    lag_seconds: f64,
    /// Events that it set aside because it could not take them.
    parked: Long,
    /// Which instance runs it; null when none does.
    owner: Option<String>,
    /// Why it stands still, when it does.
    error: Option<String>,
}

impl From<Standing> for ConsumerStatus {
    fn from(standing: Standing) -> Self {
        Self {
            name: standing.name,
            position: Long(standing.position.get()),
            lag_events: Long(standing.lag_events),
            lag_seconds: standing.lag_seconds,
            parked: Long(standing.parked),
            owner: standing.owner,
            error: standing.error,
        }
    }
}
