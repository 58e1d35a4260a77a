//! What does not go by the book, and how often.

use super::moment::{HOUR, Moment};
use super::organisation::{Organisation, Step, Turn};
use super::story::Story;

/// What may come between the opening of a pull request and its merge: how often, and how long after on average.
const BEFORE_THE_MERGE: &[(Step, f64, i64)] = &[(Step::Update, 0.3, 2 * HOUR), (Step::Nightly, 0.1, 3), (Step::Nightly, 0.06, HOUR), (Step::Move, 0.1, HOUR)];

/// A pull request that an app reviews before anybody does.
const APP_REVIEWS: f64 = 0.15;

impl Organisation {
    /// A pull request was opened, and not all of them go straight on.
    pub(super) fn digress(&mut self, at: Moment, story: &Story) {
        self.tell_by_app(at.plus(6), story);
        if self.odd.happens(APP_REVIEWS) {
            self.at(at.plus(30), Turn::Story(story.id, Step::AppReview));
        }
        for (step, probability, mean) in BEFORE_THE_MERGE {
            if self.odd.happens(*probability) {
                let wait = self.odd.wait(*mean);
                self.soon(story, at, wait, *step);
            }
        }
    }
}
