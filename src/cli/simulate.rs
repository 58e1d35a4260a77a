//! `hooklake simulate`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use futures::StreamExt;
use serde_json::{Value, json};

use super::{Exit, Format, output};
use crate::config::Config;
use crate::demo::sender::{AT_ONCE, Answer, PATIENCE, Sender};
use crate::demo::signing::Signer;
use crate::simulate::{Organisation, Padding, Settings, Simulated, Truth};
use crate::sources::Secret;

/// After so many deliveries, truth that was only counted is let go.
const COUNT_EVERY: usize = 10_000;

/// `hooklake simulate …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Another seed, another organisation; the same seed gives the same deliveries everywhere
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many people; eight make a team
    #[arg(long, default_value_t = 24)]
    people: usize,
    /// How many repositories
    #[arg(long, default_value_t = 6)]
    repos: usize,
    /// How many days they work
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Stop after so many deliveries
    #[arg(long, value_name = "N")]
    events: Option<usize>,
    /// How large bodies are
    #[arg(long, value_enum, default_value_t)]
    padding: Padding,
    /// The fraction of deliveries that come a second time, later
    #[arg(long, default_value_t = 0.0, value_name = "FRACTION", value_parser = fraction)]
    duplicates: f64,
    /// The fraction of deliveries that others overtake
    #[arg(long, default_value_t = 0.0, value_name = "FRACTION", value_parser = fraction)]
    disorder: f64,
    /// Send them to a running server, signed with the secrets of the settings
    #[arg(long, value_name = "URL", conflicts_with = "out")]
    url: Option<String>,
    /// The admin token, with which deployments and incidents are sent
    #[arg(long, env = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Deliveries a second; 0 for as fast as they are acknowledged
    #[arg(long, default_value_t = 0.0, requires = "url")]
    rate: f64,
    /// How long a delivery is sent again while the server is busy (503, with its Retry-After) or gone, in seconds
    #[arg(long, default_value_t = PATIENCE.as_secs(), value_name = "SECONDS", requires = "url")]
    patience: u64,
    /// Write deliveries.ndjson (signed headers and body of each) and truth.json into a directory
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// How the summary is printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

fn fraction(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err("a fraction is between 0 and 1".to_owned()) }
}

/// Sends, keeps or only makes the deliveries; then prints what was made, and what is true of it.
pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<Exit> {
    let settings = Settings {
        seed: arguments.seed,
        people: arguments.people,
        repos: arguments.repos,
        days: arguments.days,
        padding: arguments.padding,
        duplicates: arguments.duplicates,
        disorder: arguments.disorder,
        ..Settings::default()
    };
    let organisation = Organisation::new(&settings);
    let limit = arguments.events.unwrap_or(usize::MAX);
    let mut counts = Counts::default();
    match (&arguments.url, &arguments.out) {
        (Some(url), _) => {
            let token =
                arguments.token.as_deref().context("deployments and incidents are sent with the admin token: give --token, or TOKEN in the environment")?;
            let sender = Sender::to(url, signer(config, token)?)?.patient(Duration::from_secs(arguments.patience));
            send(organisation, limit, arguments.rate, &sender, &mut counts).await?;
        }
        (None, Some(directory)) => write(organisation, limit, directory, &signer(config, "TOKEN")?, &mut counts)?,
        (None, None) => count(organisation, limit, &mut counts),
    }
    output::print(arguments.output, &["what", "count"], &counts.rows())?;
    Ok(if counts.refused == 0 { Exit::Done } else { Exit::Failed })
}

/// Signs as the providers do, with the first secret of each.
fn signer(config: &Config, token: &str) -> anyhow::Result<Signer> {
    let sources = &config.sources;
    let first = |name: &str, provider: &crate::config::Provider| -> anyhow::Result<Secret> {
        provider.secrets().iter().next().cloned().with_context(|| format!("no secret to sign with: set that of {name}, as the server has it"))
    };
    let secrets = [
        first("GitHub (GITHUB_WEBHOOK_SECRET)", &sources.github)?,
        first("Linear (LINEAR_WEBHOOK_SECRET)", &sources.linear)?,
        first("Slack (SLACK_SIGNING_SECRET)", &sources.slack)?,
    ];
    Ok(Signer::new(&secrets, token))
}

/// What was made, and what became of it.
#[derive(Debug, Default)]
struct Counts {
    made: BTreeMap<String, usize>,
    deliveries: usize,
    bytes: usize,
    accepted: usize,
    duplicate: usize,
    refused: usize,
    again: usize,
    was_sent: bool,
    took: Duration,
    truth: BTreeMap<String, usize>,
}

impl Counts {
    fn count(&mut self, one: &Simulated) {
        self.deliveries += 1;
        self.bytes += one.delivery.body.len();
        *self.made.entry(one.delivery.source.clone()).or_default() += 1;
    }

    fn rows(&self) -> Vec<Vec<Value>> {
        let mut rows = vec![vec![json!("deliveries"), json!(self.deliveries)]];
        rows.extend(self.made.iter().map(|(source, count)| vec![json!(format!("deliveries of {source}")), json!(count)]));
        rows.push(vec![json!("bytes in all"), json!(self.bytes)]);
        rows.push(vec![json!("a second"), json!((self.deliveries as f64 / self.took.as_secs_f64().max(1e-9)) as u64)]);
        if self.was_sent {
            rows.extend(
                [("accepted", self.accepted), ("known already", self.duplicate), ("refused", self.refused), ("sent again", self.again)]
                    .map(|(what, count)| vec![json!(what), json!(count)]),
            );
        }
        rows.extend(self.truth.iter().map(|(what, count)| vec![json!(what), json!(count)]));
        rows
    }
}

/// Adds what is true to what was true before.
fn note(counted: &mut BTreeMap<String, usize>, truth: &Truth) {
    let mut add = |what: &str, count: usize| *counted.entry(format!("true {what}")).or_default() += count;
    add("people", truth.people.len());
    add("links stated", truth.links.iter().filter(|link| link.stated).count());
    add("links that follow", truth.links.iter().filter(|link| !link.stated).count());
    add("deployments", truth.deployments.len());
    add("incidents", truth.incidents.len());
    add("flaky checks", truth.flaky_checks.len());
    add("look-alikes", truth.lookalikes.len());
    for work in &truth.works {
        add(&format!("works {}", work.state), 1);
    }
}

/// Deliveries whose truth is only counted, and let go on the way.
struct Counted<'a> {
    organisation: Organisation,
    left: usize,
    /// After so many, truth is let go.
    every: usize,
    /// So many ago it was.
    since: usize,
    truth: &'a mut BTreeMap<String, usize>,
}

impl<'a> Counted<'a> {
    const fn of(organisation: Organisation, limit: usize, truth: &'a mut BTreeMap<String, usize>) -> Self {
        Self { organisation, left: limit, every: COUNT_EVERY, since: 0, truth }
    }

    fn note(&mut self) {
        note(self.truth, &self.organisation.take_truth());
        self.since = 0;
    }
}

impl Iterator for Counted<'_> {
    type Item = Simulated;

    fn next(&mut self) -> Option<Simulated> {
        if self.since == self.every {
            self.note();
        }
        let one = if self.left == 0 { None } else { self.organisation.next() };
        if one.is_some() {
            self.left -= 1;
            self.since += 1;
        } else {
            self.note();
        }
        one
    }
}

fn count(organisation: Organisation, limit: usize, counts: &mut Counts) {
    let started = Instant::now();
    let mut truth = BTreeMap::new();
    for one in Counted::of(organisation, limit, &mut truth) {
        counts.count(&one);
    }
    counts.took = started.elapsed();
    counts.truth = truth;
}

fn write(mut organisation: Organisation, limit: usize, directory: &Path, signer: &Signer, counts: &mut Counts) -> anyhow::Result<()> {
    let create = |name: &str| {
        let path = directory.join(name);
        File::create(&path).map(BufWriter::new).with_context(|| format!("cannot write {}", path.display()))
    };
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make the directory {}", directory.display()))?;
    let mut deliveries = create("deliveries.ndjson")?;
    let started = Instant::now();
    for one in organisation.by_ref().take(limit) {
        counts.count(&one);
        let (path, headers) = signer.sign(&one.delivery, one.at)?;
        let headers: serde_json::Map<String, Value> = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        serde_json::to_writer(&mut deliveries, &json!({"at": one.at, "path": path, "headers": headers, "body": one.delivery.body}))?;
        deliveries.write_all(b"\n")?;
    }
    deliveries.flush()?;
    counts.took = started.elapsed();
    let truth = organisation.take_truth();
    let mut file = create("truth.json")?;
    serde_json::to_writer_pretty(&mut file, &truth)?;
    file.flush()?;
    note(&mut counts.truth, &truth);
    Ok(())
}

async fn send(organisation: Organisation, limit: usize, rate: f64, sender: &Sender, counts: &mut Counts) -> anyhow::Result<()> {
    counts.was_sent = true;
    let started = tokio::time::Instant::now();
    let mut truth = BTreeMap::new();
    let mut answers = futures::stream::iter(Counted::of(organisation, limit, &mut truth).enumerate())
        .map(|(number, one)| async move {
            if rate > 0.0 {
                tokio::time::sleep_until(started + Duration::from_secs_f64(number as f64 / rate)).await;
            }
            let answer = sender.offer(&one.delivery).await;
            (one, answer)
        })
        .buffered(AT_ONCE);
    while let Some((one, answer)) = answers.next().await {
        counts.count(&one);
        match answer? {
            Answer::Accepted => counts.accepted += 1,
            Answer::Duplicate => counts.duplicate += 1,
            Answer::Refused(status, text) => {
                if counts.refused == 0 {
                    eprintln!("hooklake: a {} delivery ({}) was answered {status}: {text}", one.delivery.source, one.delivery.event);
                }
                counts.refused += 1;
            }
        }
    }
    drop(answers);
    counts.again = sender.again();
    counts.took = started.elapsed();
    counts.truth = truth;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_that_is_only_counted_is_let_go_on_the_way() {
        let settings = Settings { people: 9, repos: 2, days: 3, ..Settings::default() };
        let mut whole = Organisation::new(&settings);
        assert_eq!(whole.by_ref().take(110).count(), 110, "enough of them");
        let (mut expected, mut counted) = (BTreeMap::new(), BTreeMap::new());
        note(&mut expected, &whole.take_truth());
        let mut deliveries = Counted { every: 50, ..Counted::of(Organisation::new(&settings), 110, &mut counted) };
        assert_eq!(deliveries.by_ref().take(51).count(), 51);
        assert_eq!(deliveries.truth["true people"], 9, "before the end");
        assert_eq!((deliveries.count(), counted), (59, expected), "and nothing is lost or counted twice");
    }
}
