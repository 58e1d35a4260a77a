//! A checkpoint that was kept elsewhere against the log as it is.

use super::Ends;
use crate::db::Database;
use crate::proof::tree::TreeReader;
use crate::proof::{Checkpoint, Error};

/// Why the log does not continue what the checkpoint says; none when it does.
pub(super) async fn check(database: &Database, ends: &Ends, origin: &str, checkpoint: &Checkpoint) -> Result<Option<String>, Error> {
    if checkpoint.origin != origin {
        return Ok(Some(format!("it is of another log ({}; this is {origin})", checkpoint.origin)));
    }
    let position = checkpoint.position();
    if position > ends.head {
        return Ok(Some(format!("the log ends at {}, the checkpoint says {position}: what came after was cut off", ends.head)));
    }
    if checkpoint.size > ends.tree {
        return Ok(Some(format!("the tree has reached {} only, the checkpoint says {position}: it was cut off, or a rebuild is under way", ends.tree)));
    }
    let root = match TreeReader::new(database.clone()).root(checkpoint.size).await {
        Ok(root) => root,
        Err(Error::Tree(reason)) => return Ok(Some(reason)),
        Err(error) => return Err(error),
    };
    if root != checkpoint.root {
        return Ok(Some(format!("the envelopes up to position {position} are not those that were signed: something at or before it was changed")));
    }
    let connection = database.get().await?;
    let row = connection.query_opt("SELECT chain FROM log.batches WHERE through_position = $1", &[&position.get()]).await?;
    if row.is_none_or(|row| row.get::<_, &[u8]>(0) != checkpoint.chain) {
        return Ok(Some(format!("the chain in log.batches at position {position} is not the one that was signed, though the envelopes are")));
    }
    Ok(None)
}
