//! `hooklake verify`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, NaiveDate, NaiveTime};
use clap::Args;
use serde_json::{Value, json};

use super::output::say;
use super::{Exit, Format, output};
use crate::app::Base;
use crate::domain::Position;
use crate::proof::Checkpoint;
use crate::proof::note::Verifier;
use crate::proof::verify::{Progress, Question, Report, Signatures, Since, verify};
use crate::registry::Doors;
use crate::tasks::Tasks;

/// How often the line of progress is written anew.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// Workers that read at once, at most; each has a connection.
const WORKERS_MAX: usize = 16;
/// While one waits for the database, another computes.
const WORKERS_PER_CORE: usize = 2;

/// `hooklake verify …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Begin at this position, or at this time (2026-11-21 or RFC 3339) [default: the first envelope]
    #[arg(long, value_name = "POSITION|TIME", value_parser = parse_since)]
    since: Option<Since>,
    /// Check every provider's signature again, with the secrets that are configured
    #[arg(long)]
    signatures: bool,
    /// Check that the log continues this signed checkpoint; may be given more than once
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// The key that signed it [default: this installation's own]
    #[arg(long, value_name = "KEY", requires = "against")]
    public_key: Option<Verifier>,
    /// Only read the bytes, to know how fast that is
    #[arg(long, hide = true)]
    only_read: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

fn parse_since(text: &str) -> Result<Since, String> {
    if let Ok(position) = text.parse::<i64>() {
        return if position > 0 { Ok(Since::Position(Position::new(position))) } else { Err("positions begin at 1".to_owned()) };
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).or(day);
    time.map(Since::Time).map_err(|_| "not a position, a day such as 2026-11-21, or a time such as 2026-11-21T10:00:00Z".to_owned())
}

/// Recomputes the log from its stored bytes; not healthy when anything is wrong.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let mut question = Question { since: arguments.since.unwrap_or_default(), only_read: arguments.only_read, ..Question::default() };
    base.notary().origin().clone_into(&mut question.origin);
    if arguments.signatures {
        let doors = Doors::new(&base.config, &base.installation.derivation_key)?;
        question.signatures = Some(Signatures::new(Arc::new(move |name| doors.by_path(name).map(|door| Arc::clone(&door.source)))));
    }
    for file in &arguments.against {
        match open(base, file, arguments.public_key.as_ref())? {
            Ok(checkpoint) => question.against.push((file.display().to_string(), checkpoint)),
            Err(reason) => {
                eprintln!("hooklake: {}: {reason}", file.display());
                return Ok(Exit::Unhealthy);
            }
        }
    }

    let workers =
        std::thread::available_parallelism().map_or(1, |cores| cores.get() * WORKERS_PER_CORE).min(WORKERS_MAX).min(base.config.database.connections_max / 3);
    let progress = Arc::new(Progress::default());
    let tasks = Tasks::default();
    let started = Instant::now();
    let report = {
        let mut verifying = std::pin::pin!(verify(&base.database, question, workers, &progress, &tasks));
        let is_shown = std::io::stderr().is_terminal();
        loop {
            tokio::select! {
                report = &mut verifying => break report,
                () = tokio::time::sleep(SHOW_EVERY), if is_shown => show(&progress, started),
            }
        }
    }?;
    if std::io::stderr().is_terminal() {
        show(&progress, started);
        eprintln!();
    }
    print(&arguments, &report, &progress, started.elapsed())?;
    for finding in &report.findings {
        match finding.position {
            Some(position) => eprintln!("hooklake: position {position}: {}", finding.reason),
            None => eprintln!("hooklake: {}", finding.reason),
        }
    }
    Ok(if report.findings.is_empty() { Exit::Done } else { Exit::Unhealthy })
}

/// Reads a checkpoint; the inner error is what it is not.
fn open(base: &Base, file: &Path, given: Option<&Verifier>) -> anyhow::Result<Result<Checkpoint, String>> {
    let note = std::fs::read_to_string(file).with_context(|| format!("cannot read the checkpoint {}", file.display()))?;
    let verifier = match given {
        Some(verifier) => verifier.clone(),
        None => base.notary().verifier()?.context("this installation has no key to check a checkpoint with; give the public key with --public-key")?,
    };
    Ok(Checkpoint::open(&note, &verifier).map_err(|error| error.to_string()))
}

fn show(progress: &Progress, started: Instant) {
    let envelopes = progress.envelopes.load(Relaxed);
    let per_second = envelopes as f64 / started.elapsed().as_secs_f64().max(0.001);
    let megabytes = progress.bytes.load(Relaxed) >> 20;
    eprint!("\r{envelopes} envelopes to position {} at most, {megabytes} MB, {per_second:.0}/s ", progress.head.load(Relaxed));
}

fn print(arguments: &Arguments, report: &Report, progress: &Progress, took: Duration) -> anyhow::Result<()> {
    let count = |counter: &std::sync::atomic::AtomicU64| json!(counter.load(Relaxed));
    let first = report.findings.first();
    let mut facts: Vec<(&str, Value)> = vec![
        ("verified", json!(report.findings.is_empty())),
        ("first_bad_position", json!(first.and_then(|finding| finding.position))),
        ("reason", json!(first.map(|finding| &finding.reason))),
        ("from_position", json!(report.first)),
        ("through_position", json!(report.head)),
        ("envelopes", count(&progress.envelopes)),
        ("batches", count(&progress.batches)),
        ("bytes", count(&progress.bytes)),
        ("redacted", count(&progress.redacted)),
        ("dropped_by_retention", count(&progress.dropped)),
        ("tree_through_position", json!(report.tree_size)),
        ("continues_checkpoints", json!(report.continued.len())),
        ("seconds", json!((took.as_secs_f64() * 1000.0).round() / 1000.0)),
    ];
    if arguments.signatures {
        facts.push(("signatures_right", count(&progress.signed)));
        facts.push(("signatures_none", count(&progress.authorized)));
        facts.push(("signatures_secret_gone", count(&progress.secret_gone)));
    }
    if arguments.output == Format::Json {
        let object: serde_json::Map<String, Value> = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        say!("{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(());
    }
    let rows: Vec<_> = facts.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| vec![json!(name), value]).collect();
    output::print(arguments.output, &["what", "value"], &rows)
}
