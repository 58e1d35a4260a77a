//! A server process of its own on an embedded PostgreSQL of its own, as a user would start it.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use hooklake::config::Config;
use hooklake::consumer::checkpoint;
use hooklake::db::embedded::Cluster;
use hooklake::db::{Database, driven};

use crate::bodies::Bodies;
use crate::load;

/// What the load is signed with.
pub const SECRET: &str = "bench secret of the load generator";

const FILLING_CONNECTIONS: usize = 64;
/// As many segments of 16 MB as PostgreSQL keeps at least (`src/db/embedded.conf`, `min_wal_size`).
const SEGMENTS: usize = 64;
/// How often it is looked whether the consumers have seen all.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub struct Server {
    pub cluster: Cluster,
    pub address: SocketAddr,
    program: OsString,
    process: Child,
    directory: tempfile::TempDir,
}

impl Server {
    /// A server with these roles, as the setting `roles` names them.
    pub async fn start(roles: &str) -> anyhow::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::Builder::new().prefix("hooklake-bench-").tempdir()?;
        // PostgreSQL runs as another user when we are root, and must be able to enter.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))?;
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        // Another build can be measured with the same load, to compare.
        let program = std::env::var_os("BENCH_SERVER").unwrap_or_else(|| env!("CARGO_BIN_EXE_hooklake").into());
        let mut command = with_settings(&program, directory.path());
        command.arg("serve").env("PORT", free.port().to_string()).env("HOOKLAKE_ROLES", roles);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        wait_for(free).await?;
        let config = Config::load(None, [])?;
        let cluster = Cluster::start(directory.path(), &config.database).await?;
        reuse_segments(&Database::new(&cluster.url("hooklake"), &config.database)?).await?;
        Ok(Self { cluster, address: free, program, process, directory })
    }

    /// A server whose consumers have seen so many deliveries, and its database.
    pub async fn filled(bodies: &Bodies, envelopes: usize) -> anyhow::Result<(Self, Database)> {
        let server = Self::start("ingest,consume").await.context("the server does not start")?;
        let database = Database::new(&server.cluster.url("hooklake"), &Config::load(None, [])?.database)?;
        load::run(server.address, &bodies.texts, FILLING_CONNECTIONS, envelopes).await?;
        while checkpoint::standings(&database).await?.iter().any(|one| one.lag_events > 0) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok((server, database))
    }

    /// The program on the server's data, for a command beside it.
    pub fn program(&self) -> Command {
        with_settings(&self.program, self.directory.path())
    }

    /// Lets [`Self::resident_mb`] begin anew; proc(5), `clear_refs`.
    pub fn forget_peak(&self) -> anyhow::Result<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5")?)
    }

    /// The most memory that the server process has held, in MB.
    pub fn resident_mb(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
    }

    /// Processor time so far, in seconds: of the server, and of its PostgreSQL with all that it ever started.
    pub fn processor_seconds(&self) -> anyhow::Result<(f64, f64)> {
        let server = processor_seconds(self.process.id(), false)?;
        let pid_file = std::fs::read_to_string(self.directory.path().join("postgres/data/postmaster.pid"))?;
        let postmaster: u32 = pid_file.lines().next().context("a pid")?.trim().parse()?;
        let mut postgres = processor_seconds(postmaster, true)?;
        let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"))?;
        for child in children.split_whitespace() {
            // One that ended since is among what its parent waited for the next time.
            postgres += child.parse().map_err(anyhow::Error::from).and_then(|child| processor_seconds(child, false)).unwrap_or(0.0);
        }
        Ok((server, postgres))
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        self.process.wait()?;
        self.cluster.stop().await?;
        self.directory.close()?;
        Ok(())
    }
}

/// Has the write-ahead log reuse its segments, as that of a server does that has run for a while: to make them takes a tenth of the time
/// of storing, in which all wait.
async fn reuse_segments(database: &Database) -> anyhow::Result<()> {
    let (client, connection) = database.dedicated().await?;
    driven(connection, async {
        for _ in 0..SEGMENTS {
            client.execute("SELECT pg_logical_emit_message(true, 'bench', 'of this segment'), pg_switch_wal()", &[]).await?;
        }
        Ok(client.batch_execute("CHECKPOINT").await?)
    })
    .await?;
    Ok(())
}

fn with_settings(program: &OsStr, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("HOOKLAKE_DATA_DIR", data).env("LOG_LEVEL", "warn");
    command.env("GITHUB_WEBHOOK_SECRET", SECRET).env("LINEAR_WEBHOOK_SECRET", SECRET).env("SLACK_SIGNING_SECRET", SECRET);
    command
}

/// User and system time of a process, and of the children that it has waited for; proc(5), in ticks of 10 ms.
pub fn processor_seconds(pid: u32, with_children: bool) -> anyhow::Result<f64> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = line.rsplit_once(") ").context("no name in stat")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks: Result<u64, _> = fields[11..if with_children { 15 } else { 13 }].iter().map(|field| field.parse::<u64>()).sum();
    Ok(ticks? as f64 / 100.0)
}

async fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..600 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("nothing listens on {address} after a minute")
}
