//! How long an envelope is kept.

use std::collections::BTreeMap;

use chrono::Duration;
use serde::Deserialize;

use crate::domain::OWN_SOURCE;

/// The longest time over which a sender may deliver again: providers offer at most 30 days of deliveries to send anew.
/// Until then keys stay, and with them the partition.
pub const REDELIVERY_DAYS: u32 = 30;

/// What becomes of the lake's rows when their time in the log is up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lake {
    /// It forgets them as everyone does.
    #[default]
    Forget,
    /// It keeps them, until it is rebuilt.
    Keep,
}

/// A hundred years.
const DAYS_MAX: u32 = 36_500;

/// `[retention]`: how long envelopes are kept, in days; 0 for ever.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Of whom nothing else is said.
    pub days: u32,
    /// By source.
    pub sources: BTreeMap<String, u32>,
    /// By tenant.
    pub tenants: BTreeMap<String, u32>,
    /// What becomes of the lake's rows.
    pub lake: Lake,
}

impl Settings {
    /// How long envelopes of this tenant and source are kept; none for ever. What is said of a source or tenant counts
    /// more than what is said of all; of both, the shorter.
    #[must_use]
    pub fn kept_for(&self, tenant: &str, source: &str) -> Option<Duration> {
        if source == OWN_SOURCE {
            return None;
        }
        let special = [self.sources.get(source), self.tenants.get(tenant)].into_iter().flatten();
        let days = special.map(|days| if *days == 0 { u32::MAX } else { *days }).min().unwrap_or(if self.days == 0 { u32::MAX } else { self.days });
        (days != u32::MAX).then(|| Duration::days(i64::from(days)))
    }

    /// The shortest time that is set; none when everything is kept for ever.
    #[must_use]
    pub fn shortest(&self) -> Option<Duration> {
        let all = self.sources.values().chain(self.tenants.values()).chain([&self.days]);
        all.copied().filter(|days| *days > 0).min().map(|days| Duration::days(i64::from(days)))
    }

    /// What is wrong with them.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if self.sources.contains_key(OWN_SOURCE) {
            return Some(format!("setting retention.sources.{OWN_SOURCE}: hooklake's own records are settings and proofs; they stay"));
        }
        let of_sources = self.sources.iter().map(|(name, days)| (format!("sources.{name}"), *days));
        let of_tenants = self.tenants.iter().map(|(name, days)| (format!("tenants.{name}"), *days));
        let mut all = std::iter::once(("days".to_owned(), self.days)).chain(of_sources).chain(of_tenants);
        let (name, _) = all.find(|(_, days)| *days > DAYS_MAX)?;
        Some(format!("setting retention.{name}: must be 0, which keeps for ever, to {DAYS_MAX} days"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        toml::from_str(text).expect("settings")
    }

    #[test]
    fn the_more_special_setting_counts() {
        let settings = settings("days = 365\nlake = \"keep\"\n[sources]\ngithub = 90\nslack = 0\n[tenants]\nacme = 30\n");
        let days = |tenant, source| settings.kept_for(tenant, source).map(|kept| kept.num_days());
        assert_eq!(days("default", "linear"), Some(365));
        assert_eq!(days("default", "github"), Some(90));
        assert_eq!(days("default", "slack"), None);
        assert_eq!(days("acme", "github"), Some(30));
        assert_eq!(days("acme", "slack"), Some(30));
        assert_eq!(days("acme", "hooklake"), None, "own records stay");
        assert_eq!(settings.shortest().map(|kept| kept.num_days()), Some(30));
    }

    #[test]
    fn a_time_that_no_calendar_has_is_refused() {
        let fault = |text| settings(text).fault();
        assert_eq!(fault("days = 36500\nlake = \"keep\"\n[sources]\ngithub = 0\n[tenants]\n"), None);
        for text in ["days = 36501\nlake = \"keep\"\n[sources]\n[tenants]\n", "days = 90\nlake = \"keep\"\n[sources]\ngithub = 100000000\n[tenants]\n"] {
            assert!(fault(text).is_some_and(|fault| fault.contains("0, which keeps for ever")), "{text}");
        }
    }

    #[test]
    fn nothing_goes_unless_it_is_said() {
        let settings = settings("days = 0\nlake = \"forget\"\n[sources]\n[tenants]\n");
        assert_eq!(settings.kept_for("default", "github"), None);
        assert_eq!(settings.shortest(), None);
    }
}
