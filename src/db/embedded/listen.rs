//! Where the cluster may be reached besides its socket: by the readers' role, with a password, and by nobody else.
//!
//! Who may enter the socket's directory is the cluster's owner, so nobody is asked for a password there. What listens on
//! an address that others can reach does so with TLS only.

use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Error, Program, failed};

/// The port that names the socket, whatever the cluster listens on: what clients take when they are told none.
pub const SOCKET_PORT: u16 = 5432;

/// Names of the copies in the cluster's directory: PostgreSQL wants a key that belongs to its own user.
const CERTIFICATE: &str = "reader.crt";
const KEY: &str = "reader.key";

/// An address for the readers' role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listen {
    /// None: the socket only.
    pub address: Option<SocketAddr>,
    /// The certificate and its key, PEM; then nobody connects without TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
}

impl Listen {
    /// What is asked of clients.
    #[must_use]
    pub const fn ssl_mode(&self) -> &'static str {
        if self.tls.is_some() { "require" } else { "disable" }
    }

    /// Options of the server's command line, beyond the socket's.
    pub(super) fn options(&self) -> String {
        let Some(address) = self.address else { return String::new() };
        let tls = if self.tls.is_some() { format!(" -c ssl=on -c ssl_cert_file={CERTIFICATE} -c ssl_key_file={KEY}") } else { String::new() };
        // Whoever connects and says nothing holds one of the connections until then.
        format!("-c listen_addresses='{}' -c port={} -c authentication_timeout=10s{tls}", address.ip(), address.port())
    }

    /// States who may connect from where, and puts the certificate where the server reads it.
    pub(super) fn prepare(&self, data: &Path, program: &Program) -> Result<(), Error> {
        let mut rules = String::from(
            "# Written by hooklake at every start of this cluster: what is changed here does not remain ([reader] in the settings).\n\
             local all all trust\nlocal replication all trust\n",
        );
        if self.address.is_some() {
            let kind = if self.tls.is_some() { "hostssl" } else { "host" };
            rules.extend([kind, " hooklake codegen_readonly all scram-sha-256\n"]);
        }
        program.write_private(&data.join("pg_hba.conf"), rules.as_bytes())?;
        if let Some((certificate, key)) = &self.tls {
            for (from, name) in [(certificate, CERTIFICATE), (key, KEY)] {
                let text = std::fs::read(from).map_err(|error| failed(&format!("cannot read {} (reader.tls_cert, reader.tls_key)", from.display()), error))?;
                program.write_private(&data.join(name), &text)?;
            }
        }
        Ok(())
    }

    /// The socket is named after the port, and everyone looks for the usual one.
    pub(super) fn link_socket(&self, directory: &Path) -> Result<(), Error> {
        let Some(port) = self.address.map(|address| address.port()).filter(|port| *port != SOCKET_PORT) else { return Ok(()) };
        let usual = directory.join(format!(".s.PGSQL.{SOCKET_PORT}"));
        match std::fs::remove_file(&usual) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&format!("cannot replace {}", usual.display()), error)),
            _ => {}
        }
        symlink(format!(".s.PGSQL.{port}"), &usual).map_err(|error| failed(&format!("cannot make {}", usual.display()), error))
    }
}
