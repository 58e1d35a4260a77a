//! Providers' signatures, checked again from the stored headers and body by the code that checked them at receipt.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::envelope::{Headers, Verdict};
use crate::proof::stored::Stored;
use crate::sources::{RawRequest, Refusal, Source};

/// Finds a configured source by its name.
pub type Sources = Arc<dyn Fn(&str) -> Option<Arc<dyn Source>> + Send + Sync>;

/// Checks signatures with the secrets that are configured now.
#[derive(Clone)]
pub struct Signatures(Sources);

/// What became of a signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// It is right.
    Right,
    /// There is none: the sender held a credential of ours.
    Authorized,
    /// The secret that it was made with is not configured any more.
    SecretGone,
    /// It is wrong.
    Wrong(String),
}

impl Signatures {
    /// Checks with these sources.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        Self(sources)
    }

    pub(super) fn check(&self, stored: &Stored<'_>, body: &[u8]) -> Checked {
        if stored.verdict == Verdict::Authorized.as_str() {
            return Checked::Authorized;
        }
        let source = (self.0)(stored.source).filter(|source| source.knows(stored.secret_id));
        let Some(source) = source else { return Checked::SecretGone };
        let request = RawRequest { headers: headers(stored.headers), body: Bytes::copy_from_slice(body), arrived_at: stored.arrived_at };
        match source.receive(&request, stored.arrived_at) {
            // The window was judged when it came; a source looks at the time only after the signature was right.
            Ok(_) | Err(Refusal::Stale) => Checked::Right,
            Err(refusal) => Checked::Wrong(format!("the signature of {}, checked again with the secret {}: {refusal}", stored.source, stored.secret_id)),
        }
    }
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signatures")
    }
}

/// The headers as they came; what cannot be one again was no part of a signature.
fn headers(text: &str) -> HeaderMap {
    let kept: Headers = serde_json::from_str(text).unwrap_or_default();
    let mut headers = HeaderMap::new();
    for (name, value) in kept.iter() {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    headers
}
