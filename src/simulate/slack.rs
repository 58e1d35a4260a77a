//! Slack's payloads: the Events API's envelope around messages, changes, reactions and people.

use super::chance::Chance;
use super::json::{Json, Object, object};
use super::moment::Moment;
use super::people::WORKSPACE;
use super::world::World;

const TEAM: &str = "T0NORTHWIND";
const APP: &str = "A0HOOKLAKE1";

/// A message as it stands in a channel.
#[derive(Debug, Clone)]
pub struct Message {
    pub channel: usize,
    pub author: usize,
    pub ts: Moment,
    pub text: String,
    /// The message that opened the thread, and who wrote that.
    pub thread: Option<(Moment, usize)>,
}

/// Where a person can look at a message.
pub fn permalink(world: &World, channel: usize, ts: Moment) -> String {
    format!("https://{WORKSPACE}.slack.com/archives/{}/{}", world.channels[channel].id, ts.slack_link())
}

/// What correlation calls a message.
pub fn subject(world: &World, channel: usize, ts: Moment) -> String {
    format!("slack:{}/{}", world.channels[channel].id, ts.slack_ts())
}

/// The envelope of an event; its id tells deliveries apart.
pub fn envelope(event: &Json, at: Moment, chance: &mut Chance) -> Json {
    let context = chance.next();
    let authorization = object! { "enterprise_id": None::<&str>, "team_id": TEAM, "user_id": "U0HOOKLAKE1", "is_bot": true, "is_enterprise_install": false };
    object! {
        "token": "one-long-verification-token", "team_id": TEAM, "context_team_id": TEAM, "context_enterprise_id": None::<&str>, "api_app_id": APP,
        "event": event, "type": "event_callback", "event_id": format!("Ev0{:013X}", context >> 12), "event_time": at.unix(),
        "authorizations": [authorization], "is_ext_shared_channel": false, "event_context": format!("4-{context:016x}"),
    }
}

/// What a message consists of, in its own event and within others.
fn fields(world: &World, message: &Message) -> Object {
    let mut fields = Object::new();
    fields.put("user", &world.people[message.author].slack_id).put("type", "message").put("ts", message.ts.slack_ts());
    fields.put("client_msg_id", uuid::Uuid::new_v5(&world.webhook_id, message.ts.slack_ts().as_bytes())).put("text", &message.text).put("team", TEAM);
    if let Some((ts, parent)) = message.thread {
        fields.put("thread_ts", ts.slack_ts()).put("parent_user_id", &world.people[parent].slack_id);
    }
    if world.is_real() {
        let text = object! { "type": "text", "text": message.text };
        let section = object! { "type": "rich_text_section", "elements": [text] };
        fields.put("blocks", [object! { "type": "rich_text", "block_id": format!("{:05x}", message.ts.millis() & 0xf_ffff), "elements": [section] }]);
    }
    fields
}

pub fn posted(world: &World, message: &Message) -> Json {
    let channel = &world.channels[message.channel].id;
    fields(world, message).put("channel", channel).put("event_ts", message.ts.slack_ts()).put("channel_type", "channel").done()
}

pub fn changed(world: &World, before: &Message, after: &Message, at: Moment) -> Json {
    let edited = object! { "user": world.people[after.author].slack_id, "ts": format!("{}.000000", at.unix()) };
    let message = fields(world, after).put("edited", edited).done();
    object! {
        "type": "message", "subtype": "message_changed", "message": message, "previous_message": fields(world, before).done(),
        "channel": world.channels[before.channel].id, "hidden": true, "ts": at.slack_ts(), "event_ts": at.slack_ts(), "channel_type": "channel",
    }
}

pub fn deleted(world: &World, message: &Message, at: Moment) -> Json {
    object! {
        "type": "message", "subtype": "message_deleted", "previous_message": fields(world, message).done(), "deleted_ts": message.ts.slack_ts(),
        "channel": world.channels[message.channel].id, "hidden": true, "ts": at.slack_ts(), "event_ts": at.slack_ts(), "channel_type": "channel",
    }
}

/// Slack shows what an address leads to that somebody wrote.
pub fn unfurled(world: &World, before: &Message, url: &str, title: &str, text: &str, at: Moment) -> Json {
    let shown = object! {
        "id": 1, "from_url": url, "original_url": url, "fallback": title, "title": title, "title_link": url, "text": text, "service_name": "GitHub",
        "footer": "northwind", "bot_id": BOT, "app_unfurl_url": url, "is_app_unfurl": true, "color": "36a64f",
    };
    let message = fields(world, before).put("attachments", [shown]).done();
    object! {
        "type": "message", "subtype": "message_changed", "message": message, "previous_message": fields(world, before).done(),
        "channel": world.channels[before.channel].id, "hidden": true, "ts": at.slack_ts(), "event_ts": at.slack_ts(), "channel_type": "channel",
    }
}

/// GitHub's app in Slack.
const BOT: &str = "B0SIMGITHUB";

/// What an app tells of: a headline, and words with an address.
pub struct Told<'a> {
    pub pretext: &'a str,
    pub title: &'a str,
    pub url: &'a str,
}

/// A message of an app, whose text is empty: what it says stands in an attachment, or in blocks.
pub fn told_by_app(world: &World, channel: usize, ts: Moment, told: &Told<'_>, in_blocks: bool) -> Json {
    let Told { pretext, title, url } = told;
    let mut fields = Object::new();
    fields.put("type", "message").put("text", "").put("ts", ts.slack_ts()).put("bot_id", BOT).put("app_id", "A0SIMGITHUB");
    if in_blocks {
        let profile = object! { "id": BOT, "name": "GitHub", "app_id": "A0SIMGITHUB", "team_id": TEAM, "deleted": false };
        let words = object! { "type": "mrkdwn", "text": format!("{pretext}\n*<{url}|{title}>*"), "verbatim": false };
        fields.put("user", "U0SIMGITHUB").put("team", TEAM).put("bot_profile", profile);
        fields.put("blocks", [object! { "type": "section", "block_id": format!("{:05x}", ts.millis() & 0xf_ffff), "text": words }]);
    } else {
        let attachment = object! { "id": 1, "color": "36a64f", "fallback": title, "pretext": pretext, "title": title, "title_link": url };
        fields.put("subtype", "bot_message").put("username", "GitHub").put("attachments", [attachment]);
    }
    fields.put("channel", &world.channels[channel].id).put("event_ts", ts.slack_ts()).put("channel_type", "channel").done()
}

pub fn reaction(world: &World, message: &Message, who: usize, name: &str, at: Moment) -> Json {
    let item = object! { "type": "message", "channel": world.channels[message.channel].id, "ts": message.ts.slack_ts() };
    object! {
        "type": "reaction_added", "user": world.people[who].slack_id, "reaction": name, "item": item,
        "item_user": world.people[message.author].slack_id, "event_ts": at.slack_ts(),
    }
}

pub fn channel_created(world: &World, channel: usize, at: Moment) -> Json {
    let channel = &world.channels[channel];
    let made = object! { "id": channel.id, "name": channel.name, "created": at.unix(), "creator": world.people[0].slack_id };
    object! { "type": "channel_created", "channel": made, "event_ts": at.slack_ts() }
}

/// Someone joined the workspace; their profile has their address.
pub fn joined(world: &World, person: usize, at: Moment) -> Json {
    let person = &world.people[person];
    let profile = object! {
        "real_name": person.name, "display_name": person.first, "email": person.email, "title": "", "status_text": "", "team": TEAM,
    };
    let user = object! {
        "id": person.slack_id, "team_id": TEAM, "name": person.first, "deleted": false, "real_name": person.name, "tz_offset": person.offset,
        "profile": profile, "is_admin": false, "is_bot": false, "updated": at.unix(),
    };
    object! { "type": "team_join", "user": user, "cache_ts": at.unix(), "event_ts": at.slack_ts() }
}
