//! What a consumer made from places of the log that were redacted or retired goes again, in the very step that takes the
//! act: rows are deleted, and made anew from what the log still says.

use super::projection::{Extent, Projector};
use super::{Error, Next, checkpoint};
use crate::db::{Database, Transaction};
use crate::domain::{Envelope, Places};
use crate::log::{Batch, Reader};

/// Forgets places in a projector's tables, within the transaction that moves its checkpoint beyond the act.
pub(super) async fn in_tables<P: Projector>(
    projector: &P,
    consumer: &str,
    database: &Database,
    transaction: &mut Transaction<'_>,
    places: &Places,
    extent: Extent,
) -> Result<(), Error> {
    let (positions, firsts, lasts) = places.columns();
    if extent == Extent::Whole
        && let Some(remember) = P::REMEMBER
    {
        let statement = transaction.prepare_cached(remember).await?;
        transaction.execute(&statement, &[&positions, &firsts, &lasts]).await?;
    }
    for table in P::FOLDED {
        transaction.execute(&format!(r#"DELETE FROM {table} WHERE "position" = ANY ($1)"#), &[&positions]).await?;
        for (first, last) in firsts.iter().zip(&lasts) {
            let delete = format!(r#"DELETE FROM {table} WHERE "position" BETWEEN $1 AND $2"#);
            transaction.execute(&delete, &[first, last]).await?;
        }
    }
    checkpoint::unpark_within(transaction, consumer, places).await?;
    let mut rest = Reader::new(database.clone()).reread(places);
    while let Some(mut batch) = rest.next().await? {
        batch.envelopes.retain(|envelope| P::follows(&envelope.source));
        project(projector, transaction, &batch, extent).await?;
    }
    match extent {
        Extent::Whole => projector.settle(transaction).await,
        Extent::Records => Ok(()),
    }
}

/// Projects what is left of envelopes. One that cannot be taken leaves no row: its old row must not stay for that.
async fn project<P: Projector>(projector: &P, transaction: &mut Transaction<'_>, batch: &Batch, extent: Extent) -> Result<(), Error> {
    let Err(error) = attempt(projector, transaction, batch, extent).await else { return Ok(()) };
    if error.next() != Next::Park {
        return Err(error);
    }
    for envelope in &batch.envelopes {
        let alone = Batch { envelopes: vec![Envelope::clone(envelope)], ..*batch };
        match attempt(projector, transaction, &alone, extent).await {
            Err(error) if error.next() == Next::Park => {
                tracing::warn!(event.id = %envelope.id, position = %envelope.position, "what is left of {} cannot be projected; it has no row", envelope.id);
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

async fn attempt<P: Projector>(projector: &P, transaction: &mut Transaction<'_>, batch: &Batch, extent: Extent) -> Result<(), Error> {
    if batch.envelopes.is_empty() {
        return Ok(());
    }
    // Rolled back when dropped, as after an error.
    let savepoint = transaction.transaction().await?;
    match extent {
        Extent::Whole => projector.project(&savepoint, batch).await?,
        Extent::Records => projector.record(&savepoint, batch).await?,
    }
    savepoint.commit().await?;
    Ok(())
}
