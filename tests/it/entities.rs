//! Entities are the same whatever the order in which their events come, and are what was written down by hand.

use std::collections::BTreeMap;

use hooklake::domain::Tenant;
use hooklake::simulate::{Organisation, Settings};
use serde_json::Value;

use crate::harness::fold::{ENTITIES, Fold, PEOPLE, examples, story};
use crate::taken_back::attachment;

/// One event: its source, its type, and its body.
pub type Told = (String, String, Value);

/// The examples and the story that have a JSON body, in the order in which they are told, and what is attached in Linear.
fn told() -> Vec<Told> {
    let examples = examples().into_iter().map(|(event_type, body)| ("github".to_owned(), event_type, body));
    let story = story().into_iter().map(|told| {
        let word = |name: &str| told[name].as_str().expect("a word").to_owned();
        (word("source"), word("event"), told["body"].clone())
    });
    let attached = [("create", "x", "02T08:00"), ("remove", "x", "03T08:00"), ("create", "y", "04T08:00")];
    let attached = attached.map(|(action, id, at)| ("linear".to_owned(), "Attachment".to_owned(), attachment(action, id, "ABC-1", at)));
    examples.chain(story).chain(attached).collect()
}

/// The same in an order that a seed decides, a few of them twice.
pub fn shuffled(told: &[Told], seed: u64) -> Vec<Told> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(bound).expect("few")).expect("few")
    };
    let mut events = told.to_vec();
    for _ in 0..told.len() / 5 {
        events.push(told[below(told.len())].clone());
    }
    for last in (1..events.len()).rev() {
        events.swap(last, below(last + 1));
    }
    events
}

/// What every table says of a tenant, without where each row came from.
pub async fn tables_of(fold: &Fold, tenant: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    for table in ENTITIES.iter().chain(PEOPLE) {
        let rows = fold
            .db
            .rows(&format!(
                "SELECT DISTINCT (to_jsonb(t) - '{{tenant,position,received_at}}'::text[])::text FROM {table} t WHERE tenant = '{tenant}' ORDER BY 1"
            ))
            .await;
        tables.insert((*table).to_owned(), rows.iter().map(|row| row.get(0)).collect());
    }
    tables
}

pub async fn append(fold: &Fold, tenant: &str, events: &[Told]) {
    for (source, event_type, body) in events {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        fold.append_for(Tenant::new(tenant), source, event_type, body.to_string().as_bytes(), headers, Vec::new()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shuffled_and_repeated_events_give_the_same_entities() {
    const SEEDS: u64 = 6;
    let fold = Fold::start_with(&["entities", "people"]).await;
    let told = told();
    append(&fold, "in-order", &told).await;
    for seed in 1..=SEEDS {
        append(&fold, &format!("seed-{seed}"), &shuffled(&told, seed)).await;
    }
    fold.caught_up().await;
    let expected = tables_of(&fold, "in-order").await;
    for (table, rows) in &expected {
        assert!(!rows.is_empty(), "{table} has rows");
    }
    for seed in 1..=SEEDS {
        for (table, rows) in tables_of(&fold, &format!("seed-{seed}")).await {
            assert_eq!(rows, expected[&table], "{table}, seed {seed}");
        }
    }
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_of_a_simulated_organisation_may_come_in_any_order() {
    let fold = Fold::start_with(&["entities", "people"]).await;
    let organisation = Organisation::new(&Settings { seed: 3, people: 12, repos: 3, days: 5, ..Settings::default() });
    let told: Vec<Told> = organisation
        .filter_map(|one| Some((one.delivery.source.clone(), one.delivery.event.clone(), serde_json::from_str(&one.delivery.body).ok()?)))
        .collect();
    assert!(told.len() > 100, "{} events", told.len());
    append(&fold, "in-order", &told).await;
    append(&fold, "seed-1", &shuffled(&told, 1)).await;
    append(&fold, "seed-2", &shuffled(&told, 2)).await;
    fold.caught_up().await;
    let expected = tables_of(&fold, "in-order").await;
    for table in ["pull_requests", "issues", "commits", "branches", "checks", "slack_messages", "people"] {
        assert!(!expected[table].is_empty(), "{table} has rows");
    }
    for seed in 1..=2 {
        for (table, rows) in tables_of(&fold, &format!("seed-{seed}")).await {
            assert_eq!(rows, expected[&table], "{table}, seed {seed}");
        }
    }
    let disagreeing = "SELECT count(*) FROM pull_requests WHERE tenant = 'in-order' AND is_merged AND state <> 'closed'";
    assert_eq!(fold.db.number(disagreeing).await, 0);
    fold.stop().await;
}
