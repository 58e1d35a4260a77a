//! What each rule finds, and what only looks like it.

use serde_json::{Value, json};

mod written;

use super::*;
use crate::domain::json::Document;

fn findings_of(source: &str, event_type: &str, payload: &Value) -> Findings {
    Findings::of(source, event_type, Document::from(payload.clone()).root())
}

fn links(source: &str, event_type: &str, payload: &Value) -> Vec<(String, String, String)> {
    let findings = findings_of(source, event_type, payload);
    let mut links = findings.links.into_iter().map(|link| (link.correlation_type, link.subject.key, link.related.key)).collect::<Vec<_>>();
    links.sort();
    links
}

fn link(correlation_type: &str, subject: &str, related: &str) -> (String, String, String) {
    (correlation_type.to_owned(), subject.to_owned(), related.to_owned())
}

fn named(text: &str) -> Vec<String> {
    words::named(text).into_iter().map(|name| name.subject.key).collect()
}

const HEAD: &str = "9680b4c76cf5dfa6b54475fb00c875b6e884dfe6";
const MERGE: &str = "f5867c119d76ef49196c1b14ba96ff0b0547d084";

#[test]
fn identifiers_are_found_between_words_of_any_language() {
    for (text, expected) in [
        ("HEL-42: Explain", vec!["linear:HEL-42"]),
        ("(HEL-42)HEL-43,\nHEL-44.", vec!["linear:HEL-42", "linear:HEL-43", "linear:HEL-44"]),
        ("これはHEL-42です", vec!["linear:HEL-42"]),
        ("UTF-8 and SHA-256", vec!["linear:UTF-8", "linear:SHA-256"]),
        ("hel-42 HEL-042 HEL-0 XHEL-42a HEL42 HEL- 42 HEL–42", vec![]),
        ("HEL-42_x", vec![]),
        ("ABCDEFGHIJKL-1", vec![]),
    ] {
        assert_eq!(named(text), expected, "{text}");
    }
}

#[test]
fn evidence_says_where_in_characters() {
    let found = words::named("さくら: siehe HEL-42");
    assert_eq!((found[0].start, found[0].end, found[0].text.as_str()), (11, 17, "HEL-42"));
    assert_eq!(found[0].team_key.as_deref(), Some("HEL"));
    let found = words::in_branch("ada/hel_42-explain");
    assert_eq!((found[0].start, found[0].end, found[0].text.as_str(), found[0].subject.key.as_str()), (4, 10, "hel_42", "linear:HEL-42"));
}

#[test]
#[expect(clippy::float_cmp, reason = "certain is 1, not nearly 1")]
fn addresses_are_certain() {
    let slack = "see <https://github.com/Codertocat/Hello-World/pull/42|Hello-World#42>, <https://github.com/o/r/issues/7>";
    assert_eq!(named(slack), ["github:Codertocat/Hello-World#42", "github:o/r#7"]);
    assert_eq!(named("https://github.com/o/r/pull/42/files#diff https://github.com/o/r/pull/42abc https://evilgithub.com/o/r/pull/1"), ["github:o/r#42"]);
    assert_eq!(named("https://hello.slack.com/archives/C0HELLODEV1/p1794819731482919"), ["slack:C0HELLODEV1/1794819731.482919"]);
    let linear = words::named("https://linear.app/hello-world/issue/HEL-42/readme");
    assert_eq!(linear[0].confidence, 1.0);
}

#[test]
fn branches_name_issues_in_any_case() {
    let keys = |branch: &str| words::in_branch(branch).into_iter().map(|name| name.subject.key).collect::<Vec<_>>();
    assert_eq!(keys("jose/hel-57-greet"), ["linear:HEL-57"]);
    assert_eq!(keys("HEL-57"), ["linear:HEL-57"]);
    assert_eq!(keys("hel-1-hel-2"), ["linear:HEL-1", "linear:HEL-2"]);
    assert_eq!(keys("main"), Vec::<String>::new());
    assert_eq!(keys("dependabot/npm-07"), Vec::<String>::new());
}

fn pull_request() -> Value {
    json!({
        "action": "closed",
        "pull_request": {
            "number": 42, "title": "HEL-42: Explain", "body": "Fixes HEL-42, fixes #7 and resolves other/repo#8", "merged": true,
            "head": {"ref": "ada/hel-42-explain", "sha": HEAD, "repo": {"full_name": "o/r"}}, "base": {"sha": "0000000000000000000000000000000000000001"},
            "merge_commit_sha": MERGE,
        },
        "repository": {"full_name": "o/r"}, "sender": {"login": "ada"},
    })
}

#[test]
fn a_pull_request_links_issues_and_commits() {
    let payload = pull_request();
    let expected = [
        link("commit_to_pr", &format!("commit:{HEAD}"), "github:o/r#42"),
        link("commit_to_pr", &format!("commit:{MERGE}"), "github:o/r#42"),
        link("pr_to_branch", "github:o/r#42", "branch:o/r@ada/hel-42-explain"),
        link("pr_to_issue", "github:o/r#42", "github:o/r#7"),
        link("pr_to_issue", "github:o/r#42", "github:other/repo#8"),
        link("pr_to_issue", "github:o/r#42", "linear:HEL-42"),
    ];
    assert_eq!(links("github", "pull_request", &payload), expected);
    let findings = findings_of("github", "pull_request", &payload);
    let to_linear = findings.links.iter().find(|link| link.related.key == "linear:HEL-42").expect("linked");
    assert_eq!((to_linear.confidence, to_linear.evidence.field.as_str()), (1.0, "pull_request.body"), "the closing keyword is the strongest evidence");
    let subjects = findings.subjects.iter().map(|subject| subject.key.as_str()).collect::<Vec<_>>();
    for subject in ["github:o/r#42", "branch:o/r@ada/hel-42-explain", "person:github/ada", &format!("commit:{MERGE}")] {
        assert!(subjects.contains(&subject), "{subject} in {subjects:?}");
    }
}

#[test]
fn a_test_merge_and_the_base_are_no_commits_of_a_pull_request() {
    let mut payload = pull_request();
    payload["pull_request"]["merged"] = json!(false);
    let found = links("github", "pull_request", &payload);
    assert!(!found.iter().any(|(_, subject, _)| subject.contains(MERGE)), "{found:?}");
}

#[test]
fn commits_name_the_pull_request_that_they_merge() {
    let payload = json!({
        "ref": "refs/heads/main", "after": MERGE, "repository": {"full_name": "o/r"},
        "commits": [
            {"id": HEAD, "message": "Explain how to start (#42)\n\nHEL-42"},
            {"id": MERGE, "message": "Merge pull request #43 from o/branch"},
            {"id": "short", "message": "(#44)"},
        ],
    });
    let expected = [
        link("commit_to_branch", &format!("commit:{HEAD}"), "branch:o/r@main"),
        link("commit_to_branch", &format!("commit:{MERGE}"), "branch:o/r@main"),
        link("commit_to_issue", &format!("commit:{HEAD}"), "linear:HEL-42"),
        link("commit_to_pr", &format!("commit:{HEAD}"), "github:o/r#42"),
        link("commit_to_pr", &format!("commit:{MERGE}"), "github:o/r#43"),
    ];
    assert_eq!(links("github", "push", &payload), expected);
}

#[test]
fn checks_and_deployments_lead_to_commits() {
    let check = json!({
        "check_run": {"head_sha": HEAD, "pull_requests": [{"number": 42, "url": "https://api.github.com/repos/o/r/pulls/42"}]},
        "repository": {"full_name": "fork/r"},
    });
    assert_eq!(links("github", "check_run", &check), [link("commit_to_pr", &format!("commit:{HEAD}"), "github:o/r#42")]);
    let own = json!({"deployment_id": "d1", "commit_sha": MERGE.to_uppercase()});
    assert_eq!(links("deployment", "deployment", &own), [link("deployment_to_commit", "deployment:d1", &format!("commit:{MERGE}"))]);
    let github = json!({"deployment": {"id": 7, "sha": MERGE}, "repository": {"full_name": "o/r"}});
    assert_eq!(links("github", "deployment", &github), [link("deployment_to_commit", "deployment:github/7", &format!("commit:{MERGE}"))]);
}

#[test]
fn messages_name_pull_requests_and_issues() {
    let payload = json!({"event": {
        "type": "message", "channel": "C1", "ts": "1.2", "thread_ts": "1.1", "user": "U1",
        "text": "<https://github.com/o/r/pull/42|#42> is for HEL-42, not UTF-8",
    }});
    let expected = [
        link("message_to_issue", "slack:C1/1.2", "linear:HEL-42"),
        link("message_to_issue", "slack:C1/1.2", "linear:UTF-8"),
        link("message_to_pr", "slack:C1/1.2", "github:o/r#42"),
        link("message_to_thread", "slack:C1/1.2", "slack:C1/1.1"),
    ];
    assert_eq!(links("slack", "message", &payload), expected);
    let reaction = json!({"event": {"type": "reaction_added", "item": {"channel": "C1", "ts": "1.2"}, "user": "U2"}});
    let findings = findings_of("slack", "reaction_added", &reaction);
    assert!(findings.links.is_empty());
    assert!(findings.subjects.iter().any(|subject| subject.key == "slack:C1/1.2"));
}

#[test]
fn linear_events_name_their_team() {
    let payload =
        json!({"data": {"identifier": "HEL-42", "team": {"key": "HEL", "name": "Hello"}, "description": "https://h.slack.com/archives/C1/p1794819731482919"}});
    let findings = findings_of("linear", "Issue", &payload);
    assert_eq!(findings.team, Some(Team { key: "HEL".to_owned(), name: Some("Hello".to_owned()) }));
    assert_eq!(links("linear", "Issue", &payload), [link("issue_to_message", "linear:HEL-42", "slack:C1/1794819731.482919")]);
}

#[test]
fn odd_payloads_find_nothing() {
    for value in [
        json!(null),
        json!([]),
        json!("x"),
        json!({"repository": {"full_name": "o/r"}, "pull_request": 7, "issue": [], "commits": {}, "check_run": null, "event": 1, "data": "x"}),
    ] {
        for source in ["github", "linear", "slack", "deployment", "custom", "hooklake"] {
            assert_eq!(findings_of(source, "x", &value).links, Vec::new(), "{source} {value}");
        }
    }
}

#[test]
fn a_flood_of_identifiers_is_bounded() {
    let many = (1..20_000).map(|number| format!("o/r#{number} https://h.example/{number} dep-{number}a")).collect::<Vec<_>>().join(" ");
    let payload = json!({"event": {"type": "message", "channel": "C1", "ts": "1.2", "text": many}});
    assert!(findings_of("slack", "message", &payload).mentions.len() <= alias::MENTIONS_MAX);
    let text = (1..20_000).map(|number| format!("HEL-{number}")).collect::<Vec<_>>().join(" ");
    let payload = json!({"pull_request": {"number": 1, "body": text}, "repository": {"full_name": "o/r"}});
    assert_eq!(findings_of("github", "pull_request", &payload).links.len(), NAMED_MAX);
}

fn mentions(source: &str, event_type: &str, payload: &Value) -> Vec<(String, String, String)> {
    let findings = findings_of(source, event_type, payload);
    let mut mentions = findings.mentions.into_iter().map(|mention| (mention.relation, mention.subject.key, mention.alias)).collect::<Vec<_>>();
    mentions.sort();
    mentions
}

fn said(text: &str) -> Value {
    json!({"event": {"type": "message", "channel": "C1", "ts": "1.2", "text": text}})
}

#[test]
fn what_takes_something_back_says_what() {
    let payload = |body: &str, branch: &str| {
        json!({
            "pull_request": {"number": 45, "title": "Revert \"HEL-42: Explain\"", "body": body, "head": {"ref": branch}},
            "repository": {"full_name": "o/r"},
        })
    };
    let reverts = |body: &str, branch: &str| {
        links("github", "pull_request", &payload(body, branch)).into_iter().filter(|(relation, ..)| relation.contains("reverts")).collect::<Vec<_>>()
    };
    let reverted = |related: &str| vec![link("pr_reverts_pr", "github:o/r#45", related)];
    assert_eq!(reverts("Reverts o/r#42", "x"), reverted("github:o/r#42"));
    assert_eq!(reverts("It broke.\n\nThis reverts #42, sorry", "x"), reverted("github:o/r#42"));
    assert_eq!(reverts("Reverts https://github.com/other/repo/pull/9", "x"), reverted("github:other/repo#9"));
    assert_eq!(reverts("", "revert-42-ada/hel-42-explain"), reverted("github:o/r#42"));
    assert_eq!(reverts(&format!("This reverts commit {HEAD}."), "x"), [link("pr_reverts_commit", "github:o/r#45", &format!("commit:{HEAD}"))]);
    for body in ["Whoever reverts o/r#42 must ask", "reverted nothing #42", "#42", "Prevents #42"] {
        assert_eq!(reverts(body, "x"), Vec::new(), "{body}");
    }
    // A revert of a revert takes back that, and not what it brings back.
    let mut again = payload("Reverts o/r#44", "revert-44-revert-42-x");
    again["pull_request"]["title"] = json!("Revert \"Revert \"Explain (#42)\"\"");
    let found = links("github", "pull_request", &again).into_iter().filter(|(relation, ..)| relation.contains("reverts")).collect::<Vec<_>>();
    assert_eq!(found, reverted("github:o/r#44"));
    // Who asks for it below another pull request has not done it.
    let mut asked = payload("", "x");
    asked["comment"] = json!({"body": "Revert #41 first, please"});
    assert_eq!(links("github", "issue_comment", &asked).into_iter().filter(|(relation, ..)| relation.contains("reverts")).count(), 0);
    // Said once and in more words, it is one link, and the words that say more count.
    let both = payload("See https://github.com/o/r/pull/42\nReverts o/r#42", "x");
    let found = links("github", "pull_request", &both).into_iter().filter(|(.., related)| related == "github:o/r#42").collect::<Vec<_>>();
    assert_eq!(found, reverted("github:o/r#42"));
    let push = json!({
        "ref": "refs/heads/main", "repository": {"full_name": "o/r"},
        "commits": [{"id": MERGE, "message": format!("Revert \"Explain (#42)\" (#45)\n\nThis reverts commit {HEAD}.")}],
    });
    let commit = format!("commit:{MERGE}");
    let expected = [
        link("commit_reverts_commit", &commit, &format!("commit:{HEAD}")),
        link("commit_reverts_pr", &commit, "github:o/r#42"),
        link("commit_to_branch", &commit, "branch:o/r@main"),
        link("commit_to_pr", &commit, "github:o/r#45"),
    ];
    assert_eq!(links("github", "push", &push), expected);
}

#[test]
fn duplicates_are_said_on_purpose() {
    let comment = |body: &str| json!({"issue": {"number": 7}, "comment": {"body": body}, "repository": {"full_name": "o/r"}});
    let found = |body: &str| links("github", "issue_comment", &comment(body));
    let duplicate = |related: &str| vec![link("issue_duplicates_issue", "github:o/r#7", related)];
    assert_eq!(found("Duplicate of #5"), duplicate("github:o/r#5"));
    assert_eq!(found("Thanks!\n\nThis issue is a duplicate of other/repo#5."), duplicate("github:other/repo#5"));
    assert_eq!(found("duplicate of https://github.com/o/r/issues/5"), duplicate("github:o/r#5"));
    assert_eq!(found("Duplicate of HEL-42"), duplicate("linear:HEL-42"));
    assert_eq!(found("I wonder whether #6 is a duplicate of #5"), Vec::new());
    let relation = json!({"action": "create", "type": "IssueRelation", "data": {
        "type": "duplicate", "issueId": "a", "issue": {"id": "a", "identifier": "HEL-1"}, "relatedIssueId": "b",
    }});
    assert_eq!(mentions("linear", "IssueRelation", &relation), [link("issue_duplicates", "linear:HEL-1", "linear:id/b")]);
}

#[test]
fn issues_are_closed_by_commits_titles_and_in_other_repositories() {
    let payload = json!({
        "pull_request": {"number": 42, "title": "Fix #3: explain", "body": "Closes: other/repo#8. Unrelated #9, UTF-8 and COVID-19"},
        "repository": {"full_name": "o/r"},
    });
    let to_github = links("github", "pull_request", &payload).into_iter().filter(|(.., related)| related.starts_with("github:")).collect::<Vec<_>>();
    assert_eq!(to_github, [link("pr_to_issue", "github:o/r#42", "github:o/r#3"), link("pr_to_issue", "github:o/r#42", "github:other/repo#8")]);
    let push = json!({"ref": "refs/heads/x", "repository": {"full_name": "o/r"}, "commits": [{"id": HEAD, "message": "Explain\n\nFixes #7"}]});
    assert!(links("github", "push", &push).contains(&link("commit_to_issue", &format!("commit:{HEAD}"), "github:o/r#7")));
}

#[test]
fn addresses_lead_to_commits_releases_checks_and_deployments() {
    let text = format!(
        "<https://github.com/o/r/commit/{HEAD}|9680b4c>, https://github.com/o/r/pull/42/commits/{MERGE} \
         <https://github.com/o/r/releases/tag/v1.2.0>. https://github.com/o/r/actions/runs/77 https://github.com/o/r/actions/runs/77/job/78 \
         https://github.com/o/r/runs/79 <https://api.github.com/repos/o/r/deployments/80|it>"
    );
    let expected = [
        "github:o/r#42",
        &format!("commit:{HEAD}"),
        &format!("commit:{MERGE}"),
        "release:o/r@v1.2.0",
        "run:github/77",
        // The address of a job is within that of its run.
        "run:github/77",
        "check:github/78",
        "check:github/79",
        "deployment:github/80",
    ];
    assert_eq!(named(&text), expected);
}

#[test]
fn names_that_others_explain_are_mentioned() {
    let text = format!("<https://deploys.example/dep-7a?x=1&amp;y=2|dep-7a> failed with {HEAD}, see o/r#12 (not a/b/c#3), ISO-8601 at 10:00");
    let to = |alias: &str| link("message_to", "slack:C1/1.2", alias);
    let expected = [to(&format!("commit:{HEAD}")), to("github:o/r#12"), to("name:dep-7a"), to("url:deploys.example/dep-7a?x=1&y=2")];
    assert_eq!(mentions("slack", "message", &said(&text)), expected);
    let own = json!({"deployment_id": "dep-7a", "url": "https://Deploys.example/dep-7a?x=1&y=2", "commit_sha": HEAD});
    let mut aliases = findings_of("deployment", "deployment", &own).aliases.into_iter().map(|alias| alias.alias).collect::<Vec<_>>();
    aliases.sort();
    assert_eq!(aliases, ["name:dep-7a", "url:deploys.example/dep-7a?x=1&y=2"]);
    // A word of every day names nothing, whatever somebody calls a deployment.
    for id in ["prod", "42", "2026-01-05", "HEL-42", "v1.2"] {
        let own = json!({"deployment_id": id, "url": "https://deploys.example/"});
        assert_eq!(findings_of("deployment", "deployment", &own).aliases, Vec::new(), "{id}");
    }
}

#[test]
fn projects_of_linear_are_no_issues_and_no_teams() {
    let payload = json!({"type": "Project", "data": {"id": "p", "identifier": "P-12", "name": "First steps", "description": "After HEL-42"}});
    let findings = findings_of("linear", "Project", &payload);
    assert!(findings.team.is_none(), "P-13 elsewhere would be taken for an issue");
    assert_eq!(findings.subjects.iter().map(|subject| subject.key.as_str()).collect::<Vec<_>>(), [""; 0]);
    let notified = json!({"type": "AppUserNotification", "notification": {"issue": {"id": "i", "identifier": "HEL-42"}}});
    let findings = findings_of("linear", "AppUserNotification", &notified);
    assert_eq!(findings.subjects.iter().map(|subject| subject.key.as_str()).collect::<Vec<_>>(), ["linear:HEL-42"]);
}

#[test]
fn linear_names_issues_by_number_too() {
    let issue = json!({"type": "Issue", "data": {"id": "uuid-1", "identifier": "HEL-42", "parentId": "uuid-0"}});
    let findings = findings_of("linear", "Issue", &issue);
    assert_eq!(
        findings.aliases.iter().map(|alias| (alias.alias.as_str(), alias.subject.key.as_str())).collect::<Vec<_>>(),
        [("linear:id/uuid-1", "linear:HEL-42")]
    );
    assert_eq!(mentions("linear", "Issue", &issue), [link("issue_to", "linear:HEL-42", "linear:id/uuid-0")]);
    let attachment = json!({"type": "Attachment", "data": {"id": "x", "issueId": "uuid-1", "url": "https://github.com/o/r/pull/42"}});
    assert_eq!(mentions("linear", "Attachment", &attachment), [link("pr_to", "github:o/r#42", "linear:id/uuid-1")]);
    // The same link the same way round when the identifier is told too.
    let data = json!({"id": "x", "issueId": "uuid-1", "issue": {"id": "uuid-1", "identifier": "HEL-42"}, "url": "https://github.com/o/r/pull/42"});
    let attachment = json!({"type": "Attachment", "data": data});
    assert_eq!(links("linear", "Attachment", &attachment), [link("pr_to_issue", "github:o/r#42", "linear:HEL-42")]);
}

#[test]
fn checks_lead_to_pull_requests_runs_and_deployments() {
    let job = json!({"workflow_job": {"id": 7, "run_id": 6, "head_sha": HEAD, "head_branch": "x"}, "repository": {"full_name": "o/r"}});
    let expected = [link("check_to_commit", "check:github/7", &format!("commit:{HEAD}")), link("check_to_run", "check:github/7", "run:github/6")];
    assert_eq!(links("github", "workflow_job", &job), expected);
    let status = json!({
        "deployment": {"id": 9, "sha": MERGE, "ref": "main"}, "deployment_status": {"state": "success"}, "workflow_run": {"id": 6},
        "repository": {"full_name": "o/r", "default_branch": "main"},
    });
    let expected = [
        link("deployment_to_branch", "deployment:github/9", "branch:o/r@main"),
        link("deployment_to_commit", "deployment:github/9", &format!("commit:{MERGE}")),
        link("deployment_to_run", "deployment:github/9", "run:github/6"),
    ];
    assert_eq!(links("github", "deployment_status", &status), expected);
    let tag = json!({"ref": "refs/tags/v1", "after": MERGE, "head_commit": {"id": HEAD}, "commits": [], "repository": {"full_name": "o/r"}});
    assert_eq!(links("github", "push", &tag), [link("release_to_commit", "release:o/r@v1", &format!("commit:{HEAD}"))]);
}
