//! What an envelope says, read from its raw body. Reading never fails and never alters the log: what cannot be
//! read, or had to be mended to fit a table, is said in the result (RELIABILITY: B26, B51–B65).

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

mod mend;
mod skim;

use super::facts::value_at;
use mend::Mended;
use skim::Skim;

/// The longest body that is read as JSON whenever its payload is asked for. A longer one is read once, when it comes: at
/// worst PostgreSQL needs fifty times a body's size to read it.
const VERBATIM_BYTES_MAX: usize = 4 << 20;

/// What became of reading a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseStatus {
    /// A JSON object.
    Ok,
    /// Nothing came.
    Empty,
    /// Not JSON, nor a form that holds some.
    Invalid,
    /// JSON nested deeper than 128 levels (`serde_json`'s own limit).
    TooDeep,
    /// JSON, but a list or a single value.
    NotObject,
}

impl ParseStatus {
    /// The word that tables show.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Empty => "empty",
            Self::Invalid => "invalid",
            Self::TooDeep => "too_deep",
            Self::NotObject => "not_object",
        }
    }
}

/// A body that was read.
#[derive(Debug, Clone)]
pub struct Payload {
    /// What became of it.
    pub status: ParseStatus,
    /// True when something had to be replaced so that it fits `jsonb`: `\u0000`, half a surrogate pair, a number
    /// beyond 64 bits. The raw body has the original.
    pub lossy: bool,
    /// True when an object names a key twice; the last one counts, here and in `jsonb`.
    pub duplicate_keys: bool,
    /// True when the body itself is JSON that `jsonb` takes as it stands, and short enough to be read again at will.
    pub verbatim: bool,
    /// The value; `null` unless it could be read.
    pub value: Value,
}

impl Payload {
    /// Reads a body by its content type: JSON, or a form whose field `payload` is JSON (GitHub, Slack), or a plain
    /// form, which becomes an object of strings.
    #[must_use]
    pub fn read(body: &[u8], content_type: Option<&str>) -> Self {
        if body.is_empty() {
            return Self::unreadable(ParseStatus::Empty);
        }
        let essence = content_type.and_then(|value| value.split(';').next()).map(str::trim).unwrap_or_default();
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Self::read_form(body);
        }
        if essence.to_ascii_lowercase().starts_with("multipart/") {
            return Self::unreadable(ParseStatus::Invalid);
        }
        Self::read_json(body)
    }

    /// What [`read`](Self::read) would say of reading a body, without keeping what it says: a fraction of the work.
    #[must_use]
    pub fn skim(body: &[u8], content_type: Option<&str>) -> ParseStatus {
        let is_form = content_type.is_some_and(|value| !value.to_ascii_lowercase().contains("json"));
        if body.is_empty() || is_form {
            return Self::read(body, content_type).status;
        }
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let Ok(text) = std::str::from_utf8(body) else { return ParseStatus::Invalid };
        let mended = mend::for_jsonb(text);
        let mut reader = serde_json::Deserializer::from_str(&mended.text);
        match Skim.deserialize(&mut reader).and_then(|is_object| reader.end().map(|()| is_object)) {
            Ok(true) => ParseStatus::Ok,
            Ok(false) => ParseStatus::NotObject,
            Err(error) => Self::failed(&error),
        }
    }

    /// The value at a JSON pointer (RFC 6901) as text; none when it is absent or not text.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        value_at(&self.value, pointer).and_then(Value::as_str)
    }

    /// The value at a JSON pointer as a whole number that fits `bigint`.
    #[must_use]
    pub fn integer(&self, pointer: &str) -> Option<i64> {
        value_at(&self.value, pointer).and_then(Value::as_i64)
    }

    /// The value for a `jsonb` column; none when there is nothing to show.
    #[must_use]
    pub fn jsonb(&self) -> Option<&Value> {
        (!self.value.is_null()).then_some(&self.value)
    }

    const fn unreadable(status: ParseStatus) -> Self {
        Self { status, lossy: false, duplicate_keys: false, verbatim: false, value: Value::Null }
    }

    fn read_form(body: &[u8]) -> Self {
        let mut fields = Map::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            if name == "payload" {
                return Self { verbatim: false, ..Self::read_json(value.as_bytes()) };
            }
            fields.insert(without_nul(&name).into_owned(), Value::String(without_nul(&value).into_owned()));
        }
        Self { status: ParseStatus::Ok, lossy: false, duplicate_keys: false, verbatim: false, value: Value::Object(fields) }
    }

    fn read_json(body: &[u8]) -> Self {
        let json = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let Ok(text) = std::str::from_utf8(json) else {
            return Self::unreadable(ParseStatus::Invalid);
        };
        // Nearly every body needs no mending, which the reader notices by the way: only the others are walked through for it.
        let plain = Mended { text: Cow::Borrowed(text), is_verbatim: true };
        let (mended, read) = match Json::read(text) {
            Ok(read) if !read.has_fraction && !mend::has_nul(text) => (plain, Ok(read)),
            _ => {
                let mended = mend::for_jsonb(text);
                let read = Json::read(&mended.text);
                (mended, read)
            }
        };
        match read {
            Ok(Read { value, duplicate_keys, .. }) => Self {
                status: if value.is_object() { ParseStatus::Ok } else { ParseStatus::NotObject },
                lossy: matches!(mended.text, Cow::Owned(_)),
                duplicate_keys,
                verbatim: mended.is_verbatim && json.len() == body.len() && body.len() <= VERBATIM_BYTES_MAX && !value.is_null(),
                value,
            },
            Err(error) => Self::unreadable(Self::failed(&error)),
        }
    }

    fn failed(error: &serde_json::Error) -> ParseStatus {
        // The parser's error has no code of its own for this; its text is pinned by a test below.
        if error.to_string().starts_with("recursion limit exceeded") { ParseStatus::TooDeep } else { ParseStatus::Invalid }
    }
}

/// PostgreSQL's text holds no NUL.
fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// A JSON text that was read.
struct Read {
    value: Value,
    /// A key came twice in an object.
    duplicate_keys: bool,
    /// A number is not a whole one of 64 bits.
    has_fraction: bool,
}

/// Builds a [`Value`] and notices what `Value`'s own reader does not tell.
#[derive(Clone, Copy)]
struct Json<'a> {
    duplicate_keys: &'a Cell<bool>,
    has_fraction: &'a Cell<bool>,
}

impl Json<'_> {
    fn read(text: &str) -> Result<Read, serde_json::Error> {
        let (duplicate_keys, has_fraction) = (Cell::new(false), Cell::new(false));
        let mut reader = serde_json::Deserializer::from_str(text);
        let value = Json { duplicate_keys: &duplicate_keys, has_fraction: &has_fraction }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(Read { value, duplicate_keys: duplicate_keys.get(), has_fraction: has_fraction.get() })
    }
}

impl<'de> DeserializeSeed<'de> for Json<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        self.has_fraction.set(true);
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self)?;
            if object.insert(key, value).is_some() {
                self.duplicate_keys.set(true);
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Payload {
        Payload::read(body.as_bytes(), Some("application/json; charset=utf-8"))
    }

    #[test]
    fn skimming_says_the_same() {
        let bodies = ["", "{}", "[1]", "7", "null", "\"a\"", "{\"a\":1,}", "{\"a\":NaN}", "{} {}", "{'a':1}", "{\"a\":\"\0\"}", "{\"a\":[tru]}"];
        let odd = [r#"{"a":"\ud83d","b":1e400,"c":[{"d":null}],"a":-0.5}"#, r#"{"\u00":1}"#, r#"{"a":"\x"}"#, "\u{feff}{\"a\":1}", "payload=%7B%7D"];
        let nested = [127, 128, 129, 10_000].map(|depth| "[".repeat(depth) + &"]".repeat(depth));
        let deep = "{\"a\":".repeat(200);
        for body in bodies.into_iter().chain(odd).chain(nested.iter().map(String::as_str)).chain([deep.as_str()]) {
            for kind in [None, Some("application/json"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data"), Some("text/plain")] {
                assert_eq!(Payload::skim(body.as_bytes(), kind), Payload::read(body.as_bytes(), kind).status, "{kind:?} {body:.50}");
            }
        }
        assert_eq!(Payload::skim(b"{\"a\":\"\xff\"}", None), ParseStatus::Invalid);
    }

    #[test]
    fn status_says_what_came() {
        for (body, status) in [
            ("", ParseStatus::Empty),
            ("{}", ParseStatus::Ok),
            ("[1]", ParseStatus::NotObject),
            ("7", ParseStatus::NotObject),
            ("{\"a\":1,}", ParseStatus::Invalid),
            ("{\"a\":NaN}", ParseStatus::Invalid),
            ("{} trailing", ParseStatus::Invalid),
            ("{'a':1}", ParseStatus::Invalid),
            ("{\"a\":\"\0\"}", ParseStatus::Invalid),
        ] {
            assert_eq!(read(body).status, status, "{body:?}");
        }
        assert_eq!(Payload::read(b"{\"a\":\"\xff\"}", None).status, ParseStatus::Invalid);
        assert_eq!(Payload::read(b"\xef\xbb\xbf{\"a\":1}", None).status, ParseStatus::Ok);
    }

    #[test]
    fn depth_is_bounded_without_overflow() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(read(&nested(127)).status, ParseStatus::NotObject);
        for depth in [129, 10_000, 1_000_000] {
            assert_eq!(read(&nested(depth)).status, ParseStatus::TooDeep, "{depth}");
        }
        assert_eq!(read(&"[".repeat(1_000_000)).status, ParseStatus::TooDeep);
    }

    #[test]
    fn the_last_of_two_keys_counts_and_is_told() {
        let payload = read(r#"{"a":1,"b":{"c":1,"c":2},"a":3}"#);
        assert!(payload.duplicate_keys);
        assert_eq!(payload.value, serde_json::json!({"a": 3, "b": {"c": 2}}));
        assert!(!read(r#"{"a":1,"A":2}"#).duplicate_keys);
    }

    #[test]
    fn what_jsonb_cannot_hold_is_replaced_and_told() {
        let payload = read(r#"{"nul":"a\u0000b","half":"\ud83d","pair":"\ud83d\ude00","big":123456789012345678901234567890,"huge":1e400}"#);
        assert!(payload.lossy);
        assert_eq!(payload.text("/nul"), Some("a\u{fffd}b"));
        assert_eq!(payload.text("/half"), Some("\u{fffd}"));
        assert_eq!(payload.text("/pair"), Some("😀"));
        assert_eq!(payload.text("/big"), Some("123456789012345678901234567890"));
        assert_eq!(payload.text("/huge"), Some("1e400"));
        assert!(!read(r#"{"n":9007199254740993,"f":1.5,"s":"\\u0000"}"#).lossy);
        assert_eq!(read(r#"{"n":9007199254740993}"#).integer("/n"), Some(9_007_199_254_740_993));
    }

    #[test]
    fn only_what_jsonb_takes_as_it_stands_is_verbatim() {
        for body in ["{}", "[1]", "7", r#"{"a":"\ud83d\ude00","a":1.50,"b":1e-300}"#] {
            assert!(read(body).verbatim, "{body}");
        }
        for body in ["", "null", " null ", "x", "\u{feff}{}", r#"{"a":"\u0000"}"#, r#"{"a":"\udc00"}"#, "[1e400]", "[1e-99999]", "[00]", "{\"a\":\"\0\"}"] {
            assert!(!read(body).verbatim, "{body}");
        }
        assert!(!Payload::read(b"payload=%7B%7D", Some("application/x-www-form-urlencoded")).verbatim);
        assert!(!Payload::read(b"{\"a\":\"\xff\"}", None).verbatim);
        let string = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        assert!(read(&string(VERBATIM_BYTES_MAX)).verbatim && !read(&string(VERBATIM_BYTES_MAX + 1)).verbatim);
    }

    #[test]
    fn forms_are_read() {
        let form = Some("application/x-www-form-urlencoded");
        let hook = Payload::read(b"payload=%7B%22action%22%3A%22opened%22%7D", form);
        assert_eq!(hook.text("/action"), Some("opened"));
        let command = Payload::read(b"command=%2Fdeploy&text=a%00b+c", form);
        assert_eq!(command.text("/command"), Some("/deploy"));
        assert_eq!(command.text("/text"), Some("a\u{fffd}b c"));
        assert_eq!(Payload::read(b"--x", Some("multipart/form-data; boundary=x")).status, ParseStatus::Invalid);
    }
}
