//! What events are about: a kind of thing and its key, which has its system in front.

/// The longest subject; a longer one is no name that anybody gave.
pub(super) const SUBJECT_BYTES_MAX: usize = 512;

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
    /// `github:owner/repo#12`, `linear:HEL-42`, `slack:C123/1700000000.000100`, `commit:<sha>`, ….
    pub key: String,
}

impl Subject {
    pub(super) fn new(kind: Kind, key: String) -> Option<Self> {
        (key.len() <= SUBJECT_BYTES_MAX).then_some(Self { kind, key })
    }

    /// A commit, if the text is a whole hash; a shortened one may mean several.
    pub(super) fn commit(sha: &str) -> Option<Self> {
        let is_hash = matches!(sha.len(), 40 | 64) && sha.bytes().all(|digit| digit.is_ascii_hexdigit()) && sha.bytes().any(|digit| digit != b'0');
        is_hash.then(|| Self { kind: Kind::Commit, key: format!("commit:{}", sha.to_ascii_lowercase()) })
    }

    pub(super) fn numbered(kind: Kind, repository: &str, number: i64) -> Option<Self> {
        Self::new(kind, format!("github:{repository}#{number}"))
    }

    pub(super) fn branch(repository: &str, branch: &str) -> Option<Self> {
        Self::new(Kind::Branch, format!("branch:{repository}@{branch}"))
    }

    pub(super) fn release(repository: &str, tag: &str) -> Option<Self> {
        Self::new(Kind::Release, format!("release:{repository}@{tag}"))
    }

    /// A check, run or deployment at GitHub, by its number.
    pub(super) fn at_github(kind: Kind, id: i64) -> Option<Self> {
        Self::new(kind, format!("{}:github/{id}", kind.short()))
    }

    pub(super) fn person(platform: &str, name: &str) -> Option<Self> {
        Self::new(Kind::Person, format!("person:{platform}/{name}"))
    }
}
