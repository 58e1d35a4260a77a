//! Facts of Slack's events, commands and interactions.

use super::super::json::Json;
use super::{Facts, Priority, excerpt, first_text, joined, owned, subject, text};

/// A message of Slack, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRef<'a> {
    /// The channel's id.
    pub channel: &'a str,
    /// The message's `ts`, its name within the channel.
    pub ts: &'a str,
    /// The `ts` of the message that opened the thread, when this one is in a thread.
    pub thread_ts: Option<&'a str>,
}

/// The message that an event is about: the one posted, changed, deleted, reacted to or clicked on.
#[must_use]
pub fn message_ref(payload: Json<'_>) -> Option<MessageRef<'_>> {
    let channel = channel(payload)?;
    let ts = first_text(
        payload,
        &[
            // A change and a deletion have a `ts` of their own beside that of the message they are about.
            "/event/message/ts",
            "/event/deleted_ts",
            "/event/previous_message/ts",
            "/event/item/ts",
            "/event/item/message/ts",
            "/event/message_ts",
            "/message/ts",
            "/container/message_ts",
            "/event/ts",
        ],
    )?;
    let thread_ts = first_text(
        payload,
        &["/event/thread_ts", "/event/message/thread_ts", "/event/previous_message/thread_ts", "/message/thread_ts", "/container/thread_ts"],
    );
    Some(MessageRef { channel, ts, thread_ts })
}

/// The channel that an event is about, by its id.
#[must_use]
pub fn channel(payload: Json<'_>) -> Option<&str> {
    first_text(
        payload,
        &["/event/channel", "/event/channel/id", "/event/channel_id", "/event/item/channel", "/channel/id", "/channel_id", "/container/channel_id"],
    )
}

pub(super) fn facts(event_type: &str, payload: Json<'_>) -> Facts {
    let words = words(payload);
    Facts {
        actor: owned(first_text(
            payload,
            &[
                "/event/user",
                "/event/user/id",
                "/event/user_id",
                "/event/message/user",
                "/event/previous_message/user",
                "/event/bot_id",
                "/event/message/bot_id",
                "/user_id",
                "/user/id",
            ],
        )),
        title: title(event_type, payload).or_else(|| words.as_deref().and_then(excerpt)),
        body_text: words,
        repository: None,
        subject: match message_ref(payload) {
            Some(message) => subject::message(message.channel, message.ts),
            None => owned(channel(payload).or_else(|| text(payload, "/event/file_id")))
                .or_else(|| first_text(payload, &["/event/user", "/event/user/id"]).and_then(|user| subject::person("slack", user))),
        },
        url: None,
        priority: Priority::Normal,
    }
}

fn title(event_type: &str, payload: Json<'_>) -> Option<String> {
    if let Some(command) = text(payload, "/command") {
        return Some(joined_words(command, text(payload, "/text")));
    }
    if let Some(reaction) = text(payload, "/event/reaction") {
        return Some(format!(":{reaction}:"));
    }
    if let Some(action) = first_text(payload, &["/actions/0/text/text", "/actions/0/action_id", "/callback_id", "/view/callback_id"]) {
        return excerpt(action);
    }
    match event_type {
        // What was said is the title of what is said.
        "message" | "app_mention" => None,
        _ => owned(first_text(payload, &["/event/channel/name", "/event/name", "/event/file/title", "/event/file_id"])),
    }
}

fn joined_words(first: &str, second: Option<&str>) -> String {
    second.map_or_else(|| first.to_owned(), |second| format!("{first} {second}"))
}

/// What people read of it: the text, what is attached, and the names of files.
fn words(payload: Json<'_>) -> Option<String> {
    let message = ["/event/message", "/event"].iter().find_map(|pointer| payload.at(pointer).filter(|found| found.is_object()));
    let Some(message) = message else {
        return joined(["/text", "/message/text", "/actions/0/value"].iter().filter_map(|pointer| text(payload, pointer)));
    };
    let items = |pointer: &str| message.at(pointer).map(Json::items).into_iter().flatten();
    let said = text(message, "/text").or_else(|| text(payload, "/event/previous_message/text"));
    let attached = items("/attachments").flat_map(|attachment| ["/pretext", "/title", "/text"].map(|pointer| text(attachment, pointer)));
    let files = items("/files").map(|file| first_text(file, &["/title", "/name"]));
    joined(said.into_iter().chain(attached.flatten()).chain(files.flatten()))
}
