//! The words of the system. No input or output, nothing asynchronous, nothing of ours is imported here.
//!
//! An [`Envelope`] is one entry of the log; its place there is a [`Position`], its name an [`EventId`]. What it says is
//! read by [`Payload`], never by the writer (decision D9); which kind of event it is, is an [`EventKind`]. What the log no
//! longer says, and everyone has to forget, are its [`Places`]. [`columns`] are what tables show of an event; [`subject`] names what
//! it is about.

pub mod clock;
pub mod columns;
pub mod envelope;
pub mod facts;
pub mod ids;
pub mod json;
pub mod kind;
pub mod payload;
pub mod places;
pub mod position;
pub mod subject;

pub use clock::Clock;
pub use envelope::{Envelope, OWN_SOURCE};
pub use facts::{Facts, Priority};
pub use ids::{EventId, Tenant};
pub use json::Json;
pub use kind::{EventKind, KindPattern};
pub use payload::{ParseStatus, Payload};
pub use places::{Places, Range};
pub use position::{Position, Span};
