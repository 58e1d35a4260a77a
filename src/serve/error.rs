//! Errors to status and problem body (RFC 9457), in one place.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::{db, lake, search};

/// How long a sender or reader should wait before it comes again, in seconds.
const RETRY_AFTER_SECONDS: u32 = 2;

/// Why a request was not answered. What the variants hold is shown to the caller, save the cause of
/// [`Internal`](Self::Internal) and [`Unavailable`](Self::Unavailable), which goes to the log only.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No credential, or not the right one.
    #[error("this needs the admin token: send it as `Authorization: Bearer hl_…`, or sign in at /login. `hooklake token` makes a new one")]
    Unauthorized,
    /// A browser sent its cookie from another site.
    #[error("a signed-in browser may only send this from hooklake's own pages; send the admin token as `Authorization: Bearer hl_…` instead")]
    ForeignOrigin,
    /// There is no such thing, or it is not the caller's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It was there, and retention dropped it.
    #[error("{0}")]
    Gone(String),
    /// It will be there, but is not yet.
    #[error("{0}")]
    NotYet(String),
    /// The path exists, but not for this method.
    #[error("this address takes another method; see the Allow header")]
    Method,
    /// A parameter or field cannot be used.
    #[error("{name}: {detail}")]
    Parameter {
        /// Which one.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The body is not what is read here.
    #[error("{0}")]
    Body(String),
    /// The body is of a type that is not read here.
    #[error("send the body as application/json")]
    MediaType,
    /// No representation that the caller accepts.
    #[error("the answer can be had as {0}")]
    NotAcceptable(&'static str),
    /// More than may come at once.
    #[error("{0}")]
    TooLarge(String),
    /// The statement would change something.
    #[error("{0}")]
    ReadOnly(String),
    /// The query cannot be understood, or is more than is taken on.
    #[error("{0}")]
    Query(String),
    /// The query took too long.
    #[error("{0}")]
    TimedOut(String),
    /// Too much is going on.
    #[error("{0}")]
    Busy(String),
    /// Something that the answer needs does not answer.
    #[error("the database does not answer; come again shortly")]
    Unavailable(#[source] db::Error),
    /// Something else.
    #[error("the server failed; its log has the cause under this request's id")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The body of every error: a problem as RFC 9457 describes it.
#[derive(Debug, serde::Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: String,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
}

impl ApiError {
    /// A parameter or field that cannot be used.
    pub fn parameter(name: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Parameter { name: name.into(), detail: detail.to_string() }
    }

    /// Something that should not happen.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::ForeignOrigin | Self::ReadOnly(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Gone(_) => StatusCode::GONE,
            Self::NotYet(_) => StatusCode::CONFLICT,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Parameter { .. } | Self::Body(_) | Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TimedOut(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Busy(_) | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word that programs go by: `code` here, `extensions.code` in GraphQL.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::ForeignOrigin => "foreign_origin",
            Self::NotFound(_) => "not_found",
            Self::Gone(_) => "gone",
            Self::NotYet(_) => "not_yet",
            Self::Method => "method_not_allowed",
            Self::Parameter { .. } => "invalid_parameter",
            Self::Body(_) => "invalid_body",
            Self::MediaType => "unsupported_media_type",
            Self::NotAcceptable(_) => "not_acceptable",
            Self::TooLarge(_) => "too_large",
            Self::ReadOnly(_) => "read_only",
            Self::Query(_) => "invalid_query",
            Self::TimedOut(_) => "timed_out",
            Self::Busy(_) => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// Writes the cause to the log, where the caller is told less than there is to know.
    pub fn log(&self) {
        match self {
            Self::Internal(cause) => tracing::error!(error = &**cause as &dyn std::error::Error, "a request failed"),
            Self::Unavailable(cause) => tracing::warn!(error = cause as &dyn std::error::Error, "a request found no database"),
            _ => {}
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let status = self.status();
        let parameter = match &self {
            Self::Parameter { name, .. } => Some(name.as_str()),
            _ => None,
        };
        let problem = Problem {
            r#type: format!("urn:hooklake:problem:{}", self.code()),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.to_string(),
            code: self.code(),
            parameter,
        };
        let mut response = (status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hooklake\""));
            }
            Self::Busy(_) | Self::Unavailable(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
            }
            _ => {}
        }
        response
    }
}

impl From<db::Error> for ApiError {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::TooLarge(max) => {
                Self::TooLarge(format!("these events are larger than {max} bytes together; ask for fewer at once, or without their payloads"))
            }
            error if is_away(&error) => Self::Unavailable(error),
            error => Self::internal(error),
        }
    }
}

impl From<tokio_postgres::Error> for ApiError {
    fn from(error: tokio_postgres::Error) -> Self {
        db::Error::from(error).into()
    }
}

/// True when the database could not be asked, or is not ready to answer; false when it refused what it was asked.
fn is_away(error: &db::Error) -> bool {
    match error {
        db::Error::Pool(_) | db::Error::TimedOut(_) => true,
        // No SQLSTATE means that the connection broke. Otherwise: connection trouble, lack of resources, and an
        // administrator's stop or a server that starts.
        db::Error::Statement(_) => error.sqlstate().is_none_or(|state| ["08", "53", "57P"].iter().any(|class| state.code().starts_with(class))),
        _ => false,
    }
}

impl From<search::Error> for ApiError {
    fn from(error: search::Error) -> Self {
        match error {
            search::Error::Query(_) => Self::Query(error.to_string()),
            search::Error::NotReady | search::Error::Restored => Self::Busy(error.to_string()),
            search::Error::Index(_) => Self::internal(error),
            search::Error::Database(error) => error.into(),
        }
    }
}

impl From<lake::Error> for ApiError {
    fn from(error: lake::Error) -> Self {
        match error {
            lake::Error::NotReadOnly(_) => Self::ReadOnly(error.to_string()),
            lake::Error::Syntax(_) | lake::Error::TooComplex(_) => Self::Query(error.to_string()),
            lake::Error::TimedOut => Self::TimedOut(error.to_string()),
            lake::Error::TooLarge(_) => Self::TooLarge(error.to_string()),
            lake::Error::Busy | lake::Error::Restored | lake::Error::Expired | lake::Error::Damaged(_) | lake::Error::Away(..) => Self::Busy(error.to_string()),
            lake::Error::Location(_) | lake::Error::Store(_) | lake::Error::Reading(_) => Self::internal(error),
            lake::Error::Database(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_knows_stays_in_the_log() {
        let error = ApiError::internal(std::io::Error::other("secret path"));
        assert!(!error.to_string().contains("secret"));
        assert_eq!(error.into_response().status(), 500);
    }

    #[test]
    fn a_busy_server_says_when_to_come_again() {
        let response = ApiError::from(lake::Error::Busy).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}
