//! F36 with the real commands: a backup under load, restored beside a lake and an index that are of a later state.

use std::process::Output;

use super::invariants::all_hold;
use super::ledger::Known;
use super::stage::Stage;
use crate::harness::{rows, wait_until};

async fn run(stage: &Stage, arguments: &[&str]) -> Output {
    let mut command = stage.command();
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("waited")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_log_is_whole_and_who_is_ahead_of_it_says_so() {
    let mut stage = Stage::embedded().await;
    let copy = stage.data_dir().join("backup").to_string_lossy().into_owned();
    let load = stage.load("before", 3);
    load.acknowledges(30).await;
    let through: i64 = rows(&stage.database, "SELECT position FROM log.head").await[0].get(0);
    let backup = run(&stage, &["backup", &copy]).await;
    assert!(backup.status.success(), "{}", text(&backup));
    load.acknowledges(60).await;
    load.stop().await;
    stage.healed().await;
    assert!(!run(&stage, &["backup", &copy]).await.status.success(), "a backup never overwrites one");
    assert!(text(&run(&stage, &["restore", &copy, "--force"]).await).contains("stop it first"), "nor does a restore, under a server");
    drop(stage.take_reader().stop().await);
    stage.stop_server().await;

    assert!(text(&run(&stage, &["restore", &copy]).await).contains("--force moves it aside"));
    let restored = run(&stage, &["restore", &copy, "--force"]).await;
    assert!(restored.status.success(), "{}", text(&restored));
    for name in ["lake", "search"] {
        assert!(text(&restored).contains(&format!("run `hooklake rebuild {name}`")), "{}", text(&restored));
    }
    stage.serve(&[]).await;
    let head: i64 = rows(&stage.database, "SELECT position FROM log.head").await[0].get(0);
    assert!(head >= through, "{head}: what was there when the backup began is in it: {through}");

    // What came after the backup is gone from the log; its senders would say so, and send it again.
    let lost: Vec<String> = {
        let kept: Vec<String> = rows(&stage.database, "SELECT delivery_key FROM log.envelopes").await.iter().map(|row| row.get(0)).collect();
        stage.ledger.all().into_iter().filter(|(id, entry)| entry.known == Known::Acknowledged && !kept.contains(id)).map(|(id, _)| id).collect()
    };
    assert!(lost.len() >= 40, "{} were acknowledged after the backup", lost.len());
    stage.ledger.forget(&lost);
    let load = stage.load("after", 3);
    load.acknowledges(150).await;
    load.stop().await;
    let complaint = "SELECT name FROM hooklake.consumers WHERE error LIKE '%run `hooklake rebuild %' ORDER BY 1";
    wait_until("lake and index stand still and say why", async || rows(&stage.database, complaint).await.len() == 2).await;
    let status = run(&stage, &["status"]).await;
    assert_eq!(status.status.code(), Some(5), "{}", text(&status));
    for name in ["lake", "search"] {
        let rebuilt = run(&stage, &["rebuild", name]).await;
        assert!(rebuilt.status.success(), "{}", text(&rebuilt));
    }
    stage.settle().await;
    all_hold(&mut stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_changed_is_not_restored() {
    let mut stage = Stage::embedded().await;
    let copy = stage.data_dir().join("backup").to_string_lossy().into_owned();
    assert!(run(&stage, &["backup", &copy]).await.status.success());
    stage.stop_server().await;
    std::fs::write(std::path::Path::new(&copy).join("cluster/PG_VERSION"), "99\n").expect("changed");
    let refused = run(&stage, &["restore", &copy, "--force"]).await;
    assert!(!refused.status.success() && text(&refused).contains("the copy is not whole"), "{}", text(&refused));
    std::fs::remove_file(std::path::Path::new(&copy).join("hooklake-backup.json")).expect("removed");
    assert!(text(&run(&stage, &["restore", &copy]).await).contains("is not a whole backup"));
}
