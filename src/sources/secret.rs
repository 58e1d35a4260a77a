//! Shared secrets and the signatures made with them. A secret never shows itself: not in logs, errors or `Debug`.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// One secret that a provider signs with.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "String")]
pub struct Secret(Vec<u8>);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl Secret {
    /// A secret, as text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into_bytes())
    }

    /// A secret that was decoded.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to sign with.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, for a scheme that decodes it; empty when it is not text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Names the secret in the log without giving it away.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(&hmac_sha256(b"hooklake secret id", &[self.bytes()])[..4])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The active secrets of a source: usually one, two while a secret is being rotated.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Secrets that are tried in this order; empty ones are dropped, since anyone can sign with them.
    #[must_use]
    pub fn new(secrets: Vec<Secret>) -> Self {
        Self(secrets.into_iter().filter(|secret| !secret.0.is_empty()).collect())
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter()
    }

    /// The secret whose HMAC-SHA256 over the parts is one of `signatures`, and that signature.
    ///
    /// Takes as long for a missing signature as for a wrong one: every secret is tried, and compared in constant time.
    #[must_use]
    pub fn signer_of(&self, parts: &[&[u8]], signatures: &[[u8; 32]]) -> Option<(&Secret, [u8; 32])> {
        let mut found = None;
        for secret in &self.0 {
            let made = hmac_sha256(secret.bytes(), parts);
            for signature in signatures {
                if bool::from(subtle::ConstantTimeEq::ct_eq(&made[..], &signature[..])) {
                    found = Some((secret, made));
                }
            }
        }
        found
    }
}

/// HMAC-SHA256 (RFC 2104) over parts that follow each other.
#[must_use]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        // HMAC takes a key of any length, so this is never reached; an empty key would be refused before.
        Err(_) => Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()),
    }
}

/// Decodes a SHA-256 digest from hexadecimal digits of either case.
#[must_use]
pub fn digest_from_hex(digits: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(digits, &mut digest).ok()?;
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1 to 3.
    #[test]
    fn hmac_is_that_of_rfc_4231() {
        for (key, data, digest) in [
            (vec![0x0b; 20], b"Hi There".to_vec(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe".to_vec(), b"what do ya want for nothing?".to_vec(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (vec![0xaa; 20], vec![0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        ] {
            assert_eq!(hex::encode(hmac_sha256(&key, &[&data])), digest);
        }
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let secrets = Secrets::new(vec![Secret::new("")]);
        assert!(secrets.is_empty());
        let forged = hmac_sha256(b"", &[b"body"]);
        assert!(secrets.signer_of(&[b"body"], &[forged]).is_none());
    }

    #[test]
    fn either_of_two_secrets_is_recognised() {
        let secrets = super::super::testing::secrets(&["new", "old"]);
        for text in ["new", "old"] {
            let made = hmac_sha256(text.as_bytes(), &[b"bo", b"dy"]);
            let (secret, _) = secrets.signer_of(&[b"body"], &[made]).expect("signed by an active secret");
            assert_eq!(secret.text(), text);
        }
        assert!(secrets.signer_of(&[b"body"], &[hmac_sha256(b"gone", &[b"body"])]).is_none());
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?} {}", secret.id()).contains("hunter2"));
    }
}
