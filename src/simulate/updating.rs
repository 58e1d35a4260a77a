//! Branches are made from what somebody fetched some time ago, and brought up to date: the branch that they will go into is
//! merged into them, and its commits come along.

use super::chance::Sha;
use super::coding::Pushed;
use super::moment::Moment;
use super::organisation::Organisation;
use super::story::{Commit, Story};
use super::words;

/// A branch that is made from what was fetched some time ago.
const STALE: f64 = 0.3;

impl Organisation {
    /// What a new branch is made from.
    pub(super) fn fetched(&mut self, repository: usize) -> Sha {
        let place = &self.world.repositories[repository];
        let behind = 1 + self.odd.below(4);
        let old = place.landed.iter().rev().nth(behind).map(|(sha, _)| *sha);
        old.filter(|_| self.odd.happens(STALE)).unwrap_or(place.head)
    }

    /// Merges into the branch what the one that it goes into got since.
    pub(super) fn update_branch(&mut self, at: Moment, story: &mut Story) {
        if !story.is_open() || story.is_merging || story.by_robot() || story.under.is_some() {
            return;
        }
        let place = &self.world.repositories[story.repository];
        let came = place.since(story.base);
        if came.is_empty() {
            return;
        }
        story.base = place.head;
        let message = format!("Merge branch '{}' into {}", story.into, story.branch.as_deref().unwrap_or_default());
        let merge = Commit { sha: self.chance.sha(), tree: self.chance.sha(), message, at: at.at_github(), file: words::FILES[0], is_new_file: false };
        // GitHub's button, or by hand.
        let merged_by = self.odd.happens(0.5).then_some(story.author);
        self.happened("brought_up_to_date", story.subject());
        self.tell_push(at, story, Pushed { before: story.head, came, commits: vec![merge], merged_by });
        story.is_green = false;
        self.begin_checks(at.plus(2), story);
    }
}
