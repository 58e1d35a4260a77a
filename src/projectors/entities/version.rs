//! One version of one aspect of an entity, as one envelope tells it.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::super::entry::{key, whole};
use super::kind::Kind;
use super::state::State;
use crate::domain::Json;
use crate::domain::clock::Timestamp;

/// One version of one aspect. Of two of them the one with the greater [`Order`] counts.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) kind: Kind,
    pub(super) key: String,
    pub(super) aspect: &'static str,
    pub(super) order: Order,
    /// The columns it says, as JSON.
    pub(super) state: String,
}

/// What decides which version is newer: the provider's time, then how far the thing has come, then the content. When
/// it arrived is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order {
    pub(super) at: Timestamp,
    pub(super) rank: i64,
    pub(super) digest: i64,
}

/// The versions that one envelope tells.
#[derive(Debug, Default)]
pub(super) struct Versions(BTreeMap<(Kind, String, &'static str), Version>);

impl Versions {
    /// Adds one. Without a time it is older than any that has one; what has no key that an index can hold is left out,
    /// because no provider gives such names.
    pub(super) fn tell(&mut self, kind: Kind, name: Option<String>, aspect: &'static str, at: Option<Timestamp>, rank: i64, state: &State) {
        let Some(name) = name.filter(|name| key(Some(name)).is_some()) else { return };
        let state = state.to_json();
        let order = Order { at: at.unwrap_or(Timestamp::UNIX_EPOCH), rank, digest: digest(&state) };
        // A push may list a commit twice.
        let place = (kind, name.clone(), aspect);
        if self.0.get(&place).is_none_or(|known| known.order < order) {
            self.0.insert(place, Version { kind, key: name, aspect, order, state });
        }
    }

    /// All of them, in an order that depends on nothing else.
    pub(super) fn into_iter(self) -> impl Iterator<Item = Version> {
        self.0.into_values()
    }
}

/// Tells equal states from others.
fn digest(state: &str) -> i64 {
    let digest = Sha256::digest(state.as_bytes());
    i64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default())
}

/// How far something has come, so that of two versions of one second the later one counts.
pub(super) fn progress(status: Option<&str>) -> i64 {
    match status {
        Some("completed" | "success" | "succeeded" | "failure" | "failed" | "error" | "cancelled" | "canceled") => 2,
        Some("in_progress" | "running" | "started") => 1,
        _ if is_replaced(status) => 3,
        _ => 0,
    }
}

/// True when another deployment took its place, or it was taken back: it ended before that, and does not end again.
pub(super) fn is_replaced(status: Option<&str>) -> bool {
    matches!(status, Some("inactive" | "rolled_back"))
}

/// `github:21031067`: someone or something by the number that GitHub gave it for good.
pub(super) fn by_number(platform: &str, value: Json<'_>, pointer: &str) -> Option<String> {
    whole(value, pointer).map(|number| format!("{platform}:{number}"))
}
