//! The tree as a consumer of the log, and how its tiles are read.

use async_trait::async_trait;
use deadpool_postgres::GenericClient;

use super::merkle::{self, Node, Range};
use super::stored::Stored;
use super::tile::{self, TileId, Tiles, WIDTH};
use crate::consumer::{self, Projector, checkpoint};
use crate::db::{self, Database, Transaction};
use crate::domain::{Position, Span};
use crate::log::Batch;
use crate::log::chain::Hash;

const LEAVES: &str = include_str!("leaves.sql");
const TILES: &str = include_str!("tiles.sql");
const LIVE_TILES: &str = include_str!("live_tiles.sql");
const WRITE: &str = include_str!("write_tiles.sql");

/// Keeps the table `log_tiles`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tree;

#[async_trait]
impl Projector for Tree {
    const NAME: &'static str = "log_tree";
    const VERSION: i32 = 1;
    const TABLES: &'static [&'static str] = &["log_tiles"];
    // It holds hashes only, of what redaction leaves as it is.
    const FOLDED: &'static [&'static str] = &[];
    // Bodies are not part of a leaf: it reads the other columns by itself.
    const SOURCES: Option<&'static [&'static str]> = Some(&[]);
    const BY_SPAN: bool = true;

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), consumer::Error> {
        let size = Position::START.distance_to(batch.span.after);
        let leaves = leaves(transaction, batch.span).await?;
        let edge = read(transaction, TILES, &tile::edge(size)).await?;
        let changed = tile::append(edge, size, leaves).map_err(|error| broken(error.to_string()))?;
        write(transaction, &changed).await
    }
}

/// Not an error of an event: an envelope that was parked would be missing in the tree for ever.
fn broken(reason: String) -> consumer::Error {
    consumer::Error::Store("the tree over the log", reason.into())
}

/// The leaf hashes of a span. Those of envelopes that retention dropped are taken over from the live tree.
async fn leaves(transaction: &Transaction<'_>, span: Span) -> Result<Vec<Hash>, consumer::Error> {
    let statement = transaction.prepare_cached(LEAVES).await?;
    let rows = transaction.query(&statement, &[&span.after.get(), &span.through.get()]).await?;
    let mut stored = rows.iter().map(Stored::of).collect::<Result<Vec<_>, _>>().map_err(broken)?.into_iter().peekable();
    let first = Position::START.distance_to(span.after);
    let live = if rows.len() as u64 == span.len() { Tiles::default() } else { read(transaction, LIVE_TILES, &leaf_tiles(first, first + span.len())).await? };
    let mut leaves = Vec::with_capacity(rows.len());
    for index in first..first + span.len() {
        let position = Position::new(index as i64 + 1);
        let hash = match stored.next_if(|stored| stored.position == position) {
            Some(stored) => merkle::leaf_hash(&stored.leaf()),
            None => *live.leaf(index).ok_or_else(|| broken(format!("the envelope at position {position} is neither in the log nor in the tree")))?,
        };
        leaves.push(hash);
    }
    if let Some(stored) = stored.next() {
        return Err(broken(format!("position {} is in the log more than once", stored.position)));
    }
    Ok(leaves)
}

/// The tiles of the leaves `start..end`.
pub(super) fn leaf_tiles(start: u64, end: u64) -> Vec<TileId> {
    if start >= end {
        return Vec::new();
    }
    (start / WIDTH..=(end - 1) / WIDTH).map(|index| TileId { level: 0, index }).collect()
}

async fn read(client: &impl GenericClient, statement: &str, ids: &[TileId]) -> Result<Tiles, db::Error> {
    let mut tiles = Tiles::default();
    if ids.is_empty() {
        return Ok(tiles);
    }
    let levels: Vec<i16> = ids.iter().map(|id| id.level as i16).collect();
    let indexes: Vec<i64> = ids.iter().map(|id| id.index as i64).collect();
    let statement = client.prepare_cached(statement).await?;
    for row in client.query(&statement, &[&levels, &indexes]).await? {
        let id = TileId { level: row.get::<_, i16>("level") as u32, index: row.get::<_, i64>("index") as u64 };
        tiles.insert(id, hashes(row.get("hashes")));
    }
    Ok(tiles)
}

/// Hashes one after the other; bytes that are left over were not written by us, and a tile without them will not fit.
pub(super) fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks().0.to_vec()
}

async fn write(transaction: &Transaction<'_>, changed: &Tiles) -> Result<(), consumer::Error> {
    let levels: Vec<i16> = changed.iter().map(|(id, _)| id.level as i16).collect();
    let indexes: Vec<i64> = changed.iter().map(|(id, _)| id.index as i64).collect();
    let contents: Vec<&[u8]> = changed.iter().map(|(_, hashes)| hashes.as_flattened()).collect();
    let statement = transaction.prepare_cached(WRITE).await?;
    transaction.execute(&statement, &[&levels, &indexes, &contents]).await?;
    Ok(())
}

/// Reads the tree. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TreeReader {
    database: Database,
}

impl TreeReader {
    /// A reader of this database's tree.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// How many envelopes the tree has taken.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn size(&self) -> Result<u64, super::Error> {
        let position = checkpoint::position(&self.database, Tree::NAME).await.map_err(|error| match error {
            consumer::Error::Database(error) => super::Error::Database(error),
            other => super::Error::Tree(other.to_string()),
        })?;
        Ok(Position::START.distance_to(position))
    }

    /// The root of the tree when it had this size.
    ///
    /// # Errors
    /// When it has not reached that size, or its tiles are broken.
    pub async fn root(&self, size: u64) -> Result<Hash, super::Error> {
        let hashes = self.hashes(&[Range::whole(size)]).await?;
        Ok(hashes.into_iter().next().unwrap_or_else(merkle::empty_root))
    }

    /// The hashes of ranges of leaves.
    ///
    /// # Errors
    /// As [`TreeReader::root`].
    pub async fn hashes(&self, ranges: &[Range]) -> Result<Vec<Hash>, super::Error> {
        let nodes: Vec<Node> = ranges.iter().flat_map(|range| range.nodes()).collect();
        let mut ids: Vec<TileId> = nodes.into_iter().map(tile::tile_of).collect();
        ids.sort_unstable();
        ids.dedup();
        let tiles = self.tiles(&ids).await?;
        let missing = |range: &Range| super::Error::Tree(format!("the tree lacks hashes of positions {} to {}", range.start + 1, range.end));
        ranges.iter().map(|range| range.hash(|node| tiles.node(node)).ok_or_else(|| missing(range))).collect()
    }

    /// Tiles by their places; those that are not there are left out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tiles(&self, ids: &[TileId]) -> Result<Tiles, db::Error> {
        let connection = self.database.get().await?;
        read(&connection, TILES, ids).await
    }
}
