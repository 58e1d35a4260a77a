//! What stands in a text beside what it is about: other work that is spoken of, and names that no reader sees.

use super::organisation::Organisation;
use super::story::{InBody, Origin, Story};
use super::truth::Lookalike;

/// A pull request whose text speaks of another issue.
const MENTIONS: f64 = 0.12;
/// A text in which something is named where no reader sees it.
const HIDES: f64 = 0.1;

impl Organisation {
    /// Sometimes speaks of another issue, besides the one that the pull request is for: that one is said more clearly.
    pub(super) fn speak_of_another(&mut self, story: &Story, subject: &str, body: &mut String) {
        let names = story.naming;
        let is_clear = names.title || names.branch || names.attachment || names.body == Some(InBody::Closes) || story.origin == Origin::GitHub;
        if !is_clear || !self.odd.happens(MENTIONS) {
            return;
        }
        let Some((_, identifier)) = self.other_issue(story) else { return };
        let words = *self.odd.pick(&["See also", "Follow-up of", "Not to be confused with"]);
        *body = format!("{body}\n\n{words} {identifier}.");
        self.link("pr_to_issue", subject, format!("linear:{identifier}"), "body");
        self.happened("spoke_of_another", subject);
    }

    /// Sometimes names something where no reader sees it: in the comment that a template is made with, or in pasted code.
    pub(super) fn hide(&mut self, story: &Story, subject: &str, text: &mut String) {
        if !self.odd.happens(HIDES) {
            return;
        }
        let Some((team, identifier)) = self.other_issue(story) else { return };
        let place = &self.world.repositories[story.repository];
        let mut named = vec![(format!("linear:{identifier}"), identifier.clone())];
        let words = if self.odd.happens(0.5) {
            let merged = place.unreleased.last().map(|merged| merged.number);
            let number = merged.map_or_else(String::new, |number| format!(" or `Fixes #{number}`"));
            named.extend(merged.map(|number| (format!("github:{}#{number}", place.full_name), format!("#{number}"))));
            format!("<!--\nSay what it ends: `Closes {identifier}`{number}.\nLeave out what does not apply.\n-->\n## How it was tried\n\nBy hand.")
        } else {
            format!("It said:\n\n```text\nthread 'main' panicked at src/{team}.rs:7:\n{identifier}: no such invoice\n```\n\nand stopped.")
        };
        *text = format!("{text}\n\n{words}");
        for (named, words) in named {
            self.truth.lookalikes.push(Lookalike { subject: subject.to_owned(), text: words, named: Some(named) });
        }
        self.happened("unseen_words", subject);
    }

    /// Another issue of the team: the key of that in small letters, and the identifier.
    fn other_issue(&mut self, story: &Story) -> Option<(String, String)> {
        let team = &self.world.teams[story.team];
        let own = story.issue.as_ref().map(|issue| issue.number);
        let others: Vec<u32> = team.recent.iter().map(|(number, _)| *number).filter(|number| Some(*number) != own).collect();
        let number = others.get(self.odd.below(others.len()))?;
        Some((team.key.to_ascii_lowercase(), format!("{}-{number}", team.key)))
    }
}
