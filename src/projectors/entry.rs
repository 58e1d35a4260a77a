//! What every projector starts from: an envelope whose body was read, and values that fit their columns.

use std::sync::Arc;

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

    /// What the body says as text for the column `mended`; none when there is nothing to show, and when the view reads it
    /// from the log.
    pub(super) fn mended(&self) -> Option<String> {
        if self.payload.verbatim {
            return None;
        }
        // Not handed over as a value: its conversion runs in code that only release builds optimise, at ten times the
        // cost of all the rest for a body of 25 MB.
        self.payload.jsonb().map(|value| value.to_string())
    }

    /// The flags as one text, for `string_to_array`.
    pub(super) fn flags(&self) -> String {
        flags(self.envelope)
    }

    /// The size of the body.
    pub(super) fn body_bytes(&self) -> i32 {
        body_bytes(self.envelope)
    }
}

/// An envelope's flags as one text, for `string_to_array`.
pub(super) fn flags(envelope: &Envelope) -> String {
    envelope.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>().join(",")
}

/// The size of an envelope's body.
pub(super) fn body_bytes(envelope: &Envelope) -> i32 {
    i32::try_from(envelope.body.len()).unwrap_or(i32::MAX)
}

/// Declares the row of a table and how a batch of rows is inserted: one array for each field, in their order, as the
/// parameters of one statement. Written once here, because a statement with fifty parameters in an order kept by hand
/// in three places would go wrong.
macro_rules! row {
    (struct $row:ident<$life:lifetime> inserted by $statement:literal { $($field:ident: $type:ty,)+ }) => {
        struct $row<$life> {
            $($field: $type,)+
        }

        impl<$life> $row<$life> {
            const INSERT: &'static str = include_str!($statement);

            async fn insert(rows: &[Self], transaction: &$crate::db::Transaction<'_>) -> Result<(), $crate::consumer::Error> {
                if rows.is_empty() {
                    return Ok(());
                }
                $(let $field: Vec<_> = rows.iter().map(|row| &row.$field).collect();)+
                let statement = transaction.prepare_cached(Self::INSERT).await?;
                transaction.execute(&statement, &[$(&$field),+]).await?;
                Ok(())
            }
        }
    };
}
pub(crate) use row;
