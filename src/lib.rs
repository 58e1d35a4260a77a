//! **hooklake** keeps every webhook it receives, byte for byte, in an append-only log, and answers questions about them.
//!
//! *Sources append to the log. Everything else is a consumer of the log with a checkpoint: projectors, correlator,
//! search index, lake exporter. Serving reads the results.* So every table, index and file can be thrown away and
//! rebuilt by replay; what cannot is the log, and it is guarded.
//!
//! Read [`log`] next, then [`registry`]: every source and every consumer has one line there. The modules, in reading
//! order:

pub mod domain;

pub mod db;

pub mod log;

pub mod sources;

pub mod consumer;

pub mod projectors;

pub mod correlation;

pub mod search;

pub mod lake;

pub mod retention;
pub mod saved;

pub mod operate;

pub mod reader;

pub mod proof;

pub mod serve;

pub mod registry;

pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod failpoint;
pub mod simulate;
pub mod tasks;
pub mod telemetry;
