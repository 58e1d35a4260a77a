//! Consumers that keep PostgreSQL tables, each answering one question; and the read half of the main one.
//!
//! | projector | table | question |
//! |---|---|---|
//! | [`EventTable`] | `events` | what happened, whoever told us |
//! | [`GithubTable`] | `github_events` | … at GitHub, in typed columns |
//! | [`LinearTable`] | `linear_events` | … in Linear |
//! | [`SlackTable`] | `slack_events` | … in Slack |
//! | [`DeploymentTable`] | `deployment_events` | what was deployed where, by own events and by GitHub's |
//! | [`DeliveryTable`] | `received_deliveries` | how each delivery came in, and how long it took |
//! | [`EntityTables`] | `pull_requests`, `issues`, … | what repositories, pull requests, issues, messages, … are now, and were |
//! | [`PeopleTables`] | `people`, `person_identities` | which accounts are the same human, and what says so |
//! | [`ValidationTables`] | `event_validations` | does the payload look as its sender documents it |
//!
//! ```text
//! log ─500→ Entry: body read once ─→ rows, one per envelope ─→ one COPY per table and batch (`db::rows`)
//! ```
//!
//! Rows hold typed columns; those of the platforms' tables are described in `domain::columns`. The payload that people see
//! beside them is read from the log by the views over these tables (decision 0014); only what `jsonb` does not take as it
//! came is kept here, mended.
//!
//! A row is a pure function of its envelope; what a column cannot hold is NULL, never an error, so that no content can
//! stop a projector. [`EntityTables`] computes what is now from such rows. Replays (RELIABILITY B17) are in
//! `received_deliveries` with their flag and nowhere else. [`query`] reads `events` for whoever serves them. Deliberately
//! absent: counts and summaries; those are views over these tables.

mod deliveries;
mod deployment;
mod entities;
mod entry;
mod events;
mod github;
mod linear;
pub mod people;
pub mod query;
mod slack;
mod typed;
pub mod validation;

pub use deliveries::DeliveryTable;
pub use deployment::DeploymentTable;
pub use entities::EntityTables;
pub use events::EventTable;
pub use github::GithubTable;
pub use linear::LinearTable;
pub use people::PeopleTables;
pub use slack::SlackTable;
pub use validation::ValidationTables;
