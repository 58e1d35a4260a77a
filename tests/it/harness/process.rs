//! The real binary, as a process of its own that can be killed.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use super::{GITHUB_SECRET, LINEAR_SECRET, SLACK_SECRET, TestDatabase, wait_until};

/// `hooklake serve`, on a test's database.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts it with these settings and waits until it listens.
    pub async fn start_with(db: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        Self::start_at(db, address, settings).await
    }

    /// Starts it where another one was.
    pub async fn start_at(db: &TestDatabase, address: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let child = command(db)
            .arg("serve")
            .env("PORT", address.port().to_string())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let process = Self { address, child };
        wait_until("the server listens", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
        process
    }

    /// Its number, with which it signs its leases.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().expect("kill runs");
        assert!(status.success(), "kill -{name}");
    }

    /// Waits for its end while others go on; the exit code, if it was not killed.
    pub async fn wait_for_end(&mut self) -> Option<i32> {
        let child = Mutex::new(&mut self.child);
        wait_until("the process ends", async || child.lock().expect("a lock").try_wait().expect("a child of ours").is_some()).await;
        self.child.wait().expect("it ended").code()
    }

    /// Waits for its end; the exit code, if it was not killed.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone, in a test that succeeds.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The binary with a test's database and secrets, and nothing of the caller's environment.
pub fn command(db: &TestDatabase) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hooklake"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("DATABASE_URL", &db.url)
        .env("HOOKLAKE_DATA_DIR", db.directory.path())
        .env("HOOKLAKE_DATABASE_CONNECTIONS_MAX", "16")
        .env("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET)
        .env("LINEAR_WEBHOOK_SECRET", LINEAR_SECRET)
        .env("SLACK_SIGNING_SECRET", SLACK_SECRET)
        .env("LOG_LEVEL", "warn")
        .current_dir(db.directory.path());
    command
}
