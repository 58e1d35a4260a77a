//! What of a Markdown text its readers see as words: comments, as templates have them, and code that was pasted name nothing.
//!
//! <https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#hiding-content-with-comments>,
//! <https://github.github.com/gfm/#fenced-code-blocks>.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::{TEXT_BYTES_MAX, pattern};

patterns! {
    UNSEEN = r"(?ms)<!--.*?(?:-->|\z)|^[ >]{0,3}```.*?(?:^[ >]{0,3}```[ \t]*\r?$|\z)|^[ >]{0,3}~~~.*?(?:^[ >]{0,3}~~~[ \t]*\r?$|\z)";
}

/// What is looked at of the text, with spaces in place of what is not seen: as many, so that places in it stay what they are.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let mut seen = String::new();
    let mut through = 0;
    for found in UNSEEN.iter().flat_map(|unseen| unseen.find_iter(text)) {
        seen.push_str(&text[through..found.start()]);
        seen.extend(found.as_str().chars().map(|char| if char == '\n' { '\n' } else { ' ' }));
        through = found.end();
    }
    if through == 0 {
        return Cow::Borrowed(text);
    }
    seen.push_str(&text[through..]);
    Cow::Owned(seen)
}
