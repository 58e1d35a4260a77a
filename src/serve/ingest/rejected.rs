//! What a sender is told whose delivery was not taken: a problem (RFC 9457) with the two fields that senders match on.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::log::AppendError;

/// When a sender should come back.
const RETRY_AFTER_S: &str = "2";

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
    Unavailable(&'static str),
}

impl From<AppendError> for Rejected {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Busy => Self::Unavailable("too many deliveries wait to be stored"),
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
            Self::Unavailable(_) => "unavailable",
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
            Self::Unavailable(why) => (StatusCode::SERVICE_UNAVAILABLE, "Failed to process event", format!("{why}; send it again with the same delivery id")),
        }
    }
}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        let (status, error, detail) = self.answer();
        let body = json!({"type": "about:blank", "title": error, "status": status.as_u16(), "detail": detail, "success": false, "error": error});
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static(RETRY_AFTER_S));
        }
        if matches!(self, Self::TooLarge(_) | Self::TooSlow | Self::Encoded) {
            // The rest of the body is still on its way and is not read.
            headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
        response
    }
}
