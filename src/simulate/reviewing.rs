//! People review each other's pull requests, and merge or give them up.

use super::chance::Sha;
use super::coding::merge_message;
use super::github::{self, Push, Review};
use super::json::{Json, object};
use super::moment::{DAY, HOUR, MINUTE, Moment, working};
use super::organisation::{Organisation, Step, Turn};
use super::planning::{CANCELED, DONE, UNSTARTED};
use super::story::{Commit, Origin, PullRequest, Story, StoryId};
use super::truth;
use super::words;
use super::world::Unreleased;

/// What a person of the organisation is to its repositories.
const MEMBER: &str = "MEMBER";

impl Organisation {
    pub(super) fn request_reviews(&mut self, at: Moment, story: &mut Story) {
        if !story.is_open() {
            return;
        }
        let Some(mut own) = story.pull_request.take() else { return };
        let first = self.world.colleague(story.team, story.author, &mut self.chance);
        story.reviewers = vec![first];
        let second = self.world.colleague(story.team, story.author, &mut self.chance);
        if second != first && !story.by_robot() && self.chance.happens(0.35) {
            story.reviewers.push(second);
        }
        story.work.steps.review_requested_at = Some(at.at_github().timestamp());
        for reviewer in story.reviewers.clone() {
            own.requested.push(reviewer);
            own.updated = at.at_github();
            let fields = object! { "requested_reviewer": self.world.people[reviewer].github };
            self.tell(at, story, &own, "review_requested", Some(&fields));
        }
        story.pull_request = Some(own);
        for reviewer in 0..story.reviewers.len() {
            let wait = MINUTE + self.chance.wait(6 * HOUR);
            self.review_soon(at.plus(wait), story, reviewer);
        }
        if self.chance.happens(0.45) {
            self.announce(at.plus(2 * MINUTE), story);
        }
    }

    fn review_soon(&mut self, at: Moment, story: &Story, reviewer: usize) {
        let offset = self.world.people[story.reviewers[reviewer]].offset;
        self.at(working(at, offset), Turn::Story(story.id, Step::Review(reviewer)));
    }

    pub(super) fn review(&mut self, at: Moment, story: &mut Story, number: usize) {
        if !story.is_open() || story.is_merging {
            return;
        }
        let Some(mut own) = story.pull_request.take() else { return };
        let reviewer = story.reviewers[number];
        let has_objected = story.work.reviews.iter().any(|review| review.state == "changes_requested");
        let state = match self.chance.below(10) {
            0..=2 if !has_objected && !story.by_robot() => "changes_requested",
            3 if !story.by_robot() => "commented",
            _ => "approved",
        };
        let mut text = match state {
            "approved" => *self.chance.pick(&words::APPROVALS),
            "commented" => "Some questions first.",
            _ => *self.chance.pick(&words::OBJECTIONS),
        }
        .to_owned();
        let subject = story.subject();
        let lookalike = if text.is_empty() { None } else { self.season(&mut text, 0.05) };
        self.looks_alike(&subject, lookalike);
        let id = self.world.next_id();
        own.updated = at.at_github();
        own.requested.retain(|other| *other != reviewer);
        let comments = if state == "approved" { self.chance.below(2) } else { 1 + self.chance.below(3) };
        let sender = self.world.people[reviewer].github.clone();
        let told = Review { id, sender: &sender, state, text: &text, at: at.at_github(), association: MEMBER };
        let body = github::review(&self.world, story, &own, &told);
        self.github(at, "pull_request_review", body);
        for _ in 0..comments {
            self.comment_on_line(at, story, &mut own, id, reviewer);
        }
        self.note_review(at, story, reviewer, state);
        story.pull_request = Some(own);
        match state {
            "approved" => story.approvals += 1,
            "changes_requested" => {
                let wait = self.chance.wait(4 * HOUR);
                self.soon(story, at, wait, Step::Push);
                let again = self.chance.wait(4 * HOUR);
                self.review_soon(at.plus(wait + again + HOUR), story, number);
            }
            _ => {
                let wait = self.chance.wait(5 * HOUR);
                self.review_soon(at.plus(wait), story, number);
            }
        }
        if self.chance.happens(0.25) {
            self.at(at.plus(5 * MINUTE), Turn::Story(story.id, Step::Answer));
        }
        self.merge_when_ready(at, story);
    }

    pub(super) fn note_review(&self, at: Moment, story: &mut Story, reviewer: usize, state: &'static str) {
        let submitted_at = at.at_github().timestamp();
        let steps = &mut story.work.steps;
        steps.first_review_at.get_or_insert(submitted_at);
        if state == "approved" {
            steps.approved_at.get_or_insert(submitted_at);
        }
        story.work.reviews.push(truth::Review { reviewer: self.world.people[reviewer].login.clone(), state, submitted_at });
    }

    fn comment_on_line(&mut self, at: Moment, story: &Story, own: &mut PullRequest, review: u64, reviewer: usize) {
        let text = *self.chance.pick(&words::REVIEW_COMMENTS);
        let file = *self.chance.pick(&words::FILES);
        let id = self.world.next_id();
        own.review_comments += 1;
        let sender = self.world.people[reviewer].github.clone();
        let told = Review { id, sender: &sender, state: "commented", text, at: at.at_github(), association: MEMBER };
        let body = github::review_comment(&self.world, story, own, (id, review), &told, file);
        self.github(at, "pull_request_review_comment", body);
    }

    /// The author answers below the pull request; sometimes naming another issue.
    pub(super) fn answer(&mut self, at: Moment, story: &mut Story) {
        let Some(mut own) = story.pull_request.take() else { return };
        own.comments += 1;
        own.updated = at.at_github();
        let mut text = (*self.chance.pick(&["Thanks, pushed.", "I would rather do that in another one.", "Good catch."])).to_owned();
        let subject = story.subject();
        let team = &self.world.teams[story.team];
        let other = team.recent.first().map(|(number, _)| format!("{}-{number}", team.key));
        // What has no issue is often a part of something that has.
        let part = if story.issue_subject().is_some() { 0.2 } else { 0.5 };
        if let Some(identifier) = other.filter(|_| self.chance.happens(part)) {
            text = format!("{text} The rest is for {identifier}.");
            self.link("pr_to_issue", &subject, format!("linear:{identifier}"), "comment");
        }
        let lookalike = self.season(&mut text, 0.06);
        self.looks_alike(&subject, lookalike);
        let id = self.world.next_id();
        let issue = github::as_issue(&self.world, story, &own);
        let sender = self.world.people[story.author].github.clone();
        let told = Review { id, sender: &sender, state: "commented", text: &text, at: at.at_github(), association: MEMBER };
        let body = github::comment(&self.world, story.repository, issue, id, own.number, &told);
        self.github(at, "issue_comment", body);
        story.pull_request = Some(own);
    }

    /// Merges soon when it is approved and green, and nobody means to give it up.
    pub(super) fn merge_when_ready(&mut self, at: Moment, story: &mut Story) {
        let is_approved = !story.reviewers.is_empty() && story.approvals >= story.reviewers.len();
        if story.is_green && is_approved && !story.is_merging && !story.will_be_abandoned && story.is_open() {
            story.is_merging = true;
            let wait = MINUTE + self.chance.wait(2 * HOUR);
            self.soon(story, at, wait, Step::Merge);
        }
    }

    pub(super) fn merge(&mut self, at: Moment, story: &mut Story) {
        if !self.can_be_merged(at, story) {
            return;
        }
        let Some(mut own) = story.pull_request.take() else { return };
        let merger = if story.by_robot() || self.chance.happens(0.3) { story.reviewers[0] } else { story.author };
        let now = at.at_github();
        let sha = self.chance.sha();
        own.merged = Some((now, merger, sha));
        own.closed = Some(now);
        own.updated = now;
        story.work.steps.merged_at = Some(now.timestamp());
        story.work.steps.closed_at = Some(now.timestamp());
        story.work.state = "merged";
        story.work.commits.push(format!("commit:{sha}"));
        let sender = self.world.people[merger].github.clone();
        self.world.repositories[story.repository].open_issues = self.world.repositories[story.repository].open_issues.saturating_sub(1);
        let body = github::pull_request_event(&self.world, story, &own, "closed", &sender, None);
        self.github(at, "pull_request", body);
        self.push_merge(at, story, &own, merger, sha);
        let branch = story.branch.clone().unwrap_or_default();
        let body = github::reference(&self.world, story.repository, &branch, "branch", false, &sender);
        self.github(at.plus(2), "delete", body);
        story.pull_request = Some(own);
        self.move_issue(at.plus(3), story, DONE, None);
        if let Some(issue) = &mut story.github_issue {
            (issue.closed, issue.updated) = (Some(now), now);
            story.work.steps.issue_completed_at = Some(now.timestamp());
            self.tell_github_issue(at.plus(1), story, "closed", merger);
        }
        self.stand_on_what_it_became(at, story);
        if story.under.is_none() {
            let works = std::iter::once(story.id).chain(std::mem::take(&mut story.carries)).collect::<Vec<_>>();
            match &mut self.world.repositories[story.repository].develop {
                Some(develop) => develop.works.extend(works),
                None => self.will_be_deployed(at, story.repository, works),
            }
        }
    }

    /// What came to the default branch will be deployed soon.
    pub(super) fn will_be_deployed(&mut self, at: Moment, repository: usize, works: Vec<StoryId>) {
        let place = &mut self.world.repositories[repository];
        place.waiting.extend(works);
        if !place.is_deploying {
            place.is_deploying = true;
            let wait = 10 * MINUTE + self.chance.wait(3 * HOUR);
            self.at(at.plus(wait), Turn::Deploy(repository));
        }
    }

    /// The push that the merge makes, and what its message names.
    fn push_merge(&mut self, at: Moment, story: &Story, own: &PullRequest, merger: usize, sha: Sha) {
        let squashes = self.world.repositories[story.repository].squashes;
        let message = merge_message(story, own, squashes);
        let subject = format!("commit:{sha}");
        self.link("commit_to_pr", &subject, story.subject(), "merge");
        let (named, issue) = match &story.origin {
            Origin::Revert(reverted) => (reverted.naming.title, reverted.issue.clone()),
            _ => (story.naming.title, story.issue_subject()),
        };
        if let Some(issue) = &issue {
            let is_linear = issue.starts_with("linear:");
            self.link_if(named && is_linear, "commit_to_issue", &subject, issue, "message");
        }
        let repository = &mut self.world.repositories[story.repository];
        repository.pushed_at = at.at_github();
        repository.unreleased.push(Unreleased {
            title: own.title.clone(),
            number: own.number,
            login: story.work.author.clone().unwrap_or_default(),
            named: issue.filter(|issue| named && issue.starts_with("linear:")),
        });
        let commit = Commit { sha, tree: self.chance.sha(), message, at: at.at_github(), file: words::FILES[0], is_new_file: false };
        // A merge commit brings along what it merges; a squash is all that there is.
        let came: Vec<_> =
            if squashes { Vec::new() } else { story.commits.iter().map(|own| (own.sha, github::commit(&self.world, story, own, None, false))).collect() };
        if let Some(under) = story.under {
            self.merge_under(at.plus(1), story, under, (came, commit, merger));
            return;
        }
        let merge = github::commit(&self.world, story, &commit, Some(merger), false);
        let place = &mut self.world.repositories[story.repository];
        let before = place.head;
        for (sha, commit) in came.iter().cloned().chain([(sha, merge)]) {
            place.land(at.at_github(), sha, commit);
        }
        let came: Vec<Json> = came.into_iter().map(|(_, commit)| commit).collect();
        let told = Push { reference: format!("refs/heads/{}", story.into), before, after: sha, came: &came, commits: &[commit], merged_by: Some(merger) };
        let sender = self.world.people[merger].github.clone();
        let body = github::push(&self.world, story, &told, &sender);
        self.github(at.plus(1), "push", body);
    }

    /// Closes it without a merge; false when that is the end of it.
    pub(super) fn abandon(&mut self, at: Moment, story: &mut Story) -> bool {
        if !story.is_open() || story.is_merging {
            return true;
        }
        let Some(mut own) = story.pull_request.take() else { return true };
        own.closed = Some(at.at_github());
        own.updated = at.at_github();
        story.work.steps.closed_at = Some(at.at_github().timestamp());
        story.work.state = "abandoned";
        self.world.repositories[story.repository].open_issues = self.world.repositories[story.repository].open_issues.saturating_sub(1);
        self.tell(at, story, &own, "closed", None);
        story.pull_request = Some(own);
        if self.chance.happens(0.4) {
            let wait = DAY + self.chance.wait(DAY);
            self.soon(story, at, wait, Step::Reopen);
            return true;
        }
        let state = if self.chance.happens(0.5) { CANCELED } else { UNSTARTED };
        self.move_issue(at.plus(60), story, state, Some(story.author));
        self.finish(std::mem::take(&mut story.work));
        false
    }

    pub(super) fn reopen(&mut self, at: Moment, story: &mut Story) {
        let Some(mut own) = story.pull_request.take() else { return };
        own.closed = None;
        own.updated = at.at_github();
        story.work.steps.closed_at = None;
        story.work.state = "in_review";
        story.work.reopened = true;
        story.will_be_abandoned = false;
        self.world.repositories[story.repository].open_issues += 1;
        let is_draft = own.draft;
        self.tell(at, story, &own, "reopened", None);
        story.pull_request = Some(own);
        if story.reviewers.is_empty() {
            // It was closed before anybody was asked.
            let step = if is_draft { Step::Ready } else { Step::Request };
            self.soon(story, at, MINUTE, step);
        } else if story.approvals < story.reviewers.len() {
            for reviewer in 0..story.reviewers.len() {
                let wait = self.chance.wait(3 * HOUR);
                self.review_soon(at.plus(wait), story, reviewer);
            }
        }
        if !story.is_green {
            self.soon(story, at, HOUR, Step::Push);
        }
        self.merge_when_ready(at, story);
    }
}
