//! Whether anybody waits while a full partition goes: `make bench retention`.
//!
//! As many real payloads as a week is to have are sent, and the week is moved back by as many days as retention wants.
//! Then deliveries come at a given rate, for a while alone and then while retention takes that partition away. A reader
//! takes and leaves the partition's lock again and again, as one does that looks for a delivery which came before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use hooklake::config::Config;
use hooklake::db::Database;
use hooklake::domain::Clock;
use hooklake::retention::{Custodian, Settings};
use hooklake::tasks::Tasks;
use tokio::task::JoinHandle;

use crate::server::Server;
use crate::{bodies, load, milliseconds};

const FILL_CONNECTIONS: usize = 64;
const CONNECTIONS: usize = 16;
const RATE: f64 = 500.0;
const ALONE: Duration = Duration::from_secs(15);
/// The rest of the load, after what retention needs.
const TOGETHER: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(5);
const POLICY: &str = "days = 30\nlake = \"forget\"\nsources = {}\ntenants = {}";

/// Makes the week of all that is there one that ended long ago, and a new one for what comes.
const AGE: &str = "DO $$ DECLARE part text; week timestamptz := date_trunc('week', now() - interval '100 days'); BEGIN
    SELECT split_part(tableoid::regclass::text, '.', 2) INTO part FROM log.envelopes LIMIT 1;
    EXECUTE format('ALTER TABLE log.envelopes DETACH PARTITION log.%I', part);
    EXECUTE format('ALTER TABLE log.%I RENAME TO envelopes_old', part);
    UPDATE log.envelopes_old SET received_at = week + interval '1 day';
    EXECUTE format('ALTER TABLE log.envelopes ATTACH PARTITION log.envelopes_old FOR VALUES FROM (%L) TO (%L)', week, week + interval '1 week');
    PERFORM log.ensure_partitions(4);
END $$";
const TAKE: &str = "BEGIN; LOCK TABLE log.envelopes_old IN ACCESS SHARE MODE; COMMIT";
/// Appends that wait for a lock of whoever is not appending: they wait for one another all the time.
const WAITING: &str = "SELECT count(DISTINCT a.pid) FROM pg_stat_activity a
    CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS b (pid)
    JOIN pg_stat_activity o ON o.pid = b.pid
    WHERE a.wait_event_type = 'Lock' AND a.query LIKE '%log.append%' AND o.query NOT LIKE '%log.append%'";

/// Fills a partition with so many envelopes, and drops it.
pub async fn run(envelopes: usize) -> anyhow::Result<()> {
    let real = bodies::real()?;
    let server = Server::start("ingest").await.context("the server does not start")?;
    let database = Database::new(&server.cluster.url("hooklake"), &Config::load(None, [])?.database)?;
    load::run(server.address, &real.texts, FILL_CONNECTIONS, envelopes).await?;
    let (client, connection) = database.dedicated().await?;
    let driver = tokio::spawn(connection);
    client.batch_execute(AGE).await?;
    let bytes: i64 = client.query_one("SELECT pg_total_relation_size('log.envelopes_old')", &[]).await?.get(0);
    client.batch_execute("CHECKPOINT").await?;
    println!("{envelopes} real payloads in a partition of {} MB; then {RATE} a second over {CONNECTIONS} connections", bytes >> 20);
    println!("{:<24} {:>10} {:>10} {:>10} {:>10} {:>12}", "", "accepted", "p50 ms", "p99 ms", "longest ms", "not accepted");
    let alone = load::run_at(server.address, &real.texts, CONNECTIONS, RATE, ALONE).await?;
    print("alone", &alone);

    let tasks = Tasks::default();
    let mut custodian = Custodian::connect(&database, &tasks, Clock::system(), "bench").await?;
    let settings: Settings = toml::from_str(POLICY)?;
    let stop = Arc::new(AtomicBool::new(false));
    let reading = longest_lock(&database, &stop);
    let looking = waiting(&database, &stop);
    let sending = tokio::spawn({
        let (address, texts) = (server.address, real.texts.clone());
        async move { load::run_at(address, &texts, CONNECTIONS, RATE, TOGETHER).await }
    });
    let started = Instant::now();
    let steps = custodian.run(&settings, &[], false).await?;
    let took = started.elapsed();
    let together = sending.await??;
    stop.store(true, Ordering::SeqCst);
    print("with the drop in it", &together);
    println!("\n{steps:?}\nretention took {:.1} s", took.as_secs_f64());
    println!("the longest wait of a reader for the partition's lock: {:.1} ms", milliseconds(reading.await??));
    let (waited, looks) = looking.await??;
    println!("appends that waited for a lock of somebody's at retention: {waited}, in {looks} looks");
    drop((custodian, client));
    tasks.stop().tell();
    drop(driver.await);
    server.stop().await
}

fn print(name: &str, measured: &load::Measured) {
    let all = &measured.accepted.all;
    let [middle, most, longest] = [0.5, 0.99, 1.0].map(|share| milliseconds(all.percentile(share)));
    println!("{name:<24} {:>10} {middle:>10.1} {most:>10.1} {longest:>10.1} {:>12}  {}", all.count(), measured.refused.count(), measured.troubles());
}

/// The longest time in which the partition's lock could not be had.
fn longest_lock(database: &Database, stop: &Arc<AtomicBool>) -> JoinHandle<anyhow::Result<Duration>> {
    let (database, stop) = (database.clone(), Arc::clone(stop));
    tokio::spawn(async move {
        let (client, connection) = database.dedicated().await?;
        let driver = tokio::spawn(connection);
        let mut longest = Duration::ZERO;
        while !stop.load(Ordering::SeqCst) {
            let started = Instant::now();
            // It ends with the partition.
            if client.batch_execute(TAKE).await.is_err() {
                break;
            }
            longest = longest.max(started.elapsed());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(client);
        drop(driver.await);
        Ok(longest)
    })
}

/// How many appends were seen that waited for retention, in how many looks.
fn waiting(database: &Database, stop: &Arc<AtomicBool>) -> JoinHandle<anyhow::Result<(i64, u64)>> {
    let (database, stop) = (database.clone(), Arc::clone(stop));
    tokio::spawn(async move {
        let (client, connection) = database.dedicated().await?;
        let driver = tokio::spawn(connection);
        let (mut waited, mut looks) = (0, 0);
        while !stop.load(Ordering::SeqCst) {
            let row = client.query_one(WAITING, &[]).await?;
            waited += row.get::<_, i64>(0);
            looks += 1;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        drop(client);
        drop(driver.await);
        Ok((waited, looks))
    })
}
