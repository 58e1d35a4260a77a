//! The columns of `slack_events`. Events stand in `event`; slash commands, clicks, shortcuts and forms at the top. Each
//! keeps the channel and the user elsewhere.

use super::Read::{Flag, Made, Piece, Text, Texts, Whole};
use super::{Column, Event, key, list};
use crate::domain::facts::{Facts, channel, message_ref, text};

/// The columns of `slack_events`, save those of the envelope.
pub const COLUMNS: &[Column] = &[
    Column("subtype", Text(|e| key(e.at("/event/subtype")))),
    Column("envelope_type", Text(|e| e.at("/type"))),
    Column("event_id", Text(|e| e.at("/event_id"))),
    Column("team_id", Text(|e| e.first(&["/team_id", "/team/id"]))),
    Column("enterprise_id", Text(|e| e.first(&["/enterprise_id", "/enterprise/id", "/context_enterprise_id"]))),
    Column("api_app_id", Text(|e| e.at("/api_app_id"))),
    // Where.
    Column("channel_id", Text(|e| key(channel(e.payload)))),
    Column("channel_name", Text(|e| e.first(&["/event/channel/name", "/channel_name", "/channel/name"]))),
    Column("channel_type", Text(|e| e.at("/event/channel_type"))),
    Column("is_ext_shared_channel", Flag(|e| e.flag("/is_ext_shared_channel"))),
    // Who.
    Column("user_id", Text(|e| key(e.first(&USERS)))),
    Column(
        "user_name",
        Text(|e| e.first(&["/user_name", "/user/username", "/user/name", "/event/user/name", "/event/user_profile/name", "/event/message/user_profile/name"])),
    ),
    Column("bot_id", Text(|e| e.first(&BOTS).or_else(|| e.at("/message/bot_id")))),
    Column(
        "bot_name",
        Text(|e| {
            e.first(&[
                "/event/bot_profile/name",
                "/event/message/bot_profile/name",
                "/event/bot/name",
                "/event/username",
                "/event/message/username",
                "/message/username",
            ])
        }),
    ),
    Column("app_id", Text(|e| e.first(&["/event/app_id", "/event/message/app_id", "/event/bot_profile/app_id", "/message/app_id"]))),
    Column("is_bot", Flag(|e| Some(e.first(&BOTS).is_some() || e.at("/event/subtype") == Some("bot_message") || e.flag("/event/user/is_bot") == Some(true)))),
    Column("edited_by", Text(|e| e.first(&["/event/edited/user", "/event/message/edited/user"]))),
    Column("item_user_id", Text(|e| e.at("/event/item_user"))),
    Column("inviter_id", Text(|e| e.at("/event/inviter"))),
    // What.
    Column("title", Made(|e| Facts::of(e.source, e.event_type, e.payload).title)),
    Column("text", Text(said)),
    Column("previous_text", Text(|e| e.at("/event/previous_message/text"))),
    Column("mentions", Texts(|e| said(e).map(mentioned).unwrap_or_default())),
    Column("ts", Text(|e| e.first(&["/event/ts", "/event/event_ts", "/actions/0/action_ts", "/action_ts"]))),
    Column("thread_ts", Text(|e| key(message_ref(e.payload).and_then(|message| message.thread_ts)))),
    Column("message_ts", Text(|e| key(message_ref(e.payload).map(|message| message.ts)))),
    Column("files", Piece(files)),
    Column("file_ids", Texts(file_ids)),
    Column("reaction", Text(|e| e.at("/event/reaction"))),
    Column("item_type", Text(|e| e.at("/event/item/type"))),
    // Commands, clicks and forms.
    Column("command", Text(|e| e.at("/command"))),
    Column("action_id", Text(|e| e.first(&["/actions/0/action_id", "/actions/0/name", "/action_id", "/callback_id", "/view/callback_id"]))),
    Column("action_type", Text(|e| e.at("/actions/0/type"))),
    Column("action_value", Text(|e| e.first(&ACTION_VALUES))),
    Column("block_id", Text(|e| e.first(&["/actions/0/block_id", "/block_id"]))),
    Column("callback_id", Text(|e| e.first(&["/callback_id", "/view/callback_id", "/event/function/callback_id", "/event/callback_id"]))),
    Column("view_id", Text(|e| e.first(&["/view/id", "/container/view_id", "/event/view/id"]))),
    Column(
        "submission",
        Piece(|e| e.any(&["/view/state/values", "/submission"]).filter(|values| values.members().next().is_some()).map(|value| value.to_string())),
    ),
    // How it came.
    Column("retry_num", Whole(|e| e.header("x-slack-retry-num")?.trim().parse::<i32>().ok().map(i64::from))),
    Column("retry_reason", Text(|e| e.header("x-slack-retry-reason"))),
];

const USERS: [&str; 7] = ["/event/user", "/event/user/id", "/event/user_id", "/event/message/user", "/event/previous_message/user", "/user_id", "/user/id"];

/// Where the bot stands that an event comes from. A message that a person clicks on is often a bot's.
pub const BOTS: [&str; 3] = ["/event/bot_id", "/event/message/bot_id", "/event/bot/id"];

/// Where the value stands of what was clicked or chosen, by the kind of element.
const ACTION_VALUES: [&str; 9] = [
    "/actions/0/value",
    "/actions/0/selected_option/value",
    "/actions/0/selected_options/0/value",
    "/actions/0/selected_user",
    "/actions/0/selected_channel",
    "/actions/0/selected_conversation",
    "/actions/0/selected_date",
    "/actions/0/selected_time",
    "/value",
];

fn said<'a>(e: &Event<'a>) -> Option<&'a str> {
    e.first(&["/event/text", "/event/message/text", "/text", "/message/text"])
}

/// The ids of users whom a text names (`<@U123>`, `<@U123|ada>`), each once, in the order in which they are named.
fn mentioned(words: &str) -> Vec<String> {
    let mut users: Vec<String> = Vec::new();
    for rest in words.split("<@").skip(1) {
        let Some((within, _)) = rest.split_once('>') else { continue };
        let id = within.split('|').next().unwrap_or_default();
        let is_id = id.starts_with(['U', 'W']) && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if is_id && !users.iter().any(|known| known == id) {
            users.push(id.to_owned());
        }
    }
    users
}

/// The files of a message, or the one that a file event is about.
fn files(e: &Event<'_>) -> Option<String> {
    let of_message = ["/event/files", "/event/message/files"].iter().find_map(|pointer| e.payload.at(pointer)).filter(|files| files.is_list());
    let of_event = || e.payload.at("/event/file").filter(|file| file.is_object()).map(|file| format!("[{file}]"));
    of_message.map(|files| files.to_string()).or_else(of_event)
}

fn file_ids(e: &Event<'_>) -> Vec<String> {
    let of_message = ["/event/files", "/event/message/files"].iter().find_map(|pointer| e.payload.at(pointer));
    let ids: Vec<String> = of_message.map(|files| list(files, "").filter_map(|file| text(file, "/id")).map(str::to_owned).collect()).unwrap_or_default();
    if ids.is_empty() { e.first(&["/event/file_id", "/event/file/id"]).map(str::to_owned).into_iter().collect() } else { ids }
}

#[cfg(test)]
mod tests {
    use super::mentioned;

    #[test]
    fn users_are_mentioned_by_id() {
        assert_eq!(mentioned("<@U1> and <@W2|ada>, again <@U1>: <!here> <#C3|dev> <@lower> <@U4"), ["U1", "W2"]);
        assert_eq!(mentioned("ada@example.com <mailto:a@b|@U9>"), [""; 0]);
    }
}
