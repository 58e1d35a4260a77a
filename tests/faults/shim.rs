//! `disk.c` compiled, and PostgreSQL's programs with it in between.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{TestDatabase, set_mode};

/// A disk that can be made to fail.
pub struct Shim {
    directory: tempfile::TempDir,
}

impl Shim {
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("hooklake-shim-").tempdir().expect("a directory");
        // PostgreSQL runs as another user when we are root, and must be able to enter.
        set_mode(directory.path(), 0o755);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/disk.c");
        let shim = Self { directory };
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"]).arg(shim.library()).arg(source).arg("-ldl");
        assert!(compiler.status().expect("a C compiler").success(), "disk.c compiles");
        shim
    }

    pub fn library(&self) -> PathBuf {
        self.directory.path().join("disk.so")
    }

    /// The programs of PostgreSQL; the server that they start has the library in it.
    pub async fn postgres(&self) -> PathBuf {
        let db = TestDatabase::new().await;
        let real: String = db.rows("SELECT setting FROM pg_config WHERE name = 'BINDIR'").await[0].get(0);
        let programs = self.directory.path().join("bin");
        std::fs::create_dir(&programs).expect("made");
        for program in std::fs::read_dir(real).expect("programs").map(|entry| entry.expect("an entry").path()) {
            let place = programs.join(program.file_name().expect("a name"));
            let script = format!("#!/bin/sh\nDISK_FAILS={} LD_PRELOAD={} exec {} \"$@\"\n", self.flag().display(), self.library().display(), program.display());
            std::fs::write(&place, script).expect("written");
            set_mode(&place, 0o755);
        }
        programs
    }

    fn flag(&self) -> PathBuf {
        self.directory.path().join("fails")
    }

    /// From now on the disk does not take the write-ahead log.
    pub fn fail(&self) {
        std::fs::write(self.flag(), "").expect("written");
    }

    pub fn mend(&self) {
        std::fs::remove_file(self.flag()).expect("removed");
    }
}
