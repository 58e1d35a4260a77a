//! What people want to know of any event first, whoever sent it: who did what, where, and in which words.
//!
//! Facts are read from the payload alone, so that every consumer that asks gets the same answer (the table `events`,
//! the text index). What a payload does not say is absent; nothing is guessed and nothing fails.

pub(super) mod github;
mod linear;
mod slack;

use super::json::Json;
use super::subject;

pub use github::deployment_number;
pub use linear::issue_identifier;
pub use slack::{MessageRef, channel, message_ref};

/// The longest title that is made from a text without one, in characters.
const EXCERPT_CHARS: usize = 120;

/// The most bytes of text that are gathered from an event whose shape is not known.
const GATHERED_BYTES_MAX: usize = 64 << 10;

/// How urgent its sender says an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before everything else.
    Critical,
    /// Before the usual.
    High,
    /// The usual.
    #[default]
    Normal,
    /// After everything else.
    Low,
}

impl Priority {
    /// The word that tables show.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Critical, Self::High, Self::Normal, Self::Low].into_iter().find(|priority| word.eq_ignore_ascii_case(priority.as_str()))
    }
}

/// The facts of one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Who did it: a login at GitHub, a name at Linear, a user's id at Slack.
    pub actor: Option<String>,
    /// What it is called: the title of a pull request or issue, the first line of a commit or message.
    pub title: Option<String>,
    /// What people wrote in it: descriptions, comments, messages, commit messages.
    pub body_text: Option<String>,
    /// Where, as `owner/name`.
    pub repository: Option<String>,
    /// What it is about, by its [name](super::subject): `github:Codertocat/Hello-World#2`, `linear:HEL-42`; what an own event
    /// names is kept as it says. Things that have no such name go by what they are called: `owner/name`, a project's name,
    /// a channel's id.
    pub subject: Option<String>,
    /// Where a person can look at it.
    pub url: Option<String>,
    /// How urgent; only own events say.
    pub priority: Priority,
}

impl Facts {
    /// The facts of an event of this source and type.
    #[must_use]
    pub fn of(source: &str, event_type: &str, payload: Json<'_>) -> Self {
        match source {
            "github" => github::facts(event_type, payload),
            "linear" => linear::facts(event_type, payload),
            "slack" => slack::facts(event_type, payload),
            "deployment" => deployment(payload),
            _ => custom(payload),
        }
    }
}

/// The text at a JSON pointer; none when it is absent, empty or something else.
#[must_use]
pub fn text<'a>(value: Json<'a>, pointer: &str) -> Option<&'a str> {
    value.at(pointer).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// The first of these pointers that holds text.
#[must_use]
pub fn first_text<'a>(value: Json<'a>, pointers: &[&str]) -> Option<&'a str> {
    pointers.iter().find_map(|pointer| text(value, pointer))
}

fn owned(value: Option<&str>) -> Option<String> {
    value.map(str::to_owned)
}

/// The first line of a text, cut where a title would end.
fn excerpt(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    match line.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => Some(format!("{}…", line[..end].trim_end())),
        None => Some(line.to_owned()),
    }
}

/// Texts one below the other; none when there is none.
fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut all = String::new();
    for text in texts.into_iter().filter(|text| !text.trim().is_empty()) {
        if !all.is_empty() {
            all.push_str("\n\n");
        }
        all.push_str(text);
    }
    (!all.is_empty()).then_some(all)
}

fn deployment(payload: Json<'_>) -> Facts {
    let environment = text(payload, "/environment");
    let status = text(payload, "/status");
    let title = match (environment, status) {
        (Some(environment), Some(status)) => Some(format!("{environment}: {status}")),
        (one, other) => owned(one.or(other)),
    };
    Facts {
        actor: owned(text(payload, "/creator")),
        title,
        body_text: owned(text(payload, "/description")),
        repository: owned(text(payload, "/repository_name")),
        subject: text(payload, "/deployment_id").and_then(subject::deployment),
        url: owned(text(payload, "/url")),
        priority: priority(payload),
    }
}

/// An event whose shape is its sender's own: usual names are looked for at the top, under `payload`, and in the
/// objects within these.
fn custom(payload: Json<'_>) -> Facts {
    let inner = payload.get("payload").unwrap_or(payload);
    let within = [payload, inner].into_iter().flat_map(by_name).filter(|value| value.is_object());
    let places = [payload, inner].into_iter().chain(within).collect::<Vec<_>>();
    let named = |names: &[&str]| owned(names.iter().find_map(|name| places.iter().find_map(|place| text(*place, name))));
    let mut words = String::new();
    gather(inner, &mut words);
    Facts {
        actor: named(&["/actor", "/user", "/creator", "/actor/name", "/user/name"]),
        title: named(&["/title", "/name", "/summary"]),
        body_text: (!words.is_empty()).then_some(words),
        repository: named(&["/repository", "/repository_name", "/repository/full_name"]),
        subject: named(&["/subject", "/id"]),
        url: named(&["/url", "/html_url"]),
        priority: priority(payload),
    }
}

fn priority(payload: Json<'_>) -> Priority {
    text(payload, "/priority").and_then(Priority::from_word).unwrap_or_default()
}

/// Every text of a value, one per line, as far as the limit. Payloads are at most 128 levels deep.
fn gather(value: Json<'_>, words: &mut String) {
    if let Some(text) = value.as_str().filter(|text| !text.trim().is_empty() && words.len() + text.len() < GATHERED_BYTES_MAX) {
        if !words.is_empty() {
            words.push('\n');
        }
        words.push_str(text);
    }
    value.items().for_each(|item| gather(item, words));
    by_name(value).for_each(|member| gather(member, words));
}

/// The members of an object in the order of their names: that in which they came means nothing in JSON.
fn by_name(object: Json<'_>) -> impl Iterator<Item = Json<'_>> {
    let mut members: Vec<_> = object.members().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members.into_iter().map(|(_, value)| value)
}

#[cfg(test)]
mod tests;
