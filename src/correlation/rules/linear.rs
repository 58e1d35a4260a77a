//! What Linear's events are about, and what they link.

use serde_json::Value;

use super::{Findings, Kind, Subject, Team, words};
use crate::domain::facts::{first_text, issue_identifier, text};

pub(super) fn find(event_type: &str, payload: &Value, findings: &mut Findings) {
    findings.team = team(event_type, payload);
    findings.about(first_text(payload, &["/actor/email", "/actor/id"]).and_then(|name| Subject::person("linear", name)));
    let Some(issue) = issue_identifier(payload).and_then(|identifier| Subject::new(Kind::Issue, format!("linear:{}", identifier.to_ascii_uppercase()))) else {
        return;
    };
    findings.about(Some(issue.clone()));
    for (field, rule) in [("title", "identifier_in_title"), ("description", "reference_in_body"), ("body", "reference_in_comment")] {
        if let Some(words) = text(payload, &format!("/data/{field}")) {
            findings.named(rule, &issue, &format!("data.{field}"), words::named(words));
        }
    }
    // Linear's own attachments: a pull request or a message that someone linked to the issue.
    if event_type == "Attachment"
        && let Some(url) = first_text(payload, &["/data/url", "/data/attachment/url"])
    {
        findings.named("attachment", &issue, "data.url", words::named(url));
    }
}

fn team(event_type: &str, payload: &Value) -> Option<Team> {
    let own = |pointer: &str| if event_type == "Team" { text(payload, pointer) } else { None };
    let key = own("/data/key")
        .or_else(|| first_text(payload, &["/data/team/key", "/data/issue/team/key"]))
        .or_else(|| issue_identifier(payload).and_then(|identifier| identifier.split_once('-')).map(|(key, _)| key))?;
    let name = own("/data/name").or_else(|| first_text(payload, &["/data/team/name", "/data/issue/team/name"]));
    (key.len() <= super::SUBJECT_BYTES_MAX).then(|| Team { key: key.to_ascii_uppercase(), name: name.map(str::to_owned) })
}
