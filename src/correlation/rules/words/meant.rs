//! Names in a text that only another event can explain.

use std::sync::LazyLock;

use regex::Regex;

use super::{CERTAIN, TEXT_BYTES_MAX, pattern};
use crate::correlation::rules::alias;
use crate::domain::subject;

/// The most names of one text.
const NAMES_MAX: usize = 20;
/// Words of a longer text are no names: a log pasted into a comment is no evidence.
const NAMES_TEXT_BYTES_MAX: usize = 2_000;
/// How long a name is, in bytes.
const NAME_BYTES: std::ops::RangeInclusive<usize> = 6..=100;

patterns! {
    REFERENCES = r"(?:^|[^A-Za-z0-9_./@#-])([A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}#[1-9][0-9]{0,8})(?-u:\b)";
    HASHES = r"(?:^|[^A-Za-z0-9_/-])([0-9a-f]{40})(?-u:\b)";
    // At GitHub, Linear and Slack an address says itself what it is of.
    URLS = r#"(https?://[^\s<>|"'`)\]]+[^\s<>|"'`)\].,;:!?])"#;
    NAMES = r"(?:^|[^A-Za-z0-9_./@#-])([A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)+)";
}

/// Something that another event may explain.
#[derive(Debug, Clone, PartialEq)]
pub struct Meant {
    /// Its other name.
    pub alias: String,
    /// The words, where they begin and where they end, in characters.
    pub words: (String, usize, usize),
    /// 1 where nothing else can be meant.
    pub confidence: f64,
}

/// Everything in a text that other events may explain.
#[must_use]
pub fn meant(text: &str) -> Vec<Meant> {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let mut found = Vec::new();
    each(&URLS, text, 0.99, &mut found, |url| if is_explained(url) { None } else { alias::address(url) });
    each(&REFERENCES, text, 0.95, &mut found, |reference| {
        let (repository, number) = reference.split_once('#')?;
        subject::numbered(repository, number)
    });
    each(&HASHES, text, CERTAIN, &mut found, subject::commit);
    if text.len() <= NAMES_TEXT_BYTES_MAX {
        let before = found.len();
        each(&NAMES, text, 0.9, &mut found, alias::name);
        found.truncate(before + NAMES_MAX);
    }
    found
}

/// True for a word that is not an everyday word too: several parts, letters and digits, and neither short nor an
/// identifier of an issue.
#[must_use]
pub fn is_name(word: &str) -> bool {
    let has = |is: fn(&u8) -> bool| word.bytes().any(|byte| is(&byte));
    let is_identifier = word.split_once('-').is_some_and(|(team, number)| {
        team.len() <= 10 && team.bytes().all(|byte| byte.is_ascii_alphanumeric()) && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    NAME_BYTES.contains(&word.len())
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && has(|byte| matches!(byte, b'-' | b'_'))
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !is_identifier
}

/// True for an address that says itself what it is of.
#[must_use]
pub fn is_explained(url: &str) -> bool {
    let host = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default().to_ascii_lowercase();
    matches!(host.as_str(), "github.com" | "www.github.com" | "api.github.com" | "linear.app") || host.ends_with(".slack.com")
}

fn each(pattern: &LazyLock<Option<Regex>>, text: &str, confidence: f64, names: &mut Vec<Meant>, alias: impl Fn(&str) -> Option<String>) {
    let Some(pattern) = pattern.as_ref() else { return };
    for found in pattern.captures_iter(text) {
        let Some(name) = found.get(1) else { continue };
        if let Some(alias) = alias(name.as_str()) {
            let start = text[..name.start()].chars().count();
            let words = (name.as_str().to_owned(), start, start + name.as_str().chars().count());
            names.push(Meant { alias, words, confidence });
            if names.len() >= alias::MENTIONS_MAX {
                return;
            }
        }
    }
}
