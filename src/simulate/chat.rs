//! People talk: about work, with its addresses and identifiers, and about everything else.

use super::deploys::{Deploy, Name};
use super::moment::{HOUR, MINUTE, Moment, working};
use super::organisation::{Organisation, Turn};
use super::slack::{self, Message};
use super::story::Story;
use super::{github, own, words};

/// The place of `#deploys` among the channels.
const DEPLOYS: usize = 1;
/// The channels that belong to no team.
const COMMON: usize = 3;
/// A question that is taken back.
const DELETED: f64 = 0.05;
/// A question that is changed to name nothing.
const MENDED: f64 = 0.08;
/// An address that Slack shows the page of.
const UNFURLED: f64 = 0.3;

/// A thread that goes on.
#[derive(Debug, Clone)]
pub struct Thread {
    message: Message,
    replies_left: u32,
}

/// The team whose channel it is.
const fn team_of(channel: usize) -> Option<usize> {
    channel.checked_sub(COMMON)
}

/// What a page of GitHub shows of a pull request: its title, and how its text begins.
fn own_words(story: &Story) -> (String, String) {
    let own = story.pull_request.as_ref();
    let title = own.map(|own| format!("{} by {} · Pull Request #{}", own.title, story.work.author.as_deref().unwrap_or_default(), own.number));
    let text = own.and_then(|own| own.body.as_ref()).map(|body| body.chars().take(300).collect());
    (title.unwrap_or_default(), text.unwrap_or_default())
}

impl Organisation {
    /// Someone says something now; where it stands.
    pub(super) fn say(&mut self, at: Moment, channel: usize, author: usize, text: String, thread: Option<(Moment, usize)>) -> Message {
        // No two messages have the same name, as in Slack.
        let micros = self.world.next_id() % 999_983;
        let message = Message { channel, author, ts: Moment::from_unix(at.unix()).plus_micros(micros as i64), text, thread };
        let subject = slack::subject(&self.world, channel, message.ts);
        if let Some((ts, _)) = thread {
            self.follows("message_to_thread", &subject, slack::subject(&self.world, channel, ts));
        }
        let event = slack::posted(&self.world, &message);
        self.slack(message.ts, "message", &event);
        message
    }

    /// A thread of some replies begins.
    pub(super) fn begin_thread(&mut self, at: Moment, message: &Message, replies: u32) {
        let id = self.world.next_id();
        self.threads.insert(id, Thread { message: message.clone(), replies_left: replies });
        self.at(at, Turn::Reply(id));
    }

    pub(super) fn reply(&mut self, at: Moment, id: u64) {
        let Some(mut thread) = self.threads.remove(&id) else { return };
        let message = &thread.message;
        let author = self.listener(message.channel);
        if self.chance.happens(0.35) {
            let reaction = *self.chance.pick(&words::REACTIONS);
            let event = slack::reaction(&self.world, message, author, reaction, at);
            self.slack(at, "reaction_added", &event);
        } else {
            let mut text = (*self.chance.pick(&words::REPLIES)).to_owned();
            let lookalike = self.season(&mut text, 0.05);
            let reply = self.say(at, message.channel, author, text, Some((message.ts, message.author)));
            self.looks_alike(&slack::subject(&self.world, reply.channel, reply.ts), lookalike);
        }
        thread.replies_left = thread.replies_left.saturating_sub(1);
        if thread.replies_left > 0 {
            let wait = MINUTE + self.chance.wait(20 * MINUTE);
            self.at(at.plus(wait), Turn::Reply(id));
            self.threads.insert(id, thread);
        }
    }

    /// Somebody who reads a channel.
    fn listener(&mut self, channel: usize) -> usize {
        match team_of(channel) {
            Some(team) => *self.chance.pick(&self.world.teams[team].members),
            None => self.chance.below(self.world.people.len()),
        }
    }

    /// Someone says something in a channel, and later somebody else.
    pub(super) fn chat(&mut self, at: Moment, channel: usize) {
        let team = team_of(channel);
        let a_day = match team {
            Some(team) => self.world.teams[team].members.len() as i64 * 2,
            None if channel == 0 => 2 + self.world.people.len() as i64 / 4,
            None => 1,
        };
        let wait = self.chance.wait(9 * HOUR / a_day);
        self.at(working(at.plus(wait), 0), Turn::Chat(channel));
        let author = self.listener(channel);
        match team.filter(|_| self.chance.happens(0.4)) {
            Some(team) => self.talk_of_work(at, channel, team, author),
            None => self.talk(at, channel, author),
        }
    }

    fn talk(&mut self, at: Moment, channel: usize, author: usize) {
        let mut text = (*self.chance.pick(&words::CHATTER)).to_owned();
        let lookalike = self.season(&mut text, 0.12);
        let message = self.say(at, channel, author, text, None);
        self.looks_alike(&slack::subject(&self.world, channel, message.ts), lookalike);
        match self.chance.below(20) {
            0 => {
                let event = slack::deleted(&self.world, &message, at.plus(90));
                self.slack(at.plus(90), "message", &event);
            }
            1..=5 => self.begin_thread(at.plus(3 * MINUTE), &message, 2),
            _ => {}
        }
    }

    /// Someone asks about an issue, or tells of a commit; sometimes the identifier comes with an edit.
    fn talk_of_work(&mut self, at: Moment, channel: usize, team: usize, author: usize) {
        let repository = *self.chance.pick(&self.world.teams[team].repositories);
        let place = &self.world.repositories[repository];
        if let Some(merged) = place.unreleased.last().filter(|_| self.chance.happens(0.3)) {
            let (kind, subject, text) = match self.chance.below(3) {
                0 => ("message_to_commit", format!("commit:{}", place.head), format!("This is the one: <{}/commit/{}>", place.html, place.head)),
                1 => ("message_to_commit", format!("commit:{}", place.head), format!("git bisect says {}, of all commits.", place.head)),
                _ => {
                    let text = format!("Shipped <{}/pull/{}|{}>, have a look.", place.html, merged.number, merged.title);
                    ("message_to_pr", format!("github:{}#{}", place.full_name, merged.number), text)
                }
            };
            let named = merged.named.clone().filter(|_| kind == "message_to_pr");
            let message = self.say(at, channel, author, text, None);
            let about = slack::subject(&self.world, channel, message.ts);
            self.link(kind, &about, subject, "message");
            if let Some(issue) = named {
                self.link("message_to_issue", &about, issue, "message");
            }
            return;
        }
        let own = &self.world.teams[team];
        let Some((number, _)) = own.recent.get(self.chance.below(own.recent.len().max(1))) else { return };
        let identifier = format!("{}-{number}", own.key);
        let comes_with_edit = self.chance.happens(0.15);
        let text = if comes_with_edit { "Any news on this one?".to_owned() } else { format!("Any news on {identifier}?") };
        let message = self.say(at, channel, author, text, None);
        let about = slack::subject(&self.world, channel, message.ts);
        if comes_with_edit {
            let after = Message { text: format!("Any news on this one? I mean {identifier}."), ..message.clone() };
            let event = slack::changed(&self.world, &message, &after, at.plus(40));
            self.slack(at.plus(40), "message", &event);
            self.link("message_to_issue", &about, format!("linear:{identifier}"), "edit");
            self.happened("edited_message", &about);
        } else {
            self.link("message_to_issue", &about, format!("linear:{identifier}"), "message");
        }
        if self.odd.happens(DELETED) {
            let event = slack::deleted(&self.world, &message, at.plus(200));
            self.slack(at.plus(200), "message", &event);
            self.unsay(&about);
            self.happened("deleted_message", &about);
        } else if !comes_with_edit && self.ways.happens(MENDED) {
            let after = Message { text: "Never mind, I found it.".to_owned(), ..message.clone() };
            let event = slack::changed(&self.world, &message, &after, at.plus(200));
            self.slack(at.plus(200), "message", &event);
            self.unsay(&about);
            self.happened("mended_message", &about);
        } else if self.chance.happens(0.5) {
            self.begin_thread(at.plus(5 * MINUTE), &message, 2);
        }
    }

    /// The author asks the team for a review.
    pub(super) fn announce(&mut self, at: Moment, story: &mut Story) {
        let Some(own) = &story.pull_request else { return };
        let place = &self.world.repositories[story.repository];
        let address = format!("{}/pull/{}", place.html, own.number);
        let text = match self.chance.below(3) {
            0 => format!("Could someone look at <{address}|{}#{}>? :pray:", place.name, own.number),
            1 => format!("Review wanted: {address}"),
            _ => format!("<{address}|{}> is ready for eyes.", own.title),
        };
        let named = story.named_in_title().filter(|_| text.contains(&own.title));
        let message = self.say(at, self.world.teams[story.team].channel, story.author, text, None);
        let about = slack::subject(&self.world, message.channel, message.ts);
        self.link("message_to_pr", &about, story.subject(), "message");
        if let Some(issue) = named {
            self.link("message_to_issue", &about, issue, "message");
        }
        if message.text.contains(&address) && self.odd.happens(UNFURLED) {
            let shown = own_words(story);
            let event = slack::unfurled(&self.world, &message, &address, &shown.0, &shown.1, at.plus(3));
            self.slack(at.plus(3), "message", &event);
            self.happened("unfurled", &about);
        }
        story.announcement = Some(message.ts);
        let replies = 1 + self.chance.below(3) as u32;
        self.begin_thread(at.plus(10 * MINUTE), &message, replies);
    }

    /// The one who deployed says how it went.
    pub(super) fn tell_of_deployment(&mut self, at: Moment, deploy: &Deploy, status: &str) {
        let place = &self.world.repositories[deploy.repository];
        let (address, id) = match &deploy.name {
            Name::GitHub(id) => (github::deployment_address(&self.world, deploy.repository, *id), None),
            Name::Own(id) => (own::address(id), Some(id)),
        };
        let went = if status == "success" { "is on" } else { "did not make it to" };
        let text = match id.filter(|_| self.chance.happens(0.5)) {
            Some(id) => format!("{} {went} {} ({id})", place.name, deploy.environment),
            None => format!("{} {went} {}: <{address}>", place.name, deploy.environment),
        };
        let message = self.say(at, DEPLOYS, deploy.creator, text, None);
        let about = slack::subject(&self.world, message.channel, message.ts);
        self.link("message_to_deployment", about, deploy.name.subject(), "message");
    }
}
