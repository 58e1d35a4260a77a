//! Which headers the log keeps: those that a signature or a reader needs. Everything else may hold a secret.

use http::HeaderMap;

use crate::domain::envelope::Headers;

const NAMES: &[&str] = &[
    "content-type",
    "user-agent",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-request-id",
    "traceparent",
    "idempotency-key",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

const PREFIXES: &[&str] = &["x-github-", "linear-", "x-slack-"];

/// The headers to keep, in the order in which they came; `also` are those that this source's signature is in, or signs.
pub(super) fn kept(headers: &HeaderMap, also: &[&str]) -> Headers {
    let is_kept =
        |name: &str| NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || also.iter().any(|also| also.eq_ignore_ascii_case(name));
    Headers::new(
        headers
            .iter()
            .filter(|(name, _)| is_kept(name.as_str()))
            // A value that is not UTF-8 is kept readable; no signature is made over header values.
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::testing::request;

    #[test]
    fn secrets_in_headers_are_not_kept() {
        let request = request(
            &[
                ("authorization", "Bearer x"),
                ("cookie", "a=b"),
                ("x-github-event", "push"),
                ("x-forwarded-for", "10.0.0.1"),
                ("stripe-signature", "t=1"),
                ("content-type", "application/json"),
            ],
            b"",
        );
        let names = |also: &[&str]| kept(&request.headers, also).iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&[]), ["x-github-event", "content-type"]);
        assert_eq!(names(&["Stripe-Signature"]), ["x-github-event", "stripe-signature", "content-type"]);
    }
}
