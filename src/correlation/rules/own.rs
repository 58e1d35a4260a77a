//! What own events are about: deployments, and custom ones as far as they name something by a usual field.

use super::{Findings, Subject, alias, words};
use crate::domain::Json;
use crate::domain::facts::{first_text, text};

pub(super) fn find_deployment(payload: Json<'_>, findings: &mut Findings) {
    let sha = text(payload, "/commit_sha");
    let commit = sha.and_then(Subject::commit);
    let branch = text(payload, "/repository_name").zip(text(payload, "/branch_name")).and_then(|(repository, branch)| Subject::branch(repository, branch));
    findings.about(branch.clone());
    if let Some(subject) = text(payload, "/deployment_id").and_then(Subject::deployment) {
        findings.stated("commit_of_deployment", Some(&subject), commit.as_ref(), "commit_sha", sha.unwrap_or_default(), 1.0);
        if let Some(description) = text(payload, "/description") {
            findings.read("reference_in_description", &subject, "description", description, text(payload, "/repository_name"));
        }
        // Messages name it by its address or its id.
        findings.explain(text(payload, "/url").and_then(alias::address), Some(&subject));
        findings.explain(text(payload, "/deployment_id").and_then(alias::name), Some(&subject));
        findings.stated("branch_of_deployment", Some(&subject), branch.as_ref(), "branch_name", text(payload, "/branch_name").unwrap_or_default(), 1.0);
        findings.about(Some(subject));
    }
    findings.about(commit);
}

pub(super) fn find_custom(payload: Json<'_>, findings: &mut Findings) {
    let deployment = first_text(payload, &["/deployment_id", "/payload/deployment_id", "/payload/incident/deployment_id"]);
    findings.about(deployment.and_then(Subject::deployment));
    findings.about(first_text(payload, &["/commit_sha", "/payload/commit_sha"]).and_then(Subject::commit));
    // `issue` may be an address or an identifier; `url` may be any address.
    for pointer in ["/issue", "/payload/issue", "/pull_request", "/payload/pull_request", "/url", "/payload/url"] {
        if let Some(value) = text(payload, pointer) {
            findings
                .subjects
                .extend(words::named(value).into_iter().filter(|name| name.confidence >= 1.0 || pointer.ends_with("issue")).map(|name| name.subject));
        }
    }
}
