//! The tree of RFC 6962: what its root is at any size, what a proof consists of, and whether one is right. Pure.
//!
//! Leaves are numbered from 0; the envelope at position p is leaf p − 1. A proof is a list of [`Range`]s, whose hashes
//! the tiles give ([`super::tile`]).

use sha2::{Digest, Sha256};

use crate::log::chain::Hash;

/// The hash of a leaf: SHA-256(0 ‖ data).
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

/// The hash of an inner node: SHA-256(1 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the tree without leaves.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// A complete subtree: 2^height leaves from index × 2^height on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// 0 for a leaf.
    pub height: u32,
    /// How many of its height are before it.
    pub index: u64,
}

/// Leaves that the tree hashes as one: `start..end`, where `start` is a multiple of every power of two that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first leaf.
    pub start: u64,
    /// The first leaf that is not part of it.
    pub end: u64,
}

impl Range {
    /// The whole tree of a size.
    #[must_use]
    pub const fn whole(size: u64) -> Self {
        Self { start: 0, end: size }
    }

    /// The complete subtrees that it consists of, the largest first.
    #[must_use]
    pub fn nodes(self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let height = (self.end - start).ilog2();
            nodes.push(Node { height, index: start >> height });
            start += 1 << height;
        }
        nodes
    }

    /// Its hash (`MTH` of the RFC), given those of its nodes; none when one of them is not known.
    pub fn hash(self, mut known: impl FnMut(Node) -> Option<Hash>) -> Option<Hash> {
        let mut nodes = self.nodes().into_iter().rev();
        let Some(last) = nodes.next() else { return Some(empty_root()) };
        let mut hash = known(last)?;
        for node in nodes {
            hash = node_hash(&known(node)?, &hash);
        }
        Some(hash)
    }

    /// The leaves of its left part, which is the largest complete subtree that is not all of it.
    const fn split(self) -> u64 {
        1 << (self.end - self.start - 1).ilog2()
    }
}

/// What proves that a leaf is in the tree of a size (`PATH` of the RFC), from the leaf upwards.
#[must_use]
pub fn inclusion(index: u64, size: u64) -> Vec<Range> {
    let mut path = Vec::new();
    let mut at = Range::whole(size);
    while at.end - at.start > 1 {
        let middle = at.start + at.split();
        if index < middle {
            path.push(Range { start: middle, end: at.end });
            at.end = middle;
        } else {
            path.push(Range { start: at.start, end: middle });
            at.start = middle;
        }
    }
    path.reverse();
    path
}

/// What proves that the tree of one size is the beginning of the tree of another (`PROOF` of the RFC).
#[must_use]
pub fn consistency(from: u64, to: u64) -> Vec<Range> {
    let mut path = Vec::new();
    if from == 0 {
        // Every tree begins with the empty one.
        return path;
    }
    let mut at = Range::whole(to);
    let mut is_whole = true;
    while from < at.end {
        let middle = at.start + at.split();
        if from <= middle {
            path.push(Range { start: middle, end: at.end });
            at.end = middle;
        } else {
            path.push(Range { start: at.start, end: middle });
            at.start = middle;
            is_whole = false;
        }
    }
    if !is_whole {
        path.push(at);
    }
    path.reverse();
    path
}

/// The root that a leaf and its path give (RFC 9162, 2.1.3.2); none when the path is not of the right length.
#[must_use]
pub fn root_by_inclusion(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> Option<Hash> {
    let (mut at, mut last) = (index, size.checked_sub(1)?);
    if at > last {
        return None;
    }
    let mut hash = leaf;
    for other in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(other, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, other);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// True when the path proves that the tree with the first root is the beginning of the one with the second
/// (RFC 9162, 2.1.4.2).
#[must_use]
pub fn is_consistent(from: u64, to: u64, first: &Hash, second: &Hash, path: &[Hash]) -> bool {
    if from == to {
        return path.is_empty() && first == second;
    }
    if from == 0 || from > to {
        return false;
    }
    let mut path = path.iter();
    // A complete subtree is known by its root already, so the proof leaves it out.
    let start = if from.is_power_of_two() { Some(first) } else { path.next() };
    let Some(start) = start else { return false };
    let (mut at, mut last) = (from - 1, to - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut earlier, mut later) = (*start, *start);
    for other in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            earlier = node_hash(other, &earlier);
            later = node_hash(other, &later);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            later = node_hash(&later, other);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && earlier == *first && later == *second
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves of the Certificate Transparency project's own tests, and the roots of the first 1, 2, … of them.
    const LEAVES: [&str; 8] = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn known_leaves() -> Vec<Hash> {
        LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).expect("hexadecimal"))).collect()
    }

    fn numbered_leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    /// `MTH` as the RFC writes it, by recursion.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            more => {
                let (left, right) = more.split_at(more.len().div_ceil(2).next_power_of_two());
                node_hash(&mth(left), &mth(right))
            }
        }
    }

    fn hashes(leaves: &[Hash], path: &[Range]) -> Vec<Hash> {
        path.iter().map(|range| mth(&leaves[range.start as usize..range.end as usize])).collect()
    }

    #[test]
    fn the_roots_of_certificate_transparency() {
        let leaves = known_leaves();
        assert_eq!(hex::encode(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (size, root) in (1..).zip(ROOTS) {
            assert_eq!(hex::encode(mth(&leaves[..size])), root);
            let by_nodes = Range::whole(size as u64).hash(|node| Some(mth(&leaves[(node.index << node.height) as usize..][..1 << node.height])));
            assert_eq!(by_nodes.map(hex::encode).as_deref(), Some(root));
        }
    }

    /// Also from the tests of Certificate Transparency: the path of leaf 5 (counted from 0) of 8, and of 2 of 3.
    #[test]
    fn the_paths_of_certificate_transparency() {
        let leaves = known_leaves();
        let path = |index, size| hashes(&leaves, &inclusion(index, size)).iter().map(hex::encode).collect::<Vec<_>>();
        assert_eq!(
            path(5, 8),
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
        assert_eq!(path(2, 3), ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]);
        let proof = |from, to| hashes(&leaves, &consistency(from, to)).iter().map(hex::encode).collect::<Vec<_>>();
        assert_eq!(
            proof(6, 8),
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
        assert!(proof(8, 8).is_empty());
    }

    #[test]
    fn every_leaf_of_every_size_is_proved_and_no_other() {
        let leaves = numbered_leaves(70);
        for size in 1..=leaves.len() {
            let root = mth(&leaves[..size]);
            for index in 0..size {
                let mut path = hashes(&leaves, &inclusion(index as u64, size as u64));
                let proved = |path: &[Hash], index: usize, size: usize, leaf| root_by_inclusion(index as u64, size as u64, leaf, path) == Some(root);
                assert!(proved(&path, index, size, leaves[index]), "{index} of {size}");
                assert!(!proved(&path, index, size, leaf_hash(b"another")));
                assert!(!proved(&path, index, size + 64, leaves[index]) && !proved(&path, index + size, size, leaves[index]));
                if let Some(first) = path.first_mut() {
                    first[0] ^= 1;
                    assert!(!proved(&path, index, size, leaves[index]), "an altered path");
                    path[0][0] ^= 1;
                    assert!(!proved(&path[1..], index, size, leaves[index]), "a shortened path");
                    path.push([0; 32]);
                    assert!(!proved(&path, index, size, leaves[index]), "a longer path");
                }
            }
        }
    }

    #[test]
    fn every_size_is_the_beginning_of_every_later_one() {
        let leaves = numbered_leaves(70);
        for to in 1..=leaves.len() {
            for from in 1..=to {
                let mut path = hashes(&leaves, &consistency(from as u64, to as u64));
                let (first, second) = (mth(&leaves[..from]), mth(&leaves[..to]));
                assert!(is_consistent(from as u64, to as u64, &first, &second, &path), "{from} of {to}");
                assert!(!is_consistent(from as u64, to as u64, &[0; 32], &second, &path), "another beginning");
                assert!(!is_consistent(from as u64, to as u64, &first, &[0; 32], &path), "another end");
                if let Some(last) = path.last_mut() {
                    last[31] ^= 1;
                    assert!(!is_consistent(from as u64, to as u64, &first, &second, &path), "an altered path");
                }
            }
        }
        assert!(!is_consistent(0, 3, &empty_root(), &mth(&leaves[..3]), &[]) && !is_consistent(4, 3, &[0; 32], &[0; 32], &[]));
    }
}
