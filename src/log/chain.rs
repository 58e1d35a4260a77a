//! What an envelope commits to, and how the log commits to all of them in order (decision D7).
//!
//! - body hash = SHA-256(salt ‖ body), so that destroying body and salt leaves no trace that could be guessed back;
//! - leaf = SHA-256 over everything known at receipt, each field led by its length, with the body hash for the body;
//! - after each batch, chain = SHA-256(chain before ‖ first position ‖ `received_at` in µs ‖ leaves in order).
//!
//! The last step is done by `log.append` in the database, under the lock that gives the order; [`link`] is the same in
//! Rust, for verification. Flags are not committed to: they are notes of ours, and can be derived again.

use sha2::{Digest, Sha256};

use crate::domain::clock::Timestamp;
use crate::domain::{EventId, Position};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// SHA-256(salt ‖ body).
#[must_use]
pub fn body_hash(salt: &[u8; 16], body: &[u8]) -> Hash {
    Sha256::new().chain_update(salt).chain_update(body).finalize().into()
}

/// What an envelope commits to.
#[derive(Debug)]
pub struct Leaf<'a> {
    /// Its name.
    pub id: EventId,
    /// Whose it is.
    pub tenant: &'a str,
    /// Where it came from.
    pub source: &'a str,
    /// What makes it the same delivery.
    pub delivery_key: &'a str,
    /// Its type as noted at receipt.
    pub event_type: &'a str,
    /// When the server saw it.
    pub arrived_at: Timestamp,
    /// The kept headers, as the log's JSON text.
    pub headers: &'a str,
    /// See [`body_hash`].
    pub body_hash: &'a Hash,
    /// How it was proved.
    pub verdict: &'a str,
    /// Which secret proved it; empty for none.
    pub secret_id: &'a str,
}

impl Leaf<'_> {
    /// The hash that the chain takes in.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut hasher = Sha256::new_with_prefix(b"hooklake leaf 1");
        let id = self.id.uuid();
        let arrived = self.arrived_at.timestamp_micros().to_be_bytes();
        let fields: [&[u8]; 10] = [
            id.as_bytes(),
            self.tenant.as_bytes(),
            self.source.as_bytes(),
            self.delivery_key.as_bytes(),
            self.event_type.as_bytes(),
            &arrived,
            self.headers.as_bytes(),
            self.body_hash,
            self.verdict.as_bytes(),
            self.secret_id.as_bytes(),
        ];
        for field in fields {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        hasher.finalize().into()
    }
}

/// The chain after a batch.
#[must_use]
pub fn link(before: &[u8], first: Position, received_at: Timestamp, leaves: &[Hash]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(first.get().to_be_bytes());
    hasher.update(received_at.timestamp_micros().to_be_bytes());
    for leaf in leaves {
        hasher.update(leaf);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(body_hash: &Hash, tenant: &str, source: &str) -> Hash {
        Leaf {
            id: EventId::from_uuid(uuid::Uuid::nil()),
            tenant,
            source,
            delivery_key: "key",
            event_type: "push",
            arrived_at: Timestamp::UNIX_EPOCH,
            headers: "[]",
            body_hash,
            verdict: "signed",
            secret_id: "",
        }
        .hash()
    }

    #[test]
    fn a_leaf_depends_on_every_boundary() {
        let body = body_hash(&[0; 16], b"body");
        assert_ne!(leaf(&body, "ab", "c"), leaf(&body, "a", "bc"));
        assert_ne!(leaf(&body, "a", "b"), leaf(&body_hash(&[1; 16], b"body"), "a", "b"));
    }

    /// Computed by an independent program (Python's hashlib); a change here would orphan every log there is.
    #[test]
    fn the_leaf_of_format_1_is_fixed() {
        assert_eq!(hex::encode(leaf(&[7; 32], "default", "github")), GOLDEN_LEAF);
    }

    const GOLDEN_LEAF: &str = "dbcbed2d152196ce4f3d5cfc041522a4acb3c527aec201e6b92ffdbb0d124953";
}
