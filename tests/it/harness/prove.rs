//! A log with a tree, and the commands that prove it.

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};

use super::process::command;
use super::{TestApp, TestDatabase, examples};

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn run(db: &TestDatabase, arguments: &[&str]) -> Output {
    command(db).args(arguments).output().expect("the binary runs")
}

/// `hooklake verify` with these arguments: its exit code, and what it says.
pub fn verify(db: &TestDatabase, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(db, &[&["verify", "--output", "json"], arguments].concat());
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| json!({ "stderr": text(&output.stderr) }));
    (output.status.code(), said)
}

/// Signs a checkpoint; returns its file.
pub fn checkpoint(db: &TestDatabase) -> PathBuf {
    let output = run(db, &["checkpoint"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let kept = std::fs::read_to_string(db.directory.path().join("checkpoints/latest")).expect("it is kept");
    assert_eq!(kept, text(&output.stdout));
    let size: u64 = kept.lines().nth(1).and_then(|line| line.parse().ok()).expect("a size");
    db.directory.path().join(format!("checkpoints/{size:019}.checkpoint"))
}

/// A log with 60 real envelopes in 6 or more batches, and its tree.
pub async fn filled() -> TestDatabase {
    let app = TestApp::start_with(&[("HOOKLAKE_PROOF_CHECKPOINT_EVERY_SECONDS", "0")]).await;
    for part in examples()[..60].chunks(10) {
        app.send(part).await;
    }
    app.caught_up().await;
    app.stop().await
}

/// Grows the log by ten envelopes.
pub async fn grown(db: TestDatabase) -> TestDatabase {
    let app = TestApp::start_on(db, &[("HOOKLAKE_PROOF_CHECKPOINT_EVERY_SECONDS", "0")]).await;
    app.send(&examples()[60..70]).await;
    app.caught_up().await;
    app.stop().await
}
