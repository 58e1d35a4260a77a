//! The index holds log[1..indexed] (I7), and search finds what a scan finds (D12).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hooklake::consumer::{Consumer, checkpoint};
use hooklake::domain::envelope::Flag;
use hooklake::domain::facts::Facts;
use hooklake::domain::{Position, Tenant};
use hooklake::search::{Error, Indexer, SearchAnswer, Searcher, indexer, schema};

use crate::harness::follow::{App, octokit_payloads, pull_request};
use crate::harness::{rows, wait_until};

async fn search(app: &App, query: &str) -> SearchAnswer {
    let searcher = Searcher::new(app.database.clone(), &app.data_dir);
    searcher.search(&Tenant::default_tenant(), query, 200, 0).await.unwrap_or_else(|error| panic!("{query}: {error:?}"))
}

async fn positions(app: &App, query: &str) -> Vec<i64> {
    let mut positions: Vec<i64> = search(app, query).await.hits.iter().map(|hit| hit.position.get()).collect();
    positions.sort_unstable();
    positions
}

fn indexer(app: &App) -> Indexer {
    Indexer::new(app.database.clone(), &app.data_dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_field_phrase_and_exclusion() {
    let app = App::start().await;
    let message = serde_json::json!({"type": "event_callback", "event": {"type": "message", "user": "U1", "channel": "C1", "text": "the checkout is down"}});
    app.store("github", "pull_request", &pull_request(1, "Fix the flaky checkout", "Closes ENG-123. The <b>basket</b> was lost.")).await;
    app.store("github", "pull_request", &pull_request(2, "Draft: checkout flaky again", "nothing yet")).await;
    app.store("slack", "message", &message).await;
    let elsewhere = pull_request(3, "Fix the checkout elsewhere", "").to_string();
    app.store_as(Tenant::new("other"), "github", "pull_request", elsewhere, vec![]).await;
    let again = pull_request(1, "Fix the flaky checkout", "").to_string();
    app.store_as(Tenant::default_tenant(), "github", "pull_request", again, vec![Flag::SuspectReplay]).await;
    app.catch_up(&mut indexer(&app)).await;

    for (query, expected) in [
        ("checkout", vec![1, 2, 3]),
        ("checkouts", vec![1, 2, 3]),
        ("source:slack", vec![3]),
        ("source:github type:pull_request author:octocat checkout", vec![1, 2]),
        ("repo:acme/shop", vec![1, 2]),
        ("repo:shop", vec![1, 2]),
        ("\"flaky checkout\"", vec![1]),
        ("checkout -draft", vec![1, 3]),
        ("-draft", vec![1, 3]),
        ("ENG-123", vec![1]),
        ("basket OR down", vec![1, 3]),
        ("after:2020-01-01 source:github", vec![1, 2]),
        ("before:2020-01-01", vec![]),
        ("kind:pull_request.opened", vec![1, 2]),
        ("about:acme/shop#2", vec![2]),
        ("subject:github:Acme/shop#2", vec![2]),
        ("checkout -about:acme/shop#2", vec![1, 3]),
        ("NOT about:acme/shop#2", vec![1, 3]),
        ("tenant OR elsewhere", vec![]),
        ("*", vec![1, 2, 3]),
    ] {
        assert_eq!(positions(&app, query).await, expected, "{query}");
    }

    let answer = search(&app, "basket").await;
    let hit = &answer.hits[0];
    assert!(hit.snippet_html.contains("&lt;b&gt;<b>basket</b>&lt;/b&gt;"), "{}", hit.snippet_html);
    assert!(hit.snippet.contains(&("basket".to_owned(), true)));
    assert_eq!(hit.url.as_deref(), Some("https://github.com/acme/shop/pull/1"));
    assert_eq!((answer.total, answer.through, answer.lag_events), (1, Position::new(5), 0));
    let latest_first: Vec<i64> = search(&app, "source:github").await.hits.iter().map(|hit| hit.position.get()).collect();
    assert_eq!(latest_first, [2, 1]);
    let refused = Searcher::new(app.database.clone(), &app.data_dir).search(&Tenant::default_tenant(), "tenant:other", 10, 0).await;
    assert!(matches!(&refused, Err(Error::Query(message)) if message.contains("repository")), "{refused:?}");
}

/// An event as the scan sees it.
struct Row {
    position: i64,
    fields: [Option<String>; 4],
    words: BTreeSet<String>,
}

/// Reads the log itself, with the same idea of what a word is.
async fn scan(app: &App, consumer: &Indexer) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut after = Position::START;
    loop {
        let batch = app.batch_after(after, consumer).await;
        if batch.span.is_empty() {
            return rows;
        }
        for envelope in &batch.envelopes {
            let payload = envelope.payload();
            let facts = Facts::of(&envelope.source, &envelope.event_type, payload.value());
            let text = format!("{} \n {}", facts.title.unwrap_or_default(), facts.body_text.unwrap_or_default());
            let fields = [Some(envelope.event_type.clone()), envelope.kind(&payload).action, facts.actor, facts.repository];
            rows.push(Row { position: envelope.position.get(), fields, words: words(&text) });
        }
        after = batch.span.through;
    }
}

fn words(text: &str) -> BTreeSet<String> {
    let mut analyzer = schema::tokenizers().get("hooklake_text").expect("registered");
    let mut stream = analyzer.token_stream(text);
    let mut words = BTreeSet::new();
    while let Some(token) = stream.next() {
        words.insert(token.text.clone());
    }
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn search_finds_what_a_scan_finds() {
    let app = App::start().await;
    app.store_all(&octokit_payloads()).await;
    let mut consumer = indexer(&app);
    app.catch_up(&mut consumer).await;
    assert_eq!(app.head().await, Position::new(329));
    assert_eq!(search(&app, "*").await.total, 329, "every position once (I7)");

    let rows = scan(&app, &consumer).await;
    let matching = |is_match: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| is_match(row)).map(|row| row.position).collect::<Vec<_>>();
    let vocabulary: BTreeSet<&String> = rows.iter().flat_map(|row| &row.words).filter(|word| word.chars().all(char::is_alphanumeric)).collect();
    assert!(vocabulary.len() > 100, "{}", vocabulary.len());
    let mut compared = 0;
    for word in vocabulary.into_iter().step_by(5) {
        // A stem is not always its own stem; the scan looks for what the query means.
        let Some(meant) = words(word).pop_first() else { continue };
        let expected = matching(&|row| row.words.contains(&meant));
        let found = search(&app, word).await;
        assert_eq!(found.total, expected.len(), "{word}");
        if expected.len() <= 200 {
            assert_eq!(positions(&app, word).await, expected, "{word}");
        }
        compared += 1;
    }
    for (index, field) in ["type", "action", "author", "repo"].into_iter().enumerate() {
        let values: BTreeSet<&String> = rows.iter().filter_map(|row| row.fields[index].as_ref()).collect();
        for wanted in values {
            let expected = matching(&|row| row.fields[index].as_ref().is_some_and(|value| value.eq_ignore_ascii_case(wanted)));
            assert_eq!(search(&app, &format!("{field}:\"{wanted}\"")).await.total, expected.len(), "{field}:{wanted}");
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_commit_and_checkpoint_repeats_nothing() {
    let app = App::start().await;
    for number in 1..=5 {
        app.store("github", "pull_request", &pull_request(number, "Fix", "it")).await;
    }
    let mut first = indexer(&app);
    let lease = app.lease(&first).await;
    let start = first.open().await.expect("opened");
    let batch = app.batch_after(start, &first).await;
    first.apply(&batch, &lease).await.expect("applied");
    // Killed before its row was written: the row is put back, the index stays.
    lease.record(&app.database, Position::START).await.expect("recorded");
    drop(first);

    let mut second = indexer(&app);
    assert_eq!(second.open().await.expect("opened"), Position::new(5), "the index knows where it stands");
    second.apply(&batch, &lease).await.expect("the same batch again");
    assert_eq!(search(&app, "*").await.total, 5);
    assert_eq!(checkpoint::position(&app.database, indexer::NAME).await.expect("a position"), Position::new(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_lost_its_lease_commits_nothing() {
    let app = App::start().await;
    app.store("github", "pull_request", &pull_request(1, "Fix", "it")).await;
    let mut consumer = indexer(&app);
    let lease = app.lease(&consumer).await;
    lease.release(&app.database).await.expect("released");
    let other = app.lease(&consumer).await;
    let start = consumer.open().await.expect("opened");
    let batch = app.batch_after(start, &consumer).await;
    assert!(matches!(consumer.apply(&batch, &lease).await, Err(hooklake::consumer::Error::LeaseLost(_))));
    consumer.apply(&batch, &other).await.expect("the owner applies");
    assert_eq!(search(&app, "*").await.total, 1, "and what the other had added is not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_added_and_then_given_up_is_not_added_twice() {
    let app = App::start().await;
    app.store("github", "pull_request", &pull_request(1, "Fix", "it")).await;
    let mut consumer = indexer(&app);
    let lease = app.lease(&consumer).await;
    let start = consumer.open().await.expect("opened");
    let batch = app.batch_after(start, &consumer).await;
    // The database stands still when the documents are added and the commit is next; the runner then gives the work up.
    let mut standing = app.database.get().await.expect("a connection");
    let standing = standing.transaction().await.expect("begun");
    standing.execute("SELECT FROM hooklake.consumers WHERE name = $1 FOR UPDATE", &[&indexer::NAME]).await.expect("locked");
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let is_waiting = async || rows(&app.database, waits).await[0].get::<_, i64>(0) > 0;
    tokio::select! {
        outcome = consumer.apply(&batch, &lease) => panic!("it has its lease: {outcome:?}"),
        () = wait_until("it asks for its lease", is_waiting) => {}
    }
    standing.commit().await.expect("it goes on");
    consumer.apply(&batch, &lease).await.expect("applied");
    assert_eq!(search(&app, "*").await.total, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_equals_the_live_index() {
    let app = App::start().await;
    app.store_all(&octokit_payloads()).await;
    app.follow(indexer(&app));
    app.wait_for(indexer::NAME).await;
    let queries = ["*", "type:issues", "action:opened", "merge OR spell", "author:codertocat"];
    let mut before = Vec::new();
    for query in queries {
        before.push(positions(&app, query).await);
    }
    app.runner.rebuild(&indexer(&app), &mut |_, _| {}).await.expect("rebuilt");
    assert_eq!(checkpoint::generation(&app.database, indexer::NAME).await.expect("a generation"), 2);
    for (query, before) in queries.iter().zip(&before) {
        assert_eq!(&positions(&app, query).await, before, "{query}");
    }
    // The live one goes on with the new generation, and the old one is removed.
    app.store("github", "pull_request", &pull_request(1, "Afterwards zebra", "")).await;
    app.wait_for(indexer::NAME).await;
    assert_eq!(positions(&app, "zebra").await.len(), 1);
    assert!(!app.data_dir.join("search/1").exists());
    app.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_ends_although_the_log_goes_on() {
    let app = App::start().await;
    app.store("github", "pull_request", &pull_request(1, "Fix", "it")).await;
    app.catch_up(&mut indexer(&app)).await;
    let mut reports = 0;
    // Whenever it has taken something, there is more.
    let mut more = |_, _| {
        reports += 1;
        assert!(reports < 20, "it runs after the end of the log");
        let event = pull_request(reports, "Fix", "it");
        let storing = app.store("github", "pull_request", &event);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(storing));
    };
    app.runner.rebuild(&indexer(&app), &mut more).await.expect("rebuilt");
    app.follow(indexer(&app));
    app.wait_for(indexer::NAME).await;
    assert_eq!(search(&app, "*").await.total, app.head().await.get() as usize, "and nothing is missing");
    app.stop();
}

fn largest(directory: &Path) -> PathBuf {
    let files = std::fs::read_dir(directory).expect("a directory").flatten().map(|entry| entry.path());
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|extension| extension != "json" && extension != "lock");
    files.filter(is_segment).max_by_key(|path| std::fs::metadata(path).expect("a file").len()).expect("a segment")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_is_set_aside_and_filled_anew() {
    type Damage = fn(&Path);
    let truncate: Damage = |directory| {
        let file = largest(directory);
        let length = std::fs::metadata(&file).expect("a file").len();
        std::fs::OpenOptions::new().write(true).open(file).expect("open").set_len(length / 2).expect("cut");
    };
    let flip: Damage = |directory| {
        let file = largest(directory);
        let mut bytes = std::fs::read(&file).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(file, bytes).expect("written");
    };
    let remove: Damage = |directory| std::fs::remove_file(largest(directory)).expect("removed");
    let garble: Damage = |directory| std::fs::write(directory.join("meta.json"), "{").expect("written");
    let other_schema: Damage = |directory| {
        std::fs::remove_dir_all(directory).expect("removed");
        std::fs::create_dir_all(directory).expect("made");
        tantivy::Index::create_in_dir(directory, tantivy::schema::Schema::builder().build()).expect("made");
    };
    for (what, damage) in [("truncated", truncate), ("flipped", flip), ("removed", remove), ("garbled", garble), ("other", other_schema)] {
        let app = App::start().await;
        for number in 1..=50 {
            app.store("github", "pull_request", &pull_request(number, "Fix the checkout", "again")).await;
        }
        app.catch_up(&mut indexer(&app)).await;
        damage(&app.data_dir.join("search/1"));
        let mut consumer = indexer(&app);
        assert_eq!(consumer.open().await.expect("opened"), Position::START, "{what}");
        drop(consumer);
        assert!(app.data_dir.join("search/quarantined").exists(), "{what}");
        app.catch_up(&mut indexer(&app)).await;
        assert_eq!(search(&app, "checkout").await.total, 50, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_redacted_is_not_shown_and_a_missing_index_is_told() {
    let app = App::start().await;
    let searcher = Searcher::new(app.database.clone(), &app.data_dir);
    let missing = searcher.search(&Tenant::default_tenant(), "fix", 10, 0).await;
    assert!(matches!(missing, Err(Error::NotReady)), "{missing:?}");

    app.store("github", "pull_request", &pull_request(1, "Fix", "secret")).await;
    let second = app.store("github", "pull_request", &pull_request(2, "Fix", "secret")).await;
    app.follow(indexer(&app));
    wait_until("the condition holds", async || searcher.search(&Tenant::default_tenant(), "secret", 10, 0).await.is_ok_and(|answer| answer.hits.len() == 2))
        .await;
    let (client, connection) = app.database.dedicated().await.expect("a connection");
    let driver = tokio::spawn(connection);
    client.execute("UPDATE log.envelopes SET body = NULL, salt = NULL WHERE id = $1", &[&second.id.uuid()]).await.expect("redacted");
    driver.abort();
    let answer = searcher.search(&Tenant::default_tenant(), "secret", 10, 0).await.expect("an answer");
    assert_eq!(answer.hits.iter().map(|hit| hit.position.get()).collect::<Vec<_>>(), [1]);
    app.stop();
}
