//! What outsiders are given to check the log: signed checkpoints, proofs, and a script that needs nothing of ours.

use std::path::Path;
use std::process::{Command, Output};

use hooklake::proof::merkle::is_consistent;
use hooklake::proof::note::Verifier;
use hooklake::proof::{Checkpoint, Prover};
use hooklake::registry;
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;
use serde_json::Value;

use crate::harness::prove::{checkpoint, filled, grown, run, text, verify};
use crate::harness::{TestApp, examples, wait_until};

const NO_SCHEDULE: (&str, &str) = ("HOOKLAKE_PROOF_CHECKPOINT_EVERY_SECONDS", "0");

/// Asks a running server, with the admin token.
async fn get(app: &TestApp, path: &str) -> (u16, String) {
    let answer = app.client.get(app.url(path)).bearer_auth(&app.token).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

fn script(directory: &Path, proof: &str, body: Option<&[u8]>, key: &str) -> Output {
    let (proof_file, body_file) = (directory.join("proof.json"), directory.join("body.bin"));
    std::fs::write(&proof_file, proof).expect("written");
    std::fs::write(&body_file, body.unwrap_or_default()).expect("written");
    let body_file = if body.is_some() { body_file.into_os_string() } else { "-".into() };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_proof.py");
    Command::new("python3").arg(script).arg(proof_file).arg(body_file).arg(key).output().expect("python3 runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outsider_checks_an_envelope_with_the_script_alone() {
    let db = filled().await;
    checkpoint(&db);
    let key = text(&run(&db, &["checkpoint", "--public-key"]).stdout).trim().to_owned();
    let app = TestApp::start_on(db, &[NO_SCHEDULE]).await;
    let directory = tempfile::tempdir().expect("a directory");
    for number in [1, 17, 60] {
        let (status, proof) = get(&app, &format!("/log/proof/{number}")).await;
        assert_eq!(status, 200, "{proof}");
        let row = app.db.rows(&format!("SELECT body, delivery_key FROM log.envelopes WHERE position = {number}")).await;
        let (body, delivery): (Vec<u8>, &str) = (row[0].get(0), row[0].get(1));
        let said = script(directory.path(), &proof, Some(&body), &key);
        assert!(said.status.success(), "{}", text(&said.stderr));
        assert!(text(&said.stdout).contains(&format!("position {number} of hooklake/")) && text(&said.stdout).contains(delivery), "{}", text(&said.stdout));
        assert!(script(directory.path(), &proof, None, &key).status.success(), "without the body");

        let refused = |proof: &str, body: &[u8], key: &str, says: &str| {
            let said = script(directory.path(), proof, Some(body), key);
            assert_eq!(said.status.code(), Some(1), "{says}: {}", text(&said.stdout));
            assert!(text(&said.stderr).contains(says), "{says}: {}", text(&said.stderr));
        };
        let change = |change: fn(&mut Value)| {
            let mut proof: Value = serde_json::from_str(&proof).expect("JSON");
            change(&mut proof);
            proof.to_string()
        };
        refused(&proof, &[body.as_slice(), b" "].concat(), &key, "the body is not the one");
        refused(&change(|proof| proof["path"][0] = "00".repeat(32).into()), &body, &key, "do not give the root");
        refused(&change(|proof| proof["path"] = Value::Array(Vec::new())), &body, &key, "too short");
        refused(&change(|proof| proof["leaf"]["deliveryKey"] = "another".into()), &body, &key, "do not give the root");
        refused(&change(|proof| proof["position"] = 2.into()), &body, &key, "NOT PROVED");
        let altered = proof.replacen("\\n60\\n", "\\n61\\n", 1);
        refused(&altered, &body, &key, "signature is wrong");
        let other_key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        refused(&proof, &body, other_key, "not signed by");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proofs_say_why_there_is_none() {
    let db = filled().await;
    let app = TestApp::start_on(db, &[NO_SCHEDULE]).await;
    assert_eq!(get(&app, "/log/checkpoint").await.0, 404, "nothing was signed");
    let (status, early) = get(&app, "/log/proof/1").await;
    assert!(status == 409 && early.contains("not_yet") && early.contains("hooklake checkpoint"), "{early}");
    checkpoint(&app.db);
    for unknown in ["/log/proof/61", "/log/proof/0", "/log/proof/-1", "/log/proof/x", "/log/proof/9223372036854775807"] {
        assert_eq!(get(&app, unknown).await.0, 404, "{unknown}");
    }
    // Another tenant's envelope is as if it were not there; one that retention dropped is named as such.
    app.db.rows("UPDATE log.envelopes SET tenant = 'other' WHERE position = 5").await;
    assert_eq!(get(&app, "/log/proof/5").await.0, 404);
    app.db.rows("DELETE FROM log.envelopes WHERE position = 1").await;
    let (status, gone) = get(&app, "/log/proof/1").await;
    assert!(status == 410 && gone.contains("retention"), "{gone}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_checkpoint_continues_the_one_before() {
    let db = filled().await;
    let first = checkpoint(&db);
    let again = std::fs::read(&first).expect("kept");
    assert_eq!(checkpoint(&db), first, "the same log is signed once");
    assert_eq!(std::fs::read(&first).expect("kept"), again);
    let db = grown(db).await;
    let second = checkpoint(&db);
    let verifier: Verifier = text(&run(&db, &["checkpoint", "--public-key"]).stdout).parse().expect("a key");
    let open = |file: &Path| Checkpoint::open(&std::fs::read_to_string(file).expect("kept"), &verifier).expect("signed");
    let (before, now) = (open(&first), open(&second));
    assert_eq!((before.size, now.size), (60, 70));

    let app = TestApp::start_on(db, &[NO_SCHEDULE]).await;
    let (status, answer) = get(&app, "/log/consistency?from=60").await;
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let path: Vec<[u8; 32]> = answer["path"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|hash| hex::decode(hash.as_str().expect("text")).expect("hexadecimal").try_into().expect("a hash"))
        .collect();
    assert!(is_consistent(60, 70, &before.root, &now.root, &path));
    assert!(!is_consistent(60, 70, &now.root, &now.root, &path));
    let (status, note) = get(&app, "/log/checkpoint").await;
    assert_eq!((status, note), (200, std::fs::read_to_string(second).expect("kept")));
    for bad in ["/log/consistency", "/log/consistency?from=0", "/log/consistency?from=71", "/log/consistency?from=x", "/log/consistency?from=1&of=2"] {
        assert_eq!(get(&app, bad).await.0, 400, "{bad}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_signs_on_schedule() {
    let app = TestApp::start_with(&[("HOOKLAKE_PROOF_CHECKPOINT_EVERY_SECONDS", "1")]).await;
    app.send(&examples()[..5]).await;
    let latest = app.db.directory.path().join("checkpoints/latest");
    wait_until("a checkpoint of five envelopes", async || std::fs::read_to_string(&latest).is_ok_and(|note| note.lines().nth(1) == Some("5"))).await;
    assert_eq!(verify(&app.db, &["--against", latest.to_str().expect("text")]).0, Some(0), "while the server runs");
    app.send(&examples()[5..8]).await;
    wait_until("a checkpoint of eight", async || std::fs::read_to_string(&latest).is_ok_and(|note| note.lines().nth(1) == Some("8"))).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_key_is_not_replaced_silently() {
    let db = filled().await;
    let first = checkpoint(&db);
    let key = db.directory.path().join("checkpoint.key");
    let old = text(&run(&db, &["checkpoint", "--public-key"]).stdout).trim().to_owned();
    assert!(std::fs::read_to_string(&key).expect("kept").starts_with("PRIVATE+KEY+hooklake/"));
    assert_eq!(db.number("SELECT count(*) FROM hooklake.signing_keys WHERE verifier LIKE '%PRIVATE%'").await, 0);
    std::fs::remove_file(&key).expect("removed");
    let refused = run(&db, &["checkpoint"]);
    assert!(refused.status.code() == Some(1) && text(&refused.stderr).contains(&old), "{}", text(&refused.stderr));
    assert!(run(&db, &["checkpoint", "--new-key"]).status.success());
    let against = ["--against", first.to_str().expect("text")];
    let (code, said) = verify(&db, &against);
    assert!(code == Some(5) && said["stderr"].as_str().is_some_and(|said| said.contains("not signed by")), "{said}");
    assert_eq!(verify(&db, &[&against[..], &["--public-key", &old]].concat()).0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tree_rebuilt_equals_the_live_one_also_of_envelopes_that_were_dropped() {
    let db = filled().await;
    let signed = checkpoint(&db);
    let tiles = "SELECT encode(sha256(string_agg(hashes, '' ORDER BY level, index)), 'hex') FROM log_tiles";
    let live: String = db.rows(tiles).await[0].get(0);
    let app = TestApp::start_on(db, &[NO_SCHEDULE]).await;
    // What retention does, as far as the tree can see.
    app.db.rows("DELETE FROM log.envelopes WHERE position <= 20").await;
    let base = &app.app.base;
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    let tree = registry::consumers(base).expect("consumers").into_iter().find(|consumer| consumer.name() == "log_tree").expect("the tree");
    runner.rebuild(tree.as_ref(), &mut |_, _| {}).await.expect("rebuilt");
    assert_eq!(app.db.rows(tiles).await[0].get::<_, String>(0), live);
    let proof = Prover::new(app.db.database.clone()).latest().await.expect("an answer").expect("signed");
    assert_eq!(proof.note, std::fs::read_to_string(signed).expect("kept"));
    tasks.stop().tell();

    // Without the old tree there is nothing to take them from, and the rebuild says so instead of leaving a hole.
    app.db.rows("DELETE FROM log_tiles").await;
    let tasks = Tasks::default();
    let runner = base.runner(&tasks, &Metrics::new());
    let mut silent = |_, _| {};
    let rebuilding = runner.rebuild(tree.as_ref(), &mut silent);
    let complained = wait_until("the copy complains", async || {
        app.db.number("SELECT count(*) FROM hooklake.consumers WHERE name = 'log_tree@rebuild' AND error LIKE '%position 1 is neither%'").await == 1
    });
    tokio::select! {
        outcome = rebuilding => panic!("rebuilt from nothing: {outcome:?}"),
        () = complained => {}
    }
    tasks.stop().tell();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_signed_that_contradicts_what_was() {
    let db = filled().await;
    let signed = checkpoint(&db);
    let db = grown(db).await;
    // The attacker rewrites history, and lets the tree be built from it.
    db.rows("UPDATE log.envelopes SET event_type = 'altered' WHERE position = 17").await;
    assert!(run(&db, &["rebuild", "log_tree"]).status.success());
    let refused = run(&db, &["checkpoint"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("no longer holds what was signed at position 60"), "{}", text(&refused.stderr));
    // Nor when the database forgot what was signed: the file is never overwritten.
    db.rows("DELETE FROM hooklake.checkpoints").await;
    let kept = std::fs::read_to_string(&signed).expect("kept");
    db.rows("UPDATE hooklake.consumers SET position = 60 WHERE name = 'log_tree'").await;
    let refused = run(&db, &["checkpoint"]);
    assert!(refused.status.code() == Some(1) && text(&refused.stderr).contains("says something else"), "{}", text(&refused.stderr));
    assert_eq!(std::fs::read_to_string(&signed).expect("kept"), kept);
}
