//! What projections and views keep in PostgreSQL, as tables of a question: entities, people, links, stories, metrics.
//!
//! ```text
//! the question's threads                        where the pool lives
//! RelationTable ─plan→ RelationExec ──Wish──→ serve: one transaction a question ─portal→ rows, a chunk at a time
//! ```
//!
//! Names and columns are those that `codegen_readonly` sees ([`catalog`]). One transaction reads everything that a question
//! names, as of one moment and as that role: read-only, for as long as the question may take. Columns, conditions and
//! limits go to PostgreSQL, as names that we quote and values that are bound ([`filter`]); nothing else of a question
//! does. Every row is confined to the asking tenant there. [`columns`] says which type becomes which, and the table
//! [`documentation`] what everything means.

mod catalog;
mod columns;
mod documentation;
mod filter;
mod held;
mod serve;
mod table;

pub use catalog::Keepers;
pub(super) use catalog::Standing;
pub(super) use documentation::{DOCUMENTATION, Documentation};
pub(super) use serve::{Asked, Door, door, serve};
pub(super) use table::RelationTable;

/// A name as PostgreSQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
