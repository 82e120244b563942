//! The console's certificates: a small CA of its own for directors, and a separate one for browsers.

use std::sync::Arc;

use crate::Failure;

/// The keys and certificates of one installation.
#[derive(Debug)]
pub struct Pki {}

impl Pki {
    /// For connections that did not offer `caribe-agent/1`: the browser certificate, ALPN `h2` and `http/1.1`.
    pub fn web_server_config(&self) -> Result<Arc<rustls::ServerConfig>, Failure> {
        Err(Failure::Internal("no keys yet".to_owned()))
    }

    /// For connections that offered `caribe-agent/1`: TLS 1.3, internal CA, client certificate asked for.
    pub fn agent_server_config(&self) -> Result<Arc<rustls::ServerConfig>, Failure> {
        Err(Failure::Internal("no keys yet".to_owned()))
    }

    /// SHA-256 of the browser certificate, `sha256:HEX`; what a browser shows.
    pub fn web_fingerprint(&self) -> String {
        String::new()
    }

    /// SHA-256 of the internal CA's public key, `sha256:HEX`; what `caribe agent join` is given.
    pub fn ca_fingerprint(&self) -> String {
        String::new()
    }
}
