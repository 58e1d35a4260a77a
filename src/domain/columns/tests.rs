//! Values that fit their columns, and columns that have one name each.

use std::collections::HashSet;

use serde_json::json;

use super::super::json::Document;
use super::*;

#[test]
fn a_table_names_each_column_once() {
    for columns in [github::COLUMNS, linear::COLUMNS, slack::COLUMNS, deployment::COLUMNS] {
        let mut names = HashSet::new();
        assert!(columns.iter().all(|column| names.insert(column.0)), "{columns:?}");
    }
}

#[test]
fn odd_times_are_none_and_named() {
    let value = Document::from(json!({
        "good": "2026-11-17T10:00:21Z", "offset": "2026-11-17T10:00:21.5+09:00", "millis": 1_794_819_731_482_i64,
        "zero": "0000-01-01T00:00:00Z", "far": 1e15 as i64, "farther": i64::MAX, "words": "yesterday", "list": [], "null": null,
        "leap": "2016-12-31T23:59:60Z", "last": "9999-12-31T23:59:59Z",
    }));
    let value = value.root();
    for pointer in ["/good", "/offset", "/millis", "/leap", "/last"] {
        assert!(time_at(value, pointer).is_some(), "{pointer}");
    }
    let none = ["/zero", "/far", "/farther", "/words", "/list", "/null", "/absent"];
    for pointer in none {
        assert_eq!(time_at(value, pointer), None, "{pointer}");
    }
    assert_eq!(odd(value, &none, |found| time(found).is_some()), ["zero", "far", "farther", "words", "list"]);
    assert_eq!(odd(value, &["/good"], |found| time(found).is_some()), [""; 0]);
}

#[test]
fn days_are_read_as_they_are_written() {
    assert_eq!(day(Document::from(json!("2026-02-28")).root()).map(|day| day.to_string()).as_deref(), Some("2026-02-28"));
    for odd in [json!("2026-02-30"), json!("soon"), json!("2026-02-28T00:00:00Z"), json!("12026-02-28"), json!(7), json!(null)] {
        assert_eq!(day(Document::from(odd.clone()).root()), None, "{odd}");
    }
}

#[test]
fn whole_numbers_however_written() {
    let value = Document::from(json!({"a": 2, "b": 2.0, "c": 2.5, "d": u64::MAX, "e": "2", "f": 1e300}));
    let value = value.root();
    assert_eq!(["/a", "/b", "/c", "/d", "/e", "/f"].map(|pointer| whole(value, pointer)), [Some(2), Some(2), None, None, None, None]);
}

#[test]
fn keys_are_bounded() {
    let long = "é".repeat(300);
    assert_eq!(key(Some(&long)), None);
    assert_eq!(cut(&long).chars().count(), 256);
    assert_eq!(key(Some("HEL-42")), Some("HEL-42"));
}

#[test]
fn lists_leave_out_what_is_not_text() {
    let value = Document::from(json!({"labels": [{"name": "bug"}, {"name": 7}, {}, null, "x", {"name": "docs ✍️"}], "ids": ["a", 1, null, "b"], "none": 3}));
    let value = value.root();
    assert_eq!(named(value, "/labels", "name"), ["bug", "docs ✍️"]);
    assert_eq!(texts(value, "/ids"), ["a", "b"]);
    assert_eq!(texts(value, "/none"), [""; 0]);
}
