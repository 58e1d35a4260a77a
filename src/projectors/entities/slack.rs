//! What Slack's events, commands and interactions tell of entities. The key of a message is its name as a subject.

use super::super::entry::key;
use super::kind::{END, Kind, NAME, ORIGIN, PART, STATUS, WHOLE};
use super::state::As::{Name, Text, Texts};
use super::state::{Field, State, at, of_ts, written};
use super::version::Versions;
use crate::domain::Json;
use crate::domain::clock::Timestamp;
use crate::domain::facts::{channel, first_text, text};
use crate::domain::subject;

const MESSAGE: &[Field] = &[
    ("subtype", Text, "/subtype"),
    ("user_id", Name, "/user"),
    ("bot_id", Name, "/bot_id"),
    ("username", Text, "/username"),
    ("text", Text, "/text"),
    ("thread_ts", Name, "/thread_ts"),
    ("file_names", Texts("/name"), "/files"),
];

/// Tells the versions that an event shows. Commands and interactions have no time of their own but that of the request,
/// which Slack signs as well.
pub(super) fn tell(event_type: &str, sent: Option<&str>, value: Json<'_>, versions: &mut Versions) {
    let team = first_text(value, &["/team_id", "/team/id"]);
    let happened = first_text(value, &["/event/event_ts", "/event/ts", "/actions/0/action_ts"]).or(sent).and_then(of_ts);
    if let Some(channel) = channel(value) {
        tell_channel(event_type, channel, team, happened, value, versions);
    }
    let Some(event) = value.get("event") else { return };
    match event_type {
        "message" | "app_mention" => tell_message(event_type, event, team, happened, versions),
        "reaction_added" | "reaction_removed" => tell_reaction(event_type, event, happened, versions),
        _ => {}
    }
}

fn tell_message(event_type: &str, event: Json<'_>, team: Option<&str>, happened: Option<Timestamp>, versions: &mut Versions) {
    let Some(channel) = text(event, "/channel") else { return };
    let subtype = text(event, "/subtype");
    let ended = |ts: &str, versions: &mut Versions| {
        let state = State::default().with("is_deleted", true).with("deleted_at", happened.map(written)).and(place(channel, ts, team));
        versions.tell(Kind::Message, subject::message(channel, ts), END, happened, 0, &state);
    };
    if subtype == Some("message_deleted") {
        if let Some(ts) = first_text(event, &["/deleted_ts", "/previous_message/ts"]) {
            ended(ts, versions);
        }
        return;
    }
    // A change wraps the message as it is now; what it was stands beside it.
    let (message, is_changed) = match event.get("message").filter(|_| matches!(subtype, Some("message_changed" | "message_replied"))) {
        Some(message) => (message, true),
        None => (event, false),
    };
    let Some(ts) = text(message, "/ts") else { return };
    if text(message, "/subtype") == Some("tombstone") {
        // What opened a thread leaves this behind when it is deleted.
        ended(ts, versions);
        return;
    }
    let thread_ts = text(message, "/thread_ts");
    let state = State::of(message, MESSAGE)
        .and(place(channel, ts, team))
        .with("user_key", key(text(message, "/user")).map(|user| format!("slack:{user}")))
        .with("is_reply", thread_ts.is_some_and(|thread| thread != ts))
        .with("thread_key", key(thread_ts).and_then(|thread| subject::message(channel, thread)))
        .with("edited_at", text(message, "/edited/ts").and_then(of_ts).map(written))
        .with("edited_by", key(text(message, "/edited/user")));
    let changed = if is_changed { happened.max(of_ts(ts)) } else { of_ts(ts) };
    // A mention comes twice, once as a message.
    let rank = i64::from(event_type == "message");
    versions.tell(Kind::Message, subject::message(channel, ts), WHOLE, changed, rank, &state);
}

fn place(channel: &str, ts: &str, team: Option<&str>) -> State {
    State::default()
        .with("team_id", key(team))
        .with("channel_id", key(Some(channel)))
        .with("channel_key", format!("slack:{channel}"))
        .with("ts", key(Some(ts)))
        .with("created_at", of_ts(ts).map(written))
        .with("subject", subject::message(channel, ts))
}

/// Whether someone's reaction stands is told by the newest event of that one, emoji and message.
fn tell_reaction(event_type: &str, event: Json<'_>, happened: Option<Timestamp>, versions: &mut Versions) {
    let (Some(user), Some(reaction), Some(channel), Some(ts)) =
        (text(event, "/user"), text(event, "/reaction"), text(event, "/item/channel"), text(event, "/item/ts"))
    else {
        return;
    };
    let is_removed = event_type == "reaction_removed";
    let state = State::default()
        .with("message_key", subject::message(channel, ts))
        .with("channel_id", key(Some(channel)))
        .with("ts", key(Some(ts)))
        .with("user_id", key(Some(user)))
        .with("user_key", format!("slack:{user}"))
        .with("reaction", key(Some(reaction)))
        .with("reacted_at", happened.map(written))
        .with("is_deleted", is_removed);
    let name = format!("slack:{channel}/{ts}/{user}/{reaction}");
    versions.tell(Kind::Reaction, Some(name), WHOLE, happened, i64::from(is_removed), &state);
}

/// What commands and interactions call every private channel and every conversation of two.
const NO_NAMES: &[&str] = &["privategroup", "directmessage"];

/// Every event in a channel shows that there is one; few say what it is called.
fn tell_channel(event_type: &str, channel: &str, team: Option<&str>, happened: Option<Timestamp>, value: Json<'_>, versions: &mut Versions) {
    let name = format!("slack:{channel}");
    let seen = State::default().with("channel_id", key(Some(channel))).with("team_id", key(team)).with("last_event_at", happened.map(written));
    versions.tell(Kind::Channel, Some(name.clone()), PART, happened, 0, &seen);
    let called = match event_type {
        "channel_created" | "channel_rename" | "group_rename" => text(value, "/event/channel/name"),
        _ => first_text(value, &["/channel_name", "/channel/name"]),
    };
    if let Some(called) = called.filter(|called| !NO_NAMES.contains(called)) {
        versions.tell(Kind::Channel, Some(name.clone()), NAME, happened, 0, &State::default().with("name", key(Some(called))));
    }
    if event_type == "channel_created" {
        let made = State::default()
            .with("creator_key", key(text(value, "/event/channel/creator")).map(|user| format!("slack:{user}")))
            .with("created_at", at(value, "/event/channel/created").map(written));
        versions.tell(Kind::Channel, Some(name.clone()), ORIGIN, happened, 0, &made);
    }
    let (is_archived, is_deleted) = match event_type {
        "channel_archive" | "group_archive" => (true, false),
        "channel_unarchive" | "group_unarchive" => (false, false),
        "channel_deleted" | "group_deleted" => (true, true),
        _ => return,
    };
    let state = State::default().with("is_archived", is_archived).with("is_deleted", is_deleted);
    versions.tell(Kind::Channel, Some(name), STATUS, happened, i64::from(is_deleted), &state);
}
