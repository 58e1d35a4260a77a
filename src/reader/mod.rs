//! The role `codegen_readonly`, as which `psql`, BI tools and agents read the views (decision 0017).
//!
//! What PostgreSQL can refuse, it refuses: rights are stated in `src/db/grants.sql`, limits and attributes by
//! [`role::state`] at every start. What a session may lift for itself (`SET statement_timeout = 0`), a watch in every
//! serving process enforces from outside ([`watch`]); it also restates what a reader changed of its own role.
//! Nothing here makes a query cheap: ten readers may keep the server's processors busy within their limits.

pub mod role;
pub mod watch;

pub use watch::Watch;

/// `[reader]`: what a session of the role may use.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Sessions at once.
    pub connections_max: u16,
    /// The longest statement, in milliseconds.
    pub statement_timeout_ms: u32,
    /// The longest pause within a transaction, in milliseconds.
    pub idle_in_transaction_timeout_ms: u32,
    /// The longest wait for a lock, in milliseconds.
    pub lock_timeout_ms: u32,
    /// The longest transaction, in milliseconds: what is deleted cannot be cleaned up while one looks on.
    pub transaction_timeout_ms: u32,
    /// Memory of one sort or hash, in megabytes.
    pub work_mem_mb: u32,
    /// Disk that one session may fill with temporary files, in megabytes.
    pub temp_file_mb_max: u32,
    /// Memory of one session, in megabytes; embedded only.
    pub memory_mb_max: u32,
}

impl Settings {
    /// What is wrong with them, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let given = [
            ("connections_max", u32::from(self.connections_max)),
            ("statement_timeout_ms", self.statement_timeout_ms),
            ("idle_in_transaction_timeout_ms", self.idle_in_transaction_timeout_ms),
            ("lock_timeout_ms", self.lock_timeout_ms),
            ("transaction_timeout_ms", self.transaction_timeout_ms),
            ("work_mem_mb", self.work_mem_mb),
            ("temp_file_mb_max", self.temp_file_mb_max),
            ("memory_mb_max", self.memory_mb_max),
        ];
        // PostgreSQL takes these as 32-bit numbers, sizes in kilobytes, and 0 as "without limit".
        let most = |name: &str| if name.ends_with("_ms") { i32::MAX as u32 } else { MEGABYTES_MAX };
        let wrong = given.into_iter().find(|(name, value)| *value == 0 || *value > most(name));
        wrong.map(|(name, _)| format!("setting reader.{name}: must be 1 to {}", most(name)))
    }
}

const MEGABYTES_MAX: u32 = 1 << 20;
