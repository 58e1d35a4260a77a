//! What of a Markdown text its readers see as words: comments, as templates have them, and code name nothing.
//!
//! <https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#hiding-content-with-comments>,
//! <https://github.github.com/gfm/#fenced-code-blocks>, <https://github.github.com/gfm/#code-spans>.

use std::borrow::Cow;
use std::ops::Range;

use super::TEXT_BYTES_MAX;

const COMMENT: (&str, &str) = ("<!--", "-->");

/// What is looked at of the text, with spaces in place of what is not seen: as many, so that places in it stay what they are.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let (mut seen, mut through) = (String::new(), 0);
    while let Some(unseen) = next_unseen(text, through) {
        seen.push_str(&text[through..unseen.start]);
        seen.extend(text[unseen.clone()].chars().map(|char| if char == '\n' { '\n' } else { ' ' }));
        through = unseen.end;
    }
    if through == 0 {
        return Cow::Borrowed(text);
    }
    seen.push_str(&text[through..]);
    Cow::Owned(seen)
}

/// The first part from here on that is not seen.
fn next_unseen(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    while let Some(found) = text[at..].find(['`', '~', '<']).map(|found| at + found) {
        let rest = &text[found..];
        if let Some(inside) = rest.strip_prefix(COMMENT.0) {
            let end = inside.find(COMMENT.1).map_or(text.len(), |end| found + COMMENT.0.len() + end + COMMENT.1.len());
            return Some(found..end);
        }
        let mark = rest.chars().next().unwrap_or_default();
        let length = if mark == '<' { 1 } else { rest.len() - rest.trim_start_matches(mark).len() };
        let code = if length >= 3 { block(text, found, mark, length) } else { None };
        if let Some(end) = code.or_else(|| Some(found + span(rest, length)?).filter(|_| mark == '`')) {
            return Some(found..end);
        }
        at = found + length;
    }
    None
}

/// Where a block of code ends that these marks open, if they do; that is the end of the text when nothing closes it.
fn block(text: &str, at: usize, mark: char, length: usize) -> Option<usize> {
    let before = text[..at].rsplit('\n').next().unwrap_or_default();
    let first = text[at..].split_inclusive('\n').next().unwrap_or_default();
    // Within a list or a quotation it is further in. What stands after the marks names the language.
    let is_first = before.bytes().all(|byte| byte.is_ascii_digit() || b" \t>-*+.)".contains(&byte));
    if !is_first || (mark == '`' && first[length..].contains('`')) {
        return None;
    }
    let mut end = at + first.len();
    for line in text[end..].split_inclusive('\n') {
        end += line.len();
        let marks = line.trim_start_matches([' ', '\t', '>']).trim_end();
        if marks.len() >= length && marks.chars().all(|char| char == mark) {
            break;
        }
    }
    Some(end)
}

/// Where code within a line ends that so many marks open: after as many of them, in the same line.
fn span(rest: &str, length: usize) -> Option<usize> {
    let line = rest.split('\n').next().unwrap_or_default();
    let mut at = length;
    while let Some(found) = line[at..].find('`').map(|found| at + found) {
        at = line.len() - line[found..].trim_start_matches('`').len();
        if at - found == length {
            return Some(at);
        }
    }
    None
}
