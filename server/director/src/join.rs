//! Joining an installation: a key is made here, the console signs it, and the director has an identity.
//!
//! The console is believed by the fingerprint of its CA, which a person carried over; it is never asked for more than
//! a certificate. Nothing is stored before everything has been checked, and traffic is never touched. Called by the
//! binary (`caribe agent join`).

use std::path::Path;
use std::time::Duration;

use hyper::Method;
use lvs::wire::{Credentials, JoinRequest};
use rustls::pki_types::UnixTime;

use crate::certificate::{Pin, PinError};
use crate::dial::{self, Address, DialError};
use crate::disk::{DiskError, Folder, Lock};
use crate::identity::{self, CredentialsError, Key, KeyError};
use crate::trust::{self, ConsoleVerifier, TlsError, Trust};

/// Two certificates and a few names fit well.
pub(crate) const CREDENTIALS_LIMIT: usize = 64 << 10;

/// What joining brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The director's name in its cluster.
    pub director: String,
    /// The console's id of it.
    pub director_id: String,
    /// The console's installation.
    pub installation: String,
    /// The console's address, as stored.
    pub console: String,
    /// When the certificate ends, seconds since 1970; renewed long before, by itself.
    pub certificate_ends_s: i64,
}

/// Why a director did not join. An identity that was there before stays.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The fingerprint is none.
    #[error(transparent)]
    Fingerprint(#[from] PinError),
    /// The folder cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// An agent runs on this folder.
    #[error("an agent is running on {0}; stop it first (traffic goes on without it)")]
    InUse(String),
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The console was not reached, not believed, or said no.
    #[error(transparent)]
    Console(#[from] DialError),
    /// What it sent is not believed.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

/// Takes the folder; waits a moment for somebody who only looked whether it is in use.
async fn lock(folder: &Folder) -> Result<Option<Lock>, DiskError> {
    for _ in 0..10 {
        if let Some(lock) = folder.lock()? {
            return Ok(Some(lock));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(None)
}

/// Joins the installation of the console at `console_url` and stores the identity in `data`.
///
/// `fingerprint` is the CA's (`sha256:HEX`), `listen_port` where the agent will listen. A folder that has joined
/// before gets the new identity; its configuration and the list of what is ours stay.
pub async fn join(
    data: &Path,
    console_url: &str,
    token: &str,
    fingerprint: &str,
    listen_port: u16,
) -> Result<Joined, JoinError> {
    let pin: Pin = fingerprint.parse()?;
    let address = Address::parse(console_url)?;
    let folder = Folder::open(data)?;
    let _lock = lock(&folder).await?.ok_or_else(|| JoinError::InUse(data.display().to_string()))?;
    let key = Key::generate()?;
    let body = JoinRequest {
        token: token.to_owned(),
        csr: key.request()?,
        listen_port,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let verifier = ConsoleVerifier::new(Trust::Pin(pin));
    let tls = trust::client_config(verifier.clone(), None)?;
    let credentials: Credentials =
        dial::request(&address, tls, Method::POST, "/agent/v1/join", Some(&body), CREDENTIALS_LIMIT).await?;
    let installation = verifier.seen().map(|seen| seen.installation).unwrap_or_default();
    let checked = identity::check(&credentials, &key, pin, &address.url(), &installation, UnixTime::now())?;
    identity::store(&folder, &key, &checked)?;
    let who = &checked.identity;
    tracing::info!(director = %who.director, console = %who.console, installation = %who.installation, "joined");
    Ok(Joined {
        director: who.director.clone(),
        director_id: who.director_id.clone(),
        installation: who.installation.clone(),
        console: who.console.clone(),
        certificate_ends_s: checked.ends_s,
    })
}
