//! The consumer: writes down what the rules find.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::rules::{Evidence, Findings, RULES_VERSION, Rules, Subject, Team};
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::db::rows::{self, Cell};
use crate::domain::Envelope;
use crate::log::Batch;
use crate::telemetry::Metrics;

const INSERT_TEAMS: &str = include_str!("insert_teams.sql");
const SETTLE_TEAMS: &str = include_str!("settle_teams.sql");

/// Raised when its tables are others; [`RULES_VERSION`] when the rules find something else.
const TABLES_VERSION: i32 = 2;

/// What links and mentions both say: what they are about, and why.
const EVIDENCE: [&str; 13] = [
    "position",
    "event_id",
    "tenant",
    "rule",
    "rule_version",
    "subject",
    "evidence_field",
    "evidence_text",
    "evidence_start",
    "evidence_end",
    "confidence",
    "team_key",
    "received_at",
];

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

    fn position(&self) -> Cell<'_> {
        self.envelope.position.get().into()
    }

    fn id(&self) -> Cell<'_> {
        self.id.as_str().into()
    }

    fn tenant(&self) -> Cell<'_> {
        self.envelope.tenant.as_str().into()
    }

    /// The cells of [`EVIDENCE`].
    fn evidence<'b>(
        &'b self,
        rule: &'b str,
        subject: &'b Subject,
        evidence: &'b Evidence,
        confidence: f64,
        team_key: Option<&'b str>,
    ) -> [Cell<'b>; EVIDENCE.len()] {
        [
            self.position(),
            self.id(),
            self.tenant(),
            rule.into(),
            RULES_VERSION.into(),
            (&subject.key).into(),
            (&evidence.field).into(),
            (&evidence.text).into(),
            offset(evidence.start),
            offset(evidence.end),
            confidence.into(),
            team_key.into(),
            self.envelope.received_at.into(),
        ]
    }
}

/// An offset within a text that is looked at, which is far shorter.
fn offset(chars: usize) -> Cell<'static> {
    i32::try_from(chars).unwrap_or(i32::MAX).into()
}

async fn insert_subjects(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let columns = ["position", "id", "tenant", "source", "kind", "subject", "received_at"];
    let rows = found.iter().flat_map(|one| {
        one.findings.subjects.iter().map(move |subject| {
            vec![
                one.position(),
                one.id(),
                one.tenant(),
                (&one.envelope.source).into(),
                subject.kind.as_str().into(),
                (&subject.key).into(),
                one.envelope.received_at.into(),
            ]
        })
    });
    Ok(rows::add(transaction, "event_subjects", &columns, rows.collect()).await?)
}

async fn insert_links(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let columns = [&["correlation_type", "related_subject"], &EVIDENCE[..]].concat();
    let rows = found.iter().flat_map(|one| {
        one.findings.links.iter().map(move |link| {
            let evidence = one.evidence(&link.rule, &link.subject, &link.evidence, link.confidence, link.team_key.as_deref());
            [(&link.correlation_type).into(), (&link.related.key).into()].into_iter().chain(evidence).collect()
        })
    });
    Ok(rows::add(transaction, "event_correlations", &columns, rows.collect()).await?)
}

async fn insert_alias_mentions(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let columns = [&["relation", "alias"], &EVIDENCE[..]].concat();
    let rows = found.iter().flat_map(|one| {
        one.findings.mentions.iter().map(move |mention| {
            let evidence = one.evidence(mention.rule, &mention.subject, &mention.evidence, mention.confidence, mention.team_key.as_deref());
            [(&mention.relation).into(), (&mention.alias).into()].into_iter().chain(evidence).collect()
        })
    });
    Ok(rows::add(transaction, "alias_mentions", &columns, rows.collect()).await?)
}

async fn insert_aliases(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let columns = ["position", "tenant", "alias", "kind", "subject"];
    let rows = found.iter().flat_map(|one| {
        let told = one.findings.aliases.iter();
        told.map(move |alias| vec![one.position(), one.tenant(), (&alias.alias).into(), alias.subject.kind.short().into(), (&alias.subject.key).into()])
    });
    Ok(rows::add(transaction, "subject_aliases", &columns, rows.collect()).await?)
}

async fn insert_mentions(transaction: &Transaction<'_>, found: &[Found<'_>]) -> Result<(), Error> {
    let columns = ["position", "tenant", "team_key", "team_name"];
    let rows = found.iter().filter_map(|one| {
        let team = one.findings.team.as_ref()?;
        Some(vec![one.position(), one.tenant(), (&team.key).into(), team.name.as_deref().into()])
    });
    Ok(rows::add(transaction, "linear_team_mentions", &columns, rows.collect()).await?)
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
