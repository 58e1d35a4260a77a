//! `hooklake token`.

use super::Exit;
use super::output::say;
use crate::app::Base;
use crate::domain::Clock;
use crate::serve::Access;

/// Makes a new admin token and prints it, this once.
pub(super) async fn run(base: &Base) -> anyhow::Result<Exit> {
    say!("{}", Access::new(base.database.clone(), Clock::system()).rotate().await?.reveal())?;
    Ok(Exit::Done)
}
