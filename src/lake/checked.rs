//! A data file that is read through its checksums: what comes out is what was written, or an error that names the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use deltalake::parquet::errors::Result as ParquetResult;
use deltalake::parquet::file::reader::{ChunkReader, Length};

use super::sums::{BLOCK_BYTES, Sums};

/// How a message about damage begins and ends; between them stand the file and what is wrong with it.
const BEGIN: &str = "the lake's file ";
const END: &str = "; `hooklake rebuild lake` writes it anew from the log";

/// A file that is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{BEGIN}{file} is damaged: {what}{END}")]
struct Damage {
    file: String,
    what: &'static str,
}

fn damage(file: &str, what: &'static str) -> Error {
    Error::other(Damage { file: file.to_owned(), what })
}

/// The message about damage in the text of an error that others made of it, which keep the text and not the type.
pub(super) fn damage_in(text: &str) -> Option<&str> {
    let (_, from) = text.split_at_checked(text.find(BEGIN)?)?;
    from.get(..from.find(END)? + END.len())
}

/// A file of the table. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    name: String,
    sums: Sums,
}

impl Checked {
    /// Opens the file of that name in the directory of the table. One without sums, which an older hooklake wrote, gets
    /// those of what it is now.
    pub(super) fn open(table: &Path, name: &str) -> Result<Self, Error> {
        let damaged = |what| damage(name, what);
        let file = match File::open(table.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(damaged("it is gone")),
            file => file?,
        };
        let sums = match Sums::find(table, name) {
            Ok(Some(sums)) => sums,
            Ok(None) => {
                let sums = Sums::take(&file)?;
                match sums.keep(table, name) {
                    Ok(()) => tracing::info!(file = name, "a file of the lake had no checksums; they were taken of what it is now"),
                    Err(error) => tracing::warn!(file = name, %error, "checksums of a file of the lake could not be kept"),
                }
                sums
            }
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(damaged("its checksums cannot be read")),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() != sums.bytes {
            return Err(damaged("it has another size than was written"));
        }
        Ok(Self { inner: Arc::new(Inner { file, name: name.to_owned(), sums }) })
    }

    /// Its size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.inner.sums.bytes
    }

    /// What stands in these ranges. A block that several of them touch is read and verified once.
    pub(super) fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        if ranges.iter().any(|range| range.start > range.end || range.end > self.size()) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut runs: BTreeMap<u64, Bytes> = BTreeMap::new();
        for run in runs_of(ranges) {
            let start = run.start * BLOCK_BYTES as u64;
            runs.insert(start, self.blocks(&run)?);
        }
        let slice = |range: &Range<u64>| {
            let (start, run) = runs.range(..=range.start).next_back()?;
            (!range.is_empty()).then(|| run.slice((range.start - start) as usize..(range.end - start) as usize))
        };
        Ok(ranges.iter().map(|range| slice(range).unwrap_or_default()).collect())
    }

    /// The blocks of these numbers, verified.
    fn blocks(&self, numbers: &Range<u64>) -> Result<Bytes, Error> {
        let start = numbers.start * BLOCK_BYTES as u64;
        let end = (numbers.end * BLOCK_BYTES as u64).min(self.size());
        let mut bytes = vec![0; (end - start) as usize];
        self.inner.file.read_exact_at(&mut bytes, start)?;
        for (number, block) in numbers.clone().zip(bytes.chunks(BLOCK_BYTES)) {
            if !self.inner.sums.agree(number, block) {
                return Err(damage(&self.inner.name, "it does not hold what was written"));
            }
        }
        Ok(bytes.into())
    }
}

/// The numbers of the blocks that ranges touch, as runs without gaps, in order.
fn runs_of(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let block = BLOCK_BYTES as u64;
    let mut touched: Vec<_> = ranges.iter().filter(|range| !range.is_empty()).map(|range| range.start / block..range.end.div_ceil(block)).collect();
    touched.sort_by_key(|run| run.start);
    let mut runs: Vec<Range<u64>> = Vec::new();
    for run in touched {
        match runs.last_mut() {
            Some(last) if run.start <= last.end => last.end = last.end.max(run.end),
            _ => runs.push(run),
        }
    }
    runs
}

impl Length for Checked {
    fn len(&self) -> u64 {
        self.size()
    }
}

impl ChunkReader for Checked {
    type T = Onward;

    fn get_read(&self, start: u64) -> ParquetResult<Onward> {
        Ok(Onward { file: self.clone(), at: start, block: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let range = start..start.saturating_add(length as u64);
        Ok(self.read(&[range])?.pop().unwrap_or_default())
    }
}

/// Reads on from some place, a block at a time.
#[derive(Debug)]
pub(super) struct Onward {
    file: Checked,
    at: u64,
    block: Bytes,
}

impl Read for Onward {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        if self.block.is_empty() && self.at < self.file.size() {
            let end = (self.at / BLOCK_BYTES as u64 + 1) * BLOCK_BYTES as u64;
            let range = self.at..end.min(self.file.size());
            self.at = range.end;
            self.block = self.file.read(&[range])?.pop().unwrap_or_default();
        }
        let length = buffer.len().min(self.block.len());
        self.block.split_to(length).copy_to_slice(buffer.get_mut(..length).unwrap_or_default());
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sums::{Summing, seal};
    use super::*;

    const NAME: &str = "day=1/a.parquet";

    fn written(bytes: &[u8]) -> tempfile::TempDir {
        let table = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(table.path().join("day=1")).expect("a day");
        std::fs::write(table.path().join(NAME), bytes).expect("written");
        let mut summing = Summing::default();
        summing.add(bytes);
        seal(table.path(), NAME, &summing.finish()).expect("sealed");
        table
    }

    fn content() -> Vec<u8> {
        (0..5 * BLOCK_BYTES + 100).map(|number| (number / 7 % 253) as u8).collect()
    }

    #[test]
    fn ranges_are_what_was_written() {
        let bytes = content();
        let table = written(&bytes);
        let file = Checked::open(table.path(), NAME).expect("opened");
        let (block, end) = (BLOCK_BYTES as u64, bytes.len() as u64);
        let ranges = [end - 8..end, 0..4, block - 1..block + 1, 10..10, 4 * block..5 * block, 2 * block + 5..2 * block + 6, 0..end, end..end];
        let read = file.read(&ranges).expect("read");
        for (range, read) in ranges.iter().zip(read) {
            assert_eq!(read, bytes[range.start as usize..range.end as usize], "{range:?}");
        }
        assert!(file.read(&[0..1, 0..end + 1]).is_err());
        let mut onward = Vec::new();
        file.get_read(block - 3).expect("a reader").read_to_end(&mut onward).expect("read");
        assert_eq!(onward, bytes[BLOCK_BYTES - 3..]);
    }

    #[test]
    fn what_is_not_what_was_written_is_named_and_the_rest_is_read() {
        let mut bytes = content();
        let table = written(&bytes);
        bytes[2 * BLOCK_BYTES + 9] ^= 0x10;
        std::fs::write(table.path().join(NAME), &bytes).expect("written");
        let file = Checked::open(table.path(), NAME).expect("opened");
        let block = BLOCK_BYTES as u64;
        assert!(file.read(&[0..2 * block, 3 * block..4 * block]).is_ok());
        let error = file.read(&[0..1, 3 * block - 1..3 * block]).expect_err("damaged").to_string();
        assert!(error.contains(NAME) && damage_in(&format!("External: {error} (in a plan)")) == Some(&error), "{error}");
        let mut onward = Vec::new();
        assert!(file.get_read(0).expect("a reader").read_to_end(&mut onward).is_err());
        assert_eq!(onward.len(), 2 * BLOCK_BYTES);
        assert_eq!(damage_in("the lake's file is another's words"), None);
    }

    #[test]
    fn a_file_without_sums_gets_them_once() {
        let table = written(&content());
        std::fs::remove_dir_all(table.path().join("_hooklake_sums")).expect("removed");
        assert_eq!(Checked::open(table.path(), NAME).expect("opened").size(), content().len() as u64);
        std::fs::write(table.path().join(NAME), vec![0; content().len()]).expect("written");
        let file = Checked::open(table.path(), NAME).expect("opened");
        file.read(&[0..1, 2..3]).expect_err("it is no longer what it was when they were taken");
        std::fs::remove_file(table.path().join(NAME)).expect("removed");
        assert!(Checked::open(table.path(), NAME).expect_err("gone").to_string().contains("is gone"));
    }
}
