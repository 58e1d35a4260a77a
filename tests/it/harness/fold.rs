//! A log with every projector following it, for the tests of what they keep.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hooklake::consumer::{Consumer, Projection, Runner, checkpoint};
use hooklake::correlation::CorrelationTables;
use hooklake::domain::envelope::{Flag, Headers, Verdict};
use hooklake::domain::{EventId, Position, Tenant};
use hooklake::log::{Appender, NewEnvelope, Reader, Recent, Tail, Window};
use hooklake::projectors::{DeliveryTable, DeploymentTable, EntityTables, EventTable, GithubTable, LinearTable, PeopleTables, SlackTable, ValidationTables};
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;
use serde_json::{Value, json};

use super::{TestDatabase, append, wait_until};

/// The tables of entities.
pub const ENTITIES: &[&str] = &[
    "entity_history",
    "repositories",
    "pull_requests",
    "reviews",
    "issues",
    "attachments",
    "comments",
    "commits",
    "branches",
    "checks",
    "workflow_runs",
    "workflow_jobs",
    "releases",
    "deployments",
    "projects",
    "cycles",
    "slack_channels",
    "slack_messages",
    "slack_reactions",
];

/// The tables of people that events fill.
pub const PEOPLE: &[&str] = &["person_evidence", "person_claims", "person_identities", "people"];

/// A log, and every projector following it.
pub struct Fold {
    pub db: TestDatabase,
    appender: Appender,
    pub runner: Runner,
    tasks: Tasks,
    /// The consumers that follow; all when none is named.
    only: &'static [&'static str],
}

impl Fold {
    pub async fn start() -> Self {
        Self::on(TestDatabase::new().await)
    }

    /// A log that only these consumers follow.
    pub async fn start_with(only: &'static [&'static str]) -> Self {
        Self::followed(TestDatabase::new().await, only)
    }

    /// On the log that a database holds already.
    pub fn on(db: TestDatabase) -> Self {
        Self::followed(db, &[])
    }

    fn followed(db: TestDatabase, only: &'static [&'static str]) -> Self {
        let tasks = Tasks::default();
        let recent = Recent::kept();
        let appender = Appender::start(&db.database, &tasks, &Metrics::new(), &recent);
        let (tail, feed) = Tail::new(db.database.clone(), tasks.stop().child());
        tasks.spawn("tail", feed);
        let runner = Runner {
            database: db.database.clone(),
            window: Window::new(Reader::knowing(db.database.clone(), recent)),
            tail,
            stop: tasks.stop().child(),
            metrics: Metrics::new(),
            owner: "test".to_owned(),
            lease_ttl: checkpoint::LEASE_TTL,
        };
        let fold = Self { db, appender, runner, tasks, only };
        for consumer in fold.consumers() {
            fold.tasks.spawn("consumer", fold.runner.clone().follow(consumer));
        }
        fold
    }

    pub fn consumers(&self) -> Vec<Box<dyn Consumer>> {
        let database = &self.db.database;
        let mut consumers: Vec<Box<dyn Consumer>> = vec![
            Box::new(Projection::new(database.clone(), EventTable)),
            Box::new(Projection::new(database.clone(), GithubTable)),
            Box::new(Projection::new(database.clone(), LinearTable)),
            Box::new(Projection::new(database.clone(), SlackTable)),
            Box::new(Projection::new(database.clone(), DeploymentTable)),
            Box::new(Projection::new(database.clone(), DeliveryTable)),
            Box::new(Projection::new(database.clone(), EntityTables)),
            Box::new(Projection::new(database.clone(), PeopleTables)),
            Box::new(Projection::new(database.clone(), ValidationTables::default())),
            Box::new(Projection::new(database.clone(), CorrelationTables::default())),
        ];
        consumers.retain(|consumer| self.only.is_empty() || self.only.contains(&consumer.name()));
        consumers
    }

    pub async fn append(&self, source: &str, event_type: &str, body: &[u8]) -> EventId {
        let content_type = vec![("content-type".to_owned(), "application/json".to_owned())];
        self.append_flagged(source, event_type, body, content_type, Vec::new()).await
    }

    pub async fn append_flagged(&self, source: &str, event_type: &str, body: &[u8], headers: Vec<(String, String)>, flags: Vec<Flag>) -> EventId {
        self.append_for(Tenant::default_tenant(), source, event_type, body, headers, flags).await
    }

    pub async fn append_for(&self, tenant: Tenant, source: &str, event_type: &str, body: &[u8], headers: Vec<(String, String)>, flags: Vec<Flag>) -> EventId {
        let id = EventId::generate();
        let envelope = NewEnvelope {
            id,
            tenant,
            source: source.to_owned(),
            delivery_key: id.to_string(),
            event_type: event_type.to_owned(),
            arrived_at: chrono::Utc::now(),
            headers: Headers::new(headers),
            body: body.to_vec().into(),
            verdict: Verdict::Signed,
            secret_id: Some("0".to_owned()),
            signature_tag: None,
            flags,
        };
        append(&self.appender, envelope).await.id
    }

    pub async fn append_json(&self, source: &str, event_type: &str, body: &Value) -> EventId {
        self.append(source, event_type, body.to_string().as_bytes()).await
    }

    pub async fn append_examples(&self) {
        let examples = examples();
        assert_eq!(examples.len(), 329);
        for (event_type, body) in examples {
            self.append_json("github", &event_type, &body).await;
        }
    }

    /// Appends what the demonstration shows of a simulated organisation.
    pub async fn append_simulated(&self) {
        for delivery in hooklake::simulate::demonstration() {
            self.append(&delivery.source, &delivery.event, delivery.body.as_bytes()).await;
        }
    }

    /// Appends the demonstration's story; returns the events by their number in it.
    pub async fn append_story(&self) -> Vec<EventId> {
        self.append_story_of(&Tenant::default_tenant()).await
    }

    /// The same as a tenant's.
    pub async fn append_story_of(&self, tenant: &Tenant) -> Vec<EventId> {
        let mut ids = Vec::new();
        for told in story() {
            let (source, event_type) = (told["source"].as_str().expect("a source"), told["event"].as_str().expect("an event"));
            if told["form"] == json!(true) {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in told["body"].as_object().expect("fields") {
                    form.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                }
                let headers = vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
                ids.push(self.append_for(tenant.clone(), source, event_type, form.finish().as_bytes(), headers, Vec::new()).await);
            } else {
                let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
                ids.push(self.append_for(tenant.clone(), source, event_type, told["body"].to_string().as_bytes(), headers, Vec::new()).await);
            }
        }
        ids
    }

    pub async fn caught_up(&self) {
        for consumer in self.consumers() {
            self.reached(consumer.name()).await;
        }
        let parked = self.db.rows("SELECT consumer || ': ' || reason FROM hooklake.parked").await;
        assert!(parked.is_empty(), "{:?}", parked.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
    }

    /// Waits until a consumer has seen the whole log.
    pub async fn reached(&self, consumer: &str) {
        let head = Position::new(self.db.number("SELECT position FROM log.head").await);
        wait_until(consumer, async || checkpoint::position(&self.db.database, consumer).await.expect("a position") >= head).await;
    }

    /// Every table that a projector keeps, as text, without when a row was written.
    pub async fn tables(&self) -> Vec<(String, Vec<String>)> {
        let mut tables = Vec::new();
        for name in [
            "events",
            "github_events",
            "linear_events",
            "slack_events",
            "deployment_events",
            "received_deliveries",
            "validation_rules",
            "event_validations",
            "event_subjects",
            "event_correlations",
            "subject_aliases",
            "alias_mentions",
            "linear_team_mentions",
            "linear_teams",
        ]
        .iter()
        .chain(ENTITIES)
        .chain(PEOPLE)
        {
            let rows = self.db.rows(&format!("SELECT (to_jsonb(t) - 'processed_at')::text FROM projections.{name} t ORDER BY 1")).await;
            tables.push(((*name).to_owned(), rows.iter().map(|row| row.get(0)).collect()));
        }
        tables
    }

    pub async fn stop(self) {
        self.tasks.stop().tell();
        drop(self.appender);
        let still_running = self.tasks.finish(Duration::from_secs(10)).await;
        assert!(still_running.is_empty(), "{still_running:?}");
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read_json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The 329 payloads of octokit's examples, with their event types.
pub fn examples() -> Vec<(String, Value)> {
    let all = read_json(&root().join(".tools/examples/node_modules/@octokit/webhooks-examples/api.github.com/index.json"));
    let mut examples = Vec::new();
    for event in all.as_array().expect("a list") {
        for example in event["examples"].as_array().expect("a list") {
            examples.push((event["name"].as_str().expect("a name").to_owned(), example.clone()));
        }
    }
    examples
}

pub fn story() -> Vec<Value> {
    sorted(&root().join("src/demo/story"), "json").iter().map(|path| read_json(path)).collect()
}

pub fn sorted(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths =
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension().is_some_and(|found| found == extension)).collect::<Vec<_>>();
    paths.sort();
    paths
}
