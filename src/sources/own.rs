//! Events of one's own, sent with a credential of ours instead of a signature: deployments, and anything else.
//!
//! A deployment says `deployment_id`, `environment`, `status`, `repository_name`, `commit_sha` and `branch_name`; a
//! custom event says `platform`, `event_type`, `payload` and, if it likes, `priority`. What is missing is told in the
//! answer's `warnings`; the event is stored all the same. The same event is known by the header `Idempotency-Key`, or
//! by its content.

use http::{HeaderMap, HeaderValue, header};

use super::standard::named_type;
use super::{Found, RawRequest, Received, Refusal, Source};
use crate::domain::Json;
use crate::domain::clock::Timestamp;
use crate::domain::envelope::Verdict;
use crate::domain::{ParseStatus, Payload};
use crate::log::NewEnvelope;

/// Which events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// `POST /events/deployment`.
    Deployment,
    /// `POST /events/custom`.
    Custom,
    /// What hooklake itself notes in the log, such as a rule that was set.
    Hooklake,
}

impl Own {
    const fn expected(self) -> &'static [&'static str] {
        match self {
            Self::Deployment => &["/deployment_id", "/environment", "/status", "/repository_name", "/commit_sha"],
            Self::Custom => &["/platform", "/event_type", "/payload"],
            Self::Hooklake => &[],
        }
    }
}

impl Source for Own {
    fn name(&self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Custom => "custom",
            Self::Hooklake => "hooklake",
        }
    }

    /// The caller's credential was checked before.
    fn is_configured(&self) -> bool {
        true
    }

    fn knows(&self, _secret_id: &str) -> bool {
        false
    }

    fn receive(&self, request: &RawRequest, _now: Timestamp) -> Result<Received, Refusal> {
        let payload = Payload::read(&request.body, request.header("content-type"));
        let found = Found {
            source: self.name(),
            delivery_key: request.header("idempotency-key").map(str::to_owned),
            event_type: if *self == Self::Deployment { "deployment" } else { named_type(&payload) }.to_owned(),
            verdict: Verdict::Authorized,
            secret_id: None,
            signature: None,
            flags: Vec::new(),
            kept_headers: Vec::new(),
        };
        let mut received = found.into_received(request);
        received.warnings = if payload.status == ParseStatus::Ok {
            let is_missing = |pointer: &&&str| payload.value().at(pointer).is_none_or(Json::is_null);
            self.expected().iter().filter(is_missing).map(|pointer| format!("{} is missing", pointer.trim_start_matches('/'))).collect()
        } else {
            vec![format!("the body is not a JSON object ({})", payload.status.as_str())]
        };
        Ok(received)
    }
}

/// What someone decided, as an envelope of hooklake's own, so that it is not silent and a rebuild finds it again.
///
/// # Errors
/// Never so far: what hooklake says is always authentic.
pub fn note(event_type: &str, payload: &serde_json::Value, now: Timestamp) -> Result<NewEnvelope, Refusal> {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let raw = RawRequest { headers, body: payload.to_string().into(), arrived_at: now };
    let received = Own::Hooklake.receive(&raw, now)?;
    let mut envelope = received.envelope.ok_or(Refusal::Unsigned)?;
    // Deciding the same again is another decision.
    envelope.delivery_key = envelope.id.to_string();
    event_type.clone_into(&mut envelope.event_type);
    Ok(envelope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::testing::request;

    #[test]
    fn what_is_missing_is_told_and_stored() {
        let receive = |own: Own, body: &str| {
            own.receive(&request(&[("idempotency-key", "k")], body.as_bytes()), Timestamp::UNIX_EPOCH).expect("no signature is asked for")
        };
        let whole = receive(Own::Custom, "{\"platform\":\"crm\",\"event_type\":\"lead\",\"payload\":{}}");
        assert!(whole.warnings.is_empty());
        assert_eq!(whole.envelope.expect("stored").event_type, "lead");
        let partial = receive(Own::Deployment, "{\"deployment_id\":\"d1\",\"environment\":null,\"status\":\"success\",\"repository_name\":\"o/r\"}");
        assert_eq!(partial.warnings, ["environment is missing", "commit_sha is missing"]);
        assert_eq!(receive(Own::Custom, "nonsense").warnings, ["the body is not a JSON object (invalid)"]);
    }
}
