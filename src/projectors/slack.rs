//! The table `slack_events`: Slack's events, slash commands and interactions in typed columns.

use async_trait::async_trait;
use serde_json::Value;
use tokio_postgres::Transaction;

use super::entry::{Entry, cut, key, row};
use crate::consumer::{Error, Projector};
use crate::domain::Envelope;
use crate::domain::clock::Timestamp;
use crate::domain::facts::{channel, first_text, message_ref, text};
use crate::log::Batch;

/// Keeps the table `slack_events`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SlackTable;

#[async_trait]
impl Projector for SlackTable {
    const NAME: &'static str = "slack_events";
    const VERSION: i32 = 2;
    const TABLES: &'static [&'static str] = &["slack_events"];
    const SOURCES: Option<&'static [&'static str]> = Some(&["slack"]);
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::fresh(batch);
        let rows = entries.iter().map(Row::of).collect::<Vec<_>>();
        Row::insert(&rows, transaction).await
    }
}

row! {
    struct Row<'a> inserted by "slack.sql" {
        position: i64,
        id: &'a str,
        tenant: &'a str,
        event_type: &'a str,
        subtype: Option<&'a str>,
        envelope_type: Option<&'a str>,
        event_id: Option<&'a str>,
        team_id: Option<&'a str>,
        api_app_id: Option<&'a str>,
        channel_id: Option<&'a str>,
        channel_type: Option<&'a str>,
        user_id: Option<&'a str>,
        bot_id: Option<&'a str>,
        text: Option<&'a str>,
        ts: Option<&'a str>,
        thread_ts: Option<&'a str>,
        message_ts: Option<&'a str>,
        files: Option<Value>,
        reaction: Option<&'a str>,
        command: Option<&'a str>,
        action_id: Option<&'a str>,
        retry_num: Option<i32>,
        retry_reason: Option<&'a str>,
        received_at: Timestamp,
        verbatim: bool,
        mended: Option<String>,
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry<'_>) -> Self {
        let envelope = entry.envelope;
        let value = entry.value();
        let at = |pointer: &str| text(value, pointer);
        let first = |pointers: &[&str]| first_text(value, pointers);
        let message = message_ref(value);
        Self {
            position: envelope.position.get(),
            id: &entry.id,
            tenant: envelope.tenant.as_str(),
            event_type: cut(&envelope.event_type),
            subtype: key(at("/event/subtype")),
            envelope_type: at("/type"),
            event_id: at("/event_id"),
            team_id: first(&["/team_id", "/team/id"]),
            api_app_id: at("/api_app_id"),
            channel_id: key(channel(value)),
            channel_type: at("/event/channel_type"),
            user_id: key(first(&[
                "/event/user",
                "/event/user/id",
                "/event/user_id",
                "/event/message/user",
                "/event/previous_message/user",
                "/user_id",
                "/user/id",
            ])),
            bot_id: first(&["/event/bot_id", "/event/message/bot_id", "/event/bot/id", "/message/bot_id"]),
            text: first(&["/event/text", "/event/message/text", "/text", "/message/text"]),
            ts: first(&["/event/ts", "/event/event_ts", "/actions/0/action_ts", "/action_ts"]),
            thread_ts: key(message.and_then(|message| message.thread_ts)),
            message_ts: key(message.map(|message| message.ts)),
            files: files(value),
            reaction: at("/event/reaction"),
            command: at("/command"),
            action_id: first(&["/actions/0/action_id", "/actions/0/name", "/callback_id", "/view/callback_id"]),
            retry_num: envelope.headers.get("x-slack-retry-num").and_then(|number| number.trim().parse().ok()),
            retry_reason: envelope.headers.get("x-slack-retry-reason"),
            received_at: envelope.received_at,
            verbatim: entry.payload.verbatim,
            mended: entry.mended(),
        }
    }
}

/// The files of a message, or the one that a file event is about.
fn files(value: &Value) -> Option<Value> {
    let of_message = ["/event/files", "/event/message/files"].iter().find_map(|pointer| value.pointer(pointer)).filter(|files| files.is_array());
    let of_event = || value.pointer("/event/file").filter(|file| file.is_object()).map(|file| Value::from(vec![file.clone()]));
    of_message.cloned().or_else(of_event)
}
