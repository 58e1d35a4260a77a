//! The one listener: accepts connections, bounds what each may cost, and stops without cutting a request short.
//!
//! HTTP/1.1 only: proxies and tunnels speak it to what is behind them, and it leaves out the stream and reset floods of
//! HTTP/2 (RELIABILITY B38).

mod connection;
mod files;
mod rest;
mod stream;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::middleware::{self, Next};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use connection::Manner;
pub use rest::Rest;
use rest::Rests;

use crate::config::Server;
use crate::tasks::{Stop, Tasks};
use crate::telemetry::Metrics;

/// More headers than any provider sends, and fewer than would cost something; one more gets 431.
const HEADERS_MAX: usize = 100;
/// All headers of a request together, in bytes; more gets 431.
const HEADERS_BYTES_MAX: usize = 32 * 1024;
/// Connections that the kernel accepts for us while we have not yet; it may be told to have fewer (`net.core.somaxconn`). Those beyond
/// are not answered, and try again after a second.
const BACKLOG: i32 = 4096;
/// How long to wait when no more files can be opened.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// When a server leaves, in this order.
#[derive(Debug, Clone)]
pub struct Leave {
    /// It still takes requests, but asks whoever sends them to go elsewhere with the next.
    pub draining: Stop,
    /// It takes no more, and finishes those under way.
    pub stop: Stop,
}

/// Serves until told to stop, then lets the requests under way finish, for as long as settings allow.
pub async fn serve(listener: TcpListener, router: Router, settings: Server, metrics: Metrics, tasks: Tasks, leave: Leave) {
    let Leave { draining, stop } = leave;
    let router = router.layer(middleware::from_fn_with_state(draining, send_elsewhere));
    if let Err(error) = rustix::net::listen(&listener, BACKLOG) {
        tracing::warn!(error = &error as &dyn std::error::Error, "bursts of connections may have to wait: {BACKLOG} at once could not be asked for");
    }
    let room = files::room_for(settings.connections_max);
    files::keep_places(&listener, room);
    // One for each connection that may be open.
    let places_max = u32::try_from(room.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
    let places = Arc::new(Semaphore::new(places_max as usize));
    let rests = Rests::new(Duration::from_millis(settings.refused_rest_ms), TokioTimer::new(), Arc::clone(&places), metrics.resting_connections());
    let manner = Manner::new(&settings, stop.clone());
    while let Some(Ok(place)) = stop.or(Arc::clone(&places).acquire_owned()).await {
        let Some(accepted) = stop.or(listener.accept()).await else { break };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a connection could not be accepted");
                stop.sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let service = FromPeer { peer: Peer(from.ip()), rest: rests.one(), router: TowerToHyperService::new(router.clone()) };
        tasks.spawn("http.connection", manner.clone().serve(stream, service, place));
    }
    drop(listener);
    let patience = Duration::from_millis(settings.stop_timeout_ms);
    // All places are free when all connections have ended.
    if tokio::time::timeout(patience, places.acquire_many(places_max)).await.is_err() {
        tracing::warn!("requests were still under way after {patience:?} and are cut off");
    }
}

/// An answer of a server that leaves is the last on its connection.
async fn send_elsewhere(State(draining): State<Stop>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if draining.is_told() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The other end of a request's connection, among the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// The router, told where each request comes from.
#[derive(Clone)]
struct FromPeer {
    peer: Peer,
    rest: Rest,
    router: TowerToHyperService<Router>,
}

impl Service<Request<Incoming>> for FromPeer {
    type Response = Response;
    type Error = Infallible;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.rest.begin();
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.rest.clone());
        self.router.call(request)
    }
}
