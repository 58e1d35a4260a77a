//! The composition root: builds everything once, and owns the order of start and stop.
//!
//! Start: database, migrations, log, consumers, listener. Stop: readiness says no while balancers look, the listener lets requests under way finish, the log
//! stores what still waits, consumers finish their batch and its checkpoint, the embedded database goes last.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::config::{Config, Role};
use crate::consumer::Runner;
use crate::correlation::query::Links;
use crate::db::embedded::Cluster;
use crate::db::{Database, migrate};
use crate::domain::{Clock, Tenant};
use crate::lake::engine::{Engine, Limits};
use crate::log::{Appender, Reader, Recent, Tail, Window, partition};
use crate::operate::Places;
use crate::projectors::people::map::MAP_TYPE;
use crate::projectors::query::Events;
use crate::proof::Notary;
use crate::reader;
use crate::registry::{self, Doors};
use crate::retention;
use crate::search::query::Searcher;
use crate::serve::server::Leave;
use crate::serve::{self, Access, AdminToken, AppState, Ingest, Parts};
use crate::sources;
use crate::tasks::{Stop, Tasks};
use crate::telemetry::Metrics;

/// How long consumers may take to finish their batch.
const FINISH_WITHIN: Duration = Duration::from_secs(20);

/// The database with its schema up to date, and what this installation knows of itself: what every command needs.
#[derive(Debug)]
pub struct Base {
    /// The settings.
    pub config: Config,
    /// The door to PostgreSQL.
    pub database: Database,
    /// What this installation knows of itself.
    pub installation: Installation,
    /// What is counted in this process.
    pub metrics: Metrics,
    cluster: Option<Cluster>,
}

/// See `hooklake.installation`.
#[derive(Debug, Clone)]
pub struct Installation {
    /// Its name, which its checkpoints carry.
    pub id: uuid::Uuid,
    /// When the database was first migrated.
    pub created_at: crate::domain::clock::Timestamp,
    /// Keys what is derived rather than stored.
    pub derivation_key: Vec<u8>,
}

impl Base {
    /// Starts or joins the embedded database, or reaches the configured one, and brings the schema up to date.
    ///
    /// # Errors
    /// When there is no database to be had, or its schema is newer than this binary.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        let (cluster, url) = if config.database.url.is_empty() {
            let listen = config.reader.listen().map_err(anyhow::Error::msg)?;
            let cluster = Cluster::start_listening(&config.data_dir(), &config.database, listen).await?;
            let url = cluster.url("hooklake");
            (Some(cluster), url)
        } else {
            (None, config.database.url.clone())
        };
        let database = Database::new(&url, &config.database)?;
        for migration in migrate::run(&database).await.context("cannot use the database")? {
            tracing::info!(migration, "applied migration {migration}");
        }
        let connection = database.get().await?;
        let row = connection.query_one("SELECT id, created_at, derivation_key FROM hooklake.installation", &[]).await?;
        let installation = Installation { id: row.get(0), created_at: row.get(1), derivation_key: row.get(2) };
        drop(connection);
        Ok(Self { config, database, installation, metrics: Metrics::new(), cluster })
    }

    /// Where the lake and the index live.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.config.data_dir()
    }

    /// What `psql -h` wants, for the embedded database.
    #[must_use]
    pub fn socket_dir(&self) -> Option<PathBuf> {
        self.cluster.as_ref().map(Cluster::socket_dir)
    }

    /// The embedded database; none when it is yours.
    #[must_use]
    pub const fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// A runner of consumers, for a command that rebuilds one.
    #[must_use]
    pub fn runner(&self, tasks: &Tasks, metrics: &Metrics) -> Runner {
        let (tail, feed) = Tail::new(self.database.clone(), tasks.stop().clone());
        tasks.spawn("log.tail", feed);
        Runner {
            database: self.database.clone(),
            window: Window::new(Reader::new(self.database.clone())),
            tail,
            stop: tasks.stop().clone(),
            metrics: metrics.clone(),
            owner: owner(),
            lease_ttl: self.config.consumers.lease_ttl(),
        }
    }

    /// Where files are.
    ///
    /// # Errors
    /// When the lake's place cannot be used.
    pub fn places(&self) -> anyhow::Result<Places> {
        let data = self.data_dir();
        let lake = self.config.lake.location(&data)?.directory().to_owned();
        Ok(Places { data, lake })
    }

    /// Who signs checkpoints of this installation's log.
    #[must_use]
    pub fn notary(&self) -> Notary {
        Notary::new(self.database.clone(), self.installation.id, &self.config.proof, &self.data_dir())
    }

    /// Who gives readers of PostgreSQL their password, and tells them where it is.
    ///
    /// # Errors
    /// When the settings of the database or of its readers cannot be used.
    pub fn readers(&self, clock: Clock) -> anyhow::Result<reader::Credentials> {
        let settings = &self.config.reader;
        let place = match self.socket_dir() {
            Some(socket) => reader::Place::embedded(&settings.listen().map_err(anyhow::Error::msg)?, &socket, settings),
            None => reader::Place::external(self.database.config(), settings),
        };
        Ok(reader::Credentials::new(self.database.clone(), settings.clone(), place, clock))
    }

    /// SQL over log and lake.
    ///
    /// # Errors
    /// When the lake's place cannot be used.
    pub fn engine(&self) -> anyhow::Result<Engine> {
        self.engine_within(Limits::default())
    }

    /// The same, within other limits.
    ///
    /// # Errors
    /// When the lake's place cannot be used.
    pub fn engine_within(&self, limits: Limits) -> anyhow::Result<Engine> {
        Ok(Engine::new(self.database.clone(), self.config.lake.location(&self.data_dir())?, limits)?.with_keepers(registry::keepers(self)?))
    }

    /// What answers are made of.
    fn state(&self, appender: Appender, access: Access, metrics: Metrics, draining: Stop, clock: Clock) -> anyhow::Result<AppState> {
        let database = &self.database;
        let doors = Doors::new(&self.config, &self.installation.derivation_key)?;
        Ok(AppState::new(Parts {
            access,
            database: database.clone(),
            events: Events::new(database.clone()),
            links: Links::new(database.clone()),
            searcher: Searcher::new(database.clone(), &self.data_dir()),
            engine: self.engine()?,
            ingest: Ingest::new(doors, appender, database.clone(), clock.clone(), metrics.clone(), &self.config.server),
            metrics,
            places: self.places()?,
            draining,
            readers: self.readers(clock.clone())?,
            clock,
        }))
    }

    /// Asks the GraphQL schema from within, for a command.
    ///
    /// # Errors
    /// When the question is refused, or something that it needs does not answer.
    pub async fn graphql(&self, query: &str, variables: serde_json::Map<String, serde_json::Value>) -> anyhow::Result<serde_json::Value> {
        let (tasks, metrics, clock) = (Tasks::default(), Metrics::new(), Clock::system());
        // The state has a door for deliveries, which nobody knocks at here.
        let appender = Appender::start(&self.database, &tasks, &metrics, &Recent::default());
        let state = self.state(appender, Access::new(self.database.clone(), clock.clone()), metrics, tasks.stop().child(), clock)?;
        let answer = serve::graphql::ask(state, serve::Caller { tenant: Tenant::default_tenant() }, query, variables).await;
        tasks.stop().tell();
        tasks.finish(FINISH_WITHIN).await;
        answer.map_err(|errors| anyhow::anyhow!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
    }

    /// Closes the connections; stops the embedded database if nobody else uses it.
    ///
    /// # Errors
    /// When the embedded database does not stop.
    pub async fn close(self) -> anyhow::Result<()> {
        self.database.close();
        if let Some(cluster) = self.cluster {
            cluster.stop().await?;
        }
        Ok(())
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct App {
    /// The database and settings.
    pub base: Base,
    /// Where it listens.
    pub address: SocketAddr,
    /// The admin token, when it was made at this start: it is shown once.
    pub new_token: Option<AdminToken>,
    access: Access,
    tasks: Tasks,
    leave: Leave,
    listener: tokio::task::JoinHandle<()>,
}

impl App {
    /// Starts everything and listens.
    ///
    /// # Errors
    /// When the database could lose acknowledged events, a setting cannot be used, or the address is taken.
    pub async fn start(base: Base, clock: Clock) -> anyhow::Result<Self> {
        let Base { config, database, .. } = &base;
        database.check_durable().await?;
        partition::ensure(&database.get().await?).await?;
        state_reader(database, &config.reader, &clock).await.context("cannot state the limits of codegen_readonly")?;
        let address = (config.server.host.as_str(), config.server.port);
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {}:{}; set server.host and server.port (PORT)", address.0, address.1))?;
        let address = listener.local_addr()?;

        let tasks = Tasks::default();
        let metrics = base.metrics.clone();
        if let Some(cluster) = &base.cluster {
            tasks.spawn_until_stopped("postgres", cluster.clone().keep_running());
        }
        let watch = reader::Watch::new(database.clone(), config.reader.clone(), base.cluster.is_some());
        tasks.spawn("reader.watch", watch.keep(tasks.stop().clone()));
        let is_followed = config.roles.contains(&Role::Consume);
        let recent = if is_followed { Recent::kept() } else { Recent::default() };
        let appender = Appender::start(database, &tasks, &metrics, &recent);
        if is_followed && config.people.is_news(database).await? {
            appender
                .append(sources::own::note(MAP_TYPE, &config.people.to_json(), clock.now()).map_err(|_| anyhow::anyhow!("cannot note the setting people"))?)
                .await?;
        }
        tasks.spawn("log.partitions", partition::keep_ready(database.clone(), tasks.stop().clone()));
        if is_followed {
            let window = Window::new(Reader::knowing(database.clone(), recent));
            let runner = Runner { window, ..base.runner(&tasks, &metrics) };
            let consumers = registry::consumers(&base)?;
            let names = consumers.iter().map(|consumer| consumer.name().to_owned()).collect();
            let (settings, stop) = (config.retention.clone(), tasks.stop().clone());
            tasks.spawn("retention", retention::schedule::keep(database.clone(), tasks.clone(), clock.clone(), settings, names, stop));
            for consumer in consumers {
                tasks.spawn("consumer", runner.clone().follow(consumer));
            }
            for consumer in registry::switched_off(&base)? {
                let runner = runner.clone();
                tasks.spawn("consumer.discard", async move {
                    if let Err(error) = runner.discard(consumer.as_ref()).await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "{} is switched off here, and what it keeps stays", consumer.name());
                    }
                });
            }
            tasks.spawn("proof.checkpoints", base.notary().keep_signing(tasks.stop().clone()));
        }

        let access = Access::new(database.clone(), clock.clone());
        let new_token = access.ensure_token().await?;
        let leave = Leave { draining: tasks.stop().child(), stop: tasks.stop().child() };
        let state = base.state(appender, access.clone(), metrics.clone(), leave.draining.clone(), clock)?;
        let router = serve::headers::dress(serve::router(&config.roles, state));
        let listener = tasks.spawn("http", serve::server::serve(listener, router, config.server.clone(), metrics, tasks.clone(), leave.clone()));
        Ok(Self { base, address, new_token, access, tasks, leave, listener })
    }

    /// Who may ask; for a command that makes a token.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// Says that it is about to leave, and goes on answering for as long as settings say: a balancer has then noticed
    /// and sends no more.
    pub async fn drain(&self) {
        self.leave.draining.tell();
        tokio::time::sleep(Duration::from_millis(self.base.config.server.drain_ms)).await;
    }

    /// Stops in order; returns the names of tasks that did not end in time.
    ///
    /// # Errors
    /// When the embedded database does not stop.
    pub async fn stop(self) -> anyhow::Result<Vec<&'static str>> {
        self.leave.draining.tell();
        self.leave.stop.tell();
        // The router goes with the listener, and the last appender with the router: the log's lanes then end.
        if let Err(error) = self.listener.await {
            tracing::error!(error = &error as &dyn std::error::Error, "the listener ended badly");
        }
        self.tasks.stop().tell();
        let running = self.tasks.finish(FINISH_WITHIN).await;
        self.base.close().await?;
        Ok(running)
    }
}

/// States what readers may, and gives them the password of the settings. Only for a server: the settings of a command that
/// somebody runs beside it are not those that count.
async fn state_reader(database: &Database, settings: &reader::Settings, clock: &Clock) -> Result<(), crate::db::Error> {
    let (mut client, connection) = database.dedicated().await?;
    let stating = async {
        let missing = reader::role::state(&mut client, settings).await?;
        if !missing.is_empty() {
            tracing::warn!("sessions of codegen_readonly are without {}: the database's user may not set it (docs/reader.md)", missing.join(", "));
        }
        if settings.password.is_given() && !reader::given::state(&mut client, &settings.password, clock.now()).await? {
            tracing::warn!("codegen_readonly did not get the password of the settings: the database's user may not give it (docs/reader.md)");
        }
        Ok(())
    };
    crate::db::driven(connection, stating).await
}

/// The name of this process among the owners of leases.
fn owner() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", host.trim(), std::process::id())
}
