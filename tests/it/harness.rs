//! One PostgreSQL for the whole run, a database of its own for every test.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use hooklake::db::embedded::Cluster;
use hooklake::db::{Database, Settings, migrate};
use tokio::sync::Mutex;

struct Postgres {
    cluster: Cluster,
    copying: Mutex<u32>,
}

fn postgres() -> &'static Postgres {
    static POSTGRES: OnceLock<Postgres> = OnceLock::new();
    POSTGRES.get_or_init(|| {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let directory = tempfile::Builder::new().prefix("hooklake-it-").tempdir().expect("a directory").keep();
                std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
                let cluster = Cluster::start(&directory, &settings()).await.expect("the cluster starts");
                let template = Database::new(&cluster.url("hooklake"), &settings()).expect("an address");
                migrate::run(&template).await.expect("migrations apply");
                template.close();
                stop_after_run(&directory);
                Postgres { cluster, copying: Mutex::new(0) }
            })
        })
        .join()
        .expect("PostgreSQL starts")
    })
}

/// A shell that waits for this process to end, however it ends, and then stops the cluster and removes it.
fn stop_after_run(directory: &Path) {
    let script = format!(
        "cat >/dev/null; pid=$(head -1 {0}/postgres/data/postmaster.pid); kill -QUIT $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done; rm -rf {0}",
        directory.display()
    );
    let child = Command::new("setsid").args(["sh", "-c", &script]).stdin(Stdio::piped()).spawn().expect("a shell");
    std::mem::forget(child);
}

fn settings() -> Settings {
    Settings { url: String::new(), connections_max: 12, connect_timeout_ms: 5000, ca_file: "".into(), bin_dir: "".into(), run_as: "postgres".into() }
}

/// A migrated database that no other test sees.
pub struct TestDatabase {
    pub database: Database,
    pub url: String,
}

impl TestDatabase {
    pub async fn new() -> Self {
        let postgres = tokio::task::spawn_blocking(postgres).await.expect("PostgreSQL");
        let name = {
            let mut count = postgres.copying.lock().await;
            *count += 1;
            let name = format!("test_{count}");
            let maintenance = Database::new(&postgres.cluster.url("postgres"), &settings()).expect("an address");
            let (client, connection) = maintenance.dedicated().await.expect("a connection");
            let driver = tokio::spawn(connection);
            client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE hooklake")).await.expect("a copy of the template");
            drop(client);
            driver.await.expect("driven").expect("closed");
            name
        };
        let url = postgres.cluster.url(&name);
        let database = Database::new(&url, &settings()).expect("an address");
        migrate::run(&database).await.expect("nothing is missing");
        Self { database, url }
    }

    /// Rows of a question, asked as the owner of the database.
    pub async fn rows(&self, sql: &str) -> Vec<tokio_postgres::Row> {
        let (client, connection) = self.database.dedicated().await.expect("a connection");
        let driver = tokio::spawn(connection);
        let rows = client.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        drop(client);
        driver.await.expect("driven").expect("closed");
        rows
    }

    /// The one number that a question has for an answer.
    pub async fn number(&self, sql: &str) -> i64 {
        self.rows(sql).await[0].get(0)
    }
}
