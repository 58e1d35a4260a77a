//! `hooklake token`.

use super::Exit;
use crate::app::Base;
use crate::domain::Clock;
use crate::serve::Access;

/// Makes a new admin token and prints it, this once.
pub(super) async fn run(base: &Base) -> anyhow::Result<Exit> {
    println!("{}", Access::new(base.database.clone(), Clock::system()).rotate().await?.reveal());
    Ok(Exit::Done)
}
