//! HTTP and GraphQL over the results.
//!
//! [`router`](mod@router) is the table of contents: one line per route, each with the door that it stands behind. A
//! handler makes three moves: extract, ask, answer. [`auth`] says who asks, [`ApiError`] turns every error into a status
//! and a problem body, [`headers`] gives each request its id and each answer its guard.
//!
//! ```text
//! request ─id, span→ route ─door→ handler ─→ read half of projectors, correlation, search, lake, proof ─→ JSON, CSV, GraphQL
//! ```
//!
//! Nothing here writes, save the admin token's hash; what people set (validation rules) goes into the log as an
//! envelope. Text that came in events is returned as data and never rendered as markup.

pub mod auth;
mod body;
mod codegen;
mod console;
mod error;
mod events;
pub mod graphql;
pub mod headers;
mod health;
pub mod ingest;
mod metrics;
mod parameters;
mod parked;
mod proof;
pub mod router;
mod search;
pub mod server;
mod sql;
mod validation;

pub use auth::{Access, AdminToken, Caller};
pub use error::ApiError;
pub use ingest::Ingest;
pub use router::{AppState, Parts, router};
