//! A rebuild that is killed goes on where it was, nobody reads half a table, and an owner that was replaced writes nothing.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hooklake::consumer::rebuild::Then;
use hooklake::consumer::{Consumer, Error, Projection, checkpoint};
use hooklake::domain::{Position, Span};
use hooklake::failpoint;
use hooklake::log::Reader;
use hooklake::projectors::EventTable;
use serde_json::json;

use crate::harness::fold::Fold;
use crate::harness::process::command;
use crate::harness::{TestDatabase, wait_until};

/// More than three spans of a rebuild, which are filled at the same time.
const EVENTS: usize = 7_000;
/// Held by a test to keep a copy's checkpoint from moving on.
const BARRIER: i64 = 4_711;

async fn append_issues(fold: &Fold, count: usize) {
    let numbers = (1..=count).collect::<Vec<_>>();
    for chunk in numbers.chunks(500) {
        futures::future::join_all(chunk.iter().map(async |number| {
            let body = json!({
                "action": "opened",
                "issue": {"id": number, "number": number, "title": format!("RES-{number}: an issue"), "state": "open", "updated_at": "2026-11-01T12:00:00Z"},
                "repository": {"id": 1, "full_name": "acme/shop"}, "sender": {"login": format!("user-{}", number % 97)},
            });
            fold.append_json("github", "issues", &body).await
        }))
        .await;
    }
}

/// What people may notice of a table beside its rows.
async fn indexes(db: &TestDatabase) -> Vec<String> {
    let rows = db.rows("SELECT indexdef FROM pg_indexes WHERE schemaname = 'projections' ORDER BY 1").await;
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_is_killed_goes_on_where_it_was() {
    let fold = Fold::start().await;
    append_issues(&fold, EVENTS).await;
    fold.caught_up().await;
    let (live, live_indexes) = (fold.tables().await, indexes(&fold.db).await);
    assert_eq!(fold.db.number("SELECT count(*) FROM projections.issues").await, EVENTS as i64, "each tells of an entity");

    // The checkpoint comes to the end of the seventh span at most.
    let (holder, connection) = fold.db.database.dedicated().await.expect("a connection");
    tokio::spawn(connection);
    holder.batch_execute(&format!("SELECT pg_advisory_lock({BARRIER})")).await.expect("locked");
    fold.db
        .execute(&format!(
            "CREATE FUNCTION public.wait_at_barrier() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock({BARRIER}); RETURN NEW; END $$;
             CREATE TRIGGER barrier BEFORE UPDATE ON hooklake.consumers FOR EACH ROW
             WHEN (NEW.name LIKE '%@rebuild' AND NEW.position > 4200) EXECUTE FUNCTION public.wait_at_barrier()"
        ))
        .await;
    let mut killed = command(&fold.db).args(["rebuild", "events"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let position = "SELECT coalesce((SELECT position FROM hooklake.consumers WHERE name = 'events@rebuild'), 0)";
    wait_until("half is filled, and more than the checkpoint says", async || {
        fold.db.number(position).await == 4_200 && fold.db.number("SELECT count(*) FROM rebuild_events.events WHERE position > 4200").await > 0
    })
    .await;
    killed.kill().expect("killed");
    killed.wait().expect("it ends");
    holder.batch_execute(&format!("SELECT pg_advisory_unlock({BARRIER})")).await.expect("unlocked");
    fold.db.execute("DROP TRIGGER barrier ON hooklake.consumers; DROP FUNCTION public.wait_at_barrier()").await;
    assert_eq!(fold.db.number(position).await, 4_200, "the copy waits for someone to go on");
    assert_eq!(fold.tables().await, live, "readers see the old one");

    let output = command(&fold.db).args(["rebuild", "events"]).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.starts_with(&format!("events rebuilt to 4200 of {EVENTS} (60 %)\n")), "{told}");
    assert_eq!(fold.tables().await, live, "the same again");
    assert_eq!(indexes(&fold.db).await, live_indexes, "with the same indexes, under the same names");
    assert_eq!(fold.db.number("SELECT generation::bigint FROM hooklake.consumers WHERE name = 'events'").await, 2);

    // What follows from rows is made of more positions than are taken at once; the first rebuild ends between two of these steps.
    for live in fold.consumers().iter().filter(|consumer| ["entities", "people", "correlation"].contains(&consumer.name())) {
        let deriving = format!("{}=return(abort)", failpoint::REBUILD_DERIVING);
        let output = command(&fold.db).args(["rebuild", live.name()]).env("FAILPOINTS", deriving).output().expect("it runs");
        assert_eq!(output.status.code(), None, "it was ended: {}", String::from_utf8_lossy(&output.stderr));
        fold.db.execute("UPDATE hooklake.consumers SET lease_until = '-infinity' WHERE name LIKE '%@rebuild'").await;
        fold.runner.rebuild(live.as_ref(), &mut |_, _| {}).await.unwrap_or_else(|error| panic!("{}: {error:?}", live.name()));
    }
    assert_eq!(fold.tables().await, live, "these too");
    fold.append_json("github", "push", &json!({"ref": "refs/heads/main"})).await;
    fold.caught_up().await;
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_the_whole_old_one_or_the_whole_new_one() {
    let fold = Fold::start().await;
    append_issues(&fold, 500).await;
    fold.caught_up().await;
    let stop = Arc::new(AtomicBool::new(false));
    let (client, connection) = fold.db.database.dedicated().await.expect("a connection");
    tokio::spawn(connection);
    let reading = tokio::spawn({
        let stop = Arc::clone(&stop);
        async move {
            let (mut seen, mut answers) = (0_i64, 0_u64);
            while !stop.load(Ordering::SeqCst) {
                for relation in ["events", "recent_events", "events"] {
                    let row = client.query_one(&format!("SELECT count(*) FROM {relation}"), &[]).await.unwrap_or_else(|error| panic!("{relation}: {error:?}"));
                    if relation == "events" {
                        let count: i64 = row.get(0);
                        assert!(count >= seen, "{count} rows after {seen}: events that were there are gone");
                        seen = count;
                    }
                }
                answers += 1;
            }
            answers
        }
    });
    for _ in 0..3 {
        let events = Projection::new(fold.db.database.clone(), EventTable);
        let mut progress = |_, _| {};
        let (rebuilt, ()) = tokio::join!(fold.runner.rebuild(&events, &mut progress), append_issues(&fold, 200));
        rebuilt.expect("rebuilt");
    }
    stop.store(true, Ordering::SeqCst);
    assert!(reading.await.expect("every question was answered") > 3);
    fold.caught_up().await;
    assert_eq!(fold.db.number("SELECT count(*) FROM events").await, 1_100);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_was_replaced_fills_nothing() {
    let fold = Fold::start().await;
    append_issues(&fold, 10).await;
    fold.caught_up().await;
    let database = &fold.db.database;
    let copy = Projection::new(database.clone(), EventTable).beside().await.expect("a copy");
    let filler = copy.filler().expect("it can be filled out of order");
    let paused = checkpoint::acquire(database, copy.name(), "paused").await.expect("asked").expect("free");
    let batch = Reader::new(database.clone()).after(Position::START, None, None, copy.limits()).await.expect("a batch");
    filler.fill(&batch, &paused).await.expect("filled while it is the owner");

    fold.db.execute("UPDATE hooklake.consumers SET lease_until = '-infinity' WHERE name = 'events@rebuild'").await;
    checkpoint::acquire(database, copy.name(), "next").await.expect("asked").expect("free");
    fold.db.execute("DELETE FROM rebuild_events.events").await;
    assert!(matches!(filler.fill(&batch, &paused).await, Err(Error::LeaseLost(_))));
    assert_eq!(fold.db.number("SELECT count(*) FROM rebuild_events.events").await, 0);

    // Filled twice, as after an unknown COMMIT, a span has its rows once.
    let next = checkpoint::acquire(database, copy.name(), "next").await.expect("asked");
    assert!(next.is_none(), "it is held");
    fold.db.execute("UPDATE hooklake.consumers SET lease_until = '-infinity' WHERE name = 'events@rebuild'").await;
    let next = checkpoint::acquire(database, copy.name(), "next").await.expect("asked").expect("free");
    for _ in 0..2 {
        filler.fill(&batch, &next).await.expect("filled");
    }
    assert_eq!(batch.span, Span { after: Position::START, through: Position::new(10) });
    assert_eq!(fold.db.number("SELECT count(*) FROM rebuild_events.events").await, 10);
    fold.stop().await;
}

/// Between its question whether it still is the owner and the end of its transaction, nobody takes the tables from under it:
/// what it writes would come to the live ones, whose names are the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_swapped_while_an_owner_that_was_replaced_writes() {
    let fold = Fold::start_with(&["events"]).await;
    append_issues(&fold, 10).await;
    fold.caught_up().await;
    let database = &fold.db.database;
    let rebuild = || {
        let (runner, live) = (fold.runner.clone(), fold.consumers().remove(0));
        tokio::spawn(async move { runner.rebuild(live.as_ref(), &mut |_, _| {}).await })
    };
    let generation = async || fold.db.number("SELECT generation::bigint FROM hooklake.consumers WHERE name = 'events'").await;
    fold.runner.rebuild_and(fold.consumers().remove(0).as_ref(), Then::Keep, &mut |_, _| {}).await.expect("filled");
    let paused = checkpoint::acquire(database, "events@rebuild", "paused").await.expect("asked").expect("free");
    let mut connection = database.get().await.expect("a connection");
    let transaction = connection.transaction().await.expect("a transaction");
    paused.check(&transaction).await.expect("it is the owner");
    // Another statement, so that the snapshot of the one before keeps nobody from swapping.
    transaction.batch_execute("SET LOCAL synchronous_commit = off").await.expect("set");
    fold.db.execute("UPDATE hooklake.consumers SET lease_until = '-infinity' WHERE name = 'events@rebuild'").await;
    let swap = rebuild();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until("it waits for the paused one", async || swap.is_finished() || fold.db.number(waiting).await > 0).await;
    transaction.batch_execute("SET LOCAL search_path = rebuild_events, projections").await.expect("set");
    let written = transaction.query_one("SELECT to_regclass('events')::oid IS NOT DISTINCT FROM to_regclass('rebuild_events.events')::oid", &[]).await;
    assert!(written.expect("an answer").get::<_, bool>(0), "it writes to the copy");
    assert_eq!(generation().await, 1, "nothing is swapped");
    transaction.commit().await.expect("its end");
    swap.await.expect("it ends").expect("swapped");
    assert_eq!(generation().await, 2);
    let transaction = connection.transaction().await.expect("a transaction");
    assert!(matches!(paused.check(&transaction).await, Err(Error::LeaseLost(_))), "there is no copy any more");
    drop(transaction);

    // Nor does it swap what another one fills.
    let (reader, driver) = fold.db.database.dedicated().await.expect("a connection");
    let driver = tokio::spawn(driver);
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM hooklake.installation").await.expect("a snapshot");
    let swap = rebuild();
    let filled = "SELECT count(*) FROM hooklake.consumers WHERE name = 'events@rebuild' AND error LIKE '%may still read%'";
    wait_until("it waits for a reader", async || swap.is_finished() || fold.db.number(filled).await > 0).await;
    fold.db.execute("UPDATE hooklake.consumers SET epoch = epoch + 1 WHERE name = 'events@rebuild'").await;
    reader.batch_execute("COMMIT").await.expect("it is done");
    assert!(matches!(swap.await.expect("it ends"), Err(Error::LeaseLost(_))));
    assert_eq!(generation().await, 2);
    drop(reader);
    driver.await.expect("driven").expect("closed");
    fold.stop().await;
}
