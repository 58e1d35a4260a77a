//! Places in the log.

use std::fmt;

/// The place of an envelope in the log: 1 for the first, without gaps (decision D4).
///
/// [`Position::START`] is the place before the first envelope: what a consumer that has read nothing has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Position(i64);

impl Position {
    /// Before the first envelope.
    pub const START: Self = Self(0);

    /// A position as the database keeps it.
    #[must_use]
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// The number, as the database keeps it.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// How many envelopes lie after `self` up to and including `later`; 0 when `later` is not later.
    #[must_use]
    pub fn distance_to(self, later: Self) -> u64 {
        u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The places `(after, through]` of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The last place that is not part of it.
    pub after: Position,
    /// The last place that is.
    pub through: Position,
}

impl Span {
    /// True when there is nothing in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.through <= self.after
    }

    /// How many places it has.
    #[must_use]
    pub fn len(self) -> u64 {
        self.after.distance_to(self.through)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {}]", self.after, self.through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_never_negative() {
        assert_eq!(Position::new(3).distance_to(Position::new(10)), 7);
        assert_eq!(Position::new(10).distance_to(Position::new(3)), 0);
    }

    #[test]
    fn a_span_excludes_where_it_starts() {
        let span = Span { after: Position::new(4), through: Position::new(6) };
        assert_eq!(span.len(), 2);
        assert!(Span { after: Position::new(6), through: Position::new(6) }.is_empty());
    }
}
