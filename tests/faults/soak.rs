//! `make soak MINUTES=n [SEED=s]`: faults at random under load, and everything checked after each few of them.

use std::time::{Duration, Instant};

use super::invariants::all_hold;
use super::ledger::Known;
use super::stage::{Stage, children, signal};
use crate::harness::{rows, wait_until};

/// Faults between two looks at everything.
const FAULTS_BETWEEN: usize = 6;

/// A small generator of our own, so that a seed gives the same course on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// `MINUTES` and the dice of `SEED`, from the environment; prints what they are.
pub fn settings(what: &str) -> (u64, Dice) {
    let setting = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let minutes = setting("MINUTES").unwrap_or(2);
    let seed = setting("SEED").unwrap_or_else(|| u64::from(std::process::id()) * 7919 + 1);
    println!("{what}: {minutes} minutes, SEED={seed}");
    (minutes, Dice(seed.max(1)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes as long as it is told: make soak MINUTES=n"]
async fn soak() {
    let (minutes, mut dice) = settings("soak");
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let mut stage = Stage::embedded().await;
    let mut faults = std::collections::BTreeMap::<&str, usize>::new();
    let (mut rounds, mut settled) = (0, 0);
    while Instant::now() < until {
        rounds += 1;
        let load = stage.load(&format!("soak-{rounds}"), 4);
        for _ in 0..FAULTS_BETWEEN {
            load.acknowledges(usize::try_from(5 + dice.below(60)).expect("small")).await;
            let fault = strike(&mut stage, &mut dice).await;
            *faults.entry(fault).or_default() += 1;
        }
        load.acknowledges(10).await;
        load.stop().await;
        let found = all_hold(&mut stage).await;
        settled += found.settled;
        println!("round {rounds}: {found:?}");
        stage.serve(&[]).await;
    }
    let ledger = &stage.ledger;
    println!(
        "soak: {rounds} rounds, {} faults {faults:?}, {} acknowledged, {} refused, {settled} of unknown outcome and sent again; every invariant held after each round",
        faults.values().sum::<usize>(),
        ledger.count(Known::Acknowledged),
        ledger.count(Known::Refused),
    );
    assert_eq!(ledger.count(Known::Unknown), 0);
}

/// One fault; the load goes on meanwhile.
async fn strike(stage: &mut Stage, dice: &mut Dice) -> &'static str {
    match dice.below(6) {
        0 | 1 => {
            stage.kill_server();
            stage.serve(&[]).await;
            "server killed"
        }
        2 => {
            let backends = rows(&stage.database, "SELECT pid FROM pg_stat_activity WHERE application_name = 'hooklake' AND pid <> pg_backend_pid()").await;
            if let Some(backend) = backends.first() {
                signal(&[u32::try_from(backend.get::<_, i32>(0)).expect("a pid")], "KILL");
            }
            "backend killed"
        }
        3 => {
            let before = stage.postmaster();
            signal(&stage.postgres_tree(), if dice.below(2) == 0 { "KILL" } else { "QUIT" });
            wait_until("another PostgreSQL runs", async || stage.postmaster().is_some_and(|now| Some(now) != before)).await;
            "PostgreSQL killed"
        }
        4 => {
            let postmaster = stage.postmaster().expect("it runs");
            signal(&[postmaster], "STOP");
            signal(&children(postmaster), "STOP");
            tokio::time::sleep(Duration::from_millis(500 + dice.below(4000))).await;
            signal(&stage.postgres_tree(), "CONT");
            "PostgreSQL stopped"
        }
        _ => {
            // A server comes to no other places.
            let places: Vec<_> = hooklake::failpoint::ALL.into_iter().filter(|place| !place.starts_with("rebuild.")).collect();
            let place = places[usize::try_from(dice.below(places.len() as u64)).expect("small")];
            stage.kill_server();
            stage.serve(&[("FAILPOINTS", &format!("{place}={}*off->return(abort)", 1 + dice.below(8)))]).await;
            stage.server_ends().await;
            stage.serve(&[]).await;
            "ended at a failpoint"
        }
    }
}
