//! The real binary with a PostgreSQL of its own, both of which may be killed, stopped and filled.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use hooklake::app::Base;
use hooklake::config::Config;
use hooklake::consumer::checkpoint;
use hooklake::db::Database;
use hooklake::db::embedded::Cluster;
use hooklake::domain::Clock;
use hooklake::serve::Access;

use super::ledger::{Known, Ledger};
use super::load::{Counts, Load, TailReader, client, send};
use super::proxy::Proxy;
use crate::harness::{GITHUB_SECRET, LINEAR_SECRET, SLACK_SECRET, config, set_mode, wait_until};

/// Everything that a fault needs: server, database, ledger, reader.
pub struct Stage {
    pub address: SocketAddr,
    pub ledger: Arc<Ledger>,
    /// Past the proxy, for whoever looks on.
    pub database: Database,
    pub proxy: Option<Proxy>,
    /// Before the directory that they are in: fields go in order.
    _mounts: Vec<Mount>,
    directory: tempfile::TempDir,
    /// The server's settings beyond the usual.
    variables: Vec<(String, String)>,
    reader: Option<TailReader>,
    server: Option<Child>,
    starts: usize,
    /// Its user is this process, when the server reaches it through the proxy.
    cluster: Option<Cluster>,
}

impl Stage {
    /// The server runs its own PostgreSQL, and starts it again when it dies.
    pub async fn embedded() -> Self {
        Self::embedded_with(&[]).await
    }

    /// The same, with settings beyond the usual, given as environment variables.
    pub async fn embedded_with(variables: &[(&str, &Path)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.display().to_string()));
        Self::build(scene(), Vec::new(), false, variables.collect()).await
    }

    /// The same, with these directories of the data on small disks of their own, in megabytes; none where nobody may
    /// mount.
    pub async fn embedded_on(disks: &[(&str, u32)]) -> Option<Self> {
        let directory = scene();
        let mut mounts = Vec::new();
        for (name, megabytes) in disks {
            let path = directory.path().join(name);
            std::fs::create_dir(&path).expect("a directory");
            let options = format!("size={megabytes}m,mode=0755");
            let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).status();
            if !mounted.is_ok_and(|status| status.success()) {
                eprintln!("not tried: mounting a small disk is not allowed here");
                return None;
            }
            mounts.push(Mount(path));
        }
        Some(Self::build(directory, mounts, false, Vec::new()).await)
    }

    /// PostgreSQL is somewhere else, behind a network that fails.
    pub async fn behind_proxy() -> Self {
        Self::build(scene(), Vec::new(), true, Vec::new()).await
    }

    async fn build(directory: tempfile::TempDir, mounts: Vec<Mount>, is_behind_proxy: bool, mut variables: Vec<(String, String)>) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let settings = config(directory.path(), &[]);
        let (mut cluster, mut proxy) = (None, None);
        if is_behind_proxy {
            let started = Cluster::start(directory.path(), &settings.database).await.expect("the cluster starts");
            let started_proxy = Proxy::start(started.socket_dir().join(".s.PGSQL.5432")).await;
            variables.push(("DATABASE_URL".to_owned(), format!("postgres://hooklake@{}/hooklake", started_proxy.address)));
            (cluster, proxy) = (Some(started), Some(started_proxy));
        }
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let ledger = Arc::new(Ledger::new(&directory.path().join("ledger")));
        let database = Database::new(&direct_url(directory.path()), &settings.database).expect("an address");
        let mut stage = Self { address, ledger, database, proxy, _mounts: mounts, directory, variables, reader: None, server: None, starts: 0, cluster };
        stage.serve(&[]).await;
        stage
    }

    /// Starts the server, with these variables this once, and waits until it listens.
    pub async fn serve(&mut self, once: &[(&str, &str)]) {
        let log = File::options().create(true).append(true).open(self.log()).expect("a log");
        let child = self.command().arg("serve").envs(once.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.server = Some(child.expect("the binary starts"));
        self.starts += 1;
        let address = self.address;
        wait_until("the server listens", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
        if self.reader.is_none() {
            self.reader = Some(TailReader::start(self.database.clone()));
        }
    }

    /// The binary with this stage's data, and nothing of the caller's environment.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hooklake"));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOOKLAKE_DATA_DIR", self.data_dir())
            .env("PORT", self.address.port().to_string())
            .env("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET)
            .env("LINEAR_WEBHOOK_SECRET", LINEAR_SECRET)
            .env("SLACK_SIGNING_SECRET", SLACK_SECRET)
            .env("LOG_LEVEL", "warn")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.data_dir());
        command
    }

    pub fn data_dir(&self) -> &Path {
        self.directory.path()
    }

    fn log(&self) -> PathBuf {
        self.data_dir().join("server.log")
    }

    /// What the server wrote to standard error, of all its lives.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log()).expect("a log")
    }

    /// How often the server was started.
    pub const fn starts(&self) -> usize {
        self.starts
    }

    pub fn load(&self, name: &str, senders: usize) -> Load {
        Load::start(self.address, &self.ledger, name, senders)
    }

    pub fn server_pid(&self) -> u32 {
        self.server.as_ref().expect("it was started").id()
    }

    /// The process of PostgreSQL that all others are children of.
    pub fn postmaster(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.data_dir().join("postgres/data/postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// The postmaster and all its children.
    pub fn postgres_tree(&self) -> Vec<u32> {
        let Some(postmaster) = self.postmaster() else { return Vec::new() };
        std::iter::once(postmaster).chain(children(postmaster)).collect()
    }

    /// Kills the server and waits until it is gone.
    pub fn kill_server(&mut self) {
        let mut server = self.server.take().expect("it was started");
        server.kill().expect("killed");
        server.wait().expect("gone");
    }

    /// Waits for the server to end by itself, as a failpoint makes it.
    pub async fn server_ends(&mut self) {
        let server = std::sync::Mutex::new(self.server.take().expect("it was started"));
        wait_until("the server ends by itself", async || server.lock().expect("a lock").try_wait().expect("asked").is_some()).await;
    }

    /// Tells the server to stop; returns its exit code.
    pub async fn stop_server(&mut self) -> Option<i32> {
        signal(&[self.server_pid()], "TERM");
        let server = self.server.take().expect("it was started");
        tokio::task::spawn_blocking(move || server.wait_with_output().expect("it ends").status.code()).await.expect("waited")
    }

    /// Resident memory of the server, in bytes.
    pub fn server_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server_pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// The reader, which the next start of the server replaces by a fresh one.
    pub fn take_reader(&mut self) -> TailReader {
        self.reader.take().expect("it follows the log")
    }

    /// Healed without a human: ready, nothing stands still, nothing lags (I10).
    pub async fn healed(&self) {
        let client = client();
        wait_until("the server is ready and every consumer at the log's end", async || {
            // A database that is still away has no token to give either.
            let Ok(token) = Access::new(self.database.clone(), Clock::system()).rotate().await else { return false };
            let ready = client.get(format!("http://{}/health/ready", self.address)).bearer_auth(token.reveal()).send().await;
            let standings = checkpoint::standings(&self.database).await;
            ready.is_ok_and(|answer| answer.status() == 200)
                && standings.is_ok_and(|all| !all.is_empty() && all.iter().all(|standing| standing.lag_events == 0 && standing.error.is_none()))
        })
        .await;
    }

    /// Sends again what nobody knows the outcome of, under the same names, until all are known; returns how many.
    pub async fn settle(&self) -> usize {
        let (client, counts, unknown) = (client(), Counts::default(), self.ledger.unknown());
        for id in &unknown {
            wait_until("it is stored", async || send(&client, self.address, id, &self.ledger, &counts).await != Known::Unknown).await;
        }
        unknown.len()
    }

    /// The same data within this process, while the server is stopped.
    pub async fn base(&self) -> Base {
        let mut settings: Config = config(self.data_dir(), &[]);
        if self.cluster.is_some() {
            settings.database.url = direct_url(self.data_dir());
        }
        Base::open(settings).await.expect("the base opens")
    }
}

/// A small disk.
struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: what still has a file open there ends soon.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn scene() -> tempfile::TempDir {
    let directory = tempfile::Builder::new().prefix("hooklake-faults-").tempdir().expect("a directory");
    // PostgreSQL runs as another user when we are root, and must be able to enter.
    set_mode(directory.path(), 0o755);
    directory
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.kill());
            drop(server.wait());
        }
        // Whoever was stopped must be let go to be ended.
        let tree = self.postgres_tree();
        signal(&tree, "CONT");
        signal(&tree[..tree.len().min(1)], "QUIT");
        for pid in tree {
            while Path::new(&format!("/proc/{pid}/root")).exists() && std::fs::read_link(format!("/proc/{pid}/exe")).is_ok() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    }
}

fn direct_url(directory: &Path) -> String {
    let socket = directory.join("postgres/run");
    let socket: String = url::form_urlencoded::byte_serialize(socket.to_string_lossy().as_bytes()).collect();
    format!("postgresql:///hooklake?host={socket}&user=hooklake")
}

/// Sends a signal to processes, some of which may be gone.
pub fn signal(pids: &[u32], name: &str) {
    if !pids.is_empty() {
        let pids = pids.iter().map(ToString::to_string);
        drop(Command::new("kill").arg(format!("-{name}")).args(pids).stderr(Stdio::null()).status());
    }
}

/// The children of a process.
pub fn children(parent: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
