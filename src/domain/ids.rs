//! Names of things: prefixed, collision-resistant, and nothing one could count up to (`UUIDv7`, RFC 9562).

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The name of one envelope: `evt_` and 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    const PREFIX: &'static str = "evt_";

    /// A new name, later in order than those made before it.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The name that the database keeps as a `uuid`.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// What the database keeps.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0.simple())
    }
}

/// Text that is not the name of an event.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an event id is evt_ and 32 hexadecimal digits")]
pub struct InvalidEventId;

impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(InvalidEventId)?;
        if digits.len() != 32 {
            return Err(InvalidEventId);
        }
        Uuid::try_parse(digits).map(Self).map_err(|_| InvalidEventId)
    }
}

/// Whose data a row is. It comes from the verified credential only, never from a payload (decision D14).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tenant(String);

impl Tenant {
    /// The one tenant of an installation that configured none.
    #[must_use]
    pub fn default_tenant() -> Self {
        Self("default".to_owned())
    }

    /// A tenant as the database names it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_reads_back() {
        let id = EventId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "1", "evt_", "evt_1", "route_0190a1b2c3d47e5f8a9b0c1d2e3f4a5b", "evt_0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"] {
            assert_eq!(text.parse::<EventId>(), Err(InvalidEventId), "{text}");
        }
    }
}
