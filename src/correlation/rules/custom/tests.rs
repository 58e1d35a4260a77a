//! Rules of one's own: what they find, and which are refused.

use serde_json::json;

use super::*;
use crate::domain::json::Document;

fn settings(text: &str) -> Settings {
    toml::from_str(&format!("enabled = true\n{text}")).expect("settings")
}

fn ticket() -> &'static str {
    "[[rules]]\nname = \"ticket\"\nsources = [\"github\"]\nevent_types = [\"pull_request\"]\nfield = \"/pull_request/body\"\n\
     pattern = \"ZD(?<number>[0-9]+)\"\nkind = \"issue\"\nsubject = \"zendesk:${number}\"\n"
}

#[test]
fn a_rule_links_what_an_event_is_about() {
    let rules = Rules::compile(&settings(ticket())).expect("valid");
    let payload = Document::from(json!({"pull_request": {"number": 1, "title": "x", "body": "さくら ZD77"}, "repository": {"full_name": "o/r"}}));
    let findings = rules.find("github", "pull_request", payload.root());
    let link = findings.links.iter().find(|link| link.rule == "ticket").expect("found");
    assert_eq!((link.correlation_type.as_str(), link.subject.key.as_str(), link.related.key.as_str()), ("pr_to_issue", "github:o/r#1", "zendesk:77"));
    let evidence = &link.evidence;
    assert_eq!((evidence.field.as_str(), evidence.text.as_str(), evidence.start, evidence.end), ("pull_request.body", "ZD77", 4, 8));
    for (source, event_type) in [("github", "issues"), ("slack", "pull_request"), ("hooklake", "pull_request")] {
        assert!(rules.find(source, event_type, payload.root()).links.iter().all(|link| link.rule != "ticket"), "{source} {event_type}");
    }
}

#[test]
fn a_rule_says_what_an_event_is_about() {
    let text = "[[rules]]\nname = \"deployed\"\nfield = \"/changes/*/pr\"\npattern = \"^([0-9]+)$\"\nkind = \"pull_request\"\n\
                subject = \"github:o/r#$1\"\nmeans = \"about\"\n";
    let rules = Rules::compile(&settings(text)).expect("valid");
    let findings = rules.find("ci", "shipped", Document::from(json!({"changes": [{"pr": 7}, {"pr": "8"}, {"pr": "x"}, {"pr": null}, 9]})).root());
    assert_eq!(findings.subjects.iter().map(|subject| subject.key.as_str()).collect::<Vec<_>>(), ["github:o/r#7", "github:o/r#8"]);
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason() {
    let long = format!("pattern = \"{}\"", "a".repeat(PATTERN_BYTES_MAX + 1));
    for (from, to, reason) in [
        ("name = \"ticket\"", "name = \"My ticket\"", "a-z"),
        ("/pull_request/body", "pull_request.body", "JSON pointer"),
        ("ZD(?<number>[0-9]+)", "ZD(", "does not compile"),
        ("ZD(?<number>[0-9]+)", "(?<number>[0-9]*)", "empty text"),
        ("ZD(?<number>[0-9]+)", "(?<number>(?:(?:x{100}){100}){100})", "does not compile"),
        ("pattern = \"ZD(?<number>[0-9]+)\"", long.as_str(), "1000 at most"),
        ("kind = \"issue\"", "kind = \"ticket\"", "kind is one of pull_request"),
        ("zendesk:${number}", "${number}", "system in front"),
        ("zendesk:${number}", "zendesk:${id}", "${id}"),
        ("zendesk:${number}", "zendesk:$2", "${2}"),
    ] {
        let text = ticket().replace(from, to);
        assert_ne!(text, ticket(), "{from}");
        let fault = Rules::compile(&settings(&text)).expect_err(to);
        assert!(fault.contains("correlation.rules[0]") && fault.contains(reason), "{fault}");
    }
    let twice = ticket().repeat(2);
    assert!(Rules::compile(&settings(&twice)).expect_err("twice").contains("used twice"));
    let sure = format!("{}confidence = 1.5", ticket());
    assert!(Rules::compile(&settings(&sure)).expect_err("too sure").contains("confidence"));
}

#[test]
fn other_rules_are_another_version() {
    let version = |text: &str| Rules::compile(&settings(text)).expect("valid").version(202);
    let one = version(ticket());
    assert_eq!(Rules::default().version(202), 202);
    assert_eq!(version(ticket()), one);
    let others = [version("rules = []"), version(&ticket().replace("ZD", "ZX")), version(&ticket().replace("zendesk", "other"))];
    assert!(!others.contains(&one) && one > 1 << 30, "{one} {others:?}");
    assert_ne!(Rules::compile(&settings(ticket())).expect("valid").version(203), one, "new code is another version too");
}
