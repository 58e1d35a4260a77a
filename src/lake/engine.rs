//! SQL over the lake and the log's tail as one table.
//!
//! ```text
//! text ─guard→ question ─permit→ snapshot (W) and head ─catalog of one tenant→ plan ─threads of its own→ rows
//!                                                        (and of PostgreSQL, where it names what is there)
//! ```
//!
//! Planning and computing have threads of their own: a query that computes for long does not keep ingest waiting, and
//! one that is out of time is given up at its next pause. A permit is held until the work has really ended.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::Utc;
use datafusion::common::ScalarValue;
use deltalake::DeltaTable;
use futures::StreamExt;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::answer::{Answer, Receipt};
use super::guard::{self, Question};
use super::relations::{self, DOCUMENTATION, Keepers, Standing};
use super::session::Places;
use super::table::{self, Location};
use super::tail;
use super::{Error, session, size};
use crate::db::Database;
use crate::domain::{Position, Span, Tenant};
use crate::log::Reader;

/// Threads that compute queries.
const THREADS: usize = 2;
/// Planning recurses; a debug build's frames are large.
const STACK_BYTES: usize = 16 << 20;
/// How often a question is asked anew that lost what it was reading.
const TRIES: u32 = 3;
/// How long the log's head is waited for before the lake alone answers.
const HEAD_WAIT: Duration = Duration::from_secs(2);

/// What a question may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Memory of one query's operators, in bytes.
    pub memory_bytes: usize,
    /// What they may spill to disk beyond it, in bytes.
    pub spill_bytes: u64,
    /// The most rows of an answer, whatever is asked for.
    pub rows_max: usize,
    /// The most bytes of an answer in memory.
    pub answer_bytes: usize,
    /// The longest time, whatever is asked for.
    pub timeout_max: Duration,
    /// Queries at once.
    pub concurrent: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 256 << 20, spill_bytes: 1 << 30, rows_max: 10_000, answer_bytes: 64 << 20, timeout_max: Duration::from_secs(30), concurrent: 4 }
    }
}

/// What one question asks for; [`Limits`] cap it.
#[derive(Debug, Clone, Copy)]
pub struct QueryOptions {
    /// The most rows.
    pub max_rows: usize,
    /// The longest time.
    pub timeout: Duration,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self { max_rows: 1_000, timeout: Duration::from_secs(30) }
    }
}

/// Answers SQL. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    keepers: Arc<Keepers>,
}

struct Inner {
    database: Database,
    location: Location,
    limits: Limits,
    permits: Arc<Semaphore>,
    /// The snapshot last read, from which the next one is near.
    snapshot: Mutex<Option<DeltaTable>>,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("location", &self.inner.location).field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which may not be done where others are served.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What was computed.
struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    count: usize,
    truncated: bool,
    /// How far the tables of PostgreSQL have come that were read.
    standing: Option<Standing>,
}

impl Engine {
    /// An engine over a lake, the log that it follows, and what is kept in PostgreSQL.
    ///
    /// # Errors
    /// When its threads cannot be started.
    pub fn new(database: Database, location: Location, limits: Limits) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("hooklake-sql")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(Error::store)?;
        let permits = Arc::new(Semaphore::new(limits.concurrent));
        let inner = Inner { database, location, limits, permits, snapshot: Mutex::new(None), runtime: Some(runtime) };
        Ok(Self { inner: Arc::new(inner), keepers: Arc::default() })
    }

    /// The same, knowing which consumer keeps which table of PostgreSQL: receipts say how far those have come that a
    /// question reads, rather than all of them.
    #[must_use]
    pub fn with_keepers(self, keepers: Keepers) -> Self {
        Self { keepers: Arc::new(keepers), ..self }
    }

    /// Answers one question about a tenant's events.
    ///
    /// # Errors
    /// See [`Error`]; no message names a file.
    pub async fn query(&self, tenant: &Tenant, sql: &str, options: QueryOptions) -> Result<Answer, Error> {
        self.query_with(tenant, sql, Vec::new(), options).await
    }

    /// Answers one question with values for its `$1`, `$2`, …, which are bound and never become text.
    ///
    /// # Errors
    /// See [`Error`]; no message names a file.
    pub async fn query_with(&self, tenant: &Tenant, sql: &str, values: Vec<ScalarValue>, options: QueryOptions) -> Result<Answer, Error> {
        let limits = &self.inner.limits;
        let deadline = Instant::now() + options.timeout.min(limits.timeout_max);
        let rows_max = options.max_rows.min(limits.rows_max);
        let location = &self.inner.location;
        let mut tries = 0;
        loop {
            tries += 1;
            // Read anew rather than cloned: to walk a deep one needs more stack than there is here.
            let question = guard::read(sql)?.with(values.clone());
            let is_about_plans = question.is_about_plans();
            let mut read = None;
            let permits = Arc::clone(&self.inner.permits);
            let Ok(Ok(permit)) = tokio::time::timeout_at(deadline, permits.acquire_owned()).await else { return Err(Error::Busy) };
            // Boxed, or the stack of whoever asks would have to hold it.
            let answering = Box::pin(self.answer(tenant, question, rows_max, deadline, permit, &mut read));
            let answered = tokio::time::timeout_at(deadline, answering).await;
            let error = match answered.unwrap_or(Err(Error::TimedOut)) {
                Ok(answer) if is_about_plans => return Ok(answer.map_text(|text| location.hide_in_text(text))),
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let again = tries < TRIES && tokio::time::timeout_at(deadline, Box::pin(self.has_lost(&error, read))).await.unwrap_or(false);
            if !again {
                if let Error::Damaged(_) = error {
                    tracing::error!("{error}");
                }
                return Err(location.hide(error));
            }
        }
    }

    /// Answers from one version of the table, which is told in `read` as soon as it is known.
    async fn answer(
        &self,
        tenant: &Tenant,
        question: Question,
        rows_max: usize,
        deadline: Instant,
        permit: OwnedSemaphorePermit,
        read: &mut Option<u64>,
    ) -> Result<Answer, Error> {
        let asked = Instant::now();
        // The snapshot before the head: an export in between moves events from the tail to neither.
        let snapshot = self.snapshot().await?;
        *read = snapshot.as_ref().and_then(DeltaTable::version);
        let (exported, fence) = match &snapshot {
            Some(table) => (table::position(table).await.map_err(Error::store)?, table::fence(table).await.map_err(Error::store)?),
            None => (Position::START, None),
        };
        let reader = Reader::new(self.inner.database.clone());
        let asking = futures::future::try_join3(reader.head(), reader.at([exported]), reader.retired_after(exported));
        let asked_of_log = tokio::time::timeout(HEAD_WAIT, asking).await.ok().and_then(Result::ok);
        if asked_of_log.is_some_and(|(_, [said], _)| !said.agrees_with(fence)) {
            return Err(Error::Restored);
        }
        let head = asked_of_log.map(|(head, ..)| head.position);
        let retired = asked_of_log.map(|(.., retired)| retired);
        let stale_ms = snapshot.as_ref().map_or(0, commit_age_ms);
        let through = head.unwrap_or(exported).max(exported);
        let (hot, requests) = tail::channel(tenant.clone(), Span { after: exported, through });

        let Some(runtime) = &self.inner.runtime else { return Err(Error::Busy) };
        let elsewhere = session::elsewhere(&question);
        let (door, desk) = relations::door();
        let is_needed = question.is_listing || !elsewhere.is_empty();
        let is_everything = question.is_listing || question.tables.contains(DOCUMENTATION);
        let asked_of_database = relations::Asked { tenant, names: elsewhere, is_everything, keepers: &self.keepers, deadline };
        let places = Places { lake: snapshot, tail: hot, database: is_needed.then_some(door) };
        let work = compute(tenant.clone(), places, question, rows_max, self.inner.limits, permit);
        let mut task = Abort(runtime.spawn(work));
        let serving = async {
            let relations = async {
                if is_needed {
                    relations::serve(&self.inner.database, desk, asked_of_database, runtime.handle().clone()).await;
                }
            };
            tokio::join!(tail::serve(requests, reader.clone()), relations);
        };
        let rows = tokio::select! {
            rows = &mut task.0 => rows,
            () = serving => (&mut task.0).await,
        };
        let Rows { schema, batches, count, truncated, standing } = rows.map_err(|error| given_up(&error))??;
        // The tail is read in steps, between which retention may come.
        if through > exported && Some(reader.retired_after(exported).await?) != retired {
            return Err(Error::Expired);
        }
        let lag_ms = if head.is_some() { i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX) } else { stale_ms };
        let mut receipt = Receipt { through_position: through, lag_ms, complete: head.is_some() };
        if let Some((behind, lag_ms)) = standing.and_then(|standing| Some((standing.behind?, standing.lag_ms))).filter(|(behind, _)| *behind < through) {
            receipt = Receipt { through_position: behind, lag_ms: lag_ms.max(receipt.lag_ms), complete: false };
        }
        Ok(Answer { schema, batches, rows: count, truncated, receipt })
    }

    /// Whether a question may have lost what it was reading: the lake forgets by taking files of earlier versions away at once.
    async fn has_lost(&self, error: &Error, read: Option<u64>) -> bool {
        match error {
            Error::Store(cause) if cause.to_string().to_lowercase().contains("not found") => {
                // Nor can the part of the table's log be trusted that is known.
                *self.inner.snapshot.lock().await = None;
                true
            }
            Error::Damaged(_) => self.snapshot().await.is_ok_and(|table| table.as_ref().and_then(DeltaTable::version) != read),
            _ => false,
        }
    }

    /// The table as it is now; none before the first export.
    async fn snapshot(&self) -> Result<Option<DeltaTable>, Error> {
        let mut slot = self.inner.snapshot.lock().await;
        if let Some(table) = slot.as_mut()
            && table.update_state().await.is_ok()
        {
            return Ok(Some(table.clone()));
        }
        // The first question, or the table's log was cleaned up behind it, or it was moved away.
        *slot = self.inner.location.load().await.map_err(Error::store)?;
        Ok(slot.clone())
    }
}

/// Plans and computes, with the permit in hand.
async fn compute(tenant: Tenant, places: Places, question: Question, rows_max: usize, limits: Limits, _permit: OwnedSemaphorePermit) -> Result<Rows, Error> {
    let (context, standing) = session::open(&tenant, places, &question, &limits).await?;
    let frame = session::plan(&context, question, rows_max).await?;
    let schema = Arc::clone(frame.schema().inner());
    let mut stream = frame.execute_stream().await?;
    let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let room = rows_max - rows;
        let is_more = batch.num_rows() > room;
        let batch = batch.slice(0, room.min(batch.num_rows()));
        bytes += batch.columns().iter().map(size::written_out).fold(0, usize::saturating_add);
        if bytes > limits.answer_bytes {
            return Err(Error::TooLarge(format!("the answer is larger than {} bytes; ask for fewer rows or columns", limits.answer_bytes)));
        }
        rows += batch.num_rows();
        if batch.num_rows() > 0 {
            batches.push(batch);
        }
        if is_more {
            return Ok(Rows { schema, batches, count: rows, truncated: true, standing });
        }
    }
    Ok(Rows { schema, batches, count: rows, truncated: false, standing })
}

fn commit_age_ms(table: &DeltaTable) -> i64 {
    let committed = table.snapshot().ok().and_then(|snapshot| snapshot.version_timestamp(snapshot.version()));
    committed.map_or(0, |committed| Utc::now().timestamp_millis() - committed)
}

fn given_up(error: &tokio::task::JoinError) -> Error {
    if error.is_panic() { Error::Store("the query failed inside the engine".into()) } else { Error::TimedOut }
}

/// A task that does not outlive whoever waits for it.
struct Abort<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
