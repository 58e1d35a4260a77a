//! Erases what names a person, everywhere, and reports place by place.
//!
//! ```text
//! find ─→ hold? refuse ─→ redact in batches, an act each ─→ wait until every consumer is beyond the last act
//!      ─→ discard copies of rebuilds nobody goes on with ─→ VACUUM ─→ look everywhere again ─→ report, kept as an envelope
//! ```

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::mention::Person;
use super::redact::Order;
use super::traces::{self, Files, Found, Trace};
use super::{Custodian, Error};
use crate::consumer::{checkpoint, copy};
use crate::domain::places::Cause;
use crate::domain::{EventId, Position};
use crate::search;

const DISCARD_COPIES: &str = include_str!("discard_copies.sql");
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The type of envelopes that hold the report of an erasure.
pub const ERASURE: &str = "erasure";

/// What an erasure needs to know.
#[derive(Debug)]
pub struct Erasure<'a> {
    /// Whom.
    pub person: Person,
    /// Why, in words that do not name them.
    pub reason: String,
    /// Keys the fingerprints of the names.
    pub key: &'a [u8],
    /// Consumers that must have forgotten, by name.
    pub consumers: Vec<String>,
    /// What is outside of PostgreSQL.
    pub files: Files,
    /// How long consumers are waited for.
    pub patience: Duration,
}

/// One place, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The place.
    pub place: String,
    /// How often it named the person.
    pub before: u64,
    /// How often it still does.
    pub after: u64,
    /// True when nothing can be taken out of it: what the chain commits to, and hooklake's own records.
    pub stays: bool,
}

/// What an erasure did.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its name; each of its acts has it.
    pub id: Uuid,
    /// Envelopes that lost their bodies.
    pub redacted: u64,
    /// Place by place.
    pub lines: Vec<Line>,
    /// Consumers that were not beyond the last act when patience ended, and where they stood.
    pub behind: Vec<(String, Position)>,
    /// The envelope that keeps this report; none when nothing was found.
    pub envelope: Option<EventId>,
}

impl Report {
    /// True when everyone has forgotten and nothing that can go is left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.behind.is_empty() && self.lines.iter().all(|line| line.after == 0 || line.stays)
    }
}

impl Custodian {
    /// Where a person is named, without changing anything.
    ///
    /// # Errors
    /// When something cannot be read.
    pub async fn survey(&self, erasure: &Erasure<'_>, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Vec<Line>, Error> {
        let found = self.find(&erasure.person, progress).await?;
        let mut lines = lines_of(&found, &found);
        lines.extend(self.look(&erasure.person, &erasure.files).await?.into_iter().map(|trace| Line {
            place: trace.place,
            before: trace.count,
            after: trace.count,
            stays: false,
        }));
        Ok(lines)
    }

    /// Erases what names a person.
    ///
    /// # Errors
    /// [`Error::Held`] when a hold covers any of it: then nothing is erased. [`Error::Request`] when the reason names them.
    pub async fn erase(&mut self, erasure: &Erasure<'_>, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Report, Error> {
        if erasure.person.is_in(&erasure.reason) || erasure.person.is_in(&self.by) {
            return Err(Error::Request("the reason stays in the log for ever; say it without naming the person".to_owned()));
        }
        let id = Uuid::now_v7();
        let before = self.find(&erasure.person, progress).await?;
        let traces_before = self.look(&erasure.person, &erasure.files).await?;
        let all: Vec<Position> = before.bodies.iter().chain(&before.conflicts).copied().collect();
        self.refuse_held(&all).await?;
        let order = Order { cause: Cause::Erasure, reason: erasure.reason.clone(), paths: Vec::new(), erasure: Some(id), lake_keeps: false };
        let done = self.redact_each(&order, &before.bodies).await?;
        let mut last = done.act;
        let conflicts: Vec<Position> = before.conflicts.iter().filter(|position| before.bodies.binary_search(position).is_err()).copied().collect();
        if !conflicts.is_empty() {
            last = self.redact_conflicts(&order, &conflicts).await?.act;
        }
        let behind = self.forgotten(erasure, last).await?;
        self.discard_leftovers(&erasure.files.data_dir).await?;
        let (data_dir, person) = (erasure.files.data_dir.clone(), erasure.person.clone());
        traces::blocking(move || traces::empty_server_log(&data_dir, &person)).await?;
        self.vacuum().await?;

        let after = self.find(&erasure.person, &mut |_| {}).await?;
        let traces_after = self.look(&erasure.person, &erasure.files).await?;
        let mut lines = lines_of(&before, &after);
        lines.extend(compared(&traces_before, &traces_after));
        let mut report = Report { id, redacted: done.envelopes, lines, behind, envelope: None };
        if !all.is_empty() {
            let (envelope, _) = self.record(ERASURE, &recorded(&report, erasure, &self.by)).await?;
            report.envelope = Some(envelope);
        }
        Ok(report)
    }

    /// Waits until every consumer is beyond an act; those that are not when patience ends.
    async fn forgotten(&self, erasure: &Erasure<'_>, act: Position) -> Result<Vec<(String, Position)>, Error> {
        let until = Instant::now() + erasure.patience;
        loop {
            let behind = traces::behind(&self.database, &erasure.consumers, act).await?;
            if behind.is_empty() || Instant::now() >= until {
                return Ok(behind);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Removes copies that nobody fills, which would not forget: of rebuilds that were given up or kept aside, and of an index that
    /// was set aside.
    ///
    /// # Errors
    /// When the database does not do it.
    pub async fn discard_leftovers(&mut self, data_dir: &Path) -> Result<(), Error> {
        let transaction = self.client.transaction().await?;
        for row in transaction.query(DISCARD_COPIES, &[]).await? {
            copy::remove(&transaction, row.get("schema")).await?;
        }
        transaction.commit().await?;
        let is_copied = checkpoint::standings(&self.database).await?.iter().any(|standing| standing.name == checkpoint::copy_name(search::indexer::NAME));
        if !is_copied {
            let generation = checkpoint::generation(&self.database, search::indexer::NAME).await?;
            let data_dir = data_dir.to_owned();
            drop(tokio::task::spawn_blocking(move || search::forget::discard_leftovers(&data_dir, generation)).await);
        }
        Ok(())
    }

    /// Lets PostgreSQL drop the rows that were replaced. It waits for nobody, and nobody for it.
    async fn vacuum(&self) -> Result<(), Error> {
        let mut tables: Vec<String> =
            self.client.query("SELECT 'log.' || quote_ident(name) FROM log.partitions", &[]).await?.iter().map(|row| row.get(0)).collect();
        tables.push("log.redeliveries".to_owned());
        let made = self.client.query(include_str!("tables.sql"), &[]).await?;
        tables.extend(made.iter().map(|row| format!(r#""{}"."{}""#, row.get::<_, String>(0), row.get::<_, String>(1))));
        for table in tables {
            if let Err(error) = self.client.batch_execute(&format!("VACUUM (TRUNCATE false, SKIP_LOCKED) {table}")).await {
                tracing::warn!(%error, table, "{table} was not vacuumed; autovacuum will");
            }
        }
        Ok(())
    }
}

fn lines_of(before: &Found, after: &Found) -> Vec<Line> {
    let line = |place: &str, before: usize, after: usize, stays| Line { place: place.to_owned(), before: before as u64, after: after as u64, stays };
    vec![
        line("log.envelopes, bodies", before.bodies.len(), after.bodies.len(), false),
        line("log.redeliveries, bodies", before.conflicts.len(), after.conflicts.len(), false),
        line("log.envelopes, headers and keys", before.committed.len(), after.committed.len(), true),
        line("log.envelopes, hooklake's own records", before.own.len(), after.own.len(), true),
        line("log.redeliveries, headers and keys", before.redelivered as usize, after.redelivered as usize, true),
    ]
}

fn compared(before: &[Trace], after: &[Trace]) -> Vec<Line> {
    let count = |traces: &[Trace], place: &str| traces.iter().find(|trace| trace.place == place).map_or(0, |trace| trace.count);
    let mut places: Vec<&str> = before.iter().chain(after).map(|trace| &*trace.place).collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|place| Line { place: place.to_owned(), before: count(before, place), after: count(after, place), stays: false }).collect()
}

fn recorded(report: &Report, erasure: &Erasure<'_>, by: &str) -> Value {
    let places = report.lines.iter().map(|line| json!({"place": line.place, "before": line.before, "after": line.after, "stays": line.stays}));
    json!({
        "erasure": report.id, "reason": erasure.reason, "by": by, "subject_hmac": erasure.person.fingerprints(erasure.key),
        "redacted": report.redacted, "complete": report.is_complete(), "places": places.collect::<Vec<_>>(),
        "behind": report.behind.iter().map(|(name, position)| json!({"consumer": name, "position": position})).collect::<Vec<_>>(),
    })
}
