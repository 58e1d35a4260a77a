//! Every promise of the README and the design, tried on a real PostgreSQL: one file a promise.

mod correlation;
mod fold;
mod harness;
mod projections;
