//! What Slack's events are about, and what they link.

use super::{Findings, Kind, Subject};
use crate::domain::Json;
use crate::domain::facts::{first_text, message_ref, text};

const RULE: &str = "reference_in_message";

/// As many attachments as Slack takes with a message, which are more than it takes blocks, and as deep as lists stand in blocks; whoever
/// signs may send more, and is not followed there.
const PARTS_MAX: usize = 100;
const DEPTH_MAX: usize = 4;

pub(super) fn find(payload: Json<'_>, findings: &mut Findings) {
    let person = first_text(payload, &["/event/user", "/event/user/id", "/event/message/user", "/event/user_id", "/user_id", "/user/id"]);
    findings.about(person.and_then(|user| Subject::person("slack", user)));
    let Some(message) = message_ref(payload) else { return };
    let subject = |kind, ts: &str| Subject::message(kind, message.channel, ts);
    let thread = message.thread_ts.and_then(|ts| subject(Kind::Thread, ts));
    findings.about(thread.clone());
    let Some(about) = subject(Kind::Message, message.ts) else { return };
    findings.stated("reply_in_thread", Some(&about), thread.as_ref(), "thread_ts", message.thread_ts.unwrap_or_default(), 1.0);
    findings.about(Some(about.clone()));
    // Only what was written in this event: a reaction or a click repeats the message that it is about.
    for (field, pointer) in [("event", "/event"), ("event.message", "/event/message")] {
        if let Some(written) = payload.at(pointer).filter(|written| written.is_object()) {
            of_message(written, field, &about, findings);
        }
    }
}

/// What a message says in its text, and what apps say in attachments and blocks: <https://docs.slack.dev/messaging>.
fn of_message(message: Json<'_>, field: &str, about: &Subject, findings: &mut Findings) {
    if let Some(words) = text(message, "/text") {
        findings.read(RULE, about, &format!("{field}.text"), words, None);
    }
    for (index, attachment) in message.get("attachments").map(Json::items).into_iter().flatten().enumerate().take(PARTS_MAX) {
        // What Slack shows of an address that somebody wrote is said by somebody else.
        if text(attachment, "/from_url").is_some() {
            continue;
        }
        let field = format!("{field}.attachments.{index}");
        for name in ["pretext", "title", "title_link", "text"] {
            if let Some(words) = text(attachment, &format!("/{name}")) {
                findings.read(RULE, about, &format!("{field}.{name}"), words, None);
            }
        }
        of_blocks(attachment, "blocks", &field, about, findings, 0);
    }
    of_blocks(message, "blocks", field, about, findings, 0);
}

/// What the blocks or elements of this name say, and what is in them.
fn of_blocks(holder: Json<'_>, name: &str, field: &str, about: &Subject, findings: &mut Findings, depth: usize) {
    if depth == DEPTH_MAX {
        return;
    }
    for (index, block) in holder.get(name).map(Json::items).into_iter().flatten().enumerate().take(PARTS_MAX) {
        let field = format!("{field}.{name}.{index}");
        for (part, pointer) in [("text", "/text"), ("text.text", "/text/text"), ("url", "/url"), ("accessory.url", "/accessory/url")] {
            if let Some(words) = text(block, pointer) {
                findings.read(RULE, about, &format!("{field}.{part}"), words, None);
            }
        }
        for inner in ["elements", "fields"] {
            of_blocks(block, inner, &field, about, findings, depth + 1);
        }
    }
}
