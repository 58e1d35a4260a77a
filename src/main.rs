//! The command line; see [`hooklake::cli`].

use std::process::ExitCode;

/// Consumers make and drop a tree of small pieces for each event, on whichever thread comes; glibc's allocator took a fifth of
/// all their time for that and kept twice the memory (docs/decisions/0024).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    hooklake::cli::main()
}
