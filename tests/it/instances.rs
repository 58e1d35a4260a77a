//! Several processes on one database: each consumer has one owner at a time, and another takes over when it is gone.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hooklake::consumer::checkpoint;
use hooklake::log::Reader;

use crate::faults::soak::settings;
use crate::harness::process::{Process, command};
use crate::harness::{TestDatabase, github_signature, wait_until};

const SHORT_LEASE: (&str, &str) = ("HOOKLAKE_CONSUMERS_LEASE_SECONDS", "2");
/// Writes down who moved which checkpoint, in the transaction that moves it.
const WATCH: &str = "
    CREATE TABLE public.moves (n bigserial, name text, epoch bigint, owner text, old_position bigint, new_position bigint);
    CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN
        INSERT INTO moves (name, epoch, owner, old_position, new_position) VALUES (NEW.name, NEW.epoch, NEW.owner, OLD.position, NEW.position); RETURN NEW;
    END $$;
    CREATE TRIGGER watch AFTER UPDATE ON hooklake.consumers FOR EACH ROW WHEN (OLD.position <> NEW.position) EXECUTE FUNCTION public.watch()";

async fn deliver(client: &reqwest::Client, address: SocketAddr, name: &str) -> Option<u16> {
    let body = format!(r#"{{"action":"opened","issue":{{"number":1,"title":"{name}"}},"repository":{{"full_name":"o/r"}},"sender":{{"login":"ada"}}}}"#);
    let sending = client
        .post(format!("http://{address}/webhook/github"))
        .header("X-GitHub-Event", "issues")
        .header("X-GitHub-Delivery", name)
        .header("X-Hub-Signature-256", github_signature(body.as_bytes()))
        .header("Content-Type", "application/json")
        .timeout(Duration::from_secs(5))
        .body(body)
        .send();
    sending.await.ok().map(|answer| answer.status().as_u16())
}

async fn caught_up(db: &TestDatabase) {
    let head = Reader::new(db.database.clone()).head().await.expect("a head").position;
    wait_until("every consumer has caught up", async || {
        let standings = checkpoint::standings(&db.database).await.expect("standings");
        !standings.is_empty() && standings.iter().all(|standing| standing.position >= head)
    })
    .await;
}

async fn owners(db: &TestDatabase) -> Vec<String> {
    let rows = db.rows("SELECT DISTINCT owner FROM hooklake.consumers WHERE lease_until > clock_timestamp()").await;
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn paused_owners_are_replaced_and_write_nothing_more() {
    under_pauses(3, async |db, processes| {
        // Whoever has leases is paused until somebody else has them, in turn; the pauses end at other moments each time.
        for round in 0..6 {
            wait_until("somebody is the owner", async || !owners(db).await.is_empty()).await;
            let before = owners(db).await;
            let paused: Vec<&Process> =
                processes.iter().filter(|process| before.iter().any(|owner| owner.ends_with(&format!("/{}", process.id())))).take(2).collect();
            signal(&paused, "STOP");
            let is_theirs = |owner: &String| paused.iter().any(|process| owner.ends_with(&format!("/{}", process.id())));
            wait_until("others have taken over", async || owners(db).await.iter().any(|owner| !is_theirs(owner))).await;
            let moves = db.number("SELECT count(*) FROM moves").await;
            wait_until("they go on", async || db.number("SELECT count(*) FROM moves").await > moves + round).await;
            signal(&paused, "CONT");
        }
    })
    .await;
}

/// `make pauses MINUTES=n [SEED=s]`: any of four, at random, and for as long as a lease holds or twice that.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "takes as long as it is told: make pauses MINUTES=n"]
async fn paused_owners_at_random() {
    let (minutes, mut dice) = settings("pauses");
    under_pauses(4, async |_, processes| {
        let until = Instant::now() + Duration::from_secs(minutes * 60);
        while Instant::now() < until {
            let paused: Vec<&Process> = processes.iter().filter(|_| dice.below(2) == 0).collect();
            signal(&paused, "STOP");
            tokio::time::sleep(Duration::from_millis(dice.below(5000))).await;
            signal(&paused, "CONT");
            tokio::time::sleep(Duration::from_millis(dice.below(3000))).await;
        }
    })
    .await;
}

fn signal(processes: &[&Process], name: &str) {
    for process in processes {
        process.signal(name);
    }
}

/// So many instances that receive and consume while some are paused; then nothing was done twice, or by who was replaced.
async fn under_pauses(instances: usize, pauses: impl AsyncFnOnce(&TestDatabase, &[Process])) {
    let db = TestDatabase::new().await;
    db.execute(WATCH).await;
    let mut processes = Vec::new();
    for _ in 0..instances {
        processes.push(Process::start_with(&db, &[SHORT_LEASE]).await);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = processes
        .iter()
        .map(|process| {
            let (address, stop) = (process.address, Arc::clone(&stop));
            tokio::spawn(async move {
                let client = reqwest::Client::builder().no_proxy().build().expect("a client");
                let mut acknowledged = Vec::new();
                for number in 0.. {
                    let name = format!("{}-{number}", address.port());
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    if deliver(&client, address, &name).await == Some(200) {
                        acknowledged.push(name);
                    }
                }
                acknowledged
            })
        })
        .collect();
    pauses(&db, &processes).await;
    stop.store(true, Ordering::SeqCst);
    let mut acknowledged = Vec::new();
    for sender in senders {
        acknowledged.extend(sender.await.expect("a sender ends"));
    }
    let kept = db.rows("SELECT delivery_key, count(*) FROM log.envelopes GROUP BY 1").await;
    let kept: HashMap<String, i64> = kept.iter().map(|row| (row.get(0), row.get(1))).collect();
    for name in &acknowledged {
        assert_eq!(kept.get(name), Some(&1), "{name}");
    }
    caught_up(&db).await;
    println!(
        "{} acknowledged on {instances} instances, {} moves of checkpoints, {} epochs",
        acknowledged.len(),
        db.number("SELECT count(*) FROM moves").await,
        db.number("SELECT sum(epoch)::bigint FROM hooklake.consumers").await
    );

    let twice = "SELECT count(*) FROM (SELECT name, epoch FROM moves GROUP BY 1, 2 HAVING count(DISTINCT owner) > 1) two";
    assert_eq!(db.number(twice).await, 0, "two owners moved a checkpoint in the same epoch");
    let back = "SELECT count(*) FROM (SELECT epoch < lag(epoch) OVER w AS older, old_position <> lag(new_position) OVER w AS torn FROM moves
                WHERE name NOT IN ('search', 'lake') WINDOW w AS (PARTITION BY name ORDER BY n)) m WHERE older OR torn";
    assert_eq!(db.number(back).await, 0, "an owner that was replaced moved a checkpoint");
    assert!(db.number("SELECT count(DISTINCT owner) FROM moves").await > 1, "there was a take-over");

    // Each projection is a fresh fold of the log, and index and lake hold it once.
    let tables = ["events", "github_events", "received_deliveries", "event_subjects"];
    let rows = async |table: &str| -> Vec<String> {
        db.rows(&format!("SELECT (to_jsonb(t) - 'processed_at')::text FROM projections.{table} t ORDER BY 1")).await.iter().map(|row| row.get(0)).collect()
    };
    let mut live = Vec::new();
    for table in tables {
        live.push(rows(table).await);
    }
    let log = db.number("SELECT position FROM log.head").await;
    for consumer in ["events", "github_events", "webhook_deliveries", "correlation"] {
        let output = command(&db).args(["rebuild", consumer]).output().expect("it runs");
        assert!(output.status.success(), "{consumer}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for (table, live) in tables.iter().zip(&live) {
        assert_eq!(&rows(table).await, live, "{table}");
    }
    let counted = command(&db).args(["sql", "--output", "csv", "SELECT count(*), count(DISTINCT position) FROM github_events"]).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&counted.stdout).lines().last(), Some(format!("{log},{log}").as_str()), "the lake");
    let found = command(&db).args(["search", "--output", "json", "type:issues", "--limit", "1"]).output().expect("it runs");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_answers_what_it_should() {
    let db = TestDatabase::new().await;
    let ingest = Process::start_with(&db, &[("HOOKLAKE_ROLES", "ingest")]).await;
    let consume = Process::start_with(&db, &[("HOOKLAKE_ROLES", "consume"), SHORT_LEASE]).await;
    let serve = Process::start_with(&db, &[("HOOKLAKE_ROLES", "serve")]).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let output = command(&db).arg("token").output().expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let token = printed.split_whitespace().find(|word| word.starts_with("hl_")).expect("a token").to_owned();
    let get = async |process: &Process, path: &str| {
        let answer = client.get(format!("http://{}{path}", process.address)).bearer_auth(&token).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };

    assert_eq!(deliver(&client, ingest.address, "role-1").await, Some(200));
    for other in [&consume, &serve] {
        assert_eq!(deliver(&client, other.address, "role-2").await, Some(404), "only the role ingest receives");
    }
    for process in [&ingest, &consume, &serve] {
        assert_eq!(get(process, "/health/ready").await.0, 200);
        assert_eq!(get(process, "/metrics").await.0, 200);
    }
    caught_up(&db).await;
    let (status, text) = get(&serve, "/events").await;
    assert!(status == 200 && text.contains("role-1"), "{status} {text}");
    for other in [&ingest, &consume] {
        assert_eq!(get(other, "/events").await.0, 404, "only the role serve answers questions");
    }
    let owners = owners(&db).await;
    assert!(owners.iter().all(|owner| owner.ends_with(&format!("/{}", consume.id()))), "only the role consume follows the log: {owners:?}");

    // The one consumer is killed; another takes over, index and lake as well.
    consume.signal("KILL");
    assert_eq!(consume.wait(), None);
    let next = Process::start_with(&db, &[("HOOKLAKE_ROLES", "consume"), SHORT_LEASE]).await;
    assert_eq!(deliver(&client, ingest.address, "role-3").await, Some(200));
    caught_up(&db).await;
    assert!(get(&serve, "/events").await.1.contains("role-3"));
    drop(next);
}
