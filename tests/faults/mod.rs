//! What breaks, and what still holds afterwards: one file a kind of fault (docs/reliability.md has the table).
//!
//! A [`stage`] is the real binary with a PostgreSQL of its own. A [`load`] of senders keeps a [`ledger`], a reader
//! follows the log, a [`proxy`] is the network; after each fault all [`invariants`] are checked.

mod invariants;
mod ledger;
mod load;
mod proxy;
mod shim;
mod stage;

mod backup;
mod consumers;
mod disk;
mod expiry;
pub mod fence;
mod network;
mod postgres;
mod power;
mod server;
pub mod soak;
