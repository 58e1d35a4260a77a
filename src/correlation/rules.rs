//! Pure: what an event is about, and which links it gives evidence for.
//!
//! Most links are found one way: an event is about a subject, and its words name another one. [`words`] finds names in
//! text; `github`, `linear`, `slack` and `own` say what an event is about and which of its fields are words.
//! What is no text (the commits of a pull request, of a deployment) they link directly.
//!
//! What only another event can explain (Linear's number of an issue, the address of a deployment, `owner/repo#12`, which
//! may be an issue or a pull request) becomes a [`Mention`] of an alias, and the other event says what the
//! [`Alias`] means: so it does not matter which of them comes first.

mod alias;
mod custom;
mod github;
mod linear;
mod own;
mod slack;
mod subject;
pub mod words;

use std::borrow::Cow;
use std::collections::HashMap;

pub use alias::{Alias, Mention};
pub use custom::{RuleSettings, Rules, Settings};
pub use subject::{Kind, Subject};
use words::Named;

use crate::domain::Json;

/// Raised when a rule would find something else.
pub const RULES_VERSION: i32 = 8;

/// The rule for words that somebody writes below something.
const IN_COMMENT: &str = "reference_in_comment";

/// The most links that the words of one event give evidence for: a text of a thousand identifiers says nothing about
/// any of them.
const NAMED_MAX: usize = 500;

/// The most links of one event: a push lists at most 2,048 commits, each with its branch and its pull request.
const LINKS_MAX: usize = 5_000;

/// The most subjects of one event: a push lists at most 2,048 commits.
const SUBJECTS_MAX: usize = 2_100;

/// The longest words that are kept as evidence.
const EVIDENCE_BYTES_MAX: usize = 500;

/// Where an event says that two subjects belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The field of the payload: `pull_request.title`.
    pub field: String,
    /// The words.
    pub text: String,
    /// Where they begin in the field, in characters.
    pub start: usize,
    /// Where they end.
    pub end: usize,
}

/// Two subjects that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// `pr_to_issue`, `message_to_pr`, …: from `subject` to `related`.
    pub correlation_type: String,
    /// How: `to` where nothing more is known than that they do, `reverts`, `duplicates`.
    pub relation: &'static str,
    /// The rule that found it.
    pub rule: Cow<'static, str>,
    /// The one that the event is about.
    pub subject: Subject,
    /// The one that it names.
    pub related: Subject,
    /// Where it says so.
    pub evidence: Evidence,
    /// From 0 to 1; 1 where nothing else can be meant.
    pub confidence: f64,
    /// The Linear team that must exist for it to hold.
    pub team_key: Option<String>,
}

/// A Linear team that an event names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// What stands before the number in an identifier.
    pub key: String,
    /// What people call it.
    pub name: Option<String>,
}

/// What the rules find in one event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// Links that it gives evidence for; of several evidences for one link the strongest.
    pub links: Vec<Link>,
    /// Links to what another event must explain.
    pub mentions: Vec<Mention>,
    /// What it explains.
    pub aliases: Vec<Alias>,
    /// The Linear team that it names.
    pub team: Option<Team>,
    /// Where among the links each is, by its ends.
    known: HashMap<(String, String), usize>,
    /// How many links words gave.
    named: usize,
}

impl Findings {
    /// Everything that the rules find in an event.
    #[must_use]
    pub fn of(source: &str, event_type: &str, payload: Json<'_>) -> Self {
        let mut findings = Self::default();
        match source {
            "github" => github::find(event_type, payload, &mut findings),
            "linear" => linear::find(event_type, payload, &mut findings),
            "slack" => slack::find(payload, &mut findings),
            "deployment" => own::find_deployment(payload, &mut findings),
            "hooklake" => {}
            _ => own::find_custom(payload, &mut findings),
        }
        findings.subjects.sort_unstable();
        findings.subjects.dedup();
        findings
    }

    fn about(&mut self, subject: Option<Subject>) {
        self.subjects.extend(subject.filter(|_| self.subjects.len() < SUBJECTS_MAX));
    }

    /// What it is about first of all, of what it is about.
    fn primary(&self) -> Option<&Subject> {
        const ORDER: &[Kind] =
            &[Kind::PullRequest, Kind::Issue, Kind::Message, Kind::Deployment, Kind::Release, Kind::Check, Kind::Run, Kind::Branch, Kind::Commit];
        ORDER.iter().find_map(|kind| self.subjects.iter().find(|subject| subject.kind == *kind))
    }

    /// Notes a link that a field states outright.
    fn stated(&mut self, rule: &'static str, subject: Option<&Subject>, related: Option<&Subject>, field: &str, text: &str, confidence: f64) {
        self.stated_as(rule, "to", subject, related, field, text, confidence);
    }

    /// As [`stated`](Self::stated), where the field says how the two belong together.
    #[expect(clippy::too_many_arguments, reason = "a link has so many parts, and each call reads as a line of a table")]
    fn stated_as(
        &mut self,
        rule: &'static str,
        relation: &'static str,
        subject: Option<&Subject>,
        related: Option<&Subject>,
        field: &str,
        text: &str,
        confidence: f64,
    ) {
        let (Some(subject), Some(related)) = (subject, related) else { return };
        self.add(Link::new(rule, relation, subject, related, Evidence::whole(field, text), confidence, None));
    }

    /// Notes a link for everything that the words of a field name.
    fn named(&mut self, rule: &'static str, subject: &Subject, field: &str, names: Vec<Named>) {
        self.named_as(rule, "to", subject, field, names);
    }

    /// As [`named`](Self::named), where the words say how the two belong together: `reverts`, `duplicates`.
    fn named_as(&mut self, rule: &'static str, relation: &'static str, subject: &Subject, field: &str, names: Vec<Named>) {
        for name in names {
            if self.named >= NAMED_MAX {
                return;
            }
            self.named += 1;
            let evidence = Evidence { field: field.to_owned(), text: name.text, start: name.start, end: name.end };
            self.add(Link::new(rule, relation, subject, &name.subject, evidence, name.confidence, name.team_key));
        }
    }

    /// Notes everything that free words name or say, and what of it only other events can explain.
    /// `repository` is where a bare `#12` would be.
    fn read(&mut self, rule: &'static str, subject: &Subject, field: &str, words: &str, repository: Option<&str>) {
        // Who writes below something that it takes another thing back asks for it, or tells of it.
        if rule != IN_COMMENT {
            self.named_as("revert", "reverts", subject, field, words::reverted(words, subject, repository));
        }
        self.named_as("duplicate", "duplicates", subject, field, words::duplicated(words, subject, repository));
        self.named(rule, subject, field, words::named(words));
        self.mentioned(rule, subject, field, words);
    }

    /// As [`read`](Self::read), of a text in Markdown.
    fn read_shown(&mut self, rule: &'static str, subject: &Subject, field: &str, words: &str, repository: Option<&str>) {
        self.read(rule, subject, field, &words::shown(words), repository);
    }

    /// Of several evidences for the same two things the strongest counts; one that says how they belong together is
    /// stronger than one that does not.
    fn add(&mut self, link: Link) {
        if link.subject.key == link.related.key {
            return;
        }
        let ends = (link.subject.key.clone(), link.related.key.clone());
        let index = *self.known.entry(ends).or_insert(self.links.len());
        match self.links.get_mut(index) {
            Some(known) if known.relation == link.relation && link.is_stronger(known) => *known = link,
            Some(known) if known.relation == "to" && link.relation != "to" => *known = link,
            None if index < LINKS_MAX => self.links.push(link),
            Some(_) | None => {}
        }
    }
}

impl Evidence {
    /// A part of a field, from this character on.
    fn part(field: &str, text: &str, start: usize) -> Self {
        let whole = Self::whole(field, text);
        Self { start, end: start + whole.end, ..whole }
    }

    /// A field that is the evidence as a whole.
    fn whole(field: &str, text: &str) -> Self {
        let text = &text[..text.floor_char_boundary(EVIDENCE_BYTES_MAX)];
        Self { field: field.to_owned(), text: text.to_owned(), start: 0, end: text.chars().count() }
    }
}

impl Link {
    fn new(
        rule: impl Into<Cow<'static, str>>,
        relation: &'static str,
        subject: &Subject,
        related: &Subject,
        evidence: Evidence,
        confidence: f64,
        team_key: Option<String>,
    ) -> Self {
        Self {
            correlation_type: format!("{}_{relation}_{}", subject.kind.short(), related.kind.short()),
            relation,
            rule: rule.into(),
            subject: subject.clone(),
            related: related.clone(),
            evidence,
            confidence,
            team_key,
        }
    }

    /// The title and the branch say what something is for. A text is sure of what it names by its address, and says no more than
    /// that it speaks of it, unless it says that it closes it.
    fn is_stronger(&self, than: &Self) -> bool {
        match (self.speaks_of_it(), than.speaks_of_it()) {
            (true, _) if than.says_what_it_is_for() => false,
            (_, true) if self.says_what_it_is_for() => true,
            _ => self.confidence > than.confidence,
        }
    }

    fn says_what_it_is_for(&self) -> bool {
        matches!(self.rule.as_ref(), "identifier_in_title" | "identifier_in_branch")
    }

    fn speaks_of_it(&self) -> bool {
        matches!(self.rule.as_ref(), "reference_in_body" | IN_COMMENT) && (self.confidence < 1.0 || self.evidence.text.starts_with("http"))
    }
}

#[cfg(test)]
mod tests;
