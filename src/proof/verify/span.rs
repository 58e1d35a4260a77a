//! One worker: recomputes spans, envelope by envelope.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use tokio::sync::{Mutex, mpsc};
use tokio_postgres::{IsolationLevel, Row};

use super::plan::{BATCHES, BatchRow, Work};
use super::signatures::Checked;
use super::{Examination, Progress};
use crate::db;
use crate::domain::clock::Timestamp;
use crate::domain::{Position, Range};
use crate::log::chain::{self, Hash};
use crate::proof::merkle;
use crate::proof::stored::Stored;
use crate::proof::tile::Tiles;
use crate::proof::tree::{TreeReader, leaf_tiles};

const ENVELOPES: &str = include_str!("envelopes.sql");

/// Takes spans until there are none.
pub(super) async fn work(examination: Arc<Examination>, waiting: Arc<Mutex<mpsc::Receiver<Work>>>) {
    loop {
        let next = waiting.lock().await.recv().await;
        let Some(work) = next else { return };
        let Some(first) = work.batches.first().map(|batch| batch.first) else { continue };
        if examination.is_beyond(first).await {
            continue;
        }
        let span = Span { examination: &examination, tiles: Tiles::default() };
        if let Err(error) = span.check(work).await {
            *examination.failed.lock().await = Some(error);
        }
    }
}

/// What is wrong with a span, first of all.
struct Wrong(Position, String);

struct Span<'a> {
    examination: &'a Examination,
    tiles: Tiles,
}

impl Span<'_> {
    async fn check(mut self, mut work: Work) -> Result<(), db::Error> {
        let (Some(first), Some(last)) = (work.batches.first(), work.batches.last()) else { return Ok(()) };
        let (after, through) = (first.first.get() - 1, last.through.get());
        let known = Position::START.distance_to(last.through).min(self.examination.tree_size);
        self.tiles = TreeReader::new(self.examination.database.clone()).tiles(&leaf_tiles(after as u64, known)).await?;

        // One snapshot: what is kept in it can be read in it, whatever retention has done since the plan and does now.
        let mut connection = self.examination.database.get().await?;
        let snapshot = connection.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
        let statement = snapshot.prepare_cached(BATCHES).await?;
        let kept: HashMap<i64, bool> =
            snapshot.query(&statement, &[&after, &through]).await?.iter().map(|row| (row.get("through_position"), row.get("is_kept"))).collect();
        for batch in &mut work.batches {
            batch.is_kept = kept.get(&batch.through.get()).copied().unwrap_or(batch.is_kept);
        }
        let statement = snapshot.prepare_cached(ENVELOPES).await?;
        let rows = snapshot.query_raw(&statement, [after, through]).await?;
        let mut rows = std::pin::pin!(rows);
        if self.examination.only_read {
            while let Some(row) = rows.try_next().await? {
                self.count(&row);
            }
            return Ok(());
        }
        let mut next = rows.try_next().await?;
        let mut before = work.before;
        let (mut blank, mut gone) = (Vec::new(), Vec::new());
        for batch in &work.batches {
            let mut leaves = Vec::new();
            let mut remain = 0;
            let mut wrong = None;
            while let Some(row) = next.take_if(|row| position(row) <= batch.through) {
                if wrong.is_none() {
                    self.count(&row);
                    if row.try_get::<_, Option<&[u8]>>("salt").is_ok_and(|salt| salt.is_none()) {
                        blank.push(position(&row));
                    }
                    let checked = if batch.is_kept { self.envelope(&row, batch, leaves.len()).map(|leaf| leaves.push(leaf)) } else { self.remainder(&row) };
                    remain += 1;
                    wrong = checked.err();
                }
                next = rows.try_next().await?;
            }
            let wrong = wrong.or_else(|| {
                if batch.is_kept {
                    return self.batch(&before, batch, &leaves);
                }
                Progress::add(&self.examination.progress.dropped, (1 + batch.first.distance_to(batch.through)).saturating_sub(remain));
                gone.push(Range { first: batch.first, through: batch.through });
                None
            });
            if let Some(Wrong(position, reason)) = wrong {
                self.examination.find(position, reason).await;
                break;
            }
            before.clone_from(&batch.chain);
        }
        if let Some(position) = self.examination.acts.first_unnamed(&blank, &gone).await? {
            self.examination.find(position, "what is missing here was taken away by no act that the log records: it was removed".to_owned()).await;
        }
        Ok(())
    }

    fn count(&self, row: &Row) {
        let progress = &self.examination.progress;
        let length = |name| row.try_get::<_, Option<&[u8]>>(name).ok().flatten().map_or(0, <[u8]>::len);
        let headers = row.try_get::<_, &str>("headers").map_or(0, str::len);
        Progress::add(&progress.bytes, (length("body") + headers) as u64);
        Progress::add(&progress.envelopes, 1);
    }

    /// The leaf of one envelope, if everything that can be said of it alone is right.
    fn envelope(&self, row: &Row, batch: &BatchRow, place: usize) -> Result<Hash, Wrong> {
        let expected = Position::new(batch.first.get() + place as i64);
        let found = position(row);
        if found > expected {
            return Err(Wrong(expected, "the envelope is missing: it was removed".to_owned()));
        }
        if found < expected {
            return Err(Wrong(found, "there is more than one envelope at this position".to_owned()));
        }
        let wrong = |reason: String| Wrong(found, reason);
        let stored = Stored::of(row).map_err(|error| wrong(format!("the row cannot be read: {error}")))?;
        let received_at: Timestamp = row.try_get("received_at").map_err(|error| wrong(format!("its time cannot be read: {error}")))?;
        if received_at != batch.received_at {
            return Err(wrong(format!("it says that it was received at {received_at}, its batch says {}: one of the two was altered", batch.received_at)));
        }
        self.body(row, &stored).map_err(wrong)?;
        Ok(stored.leaf())
    }

    /// A record that stayed when its week went: the rest of its batch is gone, so that only the tree can vouch for it.
    fn remainder(&self, row: &Row) -> Result<(), Wrong> {
        let found = position(row);
        let wrong = |reason: String| Wrong(found, reason);
        let stored = Stored::of(row).map_err(|error| wrong(format!("the row cannot be read: {error}")))?;
        self.body(row, &stored).map_err(wrong)?;
        let leaf = self.tiles.leaf(Position::START.distance_to(found) - 1);
        if leaf.is_some_and(|hash| *hash == merkle::leaf_hash(&stored.leaf())) {
            return Ok(());
        }
        Err(wrong("the envelope is not the one that was appended here: the tree has another leaf, or none".to_owned()))
    }

    /// Body, its hash, and its provider's signature.
    fn body(&self, row: &Row, stored: &Stored<'_>) -> Result<(), String> {
        let progress = &self.examination.progress;
        let body: Option<&[u8]> = row.try_get("body").map_err(|error| error.to_string())?;
        let salt: Option<&[u8]> = row.try_get("salt").map_err(|error| error.to_string())?;
        let (body, salt) = match (body, salt) {
            // The salt goes with what was redacted, so that the hash cannot be guessed back.
            (_, None) => {
                Progress::add(&progress.redacted, 1);
                return Ok(());
            }
            (None, Some(_)) => return Err("its body is gone, but it was not redacted: the salt is still there".to_owned()),
            (Some(body), Some(salt)) => (body, salt),
        };
        let salt: &[u8; 16] = salt.try_into().map_err(|_| format!("its salt has {} bytes instead of 16", salt.len()))?;
        if chain::body_hash(salt, body) != stored.body_hash {
            return Err("its body, or its salt, is not what its body hash was made of: one of the three was altered".to_owned());
        }
        if row.try_get::<_, i32>("body_bytes").ok().and_then(|bytes| usize::try_from(bytes).ok()) != Some(body.len()) {
            return Err(format!("its body has {} bytes, and body_bytes says otherwise", body.len()));
        }
        let Some(signatures) = &self.examination.signatures else { return Ok(()) };
        match signatures.check(stored, body) {
            Checked::Right => Progress::add(&progress.signed, 1),
            Checked::Authorized => Progress::add(&progress.authorized, 1),
            Checked::SecretGone => Progress::add(&progress.secret_gone, 1),
            Checked::Wrong(reason) => return Err(reason),
        }
        Ok(())
    }

    /// The chain hash of a batch, and where its leaves differ from those of the tree.
    fn batch(&self, before: &[u8], batch: &BatchRow, leaves: &[Hash]) -> Option<Wrong> {
        let expected = batch.first.get() - 1 + leaves.len() as i64;
        let progress = &self.examination.progress;
        if expected < batch.through.get() {
            return Some(Wrong(Position::new(expected + 1), "the envelope is missing: it was removed".to_owned()));
        }
        let is_linked = chain::link(before, batch.first, batch.received_at, leaves)[..] == batch.chain[..];
        let mut is_in_tree = true;
        for (place, leaf) in leaves.iter().enumerate() {
            let position = Position::new(batch.first.get() + place as i64);
            let index = Position::START.distance_to(position) - 1;
            match self.tiles.leaf(index) {
                Some(hash) if *hash == merkle::leaf_hash(leaf) => {}
                Some(_) if is_linked => return Some(Wrong(position, "the tree has another leaf than envelope and chain: log_tiles was altered".to_owned())),
                Some(_) => return Some(Wrong(position, "the envelope is not the one that was appended here: chain and tree have another leaf".to_owned())),
                None if index < self.examination.tree_size => return Some(Wrong(position, "log_tiles has no leaf here: it was altered".to_owned())),
                None => is_in_tree = false,
            }
        }
        Progress::add(&progress.batches, 1);
        if is_linked {
            return None;
        }
        let what = if is_in_tree { "log.batches was altered: the tree has the same leaves" } else { "one of them, or log.batches, was altered" };
        Some(Wrong(batch.first, format!("positions {} to {} do not give the chain hash of their batch; {what}", batch.first, batch.through)))
    }
}

fn position(row: &Row) -> Position {
    Position::new(row.get("position"))
}
