//! Linear webhooks.
//!
//! Rules (linear.app/developers/webhooks; the verifier of `@linear/sdk`): `Linear-Signature` is the HMAC-SHA256 of the
//! raw body in lower-case hexadecimal, without a prefix. The body's numeric `webhookTimestamp` (Unix milliseconds) must
//! be within 60 s of now; the unsigned header `Linear-Timestamp` is ignored. Linear retries for hours and wants exactly
//! 200, so an authentic delivery outside the window is stored and flagged `late`, never dropped.

use super::secret::digest_from_hex;
use super::{Found, RawRequest, Received, Refusal, Secrets, Source};
use crate::domain::Json;
use crate::domain::Payload;
use crate::domain::clock::Timestamp;
use crate::domain::envelope::{Flag, Verdict};

/// How far `webhookTimestamp` may be from now, in milliseconds, inclusive.
const WINDOW_MS: f64 = 60_000.0;

/// Linear.
#[derive(Debug)]
pub struct Linear {
    secrets: Secrets,
}

impl Linear {
    /// Verifies with these secrets.
    #[must_use]
    pub const fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }
}

impl Source for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn is_configured(&self) -> bool {
        !self.secrets.is_empty()
    }

    fn knows(&self, secret_id: &str) -> bool {
        self.secrets.iter().any(|secret| secret.id() == secret_id)
    }

    fn receive(&self, request: &RawRequest, now: Timestamp) -> Result<Received, Refusal> {
        let given = request.header("linear-signature").filter(|digits| !digits.bytes().any(|byte| byte.is_ascii_uppercase())).and_then(digest_from_hex);
        let signer = self.secrets.signer_of(&[&request.body], given.as_slice());
        let (secret, signature) = signer.ok_or(if given.is_some() { Refusal::WrongSignature } else { Refusal::Unsigned })?;
        let payload = Payload::read(&request.body, request.header("content-type"));
        let sent = payload.value().get("webhookTimestamp").and_then(Json::as_f64);
        let is_late = sent.is_some_and(|sent| (sent - now.timestamp_millis() as f64).abs() > WINDOW_MS);
        let found = Found {
            source: self.name(),
            delivery_key: request.header("linear-delivery").map(str::to_owned),
            // The type in the body is signed, that of the header is not.
            event_type: payload.text("/type").or_else(|| request.header("linear-event")).unwrap_or_default().to_owned(),
            verdict: Verdict::Signed,
            secret_id: Some(secret.id()),
            signature: Some(signature),
            flags: if is_late { vec![Flag::Late] } else { Vec::new() },
            kept_headers: Vec::new(),
        };
        Ok(found.into_received(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::secret::hmac_sha256;
    use crate::sources::testing::{request, secrets};

    const NOW_MS: i64 = 1_700_000_000_000;

    fn receive(body: &str, signature: &str) -> Result<Received, Refusal> {
        let now = Timestamp::from_timestamp_millis(NOW_MS).expect("a time");
        let headers = [("linear-signature", signature), ("linear-delivery", "d1"), ("linear-event", "Header"), ("linear-timestamp", "1")];
        Linear::new(secrets(&["lin_secret"])).receive(&request(&headers, body.as_bytes()), now)
    }

    fn sign(body: &str) -> String {
        hex::encode(hmac_sha256(b"lin_secret", &[body.as_bytes()]))
    }

    #[test]
    fn the_window_is_inclusive_and_two_sided() {
        for (offset, is_late) in [(0, false), (60_000, false), (-60_000, false), (60_001, true), (-60_001, true), (-21_600_000, true)] {
            let body = format!("{{\"type\":\"Issue\",\"action\":\"create\",\"webhookTimestamp\":{}}}", NOW_MS + offset);
            let envelope = receive(&body, &sign(&body)).expect("signed").envelope.expect("stored");
            assert_eq!(envelope.flags.contains(&Flag::Late), is_late, "{offset}");
            assert_eq!((envelope.event_type.as_str(), envelope.delivery_key.as_str()), ("Issue", "d1"));
        }
    }

    #[test]
    fn other_forms_of_the_signature_are_refused() {
        let body = "{\"type\":\"Issue\"}";
        let right = sign(body);
        for signature in ["", &right.to_uppercase(), &format!("sha256={right}"), &right[..62]] {
            assert_eq!(receive(body, signature).expect_err(signature), Refusal::Unsigned);
        }
        assert_eq!(receive("{\"type\":\"Issue\" }", &right).expect_err("altered"), Refusal::WrongSignature);
        assert!(receive("not json", &sign("not json")).is_ok());
    }
}
