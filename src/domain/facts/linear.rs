//! Facts of Linear's webhooks.

use super::super::json::Json;
use super::{Facts, Priority, excerpt, first_text, owned, subject, text};

/// Where the identifier of an issue stands beside an issue's own event: not everything has `data`.
const IDENTIFIERS: [&str; 4] = ["/data/issue/identifier", "/issueData/identifier", "/agentSession/issue/identifier", "/notification/issue/identifier"];

/// Where a title stands, the most telling first.
const TITLES: [&str; 8] = [
    "/data/title",
    "/data/issue/title",
    "/data/name",
    "/data/project/name",
    "/data/initiative/name",
    "/issueData/title",
    "/agentSession/issue/title",
    "/notification/issue/title",
];

pub(super) fn facts(event_type: &str, payload: Json<'_>) -> Facts {
    Facts {
        actor: actor(payload),
        title: title(event_type, payload),
        body_text: owned(first_text(payload, &["/data/description", "/data/body", "/data/content", "/data/issue/description"])),
        repository: None,
        subject: issue_identifier(event_type, payload).and_then(subject::linear).or_else(|| called(event_type, payload)),
        url: owned(first_text(payload, &["/url", "/data/url", "/data/issue/url"])),
        priority: Priority::Normal,
    }
}

/// The identifier of the issue that an event is about (`HEL-42`): its own, or that of the issue it belongs to.
#[must_use]
pub fn issue_identifier<'a>(event_type: &str, payload: Json<'a>) -> Option<&'a str> {
    // Projects and initiatives have identifiers of their own, which look the same.
    let own = if matches!(event_type, "Project" | "Initiative") { None } else { text(payload, "/data/identifier") };
    if let Some(identifier) = own.or_else(|| first_text(payload, &IDENTIFIERS)) {
        return Some(identifier);
    }
    // Payloads of older webhooks name the issue of a comment by its address only.
    let url = first_text(payload, &["/data/issue/url", "/data/url", "/url"])?;
    let (_, path) = url.split_once("linear.app/")?;
    path.split('/').nth(2).filter(|_| path.split('/').nth(1) == Some("issue"))
}

/// Who did it; `actor` may be null, and then only the maker of what was created is known.
fn actor(payload: Json<'_>) -> Option<String> {
    let named = first_text(payload, &["/actor/name", "/actor/service", "/actor/id"]);
    let maker = || first_text(payload, &["/data/creator/name", "/data/user/name", "/data/botActor/name"]);
    owned(named.or_else(|| if text(payload, "/action") == Some("create") { maker() } else { None }))
}

fn title(event_type: &str, payload: Json<'_>) -> Option<String> {
    if let Some(name) = first_text(payload, &TITLES) {
        return Some(name.to_owned());
    }
    if let Some(number) = payload.at("/data/number").and_then(Json::as_i64) {
        return Some(format!("{event_type} {number}"));
    }
    text(payload, "/data/body").and_then(excerpt)
}

/// What is no issue has no name but what it is called.
fn called(event_type: &str, payload: Json<'_>) -> Option<String> {
    let name = first_text(payload, &["/data/project/name", "/data/name"]);
    let team = text(payload, "/data/team/key");
    match (event_type, payload.at("/data/number").and_then(Json::as_i64), team) {
        ("Cycle", Some(number), Some(team)) => Some(format!("{team} cycle {number}")),
        _ => owned(name),
    }
}
