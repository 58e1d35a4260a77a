//! The index on disk: one directory per generation, opened, checked and set aside here. Everything in this file blocks.

use std::path::{Path, PathBuf};

use tantivy::directory::{Directory, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::schema::Schema;
use tantivy::{Index, TantivyError};

use super::forget;
use super::schema::{self, Fields};
use super::writer::Writer;
use crate::domain::{Envelope, Position};
use crate::log::Fence;

pub(super) const QUARANTINED: &str = "quarantined";

/// An index that is open for writing.
pub(super) struct Open {
    pub(super) writer: Writer,
    pub(super) fields: Fields,
    pub(super) mark: Mark,
}

impl Open {
    /// Adds the documents of envelopes, without committing them.
    pub(super) fn add(&self, envelopes: &[Envelope]) -> tantivy::Result<()> {
        for document in envelopes.iter().filter_map(|envelope| self.fields.document(envelope)) {
            self.writer.add_document(document)?;
        }
        Ok(())
    }

    /// Commits what was added, with what the index then is of the log.
    pub(super) fn commit(&mut self, mark: Mark) -> tantivy::Result<()> {
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&mark.payload());
        commit.commit()?;
        self.mark = mark;
        Ok(())
    }
}

/// What the index's commit says of the log: through which position it is in the index, and what it was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) position: Position,
    /// None in a commit of an older hooklake.
    pub(super) fence: Option<Fence>,
}

impl Mark {
    /// As the commit's payload: the position, and the fence if there is one.
    pub(super) fn payload(self) -> String {
        self.fence.map_or_else(|| self.position.to_string(), |fence| format!("{} {fence}", self.position))
    }

    fn parse(payload: &str) -> Option<Self> {
        let (position, fence) = payload.split_once(' ').map_or((payload, None), |(position, fence)| (position, Some(fence)));
        Some(Self { position: Position::new(position.parse().ok()?), fence: fence.map(str::parse).transpose().ok()? })
    }
}

/// Where a generation of the index lives.
pub(super) fn directory(root: &Path, generation: i32) -> PathBuf {
    root.join(generation.to_string())
}

/// Opens a generation for writing, or makes it. One that cannot be read, or has another shape, is renamed and made
/// anew: the log has everything.
pub(super) fn open(root: &Path, generation: i32) -> Result<Open, TantivyError> {
    let directory = directory(root, generation);
    std::fs::create_dir_all(&directory)?;
    // Only who may write can tell what is wrong with it: files go under whoever else looks. The lock is the kernel's and ends with
    // the process that held it: a kill leaves nothing in the way.
    let alone = MmapDirectory::open(&directory)?.acquire_lock(&INDEX_WRITER_LOCK).map_err(|error| TantivyError::LockFailure(error, None))?;
    let index = if directory.join("meta.json").exists() {
        match open_checked(&directory) {
            Ok(index) => index,
            Err(reason) => {
                quarantine(root, &directory, &reason)?;
                create(&directory)?
            }
        }
    } else {
        create(&directory)?
    };
    drop(alone);
    let writer = Writer::of(&index)?;
    let (_, fields) = schema::schema();
    // Read last: another may have written in between.
    let mark = mark(&index)?;
    // Done already, unless a crash came between a deletion and its purge.
    forget::purge(Open { writer, fields, mark })
}

/// Opens a generation for reading; none when there is no such index, or it has other fields.
pub(super) fn open_to_read(root: &Path, generation: i32) -> Result<Option<(Index, Fields)>, TantivyError> {
    let directory = directory(root, generation);
    if !directory.join("meta.json").exists() {
        return Ok(None);
    }
    let mut index = Index::open_in_dir(&directory)?;
    index.set_tokenizers(schema::tokenizers());
    let (schema, fields) = schema::schema();
    // The one before, which is read until another is filled, may be indexed in other ways.
    let shape = |schema: &Schema| schema.fields().map(|(_, entry)| (entry.name().to_owned(), entry.field_type().value_type())).collect::<Vec<_>>();
    Ok((shape(&index.schema()) == shape(&schema)).then_some((index, fields)))
}

/// What the index's last commit says of the log.
pub(super) fn mark(index: &Index) -> Result<Mark, TantivyError> {
    let payload = index.load_metas()?.payload;
    // An index that was made and never committed to has none.
    let Some(payload) = payload else { return Ok(Mark { position: Position::START, fence: None }) };
    Mark::parse(&payload).ok_or_else(|| TantivyError::SystemError(format!("the index's checkpoint is {payload:?}")))
}

/// Removes what earlier generations left; readers that still have them open keep their pages.
pub(super) fn remove_before(root: &Path, generation: i32) {
    let Ok(entries) = std::fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        if number.is_some_and(|number| number < generation) {
            remove(&entry.path());
        }
    }
}

/// Removes a directory and what is in it, if it is there.
pub(super) fn remove(directory: &Path) {
    match std::fs::remove_dir_all(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, directory = %directory.display(), "a search index that is no longer used could not be removed"),
    }
}

fn create(directory: &Path) -> Result<Index, TantivyError> {
    std::fs::create_dir_all(directory)?;
    let (schema, _) = schema::schema();
    let mut index = Index::create_in_dir(directory, schema)?;
    index.set_tokenizers(schema::tokenizers());
    Ok(index)
}

/// Opens an index and reads every byte of it; the reason why it cannot be used otherwise.
fn open_checked(directory: &Path) -> Result<Index, String> {
    let mut index = Index::open_in_dir(directory).map_err(|error| error.to_string())?;
    index.set_tokenizers(schema::tokenizers());
    if index.schema() != schema::schema().0 {
        return Err("it has another schema".to_owned());
    }
    let damaged = index.validate_checksum().map_err(|error| error.to_string())?;
    if !damaged.is_empty() {
        return Err(format!("{} of its files are damaged", damaged.len()));
    }
    // Opens every segment, which finds files that are gone.
    index.reader().map_err(|error| error.to_string())?;
    mark(&index).map_err(|error| error.to_string())?;
    Ok(index)
}

/// Renames a directory that cannot be used, so that someone can look at it. Only the last one is kept.
fn quarantine(root: &Path, directory: &Path, reason: &str) -> Result<(), TantivyError> {
    let aside = root.join(QUARANTINED);
    remove(&aside);
    std::fs::rename(directory, &aside)?;
    tracing::warn!(reason, directory = %aside.display(), "the search index cannot be used ({reason}); it was set aside and is filled anew from the log");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever is paused and goes on removes files that it has merged, while the next owner looks at them.
    #[test]
    fn nobody_finds_fault_with_an_index_that_another_writes() {
        let root = tempfile::tempdir().expect("a directory");
        let aside = root.path().join(QUARANTINED);
        let mut first = open(root.path(), 1).expect("opened");
        first.writer.add_document(tantivy::TantivyDocument::default()).expect("added");
        first.commit(Mark { position: Position::new(1), fence: None }).expect("committed");
        for entry in std::fs::read_dir(directory(root.path(), 1)).expect("a directory").flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "pos") {
                std::fs::remove_file(entry.path()).expect("removed");
            }
        }
        assert!(matches!(open(root.path(), 1), Err(TantivyError::LockFailure(..))));
        assert!(!aside.exists());
        drop(first);
        assert_eq!(open(root.path(), 1).expect("made anew").mark.position, Position::START);
        assert!(aside.exists());
    }

    /// After an upgrade the index before is searched until another is filled.
    #[test]
    fn an_index_whose_fields_were_indexed_in_other_ways_is_still_read() {
        let root = tempfile::tempdir().expect("a directory");
        let made_of = |generation: i32, change: &dyn Fn(&mut serde_json::Value)| {
            let mut fields = serde_json::to_value(schema::schema().0).expect("JSON");
            fields.as_array_mut().expect("fields").iter_mut().for_each(change);
            let directory = directory(root.path(), generation);
            std::fs::create_dir_all(&directory).expect("made");
            Index::create_in_dir(&directory, serde_json::from_value::<Schema>(fields).expect("a schema")).expect("an index");
            open_to_read(root.path(), generation).expect("opened").is_some()
        };
        assert!(made_of(1, &|_| {}));
        assert!(made_of(2, &|field| {
            if field["name"] == "received_at" {
                field["options"]["indexed"] = true.into();
            }
        }));
        assert!(!made_of(3, &|field| {
            if field["name"] == "url" {
                field["name"] = "link".into();
            }
        }));
    }
}
