//! A copy of the whole cluster, taken while it runs, and put in its place again.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Cluster, Error, Listen, Program, Settings, failed};

impl Cluster {
    /// Copies the running cluster into a new directory below `into`, with the WAL that makes the copy consistent, and
    /// checks every file of it. Whatever was committed before the call is in the copy.
    ///
    /// # Errors
    /// When PostgreSQL cannot make the copy; the message says why.
    pub async fn copy(&self, into: &Path) -> Result<(), Error> {
        self.program.own_directory(into)?;
        let target = copied(into);
        let socket = self.socket_dir().to_string_lossy().into_owned();
        let arguments = ["-D", &target, "-h", &socket, "-U", "hooklake", "-X", "stream", "--checkpoint=fast", "--no-password"];
        self.run("pg_basebackup", &arguments).await?;
        self.run("pg_verifybackup", &[&target]).await
    }

    /// Puts a copy in the place of the cluster in `data_dir`. Whatever is there is moved aside if `may_replace`; returns
    /// where to.
    ///
    /// # Errors
    /// When the copy is not whole, the cluster is in use, or there is one and it may not be replaced.
    pub async fn put_back(data_dir: &Path, settings: &Settings, from: &Path, may_replace: bool) -> Result<Option<PathBuf>, Error> {
        let refused = |text: String| Error::Embedded(text, None);
        let program = Program::find(settings).await?;
        let source = copied(from);
        program.run("pg_verifybackup", &[&source]).await.map_err(|error| refused(format!("the copy is not whole: {error}")))?;

        std::fs::create_dir_all(data_dir).map_err(|error| failed(&format!("cannot make {}", data_dir.display()), error))?;
        let users = File::options().create(true).append(true).open(data_dir.join("postgres.users"));
        let users = std::sync::Arc::new(users.map_err(|error| failed("cannot open the lock file of the embedded cluster", error))?);
        if users.try_lock().is_err() {
            return Err(refused(format!("a hooklake is running on {}; stop it first", data_dir.display())));
        }
        let directory = data_dir.join(super::DIRECTORY);
        let there = Self { directory: directory.clone(), program: program.clone(), users, listen: Listen::default() };
        let mut aside = None;
        if Path::new(&there.data()).exists() {
            if !may_replace {
                return Err(refused(format!("there is a log in {} already; --force moves it aside", directory.display())));
            }
            if there.is_alive() {
                // One that a killed process left running.
                there.run("pg_ctl", &["stop", "-D", &there.data(), "-m", "fast", "-w", "-t", "60"]).await?;
            }
            let moved = data_dir.join(format!("postgres.before-restore-{}", chrono::Utc::now().format("%Y%m%dT%H%M%SZ")));
            std::fs::rename(&directory, &moved).map_err(|error| failed("the log that is there cannot be moved aside", error))?;
            aside = Some(moved);
        }
        program.own_directory(&directory)?;
        // As the server's user, who then owns the files.
        let copying = program.command("cp").args(["-a", &source, &there.data()]).status().await;
        match copying {
            Ok(status) if status.success() => Ok(aside),
            Ok(status) => Err(refused(format!("the copy could not be put in place: cp ended with {status}"))),
            Err(error) => Err(failed("the copy could not be put in place", error)),
        }
    }
}

/// Where the files of the cluster are within a copy.
fn copied(directory: &Path) -> String {
    directory.join("cluster").to_string_lossy().into_owned()
}
