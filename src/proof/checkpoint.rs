//! A checkpoint (c2sp.org/tlog-checkpoint): what the log was when it had a size, in a few lines that are signed. Pure.
//!
//! ```text
//! hooklake/0190a1b2-…                                   whose log
//! 329                                                   how many envelopes
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=          the root of the tree over them
//! chain 329 JKl2…                                       the chain hash in log.batches through that position
//! ```

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::note::{NoteError, Verifier};
use crate::domain::Position;
use crate::log::chain::Hash;

/// The text of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log.
    pub origin: String,
    /// How many envelopes; their last position.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// The chain hash through that position, which ends a batch.
    pub chain: Hash,
}

/// A text that is not a checkpoint of hooklake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a checkpoint of hooklake: {0}")]
pub struct NotACheckpoint(&'static str);

/// Why a file does not tell what the log was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is not signed as it should be.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// What is signed is something else.
    #[error(transparent)]
    Text(#[from] NotACheckpoint),
}

impl Checkpoint {
    /// The last position that it covers.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::new(i64::try_from(self.size).unwrap_or(i64::MAX))
    }

    /// Reads a signed checkpoint.
    ///
    /// # Errors
    /// When it is not one, or not signed by this key.
    pub fn open(note: &str, verifier: &Verifier) -> Result<Self, OpenError> {
        Ok(verifier.open(note)?.parse()?)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}\nchain {} {}", self.origin, self.size, STANDARD.encode(self.root), self.size, STANDARD.encode(self.chain))
    }
}

impl FromStr for Checkpoint {
    type Err = NotACheckpoint;

    fn from_str(text: &str) -> Result<Self, NotACheckpoint> {
        let mut lines = text.lines();
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(NotACheckpoint("it has no origin"))?;
        let size = lines.next().and_then(number).ok_or(NotACheckpoint("its second line is not a size"))?;
        let root = lines.next().and_then(hash).ok_or(NotACheckpoint("its third line is not a hash"))?;
        let chain = lines.find_map(|line| line.strip_prefix("chain ")?.split_once(' ')).ok_or(NotACheckpoint("it has no chain hash"))?;
        if number(chain.0) != Some(size) {
            return Err(NotACheckpoint("its chain hash is of another position"));
        }
        let chain = hash(chain.1).ok_or(NotACheckpoint("its chain hash is not a hash"))?;
        Ok(Self { origin: origin.to_owned(), size, root, chain })
    }
}

/// A number as the format wants it: digits only, no leading zeros, within the log's positions.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text && i64::try_from(number).is_ok()).then_some(number)
}

fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::note::Signer;
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "hooklake/test".to_owned(), size: 329, root: [1; 32], chain: [2; 32] }
    }

    #[test]
    fn a_checkpoint_reads_back() {
        let signer = Signer::from_seed("hooklake/test".to_owned(), [9; 32]).expect("a seed");
        let note = signer.sign(&checkpoint().to_string());
        assert_eq!(Checkpoint::open(&note, signer.verifier()), Ok(checkpoint()));
        assert_eq!(note.lines().nth(1), Some("329"));
        let altered = note.replacen("329", "328", 1);
        assert!(matches!(Checkpoint::open(&altered, signer.verifier()), Err(OpenError::Note(NoteError::WrongSignature(_)))));
    }

    #[test]
    fn other_texts_are_refused() {
        let text = checkpoint().to_string();
        for other in [
            String::new(),
            text.replacen("329", "0329", 1),
            text.replacen("329", "+329", 1),
            text.replacen("329", "330", 1),
            text.replacen("AQEB", "AQE", 1),
            text.replacen("chain", "chian", 1),
            text.replacen("329", "18446744073709551615", 2),
        ] {
            assert!(other.parse::<Checkpoint>().is_err(), "{other}");
        }
        // Lines of a later version are passed over.
        assert_eq!(format!("{text}more\n").parse(), Ok(checkpoint()));
    }
}
