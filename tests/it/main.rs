//! Every promise of the README and the design, tried on a real PostgreSQL: one file a promise.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod harness;

#[path = "../faults/mod.rs"]
mod faults;

mod access;
mod accuracy;
mod alerts;
mod cli;
mod columns;
mod compare;
mod consumers;
mod correlation;
mod damage;
mod entities;
mod entity_states;
mod erase;
mod graphql;
mod hostile;
mod instances;
mod lake;
mod limits;
mod log;
mod lookups;
mod observe;
mod overload;
mod parked;
mod payload;
mod people;
mod projections;
mod proof;
mod questions;
mod reader;
mod reader_password;
mod readme;
mod rebuild;
mod receive;
mod relations;
mod resume;
mod retention;
mod review_views;
mod rolling;
mod rows;
mod saved;
mod search;
mod simulate;
mod simulate_command;
mod sql;
mod statements;
mod stories;
mod subjects;
mod taken_back;
mod tenants;
mod validation;
mod verify;
mod views;
mod window;
