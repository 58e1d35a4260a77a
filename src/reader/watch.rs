//! The watch: ends from outside what a reader's session has lifted its own limits for.
//!
//! Every role may `SET statement_timeout = 0`, or ask for memory without end, and no right takes that away. So every
//! serving process looks once a second, on a connection of the owner, which readers cannot use up. What runs too long is
//! cancelled, and ended if it does not heed that.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::guard::Guard;
use super::{Settings, role};
use crate::db::{self, Database};
use crate::tasks::Stop;

const SESSIONS: &str = include_str!("sessions.sql");
const CANCEL: &str = include_str!("cancel.sql");
const END: &str = include_str!("end.sql");

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The role is stated again after so many looks.
const RESTATE_EVERY: u32 = 10;
/// What PostgreSQL is given to keep its own limit before the watch does.
const GRACE_MS: i64 = 500;
/// What a cancelled statement is given to end.
const HEED_MS: i64 = 3_000;
/// What a transaction may take that writes. Every role may alter itself and notify others, and a loop of that fills the disk with
/// versions of one row, or with numbers of savepoints that every other transaction then has to look up.
const WRITING_MS_MAX: i64 = 5_000;
/// Beyond this share of the queue of notifications (8 GB), sessions are ended that may keep it from being emptied.
const QUEUE_SHARE_MAX: f64 = 0.01;
/// Nothing of ours waits longer than this for the database here, nor for a lock, which a reader may hold: while it waits,
/// nobody looks.
const ANSWER_WITHIN: &str = "SET statement_timeout = '10s'; SET lock_timeout = '500ms'";

/// Looks after the sessions of the role in one database.
#[derive(Debug)]
pub struct Watch {
    database: Database,
    settings: Settings,
    /// The sessions' processes are on this machine, and may be looked at.
    is_local: bool,
    guard: Guard,
}

/// A session of the role, and what it is at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Session {
    pid: i32,
    statement_ms: Option<i64>,
    idle_ms: Option<i64>,
    transaction_ms: Option<i64>,
    is_writing: bool,
    memory_mb: u64,
}

/// What becomes of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is within its limits.
    Leave,
    /// Its statement is cancelled.
    Cancel,
    /// It is ended, because of this.
    End(&'static str),
}

impl Watch {
    /// A watch over this database. `is_local` when it runs on this machine.
    #[must_use]
    pub fn new(database: Database, settings: Settings, is_local: bool) -> Self {
        Self { database, settings, is_local, guard: Guard::default() }
    }

    /// Looks until it is time to stop; connects again whenever the connection is lost.
    pub async fn keep(mut self, stop: Stop) {
        loop {
            if let Some(Err(error)) = stop.or(self.look_on()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot look after readers' sessions; trying again");
            }
            if stop.sleep(LOOK_EVERY).await.is_stopped() {
                return;
            }
        }
    }

    async fn look_on(&mut self) -> Result<(), db::Error> {
        let (mut client, connection) = self.database.dedicated().await?;
        let looking = async {
            client.batch_execute(ANSWER_WITHIN).await?;
            for look in 0_u32.. {
                self.look(&client).await?;
                if look.is_multiple_of(RESTATE_EVERY) {
                    self.restate(&mut client).await?;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        db::driven(connection, looking).await
    }

    /// States the role again. What a session holds waits for the next time; one that holds on is ended before.
    async fn restate(&mut self, client: &mut Client) -> Result<(), db::Error> {
        let stated = match role::state(client, &self.settings).await {
            Ok(_) => self.guard.keep(client).await,
            Err(error) => Err(error),
        };
        match stated {
            Err(error) if error.sqlstate() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                tracing::warn!("a reader's session keeps the role from being stated again; trying again");
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn look(&self, client: &Client) -> Result<(), db::Error> {
        let mut sessions: BTreeMap<i32, Session> = BTreeMap::new();
        let mut queue_used = 0.0;
        for row in client.query(SESSIONS, &[]).await? {
            let (pid, leader): (i32, Option<i32>) = (row.get("pid"), row.get("leader_pid"));
            let session = sessions.entry(leader.unwrap_or(pid)).or_default();
            if self.is_local {
                session.memory_mb += memory_mb(pid).unwrap_or_default();
            }
            if leader.is_none_or(|leader| leader == pid) {
                session.pid = pid;
                session.statement_ms = row.get("statement_ms");
                session.idle_ms = row.get("idle_ms");
                session.transaction_ms = row.get("transaction_ms");
                session.is_writing = row.get("is_writing");
            }
            queue_used = row.get("queue_used");
        }
        for session in sessions.values() {
            match judge(session, queue_used, &self.settings) {
                Verdict::Leave => {}
                Verdict::Cancel => {
                    tracing::warn!(pid = session.pid, "cancelled a reader's statement: it runs longer than reader.statement_timeout_ms");
                    client.query(CANCEL, &[&session.pid, &i64::from(self.settings.statement_timeout_ms)]).await?;
                }
                Verdict::End(reason) => {
                    tracing::warn!(pid = session.pid, reason, "ended a reader's session: {reason}");
                    client.query(END, &[&session.pid]).await?;
                }
            }
        }
        Ok(())
    }
}

/// What becomes of a session. Pure.
fn judge(session: &Session, queue_used: f64, settings: &Settings) -> Verdict {
    let is_over = |value: Option<i64>, limit: u32, grace| value.is_some_and(|value| value > i64::from(limit) + grace);
    if session.memory_mb > u64::from(settings.memory_mb_max) {
        Verdict::End("it holds more memory than reader.memory_mb_max")
    } else if queue_used > QUEUE_SHARE_MAX && session.transaction_ms.is_some() {
        Verdict::End("notifications are piling up behind a transaction")
    } else if session.is_writing && session.transaction_ms.is_some_and(|value| value > WRITING_MS_MAX) {
        Verdict::End("its transaction writes, and does not end")
    } else if is_over(session.transaction_ms, settings.transaction_timeout_ms, GRACE_MS) {
        Verdict::End("its transaction is older than reader.transaction_timeout_ms")
    } else if is_over(session.idle_ms, settings.idle_in_transaction_timeout_ms, GRACE_MS) {
        Verdict::End("it is idle in a transaction for longer than reader.idle_in_transaction_timeout_ms")
    } else if is_over(session.statement_ms, settings.statement_timeout_ms, GRACE_MS + HEED_MS) {
        Verdict::End("its statement was cancelled and runs on")
    } else if is_over(session.statement_ms, settings.statement_timeout_ms, GRACE_MS) {
        Verdict::Cancel
    } else {
        Verdict::Leave
    }
}

/// What a process of this machine holds for itself, in megabytes: what is resident, without what all of PostgreSQL share.
fn memory_mb(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? >> 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            password: crate::reader::password::Password::default(),
            connections_max: 10,
            statement_timeout_ms: 1_000,
            idle_in_transaction_timeout_ms: 2_000,
            lock_timeout_ms: 1_000,
            transaction_timeout_ms: 10_000,
            work_mem_mb: 16,
            temp_file_mb_max: 64,
            memory_mb_max: 256,
            listen: String::new(),
            tls_cert: std::path::PathBuf::new(),
            tls_key: std::path::PathBuf::new(),
            address: String::new(),
        }
    }

    #[test]
    fn a_session_within_its_limits_is_left_alone() {
        let busy = Session { pid: 1, statement_ms: Some(1_400), transaction_ms: Some(1_400), memory_mb: 256, ..Session::default() };
        assert_eq!(judge(&busy, 0.0, &settings()), Verdict::Leave);
        assert_eq!(judge(&Session { pid: 1, ..Session::default() }, 0.5, &settings()), Verdict::Leave, "idle sessions hold nothing up");
    }

    #[test]
    fn a_statement_is_cancelled_and_then_its_session_ended() {
        let at = |statement_ms| Session { pid: 1, statement_ms: Some(statement_ms), transaction_ms: Some(statement_ms), ..Session::default() };
        assert_eq!(judge(&at(1_501), 0.0, &settings()), Verdict::Cancel);
        assert_eq!(judge(&at(4_500), 0.0, &settings()), Verdict::Cancel);
        assert!(matches!(judge(&at(4_501), 0.0, &settings()), Verdict::End(_)));
    }

    #[test]
    fn what_holds_others_up_is_ended() {
        let idle = Session { pid: 1, idle_ms: Some(2_501), transaction_ms: Some(2_501), ..Session::default() };
        let old = Session { pid: 1, statement_ms: Some(5), transaction_ms: Some(10_501), ..Session::default() };
        let large = Session { pid: 1, memory_mb: 257, ..Session::default() };
        let writing = Session { pid: 1, transaction_ms: Some(5_001), is_writing: true, ..Session::default() };
        let listening = Session { pid: 1, idle_ms: Some(5), transaction_ms: Some(5), ..Session::default() };
        for (session, queue_used) in [(idle, 0.0), (old, 0.0), (large, 0.0), (writing, 0.0), (listening, 0.02)] {
            assert!(matches!(judge(&session, queue_used, &settings()), Verdict::End(_)), "{session:?}");
        }
        assert_eq!(judge(&listening, 0.0, &settings()), Verdict::Leave);
        assert_eq!(judge(&Session { is_writing: false, ..writing }, 0.0, &settings()), Verdict::Leave);
    }

    #[test]
    fn this_process_holds_memory() {
        let pid = i32::try_from(std::process::id()).expect("a small number");
        assert!(memory_mb(pid).is_some_and(|megabytes| megabytes > 0 && megabytes < 100_000));
        assert_eq!(memory_mb(-1), None);
    }
}
