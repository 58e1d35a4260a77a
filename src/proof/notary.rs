//! Signs what the log is now, on a schedule and on demand, and never something that contradicts what it signed before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Transaction;
use uuid::Uuid;

use super::key::{self, Written};
use super::note::{Signer, Verifier};
use super::tree::TreeReader;
use super::{Checkpoint, Error, Settings};
use crate::db::Database;
use crate::tasks::Stop;

const LATEST: &str = include_str!("latest_checkpoint.sql");
const BOUNDARY: &str = include_str!("boundary.sql");

/// How often is looked whether a checkpoint is due; a new log gets its first one after this.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long to wait after a failure.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// Signs checkpoints of one installation's log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Notary {
    database: Database,
    origin: String,
    key_file: PathBuf,
    directory: PathBuf,
    every: Duration,
}

/// A checkpoint that was made.
#[derive(Debug)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: String,
    /// The file that keeps it.
    pub file: PathBuf,
}

impl Notary {
    /// The notary of an installation.
    #[must_use]
    pub fn new(database: Database, installation: Uuid, settings: &Settings, data_dir: &Path) -> Self {
        Self {
            database,
            origin: super::origin(installation),
            key_file: settings.key_file(data_dir),
            directory: settings.checkpoint_dir(data_dir),
            every: Duration::from_secs(settings.checkpoint_every_seconds),
        }
    }

    /// The first line of its checkpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The public key that it signs with; none before the first need.
    ///
    /// # Errors
    /// When the key file cannot be used.
    pub fn verifier(&self) -> Result<Option<Verifier>, Error> {
        Ok(key::load(&self.key_file)?.map(|signer| signer.verifier().clone()))
    }

    /// The key, made now if this installation never had one, or if `anew`.
    ///
    /// # Errors
    /// When the key file cannot be used, or this installation has a key that is not here: another one must not come
    /// about unnoticed.
    pub async fn signer(&self, anew: bool) -> Result<Signer, Error> {
        let connection = self.database.get().await?;
        if let Some(signer) = key::load(&self.key_file)? {
            connection.execute("INSERT INTO hooklake.signing_keys (verifier) VALUES ($1) ON CONFLICT DO NOTHING", &[&signer.verifier().to_string()]).await?;
            return Ok(signer);
        }
        let known = connection.query_opt("SELECT verifier FROM hooklake.signing_keys ORDER BY made_at DESC LIMIT 1", &[]).await?;
        if let (Some(known), false) = (known, anew) {
            return Err(Error::Key(format!(
                "this installation signs with {}, but its private key is not in {}; bring the file back, name it in proof.key_file, or make another key with `hooklake checkpoint --new-key`",
                known.get::<_, &str>(0),
                self.key_file.display()
            )));
        }
        let signer = key::make(&self.key_file, &self.origin)?;
        connection.execute("INSERT INTO hooklake.signing_keys (verifier) VALUES ($1) ON CONFLICT DO NOTHING", &[&signer.verifier().to_string()]).await?;
        tracing::info!(verifier = %signer.verifier(), file = %self.key_file.display(), "made a key for checkpoints; its public half is {}", signer.verifier());
        Ok(signer)
    }

    /// Makes a checkpoint of what the tree has taken, unless there is one of it already, which is returned then.
    ///
    /// # Errors
    /// When there is nothing to sign, or the log does not continue what was signed before.
    pub async fn sign(&self, signer: &Signer) -> Result<Signed, Error> {
        let mut connection = self.database.get().await?;
        let transaction = connection.transaction().await?;
        // One at a time, whichever instance it is.
        transaction.batch_execute("SELECT pg_advisory_xact_lock(hashtext('hooklake.checkpoint'))").await?;
        let made = self.sign_locked(&transaction, signer).await?;
        transaction.commit().await?;
        Ok(made)
    }

    async fn sign_locked(&self, transaction: &Transaction<'_>, signer: &Signer) -> Result<Signed, Error> {
        let tree = TreeReader::new(self.database.clone());
        let reached = tree.size().await?;
        let row = transaction.query_opt(BOUNDARY, &[&(reached as i64)]).await?;
        let row = row.ok_or(Error::Empty("no batch of the log is in the tree; `hooklake status` shows where log_tree stands"))?;
        let size = row.get::<_, i64>("through_position") as u64;
        let chain = row.get::<_, &[u8]>("chain").try_into().map_err(|_| Error::Inconsistent("a chain hash in log.batches is no hash".to_owned()))?;
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root: tree.root(size).await?, chain };
        if let Some(latest) = transaction.query_opt(LATEST, &[]).await? {
            self.check_continues(&tree, latest.get("note"), &checkpoint).await?;
        }
        let note = signer.sign(&checkpoint.to_string());
        let file = self.keep(&checkpoint, &note)?;
        transaction
            .execute(
                "INSERT INTO hooklake.checkpoints (size, note) VALUES ($1, $2) ON CONFLICT (size) DO UPDATE SET note = excluded.note",
                &[&(size as i64), &note],
            )
            .await?;
        Ok(Signed { checkpoint, note, file })
    }

    /// Refuses to sign a log that is not a continuation of the one that was signed last.
    async fn check_continues(&self, tree: &TreeReader, latest: &str, now: &Checkpoint) -> Result<(), Error> {
        let text = latest.split_once("\n\n").map_or(latest, |(text, _)| text);
        let before: Checkpoint = text.parse().map_err(|error| Error::Inconsistent(format!("the last checkpoint in the database cannot be read: {error}")))?;
        if before.size > now.size || tree.root(before.size).await? != before.root {
            return Err(Error::Inconsistent(format!(
                "refusing to sign: the log no longer holds what was signed at position {}; `hooklake verify --against {}` says more",
                before.size,
                self.file(before.size).display()
            )));
        }
        Ok(())
    }

    /// Writes the file of a checkpoint, and `latest`.
    fn keep(&self, checkpoint: &Checkpoint, note: &str) -> Result<PathBuf, Error> {
        let file = self.file(checkpoint.size);
        let failed = |cause| Error::File { action: "cannot write the checkpoint", path: file.clone(), cause };
        if key::write_once(&file, note.as_bytes(), 0o644).map_err(failed)? == Written::There {
            let kept = std::fs::read_to_string(&file).map_err(failed)?;
            // Another key may have signed it; what it says must be the same.
            if kept.split_once("\n\n").map(|(text, _)| text) != note.split_once("\n\n").map(|(text, _)| text) {
                return Err(Error::Inconsistent(format!(
                    "refusing to sign: {} says something else about the log at position {}; `hooklake verify --against` it",
                    file.display(),
                    checkpoint.size
                )));
            }
        }
        key::replace(&self.directory.join("latest"), note.as_bytes(), 0o644).map_err(failed)?;
        Ok(file)
    }

    fn file(&self, size: u64) -> PathBuf {
        // Names in order of size.
        self.directory.join(format!("{size:019}.checkpoint"))
    }

    /// True when the last checkpoint is old enough and the tree has grown since.
    async fn is_due(&self) -> Result<bool, Error> {
        let reached = TreeReader::new(self.database.clone()).size().await?;
        let connection = self.database.get().await?;
        let Some(row) = connection.query_opt(LATEST, &[]).await? else { return Ok(reached > 0) };
        let has_grown = row.get::<_, i64>("size") < reached as i64;
        Ok(has_grown && row.get::<_, f64>("age_seconds") >= self.every.as_secs_f64())
    }

    async fn look(&self) -> Result<(), Error> {
        if self.is_due().await? {
            let signed = self.sign(&self.signer(false).await?).await?;
            tracing::info!(size = signed.checkpoint.size, file = %signed.file.display(), "signed a checkpoint at position {}", signed.checkpoint.size);
        }
        Ok(())
    }

    /// Makes checkpoints on schedule until told to stop.
    pub async fn keep_signing(self, stop: Stop) {
        if self.every.is_zero() {
            return;
        }
        loop {
            let mut wait = LOOK_EVERY.min(self.every);
            match stop.or(self.look()).await {
                None => return,
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    wait = RETRY_AFTER;
                    tracing::error!(error = &error as &dyn std::error::Error, "no checkpoint was signed; next try in {wait:?}");
                }
            }
            if stop.sleep(wait).await.is_stopped() {
                return;
            }
        }
    }
}
