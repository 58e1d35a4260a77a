//! House rules that a compiler does not know; no database. Each says what to do instead.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(directory: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(&root().join(directory), extension, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no .{extension} under {directory}");
    found
}

fn collect(directory: &Path, extension: &str, found: &mut Vec<(PathBuf, String)>) {
    for path in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|other| other == extension) {
            let text = std::fs::read_to_string(&path).expect("text");
            found.push((path.strip_prefix(root()).expect("inside").to_owned(), text));
        }
    }
}

/// The folder or file of `src/` that a file belongs to: `log` for `src/log/read.rs`, `app` for `src/app.rs`.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix("src").expect("in src");
    inside.components().next().expect("a part").as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Who may import whom (docs/architecture.md). A module that is not named here may import everything.
fn may_import(module: &str) -> Option<&'static [&'static str]> {
    Some(match module {
        "domain" | "failpoint" | "tasks" | "telemetry" => &[],
        "db" => &["domain"],
        "log" => &["db", "domain", "failpoint", "tasks", "telemetry"],
        "sources" => &["log", "db", "domain"],
        "consumer" => &["log", "db", "domain", "failpoint", "tasks", "telemetry"],
        "projectors" | "correlation" | "search" | "lake" => &["consumer", "log", "db", "domain", "failpoint", "tasks", "telemetry"],
        "operate" => &["consumer", "log", "db", "domain"],
        "reader" => &["log", "db", "domain", "tasks", "telemetry"],
        "proof" => &["consumer", "sources", "log", "db", "domain", "failpoint", "tasks", "telemetry"],
        "retention" => &["consumer", "lake", "search", "sources", "log", "db", "domain", "tasks", "telemetry"],
        "simulate" => &["demo", "domain"],
        "config" => &["correlation", "db", "projectors", "sources", "telemetry", "lake", "search", "proof", "reader", "retention"],
        "saved" => &["db"],
        _ => return None,
    })
}

#[test]
fn imports_follow_the_arrows() {
    for (path, text) in files("src", "rs") {
        let module = module(&path);
        let Some(allowed) = may_import(&module) else { continue };
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for (_, rest) in line.match_indices("crate::").map(|(at, _)| line.split_at(at + "crate::".len())) {
                let target = rest.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap_or_default();
                let is_ours = root().join("src").join(target).is_dir() || root().join("src").join(format!("{target}.rs")).exists();
                assert!(
                    !is_ours || target == module || allowed.contains(&target),
                    "{}:{}: {module} may not import {target}; see docs/architecture.md",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn tasks_are_spawned_through_one_door() {
    for (path, text) in files("src", "rs") {
        if module(&path) == "tasks" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let is_exempt = path.ends_with("db/migrate.rs");
            assert!(
                is_exempt || !line.contains("tokio::spawn("),
                "{}:{}: spawn through crate::tasks::Tasks, so that stopping waits for it",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn files_stay_short() {
    for (path, text) in files("src", "rs").into_iter().chain(files("tests", "rs")).chain(files("bench", "rs")) {
        let lines = text.lines().count();
        assert!(lines <= FILE_LINES_MAX, "{} has {lines} lines; split it by what it is about ({FILE_LINES_MAX} at most)", path.display());
    }
}

#[test]
fn nothing_is_left_to_be_done() {
    for (path, text) in files("src", "rs").into_iter().chain(files("src", "sql")).chain(files("views", "sql")).chain(files("migrations", "sql")) {
        for (number, line) in text.lines().enumerate() {
            for word in ["TO\u{44}O", "FIX\u{4d}E", "XX\u{58}", "unimplemented!(", "todo!(", "dbg!("] {
                assert!(!line.contains(word), "{}:{}: {word}", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn every_folder_opens_with_its_story() {
    for (path, text) in files("src", "rs") {
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
    }
}

#[test]
fn every_statement_file_says_why_it_is_there() {
    for (path, text) in files("src", "sql").into_iter().chain(files("views", "sql")).chain(files("queries", "sql")).chain(files("migrations", "sql")) {
        assert!(text.starts_with("--"), "{} does not open with a comment", path.display());
    }
}

#[test]
fn every_view_is_installed() {
    let listed = std::fs::read_to_string(root().join("src/db/views.rs")).expect("the list of views");
    for (path, _) in files("views", "sql") {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(listed.contains(&format!("\"{name}\"")), "views/{name}.sql is not in src/db/views.rs");
    }
}

#[test]
fn nothing_carries_a_path_of_some_machine() {
    for directory in ["src", "tests", "docs", "deploy", "bench", "migrations", "views", "queries"] {
        for extension in ["rs", "sql", "md", "sh", "toml", "mjs"] {
            let mut found = Vec::new();
            collect(&root().join(directory), extension, &mut found);
            for (path, text) in found {
                for word in [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat()] {
                    assert!(!text.contains(&word), "{} holds {word}", path.display());
                }
            }
        }
    }
}

/// How long a comparison takes must not tell how much of a signature was right (RELIABILITY B12): every source hands
/// what it found to `Secrets::signer_of`, which compares in constant time, and compares nothing itself.
#[test]
fn signatures_are_compared_in_one_place() {
    for name in ["github", "linear", "slack", "standard", "generic"] {
        let text = std::fs::read_to_string(root().join(format!("src/sources/{name}.rs"))).expect("a source");
        let code = text.split("#[cfg(test)]").next().expect("code");
        assert!(code.contains("signer_of("), "src/sources/{name}.rs does not let Secrets::signer_of compare");
        for word in ["hmac_sha256(", "ct_eq", "Hmac<", "verify_slice"] {
            assert!(!code.contains(word), "src/sources/{name}.rs makes or compares signatures itself ({word}); let Secrets::signer_of do it");
        }
    }
    let secret = std::fs::read_to_string(root().join("src/sources/secret.rs")).expect("the file");
    assert!(secret.contains("ConstantTimeEq::ct_eq(&made[..], &signature[..])"), "signer_of compares in constant time");
}
