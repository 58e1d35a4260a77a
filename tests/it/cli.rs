//! The command line answers programs: formats, exit codes, and messages that name what is wrong.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::harness::process::command;
use crate::harness::{TestApp, TestDatabase, examples};

fn run(command: &mut Command) -> Output {
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A database with real events that every consumer has seen.
async fn filled() -> TestDatabase {
    let app = TestApp::start().await;
    app.send(&examples()[..40]).await;
    app.caught_up().await;
    app.stop().await
}

#[tokio::test]
async fn answers_come_as_a_table_as_json_and_as_csv() {
    let db = filled().await;
    for arguments in [
        &["sql", "SELECT position, event_type FROM events ORDER BY position LIMIT 2"][..],
        &["status"],
        &["status", "--section", "log"],
        &["status", "--section", "partitions"],
        &["status", "--section", "disk"],
        &["status", "--section", "database"],
        &["sources"],
        &["tail", "--no-follow", "-n", "2"],
        &["search", "source:github"],
    ] {
        let table = run(command(&db).args(arguments));
        assert_eq!(table.status.code(), Some(0), "{arguments:?}: {}", text(&table.stderr));
        assert!(!table.stdout.is_empty());
        let csv = run(command(&db).args(arguments).args(["--output", "csv"]));
        let header = text(&csv.stdout).lines().next().unwrap_or_default().to_owned();
        assert!(header.split(',').count() > 1, "{arguments:?}: {header}");
        let json = text(&run(command(&db).args(arguments).args(["--output", "json"])).stdout);
        // `tail` has no end, so each of its lines is a document.
        let rows: Vec<Value> = serde_json::from_str(&json).unwrap_or_else(|_| json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect());
        assert!(!rows.is_empty() && rows.iter().all(Value::is_object), "{arguments:?}: {json}");
    }
}

#[tokio::test]
async fn what_an_event_says_does_nothing_to_the_terminal() {
    let app = TestApp::start().await;
    let body = r#"{"action":"\u001b]0;x\u0007\u001b[2J","pull_request":{"number":1,"title":"\u001b[2J frogs"},"repository":{"full_name":"o/r"}}"#;
    assert_eq!(app.github("pull_request", "a", body).await.status, 200);
    app.caught_up().await;
    let db = app.stop().await;
    for arguments in [&["tail", "--no-follow", "-n", "1"][..], &["search", "frogs"]] {
        let shown = text(&run(command(&db).args(arguments)).stdout);
        assert!(shown.contains("[2J") && !shown.contains('\u{1b}'), "{arguments:?}: {shown:?}");
    }
}

#[tokio::test]
async fn status_shows_every_part_to_people_and_consumers_to_programs() {
    let db = filled().await;
    let shown = text(&run(command(&db).arg("status")).stdout);
    for part in ["Log\n", "Consumers\n", "Parked: none", "Partitions\n", "Disk\n", "Database\n", "weeks_ahead", "transaction_id_age", "search"] {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
    let rows: Vec<Value> = serde_json::from_slice(&run(command(&db).args(["status", "--output", "json"])).stdout).expect("JSON");
    assert!(rows.len() >= 9 && rows.iter().all(|row| row["consumer"].is_string() && row["lag_events"] == 0), "{rows:?}");
    let log: Vec<Value> = serde_json::from_slice(&run(command(&db).args(["status", "--section", "log", "--output", "json"])).stdout).expect("JSON");
    assert_eq!((&log[0]["head"], &log[0]["weeks_ahead"], &log[0]["partitions"]), (&Value::from(40), &Value::from(4), &Value::from(5)));
}

#[tokio::test]
async fn exit_codes_say_what_happened() {
    let db = filled().await;
    let code = |arguments: &[&str]| run(command(&db).args(arguments)).status.code();
    assert_eq!(code(&["migrate"]), Some(0));
    assert_eq!(code(&["rebuild", "slack_events"]), Some(0));
    assert_eq!(code(&["nonsense"]), Some(2));
    assert_eq!(code(&["sql", "DELETE FROM events"]), Some(4));
    assert_eq!(code(&["sql", "SELEC 1"]), Some(4));
    assert_eq!(code(&["search", "nofield:x"]), Some(4));
    assert_eq!(code(&["rebuild", "nobody"]), Some(4));
    // Nobody reads on, as after `| head -1`.
    for arguments in [&["sources"][..], &["config", "show"], &["sql", "SELECT 1", "--output", "json"]] {
        let mut child = command(&db).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("ended");
        assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(0), String::new()), "{arguments:?}");
    }
    db.rows("UPDATE hooklake.consumers SET error = 'the disk is full' WHERE name = 'lake'").await;
    assert_eq!(code(&["status"]), Some(5));
    let unreachable = run(command(&db).arg("status").env("DATABASE_URL", "postgres://nobody:hunter2@127.0.0.1:1/x"));
    assert_eq!(unreachable.status.code(), Some(1));
    assert!(!text(&unreachable.stderr).contains("hunter2"), "{}", text(&unreachable.stderr));
}

#[tokio::test]
async fn wrong_settings_stop_the_start_and_are_named() {
    let db = TestDatabase::new().await;
    for (name, value, says) in [("HOOKLAKE_SERVER_PROT", "1", "HOOKLAKE_SERVER_PORT"), ("PORT", "many", "PORT")] {
        let refused = run(command(&db).arg("serve").env(name, value));
        assert_eq!(refused.status.code(), Some(3), "{name}");
        assert!(text(&refused.stderr).contains(says), "{}", text(&refused.stderr));
    }
    std::fs::write(db.directory.path().join(".env"), "PORT=8123\nHOOKLAKE_TYPO=1\n").expect("written");
    let refused = run(command(&db).args(["config", "check"]));
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("HOOKLAKE_TYPO"));
    std::fs::write(db.directory.path().join(".env"), "PORT=8123\n").expect("written");
    let accepted = run(command(&db).args(["config", "check"]));
    assert!(accepted.status.success() && text(&accepted.stdout).contains(":8123"), "{}", text(&accepted.stdout));
}

#[tokio::test]
async fn help_explains_every_command() {
    let db = TestDatabase::new().await;
    let help = text(&run(command(&db).arg("--help")).stdout);
    for name in ["serve", "demo", "migrate", "sql", "search", "tail", "rebuild", "status", "parked", "config", "sources", "token"] {
        assert!(help.contains(&format!("\n  {name}")), "{name} is not in the help:\n{help}");
        let own = run(command(&db).args([name, "--help"]));
        assert!(own.status.success() && text(&own.stdout).contains("Usage: hooklake"), "{name}");
    }
    let reference = text(&run(command(&db).args(["config", "show"])).stdout);
    assert_eq!(reference, hooklake::config::DEFAULT);
}
