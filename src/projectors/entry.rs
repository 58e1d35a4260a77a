//! What every projector starts from: an envelope whose body was read, and values that fit their columns.

use std::sync::Arc;

use crate::db::rows::Cell;
use crate::domain::Json;
pub(super) use crate::domain::columns::{cut, key, list, whole};
use crate::domain::{Envelope, Payload};
use crate::log::Batch;

/// An envelope and what it says.
pub(super) struct Entry<'a> {
    pub(super) envelope: &'a Envelope,
    pub(super) id: String,
    pub(super) payload: Arc<Payload>,
}

impl<'a> Entry<'a> {
    /// Every envelope that is not a replay of one stored before.
    pub(super) fn fresh(batch: &'a Batch) -> Vec<Self> {
        Self::chosen(batch, |envelope| !envelope.is_replay())
    }

    /// The envelopes that are asked for; the bodies of the others are not read.
    pub(super) fn chosen(batch: &'a Batch, wanted: impl Fn(&Envelope) -> bool) -> Vec<Self> {
        batch.envelopes.iter().filter(|envelope| wanted(envelope)).map(Self::of).collect()
    }

    fn of(envelope: &'a Envelope) -> Self {
        Self { envelope, id: envelope.id.to_string(), payload: envelope.payload() }
    }

    /// What the body says.
    pub(super) fn value(&self) -> Json<'_> {
        self.payload.value()
    }

    /// What the body says for the column `mended`; nothing when there is nothing to show, and when the view reads it from
    /// the log.
    pub(super) fn mended(&self) -> Cell<'static> {
        if self.payload.verbatim {
            return Cell::Null;
        }
        self.payload.jsonb().map_or(Cell::Null, |value| Cell::Json(value.to_string().into()))
    }

    /// The flags.
    pub(super) fn flags(&self) -> Vec<String> {
        flags(self.envelope)
    }

    /// The size of the body.
    pub(super) fn body_bytes(&self) -> i32 {
        body_bytes(self.envelope)
    }
}

/// An envelope's flags.
pub(super) fn flags(envelope: &Envelope) -> Vec<String> {
    envelope.flags.iter().map(|flag| flag.as_str().to_owned()).collect()
}

/// The size of an envelope's body.
pub(super) fn body_bytes(envelope: &Envelope) -> i32 {
    i32::try_from(envelope.body.len()).unwrap_or(i32::MAX)
}

/// Declares the row of a table, whose columns are its fields, and how a batch of rows is added.
macro_rules! row {
    (struct $row:ident<$life:lifetime> of $table:literal { $($field:ident: $type:ty,)+ }) => {
        struct $row<$life> {
            $($field: $type,)+
        }

        impl<$life> $row<$life> {
            async fn insert(rows: Vec<Self>, transaction: &$crate::db::Transaction<'_>) -> Result<(), $crate::consumer::Error> {
                let cells = rows.into_iter().map(|row| vec![$(row.$field.into()),+]).collect();
                Ok($crate::db::rows::add(transaction, $table, &[$(stringify!($field)),+], cells).await?)
            }
        }
    };
}
pub(crate) use row;
