//! What every projector starts from: an envelope whose body was read, and values that fit their columns.

use std::sync::Arc;

use chrono::{DateTime, Datelike};
use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::facts::value_at;
use crate::domain::{Envelope, Payload};
use crate::log::Batch;

/// The longest text of an indexed column: three of them fit an index entry, which PostgreSQL limits to 2,704 bytes.
const KEY_BYTES_MAX: usize = 512;

/// An envelope and what it says.
pub(super) struct Entry<'a> {
    pub(super) envelope: &'a Envelope,
    pub(super) id: String,
    pub(super) payload: Arc<Payload>,
}

impl<'a> Entry<'a> {
    /// Every envelope that is not a replay of one stored before.
    pub(super) fn fresh(batch: &'a Batch) -> Vec<Self> {
        Self::chosen(batch, |envelope| !envelope.is_replay())
    }

    /// The envelopes that are asked for; the bodies of the others are not read.
    pub(super) fn chosen(batch: &'a Batch, wanted: impl Fn(&Envelope) -> bool) -> Vec<Self> {
        batch.envelopes.iter().filter(|envelope| wanted(envelope)).map(Self::of).collect()
    }

    fn of(envelope: &'a Envelope) -> Self {
        Self { envelope, id: envelope.id.to_string(), payload: envelope.payload() }
    }

    /// What the body says.
    pub(super) fn value(&self) -> &Value {
        &self.payload.value
    }

    /// What the body says as text for the column `mended`; none when there is nothing to show, and when the view reads it
    /// from the log.
    pub(super) fn mended(&self) -> Option<String> {
        if self.payload.verbatim {
            return None;
        }
        // Not handed over as a value: its conversion runs in code that only release builds optimise, at ten times the
        // cost of all the rest for a body of 25 MB.
        self.payload.jsonb().map(Value::to_string)
    }

    /// The flags as one text, for `string_to_array`.
    pub(super) fn flags(&self) -> String {
        flags(self.envelope)
    }

    /// The size of the body.
    pub(super) fn body_bytes(&self) -> i32 {
        body_bytes(self.envelope)
    }
}

/// An envelope's flags as one text, for `string_to_array`.
pub(super) fn flags(envelope: &Envelope) -> String {
    envelope.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>().join(",")
}

/// The size of an envelope's body.
pub(super) fn body_bytes(envelope: &Envelope) -> i32 {
    i32::try_from(envelope.body.len()).unwrap_or(i32::MAX)
}

/// A text for an indexed column; none when it is too long for one, which no real name is.
pub(super) fn key(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.len() <= KEY_BYTES_MAX)
}

/// As much of a text as an indexed column takes, where the column must not be NULL.
pub(super) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(KEY_BYTES_MAX)]
}

/// The number at a JSON pointer if it is whole, however it is written (`2` or `2.0`).
pub(super) fn whole(value: &Value, pointer: &str) -> Option<i64> {
    /// Beyond 2^53 a floating number does not say which whole number it is.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let found = value_at(value, pointer)?;
    found.as_i64().or_else(|| {
        let number = found.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < EXACT_MAX)?;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
        Some(number as i64)
    })
}

/// Reads times, and remembers which fields held something that is not one (RELIABILITY B65).
pub(super) struct Times<'a> {
    value: &'a Value,
    odd: Vec<&'static str>,
}

impl<'a> Times<'a> {
    pub(super) const fn of(value: &'a Value) -> Self {
        Self { value, odd: Vec::new() }
    }

    /// The time at a JSON pointer, as RFC 3339 text or as milliseconds since 1970.
    pub(super) fn at(&mut self, pointer: &'static str) -> Option<Timestamp> {
        let found = value_at(self.value, pointer).filter(|found| !found.is_null())?;
        let time = time(found);
        if time.is_none() {
            self.odd.push(pointer.trim_start_matches('/'));
        }
        time
    }

    /// The fields that held something else.
    pub(super) fn odd_fields(self) -> Value {
        self.odd.into()
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    let time = match value {
        Value::String(text) => DateTime::parse_from_rfc3339(text.trim()).ok()?.to_utc(),
        Value::Number(millis) => DateTime::from_timestamp_millis(millis.as_i64()?)?,
        _ => return None,
    };
    (1..=9999).contains(&time.year()).then_some(time)
}

/// The list at a JSON pointer; empty when there is none.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value_at(value, pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The texts under `name` of the objects in a list, as a JSON list for a `text[]` column.
pub(super) fn names(list: Option<&Value>) -> Value {
    let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.get("name").filter(|name| name.is_string())).cloned().collect()
}

/// Declares the row of a table and how a batch of rows is inserted: one array for each field, in their order, as the
/// parameters of one statement. Written once here, because a statement with fifty parameters in an order kept by hand
/// in three places would go wrong.
macro_rules! row {
    (struct $row:ident<$life:lifetime> inserted by $statement:literal { $($field:ident: $type:ty,)+ }) => {
        struct $row<$life> {
            $($field: $type,)+
        }

        impl<$life> $row<$life> {
            const INSERT: &'static str = include_str!($statement);

            async fn insert(rows: &[Self], transaction: &tokio_postgres::Transaction<'_>) -> Result<(), $crate::consumer::Error> {
                if rows.is_empty() {
                    return Ok(());
                }
                $(let $field: Vec<_> = rows.iter().map(|row| &row.$field).collect();)+
                // Prepared anew for each batch: a rebuild swaps the table that the name means.
                let statement = transaction.prepare(Self::INSERT).await?;
                transaction.execute(&statement, &[$(&$field),+]).await?;
                Ok(())
            }
        }
    };
}
pub(crate) use row;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn odd_times_are_none_and_named() {
        let value = json!({
            "good": "2026-11-17T10:00:21Z", "offset": "2026-11-17T10:00:21.5+09:00", "millis": 1_794_819_731_482_i64,
            "zero": "0000-01-01T00:00:00Z", "far": 1e15 as i64, "farther": i64::MAX, "words": "yesterday", "list": [], "null": null,
            "leap": "2016-12-31T23:59:60Z", "last": "9999-12-31T23:59:59Z",
        });
        let mut times = Times::of(&value);
        for pointer in ["/good", "/offset", "/millis", "/leap", "/last"] {
            assert!(times.at(pointer).is_some(), "{pointer}");
        }
        for pointer in ["/zero", "/far", "/farther", "/words", "/list", "/null", "/absent"] {
            assert_eq!(times.at(pointer), None, "{pointer}");
        }
        assert_eq!(times.odd_fields(), json!(["zero", "far", "farther", "words", "list"]));
    }

    #[test]
    fn whole_numbers_however_written() {
        let value = json!({"a": 2, "b": 2.0, "c": 2.5, "d": u64::MAX, "e": "2", "f": 1e300});
        assert_eq!(["/a", "/b", "/c", "/d", "/e", "/f"].map(|pointer| whole(&value, pointer)), [Some(2), Some(2), None, None, None, None]);
    }

    #[test]
    fn keys_are_bounded() {
        let long = "é".repeat(300);
        assert_eq!(key(Some(&long)), None);
        assert_eq!(cut(&long).chars().count(), 256);
        assert_eq!(key(Some("HEL-42")), Some("HEL-42"));
    }
}
