//! Proof of who asks: the admin token, or the session of a browser that showed it once.
//!
//! One token per installation. It is made at the first start, shown once, and kept as a hash only. A session is a
//! signed expiry, keyed with the token's hash, so that rotating the token ends every session and nothing need be
//! stored. Tokens in the address are never read: addresses end up in logs and histories (RELIABILITY B73).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::ApiError;
use super::router::Door;
use crate::db::{self, Database};
use crate::domain::{Clock, Tenant};

mod keys;

pub use keys::AdminToken;
use keys::Keys;

const TOKEN_KEYS: &str = include_str!("auth/token_keys.sql");
const TOKEN_CLAIM: &str = include_str!("auth/token_claim.sql");
const TOKEN_ROTATE: &str = include_str!("auth/token_rotate.sql");

/// How long a token that was rotated away may still be taken.
pub const KEYS_TTL: Duration = Duration::from_secs(5);
/// How long a browser stays signed in.
pub const SESSION_TTL: Duration = Duration::from_hours(12);
/// How long the database may take to say what the token's hash is.
const KEYS_TIME_MAX: Duration = Duration::from_secs(2);
/// How long a database that did not answer is left alone.
const KEYS_REST: Duration = Duration::from_secs(1);

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whose data they see.
    pub tenant: Tenant,
}

impl Caller {
    /// The holder of the admin token: one token, one tenant.
    fn admin() -> Self {
        Self { tenant: Tenant::default_tenant() }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    /// The caller that [`require`] has let in; without it there is none, so a route that forgot to ask stays shut.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::Unauthorized)
    }
}

#[derive(Default)]
struct Known {
    keys: Option<Keys>,
    read: Option<Instant>,
    failed: Option<Instant>,
}

/// Checks credentials and makes them. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    database: Database,
    clock: Clock,
    known: Arc<Mutex<Known>>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    /// Access to this installation.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock, known: Arc::default() }
    }

    /// Makes the admin token if there is none yet; whoever gets it back must show it, for it is kept nowhere.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ensure_token(&self) -> Result<Option<AdminToken>, ApiError> {
        self.store(TOKEN_CLAIM).await
    }

    /// Makes another admin token; the one before and all sessions end within [`KEYS_TTL`] on every instance.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rotate(&self) -> Result<AdminToken, ApiError> {
        self.store(TOKEN_ROTATE).await?.ok_or_else(|| ApiError::internal("this installation has no row of its own"))
    }

    async fn store(&self, statement: &str) -> Result<Option<AdminToken>, ApiError> {
        let token = AdminToken::generate().map_err(|error| ApiError::internal(error.to_string()))?;
        let stored = self.database.get().await?.execute(statement, &[&token.hash().as_slice()]).await?;
        *self.known.lock().await = Known::default();
        Ok((stored == 1).then_some(token))
    }

    /// Who holds this token; none when nobody does.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn caller(&self, token: &str) -> Result<Option<Caller>, ApiError> {
        Ok(self.keys().await?.is_some_and(|keys| keys.token_is(token)).then(Caller::admin))
    }

    /// A session for whoever has shown the token: the value of a `Set-Cookie` header.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session(&self, is_https: bool) -> Result<String, ApiError> {
        let keys = self.keys().await?.ok_or(ApiError::Unauthorized)?;
        let value = keys.session(self.clock.now().timestamp().saturating_add_unsigned(SESSION_TTL.as_secs()));
        Ok(keys::set_cookie(&value, SESSION_TTL.as_secs(), is_https))
    }

    /// What ends the session of a browser: the value of a `Set-Cookie` header.
    #[must_use]
    pub fn no_session() -> String {
        keys::set_cookie("", 0, false)
    }

    /// Who asks, by the request's headers.
    async fn identify(&self, method: &Method, headers: &HeaderMap, door: Door) -> Result<Caller, ApiError> {
        let keys = match (self.keys().await, door) {
            (Ok(keys), _) => keys,
            // The state of a server whose database is away can be asked with the credential that was good before.
            (Err(error), Door::Status) => Some(self.known.lock().await.keys.ok_or(error)?),
            (Err(error), _) => return Err(error),
        };
        let keys = keys.ok_or(ApiError::Unauthorized)?;
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return keys::bearer(value.as_bytes()).filter(|token| keys.token_is(token)).map(|_| Caller::admin()).ok_or(ApiError::Unauthorized);
        }
        let session = keys::cookie(headers).filter(|value| keys.session_is(value, self.clock.now().timestamp()));
        if session.is_none() {
            return Err(ApiError::Unauthorized);
        }
        if !method.is_safe() && !keys::is_own_page(headers) {
            return Err(ApiError::ForeignOrigin);
        }
        Ok(Caller::admin())
    }

    /// What the database holds, asked at most every [`KEYS_TTL`]; one that does not answer is left alone for a while.
    async fn keys(&self) -> Result<Option<Keys>, ApiError> {
        let mut known = self.known.lock().await;
        let is_within = |moment: Option<Instant>, ttl| moment.is_some_and(|moment| moment.elapsed() < ttl);
        if is_within(known.read, KEYS_TTL) {
            return Ok(known.keys);
        }
        if is_within(known.failed, KEYS_REST) {
            return Err(db::Error::TimedOut(KEYS_TIME_MAX).into());
        }
        match tokio::time::timeout(KEYS_TIME_MAX, self.read_keys()).await.unwrap_or(Err(db::Error::TimedOut(KEYS_TIME_MAX))) {
            Ok(keys) => {
                *known = Known { keys, read: Some(Instant::now()), failed: None };
                Ok(keys)
            }
            Err(error) => {
                known.failed = Some(Instant::now());
                Err(error.into())
            }
        }
    }

    async fn read_keys(&self) -> Result<Option<Keys>, db::Error> {
        let connection = self.database.reserved().await?;
        let statement = connection.prepare_cached(TOKEN_KEYS).await?;
        let row = connection.query_opt(&statement, &[]).await?;
        Ok(row.and_then(|row| Keys::new(row.get(0), row.get(1))))
    }
}

/// Lets a request through that shows who asks. A browser that asks for a page is sent to sign in instead.
pub async fn require(State((access, door)): State<(Access, Door)>, mut request: Request, next: Next) -> Response {
    match access.identify(request.method(), request.headers(), door).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(ApiError::Unauthorized) if wants_page(&request) => Redirect::to("/login").into_response(),
        Err(error) => error.into_response(),
    }
}

fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    request.method() == Method::GET && accept.contains("text/html")
}
