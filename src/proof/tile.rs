//! The tree in tiles of 256 hashes, in the manner of c2sp.org/tlog-tiles. Pure.
//!
//! Tile (level, index) holds the hashes of the complete subtrees of height 8 × level, 256 of them from index × 256 on.
//! Every complete subtree is a few hashes of one tile, so a proof reads a tile or two for each level; an append changes
//! the last tile of each level. Hashes in a tile never change: a tree of an earlier size is read from the same tiles.

use std::collections::BTreeMap;

use super::merkle::{Node, node_hash};
use crate::log::chain::Hash;

/// Hashes of a full tile.
pub const WIDTH: u64 = 256;
const WIDTH_BITS: u32 = WIDTH.ilog2();

/// The place of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    /// 0 for leaves.
    pub level: u32,
    /// How many of its level are before it.
    pub index: u64,
}

/// Tiles by their place.
#[derive(Debug, Clone, Default)]
pub struct Tiles(BTreeMap<TileId, Vec<Hash>>);

/// Tiles that are not what the size of the tree asks for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("tile {} of level {} holds {found} hashes where a tree of {size} has {expected}", id.index, id.level)]
pub struct Mismatch {
    id: TileId,
    size: u64,
    found: usize,
    expected: u64,
}

/// Where a complete subtree is found: its tile, its first hash there, and how many hashes it is made of.
fn place(node: Node) -> (TileId, usize, usize) {
    let level = node.height / WIDTH_BITS;
    let width = node.height % WIDTH_BITS;
    let first = node.index << width;
    (TileId { level, index: first / WIDTH }, (first % WIDTH) as usize, 1 << width)
}

/// The tile that a complete subtree is read from.
#[must_use]
pub fn tile_of(node: Node) -> TileId {
    place(node).0
}

/// How many hashes a level of the tree of a size has.
#[must_use]
pub fn entries(size: u64, level: u32) -> u64 {
    size.checked_shr(level * WIDTH_BITS).unwrap_or(0)
}

/// The tiles that are not full in a tree of this size: what an append changes.
#[must_use]
pub fn edge(size: u64) -> Vec<TileId> {
    let levels = (0..).take_while(|level| entries(size, *level) > 0);
    levels.filter(|level| !entries(size, *level).is_multiple_of(WIDTH)).map(|level| TileId { level, index: entries(size, level) / WIDTH }).collect()
}

/// The hash over a power of two of hashes; none for another number of them.
#[must_use]
pub fn complete(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row.pop()
}

/// The tiles that change when leaf hashes are appended to a tree of this size. `edge` holds its tiles that are not full.
///
/// # Errors
/// When those are not what the size asks for.
pub fn append(mut edge: Tiles, size: u64, leaves: Vec<Hash>) -> Result<Tiles, Mismatch> {
    let mut changed = BTreeMap::new();
    let mut fresh = leaves;
    let mut level = 0;
    while !fresh.is_empty() {
        let before = entries(size, level);
        let mut id = TileId { level, index: before / WIDTH };
        let mut hashes = edge.0.remove(&id).unwrap_or_default();
        if hashes.len() as u64 != before % WIDTH {
            return Err(Mismatch { id, size, found: hashes.len(), expected: before % WIDTH });
        }
        let mut above = Vec::new();
        for hash in fresh {
            hashes.push(hash);
            if hashes.len() as u64 == WIDTH {
                above.extend(complete(&hashes));
                changed.insert(id, std::mem::take(&mut hashes));
                id.index += 1;
            }
        }
        if !hashes.is_empty() {
            changed.insert(id, hashes);
        }
        fresh = above;
        level += 1;
    }
    Ok(Tiles(changed))
}

impl Tiles {
    /// Adds a tile.
    pub fn insert(&mut self, id: TileId, hashes: Vec<Hash>) {
        self.0.insert(id, hashes);
    }

    /// All of them, by their place.
    pub fn iter(&self) -> impl Iterator<Item = (TileId, &[Hash])> {
        self.0.iter().map(|(id, hashes)| (*id, hashes.as_slice()))
    }

    /// The hash of a leaf, if its tile is here and reaches so far.
    #[must_use]
    pub fn leaf(&self, index: u64) -> Option<&Hash> {
        self.0.get(&TileId { level: 0, index: index / WIDTH })?.get((index % WIDTH) as usize)
    }

    /// The hash of a complete subtree, if its tile is here.
    #[must_use]
    pub fn node(&self, node: Node) -> Option<Hash> {
        let (id, first, count) = place(node);
        complete(self.0.get(&id)?.get(first..first + count)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::merkle::{Range, leaf_hash};
    use super::*;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    /// Appends in batches of these sizes; checks what would be written after each.
    fn grown(batches: &[u64]) -> Tiles {
        let all = leaves(batches.iter().sum());
        let mut kept = Tiles::default();
        let mut size = 0;
        for batch in batches {
            let mut at_edge = Tiles::default();
            for id in edge(size) {
                at_edge.insert(id, kept.0[&id].clone());
            }
            let changed = append(at_edge, size, all[size as usize..(size + batch) as usize].to_vec()).expect("the edge fits");
            kept.0.extend(changed.0);
            size += batch;
        }
        kept
    }

    fn root(tiles: &Tiles, size: u64) -> Hash {
        Range::whole(size).hash(|node| tiles.node(node)).expect("every tile is there")
    }

    #[test]
    fn tiles_do_not_depend_on_how_leaves_came() {
        let size = 256 * 256 + 256 * 3 + 17;
        let at_once = grown(&[size]);
        let in_parts = grown(&[1, 254, 1, 1, 255, 512, 65_000, size - 66_024]);
        assert_eq!(at_once.0, in_parts.0);
        assert_eq!(at_once.0.keys().map(|id| id.level).max(), Some(2));
        assert!(at_once.0.iter().all(|(id, hashes)| hashes.len() as u64 == WIDTH.min(entries(size, id.level) - id.index * WIDTH)));
        // The root from the tiles is the root from the leaves, for this and for earlier sizes.
        let leaves = leaves(size);
        for size in [1, 2, 255, 256, 257, 511, 65_535, 65_536, 65_537, size] {
            let plain = Range::whole(size).hash(|node| complete(&leaves[(node.index << node.height) as usize..][..1 << node.height]));
            assert_eq!(Some(root(&at_once, size)), plain, "{size}");
        }
    }

    #[test]
    fn an_edge_that_does_not_fit_is_refused() {
        let mut short = Tiles::default();
        short.insert(TileId { level: 0, index: 1 }, leaves(3));
        let refused = append(short, 256 + 4, leaves(1)).expect_err("one is missing");
        assert_eq!(refused.to_string(), "tile 1 of level 0 holds 3 hashes where a tree of 260 has 4");
        assert!(append(Tiles::default(), 1, leaves(1)).is_err());
    }

    #[test]
    fn an_edge_has_a_tile_for_each_level_that_is_not_full() {
        assert!(edge(0).is_empty() && edge(65_536).iter().all(|id| id.level == 2));
        assert_eq!(edge(65_536 + 256 + 1), [TileId { level: 0, index: 257 }, TileId { level: 1, index: 1 }, TileId { level: 2, index: 0 }]);
    }
}
