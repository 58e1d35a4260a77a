//! What holds after every fault: I1 to I7 and I10 to I12 of the design, all together.

use std::collections::HashMap;

use hooklake::consumer::checkpoint;
use hooklake::db::Database;
use hooklake::domain::{EventId, Position, Tenant};
use hooklake::lake::QueryOptions;
use hooklake::registry;
use hooklake::search::Searcher;
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;

use super::ledger::Known;
use super::stage::Stage;
use crate::harness::{chain, rows};
use crate::rebuild::tables;

/// A server of these tests, built without optimisation, stays below it.
const SERVER_BYTES_MAX: u64 = 1 << 30;
/// Rows of one look into the lake.
const PAGE: i64 = 5_000;

/// What was found, all of it in order.
#[derive(Debug, Default, Clone, Copy)]
pub struct Found {
    pub acknowledged: usize,
    pub refused: usize,
    /// Of unknown outcome at first, and sent again.
    pub settled: usize,
    pub head: i64,
}

/// Heals, settles and stops the server, then checks everything. The server is to be started again by the caller.
pub async fn all_hold(stage: &mut Stage) -> Found {
    stage.healed().await;
    let settled = stage.settle().await;
    stage.healed().await;
    assert!(stage.server_bytes() < SERVER_BYTES_MAX, "I12: {} bytes", stage.server_bytes());
    let seen = stage.take_reader().stop().await;
    assert_eq!(stage.stop_server().await, Some(0), "it stops in order: {}", stage.said());
    // On a full disk object_store's writer is ended twice, which panics in a task of its own after the error was returned.
    let is_ours = |line: &&str| line.starts_with("thread ") && line.contains("panicked at") && !line.contains("/object_store-");
    assert_eq!(stage.said().lines().find(is_ours), None, "I12: {}", stage.said());

    let base = stage.base().await;
    let log = the_log(&base.database).await;
    let head = i64::try_from(log.len()).expect("small");
    in_the_log_is_what_was_sent(stage, &log);
    let read: Vec<(i64, String)> = log.iter().map(|entry| (entry.position, entry.key.clone())).collect();
    assert_eq!(read.len(), seen.len(), "I4: the reader saw as much as there is");
    assert_eq!(read, seen, "I4: what a reader passed never changes");
    chain::recomputes(&base.database).await;

    let lake = checkpoint::position(&base.database, "lake").await.expect("a position");
    assert_eq!(lake, Position::new(head), "I10: exported");
    let engine = base.engine().expect("an engine");
    let mut exported = Vec::new();
    for after in (0..head).step_by(usize::try_from(PAGE).expect("small")) {
        let sql = format!("SELECT position, id FROM events WHERE position > {after} AND position <= {} ORDER BY position", after + PAGE);
        let options = QueryOptions { max_rows: 10_000, ..QueryOptions::default() };
        let answer = engine.query(&Tenant::default_tenant(), &sql, options).await.expect("the lake answers");
        exported.extend(answer.to_csv().expect("CSV").lines().skip(1).map(str::to_owned));
    }
    let expected: Vec<String> = log.iter().map(|entry| format!("{},{}", entry.position, entry.id)).collect();
    assert!(exported == expected, "I6: the lake holds the log once: {} rows of {}", exported.len(), expected.len());

    if head > 0 {
        let found = Searcher::new(base.database.clone(), stage.data_dir()).search(&Tenant::default_tenant(), "*", 1, 0).await.expect("the index answers");
        assert_eq!((found.total, found.through.get()), (log.len(), head), "I7: the index holds the log once");
    }
    every_projection_is_a_fold(&base).await;
    base.close().await.expect("closed");
    let ledger = &stage.ledger;
    Found { acknowledged: ledger.count(Known::Acknowledged), refused: ledger.count(Known::Refused), settled, head }
}

struct Entry {
    position: i64,
    id: String,
    key: String,
    sha256: String,
}

async fn the_log(database: &Database) -> Vec<Entry> {
    let sql = "SELECT position, id, delivery_key, encode(sha256(body), 'hex') FROM log.envelopes ORDER BY position";
    rows(database, sql)
        .await
        .iter()
        .map(|row| Entry { position: row.get(0), id: EventId::from_uuid(row.get(1)).to_string(), key: row.get(2), sha256: row.get(3) })
        .collect()
}

/// I1 to I4.
fn in_the_log_is_what_was_sent(stage: &Stage, log: &[Entry]) {
    let ledger = stage.ledger.all();
    let mut times: HashMap<&str, usize> = HashMap::new();
    for (index, entry) in log.iter().enumerate() {
        assert_eq!(entry.position, i64::try_from(index).expect("small") + 1, "I4: positions have no gaps");
        let sent = ledger.get(&entry.key).unwrap_or_else(|| panic!("I3: {} was never sent", entry.key));
        assert_eq!(sent.sha256, entry.sha256, "I1: {} is there byte for byte", entry.key);
        assert_ne!(sent.known, Known::Refused, "I3: {} was refused", entry.key);
        *times.entry(&entry.key).or_default() += 1;
    }
    for (id, entry) in &ledger {
        let times = times.get(id.as_str()).copied().unwrap_or(0);
        match entry.known {
            Known::Acknowledged => assert_eq!(times, 1, "I1, I2: {id} was acknowledged"),
            Known::Unknown => assert!(times <= 1, "I2: {id} is there {times} times"),
            Known::Refused => assert_eq!(times, 0, "I3: {id} was refused"),
        }
    }
}

/// I5: built anew from the log, every table is the same.
async fn every_projection_is_a_fold(base: &hooklake::app::Base) {
    let live = tables(&base.database).await;
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    for consumer in registry::consumers(base).expect("consumers") {
        if !matches!(consumer.name(), "lake" | "search") {
            runner.rebuild(consumer.as_ref(), &mut |_, _| {}).await.unwrap_or_else(|error| panic!("{}: {error:?}", consumer.name()));
        }
    }
    tasks.stop().tell();
    let fresh = tables(&base.database).await;
    for (name, rows) in &live {
        assert!(rows == &fresh[name], "I5: {name} is not the fold of the log: {} rows, {} built anew", rows.len(), fresh[name].len());
    }
}
