//! One entry of the log: the bytes as they came, and what was known when they came (decision D1).

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::clock::Timestamp;
use super::facts::Facts;
use super::ids::{EventId, Tenant};
use super::kind::EventKind;
use super::payload::Payload;
use super::position::Position;

/// The source of hooklake's own records: settings and acts. Nobody else's envelope can have it.
pub const OWN_SOURCE: &str = "hooklake";

/// Header names and values in the order in which they came; only names of an allow-list are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Headers in the order given.
    #[must_use]
    pub const fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The first value under this name, whatever its case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// How an envelope proved where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The provider's signature over the raw body was right.
    Signed,
    /// The sender held a credential of ours (own events; there is no signature to check again).
    Authorized,
}

impl Verdict {
    /// The word that the log keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Authorized => "authorized",
        }
    }

    /// Reads the log's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "signed" => Some(Self::Signed),
            "authorized" => Some(Self::Authorized),
            _ => None,
        }
    }
}

/// What was noticed about a delivery; it is stored all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flag {
    /// Older than its provider's replay window, but authentic (Linear retries for hours).
    Late,
    /// The same signed body stands in the log under another delivery key.
    SuspectReplay,
    /// The sender named no delivery; the key is a hash of the content.
    KeyDerived,
    /// Its body was taken away since, or parts of it.
    Redacted,
}

impl Flag {
    /// The word that the log keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::SuspectReplay => "suspect_replay",
            Self::KeyDerived => "key_derived",
            Self::Redacted => "redacted",
        }
    }

    /// Reads the log's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Late, Self::SuspectReplay, Self::KeyDerived, Self::Redacted].into_iter().find(|flag| flag.as_str() == word)
    }
}

/// One entry of the log, as readers see it.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Its place.
    pub position: Position,
    /// Its name.
    pub id: EventId,
    /// Whose it is.
    pub tenant: Tenant,
    /// `github`, `linear`, `slack`, `deployment`, `custom`, or the name of a configured source.
    pub source: String,
    /// What makes it the same delivery when it comes again (decision D5).
    pub delivery_key: String,
    /// The type as noted at receipt; see [`EventKind::of`].
    pub event_type: String,
    /// When the server saw the request, by the server's clock.
    pub arrived_at: Timestamp,
    /// When it was appended, by the database's clock; never earlier than that of the envelope before.
    pub received_at: Timestamp,
    /// The headers that may be kept.
    pub headers: Headers,
    /// The body, byte for byte; empty when it was redacted.
    pub body: Bytes,
    /// How it was proved.
    pub verdict: Verdict,
    /// Which secret proved it.
    pub secret_id: Option<String>,
    /// What was noticed.
    pub flags: Vec<Flag>,
    /// What the body says, for those who share this envelope.
    pub shared: Shared,
}

/// What a body says, read by the first who asks and kept for the others; nothing is kept unless it is
/// [shared](Shared::among_many).
#[derive(Debug, Clone, Default)]
pub struct Shared(Option<Arc<Said>>);

#[derive(Debug, Default)]
struct Said {
    payload: OnceLock<Arc<Payload>>,
    facts: OnceLock<Arc<Facts>>,
}

impl Shared {
    /// For an envelope that many will read.
    #[must_use]
    pub fn among_many() -> Self {
        Self(Some(Arc::default()))
    }
}

impl Envelope {
    /// Reads the body. Never fails: what cannot be read is said in [`Payload::status`].
    #[must_use]
    pub fn payload(&self) -> Arc<Payload> {
        let read = || Arc::new(Payload::read(&self.body, self.headers.get("content-type")));
        self.shared.0.as_ref().map_or_else(read, |said| Arc::clone(said.payload.get_or_init(read)))
    }

    /// What people want to know of it first.
    #[must_use]
    pub fn facts(&self) -> Arc<Facts> {
        let read = || Arc::new(Facts::of(&self.source, &self.event_type, self.payload().value()));
        self.shared.0.as_ref().map_or_else(read, |said| Arc::clone(said.facts.get_or_init(read)))
    }

    /// The kind of event, given its payload.
    #[must_use]
    pub fn kind(&self, payload: &Payload) -> EventKind {
        EventKind::of(&self.source, &self.event_type, payload.value())
    }

    /// True when its body, or parts of it, were taken away since.
    #[must_use]
    pub fn is_redacted(&self) -> bool {
        self.flags.contains(&Flag::Redacted)
    }

    /// True when it must not count again: the same signed body is in the log already.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        self.flags.contains(&Flag::SuspectReplay)
    }
}
