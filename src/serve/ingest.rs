//! `POST /webhook/…` and `POST /events/…`: reads the raw request within its limits, hands it to its source, appends what
//! the source makes of it, and answers after COMMIT.

mod bodies;
mod rejected;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use bodies::Room;
use rejected::Rejected;

use super::AppState;
use super::server::{Peer, Rest};
use crate::consumer::checkpoint;
use crate::db::Database;
use crate::domain::{Clock, Position};
use crate::log::append::QUEUE_ENTRIES_MAX;
use crate::log::{AppendError, Appender, Outcome, Receipt};
use crate::registry::{Door, Doors, Listing};
use crate::sources::network::{self, Network};
use crate::sources::own::{self, Own};
use crate::sources::{RawRequest, Received, Source};
use crate::telemetry::Metrics;

/// From the whole body to the answer: Slack allows 3 s, and some of it is the network's.
const ANSWER_WITHIN: Duration = Duration::from_millis(2400);

/// While fewer wait to be stored, those who were told to come back later need not wait.
const ROOMY_QUEUE: usize = QUEUE_ENTRIES_MAX / 4;
/// How many of them are read for each delivery that has been answered: more than one, as not each has something to say.
const WOKEN: usize = 2;

/// What receiving needs. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    doors: Arc<Doors>,
    appender: Appender,
    database: Database,
    clock: Clock,
    metrics: Metrics,
    room: Arc<Room>,
    trusted_proxies: Arc<[Network]>,
}

/// The reply that senders of five systems expect, in one.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "senders match on these fields")]
struct Reply {
    status: &'static str,
    success: bool,
    event_id: String,
    position: Position,
    duplicate: bool,
    processed: bool,
    /// Nothing forwards events yet, so none was.
    routed: bool,
    /// In milliseconds.
    processing_time: u128,
    /// When it was answered, in milliseconds since 1970.
    timestamp: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Ingest {
    /// Receives through these doors. At most `bodies_in_flight_bytes_max` bytes of bodies are held at once.
    #[must_use]
    pub fn new(doors: Doors, appender: Appender, database: Database, clock: Clock, metrics: Metrics, settings: &crate::config::Server) -> Self {
        Self {
            doors: Arc::new(doors),
            appender,
            database,
            clock,
            metrics,
            room: Arc::new(Room::new(settings)),
            trusted_proxies: settings.trusted_proxies.clone().into(),
        }
    }

    /// Deliveries that wait to be stored.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        self.appender.queue_depth()
    }

    /// Notes something that a caller decided as an envelope of hooklake's own, so that a rebuild finds it again.
    ///
    /// # Errors
    /// When the log does not take it.
    pub async fn note(&self, event_type: &str, payload: &Value) -> Result<Receipt, AppendError> {
        let envelope = own::note(event_type, payload, self.clock.now()).map_err(|_| AppendError::Stopping)?;
        self.appender.append(envelope).await
    }

    /// Whether the sender's address is one that settings allow.
    fn may_send(&self, door: &Door, request: &Parts) -> bool {
        if door.allow_ips.is_empty() {
            return true;
        }
        let forwarded: Vec<&str> = request.headers.get_all("x-forwarded-for").iter().flat_map(|value| value.to_str().unwrap_or("?").split(',')).collect();
        let sender = request.extensions.get::<Peer>().and_then(|peer| network::sender(peer.0, forwarded.into_iter(), &self.trusted_proxies));
        sender.is_some_and(|sender| door.allow_ips.iter().any(|network| network.contains(sender)))
    }

    /// True when there is room for those who were told that there is none.
    fn is_roomy(&self) -> bool {
        self.appender.queue_depth() < ROOMY_QUEUE && self.room.is_roomy()
    }

    /// Receives what a sender says; what is left of its body after a refusal stays in `body`.
    async fn receive(&self, door: &Door, headers: HeaderMap, body: &mut Body) -> Result<Response, Rejected> {
        let started = Instant::now();
        let arrived_at = self.clock.now();
        check_headers(&headers, door.body_bytes_max)?;
        // Before the body is read and its signature computed: what must come again anyway should cost nothing.
        if self.appender.is_full() {
            return Err(AppendError::Busy.into());
        }
        // Held until the answer, so that what waits to be stored counts as well.
        let (body, _memory) = self.room.read(body, door.body_bytes_max).await?;
        let bytes = body.len();
        let raw = RawRequest { headers, body, arrived_at };
        let received = door.source.receive(&raw, self.clock.now()).map_err(|refusal| Rejected::NotAuthentic(refusal.reason()))?;
        // The headers hold the connection's whole buffer, which is not needed while the envelope waits to be stored.
        drop(raw);
        let Received { envelope, echo, warnings } = received;
        let Some(envelope) = envelope else {
            return Ok(StatusCode::OK.into_response());
        };
        let stored = tokio::time::timeout(ANSWER_WITHIN, self.appender.append(envelope)).await;
        let receipt = stored.map_err(|_| Rejected::Unavailable("the delivery was not stored in time"))??;
        let took = started.elapsed();
        self.metrics.delivered(door.source.name(), outcome_word(receipt.outcome), bytes, took);
        if let Some(challenge) = echo {
            return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response());
        }
        Ok(Json(self.reply(&receipt, warnings, took).await).into_response())
    }

    /// Whether the table of events has this one; no when that is not known in what is left of the time for an answer.
    async fn is_processed(&self, position: Position, took: Duration) -> bool {
        let asked = tokio::time::timeout(ANSWER_WITHIN.saturating_sub(took), checkpoint::position(&self.database, "events"));
        matches!(asked.await, Ok(Ok(processed)) if processed >= position)
    }

    async fn reply(&self, receipt: &Receipt, warnings: Vec<String>, took: Duration) -> Reply {
        let is_new = receipt.outcome == Outcome::Accepted;
        Reply {
            status: outcome_word(receipt.outcome),
            success: true,
            event_id: receipt.id.to_string(),
            position: receipt.position,
            duplicate: !is_new,
            // A new event cannot have been processed yet; for one that came before, the projection's checkpoint tells. Boxed: every
            // delivery would have the room for the question while it waits.
            processed: !is_new && Box::pin(self.is_processed(receipt.position, took)).await,
            routed: false,
            processing_time: took.as_millis(),
            timestamp: self.clock.now().timestamp_millis(),
            warnings,
        }
    }
}

/// Refuses by the headers alone what the body could only make worse.
fn check_headers(headers: &HeaderMap, bytes_max: usize) -> Result<(), Rejected> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(Rejected::Encoded);
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if !codings.all(|coding| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")) {
        return Err(Rejected::Encoded);
    }
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|value| value.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > bytes_max as u64) {
        return Err(Rejected::TooLarge(bytes_max));
    }
    Ok(())
}

const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted => "accepted",
        Outcome::Duplicate => "duplicate",
        Outcome::Conflict => "conflict",
    }
}

async fn through(ingest: &Ingest, name: &str, door: Option<&Door>, request: Request) -> Response {
    let (mut parts, mut body) = request.into_parts();
    let rest = parts.extensions.remove::<Rest>();
    let waits_to_be_asked = parts.headers.contains_key(header::EXPECT);
    let outcome = match door {
        None => Err(Rejected::UnknownSource),
        Some(door) if !door.source.is_configured() => Err(Rejected::Unconfigured),
        Some(door) if !ingest.may_send(door, &parts) => Err(Rejected::Address),
        Some(door) => ingest.receive(door, parts.headers, &mut body).await,
    };
    match outcome {
        Ok(response) => {
            if let Some(rest) = rest
                && ingest.is_roomy()
            {
                rest.wake_others(WOKEN);
            }
            response
        }
        Err(rejected) => {
            // Only names of our own become labels; a stranger could make up any number of others.
            let source = door.map_or("unknown", |door| door.source.name());
            ingest.metrics.refused(source, rejected.reason());
            tracing::debug!(source = name.escape_default().to_string(), reason = rejected.reason(), "a delivery was refused: {}", rejected.reason());
            rejected.answer_to(waits_to_be_asked, body, rest.as_ref()).await
        }
    }
}

/// `POST /webhook/{source}`: a provider, a source of one's own, or a generated path.
pub async fn webhook(State(app): State<AppState>, Path(name): Path<String>, request: Request) -> Response {
    through(&app.ingest, &name, app.ingest.doors.by_path(&name), request).await
}

/// `POST /webhook/custom/{name}`: a source of one's own.
pub async fn custom_webhook(State(app): State<AppState>, Path(name): Path<String>, request: Request) -> Response {
    through(&app.ingest, &name, app.ingest.doors.custom(&name), request).await
}

/// `POST /webhook`: the provider is known by its headers.
pub async fn default_webhook(State(app): State<AppState>, request: Request) -> Response {
    let door = app.ingest.doors.by_headers(request.headers());
    through(&app.ingest, "webhook", door, request).await
}

/// An event of one's own; the caller's credential was checked.
async fn own_event(ingest: &Ingest, own: Own, request: Request) -> Response {
    through(ingest, own.name(), Some(ingest.doors.own(own)), request).await
}

/// `GET /webhooks`: every source and the paths to enter at the providers.
pub async fn list(State(app): State<AppState>) -> Json<Vec<Listing>> {
    Json(app.ingest.doors.listing())
}

/// `POST /events/deployment`.
pub async fn deployment(State(app): State<AppState>, request: Request) -> Response {
    own_event(&app.ingest, Own::Deployment, request).await
}

/// `POST /events/custom`.
pub async fn custom_event(State(app): State<AppState>, request: Request) -> Response {
    own_event(&app.ingest, Own::Custom, request).await
}
