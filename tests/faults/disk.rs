//! F10 to F12: a disk fails or is full for a while. A full one needs the right to mount (root); without it those tests say
//! so and try nothing.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::invariants::all_hold;
use super::shim::Shim;
use super::stage::Stage;
use crate::harness::{rows, wait_until};

/// A file that takes what room there is.
struct Ballast(PathBuf);

impl Ballast {
    fn fill(directory: &str, stage: &Stage) -> Self {
        use std::io::Write;
        let path = stage.data_dir().join(directory).join("ballast");
        let mut file = std::fs::File::create(&path).expect("room for a name");
        // Large pieces, then small ones, until not a page is left.
        for size in [1 << 20, 1 << 12] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("removed");
    }
}

/// F10: the disk does not take the log's write-ahead log. PostgreSQL gives up at once, as it must, and cannot come back
/// before the disk does; nobody is told 200 meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_under_the_log_is_a_503_until_it_works_again() {
    let shim = Shim::new();
    let mut stage = Stage::embedded_with(&[("HOOKLAKE_DATABASE_BIN_DIR", &shim.postgres().await)]).await;
    let load = stage.load("failing", 4);
    load.acknowledges(30).await;
    shim.fail();
    let said = stage.data_dir().join("postgres/log");
    let gave_up = async || std::fs::read_to_string(&said).is_ok_and(|said| said.contains("PANIC:  could not fdatasync file"));
    wait_until("PostgreSQL gives up", gave_up).await;
    let later = || load.counts.later.load(Ordering::SeqCst);
    // Answers that were under way have come by then.
    let before = later();
    wait_until("everybody was told to come again", async || later() >= before + 8).await;
    let (acknowledged, before) = (load.counts.acknowledged(), later());
    wait_until("and again", async || later() >= before + 12).await;
    assert_eq!(load.counts.acknowledged(), acknowledged, "no 200 for what is not on the disk");
    shim.mend();
    load.acknowledges(30).await;
    load.stop().await;
    all_hold(&mut stage).await;
    assert_eq!(stage.starts(), 1, "the server itself never ended");
}

/// F11: nothing is acknowledged that could not be kept; when there is room again, everything goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_the_log_is_a_503_until_there_is_room() {
    let Some(mut stage) = Stage::embedded_on(&[("postgres", 400)]).await else { return };
    let load = stage.load("full", 4);
    load.acknowledges(30).await;
    let ballast = Ballast::fill("postgres", &stage);
    let later = || load.counts.later.load(Ordering::SeqCst);
    let before = later();
    wait_until("senders are told to come again", async || later() >= before + 12).await;
    drop(ballast);
    load.acknowledges(30).await;
    load.stop().await;
    all_hold(&mut stage).await;
}

/// F12: lake and index stand still and say why; deliveries are taken as if nothing were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_lake_and_index_does_not_touch_ingest() {
    let Some(mut stage) = Stage::embedded_on(&[("lake", 24), ("search", 24)]).await else { return };
    let load = stage.load("full", 3);
    load.acknowledges(30).await;
    let ballast = [Ballast::fill("lake", &stage), Ballast::fill("search", &stage)];
    let complaints = "SELECT name FROM hooklake.consumers WHERE error IS NOT NULL AND name IN ('lake', 'search')";
    wait_until("both say why they stand still", async || rows(&stage.database, complaints).await.len() == 2).await;
    let later = load.counts.later.load(Ordering::SeqCst);
    load.acknowledges(60).await;
    assert_eq!(load.counts.later.load(Ordering::SeqCst), later, "no delivery was put off");
    drop(ballast);
    load.stop().await;
    all_hold(&mut stage).await;
}
