//! Signed notes (c2sp.org/signed-note): a text, a blank line, and lines that sign it with Ed25519. Pure.
//!
//! A key has a name and a 4-byte id, SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)\[..4\]. Keys are written as the Go tools
//! for such notes do: `name+id+base64` for the public half, `PRIVATE+KEY+name+id+base64` for the private one.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

/// Ed25519, as the specification numbers kinds of signatures.
const ED25519_KIND: u8 = 1;
/// What a signature's line begins with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "— ";
const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";
/// More than any note of ours; a file that is larger is something else.
pub const NOTE_BYTES_MAX: usize = 64 << 10;

/// Text that is not a key, or a note that is not signed by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a verifier key.
    #[error("a public key is name+8 hexadecimal digits+base64, as `hooklake checkpoint --public-key` prints it")]
    NotAVerifier,
    /// Not a signer key.
    #[error("not a private key of the form PRIVATE+KEY+name+id+base64")]
    NotASigner,
    /// Not a note.
    #[error("this is not a signed note")]
    NotANote,
    /// A note, but not by this key.
    #[error("it is not signed by {0}")]
    OtherKey(String),
    /// The signature does not fit the text.
    #[error("its signature by {0} is wrong: it was altered after it was signed")]
    WrongSignature(String),
}

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl Verifier {
    fn new(name: String, public: [u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(&name).chain_update([b'\n', ED25519_KIND]).chain_update(public).finalize();
        Self { id: [digest[0], digest[1], digest[2], digest[3]], name, public }
    }

    /// Reads a note; returns its text if this key signed it.
    ///
    /// # Errors
    /// When it is not a note, or not signed by this key.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let at = note.rfind("\n\n").ok_or(NoteError::NotANote)?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        if note.len() > NOTE_BYTES_MAX || text.len() < 2 || !signatures.ends_with('\n') {
            return Err(NoteError::NotANote);
        }
        for line in signatures.lines() {
            let (name, encoded) = line.strip_prefix(SIGNATURE_PREFIX).and_then(|rest| rest.split_once(' ')).ok_or(NoteError::NotANote)?;
            let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::NotANote)?;
            let (id, signature) = bytes.split_at_checked(4).ok_or(NoteError::NotANote)?;
            if name != self.name || id != self.id {
                continue;
            }
            let verified = UnparsedPublicKey::new(&ED25519, self.public).verify(text.as_bytes(), signature);
            return verified.map(|()| text).map_err(|_| NoteError::WrongSignature(self.name.clone()));
        }
        Err(NoteError::OtherKey(self.to_string()))
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), encode_key(&self.public))
    }
}

impl FromStr for Verifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, public) = split_key(text.trim()).ok_or(NoteError::NotAVerifier)?;
        let verifier = Self::new(name.to_owned(), public);
        if hex::encode(verifier.id) == id { Ok(verifier) } else { Err(NoteError::NotAVerifier) }
    }
}

/// A key that signs. It shows its private half in [`Signer::to_secret_text`] only.
pub struct Signer {
    verifier: Verifier,
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl Signer {
    /// The key of a name that this seed gives.
    ///
    /// # Errors
    /// When the seed is not one.
    pub fn from_seed(name: String, seed: [u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NoteError::NotASigner)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::NotASigner)?;
        Ok(Self { verifier: Verifier::new(name, public), seed, pair })
    }

    /// The public half.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The key as it is kept in a file.
    #[must_use]
    pub fn to_secret_text(&self) -> String {
        format!("{PRIVATE_PREFIX}{}+{}+{}\n", self.verifier.name, hex::encode(self.verifier.id), encode_key(&self.seed))
    }

    /// Signs a text that ends with a newline and has no blank line.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signed = [&self.verifier.id, self.pair.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n{SIGNATURE_PREFIX}{} {}\n", self.verifier.name, STANDARD.encode(signed))
    }
}

impl FromStr for Signer {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, seed) = text.trim().strip_prefix(PRIVATE_PREFIX).and_then(split_key).ok_or(NoteError::NotASigner)?;
        let signer = Self::from_seed(name.to_owned(), seed)?;
        if hex::encode(signer.verifier.id) == id { Ok(signer) } else { Err(NoteError::NotASigner) }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

fn encode_key(key: &[u8; 32]) -> String {
    STANDARD.encode([&[ED25519_KIND], key.as_slice()].concat())
}

/// Name, id and key of `name+id+base64`. Base64 may hold a `+`, the name may not.
fn split_key(text: &str) -> Option<(&str, &str, [u8; 32])> {
    let (name, rest) = text.split_once('+')?;
    let (id, encoded) = rest.split_once('+')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (kind, key) = bytes.split_first()?;
    let is_name = !name.is_empty() && !name.chars().any(char::is_whitespace);
    if is_name && *kind == ED25519_KIND { Some((name, id, key.try_into().ok()?)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, made by another program.
    const VERIFIER: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str =
        "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_specifications_example_opens() {
        let verifier: Verifier = VERIFIER.parse().expect("a key");
        assert_eq!(verifier.to_string(), VERIFIER);
        assert_eq!(verifier.open(NOTE), Ok("This is an example message.\n"));
        assert_eq!(verifier.open(&NOTE.replace("example message", "exemplary message")), Err(NoteError::WrongSignature("example.com/foo".to_owned())));
        // Lines of other keys are passed over.
        let other = Signer::from_seed("other".to_owned(), [3; 32]).expect("a seed");
        let signed = other.sign("This is an example message.\n");
        let (_, line) = signed.split_once("\n\n").expect("a note");
        assert_eq!(verifier.open(&NOTE.replace("\n\n", &format!("\n\n{line}"))), Ok("This is an example message.\n"));
        assert!(matches!(verifier.open(&signed), Err(NoteError::OtherKey(_))));
    }

    #[test]
    fn a_key_reads_back_and_opens_what_it_signed() {
        let signer = Signer::from_seed("hooklake/test".to_owned(), [7; 32]).expect("a seed");
        let again: Signer = signer.to_secret_text().parse().expect("a key");
        let note = again.sign("one\ntwo\n");
        let verifier: Verifier = signer.verifier().to_string().parse().expect("a key");
        assert_eq!(verifier.open(&note), Ok("one\ntwo\n"));
        assert_eq!(verifier.open(&note.replace("one", "eno")), Err(NoteError::WrongSignature("hooklake/test".to_owned())));
        assert!(!format!("{signer:?}").contains(&encode_key(&[7; 32])), "a private key does not show itself");
    }

    #[test]
    fn what_is_not_a_note_or_a_key_is_refused() {
        let verifier: Verifier = VERIFIER.parse().expect("a key");
        for text in ["", "\n\n", "text\n", "text\n\nno signature\n", "text\n\n— example.com/foo !!!\n", "text\n\n— example.com/foo AAAA\n"] {
            assert!(verifier.open(text).is_err(), "{text:?}");
        }
        assert_eq!(verifier.open(NOTE.trim_end()), Err(NoteError::NotANote));
        for key in
            ["", "a+b", "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"]
        {
            assert_eq!(key.parse::<Verifier>(), Err(NoteError::NotAVerifier), "{key:?}");
        }
    }
}
