//! F23: the power fails. What the server made in lake and index and did not sync is lost, as POSIX allows: bytes beyond the
//! last sync of a file and, every other time, names whose directory was not synced since.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use hooklake::consumer::checkpoint;

use super::invariants::all_hold;
use super::shim::Shim;
use super::stage::Stage;
use crate::harness::wait_until;

/// Before which sync the power fails: from a round's first to beyond a whole commit's.
const SYNCS: [usize; 6] = [1, 2, 3, 6, 9, 14];

/// A name that was given, taken or changed since its directory was synced.
enum Change {
    File(PathBuf),
    Directory(PathBuf),
    Renamed { from: PathBuf, to: PathBuf, kept: PathBuf },
}

impl Change {
    fn directory(&self) -> &Path {
        let (Self::File(path) | Self::Directory(path) | Self::Renamed { to: path, .. }) = self;
        path.parent().expect("absolute")
    }

    fn undo(&self) {
        // A part of what it names may be lost already, or gone by itself.
        drop(match self {
            Self::File(path) => std::fs::remove_file(path),
            Self::Directory(path) => std::fs::remove_dir_all(path),
            Self::Renamed { from, to, kept } => std::fs::rename(to, from).and_then(|()| std::fs::rename(kept, to)),
        });
    }
}

/// What a power loss could undo.
#[derive(Default)]
struct Unsynced {
    changes: Vec<Change>,
    /// How much of each file that was made is on the disk.
    synced: HashMap<PathBuf, u64>,
}

impl Unsynced {
    /// Reads what `disk.c` noted of these directories.
    fn read(notes: &Path, directories: &[PathBuf]) -> Self {
        let mut unsynced = Self::default();
        let text = std::fs::read_to_string(notes.join("notes")).expect("something was noted");
        for line in text.lines().filter(|line| directories.iter().any(|directory| line.contains(&format!("{}/", directory.display())))) {
            let (what, rest) = line.split_once(' ').expect("a line");
            unsynced.note(what, rest, notes);
        }
        unsynced
    }

    fn note(&mut self, what: &str, rest: &str, notes: &Path) {
        let mut parts = rest.split('|').map(PathBuf::from);
        let mut path = || parts.next().expect("a path");
        match what {
            "C" => {
                let made = path();
                self.synced.insert(made.clone(), 0);
                self.changes.push(Change::File(made));
            }
            "M" => self.changes.push(Change::Directory(path())),
            "L" => {
                let (from, to) = (path(), path());
                if let Some(bytes) = self.synced.get(&from).copied() {
                    self.synced.insert(to.clone(), bytes);
                }
                self.changes.push(Change::File(to));
            }
            "R" => {
                let (from, to, number) = (path(), path(), path());
                match self.synced.remove(&from) {
                    Some(bytes) => drop(self.synced.insert(to.clone(), bytes)),
                    None => drop(self.synced.remove(&to)),
                }
                self.changes.push(Change::Renamed { from, to, kept: notes.join(number) });
            }
            // The name is gone for good, which is the worse case for whatever still refers to it.
            "U" => drop(self.synced.remove(&path())),
            "S" => {
                let (bytes, path) = rest.split_once(' ').expect("bytes and a path");
                if let Some(synced) = self.synced.get_mut(Path::new(path)) {
                    *synced = bytes.parse().expect("a number");
                }
            }
            "D" => {
                let directory = path();
                self.changes.retain(|change| change.directory() != directory);
            }
            other => panic!("{other:?} was noted"),
        }
    }

    /// Loses it; returns how many files were cut and how many names lost.
    fn lose(self, with_names: bool) -> (usize, usize) {
        let mut cut = 0;
        for (path, synced) in &self.synced {
            let Ok(file) = File::options().write(true).open(path) else { continue };
            if file.metadata().expect("its size").len() > *synced {
                file.set_len(*synced).expect("cut");
                cut += 1;
            }
        }
        if !with_names {
            return (cut, 0);
        }
        // The latest first, so that each finds what it left.
        self.changes.iter().rev().for_each(Change::undo);
        (cut, self.changes.len())
    }
}

/// Waits until a consumer has taken what it had not when this was called.
async fn moves_on(stage: &Stage, consumer: &str) {
    let position = async || checkpoint::position(&stage.database, consumer).await.expect("a position");
    let before = position().await;
    wait_until("the consumer moves on", async || position().await > before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_loss_costs_lake_and_index_nothing_that_was_named() {
    let shim = Shim::new();
    // A server that is killed keeps its leases until they end.
    let mut stage = Stage::embedded_with(&[("HOOKLAKE_CONSUMERS_LEASE_SECONDS", Path::new("2"))]).await;
    let load = stage.load("power", 4);
    load.acknowledges(20).await;
    let directories = ["lake", "search"].map(|name| stage.data_dir().join(name)).to_vec();
    let mut lost = (0, 0);
    for (round, sync) in SYNCS.into_iter().enumerate() {
        // What is there by now counts as on the disk.
        stage.stop_server().await;
        let notes = stage.data_dir().join(format!("notes-{round}"));
        std::fs::create_dir(&notes).expect("made");
        let (library, dies) = (shim.library().display().to_string(), notes.join("dies").display().to_string());
        let variables = [("LD_PRELOAD", &*library), ("DISK_NOTES", &notes.display().to_string()), ("DISK_DIES", &dies), ("DISK_DIES_AT", &sync.to_string())];
        stage.serve(&variables).await;
        for name in ["lake", "search"] {
            moves_on(&stage, name).await;
        }
        File::create(&dies).expect("made");
        stage.server_ends().await;
        let (cut, names) = Unsynced::read(&notes, &directories).lose(round % 2 == 1);
        lost = (lost.0 + cut, lost.1 + names);
        stage.serve(&[]).await;
        moves_on(&stage, "lake").await;
    }
    load.stop().await;
    assert!(lost.0 > 0 && lost.1 > 0, "something was lost: {lost:?}");
    all_hold(&mut stage).await;
}
