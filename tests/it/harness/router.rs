//! The router without its listener, with a clock that is turned by hand.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use hooklake::consumer::Projection;
use hooklake::correlation::query::Links;
use hooklake::db::Database;
use hooklake::domain::envelope::{Headers, Verdict};
use hooklake::domain::{Clock, EventId, Tenant};
use hooklake::lake::{Engine, Limits};
use hooklake::log::{Appender, NewEnvelope, Receipt, Recent};
use hooklake::operate::Places;
use hooklake::projectors::query::Events;
use hooklake::projectors::{DeliveryTable, EventTable};
use hooklake::reader::{Credentials, Place};
use hooklake::registry::Doors;
use hooklake::search::Indexer;
use hooklake::search::query::Searcher;
use hooklake::serve::{Access, AppState, Ingest, Parts, headers, router};
use hooklake::tasks::{Stop, Tasks};
use hooklake::telemetry::Metrics;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::TestDatabase;
use super::follow::catch_up;

/// A server without its listener, on a database of its own.
pub struct App {
    pub router: Router,
    pub access: Access,
    pub token: String,
    pub clock: Clock,
    pub database: Database,
    pub metrics: Metrics,
    appender: Appender,
    db: TestDatabase,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

impl App {
    pub async fn start() -> Self {
        let db = TestDatabase::new().await;
        let database = db.database.clone();
        let clock = Clock::manual(chrono::Utc::now());
        let access = Access::new(database.clone(), clock.clone());
        let token = access.ensure_token().await.expect("a token").expect("the first token").reveal().to_owned();
        let metrics = Metrics::new();
        let appender = Appender::start(&database, &Tasks::default(), &metrics, &Recent::default());
        let config = super::config(db.directory.path(), &[]);
        let doors = Doors::new(&config, &[]).expect("doors");
        let ingest = Ingest::new(doors, appender.clone(), database.clone(), clock.clone(), metrics.clone(), &config.server);
        let location = config.lake.location(db.directory.path()).expect("a place for the lake");
        let state = AppState::new(Parts {
            access: access.clone(),
            database: database.clone(),
            events: Events::new(database.clone()),
            links: Links::new(database.clone()),
            searcher: Searcher::new(database.clone(), db.directory.path()),
            engine: Engine::new(database.clone(), location, Limits::default()).expect("an engine"),
            metrics: metrics.clone(),
            ingest,
            places: Places { data: db.directory.path().to_owned(), lake: db.directory.path().join("lake") },
            draining: Stop::default(),
            readers: Credentials::new(database.clone(), config.reader.clone(), Place::external(database.config(), &config.reader), clock.clone()),
            clock: clock.clone(),
        });
        Self { router: headers::dress(router(&config.roles, state)), access, token, clock, database, metrics, appender, db }
    }

    /// Stores an event as if it had come over HTTP, and lets the tables that are read here take it.
    pub async fn store(&self, source: &str, event_type: &str, payload: Value) -> Receipt {
        let id = EventId::generate();
        let envelope = NewEnvelope {
            id,
            tenant: Tenant::default_tenant(),
            source: source.into(),
            delivery_key: id.to_string(),
            event_type: event_type.into(),
            arrived_at: chrono::Utc::now(),
            headers: Headers::new(vec![("content-type".into(), "application/json".into())]),
            body: payload.to_string().into(),
            verdict: Verdict::Signed,
            secret_id: None,
            signature_tag: None,
            flags: Vec::new(),
        };
        let receipt = self.appender.append(envelope).await.expect("stored");
        catch_up(&self.database, &mut Projection::new(self.database.clone(), EventTable)).await;
        catch_up(&self.database, &mut Projection::new(self.database.clone(), DeliveryTable)).await;
        receipt
    }

    /// Lets the index take what is in the log.
    pub async fn index(&self) {
        catch_up(&self.database, &mut Indexer::new(self.database.clone(), self.db.directory.path())).await;
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).expect("text") }
    }

    /// With the admin token.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let request = Request::post(path).header("authorization", format!("Bearer {}", self.token)).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }
}
