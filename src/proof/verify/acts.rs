//! What the acts in the log say was taken out of it. Nothing else may lack its content: who owns the tables can blank a row or drop
//! a week, and cannot append an act without the chain telling.

use roaring::RoaringTreemap;
use tokio::sync::Mutex;

use crate::db::{self, Database};
use crate::domain::{OWN_SOURCE, Places, Position, Range};
use crate::log::{BatchLimits, Reader};

/// The acts of a log, read when they are first asked for.
pub(super) struct Acts {
    reader: Reader,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Through which position acts were read.
    through: Position,
    redacted: RoaringTreemap,
    retired: Vec<Range>,
}

impl Acts {
    pub(super) fn new(database: Database) -> Self {
        Self { reader: Reader::new(database).with_retired(), known: Mutex::default() }
    }

    /// The first of these places that no act names: positions without their content, and ranges that are gone. They are to be seen
    /// before this is asked: what goes while the log is read has its act by then.
    pub(super) async fn first_unnamed(&self, blank: &[Position], gone: &[Range]) -> Result<Option<Position>, db::Error> {
        if blank.is_empty() && gone.is_empty() {
            return Ok(None);
        }
        let mut known = self.known.lock().await;
        if known.first_unnamed(blank, gone).is_none() {
            return Ok(None);
        }
        known.read_on(&self.reader).await?;
        Ok(known.first_unnamed(blank, gone))
    }
}

impl Known {
    async fn read_on(&mut self, reader: &Reader) -> Result<(), db::Error> {
        loop {
            let batch = reader.after(self.through, None, Some(&[OWN_SOURCE]), BatchLimits::default()).await?;
            if batch.span.is_empty() {
                return Ok(());
            }
            let places = Places::of(&batch.envelopes);
            self.redacted.extend(places.positions.iter().map(|position| position.get() as u64));
            self.retired.extend(places.ranges);
            self.through = batch.span.through;
        }
    }

    fn first_unnamed(&self, blank: &[Position], gone: &[Range]) -> Option<Position> {
        let is_retired = |gone: &Range| self.retired.iter().any(|range| range.first <= gone.first && gone.through <= range.through);
        let blank = blank.iter().copied().find(|position| !self.redacted.contains(position.get() as u64));
        let gone = gone.iter().find(|gone| !is_retired(gone)).map(|gone| gone.first);
        blank.into_iter().chain(gone).min()
    }
}
