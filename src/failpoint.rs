//! Places where a test may end the process, or make a step fail: every name there is.
//!
//! `FAILPOINTS="lake.after_write=return(abort)"` in the environment of a test's server ends it at that place;
//! `5*off->return(abort)` does so the sixth time it comes there, and `sleep(500)` holds it there. Only tests have them:
//! what `cargo build` makes is built without the crate's feature `failpoints`, and a name is then nothing at all.

/// The batch is complete and nothing of it was sent to the database.
pub const APPEND_BEFORE: &str = "append.before";
/// The batch is committed and no sender was told.
pub const APPEND_AFTER_COMMIT: &str = "append.after_commit";
/// The rows of a projection are written, and the transaction that also moves the checkpoint is open.
pub const PROJECTION_BEFORE_COMMIT: &str = "projection.before_commit";
/// The rows and the checkpoint are committed.
pub const PROJECTION_AFTER_COMMIT: &str = "projection.after_commit";
/// Documents are added and not committed.
pub const SEARCH_BEFORE_COMMIT: &str = "search.before_commit";
/// The index is committed, and the consumer's row does not know.
pub const SEARCH_AFTER_COMMIT: &str = "search.after_commit";
/// Parquet files are written and synced, and no commit names them.
pub const LAKE_AFTER_WRITE: &str = "lake.after_write";
/// The Delta commit is there, and the consumer's row does not know.
pub const LAKE_AFTER_COMMIT: &str = "lake.after_commit";
/// Of what a copy derives from its rows, one step more is committed.
pub const REBUILD_DERIVING: &str = "rebuild.deriving";
/// A rebuilt copy is complete, the transaction of the swap holds the live consumer, and nothing is swapped.
pub const REBUILD_BEFORE_SWAP: &str = "rebuild.before_swap";

/// Every name.
pub const ALL: [&str; 10] = [
    APPEND_BEFORE,
    APPEND_AFTER_COMMIT,
    PROJECTION_BEFORE_COMMIT,
    PROJECTION_AFTER_COMMIT,
    SEARCH_BEFORE_COMMIT,
    SEARCH_AFTER_COMMIT,
    LAKE_AFTER_WRITE,
    LAKE_AFTER_COMMIT,
    REBUILD_DERIVING,
    REBUILD_BEFORE_SWAP,
];

/// Reads `FAILPOINTS`, in a build that has them.
pub fn arm() {
    if fail::has_failpoints() {
        // Dropped, it would disarm them.
        std::mem::forget(fail::FailScenario::setup());
    }
}

/// The process has come to this place.
#[allow(clippy::used_underscore_binding, reason = "only a build for tests uses it")]
pub fn reach(_name: &str) {
    fail::fail_point!(_name, |action| if action.as_deref() == Some("abort") {
        // Not an orderly end: no destructor runs, as when the machine dies.
        std::process::abort();
    });
}
