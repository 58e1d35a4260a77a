//! What a checkpoint remembers of the log, so that it is noticed when the log under it is another one (RELIABILITY P13).
//!
//! A restored backup or a promoted standby may lack the last envelopes, and gives their positions to others. Whoever
//! stands at position 100 of the log that was must not go on from position 100 of the log that is. So every checkpoint
//! carries a [`Fence`], and every step compares it with what the log says [`At`] the same position.

use std::fmt;
use std::str::FromStr;

/// The first eight bytes of the log's chain hash through the batch that holds a position: enough to tell two histories
/// apart; signed checkpoints are what proves a history to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence([u8; 8]);

/// What the log says of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// It is there, with this chain.
    Held(Fence),
    /// The log does not go that far.
    Beyond,
    /// It was there, and what the log knew of it was dropped with its partition.
    Dropped,
}

impl Fence {
    /// The fence of a chain hash; none for bytes that are not one.
    #[must_use]
    pub fn of_chain(chain: &[u8]) -> Option<Self> {
        chain.first_chunk().map(|first| Self(*first))
    }

    /// As a number, for stores that keep numbers.
    #[must_use]
    pub const fn to_number(self) -> i64 {
        i64::from_be_bytes(self.0)
    }

    /// From [`Fence::to_number`].
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number.to_be_bytes())
    }
}

impl At {
    /// True unless the log is known to be another one than the fence is of. A checkpoint of an older hooklake has no
    /// fence; then only the log's end can tell.
    #[must_use]
    pub fn agrees_with(self, fence: Option<Fence>) -> bool {
        match (self, fence) {
            (Self::Beyond, _) => false,
            (Self::Held(held), Some(fence)) => held == fence,
            (Self::Held(_), None) | (Self::Dropped, _) => true,
        }
    }

    /// The fence to remember for this position.
    #[must_use]
    pub const fn fence(self) -> Option<Fence> {
        match self {
            Self::Held(fence) => Some(fence),
            Self::Beyond | Self::Dropped => None,
        }
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Fence {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 8];
        hex::decode_to_slice(text, &mut bytes).map(|()| Self(bytes))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(fence) => fence.fmt(f),
            Self::Beyond => f.write_str("nothing there yet"),
            Self::Dropped => f.write_str("nothing there any more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_survives_every_store() {
        let fence = Fence::of_chain(&[0xff; 32]).expect("a chain");
        assert_eq!(Fence::from_number(fence.to_number()), fence);
        assert_eq!(fence.to_string().parse(), Ok(fence));
        assert_eq!(Fence::of_chain(&[1, 2]), None);
    }

    #[test]
    fn only_another_history_disagrees() {
        let [one, two] = [Fence::from_number(1), Fence::from_number(2)];
        assert!(At::Held(one).agrees_with(Some(one)) && At::Held(one).agrees_with(None) && At::Dropped.agrees_with(Some(two)));
        assert!(!At::Held(one).agrees_with(Some(two)) && !At::Beyond.agrees_with(Some(one)) && !At::Beyond.agrees_with(None));
    }
}
