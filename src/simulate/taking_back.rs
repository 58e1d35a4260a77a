//! What was merged is taken back: with GitHub's button, or by hand with the hash of the commit; and sometimes it is brought back.

use super::moment::{MINUTE, Moment};
use super::organisation::{Organisation, Step, Turn};
use super::story::{Naming, Origin, Reverted, Story};

/// What is taken back by hand.
const BY_HASH: f64 = 0.4;
/// What is brought back once it runs nowhere any more.
const BROUGHT_BACK: f64 = 0.5;

impl Reverted {
    /// The message of the commit, as GitHub's button or git writes it.
    pub fn message(&self) -> String {
        if self.by_hash {
            return format!("Revert \"{}\"\n\nThis reverts commit {}.", self.merged_as, self.sha);
        }
        format!("Revert \"{}\"", self.title)
    }
}

impl Organisation {
    /// The pull request that takes back what another one brought; that one's truth is told when it is opened.
    pub(super) fn begin_revert(&mut self, at: Moment, of: Story) {
        let (Some(own), Some(branch)) = (of.pull_request, of.branch) else { return };
        let Some((.., sha)) = own.merged else { return };
        // What takes back a revert repeats what that repeated.
        let (naming, issue) = match &of.origin {
            Origin::Revert(first) => (first.naming, first.issue.clone()),
            _ => (of.naming, of.work.issue.clone()),
        };
        let by_hash = self.odd.happens(BY_HASH);
        let merged_as = if self.world.repositories[of.repository].squashes { format!("{} (#{})", own.title, own.number) } else { own.title.clone() };
        let reverted = Reverted {
            number: own.number,
            title: own.title.clone(),
            branch,
            subject: of.work.pull_request.clone().unwrap_or_default(),
            is_revert: matches!(of.origin, Origin::Revert(_)),
            sha,
            merged_as,
            by_hash,
            title_names: naming.title && issue.as_ref().is_some_and(|issue| issue.starts_with("linear:")),
            naming: if by_hash { Naming::default() } else { naming },
            issue,
            deployed_by: of.deployed_by,
            work: of.work,
        };
        let mut story = self.new_story(Origin::Revert(Box::new(reverted)), of.team, of.repository, of.author, own.title);
        story.pushes_left = 0;
        story.will_be_abandoned = false;
        self.at(at.plus(5 * MINUTE), Turn::Story(story.id, Step::Branch));
        self.stories.insert(story.id, story);
    }

    /// Sometimes what a pull request took back is brought back, now that it runs nowhere any more.
    pub(super) fn is_brought_back(&mut self, story: &Story) -> bool {
        matches!(story.origin, Origin::Revert(_)) && self.odd.happens(BROUGHT_BACK)
    }

    /// Title and body of a pull request that takes back another one.
    pub(super) fn takes_back(&mut self, subject: &str, reverted: &Reverted, repository: &str) -> (String, String) {
        let taken = &reverted.subject;
        if reverted.is_revert {
            self.happened("brought_back", taken);
        }
        if !reverted.by_hash {
            self.link("pr_to_pr", subject, taken, "reverts");
            return (format!("Revert \"{}\"", reverted.title), format!("Reverts {repository}#{}", reverted.number));
        }
        self.happened("reverted_by_hash", taken);
        self.follows("pr_to_pr", subject, taken);
        self.link("pr_to_commit", subject, format!("commit:{}", reverted.sha), "reverts");
        let title = if reverted.is_revert { "Land it again, now with an index" } else { "Back out what made the pages slow" };
        (title.to_owned(), format!("We will look at it again next week.\n\nThis reverts commit {}.", reverted.sha))
    }

    /// What the message of the commit that takes it back names.
    pub(super) fn commit_takes_back(&mut self, subject: &str, reverted: &Reverted) {
        if !reverted.by_hash {
            return;
        }
        self.link("commit_to_commit", subject, format!("commit:{}", reverted.sha), "reverts");
        // Of a title in a title nobody can say for sure what it names; the hash says it anyhow.
        let names = !reverted.is_revert && reverted.merged_as.ends_with(&format!("(#{})", reverted.number));
        self.link_if(names, "commit_to_pr", subject, &reverted.subject, "reverts");
    }
}
