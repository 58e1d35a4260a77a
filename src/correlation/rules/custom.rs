//! Rules of one's own: a pattern looked for in a field, and the subject that it names.

use std::borrow::Cow;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::words::TEXT_BYTES_MAX;
use super::{Evidence, Findings, Kind, Link, NAMED_MAX, Subject};
use crate::domain::Json;
use crate::domain::subject::BYTES_MAX;

/// The most rules.
const RULES_MAX: usize = 100;
/// The longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 1_000;
/// The most memory that a compiled pattern takes, in bytes.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// The most values that one field with `*` gives.
const VALUES_MAX: usize = 2_048;

/// `[correlation]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// False when links are not looked for.
    pub enabled: bool,
    /// `[[correlation.rules]]`
    pub rules: Vec<RuleSettings>,
}

/// One rule, as settings describe it; config.default.toml documents each of them.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents each of them")]
pub struct RuleSettings {
    pub name: String,
    #[serde(default)]
    pub sources: Vec<String>,
    #[serde(default)]
    pub event_types: Vec<String>,
    pub field: String,
    pub pattern: String,
    pub kind: String,
    pub subject: String,
    #[serde(default)]
    pub means: Means,
    #[serde(default = "confidence")]
    pub confidence: f64,
}

/// What a name that a rule finds says of the event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// What the event is about belongs with it.
    #[default]
    Link,
    /// The event is about it.
    About,
}

const fn confidence() -> f64 {
    0.9
}

/// Rules of one's own, ready to be used. Cheap to clone; none by default.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Arc<[Rule]>,
    /// Tells these rules from others.
    digest: Option<i32>,
}

#[derive(Debug)]
struct Rule {
    name: String,
    sources: Vec<String>,
    event_types: Vec<String>,
    field: Vec<String>,
    pattern: Regex,
    kind: Kind,
    subject: String,
    means: Means,
    confidence: f64,
}

impl Rules {
    /// Checks and compiles rules.
    ///
    /// # Errors
    /// The setting, what is wrong with it, and what to write instead.
    pub fn compile(settings: &Settings) -> Result<Self, String> {
        if settings.rules.len() > RULES_MAX {
            return Err(format!("setting correlation.rules: {} rules; {RULES_MAX} at most", settings.rules.len()));
        }
        let mut rules = Vec::<Rule>::new();
        for (index, rule) in settings.rules.iter().enumerate() {
            let compiled = Rule::compile(rule).map_err(|fault| format!("setting correlation.rules[{index}] ({:?}): {fault}", rule.name))?;
            if rules.iter().any(|known| known.name == compiled.name) {
                return Err(format!("setting correlation.rules[{index}]: the name {:?} is used twice", rule.name));
            }
            rules.push(compiled);
        }
        let digest = (!rules.is_empty()).then(|| digest(&settings.rules));
        Ok(Self { rules: rules.into(), digest })
    }

    /// The version of what a projection makes with these rules: its own when there are none, and another one for each
    /// set of rules, far above any that code has.
    #[must_use]
    pub fn version(&self, of_code: i32) -> i32 {
        self.digest.map_or(of_code, |digest| (1 << 30) | ((digest ^ of_code.wrapping_mul(0x9E37)) & 0x3FFF_FFFF))
    }

    /// Everything that the built-in rules and these find in an event.
    #[must_use]
    pub fn find(&self, source: &str, event_type: &str, payload: Json<'_>) -> Findings {
        let mut findings = Findings::of(source, event_type, payload);
        // hooklake's own records tell of settings and acts, never of work.
        if source != crate::domain::OWN_SOURCE {
            for rule in self.rules.iter().filter(|rule| rule.follows(source, event_type)) {
                rule.find(payload, &mut findings);
            }
        }
        findings.subjects.sort_unstable();
        findings.subjects.dedup();
        findings
    }
}

/// A hash of the rules as they are written; 0 cannot be told from others but is as good.
fn digest(rules: &[RuleSettings]) -> i32 {
    // What is serialized are texts, lists and numbers, which JSON has.
    let written = serde_json::to_vec(rules).unwrap_or_default();
    let digest = Sha256::digest(written);
    i32::from_be_bytes(digest.first_chunk().copied().unwrap_or_default())
}

impl Rule {
    fn compile(rule: &RuleSettings) -> Result<Self, String> {
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if rule.name.is_empty() || rule.name.len() > 64 || !rule.name.bytes().all(is_plain) {
            return Err("name is 1 to 64 of a-z, 0-9, _ and -".to_owned());
        }
        let Some(field) = rule.field.strip_prefix('/') else {
            return Err("field is a JSON pointer, like /pull_request/title; * stands for every item of a list".to_owned());
        };
        let field = field.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        if rule.pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("pattern has {} bytes; {PATTERN_BYTES_MAX} at most", rule.pattern.len()));
        }
        let pattern = RegexBuilder::new(&rule.pattern)
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| format!("pattern does not compile (https://docs.rs/regex has the syntax): {error}"))?;
        if pattern.is_match("") {
            return Err("pattern matches the empty text, so it would match everywhere".to_owned());
        }
        let Some(kind) = Kind::ALL.iter().copied().find(|kind| kind.as_str() == rule.kind) else {
            let known = Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
            return Err(format!("kind is one of {known}"));
        };
        if !rule.subject.contains(':') || rule.subject.len() > BYTES_MAX {
            return Err("subject has its system in front, like linear:ENG-$1 or zendesk:$1".to_owned());
        }
        if let Some(unknown) = unknown_group(&rule.subject, &pattern) {
            return Err(format!("subject names ${{{unknown}}}, which pattern does not have; write ${{1}}x rather than $1x"));
        }
        if !(rule.confidence > 0.0 && rule.confidence <= 1.0) {
            return Err("confidence is above 0 and at most 1".to_owned());
        }
        Ok(Self {
            name: rule.name.clone(),
            sources: rule.sources.clone(),
            event_types: rule.event_types.clone(),
            field,
            pattern,
            kind,
            subject: rule.subject.clone(),
            means: rule.means,
            confidence: rule.confidence,
        })
    }

    fn follows(&self, source: &str, event_type: &str) -> bool {
        let names = |list: &[String], value: &str| list.is_empty() || list.iter().any(|known| known == value);
        names(&self.sources, source) && names(&self.event_types, event_type)
    }

    fn find(&self, payload: Json<'_>, findings: &mut Findings) {
        let mut values = Vec::new();
        walk(payload, &self.field, String::new(), &mut values);
        let own = findings.primary().cloned();
        let mut found = 0;
        for (field, text) in values {
            let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
            for captures in self.pattern.captures_iter(text) {
                let Some(whole) = captures.get(0).filter(|whole| !whole.is_empty()) else { continue };
                let mut key = String::new();
                captures.expand(&self.subject, &mut key);
                let Some(subject) = Subject::new(self.kind, key) else { continue };
                found += 1;
                if found > NAMED_MAX {
                    return;
                }
                match (self.means, &own) {
                    (Means::Link, Some(own)) => {
                        let start = text[..whole.start()].chars().count();
                        let evidence = Evidence::part(&field, whole.as_str(), start);
                        findings.add(Link::new(Cow::Owned(self.name.clone()), "to", own, &subject, evidence, self.confidence, None));
                    }
                    _ => findings.about(Some(subject)),
                }
            }
        }
    }
}

/// Every text that a pointer leads to, with the field's name.
fn walk<'a>(value: Json<'a>, path: &[String], name: String, found: &mut Vec<(String, Cow<'a, str>)>) {
    if found.len() >= VALUES_MAX {
        return;
    }
    let longer = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match path.split_first() {
        None => found.extend(value.as_str().map(Cow::Borrowed).or_else(|| value.is_number().then(|| Cow::Owned(value.to_string()))).map(|text| (name, text))),
        Some((part, rest)) if part == "*" && value.is_list() => {
            for (index, item) in value.items().enumerate() {
                walk(item, rest, longer(&index.to_string()), found);
            }
        }
        Some((part, rest)) => {
            let index = part.parse().ok().filter(|_| value.is_list());
            if let Some(within) = index.and_then(|index| value.items().nth(index)).or_else(|| value.get(part)) {
                walk(within, rest, longer(part), found);
            }
        }
    }
}

/// The first group that a template names and a pattern lacks.
fn unknown_group(template: &str, pattern: &Regex) -> Option<String> {
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('$') {
        if let Some(escaped) = after.strip_prefix('$') {
            rest = escaped;
            continue;
        }
        let (name, then) = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}')?,
            None => after.split_at(after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(after.len())),
        };
        let is_known = match name.parse::<usize>() {
            Ok(number) => number < pattern.captures_len(),
            Err(_) => pattern.capture_names().flatten().any(|known| known == name),
        };
        if !is_known {
            return Some(name.to_owned());
        }
        rest = then;
    }
    None
}

#[cfg(test)]
mod tests;
