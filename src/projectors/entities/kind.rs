//! The kinds of things that have a state, the table of each, and the aspects that versions of it show.

/// Declares the kinds, each with its word in `entity_history`, its table, and its aspects.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $word:literal in $table:literal shows $aspects:expr;)+) => {
        /// A kind of thing that has a state.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(super) enum Kind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl Kind {
            /// Every kind, in the order in which their tables are brought up to date.
            pub(super) const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The word in `entity_history`.
            pub(super) const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)+ }
            }

            /// The table of what they are now.
            pub(super) const fn table(self) -> &'static str {
                match self { $(Self::$kind => $table,)+ }
            }

            /// What its versions may show. A version of an aspect always says the same columns.
            pub(super) const fn aspects(self) -> &'static [&'static str] {
                match self { $(Self::$kind => $aspects,)+ }
            }
        }

        /// The history, and the table of each kind.
        pub(super) const TABLES: &[&str] = &["entity_history", $($table),+];
    };
}

/// A whole snapshot, as events about the thing itself have it.
pub(super) const WHOLE: &str = "whole";
/// The part of a snapshot that events about something else have.
pub(super) const PART: &str = "part";
/// A pull request as an issue, which is how comments on it show it.
pub(super) const AS_ISSUE: &str = "as_issue";
/// The same by newer payloads, which say whether it is a draft and when it was merged.
pub(super) const AS_ISSUE_MERGED: &str = "as_issue_merged";
/// It is gone for good.
pub(super) const END: &str = "end";
/// Where it came from.
pub(super) const ORIGIN: &str = "origin";
/// How far it has come, told apart from what it is.
pub(super) const STATUS: &str = "status";
/// It is no longer out, since some time that the provider does not tell: at the latest when that was received. Counts before all
/// else, unless it is known that it is out again (`settle.sql`).
pub(super) const WITHDRAWN: &str = "withdrawn";
/// When it ended.
pub(super) const FINISH: &str = "finish";
/// What it is called.
pub(super) const NAME: &str = "name";

kinds! {
    /// A repository at GitHub.
    Repository = "repository" in "repositories" shows &[WHOLE, END];
    /// A pull request at GitHub.
    PullRequest = "pull_request" in "pull_requests" shows &[WHOLE, PART, AS_ISSUE, AS_ISSUE_MERGED];
    /// A review of a pull request.
    Review = "review" in "reviews" shows &[WHOLE];
    /// An issue at GitHub or in Linear.
    Issue = "issue" in "issues" shows &[WHOLE, ORIGIN, END];
    /// What is attached to an issue in Linear.
    Attachment = "attachment" in "attachments" shows &[WHOLE];
    /// A comment on anything, at GitHub or in Linear.
    Comment = "comment" in "comments" shows &[WHOLE, END];
    /// A commit of a repository.
    Commit = "commit" in "commits" shows &[WHOLE, PART];
    /// A branch of a repository.
    Branch = "branch" in "branches" shows &[WHOLE, PART];
    /// A check run, check suite or commit status.
    Check = "check" in "checks" shows &[WHOLE];
    /// One run of a workflow.
    WorkflowRun = "workflow_run" in "workflow_runs" shows &[WHOLE];
    /// One job of such a run.
    WorkflowJob = "workflow_job" in "workflow_jobs" shows &[WHOLE];
    /// A release of a repository.
    Release = "release" in "releases" shows &[WHOLE, STATUS, WITHDRAWN, END];
    /// Something that is brought to an environment.
    Deployment = "deployment" in "deployments" shows &[WHOLE, STATUS, FINISH];
    /// A project, in Linear or at GitHub.
    Project = "project" in "projects" shows &[WHOLE, END];
    /// A cycle of a team in Linear.
    Cycle = "cycle" in "cycles" shows &[WHOLE];
    /// A channel of Slack.
    Channel = "slack_channel" in "slack_channels" shows &[PART, ORIGIN, NAME, STATUS];
    /// A message of Slack.
    Message = "slack_message" in "slack_messages" shows &[WHOLE, END];
    /// Someone's reaction to a message of Slack.
    Reaction = "slack_reaction" in "slack_reactions" shows &[WHOLE];
}
