//! The private key: in a file that only its owner may read, made at the first need, never in the database.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Error;
use super::note::Signer;

/// Reads the key; none when there is no such file.
///
/// # Errors
/// When the file cannot be read, may be read by others, or holds something else.
pub fn load(path: &Path) -> Result<Option<Signer>, Error> {
    let failed = |cause| Error::File { action: "cannot read the key file", path: path.to_owned(), cause };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = std::fs::metadata(path).map_err(failed)?.mode();
    if mode & 0o077 != 0 {
        return Err(Error::Key(format!("the key file {} may be read by others (mode {:03o}); chmod 600 it", path.display(), mode & 0o777)));
    }
    text.parse().map(Some).map_err(|error| Error::Key(format!("the key file {}: {error}", path.display())))
}

/// Makes a key of this name, and the file that keeps it. A file that is there already stays as it is and is read.
///
/// # Errors
/// When the file cannot be written.
pub fn make(path: &Path, name: &str) -> Result<Signer, Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Error::Key(format!("no random numbers for a key: {error}")))?;
    let signer = Signer::from_seed(name.to_owned(), seed).map_err(|error| Error::Key(error.to_string()))?;
    match write_once(path, signer.to_secret_text().as_bytes(), 0o600) {
        Ok(Written::New) => Ok(signer),
        // Another process made one at this moment.
        Ok(Written::There) => load(path)?.ok_or_else(|| Error::Key(format!("the key file {} came and went", path.display()))),
        Err(cause) => Err(Error::File { action: "cannot write the key file", path: path.to_owned(), cause }),
    }
}

/// What became of a file that is written at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It is there now, durably.
    New,
    /// It was there already, and is as it was.
    There,
}

/// Writes a file whole and durably, or not at all; never over another one.
pub(super) fn write_once(path: &Path, content: &[u8], mode: u32) -> io::Result<Written> {
    let directory = directory_of(path);
    std::fs::create_dir_all(&directory)?;
    let temporary = temporary(path);
    write_synced(&temporary, content, mode)?;
    // Unlike a rename, a link fails where there is something.
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary)?;
    let written = match linked {
        Ok(()) => Written::New,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Written::There,
        Err(error) => return Err(error),
    };
    File::open(directory)?.sync_all()?;
    Ok(written)
}

/// Writes a file whole and durably in place of the one that is there.
pub(super) fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temporary = temporary(path);
    write_synced(&temporary, content, mode)?;
    std::fs::rename(&temporary, path)?;
    File::open(directory_of(path))?.sync_all()
}

fn write_synced(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    // What a killed process left under this name is its own.
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

fn directory_of(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_from_others() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("deeper/checkpoint.key");
        assert!(load(&path).expect("no file is no error").is_none());
        let made = make(&path, "hooklake/test").expect("made");
        let again = make(&path, "hooklake/test").expect("read");
        assert_eq!(made.verifier(), again.verifier());
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(path.parent().expect("a directory")).expect("listed").count(), 1, "nothing is left beside it");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("changed");
        assert!(load(&path).expect_err("others may read it").to_string().contains("chmod 600"));
    }

    #[test]
    fn what_is_written_once_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one");
        assert_eq!(write_once(&path, b"first", 0o644).expect("written"), Written::New);
        assert_eq!(write_once(&path, b"second", 0o644).expect("refused"), Written::There);
        assert_eq!(std::fs::read(&path).expect("read"), b"first");
        replace(&path, b"third", 0o644).expect("replaced");
        assert_eq!(std::fs::read(&path).expect("read"), b"third");
    }
}
