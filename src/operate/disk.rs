//! How much room there is, and how much is taken.

use std::path::{Path, PathBuf};

/// Where hooklake keeps files.
#[derive(Debug, Clone)]
pub struct Places {
    /// Everything that is not somewhere else.
    pub data: PathBuf,
    /// The Delta table.
    pub lake: PathBuf,
}

/// A place that is watched.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Volume {
    /// `data`, `postgres` when the cluster is embedded, `lake`, `search`.
    pub place: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What the file system has left for us, in bytes.
    pub free_bytes: u64,
    /// The file system as far as we may use it, in bytes.
    pub size_bytes: u64,
    /// What is in this place, in bytes, for the lake and the index.
    pub used_bytes: Option<u64>,
}

impl Places {
    /// Looks at each place that is there. Blocks: it counts the files of lake and index.
    #[must_use]
    pub fn look(&self) -> Vec<Volume> {
        let volume = |place, path: PathBuf, is_counted: bool| {
            let (free_bytes, size_bytes) = room(&path)?;
            let used_bytes = is_counted.then(|| bytes_in(&path));
            Some(Volume { place, path, free_bytes, size_bytes, used_bytes })
        };
        [
            volume("data", self.data.clone(), false),
            volume("postgres", self.data.join("postgres"), false),
            volume("lake", self.lake.clone(), true),
            volume("search", self.data.join("search"), true),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Free and whole bytes of the file system that holds a path, without what is set aside for others, as `df` counts; none
/// when there is no such path.
#[must_use]
pub fn room(path: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(path).ok()?;
    let usable = disk.f_blocks.saturating_sub(disk.f_bfree).saturating_add(disk.f_bavail);
    Some((disk.f_bavail.saturating_mul(disk.f_frsize), usable.saturating_mul(disk.f_frsize)))
}

/// The bytes of all files below a directory; what vanishes meanwhile does not count.
fn bytes_in(directory: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let bytes_of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(bytes_of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_counts_and_no_place_is_made_up() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(directory.path().join("lake/part=1")).expect("made");
        std::fs::write(directory.path().join("lake/a"), [0; 100]).expect("written");
        std::fs::write(directory.path().join("lake/part=1/b"), [0; 11]).expect("written");
        let places = Places { data: directory.path().to_owned(), lake: directory.path().join("lake") };
        let found = places.look();
        assert_eq!(found.iter().map(|volume| (volume.place, volume.used_bytes)).collect::<Vec<_>>(), [("data", None), ("lake", Some(111))]);
        assert!(found.iter().all(|volume| volume.size_bytes > 0 && volume.free_bytes <= volume.size_bytes));
    }
}
