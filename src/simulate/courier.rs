//! Brings deliveries in the order of their time, except for those that it is told to bring late or twice.

use std::collections::{BTreeMap, VecDeque};

use super::chance::Chance;
use super::moment::Moment;
use super::{Settings, Simulated};

/// The furthest that a delivery is brought late, in deliveries that overtake it.
const LATE_BY_MAX: i64 = 400;

/// Between who makes deliveries and who takes them.
#[derive(Debug)]
pub struct Courier {
    /// By their time, and then as they were made: an act makes some that are due a little later.
    coming: BTreeMap<(Moment, u64), Simulated>,
    /// By the count of deliveries after which each is brought.
    late: BTreeMap<(u64, u64), Simulated>,
    ready: VecDeque<Simulated>,
    disorder: f64,
    duplicates: f64,
    chance: Chance,
    made: u64,
    brought: u64,
}

impl Courier {
    pub fn new(settings: &Settings) -> Self {
        Self {
            coming: BTreeMap::new(),
            late: BTreeMap::new(),
            ready: VecDeque::new(),
            disorder: settings.disorder,
            duplicates: settings.duplicates,
            chance: Chance::new(settings.seed, 3),
            made: 0,
            brought: 0,
        }
    }

    /// Takes a delivery over.
    pub fn take(&mut self, at: Moment, delivery: Simulated) {
        self.made += 1;
        self.coming.insert((at, self.made), delivery);
    }

    /// The next one that is due, when nothing more will be made that is due before `until`; none is told when nothing
    /// more will be made at all.
    pub fn next(&mut self, until: Option<Moment>) -> Option<Simulated> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            match self.coming.first_entry() {
                Some(first) if until.is_none_or(|until| first.key().0 < until) => {
                    let delivery = first.remove();
                    self.bring(delivery);
                }
                None if until.is_none() => return self.late.pop_first().map(|(_, delivery)| delivery),
                Some(_) | None => return None,
            }
        }
    }

    fn bring(&mut self, delivery: Simulated) {
        self.brought += 1;
        if self.duplicates > 0.0 && self.chance.happens(self.duplicates) {
            self.hold(delivery.clone());
        }
        if self.disorder > 0.0 && self.chance.happens(self.disorder) {
            self.hold(delivery);
        } else {
            self.ready.push_back(delivery);
        }
        while let Some(first) = self.late.first_entry().filter(|first| first.key().0 <= self.brought) {
            self.ready.push_back(first.remove());
        }
    }

    fn hold(&mut self, delivery: Simulated) {
        let due = self.brought + self.chance.between(1, LATE_BY_MAX) as u64;
        self.made += 1;
        self.late.insert((due, self.made), delivery);
    }
}
