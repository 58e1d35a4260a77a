//! Whatever is altered in the log is found, at its position, and a log that was rewritten does not pass for the one that
//! was signed (I11).

use hooklake::domain::Position;
use hooklake::log::chain;
use hooklake::tasks::Tasks;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::chain::leaf_of;
use crate::harness::process::command;
use crate::harness::prove::{checkpoint, filled, grown, run, verify};
use crate::harness::{TestApp, TestDatabase};
use crate::retention::{custodian, order};

/// Alters as the owner of the tables, verifies, and puts everything back.
async fn altered(db: &TestDatabase, statements: &[&str], arguments: &[&str]) -> (Option<i32>, Value) {
    for table in ["envelopes", "batches", "head"] {
        db.rows(&format!("CREATE TABLE kept_{table} AS SELECT * FROM log.{table}")).await;
    }
    db.rows("CREATE TABLE kept_tiles AS SELECT * FROM log_tiles").await;
    for statement in statements {
        db.rows(statement).await;
    }
    let found = verify(db, arguments);
    for (table, kept) in
        [("log.envelopes", "kept_envelopes"), ("log.batches", "kept_batches"), ("log.head", "kept_head"), ("projections.log_tiles", "kept_tiles")]
    {
        db.rows(&format!("TRUNCATE {table}")).await;
        db.rows(&format!("INSERT INTO {table} SELECT * FROM {kept}")).await;
        db.rows(&format!("DROP TABLE {kept}")).await;
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_owner_of_the_tables_alters_is_found_at_its_position() {
    let db = filled().await;
    let (code, said) = verify(&db, &["--signatures"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!((&said["verified"], &said["envelopes"], &said["through_position"]), (&json!(true), &json!(60), &json!(60)));
    assert_eq!((&said["signatures_right"], &said["tree_through_position"]), (&json!(60), &json!(60)));

    let batch = "(SELECT b FROM log.batches b WHERE 17 BETWEEN b.first_position AND b.through_position)";
    let first_of_batch = db.number(&format!("SELECT ({batch}).first_position")).await;
    let swapped: Vec<String> = [("-5", "17"), ("17", "18"), ("18", "-5")]
        .iter()
        .map(|(to, from)| format!("UPDATE log.envelopes SET position = {to} WHERE position = {from}"))
        .collect();
    let cases: Vec<(i64, &str, Vec<String>)> = vec![
        (17, "body", vec!["UPDATE log.envelopes SET body = set_byte(body, 3, get_byte(body, 3) # 1) WHERE position = 17".into()]),
        (17, "salt", vec!["UPDATE log.envelopes SET salt = set_byte(salt, 0, get_byte(salt, 0) # 1) WHERE position = 17".into()]),
        (17, "not redacted", vec!["UPDATE log.envelopes SET body = NULL WHERE position = 17".into()]),
        (17, "not the one", vec!["UPDATE log.envelopes SET headers = replace(headers::text, 'GitHub', 'GitHup')::json WHERE position = 17".into()]),
        (17, "not the one", vec!["UPDATE log.envelopes SET headers = headers::jsonb::json WHERE position = 17".into()]),
        (17, "not the one", vec!["UPDATE log.envelopes SET body = '', salt = decode(repeat('00', 16), 'hex'), body_hash = sha256(decode(repeat('00', 16), 'hex')), body_bytes = 0 WHERE position = 17".into()]),
        (17, "not the one", vec!["UPDATE log.envelopes SET arrived_at = arrived_at + interval '1 microsecond' WHERE position = 17".into()]),
        (17, "not the one", vec!["UPDATE log.envelopes SET secret_id = NULL WHERE position = 17".into()]),
        (17, "received at", vec!["UPDATE log.envelopes SET received_at = received_at + interval '1 microsecond' WHERE position = 17".into()]),
        (17, "body_bytes", vec!["UPDATE log.envelopes SET body_bytes = body_bytes + 1 WHERE position = 17".into()]),
        (17, "missing", vec!["DELETE FROM log.envelopes WHERE position = 17".into()]),
        (60, "missing", vec!["DELETE FROM log.envelopes WHERE position = 60".into()]),
        (1, "missing", vec!["DELETE FROM log.envelopes WHERE position < 4".into()]),
        (17, "", vec!["INSERT INTO log.envelopes SELECT position, received_at + interval '1 microsecond', id, tenant, source, delivery_key, event_type, arrived_at, headers, body, body_bytes, salt, body_hash, verdict, secret_id, flags, format FROM log.envelopes WHERE position = 17".into()]),
        (17, "", swapped),
        (first_of_batch, "log.batches was altered", vec!["UPDATE log.batches b SET chain = sha256(chain) WHERE 17 BETWEEN b.first_position AND b.through_position".into()]),
        (first_of_batch, "removed or altered", vec!["DELETE FROM log.batches b WHERE 17 BETWEEN b.first_position AND b.through_position".into()]),
        (61, "positions to 61", vec!["INSERT INTO log.batches SELECT 61, 61, now(), ''".into()]),
        (60, "log.head", vec!["UPDATE log.head SET chain = sha256(chain)".into()]),
        (60, "positions to 60", vec!["UPDATE log.head SET position = 59".into()]),
        (61, "log.head ends at 61", vec!["UPDATE log.head SET position = 61".into()]),
        (17, "log_tiles", vec!["UPDATE log_tiles SET hashes = set_byte(hashes, 16 * 32, get_byte(hashes, 16 * 32) # 1) WHERE level = 0".into()]),
        (1, "log_tiles", vec!["DELETE FROM log_tiles".into()]),
    ];
    for (position, reason, statements) in cases {
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        let (code, said) = altered(&db, &statements, &[]).await;
        assert_eq!(code, Some(5), "{statements:?}: {said}");
        assert_eq!(said["first_bad_position"], json!(position), "{statements:?}: {said}");
        assert!(said["reason"].as_str().is_some_and(|said| said.contains(reason)), "{statements:?}: {said}");
    }
    assert_eq!(verify(&db, &[]).0, Some(0), "everything was put back");
}

/// What was taken away by an act is counted; what is gone without one was removed, whatever it was made to look like.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_an_act_took_away_may_be_missing() {
    let db = filled().await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&db, &tasks).await;
    custodian.redact(&order(&[]), &[3, 17].map(Position::new)).await.expect("redacted");
    custodian.redact(&order(&["/action"]), &[Position::new(18)]).await.expect("a part of it");
    drop(custodian);
    tasks.stop().tell();
    let (code, said) = verify(&db, &["--signatures"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!((&said["redacted"], &said["signatures_right"], &said["envelopes"]), (&json!(3), &json!(57), &json!(62)));

    // The end of the first batches, as of a week's.
    let through = db.number("SELECT through_position FROM log.batches WHERE through_position >= 20 ORDER BY 1 LIMIT 1").await;
    let remove = format!("DELETE FROM log.envelopes WHERE position <= {through}");
    let retire = format!(
        "INSERT INTO log.retired (partition, first_position, through_position, received_from, received_until) VALUES ('envelopes_old', 1, {through}, now(), now())"
    );
    for (position, reason, statements) in [
        (20, "no act", vec!["UPDATE log.envelopes SET body = NULL, salt = NULL WHERE position = 20"]),
        (20, "no act", vec!["UPDATE log.envelopes SET body = 'forged', body_bytes = 6, salt = NULL WHERE position = 20"]),
        (1, "missing", vec![&remove]),
        (1, "no act", vec![&remove, &retire]),
    ] {
        let (code, said) = altered(&db, &statements, &[]).await;
        assert_eq!((code, &said["first_bad_position"]), (Some(5), &json!(position)), "{statements:?}: {said}");
        assert!(said["reason"].as_str().is_some_and(|said| said.contains(reason)), "{statements:?}: {said}");
    }
}

/// Recomputes the chain as an attacker would who owns the tables.
async fn rechain(db: &TestDatabase) {
    let mut before = Sha256::digest(b"hooklake log 1").to_vec();
    for batch in db.rows("SELECT through_position, first_position, received_at FROM log.batches ORDER BY 1").await {
        let (through, first): (i64, i64) = (batch.get(0), batch.get(1));
        let mut leaves = Vec::new();
        for row in
            db.rows(&format!("SELECT *, headers::text AS header_text FROM log.envelopes WHERE position BETWEEN {first} AND {through} ORDER BY position")).await
        {
            leaves.push(leaf_of(&row, row.get::<_, &[u8]>("body_hash").try_into().expect("32 bytes")));
        }
        let chain = chain::link(&before, Position::new(first), batch.get(2), &leaves).to_vec();
        db.rows(&format!("UPDATE log.batches SET chain = '\\x{}' WHERE through_position = {through}", hex::encode(&chain))).await;
        before = chain;
    }
    db.rows(&format!("UPDATE log.head SET chain = '\\x{}'", hex::encode(&before))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_gives_away_what_the_log_itself_cannot() {
    let db = filled().await;
    let file = checkpoint(&db);
    let against = ["--against", file.to_str().expect("text")];
    let db = grown(db).await;
    let (code, said) = verify(&db, &against);
    assert_eq!((code, &said["continues_checkpoints"], &said["envelopes"]), (Some(0), &json!(1), &json!(70)), "{said}");

    // A whole history that was rewritten is consistent in itself.
    db.rows("UPDATE log.envelopes SET event_type = 'altered' WHERE position = 17").await;
    assert_eq!(verify(&db, &[]).0, Some(5));
    rechain(&db).await;
    assert!(run(&db, &["rebuild", "log_tree"]).status.success());
    assert_eq!(verify(&db, &[]).0, Some(0), "nobody could tell from the log alone");
    let (code, said) = verify(&db, &against);
    assert_eq!(code, Some(5), "{said}");
    assert!(said["reason"].as_str().is_some_and(|said| said.contains("not those that were signed")), "{said}");

    // And one that ends earlier.
    let through = db.number("SELECT through_position FROM log.batches WHERE through_position < 60 ORDER BY 1 DESC LIMIT 1").await;
    for statement in [
        &format!("DELETE FROM log.envelopes WHERE position > {through}"),
        &format!("DELETE FROM log.batches WHERE through_position > {through}"),
        "UPDATE log.head h SET position = b.through_position, received_at = b.received_at, chain = b.chain FROM (SELECT * FROM log.batches ORDER BY 1 DESC LIMIT 1) AS b",
        "DELETE FROM hooklake.consumers WHERE name = 'log_tree'",
        "DELETE FROM log_tiles",
    ] {
        db.rows(statement).await;
    }
    assert!(run(&db, &["rebuild", "log_tree"]).status.success());
    assert_eq!(verify(&db, &[]).0, Some(0), "nobody could tell from the log alone");
    let (code, said) = verify(&db, &against);
    assert_eq!(code, Some(5), "{said}");
    let reason = format!("the log ends at {through}, the checkpoint says 60");
    assert!(said["reason"].as_str().is_some_and(|said| said.contains(&reason)), "{said}");

    // A checkpoint that was altered, or is of another log, proves nothing.
    let note = std::fs::read_to_string(&file).expect("kept");
    std::fs::write(&file, note.replacen("\n60\n", "\n50\n", 1)).expect("written");
    assert!(verify(&db, &against).1["stderr"].as_str().is_some_and(|said| said.contains("altered after it was signed")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signatures_are_checked_again_with_the_secrets_of_today() {
    let app = TestApp::start_with(&[("HOOKLAKE_PROOF_CHECKPOINT_EVERY_SECONDS", "0")]).await;
    app.github("push", "g", "{}").await;
    app.linear("l", &json!({"type": "Issue", "action": "create", "webhookTimestamp": 5})).await;
    app.slack("application/json", r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"message"}}"#).await;
    let own = app.client.post(app.url("/events/custom")).bearer_auth(&app.token).body(r#"{"event_type":"x"}"#).send().await.expect("an answer");
    assert_eq!(own.status(), 200);
    app.caught_up().await;
    let db = app.stop().await;
    let (code, said) = verify(&db, &["--signatures"]);
    assert_eq!((code, &said["signatures_right"], &said["signatures_none"]), (Some(0), &json!(3), &json!(1)), "{said}");

    // The secret was rotated away: nobody can say any more, and that is no failure.
    let output = command(&db).args(["verify", "--signatures", "--output", "json"]).env("GITHUB_WEBHOOK_SECRET", "another").output().expect("runs");
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &said["signatures_right"], &said["signatures_secret_gone"]), (Some(0), &json!(2), &json!(1)));

    // A header that was never signed, by someone who owns the tables and rewrites chain and tree as well.
    db.rows("UPDATE log.envelopes SET headers = replace(headers::text, 'v0=', 'v0=0')::json WHERE source = 'slack'").await;
    rechain(&db).await;
    assert!(run(&db, &["rebuild", "log_tree"]).status.success());
    assert_eq!(verify(&db, &[]).0, Some(0));
    let (code, said) = verify(&db, &["--signatures"]);
    assert_eq!((code, &said["first_bad_position"]), (Some(5), &json!(3)), "{said}");
    assert!(said["reason"].as_str().is_some_and(|said| said.contains("signature of slack")), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_the_log_can_be_verified() {
    let db = filled().await;
    let first = db.number("SELECT first_position FROM log.batches WHERE 31 BETWEEN first_position AND through_position").await;
    let (code, said) = verify(&db, &["--since", "31"]);
    assert_eq!((code, &said["from_position"], &said["envelopes"]), (Some(0), &json!(first), &json!(61 - first)), "{said}");
    db.rows("UPDATE log.envelopes SET event_type = 'altered' WHERE position = 1").await;
    assert_eq!(verify(&db, &["--since", "31"]).0, Some(0), "what is before was not asked for");
    let (code, said) = verify(&db, &["--since", "2020-01-01"]);
    assert_eq!((code, &said["first_bad_position"]), (Some(5), &json!(1)), "{said}");
    let (code, said) = verify(&db, &["--since", "2999-01-01T00:00:00Z"]);
    assert_eq!((code, &said["envelopes"]), (Some(0), &json!(0)), "{said}");
    for bad in ["0", "-4", "yesterday"] {
        assert_eq!(run(&db, &["verify", &format!("--since={bad}")]).status.code(), Some(2), "{bad}");
    }
}
