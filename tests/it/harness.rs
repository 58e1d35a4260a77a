//! One PostgreSQL for the whole run, a database of its own for every test, and a server within the test's process.

pub mod chain;
pub mod fold;
pub mod follow;
pub mod own;
pub mod process;
pub mod prove;
pub mod router;
mod server;

use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use hooklake::config::Config;
use hooklake::db::embedded::Cluster;
use hooklake::db::{Database, migrate};
use hooklake::demo::deliveries::{self, Delivery};
use hooklake::log::{AppendError, Appender, NewEnvelope, Receipt};
use hooklake::sources::secret::hmac_sha256;
use tokio::sync::Mutex;

pub use server::TestApp;

/// The secrets that every test server knows.
pub const GITHUB_SECRET: &str = "It's a Secret to Everybody";
pub const LINEAR_SECRET: &str = "lin_wh_0123456789abcdef";
pub const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// How long anything may take that a test waits for; far longer than it does.
const PATIENCE: Duration = Duration::from_mins(4);

/// The run's PostgreSQL, and the database that each test's is copied from.
struct Postgres {
    cluster: Cluster,
    /// Copies are made one after another: PostgreSQL wants the template for itself.
    copying: Mutex<u32>,
}

fn postgres() -> &'static Postgres {
    static POSTGRES: OnceLock<Postgres> = OnceLock::new();
    POSTGRES.get_or_init(|| {
        // Its own thread and runtime: the test that comes first ends long before the last one.
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(start_postgres())
        })
        .join()
        .expect("PostgreSQL starts")
    })
}

async fn start_postgres() -> Postgres {
    hooklake_provider();
    let directory = tempfile::Builder::new().prefix("hooklake-it-").tempdir().expect("a directory").keep();
    // PostgreSQL runs as another user when we are root, and must be able to enter.
    set_mode(&directory, 0o755);
    let config = config(&directory, &[]);
    let cluster = Cluster::start(&directory, &config.database).await.expect("the cluster starts");
    let template = Database::new(&cluster.url("hooklake"), &config.database).expect("an address");
    migrate::run(&template).await.expect("migrations apply");
    template.close();
    stop_after_run(&directory);
    Postgres { cluster, copying: Mutex::new(0) }
}

/// A shell that waits for this process to end, however it ends, and then stops the cluster and removes it.
fn stop_after_run(directory: &Path) {
    let script = format!(
        "cat >/dev/null; pid=$(head -1 {0}/postgres/data/postmaster.pid 2>/dev/null) && kill -QUIT $pid && while kill -0 $pid 2>/dev/null; do sleep 0.1; done; rm -rf {0}",
        directory.display()
    );
    let child = Command::new("setsid").args(["sh", "-c", &script]).stdin(Stdio::piped()).spawn().expect("a shell");
    // Its standard input stays open until this process is gone.
    std::mem::forget(child);
}

pub fn set_mode(directory: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode)).expect("permissions");
}

/// The provider that the command line installs; several libraries bring one of their own.
fn hooklake_provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// What servers within a test warn of is shown with the test that fails.
fn show_warnings() {
    drop(tracing_subscriber::fmt().compact().with_ansi(false).with_max_level(tracing::Level::WARN).with_test_writer().try_init());
}

/// Settings for a test server: the three secrets, any free port, `data_dir`, and whatever else is given.
pub fn config(data_dir: &Path, variables: &[(&str, &str)]) -> Config {
    let data_dir = data_dir.display().to_string();
    let given = [
        ("HOOKLAKE_DATA_DIR", data_dir.as_str()),
        ("HOOKLAKE_SERVER_PORT", "0"),
        ("HOOKLAKE_DATABASE_CONNECTIONS_MAX", "16"),
        ("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET),
        ("LINEAR_WEBHOOK_SECRET", LINEAR_SECRET),
        ("SLACK_SIGNING_SECRET", SLACK_SECRET),
    ];
    let all = given.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(None, all).expect("test settings are valid")
}

/// A migrated database that no other test sees, and a directory.
pub struct TestDatabase {
    pub database: Database,
    pub url: String,
    pub directory: tempfile::TempDir,
}

impl TestDatabase {
    pub async fn new() -> Self {
        hooklake_provider();
        show_warnings();
        let postgres = tokio::task::spawn_blocking(postgres).await.expect("PostgreSQL");
        let directory = tempfile::tempdir().expect("a directory");
        let settings = config(directory.path(), &[]).database;
        let name = {
            let mut count = postgres.copying.lock().await;
            *count += 1;
            let name = format!("test_{count}");
            let maintenance = Database::new(&postgres.cluster.url("postgres"), &settings).expect("an address");
            let (client, connection) = maintenance.dedicated().await.expect("a connection");
            let driver = tokio::spawn(connection);
            client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE hooklake")).await.expect("a copy of the template");
            drop(client);
            driver.await.expect("driven").expect("closed");
            name
        };
        let url = postgres.cluster.url(&name);
        let database = Database::new(&url, &settings).expect("an address");
        migrate::run(&database).await.expect("nothing is missing");
        Self { database, url, directory }
    }

    /// Rows of a question, asked as the owner of the database.
    pub async fn rows(&self, sql: &str) -> Vec<tokio_postgres::Row> {
        rows(&self.database, sql).await
    }

    /// Waits until every transaction that has begun to write by now is over, in the other tests' databases too. To PostgreSQL a
    /// snapshot is as old as the oldest of those that were under way when it was taken: until then one taken now may count as
    /// older than what has just happened.
    pub async fn all_before_are_over(&self) {
        let begun: String = self.rows("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").await[0].get(0);
        let over = format!("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= '{begun}'::xid8");
        wait_until("transactions that began before are over", async || self.rows(&over).await[0].get(0)).await;
    }

    /// Runs statements, as the owner of the database.
    pub async fn execute(&self, sql: &str) {
        let (client, connection) = self.database.dedicated().await.expect("a connection");
        let driver = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        drop(client);
        driver.await.expect("driven").expect("closed");
    }

    /// The one number that a question has for an answer.
    pub async fn number(&self, sql: &str) -> i64 {
        self.rows(sql).await[0].get(0)
    }
}

/// Rows of a question, asked as the owner of a database.
pub async fn rows(database: &Database, sql: &str) -> Vec<tokio_postgres::Row> {
    let (client, connection) = database.dedicated().await.expect("a connection");
    let driver = tokio::spawn(connection);
    let rows = client.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    drop(client);
    driver.await.expect("driven").expect("closed");
    rows
}

pub fn github_signature(body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac_sha256(GITHUB_SECRET.as_bytes(), &[body])))
}

/// Where the example payloads are: `deploy/setup.sh test` puts them there.
pub fn examples_dir() -> PathBuf {
    tools_dir().join("examples/node_modules/@octokit/webhooks-examples")
}

pub fn tools_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools")
}

/// All 329 payloads that GitHub's documentation team keeps.
pub fn examples() -> Vec<Delivery> {
    let examples = deliveries::examples(&examples_dir()).expect("`make test` installs the example payloads");
    assert_eq!(examples.len(), 329);
    examples
}

/// Appends an envelope as a provider delivers one: told to come again, it does. On a busy machine the database may take
/// longer than senders are kept waiting.
pub async fn append(appender: &Appender, envelope: NewEnvelope) -> Receipt {
    wait_for(async || match appender.append(envelope.clone()).await {
        Ok(receipt) => Some(receipt),
        Err(AppendError::Busy | AppendError::Database(_)) => None,
        Err(error) => panic!("{error:?}"),
    })
    .await
}

/// Waits for a condition, not for a time.
pub async fn wait_until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs a program with this on its standard input; returns what it prints.
pub fn run_with_input(command: &mut Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Waits for a value, not for a time.
pub async fn wait_for<T, F: Future<Output = Option<T>>>(mut attempt: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "not in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
