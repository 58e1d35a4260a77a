//! A private PostgreSQL cluster in the data directory, for whoever configured no database (decision D16).
//!
//! The first process that needs the cluster starts it, the last one that used it stops it: each holds a shared lock on
//! a file while it does. A cluster that a killed process left running is taken over. It listens on a Unix socket in a
//! directory that only its owner may enter, and nowhere else. A server that dies is started again by whoever serves
//! ([`Cluster::keep_running`]).

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;

use super::{Error, Settings};

mod copy;
mod listen;

pub use listen::{Listen, SOCKET_PORT};

/// Appended to `postgresql.conf`. Durability stays as PostgreSQL ships it.
/// Where the cluster is in the data directory, and what the server's own log is called there.
pub(super) const DIRECTORY: &str = "postgres";
const LOG: &str = "log";
const CONFIGURATION: &str = include_str!("embedded.conf");

/// A batch passes through a backend in arrays of megabytes; without this, glibc gives the pages back after each and the
/// kernel clears them anew for the next, which was a quarter of the time of an append (docs/performance.md).
const KEEP_MEMORY: [(&str, &str); 2] = [("MALLOC_MMAP_THRESHOLD_", "67108864"), ("MALLOC_TRIM_THRESHOLD_", "67108864")];

/// How often a serving process looks whether the server lives.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The cluster, while this process uses it. Clones use it together.
#[derive(Debug, Clone)]
pub struct Cluster {
    directory: PathBuf,
    program: Program,
    users: Arc<File>,
    listen: Listen,
}

/// Where the server's programs are, and as whom they run.
#[derive(Debug, Clone)]
struct Program {
    bin: PathBuf,
    /// User and group; none when we are not root.
    run_as: Option<(u32, u32)>,
}

/// The file into which the server of this data directory writes its log.
#[must_use]
pub fn log_file(data_dir: &Path) -> PathBuf {
    data_dir.join(DIRECTORY).join(LOG)
}

impl Cluster {
    /// Starts the cluster in `data_dir/postgres`, or joins the processes that use it already.
    ///
    /// # Errors
    /// When there are no server programs, or the cluster cannot be made or started; the message says what to do.
    pub async fn start(data_dir: &Path, settings: &Settings) -> Result<Self, Error> {
        Self::start_listening(data_dir, settings, Listen::default()).await
    }

    /// The same, and if it is this process that starts it, it listens for readers as well.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_listening(data_dir: &Path, settings: &Settings, listen: Listen) -> Result<Self, Error> {
        let program = Program::find(settings).await?;
        let data_dir = std::path::absolute(data_dir).map_err(|error| failed("the data directory has no absolute path", error))?;
        std::fs::create_dir_all(&data_dir).map_err(|error| failed(&format!("cannot make {}", data_dir.display()), error))?;
        let directory = data_dir.join(DIRECTORY);
        program.own_directory(&directory)?;
        program.check_reachable(&directory, &settings.run_as).await?;

        let users = File::options()
            .create(true)
            .append(true)
            .open(data_dir.join("postgres.users"))
            .map_err(|error| failed("cannot open the lock file of the embedded cluster", error))?;
        let mut cluster = Self { directory, program, users: Arc::new(users), listen };
        cluster.join().await?;
        Ok(cluster)
    }

    /// The address of a database of the cluster, for its owner.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let socket: String = url::form_urlencoded::byte_serialize(self.socket_dir().to_string_lossy().as_bytes()).collect();
        format!("postgresql:///{database}?host={}&user=hooklake", socket.replace('+', "%20"))
    }

    /// Where its Unix socket is: what `psql -h` wants.
    #[must_use]
    pub fn socket_dir(&self) -> PathBuf {
        self.directory.join("run")
    }

    /// Starts the server again whenever it died: killed for memory, say, or by a disk that failed. Runs until dropped,
    /// which must come before [`Cluster::stop`].
    pub async fn keep_running(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.is_alive() {
                continue;
            }
            tracing::error!("the embedded PostgreSQL died and is started again");
            match self.start_again().await {
                Ok(()) => tracing::warn!("the embedded PostgreSQL runs again"),
                // Its last backends may not have noticed yet, or the disk is full: it is tried for as long as we serve.
                Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the embedded PostgreSQL does not start"),
            }
        }
    }

    /// Of several processes that see the server dead, one starts it.
    async fn start_again(&self) -> Result<(), Error> {
        let locked = |error| failed("cannot lock the start of the embedded cluster", error);
        let path = self.directory.with_extension("start");
        let starting = File::options().create(true).append(true).open(path).map_err(locked)?;
        let waited = tokio::task::spawn_blocking(move || starting.lock().map(|()| starting)).await;
        let _starting = waited.map_err(|error| locked(io::Error::other(error)))?.map_err(locked)?;
        if self.is_alive() { Ok(()) } else { self.start_server().await }
    }

    /// True while the process of the pid file is there; cheap enough to be asked every second.
    fn is_alive(&self) -> bool {
        self.server_state().is_some_and(|state| state != 'Z')
    }

    /// The state of the server's process by the kernel: `Z` when it is dead and was never reaped; none without one.
    fn server_state(&self) -> Option<char> {
        let pid = std::fs::read_to_string(Path::new(&self.data()).join("postmaster.pid")).ok()?;
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.lines().next()?.trim())).ok()?;
        // The state follows the command's name, which stands in brackets and may hold anything.
        state.rsplit_once(") ")?.1.chars().next()
    }

    /// Stops the server if no other process uses it.
    ///
    /// # Errors
    /// When the server does not stop.
    pub async fn stop(self) -> Result<(), Error> {
        if self.users.unlock().is_err() || self.users.try_lock().is_err() {
            return Ok(());
        }
        self.run("pg_ctl", &["stop", "-D", &self.data(), "-m", "fast", "-w", "-t", "60"]).await
    }

    /// Holds the lock as one of the users of a server that runs; starts the server when nobody uses it yet.
    async fn join(&mut self) -> Result<(), Error> {
        let locked = |error| failed("cannot lock the embedded cluster", error);
        loop {
            if self.users.try_lock().is_ok() {
                self.initialize().await?;
                self.start_server().await?;
                self.users.unlock().map_err(locked)?;
            }
            // Waits for whoever starts or stops the server at this moment.
            let users = Arc::clone(&self.users);
            let waited = tokio::task::spawn_blocking(move || users.lock_shared()).await;
            waited.map_err(|error| locked(io::Error::other(error)))?.map_err(locked)?;
            // Between the two locks another process may have stopped it as its last user.
            if self.is_running().await {
                return Ok(());
            }
            self.users.unlock().map_err(locked)?;
        }
    }

    async fn is_running(&self) -> bool {
        self.run("pg_ctl", &["status", "-D", &self.data()]).await.is_ok()
    }

    fn data(&self) -> String {
        self.directory.join("data").to_string_lossy().into_owned()
    }

    async fn initialize(&self) -> Result<(), Error> {
        if Path::new(&self.data()).join("PG_VERSION").exists() {
            return Ok(());
        }
        tracing::info!(directory = %self.directory.display(), "making the embedded PostgreSQL cluster");
        let data = self.data();
        // Both collations order UTF-8 by its bytes; only the one of the name C compares them without asking the C library.
        let locale = ["-E", "UTF8", "--locale=C.UTF-8", "--lc-collate=C"];
        self.run("initdb", &[&["-D", &data, "-U", "hooklake", "-A", "trust", "--data-checksums"][..], &locale].concat()).await?;
        let path = Path::new(&self.data()).join("postgresql.auto.conf");
        let mut text = std::fs::read_to_string(&path).map_err(|error| failed("cannot read postgresql.auto.conf", error))?;
        text.push_str(CONFIGURATION);
        std::fs::write(&path, text).map_err(|error| failed("cannot write postgresql.auto.conf", error))
    }

    async fn start_server(&self) -> Result<(), Error> {
        self.forget_dead_server();
        if self.is_running().await {
            tracing::info!("the embedded PostgreSQL is running already");
            return Ok(());
        }
        let socket = self.socket_dir();
        self.program.own_directory(&socket)?;
        let log = self.directory.join(LOG).to_string_lossy().into_owned();
        self.listen.prepare(Path::new(&self.data()), &self.program)?;
        let options = format!("-c unix_socket_directories='{}' {}", socket.display(), self.listen.options());
        self.run("pg_ctl", &["start", "-D", &self.data(), "-l", &log, "-w", "-t", "60", "-o", &options])
            .await
            .map_err(|error| Error::Embedded(format!("{error}; its log is {log}"), None))?;
        self.listen.link_socket(&socket)?;
        if self.run("psql", &["-h", &socket.to_string_lossy(), "-U", "hooklake", "-d", "hooklake", "-c", "SELECT 1"]).await.is_err() {
            self.run("createdb", &["-h", &socket.to_string_lossy(), "-U", "hooklake", "hooklake"]).await?;
        }
        // Everybody may enter these and make temporary tables there, without limit, unless told otherwise.
        let others = "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC";
        self.run("psql", &["-h", &socket.to_string_lossy(), "-U", "hooklake", "-d", "hooklake", "-c", others]).await?;
        Ok(())
    }

    /// Removes the pid file of a server that is dead but was never reaped, which `pg_ctl` takes for a running one.
    fn forget_dead_server(&self) {
        let path = Path::new(&self.data()).join("postmaster.pid");
        if self.server_state() == Some('Z') && std::fs::remove_file(&path).is_ok() {
            tracing::warn!("removed the pid file of a PostgreSQL server that died");
        }
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> Result<(), Error> {
        self.program.run(program, arguments).await
    }
}

impl Program {
    async fn find(settings: &Settings) -> Result<Self, Error> {
        let bin = if settings.bin_dir.as_os_str().is_empty() { search_bin_dir() } else { Some(settings.bin_dir.clone()) };
        let bin = bin.filter(|bin| bin.join("initdb").exists()).ok_or_else(|| {
            Error::Embedded(
                "no PostgreSQL server programs found; install them (Debian: apt-get install postgresql), name their directory in \
                 database.bin_dir, or set DATABASE_URL to a server of yours"
                    .to_owned(),
                None,
            )
        })?;
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
        let run_as = if is_root { Some(user(&settings.run_as).await?) } else { None };
        Ok(Self { bin, run_as })
    }

    /// Makes a directory that only the server's user may enter.
    fn own_directory(&self, directory: &Path) -> Result<(), Error> {
        let complain = |error| failed(&format!("cannot make {}", directory.display()), error);
        if !directory.exists() {
            DirBuilder::new().mode(0o700).create(directory).map_err(complain)?;
        }
        if let Some((uid, gid)) = self.run_as {
            std::os::unix::fs::chown(directory, Some(uid), Some(gid)).map_err(complain)?;
        }
        std::fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(complain)
    }

    /// Writes a file that only the server's user may read.
    fn write_private(&self, path: &Path, text: &[u8]) -> Result<(), Error> {
        let complain = |error| failed(&format!("cannot write {}", path.display()), error);
        std::fs::write(path, text).map_err(complain)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(complain)?;
        self.run_as.map_or(Ok(()), |(uid, gid)| std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(complain))
    }

    /// PostgreSQL refuses to run as root, and the user it runs as may be barred from a directory above the data.
    async fn check_reachable(&self, directory: &Path, user: &str) -> Result<(), Error> {
        if self.run_as.is_none() {
            return Ok(());
        }
        let reachable = self.command("test").arg("-w").arg(directory).status().await.is_ok_and(|status| status.success());
        if reachable {
            return Ok(());
        }
        Err(Error::Embedded(
            format!(
                "PostgreSQL refuses to run as root, and the user {user:?} that it runs as cannot enter {}; set data_dir \
                 (HOOKLAKE_DATA_DIR) to a place that it can, such as /var/lib/hooklake",
                directory.display()
            ),
            None,
        ))
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = std::process::Command::new(program);
        // Nothing of our own environment: a PGPORT or PGOPTIONS of the user's would reach the server.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").current_dir("/").stdin(Stdio::null());
        command.envs(KEEP_MEMORY);
        if let Some((uid, gid)) = self.run_as {
            command.uid(uid).gid(gid);
        }
        // A group of its own: Ctrl-C in the terminal stops hooklake, which then stops the server in order.
        command.process_group(0);
        Command::from(command)
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> Result<(), Error> {
        // Into a file rather than a pipe: the server that pg_ctl starts would keep a pipe open for ever.
        let output = tempfile::tempfile().map_err(|error| failed("no temporary file", error))?;
        let handle = || output.try_clone().map(Stdio::from).map_err(|error| failed("no temporary file", error));
        let status = self
            .command(self.bin.join(program))
            .args(arguments)
            .stdout(handle()?)
            .stderr(handle()?)
            .status()
            .await
            .map_err(|error| failed(&format!("cannot run {program}"), error))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Embedded(format!("{program} failed: {}", read_back(output).trim()), None))
    }
}

fn read_back(mut file: File) -> String {
    use std::io::{Read, Seek};
    let mut text = String::new();
    if file.rewind().and_then(|()| file.read_to_string(&mut text)).is_err() {
        text.push_str("(its output could not be read)");
    }
    text
}

/// The newest version under Debian's directory, or wherever the PATH leads.
fn search_bin_dir() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin).or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|directory| directory.join("initdb").exists() && directory.join("postgres").exists())
    })
}

async fn user(name: &str) -> Result<(u32, u32), Error> {
    let id = async |flag: &str| {
        let output = Command::new("id").args([flag, name]).output().await.ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    match (id("-u").await, id("-g").await) {
        (Some(uid), Some(gid)) if uid != 0 => Ok((uid, gid)),
        _ => Err(Error::Embedded(
            format!("PostgreSQL refuses to run as root, and there is no user {name:?} to run it as; set database.run_as to an unprivileged user"),
            None,
        )),
    }
}

fn failed(what: &str, error: io::Error) -> Error {
    Error::Embedded(what.to_owned(), Some(error))
}
