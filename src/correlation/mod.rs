//! What belongs together: pull requests and the issues they are for, messages about them, their commits, and where
//! those were deployed.
//!
//! [`rules`] are pure: a payload gives the [`Subject`](rules::Subject)s that the event is about and the
//! [`Link`](rules::Link)s that it gives evidence for. The [`correlator`] writes both down; [`query`] answers what is
//! linked with an event.
//!
//! ```text
//! log ─500→ rules ─→ event_subjects: event ↔ subject
//!                ├─→ event_correlations: subject ↔ subject, with the words that say so
//!                └─→ linear_teams: which identifiers are issues (HEL-42) and which only look like it (UTF-8)
//! ```
//!
//! A link is between subjects, not events, so it does not matter which of the two came first. What only looks like an
//! issue is written down too and shown once its team is known: so the tables are a pure fold of the log, whatever the
//! order in which teams appear. Rules of one's own come from the
//! settings ([`Settings`]). Deliberately absent: guesses by time or by likeness of words.

pub mod correlator;
pub mod query;
pub mod rules;

pub use correlator::CorrelationTables;
pub use rules::{Rules, Settings};
