//! The lake holds log[1..exported] exactly once (I6), and with the newest events it is one table (D11).

use std::collections::BTreeSet;
use std::time::Instant;

use hooklake::consumer::{Consumer, checkpoint, parked};
use hooklake::domain::{Clock, Position, Tenant};
use hooklake::failpoint;
use hooklake::lake::{Answer, Engine, Error, Exporter, Limits, Location, QueryOptions, Settings, exporter};
use hooklake::retention::Custodian;
use hooklake::tasks::Tasks;

use crate::damage::{data_files, flipped};
use crate::harness::fold::Fold;
use crate::harness::follow::{App, octokit_payloads, pull_request};
use crate::harness::process::command;
use crate::harness::{self, wait_until};

pub fn location(app: &App) -> Location {
    Settings::default().location(&app.data_dir).expect("a location")
}

pub fn exporter(app: &App) -> Exporter {
    Exporter::new(app.database.clone(), location(app))
}

pub fn engine(app: &App) -> Engine {
    Engine::new(app.database.clone(), location(app), Limits::default()).expect("an engine")
}

pub async fn ask(engine: &Engine, sql: &str) -> Answer {
    engine.query(&Tenant::default_tenant(), sql, QueryOptions::default()).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

pub async fn rows(engine: &Engine, sql: &str) -> String {
    ask(engine, sql).await.to_csv().expect("CSV").lines().skip(1).collect::<Vec<_>>().join(";")
}

/// Count, sum and extremes of the positions: equal to those of 1..=n only when each is there once.
async fn positions(engine: &Engine) -> String {
    rows(engine, "SELECT count(*), sum(position), min(position), max(position), count(DISTINCT position), count(DISTINCT id) FROM events").await
}

fn each_once(through: i64) -> String {
    format!("{through},{},1,{through},{through},{through}", through * (through + 1) / 2)
}

pub async fn store_pull_requests(app: &App, numbers: std::ops::RangeInclusive<u64>) {
    let events: Vec<_> = numbers.map(|number| ("pull_request".to_owned(), pull_request(number, "Fix", "it"))).collect();
    app.store_all(&events).await;
}

/// The files that are the table's, by what its log says of each
/// (<https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file>).
fn files_named(app: &App) -> BTreeSet<String> {
    let log = std::fs::read_dir(location(app).directory().join("_delta_log")).expect("a log").flatten().map(|entry| entry.path());
    let commits: BTreeSet<_> = log.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    let mut files = BTreeSet::new();
    for commit in commits {
        let text = std::fs::read_to_string(commit).expect("a commit");
        for action in text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")) {
            let path = |kind: &str| Some(action.get(kind)?["path"].as_str().expect("a path").to_owned());
            path("remove").inspect(|path| assert!(files.remove(path), "{path} was not there"));
            files.extend(path("add"));
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_and_lake_are_one_table() {
    let app = App::start().await;
    let engine = engine(&app);
    assert_eq!(rows(&engine, "SELECT count(*) FROM events").await, "0", "an empty log");
    app.store_all(&octokit_payloads()).await;
    assert_eq!(positions(&engine).await, each_once(329), "the tail alone");
    app.catch_up(&mut exporter(&app)).await;
    assert_eq!(positions(&engine).await, each_once(329), "the lake alone");
    let from_lake = rows(&engine, "SELECT * FROM events ORDER BY position").await;
    store_pull_requests(&app, 1..=700).await;
    let answer = ask(&engine, "SELECT count(*) FROM events").await;
    assert_eq!(positions(&engine).await, each_once(1029), "both");
    assert_eq!(answer.receipt.through_position, Position::new(1029));
    assert!(answer.receipt.complete);
    assert!(answer.receipt.lag_ms < 10_000, "{:?}", answer.receipt);

    // The same rows, whichever way they come.
    std::fs::remove_dir_all(location(&app).directory()).expect("removed");
    let from_tail = rows(&self::engine(&app), "SELECT * FROM events WHERE position <= 329 ORDER BY position").await;
    assert_eq!(from_lake, from_tail);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_position_is_seen_once_while_exporting() {
    let app = App::start().await;
    let engine = engine(&app);
    app.follow(exporter(&app));
    let mut seen = 0;
    let started = Instant::now();
    for round in 0..12 {
        let writing = store_pull_requests(&app, round * 40 + 1..=round * 40 + 40);
        let asking = async {
            for _ in 0..3 {
                let answer = ask(&engine, "SELECT count(*), sum(position), count(DISTINCT position) FROM events").await;
                let through = answer.receipt.through_position.get();
                let expected = format!("{through},{},{through}", through * (through + 1) / 2);
                assert_eq!(
                    answer.to_csv().expect("CSV").lines().nth(1).expect("a row").replace(",,", ",0,"),
                    if through == 0 { "0,0,0".to_owned() } else { expected }
                );
                assert!(through >= seen, "an answer never goes back");
                seen = through;
            }
        };
        tokio::join!(writing, asking);
    }
    app.wait_for(exporter::NAME).await;
    assert_eq!(positions(&engine).await, each_once(480));
    eprintln!("36 answers over a growing lake in {:?}", started.elapsed());
    app.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_point_exports_each_event_once() {
    let app = App::start().await;
    store_pull_requests(&app, 1..=5).await;
    let mut first = exporter(&app);
    let lease = app.lease(&first).await;
    let start = first.open().await.expect("opened");
    let batch = app.batch_after(start, &first).await;
    first.apply(&batch, &lease).await.expect("applied");
    // Killed after the commit and before its row was written.
    lease.record(&app.database, Position::START).await.expect("recorded");
    drop(first);
    let mut second = exporter(&app);
    assert_eq!(second.open().await.expect("opened"), Position::new(5), "the table knows where it stands");
    second.apply(&batch, &lease).await.expect("the same batch again");
    assert_eq!(positions(&engine(&app)).await, each_once(5));

    // Killed after the data file and before the commit: nothing names the file.
    store_pull_requests(&app, 6..=9).await;
    let batch = app.batch_after(Position::new(5), &second).await;
    lease.release(&app.database).await.expect("released");
    let other = app.lease(&second).await;
    assert!(matches!(second.apply(&batch, &lease).await, Err(hooklake::consumer::Error::LeaseLost(_))));
    assert_eq!(second.open().await.expect("opened"), Position::new(5));
    second.apply(&batch, &other).await.expect("the owner applies");
    assert_eq!(positions(&engine(&app)).await, each_once(9));

    // Two exporters that both believe they are the owner: the second commit meets the first and gives way.
    store_pull_requests(&app, 10..=12).await;
    let mut third = exporter(&app);
    third.open().await.expect("opened");
    let batch = app.batch_after(Position::new(9), &third).await;
    second.apply(&batch, &other).await.expect("the first commits");
    third.apply(&batch, &other).await.expect_err("the second does not");
    third.apply(&batch, &other).await.expect("and finds it done");
    assert_eq!(positions(&engine(&app)).await, each_once(12));

    // A commit that a power loss tore is set aside; its events come again.
    let log = location(&app).directory().join("_delta_log");
    let mut commits: Vec<_> =
        std::fs::read_dir(&log).expect("a log").flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    commits.sort();
    std::fs::write(commits.last().expect("a commit"), "{\"commitInfo\":{\"time").expect("torn");
    let mut fourth = exporter(&app);
    assert_eq!(fourth.open().await.expect("opened"), Position::new(9));
    fourth.apply(&batch, &other).await.expect("applied");
    assert_eq!(positions(&engine(&app)).await, each_once(12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_equals_the_live_lake_while_events_come() {
    let app = App::start().await;
    let engine = engine(&app);
    app.store_all(&octokit_payloads()).await;
    app.follow(exporter(&app));
    app.wait_for(exporter::NAME).await;
    let before = rows(&engine, "SELECT * FROM events WHERE position <= 329 ORDER BY position").await;
    let copy = exporter(&app);
    let mut progress = |_: Position, _: Position| {};
    let (rebuilt, ()) = tokio::join!(app.runner.rebuild(&copy, &mut progress), store_pull_requests(&app, 1..=200));
    rebuilt.expect("rebuilt");
    store_pull_requests(&app, 201..=210).await;
    app.wait_for(exporter::NAME).await;
    assert_eq!(positions(&engine).await, each_once(539));
    assert_eq!(rows(&engine, "SELECT * FROM events WHERE position <= 329 ORDER BY position").await, before);
    assert_eq!(checkpoint::position(&app.database, exporter::NAME).await.expect("a position"), Position::new(539));
    app.stop();
}

/// The commit of the lake and that of the database are two. When the second has to wait for someone, the live exporter goes on
/// with the files of the copy, and what it adds is not added by the copy as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_swap_that_the_database_holds_up_adds_nothing_twice() {
    let app = App::start().await;
    store_pull_requests(&app, 1..=20).await;
    app.follow(exporter(&app));
    app.wait_for(exporter::NAME).await;
    // Set aside by the live one, though not by the copy, and held by somebody.
    let park = "INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts) VALUES ('lake', 4, 'evt_4', 'no room', 3)";
    app.database.get().await.expect("a connection").batch_execute(park).await.expect("noted");
    let mut other = app.database.get().await.expect("a connection");
    let holding = other.transaction().await.expect("begun");
    holding.execute("SELECT * FROM hooklake.parked FOR UPDATE", &[]).await.expect("held");
    let copy = exporter(&app);
    let rebuild = tokio::spawn({
        let runner = app.runner.clone();
        async move { runner.rebuild(&copy, &mut |_, _| {}).await }
    });
    let waits = "SELECT 1 FROM hooklake.consumers WHERE name = 'lake@rebuild' AND error IS NOT NULL";
    wait_until("the swap waits", async || !harness::rows(&app.database, waits).await.is_empty()).await;
    store_pull_requests(&app, 21..=30).await;
    app.wait_for(exporter::NAME).await;
    holding.rollback().await.expect("ended");
    rebuild.await.expect("it ends").expect("rebuilt");
    store_pull_requests(&app, 31..=35).await;
    app.wait_for(exporter::NAME).await;
    assert_eq!(positions(&engine(&app)).await, each_once(35));

    // What a rebuild brought that was killed between the two commits is not brought again by whoever tries it.
    app.database.get().await.expect("a connection").batch_execute(park).await.expect("noted");
    let request = parked::request(&app.database, exporter::NAME, None).await.expect("asked");
    assert_eq!(request, [Position::new(4)]);
    wait_until("it is taken", async || parked::list(&app.database, None, true, 1).await.expect("a list").is_empty()).await;
    assert_eq!(positions(&engine(&app)).await, each_once(35));
    app.stop();
}

/// What is taken out of many files is written file by file: a year's would not fit into memory.
#[tokio::test(flavor = "multi_thread")]
async fn files_without_what_was_redacted_are_written_one_by_one() {
    let app = App::start().await;
    let mut consumer = exporter(&app);
    let lease = app.lease(&consumer).await;
    consumer.open().await.expect("opened");
    for commit in 0..4 {
        store_pull_requests(&app, commit * 5 + 1..=commit * 5 + 5).await;
        let batch = app.batch_after(Position::new(commit as i64 * 5), &consumer).await;
        consumer.apply(&batch, &lease).await.expect("applied");
    }
    assert_eq!(files_named(&app).len(), 4);
    let mut custodian = Custodian::connect(&app.database, &app.tasks, Clock::system(), "tester").await.expect("connected");
    let first_of_each = [1, 6, 11].map(Position::new);
    custodian.redact(&crate::retention::order(&[]), &first_of_each).await.expect("redacted");
    let batch = app.batch_after(Position::new(20), &consumer).await;
    consumer.apply(&batch, &lease).await.expect("applied");
    // Three without them, one with what is left of them, one that had none of them, and one with the act.
    assert!(data_files(&app).len() >= 6, "{:?}", data_files(&app));
    assert_eq!(positions(&engine(&app)).await, each_once(21));
    let told = rows(&engine(&app), "SELECT position FROM events WHERE payload IS NULL ORDER BY position").await;
    assert_eq!(told, "1;6;11");
}

/// Only the memory of a rebuild knows the files that it has written: a batch that fails does not cost it them.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_goes_on_after_a_batch_that_failed() {
    let fold = Fold::start_with(&["slack"]).await;
    for number in 1..=6 {
        fold.append_json("github", "pull_request", &pull_request(number, "Fix", "it")).await;
    }
    let tasks = Tasks::default();
    let mut custodian = Custodian::connect(&fold.db.database, &tasks, Clock::system(), "tester").await.expect("connected");
    custodian.redact(&crate::retention::order(&[]), &[Position::new(2)]).await.expect("redacted");
    // The whole batch fails, so it is taken one by one; the third of these fails once.
    let failing = format!("{}=1*panic(a test)->2*off->1*panic(a test)->off", failpoint::LAKE_AFTER_WRITE);
    let output = command(&fold.db).args(["rebuild", "lake"]).env("FAILPOINTS", failing).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert_eq!(told.matches("panicked at").count(), 2, "{told}");
    let location = Settings::default().location(fold.db.directory.path()).expect("a location");
    let engine = Engine::new(fold.db.database.clone(), location, Limits::default()).expect("an engine");
    assert_eq!(positions(&engine).await, each_once(7));
    assert_eq!(rows(&engine, "SELECT position FROM events WHERE payload IS NULL").await, "2");
    assert_eq!(fold.db.number("SELECT count(*) FROM hooklake.parked").await, 0);
    assert_eq!(fold.db.number("SELECT position FROM hooklake.consumers WHERE name = 'lake'").await, 7);
    drop(custodian);
    tasks.stop().tell();
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_are_joined_as_they_come() {
    let app = App::start().await;
    let mut consumer = exporter(&app);
    let lease = app.lease(&consumer).await;
    consumer.open().await.expect("opened");
    let export = async |consumer: &mut Exporter, numbers: std::ops::RangeInclusive<u64>| {
        for number in numbers {
            store_pull_requests(&app, number..=number).await;
            let batch = app.batch_after(Position::new(number as i64 - 1), consumer).await;
            consumer.apply(&batch, &lease).await.expect("applied");
        }
    };
    let named = || files_named(&app).len() as u64;
    export(&mut consumer, 1..=1).await;
    // A damaged file is not joined with others, whose checksums would then vouch for what it holds; the export goes on.
    let file = data_files(&app).swap_remove(0);
    let whole = std::fs::read(&file).expect("read");
    std::fs::write(&file, flipped(&whole, whole.len() / 3, 5)).expect("written");
    export(&mut consumer, 2..=16).await;
    let mut last = 16;
    // Those that came after it are, beside the export, whenever that is done.
    while named() >= last {
        last += 1;
        assert!(last < 300, "nothing was joined");
        export(&mut consumer, last..=last).await;
    }
    let outcome = engine(&app).query(&Tenant::default_tenant(), "SELECT * FROM events", QueryOptions::default()).await;
    assert!(matches!(&outcome, Err(Error::Damaged(_))), "{outcome:?}");
    std::fs::write(&file, whole).expect("written");
    // As after a restart, nothing is held against any file.
    consumer.close();
    let mut consumer = exporter(&app);
    consumer.open().await.expect("opened");
    while named() > 20 {
        last += 1;
        assert!(last < 600, "no more was joined");
        export(&mut consumer, last..=last).await;
    }
    let answer = ask(&engine(&app), "EXPLAIN SELECT position FROM events").await.to_csv().expect("CSV");
    assert!(!answer.contains(&*app.data_dir.to_string_lossy()), "no place on disk: {answer}");
    let counted = i64::try_from(last).expect("few");
    assert_eq!(positions(&engine(&app)).await, each_once(counted));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_are_spliced_and_say_the_same() {
    const AT_ONCE: i64 = 60;
    let app = App::start().await;
    let mut consumer = exporter(&app);
    let lease = app.lease(&consumer).await;
    consumer.open().await.expect("opened");
    // What cannot be packed well.
    let noise = || (0..800).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect::<String>();
    let engine = engine(&app);
    let (mut commits, mut named) = (0, 0);
    while named >= commits {
        assert!(commits < 100, "nothing was spliced");
        let first = commits * AT_ONCE;
        let events: Vec<_> = (first..first + AT_ONCE).map(|number| ("pull_request".to_owned(), pull_request(number as u64, "Fix", &noise()))).collect();
        app.store_all(&events).await;
        let batch = app.batch_after(Position::new(first), &consumer).await;
        consumer.apply(&batch, &lease).await.expect("applied");
        commits += 1;
        named = files_named(&app).len() as i64;
    }
    let groups = data_files(&app).into_iter().map(|path| {
        let file = std::fs::File::open(path).expect("a file");
        parquet::file::metadata::ParquetMetaDataReader::new().parse_and_finish(&file).expect("a footer").num_row_groups()
    });
    assert_eq!(groups.max(), Some(16), "as they were");
    assert_eq!(positions(&engine).await, each_once(commits * AT_ONCE));
    // By what the Delta log says of the file, and the file of its row groups, readers pass over what they need not read.
    for position in [1, AT_ONCE, AT_ONCE + 1, 9 * AT_ONCE + 7] {
        let at = rows(&engine, &format!("SELECT received_at FROM events WHERE position = {position}")).await;
        let same = format!("SELECT min(position) <= {position} AND max(position) >= {position} FROM events WHERE received_at = '{at}' AND source = 'github'");
        assert_eq!(rows(&engine, &same).await, "true", "{position} at {at}");
    }
    let every = "SELECT * FROM events WHERE position > 100 AND position <= 160 ORDER BY position";
    let from_lake = rows(&engine, every).await;
    std::fs::remove_dir_all(location(&app).directory()).expect("removed");
    assert_eq!(from_lake, rows(&self::engine(&app), every).await, "in the log");
}
