//! `hooklake backup` and `hooklake restore`.
//!
//! A backup is a copy of the whole embedded cluster with its WAL (`pg_basebackup`), taken while the server runs, and a
//! manifest that says through which position of the log it goes at least, and what the chain is there. The lake and the
//! search index are not in it: they are rebuilt from the log, and those of a later state notice (decision 0011).

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::Exit;
use super::output::say;
use crate::app::Base;
use crate::config::Config;
use crate::consumer::Error;
use crate::db::embedded::Cluster;
use crate::domain::clock::Timestamp;
use crate::registry;

const MANIFEST: &str = "hooklake-backup.json";
/// Raised when an older hooklake could not restore it.
const FORMAT: u32 = 1;
const HEAD: &str = include_str!("backup_head.sql");
const CHAIN: &str = include_str!("backup_chain.sql");

/// `hooklake backup …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A directory that does not exist yet
    directory: PathBuf,
}

/// `hooklake restore …`
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// What `hooklake backup` made
    directory: PathBuf,
    /// Move the log that is there aside, instead of refusing
    #[arg(long)]
    force: bool,
}

/// What a backup says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    hooklake: String,
    /// The last migration of the schema.
    schema: i32,
    taken_at: Timestamp,
    /// The log goes through here at least: what came while the copy was made is in it too.
    position: i64,
    /// The log's chain hash there, in hex.
    chain: String,
}

/// Copies the log and everything else that PostgreSQL holds; a server may go on running.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let Some(cluster) = base.cluster() else {
        bail!(
            "the database is yours (database.url): back it up with your own means, such as pg_dump -Fc or a base backup; consumers notice a restored log all the same"
        );
    };
    let directory = std::path::absolute(&arguments.directory)?;
    ensure!(!directory.exists(), "{} is there already; name a directory that is not", directory.display());
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    // Before the copy: what is committed now is in it.
    let row = base.database.dedicated_row(HEAD, &[]).await?;
    let manifest = Manifest {
        format: FORMAT,
        hooklake: env!("CARGO_PKG_VERSION").to_owned(),
        schema: row.get("schema"),
        taken_at: row.get("taken_at"),
        position: row.get("position"),
        chain: row.get("chain"),
    };
    cluster.copy(&directory).await?;
    // Written last, so that what has one is whole.
    let path = directory.join(MANIFEST);
    std::fs::write(&path, serde_json::to_vec_pretty(&manifest)?)?;
    std::fs::File::open(&path)?.sync_all()?;
    say!(
        "Backed up through position {} at least, in {}.\nThe lake and the search index are not in it: they are rebuilt from the log.",
        manifest.position,
        directory.display()
    )?;
    Ok(Exit::Done)
}

/// Puts a backup in the place of the embedded cluster, and says which consumers are ahead of it.
pub(super) async fn restore(config: Config, arguments: RestoreArguments) -> anyhow::Result<Exit> {
    ensure!(config.database.url.is_empty(), "the database is yours (database.url): restore it with your own means");
    let directory = std::path::absolute(&arguments.directory)?;
    let manifest = read_manifest(&directory)?;
    let aside = Cluster::put_back(&config.data_dir(), &config.database, &directory, arguments.force).await?;
    if let Some(aside) = aside {
        say!("The log that was there is in {}.", aside.display())?;
    }
    let base = Base::open(config).await?;
    let outcome = check(&base, &manifest).await;
    base.close().await?;
    outcome
}

fn read_manifest(directory: &Path) -> anyhow::Result<Manifest> {
    let path = directory.join(MANIFEST);
    let text = std::fs::read(&path).with_context(|| format!("{} is not a whole backup: cannot read {}", directory.display(), path.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", path.display()))?;
    ensure!(manifest.format <= FORMAT, "{} was made by a newer hooklake ({})", directory.display(), manifest.hooklake);
    Ok(manifest)
}

async fn check(base: &Base, manifest: &Manifest) -> anyhow::Result<Exit> {
    let row = base.database.dedicated_row(CHAIN, &[&manifest.position]).await?;
    let (head, chain): (i64, Option<String>) = (row.get("head"), row.get("chain"));
    ensure!(
        head >= manifest.position && (manifest.position == 0 || chain.as_deref() == Some(&manifest.chain)),
        "the restored log is not the one that was backed up: at position {} its chain is {}, the manifest says {}",
        manifest.position,
        chain.as_deref().unwrap_or("missing"),
        manifest.chain
    );
    say!("Restored: the log goes through position {head}, and its chain is the one that was backed up at {}.", manifest.position)?;
    let mut ahead = 0;
    for mut consumer in registry::consumers(base)? {
        if let Err(error @ Error::Restored { .. }) = consumer.open().await {
            ahead += 1;
            say!("{error}")?;
        }
    }
    if ahead == 0 {
        say!("No consumer is ahead of it.")?;
    }
    Ok(Exit::Done)
}
