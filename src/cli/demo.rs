//! `hooklake demo`.

use std::path::PathBuf;

use clap::Args;

use super::output::say;
use super::{Exit, serve};
use crate::config::Config;
use crate::demo::{self, report};
use crate::simulate::demonstration;

/// `hooklake demo …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The npm package @octokit/webhooks-examples, unpacked: GitHub's 329 example payloads
    #[arg(long, value_name = "DIRECTORY")]
    payloads: Option<PathBuf>,
    /// Stop after the report instead of serving until Ctrl-C
    #[arg(long)]
    exit: bool,
}

/// Sends, reports, and serves until Ctrl-C.
pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<Exit> {
    if arguments.payloads.is_none() {
        eprintln!("No --payloads given: only the story's own deliveries and simulated ones are sent.");
    }
    let demo = demo::run(config, arguments.payloads.as_deref(), &demonstration(), |news| eprintln!("{news}")).await?;
    let report = report::write(&demo).await;
    if let Ok(report) = &report {
        say!("{report}")?;
    }
    if arguments.exit || report.is_err() {
        let running = demo.app.stop().await?;
        report?;
        return Ok(if running.is_empty() { Exit::Done } else { Exit::Failed });
    }
    eprintln!("Serving until Ctrl-C.");
    serve::until_stopped(demo.app).await
}
