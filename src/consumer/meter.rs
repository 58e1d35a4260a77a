//! How far a rebuild is, how fast it goes, and when it will be done.

use std::fmt;
use std::time::{Duration, Instant};

use crate::domain::Position;

/// Measures one rebuild from its first report on.
#[derive(Debug)]
pub struct Meter {
    started: Instant,
    from: Option<Position>,
}

/// How a rebuild stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The position through which the copy is filled.
    pub position: Position,
    /// Where the log ends.
    pub head: Position,
    /// Envelopes a second since this process began; none before the first came.
    pub per_second: Option<f64>,
    /// How long the rest takes at that rate.
    pub remaining: Option<Duration>,
}

impl Default for Meter {
    fn default() -> Self {
        Self { started: Instant::now(), from: None }
    }
}

impl Meter {
    /// What a report means.
    pub fn note(&mut self, position: Position, head: Position) -> Progress {
        let from = *self.from.get_or_insert(position);
        Progress::after(self.started.elapsed(), from, position, head)
    }
}

impl Progress {
    fn after(elapsed: Duration, from: Position, position: Position, head: Position) -> Self {
        let done = from.distance_to(position) as f64;
        let per_second = (done > 0.0 && !elapsed.is_zero()).then(|| done / elapsed.as_secs_f64());
        let left = position.distance_to(head) as f64;
        let remaining = per_second.and_then(|rate| Duration::try_from_secs_f64(left / rate).ok());
        Self { position, head, per_second, remaining }
    }

    /// How much is done, in percent.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let share = if self.head == Position::START { 1.0 } else { self.position.get() as f64 / self.head.get() as f64 };
        (share.clamp(0.0, 1.0) * 100.0) as u8
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ({} %)", self.position, self.head, self.percent())?;
        if let Some(rate) = self.per_second {
            write!(f, ", {rate:.0}/s")?;
        }
        match self.remaining.map(|left| left.as_secs()) {
            Some(seconds) if seconds >= 3600 => write!(f, ", {} h {} min to go", seconds / 3600, seconds % 3600 / 60),
            Some(seconds) if seconds >= 60 => write!(f, ", {} min {} s to go", seconds / 60, seconds % 60),
            Some(seconds) => write!(f, ", {seconds} s to go"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(seconds: u64, from: i64, position: i64, head: i64) -> String {
        Progress::after(Duration::from_secs(seconds), Position::new(from), Position::new(position), Position::new(head)).to_string()
    }

    #[test]
    fn the_rate_is_that_of_this_process() {
        assert_eq!(said(0, 0, 0, 100), "0 of 100 (0 %)");
        assert_eq!(said(2, 0, 40_000, 100_000), "40000 of 100000 (40 %), 20000/s, 3 s to go");
        assert_eq!(said(2, 50_000, 60_000, 100_000), "60000 of 100000 (60 %), 5000/s, 8 s to go");
        assert_eq!(said(10, 0, 1_000, 100_000), "1000 of 100000 (1 %), 100/s, 16 min 30 s to go");
        assert_eq!(said(10, 0, 10, 100_000), "10 of 100000 (0 %), 1/s, 27 h 46 min to go");
        assert_eq!(said(1, 0, 0, 0), "0 of 0 (100 %)");
        assert_eq!(said(1, 0, 9, 5), "9 of 5 (100 %), 9/s, 0 s to go");
    }
}
