//! A simulated organisation: a believable stream of webhooks of people who plan, write, review, ship and talk, and the
//! truth about it.
//!
//! ```
//! use hooklake::simulate::{Organisation, Settings};
//!
//! let mut organisation = Organisation::new(&Settings { people: 8, repos: 2, days: 3, ..Settings::default() });
//! let deliveries: Vec<_> = organisation.by_ref().collect();
//! let truth = organisation.take_truth();
//! assert!(deliveries.len() > 100 && truth.links.iter().any(|link| link.kind == "pr_to_issue"));
//! ```
//!
//! [`Organisation`] keeps an agenda of turns in virtual time. People (`world`, `people`) plan work (`planning`), push and
//! open pull requests (`coding`), review and merge (`reviewing`), talk (`chat`); machines check (`checking`) and deploy
//! (`deploys`), and sometimes break something (`incidents`). What they do becomes a payload as the provider would write it
//! (`github`, `linear`, `slack`, `own`), and whatever it says is noted in the [`Truth`] in the same place. Nothing depends
//! on the clock or on the machine: the same settings give the same bytes.
//!
//! Not everything goes by the book (`digressions`): branches are brought up to date (`updating`), apps speak like people
//! (`apps`), texts name what they are not for (`asides`), issues move to
//! other teams (`moving`), what was
//! merged is taken back and brought back (`taking_back`), work is begun on top of other work (`stacking`), and some repositories
//! release what came to `develop` (`integrating`).
//!
//! Deliberately absent: what nobody asked about yet (discussions, packages, security alerts, stars).

mod apps;
mod asides;
mod chance;
mod chat;
mod checking;
mod coding;
mod courier;
mod demonstration;
mod deploys;
mod digressions;
mod github;
mod incidents;
mod integrating;
mod json;
mod linear;
mod moment;
mod moving;
mod organisation;
mod own;
mod people;
mod planning;
mod reviewing;
mod slack;
mod stacking;
mod story;
mod taking_back;
mod truth;
mod updating;
mod words;
mod world;

use crate::demo::deliveries::Delivery;
use crate::domain::clock::Timestamp;

pub use demonstration::demonstration;
pub use organisation::Organisation;
pub use truth::{Deployment, FailedChange, FlakyCheck, History, Identity, Incident, Link, Lookalike, Renamed, Review, Steps, Team, Truth, Work};

/// When a simulation begins unless told otherwise: Monday, 2026-01-05, 00:00 UTC.
const START_UNIX_S: i64 = 1_767_571_200;

/// How large bodies are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Padding {
    /// What readers look at: 3 KB on average.
    #[default]
    Lean,
    /// With all addresses and counters that GitHub spells out: 9 KB on average, GitHub's own 12 KB.
    Real,
}

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Another seed, another organisation.
    pub seed: u64,
    /// At least two; eight make a team.
    pub people: usize,
    /// Repositories, at least one.
    pub repos: usize,
    /// How many days of virtual time.
    pub days: u32,
    /// The first moment.
    pub start: Timestamp,
    /// How large bodies are.
    pub padding: Padding,
    /// Of all deliveries, the fraction that comes a second time, later.
    pub duplicates: f64,
    /// Of all deliveries, the fraction that others overtake.
    pub disorder: f64,
}

impl Default for Settings {
    fn default() -> Self {
        let start = Timestamp::from_timestamp(START_UNIX_S, 0).unwrap_or_default();
        Self { seed: 1, people: 24, repos: 6, days: 30, start, padding: Padding::Lean, duplicates: 0.0, disorder: 0.0 }
    }
}

/// A delivery, and when it was made in virtual time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// When the provider made it.
    pub at: Timestamp,
    /// What the provider sends.
    pub delivery: Delivery,
}
