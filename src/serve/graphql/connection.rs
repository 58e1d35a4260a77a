//! Pages of events as Relay describes them: opaque cursors, newest first.

use async_graphql::connection::{Connection, CursorType, Edge, EmptyFields};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::event::Event;
use crate::domain::{Position, Tenant};
use crate::projectors::query::{EventFilter, Events, Page};
use crate::serve::error::ApiError;
use crate::serve::events::not_retired;
use crate::serve::router::AppState;

/// The most events of one page.
const PAGE_MAX: i32 = 200;
/// Events of a page for which no number was asked.
pub(super) const PAGE_DEFAULT: i32 = 20;
const CURSOR_PREFIX: &[u8] = b"e1:";

/// A page of events.
pub(super) type EventConnection = Connection<Cursor, Event, EmptyFields, EmptyFields>;

/// The place of an event in a list. What it holds is nobody's business and may change.
#[derive(Debug, Clone, Copy)]
pub struct Cursor(Position);

/// Text that is not a cursor.
#[derive(Debug, thiserror::Error)]
#[error("is not a cursor of this server")]
pub struct InvalidCursor;

impl CursorType for Cursor {
    type Error = InvalidCursor;

    fn decode_cursor(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let digits = bytes.strip_prefix(CURSOR_PREFIX).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or(InvalidCursor)?;
        digits.parse().map(|position| Self(Position::new(position))).map_err(|_| InvalidCursor)
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode([CURSOR_PREFIX, self.0.to_string().as_bytes()].concat())
    }
}

/// Which part of the list is asked for, as Relay names it.
pub(super) struct Slice {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
    /// True when payloads are asked for.
    pub payloads: bool,
}

impl Slice {
    /// One page of the events that the filter chooses, read by `events`, which may be bounded.
    pub async fn read(self, app: &AppState, events: &Events, tenant: &Tenant, filter: &EventFilter) -> Result<EventConnection, ApiError> {
        let after = cursor("after", self.after.as_deref())?;
        let before = cursor("before", self.before.as_deref())?;
        let payloads = self.payloads;
        let (page, backwards) = match (self.first, self.last) {
            (None, Some(last)) if after.is_none() => {
                // The end of the list is the start of the log.
                (Page { after: None, before: Some(before.unwrap_or(Position::START)), first: size("last", last)?, payloads }, true)
            }
            (first, None) if before.is_none() => (Page { after, before: None, first: size("first", first.unwrap_or(PAGE_DEFAULT))?, payloads }, false),
            _ => return Err(ApiError::parameter("last", "goes with before, as first goes with after; the two pairs cannot be mixed")),
        };
        not_retired(app, after.or(before)).await?;
        let page = events.page(tenant, filter, page).await?;

        let (has_previous, has_next) = if backwards { (page.has_more, before.is_some()) } else { (after.is_some(), page.has_more) };
        let mut connection = Connection::new(has_previous, has_next);
        connection.edges.extend(page.rows.into_iter().map(|row| Edge::new(Cursor(row.position), Event::from(row))));
        Ok(connection)
    }
}

fn cursor(name: &str, text: Option<&str>) -> Result<Option<Position>, ApiError> {
    text.map(|text| Cursor::decode_cursor(text).map(|cursor| cursor.0).map_err(|error| ApiError::parameter(name, error))).transpose()
}

fn size(name: &str, count: i32) -> Result<u32, ApiError> {
    u32::try_from(count)
        .ok()
        .filter(|_| (1..=PAGE_MAX).contains(&count))
        .ok_or_else(|| ApiError::parameter(name, format!("is a whole number from 1 to {PAGE_MAX}")))
}

/// What a list costs: each item as much as the fields asked of it.
pub(super) fn cost(count: Option<i32>, each: usize) -> usize {
    let count = usize::try_from(count.unwrap_or(PAGE_DEFAULT)).unwrap_or(1);
    count.saturating_mul(each).saturating_add(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_others_are_refused() {
        let text = Cursor(Position::new(42)).encode_cursor();
        assert_eq!(Cursor::decode_cursor(&text).expect("its own").0, Position::new(42));
        for other in ["", "42", "ZTE6", "e1:42", "ZTE6LQ"] {
            assert!(Cursor::decode_cursor(other).is_err(), "{other}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert!(size("first", 0).is_err() && size("first", -1).is_err() && size("first", 201).is_err());
        assert_eq!(size("first", 200).ok(), Some(200));
        assert_eq!(cost(Some(i32::MAX), usize::MAX), usize::MAX);
    }
}
