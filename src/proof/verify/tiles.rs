//! Every tile from the tiles below it. The leaves were compared with the envelopes before, so the root then stands for
//! the stored bytes.

use futures::TryStreamExt;

use super::Finding;
use crate::db::Database;
use crate::domain::Position;
use crate::log::chain::Hash;
use crate::proof::Error;
use crate::proof::tile::{self, TileId, WIDTH};
use crate::proof::tree::{TreeReader, hashes};

const OF_LEVEL: &str = include_str!("tiles_of_level.sql");

/// The first tile that is wrong in the tree of a size, from a leaf on.
pub(super) async fn check(database: &Database, from: u64, size: u64) -> Result<Option<Finding>, Error> {
    for level in (0..).take_while(|level| tile::entries(size, level + 1) > 0) {
        // From the first child of a parent tile, so that parents can be compared whole.
        let first = tile::entries(from, level + 2) * WIDTH;
        let mut row = Row { database, level, size, parent: TileId { level: level + 1, index: first / WIDTH }, roots: Vec::new() };
        if let Some(finding) = row.check(first).await? {
            return Ok(Some(finding));
        }
    }
    Ok(None)
}

struct Row<'a> {
    database: &'a Database,
    level: u32,
    size: u64,
    parent: TileId,
    /// What the parent tile must hold, so far.
    roots: Vec<Hash>,
}

impl Row<'_> {
    async fn check(&mut self, first: u64) -> Result<Option<Finding>, Error> {
        let full = tile::entries(self.size, self.level + 1);
        let connection = self.database.get().await?;
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&(self.level as i16), &(first as i64)];
        let rows = connection.query_raw(OF_LEVEL, parameters).await?;
        let mut rows = std::pin::pin!(rows);
        for index in first..full {
            let row = rows.try_next().await?.filter(|row| row.get::<_, i64>("index") as u64 == index);
            let root = row.and_then(|row| tile::complete(&hashes(row.get("hashes"))).filter(|_| row.get::<_, &[u8]>("hashes").len() as u64 == 32 * WIDTH));
            let Some(root) = root else {
                return Ok(Some(wrong(TileId { level: self.level, index }, "is missing or not whole")));
            };
            self.roots.push(root);
            if self.roots.len() as u64 == WIDTH || index + 1 == full {
                if !self.parent_holds().await? {
                    return Ok(Some(wrong(self.parent, "is not what the tiles below it give")));
                }
                self.parent.index += 1;
                self.roots.clear();
            }
        }
        Ok(None)
    }

    async fn parent_holds(&self) -> Result<bool, Error> {
        let tiles = TreeReader::new(self.database.clone()).tiles(&[self.parent]).await?;
        Ok(tiles.iter().any(|(_, hashes)| hashes.starts_with(&self.roots)))
    }
}

fn wrong(id: TileId, what: &str) -> Finding {
    let leaves = WIDTH.saturating_pow(id.level + 1).saturating_mul(id.index);
    let reason = format!("tile {} of level {} in log_tiles {what}: it was altered; `hooklake rebuild log_tree` makes the tree anew", id.index, id.level);
    Finding { position: Some(Position::new(i64::try_from(leaves).map_or(i64::MAX, |leaves| leaves + 1))), reason }
}
