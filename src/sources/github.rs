//! GitHub webhooks.
//!
//! Rules (docs.github.com: validating webhook deliveries; handling webhook deliveries): `X-Hub-Signature-256` is
//! `sha256=` and the HMAC-SHA256 of the raw body in hexadecimal, whether the body is JSON or a form. The older SHA-1
//! header proves nothing here. `X-GitHub-Delivery` is per event, not per hook: a repository's and an organisation's
//! hook into one store send the same one, so it counts together with `X-GitHub-Hook-ID`. A redelivery keeps it. There
//! is no timestamp; a body that is replayed under another delivery id is recognised by its signature.

use super::secret::digest_from_hex;
use super::{Found, RawRequest, Received, Refusal, Secrets, Source};
use crate::domain::clock::Timestamp;
use crate::domain::envelope::Verdict;

/// GitHub and GitHub Enterprise Server.
#[derive(Debug)]
pub struct GitHub {
    secrets: Secrets,
}

impl GitHub {
    /// Verifies with these secrets.
    #[must_use]
    pub const fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }
}

impl Source for GitHub {
    fn name(&self) -> &'static str {
        "github"
    }

    fn is_configured(&self) -> bool {
        !self.secrets.is_empty()
    }

    fn knows(&self, secret_id: &str) -> bool {
        self.secrets.iter().any(|secret| secret.id() == secret_id)
    }

    fn receive(&self, request: &RawRequest, _now: Timestamp) -> Result<Received, Refusal> {
        let given = request.header("x-hub-signature-256").and_then(|value| value.strip_prefix("sha256=")).and_then(digest_from_hex);
        // Looked for even when none was given, so that both take as long.
        let signer = self.secrets.signer_of(&[&request.body], given.as_slice());
        let (secret, signature) = signer.ok_or(if given.is_some() { Refusal::WrongSignature } else { Refusal::Unsigned })?;
        let delivery_key = request.header("x-github-delivery").filter(|id| !id.is_empty()).map(|id| match request.header("x-github-hook-id") {
            Some(hook) => format!("{hook}:{id}"),
            None => id.to_owned(),
        });
        let found = Found {
            source: self.name(),
            delivery_key,
            event_type: request.header("x-github-event").unwrap_or_default().to_owned(),
            verdict: Verdict::Signed,
            secret_id: Some(secret.id()),
            signature: Some(signature),
            flags: Vec::new(),
            kept_headers: Vec::new(),
        };
        Ok(found.into_received(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::envelope::Flag;
    use crate::sources::testing::{request, secrets};

    fn receive(secret: &str, headers: &[(&'static str, &str)], body: &[u8]) -> Result<Received, Refusal> {
        GitHub::new(secrets(&[secret])).receive(&request(headers, body), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn known_signatures_are_accepted() {
        for (secret, body, signature) in [
            ("It's a Secret to Everybody", "Hello, World!", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
            ("mysecret", "{\"foo\":\"bar\"}", "sha256=4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3"),
            ("mysecret", "{\"foo\":\"bar\"}", "sha256=4864D2759938A15468B5DF9ADE20BF161DA9B4F737EA61794142F3484236BDA3"),
        ] {
            let envelope = receive(
                secret,
                &[("x-hub-signature-256", signature), ("x-github-event", "ping"), ("x-github-delivery", "guid"), ("x-github-hook-id", "7")],
                body.as_bytes(),
            )
            .expect("the document's own example")
            .envelope
            .expect("it is stored");
            assert_eq!((envelope.delivery_key.as_str(), envelope.event_type.as_str()), ("7:guid", "ping"));
            assert_eq!(&envelope.body[..], body.as_bytes());
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let right = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let sha1 = ("x-hub-signature", "sha1=0000000000000000000000000000000000000000");
        for value in [
            "",
            "sha256=",
            right,
            "sha256=757107",
            &format!("sha256={right}00"),
            &format!("sha256={}", "z".repeat(64)),
            &format!("sha1={right}"),
            &format!("sha256= {right}"),
        ] {
            let refused = receive("It's a Secret to Everybody", &[("x-hub-signature-256", value), sha1], b"Hello, World!").expect_err(value);
            assert_eq!(refused, Refusal::Unsigned, "{value:?}");
        }
        let signature = format!("sha256={right}");
        for (secret, body) in [("another", "Hello, World!"), ("It's a Secret to Everybody", "Hello, World! "), ("", "Hello, World!")] {
            assert_eq!(receive(secret, &[("x-hub-signature-256", &signature)], body.as_bytes()).expect_err(body), Refusal::WrongSignature);
        }
        let twice = [("x-hub-signature-256", signature.as_str()), ("x-hub-signature-256", signature.as_str())];
        assert_eq!(receive("It's a Secret to Everybody", &twice, b"Hello, World!").expect_err("ambiguous"), Refusal::Unsigned);
    }

    #[test]
    fn a_delivery_without_a_name_is_named_by_its_content() {
        let signature = [("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")];
        let envelope = receive("It's a Secret to Everybody", &signature, b"Hello, World!").expect("signed").envelope.expect("stored");
        assert!(envelope.delivery_key.starts_with("sha256:"));
        assert_eq!(envelope.flags, [Flag::KeyDerived]);
        assert_eq!(envelope.event_type, "unknown");
    }
}
