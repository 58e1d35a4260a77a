//! Chance that is the same at every run: `SplitMix64` (Steele, Lea, Flood 2014), and only arithmetic that gives the same
//! result on every machine.

use uuid::Uuid;

use super::json::Put;

/// A stream of numbers that looks random and depends on nothing but its seed.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// A stream of its own for each purpose, so that asking for more of one changes nothing in another.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut chance = Self(seed ^ purpose.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        chance.next();
        chance
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1).max(1) as u64) as i64
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A waiting time with this mean, mostly shorter and sometimes up to four times as long.
    pub fn wait(&mut self, mean: i64) -> i64 {
        let skewed = self.unit() * self.unit() * 4.0;
        (mean as f64 * skewed) as i64 + 1
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub fn uuid(&mut self) -> Uuid {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    pub fn sha(&mut self) -> Sha {
        Sha([self.next(), self.next(), self.next() >> 32])
    }
}

/// The hash of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha([u64; 3]);

impl Sha {
    /// What stands for "nothing was there".
    pub const NONE: Self = Self([0; 3]);
}

impl std::fmt::Display for Sha {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}{:016x}{:08x}", self.0[0], self.0[1], self.0[2])
    }
}

impl Put for Sha {
    fn put(&self, out: &mut String) {
        use std::fmt::Write;
        let _ = write!(out, "\"{self}\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        // The reference implementation's first numbers for the seed 1234567 (https://prng.di.unimi.it/splitmix64.c).
        let mut chance = Chance(1_234_567);
        assert_eq!([chance.next(), chance.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn waits_have_their_mean() {
        let mut chance = Chance::new(1, 1);
        let mean = (0..20_000).map(|_| chance.wait(1000)).sum::<i64>() / 20_000;
        assert!((900..1100).contains(&mean), "{mean}");
    }
}
