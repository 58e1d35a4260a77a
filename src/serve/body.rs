//! A JSON body, read with its bounds; what is wrong with it is said by field.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// The most bytes of a question (RELIABILITY S4).
pub const BYTES_MAX: usize = 64 << 10;

/// A body of type `application/json`.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // A form or plain text is what another site's page can send without asking first (RELIABILITY S26).
        if !content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return Err(ApiError::MediaType);
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status().as_u16() {
            413 => ApiError::TooLarge(format!("a body here has at most {BYTES_MAX} bytes")),
            _ => ApiError::Body("the body did not come whole".to_owned()),
        })?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| match error.path().to_string().as_str() {
            "." => ApiError::Body(format!("the body cannot be read: {}", error.inner())),
            path => ApiError::parameter(path, error.inner()),
        })?;
        reader.end().map_err(|error| ApiError::Body(format!("the body cannot be read: {error}")))?;
        Ok(Self(value))
    }
}
