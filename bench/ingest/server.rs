//! A server process of its own on an embedded PostgreSQL of its own, as a user would start it.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use hooklake::config::Config;
use hooklake::db::embedded::Cluster;

/// What the load is signed with.
pub const SECRET: &str = "bench secret of the load generator";

pub struct Server {
    pub cluster: Cluster,
    pub address: SocketAddr,
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
        let process = Command::new(env!("CARGO_BIN_EXE_hooklake"))
            .arg("serve")
            .env("HOOKLAKE_DATA_DIR", directory.path())
            .env("PORT", free.port().to_string())
            .env("HOOKLAKE_ROLES", roles)
            .env("GITHUB_WEBHOOK_SECRET", SECRET)
            .env("LOG_LEVEL", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        wait_for(free).await?;
        let config = Config::load(None, [])?;
        let cluster = Cluster::start(directory.path(), &config.database).await?;
        Ok(Self { cluster, address: free, process, directory })
    }

    /// The most memory that the server process has held, in MB.
    pub fn resident_mb(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        self.process.wait()?;
        self.cluster.stop().await?;
        self.directory.close()?;
        Ok(())
    }
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
