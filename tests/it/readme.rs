//! Every command of the README does what the README says, tried on the demonstration as a newcomer would.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::harness::{examples_dir, tools_dir};

/// `hooklake demo`, serving until it is interrupted.
struct Demo {
    child: Child,
    directory: tempfile::TempDir,
    address: String,
    token: String,
}

impl Demo {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        // PostgreSQL runs as another user when we are root, and must be able to enter.
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
        let mut child = Command::new(env!("CARGO_BIN_EXE_hooklake"))
            .args(["demo", "--payloads"])
            .arg(examples_dir())
            .env("HOOKLAKE_DATA_DIR", directory.path())
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the demonstration starts");
        let mut news = BufReader::new(child.stderr.take().expect("its news")).lines();
        assert!(news.any(|line| line.is_ok_and(|line| line.contains("Serving until Ctrl-C"))), "it never serves");
        // Goes on being read, or the server would wait for someone to read its warnings.
        std::thread::spawn(move || news.for_each(drop));
        let report = read_report(&mut child);
        let word = |start: &str| {
            let at = report.find(start).unwrap_or_else(|| panic!("no {start} in {report}"));
            report[at..].split_whitespace().next().expect("a word").to_owned()
        };
        let address = word("http://").trim_end_matches('/').to_owned();
        let token = word("hl_");
        for part in ["614 deliveries: 614 new", "pr_to_issue", "because", "«", "\"data\"", "/console"] {
            assert!(report.contains(part), "the report does not show {part:?}:\n{report}");
        }
        Self { child, directory, address, token }
    }

    /// Runs a line of the README in a shell; returns what it prints.
    fn run(&self, line: &str) -> String {
        let bin = Path::new(env!("CARGO_BIN_EXE_hooklake")).parent().expect("a directory");
        let output = Command::new("sh")
            .args(["-ec", &line.replace("http://127.0.0.1:8080", &self.address)])
            .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").expect("a PATH")))
            .env("HOOKLAKE_DATA_DIR", self.directory.path().join("demo"))
            .env("TOKEN", &self.token)
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{line}\n{printed}\n{}", String::from_utf8_lossy(&output.stderr));
        printed
    }

    /// Interrupts it as Ctrl-C does; it must stop in order.
    fn stop(mut self) {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0), "Ctrl-C is an orderly end");
        let data = self.directory.path().join("demo/postgres/data/postmaster.pid");
        assert!(!data.exists(), "its PostgreSQL stopped with it");
    }
}

/// The report ends where the addresses do.
fn read_report(child: &mut Child) -> String {
    let mut report = String::new();
    let mut pipe = child.stdout.take().expect("its report");
    let mut piece = [0; 4096];
    while !report.contains("and search, tail, status, rebuild") {
        let count = pipe.read(&mut piece).expect("readable");
        assert!(count > 0, "the report ended early:\n{report}");
        report.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    report
}

/// The shell blocks of the README, each line with the text block that follows the block, if one does.
fn commands() -> Vec<(String, Option<String>)> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("the README");
    let mut commands = Vec::new();
    for block in readme.split("```sh\n").skip(1) {
        let (lines, rest) = block.split_once("```").expect("a block ends");
        let shown = rest.strip_prefix("\n```text\n").and_then(|text| text.split_once("```")).map(|(text, _)| text.to_owned());
        commands.extend(lines.lines().map(|line| (line.to_owned(), shown.clone())));
    }
    commands
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let demo = Demo::start();
    let commands = commands();
    assert!(commands.len() >= 14, "only {} commands found", commands.len());
    let makefile = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile")).expect("the Makefile");
    for (line, shown) in commands {
        if let Some(target) = line.strip_prefix("make ") {
            // What these two do is what this test and its run are.
            assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
            continue;
        }
        let printed = demo.run(&line);
        assert!(!printed.contains("\"errors\""), "{line}\n{printed}");
        for expected in shown.iter().flat_map(|shown| shown.lines()) {
            assert!(printed.contains(expected.trim()), "{line}\nprints no {expected:?}:\n{printed}");
        }
    }
    notebook_runs(&demo);
    for saved in hooklake::saved::all().expect("saved queries").iter().filter(|saved| saved.over == hooklake::saved::Over::GraphQl) {
        let rows = demo.run(&format!("hooklake query run {} --output csv", saved.name));
        assert!(rows.lines().count() > 1, "{} answers something: {rows}", saved.name);
    }
    demo.stop();
}

/// The notebook runs on the lake that is there, from its first cell to its last.
fn notebook_runs(demo: &Demo) {
    let python = tools_dir().join("python/bin/python");
    assert!(python.exists(), "`make test` installs what the notebook needs");
    let notebook = Path::new(env!("CARGO_MANIFEST_DIR")).join("notebooks/quick_look.ipynb");
    let executed = demo.directory.path().join("executed.ipynb");
    let output = Command::new(python)
        .args(["-m", "nbconvert", "--to", "notebook", "--execute", "--output"])
        .arg(&executed)
        .arg(notebook)
        .env("HOOKLAKE_LAKE", demo.directory.path().join("demo/lake/events"))
        .output()
        .expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(executed).expect("the executed notebook");
    assert!(text.matches("image/png").count() >= 2, "two plots worth looking at");
    assert!(text.contains("Ada Lovelace"), "the answer that the README keeps as a file is shown");
}
