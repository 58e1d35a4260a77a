//! How long answers of one kind took: counted by length, in the same memory however many there are.

use std::time::Duration;

/// Each class is so much wider than the one before: a percentile is at most 2 % too long.
const GROWTH: f64 = 1.02;
const SHORTEST: Duration = Duration::from_micros(10);
/// The last class begins at about four minutes.
const CLASSES: usize = 860;

pub struct Latencies {
    counts: Vec<u64>,
    count: usize,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; CLASSES], count: 0 }
    }
}

impl Latencies {
    pub fn add(&mut self, took: Duration) {
        let class = (took.div_duration_f64(SHORTEST).max(1.0).ln() / GROWTH.ln()) as usize;
        self.counts[class.min(CLASSES - 1)] += 1;
        self.count += 1;
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The end of the class that it is in; zero when there is none.
    pub fn percentile(&self, share: f64) -> Duration {
        let wanted = (self.count as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let class = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        class.map_or(Duration::ZERO, |class| SHORTEST.mul_f64(GROWTH.powi(class as i32 + 1)))
    }
}
