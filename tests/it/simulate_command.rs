//! `hooklake simulate` sends to a running server, keeps files that can be checked, and says what became of it.

use std::collections::{BTreeMap, HashMap};
use std::future::IntoFuture;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
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

/// A server that takes each delivery on the second try, and none when it is `closed`: the first time it is busy, or its answer
/// breaks off. Returns its address, and how often each body came.
async fn moody(closed: bool) -> (String, Arc<Mutex<HashMap<Bytes, usize>>>) {
    let seen = Arc::<Mutex<HashMap<Bytes, usize>>>::default();
    let came = Arc::clone(&seen);
    let answer = async move |body: Bytes| {
        let (count, bodies) = {
            let mut seen = came.lock().expect("a lock");
            let count = *seen.entry(body.clone()).and_modify(|count| *count += 1).or_insert(1);
            (count, seen.len())
        };
        // Nothing breaks off before anything was answered: that would be an address without a server.
        match count {
            1 if !closed && bodies > 50 && bodies.is_multiple_of(2) => {
                let broken = futures::stream::iter([Ok("{"), Err(std::io::Error::other("broken off"))]);
                (StatusCode::OK, [(RETRY_AFTER, "0")], Body::from_stream(broken))
            }
            2 if !closed => (StatusCode::OK, [(RETRY_AFTER, "0")], Body::from(r#"{"success":true}"#)),
            _ => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "0")], Body::from("busy")),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(axum::serve(listener, axum::Router::new().fallback(answer)).into_future());
    (address, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_busy_server_refuses_comes_again() {
    let db = TestDatabase::new().await;
    for (closed, patience, code) in [(false, "60", Some(0)), (true, "0", Some(1))] {
        let (url, seen) = moody(closed).await;
        let given = ["--url", &url, "--token", "t", "--patience", patience];
        let (exit, counts, said) = tokio::task::block_in_place(|| simulate(&mut command(&db), &given));
        let (all, none) = (counts["deliveries"], 0);
        let expected = if closed { (none, all, none) } else { (all, none, all) };
        assert_eq!((exit, (counts["accepted"], counts["refused"], counts["sent again"])), (code, expected), "{said}");
        let times = if closed { 1 } else { 2 };
        assert!(seen.lock().expect("a lock").values().all(|count| *count == times), "each comes until it is taken, and no more");
    }
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
