//! What is true in the simulated organisation, for whoever measures what hooklake finds in its webhooks.
//!
//! Subjects are named as correlation names them: `github:owner/repo#12`, `linear:ENG-12`, `slack:C…/ts`, `commit:<sha>`,
//! `deployment:<id>` (own) or `deployment:github/<id>`, `release:owner/repo@tag`. Times are those of the payloads:
//! GitHub's to the second, Linear's to the millisecond.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::clock::Timestamp;

/// Everything that is true. As JSON it is `truth.json`, with these names.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Truth {
    /// Who is who on the platforms.
    pub people: Vec<Identity>,
    /// The Linear teams: their keys are the only ones whose identifiers are issues.
    pub teams: Vec<Team>,
    /// What belongs together, a row for every place that says so.
    pub links: Vec<Link>,
    /// Each piece of work, from its issue to production.
    pub works: Vec<Work>,
    /// Each deployment.
    pub deployments: Vec<Deployment>,
    /// Each incident.
    pub incidents: Vec<Incident>,
    /// Deployments to production that were changes that failed; of several reasons the first that came true counts.
    pub failed_changes: Vec<FailedChange>,
    /// Checks that failed and then passed on the same commit.
    pub flaky_checks: Vec<FlakyCheck>,
    /// What looks like an issue and is none.
    pub lookalikes: Vec<Lookalike>,
    /// What is called otherwise than before: both names mean the same.
    pub renamed: Vec<Renamed>,
    /// Where people did not go by the book.
    pub histories: Vec<History>,
}

/// One person as each platform knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Display name, the same at Linear and Slack and in commits.
    pub name: String,
    /// The address that Linear and Slack know.
    pub email: String,
    /// The address in their commits; at GitHub's `noreply` for those who hide theirs.
    pub commit_email: Option<String>,
    /// None for people who do not work with code.
    pub github_login: Option<String>,
    /// The id of the user.
    pub linear_id: String,
    /// The id of the user.
    pub slack_id: String,
    /// `engineer`, `lead`, `product` or `support`.
    pub role: &'static str,
    /// What ties the GitHub login to the others: `email`, `name` (the address is hidden, nobody else has the name),
    /// `nothing` (hidden, and a namesake exists: only people can say), or `no_login`.
    pub tied_by: &'static str,
}

/// A team at Linear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
    /// What stands before the number in an identifier.
    pub key: String,
    /// What people call it.
    pub name: String,
}

/// Two subjects that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// `pr_to_issue`, `message_to_pr`, `commit_to_pr`, `deployment_to_commit`, …: from `subject` to `related`.
    pub kind: &'static str,
    /// The one that says so.
    pub subject: String,
    /// The one that it names.
    pub related: String,
    /// Where it says so: `title`, `body`, `closing_keyword`, `branch`, `attachment`, `comment`, `message`, `field`, …
    pub because: &'static str,
    /// False when no event says so in so many words, and it follows from others (the merge commit of a pull request is
    /// about its issue). Finding one is right; not finding it is no fault.
    pub stated: bool,
    /// False once nobody says so any more: the message in Slack that did was deleted, or changed. That it was said stays true, and finding
    /// it is right; what is said now does not have it.
    pub stands: bool,
}

/// When each step was made; none that was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it; docs of Work say where each stands in the payloads")]
pub struct Steps {
    pub issue_created_at: Option<Timestamp>,
    pub issue_started_at: Option<Timestamp>,
    pub first_commit_at: Option<Timestamp>,
    pub first_push_at: Option<Timestamp>,
    pub opened_at: Option<Timestamp>,
    pub ready_at: Option<Timestamp>,
    pub review_requested_at: Option<Timestamp>,
    pub first_review_at: Option<Timestamp>,
    pub approved_at: Option<Timestamp>,
    pub merged_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub deployed_at: Option<Timestamp>,
    pub issue_completed_at: Option<Timestamp>,
    pub issue_canceled_at: Option<Timestamp>,
}

/// A piece of work. Lead times are differences of its steps.
///
/// Steps stand in the payloads as Linear's `createdAt`, `startedAt`, `completedAt` and `canceledAt` of the issue; GitHub's
/// `timestamp` of the first commit of the first push and of its `head_commit` (none where the branch is `develop`), `created_at`, `merged_at` and `closed_at` of the pull request,
/// `updated_at` of `ready_for_review` (the same as `created_at` when it was no draft) and of the first
/// `review_requested`, `submitted_at` of the first review and of the first approval; and the end of the first successful deployment to production.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Work {
    /// `linear:ENG-12` or `github:owner/repo#7`; none for chores.
    pub issue: Option<String>,
    /// None when it was cancelled before, or is not that far.
    pub pull_request: Option<String>,
    /// `owner/repo`.
    pub repository: String,
    /// The key of the Linear team.
    pub team: String,
    /// The branch, once there is one.
    pub branch: Option<String>,
    /// The GitHub login of the pull request's author.
    pub author: Option<String>,
    /// When each step was made.
    pub steps: Steps,
    /// `planned`, `in_progress`, `in_review`, `merged`, `deployed`, `abandoned` or `cancelled`.
    pub state: &'static str,
    /// How the checks of its newest commit stand: `failure`, `pending` or `success`; those that were pending when all else was over
    /// stay so.
    pub checks: Option<&'static str>,
    /// The pull request was closed and opened again.
    pub reopened: bool,
    /// The pull request that takes this one back.
    pub reverted_by: Option<String>,
    /// Reviews in order; what apps say is none.
    pub reviews: Vec<Review>,
    /// Its own commits in order with those of what was merged into its branch, and that of the merge last; none of those that it was
    /// brought up to date with.
    pub commits: Vec<String>,
}

/// A review that was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// GitHub login.
    pub reviewer: String,
    /// `approved`, `changes_requested` or `commented`.
    pub state: &'static str,
    /// When.
    pub submitted_at: Timestamp,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// `deployment:<id>` or `deployment:github/<id>`.
    pub deployment: String,
    /// `owner/repo`.
    pub repository: String,
    /// `staging` or `production`.
    pub environment: &'static str,
    /// The commit.
    pub commit: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// `success` or `failure`.
    pub status: &'static str,
    /// The pull requests that it brought first.
    pub pull_requests: Vec<String>,
    /// It takes production back to an earlier commit.
    pub is_rollback: bool,
}

/// Something that broke by a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// The id in the events.
    pub incident: String,
    /// The deployment that broke it.
    pub deployment: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    pub resolved_at: Timestamp,
}

/// A deployment to production whose change had to be mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedChange {
    /// The deployment.
    pub deployment: String,
    /// `failed`, `rolled_back`, or `reverted` (a pull request that it brought).
    pub because: &'static str,
    /// When the deployment ended that mended it; none when none did.
    pub restored_at: Option<Timestamp>,
}

/// A check that failed and then passed on the same commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlakyCheck {
    /// `owner/repo`.
    pub repository: String,
    /// The workflow that it belongs to: another one may have a check of the same name.
    pub workflow: &'static str,
    /// The check's name.
    pub check: &'static str,
    /// The commit.
    pub commit: String,
}

/// Words that look like an identifier; or are one, in a comment of a template or in pasted code, where they say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lookalike {
    /// Where they stand.
    pub subject: String,
    /// The words: `UTF-8`, `ENG-12`.
    pub text: String,
    /// What they would name if a reader saw them; none when they name nothing.
    pub named: Option<String>,
}

/// What is called otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// What it was called, and still is where it was written before.
    pub old: String,
    /// What it is called now.
    pub new: String,
}

/// Something that does not go by the book, and where it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct History {
    /// `brought_up_to_date`: the branch that a pull request goes into was merged into its own; `app_review`: an app spoke before
    /// anybody did; `two_workflows`: two workflows with a job of the same name ran on one commit; `same_name_other_end`: and only one of
    /// them passed;
    /// `spoke_of_another`: its text speaks of another issue than its own; `unseen_words`: names stand where no reader sees them;
    /// `reverted_by_hash`: the pull request that takes this one back names its commit only; `brought_back`: this one takes another one
    /// back, and is taken back itself; `moved_to_another_team`: an issue at Linear, which has another identifier since;
    /// `told_by_app`: a message in Slack that an app wrote, in an attachment or blocks; `unfurled`: Slack shows the page of an address in
    /// it; `stacked`: the pull request went into the branch of another one; `retargeted`: and was to, but that was merged first;
    /// `released_from_develop`: it brought to the default branch what had come to `develop`; `edited_message`, `deleted_message`: what it named was said all the same, and is not any more once it was deleted;
    /// `mended_message`: it was changed, and names nothing any more.
    pub kind: &'static str,
    /// What it happened to.
    pub subject: String,
}

impl Truth {
    /// What is called by this name now.
    #[must_use]
    pub fn called<'a>(&'a self, name: &'a str) -> &'a str {
        self.renamed.iter().fold(name, |name, renamed| if name == renamed.old { &renamed.new } else { name })
    }

    /// The pairs of subjects that belong together, each in the order of its names: stated ones, or all.
    #[must_use]
    pub fn pairs(&self, stated_only: bool) -> BTreeSet<(&str, &str)> {
        self.links
            .iter()
            .filter(|link| link.stated || !stated_only)
            .map(|link| (self.called(&link.subject), self.called(&link.related)))
            .map(|(one, other)| (one.min(other), one.max(other)))
            .collect()
    }

    /// Takes up what another stretch of the same organisation found.
    pub fn append(&mut self, mut more: Self) {
        self.people.append(&mut more.people);
        self.teams.append(&mut more.teams);
        self.links.append(&mut more.links);
        self.works.append(&mut more.works);
        self.deployments.append(&mut more.deployments);
        self.incidents.append(&mut more.incidents);
        self.failed_changes.append(&mut more.failed_changes);
        self.flaky_checks.append(&mut more.flaky_checks);
        self.lookalikes.append(&mut more.lookalikes);
        self.renamed.append(&mut more.renamed);
        self.histories.append(&mut more.histories);
    }
}
