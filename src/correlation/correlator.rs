//! The consumer: writes down what the rules find.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::rules::{Alias, Findings, Link, Mention, RULES_VERSION, Rules, Subject, Team};
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::domain::Envelope;
use crate::domain::clock::Timestamp;
use crate::log::Batch;
use crate::telemetry::Metrics;

const INSERT_SUBJECTS: &str = include_str!("insert_subjects.sql");
const INSERT_LINKS: &str = include_str!("insert_links.sql");
const INSERT_ALIAS_MENTIONS: &str = include_str!("insert_alias_mentions.sql");
const INSERT_ALIASES: &str = include_str!("insert_aliases.sql");
const INSERT_TEAMS: &str = include_str!("insert_teams.sql");
const INSERT_MENTIONS: &str = include_str!("insert_mentions.sql");
const SETTLE_TEAMS: &str = include_str!("settle_teams.sql");

/// Raised when its tables are others; [`RULES_VERSION`] when the rules find something else.
const TABLES_VERSION: i32 = 2;

/// Keeps the tables `event_subjects`, `event_correlations`, `subject_aliases`, `alias_mentions`, `linear_team_mentions`
/// and `linear_teams`.
#[derive(Debug, Clone, Default)]
pub struct CorrelationTables {
    rules: Rules,
    metrics: Metrics,
}

impl CorrelationTables {
    /// With rules of one's own beside the built-in ones. What is found is counted.
    #[must_use]
    pub const fn new(rules: Rules, metrics: Metrics) -> Self {
        Self { rules, metrics }
    }

    /// Writes what each envelope of a batch gives by itself; returns that.
    async fn insert<'a>(&self, transaction: &Transaction<'_>, batch: &'a Batch) -> Result<Vec<Found<'a>>, Error> {
        let found = batch.envelopes.iter().filter(|envelope| !envelope.is_replay()).map(|envelope| Found::of(&self.rules, envelope)).collect::<Vec<_>>();
        insert_subjects(transaction, &found).await?;
        insert_links(transaction, &found).await?;
        insert_aliases(transaction, &found).await?;
        insert_alias_mentions(transaction, &found).await?;
        insert_mentions(transaction, &found).await?;
        for one in &found {
            self.count(&one.findings);
        }
        Ok(found)
    }

    fn count(&self, findings: &Findings) {
        findings.subjects.iter().for_each(|subject| self.metrics.about(subject.kind.as_str()));
        findings.links.iter().for_each(|link| self.metrics.linked(&link.correlation_type, &link.rule));
        findings.mentions.iter().for_each(|mention| self.metrics.mentioned(&mention.relation, mention.rule));
    }
}

#[async_trait]
impl Projector for CorrelationTables {
    const NAME: &'static str = "correlation";
    const VERSION: i32 = RULES_VERSION * 100 + TABLES_VERSION;
    const TABLES: &'static [&'static str] =
        &["event_subjects", "event_correlations", "subject_aliases", "alias_mentions", "linear_team_mentions", "linear_teams"];
    const IN_ORDER: bool = false;
    const REMEMBER: Option<&'static str> = Some(include_str!("remember_teams.sql"));
    const FOLDED: &'static [&'static str] = &["event_subjects", "event_correlations", "subject_aliases", "alias_mentions", "linear_team_mentions"];

    /// Other rules find other links.
    fn version(&self) -> i32 {
        self.rules.version(Self::VERSION)
    }

    /// Links and subjects are of one event each; a team has the first name that any event gives it.
    fn takes_late(&self, envelope: &Envelope) -> bool {
        Found::of(&self.rules, envelope).findings.team.is_none()
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let found = self.insert(transaction, batch).await?;
        insert_teams(transaction, &found).await
    }

    async fn record(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        self.insert(transaction, batch).await?;
        Ok(())
    }

    async fn settle(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let statement = transaction.prepare_cached(SETTLE_TEAMS).await?;
        transaction.execute(&statement, &[]).await?;
        Ok(())
    }
}

/// An envelope and what the rules find in it.
struct Found<'a> {
    envelope: &'a Envelope,
    id: String,
    findings: Findings,
}

impl<'a> Found<'a> {
    fn of(rules: &Rules, envelope: &'a Envelope) -> Self {
        let findings = rules.find(&envelope.source, &envelope.event_type, envelope.payload().value());
        Self { envelope, id: envelope.id.to_string(), findings }
    }
}

async fn insert_subjects(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let rows = found.iter().flat_map(|one| one.findings.subjects.iter().map(move |subject| (one, subject))).collect::<Vec<(&Found<'_>, &Subject)>>();
    if rows.is_empty() {
        return Ok(());
    }
    let positions = rows.iter().map(|(one, _)| one.envelope.position.get()).collect::<Vec<_>>();
    let ids = rows.iter().map(|(one, _)| &one.id).collect::<Vec<_>>();
    let tenants = rows.iter().map(|(one, _)| one.envelope.tenant.as_str()).collect::<Vec<_>>();
    let sources = rows.iter().map(|(one, _)| &one.envelope.source).collect::<Vec<_>>();
    let kinds = rows.iter().map(|(_, subject)| subject.kind.as_str()).collect::<Vec<_>>();
    let subjects = rows.iter().map(|(_, subject)| &subject.key).collect::<Vec<_>>();
    let received = rows.iter().map(|(one, _)| one.envelope.received_at).collect::<Vec<Timestamp>>();
    let statement = transaction.prepare_cached(INSERT_SUBJECTS).await?;
    transaction.execute(&statement, &[&positions, &ids, &tenants, &sources, &kinds, &subjects, &received]).await?;
    Ok(())
}

async fn insert_links(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let rows = found.iter().flat_map(|one| one.findings.links.iter().map(move |link| (one, link))).collect::<Vec<(&Found<'_>, &Link)>>();
    if rows.is_empty() {
        return Ok(());
    }
    let positions = rows.iter().map(|(one, _)| one.envelope.position.get()).collect::<Vec<_>>();
    let ids = rows.iter().map(|(one, _)| &one.id).collect::<Vec<_>>();
    let tenants = rows.iter().map(|(one, _)| one.envelope.tenant.as_str()).collect::<Vec<_>>();
    let types = rows.iter().map(|(_, link)| &link.correlation_type).collect::<Vec<_>>();
    let rules = rows.iter().map(|(_, link)| &*link.rule).collect::<Vec<_>>();
    let subjects = rows.iter().map(|(_, link)| &link.subject.key).collect::<Vec<_>>();
    let related = rows.iter().map(|(_, link)| &link.related.key).collect::<Vec<_>>();
    let fields = rows.iter().map(|(_, link)| &link.evidence.field).collect::<Vec<_>>();
    let texts = rows.iter().map(|(_, link)| &link.evidence.text).collect::<Vec<_>>();
    let starts = rows.iter().map(|(_, link)| offset(link.evidence.start)).collect::<Vec<_>>();
    let ends = rows.iter().map(|(_, link)| offset(link.evidence.end)).collect::<Vec<_>>();
    let confidences = rows.iter().map(|(_, link)| link.confidence).collect::<Vec<_>>();
    let teams = rows.iter().map(|(_, link)| &link.team_key).collect::<Vec<_>>();
    let received = rows.iter().map(|(one, _)| one.envelope.received_at).collect::<Vec<Timestamp>>();
    let statement = transaction.prepare_cached(INSERT_LINKS).await?;
    transaction
        .execute(
            &statement,
            &[
                &positions,
                &ids,
                &tenants,
                &types,
                &rules,
                &RULES_VERSION,
                &subjects,
                &related,
                &fields,
                &texts,
                &starts,
                &ends,
                &confidences,
                &teams,
                &received,
            ],
        )
        .await?;
    Ok(())
}

async fn insert_aliases(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let rows = found.iter().flat_map(|one| one.findings.aliases.iter().map(move |alias| (one, alias))).collect::<Vec<(&Found<'_>, &Alias)>>();
    if rows.is_empty() {
        return Ok(());
    }
    let positions = rows.iter().map(|(one, _)| one.envelope.position.get()).collect::<Vec<_>>();
    let tenants = rows.iter().map(|(one, _)| one.envelope.tenant.as_str()).collect::<Vec<_>>();
    let aliases = rows.iter().map(|(_, alias)| &alias.alias).collect::<Vec<_>>();
    let kinds = rows.iter().map(|(_, alias)| alias.subject.kind.short()).collect::<Vec<_>>();
    let subjects = rows.iter().map(|(_, alias)| &alias.subject.key).collect::<Vec<_>>();
    let statement = transaction.prepare_cached(INSERT_ALIASES).await?;
    transaction.execute(&statement, &[&positions, &tenants, &aliases, &kinds, &subjects]).await?;
    Ok(())
}

async fn insert_alias_mentions(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let rows = found.iter().flat_map(|one| one.findings.mentions.iter().map(move |mention| (one, mention))).collect::<Vec<(&Found<'_>, &Mention)>>();
    if rows.is_empty() {
        return Ok(());
    }
    let positions = rows.iter().map(|(one, _)| one.envelope.position.get()).collect::<Vec<_>>();
    let ids = rows.iter().map(|(one, _)| &one.id).collect::<Vec<_>>();
    let tenants = rows.iter().map(|(one, _)| one.envelope.tenant.as_str()).collect::<Vec<_>>();
    let relations = rows.iter().map(|(_, mention)| &mention.relation).collect::<Vec<_>>();
    let rules = rows.iter().map(|(_, mention)| mention.rule).collect::<Vec<_>>();
    let subjects = rows.iter().map(|(_, mention)| &mention.subject.key).collect::<Vec<_>>();
    let aliases = rows.iter().map(|(_, mention)| &mention.alias).collect::<Vec<_>>();
    let fields = rows.iter().map(|(_, mention)| &mention.evidence.field).collect::<Vec<_>>();
    let texts = rows.iter().map(|(_, mention)| &mention.evidence.text).collect::<Vec<_>>();
    let starts = rows.iter().map(|(_, mention)| offset(mention.evidence.start)).collect::<Vec<_>>();
    let ends = rows.iter().map(|(_, mention)| offset(mention.evidence.end)).collect::<Vec<_>>();
    let confidences = rows.iter().map(|(_, mention)| mention.confidence).collect::<Vec<_>>();
    let teams = rows.iter().map(|(_, mention)| &mention.team_key).collect::<Vec<_>>();
    let received = rows.iter().map(|(one, _)| one.envelope.received_at).collect::<Vec<Timestamp>>();
    let statement = transaction.prepare_cached(INSERT_ALIAS_MENTIONS).await?;
    transaction
        .execute(
            &statement,
            &[
                &positions,
                &ids,
                &tenants,
                &relations,
                &rules,
                &RULES_VERSION,
                &subjects,
                &aliases,
                &fields,
                &texts,
                &starts,
                &ends,
                &confidences,
                &received,
                &teams,
            ],
        )
        .await?;
    Ok(())
}

/// An offset within a text that is looked at, which is far shorter.
fn offset(chars: usize) -> i32 {
    i32::try_from(chars).unwrap_or(i32::MAX)
}

async fn insert_mentions(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let rows = found.iter().filter_map(|one| one.findings.team.as_ref().map(|team| (one.envelope, team))).collect::<Vec<(&Envelope, &Team)>>();
    if rows.is_empty() {
        return Ok(());
    }
    let positions = rows.iter().map(|(envelope, _)| envelope.position.get()).collect::<Vec<_>>();
    let tenants = rows.iter().map(|(envelope, _)| envelope.tenant.as_str()).collect::<Vec<_>>();
    let keys = rows.iter().map(|(_, team)| &team.key).collect::<Vec<_>>();
    let names = rows.iter().map(|(_, team)| &team.name).collect::<Vec<_>>();
    let statement = transaction.prepare_cached(INSERT_MENTIONS).await?;
    transaction.execute(&statement, &[&positions, &tenants, &keys, &names]).await?;
    Ok(())
}

async fn insert_teams(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    // The first event of the batch that names a team, with the first name that any gives it.
    let mut teams = BTreeMap::<(&str, &str), (i64, Option<&str>)>::new();
    for one in found {
        if let Some(Team { key, name }) = &one.findings.team {
            let team = teams.entry((one.envelope.tenant.as_str(), key)).or_insert((one.envelope.position.get(), None));
            team.1 = team.1.or(name.as_deref());
        }
    }
    if teams.is_empty() {
        return Ok(());
    }
    let tenants = teams.keys().map(|(tenant, _)| *tenant).collect::<Vec<_>>();
    let keys = teams.keys().map(|(_, key)| *key).collect::<Vec<_>>();
    let names = teams.values().map(|(_, name)| *name).collect::<Vec<_>>();
    let first = teams.values().map(|(position, _)| *position).collect::<Vec<_>>();
    let statement = transaction.prepare_cached(INSERT_TEAMS).await?;
    transaction.execute(&statement, &[&tenants, &keys, &names, &first]).await?;
    Ok(())
}
