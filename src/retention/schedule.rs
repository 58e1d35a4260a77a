//! Sees to it that what is past its time goes: by hand (`hooklake retention run`), and every hour.
//!
//! A partition goes whole once the time of everything in it is up and no sender may deliver any of it again; what is
//! past its time earlier loses its body until then. Whoever still needs a partition stops only that partition.

use std::time::Duration;

use chrono::Duration as Span;

use super::policy::{Lake, REDELIVERY_DAYS, Settings};
use super::redact::{BATCH_ENTRIES_MAX, Order};
use super::{Custodian, Error};
use crate::db::Database;
use crate::domain::clock::Timestamp;
use crate::domain::places::{Cause, RETENTION, Range, Retirement};
use crate::domain::{Clock, Position};
use crate::log;
use crate::tasks::{Stop, Tasks};

const PARTITIONS: &str = include_str!("partitions.sql");
const CANDIDATES: &str = include_str!("candidates.sql");
const EXPIRED: &str = include_str!("expired.sql");
const RETIRE: &str = "SELECT first_position, through_position FROM log.retire($1, $2, $3)";
const FORGET_KEYS: &str = "SELECT log.forget_keys($1, $2, $3)";

/// Keys that are removed in one transaction.
const KEYS_AT_ONCE: i32 = 5_000;
const RUN_EVERY: Duration = Duration::from_hours(1);
/// Who signs what the schedule does.
const BY: &str = "retention schedule";

/// A partition of the log.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// Since when it holds envelopes.
    pub received_from: Timestamp,
    /// Until when.
    pub received_until: Timestamp,
    /// Its size on disk.
    pub bytes: i64,
    /// When its time was up, if it was.
    pub retired_at: Option<Timestamp>,
    /// When its rows were gone.
    pub emptied_at: Option<Timestamp>,
    is_detaching: bool,
}

/// What was done, or would be, with one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The partition.
    pub partition: String,
    /// What.
    pub what: What,
}

/// What happens to a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// All its envelopes go.
    Dropped {
        /// How many.
        envelopes: i64,
    },
    /// Bodies past their time go.
    Redacted {
        /// How many.
        envelopes: i64,
    },
    /// It has to wait, for this reason.
    Waits(String),
}

impl Custodian {
    /// The partitions of the log, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn partitions(&self) -> Result<Vec<Partition>, Error> {
        let rows = self.client.query(PARTITIONS, &[]).await?;
        Ok(rows
            .into_iter()
            .map(|row| Partition {
                name: row.get("name"),
                received_from: row.get("received_from"),
                received_until: row.get("received_until"),
                bytes: row.get("bytes"),
                retired_at: row.get("retired_at"),
                emptied_at: row.get("emptied_at"),
                is_detaching: row.get("is_detaching"),
            })
            .collect())
    }

    /// Takes away what is past its time, or with `dry_run` says what would be. `consumers` are those that must have seen
    /// a partition before it goes.
    ///
    /// # Errors
    /// When the database does not answer. What holds up one partition is a step, not an error.
    pub async fn run(&mut self, settings: &Settings, consumers: &[String], dry_run: bool) -> Result<Vec<Step>, Error> {
        let Some(shortest) = settings.shortest() else { return Ok(Vec::new()) };
        // Events are as old as the database says: a clock of this machine that is ahead would take away what cannot come back.
        let told: Timestamp = self.client.query_one("SELECT clock_timestamp()", &[]).await?.get(0);
        let now = self.clock.now().min(told);
        let mut steps = Vec::new();
        for partition in self.partitions().await? {
            if partition.received_from + shortest > now {
                break;
            }
            let what = match self.settle(&partition, settings, consumers, now, dry_run).await {
                Err(error @ (Error::Held(_) | Error::Needed(_) | Error::TooYoung(_) | Error::Busy)) => Some(What::Waits(error.to_string())),
                what => what?,
            };
            steps.extend(what.map(|what| Step { partition: partition.name, what }));
        }
        Ok(steps)
    }

    async fn settle(&mut self, partition: &Partition, settings: &Settings, consumers: &[String], now: Timestamp, dry_run: bool) -> Result<Option<What>, Error> {
        let kinds = self.client.query(CANDIDATES, &[&partition.received_from, &partition.received_until]).await?;
        let kinds: Vec<(String, String, i64, i64)> = kinds.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
        let envelopes = kinds.iter().map(|(_, _, envelopes, _)| envelopes).sum();
        let is_past = |kept: Option<Span>| kept.is_some_and(|kept| partition.received_until + kept <= now);
        let is_settled = partition.received_until + Span::days(i64::from(REDELIVERY_DAYS)) <= now;
        if is_settled && kinds.iter().all(|(tenant, source, ..)| is_past(settings.kept_for(tenant, source))) {
            if dry_run {
                return Ok((envelopes > 0).then_some(What::Dropped { envelopes }));
            }
            self.drop_partition(partition, settings, consumers, envelopes).await?;
            return Ok((envelopes > 0).then_some(What::Dropped { envelopes }));
        }
        let mut redacted = 0;
        for (tenant, source, _, bodies) in kinds {
            let Some(kept) = settings.kept_for(&tenant, &source) else { continue };
            let cutoff = now - kept;
            if bodies > 0 && partition.received_from < cutoff {
                redacted += self.redact_expired(partition, (&tenant, &source), cutoff, settings, dry_run).await?;
            }
        }
        Ok((redacted > 0).then_some(What::Redacted { envelopes: redacted }))
    }

    /// Takes the bodies away that are past their time, in small batches.
    async fn redact_expired(&mut self, partition: &Partition, kind: (&str, &str), cutoff: Timestamp, settings: &Settings, dry_run: bool) -> Result<i64, Error> {
        let order = Order {
            cause: Cause::Retention,
            reason: format!("the time of {} was up", kind.1),
            paths: Vec::new(),
            erasure: None,
            lake_keeps: settings.lake == Lake::Keep,
        };
        let (mut after, mut redacted) = (0, 0);
        loop {
            let limit = BATCH_ENTRIES_MAX as i64;
            let rows = self.client.query(EXPIRED, &[&kind.0, &kind.1, &partition.received_from, &partition.received_until, &cutoff, &after, &limit]).await?;
            let positions: Vec<Position> = rows.iter().map(|row| Position::new(row.get(0))).collect();
            let Some(last) = positions.last() else { return Ok(redacted) };
            after = last.get();
            redacted += positions.len() as i64;
            if !dry_run {
                self.redact_each(&order, &positions).await?;
            }
        }
    }

    /// Everyone forgets a partition, then its rows go, then what is left of it.
    async fn drop_partition(&mut self, partition: &Partition, settings: &Settings, consumers: &[String], envelopes: i64) -> Result<(), Error> {
        if envelopes > 0 {
            if partition.retired_at.is_none() {
                self.retire(&partition.name, consumers, settings.lake == Lake::Keep).await?;
            }
            let mut after = Some(0_i64);
            while let Some(reached) = after {
                after = self.client.query_one(FORGET_KEYS, &[&partition.name, &reached, &KEYS_AT_ONCE]).await?.get(0);
            }
            self.empty_soon(&partition.name).await?;
        }
        self.detach_if_bare(partition).await
    }

    /// Notes that a partition's time is up, and appends the act that makes everyone forget it.
    async fn retire(&mut self, name: &str, consumers: &[String], lake_keeps: bool) -> Result<(), Error> {
        let days = REDELIVERY_DAYS as i32;
        let consumers: Vec<&str> = consumers.iter().map(String::as_str).collect();
        let transaction = self.client.transaction().await?;
        if let Some(row) = transaction.query_opt(RETIRE, &[&name, &consumers, &days]).await? {
            let range = Range { first: Position::new(row.get(0)), through: Position::new(row.get(1)) };
            let act = Retirement { partition: name.to_owned(), by: self.by.clone(), range, lake_keeps };
            Self::act(&transaction, RETENTION, &act, &self.clock).await?;
        }
        transaction.commit().await?;
        drop(log::announce(&self.client).await);
        Ok(())
    }

    /// Drops a partition in which not even a record of hooklake's own is left. Appends go on meanwhile: detaching
    /// concurrently takes no lock on the log that they would wait for.
    async fn detach_if_bare(&mut self, partition: &Partition) -> Result<(), Error> {
        let name = &partition.name;
        let is_bare: bool = self.client.query_one(&format!("SELECT NOT EXISTS (SELECT FROM log.{name})"), &[]).await?.get(0);
        if !is_bare {
            return Ok(());
        }
        let how = if partition.is_detaching { "FINALIZE" } else { "CONCURRENTLY" };
        self.client.batch_execute(&format!("ALTER TABLE log.envelopes DETACH PARTITION log.{name} {how}")).await?;
        self.client.batch_execute(&format!("DROP TABLE log.{name}")).await?;
        Ok(())
    }
}

/// Runs every hour until stopped. Of several instances one does the work: the others find nothing left to do.
pub async fn keep(database: Database, tasks: Tasks, clock: Clock, settings: Settings, consumers: Vec<String>, stop: Stop) {
    loop {
        if settings.shortest().is_some() {
            match once(&database, &tasks, &clock, &settings, &consumers).await {
                Ok(steps) => {
                    for step in steps {
                        tracing::info!(partition = step.partition, "retention: {} {:?}", step.partition, step.what);
                    }
                }
                Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "retention did not finish; trying again in an hour"),
            }
        }
        if stop.sleep(RUN_EVERY).await.is_stopped() {
            return;
        }
    }
}

async fn once(database: &Database, tasks: &Tasks, clock: &Clock, settings: &Settings, consumers: &[String]) -> Result<Vec<Step>, Error> {
    Custodian::connect(database, tasks, clock.clone(), BY).await?.run(settings, consumers, false).await
}
