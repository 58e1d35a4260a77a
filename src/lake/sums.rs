//! Checksums of the lake's data files. Parquet has room for one a page, and the library writes none, so a bit that rots
//! on the disk would read as another value. For each file `day=…/x.parquet` of the table there is
//! `_hooklake_sums/day=…/x.parquet.sums`, a text: a title, the size, and the SHA-256 of each block of 64 KiB, a line each.
//! `split -b 65536 --filter=sha256sum FILE` prints the same sums. Other readers of the table pass over the directory, as
//! its name begins with an underscore.
//!
//! By block, so that who reads a part of a file verifies that part, and verifies the very bytes that it goes on with.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Bytes of a block: about what a small column takes, so that little is read beside what is asked for.
pub(super) const BLOCK_BYTES: usize = 64 << 10;
const DIRECTORY: &str = "_hooklake_sums";
const EXTENSION: &str = ".sums";
const TITLE: &str = "hooklake sums 1";

/// What one file was when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) bytes: u64,
    blocks: Vec<[u8; 32]>,
}

/// Takes the sums of bytes as they come.
#[derive(Debug, Default)]
pub(super) struct Summing {
    bytes: u64,
    blocks: Vec<[u8; 32]>,
    block: Sha256,
    filled: usize,
}

impl Summing {
    pub(super) fn add(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.filled));
            self.block.update(now);
            self.filled += now.len();
            if self.filled == BLOCK_BYTES {
                self.close();
            }
            bytes = later;
        }
    }

    fn close(&mut self) {
        self.blocks.push(std::mem::take(&mut self.block).finalize().into());
        self.filled = 0;
    }

    pub(super) fn finish(mut self) -> Sums {
        if self.filled > 0 {
            self.close();
        }
        Sums { bytes: self.bytes, blocks: self.blocks }
    }
}

impl Sums {
    /// Those of a file as it is now.
    pub(super) fn take(mut file: &File) -> std::io::Result<Self> {
        let (mut summing, mut block) = (Summing::default(), vec![0; BLOCK_BYTES]);
        loop {
            match file.read(&mut block)? {
                0 => return Ok(summing.finish()),
                read => summing.add(block.get(..read).unwrap_or_default()),
            }
        }
    }

    /// Those that were kept of a file of the table; none when none were. Text that is none of ours is invalid data.
    pub(super) fn find(table: &Path, name: &str) -> std::io::Result<Option<Self>> {
        match std::fs::read_to_string(place(table, name)) {
            Ok(text) => Self::parse(&text).map(Some).ok_or_else(|| ErrorKind::InvalidData.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps them, safe against a power loss; whoever reads meanwhile finds all of them or none.
    pub(super) fn keep(&self, table: &Path, name: &str) -> std::io::Result<()> {
        let place = place(table, name);
        let directory = place.parent().unwrap_or(table);
        std::fs::create_dir_all(directory)?;
        let unfinished = place.with_extension(format!("sums-{}", Uuid::now_v7()));
        let mut file = File::create(&unfinished)?;
        file.write_all(self.to_text().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &place)?;
        for directory in [directory, &table.join(DIRECTORY), table] {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }

    /// True when this is what the block of that number held.
    pub(super) fn agree(&self, number: u64, block: &[u8]) -> bool {
        let sum: [u8; 32] = Sha256::digest(block).into();
        usize::try_from(number).ok().and_then(|number| self.blocks.get(number)) == Some(&sum)
    }

    fn to_text(&self) -> String {
        let sums = self.blocks.iter().map(|sum| hex::encode(sum) + "\n").collect::<String>();
        format!("{TITLE}\nbytes {}\n{sums}", self.bytes)
    }

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(TITLE)?.strip_prefix("\nbytes ")?;
        let (bytes, sums) = rest.split_once('\n')?;
        let bytes: u64 = bytes.parse().ok()?;
        let sum = |line: &str| {
            let mut sum = [0; 32];
            hex::decode_to_slice(line, &mut sum).ok().map(|()| sum)
        };
        let blocks = sums.lines().map(sum).collect::<Option<Vec<_>>>()?;
        (blocks.len() as u64 == bytes.div_ceil(BLOCK_BYTES as u64)).then_some(Self { bytes, blocks })
    }
}

/// Syncs a file that was just written, and keeps its sums.
pub(super) fn seal(table: &Path, name: &str, sums: &Sums) -> std::io::Result<()> {
    let path = table.join(name);
    File::open(&path)?.sync_all()?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    sums.keep(table, name)
}

/// Removes the sums of files that are gone. A file is there before its sums are, so none is without them for it; one that is
/// missing though the table names it keeps them for when it is back.
pub(super) fn sweep(table: &Path, is_named: impl Fn(&str) -> bool) -> std::io::Result<()> {
    let root = table.join(DIRECTORY);
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let of = path.strip_prefix(&root).map(|name| name.with_extension(""));
            if of.is_ok_and(|of| !table.join(&of).exists() && !is_named(&of.to_string_lossy())) {
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// True for the name of a file of checksums within its table, which holds nothing but them.
pub(super) fn is_ours(name: &str) -> bool {
    Path::new(name).starts_with(DIRECTORY)
}

fn place(table: &Path, name: &str) -> PathBuf {
    table.join(DIRECTORY).join(format!("{name}{EXTENSION}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(bytes: &[u8], step: usize) -> Sums {
        let mut summing = Summing::default();
        bytes.chunks(step).for_each(|chunk| summing.add(chunk));
        summing.finish()
    }

    #[test]
    fn sums_do_not_depend_on_how_bytes_came_and_survive_their_text() {
        let bytes: Vec<u8> = (0..3 * BLOCK_BYTES + 17).map(|number| (number % 251) as u8).collect();
        let whole = sums(&bytes, bytes.len());
        assert_eq!(whole, sums(&bytes, 1000));
        assert_eq!(Sums::parse(&whole.to_text()), Some(whole.clone()));
        assert_eq!((whole.bytes, whole.blocks.len()), (bytes.len() as u64, 4));
        let (last, mut flipped) = (&bytes[3 * BLOCK_BYTES..], bytes[3 * BLOCK_BYTES..].to_vec());
        assert!(whole.agree(3, last) && !whole.agree(2, last) && !whole.agree(4, last));
        flipped[16] ^= 1;
        assert!(!whole.agree(3, &flipped));
        assert_eq!(sums(&[], 1).blocks.len(), 0);
    }

    #[test]
    fn a_text_that_is_cut_or_of_another_kind_is_none() {
        let text = sums(&vec![7; BLOCK_BYTES + 1], 99).to_text();
        for length in 0..text.len() - 1 {
            assert_eq!(Sums::parse(&text[..length]), None, "{length}");
        }
        assert_eq!(Sums::parse(&text.replace("sums 1", "sums 2")), None);
    }

    #[test]
    fn sums_go_with_their_file() {
        let table = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(table.path().join("day=1")).expect("a day");
        for name in ["day=1/a.parquet", "day=1/b.parquet", "day=1/c.parquet"] {
            std::fs::write(table.path().join(name), name).expect("written");
            seal(table.path(), name, &sums(name.as_bytes(), 4)).expect("sealed");
        }
        for name in ["day=1/a.parquet", "day=1/c.parquet"] {
            std::fs::remove_file(table.path().join(name)).expect("removed");
        }
        sweep(table.path(), |name| name == "day=1/c.parquet").expect("swept");
        assert!(Sums::find(table.path(), "day=1/c.parquet").expect("asked").is_some(), "it is named, and may come back");
        assert_eq!(Sums::find(table.path(), "day=1/a.parquet").expect("asked"), None);
        let kept = File::open(table.path().join("day=1/b.parquet")).expect("opened");
        assert_eq!(Sums::find(table.path(), "day=1/b.parquet").expect("asked"), Some(Sums::take(&kept).expect("taken")));
    }
}
