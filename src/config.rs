//! Settings: read once, typed, checked before anything starts. `config.default.toml` is the reference.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::{Table, Value};

use crate::correlation;
use crate::db;
use crate::lake;
use crate::projectors::people::map::PeopleMap;
use crate::proof;
use crate::reader;
use crate::retention;
use crate::sources::generic::{TimestampValidation, Verification};
use crate::sources::{Network, Secret, Secrets};
use crate::telemetry::LogFormat;

mod environment;

/// The reference file, which is also the default.
pub const DEFAULT: &str = include_str!("config.default.toml");

/// Every setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    data_dir: PathBuf,
    /// What this process does.
    pub roles: Vec<Role>,
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: db::Settings,
    /// `[reader]`
    pub reader: reader::Settings,
    /// `[logging]`
    pub logging: Logging,
    /// `[consumers]`
    pub consumers: Consumers,
    /// `[correlation]`
    pub correlation: correlation::Settings,
    /// `[lake]`
    pub lake: lake::Settings,
    /// `[proof]`
    pub proof: proof::Settings,
    /// `[people]`
    pub people: PeopleMap,
    /// `[validation]`
    pub validation: Validation,
    /// `[retention]`
    pub retention: retention::Settings,
    /// `[sources]`
    pub sources: Sources,
}

/// What a process does; several may share one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Receives deliveries.
    Ingest,
    /// Follows the log: tables, links, index and lake.
    Consume,
    /// Answers questions.
    Serve,
}

/// `[server]`: the one listener and its limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents each of them")]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub body_bytes_max: usize,
    pub bodies_in_flight_bytes_max: usize,
    pub connections_max: usize,
    pub trusted_proxies: Vec<Network>,
    pub headers_timeout_ms: u64,
    pub body_timeout_ms: u64,
    pub refused_rest_ms: u64,
    pub drain_ms: u64,
    pub stop_timeout_ms: u64,
}

/// `[logging]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logging {
    /// A level or filter.
    pub level: String,
    /// Text or JSON.
    pub format: LogFormat,
}

/// `[consumers]`: those who follow the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumers {
    /// How long another instance waits before it takes over from an owner that is not heard of, in seconds.
    pub lease_seconds: u64,
}

impl Consumers {
    /// How long a lease holds without being renewed.
    #[must_use]
    pub const fn lease_ttl(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }
}

/// `[validation]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// False: payloads are not checked against schemas.
    pub enabled: bool,
}

/// `[sources]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents each of them")]
pub struct Sources {
    pub github: Provider,
    pub linear: Provider,
    pub slack: Provider,
    pub custom: BTreeMap<String, Custom>,
}

impl Sources {
    /// Lets GitHub, Linear and Slack, in this order, sign with these secrets.
    pub fn set_demo_secrets(&mut self, secrets: &[Secret; 3]) {
        for (provider, secret) in [&mut self.github, &mut self.linear, &mut self.slack].into_iter().zip(secrets) {
            provider.enabled = true;
            provider.secrets = vec![secret.clone()];
        }
    }
}

/// A provider that hooklake knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// False: its path answers 404.
    pub enabled: bool,
    secrets: Vec<Secret>,
    /// Who may send; nobody else if there is any.
    pub allow_ips: Vec<Network>,
    /// In bytes; 0 for the server's.
    pub body_bytes_max: usize,
}

impl Provider {
    /// The active secrets.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.secrets.clone())
    }
}

/// A source of one's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    #[serde(default)]
    secrets: Vec<Secret>,
    /// Ways to verify that are not Standard Webhooks.
    #[serde(default)]
    pub verifications: Vec<Verification>,
    /// Whether and how old a timestamp may be.
    pub timestamp_validation: Option<TimestampValidation>,
    /// The header that tells deliveries apart.
    pub id_header: Option<String>,
    /// The place in the body that does so where the header does not (RFC 6901).
    pub id_pointer: Option<String>,
    /// Who may send; nobody else if there is any.
    #[serde(default)]
    pub allow_ips: Vec<Network>,
    /// In bytes; 0 for the server's.
    #[serde(default)]
    pub body_bytes_max: usize,
}

impl Custom {
    /// The active secrets of the Standard Webhooks scheme.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.secrets.clone())
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not there or cannot be read.
    #[error("cannot read the settings file {0}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The file is not TOML.
    #[error("{origin} is not TOML: {message}")]
    Syntax {
        /// Which file.
        origin: String,
        /// What and where.
        message: String,
    },
    /// A setting is unknown or has a value that it cannot have.
    #[error("{0}")]
    Invalid(String),
}

impl Config {
    /// Gathers the layers: the defaults, a file, `.env`, the environment.
    ///
    /// # Errors
    /// When a layer cannot be read, or holds a name or a value that hooklake does not know.
    pub fn load(file: Option<&Path>, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut settings = parse("the reference file", DEFAULT)?;
        let reference = settings.clone();
        let default_file = Path::new("hooklake.toml");
        if let Some(path) = file.or_else(|| default_file.exists().then_some(default_file)) {
            let text = std::fs::read_to_string(path).map_err(|error| Error::Unreadable(path.to_owned(), error))?;
            merge(&mut settings, parse(&path.display().to_string(), &text)?);
        }
        environment::apply(&mut settings, &reference, variables)?;
        let config: Self = serde_path_to_error::deserialize(Value::Table(settings)).map_err(|error| {
            let path = error.path().to_string();
            Error::Invalid(format!("setting {path}: {}", error.into_inner().message()))
        })?;
        config.check()?;
        Ok(config)
    }

    /// Where everything lives that is not in a configured database.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        use std::os::unix::fs::MetadataExt;
        if !self.data_dir.as_os_str().is_empty() {
            return self.data_dir.clone();
        }
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
        PathBuf::from(if is_root { "/var/lib/hooklake" } else { "data" })
    }

    /// Puts everything somewhere else.
    pub fn set_data_dir(&mut self, data_dir: PathBuf) {
        self.data_dir = data_dir;
    }

    /// The largest body of a source, in bytes.
    #[must_use]
    pub const fn body_bytes_max(&self, of_source: usize) -> usize {
        if of_source == 0 { self.server.body_bytes_max } else { of_source }
    }

    fn check(&self) -> Result<(), Error> {
        let invalid = |message: String| Err(Error::Invalid(message));
        for (name, custom) in &self.sources.custom {
            if let Some(reason) = bad_source_name(name) {
                return invalid(format!("setting sources.custom.{name}: {reason}"));
            }
            if custom.id_pointer.as_ref().is_some_and(|pointer| !pointer.starts_with('/')) {
                return invalid(format!("setting sources.custom.{name}.id_pointer: is a place in the body, such as /id or /event/id"));
            }
            if custom.secrets().is_empty() && custom.verifications.is_empty() {
                return invalid(format!("setting sources.custom.{name}: a source needs secrets or verifications, or anyone could write to it"));
            }
        }
        for (name, value) in [
            ("server.body_bytes_max", self.server.body_bytes_max),
            ("server.connections_max", self.server.connections_max),
            ("database.connections_max", self.database.connections_max),
        ] {
            if value == 0 {
                return invalid(format!("setting {name}: must be more than 0"));
            }
        }
        if !LEASE_SECONDS.contains(&self.consumers.lease_seconds) {
            let (least, most) = LEASE_SECONDS.into_inner();
            return invalid(format!("setting consumers.lease_seconds: must be {least} to {most}"));
        }
        if let Err(fault) = correlation::Rules::compile(&self.correlation) {
            return invalid(fault);
        }
        if let Some(fault) = self.retention.fault().or_else(|| self.reader.fault()) {
            return invalid(fault);
        }
        if !self.reader.listen.is_empty() && !self.database.url.is_empty() {
            return invalid("setting reader.listen: is for the embedded PostgreSQL; yours (database.url) listens where you tell it to".to_owned());
        }
        if self.roles.is_empty() {
            return invalid("setting roles: name at least one of ingest, consume, serve".to_owned());
        }
        if self.database.connections_max < CONNECTIONS_NEEDED {
            return invalid(format!("setting database.connections_max: hooklake needs at least {CONNECTIONS_NEEDED}"));
        }
        if self.server.bodies_in_flight_bytes_max < self.server.body_bytes_max {
            return invalid(
                "setting server.bodies_in_flight_bytes_max: must be at least server.body_bytes_max, or the largest body could never be received".to_owned(),
            );
        }
        Ok(())
    }
}

/// Shorter, and a busy moment would lose a lease; longer, and nobody would take over.
const LEASE_SECONDS: RangeInclusive<u64> = 2..=3600;

/// Those that deliveries have for themselves, and as many as rebuilds and acts of forgetting hold while others go on.
const CONNECTIONS_NEEDED: usize = db::RESERVED + 6;

/// Names that mean something else under `/webhook/`.
const RESERVED: &[&str] = &["github", "linear", "slack", "deployment", "custom", "hooklake", "unknown"];

fn bad_source_name(name: &str) -> Option<&'static str> {
    let is_plain = !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
    if !is_plain {
        Some("a source's name is 1 to 64 of a-z, 0-9, _ and -")
    } else if name.starts_with("wh_") {
        Some("a source's name must not begin with wh_, as generated paths do")
    } else if RESERVED.contains(&name) {
        Some("this name is hooklake's own")
    } else {
        None
    }
}

/// The line at fault is named and not quoted: it may hold a secret.
fn parse(origin: &str, text: &str) -> Result<Table, Error> {
    text.parse::<Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let (line, column) = (before.matches('\n').count() + 1, before.chars().rev().take_while(|character| *character != '\n').count() + 1);
        Error::Syntax { origin: origin.to_owned(), message: format!("line {line}, column {column}: {}", error.message()) }
    })
}

/// Lays one table over another; lists and single values replace.
fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
