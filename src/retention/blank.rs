//! Takes single values out of a JSON text and leaves every other byte as it is.

use std::fmt;
use std::str::FromStr;

use serde::Deserializer as _;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What stands in the place of a value.
const BLANK: &str = "\"[redacted]\"";

/// A JSON pointer (RFC 6901); a part `*` means every item of a list or every value of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

/// Why a path cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidPath {
    /// It is no pointer.
    #[error("{0:?} is no path: write it as a JSON pointer, such as /sender/email or /commits/*/author")]
    Syntax(String),
    /// The text is no JSON.
    #[error("its body is not JSON; redact all of it")]
    NotJson,
    /// Nothing is there.
    #[error("its body has nothing at {0}")]
    Absent(String),
}

impl FromStr for Pointer {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let Some(rest) = text.strip_prefix('/') else { return Err(InvalidPath::Syntax(text.to_owned())) };
        Ok(Self(rest.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect()))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| write!(f, "/{}", part.replace('~', "~0").replace('/', "~1")))
    }
}

/// The text with the values at the path blanked.
///
/// # Errors
/// When the text is no JSON, or nothing is there.
pub fn blank(text: &str, path: &Pointer) -> Result<String, InvalidPath> {
    let mut places = Vec::new();
    let value: &RawValue = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| InvalidPath::NotJson)?;
    find(text, value, &path.0, &mut places);
    if places.is_empty() {
        return Err(InvalidPath::Absent(path.to_string()));
    }
    let mut blanked = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end) in places {
        blanked.push_str(&text[from..start]);
        blanked.push_str(BLANK);
        from = end;
    }
    blanked.push_str(&text[from..]);
    Ok(blanked)
}

/// Where in the text the values at a path stand, in their order.
fn find(text: &str, value: &RawValue, path: &[String], places: &mut Vec<(usize, usize)>) {
    let Some((part, rest)) = path.split_first() else {
        // A raw value is a part of the text that it was read from.
        let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
        places.push((start, start + value.get().len()));
        return;
    };
    for (_, child) in children(value).into_iter().filter(|(name, _)| part == "*" || name == part) {
        find(text, child, rest, places);
    }
}

/// The values within a value, by their names or numbers; a name may be there twice.
fn children(value: &RawValue) -> Vec<(String, &RawValue)> {
    struct Children;

    impl<'de> Visitor<'de> for Children {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list or an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut children = Vec::new();
            while let Some(child) = map.next_entry()? {
                children.push(child);
            }
            Ok(children)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut children = Vec::new();
            while let Some(child) = list.next_element()? {
                children.push((children.len().to_string(), child));
            }
            Ok(children)
        }
    }

    // A text or a number has no values within.
    serde_json::Deserializer::from_str(value.get()).deserialize_any(Children).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blanked(text: &str, path: &str) -> Result<String, InvalidPath> {
        blank(text, &path.parse()?)
    }

    #[test]
    fn only_the_named_value_changes() {
        let text = "{ \"a\" : {\"b~/c\":[1, {\"d\": \"x\"} ]},\t\"n\": 12345678901234567890.10 }\n";
        assert_eq!(blanked(text, "/a/b~0~1c/1/d").expect("there"), text.replace("\"x\"", BLANK));
        assert_eq!(blanked(text, "/n").expect("there"), text.replace("12345678901234567890.10", BLANK));
        assert_eq!(blanked(text, "/a").expect("there"), "{ \"a\" : \"[redacted]\",\t\"n\": 12345678901234567890.10 }\n");
    }

    #[test]
    fn every_match_is_blanked() {
        assert_eq!(blanked(r#"{"a":1,"a":2}"#, "/a").expect("there"), r#"{"a":"[redacted]","a":"[redacted]"}"#);
        assert_eq!(blanked(r#"[{"e":1},{"f":2},{"e":[3]}]"#, "/*/e").expect("there"), r#"[{"e":"[redacted]"},{"f":2},{"e":"[redacted]"}]"#);
        assert_eq!(blanked("{\"\\u0061\":1}", "/a").expect("there"), "{\"\\u0061\":\"[redacted]\"}");
        assert_eq!(blanked("\u{feff}{\"a\":1}", "/a").expect("there"), "\u{feff}{\"a\":\"[redacted]\"}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        assert_eq!(blanked("{}", "/a"), Err(InvalidPath::Absent("/a".to_owned())));
        assert_eq!(blanked("a=b", "/a"), Err(InvalidPath::NotJson));
        assert_eq!(blanked("{}", "a"), Err(InvalidPath::Syntax("a".to_owned())));
    }
}
