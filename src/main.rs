//! The command line; see [`hooklake::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hooklake::cli::main()
}
