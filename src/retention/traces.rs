//! Looks everywhere for a person: in the log, in every table made from it, in the index and in the lake, on disk as well
//! as by asking.

use std::path::{Path, PathBuf};

use futures::{StreamExt, TryStreamExt, stream};

use super::mention::Person;
use super::{Custodian, Error};
use crate::db::{self, Database, embedded};
use crate::domain::{Envelope, OWN_SOURCE, Position};
use crate::lake::{self, Location};
use crate::log::{BatchLimits, Reader};
use crate::search;

const REDELIVERIES: &str = include_str!("redeliveries.sql");
const TABLES: &str = include_str!("tables.sql");

/// Parts of the log that are read side by side, each with one batch in memory.
const SIDE_BY_SIDE: usize = 3;
/// Positions of a part.
const PART: i64 = 20_000;
/// One batch of a part.
const BATCH: BatchLimits = BatchLimits { entries: 2_000, bytes: 8 << 20 };

/// Where a person is named in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// In bodies.
    pub bodies: Vec<Position>,
    /// In other bodies that came under the keys of these envelopes.
    pub conflicts: Vec<Position>,
    /// In what the chain commits to: headers, delivery keys, event types. These stay.
    pub committed: Vec<Position>,
    /// In records of hooklake's own. These stay.
    pub own: Vec<Position>,
    /// In keys and headers of what came again, whose first delivery may be gone. These stay.
    pub redelivered: u64,
}

/// How often a place holds what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The place.
    pub place: String,
    /// Rows, documents or lines.
    pub count: u64,
}

/// Everything that is outside of PostgreSQL.
#[derive(Debug, Clone)]
pub struct Files {
    /// Where the index is.
    pub data_dir: PathBuf,
    /// Where the lake is.
    pub lake: Location,
}

/// Which part of an envelope names a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Body,
    Committed,
    Own,
}

impl Custodian {
    /// Finds every envelope of the log that names a person, in parallel and with bounded memory. `progress` is told how
    /// many positions were looked at.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(&self, person: &Person, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Found, Error> {
        let reader = Reader::new(self.database.clone()).with_retired();
        let head = reader.head().await?.position;
        let parts = (0..head.get()).step_by(PART as usize).map(|after| find_in_part(reader.clone(), Position::new(after), head, person.clone()));
        let mut found = Found::default();
        let mut looked_at = 0;
        let mut parts = stream::iter(parts).buffer_unordered(SIDE_BY_SIDE);
        while let Some(part) = parts.next().await {
            for (position, part) in part? {
                match part {
                    Part::Body => found.bodies.push(position),
                    Part::Committed => found.committed.push(position),
                    Part::Own => found.own.push(position),
                }
            }
            looked_at += PART as u64;
            progress(looked_at.min(head.get() as u64));
        }
        self.find_redeliveries(person, &mut found).await?;
        for positions in [&mut found.bodies, &mut found.conflicts, &mut found.committed, &mut found.own] {
            positions.sort_unstable();
            positions.dedup();
        }
        Ok(found)
    }

    async fn find_redeliveries(&self, person: &Person, found: &mut Found) -> Result<(), Error> {
        let rows = self.client.query_raw(REDELIVERIES, std::iter::empty::<i32>()).await?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.try_next().await? {
            let position = row.get::<_, Option<i64>>(0).map(Position::new);
            let in_body = row.get::<_, Option<&[u8]>>(3).is_some_and(|body| person.is_in_bytes(body));
            if let Some(position) = position.filter(|_| in_body) {
                found.conflicts.push(position);
            }
            found.redelivered += u64::from(person.is_in(row.get(1)) || person.is_in(row.get(2)));
        }
        Ok(())
    }

    /// Looks through everything that is made from the log.
    ///
    /// # Errors
    /// When something cannot be read.
    pub async fn look(&self, person: &Person, files: &Files) -> Result<Vec<Trace>, Error> {
        let mut traces = Vec::new();
        for table in self.client.query(TABLES, &[]).await? {
            let (schema, name): (String, String) = (table.get(0), table.get(1));
            let rows = self.client.query_raw(&format!(r#"SELECT t::text FROM "{schema}"."{name}" t"#), std::iter::empty::<i32>()).await;
            let rows = match rows {
                // A rebuild has swapped it away.
                Err(error) if error.code() == Some(&tokio_postgres::error::SqlState::UNDEFINED_TABLE) => continue,
                rows => rows?,
            };
            let mut rows = std::pin::pin!(rows);
            let mut count = 0;
            while let Some(row) = rows.try_next().await? {
                count += u64::from(person.is_in(row.get(0)));
            }
            traces.push(Trace { place: format!("table {schema}.{name}"), count });
        }
        let (wanted, place) = (person.clone(), files.clone());
        let (index, lake) = blocking(move || {
            let is_in = |text: &str| wanted.is_in(text);
            Ok((search::forget::traces(&place.data_dir, &is_in)?, lake::forget::traces(&place.lake, &is_in)?))
        })
        .await?;
        traces.push(Trace { place: "search index, files of every generation".to_owned(), count: index });
        traces.push(Trace { place: "lake, data files and Delta log".to_owned(), count: lake });
        let (wanted, data_dir) = (person.clone(), files.data_dir.clone());
        let logs = blocking(move || in_server_log(&data_dir, &wanted)).await?;
        traces.push(Trace { place: "log of the embedded PostgreSQL".to_owned(), count: logs });
        Ok(traces)
    }
}

async fn find_in_part(reader: Reader, after: Position, head: Position, person: Person) -> Result<Vec<(Position, Part)>, db::Error> {
    let until = Position::new(after.get() + PART).min(head);
    let mut found = Vec::new();
    let mut after = after;
    while after < until {
        let entries = BATCH.entries.min(u32::try_from(until.get() - after.get()).unwrap_or(u32::MAX));
        let batch = reader.after(after, None, None, BatchLimits { entries, ..BATCH }).await?;
        if batch.span.is_empty() {
            break;
        }
        after = batch.span.through;
        let person = person.clone();
        let looking = tokio::task::spawn_blocking(move || batch.envelopes.iter().flat_map(|envelope| parts_of(envelope, &person)).collect::<Vec<_>>());
        found.extend(looking.await.map_err(|error| db::Error::Settings(format!("looking through the log failed: {error}")))?);
    }
    Ok(found)
}

fn parts_of(envelope: &Envelope, person: &Person) -> Vec<(Position, Part)> {
    let is_own = envelope.source == OWN_SOURCE;
    let is_committed =
        person.is_in(&envelope.delivery_key) || person.is_in(&envelope.event_type) || envelope.headers.iter().any(|(_, value)| person.is_in(value));
    let in_body = person.is_in_bytes(&envelope.body);
    let mut parts = Vec::new();
    if in_body {
        parts.push((envelope.position, if is_own { Part::Own } else { Part::Body }));
    }
    if is_committed {
        parts.push((envelope.position, Part::Committed));
    }
    parts
}

/// Lines of the embedded server's own log: PostgreSQL quotes rows that it refuses.
fn in_server_log(data_dir: &Path, person: &Person) -> Result<u64, Error> {
    match std::fs::read(embedded::log_file(data_dir)) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).lines().filter(|line| person.is_in(line)).count() as u64),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Error::ServerLog(error)),
    }
}

/// Empties that log if it names a person. PostgreSQL goes on at its end, wherever that is.
pub(super) fn empty_server_log(data_dir: &Path, person: &Person) -> Result<(), Error> {
    if in_server_log(data_dir, person)? == 0 {
        return Ok(());
    }
    std::fs::File::options().write(true).open(embedded::log_file(data_dir)).and_then(|log| log.set_len(0)).map_err(Error::ServerLog)
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::database(db::Error::Settings(format!("looking failed: {error}"))))?
}

/// The checkpoint of each of these consumers that has not gone beyond a position.
///
/// # Errors
/// When the database does not answer.
pub async fn behind(database: &Database, consumers: &[String], act: Position) -> Result<Vec<(String, Position)>, Error> {
    let standings = crate::consumer::checkpoint::standings(database).await?;
    let is_asked = |name: &str| consumers.iter().any(|known| known == name);
    // A copy that someone fills at this moment counts as well.
    let behind = standings.into_iter().filter(|standing| standing.position < act && (is_asked(&standing.name) || standing.owner.is_some()));
    Ok(behind.map(|standing| (standing.name, standing.position)).collect())
}
