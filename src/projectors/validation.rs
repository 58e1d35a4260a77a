//! Does the payload look as its sender documents it? JSON Schema per event type, checked after the event is stored: an
//! authentic delivery is never refused for its content (decision D2).
//!
//! A rule is a setting that lives in the log, as an envelope of the source [`OWN_SOURCE`] and the type [`RULE_TYPE`]
//! with a [`RuleChange`] as its body, so that a fresh fold knows which rule held for which event. The rules of
//! `validation/defaults.json` hold for everyone until one of the same name is set or removed.

mod rules;
mod seen;

use async_trait::async_trait;

use super::entry::{Entry, cut, row};
use crate::consumer::{Error, Projector};
use crate::db::Transaction;
use crate::domain::clock::Timestamp;
use crate::domain::{OWN_SOURCE, ParseStatus};
use crate::log::Batch;

pub use rules::{InvalidRule, Rule, RuleChange};
use rules::{Rules, Schemas};

/// The type of envelopes that change a validation rule.
pub const RULE_TYPE: &str = "validation_rule";

/// Keeps the tables `validation_rules` and `event_validations`.
#[derive(Debug, Clone, Default)]
pub struct ValidationTables {
    schemas: Schemas,
}

#[async_trait]
impl Projector for ValidationTables {
    const NAME: &'static str = "validation";
    const VERSION: i32 = 1;
    const TABLES: &'static [&'static str] = &["validation_rules", "event_validations"];
    // Rules come from hooklake's own records, which stay.
    const FOLDED: &'static [&'static str] = &["event_validations"];

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        // What is left of a redacted body says nothing about how the sender wrote it.
        let entries = Entry::chosen(batch, |envelope| !envelope.is_replay() && !envelope.is_redacted());
        let mut rules = Rules::load(transaction, &self.schemas).await?;
        let mut rows = Vec::new();
        for entry in &entries {
            if entry.envelope.source == OWN_SOURCE {
                if entry.envelope.event_type == RULE_TYPE {
                    rules.change(entry, &self.schemas);
                }
                continue;
            }
            for (name, schema) in rules.of(entry.envelope) {
                rows.push(Row::of(entry, name, schema));
            }
        }
        rules.save(transaction).await?;
        Row::insert(rows, transaction).await
    }
}

row! {
    struct Row<'a> of "event_validations" {
        position: i64,
        id: &'a str,
        tenant: &'a str,
        source: &'a str,
        event_type: &'a str,
        rule: String,
        valid: bool,
        errors: Vec<String>,
        received_at: Timestamp,
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry<'_>, rule: String, schema: &rules::Schema) -> Self {
        let errors = match entry.payload.status {
            ParseStatus::Ok | ParseStatus::NotObject => rules::errors(schema, entry.value()),
            status => vec![format!("the body cannot be read as JSON: {}", status.as_str())],
        };
        Self {
            position: entry.envelope.position.get(),
            id: &entry.id,
            tenant: entry.envelope.tenant.as_str(),
            source: &entry.envelope.source,
            event_type: cut(&entry.envelope.event_type),
            rule,
            valid: errors.is_empty(),
            errors,
            received_at: entry.envelope.received_at,
        }
    }
}
