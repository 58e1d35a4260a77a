//! What of a Markdown text its readers see as words: comments of a template and code that was pasted name nothing.
//!
//! GitHub looks into neither for references: <https://docs.github.com/en/get-started/writing-on-github>.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::pattern;

patterns! {
    UNSEEN = r"(?ms)<!--.*?(?:-->|\z)|^[ >]{0,3}```.*?(?:^[ >]{0,3}```[ \t]*\r?$|\z)|^[ >]{0,3}~~~.*?(?:^[ >]{0,3}~~~[ \t]*\r?$|\z)";
}

/// The text with spaces in place of what is not seen: as many, so that places in it stay what they are.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    let Some(unseen) = UNSEEN.as_ref() else { return Cow::Borrowed(text) };
    unseen.replace_all(text, |found: &Captures<'_>| found[0].chars().map(|char| if char == '\n' { '\n' } else { ' ' }).collect::<String>())
}
