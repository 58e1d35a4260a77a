//! The one writer of an index, which ends with the merges that it began.
//!
//! tantivy's writer, when it is dropped, ends in the middle of a merge: what the merge then does is not committed any more,
//! but the files that it merged are removed all the same, though the last commit names them (`SegmentUpdater::end_merge` of
//! tantivy 0.27). So this one waits for merges, with the index still locked.

use std::ops::{Deref, DerefMut};

use tantivy::{Index, IndexWriter};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Memory before a segment is started.
const WRITER_BYTES: usize = 50 << 20;

/// Writes to an index.
pub(super) struct Writer(Option<IndexWriter>);

impl Writer {
    pub(super) fn of(index: &Index) -> tantivy::Result<Self> {
        Ok(Self(Some(index.writer_with_num_threads(1, WRITER_BYTES)?)))
    }

    /// Ends it, without what was not committed.
    pub(super) fn end(mut self) -> tantivy::Result<()> {
        self.0.take().map_or(Ok(()), IndexWriter::wait_merging_threads)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(writer) = self.0.take() else { return };
        let end = || {
            if let Err(error) = writer.wait_merging_threads() {
                tracing::warn!(error = &error as &dyn std::error::Error, "merges of the search index did not end in order");
            }
        };
        // Where others are served they go on meanwhile.
        if Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread) {
            tokio::task::block_in_place(end);
        } else {
            end();
        }
    }
}

#[expect(clippy::expect_used, reason = "only `end` and `drop` take it, and both end it")]
impl Deref for Writer {
    type Target = IndexWriter;

    fn deref(&self) -> &IndexWriter {
        self.0.as_ref().expect("held until dropped")
    }
}

#[expect(clippy::expect_used, reason = "as above")]
impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut IndexWriter {
        self.0.as_mut().expect("held until dropped")
    }
}
