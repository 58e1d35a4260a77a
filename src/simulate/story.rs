//! One piece of work and where it stands: its issue, its branch, its pull request.

use uuid::Uuid;

use super::chance::Sha;
use super::github::{CI, Workflow};
use super::moment::Moment;
use super::truth::Work;

/// Names a story.
pub type StoryId = u64;

/// Where a piece of work comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An issue at Linear.
    Linear,
    /// An issue at GitHub.
    GitHub,
    /// Somebody just did it.
    Chore,
    /// A robot that raises versions.
    Robot,
    /// A pull request that must be taken back.
    Revert(Box<Reverted>),
    /// What came to `develop` goes to the default branch.
    Release,
}

/// What a pull request takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverted {
    pub number: u32,
    pub title: String,
    pub branch: String,
    /// What correlation calls it.
    pub subject: String,
    /// It takes back another one itself, which is brought back by this.
    pub is_revert: bool,
    /// The commit that it became.
    pub sha: Sha,
    /// The first line of the message of that.
    pub merged_as: String,
    /// It is taken back by the hash of that, in words of one's own, and not with GitHub's button.
    pub by_hash: bool,
    /// Its title names the issue at Linear.
    pub title_names: bool,
    /// How the title and the branch that are repeated name the issue.
    pub naming: Naming,
    pub issue: Option<String>,
    /// The deployment that brought it to production.
    pub deployed_by: Option<String>,
    /// Told when the pull request that takes it back has a number.
    pub work: Work,
}

/// How a pull request tells which issue it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a place, and any of them may be used")]
pub struct Naming {
    pub title: bool,
    pub branch: bool,
    pub body: Option<InBody>,
    pub attachment: bool,
    pub commits: bool,
}

/// How the body of a pull request names the issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InBody {
    /// `Fixes ENG-12`.
    Closes,
    /// `Part of ENG-12.`
    Mentions,
    /// `https://linear.app/…`.
    Address,
}

/// An issue at Linear.
#[derive(Debug, Clone)]
pub struct Issue {
    pub id: Uuid,
    /// The team that it belongs to, which need not be that of who does it.
    pub team: usize,
    pub number: u32,
    pub identifier: String,
    /// What it was called before it moved.
    pub previous: Vec<String>,
    pub url: String,
    pub description: Option<String>,
    pub creator: usize,
    pub assignee: Option<usize>,
    /// An index into `STATES`.
    pub state: usize,
    pub priority: usize,
    pub estimate: Option<u8>,
    pub label: Option<usize>,
    pub cycle: Option<(Uuid, u32)>,
    pub cycle_at: Option<Moment>,
    pub parent: Option<Uuid>,
    pub created: Moment,
    pub updated: Moment,
    pub started: Option<Moment>,
    pub completed: Option<Moment>,
    pub canceled: Option<Moment>,
}

/// An issue at GitHub.
#[derive(Debug, Clone)]
pub struct GithubIssue {
    pub id: u64,
    pub number: u32,
    pub author: usize,
    pub body: String,
    pub created: Moment,
    pub updated: Moment,
    pub closed: Option<Moment>,
    pub comments: u32,
}

/// A pull request.
#[derive(Debug, Clone)]
pub struct PullRequest {
    pub id: u64,
    pub number: u32,
    pub title: String,
    pub body: Option<String>,
    pub created: Moment,
    pub updated: Moment,
    pub closed: Option<Moment>,
    pub merged: Option<(Moment, usize, Sha)>,
    pub draft: bool,
    pub requested: Vec<usize>,
    /// What GitHub tried the merge with; nobody's commit.
    pub test_merge: Option<Sha>,
    pub comments: u32,
    pub review_comments: u32,
    pub additions: i64,
    pub deletions: i64,
}

/// A commit, as pushes list it.
#[derive(Debug, Clone)]
pub struct Commit {
    pub sha: Sha,
    pub tree: Sha,
    pub message: String,
    pub at: Moment,
    pub file: &'static str,
    pub is_new_file: bool,
}

/// A piece of work.
#[derive(Debug, Clone)]
pub struct Story {
    pub id: StoryId,
    pub origin: Origin,
    pub team: usize,
    pub repository: usize,
    /// Who does it; what a robot does, somebody looks after.
    pub author: usize,
    pub title: String,
    pub naming: Naming,
    pub issue: Option<Issue>,
    pub github_issue: Option<GithubIssue>,
    pub branch: Option<String>,
    /// The branch that it goes into.
    pub into: String,
    /// The work whose branch that is, when it was begun on top of other work.
    pub under: Option<StoryId>,
    /// Works that were merged into its branch.
    pub carries: Vec<StoryId>,
    pub base: Sha,
    pub head: Sha,
    /// When that commit was made.
    pub head_at: Moment,
    pub commit_count: u32,
    /// Its own commits.
    pub commits: Vec<Commit>,
    /// Pushes that are still made before the pull request is opened.
    pub pushes_left: u32,
    pub pull_request: Option<PullRequest>,
    pub reviewers: Vec<usize>,
    pub approvals: usize,
    /// How the checks of the head stand: those that it must pass, and those that take the night.
    pub checks: [Option<&'static str>; 2],
    /// The last run of checks on the head passed.
    pub is_green: bool,
    pub is_merging: bool,
    pub will_be_abandoned: bool,
    /// The deployment that brought it to production.
    pub deployed_by: Option<String>,
    /// The message that asked for a review.
    pub announcement: Option<Moment>,
    /// What is true of it.
    pub work: Work,
}

impl Story {
    pub fn by_robot(&self) -> bool {
        self.origin == Origin::Robot
    }

    /// What correlation calls the issue.
    pub fn issue_subject(&self) -> Option<String> {
        self.work.issue.clone()
    }

    /// The issue that the title of the pull request names.
    pub fn named_in_title(&self) -> Option<String> {
        let (naming, issue) = match &self.origin {
            Origin::Revert(reverted) => (reverted.naming, &reverted.issue),
            _ => (self.naming, &self.work.issue),
        };
        issue.clone().filter(|_| naming.title)
    }

    /// What correlation calls the pull request.
    pub fn subject(&self) -> String {
        self.work.pull_request.clone().unwrap_or_default()
    }

    /// The state that its truth has when nothing more happens.
    pub fn works(mut self) -> impl Iterator<Item = Work> {
        let reverted = match std::mem::replace(&mut self.origin, Origin::Chore) {
            Origin::Revert(reverted) => Some(reverted.work).filter(|work| work.pull_request.is_some()),
            _ => None,
        };
        reverted.into_iter().chain(std::iter::once(self.work))
    }

    /// A workflow came so far on the head.
    pub fn checked(&mut self, workflow: &Workflow, state: &'static str) {
        self.checks[usize::from(*workflow != CI)] = Some(state);
        self.work.checks = ["failure", "pending", "success"].into_iter().find(|state| self.checks.contains(&Some(state)));
    }

    /// The deployment whose change this takes back, in production; what brings something back takes no change back.
    pub fn takes_back(&self) -> Option<&str> {
        match &self.origin {
            Origin::Revert(reverted) if !reverted.is_revert => reverted.deployed_by.as_deref(),
            _ => None,
        }
    }

    /// What it brought can be taken back by itself: it came to the branch that all work is merged into.
    pub fn stands_alone(&self) -> bool {
        self.under.is_none() && self.origin != Origin::Release
    }

    pub fn is_open(&self) -> bool {
        self.pull_request.as_ref().is_some_and(|own| own.closed.is_none())
    }
}
