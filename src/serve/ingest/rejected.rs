//! What a sender is told whose delivery was not taken: a problem (RFC 9457) with the two fields that senders match on. What
//! is left of its request is thrown away, so that the answer arrives and the connection can be used again.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde_json::json;

use crate::log::AppendError;
use crate::serve::server::Rest;

/// When a sender should come back, in seconds.
const RETRY_AFTER_S: u64 = 2;
/// The most of an unwanted body that is read and thrown away to keep the connection, in bytes: what may be on its way by the
/// time of the answer.
const DRAINED_MAX: usize = 4 << 20;
/// How long the answer waits for it.
const DRAINED_WITHIN: Duration = Duration::from_millis(50);

/// Why a delivery was not taken.
pub(super) enum Rejected {
    UnknownSource,
    Unconfigured,
    Address,
    NotAuthentic(&'static str),
    Encoded,
    TooLarge(usize),
    TooSlow,
    Broken,
    /// Too much comes at once.
    Busy(&'static str),
    Unavailable(&'static str),
}

impl From<AppendError> for Rejected {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Busy => Self::Busy("too many deliveries wait to be stored"),
            AppendError::Database(_) => Self::Unavailable("the delivery could not be stored"),
            AppendError::Stopping => Self::Unavailable("the server is stopping"),
        }
    }
}

impl Rejected {
    /// The word that metrics use.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown_source",
            Self::Unconfigured => "no_secret",
            Self::Address => "address",
            Self::NotAuthentic(reason) => reason,
            Self::Encoded => "content_encoding",
            Self::TooLarge(_) => "too_large",
            Self::TooSlow => "too_slow",
            Self::Broken => "broken",
            Self::Busy(_) | Self::Unavailable(_) => "unavailable",
        }
    }

    /// Status, the short name that senders match on, and what to do.
    fn answer(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::UnknownSource => (StatusCode::NOT_FOUND, "Unknown source", "there is no such webhook".to_owned()),
            Self::Unconfigured => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Source not configured",
                "this source has no secret, so nothing can be verified; set one (see `hooklake config show`)".to_owned(),
            ),
            Self::Address => {
                (StatusCode::FORBIDDEN, "Address not allowed", "this source takes deliveries from certain addresses only (`allow_ips`)".to_owned())
            }
            Self::NotAuthentic(_) => (StatusCode::UNAUTHORIZED, "Invalid webhook signature", "the signature is missing, wrong or too old".to_owned()),
            Self::Encoded => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Encoding not supported", "send the body as it is, without Content-Encoding".to_owned())
            }
            Self::TooLarge(bytes_max) => (StatusCode::PAYLOAD_TOO_LARGE, "Body too large", format!("a body may have at most {bytes_max} bytes")),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "Body too slow", "the body did not arrive in time".to_owned()),
            Self::Broken => (StatusCode::BAD_REQUEST, "Body incomplete", "the connection ended before the body did, or its framing is wrong".to_owned()),
            Self::Busy(why) | Self::Unavailable(why) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Failed to process event", format!("{why}; send it again with the same delivery id"))
            }
        }
    }

    /// Answers a request of whose body so much is left; a sender that waits to be asked for it is not asked.
    pub(super) async fn answer_to(self, waits_to_be_asked: bool, mut left: Body, rest: Option<&Rest>) -> Response {
        let may_read = !waits_to_be_asked && !matches!(self, Self::TooLarge(_) | Self::TooSlow | Self::Encoded | Self::Broken);
        let is_whole = left.is_end_stream() || (may_read && drain(&mut left).await);
        let is_busy = matches!(self, Self::Busy(_));
        let mut response = self.into_response();
        let ends = !is_whole || (is_busy && rest.is_some_and(Rest::is_crowded));
        if ends {
            response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
        if let Some(rest) = rest {
            if !is_whole {
                rest.leave_unread();
            }
            rest.answered();
            if is_busy {
                let seconds = if ends { rest.after_end() } else { rest.before_next() };
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
        }
        response
    }
}

/// Reads a small body to its end and throws it away; false when it is not small, or does not come.
async fn drain(body: &mut Body) -> bool {
    if body.size_hint().lower() > DRAINED_MAX as u64 {
        return false;
    }
    let reading = async {
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            bytes += frame.data_ref().map_or(0, bytes::Bytes::len);
            if bytes > DRAINED_MAX {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(DRAINED_WITHIN, reading).await.unwrap_or(false)
}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        let (status, error, detail) = self.answer();
        let body = json!({"type": "about:blank", "title": error, "status": status.as_u16(), "detail": detail, "success": false, "error": error});
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
        }
        response
    }
}
