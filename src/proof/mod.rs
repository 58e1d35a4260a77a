//! The log proves itself: to its operator (`hooklake verify`) and to outsiders (checkpoints and proofs).
//!
//! ```text
//! log ─→ Tree: a consumer ─→ log_tiles ─→ inclusion and consistency proofs
//!  │                            │
//!  └─ batch chain ──────────────┴──→ Notary: a signed checkpoint of both, to a file that is never overwritten
//! ```
//!
//! The chain in `log.batches` and this tree commit to the same leaves ([`crate::log::chain::Leaf`]), which commit to
//! bodies by a salted hash, so that erasing body and salt changes neither. [`merkle`], [`tile`], [`note`] and
//! [`checkpoint`] are pure; [`tree`] keeps and reads the tiles, [`notary`] signs, [`prover`] answers outsiders,
//! [`verify`] recomputes everything from the stored bytes.
//!
//! What it cannot do alone: a log that was rewritten together with its chain and its tree is consistent. Only a
//! checkpoint that was kept elsewhere gives that away.

pub mod checkpoint;
pub mod key;
pub mod merkle;
pub mod notary;
pub mod note;
pub mod prover;
mod stored;
pub mod tile;
pub mod tree;
pub mod verify;

use std::path::{Path, PathBuf};

pub use checkpoint::Checkpoint;
pub use notary::Notary;
pub use prover::Prover;
pub use tree::Tree;

use crate::db;

/// `[proof]`: signed checkpoints.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The private key; empty for `checkpoint.key` in the data directory.
    pub key_file: PathBuf,
    /// Where checkpoints are kept; empty for `checkpoints` in the data directory.
    pub checkpoint_dir: PathBuf,
    /// How often one is made, in seconds; 0 for never.
    pub checkpoint_every_seconds: u64,
}

impl Settings {
    /// Where the private key is.
    #[must_use]
    pub fn key_file(&self, data_dir: &Path) -> PathBuf {
        if self.key_file.as_os_str().is_empty() { data_dir.join("checkpoint.key") } else { self.key_file.clone() }
    }

    /// Where checkpoints are kept.
    #[must_use]
    pub fn checkpoint_dir(&self, data_dir: &Path) -> PathBuf {
        if self.checkpoint_dir.as_os_str().is_empty() { data_dir.join("checkpoints") } else { self.checkpoint_dir.clone() }
    }
}

/// The name of an installation's log: the first line of its checkpoints, and the name of its key.
#[must_use]
pub fn origin(installation: uuid::Uuid) -> String {
    format!("hooklake/{installation}")
}

/// What can go wrong when something is to be proved or signed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer.
    #[error("the database refused")]
    Database(#[from] db::Error),
    /// The tree's tiles are not what the log's size asks for.
    #[error("{0}; `hooklake rebuild log_tree` makes the tree anew")]
    Tree(String),
    /// A file could not be read or written.
    #[error("{action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        cause: std::io::Error,
    },
    /// The private key cannot be used.
    #[error("{0}")]
    Key(String),
    /// What is to be signed does not continue what was signed before.
    #[error("{0}")]
    Inconsistent(String),
    /// Nothing is in the tree.
    #[error("there is nothing to sign yet: {0}")]
    Empty(&'static str),
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}
