//! What Linear's events are about, and what they link.

use super::alias::linear_id;
use super::{Evidence, Findings, IN_COMMENT, Link, Mention, Subject, Team, words};
use crate::domain::Json;
use crate::domain::facts::{first_text, issue_identifier, text};
use crate::domain::subject::BYTES_MAX;

pub(super) fn find(event_type: &str, payload: Json<'_>, findings: &mut Findings) {
    findings.team = team(event_type, payload);
    findings.about(first_text(payload, &["/actor/email", "/actor/id"]).and_then(|name| Subject::person("linear", name)));
    of_attachment(event_type, payload, findings);
    let Some(issue) = issue_identifier(event_type, payload).and_then(Subject::linear) else { return };
    findings.about(Some(issue.clone()));
    // Other events name the issue by its number only.
    let id = if event_type == "Issue" { text(payload, "/data/id") } else { first_text(payload, &["/data/issue/id", "/data/issueId"]) };
    findings.explain(id.map(linear_id), Some(&issue));
    if is_attachment(event_type) {
        // Its title is that of what is attached, and none of the issue's words.
        return;
    }
    for (field, rule) in [("title", "identifier_in_title"), ("description", "reference_in_body"), ("body", IN_COMMENT)] {
        if let Some(words) = text(payload, &format!("/data/{field}")) {
            findings.read_shown(rule, &issue, &format!("data.{field}"), words, None);
        }
    }
    of_parent(payload, &issue, findings);
    of_relation(event_type, payload, &issue, findings);
}

/// Linear's own attachments: a pull request or a message that someone, or Linear itself, linked to the issue. The link is
/// that of what is attached, whether the issue is told by its identifier or by its number only. That it was taken off says
/// nothing more than that it was attached; whether it is now is known by what the attachment is now (`known_links`).
fn of_attachment(event_type: &str, payload: Json<'_>, findings: &mut Findings) {
    if !is_attachment(event_type) {
        return;
    }
    let Some(url) = first_text(payload, &["/data/url", "/data/attachment/url"]) else { return };
    let names = words::named(url);
    if is_removal(payload) {
        // What only looks like an identifier is nothing that the event could be about.
        names.into_iter().filter(|name| name.team_key.is_none()).for_each(|name| findings.about(Some(name.subject)));
    } else if let Some(issue) = issue_identifier(event_type, payload).and_then(Subject::linear) {
        for name in names {
            let evidence = Evidence { field: "data.url".to_owned(), text: name.text, start: name.start, end: name.end };
            findings.add(Link::new("attachment", "to", &name.subject, &issue, evidence, name.confidence, name.team_key));
        }
    } else if let Some(id) = first_text(payload, &["/data/issueId", "/data/issue/id"]) {
        for name in names {
            // What only looks like an identifier is nothing that the event could be about.
            findings.about(name.team_key.is_none().then(|| name.subject.clone()));
            findings.add_mention(Mention {
                relation: format!("{}_to", name.subject.kind.short()),
                rule: "attachment",
                subject: name.subject,
                alias: linear_id(id),
                evidence: Evidence::whole("data.url", url),
                confidence: name.confidence,
                team_key: name.team_key,
            });
        }
    }
}

fn is_attachment(event_type: &str) -> bool {
    matches!(event_type, "Attachment" | "IssueAttachment")
}

/// True for an event that tells that something is no more: <https://linear.app/developers/webhooks#webhook-payload>.
fn is_removal(payload: Json<'_>) -> bool {
    text(payload, "/action") == Some("remove")
}

fn of_parent(payload: Json<'_>, issue: &Subject, findings: &mut Findings) {
    if let Some(identifier) = text(payload, "/data/parent/identifier") {
        findings.stated("parent", Some(issue), Subject::linear(identifier).as_ref(), "data.parent.identifier", identifier, 1.0);
    } else if let Some(id) = first_text(payload, &["/data/parentId", "/data/parent/id"]).filter(|_| text(payload, "/data/identifier").is_some()) {
        findings.mention("parent", "to", issue, linear_id(id), Evidence::whole("data.parentId", id), 1.0);
    }
}

/// One issue is a duplicate of another one, or blocks it, or is related.
fn of_relation(event_type: &str, payload: Json<'_>, issue: &Subject, findings: &mut Findings) {
    if event_type != "IssueRelation" || is_removal(payload) {
        return;
    }
    let relation = if text(payload, "/data/type") == Some("duplicate") { "duplicates" } else { "to" };
    if let Some(identifier) = text(payload, "/data/relatedIssue/identifier") {
        let related = Subject::linear(identifier);
        findings.stated_as("relation", relation, Some(issue), related.as_ref(), "data.relatedIssue.identifier", identifier, 1.0);
        findings.about(related);
    } else if let Some(id) = first_text(payload, &["/data/relatedIssueId", "/data/relatedIssue/id"]) {
        findings.mention("relation", relation, issue, linear_id(id), Evidence::whole("data.relatedIssueId", id), 1.0);
    }
}

fn team(event_type: &str, payload: Json<'_>) -> Option<Team> {
    let own = |pointer: &str| if event_type == "Team" { text(payload, pointer) } else { None };
    let key = own("/data/key")
        .or_else(|| first_text(payload, &["/data/team/key", "/data/issue/team/key"]))
        .or_else(|| issue_identifier(event_type, payload).and_then(|identifier| identifier.split_once('-')).map(|(key, _)| key))?;
    let name = own("/data/name").or_else(|| first_text(payload, &["/data/team/name", "/data/issue/team/name"]));
    (key.len() <= BYTES_MAX).then(|| Team { key: key.to_ascii_uppercase(), name: name.map(str::to_owned) })
}
