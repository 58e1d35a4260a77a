//! People: which accounts and addresses are the same human, and what says so.
//!
//! ```text
//! envelope ─→ claims (account, login | name | email) ─→ person_evidence ─→ person_claims: each claim once
//!                            claims and the map that people configured ─→ grouping ─→ person_identities, people
//! ```
//!
//! An envelope claims something of an account: this login, this name, this address (`claims`). The claims that any
//! envelope still makes, and the newest [`map`] in the log, decide which accounts are one person (`grouping`, pure).
//! Nothing is merged in place: take away a claim or change the map, and the groups are those that what is left gives. So
//! order, repetition and rebuilds change nothing, and what was joined wrongly comes apart again.
//!
//! Groups are made anew only when the claims of a tenant change, which they do when somebody new appears, not with every
//! event. Deliberately absent: bots, which are nobody.

mod claims;
mod grouping;
pub mod map;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::Value;

use super::entry::Entry;
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::db::rows;
use crate::domain::json::Document;
use crate::domain::{Envelope, OWN_SOURCE};
use crate::log::Batch;
use claims::{Claim, Known, What};
use map::{MAP_TYPE, PeopleMap};

const SETTLE_CLAIMS: &str = include_str!("settle_claims.sql");
const REMEMBERED: &str = include_str!("remembered.sql");
const LOAD_CLAIMS: &str = include_str!("load_claims.sql");
const LOAD_MAP: &str = include_str!("load_map.sql");
const SAVE_MAP: &str = include_str!("save_map.sql");
const TENANTS: &str = include_str!("tenants.sql");
/// Written for one of the two tables; it is the same for both.
const REPLACE: &str = include_str!("replace.sql");
const REPLACE_IS_FOR: &str = "person_identities";

/// Keeps the tables `person_evidence`, `person_claims`, `people_map`, `person_identities` and `people`.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeopleTables;

#[async_trait]
impl Projector for PeopleTables {
    const NAME: &'static str = "people";
    const VERSION: i32 = 3;
    const TABLES: &'static [&'static str] = &["person_evidence", "person_claims", "people_map", "person_identities", "people"];
    const SOURCES: Option<&'static [&'static str]> = Some(&["github", "linear", "slack", OWN_SOURCE]);
    const IN_ORDER: bool = false;
    const FOLDED: &'static [&'static str] = &["person_evidence", "people_map"];
    const REMEMBER: Option<&'static str> = Some(include_str!("remember.sql"));

    /// Of maps the newest counts, which is for them the last one in the log.
    fn takes_late(&self, envelope: &Envelope) -> bool {
        envelope.source != OWN_SOURCE
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::fresh(batch);
        let told = Told::by(&entries);
        told.insert(transaction).await?;
        let claimed = told.claims.iter().map(|(entry, claim)| (entry.envelope.tenant.as_str().to_owned(), claim.clone())).collect();
        let mut tenants = settle_claims(transaction, &claimed).await?;
        if !told.maps.is_empty() {
            let rows = transaction.query(&transaction.prepare_cached(TENANTS).await?, &[]).await?;
            tenants.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        }
        group(transaction, &tenants).await
    }

    async fn record(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        Told::by(&Entry::fresh(batch)).insert(transaction).await
    }

    async fn settle(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let rows = transaction.query(&transaction.prepare_cached(REMEMBERED).await?, &[]).await?;
        let claimed = rows
            .iter()
            .filter_map(|row| {
                Some((row.get("tenant"), Claim { identity: row.get("identity"), what: What::from_word(row.get("kind"))?, value: row.get("value") }))
            })
            .collect();
        let tenants = settle_claims(transaction, &claimed).await?;
        group(transaction, &tenants).await
    }
}

/// What a batch says of people.
struct Told<'a, 'b> {
    claims: Vec<(&'a Entry<'b>, Claim)>,
    maps: Vec<&'a Entry<'b>>,
}

impl<'a, 'b> Told<'a, 'b> {
    fn by(entries: &'a [Entry<'b>]) -> Self {
        let mut told = Self { claims: Vec::new(), maps: Vec::new() };
        for entry in entries {
            if entry.envelope.source == OWN_SOURCE {
                if entry.envelope.event_type == MAP_TYPE {
                    told.maps.push(entry);
                }
                continue;
            }
            told.claims.extend(claims::of(&entry.envelope.source, &entry.envelope.event_type, entry.value()).into_iter().map(|claim| (entry, claim)));
        }
        told
    }

    async fn insert(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        insert(transaction, &self.claims).await?;
        for map in &self.maps {
            save_map(transaction, map).await?;
        }
        Ok(())
    }
}

async fn insert(transaction: &Transaction<'_>, claims: &[(&Entry<'_>, Claim)]) -> Result<(), Error> {
    let columns = ["position", "tenant", "identity", "kind", "value"];
    let rows = claims.iter().map(|(entry, claim)| {
        vec![
            entry.envelope.position.get().into(),
            entry.envelope.tenant.as_str().into(),
            (&claim.identity).into(),
            claim.what.word().into(),
            (&claim.value).into(),
        ]
    });
    Ok(rows::add(transaction, "person_evidence", &columns, rows.collect()).await?)
}

/// Brings claims up to date; returns the tenants in which one came, went, or has another first evidence.
async fn settle_claims(transaction: &Transaction<'_>, claimed: &BTreeSet<(String, Claim)>) -> Result<BTreeSet<String>, Error> {
    if claimed.is_empty() {
        return Ok(BTreeSet::new());
    }
    let tenants: Vec<&str> = claimed.iter().map(|(tenant, _)| tenant.as_str()).collect();
    let identities: Vec<&str> = claimed.iter().map(|(_, claim)| claim.identity.as_str()).collect();
    let kinds: Vec<&str> = claimed.iter().map(|(_, claim)| claim.what.word()).collect();
    let values: Vec<&str> = claimed.iter().map(|(_, claim)| claim.value.as_str()).collect();
    let statement = transaction.prepare_cached(SETTLE_CLAIMS).await?;
    let rows = transaction.query(&statement, &[&tenants, &identities, &kinds, &values]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn save_map(transaction: &Transaction<'_>, entry: &Entry<'_>) -> Result<(), Error> {
    let statement = transaction.prepare_cached(SAVE_MAP).await?;
    let map = PeopleMap::read(entry.value()).to_json();
    transaction.execute(&statement, &[&entry.envelope.position.get(), &map]).await?;
    Ok(())
}

/// Makes the groups of these tenants anew; rows that stay the same are not written.
async fn group(transaction: &Transaction<'_>, tenants: &BTreeSet<String>) -> Result<(), Error> {
    if tenants.is_empty() {
        return Ok(());
    }
    let map = transaction.query_opt(&transaction.prepare_cached(LOAD_MAP).await?, &[]).await?;
    let map = map.map(|row| PeopleMap::read(Document::from(row.get::<_, Value>(0)).root())).unwrap_or_default();
    let load = transaction.prepare_cached(LOAD_CLAIMS).await?;
    let identities = transaction.prepare_cached(REPLACE).await?;
    let people = transaction.prepare_cached(&REPLACE.replace(REPLACE_IS_FOR, "people")).await?;
    for tenant in tenants {
        let rows = transaction.query(&load, &[tenant]).await?;
        let known: Vec<Known> = rows
            .iter()
            .filter_map(|row| {
                let claim = Claim { identity: row.get("identity"), what: What::from_word(row.get("kind"))?, value: row.get("value") };
                Some(Known { claim, position: row.get("position") })
            })
            .collect();
        let groups = grouping::group(&known, &map);
        transaction.execute(&identities, &[tenant, &groups.identities(tenant)]).await?;
        transaction.execute(&people, &[tenant, &groups.people(tenant)]).await?;
    }
    Ok(())
}
