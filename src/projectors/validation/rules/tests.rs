//! How rules are chosen and what they say of a payload.

use serde_json::json;

use super::*;
use crate::domain::json::Document;

#[test]
fn every_default_rule_compiles() {
    let rules: Vec<Rule> = serde_json::from_str(DEFAULTS).expect("reads");
    assert!(rules.len() >= 10);
    for rule in rules {
        RuleChange::Set(rule.clone()).check().unwrap_or_else(|error| panic!("{}: {error}", rule.name));
    }
    assert!(BROUGHT.values().all(|held| held.usable().is_some()));
}

#[test]
fn a_change_reads_as_written() {
    let change: RuleChange = serde_json::from_value(json!({
        "action": "set", "name": "mine", "source": "custom", "event_type": "custom_event",
        "schema": {"type": "object", "required": ["action", "custom_data"], "properties": {"action": {"type": "string"}, "custom_data": {"type": "object"}}},
    }))
    .expect("reads");
    change.check().expect("can be used");
    let RuleChange::Set(rule) = change else { panic!("a rule was set") };
    let schema = compile(&rule.schema).expect("compiles");
    assert_eq!(errors(&schema, Document::from(json!({"action": "x", "custom_data": {}})).root()), Vec::<String>::new());
    let found = errors(&schema, Document::from(json!({"action": 7, "custom_data": {}})).root());
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("/action: "), "{found:?}");
    assert!(serde_json::from_value::<RuleChange>(json!({"action": "remove", "name": "mine"})).is_ok());
}

#[test]
fn schemas_that_cannot_be_used_are_refused() {
    for schema in [json!({"type": 7}), json!({"$ref": "https://example.com/schema.json"}), json!({"$ref": "file:///etc/passwd"}), json!({"pattern": "("})] {
        let rule = Rule { name: "x".to_owned(), source: all(), event_type: all(), schema };
        assert!(RuleChange::Set(rule.clone()).check().is_err(), "{rule:?}");
    }
    assert!(RuleChange::Remove { name: String::new() }.check().is_err());
}

#[test]
fn errors_do_not_repeat_the_payload() {
    let schema = compile(&json!({"properties": {"secret": {"type": "integer"}}})).expect("compiles");
    let found = errors(&schema, Document::from(json!({"secret": "hunter2".repeat(100)})).root());
    assert_eq!(found.len(), 1);
    assert!(!found[0].contains("hunter2"), "{found:?}");
}
