//! In: prove the sender, note what makes the delivery unique, hand an envelope to the log.
//!
//! ```text
//! RawRequest ─ receive ─→ Received (an envelope, and what to answer)   or   Refusal (401, nothing is kept)
//! ```
//!
//! A [`Source`] sees the raw bytes before anyone parses them. It refuses only what is not authentic; trouble with the
//! content is for readers to find (decisions D2 and D9). The rules of each provider stand in its file, with their
//! source: [`github`], [`linear`], [`slack`]; [`standard`] is the Standard Webhooks scheme, [`generic`] any other
//! signature that can be described in settings, [`own`] events that come with a credential of ours.

pub mod generic;
pub mod github;
pub mod headers;
pub mod linear;
pub mod network;
pub mod own;
pub mod secret;
pub mod slack;
pub mod standard;

use bytes::Bytes;
use http::HeaderMap;
use sha2::{Digest, Sha256};

pub use network::Network;
pub use secret::{Secret, Secrets};

use crate::domain::clock::Timestamp;
use crate::domain::envelope::{Flag, Verdict};
use crate::domain::{EventId, Tenant};
use crate::log::NewEnvelope;
use crate::log::append::DELIVERY_KEY_BYTES_MAX;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct RawRequest {
    /// All headers, before the allow-list.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
    /// When its first bytes came.
    pub arrived_at: Timestamp,
}

impl RawRequest {
    /// The value of a header that came exactly once and is visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        // Two signatures, or two delivery ids: which one was meant is anyone's guess.
        if values.next().is_some() { None } else { first.to_str().ok() }
    }
}

/// What a source makes of an authentic request.
#[derive(Debug)]
pub struct Received {
    /// For the log; none for a probe that carries nothing (Slack's `ssl_check`).
    pub envelope: Option<NewEnvelope>,
    /// Text to answer with instead of the usual reply (Slack's `challenge`).
    pub echo: Option<String>,
    /// What the sender should know about the content; it is stored all the same.
    pub warnings: Vec<String>,
}

/// Why a request is not let in. The sender is told the same for all of them, so that it learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signature, or one that is not of the provider's form.
    #[error("the signature is missing or malformed")]
    Unsigned,
    /// A signature that no active secret made.
    #[error("the signature is wrong")]
    WrongSignature,
    /// The signed time is too far from now.
    #[error("the signed timestamp is outside the window")]
    Stale,
    /// The signed delivery id is not of the scheme's form.
    #[error("the delivery id is malformed")]
    MalformedId,
}

impl Refusal {
    /// The word that metrics use.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::WrongSignature => "wrong_signature",
            Self::Stale => "stale",
            Self::MalformedId => "malformed_id",
        }
    }
}

/// Where events come from.
pub trait Source: Send + Sync + std::fmt::Debug {
    /// Its name: what follows `/webhook/`, and the `source` of its envelopes.
    fn name(&self) -> &str;

    /// True when it has a secret to verify with; one that has none refuses everything.
    fn is_configured(&self) -> bool;

    /// True when a secret of this name ([`Secret::id`]) is among those that it verifies with.
    fn knows(&self, secret_id: &str) -> bool;

    /// Proves the sender and makes an envelope. The time is looked at only after the signature was found right, so that
    /// [`Refusal::Stale`] tells that much; `hooklake verify` relies on it.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing of a refused request is kept.
    fn receive(&self, request: &RawRequest, now: Timestamp) -> Result<Received, Refusal>;
}

/// What a source found out; [`Found::into_received`] makes the envelope of it.
struct Found<'a> {
    source: &'a str,
    delivery_key: Option<String>,
    event_type: String,
    verdict: Verdict,
    secret_id: Option<String>,
    signature: Option<[u8; 32]>,
    flags: Vec<Flag>,
    /// Those that the signature is in, or signs.
    kept_headers: Vec<&'a str>,
}

impl Found<'_> {
    fn into_received(mut self, request: &RawRequest) -> Received {
        let delivery_key = self.delivery_key.filter(|key| !key.is_empty()).unwrap_or_else(|| {
            self.flags.push(Flag::KeyDerived);
            content_key(self.source, &request.body)
        });
        let envelope = NewEnvelope {
            id: EventId::generate(),
            tenant: Tenant::default_tenant(),
            source: self.source.to_owned(),
            delivery_key: bounded_key(delivery_key),
            event_type: bounded_type(&self.event_type),
            arrived_at: request.arrived_at,
            headers: headers::kept(&request.headers, &self.kept_headers),
            body: request.body.clone(),
            verdict: self.verdict,
            secret_id: self.secret_id,
            // A body-only signature is the same for the same body, and cannot be made without the secret.
            signature_tag: self.signature.and_then(|signature| signature.first_chunk().copied()).map(i64::from_be_bytes),
            flags: self.flags,
        };
        Received { envelope: Some(envelope), echo: None, warnings: Vec::new() }
    }
}

/// A key for a delivery that names none: the same content is the same delivery (decision D5).
fn content_key(source: &str, body: &[u8]) -> String {
    let digest = Sha256::new().chain_update(source).chain_update([0]).chain_update(body).finalize();
    format!("sha256:{}", hex::encode(digest))
}

fn bounded_key(key: String) -> String {
    if key.len() <= DELIVERY_KEY_BYTES_MAX { key } else { format!("sha256:{}", hex::encode(Sha256::digest(&key))) }
}

/// The longest event type that is noted; providers' own are far shorter.
const EVENT_TYPE_CHARS_MAX: usize = 128;

fn bounded_type(event_type: &str) -> String {
    let known: String = event_type.chars().filter(|character| !character.is_control()).take(EVENT_TYPE_CHARS_MAX).collect();
    if known.is_empty() { "unknown".to_owned() } else { known }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A request with these headers.
    pub(crate) fn request(headers: &[(&'static str, &str)], body: &[u8]) -> RawRequest {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header value"));
        }
        RawRequest { headers: map, body: Bytes::copy_from_slice(body), arrived_at: Timestamp::UNIX_EPOCH }
    }

    pub(crate) fn secrets(values: &[&str]) -> Secrets {
        Secrets::new(values.iter().map(|value| Secret::new(*value)).collect())
    }
}
