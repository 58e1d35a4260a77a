//! A damaged file of the lake is an error that names it, never other rows; the rest goes on, and a rebuild heals it (F24).

use std::path::{Path, PathBuf};

use hooklake::domain::Tenant;
use hooklake::lake::{Engine, Error, Location, QueryOptions};

use crate::harness::follow::{App, octokit_payloads};
use crate::lake::{engine, exporter, location, rows, store_pull_requests};

const EVERYTHING: &str = "SELECT * FROM events ORDER BY position";
/// Bits that are flipped, spread over pages, dictionaries, headers and the footer of one file.
const FLIPS: usize = 40;

pub fn data_files(app: &App) -> Vec<PathBuf> {
    files_of(&location(app)).iter().map(|name| location(app).directory().join(name)).collect()
}

/// The data files below the table's directory by their names in it, in order.
pub fn files_of(location: &Location) -> Vec<String> {
    let days = std::fs::read_dir(location.directory()).expect("a directory").flatten().map(|entry| entry.path());
    names(location.directory(), days.filter(|path| path.to_string_lossy().contains("day=")))
}

/// Of which files there are checksums.
pub fn sums(location: &Location) -> Vec<String> {
    let root = location.directory().join("_hooklake_sums");
    let days = std::fs::read_dir(&root).expect("checksums").flatten().map(|entry| entry.path());
    names(&root, days).iter().map(|name| name.strip_suffix(".sums").expect("only checksums").to_owned()).collect()
}

fn names(root: &Path, days: impl Iterator<Item = PathBuf>) -> Vec<String> {
    let files = days.flat_map(|day| std::fs::read_dir(day).expect("a day").flatten().map(|entry| entry.path()).collect::<Vec<_>>());
    let mut names: Vec<_> = files.map(|path| path.strip_prefix(root).expect("below").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub fn flipped(bytes: &[u8], at: usize, bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << bit;
    bytes
}

/// The name in the message, when a question was refused for it.
async fn refused(app: &App, engine: &Engine, sql: &str) -> String {
    let outcome = engine.query(&Tenant::default_tenant(), sql, QueryOptions::default()).await;
    let Err(Error::Damaged(message)) = outcome else { panic!("{sql}: {outcome:?}") };
    assert!(!message.contains(&*app.data_dir.to_string_lossy()), "no place on disk: {message}");
    assert!(message.contains("hooklake rebuild lake"), "what to do: {message}");
    let (_, rest) = message.split_once("the lake's file ").expect("a file");
    rest.split_once(' ').expect("a name").0.to_owned()
}

/// A lake of two files, an export each.
async fn two_files(app: &App) -> Vec<PathBuf> {
    let mut payloads = octokit_payloads();
    payloads.truncate(60);
    app.store_all(&payloads).await;
    app.catch_up(&mut exporter(app)).await;
    let first = data_files(app);
    store_pull_requests(app, 1..=60).await;
    app.catch_up(&mut exporter(app)).await;
    let second = data_files(app).into_iter().find(|file| !first.contains(file)).expect("another file");
    vec![first[0].clone(), second]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_never_gives_other_rows() {
    let app = App::start().await;
    let file = two_files(&app).await.swap_remove(0);
    let engine = engine(&app);
    let whole = std::fs::read(&file).expect("read");
    let few = "SELECT position, event_type FROM events ORDER BY position";
    let (right, right_few) = (rows(&engine, EVERYTHING).await, rows(&engine, few).await);
    let spread = (0..FLIPS - 8).map(|number| 4 + number * (whole.len() - 12) / (FLIPS - 8));
    // The magic numbers, the footer's length and the end of the footer as well.
    let positions: Vec<_> = spread.chain([0, 3]).chain((1..=6).map(|back| whole.len() - 2 * back)).collect();
    let mut read_around = 0;
    for (number, at) in positions.into_iter().enumerate() {
        std::fs::write(&file, flipped(&whole, at, number % 8)).expect("written");
        assert!(file.ends_with(refused(&app, &engine, EVERYTHING).await), "the file is named");
        // A question that reads another part of the file may be answered, and is answered right.
        match engine.query(&Tenant::default_tenant(), few, QueryOptions::default()).await {
            Ok(answer) => {
                read_around += 1;
                assert_eq!(answer.to_csv().expect("CSV").lines().skip(1).collect::<Vec<_>>().join(";"), right_few);
            }
            Err(error) => assert!(matches!(&error, Error::Damaged(_)), "{error:?}"),
        }
    }
    eprintln!("{} bytes, {FLIPS} flips, {read_around} of them in parts that a narrow question does not read", whole.len());
    std::fs::write(&file, &whole).expect("written");
    assert_eq!(rows(&engine, EVERYTHING).await, right);

    // Files that an older hooklake wrote have no checksums; they get those of what they are.
    std::fs::remove_dir_all(location(&app).directory().join("_hooklake_sums")).expect("removed");
    assert_eq!(rows(&engine, EVERYTHING).await, right);
    assert_eq!(sums(&location(&app)), files_of(&location(&app)));
    std::fs::write(&file, flipped(&whole, whole.len() / 2, 0)).expect("written");
    assert!(file.ends_with(refused(&app, &engine, EVERYTHING).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_named_and_a_rebuild_heals_it() {
    type Damage = fn(&[PathBuf]);
    let truncate: Damage = |files| std::fs::OpenOptions::new().write(true).open(&files[0]).expect("open").set_len(200).expect("cut");
    let empty: Damage = |files| std::fs::write(&files[0], "").expect("written");
    let remove: Damage = |files| std::fs::remove_file(&files[0]).expect("removed");
    let swap: Damage = |files| {
        let aside = files[0].with_extension("aside");
        std::fs::rename(&files[0], &aside).expect("renamed");
        std::fs::rename(&files[1], &files[0]).expect("renamed");
        std::fs::rename(&aside, &files[1]).expect("renamed");
    };
    // Another file under its name, of the same size and whole in itself.
    let older: Damage = |files| {
        let text = std::fs::read(&files[0]).expect("read");
        let created = text.windows(9).position(|window| window == b"hooklake ").expect("who wrote it");
        std::fs::write(&files[0], flipped(&text, created + 1, 5)).expect("written");
    };
    let app = App::start().await;
    let files = two_files(&app).await;
    let engine = engine(&app);
    let right = rows(&engine, EVERYTHING).await;
    let whole: Vec<_> = files.iter().map(|file| std::fs::read(file).expect("read")).collect();
    for (round, damage) in [truncate, empty, remove, older, swap].into_iter().enumerate() {
        damage(&files);
        let named = refused(&app, &engine, EVERYTHING).await;
        let is_swapped = round == 4;
        assert!(files.iter().take(if is_swapped { 2 } else { 1 }).any(|file| file.ends_with(&named)), "{named}");
        if !is_swapped {
            let others = rows(&engine, "SELECT count(*), sum(length(payload)) > 0 FROM events WHERE position > 60 AND position <= 120").await;
            assert_eq!(others, "60,true", "the other file is read as ever");
        }
        // The export goes on beside it.
        store_pull_requests(&app, 1..=1).await;
        app.catch_up(&mut exporter(&app)).await;
        for (file, whole) in files.iter().zip(&whole).filter(|_| !is_swapped) {
            std::fs::write(file, whole).expect("written");
        }
    }
    app.runner.rebuild(&exporter(&app), &mut |_, _| {}).await.expect("rebuilt");
    assert_eq!(rows(&engine, "SELECT * FROM events WHERE position <= 120 ORDER BY position").await, right);
}
