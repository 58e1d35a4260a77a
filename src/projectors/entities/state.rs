//! What a snapshot says of an entity, column by column; what a column cannot hold is null, so that no content can stop
//! the projector.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};
use serde_json::{Map, Value};

use super::super::entry::{key, list, whole};
use crate::domain::Json;
use crate::domain::clock::Timestamp;
use crate::domain::facts::text;

/// How a column reads what stands at a JSON pointer.
#[derive(Debug, Clone, Copy)]
pub(super) enum As {
    /// A text of any length.
    Text,
    /// A text that an index can hold.
    Name,
    /// A whole number.
    Whole,
    /// Any number.
    Number,
    /// Yes or no.
    Flag,
    /// A time: RFC 3339, or seconds or milliseconds since 1970.
    Time,
    /// Of the items of a list, the texts at this pointer; with none, the items themselves.
    Texts(&'static str),
    /// Of the objects of a list, the whole numbers at this pointer.
    Wholes(&'static str),
}

/// A column, how it reads, and where.
pub(super) type Field = (&'static str, As, &'static str);

/// The columns that a version says, and their values.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct State(Map<String, Value>);

impl State {
    /// Reads a snapshot.
    pub(super) fn of(snapshot: Json<'_>, fields: &[Field]) -> Self {
        Self(fields.iter().map(|(column, read, pointer)| ((*column).to_owned(), read.value(snapshot, pointer))).collect())
    }

    /// A snapshot that says nothing.
    pub(super) fn empty(fields: &[Field]) -> Self {
        Self(fields.iter().map(|(column, ..)| ((*column).to_owned(), Value::Null)).collect())
    }

    /// With one more column.
    pub(super) fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.0.insert(column.to_owned(), value.into());
        self
    }

    /// With the columns of another one.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The text for a `jsonb` column, always the same for the same values.
    pub(super) fn to_json(&self) -> String {
        let mut fields: Vec<_> = self.0.iter().collect();
        fields.sort_unstable_by_key(|(column, _)| *column);
        let mut json = String::from("{");
        for (number, (column, value)) in fields.into_iter().enumerate() {
            if number > 0 {
                json.push(',');
            }
            json.push_str(&Value::from(column.as_str()).to_string());
            json.push(':');
            json.push_str(&value.to_string());
        }
        json.push('}');
        json
    }
}

impl As {
    fn value(self, snapshot: Json<'_>, pointer: &str) -> Value {
        match self {
            Self::Text => text(snapshot, pointer).into(),
            Self::Name => key(text(snapshot, pointer)).into(),
            Self::Whole => whole(snapshot, pointer).into(),
            Self::Number => snapshot.at(pointer).and_then(Json::as_f64).into(),
            Self::Flag => snapshot.at(pointer).and_then(Json::as_bool).into(),
            Self::Time => at(snapshot, pointer).map(written).into(),
            Self::Texts(inner) => list(snapshot, pointer).filter_map(|item| text(item, inner)).collect(),
            Self::Wholes(inner) => list(snapshot, pointer).filter_map(|item| whole(item, inner)).collect(),
        }
    }
}

/// A time as `jsonb` holds it.
pub(super) fn written(time: Timestamp) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// The time at a JSON pointer.
pub(super) fn at(value: Json<'_>, pointer: &str) -> Option<Timestamp> {
    /// Whole numbers below are seconds: as milliseconds they would be in 1973 or before.
    const SECONDS_MAX: i64 = 100_000_000_000;
    let found = value.at(pointer)?;
    let time = match found.as_str().map(|text| (text, text.parse::<NaiveDate>())) {
        // Some dates come without a time of day.
        Some((_, Ok(date))) => date.and_time(NaiveTime::MIN).and_utc(),
        Some((text, Err(_))) => DateTime::parse_from_rfc3339(text.trim()).ok()?.to_utc(),
        None => {
            let number = found.as_i64()?;
            let millis = if number.abs() < SECONDS_MAX { number.checked_mul(1_000)? } else { number };
            DateTime::from_timestamp_millis(millis)?
        }
    };
    (1..=9999).contains(&time.year()).then_some(time)
}

/// The latest of the times at JSON pointers.
pub(super) fn latest(value: Json<'_>, pointers: &[&str]) -> Option<Timestamp> {
    pointers.iter().filter_map(|pointer| at(value, pointer)).max()
}

/// The time that a `ts` of Slack says: seconds since 1970 with six decimals, which make it a name within the channel.
pub(super) fn of_ts(ts: &str) -> Option<Timestamp> {
    let (seconds, decimals) = ts.split_once('.').unwrap_or((ts, "0"));
    let micros: u32 = format!("{decimals:0<6}").get(..6)?.parse().ok()?;
    let time = DateTime::from_timestamp(seconds.parse().ok()?, micros.checked_mul(1_000)?)?;
    (1..=9999).contains(&time.year()).then_some(time)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::json::Document;

    #[test]
    fn what_a_column_cannot_hold_is_null() {
        let odd =
            Document::from(json!({"a": 7, "b": "x".repeat(600), "c": 1.5, "d": "yes", "e": "yesterday", "f": [{"name": 1}, {"name": "x"}, 7], "g": {"n": 1}}));
        let state = State::of(
            odd.root(),
            &[
                ("a", As::Text, "/a"),
                ("b", As::Name, "/b"),
                ("c", As::Whole, "/c"),
                ("d", As::Flag, "/d"),
                ("e", As::Time, "/e"),
                ("f", As::Texts("/name"), "/f"),
                ("g", As::Wholes("/n"), "/g"),
            ],
        );
        assert_eq!(state.to_json(), r#"{"a":null,"b":null,"c":null,"d":null,"e":null,"f":["x"],"g":[]}"#);
    }

    #[test]
    fn times_in_seconds_in_milliseconds_and_of_slack() {
        let value = Document::from(json!({"push": 1_557_933_657, "linear": 1_794_819_731_482_i64, "text": "2019-05-15T15:20:57Z", "none": null}));
        let written_at = |pointer| at(value.root(), pointer).map(written);
        assert_eq!(written_at("/push").as_deref(), Some("2019-05-15T15:20:57Z"));
        assert_eq!(written_at("/text"), written_at("/push"));
        assert_eq!(written_at("/linear").as_deref(), Some("2026-11-16T09:02:11.482Z"));
        assert_eq!(written_at("/none"), None);
        assert_eq!(of_ts("1794906080.000400").map(written).as_deref(), Some("2026-11-17T09:01:20.000400Z"));
        assert_eq!(["", "x.y", "1", "9999999999999999.1", "1.é"].map(|ts| of_ts(ts).is_some()), [false, false, true, false, false]);
    }

    #[test]
    fn the_same_values_are_the_same_text() {
        let one = State::default().with("b", 1).with("a", "x");
        let other = State::default().with("a", "x").and(State::default().with("b", 1));
        assert_eq!(one.to_json(), other.to_json());
    }
}
