//! JSON text, written as it goes: ten million bodies are not built as trees first.

use std::fmt::Write as _;

use uuid::Uuid;

/// JSON text that is one whole value.
#[derive(Debug, Clone)]
pub struct Json(String);

impl Json {
    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// What can be written as a JSON value.
pub trait Put {
    /// Adds it to the text.
    fn put(&self, out: &mut String);
}

impl Put for Json {
    fn put(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

impl Put for str {
    fn put(&self, out: &mut String) {
        out.push('"');
        if self.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            escape(self, out);
        } else {
            out.push_str(self);
        }
        out.push('"');
    }
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
}

impl Put for String {
    fn put(&self, out: &mut String) {
        self.as_str().put(out);
    }
}

impl Put for bool {
    fn put(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

macro_rules! put_displayed {
    ($($number:ty),*) => {
        $(impl Put for $number {
            fn put(&self, out: &mut String) {
                let _ = write!(out, "{self}");
            }
        })*
    };
}

put_displayed!(u8, u32, u64, i32, i64, usize);

impl Put for Uuid {
    fn put(&self, out: &mut String) {
        let mut digits = Uuid::encode_buffer();
        out.push('"');
        out.push_str(self.hyphenated().encode_lower(&mut digits));
        out.push('"');
    }
}

impl<T: Put + ?Sized> Put for &T {
    fn put(&self, out: &mut String) {
        (**self).put(out);
    }
}

impl<T: Put> Put for Option<T> {
    fn put(&self, out: &mut String) {
        match self {
            Some(value) => value.put(out),
            None => out.push_str("null"),
        }
    }
}

impl<T: Put> Put for [T] {
    fn put(&self, out: &mut String) {
        out.push('[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            item.put(out);
        }
        out.push(']');
    }
}

impl<T: Put, const N: usize> Put for [T; N] {
    fn put(&self, out: &mut String) {
        self.as_slice().put(out);
    }
}

impl<T: Put> Put for Vec<T> {
    fn put(&self, out: &mut String) {
        self.as_slice().put(out);
    }
}

/// An object whose fields depend on something; see also [`object!`].
#[derive(Debug)]
pub struct Object(String);

impl Object {
    /// One without fields.
    pub fn new() -> Self {
        let mut text = String::with_capacity(1024);
        text.push('{');
        Self(text)
    }

    /// Adds a field.
    pub fn put(&mut self, name: &str, value: impl Put) -> &mut Self {
        self.name(name);
        value.put(&mut self.0);
        self
    }

    /// Adds all fields of another object.
    pub fn all_of(&mut self, other: &Json) -> &mut Self {
        let fields = &other.0[1..other.0.len() - 1];
        if !fields.is_empty() {
            self.separate();
            self.0.push_str(fields);
        }
        self
    }

    fn separate(&mut self) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// The object with its fields.
    pub fn done(&mut self) -> Json {
        let mut text = std::mem::take(&mut self.0);
        text.push('}');
        Json(text)
    }
}

/// `object! { "number": 12, "user": &user }`: JSON text of an object.
macro_rules! object {
    ($($name:literal : $value:expr),* $(,)?) => {{
        let mut object = $crate::simulate::json::Object::new();
        $(object.put($name, &$value);)*
        object.done()
    }};
}

pub(super) use object;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let inner = object! { "list": ["a", "b"], "none": None::<u64>, "yes": true };
        let mut outer = Object::new();
        outer.put("text", "line\n\"quoted\" \\ \u{1} ありがとう").all_of(&inner).put("number", -3_i64);
        let value: serde_json::Value = serde_json::from_str(&outer.done().into_string()).expect("JSON");
        let expected = serde_json::json!({
            "text": "line\n\"quoted\" \\ \u{1} ありがとう", "list": ["a", "b"], "none": null, "yes": true, "number": -3
        });
        assert_eq!(value, expected);
    }
}
