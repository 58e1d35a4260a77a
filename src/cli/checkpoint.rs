//! `hooklake checkpoint`.

use clap::Args;

use super::Exit;
use super::output::{say, write_out};
use crate::app::Base;
use crate::domain::Position;
use crate::log::Reader;

/// `hooklake checkpoint …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print the public key that checkpoints are checked with, and sign nothing
    #[arg(long, conflicts_with = "new_key")]
    public_key: bool,
    /// Make another key, if the private half of the one before is lost
    #[arg(long)]
    new_key: bool,
}

/// Signs what the log is now, prints it, and says where it is kept.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let notary = base.notary();
    let signer = notary.signer(arguments.new_key).await?;
    if arguments.public_key {
        say!("{}", signer.verifier())?;
        return Ok(Exit::Done);
    }
    let made = notary.sign(&signer).await?;
    write_out!("{}", made.note)?;
    let head = Reader::new(base.database.clone()).head().await?.position;
    let behind = made.checkpoint.position().distance_to(head);
    let rest = if behind == 0 { String::new() } else { format!("; {behind} later envelopes come with the next one") };
    eprintln!("Kept as {}, through position {}{rest}.", made.file.display(), Position::new(made.checkpoint.size as i64));
    Ok(Exit::Done)
}
