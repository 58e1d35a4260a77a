//! What an outsider is given to check one envelope: its leaf, the path to a signed root, and the signed root.

use tokio_postgres::Row;

use super::merkle;
use super::stored::Stored;
use super::tree::TreeReader;
use super::{Checkpoint, Error};
use crate::db::Database;
use crate::domain::{Position, Tenant};
use crate::log::Reader;
use crate::log::chain::Hash;

const LATEST: &str = include_str!("latest_checkpoint.sql");
const ONE: &str = include_str!("one_leaf.sql");

/// Answers outsiders. It has no key: it hands out what was signed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Prover {
    database: Database,
}

/// A signed checkpoint that can be handed out.
#[derive(Debug)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The note.
    pub note: String,
}

/// That an envelope is in the log at its position.
#[derive(Debug)]
pub struct Proof {
    /// Where it stands.
    pub position: Position,
    /// What the leaf commits to, in its order, by name; the body's hash in hexadecimal.
    pub leaf: Vec<(&'static str, String)>,
    /// Leads from the body to its hash; none once the body is redacted.
    pub salt: Option<Vec<u8>>,
    /// The hash over all of that.
    pub leaf_hash: Hash,
    /// From the leaf to the root.
    pub path: Vec<Hash>,
    /// What has that root.
    pub signed: Signed,
}

/// What became of a question for a proof.
#[derive(Debug)]
pub enum Answer<T> {
    /// Here it is.
    Proved(T),
    /// There is no such thing, or it is not the caller's.
    Unknown,
    /// Retention dropped it.
    Dropped,
    /// No signed checkpoint covers it yet.
    NotYet,
}

impl Prover {
    /// A prover over this database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The newest signed checkpoint, if there is one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn latest(&self) -> Result<Option<Signed>, Error> {
        let connection = self.database.get().await?;
        let Some(row) = connection.query_opt(LATEST, &[]).await? else { return Ok(None) };
        let note: String = row.get("note");
        let text = note.split_once("\n\n").map_or(note.as_str(), |(text, _)| text);
        let checkpoint = text.parse().map_err(|error| Error::Inconsistent(format!("the last checkpoint in the database cannot be read: {error}")))?;
        Ok(Some(Signed { checkpoint, note }))
    }

    /// Proves that an envelope of this tenant is in the log.
    ///
    /// # Errors
    /// When the database does not answer, or the tree is broken.
    pub async fn prove(&self, tenant: &Tenant, position: Position) -> Result<Answer<Proof>, Error> {
        let row = {
            let connection = self.database.get().await?;
            let statement = connection.prepare_cached(ONE).await?;
            connection.query_opt(&statement, &[&position.get(), &tenant.as_str()]).await?
        };
        let Some(row) = row else { return self.absent(position).await };
        let Some(signed) = self.latest().await?.filter(|signed| signed.checkpoint.position() >= position) else {
            return Ok(Answer::NotYet);
        };
        let ranges = merkle::inclusion(Position::START.distance_to(position) - 1, signed.checkpoint.size);
        let path = TreeReader::new(self.database.clone()).hashes(&ranges).await?;
        Ok(Answer::Proved(proof(&row, path, signed)?))
    }

    /// Says why an envelope is not there. One of another tenant is unknown, whatever became of it.
    async fn absent<T>(&self, position: Position) -> Result<Answer<T>, Error> {
        let head = Reader::new(self.database.clone()).head().await?.position;
        if position <= Position::START || position > head {
            return Ok(Answer::Unknown);
        }
        let connection = self.database.get().await?;
        let is_there = connection.query_opt("SELECT FROM log.envelopes WHERE position = $1", &[&position.get()]).await?.is_some();
        Ok(if is_there { Answer::Unknown } else { Answer::Dropped })
    }

    /// Proves that the log of one size is the beginning of the log of another.
    ///
    /// # Errors
    /// When the database does not answer, or the tree has not reached that size.
    pub async fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
        TreeReader::new(self.database.clone()).hashes(&merkle::consistency(from, to)).await
    }
}

fn proof(row: &Row, path: Vec<Hash>, signed: Signed) -> Result<Proof, Error> {
    let stored = Stored::of(row).map_err(Error::Inconsistent)?;
    let leaf = vec![
        ("id", stored.id.uuid().to_string()),
        ("tenant", stored.tenant.to_owned()),
        ("source", stored.source.to_owned()),
        ("deliveryKey", stored.delivery_key.to_owned()),
        ("eventType", stored.event_type.to_owned()),
        ("arrivedAtMicros", stored.arrived_at.timestamp_micros().to_string()),
        ("headers", stored.headers.to_owned()),
        ("bodyHash", hex::encode(stored.body_hash)),
        ("verdict", stored.verdict.to_owned()),
        ("secretId", stored.secret_id.to_owned()),
    ];
    Ok(Proof { position: stored.position, leaf, salt: row.get("salt"), leaf_hash: merkle::leaf_hash(&stored.leaf()), path, signed })
}
