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
    /// How many of something: a whole number from 0 to 100,000.
    Count,
    /// A number with a fraction.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A moment: RFC 3339, or a day, which is its beginning in UTC.
    Time,
}

/// The most of anything: so many days are 273 years, which PostgreSQL's calendar has, and its whole numbers hold it.
const COUNT_MAX: i64 = 100_000;
/// What stands between the words of a choice.
const OR: char = '|';

const KINDS: &[(&str, Kind)] =
    &[("text", Kind::Text), ("integer", Kind::Integer), ("count", Kind::Count), ("number", Kind::Number), ("boolean", Kind::Boolean), ("time", Kind::Time)];

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
    /// The words of which it is one, whatever the case; empty where it may be any value of its kind.
    pub choices: Vec<String>,
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
            Self::Count => match value.map(str::parse).transpose().ok()? {
                Some(count) if !(0..=COUNT_MAX).contains(&count) => return None,
                count => Bound::Integer(count),
            },
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
    /// Reads `$1 days count = 30: how far back`; in GraphQL, whose variables have names, `$days count = 30: …`. Words with `|`
    /// between stand for a text that is one of them: `$1 period day|week|month = week: …`.
    pub(super) fn read(line: &str, is_named: bool, place: usize) -> Result<Self, String> {
        let wrong = || format!("the parameter {line:?} is not written as `$1 name type = default: what it means`");
        let (head, meaning) = line.split_once(": ").ok_or_else(wrong)?;
        let (head, default) = head.split_once(" = ").map_or((head, None), |(head, default)| (head, Some(default.to_owned())));
        let mut words = head.split_whitespace();
        let first = words.next().and_then(|word| word.strip_prefix('$')).ok_or_else(wrong)?;
        let name = if is_named { first } else { words.next().filter(|_| first == place.to_string()).ok_or_else(wrong)? };
        let (kind, choices) = match words.next().ok_or_else(wrong)? {
            choices if choices.contains(OR) => (Kind::Text, choices.split(OR).map(str::to_owned).collect()),
            word => (KINDS.iter().find(|(known, _)| *known == word).ok_or_else(wrong)?.1, Vec::new()),
        };
        let presence = match (words.next(), default) {
            (None, Some(default)) => Presence::Default(default),
            (Some("optional"), None) => Presence::Optional,
            (None, None) => Presence::Required,
            _ => return Err(wrong()),
        };
        let parameter = Self { name: name.to_owned(), kind, choices, presence, meaning: meaning.to_owned() };
        match &parameter.presence {
            Presence::Default(default) if parameter.bound(Some(default)).is_none() => Err(wrong()),
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
        let refused = || Error::Parameter(format!("--param {}={}: is {}", self.name, value.unwrap_or_default(), self.other()));
        self.bound(value).ok_or_else(refused)
    }

    fn bound(&self, value: Option<&str>) -> Option<Bound> {
        match value {
            Some(word) if !self.choices.is_empty() => self.kind.bound(Some(self.choices.iter().find(|choice| choice.eq_ignore_ascii_case(word))?)),
            value => self.kind.bound(value),
        }
    }

    /// What a value is that is refused.
    fn other(&self) -> String {
        match (self.choices.is_empty(), self.kind) {
            (false, _) => format!("none of {}", self.choices.join(", ")),
            (true, Kind::Count) => format!("no whole number from 0 to {COUNT_MAX}"),
            (true, kind) => format!("no {}", kind.as_str()),
        }
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
        assert!(read("$1 period day|week = month: x").is_err(), "a default that is no choice");
        assert!(read("$1 days count = -1: x").is_err());
    }

    #[test]
    fn a_word_that_is_no_choice_and_a_count_out_of_range_are_refused_with_what_may_be() {
        let period = Parameter::read("$1 period day|week|month = week: how long one is", false, 1).expect("well written");
        assert_eq!(period.bind(Some("Month")).expect("a choice"), Bound::Text(Some("month".to_owned())));
        assert_eq!(period.bind(None).expect("the default"), Bound::Text(Some("week".to_owned())));
        for odd in ["weeks", "", "day|week"] {
            assert_eq!(period.bind(Some(odd)).expect_err(odd).to_string(), format!("--param period={odd}: is none of day, week, month"));
        }
        let kind = Parameter::read("$1 kind issue|pull_request optional: which", false, 1).expect("well written");
        assert_eq!(kind.bind(None).expect("none"), Bound::Text(None));
        let days = Parameter::read("$1 days count = 30: how far back", false, 1).expect("well written");
        assert_eq!(days.bind(Some("100000")).expect("a count"), Bound::Integer(Some(100_000)));
        for odd in ["-1", "-5", "100001", "99999999999999999999", "1.5"] {
            assert_eq!(days.bind(Some(odd)).expect_err(odd).to_string(), format!("--param days={odd}: is no whole number from 0 to 100000"));
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
