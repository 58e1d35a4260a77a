//! The table of contents: one line per route.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::routing::{self, MethodRouter};

use super::auth::{self, Access};
use super::error::ApiError;
use super::ingest::{self, Ingest};
use super::{body, codegen, console, events, graphql, health, metrics, parked, proof, search, sql, validation};
use crate::config::Role;
use crate::correlation::query::Links;
use crate::db::Database;
use crate::domain::Clock;
use crate::lake::engine::Engine;
use crate::operate::Places;
use crate::projectors::query::Events;
use crate::reader::Credentials;
use crate::search::query::Searcher;
use crate::tasks::Stop;
use crate::telemetry::Metrics;

/// What a route asks of whoever knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Nothing: liveness and readiness, the way in, and webhooks, which prove themselves.
    Open,
    /// A credential.
    Caller,
    /// A credential; the one that was good before will do while the database is away.
    Status,
}

/// Every route.
#[rustfmt::skip]
#[must_use]
pub fn routes() -> Vec<Route> {
    use Door::{Caller, Open, Status};
    let ingest = [
        // Providers: their signature is the credential.
        Route::post("/webhook",                 Open,   ingest::default_webhook),
        Route::post("/webhook/{source}",        Open,   ingest::webhook),
        Route::post("/webhook/custom/{name}",   Open,   ingest::custom_webhook),
        // Senders of one's own.
        Route::post("/events/deployment",       Caller, ingest::deployment),
        Route::post("/events/custom",           Caller, ingest::custom_event),
        Route::get ("/webhooks",                Caller, ingest::list),
    ];
    let serve = [
        // People, in a browser.
        Route::get ("/",                        Caller, console::overview),
        Route::get ("/console",                 Caller, console::console),
        Route::get ("/assets/console.css",      Caller, console::style),
        Route::get ("/assets/console.js",       Caller, console::script),
        Route::get ("/assets/overview.js",      Caller, console::overview_script),
        // Programs and agents, with questions.
        Route::post("/graphql",                 Caller, graphql::answer),
        Route::post("/sql",                     Caller, sql::query),
        Route::get ("/search",                  Caller, search::search),
        Route::get ("/events",                  Caller, events::list),
        Route::get ("/events/summary",          Caller, events::summary),
        Route::get ("/events/{id}",             Caller, events::one),
        // Whoever brings psql or a BI tool.
        Route::get ("/codegen/connection-info", Caller, codegen::connection_info),
        Route::post("/codegen/rotate",          Caller, codegen::rotate),
        // Whoever wants proof. A checkpoint tells how much comes in, a proof what came: both to callers only.
        Route::get ("/log/checkpoint",          Caller, proof::checkpoint),
        Route::get ("/log/proof/{position}",    Caller, proof::inclusion),
        Route::get ("/log/consistency",         Caller, proof::consistency),
        Route::get ("/validation/rules",        Caller, validation::list),
        Route::post("/validation/rules",        Caller, validation::set),
        Route::delete("/validation/rules/{name}", Caller, validation::remove),
    ];
    let always = [
        Route::get ("/login",                   Open,   console::login_page),
        Route::post("/login",                   Open,   console::login),
        Route::post("/logout",                  Caller, console::logout),
        // Operators.
        Route::get ("/health/live",             Open,   health::live),
        Route::get ("/health/ready",            Open,   health::ready),
        Route::get ("/health",                  Status, health::health),
        Route::get ("/metrics",                 Status, metrics::metrics),
        Route::get ("/analytics/metrics",       Caller, metrics::analytics),
        Route::get ("/queue/stats",             Caller, metrics::queues),
        Route::get ("/api/stats",               Caller, metrics::stats),
        Route::get ("/parked",                  Caller, parked::list),
        Route::get ("/parked/groups",           Caller, parked::groups),
        Route::get ("/parked/{consumer}/{position}", Caller, parked::one),
        Route::delete("/parked/{consumer}/{position}", Caller, parked::remove),
        Route::post("/parked/{consumer}/{position}/retry", Caller, parked::retry),
    ];
    let ingest = ingest.into_iter().map(|route| route.only(Role::Ingest));
    let serve = serve.into_iter().map(|route| route.only(Role::Serve));
    ingest.chain(serve).chain(always).collect()
}

/// The routes as a service. Hand it to [`headers::dress`](super::headers::dress).
pub fn router(roles: &[Role], state: AppState) -> Router {
    let mut router = Router::new();
    for route in routes().into_iter().filter(|route| route.role.is_none_or(|role| roles.contains(&role))) {
        router = router.route(route.path, route.guarded(&state));
    }
    router
        .layer(DefaultBodyLimit::max(body::BYTES_MAX))
        .fallback(async || ApiError::NotFound("address"))
        .method_not_allowed_fallback(async || ApiError::Method)
        .with_state(state)
}

/// One line of the table.
#[derive(Debug)]
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path, with parameters in braces.
    pub path: &'static str,
    /// What it asks for.
    pub door: Door,
    /// The role whose processes have it; none for all.
    pub role: Option<Role>,
    handler: MethodRouter<AppState>,
}

impl Route {
    fn get<T: 'static>(path: &'static str, door: Door, handler: impl Handler<T, AppState>) -> Self {
        Self { method: "GET", path, door, role: None, handler: routing::get(handler) }
    }

    fn post<T: 'static>(path: &'static str, door: Door, handler: impl Handler<T, AppState>) -> Self {
        Self { method: "POST", path, door, role: None, handler: routing::post(handler) }
    }

    fn delete<T: 'static>(path: &'static str, door: Door, handler: impl Handler<T, AppState>) -> Self {
        Self { method: "DELETE", path, door, role: None, handler: routing::delete(handler) }
    }

    fn only(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    fn guarded(self, state: &AppState) -> MethodRouter<AppState> {
        match self.door {
            Door::Open => self.handler,
            Door::Caller | Door::Status => {
                let guard = axum::middleware::from_fn_with_state((state.access.clone(), self.door), auth::require);
                self.handler.route_layer(guard)
            }
        }
    }
}

/// What the handlers ask. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

/// What the composition root hands in.
pub struct Parts {
    /// Who may ask.
    pub access: Access,
    /// For the log's head, the consumers' standings and what health and metrics look at.
    pub database: Database,
    /// Projected events.
    pub events: Events,
    /// Links between them.
    pub links: Links,
    /// Full text.
    pub searcher: Searcher,
    /// SQL over log and lake.
    pub engine: Engine,
    /// What this process counted.
    pub metrics: Metrics,
    /// Where deliveries come in.
    pub ingest: Ingest,
    /// Where the lake, the index and the embedded cluster are: their disks are watched.
    pub places: Places,
    /// How readers connect to PostgreSQL.
    pub readers: Credentials,
    /// Told when this process is about to leave.
    pub draining: Stop,
    /// What time it is.
    pub clock: Clock,
}

/// The parts, and what is made of them once.
pub struct Inner {
    parts: Parts,
    /// When this process began to serve.
    pub started: Instant,
    /// The GraphQL schema.
    pub schema: graphql::Schema,
    /// For balancers, who ask often.
    pub schema_seen: health::SchemaSeen,
}

impl AppState {
    /// The state of a server that starts now.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, started: Instant::now(), schema: graphql::schema(), schema_seen: health::SchemaSeen::default() }))
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Deref for Inner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppState").finish_non_exhaustive()
    }
}
