//! Some repositories have `develop`: what is merged there goes to the default branch, and to production, with a pull request that
//! somebody opens for a release, a colleague approves, and nothing comes in between.

use super::chance::Sha;
use super::github::{self, Push, Review};
use super::json::Json;
use super::moment::{DAY, Moment, working};
use super::organisation::{Organisation, Turn};
use super::story::{Commit, Origin, PullRequest, Story};
use super::words;

/// The branch `develop`, of which a release makes the default branch's newest commit.
#[derive(Debug, Clone)]
pub struct Develop {
    /// The newest commit of the default branch.
    pub main: Sha,
    /// Works that came since the last release.
    pub works: Vec<u64>,
    /// Commits that came since then.
    pub commits: Vec<(Sha, Moment, Json)>,
}

/// A release that becomes one commit; of the others the push tells what they bring.
const SQUASHED: f64 = 0.5;

impl Organisation {
    /// What came to `develop` goes to the default branch.
    pub(super) fn integrate(&mut self, at: Moment, repository: usize) {
        let wait = self.ways.wait(2 * DAY);
        self.at(working(at.plus(DAY / 2 + wait), 0), Turn::Integrate(repository));
        let place = &mut self.world.repositories[repository];
        let (head, team) = (place.head, place.team);
        let Some(develop) = place.develop.as_mut().filter(|develop| !develop.works.is_empty()) else { return };
        let main = develop.main;
        let came = std::mem::replace(develop, Develop { main, works: Vec::new(), commits: Vec::new() });
        let author = *self.ways.pick(&self.world.teams[team].engineers);
        let mut story = self.new_story(Origin::Release, team, repository, author, format!("Release of {}", at.date_digits()));
        (story.into, story.base, story.head) = ("main".to_owned(), main, head);
        story.branch = Some("develop".to_owned());
        story.commit_count = came.commits.len() as u32;
        story.work.branch.clone_from(&story.branch);
        story.work.author = Some(self.world.people[author].login.clone());
        story.work.commits = came.commits.iter().map(|(sha, ..)| format!("commit:{sha}")).collect();
        story.work.steps.first_commit_at = came.commits.iter().map(|(_, at, _)| at.timestamp()).min();
        self.open_release(at, &mut story);
        self.approve_release(at.plus(1), &mut story);
        self.merge_release(at.plus(2), &mut story, came.commits.into_iter().map(|(.., commit)| commit).collect());
        let works = came.works.into_iter().chain([story.id]).collect();
        self.stories.insert(story.id, story);
        self.will_be_deployed(at.plus(2), repository, works);
    }

    fn open_release(&mut self, at: Moment, story: &mut Story) {
        let now = at.at_github();
        let place = &mut self.world.repositories[story.repository];
        let number = place.next_number;
        place.next_number += 1;
        let subject = format!("github:{}#{number}", place.full_name);
        story.work.pull_request = Some(subject.clone());
        story.work.state = "in_review";
        (story.work.steps.opened_at, story.work.steps.ready_at) = (Some(now.timestamp()), Some(now.timestamp()));
        let own = PullRequest {
            id: self.world.next_id(),
            number,
            title: story.title.clone(),
            body: Some("Everything that came since the last one.".to_owned()),
            created: now,
            updated: now,
            closed: None,
            merged: None,
            draft: false,
            requested: Vec::new(),
            test_merge: None,
            comments: 0,
            review_comments: 0,
            additions: self.ways.between(2, 4000),
            deletions: self.ways.between(0, 1200),
        };
        self.tell(at, story, &own, "opened", None);
        self.link("commit_to_pr", format!("commit:{}", story.head), &subject, "head");
        story.pull_request = Some(own);
    }

    fn approve_release(&mut self, at: Moment, story: &mut Story) {
        let Some(mut own) = story.pull_request.take() else { return };
        let reviewer = self.world.colleague(story.team, story.author, &mut self.ways);
        own.updated = at.at_github();
        let (id, sender) = (self.world.next_id(), self.world.people[reviewer].github.clone());
        let told = Review { id, sender: &sender, state: "approved", text: "", at: own.updated, association: "MEMBER" };
        let body = github::review(&self.world, story, &own, &told);
        self.github(at, "pull_request_review", body);
        self.note_review(at, story, reviewer, "approved");
        story.pull_request = Some(own);
    }

    fn merge_release(&mut self, at: Moment, story: &mut Story, came: Vec<Json>) {
        let Some(mut own) = story.pull_request.take() else { return };
        let (now, sha) = (at.at_github(), self.ways.sha());
        own.merged = Some((now, story.author, sha));
        (own.closed, own.updated) = (Some(now), now);
        (story.work.steps.merged_at, story.work.steps.closed_at) = (Some(now.timestamp()), Some(now.timestamp()));
        story.work.state = "merged";
        story.work.commits.push(format!("commit:{sha}"));
        self.happened("released_from_develop", story.subject());
        self.tell(at, story, &own, "closed", None);
        self.link("commit_to_pr", format!("commit:{sha}"), story.subject(), "merge");
        let is_squashed = self.ways.happens(SQUASHED);
        let message = super::coding::merge_message(story, &own, is_squashed);
        let commit = Commit { sha, tree: self.ways.sha(), message, at: now, file: words::FILES[0], is_new_file: false };
        let place = &mut self.world.repositories[story.repository];
        place.pushed_at = now;
        if let Some(develop) = &mut place.develop {
            develop.main = sha;
        }
        let came = if is_squashed { Vec::new() } else { came };
        let told =
            Push { reference: "refs/heads/main".to_owned(), before: story.base, after: sha, came: &came, commits: &[commit], merged_by: Some(story.author) };
        let sender = self.author_json(story);
        let body = github::push(&self.world, story, &told, &sender);
        self.github(at.plus(1), "push", body);
        story.pull_request = Some(own);
    }
}
