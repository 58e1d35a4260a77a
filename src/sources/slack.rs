//! Slack: Events API, slash commands and interactivity.
//!
//! Rules (docs.slack.dev: verifying requests from Slack; the Events API; `url_verification`): `X-Slack-Signature` is
//! `v0=` and the HMAC-SHA256 of `v0:` ‖ `X-Slack-Request-Timestamp` ‖ `:` ‖ raw body, in hexadecimal; the timestamp may
//! be 300 s off, to either side. A signed `url_verification` is answered with its challenge. A form with `ssl_check=1`
//! is an unsigned probe: answered, never stored. Retries keep `event_id`; commands and interactions have none.

use super::secret::digest_from_hex;
use super::{Found, RawRequest, Received, Refusal, Secrets, Source};
use crate::domain::Payload;
use crate::domain::clock::Timestamp;
use crate::domain::envelope::Verdict;

/// How far the signed timestamp may be from now, in seconds, inclusive.
const WINDOW_S: u64 = 300;
/// The longest challenge that is echoed.
const CHALLENGE_BYTES_MAX: usize = 1024;

/// Slack.
#[derive(Debug)]
pub struct Slack {
    secrets: Secrets,
}

impl Slack {
    /// Verifies with these signing secrets.
    #[must_use]
    pub const fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }

    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<String, Refusal> {
        let given = request.header("x-slack-signature").and_then(|value| value.strip_prefix("v0=")).and_then(digest_from_hex);
        let time = request.header("x-slack-request-timestamp").unwrap_or_default();
        let signer = self.secrets.signer_of(&[b"v0:", time.as_bytes(), b":", &request.body], given.as_slice());
        let (secret, _) = signer.ok_or(if given.is_some() { Refusal::WrongSignature } else { Refusal::Unsigned })?;
        // Digits only: `parse` would also take a sign.
        let seconds = Some(time).filter(|time| time.bytes().all(|byte| byte.is_ascii_digit())).and_then(|time| time.parse::<i64>().ok());
        match seconds {
            Some(seconds) if seconds.abs_diff(now.timestamp()) <= WINDOW_S => Ok(secret.id()),
            _ => Err(Refusal::Stale),
        }
    }
}

impl Source for Slack {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn is_configured(&self) -> bool {
        !self.secrets.is_empty()
    }

    fn knows(&self, secret_id: &str) -> bool {
        self.secrets.iter().any(|secret| secret.id() == secret_id)
    }

    fn receive(&self, request: &RawRequest, now: Timestamp) -> Result<Received, Refusal> {
        let secret_id = match self.verify(request, now) {
            Ok(secret_id) => secret_id,
            Err(_) if is_ssl_check(request) => return Ok(Received { envelope: None, echo: None, warnings: Vec::new() }),
            Err(refusal) => return Err(refusal),
        };
        let payload = Payload::read(&request.body, request.header("content-type"));
        let found = Found {
            source: self.name(),
            delivery_key: payload.text("/event_id").map(str::to_owned),
            event_type: event_type(&payload).to_owned(),
            verdict: Verdict::Signed,
            secret_id: Some(secret_id),
            // The signed timestamp differs with every attempt, so the signature tells nothing about the body.
            signature: None,
            flags: Vec::new(),
            kept_headers: Vec::new(),
        };
        let mut received = found.into_received(request);
        if payload.text("/type") == Some("url_verification") {
            received.echo = payload.text("/challenge").filter(|challenge| challenge.len() <= CHALLENGE_BYTES_MAX).map(str::to_owned);
        }
        Ok(received)
    }
}

/// The inner type of an event; `slash_command`, or the type of the interaction, for the others.
fn event_type(payload: &Payload) -> &str {
    match payload.text("/type") {
        Some("event_callback") => payload.text("/event/type").unwrap_or("event_callback"),
        Some(other) => other,
        None if payload.text("/command").is_some() => "slash_command",
        None => "unknown",
    }
}

/// True for the unsigned probe, and only for a form without any signature.
fn is_ssl_check(request: &RawRequest) -> bool {
    let is_form = request.header("content-type").is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    is_form
        && !request.headers.contains_key("x-slack-signature")
        && url::form_urlencoded::parse(&request.body).any(|(name, value)| name == "ssl_check" && value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::envelope::Flag;
    use crate::sources::secret::hmac_sha256;
    use crate::sources::testing::{request, secrets};

    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const DOCUMENT_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const FORM: &str = "application/x-www-form-urlencoded";

    fn receive(time: &str, signature: &str, content_type: &str, body: &str, now: i64) -> Result<Received, Refusal> {
        let headers = [("x-slack-request-timestamp", time), ("x-slack-signature", signature), ("content-type", content_type)];
        let now = Timestamp::from_timestamp(now, 0).expect("a time");
        Slack::new(secrets(&[SECRET])).receive(&request(&headers, body.as_bytes()), now)
    }

    fn sign(time: &str, body: &str) -> String {
        format!("v0={}", hex::encode(hmac_sha256(SECRET.as_bytes(), &[b"v0:", time.as_bytes(), b":", body.as_bytes()])))
    }

    #[test]
    fn the_documents_command_is_accepted() {
        let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        let envelope = receive("1531420618", signature, FORM, DOCUMENT_BODY, 1_531_420_618).expect("signed").envelope.expect("stored");
        assert_eq!(envelope.event_type, "slash_command");
        assert_eq!(envelope.flags, [Flag::KeyDerived]);
    }

    #[test]
    fn the_window_is_two_sided() {
        let body = "{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"event\":{\"type\":\"message\"}}";
        for (now, accepted) in [(1000, true), (1300, true), (700, true), (1301, false), (699, false)] {
            let outcome = receive("1000", &sign("1000", body), "application/json", body, now);
            assert_eq!(outcome.is_ok(), accepted, "{now}");
        }
        for time in ["", "+1000", "-1000", "1e3", "1000.0", "99999999999999999999"] {
            assert_eq!(receive(time, &sign(time, body), "application/json", body, 1000).expect_err(time), Refusal::Stale);
        }
        let envelope = receive("1000", &sign("1000", body), "application/json", body, 1000).expect("signed").envelope.expect("stored");
        assert_eq!((envelope.delivery_key.as_str(), envelope.event_type.as_str()), ("Ev1", "message"));
    }

    #[test]
    fn a_signed_challenge_is_echoed() {
        let body = "{\"type\":\"url_verification\",\"token\":\"t\",\"challenge\":\"3eZbrw1a\"}";
        let received = receive("5", &sign("5", body), "application/json", body, 5).expect("signed");
        assert_eq!(received.echo.as_deref(), Some("3eZbrw1a"));
        assert!(receive("5", "v0=00", "application/json", body, 5).is_err());
        let long = format!("{{\"type\":\"url_verification\",\"challenge\":\"{}\"}}", "x".repeat(1025));
        assert_eq!(receive("5", &sign("5", &long), "application/json", &long, 5).expect("signed").echo, None);
    }

    #[test]
    fn a_probe_is_answered_and_nothing_else_goes_with_it() {
        let slack = Slack::new(secrets(&[SECRET]));
        let probe = |body: &str, content_type| slack.receive(&request(&[("content-type", content_type)], body.as_bytes()), Timestamp::UNIX_EPOCH);
        let received = probe("ssl_check=1&token=x", FORM).expect("a probe");
        assert!(received.envelope.is_none());
        for (body, content_type) in
            [("ssl_check=0", FORM), ("ssl_check=true", FORM), ("ssl_check=11", FORM), ("command=%2Fx", FORM), ("{\"ssl_check\":1}", "application/json")]
        {
            assert_eq!(probe(body, content_type).expect_err(body), Refusal::Unsigned);
        }
    }

    #[test]
    fn interactions_are_named_by_their_type() {
        let body = "payload=%7B%22type%22%3A%22block_actions%22%2C%22trigger_id%22%3A%221.2%22%7D";
        let envelope = receive("5", &sign("5", body), FORM, body, 5).expect("signed").envelope.expect("stored");
        assert_eq!(envelope.event_type, "block_actions");
    }
}
