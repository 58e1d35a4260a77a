//! A log of its own for each test, and consumers that a test drives by hand or lets run.

use std::path::PathBuf;

use hooklake::consumer::{Consumer, Lease, Runner, checkpoint};
use hooklake::db::Database;
use hooklake::domain::envelope::{Flag, Headers, Verdict};
use hooklake::domain::{EventId, Position, Tenant};
use hooklake::log::{Appender, Batch, NewEnvelope, Reader, Receipt, Recent, Tail, Window};
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;
use serde_json::Value;

use super::{TestDatabase, append, examples_dir, wait_until};

/// A log to append to, and what follows it.
pub struct App {
    pub database: Database,
    pub tasks: Tasks,
    pub data_dir: PathBuf,
    pub runner: Runner,
    pub recent: Recent,
    appender: Appender,
    _db: TestDatabase,
}

impl App {
    pub async fn start() -> Self {
        let db = TestDatabase::new().await;
        let database = db.database.clone();
        let tasks = Tasks::default();
        let recent = Recent::kept();
        let (tail, feed) = Tail::new(database.clone(), tasks.stop().child());
        tasks.spawn("log.tail", feed);
        let runner = Runner {
            database: database.clone(),
            window: Window::new(Reader::knowing(database.clone(), recent.clone())),
            tail,
            stop: tasks.stop().child(),
            metrics: Metrics::new(),
            owner: "test".into(),
            lease_ttl: checkpoint::LEASE_TTL,
        };
        let appender = Appender::start(&database, &tasks, &Metrics::new(), &recent);
        Self { database, tasks, data_dir: db.directory.path().to_owned(), runner, recent, appender, _db: db }
    }

    /// Stores an event as if it had come over HTTP.
    pub async fn store(&self, source: &str, event_type: &str, payload: &Value) -> Receipt {
        self.store_as(Tenant::default_tenant(), source, event_type, payload.to_string(), Vec::new()).await
    }

    pub async fn store_as(&self, tenant: Tenant, source: &str, event_type: &str, body: String, flags: Vec<Flag>) -> Receipt {
        let id = EventId::generate();
        let envelope = NewEnvelope {
            id,
            tenant,
            source: source.into(),
            delivery_key: id.to_string(),
            event_type: event_type.into(),
            arrived_at: chrono::Utc::now(),
            headers: Headers::new(vec![("content-type".into(), "application/json".into())]),
            body: body.into(),
            verdict: Verdict::Signed,
            secret_id: None,
            signature_tag: None,
            flags,
        };
        append(&self.appender, envelope).await
    }

    /// Stores many events at once.
    pub async fn store_all(&self, events: &[(String, Value)]) {
        for chunk in events.chunks(64) {
            futures::future::join_all(chunk.iter().map(|(event_type, payload)| self.store("github", event_type, payload))).await;
        }
    }

    pub fn reader(&self) -> Reader {
        Reader::new(self.database.clone())
    }

    pub async fn head(&self) -> Position {
        self.reader().head().await.expect("a head").position
    }

    /// Follows the log with a consumer for as long as the test runs.
    pub fn follow(&self, consumer: impl Consumer) {
        self.tasks.spawn("consumer", self.runner.clone().follow(Box::new(consumer)));
    }

    /// Lets a consumer take the whole log, then gives its lease back.
    pub async fn catch_up(&self, consumer: &mut dyn Consumer) {
        catch_up(&self.database, consumer).await;
    }

    pub async fn batch_after(&self, after: Position, consumer: &dyn Consumer) -> Batch {
        self.reader().after(after, None, None, consumer.limits()).await.expect("a batch")
    }

    pub async fn lease(&self, consumer: &dyn Consumer) -> Lease {
        lease(&self.database, consumer).await
    }

    /// Waits until a consumer's checkpoint has reached the end of the log.
    pub async fn wait_for(&self, consumer: &str) {
        let head = self.head().await;
        wait_until("the consumer has caught up", async || checkpoint::position(&self.database, consumer).await.expect("a position") >= head).await;
    }

    /// Ends what follows the log.
    pub fn stop(&self) {
        self.tasks.stop().tell();
    }
}

/// Every GitHub payload of npm `@octokit/webhooks-examples`, with its event type.
pub fn octokit_payloads() -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(examples_dir().join("api.github.com/index.json")).expect("`make test` installs the example payloads");
    let events: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let examples = |event: &Value| -> Vec<(String, Value)> {
        let name = event["name"].as_str().expect("a name").to_owned();
        event["examples"].as_array().expect("examples").iter().map(|example| (name.clone(), example.clone())).collect()
    };
    events.iter().flat_map(examples).collect()
}

/// A small pull request event.
pub fn pull_request(number: u64, title: &str, body: &str) -> Value {
    serde_json::json!({
        "action": "opened", "number": number,
        "pull_request": {"number": number, "title": title, "body": body, "html_url": format!("https://github.com/acme/shop/pull/{number}"),
                         "state": "open", "user": {"login": "octocat"}, "head": {"ref": "fix"}, "base": {"ref": "main"}},
        "repository": {"name": "shop", "full_name": "acme/shop", "html_url": "https://github.com/acme/shop", "owner": {"login": "acme"}},
        "sender": {"login": "octocat"}
    })
}

/// Lets a consumer take the whole log, then gives its lease back.
pub async fn catch_up(database: &Database, consumer: &mut dyn Consumer) {
    let lease = lease(database, consumer).await;
    let reader = Reader::new(database.clone());
    let mut after = consumer.open().await.expect("opened");
    loop {
        let batch = reader.after(after, None, consumer.sources(), consumer.limits()).await.expect("a batch");
        if batch.span.is_empty() {
            break;
        }
        consumer.apply(&batch, &lease).await.expect("applied");
        after = batch.span.through;
    }
    lease.release(database).await.expect("released");
}

async fn lease(database: &Database, consumer: &dyn Consumer) -> Lease {
    checkpoint::enroll(database, consumer.name(), consumer.version()).await.expect("enrolled");
    checkpoint::acquire(database, consumer.name(), "test").await.expect("asked").expect("free")
}
