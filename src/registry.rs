//! Every source and every consumer, one line each: start here.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::HeaderMap;

use crate::app::Base;
use crate::config::{Config, Custom, Provider};
use crate::consumer::{Consumer, Projection};
use crate::correlation::{CorrelationTables, Rules};
use crate::lake::Keepers;
use crate::lake::exporter::Exporter;
use crate::projectors::{DeliveryTable, DeploymentTable, EntityTables, EventTable, GithubTable, LinearTable, PeopleTables, SlackTable, ValidationTables};
use crate::proof::Tree;
use crate::search::Indexer;
use crate::sources::generic::{DeliveryId, Generic};
use crate::sources::github::GitHub;
use crate::sources::linear::Linear;
use crate::sources::own::Own;
use crate::sources::secret::hmac_sha256;
use crate::sources::slack::Slack;
use crate::sources::standard::Standard;
use crate::sources::{Network, Secrets, Source};

/// The providers: a name under `/webhook/`, and what proves a delivery from there.
fn providers(config: &Config) -> [(&'static str, &Provider, Arc<dyn Source>); 3] {
    let sources = &config.sources;
    [
        ("github", &sources.github, Arc::new(GitHub::new(sources.github.secrets()))),
        ("linear", &sources.linear, Arc::new(Linear::new(sources.linear.secrets()))),
        ("slack", &sources.slack, Arc::new(Slack::new(sources.slack.secrets()))),
    ]
}

/// The consumers of the log.
///
/// # Errors
/// When the lake's place cannot be used.
pub fn consumers(base: &Base) -> anyhow::Result<Vec<Box<dyn Consumer>>> {
    let database = || base.database.clone();
    let data_dir = base.data_dir();
    let mut consumers: Vec<Box<dyn Consumer>> = vec![
        Box::new(Projection::new(database(), EventTable)),
        Box::new(Projection::new(database(), GithubTable)),
        Box::new(Projection::new(database(), LinearTable)),
        Box::new(Projection::new(database(), SlackTable)),
        Box::new(Projection::new(database(), DeploymentTable)),
        Box::new(Projection::new(database(), DeliveryTable)),
        Box::new(Projection::new(database(), EntityTables)),
        Box::new(Projection::new(database(), PeopleTables)),
        Box::new(Projection::new(database(), Tree)),
        Box::new(Indexer::new(database(), &data_dir)),
        Box::new(Exporter::new(database(), base.config.lake.location(&data_dir)?)),
    ];
    consumers.extend(optional(base)?.into_iter().filter_map(|(is_on, consumer)| is_on.then_some(consumer)));
    Ok(consumers)
}

/// Consumers that settings switch off.
///
/// # Errors
/// When their settings cannot be used.
pub fn switched_off(base: &Base) -> anyhow::Result<Vec<Box<dyn Consumer>>> {
    Ok(optional(base)?.into_iter().filter_map(|(is_on, consumer)| (!is_on).then_some(consumer)).collect())
}

fn optional(base: &Base) -> anyhow::Result<[(bool, Box<dyn Consumer>); 2]> {
    let Config { correlation, validation, .. } = &base.config;
    let rules = Rules::compile(correlation).map_err(anyhow::Error::msg)?;
    let correlator = CorrelationTables::new(rules, base.metrics.clone());
    Ok([
        (correlation.enabled, Box::new(Projection::new(base.database.clone(), correlator))),
        (validation.enabled, Box::new(Projection::new(base.database.clone(), ValidationTables::default()))),
    ])
}

/// Which of them keeps each table of PostgreSQL.
///
/// # Errors
/// When the lake's place cannot be used.
pub fn keepers(base: &Base) -> anyhow::Result<Keepers> {
    let consumers = consumers(base)?;
    Ok(consumers.iter().flat_map(|consumer| consumer.tables().iter().map(|table| ((*table).to_owned(), consumer.name().to_owned()))).collect())
}

/// Where deliveries come in.
#[derive(Debug)]
pub struct Doors {
    named: HashMap<String, Door>,
    /// Generated paths, and the name of the source that each leads to.
    generated: HashMap<String, String>,
    own: [Door; 3],
}

/// One source and its limits.
#[derive(Debug, Clone)]
pub struct Door {
    /// Proves deliveries.
    pub source: Arc<dyn Source>,
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
    /// Who may send; nobody else if there is any.
    pub allow_ips: Vec<Network>,
    is_custom: bool,
}

impl Doors {
    /// The doors that settings describe. `derivation_key` makes the generated paths: they are the same at every start,
    /// and nobody else can work them out.
    ///
    /// # Errors
    /// When a source's secret is not of its scheme's form; the message names the setting.
    pub fn new(config: &Config, derivation_key: &[u8]) -> Result<Self, crate::config::Error> {
        let mut named = HashMap::new();
        for (name, provider, source) in providers(config) {
            if provider.enabled {
                named.insert(
                    name.to_owned(),
                    Door { source, body_bytes_max: config.body_bytes_max(provider.body_bytes_max), allow_ips: provider.allow_ips.clone(), is_custom: false },
                );
            }
        }
        let mut generated = HashMap::new();
        for (name, custom) in &config.sources.custom {
            let source = custom_source(name, custom)?;
            named.insert(
                name.clone(),
                Door { source, body_bytes_max: config.body_bytes_max(custom.body_bytes_max), allow_ips: custom.allow_ips.clone(), is_custom: true },
            );
            generated.insert(generated_path(derivation_key, name), name.clone());
        }
        let own = [Own::Deployment, Own::Custom, Own::Hooklake].map(|own| Door {
            source: Arc::new(own),
            body_bytes_max: config.server.body_bytes_max,
            allow_ips: Vec::new(),
            is_custom: false,
        });
        Ok(Self { named, generated, own })
    }

    /// The door behind `/webhook/{path}`.
    #[must_use]
    pub fn by_path(&self, path: &str) -> Option<&Door> {
        let name = self.generated.get(path).map_or(path, String::as_str);
        self.named.get(name)
    }

    /// The door behind `/webhook/custom/{name}`.
    #[must_use]
    pub fn custom(&self, name: &str) -> Option<&Door> {
        self.named.get(name).filter(|door| door.is_custom)
    }

    /// The provider that sends such headers, for `/webhook`; it proves the delivery by its own rules.
    #[must_use]
    pub fn by_headers(&self, headers: &HeaderMap) -> Option<&Door> {
        [("x-github-event", "github"), ("x-slack-signature", "slack"), ("linear-signature", "linear")]
            .into_iter()
            .find(|(header, _)| headers.contains_key(*header))
            .and_then(|(_, name)| self.named.get(name))
    }

    /// The door for events of one's own.
    #[must_use]
    pub const fn own(&self, own: Own) -> &Door {
        match own {
            Own::Deployment => &self.own[0],
            Own::Custom => &self.own[1],
            Own::Hooklake => &self.own[2],
        }
    }

    /// Every path and the source that it leads to, for people to enter at the provider.
    #[must_use]
    pub fn listing(&self) -> Vec<Listing> {
        let mut listing: Vec<Listing> = self
            .named
            .iter()
            .map(|(name, door)| Listing {
                source: name.clone(),
                path: format!("/webhook/{name}"),
                generated_path: self.generated.iter().find(|(_, to)| *to == name).map(|(path, _)| format!("/webhook/{path}")),
                is_configured: door.source.is_configured(),
                body_bytes_max: door.body_bytes_max,
            })
            .collect();
        listing.sort_by(|a, b| a.source.cmp(&b.source));
        listing
    }
}

/// A source as `hooklake sources` and `GET /webhooks` show it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Listing {
    /// Its name.
    pub source: String,
    /// Where it is received.
    pub path: String,
    /// Where it is received as well, if it has a path that cannot be guessed.
    pub generated_path: Option<String>,
    /// False when it has no secret and refuses everything.
    pub is_configured: bool,
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
}

fn custom_source(name: &str, custom: &Custom) -> Result<Arc<dyn Source>, crate::config::Error> {
    let secrets: Secrets = custom.secrets();
    if secrets.is_empty() {
        let delivery_id = DeliveryId { header: custom.id_header.clone(), pointer: custom.id_pointer.clone() };
        return Ok(Arc::new(Generic::new(name.to_owned(), custom.verifications.clone(), custom.timestamp_validation.clone(), delivery_id)));
    }
    let source =
        Standard::new(name.to_owned(), &secrets).map_err(|error| crate::config::Error::Invalid(format!("setting sources.custom.{name}.secrets: {error}")))?;
    Ok(Arc::new(source))
}

/// `wh_` and 24 characters that depend on the name and the installation's key.
fn generated_path(derivation_key: &[u8], name: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digest = hmac_sha256(derivation_key, &[b"webhook path ", name.as_bytes()]);
    let letters = digest.iter().take(24).map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
    std::iter::once("wh_".to_owned()).chain(letters.map(String::from)).collect()
}
