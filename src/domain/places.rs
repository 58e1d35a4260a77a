//! Acts that take something out of the log, as the envelopes that record them say it.
//!
//! An act is an envelope of the source [`OWN_SOURCE`]. It names places and counts, who and why, and never what was
//! taken away. Whoever keeps something made from the log drops what it made from these places when it meets the act, and
//! makes it again from what the log still says: then it holds what a fresh fold of the log would give.

use uuid::Uuid;

use super::envelope::{Envelope, OWN_SOURCE};
use super::position::Position;

/// The type of envelopes that record a [`Redaction`].
pub const REDACTION: &str = "redaction";
/// The type of envelopes that record a [`Retirement`].
pub const RETENTION: &str = "retention";

/// Why bodies were taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Someone named the envelopes.
    Redact,
    /// Someone had everything erased that names a person.
    Erasure,
    /// Their time was up.
    Retention,
}

/// Bodies, or parts of them, were taken away.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Redaction {
    /// Why.
    pub cause: Cause,
    /// In words.
    pub reason: String,
    /// Who did it.
    pub by: String,
    /// Of which envelopes.
    pub positions: Vec<Position>,
    /// The parts, as JSON pointers; none for whole bodies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The erasure that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<Uuid>,
    /// Other bodies that had come under the same keys, and went too.
    #[serde(default)]
    pub conflicts: i64,
    /// True when the lake keeps what it has.
    #[serde(default)]
    pub lake_keeps: bool,
}

/// A partition's time was up: only hooklake's own records remain of these positions.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Retirement {
    /// The partition.
    pub partition: String,
    /// Who did it.
    pub by: String,
    /// The positions.
    #[serde(flatten)]
    pub range: Range,
    /// True when the lake keeps what it has.
    #[serde(default)]
    pub lake_keeps: bool,
}

/// Positions from `first` through `through`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Range {
    /// The first.
    pub first: Position,
    /// The last.
    pub through: Position,
}

/// Places whose content everyone has to forget: single positions, and whole ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Redacted envelopes, in order, each once.
    pub positions: Vec<Position>,
    /// Retired ranges.
    pub ranges: Vec<Range>,
    /// True when someone asked for it, so that it may not stay on disk for those who still read it.
    pub is_urgent: bool,
}

impl Places {
    /// What the acts among these envelopes took away.
    #[must_use]
    pub fn of(envelopes: &[Envelope]) -> Self {
        Self::chosen(envelopes, |_| true)
    }

    /// The same for the lake, which may be told to keep what it has.
    #[must_use]
    pub fn of_the_lake(envelopes: &[Envelope]) -> Self {
        Self::chosen(envelopes, |lake_keeps| !lake_keeps)
    }

    fn chosen(envelopes: &[Envelope], wanted: impl Fn(bool) -> bool) -> Self {
        let mut places = Self::default();
        for envelope in envelopes.iter().filter(|envelope| envelope.source == OWN_SOURCE) {
            match &*envelope.event_type {
                REDACTION => {
                    if let Ok(act) = serde_json::from_slice::<Redaction>(&envelope.body)
                        && wanted(act.lake_keeps)
                    {
                        places.positions.extend(act.positions);
                        places.is_urgent |= act.cause != Cause::Retention;
                    }
                }
                RETENTION => {
                    if let Ok(act) = serde_json::from_slice::<Retirement>(&envelope.body)
                        && wanted(act.lake_keeps)
                    {
                        places.ranges.push(act.range);
                    }
                }
                _ => {}
            }
        }
        places.positions.sort_unstable();
        places.positions.dedup();
        places
    }

    /// As the parameters of a statement: the positions, and the firsts and the lasts of the ranges.
    #[must_use]
    pub fn columns(&self) -> (Vec<i64>, Vec<i64>, Vec<i64>) {
        let (firsts, lasts) = self.ranges.iter().map(|range| (range.first.get(), range.through.get())).unzip();
        (self.positions.iter().map(|position| position.get()).collect(), firsts, lasts)
    }

    /// True when there is nothing to forget.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.positions.is_empty() && self.ranges.is_empty()
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.positions.extend(others.positions);
        self.positions.sort_unstable();
        self.positions.dedup();
        self.ranges.extend(others.ranges);
        self.is_urgent |= others.is_urgent;
        self
    }

    /// Those through a position.
    #[must_use]
    pub fn through(mut self, last: Position) -> Self {
        self.positions.retain(|position| *position <= last);
        self.ranges.retain(|range| range.first <= last);
        for range in &mut self.ranges {
            range.through = range.through.min(last);
        }
        self
    }

    /// True when this position is one of them.
    #[must_use]
    pub fn contain(&self, position: Position) -> bool {
        self.positions.binary_search(&position).is_ok() || self.is_in_range(position)
    }

    /// True when it is retired.
    #[must_use]
    pub fn is_in_range(&self, position: Position) -> bool {
        self.ranges.iter().any(|range| (range.first..=range.through).contains(&position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(positions: &[i64], ranges: &[(i64, i64)]) -> Places {
        Places {
            positions: positions.iter().copied().map(Position::new).collect(),
            ranges: ranges.iter().map(|(first, through)| Range { first: Position::new(*first), through: Position::new(*through) }).collect(),
            is_urgent: true,
        }
    }

    #[test]
    fn places_know_what_they_contain_and_meet() {
        let more = places(&[1, 3], &[(40, 50)]);
        let places = places(&[3, 9], &[(20, 30)]);
        for (position, is_in) in [(3, true), (4, false), (9, true), (19, false), (20, true), (30, true), (31, false)] {
            assert_eq!(places.contain(Position::new(position)), is_in, "{position}");
        }
        let clipped = places.through(Position::new(25));
        assert!(clipped.contain(Position::new(25)) && !clipped.contain(Position::new(26)));
        assert!(clipped.clone().through(Position::new(2)).is_empty());
        assert_eq!(clipped.and(more).columns(), (vec![1, 3, 9], vec![20, 40], vec![25, 50]));
    }

    #[test]
    fn a_retirement_is_written_flat() {
        let act = Retirement {
            partition: "envelopes_2026w01".to_owned(),
            by: "x".to_owned(),
            range: Range { first: Position::new(1), through: Position::new(7) },
            lake_keeps: false,
        };
        let json = serde_json::to_value(&act).expect("JSON");
        assert_eq!(json, serde_json::json!({"partition": "envelopes_2026w01", "by": "x", "first": 1, "through": 7, "lake_keeps": false}));
        assert_eq!(serde_json::from_value::<Retirement>(json).expect("an act").range, act.range);
    }
}
