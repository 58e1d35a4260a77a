//! Which kind of event: `type.action`, and the patterns that people write to choose some of them.

use std::fmt;
use std::str::FromStr;

use super::json::Json;

/// The type of an event as its provider names it, with the action where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventKind {
    /// `pull_request`, `Issue`, `message`, …: an open set.
    pub event_type: String,
    /// `opened`, `create`, …; absent where the provider sends none.
    pub action: Option<String>,
}

impl EventKind {
    /// The kind of an event, from the type noted at receipt and the action that its payload names.
    ///
    /// Where the action stands differs by source: Slack calls it `subtype`, a deployment's is its `status`, and the
    /// others say `action`.
    #[must_use]
    pub fn of(source: &str, event_type: &str, payload: Json<'_>) -> Self {
        let action = match source {
            "slack" => payload.at("/event/subtype"),
            "deployment" => payload.get("status"),
            _ => payload.get("action"),
        };
        Self { event_type: event_type.to_owned(), action: action.and_then(Json::as_str).map(str::to_owned) }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Some(action) => write!(f, "{}.{action}", self.event_type),
            None => f.write_str(&self.event_type),
        }
    }
}

/// A choice of kinds: `pull_request`, `pull_request:opened`, `pull_request:*` or `*`, whatever the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindPattern {
    event_type: String,
    action: Option<String>,
}

/// Text that is not a pattern of kinds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an event type filter is `type`, `type:action` or `type:*`; got {0:?}")]
pub struct InvalidPattern(String);

impl FromStr for KindPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.trim().to_lowercase();
        let (event_type, action) = match lower.split_once(':') {
            Some((event_type, action)) => (event_type, Some(action)),
            None => (lower.as_str(), None),
        };
        // No kind has a NUL, and PostgreSQL cannot be asked for one.
        if lower.contains('\0') || event_type.is_empty() || action.is_some_and(str::is_empty) {
            return Err(InvalidPattern(text.to_owned()));
        }
        Ok(Self { event_type: event_type.to_owned(), action: action.filter(|action| *action != "*").map(str::to_owned) })
    }
}

impl KindPattern {
    /// True when the pattern chooses this kind.
    #[must_use]
    pub fn matches(&self, kind: &EventKind) -> bool {
        (self.event_type == "*" || self.event_type == kind.event_type.to_lowercase())
            && self.action.as_ref().is_none_or(|wanted| kind.action.as_ref().is_some_and(|action| *wanted == action.to_lowercase()))
    }

    /// The type to compare with `lower(event_type)`; none when every type is meant.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        (self.event_type != "*").then_some(self.event_type.as_str())
    }

    /// The action to compare with `lower(action)`; none when every action is meant.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_as_written() {
        let opened = EventKind { event_type: "pull_request".into(), action: Some("opened".into()) };
        let push = EventKind { event_type: "push".into(), action: None };
        for (pattern, wants_opened, wants_push) in [
            ("pull_request", true, false),
            ("Pull_Request:OPENED", true, false),
            ("pull_request:*", true, false),
            ("pull_request:closed", false, false),
            ("push", false, true),
            ("*", true, true),
        ] {
            let pattern: KindPattern = pattern.parse().expect(pattern);
            assert_eq!(pattern.matches(&opened), wants_opened, "{pattern:?}");
            assert_eq!(pattern.matches(&push), wants_push, "{pattern:?}");
        }
        assert!("pull_request:".parse::<KindPattern>().is_err());
        assert!("".parse::<KindPattern>().is_err());
        assert!("push\0".parse::<KindPattern>().is_err());
    }
}
