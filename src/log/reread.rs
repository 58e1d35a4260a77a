//! Reads again what was redacted or retired since it was first read, for whoever keeps something made from it.

use tokio_postgres::types::ToSql;

use super::read::{Batch, Reader, envelope};
use crate::db;
use crate::domain::places::{Places, Range};
use crate::domain::{Position, Span};

const READ_AT: &str = include_str!("read_at.sql");
const READ_OWN: &str = include_str!("read_own.sql");
/// Envelopes that are read again at once.
const ENTRIES_MAX: usize = 100;

/// Reads what the log still says of forgotten places, one batch at a time.
#[derive(Debug)]
pub struct Reread {
    reader: Reader,
    positions: Vec<Position>,
    ranges: Vec<Range>,
}

impl Reader {
    /// What the log still says of places that were forgotten: of redacted envelopes what is left of them, of retired
    /// ranges hooklake's own records.
    #[must_use]
    pub fn reread(self, places: &Places) -> Reread {
        let mut ranges = places.ranges.clone();
        ranges.reverse();
        Reread { reader: self, positions: places.positions.clone(), ranges }
    }
}

impl Reread {
    /// The next batch; none at the end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next(&mut self) -> Result<Option<Batch>, db::Error> {
        while !self.positions.is_empty() {
            let rest = self.positions.split_off(ENTRIES_MAX.min(self.positions.len()));
            let positions: Vec<i64> = std::mem::replace(&mut self.positions, rest).into_iter().map(Position::get).collect();
            if let Some(batch) = self.among(READ_AT, &[&positions, &self.reader.reads_retired()]).await? {
                return Ok(Some(batch));
            }
        }
        while let Some(range) = self.ranges.pop() {
            if let Some(batch) = self.among(READ_OWN, &[&range.first.get(), &range.through.get(), &(ENTRIES_MAX as i64)]).await? {
                self.ranges.push(Range { first: Position::new(batch.span.through.get() + 1), ..range });
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    async fn among(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Batch>, db::Error> {
        let connection = self.reader.database().get().await?;
        let statement = connection.prepare_cached(statement).await?;
        let envelopes: Vec<_> = connection.query(&statement, parameters).await?.iter().map(envelope).collect();
        let (Some(first), Some(last)) = (envelopes.first(), envelopes.last()) else { return Ok(None) };
        let span = Span { after: Position::new(first.position.get() - 1), through: last.position };
        Ok(Some(Batch { span, head: last.position, envelopes }))
    }
}
