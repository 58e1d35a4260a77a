//! The lake: the whole log as one Delta table that any engine reads, and SQL over it and the newest events as one.
//!
//! ```text
//! log ─20,000 entries or 16 MB→ Exporter ─one Delta commit, its txn is the position→ <lake>/events/day=…/*.parquet
//!  │                                                                                      ↓ position ≤ W
//!  └── hot tail: (W, head], in spans ──────────────────────────────────────────────→ Engine: table `events` → Answer
//! ```
//!
//! The [`Exporter`] is a consumer of the log: what it adds and its position are one commit of the Delta log, so the
//! table holds the log through that position, exactly once (I6, decision D10). Small files are joined beside it (`join.rs`) and unused ones
//! removed as it goes. The [`Engine`] answers SQL over one tenant's events: the lake through the position W of the very
//! snapshot it reads, and the log after W, with a [`Receipt`] that says how far the answer goes (decision D11).
//! The views of the platforms have the columns of PostgreSQL's tables of the same names (`platforms.rs`, decision 0020); what
//! else projections and views keep in PostgreSQL can be asked in the same question, by its name there (decision 0021).
//! [`guard`] says what is a question; everything else is refused before it is planned (decision D13).
//!
//! On a local disk, data files are synced before the commit that names them and the commit before the consumer moves
//! on; a commit that a power loss tore is set aside at the next start and written again from the log. Checksums are kept
//! of each data file (`sums.rs`), and every byte of one that is read is held against them (`checked.rs`, `store.rs`): a file
//! that is missing, cut short, another's, or has a bit flipped is an error that names it, and a rebuild heals it.
//!
//! Deliberately absent: any way to write through SQL, to name a file or another tenant in it, or to have PostgreSQL run
//! what a question says: it is told names of its own catalog and bound values, and nothing else. Event text is anyone's: it is returned as data, and whoever shows it must treat it so.

pub mod answer;
mod bounded;
mod checked;
mod confined;
mod dialect;
pub mod engine;
mod error;
pub mod exporter;
pub mod forget;
pub mod guard;
mod join;
mod patience;
mod platforms;
mod relations;
pub mod schema;
mod session;
mod size;
mod splice;
mod store;
mod sums;
mod table;
mod tail;
mod upkeep;
mod weight;
mod words;

use std::path::Path;

pub use answer::{Answer, Receipt};
pub use engine::{Engine, Limits, QueryOptions};
pub use error::Error;
pub use exporter::Exporter;
pub use relations::Keepers;
pub use table::Location;

/// `[lake]`: where the lake is.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A directory, as a path or a `file://` URL; empty for `lake` in the data directory.
    pub url: String,
}

impl Settings {
    /// Where the table is.
    ///
    /// # Errors
    /// When the directory cannot be made, or the URL is of a store that this build does not reach.
    pub fn location(&self, data_dir: &Path) -> Result<Location, Error> {
        Location::new(&self.url, data_dir)
    }
}
