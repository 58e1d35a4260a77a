//! Any provider whose signature can be described: which header, in which form, over which text.
//!
//! ```toml
//! [[sources.custom.stripe.verifications]]
//! header_location  = "Stripe-Signature"
//! signature_format = "t=${timestamp},v1=${signature}"
//! signature_input  = "${timestamp}.${body}"
//! algorithm        = "hmac-sha256"
//! secret           = "whsec_…"
//! ```
//!
//! One verification that succeeds is enough, so that a secret can be rotated by listing two.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::secret::{Secret, Secrets, digest_from_hex};
use super::standard::named_type;
use super::{Found, RawRequest, Received, Refusal, Source};
use crate::domain::Payload;
use crate::domain::clock::Timestamp;
use crate::domain::envelope::Verdict;

/// One way to verify, as settings describe it.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// The header that holds the signature.
    pub header_location: String,
    /// Its form, with `${signature}` and, where it is there, `${timestamp}`; items are separated by commas.
    #[serde(default = "bare_signature")]
    pub signature_format: String,
    /// The signed text, with `${body}` and, where it is signed, `${timestamp}`.
    #[serde(default = "body_only")]
    pub signature_input: String,
    /// How it is signed.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// The shared secret, used as text.
    pub secret: Secret,
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256 (RFC 2104, FIPS 180-4).
    #[default]
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Hexadecimal digits of either case.
    #[default]
    Hex,
    /// Base64 with padding (RFC 4648, section 4).
    Base64,
}

/// Whether and how old a signed timestamp may be.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestampValidation {
    /// Refuse a request without a timestamp.
    #[serde(default)]
    pub required: bool,
    /// How far it may be from now, in seconds.
    #[serde(default = "five_minutes")]
    pub max_age: u64,
    /// `signature`, for one inside the signature's header, or the name of a header.
    #[serde(default = "in_signature")]
    pub timestamp_location: String,
    /// The name of its variable in `signature_format`.
    #[serde(default = "timestamp_variable")]
    pub timestamp_variable: String,
}

impl TimestampValidation {
    /// The header that has it, unless that is the signature's.
    fn header(&self) -> Option<&str> {
        (self.timestamp_location != in_signature()).then_some(&*self.timestamp_location)
    }
}

fn bare_signature() -> String {
    "${signature}".to_owned()
}

fn body_only() -> String {
    "${body}".to_owned()
}

const fn five_minutes() -> u64 {
    300
}

fn in_signature() -> String {
    "signature".to_owned()
}

fn timestamp_variable() -> String {
    "timestamp".to_owned()
}

/// A source of one's own whose signature settings describe.
#[derive(Debug)]
pub struct Generic {
    name: String,
    verifications: Vec<Verification>,
    timestamp: Option<TimestampValidation>,
    delivery_id: DeliveryId,
}

/// Where a delivery says which one it is. When it says so nowhere, the same content is the same delivery.
#[derive(Debug, Clone, Default)]
pub struct DeliveryId {
    /// The name of a header.
    pub header: Option<String>,
    /// A place in the body (RFC 6901), such as `/id`. Not guessed: what stands there may name what the event is about.
    pub pointer: Option<String>,
}

impl Generic {
    /// A source of this name.
    #[must_use]
    pub fn new(name: String, verifications: Vec<Verification>, timestamp: Option<TimestampValidation>, delivery_id: DeliveryId) -> Self {
        let verifications = verifications.into_iter().filter(|verification| !verification.secret.bytes().is_empty()).collect();
        Self { name, verifications, timestamp, delivery_id }
    }

    fn id<'a>(&self, request: &'a RawRequest, payload: &'a Payload) -> Option<&'a str> {
        let in_header = self.delivery_id.header.as_deref().and_then(|name| request.header(name));
        in_header.or_else(|| self.delivery_id.pointer.as_deref().and_then(|pointer| payload.text(pointer)))
    }

    fn check_time(&self, request: &RawRequest, in_signature: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
        let Some(rule) = &self.timestamp else { return Ok(()) };
        let given = rule.header().map_or(in_signature, |name| request.header(name));
        match given.map(str::parse::<i64>) {
            None if !rule.required => Ok(()),
            Some(Ok(seconds)) if seconds.abs_diff(now.timestamp()) <= rule.max_age => Ok(()),
            _ => Err(Refusal::Stale),
        }
    }
}

impl Source for Generic {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_configured(&self) -> bool {
        !self.verifications.is_empty()
    }

    fn knows(&self, secret_id: &str) -> bool {
        self.verifications.iter().any(|verification| verification.secret.id() == secret_id)
    }

    fn receive(&self, request: &RawRequest, now: Timestamp) -> Result<Received, Refusal> {
        let mut refusal = Refusal::Unsigned;
        for verification in &self.verifications {
            let header = request.header(&verification.header_location).unwrap_or_default();
            let variable = self.timestamp.as_ref().map_or("timestamp", |rule| rule.timestamp_variable.as_str());
            let values = Values::read(&verification.signature_format, header, variable);
            // A timestamp that stands in a header of its own can be part of the signed text as well.
            let rule = self.timestamp.as_ref();
            let time = values.timestamp.or_else(|| rule.and_then(|rule| request.header(rule.header()?)));
            let given: Vec<[u8; 32]> = values.signatures.iter().filter_map(|text| decode(text, verification.encoding)).collect();
            let input = expand(&verification.signature_input, variable, time.unwrap_or_default(), &request.body);
            let Algorithm::HmacSha256 = verification.algorithm;
            if Secrets::new(vec![verification.secret.clone()]).signer_of(&input, &given).is_none() {
                if !given.is_empty() {
                    refusal = Refusal::WrongSignature;
                }
                continue;
            }
            self.check_time(request, time, now)?;
            let payload = Payload::read(&request.body, request.header("content-type"));
            let found = Found {
                source: &self.name,
                delivery_key: self.id(request, &payload).map(str::to_owned),
                event_type: named_type(&payload).to_owned(),
                verdict: Verdict::Signed,
                secret_id: Some(verification.secret.id()),
                signature: None,
                flags: Vec::new(),
                kept_headers: std::iter::once(&*verification.header_location).chain(rule.and_then(TimestampValidation::header)).collect(),
            };
            return Ok(found.into_received(request));
        }
        Err(refusal)
    }
}

/// What a signature's header holds, by the form that settings give.
struct Values<'a> {
    signatures: Vec<&'a str>,
    timestamp: Option<&'a str>,
}

impl<'a> Values<'a> {
    fn read(format: &str, header: &'a str, timestamp_variable: &str) -> Self {
        let mut values = Self { signatures: Vec::new(), timestamp: None };
        let time = format!("${{{timestamp_variable}}}");
        for item in format.split(',') {
            let (prefix, is_signature) = match (item.strip_suffix("${signature}"), item.strip_suffix(time.as_str())) {
                (Some(prefix), _) => (prefix, true),
                (None, Some(prefix)) => (prefix, false),
                (None, None) => continue,
            };
            for value in header.split(',').filter_map(|given| given.trim().strip_prefix(prefix)) {
                if is_signature {
                    values.signatures.push(value);
                } else {
                    values.timestamp = Some(value);
                }
            }
        }
        values
    }
}

fn decode(text: &str, encoding: Encoding) -> Option<[u8; 32]> {
    match encoding {
        Encoding::Hex => digest_from_hex(text),
        Encoding::Base64 => STANDARD.decode(text).ok()?.try_into().ok(),
    }
}

/// The signed text in parts, so that the body is not copied.
fn expand<'a>(input: &'a str, timestamp_variable: &str, timestamp: &'a str, body: &'a [u8]) -> Vec<&'a [u8]> {
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut rest = input;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else { break };
        parts.push(before.as_bytes());
        if name == "body" {
            parts.push(body);
        } else if name == timestamp_variable {
            parts.push(timestamp.as_bytes());
        }
        rest = tail;
    }
    parts.push(rest.as_bytes());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::secret::hmac_sha256;
    use crate::sources::testing::request;

    fn verification(text: &str) -> Verification {
        toml::from_str(text).expect("settings")
    }

    fn now(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).expect("a time")
    }

    #[test]
    fn github_can_be_described() {
        let source = Generic::new(
            "hub".to_owned(),
            vec![verification(
                "header_location = \"X-Hub-Signature-256\"\nsignature_format = \"sha256=${signature}\"\nalgorithm = \"hmac-sha256\"\nsecret = \"It's a Secret to Everybody\"",
            )],
            None,
            DeliveryId::default(),
        );
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(source.receive(&request(&[("x-hub-signature-256", right)], b"Hello, World!"), now(0)).is_ok());
        assert_eq!(source.receive(&request(&[("x-hub-signature-256", right)], b"Hello, World"), now(0)).expect_err("altered"), Refusal::WrongSignature);
        assert_eq!(source.receive(&request(&[], b"Hello, World!"), now(0)).expect_err("unsigned"), Refusal::Unsigned);
    }

    #[test]
    fn stripe_can_be_described() {
        let stripe = |secret: &str| {
            let settings = format!(
                "header_location = \"Stripe-Signature\"\nsignature_format = \"t=${{timestamp}},v1=${{signature}}\"\nsignature_input = \"${{timestamp}}.${{body}}\"\nsecret = \"{secret}\""
            );
            let rule =
                toml::from_str("required = true\nmax_age = 300\ntimestamp_location = \"signature\"\ntimestamp_variable = \"timestamp\"").expect("settings");
            Generic::new(
                "stripe".to_owned(),
                vec![verification(&settings)],
                Some(rule),
                DeliveryId { pointer: Some("/id".to_owned()), ..DeliveryId::default() },
            )
        };
        let body = b"{\"id\":\"evt_1\",\"type\":\"invoice.paid\"}";
        let made = hex::encode(hmac_sha256(b"whsec_test", &[b"1000.", body]));
        let header = format!("t=1000, v0=old,v1={},v1={made}", "0".repeat(64));
        let signed = request(&[("stripe-signature", &header)], body);
        let envelope = stripe("whsec_test").receive(&signed, now(1300)).expect("signed").envelope.expect("stored");
        assert_eq!((envelope.delivery_key.as_str(), envelope.event_type.as_str()), ("evt_1", "invoice.paid"));
        assert_eq!(envelope.headers.get("stripe-signature"), Some(header.as_str()));
        assert_eq!(stripe("whsec_test").receive(&signed, now(1301)).expect_err("old"), Refusal::Stale);
        assert_eq!(stripe("other").receive(&signed, now(1000)).expect_err("other"), Refusal::WrongSignature);
        let untimed = request(&[("stripe-signature", &format!("v1={}", hex::encode(hmac_sha256(b"whsec_test", &[b".", body]))))], body);
        assert_eq!(stripe("whsec_test").receive(&untimed, now(1000)).expect_err("untimed"), Refusal::Stale);
    }
    /// As Zoom does it.
    #[test]
    fn a_time_in_a_header_of_its_own_is_kept_with_what_it_signs() {
        let settings =
            "header_location = \"X-Zm-Signature\"\nsignature_format = \"v0=${signature}\"\nsignature_input = \"v0:${timestamp}:${body}\"\nsecret = \"zoom\"";
        let rule = toml::from_str("required = true\ntimestamp_location = \"X-Zm-Request-Timestamp\"").expect("settings");
        let source = Generic::new("zoom".to_owned(), vec![verification(settings)], Some(rule), DeliveryId::default());
        let body = br#"{"id":"meeting_1","event":"meeting.started"}"#;
        let signature = format!("v0={}", hex::encode(hmac_sha256(b"zoom", &[b"v0:1000:", body])));
        let came = request(&[("x-zm-signature", &signature), ("x-zm-request-timestamp", "1000"), ("x-other", "secret")], body);
        let envelope = source.receive(&came, now(1000)).expect("signed").envelope.expect("stored");
        assert_eq!(envelope.headers.get("x-zm-request-timestamp"), Some("1000"), "or nobody could verify it again");
        assert_eq!(envelope.headers.get("x-other"), None);
        assert!(envelope.delivery_key.starts_with("sha256:"), "{}: the meeting is not the delivery", envelope.delivery_key);
    }
}
