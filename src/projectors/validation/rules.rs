//! Validation rules: what they say, which ones hold now, and what a schema finds wrong.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::PatternOptions;
use serde_json::Value;

use super::seen::seen_by;
use crate::consumer::Error;
use crate::db::Transaction;
use crate::domain::Json;
use crate::domain::{Envelope, Position};
use crate::projectors::entry::{Entry, key};

const DEFAULTS: &str = include_str!("defaults.json");
const LOAD: &str = include_str!("load.sql");
const SAVE: &str = include_str!("save.sql");

/// The most errors that are kept of one event.
const ERRORS_MAX: usize = 10;
/// The longest of them, in bytes.
const ERROR_BYTES_MAX: usize = 300;
/// Compiled schemas kept at most; beyond that all are compiled anew.
const SCHEMAS_MAX: usize = 256;

/// A rule: events of this source and type must satisfy the schema.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// By which it is replaced and removed.
    pub name: String,
    /// The source of the events; `*` for all.
    #[serde(default = "all")]
    pub source: String,
    /// Their type, whatever its case; `*` for all.
    #[serde(default = "all")]
    pub event_type: String,
    /// JSON Schema, draft 2020-12 unless it names another. References to other documents are not followed.
    pub schema: Value,
}

fn all() -> String {
    "*".to_owned()
}

/// The body of an envelope that changes a rule.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum RuleChange {
    /// From here on this rule holds, instead of any other of its name.
    Set(Rule),
    /// From here on no rule of this name holds.
    Remove {
        /// The name.
        name: String,
    },
}

/// Why a rule cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the validation rule cannot be used: {0}")]
pub struct InvalidRule(String);

impl RuleChange {
    /// Refuses a change that could not be used, before it is appended.
    ///
    /// # Errors
    /// When the name is empty or too long, or the schema is not one.
    pub fn check(&self) -> Result<(), InvalidRule> {
        let name = self.name();
        if name.is_empty() || key(Some(name)).is_none() {
            return Err(InvalidRule("its name is empty or too long".to_owned()));
        }
        match self {
            Self::Set(rule) => compile(&rule.schema).map(drop).map_err(InvalidRule),
            Self::Remove { .. } => Ok(()),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Set(rule) => &rule.name,
            Self::Remove { name } => name,
        }
    }
}

/// Compiled schemas by their text, so that each is compiled once; what is not here is compiled anew.
#[derive(Debug, Clone, Default)]
pub(super) struct Schemas(Arc<Mutex<HashMap<String, Compiled>>>);

type Compiled = Result<Arc<Schema>, String>;

/// A schema that can be used.
#[derive(Debug)]
pub(super) struct Schema {
    text: Value,
    validator: jsonschema::Validator,
}

impl Schemas {
    fn get(&self, schema: &Value) -> Compiled {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= SCHEMAS_MAX {
            known.clear();
        }
        known.entry(schema.to_string()).or_insert_with(|| compile(schema).map(Arc::new)).clone()
    }
}

/// Patterns run in time linear in the text: neither rules nor payloads can make them take for ever.
fn compile(schema: &Value) -> Result<Schema, String> {
    let validator = jsonschema::options().with_pattern_options(PatternOptions::regex()).build(schema).map_err(|error| bounded(error.to_string()))?;
    Ok(Schema { text: schema.clone(), validator })
}

/// What is wrong with a payload: where, and what was expected. The payload's own values are left out.
pub(super) fn errors(schema: &Schema, payload: Json<'_>) -> Vec<String> {
    schema
        .validator
        .iter_errors(&seen_by(&schema.text, payload))
        .take(ERRORS_MAX)
        .map(|error| bounded(format!("{}: {}", error.instance_path(), error.masked())))
        .collect()
}

fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(ERROR_BYTES_MAX));
    // PostgreSQL's text holds no NUL.
    text.replace('\0', "\u{fffd}")
}

/// A rule that was set or removed by an envelope, or one that hooklake brings.
#[derive(Debug, Clone)]
struct Held {
    source: String,
    event_type: String,
    /// None once removed.
    schema: Option<Value>,
    compiled: Option<Compiled>,
    since: Position,
}

impl Held {
    fn new(rule: Rule, since: Position, schemas: &Schemas) -> Self {
        let compiled = Some(schemas.get(&rule.schema));
        Self { source: rule.source, event_type: rule.event_type, schema: Some(rule.schema), compiled, since }
    }

    fn removed(since: Position) -> Self {
        Self { source: all(), event_type: all(), schema: None, compiled: None, since }
    }

    fn chooses(&self, envelope: &Envelope) -> bool {
        (self.source == "*" || self.source == envelope.source) && (self.event_type == "*" || self.event_type.eq_ignore_ascii_case(&envelope.event_type))
    }

    fn usable(&self) -> Option<&Schema> {
        self.compiled.as_ref().and_then(|compiled| compiled.as_deref().ok())
    }
}

/// The rules that hooklake brings, by name.
static BROUGHT: LazyLock<HashMap<String, Held>> = LazyLock::new(|| {
    let schemas = Schemas::default();
    let rules = serde_json::from_str::<Vec<Rule>>(DEFAULTS).unwrap_or_default();
    rules.into_iter().map(|rule| (rule.name.clone(), Held::new(rule, Position::START, &schemas))).collect()
});

/// The rules that hold at one place of the log, and which of them the batch at hand changed.
pub(super) struct Rules {
    /// By tenant and name.
    set: HashMap<(String, String), Held>,
    changed: Vec<(String, String)>,
}

impl Rules {
    pub(super) async fn load(transaction: &Transaction<'_>, schemas: &Schemas) -> Result<Self, Error> {
        let rows = transaction.query(LOAD, &[]).await?;
        let set = rows.into_iter().map(|row| {
            let schema: Option<Value> = row.get("schema");
            let compiled = schema.as_ref().map(|schema| schemas.get(schema));
            let since = Position::new(row.get("since_position"));
            ((row.get("tenant"), row.get("name")), Held { source: row.get("source"), event_type: row.get("event_type"), schema, compiled, since })
        });
        Ok(Self { set: set.collect(), changed: Vec::new() })
    }

    /// Takes a change; one that is not readable changes nothing, nor one that comes again when a later one is known, as when a range
    /// of the log is retired.
    pub(super) fn change(&mut self, entry: &Entry<'_>, schemas: &Schemas) {
        let Ok(change) = serde_json::from_value::<RuleChange>(entry.value().into()) else { return };
        if key(Some(change.name())).is_none() {
            return;
        }
        let place = (entry.envelope.tenant.as_str().to_owned(), change.name().to_owned());
        if self.set.get(&place).is_some_and(|known| known.since > entry.envelope.position) {
            return;
        }
        let held = match change {
            RuleChange::Set(rule) => Held::new(rule, entry.envelope.position, schemas),
            RuleChange::Remove { .. } => Held::removed(entry.envelope.position),
        };
        self.set.insert(place.clone(), held);
        self.changed.push(place);
    }

    /// The rules that an event must satisfy, by name.
    pub(super) fn of(&self, envelope: &Envelope) -> Vec<(String, &Schema)> {
        let tenant = envelope.tenant.as_str();
        let own = self.set.iter().filter(|((owner, _), _)| owner == tenant).map(|((_, name), held)| (name, held));
        let brought = BROUGHT.iter().filter(|(name, _)| !self.set.contains_key(&(tenant.to_owned(), (*name).clone())));
        let chosen = own.chain(brought).filter(|(_, held)| held.chooses(envelope));
        chosen.filter_map(|(name, held)| held.usable().map(|schema| (name.clone(), schema))).collect()
    }

    /// Writes down what the batch changed.
    pub(super) async fn save(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        self.changed.sort_unstable();
        self.changed.dedup();
        let changed = self.changed.iter().filter_map(|place| self.set.get_key_value(place)).collect::<Vec<_>>();
        if changed.is_empty() {
            return Ok(());
        }
        let tenants = changed.iter().map(|((tenant, _), _)| tenant).collect::<Vec<_>>();
        let names = changed.iter().map(|((_, name), _)| name).collect::<Vec<_>>();
        let sources = changed.iter().map(|(_, held)| &held.source).collect::<Vec<_>>();
        let types = changed.iter().map(|(_, held)| &held.event_type).collect::<Vec<_>>();
        let schemas = changed.iter().map(|(_, held)| &held.schema).collect::<Vec<_>>();
        let errors = changed.iter().map(|(_, held)| held.compiled.as_ref().and_then(|compiled| compiled.as_ref().err())).collect::<Vec<_>>();
        let since = changed.iter().map(|(_, held)| held.since.get()).collect::<Vec<_>>();
        transaction.execute(SAVE, &[&tenants, &names, &sources, &types, &schemas, &errors, &since]).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
