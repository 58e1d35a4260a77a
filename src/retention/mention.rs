//! Does a text name a person? Without regard to case, as whole words, and through the wrappings that webhooks come in:
//! JSON escapes, forms, and JSON within strings within either. What is encoded otherwise (base64, an image) is not looked
//! into.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use super::Error;
use crate::sources::secret::hmac_sha256;

/// How many wrappings are taken off at most: a form that holds JSON that holds JSON in a string is three.
const LAYERS_MAX: usize = 5;
/// Shorter names would be found in everything.
const NAME_CHARS_MIN: usize = 3;

/// A person, by all the names that are given: addresses, logins, display names, ids.
#[derive(Debug, Clone)]
pub struct Person {
    names: Vec<String>,
    pattern: Regex,
}

impl Person {
    /// A person of these names.
    ///
    /// # Errors
    /// When there is none, or one is too short to mean anyone.
    pub fn new(names: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let mut names: Vec<String> = names.into_iter().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()).collect();
        names.sort();
        names.dedup();
        if let Some(short) = names.iter().find(|name| name.chars().count() < NAME_CHARS_MIN) {
            return Err(Error::Request(format!("{short:?} is too short to mean one person; give at least {NAME_CHARS_MIN} characters")));
        }
        if names.is_empty() {
            return Err(Error::Request("say whom: an address, login, display name or id".to_owned()));
        }
        // The longest first, so that it is found where a shorter one begins alike.
        let mut longest = names.clone();
        longest.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let pattern = longest.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|");
        let pattern =
            RegexBuilder::new(&pattern).case_insensitive(true).build().map_err(|error| Error::Request(format!("the names cannot be looked for: {error}")))?;
        Ok(Self { names, pattern })
    }

    /// Keyed hashes of the names, which tell nobody who it was and let whoever knows the name find the act.
    #[must_use]
    pub fn fingerprints(&self, key: &[u8]) -> Vec<String> {
        self.names.iter().map(|name| hex::encode(hmac_sha256(key, &[b"erased subject ", name.as_bytes()]))).collect()
    }

    /// True when the text names them.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let mut layer = Cow::Borrowed(text);
        for _ in 0..LAYERS_MAX {
            if self.is_word_of(&layer) {
                return true;
            }
            // One after the other, with a look in between: what is a space in a form is a plus in an address.
            let unescaped = layer.contains('\\').then(|| json_unescaped(&layer));
            if unescaped.as_deref().is_some_and(|text| self.is_word_of(text)) {
                return true;
            }
            let inner = unescaped.as_deref().unwrap_or(&layer);
            let decoded = inner.contains(['%', '+']).then(|| form_decoded(inner));
            match decoded.or(unescaped).filter(|inner| *inner != layer) {
                Some(inner) => layer = Cow::Owned(inner),
                None => return false,
            }
        }
        self.is_word_of(&layer)
    }

    /// True when the bytes name them, read as text as far as they are.
    #[must_use]
    pub fn is_in_bytes(&self, bytes: &[u8]) -> bool {
        self.is_in(&String::from_utf8_lossy(bytes))
    }

    fn is_word_of(&self, text: &str) -> bool {
        let is_part = |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric() || character == '_');
        let mut from = 0;
        while let Some(found) = self.pattern.find_at(text, from) {
            let name = found.as_str();
            let starts = !is_part(name.chars().next()) || !is_part(text[..found.start()].chars().next_back());
            let ends = !is_part(name.chars().next_back()) || !is_part(text[found.end()..].chars().next());
            if starts && ends {
                return true;
            }
            from = found.start() + text[found.start()..].chars().next().map_or(1, char::len_utf8);
        }
        false
    }
}

fn form_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten().and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            // In a form a plus is a space; elsewhere it parts words as well.
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn json_unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (character, used) = match after.chars().next() {
            Some('n' | 'r' | 't' | 'b' | 'f') => (' ', 1),
            Some('u') => match code_unit(after) {
                Some(high @ 0xd800..=0xdbff) => match after.get(5..).and_then(|low| low.strip_prefix('\\')).and_then(code_unit) {
                    Some(low @ 0xdc00..=0xdfff) => (char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).unwrap_or(' '), 11),
                    _ => (' ', 5),
                },
                Some(unit) => (char::from_u32(unit).unwrap_or(' '), 5),
                None => ('u', 1),
            },
            Some(other) => (other, other.len_utf8()),
            None => (' ', 0),
        };
        out.push(character);
        rest = &after[used..];
    }
    out.push_str(rest);
    out
}

/// The number after a `u`, if four hexadecimal digits stand there.
fn code_unit(text: &str) -> Option<u32> {
    u32::from_str_radix(text.get(1..5).filter(|_| text.starts_with('u'))?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(names: &[&str]) -> Person {
        Person::new(names.iter().map(|name| (*name).to_owned())).expect("names")
    }

    #[test]
    fn a_person_is_found_as_a_whole_word() {
        let ada = person(&["ada-hel", "Ada@Example.org", "Ada Hel"]);
        for text in ["ada-hel", "@ADA-HEL!", "mail ada@example.ORG.", "github.com/ada-hel/x", "<ada@example.org>", "by ada hel", "x ada-helx ada-hel"] {
            assert!(ada.is_in(text), "{text}");
        }
        for text in ["ada", "ada-helen", "nada-hel", "ada@example.organic", "_ada-hel", ""] {
            assert!(!ada.is_in(text), "{text}");
        }
        assert!(person(&["Jürgen"]).is_in("von JÜRGEN, gestern") && person(&["李小龙"]).is_in("由 李小龙 说"));
    }

    #[test]
    fn wrappings_are_taken_off() {
        let ada = person(&["ada-hel", "ada@example.org"]);
        for text in [
            r#"{"text":"\nada-hel"}"#,
            r#"{"login":"\u0061da-hel"}"#,
            "payload=%7B%22user%22%3A%22ada%40example.org%22%7D",
            r#"{"inner":"{\"login\":\"\\u0061da-hel\"}"}"#,
            "payload=%7B%22a%22%3A%22%5C%22ada-hel%5C%22%22%7D",
            "text=by+ada-hel",
            "{\"text\":\"\\ud83d\\ude00ada-hel\"}",
            "broken {\"text\":\"\\u0061da-hel",
        ] {
            assert!(ada.is_in(text), "{text}");
        }
        assert!(person(&["Ada Hel"]).is_in("name=Ada+Hel&city=Berlin"));
        assert!(person(&["ada+t@x.org"]).is_in(r#"{"e":"\u0061da+t@x.org","p":"100%"}"#));
        assert!(!ada.is_in(r#"{"text":"nada-hel \\ %"}"#));
        assert!(!ada.is_in("\\u00 \\ud83d %zz %4"));
    }

    #[test]
    fn names_that_mean_everyone_are_refused() {
        assert!(Person::new(["al".to_owned()]).is_err() && Person::new([" ".to_owned()]).is_err());
    }

    #[test]
    fn a_fingerprint_needs_the_key() {
        let ada = person(&["ada-hel"]);
        assert_eq!(ada.fingerprints(b"k"), person(&["ADA-HEL"]).fingerprints(b"k"));
        assert_ne!(ada.fingerprints(b"k"), ada.fingerprints(b"l"));
    }
}
