//! Facts read from real payloads' shapes.

use serde_json::{Value, json};

use super::*;
use crate::domain::json::Document;

fn of(source: &str, event_type: &str, payload: &Value) -> Facts {
    Facts::of(source, event_type, Document::from(payload.clone()).root())
}

#[test]
fn a_pull_request_and_its_comment() {
    let mut payload = json!({
        "action": "opened",
        "number": 2,
        "pull_request": {"number": 2, "title": "HEL-42: Explain", "body": "Fixes HEL-42", "html_url": "https://github.com/o/r/pull/2"},
        "repository": {"full_name": "o/r", "html_url": "https://github.com/o/r"},
        "sender": {"login": "ada"},
    });
    let facts = of("github", "pull_request", &payload);
    assert_eq!(facts.actor.as_deref(), Some("ada"));
    assert_eq!(facts.title.as_deref(), Some("HEL-42: Explain"));
    assert_eq!(facts.body_text.as_deref(), Some("Fixes HEL-42"));
    assert_eq!(facts.subject.as_deref(), Some("github:o/r#2"));
    assert_eq!(facts.url.as_deref(), Some("https://github.com/o/r/pull/2"));
    payload["comment"] = json!({"body": "Looks good", "html_url": "https://github.com/o/r/pull/2#discussion_r1"});
    let facts = of("github", "pull_request_review_comment", &payload);
    assert_eq!(facts.body_text.as_deref(), Some("Looks good"), "the description was written in an earlier event");
    assert_eq!(facts.url.as_deref(), Some("https://github.com/o/r/pull/2#discussion_r1"));
}

#[test]
fn a_push_is_its_commits() {
    let sha = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
    let payload = json!({
        "ref": "refs/heads/main",
        "head_commit": {"id": sha, "message": "Second\n\nwith details"},
        "commits": [{"message": "First"}, {"message": "Second\n\nwith details"}],
        "repository": {"full_name": "o/r"},
        "pusher": {"name": "ada"},
    });
    let facts = of("github", "push", &payload);
    assert_eq!(facts.title.as_deref(), Some("Second"));
    assert_eq!(facts.body_text.as_deref(), Some("First\n\nSecond\n\nwith details"));
    assert_eq!(facts.subject, Some(format!("commit:{sha}")));
    assert_eq!(facts.actor.as_deref(), Some("ada"));
}

#[test]
fn what_is_no_pull_request_is_about_the_most_exact_thing_that_it_shows() {
    let sha = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
    let commit = format!("commit:{sha}");
    for (event_type, mut payload, expected) in [
        ("check_run", json!({"check_run": {"head_sha": sha, "deployment": {"id": 7}}, "deployment": {"id": 7, "sha": sha}}), &*commit),
        ("deployment_status", json!({"deployment": {"id": 7, "sha": sha}, "workflow_run": {"head_sha": sha}}), "deployment:github/7"),
        ("commit_comment", json!({"comment": {"commit_id": sha}}), &commit),
        ("status", json!({"sha": "a0b1c2"}), "o/r"),
        ("release", json!({"release": {"tag_name": "v1"}}), "release:o/r@v1"),
        ("create", json!({"ref": "v1", "ref_type": "tag"}), "release:o/r@v1"),
        ("delete", json!({"ref": "a/b", "ref_type": "branch"}), "branch:o/r@a/b"),
        ("push", json!({"ref": "refs/heads/main", "head_commit": null}), "branch:o/r@main"),
        ("push", json!({"ref": "refs/tags/v1", "head_commit": null}), "release:o/r@v1"),
        ("workflow_dispatch", json!({"ref": "refs/pull/7/merge"}), "o/r"),
        ("discussion", json!({"discussion": {"number": 3}}), "github:o/r#3"),
        ("milestone", json!({"milestone": {"number": 3}}), "o/r milestone 3"),
        ("dependabot_alert", json!({"alert": {"number": 3}}), "o/r alert 3"),
        ("star", json!({}), "o/r"),
    ] {
        payload["repository"] = json!({"full_name": "o/r"});
        assert_eq!(of("github", event_type, &payload).subject.as_deref(), Some(expected), "{event_type}");
    }
}

#[test]
fn a_linear_comment_is_about_its_issue() {
    let payload = json!({
        "action": "create",
        "actor": null,
        "data": {"body": "I'll take it", "user": {"name": "Ada"}, "issue": {"title": "README", "url": "https://linear.app/acme/issue/HEL-42/readme"}},
        "url": "https://linear.app/acme/issue/HEL-42/readme#comment-1",
    });
    let facts = of("linear", "Comment", &payload);
    assert_eq!(facts.subject.as_deref(), Some("linear:HEL-42"));
    assert_eq!(facts.title.as_deref(), Some("README"));
    assert_eq!(facts.actor.as_deref(), Some("Ada"));
    assert_eq!(facts.body_text.as_deref(), Some("I'll take it"));
    assert_eq!(issue_identifier("Comment", Document::from(json!({"url": "https://linear.app/acme/project/first-3f9c"})).root()), None);
}

#[test]
fn linear_events_without_data_are_about_their_issue_and_projects_are_no_issues() {
    let issue = json!({"identifier": "HEL-42", "title": "README"});
    for (event_type, payload) in [
        ("IssueSLA", json!({"issueData": issue})),
        ("AgentSessionEvent", json!({"agentSession": {"id": "s", "issue": issue}})),
        ("AppUserNotification", json!({"notification": {"type": "issueMention", "issue": issue}})),
        ("Issue", json!({"data": issue})),
    ] {
        let facts = of("linear", event_type, &payload);
        assert_eq!((facts.subject.as_deref(), facts.title.as_deref()), (Some("linear:HEL-42"), Some("README")), "{event_type}");
    }
    for event_type in ["Project", "Initiative"] {
        let facts = of("linear", event_type, &json!({"data": {"identifier": "P-12", "name": "First steps"}}));
        assert_eq!((facts.subject.as_deref(), facts.title.as_deref()), (Some("First steps"), Some("First steps")), "{event_type}");
    }
}

#[test]
fn slack_events_are_about_a_message() {
    let changed = json!({"event": {
        "type": "message", "subtype": "message_changed", "channel": "C1", "ts": "9.9",
        "message": {"user": "U1", "ts": "1.1", "text": "Better words", "files": [{"name": "plan.pdf"}]},
        "previous_message": {"user": "U1", "ts": "1.1", "text": "Words"},
    }});
    let facts = of("slack", "message", &changed);
    assert_eq!(facts.subject.as_deref(), Some("slack:C1/1.1"));
    assert_eq!(facts.title.as_deref(), Some("Better words"));
    assert_eq!(facts.body_text.as_deref(), Some("Better words\n\nplan.pdf"));
    assert_eq!(facts.actor.as_deref(), Some("U1"));

    let reaction = json!({"event": {"type": "reaction_added", "user": "U2", "reaction": "eyes", "item": {"channel": "C1", "ts": "1.1"}}});
    let facts = of("slack", "reaction_added", &reaction);
    assert_eq!((facts.title.as_deref(), facts.subject.as_deref()), (Some(":eyes:"), Some("slack:C1/1.1")));

    let joined = of("slack", "team_join", &json!({"event": {"type": "team_join", "user": {"id": "U4"}}}));
    assert_eq!(joined.subject.as_deref(), Some("person:slack/U4"));

    let command = json!({"command": "/deploy", "text": "staging", "channel_id": "C2", "user_id": "U3"});
    let facts = of("slack", "slash_command", &command);
    assert_eq!((facts.title.as_deref(), facts.subject.as_deref(), facts.actor.as_deref()), (Some("/deploy staging"), Some("C2"), Some("U3")));
}

#[test]
fn own_events_may_say_how_urgent_they_are() {
    let payload = json!({"event_type": "incident", "priority": "High", "payload": {"title": "Down", "notes": ["disk full", "on it"], "n": 7}});
    let facts = of("custom", "incident", &payload);
    assert_eq!(facts.priority, Priority::High);
    assert_eq!(facts.title.as_deref(), Some("Down"));
    assert_eq!(facts.body_text.as_deref(), Some("disk full\non it\nDown"));
    let nested = of("custom", "incident", &json!({"payload": {"incident": {"id": "inc-1", "name": "Late"}}}));
    assert_eq!((nested.title.as_deref(), nested.subject.as_deref()), (Some("Late"), Some("inc-1")));
    assert_eq!(of("custom", "x", &json!({"priority": "urgent!!"})).priority, Priority::Normal);
    let deployed = of("deployment", "deployment", &json!({"deployment_id": "d1", "environment": "production", "status": "success"}));
    assert_eq!((deployed.title.as_deref(), deployed.subject.as_deref()), (Some("production: success"), Some("deployment:d1")));
}

#[test]
fn what_is_not_an_object_has_no_facts() {
    for value in [json!(null), json!([1]), json!("text"), json!({"pull_request": 7, "repository": [], "event": "x", "data": null})] {
        for source in ["github", "linear", "slack", "deployment"] {
            let facts = of(source, "x", &value);
            assert_eq!(facts, Facts::default(), "{source} {value}");
        }
    }
}

#[test]
fn a_long_first_line_is_cut_between_characters() {
    let long = "é".repeat(500);
    let cut = excerpt(&format!("\n  {long}\nnext")).expect("has a line");
    assert_eq!(cut.chars().count(), EXCERPT_CHARS + 1);
    assert!(cut.ends_with('…'));
    assert_eq!(excerpt(" \n "), None);
}
