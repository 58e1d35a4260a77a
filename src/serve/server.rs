//! The one listener: accepts connections, bounds what each may cost, and stops without cutting a request short.
//!
//! HTTP/1.1 only: proxies and tunnels speak it to what is behind them, and it leaves out the stream and reset floods of
//! HTTP/2 (RELIABILITY B38).

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
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

pub use rest::Rest;
use rest::Rests;
use stream::Stream;

use crate::config::Server;
use crate::tasks::{Stop, Tasks};
use crate::telemetry::Metrics;

/// More headers than any provider sends, and fewer than would cost something; one more gets 431.
const HEADERS_MAX: usize = 100;
/// All headers of a request together, in bytes; more gets 431.
const HEADERS_BYTES_MAX: usize = 32 * 1024;
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
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(settings.connections_max));
    // No longer than half the time that a connection may be idle, or it would be closed while it rests.
    let rest = Duration::from_millis(settings.refused_rest_ms.min(settings.headers_timeout_ms / 2));
    let rests = Rests::new(rest, TokioTimer::new(), Arc::clone(&places), metrics.resting_connections());
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
        let rest = rests.one();
        let service = FromPeer { peer: Peer(from.ip()), rest: rest.clone(), router: TowerToHyperService::new(router.clone()) };
        let connection = graceful.watch(connection(stream, service, &settings));
        let stop = stop.clone();
        tasks.spawn("http.connection", async move {
            // A client that breaks off or sends nonsense is its own affair.
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
            }
            if let Some(owed) = rest.owed_after_end() {
                stop.or(owed).await;
            }
            drop(place);
        });
    }
    drop(listener);
    let patience = Duration::from_millis(settings.stop_timeout_ms);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
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
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.rest.clone());
        self.router.call(request)
    }
}

type Connection = hyper::server::conn::http1::Connection<TokioIo<Stream>, FromPeer>;

fn connection(stream: TcpStream, service: FromPeer, settings: &Server) -> Connection {
    // Answers are small and written whole.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY could not be set");
    }
    let stream = Stream::new(stream, service.rest.clone());
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(settings.headers_timeout_ms))
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADERS_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
}
