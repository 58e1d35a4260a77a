//! What an envelope says, read from its raw body. Reading never fails and never alters the log: what cannot be
//! read, or had to be mended to fit a table, is said in the result (RELIABILITY: B26, B51–B65).

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Map, Value};

mod mend;

use super::json::{Document, Json, Read};
use mend::Mended;

/// The longest body that is read as JSON whenever its payload is asked for. A longer one is read once, when it comes: at
/// worst PostgreSQL needs fifty times a body's size to read it.
const VERBATIM_BYTES_MAX: usize = 4 << 20;

/// What some senders put before text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

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
    document: Document,
}

impl Payload {
    /// Reads a body by its content type: JSON, or a form whose field `payload` is JSON (GitHub, Slack), or a plain
    /// form, which becomes an object of strings.
    #[must_use]
    pub fn read(body: &Bytes, content_type: Option<&str>) -> Self {
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

    /// What it says; `null` unless it could be read.
    #[must_use]
    pub const fn value(&self) -> Json<'_> {
        self.document.root()
    }

    /// The value at a JSON pointer (RFC 6901) as text; none when it is absent or not text.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.value().at(pointer).and_then(Json::as_str)
    }

    /// The value at a JSON pointer as a whole number that fits `bigint`.
    #[must_use]
    pub fn integer(&self, pointer: &str) -> Option<i64> {
        self.value().at(pointer).and_then(Json::as_i64)
    }

    /// The value for a `jsonb` column; none when there is nothing to show.
    #[must_use]
    pub fn jsonb(&self) -> Option<Json<'_>> {
        Some(self.value()).filter(|value| !value.is_null())
    }

    fn unreadable(status: ParseStatus) -> Self {
        Self { status, lossy: false, duplicate_keys: false, verbatim: false, document: Document::null() }
    }

    fn read_form(body: &[u8]) -> Self {
        let mut fields = Map::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            if name == "payload" {
                return Self { verbatim: false, ..Self::read_json(&Bytes::from(value.into_owned())) };
            }
            fields.insert(without_nul(&name).into_owned(), Value::String(without_nul(&value).into_owned()));
        }
        Self { status: ParseStatus::Ok, lossy: false, duplicate_keys: false, verbatim: false, document: Value::Object(fields).into() }
    }

    fn read_json(body: &Bytes) -> Self {
        let json = if body.starts_with(BYTE_ORDER_MARK) { body.slice(BYTE_ORDER_MARK.len()..) } else { body.clone() };
        let Ok(text) = std::str::from_utf8(&json) else {
            return Self::unreadable(ParseStatus::Invalid);
        };
        // Nearly every body needs no mending, which the reader notices by the way: only the others are walked through for it.
        let plain = Mended { text: Cow::Borrowed(text), is_verbatim: true };
        let (mended, read) = match Document::read(json.clone()) {
            Ok(read) if !read.has_fraction && !mend::has_nul(text) => (plain, Ok(read)),
            _ => {
                let mended = mend::for_jsonb(text);
                let read = Document::read(if let Cow::Owned(text) = &mended.text { Bytes::from(text.clone()) } else { json.clone() });
                (mended, read)
            }
        };
        match read {
            Ok(Read { document, duplicate_keys, .. }) => Self {
                status: if document.root().is_object() { ParseStatus::Ok } else { ParseStatus::NotObject },
                lossy: matches!(mended.text, Cow::Owned(_)),
                duplicate_keys,
                verbatim: mended.is_verbatim && json.len() == body.len() && body.len() <= VERBATIM_BYTES_MAX && !document.root().is_null(),
                document,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Payload {
        with(body, "application/json; charset=utf-8")
    }

    fn with(body: impl AsRef<[u8]>, content_type: &str) -> Payload {
        Payload::read(&Bytes::copy_from_slice(body.as_ref()), Some(content_type))
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
        assert_eq!(with(b"{\"a\":\"\xff\"}", "").status, ParseStatus::Invalid);
        assert_eq!(with(b"\xef\xbb\xbf{\"a\":1}", "").status, ParseStatus::Ok);
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
        assert_eq!(Value::from(payload.value()), serde_json::json!({"a": 3, "b": {"c": 2}}));
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
        assert!(!with(b"payload=%7B%7D", "application/x-www-form-urlencoded").verbatim);
        assert!(!with(b"{\"a\":\"\xff\"}", "").verbatim);
        let string = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        assert!(read(&string(VERBATIM_BYTES_MAX)).verbatim && !read(&string(VERBATIM_BYTES_MAX + 1)).verbatim);
    }

    #[test]
    fn forms_are_read() {
        let form = "application/x-www-form-urlencoded";
        let hook = with(b"payload=%7B%22action%22%3A%22opened%22%7D", form);
        assert_eq!(hook.text("/action"), Some("opened"));
        let command = with(b"command=%2Fdeploy&text=a%00b+c", form);
        assert_eq!(command.text("/command"), Some("/deploy"));
        assert_eq!(command.text("/text"), Some("a\u{fffd}b c"));
        assert_eq!(with(b"--x", "multipart/form-data; boundary=x").status, ParseStatus::Invalid);
    }
}
