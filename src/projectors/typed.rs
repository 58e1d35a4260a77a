//! Rows of the platforms' tables: what is the same in all of them, and the columns of `domain::columns` in their order.

use super::entry::{Entry, cut};
use crate::consumer::Error;
use crate::db::Transaction;
use crate::db::rows::{self, Cell};
use crate::domain::columns::{Column, Event, Read};

/// The columns that each of these tables begins with.
const COMMON: [&str; 7] = ["position", "id", "tenant", "event_type", "received_at", "verbatim", "mended"];

/// Adds a row for each entry to a table that has these columns after the common ones.
pub(super) async fn insert(table: &str, columns: &[Column], entries: &[Entry<'_>], transaction: &Transaction<'_>) -> Result<(), Error> {
    let names: Vec<&str> = COMMON.into_iter().chain(columns.iter().map(|column| column.0)).collect();
    let rows = entries.iter().map(|entry| {
        let event = Event::of(entry.envelope, entry.value());
        let mut cells = vec![
            entry.envelope.position.get().into(),
            entry.id.as_str().into(),
            entry.envelope.tenant.as_str().into(),
            cut(&entry.envelope.event_type).into(),
            entry.envelope.received_at.into(),
            entry.payload.verbatim.into(),
            entry.mended(),
        ];
        cells.extend(columns.iter().map(|column| cell(&event, column.1)));
        cells
    });
    Ok(rows::add(transaction, table, &names, rows.collect()).await?)
}

fn cell<'a>(event: &Event<'a>, read: Read) -> Cell<'a> {
    match read {
        Read::Text(read) => read(event).into(),
        Read::Made(read) => read(event).into(),
        Read::Piece(read) => read(event).map_or(Cell::Null, |text| Cell::Json(text.into())),
        Read::Whole(read) => read(event).into(),
        Read::Number(read) => read(event).into(),
        Read::Flag(read) => read(event).into(),
        Read::Time(read) => read(event).into(),
        Read::Day(read) => read(event).into(),
        Read::Texts(read) => read(event).into(),
    }
}
