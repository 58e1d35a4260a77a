//! How to connect to PostgreSQL as the readers' role, for whoever holds the admin token.

use axum::Json;
use axum::extract::State;
use axum::http::Method;

use super::auth::Caller;
use super::error::ApiError;
use super::router::AppState;
use crate::reader::Connection;
use crate::reader::credentials::{GIVEN, Wish};

/// Who made a password, in the log.
const BY: &str = "the admin token";

/// `GET /codegen/connection-info`: with the password if there was none before; it is never shown again.
pub(super) async fn connection_info(State(app): State<AppState>, _: Caller, method: Method) -> Result<Json<Connection>, ApiError> {
    // An answer without a body would lose what is shown once.
    if method != Method::GET {
        return Err(ApiError::Method);
    }
    Ok(Json(app.readers.tell(Wish::First, BY).await?))
}

/// `POST /codegen/rotate`: another password, at once; 400 when the settings give it.
pub(super) async fn rotate(State(app): State<AppState>, _: Caller) -> Result<Json<Connection>, ApiError> {
    if app.readers.is_given() {
        return Err(ApiError::Body(GIVEN.to_owned()));
    }
    Ok(Json(app.readers.tell(Wish::Another, BY).await?))
}
