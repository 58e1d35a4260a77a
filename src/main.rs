//! The command line; see [`hooklake::cli`].

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Batches of megabytes come and go hundreds of times a second; the system's allocator gives their pages back each time
/// (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    hooklake::cli::main()
}
