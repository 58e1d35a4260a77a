//! How what the log holds goes again: redaction, erasure, retention; and the legal hold that stops all three.
//!
//! ```text
//! who asks ─→ Custodian (the owner's connection) ─one transaction─→ log.redact | log.retire, and the act as an envelope
//!                                                                        ↓ the act reaches every consumer in its turn
//!                                           each drops what it made from the places, and makes it again: tables, links,
//!                                           index, lake; its checkpoint goes beyond the act in the same step
//! ```
//!
//! The [`Custodian`] is the only one who destroys anything, by functions that the application's role may not call. What it
//! does is in the log before anyone can see the effect, as an envelope that names places and never what stood there.
//! [`erase`] finds who is named ([`mention`]), redacts, waits until every consumer has gone past the act, and looks
//! everywhere again ([`traces`]). [`policy`] says how long an envelope is kept, [`schedule`] sees to it. The chain
//! commits to hashes of bodies, so it verifies after all of this.
//!
//! Deliberately absent: any way to change what an envelope says to something else, or to touch what the chain commits to.

pub mod blank;
mod custodian;
mod empty;
pub mod erase;
mod error;
pub mod hold;
pub mod mention;
pub mod policy;
pub mod redact;
pub mod schedule;
pub mod traces;

pub use custodian::Custodian;
pub use error::Error;
pub use policy::Settings;
