//! Reads for a question where the pool lives: one transaction, a portal for every table that is read, a chunk of its rows
//! for every wish.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, pin_mut};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_postgres::{Portal, Row, Transaction};

use super::catalog::{self, Catalog, Keepers};
use super::filter::Value;
use super::held::Held;
use crate::db::migrate::READER_ROLE;
use crate::db::{Database, Error};
use crate::domain::Tenant;

/// Chunks that may be wished for before one is answered.
const WISHES_MAX: usize = 8;
/// Tables of PostgreSQL that one question may read at once.
const PORTALS_MAX: usize = 100;
/// The size that a chunk should have, and the one that it may not exceed.
const CHUNK_BYTES: usize = 4 << 20;
const CHUNK_BYTES_MAX: usize = 64 << 20;
/// Rows of the first chunk and of the largest, where values are small and where one may be a whole payload.
const SMALL_ROWS: (usize, usize) = (128, 1024);
const LARGE_ROWS: (usize, usize) = (8, 64);
/// How long a question may wait for the database before it is told that there is none.
const OPEN_WITHIN: Duration = Duration::from_secs(5);
/// Memory of one sort or hash in PostgreSQL.
const WORK_MEM: &str = "16MB";

/// What is read of one relation.
#[derive(Debug)]
pub struct Query {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
    pub(super) is_large: bool,
}

/// Some rows, and whether they are the last.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) rows: Vec<Row>,
    pub(super) is_last: bool,
}

/// Why there is no chunk.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Database(#[from] Error),
    #[error("the query reads more than {PORTALS_MAX} tables of PostgreSQL at once")]
    TooMany,
    #[error("rows are larger than {CHUNK_BYTES_MAX} bytes together; ask for fewer columns, or narrow the rows")]
    TooLarge,
}

/// A wish for the next rows of a scan.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) scan: u64,
    pub(super) query: Arc<Query>,
    pub(super) reply: oneshot::Sender<Result<Chunk, Failure>>,
}

/// The question's side: what there is, and where to wish for rows.
pub struct Door {
    /// The catalog, once it is read.
    pub opened: oneshot::Receiver<Result<Catalog, Error>>,
    /// What tables wish for rows with.
    pub wishes: Wishes,
}

/// Where to wish for rows; every scan has a number of its own.
#[derive(Debug, Clone)]
pub struct Wishes {
    pub(super) sender: mpsc::Sender<Wish>,
    scans: Arc<AtomicU64>,
}

impl Wishes {
    pub(super) fn next_scan(&self) -> u64 {
        self.scans.fetch_add(1, Ordering::Relaxed)
    }
}

/// The other side.
pub struct Desk {
    opened: oneshot::Sender<Result<Catalog, Error>>,
    wishes: mpsc::Receiver<Wish>,
}

/// Both sides.
pub fn door() -> (Door, Desk) {
    let (tell, opened) = oneshot::channel();
    let (sender, wishes) = mpsc::channel(WISHES_MAX);
    (Door { opened, wishes: Wishes { sender, scans: Arc::default() } }, Desk { opened: tell, wishes })
}

/// Who asks, for what, and until when.
pub struct Asked<'a> {
    pub tenant: &'a Tenant,
    /// What it names.
    pub names: Vec<String>,
    /// True when it wants to know of all there are.
    pub is_everything: bool,
    pub keepers: &'a Keepers,
    pub deadline: Instant,
}

/// Answers wishes until nobody is left to have one. When this is dropped, what runs in PostgreSQL is cancelled.
pub async fn serve(database: &Database, desk: Desk, asked: Asked<'_>, threads: Handle) {
    let Desk { opened, mut wishes } = desk;
    let open = tokio::time::timeout(OPEN_WITHIN, Held::get(database, threads));
    let mut held = match open.await.unwrap_or(Err(Error::TimedOut(OPEN_WITHIN))) {
        Ok(held) => held,
        Err(error) => return drop(opened.send(Err(error))),
    };
    let busy = held.busy();
    let begun = busy.during(async {
        let transaction = held.begin().await?;
        let catalog = begin(&transaction, &asked).await?;
        Ok((transaction, catalog))
    });
    let transaction = match begun.await {
        Ok((transaction, catalog)) => {
            drop(opened.send(Ok(catalog)));
            transaction
        }
        Err(error) => return drop(opened.send(Err(error))),
    };
    let mut portals = HashMap::new();
    while let Some(Wish { scan, query, reply }) = wishes.recv().await {
        let chunk = busy.during(next(&transaction, &mut portals, scan, &query)).await;
        // Whoever asked may have been cancelled.
        drop(reply.send(chunk));
    }
}

/// Bounds the transaction, looks around as the application, and is the readers' role from then on.
async fn begin(transaction: &Transaction<'_>, asked: &Asked<'_>) -> Result<Catalog, Error> {
    let left = asked.deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
    transaction
        .batch_execute(&format!(
            "SET LOCAL statement_timeout = {left}; SET LOCAL lock_timeout = {left}; \
             SET LOCAL idle_in_transaction_session_timeout = {left}; SET LOCAL work_mem = '{WORK_MEM}'; \
             SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL search_path = public"
        ))
        .await?;
    let catalog = catalog::read(transaction, asked).await?;
    transaction.batch_execute(&format!("SET LOCAL ROLE {READER_ROLE}")).await?;
    Ok(catalog)
}

/// A scan that is under way.
struct Open {
    portal: Portal,
    rows_next: usize,
    rows_max: usize,
}

async fn next(transaction: &Transaction<'_>, portals: &mut HashMap<u64, Open>, scan: u64, query: &Query) -> Result<Chunk, Failure> {
    let mut open = match portals.remove(&scan) {
        Some(open) => open,
        None if portals.len() >= PORTALS_MAX => return Err(Failure::TooMany),
        None => {
            let types: Vec<_> = query.values.iter().map(Value::data_type).collect();
            let values: Vec<_> = query.values.iter().map(Value::bound).collect();
            let statement = transaction.prepare_typed(&query.text, &types).await.map_err(Error::from)?;
            let portal = transaction.bind(&statement, &values).await.map_err(Error::from)?;
            let (rows_next, rows_max) = if query.is_large { LARGE_ROWS } else { SMALL_ROWS };
            Open { portal, rows_next, rows_max }
        }
    };
    let wanted = open.rows_next;
    let stream = transaction.query_portal_raw(&open.portal, i32::try_from(wanted).unwrap_or(i32::MAX)).await.map_err(Error::from)?;
    pin_mut!(stream);
    let (mut rows, mut bytes, mut largest) = (Vec::new(), 0, 1);
    while let Some(row) = stream.next().await {
        let row = row.map_err(Error::from)?;
        let size = row.raw_size_bytes();
        (bytes, largest) = (bytes + size, largest.max(size));
        // Too many are read to their end all the same: whatever comes next on this connection comes after them.
        if bytes <= CHUNK_BYTES_MAX {
            rows.push(row);
        } else {
            rows.clear();
        }
    }
    if bytes > CHUNK_BYTES_MAX {
        return Err(Failure::TooLarge);
    }
    let is_last = rows.len() < wanted;
    if !is_last {
        // Neighbours are alike, so the largest of these says how many of the next fit.
        open.rows_next = (wanted * 2).min(open.rows_max).min((CHUNK_BYTES / largest).max(1));
        portals.insert(scan, open);
    }
    Ok(Chunk { rows, is_last })
}
