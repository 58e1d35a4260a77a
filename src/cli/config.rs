//! `hooklake config check|show`.

use clap::Subcommand;

use super::Exit;
use super::output::{say, write_out};
use crate::config::{Config, DEFAULT};
use crate::registry::Doors;

/// `hooklake config …`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the settings of the file, .env and the environment, without starting anything
    Check,
    /// Print every setting with its default and its explanation
    Show,
}

/// Runs it; the settings were loaded, so most of the check is done.
pub(super) fn run(config: &Config, command: &Command) -> anyhow::Result<Exit> {
    Ok(match command {
        Command::Show => {
            write_out!("{DEFAULT}")?;
            Exit::Done
        }
        Command::Check => match Doors::new(config, &[]) {
            Ok(doors) => {
                let database = if config.database.url.is_empty() { "embedded PostgreSQL" } else { "the configured database" };
                say!("The settings are valid: {}:{}, {database}, data in {}.", config.server.host, config.server.port, config.data_dir().display())?;
                for listing in doors.listing() {
                    let state = if listing.is_configured { "has a secret" } else { "has no secret, so it refuses everything" };
                    say!("  {:<12} {state}", listing.source)?;
                }
                Exit::Done
            }
            Err(error) => {
                eprintln!("hooklake: {error}");
                Exit::Settings
            }
        },
    })
}
