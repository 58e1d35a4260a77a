//! What a credential is checked against, and how one is written. Pure: no database, no clock.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const COOKIE: &str = "hooklake_session";
const PREFIX: &str = "hl_";

/// The admin token itself: exists only where it was just made.
pub struct AdminToken(String);

impl AdminToken {
    /// A new token: 256 random bits, so that guessing needs no counter-measure.
    pub(super) fn generate() -> Result<Self, getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random))))
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// The token, to be shown to a person once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken(hl_…)")
    }
}

/// What a credential is checked against.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    token_hash: [u8; 32],
    /// Of the derivation key and the token's hash: a rotation ends the sessions.
    session_key: [u8; 64],
}

impl Keys {
    /// None when what the database holds has another length.
    pub fn new(token_hash: &[u8], derivation_key: &[u8]) -> Option<Self> {
        let session_key = [derivation_key, token_hash].concat().try_into().ok()?;
        Some(Self { token_hash: token_hash.try_into().ok()?, session_key })
    }

    /// In constant time: how much of a hash is right must not be told by how long the answer takes.
    pub fn token_is(&self, token: &str) -> bool {
        Sha256::digest(token).ct_eq(&self.token_hash).into()
    }

    /// A session that ends at this second.
    pub fn session(&self, expiry: i64) -> String {
        format!("{expiry}.{}", hex::encode(self.mac(expiry)))
    }

    pub fn session_is(&self, value: &str, now: i64) -> bool {
        let Some((expiry, mac)) = value.split_once('.') else { return false };
        let (Ok(expiry), Ok(mac)) = (expiry.parse::<i64>(), hex::decode(mac)) else { return false };
        bool::from(mac.ct_eq(&self.mac(expiry))) && now < expiry
    }

    fn mac(&self, expiry: i64) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new(&self.session_key.into());
        mac.update(&expiry.to_be_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// The token of an `Authorization` header.
pub(super) fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The session that a browser sent.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// A `Set-Cookie` value; a time of 0 ends the session.
pub(super) fn set_cookie(value: &str, seconds: u64, is_https: bool) -> String {
    let secure = if is_https { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// True unless the browser says that another origin's page sent this. `SameSite` alone does not tell one port of a
/// host from another.
pub(super) fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value: &http::HeaderValue| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    origin.split_once("://").is_some_and(|(_, host)| Some(host) == text("host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(token: &str) -> Keys {
        Keys::new(&Sha256::digest(token), &[7; 32]).expect("two hashes")
    }

    #[test]
    fn only_the_whole_token_opens() {
        let token = AdminToken::generate().expect("random numbers");
        assert_eq!(token.reveal().len(), 3 + 43);
        let keys = Keys::new(&token.hash(), &[7; 32]).expect("two hashes");
        assert!(keys.token_is(token.reveal()));
        for wrong in ["", "hl_", &token.reveal()[..20], &token.reveal().to_uppercase()] {
            assert!(!keys.token_is(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_session_ends_with_its_time_or_its_token() {
        let session = keys("one").session(1000);
        assert!(keys("one").session_is(&session, 999));
        assert!(!keys("one").session_is(&session, 1000));
        assert!(!keys("two").session_is(&session, 999));
        assert!(!keys("one").session_is(&session.replace("1000", "9000"), 999));
        for forged in ["", ".", "9000.", "9000.zz", "x.00"] {
            assert!(!keys("one").session_is(forged, 0), "{forged}");
        }
    }

    #[test]
    fn headers_are_read_as_browsers_send_them() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect::<HeaderMap>()
        };
        assert_eq!(cookie(&headers(&[("cookie", "a=1; hooklake_session=x.y; b=2")])), Some("x.y"));
        assert_eq!(cookie(&headers(&[("cookie", "other_hooklake_session=x")])), None);
        assert_eq!(bearer(b"bearer hl_x"), Some("hl_x"));
        assert_eq!(bearer(b"Basic hl_x"), None);
        assert!(is_own_page(&headers(&[("origin", "http://a:1"), ("host", "a:1")])));
        assert!(!is_own_page(&headers(&[("origin", "http://a:2"), ("host", "a:1")])));
        assert!(!is_own_page(&headers(&[("sec-fetch-site", "same-site"), ("origin", "http://a:1"), ("host", "a:1")])));
    }
}
