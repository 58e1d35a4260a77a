//! Takes documents out of the index and their words off the disk. Everything in this file blocks.
//!
//! A deleted document stays in its segment until that is merged, so what was redacted is merged away at once, and the files
//! that held it are removed. A crash in between is noticed when the index is opened: nothing but forgetting deletes.

use std::ops::Bound;
use std::path::Path;

use tantivy::indexer::NoMergePolicy;
use tantivy::query::RangeQuery;
use tantivy::schema::Value;
use tantivy::{Index, TantivyDocument};

use super::schema::Fields;
use super::store::{self, Open};
use super::writer::Writer;
use crate::domain::Places;

/// Deletes the documents of these places, without committing.
pub(super) fn delete(open: &Open, places: &Places) -> tantivy::Result<()> {
    for position in &places.positions {
        open.writer.delete_term(open.fields.at(*position));
    }
    for range in &places.ranges {
        let query = RangeQuery::new(Bound::Included(open.fields.at(range.first)), Bound::Included(open.fields.at(range.through)));
        open.writer.delete_query(Box::new(query))?;
    }
    Ok(())
}

/// Rewrites the segments that hold deleted documents and removes the files that held them; does nothing when there are
/// none. Returns the index open again.
pub(super) fn purge(open: Open) -> tantivy::Result<Open> {
    let index = open.writer.index().clone();
    if !has_deletes(&index)? {
        return Ok(open);
    }
    // Merges that run on their own would hold the very segments.
    open.writer.end()?;
    let mut writer = Writer::of(&index)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    let segments: Vec<_> = index.load_metas()?.segments.iter().filter(|segment| segment.has_deletes()).map(tantivy::SegmentMeta::id).collect();
    for segment in segments {
        writer.merge(&[segment]).wait()?;
    }
    writer.garbage_collect_files().wait()?;
    // Opened anew, so that merges run by their usual rules again.
    writer.end()?;
    let writer = Writer::of(&index)?;
    Ok(Open { writer, fields: open.fields, mark: open.mark })
}

fn has_deletes(index: &Index) -> tantivy::Result<bool> {
    Ok(index.load_metas()?.segments.iter().any(tantivy::SegmentMeta::has_deletes))
}

/// How many documents and words of all indexes under a directory hold what is looked for: the live one, copies that a
/// rebuild fills, one that was set aside; documents that are deleted and still on disk included.
///
/// # Errors
/// When an index cannot be read.
pub fn traces(data_dir: &Path, is_in: &dyn Fn(&str) -> bool) -> Result<u64, super::Error> {
    let Ok(directories) = std::fs::read_dir(data_dir.join("search")) else { return Ok(0) };
    let mut found = 0;
    for directory in directories.flatten().map(|entry| entry.path()).filter(|path| path.join("meta.json").exists()) {
        let mut index = Index::open_in_dir(&directory)?;
        index.set_tokenizers(super::schema::tokenizers());
        let (schema, _): (_, Fields) = super::schema::schema();
        if index.schema() != schema {
            found += 1;
            continue;
        }
        for segment in index.reader()?.searcher().segment_readers() {
            for document in segment.get_store_reader(0).map_err(tantivy::TantivyError::from)?.iter::<TantivyDocument>(None) {
                let document = document?;
                found += u64::from(document.field_values().any(|(_, value)| value.as_str().is_some_and(is_in)));
            }
            for (field, _) in schema.fields().filter(|(_, entry)| entry.field_type().is_str() && entry.is_indexed()) {
                let words = segment.inverted_index(field)?;
                let mut words = words.terms().stream().map_err(tantivy::TantivyError::from)?;
                while words.advance() {
                    found += u64::from(std::str::from_utf8(words.key()).is_ok_and(is_in));
                }
            }
        }
    }
    Ok(found)
}

/// Removes what is left of rebuilds that were given up, and an index that was set aside: nobody would take words out of
/// them.
pub fn discard_leftovers(data_dir: &Path, generation: i32) {
    let root = data_dir.join("search");
    store::remove(&root.join(store::QUARANTINED));
    let Ok(entries) = std::fs::read_dir(&root) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()).is_some_and(|number| number != generation) {
            store::remove(&entry.path());
        }
    }
}
