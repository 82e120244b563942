//! How a check speaks TLS: which name, what is verified, and what it shows of itself.

use serde::{Deserialize, Serialize};

use crate::model::secret::Secret;

/// TLS of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TlsOptions {
    /// Name that the certificate must have, sent to the server (SNI); the check's host, else its address, where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the name is sent; an address never is.
    #[serde(skip_serializing_if = "is_true")]
    pub send_name: bool,
    /// Whether the certificate must be valid: trusted, for the name, and within its time.
    pub verify: bool,
    /// Days before the end of the certificate from which a warning is shown; 0: none is.
    pub expiry_days: u16,
    /// Certificates of the authorities that are trusted, as PEM; those of the director's system where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
    /// Certificate that is shown to the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<ClientIdentity>,
}

fn is_true(value: &bool) -> bool {
    *value
}

impl Default for TlsOptions {
    fn default() -> Self {
        TlsOptions {
            name: None,
            send_name: true,
            verify: true,
            expiry_days: 14,
            authorities: None,
            identity: None,
        }
    }
}

impl TlsOptions {
    /// A handshake that looks at nothing, as keepalived's.
    pub fn unverified() -> Self {
        TlsOptions { verify: false, expiry_days: 0, ..TlsOptions::default() }
    }
}

/// A client certificate with its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientIdentity {
    /// The certificate, with those between it and its authority behind it, as PEM.
    pub certificate: String,
    /// Its private key, as PEM.
    pub key: Secret,
}
