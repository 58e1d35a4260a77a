//! `hooklake simulate` sends to a running server, keeps files that can be checked, and says what became of it.

use std::collections::BTreeMap;
use std::process::Command;

use hooklake::simulate::{Organisation, Settings};
use serde_json::Value;

use crate::harness::process::command;
use crate::harness::{TestApp, TestDatabase, github_signature};

const SIZE: [&str; 8] = ["simulate", "--people", "9", "--repos", "2", "--days", "2", "--output"];

/// Runs it; its exit code, what it counted, and what it said beside.
fn simulate(command: &mut Command, more: &[&str]) -> (Option<i32>, BTreeMap<String, u64>, String) {
    let output = command.args(SIZE).arg("json").args(more).output().expect("the binary runs");
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let counts = rows.iter().map(|row| (row["what"].as_str().expect("a name").to_owned(), row["count"].as_u64().expect("a count"))).collect();
    (output.status.code(), counts, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_acknowledged_once_and_known_afterwards() {
    let app = TestApp::start().await;
    let url = app.url("/");
    let send = |secret: Option<&str>, more: &[&str]| {
        let mut command = command(&app.db);
        if let Some(secret) = secret {
            command.env("GITHUB_WEBHOOK_SECRET", secret);
        }
        let given = ["--url", &url, "--token", &app.token].iter().chain(more).copied().collect::<Vec<_>>();
        tokio::task::block_in_place(|| simulate(&mut command, &given))
    };
    let (code, counts, said) = send(None, &[]);
    assert_eq!((code, counts["refused"], counts["known already"]), (Some(0), 0, 0), "{said}");
    assert!(counts["deliveries"] > 100 && counts["accepted"] == counts["deliveries"], "{counts:?}");
    let stored = app.db.number("SELECT count(*) FROM log.envelopes").await;
    assert_eq!(stored, counts["accepted"] as i64);

    let (code, again, _) = send(None, &[]);
    assert_eq!((code, again["known already"], again["accepted"]), (Some(0), counts["deliveries"], 0));

    let (code, refused, said) = send(Some("another"), &["--seed", "5"]);
    assert_eq!((code, refused["refused"]), (Some(1), refused["deliveries of github"]));
    assert!(refused["refused"] > 0 && said.contains("401"), "{said}");
    app.stop().await;
}

#[tokio::test]
async fn what_is_kept_is_signed_and_comes_with_its_truth() {
    let db = TestDatabase::new().await;
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("made");
    let (code, counts, said) = simulate(&mut command(&db), &["--out", out.to_str().expect("a path")]);
    assert_eq!(code, Some(0), "{said}");

    let text = std::fs::read_to_string(out.join("deliveries.ndjson")).expect("deliveries");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let mut organisation = Organisation::new(&Settings { people: 9, repos: 2, days: 2, ..Settings::default() });
    let made: Vec<_> = organisation.by_ref().collect();
    assert_eq!((lines.len(), counts["deliveries"]), (made.len(), made.len() as u64));
    for (line, one) in lines.iter().zip(&made) {
        assert_eq!(line["body"], one.delivery.body);
        if line["path"] == "/webhook/github" {
            assert_eq!(line["headers"]["X-Hub-Signature-256"], github_signature(one.delivery.body.as_bytes()));
        }
    }
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(out.join("truth.json")).expect("the truth")).expect("JSON");
    assert_eq!(truth, serde_json::to_value(organisation.take_truth()).expect("JSON"));
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let db = TestDatabase::new().await;
    for (more, words) in [
        (&["--url", "http://127.0.0.1:1"][..], "--token"),
        (&["--url", "http://127.0.0.1:1", "--token", "t"], "http://127.0.0.1:1 does not answer"),
        (&["--duplicates", "2"], "between 0 and 1"),
    ] {
        let (code, _, said) = simulate(&mut command(&db), more);
        assert!(code != Some(0) && said.contains(words), "{words}: {said}");
    }
    let (_, _, said) = simulate(command(&db).env_remove("SLACK_SIGNING_SECRET"), &["--out", "made"]);
    assert!(said.contains("SLACK_SIGNING_SECRET"), "{said}");
}
