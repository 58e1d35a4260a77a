//! Other names of subjects, which only an event about the subject can explain: Linear's number of an issue, the address or
//! the name of a deployment, `owner/repo#12`.
//!
//! An alias has what it is in front: `linear:id/<uuid>`, `url:<address>`, `name:<word>`; `github:owner/repo#12` is
//! the key of an issue or a pull request and is explained by any event about either.

use super::words::{self, Meant};
use super::{Evidence, Findings, Subject};
use crate::domain::subject::BYTES_MAX;

/// The most mentions of one event; see [`NAMED_MAX`](super::NAMED_MAX).
pub(super) const MENTIONS_MAX: usize = 200;

/// What an event explains: this other name means that subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alias {
    /// The other name.
    pub alias: String,
    /// What it means.
    pub subject: Subject,
}

/// A link to whatever an alias turns out to mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    /// `message_to`, `issue_duplicates`: with the kind of what is meant it becomes the type of the link.
    pub relation: String,
    /// The rule that found it.
    pub rule: &'static str,
    /// The one that the event is about.
    pub subject: Subject,
    /// The other name of what it names.
    pub alias: String,
    /// Where it says so.
    pub evidence: Evidence,
    /// From 0 to 1.
    pub confidence: f64,
    /// The Linear team that must exist for `subject` to be an issue.
    pub team_key: Option<String>,
}

/// The alias of an issue that Linear names by its number.
pub fn linear_id(id: &str) -> String {
    format!("linear:id/{id}")
}

/// The alias of an address; scheme and what only leads within the page say nothing.
pub fn address(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    // Slack writes & as &amp; in messages.
    let rest = rest.split('#').next()?.trim_end_matches('/').replace("&amp;", "&");
    // The front page of a host is nobody's own address.
    rest.contains('/').then(|| format!("url:{}", rest.to_lowercase()))
}

/// The alias of a name, if it is one that is not an everyday word too.
pub fn name(word: &str) -> Option<String> {
    words::is_name(word).then(|| format!("name:{}", word.to_lowercase()))
}

impl Findings {
    pub(super) fn explain(&mut self, alias: Option<String>, subject: Option<&Subject>) {
        let (Some(alias), Some(subject)) = (alias, subject) else { return };
        let alias = Alias { alias, subject: subject.clone() };
        if alias.alias.len() <= BYTES_MAX && !self.aliases.contains(&alias) {
            self.aliases.push(alias);
        }
    }

    /// Notes a link to what an alias means.
    pub(super) fn mention(&mut self, rule: &'static str, relation: &str, subject: &Subject, alias: String, evidence: Evidence, confidence: f64) {
        let relation = format!("{}_{relation}", subject.kind.short());
        self.add_mention(Mention { relation, rule, subject: subject.clone(), alias, evidence, confidence, team_key: None });
    }

    pub(super) fn add_mention(&mut self, mention: Mention) {
        // Words of one text are read from the strongest to the weakest.
        let is_known = |known: &Mention| known.subject == mention.subject && known.alias == mention.alias;
        if mention.alias.len() <= BYTES_MAX && self.mentions.len() < MENTIONS_MAX && !self.mentions.iter().any(is_known) {
            self.mentions.push(mention);
        }
    }

    /// Notes what the words of a field name by another name.
    pub(super) fn mentioned(&mut self, rule: &'static str, subject: &Subject, field: &str, text: &str) {
        for Meant { alias, words, confidence } in words::meant(text) {
            let (text, start, end) = words;
            self.mention(rule, "to", subject, alias, Evidence { field: field.to_owned(), text, start, end }, confidence);
        }
    }
}
