//! People code: branches, pushes, pull requests.

use super::chance::Sha;
use super::github::{self, Push};
use super::json::{Json, object};
use super::linear::{self, Event};
use super::moment::{DAY, HOUR, MINUTE, Moment};
use super::organisation::{Organisation, Step, Turn};
use super::people::OWNER;
use super::planning::IN_REVIEW;
use super::story::{Commit, InBody, Origin, PullRequest, Story};
use super::words;

/// What is pushed to the branch of a piece of work.
pub struct Pushed {
    pub before: Sha,
    /// Commits of another branch that came along.
    pub came: Vec<Json>,
    /// Its own.
    pub commits: Vec<Commit>,
    /// Who merged, when GitHub made the last of them itself.
    pub merged_by: Option<usize>,
}

impl Organisation {
    pub(super) fn make_branch(&mut self, at: Moment, story: &mut Story) {
        let branch = self.branch_name(story);
        story.work.state = "in_progress";
        story.work.branch = Some(branch.clone());
        self.begin_on_top(story);
        if story.under.is_none() {
            story.base = self.fetched(story.repository);
        }
        story.head = story.base;
        let sender = self.author_json(story);
        let body = github::reference(&self.world, story.repository, &branch, "branch", true, &sender);
        self.github(at, "create", body);
        story.branch = Some(branch);
        story.work.author = Some(if story.by_robot() { "dependabot[bot]".to_owned() } else { self.world.people[story.author].login.clone() });
        self.push(at, story, true);
        story.work.steps.first_push_at = Some(at.at_github().timestamp());
        self.after_push(at, story);
    }

    fn branch_name(&mut self, story: &Story) -> String {
        let first = self.world.people[story.author].first;
        let random: String = (0..4).map(|_| char::from(b'a' + self.chance.below(20) as u8)).collect();
        match (&story.origin, &story.issue) {
            (Origin::Robot, _) => format!("dependabot/cargo/{}-{random}", story.title.split(' ').nth(1).unwrap_or("x")),
            (Origin::Revert(reverted), _) if reverted.by_hash => format!("{first}/back-out-{random}"),
            (Origin::Revert(reverted), _) => format!("revert-{}-{}", reverted.number, reverted.branch),
            (Origin::Linear, Some(issue)) if story.naming.branch => {
                format!("{first}/{}-{}", issue.identifier.to_ascii_lowercase(), words::slug(&story.title))
            }
            _ if self.chance.happens(0.3) => format!("{first}/{}-{random}", self.chance.pick(&words::PLAIN_BRANCHES)),
            _ => format!("{first}/{}-{random}", words::slug(&story.title)),
        }
    }

    /// Pushes one to three commits to the branch.
    fn push(&mut self, at: Moment, story: &mut Story, is_first: bool) {
        let is_alone = story.by_robot() || matches!(story.origin, Origin::Revert(_));
        let count = if is_alone { 1 } else { self.chance.between(1, 3) };
        let before = if is_first { Sha::NONE } else { story.head };
        let commits: Vec<Commit> = (0..count).map(|index| self.commit(at.plus(index - count), story)).collect();
        // A push is recognised by the time of its last commit.
        let after = commits.last().map_or(story.head, |commit| commit.sha);
        let commits: Vec<Commit> =
            commits.into_iter().map(|commit| if commit.sha == after { Commit { at: at.at_github(), ..commit } } else { commit }).collect();
        if is_first {
            story.work.steps.first_commit_at = commits.first().map(|commit| commit.at.timestamp());
        }
        self.tell_push(at, story, Pushed { before, came: Vec::new(), commits, merged_by: None });
    }

    /// Tells of a push to the branch, and of what it does to the pull request.
    pub(super) fn tell_push(&mut self, at: Moment, story: &mut Story, pushed: Pushed) {
        let Pushed { before, came, commits, merged_by } = pushed;
        let after = commits.last().map_or(story.head, |commit| commit.sha);
        (story.head, story.head_at) = (after, at.at_github());
        story.commit_count += commits.len() as u32;
        self.world.repositories[story.repository].pushed_at = at.at_github();
        let reference = format!("refs/heads/{}", story.branch.as_deref().unwrap_or_default());
        let told = Push { reference, before, after, came: &came, commits: &commits, merged_by };
        let sender = self.author_json(story);
        let body = github::push(&self.world, story, &told, &sender);
        self.github(at, "push", body);
        for commit in &commits {
            story.work.commits.push(format!("commit:{}", commit.sha));
        }
        if let Some(mut own) = story.pull_request.take() {
            own.updated = at.at_github();
            own.test_merge = Some(self.chance.sha());
            own.additions += self.chance.between(1, 40);
            let fields = object! { "before": before, "after": after };
            let body = github::pull_request_event(&self.world, story, &own, "synchronize", &sender, Some(&fields));
            self.github(at.plus(1), "pull_request", body);
            for commit in &commits {
                // Only the last of a push stands in an event of the pull request.
                let subject = format!("commit:{}", commit.sha);
                self.link_if(commit.sha == after, "commit_to_pr", &subject, &story.subject(), "head");
            }
            story.pull_request = Some(own);
        }
        story.commits.extend(commits);
    }

    fn commit(&mut self, at: Moment, story: &Story) -> Commit {
        let sha = self.chance.sha();
        let subject = format!("commit:{sha}");
        let mut message = match &story.origin {
            Origin::Robot => story.title.clone(),
            Origin::Revert(reverted) => reverted.message(),
            _ => (*self.chance.pick(&words::COMMITS)).to_owned(),
        };
        if let Some(issue) = story.issue.as_ref().filter(|_| story.naming.commits) {
            message = format!("{}: {message}", issue.identifier);
        }
        if let Some(issue) = story.issue_subject() {
            let names = story.issue.is_some() && story.naming.commits;
            self.link_if(names, "commit_to_issue", &subject, &issue, "message");
        }
        if let Origin::Revert(reverted) = &story.origin
            && let Some(issue) = &reverted.issue
        {
            // The message repeats the title.
            self.link_if(reverted.title_names, "commit_to_issue", &subject, issue, "message");
        }
        if let Origin::Revert(reverted) = &story.origin {
            self.commit_takes_back(&subject, reverted);
        }
        let lookalike = self.season(&mut message, 0.04);
        self.looks_alike(&subject, lookalike);
        let (file, is_new_file) = (*self.chance.pick(&words::FILES), self.chance.happens(0.2));
        Commit { sha, tree: self.chance.sha(), message, at: at.at_github(), file, is_new_file }
    }

    fn after_push(&mut self, at: Moment, story: &mut Story) {
        let is_quick = story.by_robot() || matches!(story.origin, Origin::Revert(_));
        let step = if story.pushes_left > 0 { Step::Push } else { Step::Open };
        story.pushes_left = story.pushes_left.saturating_sub(1);
        if is_quick {
            self.at(at.plus(40), Turn::Story(story.id, step));
        } else {
            let wait = self.chance.wait(3 * HOUR);
            self.soon(story, at, wait, step);
        }
    }

    pub(super) fn push_more(&mut self, at: Moment, story: &mut Story) {
        if story.pull_request.is_none() {
            self.push(at, story, false);
            self.after_push(at, story);
        } else if story.is_open() && !story.is_merging {
            self.push(at, story, false);
            story.is_green = false;
            self.begin_checks(at.plus(2), story);
        }
    }

    pub(super) fn open(&mut self, at: Moment, story: &mut Story) {
        let now = at.at_github();
        let repository = &mut self.world.repositories[story.repository];
        let number = repository.next_number;
        repository.next_number += 1;
        repository.open_issues += 1;
        let subject = format!("github:{}#{number}", repository.full_name);
        story.work.pull_request = Some(subject.clone());
        let (title, body) = self.describe(story, &subject);
        if let Origin::Revert(reverted) = &mut story.origin {
            let mut work = std::mem::take(&mut reverted.work);
            work.reverted_by = Some(subject.clone());
            self.finish(work);
        }
        let draft = !story.by_robot() && self.chance.happens(0.2);
        let own = PullRequest {
            id: self.world.next_id(),
            number,
            title,
            body,
            created: now,
            updated: now,
            closed: None,
            merged: None,
            draft,
            requested: Vec::new(),
            test_merge: None,
            comments: 0,
            review_comments: 0,
            additions: self.chance.between(2, 400),
            deletions: self.chance.between(0, 120),
        };
        story.work.steps.opened_at = Some(now.timestamp());
        story.work.state = "in_review";
        let sender = self.author_json(story);
        let body = github::pull_request_event(&self.world, story, &own, "opened", &sender, None);
        self.github(at, "pull_request", body);
        story.pull_request = Some(own);
        self.link("commit_to_pr", format!("commit:{}", story.head), &subject, "head");
        for commit in story.work.commits.clone().iter().rev().skip(1) {
            self.follows("commit_to_pr", commit, &subject);
        }
        self.attach(at.plus(3), story);
        self.begin_checks(at.plus(2), story);
        self.digress(at, story);
        if draft {
            let wait = self.chance.wait(DAY);
            self.soon(story, at, wait, Step::Ready);
        } else {
            story.work.steps.ready_at = Some(now.timestamp());
            self.soon(story, at, MINUTE, Step::Request);
            self.move_issue(at.plus(4), story, IN_REVIEW, None);
        }
        if story.will_be_abandoned {
            let wait = DAY + self.chance.wait(3 * DAY);
            self.soon(story, at, wait, Step::Abandon);
        }
    }

    /// Title and body, with what they name.
    fn describe(&mut self, story: &Story, subject: &str) -> (String, Option<String>) {
        let mut title = story.title.clone();
        if story.origin == Origin::Chore && self.chance.happens(0.3) {
            return (title, None);
        }
        let mut body = words::paragraph(&mut self.chance);
        if let Some(issue) = &story.issue {
            let related = format!("linear:{}", issue.identifier);
            if story.naming.title {
                title = if self.chance.happens(0.5) { format!("{}: {title}", issue.identifier) } else { format!("[{}] {title}", issue.identifier) };
                self.link("pr_to_issue", subject, &related, "title");
            }
            if story.naming.branch {
                self.link("pr_to_issue", subject, &related, "branch");
            }
            if let Some(how) = story.naming.body {
                let (words, because) = match how {
                    InBody::Closes => (format!("Fixes {}", issue.identifier), "closing_keyword"),
                    InBody::Mentions => (format!("Part of {}.", issue.identifier), "body"),
                    InBody::Address => (issue.url.clone(), "body"),
                };
                body = format!("{body}\n\n{words}");
                self.link("pr_to_issue", subject, &related, because);
            }
        }
        if let (Some(issue), Some(related)) = (&story.github_issue, story.issue_subject()) {
            body = format!("{body}\n\n{} #{}", self.chance.pick(&["Fixes", "Closes", "resolves"]), issue.number);
            self.link("pr_to_issue", subject, related, "closing_keyword");
        }
        match &story.origin {
            Origin::Revert(reverted) => {
                (title, body) = self.takes_back(subject, reverted, &self.world.repositories[story.repository].full_name.clone());
                if let Some(issue) = &reverted.issue {
                    for (names, because) in [(reverted.naming.title, "title"), (reverted.naming.branch, "branch")] {
                        self.link_if(names, "pr_to_issue", subject, issue, because);
                    }
                }
            }
            Origin::Robot => body = format!("{} raises a version.\n\nDependabot will resolve any conflicts as long as nobody changes it.", story.title),
            _ => {
                let lookalike = self.season(&mut body, 0.15);
                self.looks_alike(subject, lookalike);
                self.speak_of_another(story, subject, &mut body);
                self.hide(story, subject, &mut body);
            }
        }
        (title, Some(body))
    }

    /// Linear attaches the pull request to the issue.
    fn attach(&mut self, at: Moment, story: &Story) {
        let Some(issue) = story.issue.as_ref().filter(|_| story.naming.attachment) else { return };
        let id = self.chance.uuid();
        let Some(data) = linear::attachment(&self.world, story, issue, id, at) else { return };
        self.link("pr_to_issue", story.subject(), format!("linear:{}", issue.identifier), "attachment");
        self.linear(Event { kind: "Attachment", action: "create", actor: None, at, url: None, updated_from: None }, data);
    }

    pub(super) fn ready(&mut self, at: Moment, story: &mut Story) {
        if !story.is_open() || story.pull_request.as_ref().is_none_or(|own| !own.draft) {
            return;
        }
        let Some(mut own) = story.pull_request.take() else { return };
        own.draft = false;
        own.updated = at.at_github();
        story.work.steps.ready_at = Some(own.updated.timestamp());
        self.tell(at, story, &own, "ready_for_review", None);
        story.pull_request = Some(own);
        self.move_issue(at.plus(2), story, IN_REVIEW, None);
        self.soon(story, at, MINUTE, Step::Request);
    }

    /// Tells what its author did with a pull request.
    pub(super) fn tell(&mut self, at: Moment, story: &Story, own: &PullRequest, action: &str, fields: Option<&Json>) {
        let sender = self.author_json(story);
        let body = github::pull_request_event(&self.world, story, own, action, &sender, fields);
        self.github(at, "pull_request", body);
    }
}

/// The first line of the commit that a merge makes, and the rest of its message.
pub fn merge_message(story: &Story, own: &PullRequest, squashes: bool) -> String {
    if squashes {
        return format!("{} (#{})", own.title, own.number);
    }
    format!("Merge pull request #{} from {OWNER}/{}\n\n{}", own.number, story.branch.as_deref().unwrap_or_default(), own.title)
}
