//! The log: the truth that everything else is rebuilt from.
//!
//! The [`Appender`] is the only writer: it batches what concurrent requests bring into one transaction, and answers
//! each request after COMMIT. The [`Reader`] gives batches after a position, the [`Window`] the same to many at once, with bodies that are
//! still here as [`Recent`]; the [`Tail`] says when there is more; a
//! [`Fence`] tells a reader that the log is another one than it knew.
//! [`append_within`] is the appender's narrow sibling for records of hooklake's own. [`partition`] keeps partitions ready;
//! [`chain`] states what each envelope and each batch commits to.
//!
//! What it promises:
//! - an acknowledged envelope is there, byte for byte, exactly once for its key (I1, I2);
//! - positions have no gaps and become visible in order, so that a reader never passes one that comes later (I4);
//! - nothing that was refused is stored (I3), and what is stored cannot be changed by the application's role;
//!   its owner can only redact and retire it, through `log.redact` and `log.retire` (`crate::retention`).
//!
//! Deliberately absent: any understanding of the bodies. Readers parse them (decision D9).

pub mod append;
pub mod chain;
pub mod fence;
pub mod partition;
pub mod read;
mod recent;
mod reread;
pub mod tail;
pub mod window;
mod within;

pub use append::{AppendError, Appender, NewEnvelope, Outcome, Receipt};
pub use fence::{At, Fence};
pub use read::{Batch, BatchLimits, Reader};
pub use recent::Recent;
pub use reread::Reread;
pub use tail::Tail;
pub use window::Window;
pub use within::{announce, append_within};
