//! Alerts fire for what they say, and whoever is woken finds a page whose commands are there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regex::Regex;

use crate::harness::process::command;
use crate::harness::{TestApp, TestDatabase, tools_dir};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

fn rules() -> String {
    read("deploy/alerts/hooklake.rules.yml")
}

fn found<'a>(pattern: &str, text: &'a str) -> Vec<&'a str> {
    let pattern = Regex::new(pattern).expect("a pattern");
    pattern.captures_iter(text).map(|captures| captures.get(1).expect("a group").as_str()).collect()
}

/// The pages by the name of their alert.
fn pages() -> Vec<(String, String)> {
    let directory = root().join("docs/runbook");
    let files = std::fs::read_dir(&directory).expect("pages").map(|entry| entry.expect("a file").path());
    let stem = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    files.map(|path| (stem(&path), read(&path))).filter(|(name, _)| name != "README").collect()
}

fn promtool(arguments: &[&str]) {
    let ours = tools_dir().join("bin/promtool");
    let program = if ours.exists() { ours } else { "promtool".into() };
    let output = Command::new(program).args(arguments).current_dir(root().join("deploy/alerts")).output().expect("`make test` installs promtool");
    assert!(output.status.success(), "{}", text(&output));
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_alert_fires_for_its_own_trouble_and_none_without() {
    promtool(&["check", "rules", "hooklake.rules.yml"]);
    promtool(&["test", "rules", "tests.yml"]);
    let tests = read("deploy/alerts/tests.yml");
    for alert in found(r"- alert: (\w+)", &rules()) {
        assert!(tests.contains(&format!("- name: {alert}\n")), "{alert} is not tried in deploy/alerts/tests.yml");
    }
}

#[test]
fn every_alert_has_a_page_and_every_page_an_alert() {
    let rules = rules();
    let alerts: BTreeSet<&str> = found(r"- alert: (\w+)", &rules).into_iter().collect();
    let pages = pages();
    assert_eq!(alerts, pages.iter().map(|(name, _)| name.as_str()).collect());
    assert!(alerts.len() >= 20);
    for rule in rules.split("- alert: ").skip(1) {
        let name = rule.lines().next().expect("a name");
        for part in ["severity: ", "summary: ", "description: "] {
            assert!(rule.contains(part), "{name} has no {part}");
        }
        assert!(rule.contains(&format!("runbook_url: docs/runbook/{name}.md")), "{name} does not lead to its page");
    }
    let index = read("docs/runbook/README.md");
    for (name, page) in &pages {
        assert!(index.contains(&format!("({name}.md)")), "{name} is not in the index");
        for heading in [&format!("# {name}\n"), "\n## Look\n", "\n## Do\n", "\n## Over\n"] {
            assert!(page.contains(heading), "{name} has no {heading:?}");
        }
        for link in found(r"\]\((\w+)\.md\)", page) {
            assert!(alerts.contains(link), "{name} leads to {link}, which is not there");
        }
    }
}

#[tokio::test]
async fn every_command_of_the_runbook_is_there() {
    let db = TestDatabase::new().await;
    let mut tried = BTreeSet::new();
    for (name, page) in pages() {
        // In backticks within a line, or a line of a block.
        for line in found(r"(?m)(?:`|^)(hooklake [^`\n|]+)", &page) {
            let words: Vec<&str> = line.split_whitespace().skip(1).collect();
            let is_group = matches!(words.first(), Some(&"parked" | &"config"));
            let subcommand = &words[..if is_group { 2 } else { 1 }];
            let output = command(&db).args(subcommand).arg("--help").output().expect("the binary runs");
            let help = text(&output);
            assert!(output.status.success(), "{name}: {line}: {help}");
            for flag in words.iter().filter(|word| word.starts_with('-')) {
                assert!(help.contains(flag), "{name}: {line}: there is no {flag}");
            }
            if let Some(section) = words.iter().position(|word| *word == "--section").and_then(|at| words.get(at + 1)) {
                assert!(help.contains(&format!("- {section}:")), "{name}: {line}: there is no section {section}");
            }
            tried.insert(line.to_owned());
        }
    }
    assert!(tried.len() > 12, "{tried:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_figure_that_an_alert_uses_is_exported() {
    let app = TestApp::start().await;
    assert_eq!(app.github("push", "a", "{}").await.status, 200);
    assert_eq!(app.post("/webhook/github", &[], "unsigned").await.status, 401);
    app.caught_up().await;
    let metrics = app.client.get(app.url("/metrics")).bearer_auth(&app.token).send().await.expect("metrics").text().await.expect("text");
    let rules = rules();
    let used: BTreeSet<&str> = found(r"(hooklake_\w+)", &rules).into_iter().collect();
    assert!(used.len() >= 20, "{used:?}");
    for family in used {
        assert!(metrics.contains(&format!("\n{family}{{")) || metrics.contains(&format!("\n{family} ")), "{family} is not exported:\n{metrics}");
    }
    for reason in found(r#"reason=~"([^"]+)""#, &rules).into_iter().flat_map(|reasons| reasons.split('|')) {
        assert!(read("src/sources/mod.rs").contains(&format!("\"{reason}\"")), "no source refuses for the reason {reason}");
    }
    app.stop().await;
}
