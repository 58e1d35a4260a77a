//! What a document says is what a tree of the same text says.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;

const SOUND: [&str; 12] = [
    "null",
    "[]",
    "{}",
    " [ ] ",
    r#""a""#,
    r#""a\n\u00e9\ud83d\ude00é""#,
    "[1,-1,0,-0,1.5,1e3,9223372036854775807,-9223372036854775808,9223372036854775808,18446744073709551615]",
    r#"{"a":[{"b":{}},[],[[]]],"":1,"c\t":{"d":"e\"f"},"z":null,"b":[true,false]}"#,
    r#"[{"a":1},{"a":2},{"a":{"a":3}}]"#,
    "{\"a\":\"\u{7f}\u{2028}😀\",\"😀\":1}",
    "[[[[[[[[1]]]]]]],2]",
    r#"{"one":1,"two":{"one":1},"three":[{"one":1,"two":2}]}"#,
];

fn read(text: &str) -> Document {
    Document::read(Bytes::copy_from_slice(text.as_bytes())).unwrap_or_else(|error| panic!("{text}: {error}")).document
}

/// Every way to ask, at every place.
fn same(json: Json<'_>, value: &Value) {
    assert_eq!(json.as_str(), value.as_str(), "{value}");
    assert_eq!(json.as_bool(), value.as_bool(), "{value}");
    assert_eq!(json.as_i64(), value.as_i64(), "{value}");
    assert_eq!(json.as_f64(), value.as_f64(), "{value}");
    assert_eq!(json.is_null(), value.is_null(), "{value}");
    assert_eq!(json.is_number(), value.is_number(), "{value}");
    assert_eq!(json.is_list(), value.is_array(), "{value}");
    assert_eq!(json.is_object(), value.is_object(), "{value}");
    assert_eq!(json.items().count(), value.as_array().map_or(0, Vec::len), "{value}");
    for (item, other) in json.items().zip(value.as_array().into_iter().flatten()) {
        same(item, other);
    }
    assert_eq!(json.members().count(), value.as_object().map_or(0, serde_json::Map::len), "{value}");
    for (name, member) in json.members() {
        same(member, &value[name]);
        same(json.get(name).expect("the member of its own name"), &value[name]);
    }
    assert!(json.get("absent").is_none());
    assert_eq!(Value::from(json), *value);
    assert_eq!(serde_json::from_str::<Value>(&json.to_string()).expect("JSON"), *value);
}

#[test]
fn a_document_says_what_a_tree_says() {
    for text in SOUND {
        same(read(text).root(), &serde_json::from_str(text).expect(text));
    }
}

#[test]
fn pointers_lead_where_those_of_a_tree_do() {
    let text = r#"{"a":[{"b":{"c":"d"}},[1,2]],"e":{"0":"f"}}"#;
    let (document, value) = (read(text), serde_json::from_str::<Value>(text).expect("JSON"));
    for pointer in ["", "/a", "/a/0/b/c", "/a/1/1", "/a/2", "/a/x", "/a/-1", "/e/0", "/e/0/g", "/x/y", "/a/0/b/c/d"] {
        assert_eq!(document.root().at(pointer).map(Value::from), value.pointer(pointer).cloned(), "{pointer}");
    }
}

#[test]
fn the_last_of_two_members_counts_wherever_they_are() {
    let twice = [
        (r#"{"a":1,"a":2}"#, json!({"a": 2})),
        (r#"{"a":1,"b":{"c":1,"d":[{"e":1,"\u0065":{"f":3}}]}}"#, json!({"a": 1, "b": {"c": 1, "d": [{"e": {"f": 3}}]}})),
        (r#"[{"long_name_of_a_member":1,"x":0,"long_name_of_a_member":2}]"#, json!([{"long_name_of_a_member": 2, "x": 0}])),
    ];
    for (text, last) in twice {
        let read = Document::read(Bytes::copy_from_slice(text.as_bytes())).expect(text);
        assert!(read.duplicate_keys, "{text}");
        same(read.document.root(), &last);
    }
    // What the reader of trees would take for JSON within a text.
    let name = "$serde_json::private::RawValue";
    let text = format!(r#"{{"a":1,"a":2,"x":{{"{name}":"{{\"b\":1}}"}},"y":{{"{name}":1}}}}"#);
    let read = Document::read(Bytes::from(text)).expect("JSON").document;
    assert_eq!(read.root().at("/x").and_then(|x| x.get(name)).and_then(Json::as_str), Some(r#"{"b":1}"#));
    assert_eq!(read.root().at("/y").and_then(|y| y.get(name)).and_then(Json::as_i64), Some(1));
    for text in SOUND {
        assert!(!Document::read(Bytes::copy_from_slice(text.as_bytes())).expect(text).duplicate_keys, "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for text in ["", " ", "{", "[1,]", "{\"a\"}", "{a:1}", "{} {}", "\"\\ud83d\"", "tru", "1e400", "\"\n\"", "{1:2}"] {
        assert!(Document::read(Bytes::copy_from_slice(text.as_bytes())).is_err(), "{text:?}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text:?}");
    }
    assert!(Document::read(Bytes::from_static(b"\"\xff\"")).is_err());
}
