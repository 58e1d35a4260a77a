//! A whole server within the test, listening on a free port.

use std::path::Path;

use hooklake::app::{App, Base};
use hooklake::config::Config;
use hooklake::consumer::checkpoint;
use hooklake::demo::deliveries::Delivery;
use hooklake::demo::sender::{AT_ONCE, Sender, Tally};
use hooklake::domain::Clock;
use hooklake::log::Reader;
use hooklake::registry;
use hooklake::sources::Secret;
use hooklake::sources::secret::hmac_sha256;
use serde_json::Value;

use super::{GITHUB_SECRET, LINEAR_SECRET, SLACK_SECRET, TestDatabase, config, github_signature, wait_until};

/// A server within the test, on a database of its own.
pub struct TestApp {
    pub app: App,
    pub db: TestDatabase,
    pub client: reqwest::Client,
    pub token: String,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with these settings as well.
    pub async fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_on(TestDatabase::new().await, variables).await
    }

    /// A server on a database that is there already.
    pub async fn start_on(db: TestDatabase, variables: &[(&str, &str)]) -> Self {
        Self::start_configured(db, |directory| config(directory, variables)).await
    }

    /// A server whose settings a test makes itself; the database is always the test's.
    pub async fn start_configured(db: TestDatabase, settings: impl FnOnce(&Path) -> Config) -> Self {
        let mut config = settings(db.directory.path());
        config.database.url = db.url.clone();
        let base = Base::open(config).await.expect("the base opens");
        let app = App::start(base, Clock::system()).await.expect("the server starts");
        let token = app.access().rotate().await.expect("a token").reveal().to_owned();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { app, db, client, token }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.address)
    }

    /// Posts a body with headers; returns status, headers and text.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
        let mut request = self.client.post(self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Posts a GitHub delivery, signed.
    pub async fn github(&self, event: &str, id: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref().to_vec();
        let signature = github_signature(&body);
        let headers = [("X-GitHub-Event", event), ("X-GitHub-Delivery", id), ("X-Hub-Signature-256", &signature), ("Content-Type", "application/json")];
        self.post("/webhook/github", &headers, body).await
    }

    /// Posts a Linear delivery, signed; its `webhookTimestamp` is the caller's affair.
    pub async fn linear(&self, id: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let signature = hex::encode(hmac_sha256(LINEAR_SECRET.as_bytes(), &[body.as_bytes()]));
        self.post("/webhook/linear", &[("Linear-Delivery", id), ("Linear-Signature", &signature), ("Content-Type", "application/json")], body).await
    }

    /// Posts a Slack request, signed now.
    pub async fn slack(&self, content_type: &str, body: &str) -> Answer {
        let time = chrono::Utc::now().timestamp().to_string();
        let signature = format!("v0={}", hex::encode(hmac_sha256(SLACK_SECRET.as_bytes(), &[b"v0:", time.as_bytes(), b":", body.as_bytes()])));
        self.post("/webhook/slack", &[("X-Slack-Request-Timestamp", &time), ("X-Slack-Signature", &signature), ("Content-Type", content_type)], body.to_owned())
            .await
    }

    /// Sends deliveries as the demonstration does.
    pub async fn send(&self, deliveries: &[Delivery]) -> Tally {
        let secrets = [GITHUB_SECRET, LINEAR_SECRET, SLACK_SECRET].map(Secret::new);
        let sender = Sender::new(self.app.address, &secrets, &self.token).expect("a sender");
        sender.send_all(deliveries, AT_ONCE, |_| {}).await.expect("everything is accepted")
    }

    /// How many events a search finds.
    pub async fn found(&self, text: &str) -> usize {
        let base = &self.app.base;
        let searcher = hooklake::search::Searcher::new(base.database.clone(), &base.data_dir());
        searcher.search(&hooklake::domain::Tenant::default_tenant(), text, 10, 0).await.expect("an answer").hits.len()
    }

    /// Waits until every consumer has seen the whole log.
    pub async fn caught_up(&self) {
        let head = Reader::new(self.db.database.clone()).head().await.expect("a head").position;
        let consumers = registry::consumers(&self.app.base).expect("consumers");
        wait_until("every consumer has caught up", async || {
            let standings = checkpoint::standings(&self.db.database).await.expect("standings");
            // One that has not begun has no row yet.
            consumers.iter().all(|consumer| standings.iter().any(|standing| standing.name == consumer.name()))
                && standings.iter().all(|standing| standing.position >= head)
        })
        .await;
    }

    pub async fn stop(self) -> TestDatabase {
        let still_running = self.app.stop().await.expect("the server stops");
        assert!(still_running.is_empty(), "still running: {still_running:?}");
        self.db
    }
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        Self { status: response.status().as_u16(), headers: response.headers().clone(), text: response.text().await.expect("a body") }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}
