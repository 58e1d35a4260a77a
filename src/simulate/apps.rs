//! Apps that speak: they review at GitHub before anybody does, and tell of things in Slack. What they say is no answer, and no
//! review.

use super::github::{self, Review};
use super::moment::Moment;
use super::organisation::Organisation;
use super::story::Story;
use super::{slack, words};

/// A pull request that an app tells the team of in Slack.
const TELLS: f64 = 0.12;

impl Organisation {
    /// GitHub's app may tell the team of a pull request; nobody said that.
    pub(super) fn tell_by_app(&mut self, at: Moment, story: &Story) {
        let Some(own) = story.pull_request.as_ref().filter(|_| self.odd.happens(TELLS)) else { return };
        let (place, channel) = (&self.world.repositories[story.repository], self.world.teams[story.team].channel);
        let (url, pretext) = (format!("{}/pull/{}", place.html, own.number), format!("Pull request opened in {}", place.full_name));
        let ts = Moment::from_unix(at.unix()).plus_micros((self.world.next_id() % 999_983) as i64);
        let told = slack::Told { pretext: &pretext, title: &own.title, url: &url };
        let event = slack::told_by_app(&self.world, channel, ts, &told, self.odd.happens(0.5));
        let message = slack::subject(&self.world, channel, ts);
        self.slack(ts, "message", &event);
        self.link("message_to_pr", &message, story.subject(), "message");
        if let Some(issue) = story.named_in_title() {
            self.link_if(issue.starts_with("linear:"), "message_to_issue", &message, &issue, "message");
        }
        self.happened("told_by_app", message);
    }

    /// An app reviews a pull request as soon as it is open: a comment below it, and a review.
    pub(super) fn review_by_app(&mut self, at: Moment, story: &mut Story) {
        let Some(mut own) = story.pull_request.take_if(|own| own.closed.is_none()) else { return };
        self.happened("app_review", story.subject());
        own.comments += 1;
        own.updated = at.at_github();
        let mut summary = words::APP_SUMMARY.to_owned();
        let team = &self.world.teams[story.team];
        let related = team.recent.last().map(|(number, _)| format!("{}-{number}", team.key)).filter(|_| story.issue_subject().is_none());
        if let Some(identifier) = related {
            summary = format!("{summary}\n\nPossibly related: {identifier}");
            self.link("pr_to_issue", story.subject(), format!("linear:{identifier}"), "comment");
        }
        let sender = self.world.review_app.clone();
        let (comment, review) = (self.world.next_id(), self.world.next_id());
        let mut told = Review { id: comment, sender: &sender, state: "commented", text: &summary, at: at.at_github(), association: "NONE" };
        let issue = github::as_issue(&self.world, story, &own);
        let body = github::comment(&self.world, story.repository, issue, comment, own.number, &told);
        self.github(at, "issue_comment", body);
        let finds_nothing = self.odd.happens(0.4);
        (told.id, told.at) = (review, at.plus(20).at_github());
        (told.state, told.text) = if finds_nothing { ("approved", "") } else { ("commented", "Two remarks, none of them in the way of a merge.") };
        own.updated = told.at;
        let body = github::review(&self.world, story, &own, &told);
        self.github(at.plus(20), "pull_request_review", body);
        story.pull_request = Some(own);
    }
}
