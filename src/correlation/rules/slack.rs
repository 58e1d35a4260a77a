//! What Slack's events are about, and what they link.

use super::{Findings, Kind, Subject};
use crate::domain::Json;
use crate::domain::facts::{first_text, message_ref, text};

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
    for field in ["event.text", "event.message.text"] {
        if let Some(words) = text(payload, &format!("/{}", field.replace('.', "/"))) {
            findings.read("reference_in_message", &about, field, words, None);
        }
    }
}
