//! The role `codegen_readonly`, as which `psql`, BI tools and agents read the views (decision 0017).
//!
//! What PostgreSQL can refuse, it refuses: rights are stated in `src/db/grants.sql`, limits and attributes by
//! [`role::state`] at every start of a server. What a session may lift for itself (`SET statement_timeout = 0`), a watch in every
//! serving process enforces from outside ([`watch`]); it also restates what a reader changed of its own role.
//! Nothing here makes a query cheap: ten readers may keep the server's processors busy within their limits.

mod connection;
pub mod credentials;
pub mod given;
mod guard;
pub mod password;
pub mod role;
pub mod watch;

pub use connection::{Connection, Place};
pub use credentials::Credentials;
pub use watch::Watch;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::db::embedded::Listen;

/// `[reader]`: what a session of the role may use.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Sessions at once.
    pub connections_max: u16,
    /// The longest statement, in milliseconds.
    pub statement_timeout_ms: u32,
    /// The longest pause within a transaction, in milliseconds.
    pub idle_in_transaction_timeout_ms: u32,
    /// The longest wait for a lock, in milliseconds.
    pub lock_timeout_ms: u32,
    /// The longest transaction, in milliseconds: what is deleted cannot be cleaned up while one looks on.
    pub transaction_timeout_ms: u32,
    /// Memory of one sort or hash, in megabytes.
    pub work_mem_mb: u32,
    /// Disk that one session may fill with temporary files, in megabytes.
    pub temp_file_mb_max: u32,
    /// Memory of one session, in megabytes; embedded only.
    pub memory_mb_max: u32,
    /// Its password; empty for one that is made when somebody asks.
    pub password: password::Password,
    /// Where the embedded cluster listens for the role, as `address:port`; empty for its socket only.
    pub listen: String,
    /// The certificate for it, PEM; empty for none.
    pub tls_cert: PathBuf,
    /// The certificate's private key, PEM.
    pub tls_key: PathBuf,
    /// Where readers find it, as `name` or `name:port`, when that is not where it listens; empty otherwise.
    pub address: String,
}

impl Settings {
    /// What is wrong with them, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        // PostgreSQL takes these as 32-bit numbers, sizes in kilobytes, and 0 as "without limit".
        let most = |name: &str| if name.ends_with("_ms") { i32::MAX as u32 } else { MEGABYTES_MAX };
        let wrong = self.limits().into_iter().find(|(name, value)| *value == 0 || *value > most(name));
        let wrong = wrong.map(|(name, _)| format!("setting reader.{name}: must be 1 to {}", most(name)));
        let has_port = self.address.is_empty() || self.address().is_some();
        let wrong = wrong.or_else(|| self.password.fault().map(|fault| format!("setting reader.password (POSTGRES_CODEGEN_PASSWORD): {fault}")));
        wrong.or_else(|| self.listen().err()).or_else(|| (!has_port).then(|| "setting reader.address: is a name, or name:port".to_owned()))
    }

    /// The limits, by the names of their settings.
    fn limits(&self) -> [(&'static str, u32); 8] {
        [
            ("connections_max", u32::from(self.connections_max)),
            ("statement_timeout_ms", self.statement_timeout_ms),
            ("idle_in_transaction_timeout_ms", self.idle_in_transaction_timeout_ms),
            ("lock_timeout_ms", self.lock_timeout_ms),
            ("transaction_timeout_ms", self.transaction_timeout_ms),
            ("work_mem_mb", self.work_mem_mb),
            ("temp_file_mb_max", self.temp_file_mb_max),
            ("memory_mb_max", self.memory_mb_max),
        ]
    }

    /// Where the embedded cluster listens for the role.
    ///
    /// # Errors
    /// When others could listen in on it, or the address is none; the message says what to do.
    pub fn listen(&self) -> Result<Listen, String> {
        let (certificate, key) = (self.tls_cert.clone(), self.tls_key.clone());
        let tls = match (certificate.as_os_str().is_empty(), key.as_os_str().is_empty()) {
            (true, true) => None,
            (false, false) => Some((certificate, key)),
            _ => return Err("settings reader.tls_cert and reader.tls_key: one needs the other".to_owned()),
        };
        if self.listen.is_empty() {
            return Ok(Listen::default());
        }
        let address: SocketAddr =
            self.listen.parse().map_err(|_| format!("setting reader.listen: {:?} is not an address and a port, such as \"127.0.0.1:5433\"", self.listen))?;
        if address.port() == 0 {
            return Err("setting reader.listen: name the port".to_owned());
        }
        if !address.ip().is_loopback() && tls.is_none() {
            return Err(format!(
                "setting reader.listen: {address} can be reached from other machines, where anybody on the way could read along; set reader.tls_cert and reader.tls_key, or listen on 127.0.0.1 behind a tunnel"
            ));
        }
        Ok(Listen { address: Some(address), tls })
    }

    /// What readers are told instead of where it listens.
    fn address(&self) -> Option<(String, Option<u16>)> {
        if self.address.is_empty() { None } else { named(&self.address) }
    }
}

/// `name`, `name:port`, and the same of addresses; one of IPv6 has brackets before a port, as in addresses of the web.
fn named(text: &str) -> Option<(String, Option<u16>)> {
    if text.parse::<IpAddr>().is_ok() {
        return Some((text.to_owned(), None));
    }
    let bare = |host: &str| host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
    match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => Some((bare(host), Some(port.parse().ok()?))),
        _ => Some((bare(text), None)),
    }
}

const MEGABYTES_MAX: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_port_are_told_apart_in_every_form_of_address() {
        let name = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(named("db.example.com"), name("db.example.com", None));
        assert_eq!(named("db.example.com:5433"), name("db.example.com", Some(5433)));
        assert_eq!(named("192.0.2.7:5433"), name("192.0.2.7", Some(5433)));
        assert_eq!(named("[2001:db8::7]:5433"), name("2001:db8::7", Some(5433)));
        assert_eq!((named("2001:db8::7"), named("[2001:db8::7]")), (name("2001:db8::7", None), name("2001:db8::7", None)));
        assert_eq!((named("db.example.com:many"), named("db.example.com:70000")), (None, None));
    }
}
