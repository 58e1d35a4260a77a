//! The command line: one subcommand a file.
//!
//! Answers go to standard output, everything else to standard error. The exit code says what happened: see [`Exit`].

mod backup;
mod checkpoint;
mod codegen;
mod config;
mod demo;
mod diff;
mod erase;
mod hold;
mod output;
mod parked;
mod query;
mod rebuild;
mod redact;
mod retention;
mod search;
mod serve;
mod simulate;
mod sql;
mod status;
mod tail;
mod token;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use output::Format;
pub(crate) use output::{table, visible};
pub(crate) use search::describe as describe_hit;

use crate::app::Base;
use crate::config::Config;
use output::say;

/// Every webhook you ever received, immutable, provable, and one SQL, GraphQL or text query away.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXIT_CODES, propagate_version = true)]
struct Cli {
    /// Settings file (TOML) [default: hooklake.toml, if there is one]
    #[arg(long, global = true, env = "HOOKLAKE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed; 2 wrong use; 3 wrong settings; 4 the question was refused; 5 not healthy.
Settings: `hooklake config show` prints every one with its explanation.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Receive webhooks and answer questions, until Ctrl-C
    Serve,
    /// Start, send itself real webhooks, and show what can be asked
    Demo(demo::Arguments),
    /// Make the webhooks of a simulated organisation, with the truth about them, and send or keep them
    Simulate(simulate::Arguments),
    /// Bring the database's schema up to date
    Migrate,
    /// Ask a question in SQL over all events, those of this second included
    Sql(sql::Arguments),
    /// Saved questions: name them, show one, ask one
    #[command(subcommand)]
    Query(query::Command),
    /// Search the text of all events
    Search(search::Arguments),
    /// Show events as they arrive
    Tail(tail::Arguments),
    /// Build what a consumer keeps anew from the log, beside the live one, and swap
    Rebuild(rebuild::Arguments),
    /// Show which rows a rebuild changed, before it is swapped
    Diff(diff::Arguments),
    /// Show how the log, its consumers, its disks and the database are
    Status(status::Arguments),
    /// Look at events that a consumer could not take; try them again, or give them up
    #[command(subcommand)]
    Parked(parked::Command),
    /// Recompute the log from its stored bytes; name the first position that is wrong, and why
    Verify(verify::Arguments),
    /// Sign what the log is now, for whoever wants to check later that it was not changed
    Checkpoint(checkpoint::Arguments),
    /// Take the bodies of events away, or parts of them, for good
    Redact(redact::Arguments),
    /// Take away everything that names a person, everywhere, and report
    Erase(erase::Arguments),
    /// Legal holds: what must not be redacted, erased or dropped
    #[command(subcommand)]
    Hold(hold::Command),
    /// Take away what is past its time
    #[command(subcommand)]
    Retention(retention::Command),
    /// List the sources and the paths to enter at the providers
    Sources(status::SourcesArguments),
    /// The role that psql, BI tools and agents read as
    #[command(subcommand)]
    Codegen(codegen::Command),
    /// Copy the log and all else that PostgreSQL holds into a directory; a server may run on
    Backup(backup::Arguments),
    /// Put a backup in the place of the log; says which consumers are ahead of it
    Restore(backup::RestoreArguments),
    /// Make a new admin token; the one before stops working
    Token,
    /// Check or show the settings
    #[command(subcommand)]
    Config(config::Command),
}

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Something failed; the message says what.
    Failed,
    /// A setting is unknown or wrong.
    Settings,
    /// The question cannot be asked: its syntax, its rights or its size.
    Refused,
    /// The answer is that something is not healthy.
    Unhealthy,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Settings => 3,
            Exit::Refused => 4,
            Exit::Unhealthy => 5,
        })
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    crate::failpoint::arm();
    let cli = Cli::parse();
    // Several libraries bring a provider of their own; without a choice, rustls refuses to guess.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("hooklake: another cryptography provider was installed before ours");
    }
    let config = match load(&cli) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("hooklake: {error:#}");
            return Exit::Settings.into();
        }
    };
    let quiet = !matches!(cli.command, Command::Serve);
    let level = if quiet && config.logging.level == "info" { "warn" } else { &config.logging.level };
    if let Err(error) = crate::telemetry::start_logging(level, config.logging.format) {
        eprintln!("hooklake: {error:#}");
        return Exit::Settings.into();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hooklake: no runtime: {error}");
            return Exit::Failed.into();
        }
    };
    match runtime.block_on(run(cli.command, config)) {
        Ok(exit) => exit.into(),
        // Whoever reads has enough, as `head` does.
        Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) => Exit::Done.into(),
        Err(error) => {
            eprintln!("hooklake: {error:#}");
            Exit::Failed.into()
        }
    }
}

fn load(cli: &Cli) -> anyhow::Result<Config> {
    // The environment is stronger than `.env`, so it comes later.
    let file = dotenvy::dotenv_iter().ok().into_iter().flatten().collect::<Result<Vec<_>, _>>().map_err(|error| anyhow::anyhow!(".env: {error}"))?;
    let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Config::load(cli.config.as_deref(), file.into_iter().chain(environment))?)
}

async fn run(command: Command, config: Config) -> anyhow::Result<Exit> {
    match command {
        Command::Serve => serve::run(config).await,
        Command::Demo(arguments) => Box::pin(demo::run(config, arguments)).await,
        Command::Simulate(arguments) => simulate::run(&config, arguments).await,
        Command::Restore(arguments) => backup::restore(config, arguments).await,
        Command::Config(command) => config::run(&config, &command),
        Command::Query(command @ (query::Command::List(_) | query::Command::Show { .. })) => query::look(&command),
        other => {
            let base = Base::open(config).await?;
            let outcome = with_base(other, &base).await;
            base.close().await?;
            outcome
        }
    }
}

async fn with_base(command: Command, base: &Base) -> anyhow::Result<Exit> {
    match command {
        Command::Sql(arguments) => sql::run(base, arguments).await,
        Command::Query(query::Command::Run(arguments)) => query::run(base, arguments).await,
        Command::Search(arguments) => search::run(base, arguments).await,
        Command::Tail(arguments) => tail::run(base, arguments).await,
        Command::Rebuild(arguments) => rebuild::run(base, arguments).await,
        Command::Diff(arguments) => diff::run(base, arguments).await,
        Command::Verify(arguments) => verify::run(base, arguments).await,
        Command::Checkpoint(arguments) => checkpoint::run(base, arguments).await,
        Command::Status(arguments) => status::run(base, arguments).await,
        Command::Parked(command) => parked::run(base, command).await,
        Command::Redact(arguments) => redact::run(base, arguments).await,
        Command::Erase(arguments) => erase::run(base, arguments).await,
        Command::Hold(command) => hold::run(base, command).await,
        Command::Retention(command) => retention::run(base, command).await,
        Command::Sources(arguments) => status::sources(base, &arguments),
        Command::Codegen(command) => codegen::run(base, command).await,
        Command::Backup(arguments) => backup::run(base, arguments).await,
        Command::Token => token::run(base).await,
        Command::Migrate => {
            say!("The schema is up to date.")?;
            Ok(Exit::Done)
        }
        Command::Serve | Command::Demo(_) | Command::Simulate(_) | Command::Config(_) | Command::Restore(_) | Command::Query(_) => Ok(Exit::Failed),
    }
}
