//! What a sender knows of its deliveries, written down before each is sent: the witness against the server.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use sha2::{Digest, Sha256};

/// What became of a delivery, as far as its sender knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// 200.
    Acknowledged,
    /// 4xx: it must never be found in the log.
    Refused,
    /// No answer, or one that says to come again: it is there once or not at all.
    Unknown,
}

/// One delivery.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Of the body, in hex.
    pub sha256: String,
    pub known: Known,
}

pub struct Ledger {
    file: Mutex<File>,
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl Ledger {
    pub fn new(path: &Path) -> Self {
        Self { file: Mutex::new(File::create(path).expect("the ledger's file")), entries: Mutex::default() }
    }

    /// Before it is sent; durable when this returns.
    pub fn sending(&self, id: &str, body: &[u8]) {
        let sha256 = hex::encode(Sha256::digest(body));
        let mut file = self.file.lock().expect("a lock");
        writeln!(file, "sending {id} {sha256}").and_then(|()| file.sync_data()).expect("the ledger is written");
        drop(file);
        self.entries().entry(id.to_owned()).or_insert(Entry { sha256, known: Known::Unknown });
    }

    /// After the answer, or without one.
    pub fn answered(&self, id: &str, known: Known) {
        writeln!(self.file.lock().expect("a lock"), "{known:?} {id}").expect("the ledger is written");
        let mut entries = self.entries();
        let entry = entries.get_mut(id).expect("what is answered was sent");
        // Once acknowledged it stays so, whatever a later try is told.
        if entry.known != Known::Acknowledged {
            entry.known = known;
        }
    }

    pub fn all(&self) -> BTreeMap<String, Entry> {
        self.entries().clone()
    }

    pub fn count(&self, known: Known) -> usize {
        self.entries().values().filter(|entry| entry.known == known).count()
    }

    /// Deliveries that a restore took back; their senders are not heard of again.
    pub fn forget(&self, ids: &[String]) {
        self.entries().retain(|id, _| !ids.contains(id));
    }

    /// The names of those whose outcome is open.
    pub fn unknown(&self) -> Vec<String> {
        self.entries().iter().filter(|(_, entry)| entry.known == Known::Unknown).map(|(id, _)| id.clone()).collect()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().expect("a lock")
    }
}
