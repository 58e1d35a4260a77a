//! What does not go by the book, and how often.

use super::moment::{HOUR, Moment};
use super::organisation::{Organisation, Step};
use super::story::Story;

/// What may come between the opening of a pull request and its merge: how often, and how long after on average.
const BEFORE_THE_MERGE: &[(Step, f64, i64)] = &[(Step::Update, 0.3, 2 * HOUR)];

impl Organisation {
    /// A pull request was opened, and not all of them go straight on.
    pub(super) fn digress(&mut self, at: Moment, story: &Story) {
        for (step, probability, mean) in BEFORE_THE_MERGE {
            if self.odd.happens(*probability) {
                let wait = self.odd.wait(*mean);
                self.soon(story, at, wait, *step);
            }
        }
    }
}
