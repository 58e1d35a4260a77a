//! Pure: what an event is about, and which links it gives evidence for.
//!
//! Most links are found one way: an event is about a subject, and its words name another one. [`words`] finds names in
//! text; `github`, `linear`, `slack` and `own` say what an event is about and which of its fields are words.
//! What is no text (the commits of a pull request, of a deployment) they link directly.

mod github;
mod linear;
mod own;
mod slack;
pub mod words;

use serde_json::Value;

use words::Named;

/// Raised when a rule would find something else.
pub const RULES_VERSION: i32 = 1;

/// The longest subject; a longer one is no name that anybody gave.
const SUBJECT_BYTES_MAX: usize = 512;

/// The most links that one event gives evidence for: a text of a thousand identifiers says nothing about any of them.
const LINKS_MAX: usize = 500;

/// The most subjects of one event: a push lists at most 2,048 commits.
const SUBJECTS_MAX: usize = 2_100;

/// The longest words that are kept as evidence.
const EVIDENCE_BYTES_MAX: usize = 500;

/// What a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A pull request at GitHub.
    PullRequest,
    /// An issue, at Linear or GitHub.
    Issue,
    /// A message in Slack.
    Message,
    /// The message that opened a thread.
    Thread,
    /// A commit, by its hash.
    Commit,
    /// A branch of a repository.
    Branch,
    /// One deployment.
    Deployment,
    /// A release of a repository.
    Release,
    /// Someone, as one platform knows them.
    Person,
}

impl Kind {
    /// The word that tables show.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PullRequest => "pull_request",
            Self::Issue => "issue",
            Self::Message => "message",
            Self::Thread => "thread",
            Self::Commit => "commit",
            Self::Branch => "branch",
            Self::Deployment => "deployment",
            Self::Release => "release",
            Self::Person => "person",
        }
    }

    /// The word within the name of a correlation type.
    const fn short(self) -> &'static str {
        match self {
            Self::PullRequest => "pr",
            other => other.as_str(),
        }
    }
}

/// Something that events are about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// What it is.
    pub kind: Kind,
    /// `github:owner/repo#12`, `linear:HEL-42`, `slack:C123/1700000000.000100`, `commit:<sha>`, ….
    pub key: String,
}

impl Subject {
    fn new(kind: Kind, key: String) -> Option<Self> {
        (key.len() <= SUBJECT_BYTES_MAX).then_some(Self { kind, key })
    }

    /// A commit, if the text is a whole hash; a shortened one may mean several.
    fn commit(sha: &str) -> Option<Self> {
        let is_hash = matches!(sha.len(), 40 | 64) && sha.bytes().all(|digit| digit.is_ascii_hexdigit()) && sha.bytes().any(|digit| digit != b'0');
        is_hash.then(|| Self { kind: Kind::Commit, key: format!("commit:{}", sha.to_ascii_lowercase()) })
    }

    fn numbered(kind: Kind, repository: &str, number: i64) -> Option<Self> {
        Self::new(kind, format!("github:{repository}#{number}"))
    }

    fn branch(repository: &str, branch: &str) -> Option<Self> {
        Self::new(Kind::Branch, format!("branch:{repository}@{branch}"))
    }

    fn person(platform: &str, name: &str) -> Option<Self> {
        Self::new(Kind::Person, format!("person:{platform}/{name}"))
    }
}

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
    /// The rule that found it.
    pub rule: &'static str,
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
    /// The Linear team that it names.
    pub team: Option<Team>,
}

impl Findings {
    /// Everything that the rules find in an event.
    #[must_use]
    pub fn of(source: &str, event_type: &str, payload: &Value) -> Self {
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

    fn is_full(&self) -> bool {
        self.links.len() >= LINKS_MAX
    }

    /// Notes a link that a field states outright.
    fn stated(&mut self, rule: &'static str, subject: Option<&Subject>, related: Option<&Subject>, field: &str, text: &str, confidence: f64) {
        let (Some(subject), Some(related)) = (subject, related) else { return };
        let text = &text[..text.floor_char_boundary(EVIDENCE_BYTES_MAX)];
        let evidence = Evidence { field: field.to_owned(), text: text.to_owned(), start: 0, end: text.chars().count() };
        self.add(Link::new(rule, subject, related, evidence, confidence, None));
    }

    /// Notes a link for everything that the words of a field name.
    fn named(&mut self, rule: &'static str, subject: &Subject, field: &str, names: Vec<Named>) {
        for name in names {
            let evidence = Evidence { field: field.to_owned(), text: name.text, start: name.start, end: name.end };
            self.add(Link::new(rule, subject, &name.subject, evidence, name.confidence, name.team_key));
        }
    }

    fn add(&mut self, link: Link) {
        if link.subject == link.related || self.is_full() {
            return;
        }
        let same = |known: &&mut Link| {
            known.subject.key == link.subject.key && known.related.key == link.related.key && known.correlation_type == link.correlation_type
        };
        match self.links.iter_mut().find(same) {
            Some(known) if known.confidence < link.confidence => *known = link,
            Some(_) => {}
            None => self.links.push(link),
        }
    }
}

impl Link {
    fn new(rule: &'static str, subject: &Subject, related: &Subject, evidence: Evidence, confidence: f64, team_key: Option<String>) -> Self {
        Self {
            correlation_type: format!("{}_to_{}", subject.kind.short(), related.kind.short()),
            rule,
            subject: subject.clone(),
            related: related.clone(),
            evidence,
            confidence,
            team_key,
        }
    }
}

#[cfg(test)]
mod tests;
