//! A whole server within the test with a PostgreSQL of its own: for what concerns a whole cluster, as roles do.

use std::path::Path;
use std::process::Command;

use hooklake::app::{App, Base};
use hooklake::domain::Clock;
use serde_json::json;
use tokio_postgres::{Client, NoTls};

use super::{config, github_signature, set_mode};

/// The server, and where its data are.
pub struct Own {
    pub app: App,
    pub http: reqwest::Client,
    directory: Directory,
}

/// Data whose PostgreSQL does not outlive it, also when the test fails.
struct Directory(tempfile::TempDir);

impl Drop for Directory {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.0.path().join("postgres/data/postmaster.pid")).unwrap_or_default();
        if let Some(pid) = pid.lines().next().filter(|pid| !pid.is_empty()) {
            drop(Command::new("kill").args(["-QUIT", pid]).status());
        }
    }
}

impl Own {
    pub async fn start(variables: &[(&str, &str)]) -> Self {
        super::hooklake_provider();
        let directory = tempfile::Builder::new().prefix("hooklake-own-").tempdir().expect("a directory");
        set_mode(directory.path(), 0o755);
        // Also when the run is killed.
        super::stop_after_run(directory.path());
        let directory = Directory(directory);
        let base = Base::open(config(directory.0.path(), variables)).await.expect("the base opens");
        let app = App::start(base, Clock::system()).await.expect("the server starts");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { app, http, directory }
    }

    pub fn data_dir(&self) -> &Path {
        self.directory.0.path()
    }

    /// The address of a database for a role, over the socket.
    pub fn url(&self, role: &str, database: &str) -> String {
        self.app.base.cluster().expect("its own").url(database).replace("user=hooklake", &format!("user={role}"))
    }

    /// A session as `codegen_readonly`.
    pub async fn reader(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url("codegen_readonly", "hooklake"), NoTls).await?;
        drop(tokio::spawn(connection));
        Ok(client)
    }

    /// A delivery is stored and acknowledged.
    pub async fn acknowledges(&self) {
        let body = json!({"zen": "Anything added dilutes everything else."}).to_string();
        let id = uuid::Uuid::new_v4().to_string();
        let request = self.http.post(format!("http://{}/webhook/github", self.app.address)).header("X-GitHub-Event", "ping");
        let request = request.header("X-GitHub-Delivery", id).header("X-Hub-Signature-256", github_signature(body.as_bytes()));
        let answer = request.header("Content-Type", "application/json").body(body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }

    pub async fn stop(self) {
        let running = self.app.stop().await.expect("it stops");
        assert!(running.is_empty(), "{running:?} did not end");
    }
}
