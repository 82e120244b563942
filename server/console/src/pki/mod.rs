//! The console's certificates: a small CA of its own for directors, and a separate one for browsers.
//!
//! `ca` makes and keeps keys on disk and signs; `peer` reads what a peer showed; `trust` holds the TLS rules of both
//! directions. Keys never leave the folder. Identities are URI names (`lvs::wire`); hosts are never compared. Used by
//! enrolment, the links to directors, and the binary's listener.

mod authority;
pub(crate) mod disk;
mod identity;
mod peer;
mod trust;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use lvs::wire::console_uri;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

use crate::Failure;
use authority::Authority;
pub(crate) use authority::{Issued, RequestError};
pub(crate) use peer::{Peer, PeerError};

/// The console's own certificate under its CA, and the browser certificate: days of life, and when they are renewed.
const OWN_DAYS: i64 = 397;
const OWN_RENEW_DAYS: i64 = 60;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// The keys and certificates of one installation.
pub struct Pki {
    installation: String,
    folder: std::path::PathBuf,
    host_names: Vec<String>,
    authority: Authority,
    /// What the listener and the links show now; swapped on renewal, so that no listener has to start again.
    console: Arc<RwLock<Arc<CertifiedKey>>>,
    web: Arc<RwLock<Arc<CertifiedKey>>>,
    /// When the first of the two is to be renewed, seconds since 1970.
    due: AtomicI64,
}

impl fmt::Debug for Pki {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pki").field("installation", &self.installation).finish_non_exhaustive()
    }
}

/// Fingerprint of the CA in a folder of keys.
pub(crate) fn ca_fingerprint(folder: &Path, installation: &str, now: i64) -> Result<String, Failure> {
    Ok(Authority::open(folder, installation, now)?.fingerprint())
}

impl Pki {
    /// Opens `folder`; makes what is not there or ends soon. `now` is in seconds since 1970.
    pub(crate) fn open(
        folder: &Path,
        installation: &str,
        host_names: &[String],
        now: i64,
    ) -> Result<Pki, Failure> {
        disk::folder(folder)?;
        let authority = Authority::open(folder, installation, now)?;
        let console = identity::console(folder, &authority, installation, now)?;
        let web = identity::web(folder, host_names, now)?;
        Ok(Pki {
            installation: installation.to_owned(),
            folder: folder.to_owned(),
            host_names: host_names.to_vec(),
            authority,
            due: AtomicI64::new(due(&console, &web)),
            console: Arc::new(RwLock::new(console)),
            web: Arc::new(RwLock::new(web)),
        })
    }

    /// Whether one of the console's own certificates is to be renewed by now.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        now >= self.due.load(Ordering::Relaxed)
    }

    /// Renews what ends soon, and takes what an administrator has put into the folder; new connections show the new
    /// ones.
    pub(crate) fn renew(&self, now: i64) -> Result<(), Failure> {
        let console = identity::console(&self.folder, &self.authority, &self.installation, now)?;
        let web = identity::web(&self.folder, &self.host_names, now)?;
        self.due.store(due(&console, &web), Ordering::Relaxed);
        *self.console.write().unwrap_or_else(PoisonError::into_inner) = console;
        *self.web.write().unwrap_or_else(PoisonError::into_inner) = web;
        Ok(())
    }

    /// For connections that did not offer `caribe-agent/1`: the browser certificate, ALPN `h2` and `http/1.1`, TLS
    /// 1.2 and 1.3. Renewals need no new one.
    pub fn web_server_config(&self) -> Result<Arc<rustls::ServerConfig>, Failure> {
        trust::web_server(Arc::clone(&self.web))
    }

    /// For connections that offered `caribe-agent/1`: TLS 1.3, the console's certificate with the internal CA behind
    /// it, a client certificate of that CA asked for but not demanded (a director that joins has none).
    ///
    /// An expired certificate passes the handshake: an expired but unrevoked one may still renew. What a certificate
    /// may do is decided per request ([`crate::Console::renew`], [`crate::Console::target_for`]).
    pub fn agent_server_config(&self) -> Result<Arc<rustls::ServerConfig>, Failure> {
        trust::agent_server(Arc::clone(&self.console), self.authority.der())
    }

    /// For dialling the director with that id, and no other.
    pub(crate) fn director_client_config(
        &self,
        director_id: &str,
    ) -> Result<Arc<rustls::ClientConfig>, Failure> {
        let name = lvs::wire::director_uri(&self.installation, director_id);
        trust::director_client(Arc::clone(&self.console), self.authority.der(), name)
    }

    /// SHA-256 of the browser certificate, `sha256:HEX`: what a browser shows.
    pub fn web_fingerprint(&self) -> String {
        let web = self.web.read().unwrap_or_else(PoisonError::into_inner);
        web.cert.first().map(|der| fingerprint(der)).unwrap_or_default()
    }

    /// SHA-256 of the internal CA's public key (its SubjectPublicKeyInfo), `sha256:HEX`: what `caribe agent join` is
    /// given.
    pub fn ca_fingerprint(&self) -> String {
        self.authority.fingerprint()
    }

    /// The installation's id, part of every identity.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// The internal CA's certificate, PEM.
    pub(crate) fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// Signs a director's request; only its public key is taken.
    pub(crate) fn issue_director(
        &self,
        csr: &str,
        director_id: &str,
        now: i64,
    ) -> Result<Issued, RequestError> {
        self.authority.issue_director(csr, &self.installation, director_id, now)
    }

    /// What the certificate of a peer says, where this installation's CA signed it and it names a director.
    pub(crate) fn peer(&self, certificate: &CertificateDer<'_>) -> Result<Peer, PeerError> {
        peer::director(certificate, &self.authority.der(), &self.installation)
    }
}

fn fingerprint(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// When the first of these is to be renewed.
fn due(console: &CertifiedKey, web: &CertifiedKey) -> i64 {
    let console = console.cert.first().and_then(identity::console_due);
    let web = web.cert.first().and_then(identity::web_due);
    console.into_iter().chain(web).min().unwrap_or_default()
}

/// The URI name of this console.
fn console_name(installation: &str) -> String {
    console_uri(installation)
}

#[cfg(test)]
mod tests;
