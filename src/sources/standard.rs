//! Standard Webhooks (standardwebhooks.com, the scheme that Svix and many providers use).
//!
//! Signed is `webhook-id` ‖ `.` ‖ `webhook-timestamp` ‖ `.` ‖ raw body, with HMAC-SHA256. `webhook-signature` is a list
//! separated by spaces, each `v1,` and base64. A secret is `whsec_` and the base64 of 24 to 64 bytes. The timestamp may
//! be 300 s off, to either side. The id must hold no `.`, or the signed text could be read in two ways.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::secret::Secret;
use super::{Found, RawRequest, Received, Refusal, Secrets, Source};
use crate::domain::Payload;
use crate::domain::clock::Timestamp;
use crate::domain::envelope::Verdict;

const WINDOW_S: u64 = 300;
/// More signatures than any rotation needs; each costs a comparison.
const SIGNATURES_MAX: usize = 10;

/// A source of one's own that signs by Standard Webhooks.
#[derive(Debug)]
pub struct Standard {
    name: String,
    keys: Vec<(String, Secrets)>,
}

/// A secret that is not of the scheme's form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a Standard Webhooks secret is `whsec_` and the base64 of 24 to 64 bytes")]
pub struct InvalidSecret;

impl Standard {
    /// A source of this name with these secrets.
    ///
    /// # Errors
    /// When a secret is not of the scheme's form.
    pub fn new(name: String, secrets: &Secrets) -> Result<Self, InvalidSecret> {
        let keys = secrets.iter().map(|secret| Ok((secret.id(), decode(secret)?))).collect::<Result<_, _>>()?;
        Ok(Self { name, keys })
    }
}

/// The key that a secret's text stands for. Kept as `Secrets`, which compares in constant time and shows nothing.
fn decode(secret: &Secret) -> Result<Secrets, InvalidSecret> {
    let encoded = secret.text().strip_prefix("whsec_").ok_or(InvalidSecret)?;
    let key = STANDARD.decode(encoded).map_err(|_| InvalidSecret)?;
    if (24..=64).contains(&key.len()) { Ok(Secrets::new(vec![Secret::from_bytes(key)])) } else { Err(InvalidSecret) }
}

impl Source for Standard {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_configured(&self) -> bool {
        !self.keys.is_empty()
    }

    fn knows(&self, secret_id: &str) -> bool {
        self.keys.iter().any(|(known, _)| known == secret_id)
    }

    fn receive(&self, request: &RawRequest, now: Timestamp) -> Result<Received, Refusal> {
        let id = request.header("webhook-id").unwrap_or_default();
        let time = request.header("webhook-timestamp").unwrap_or_default();
        let listed = request.header("webhook-signature").unwrap_or_default();
        if listed.split(' ').count() > SIGNATURES_MAX {
            return Err(Refusal::Unsigned);
        }
        let given: Vec<[u8; 32]> = listed.split(' ').filter_map(|item| STANDARD.decode(item.strip_prefix("v1,")?).ok()?.try_into().ok()).collect();
        let parts: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", &request.body];
        let signer = self.keys.iter().filter(|(_, key)| key.signer_of(&parts, &given).is_some()).map(|(secret_id, _)| secret_id.clone()).next_back();
        let secret_id = signer.ok_or(if given.is_empty() { Refusal::Unsigned } else { Refusal::WrongSignature })?;
        if id.is_empty() || id.contains('.') {
            return Err(Refusal::MalformedId);
        }
        match time.parse::<i64>() {
            Ok(seconds) if seconds.abs_diff(now.timestamp()) <= WINDOW_S => {}
            _ => return Err(Refusal::Stale),
        }
        let payload = Payload::read(&request.body, request.header("content-type"));
        let found = Found {
            source: &self.name,
            delivery_key: Some(id.to_owned()),
            event_type: named_type(&payload).to_owned(),
            verdict: Verdict::Signed,
            secret_id: Some(secret_id),
            signature: None,
            flags: Vec::new(),
            kept_headers: Vec::new(),
        };
        Ok(found.into_received(request))
    }
}

/// The type that a payload of no known provider names; `custom` when it names none.
pub(super) fn named_type(payload: &Payload) -> &str {
    ["/event_type", "/eventType", "/type", "/event"].into_iter().find_map(|pointer| payload.text(pointer)).unwrap_or("custom")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::testing::{request, secrets};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: i64 = 1_614_265_330;
    const BODY: &str = "{\"test\": 2432232314}";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn receive(id: &str, signature: &str, now: i64) -> Result<Received, Refusal> {
        let source = Standard::new("billing".to_owned(), &secrets(&[SECRET])).expect("a valid secret");
        let headers = [("webhook-id", id), ("webhook-timestamp", "1614265330"), ("webhook-signature", signature)];
        source.receive(&request(&headers, BODY.as_bytes()), Timestamp::from_timestamp(now, 0).expect("a time"))
    }

    #[test]
    fn the_known_vector_is_accepted_alone_and_among_others() {
        for signature in [SIGNATURE.to_owned(), format!("v1,AAAA v1a,x {SIGNATURE}")] {
            let envelope = receive(ID, &signature, TIME).expect("the specification's example").envelope.expect("stored");
            assert_eq!((envelope.source.as_str(), envelope.delivery_key.as_str()), ("billing", ID));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let eleven = format!("{}{SIGNATURE}", "v1,x ".repeat(10));
        assert_eq!(receive(ID, &eleven, TIME).expect_err("too many"), Refusal::Unsigned);
        assert_eq!(receive(ID, SIGNATURE.trim_start_matches("v1,"), TIME).expect_err("no version"), Refusal::Unsigned);
        assert_eq!(receive("msg_other", SIGNATURE, TIME).expect_err("other id"), Refusal::WrongSignature);
        assert_eq!(receive(ID, SIGNATURE, TIME + 301).expect_err("late"), Refusal::Stale);
        assert_eq!(receive(ID, SIGNATURE, TIME - 301).expect_err("early"), Refusal::Stale);
    }

    #[test]
    fn a_signed_id_with_a_dot_is_refused() {
        let source = Standard::new("billing".to_owned(), &secrets(&[SECRET])).expect("a valid secret");
        let key = STANDARD.decode(&SECRET["whsec_".len()..]).expect("base64");
        let made = crate::sources::secret::hmac_sha256(&key, &[b"a.b.1614265330.", BODY.as_bytes()]);
        let signature = format!("v1,{}", STANDARD.encode(made));
        let headers = [("webhook-id", "a.b"), ("webhook-timestamp", "1614265330"), ("webhook-signature", signature.as_str())];
        let now = Timestamp::from_timestamp(TIME, 0).expect("a time");
        assert_eq!(source.receive(&request(&headers, BODY.as_bytes()), now).expect_err("ambiguous"), Refusal::MalformedId);
    }

    #[test]
    fn secrets_of_another_form_are_named() {
        for secret in ["plain", "whsec_", "whsec_AAAA", "whsec_!!!"] {
            assert_eq!(Standard::new("x".to_owned(), &secrets(&[secret])).expect_err(secret), InvalidSecret);
        }
    }
}
