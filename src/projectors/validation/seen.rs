//! As much of a payload as a schema looks at: validation works on trees, and most of a payload is never looked at.

use serde_json::{Map, Value};

use crate::domain::Json;

/// What a schema may say about an object or a list for it to be known what it looks at. All else may look at anything.
const KNOWN: [&str; 7] = ["$schema", "title", "description", "type", "required", "properties", "items"];

/// A payload of which a schema says just what it says of the whole.
pub(super) fn seen_by(schema: &Value, payload: Json<'_>) -> Value {
    let Some(known) = schema.as_object().filter(|schema| schema.keys().all(|keyword| KNOWN.contains(&keyword.as_str()))) else {
        return payload.into();
    };
    if payload.is_list() {
        return payload.items().map(|item| known.get("items").map_or(Value::Null, |schema| seen_by(schema, item))).collect();
    }
    if !payload.is_object() {
        return payload.into();
    }
    let properties = known.get("properties").and_then(Value::as_object);
    let required = known.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut seen: Map<String, Value> = required.filter(|name| payload.get(name).is_some()).map(|name| (name.to_owned(), Value::Null)).collect();
    for (name, schema) in properties.into_iter().flatten() {
        if let Some(value) = payload.get(name) {
            seen.insert(name.clone(), seen_by(schema, value));
        }
    }
    Value::Object(seen)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::json::Document;

    #[test]
    fn what_a_schema_does_not_name_is_left_out() {
        let payload = Document::from(json!({"a": {"b": 1, "c": [1, 2]}, "d": [{"e": "f", "g": 1}, 7], "h": {"i": 1}, "j": null}));
        let seen = |schema: Value| seen_by(&schema, payload.root());
        let object = json!({"type": "object", "required": ["h", "x"], "properties": {"a": {"properties": {"b": {"const": 1}}}, "y": {"type": "string"}}});
        assert_eq!(seen(object), json!({"a": {"b": 1}, "h": null}));
        assert_eq!(seen(json!({"properties": {"d": {"items": {"required": ["e"]}}}})), json!({"d": [{"e": null}, 7]}));
        assert_eq!(seen(json!({"properties": {"d": {"type": "array"}}})), json!({"d": [null, null]}));
    }

    #[test]
    fn a_schema_that_may_look_at_anything_is_shown_everything() {
        let whole = json!({"a": {"b": 1}});
        let payload = Document::from(whole.clone());
        for schema in [json!(true), json!({"minProperties": 1}), json!({"type": "object", "additionalProperties": false}), json!({"$ref": "#"})] {
            assert_eq!(seen_by(&schema, payload.root()), whole, "{schema}");
        }
        assert_eq!(seen_by(&json!({"properties": {"a": {"maxProperties": 0}}}), payload.root()), whole);
    }
}
