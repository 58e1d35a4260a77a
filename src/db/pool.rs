//! The pool: connections that act as the application's role, which can neither change nor delete what the log holds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Error;
use super::migrate::APP_ROLE;

/// Connections that only [`Database::reserved`] gives: whoever reads, however many and however long, takes none of them.
pub const RESERVED: usize = 4;

/// `[database]`: where PostgreSQL is.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `postgres://user:password@host:port/name`; empty for the embedded cluster.
    pub url: String,
    /// The most connections that this process opens; [`RESERVED`] of them are for what must not wait.
    pub connections_max: usize,
    /// How long to wait for a connection, in milliseconds.
    pub connect_timeout_ms: u64,
    /// A file with the certificate authority of the server, PEM; empty for the public ones.
    pub ca_file: PathBuf,
    /// Where `initdb`, `postgres` and `pg_ctl` are; empty to look for them. Embedded only.
    pub bin_dir: PathBuf,
    /// The user that runs the embedded cluster when hooklake runs as root, which PostgreSQL refuses.
    pub run_as: String,
}

/// The half of a dedicated connection that carries what the client says and is told.
pub type Driver =
    tokio_postgres::Connection<tokio_postgres::Socket, <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::Stream>;

/// A pooled connection; it goes back when it is dropped.
pub type Connection = Object;

/// A transaction on one, which knows the statements that the connection has prepared before.
pub type Transaction<'a> = deadpool_postgres::Transaction<'a>;

/// Drives a dedicated connection for as long as this work with its client takes.
///
/// # Errors
/// The work's own, and when the connection ends before it.
pub async fn driven<T>(connection: Driver, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        outcome = work => outcome,
        ended = connection => Err(ended.err().map_or(Error::Settings("the connection ended".to_owned()), Error::from)),
    }
}

/// The door to PostgreSQL. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    reserved: Pool,
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("hosts", &self.config.get_hosts()).field("name", &self.config.get_dbname()).finish_non_exhaustive()
    }
}

impl Database {
    /// Describes the pool; nothing is connected before the first use.
    ///
    /// # Errors
    /// When the address or the certificate file cannot be used.
    pub fn new(url: &str, settings: &Settings) -> Result<Self, Error> {
        let mut config: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| Error::Settings(describe(&error)))?;
        config
            .application_name("hooklake")
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .keepalives_idle(Duration::from_secs(5))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(2)
            .tcp_user_timeout(Duration::from_secs(10));
        let tls = tls(&config, settings)?;

        let mut as_app = config.clone();
        as_app.options(format!("-c role={APP_ROLE} -c search_path=public -c idle_in_transaction_session_timeout=60s"));
        let wait = Some(Duration::from_millis(settings.connect_timeout_ms));
        let pool = |connections: usize| {
            let manager = Manager::from_config(as_app.clone(), tls.clone(), ManagerConfig { recycling_method: RecyclingMethod::Fast });
            Pool::builder(manager)
                .max_size(connections)
                // Those used last know the most statements, and are in the processor's cache.
                .queue_mode(QueueMode::Lifo)
                .runtime(Runtime::Tokio1)
                .timeouts(Timeouts { wait, create: wait, recycle: wait })
                .build()
                .map_err(|error| Error::Settings(error.to_string()))
        };
        Ok(Self { pool: pool(settings.connections_max.saturating_sub(RESERVED))?, reserved: pool(RESERVED)?, config, tls })
    }

    /// A pooled connection that acts as the application's role.
    ///
    /// # Errors
    /// When none is free, or none can be made, within the time allowed.
    pub async fn get(&self) -> Result<Connection, Error> {
        Ok(self.pool.get().await?)
    }

    /// The same, from those that nothing else takes: whether and where a delivery is stored does not wait for readers.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn reserved(&self) -> Result<Connection, Error> {
        Ok(self.reserved.get().await?)
    }

    /// Asks the server to end what runs on a connection; whether it does is known when the connection answers again.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn cancel(&self, connection: &Connection) -> Result<(), Error> {
        Ok(connection.cancel_token().cancel_query(self.tls.clone()).await?)
    }

    /// A connection of one's own, as the user of the settings: for migrations and for `LISTEN`. The second half drives
    /// it and must be polled, as [`driven`] does.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn dedicated(&self) -> Result<(tokio_postgres::Client, Driver), Error> {
        Ok(self.config.connect(self.tls.clone()).await?)
    }

    /// The one row of a question, asked as the user of the settings rather than as the application.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn dedicated_row(&self, statement: &str, parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> Result<tokio_postgres::Row, Error> {
        let (client, connection) = self.dedicated().await?;
        driven(connection, async { Ok(client.query_one(statement, parameters).await?) }).await
    }

    /// Refuses a server that could lose what it acknowledged (decision D3).
    ///
    /// # Errors
    /// [`Error::NotDurable`] names the setting.
    pub async fn check_durable(&self) -> Result<(), Error> {
        let connection = self.get().await?;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let row = connection.query_one("SELECT current_setting($1)", &[&setting]).await?;
            if row.get::<_, &str>(0) == "off" {
                return Err(Error::NotDurable(format!("{setting} = off")));
            }
        }
        Ok(())
    }

    /// Where the database is, for whoever tells others.
    #[must_use]
    pub const fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    /// Connections open and idle now, for metrics.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        let (pool, reserved) = (self.pool.status(), self.reserved.status());
        (pool.size + reserved.size, pool.available + reserved.available)
    }

    /// Closes every pooled connection.
    pub fn close(&self) {
        self.pool.close();
        self.reserved.close();
    }
}

/// The error's text without the address, which may hold a password.
fn describe(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn tls(config: &tokio_postgres::Config, settings: &Settings) -> Result<MakeRustlsConnect, Error> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if !settings.ca_file.as_os_str().is_empty() {
        let failed = |error| Error::Certificate(settings.ca_file.clone(), error);
        let pem = std::fs::read(&settings.ca_file).map_err(failed)?;
        for certificate in rustls_pki_types::pem::PemObject::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| failed(std::io::Error::other(error)))?;
            roots.add(certificate).map_err(|error| failed(std::io::Error::other(error)))?;
        }
    } else if config.get_ssl_mode() == SslMode::Require {
        tracing::debug!("the database's certificate is checked against the public authorities; set database.ca_file for another");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Settings(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(client))
}
