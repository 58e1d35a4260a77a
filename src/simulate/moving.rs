//! An issue moves to another team, and is called otherwise from then on: what was written before still means it.

use super::json::Object;
use super::linear::{self, Event};
use super::moment::{Millis, Moment};
use super::organisation::Organisation;
use super::story::Story;
use super::truth::Renamed;

impl Organisation {
    /// The issue of a pull request turns out to be another team's.
    pub(super) fn move_to_another_team(&mut self, at: Moment, story: &mut Story) {
        let count = self.world.teams.len();
        if count < 2 || !story.is_open() {
            return;
        }
        let Some(mut issue) = story.issue.take() else { return };
        let (from, to) = (issue.team, (issue.team + 1 + self.odd.below(count - 1)) % count);
        let mut before = Object::new();
        before.put("updatedAt", Millis(issue.updated)).put("teamId", self.world.teams[from].id).put("number", issue.number);
        before.put("stateId", self.world.teams[from].states[issue.state]).put("previousIdentifiers", &issue.previous);
        // Nobody speaks of it by the old name any more.
        self.world.teams[from].recent.retain(|(number, _)| *number != issue.number);
        let team = &mut self.world.teams[to];
        issue.team = to;
        issue.number = team.next_number;
        team.next_number += 1;
        let (old, new) = (issue.identifier.clone(), format!("{}-{}", team.key, issue.number));
        story.work.team.clone_from(&team.key);
        if issue.cycle.is_some() {
            // Cycles are a team's own.
            before.put("cycleId", issue.cycle.map(|(id, _)| id)).put("addedToCycleAt", issue.cycle_at.map(Millis));
            (issue.cycle, issue.cycle_at) = (None, None);
        }
        issue.url = linear::address(&new, &story.title);
        issue.identifier.clone_from(&new);
        issue.previous.push(old.clone());
        issue.updated = at.at_linear();
        let (old, new) = (format!("linear:{old}"), format!("linear:{new}"));
        story.work.issue = Some(new.clone());
        self.happened("moved_to_another_team", &new);
        self.truth.renamed.push(Renamed { old, new });
        let data = linear::issue(&self.world, story, &issue);
        self.linear(Event { kind: "Issue", action: "update", actor: Some(story.author), at, url: Some(&issue.url), updated_from: Some(before.done()) }, data);
        story.issue = Some(issue);
    }
}
