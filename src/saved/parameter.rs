//! What a saved query wants to be told: parameters with a type, read from text and bound as values.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use datafusion::common::ScalarValue;
use serde_json::{Value, json};
use tokio_postgres::types::{ToSql, Type};

use super::Error;

/// What values of a parameter are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A number with a fraction.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A moment: RFC 3339, or a day, which is its beginning in UTC.
    Time,
}

const KINDS: &[(&str, Kind)] = &[("text", Kind::Text), ("integer", Kind::Integer), ("number", Kind::Number), ("boolean", Kind::Boolean), ("time", Kind::Time)];

/// What happens when a parameter is not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// The query cannot be run.
    Required,
    /// It is NULL.
    Optional,
    /// It is this.
    Default(String),
}

/// A parameter of a saved query.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// What it is given by.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// Whether it must be given.
    pub presence: Presence,
    /// What it means.
    pub meaning: String,
}

/// A value as it is bound; NULL where there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// See [`Kind::Text`].
    Text(Option<String>),
    /// See [`Kind::Integer`].
    Integer(Option<i64>),
    /// See [`Kind::Number`].
    Number(Option<f64>),
    /// See [`Kind::Boolean`].
    Boolean(Option<bool>),
    /// See [`Kind::Time`].
    Time(Option<DateTime<Utc>>),
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    fn bound(self, value: Option<&str>) -> Option<Bound> {
        Some(match self {
            Self::Text => Bound::Text(value.map(str::to_owned)),
            Self::Integer => Bound::Integer(value.map(str::parse).transpose().ok()?),
            Self::Number => Bound::Number(value.map(str::parse).transpose().ok().filter(|number: &Option<f64>| number.is_none_or(f64::is_finite))?),
            Self::Boolean => Bound::Boolean(value.map(str::parse).transpose().ok()?),
            Self::Time => Bound::Time(match value {
                Some(text) => Some(moment(text)?),
                None => None,
            }),
        })
    }
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let day = || text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()).or_else(day)
}

impl Parameter {
    /// Reads `$1 days integer = 30: how far back`; in GraphQL, whose variables have names, `$days integer = 30: …`.
    pub(super) fn read(line: &str, is_named: bool, place: usize) -> Result<Self, String> {
        let wrong = || format!("the parameter {line:?} is not written as `$1 name type = default: what it means`");
        let (head, meaning) = line.split_once(": ").ok_or_else(wrong)?;
        let (head, default) = head.split_once(" = ").map_or((head, None), |(head, default)| (head, Some(default.to_owned())));
        let mut words = head.split_whitespace();
        let first = words.next().and_then(|word| word.strip_prefix('$')).ok_or_else(wrong)?;
        let name = if is_named { first } else { words.next().filter(|_| first == place.to_string()).ok_or_else(wrong)? };
        let kind = words.next().and_then(|word| KINDS.iter().find(|(known, _)| *known == word)).map(|(_, kind)| *kind).ok_or_else(wrong)?;
        let presence = match (words.next(), default) {
            (None, Some(default)) => Presence::Default(default),
            (Some("optional"), None) => Presence::Optional,
            (None, None) => Presence::Required,
            _ => return Err(wrong()),
        };
        let parameter = Self { name: name.to_owned(), kind, presence, meaning: meaning.to_owned() };
        match &parameter.presence {
            Presence::Default(default) if kind.bound(Some(default)).is_none() => Err(wrong()),
            _ => Ok(parameter),
        }
    }

    /// The value to bind.
    pub(super) fn bind(&self, given: Option<&str>) -> Result<Bound, Error> {
        let value = match (given, &self.presence) {
            (Some(given), _) => Some(given),
            (None, Presence::Default(default)) => Some(default.as_str()),
            (None, Presence::Optional) => None,
            (None, Presence::Required) => return Err(Error::Parameter(format!("give --param {}=…: {}", self.name, self.meaning))),
        };
        let refused = || Error::Parameter(format!("--param {}={}: is no {}", self.name, value.unwrap_or_default(), self.kind.as_str()));
        self.kind.bound(value).ok_or_else(refused)
    }
}

impl Bound {
    /// For PostgreSQL: the value with its type.
    #[must_use]
    pub fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Text(value) => (value, Type::TEXT),
            Self::Integer(value) => (value, Type::INT8),
            Self::Number(value) => (value, Type::FLOAT8),
            Self::Boolean(value) => (value, Type::BOOL),
            Self::Time(value) => (value, Type::TIMESTAMPTZ),
        }
    }

    /// For the lake.
    #[must_use]
    pub fn scalar(&self) -> ScalarValue {
        match self {
            Self::Text(value) => ScalarValue::Utf8(value.clone()),
            Self::Integer(value) => ScalarValue::Int64(*value),
            Self::Number(value) => ScalarValue::Float64(*value),
            Self::Boolean(value) => ScalarValue::Boolean(*value),
            Self::Time(value) => ScalarValue::TimestampMicrosecond(value.map(|time| time.timestamp_micros()), Some("UTC".into())),
        }
    }

    /// For GraphQL.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Text(value) => json!(value),
            Self::Integer(value) => json!(value),
            Self::Number(value) => json!(value),
            Self::Boolean(value) => json!(value),
            Self::Time(value) => json!(value.map(|time| time.to_rfc3339())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_whole_or_not_at_all() {
        let read = |line: &str| Parameter::read(line, false, 1);
        let parameter = read("$1 days integer = 30: how many: days").expect("well written");
        assert_eq!((parameter.name.as_str(), parameter.kind, parameter.meaning.as_str()), ("days", Kind::Integer, "how many: days"));
        assert_eq!(parameter.presence, Presence::Default("30".to_owned()));
        assert_eq!(read("$1 who text optional: x").expect("well written").presence, Presence::Optional);
        assert_eq!(Parameter::read("$who text: x", true, 1).expect("well written").presence, Presence::Required);
        for odd in ["$2 days integer: x", "$1 days whole: x", "$1 days integer = many: x", "$1 days integer", "$1 days integer maybe: x"] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn values_are_of_their_kind_or_refused() {
        assert_eq!(Kind::Text.bound(Some("'; DROP TABLE events; --")), Some(Bound::Text(Some("'; DROP TABLE events; --".to_owned()))));
        assert_eq!(Kind::Integer.bound(None), Some(Bound::Integer(None)));
        let day = Kind::Time.bound(Some("2026-01-31")).expect("a day");
        assert_eq!(day.json(), json!("2026-01-31T00:00:00+00:00"));
        assert_eq!(Kind::Time.bound(Some("2026-01-31T01:00:00+01:00")), Some(day));
        for (kind, odd) in [(Kind::Integer, "1.5"), (Kind::Number, "NaN"), (Kind::Boolean, "yes"), (Kind::Time, "yesterday"), (Kind::Time, "2026-02-30")] {
            assert_eq!(kind.bound(Some(odd)), None, "{odd}");
        }
    }
}
