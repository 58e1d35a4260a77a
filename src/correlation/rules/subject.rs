//! What events are about: a kind of thing and its key, which is its [name](crate::domain::subject).

use crate::domain::subject;

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
    /// A check of a commit: a check run, or the job of a workflow, which GitHub gives the same number.
    Check,
    /// A run of a workflow.
    Run,
    /// Someone, as one platform knows them.
    Person,
    /// Anything else that rules of one's own name.
    Thing,
}

impl Kind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::PullRequest,
        Self::Issue,
        Self::Message,
        Self::Thread,
        Self::Commit,
        Self::Branch,
        Self::Deployment,
        Self::Release,
        Self::Check,
        Self::Run,
        Self::Person,
        Self::Thing,
    ];

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
            Self::Check => "check",
            Self::Run => "workflow_run",
            Self::Person => "person",
            Self::Thing => "thing",
        }
    }

    /// The word within the name of a correlation type.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::PullRequest => "pr",
            Self::Run => "run",
            other => other.as_str(),
        }
    }
}

/// Something that events are about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// What it is.
    pub kind: Kind,
    /// Its name: `github:owner/repo#12`, `linear:HEL-42`, ….
    pub key: String,
}

impl Subject {
    /// What a rule of one's own names.
    pub(super) fn new(kind: Kind, key: String) -> Option<Self> {
        Self::of(kind, Some(key).filter(|key| key.len() <= subject::BYTES_MAX))
    }

    fn of(kind: Kind, key: Option<String>) -> Option<Self> {
        key.map(|key| Self { kind, key })
    }

    /// A commit, if the text is a whole hash; nothing but zeros stands for none.
    pub(super) fn commit(sha: &str) -> Option<Self> {
        Self::of(Kind::Commit, subject::commit(sha).filter(|_| sha.bytes().any(|digit| digit != b'0')))
    }

    pub(super) fn numbered(kind: Kind, repository: &str, number: i64) -> Option<Self> {
        Self::of(kind, subject::numbered(repository, number))
    }

    /// An issue at Linear, whose identifiers are capitals however people write them.
    pub(super) fn linear(identifier: &str) -> Option<Self> {
        Self::of(Kind::Issue, subject::linear(&identifier.to_ascii_uppercase()))
    }

    /// A message, or the one that opened a thread.
    pub(super) fn message(kind: Kind, channel: &str, ts: &str) -> Option<Self> {
        Self::of(kind, subject::message(channel, ts))
    }

    pub(super) fn branch(repository: &str, branch: &str) -> Option<Self> {
        Self::of(Kind::Branch, subject::branch(repository, branch))
    }

    pub(super) fn release(repository: &str, tag: &str) -> Option<Self> {
        Self::of(Kind::Release, subject::release(repository, tag))
    }

    pub(super) fn deployment(id: &str) -> Option<Self> {
        Self::of(Kind::Deployment, subject::deployment(id))
    }

    /// A check, run or deployment at GitHub, by its number.
    pub(super) fn at_github(kind: Kind, id: i64) -> Option<Self> {
        Self::of(kind, subject::at_github(kind.short(), id))
    }

    pub(super) fn person(platform: &str, name: &str) -> Option<Self> {
        Self::of(Kind::Person, subject::person(platform, name))
    }
}
