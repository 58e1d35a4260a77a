//! Work is begun on top of other work that is not merged yet: its pull request goes into the branch of that one, and with it
//! to production. Once the lower one is merged, what is still open goes where that went, as GitHub has it when a branch is deleted.

use super::chance::Sha;
use super::github;
use super::json::{Json, object};
use super::moment::{HOUR, Moment};
use super::organisation::{Organisation, Step};
use super::story::{Commit, Origin, Story, StoryId};

/// The first repository in which people do that.
const REPOSITORIES_FROM: usize = 2;
/// Work that is begun on top of other work, where people do that and there is any.
const STACKED: f64 = 0.4;

impl Organisation {
    /// Sometimes begins work on the branch of a pull request that is open.
    pub(super) fn begin_on_top(&mut self, story: &mut Story) {
        if story.repository < REPOSITORIES_FROM || !matches!(story.origin, Origin::Linear | Origin::Chore) {
            return;
        }
        let mut lower = self.stories.values().filter(|lower| lower.repository == story.repository && lower.is_open() && !lower.is_merging && !lower.by_robot());
        let Some(lower) = lower.next_back().filter(|_| self.ways.happens(STACKED)) else { return };
        story.under = Some(lower.id);
        story.into = lower.branch.clone().unwrap_or_default();
        story.base = lower.head;
    }

    /// False when it is tried again later: what it stands on is about to be merged, or was given up.
    pub(super) fn can_be_merged(&mut self, at: Moment, story: &mut Story) -> bool {
        let Some(under) = story.under else { return true };
        match self.stories.get(&under) {
            Some(lower) if lower.is_open() && !lower.is_merging => return true,
            Some(lower) if lower.is_open() => {}
            _ => self.go_to_trunk(at, story),
        }
        self.soon(story, at, HOUR, Step::Merge);
        false
    }

    /// The push that merges it into the branch of another: with the commits that came, that of the merge, and who merged.
    pub(super) fn merge_under(&mut self, at: Moment, story: &Story, under: StoryId, made: (Vec<(Sha, Json)>, Commit, usize)) {
        let (came, commit, merger) = made;
        let Some(mut lower) = self.stories.remove(&under) else { return };
        self.happened("stacked", story.subject());
        lower.carries.push(story.id);
        lower.carries.extend(&story.carries);
        lower.work.commits.extend(came.iter().map(|(sha, _)| format!("commit:{sha}")));
        if !came.is_empty() {
            lower.commits.extend(story.commits.iter().cloned());
        }
        let came = came.into_iter().map(|(_, commit)| commit).collect();
        let before = lower.head;
        self.tell_push(at, &mut lower, super::coding::Pushed { before, came, commits: vec![commit], merged_by: Some(merger) });
        lower.is_green = false;
        self.begin_checks(at.plus(2), &mut lower);
        self.stories.insert(under, lower);
    }

    /// What stood on it goes where it went.
    pub(super) fn stand_on_what_it_became(&mut self, at: Moment, story: &Story) {
        let above: Vec<StoryId> = self.stories.values().filter(|above| above.under == Some(story.id)).map(|above| above.id).collect();
        for id in above {
            let Some(mut above) = self.stories.remove(&id) else { continue };
            if above.pull_request.as_ref().is_none_or(|own| own.merged.is_none()) {
                self.go_to(at, &mut above, story.into.clone(), story.under);
            }
            self.stories.insert(id, above);
        }
    }

    fn go_to_trunk(&mut self, at: Moment, story: &mut Story) {
        let trunk = self.world.repositories[story.repository].trunk().to_owned();
        self.go_to(at, story, trunk, None);
    }

    /// It goes into another branch than was said first.
    fn go_to(&mut self, at: Moment, story: &mut Story, into: String, under: Option<StoryId>) {
        let lower = under.and_then(|under| self.stories.get(&under)).map(|lower| lower.head);
        let base = lower.unwrap_or(self.world.repositories[story.repository].head);
        let before = (std::mem::replace(&mut story.into, into), std::mem::replace(&mut story.base, base));
        story.under = under;
        let Some(mut own) = story.pull_request.take() else { return };
        if own.closed.is_none() {
            own.updated = at.at_github();
            self.happened("retargeted", story.subject());
            let from = object! { "ref": object! { "from": before.0 }, "sha": object! { "from": before.1 } };
            let sender = self.author_json(story);
            let fields = object! { "changes": object! { "base": from } };
            let body = github::pull_request_event(&self.world, story, &own, "edited", &sender, Some(&fields));
            self.github(at, "pull_request", body);
        }
        story.pull_request = Some(own);
    }
}
