//! What a rebuild would change is shown before it is swapped, and a table can be asked as it stood before.

use std::process::Stdio;

use hooklake::consumer::{Projector as _, checkpoint};
use hooklake::projectors::EventTable;
use serde_json::{Value, json};

use crate::harness::fold::Fold;
use crate::harness::process::command;
use crate::harness::{TestDatabase, wait_until};

fn run(db: &TestDatabase, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command(db).args(arguments).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

async fn filled() -> Fold {
    let fold = Fold::start().await;
    for number in 1..=30 {
        fold.append_json(
            "github",
            "issues",
            &json!({"action": "opened", "issue": {"number": number, "title": format!("DIF-{number}")}, "repository": {"full_name": "o/r"}}),
        )
        .await;
        fold.append_json(
            "linear",
            "Issue",
            &json!({"action": "create", "data": {"id": "x", "identifier": format!("HEL-{number}"), "team": {"key": "HEL", "name": "Hello"}}}),
        )
        .await;
    }
    fold.caught_up().await;
    fold
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_diff_names_the_rows_that_a_rebuild_would_change() {
    let fold = filled().await;
    assert_eq!(run(&fold.db, &["diff", "events"]).0, Some(4), "nothing stands beside it yet");
    assert_eq!(run(&fold.db, &["diff", "lake"]).0, Some(4), "no tables");
    assert_eq!(run(&fold.db, &["rebuild", "events", "--no-swap"]).0, Some(0));
    assert_eq!(fold.db.number("SELECT generation::bigint FROM hooklake.consumers WHERE name = 'events'").await, 1, "nothing is swapped");
    // What comes now is only in the live table, and is not a difference.
    fold.append_json("github", "push", &json!({"ref": "refs/heads/main"})).await;
    fold.caught_up().await;
    let (code, out, _) = run(&fold.db, &["diff", "events"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("events: 0 rows only in A, 0 only in B, 0 changed."), "{out}");

    // As if the projector's code were another.
    fold.db
        .execute(
            "UPDATE rebuild_events.events SET title = 'other', actor = 'ada' WHERE position = 3; DELETE FROM rebuild_events.events WHERE position = 5;
             DELETE FROM projections.events WHERE position IN (7, 8); UPDATE rebuild_events.events SET processed_at = now() WHERE position = 9",
        )
        .await;
    let (_, out, _) = run(&fold.db, &["diff", "events", "--versions", "live", "rebuild"]);
    assert!(out.contains("through position 60.") && out.contains("events: 1 rows only in A, 2 only in B, 1 changed."), "{out}");
    let (_, out, _) = run(&fold.db, &["diff", "events", "--output", "json", "-n", "3"]);
    let rows: Value = serde_json::from_str(&out).expect("JSON");
    let told: Vec<(&Value, &Value)> = rows.as_array().expect("rows").iter().map(|row| (&row["key"]["position"], &row["difference"])).collect();
    assert_eq!(told, [(&json!(3), &json!("changed")), (&json!(5), &json!("only in A")), (&json!(7), &json!("only in B"))]);
    assert_eq!(rows[0]["values_a_b"], json!({"title": ["DIF-2", "other"], "actor": [null, "ada"]}));
    let (version, next) = (EventTable::VERSION.to_string(), (EventTable::VERSION + 1).to_string());
    let (code, _, error) = run(&fold.db, &["diff", "events", "--versions", &version, &version]);
    assert!(code == Some(4) && error.contains("call them live and rebuild"), "{error}");

    // Numbers, once they tell the two apart; and the other way round.
    fold.db.execute("UPDATE hooklake.consumers SET version = version + 1 WHERE name = 'events@rebuild'").await;
    let (_, out, _) = run(&fold.db, &["diff", "events", "--versions", &next, &version]);
    assert!(out.contains("events: 2 rows only in A, 1 only in B, 1 changed."), "{out}");
    fold.db.execute("UPDATE hooklake.consumers SET version = version - 1 WHERE name = 'events@rebuild'").await;

    // A rebuild goes on with what is there and swaps it.
    assert_eq!(run(&fold.db, &["rebuild", "events"]).0, Some(0));
    assert_eq!(fold.db.number("SELECT count(*) FROM events WHERE title = 'other'").await, 1, "the copy that was looked at is live");
    assert_eq!(fold.db.number("SELECT count(*) FROM events").await, 60);
    assert_eq!(run(&fold.db, &["rebuild", "events", "--no-swap"]).0, Some(0));
    assert_eq!(run(&fold.db, &["rebuild", "events", "--discard"]).0, Some(0));
    assert_eq!(fold.db.number("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'rebuild%'").await, 0);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_as_it_stood_is_a_fold_of_the_log_through_there() {
    let fold = filled().await;
    for (consumer, table, position) in
        [("events", "events", "position"), ("correlation", "event_subjects", "position"), ("correlation", "linear_teams", "first_position")]
    {
        for at in [0, 1, 17, 60] {
            let (code, out, error) = run(&fold.db, &["rebuild", consumer, "--as-of", &at.to_string()]);
            assert_eq!(code, Some(0), "{error}");
            assert!(out.contains(&format!("As it stood at position {at}: as_of_{consumer}.")), "{out}");
            let rows = async |from: &str| {
                let rows = fold.db.rows(&format!("SELECT (to_jsonb(t) - 'processed_at')::text FROM {from} t WHERE {position} <= {at} ORDER BY 1")).await;
                rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
            };
            assert_eq!(rows(&format!("as_of_{consumer}.{table}")).await, rows(&format!("projections.{table}")).await, "{table} at {at}");
            assert_eq!(fold.db.number(&format!("SELECT count(*) FROM as_of_{consumer}.{table} WHERE {position} > {at}")).await, 0, "nothing later");
        }
    }
    assert_eq!(fold.db.number("SELECT count(*) FROM hooklake.consumers WHERE name LIKE '%@%'").await, 0, "it follows the log no further");
    assert_eq!(fold.db.number("SELECT has_table_privilege('codegen_readonly', 'as_of_events.events', 'SELECT')::int::bigint").await, 1);

    // A time is the last position received at or before it.
    let moment: String =
        fold.db.rows("SELECT to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM log.envelopes WHERE position = 23").await[0]
            .get(0);
    let last = fold.db.number("SELECT max(position) FROM log.envelopes WHERE received_at <= (SELECT received_at FROM log.envelopes WHERE position = 23)").await;
    let (_, out, _) = run(&fold.db, &["rebuild", "events", "--as-of", &moment]);
    assert!(out.contains(&format!("As it stood at position {last}:")), "{out}");
    assert!(run(&fold.db, &["rebuild", "events", "--as-of", "2020-01-01"]).1.contains("position 0:"));
    for wrong in ["61", "-1", "yesterday"] {
        assert_eq!(run(&fold.db, &["rebuild", "events", &format!("--as-of={wrong}")]).0, Some(4), "{wrong}");
    }
    assert_eq!(run(&fold.db, &["rebuild", "search", "--as-of", "1"]).0, Some(4));
    assert_eq!(run(&fold.db, &["rebuild", "events", "--discard"]).0, Some(0));
    assert_eq!(fold.db.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'as_of_events'").await, 0);
    fold.stop().await;
}

/// A process that was killed making a copy had set an event aside; whoever makes it anew takes that, and says nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_copy_set_aside_is_taken_by_the_next() {
    let fold = filled().await;
    let name = checkpoint::as_of_name("events");
    checkpoint::enroll(&fold.db.database, &name, 0).await.expect("enrolled");
    fold.db.execute(&format!("INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts) VALUES ('{name}', 40, 'x', 'no', 5)")).await;
    let (code, _, error) = run(&fold.db, &["rebuild", "events", "--as-of", "60"]);
    assert_eq!((code, error.contains("missing")), (Some(0), false), "{error}");
    assert_eq!(fold.db.number("SELECT count(*) FROM as_of_events.events").await, 60);
    fold.stop().await;
}

/// Who made a copy was paused while it wrote, and its lease ran out: whoever comes next touches nothing until that is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_begun_when_what_another_still_writes_is_over() {
    let fold = filled().await;
    let name = checkpoint::as_of_name("events");
    checkpoint::enroll(&fold.db.database, &name, 0).await.expect("enrolled");
    let mut paused = fold.db.database.get().await.expect("a connection");
    let unfinished = paused.transaction().await.expect("begun");
    unfinished.execute("SELECT FROM hooklake.consumers WHERE name = $1 FOR KEY SHARE", &[&name]).await.expect("as a span holds its copy");
    let mut child = command(&fold.db).args(["rebuild", "events", "--as-of", "60"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until("it waits", async || fold.db.number(waiting).await > 0).await;
    assert_eq!(fold.db.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'as_of_events'").await, 0, "nothing is touched");
    unfinished.commit().await.expect("it goes on, and is over");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(fold.db.number("SELECT count(*) FROM as_of_events.events").await, 60);
    fold.stop().await;
}
