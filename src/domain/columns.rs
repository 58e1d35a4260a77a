//! The columns of the platforms' tables, and how each is read from an event: written once, so that PostgreSQL's tables
//! (`src/projectors`) and the lake's views of the same names (`src/lake/platforms.rs`) have the same columns and the
//! same values in them (decision 0020).
//!
//! A column is a name and a function of what came: the body, the headers that are kept, and the type. What an event does
//! not say is absent, as is what a column cannot hold; nothing is guessed and nothing fails. Columns hold no secrets:
//! tokens, and addresses that let whoever has them act (`response_url`, `trigger_id`), stay in the payload.

pub mod deployment;
pub mod github;
pub mod linear;
pub mod slack;

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate};

use super::clock::Timestamp;
use super::envelope::{Envelope, Headers};
use super::facts::{first_text, text};
use super::json::Json;

/// The longest text of an indexed column: three of them fit an index entry, which PostgreSQL limits to 2,704 bytes.
const KEY_BYTES_MAX: usize = 512;

/// What columns are read from.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// `github`, `linear`, `slack`, `deployment`, ….
    pub source: &'a str,
    /// The type as noted at receipt.
    pub event_type: &'a str,
    /// The headers that may be kept.
    pub headers: &'a Headers,
    /// What the body says; `null` when it could not be read.
    pub payload: Json<'a>,
}

/// A column of a platform's table.
#[derive(Debug, Clone, Copy)]
pub struct Column(
    /// Its name.
    pub &'static str,
    /// How its values are read.
    pub Read,
);

/// How the values of a column are read from an event, by their type.
#[derive(Clone, Copy)]
pub enum Read {
    /// Text of the event.
    Text(for<'a> fn(&Event<'a>) -> Option<&'a str>),
    /// Text that is put together from the event.
    Made(fn(&Event<'_>) -> Option<String>),
    /// A whole number.
    Whole(fn(&Event<'_>) -> Option<i64>),
    /// A number.
    Number(fn(&Event<'_>) -> Option<f64>),
    /// True or false.
    Flag(fn(&Event<'_>) -> Option<bool>),
    /// A moment.
    Time(fn(&Event<'_>) -> Option<Timestamp>),
    /// A day of the calendar.
    Day(fn(&Event<'_>) -> Option<NaiveDate>),
    /// Texts; none is an empty list.
    Texts(fn(&Event<'_>) -> Vec<String>),
    /// A piece of JSON, as text.
    Piece(fn(&Event<'_>) -> Option<String>),
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) | Self::Made(_) => "text",
            Self::Whole(_) => "whole",
            Self::Number(_) => "number",
            Self::Flag(_) => "flag",
            Self::Time(_) => "time",
            Self::Day(_) => "day",
            Self::Texts(_) => "texts",
            Self::Piece(_) => "json",
        })
    }
}

impl<'a> Event<'a> {
    /// An envelope, and what its body says.
    #[must_use]
    pub fn of(envelope: &'a Envelope, payload: Json<'a>) -> Self {
        Self { source: &envelope.source, event_type: &envelope.event_type, headers: &envelope.headers, payload }
    }

    fn at(&self, pointer: &str) -> Option<&'a str> {
        text(self.payload, pointer)
    }

    fn first(&self, pointers: &[&str]) -> Option<&'a str> {
        first_text(self.payload, pointers)
    }

    fn flag(&self, pointer: &str) -> Option<bool> {
        self.payload.at(pointer).and_then(Json::as_bool)
    }

    fn whole(&self, pointers: &[&str]) -> Option<i64> {
        pointers.iter().find_map(|pointer| whole(self.payload, pointer))
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)
    }

    /// The first of these pointers that holds something other than null.
    fn any(&self, pointers: &[&str]) -> Option<Json<'a>> {
        pointers.iter().find_map(|pointer| self.payload.at(pointer).filter(|found| !found.is_null()))
    }
}

/// A text for an indexed column; none when it is too long for one, which no real name is.
#[must_use]
pub fn key(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.len() <= KEY_BYTES_MAX)
}

/// As much of a text as an indexed column takes, where the column must not be NULL.
#[must_use]
pub fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(KEY_BYTES_MAX)]
}

/// The number at a JSON pointer if it is whole, however it is written (`2` or `2.0`).
#[must_use]
pub fn whole(value: Json<'_>, pointer: &str) -> Option<i64> {
    /// Beyond 2^53 a floating number does not say which whole number it is.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let found = value.at(pointer)?;
    found.as_i64().or_else(|| {
        let number = found.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < EXACT_MAX)?;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
        Some(number as i64)
    })
}

/// The moment that a value names: RFC 3339 text, or milliseconds since 1970; none beyond the years 1 to 9999.
#[must_use]
pub fn time(value: Json<'_>) -> Option<Timestamp> {
    let time = match value.as_str() {
        Some(text) => DateTime::parse_from_rfc3339(text.trim()).ok()?.to_utc(),
        None => DateTime::from_timestamp_millis(value.as_i64()?)?,
    };
    (1..=9999).contains(&time.year()).then_some(time)
}

/// What the list at a JSON pointer holds; nothing when there is none.
pub fn list<'a>(value: Json<'a>, pointer: &str) -> impl Iterator<Item = Json<'a>> + use<'a> {
    value.at(pointer).map(Json::items).into_iter().flatten()
}

/// The day that a value names, as `2026-11-17`.
fn day(value: Json<'_>) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(value.as_str()?.trim(), "%Y-%m-%d").ok()?;
    (1..=9999).contains(&day.year()).then_some(day)
}

/// The moment at a JSON pointer.
fn time_at(value: Json<'_>, pointer: &str) -> Option<Timestamp> {
    value.at(pointer).and_then(time)
}

/// The texts under `name` of the objects in the list at a JSON pointer.
fn named(value: Json<'_>, pointer: &str, name: &str) -> Vec<String> {
    list(value, pointer).filter_map(|item| item.get(name)?.as_str()).map(str::to_owned).collect()
}

/// The texts in the list at a JSON pointer.
fn texts(value: Json<'_>, pointer: &str) -> Vec<String> {
    list(value, pointer).filter_map(Json::as_str).map(str::to_owned).collect()
}

/// Which of these fields hold something that `reads` does not read (RELIABILITY B65).
fn odd(value: Json<'_>, pointers: &[&str], reads: impl Fn(Json<'_>) -> bool) -> Vec<String> {
    let is_odd = |pointer: &&&str| value.at(pointer).is_some_and(|found| !found.is_null() && !reads(found));
    pointers.iter().filter(is_odd).map(|pointer| pointer.trim_start_matches('/').to_owned()).collect()
}

#[cfg(test)]
mod tests;
