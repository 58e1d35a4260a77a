//! Where in a message or a Markdown text words count.

use super::*;

#[test]
fn what_apps_say_in_attachments_and_blocks_counts() {
    let message = json!({"event": {
        "type": "message", "subtype": "bot_message", "channel": "C1", "ts": "1.2", "text": "Build failed",
        "attachments": [
            {"title": "#7", "title_link": "https://github.com/o/r/pull/7", "text": "for HEL-1", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<https://github.com/o/r/pull/8|8>"}}]},
            {"from_url": "https://example.com/a", "title": "HEL-99", "text": "somebody else's words"},
        ],
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "HEL-2"}, "fields": [{"type": "mrkdwn", "text": "HEL-3"}], "accessory": {"type": "button", "url": "https://github.com/o/r/pull/9"}},
            {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://github.com/o/r/pull/10"}]},
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "link", "url": "https://github.com/o/r/pull/11"}, {"type": "text", "text": "HEL-4"}]}]},
        ],
    }});
    let found = findings_of("slack", "message", &message);
    let mut named: Vec<_> = found.links.iter().map(|link| link.related.key.as_str()).collect();
    named.sort_unstable();
    let pulls = ["github:o/r#10", "github:o/r#11", "github:o/r#7", "github:o/r#8", "github:o/r#9"];
    assert_eq!(named, [&pulls[..], &["linear:HEL-1", "linear:HEL-2", "linear:HEL-3", "linear:HEL-4"][..]].concat());
    let button = found.links.iter().find(|link| link.related.key == "github:o/r#10").expect("the button's");
    assert_eq!(button.evidence.field, "event.blocks.1.elements.0.url");
}

#[test]
fn what_nobody_sees_of_a_text_names_nothing() {
    let body = "<!-- e.g. Closes #123, HEL-1 -->\nFixes #7\n```\nHEL-2 closes #8\n```\n~~~ text\nHEL-3\n~~~\nÜ HEL-4\n<!-- HEL-5";
    let payload = json!({"pull_request": {"number": 45, "title": "x", "body": body}, "repository": {"full_name": "o/r"}});
    let found = findings_of("github", "pull_request", &payload);
    let mut named: Vec<_> = found.links.iter().map(|link| link.related.key.as_str()).collect();
    named.sort_unstable();
    assert_eq!(named, ["github:o/r#7", "linear:HEL-4"]);
    let last = found.links.iter().find(|link| link.related.key == "linear:HEL-4").expect("named");
    let at: String = body.chars().skip(last.evidence.start).take(last.evidence.end - last.evidence.start).collect();
    assert_eq!(at, "HEL-4", "places are those of the text as it was written");
    let issue = json!({"data": {"identifier": "HEL-9", "description": "```\nHEL-2\n```\nlike HEL-4"}});
    assert_eq!(links("linear", "Issue", &issue).len(), 1);
}

#[test]
fn what_is_taken_off_an_issue_gives_no_evidence() {
    let event = |action: &str, issue: &Value| {
        let data = json!({"id": "x", "issueId": "uuid-1", "issue": issue, "title": "HEL-7: Explain", "url": "https://github.com/o/r/pull/42"});
        findings_of("linear", "Attachment", &json!({"type": "Attachment", "action": action, "data": data}))
    };
    for issue in [json!(null), json!({"id": "uuid-1", "identifier": "HEL-42"})] {
        let (attached, removed) = (event("create", &issue), event("remove", &issue));
        assert_eq!((attached.links.len() + attached.mentions.len(), removed.links, removed.mentions), (1, vec![], vec![]), "{issue}");
        assert!(!removed.subjects.is_empty(), "it is an event about the two");
    }
    let relation = |action: &str| {
        let data = json!({"type": "related", "issueId": "a", "issue": {"id": "a", "identifier": "HEL-1"}, "relatedIssueId": "b"});
        mentions("linear", "IssueRelation", &json!({"action": action, "data": data}))
    };
    assert_eq!((relation("create").len(), relation("remove").len()), (1, 0));
}

#[test]
fn code_names_nothing() {
    for (text, expected) in [
        ("`HEL-2` is not HEL-4, ``a ` HEL-3`` and `` HEL-5 ``", vec!["linear:HEL-4"]),
        ("it's a ` and HEL-4", vec!["linear:HEL-4"]),
        ("```HEL-2``` on one line\nHEL-4", vec!["linear:HEL-4"]),
        ("````md\n```\nHEL-2\n```\nHEL-3\n````\nHEL-4", vec!["linear:HEL-4"]),
        ("1. so:\n     ```sh\n     HEL-2\n     ```\n2. HEL-4", vec!["linear:HEL-4"]),
        ("- ~~~\n  HEL-2\n  ~~~\n> ```\n> HEL-3\n> ```\nHEL-4\n```\nHEL-5", vec!["linear:HEL-4"]),
        ("<HEL-4>, a~b <<!-- HEL-2 --> ~~HEL-5~~", vec!["linear:HEL-4", "linear:HEL-5"]),
        ("ü `ü HEL-2`\r\n```\r\nHEL-3\r\n```\r\nHEL-4", vec!["linear:HEL-4"]),
    ] {
        let seen = words::shown(text);
        assert_eq!(named(&seen), expected, "{text}");
        assert_eq!((seen.chars().count(), seen.lines().count()), (text.chars().count(), text.lines().count()), "{text}");
    }
}

#[test]
fn what_is_closed_may_be_named_by_its_address() {
    let payload = |title: &str, body: &str| {
        let payload = json!({"pull_request": {"number": 45, "title": title, "body": body}, "repository": {"full_name": "o/r"}});
        let mut links = findings_of("github", "pull_request", &payload).links;
        links.sort_by(|one, other| one.related.key.cmp(&other.related.key));
        links.into_iter().map(|link| format!("{} {} {}", link.rule, link.related.key, link.evidence.text)).collect::<Vec<_>>()
    };
    for (body, expected) in [
        ("Fixes https://github.com/o/r/issues/7.", "closing_keyword github:o/r#7 Fixes https://github.com/o/r/issues/7"),
        ("resolves: <https://github.com/o/other/issues/7>", "closing_keyword github:o/other#7 resolves: <https://github.com/o/other/issues/7"),
        ("Closes https://linear.app/a/issue/HEL-7/x", "closing_keyword linear:HEL-7 Closes https://linear.app/a/issue/HEL-7"),
        ("See https://github.com/o/r/issues/7", "reference_in_body github:o/r#7 https://github.com/o/r/issues/7"),
        ("HTTPS://GitHub.com/o/r/issues/7", "reference_in_body github:o/r#7 HTTPS://GitHub.com/o/r/issues/7"),
    ] {
        assert_eq!(payload("x", body), [expected], "{body}");
    }
    // It would be an identifier of Linear if a team GH existed.
    assert_eq!(payload("x", "Closes GH-7")[0], "closing_keyword github:o/r#7 Closes GH-7");
    // A pull request is not closed by a word; its address is a reference.
    assert_eq!(payload("x", "Fixes https://github.com/o/r/pull/7"), ["reference_in_body github:o/r#7 https://github.com/o/r/pull/7"]);
    for closed in ["Fixing HEL-7", "completes: HEL-7", "implementing **HEL-7**", "Closes [HEL-7](https://example.com)"] {
        let payload = json!({"pull_request": {"number": 45, "title": "x", "body": closed}, "repository": {"full_name": "o/r"}});
        let findings = findings_of("github", "pull_request", &payload);
        assert!(findings.links.iter().any(|link| link.related.key == "linear:HEL-7" && link.confidence >= 1.0), "{closed}: {:?}", findings.links);
    }
}

#[test]
fn a_server_of_ones_own_is_known_by_its_addresses() {
    let own = "https://github.acme.example/o/r";
    let opened = json!({"pull_request": {"number": 45, "title": "x", "html_url": format!("{own}/pull/45")}, "repository": {"full_name": "o/r"}});
    let asked = json!({"issue": {"number": 7, "title": "x", "html_url": format!("{own}/issues/7")}, "repository": {"full_name": "o/r"}});
    let explained = |event_type: &str, payload: &Value| {
        let findings = findings_of("github", event_type, payload);
        findings.aliases.into_iter().map(|alias| (alias.alias, alias.subject.key)).collect::<Vec<_>>()
    };
    assert_eq!(explained("pull_request", &opened), [("url:github.acme.example/o/r/pull/45".to_owned(), "github:o/r#45".to_owned())]);
    assert_eq!(explained("issues", &asked), [("url:github.acme.example/o/r/issues/7".to_owned(), "github:o/r#7".to_owned())]);
    let named = format!("<{own}/pull/45#discussion_r1|o/r#45>, {own}/issues/7.");
    let expected =
        ["github:o/r#45", "url:github.acme.example/o/r/issues/7", "url:github.acme.example/o/r/pull/45"].map(|alias| link("message_to", "slack:C1/1.2", alias));
    assert_eq!(mentions("slack", "message", &said(&named)), expected);
    // At github.com an address says it itself.
    let opened = json!({"pull_request": {"number": 45, "title": "x", "html_url": "https://github.com/o/r/pull/45"}, "repository": {"full_name": "o/r"}});
    assert_eq!(explained("pull_request", &opened), []);
}
