//! The life of one connection: it waits with next to no memory until a request comes, is served, and waits again.
//!
//! hyper keeps some 30 KB for a connection as long as it serves it. So it serves one only while there is something to do, as soon as
//! there are many of them; a connection whose sender was refused always waits without.

use std::pin::Pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::stream::Stream;
use super::{FromPeer, HEADERS_BYTES_MAX, HEADERS_MAX};
use crate::config::Server;
use crate::tasks::Stop;

/// How every connection of a server is served. Cheap to clone.
#[derive(Clone)]
pub struct Manner {
    http: http1::Builder,
    idle_max: Duration,
    stop: Stop,
}

impl Manner {
    /// What the settings say; connections end in order when they are told to stop.
    pub fn new(settings: &Server, stop: Stop) -> Self {
        let idle_max = Duration::from_millis(settings.headers_timeout_ms);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(idle_max).max_headers(HEADERS_MAX).max_buf_size(HEADERS_BYTES_MAX);
        Self { http, idle_max, stop }
    }

    /// Serves a connection until either end leaves; then its place rests, if it must, and is free.
    pub async fn serve(self, io: TcpStream, service: FromPeer, _place: OwnedSemaphorePermit) {
        // Answers are small and written whole.
        if let Err(error) = io.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY could not be set");
        }
        let rest = service.rest.clone();
        let mut stream = Stream::new(io, rest.clone());
        while self.waits(&stream, &service).await {
            // In memory of its own, which is given back with it.
            match Box::pin(self.requests(stream, service.clone())).await {
                Some(again) => stream = again,
                None => break,
            }
        }
        if let Some(owed) = rest.owed_after_end() {
            self.stop.or(owed).await;
        }
    }

    /// Waits until a request begins; false when the connection is to end.
    async fn waits(&self, stream: &Stream, service: &FromPeer) -> bool {
        if let Some(owed) = service.rest.owed_before_next() {
            self.stop.or(owed).await;
        }
        matches!(self.stop.or(tokio::time::timeout(self.idle_max, stream.comes())).await, Some(Ok(())))
    }

    /// Serves requests as long as they come; returns the stream when it shall wait for more.
    async fn requests(&self, stream: Stream, service: FromPeer) -> Option<Stream> {
        let mut connection = self.http.serve_connection(TokioIo::new(stream), service);
        let mut is_told = false;
        let ended = loop {
            tokio::select! {
                biased;
                ended = std::future::poll_fn(|context| connection.poll_without_shutdown(context)) => break ended,
                () = self.stop.told(), if !is_told => is_told = true,
            }
            Pin::new(&mut connection).graceful_shutdown();
        };
        let parts = connection.into_parts();
        let mut stream = parts.io.into_inner();
        if stream.take_back(&parts.read_buf) {
            return Some(stream);
        }
        let closed = match ended {
            Ok(()) => stream.shutdown().await.map_err(anyhow::Error::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = closed {
            // A client that breaks off or sends nonsense is its own affair.
            tracing::debug!(error = &*error as &dyn std::error::Error, "a connection ended early");
        }
        None
    }
}
