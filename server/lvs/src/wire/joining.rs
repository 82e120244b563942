//! How a director gets and renews its certificate, and the names in certificates.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `POST /agent/v1/join`: a director asks for its first certificate.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JoinRequest {
    /// The single-use token.
    pub token: String,
    /// Certificate request (PKCS #10, PEM); the key never leaves the director.
    pub csr: String,
    /// The port the agent will listen on, a hint for where to dial.
    pub listen_port: u16,
    /// Version of the agent.
    pub version: String,
}

impl fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinRequest").field("listen_port", &self.listen_port).finish_non_exhaustive()
    }
}

/// The console's answer to a join, and to `POST /agent/v1/renew`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Credentials {
    /// The console's installation, part of every identity.
    pub installation: String,
    /// Who the director is.
    pub director_id: String,
    /// Its name in the cluster.
    pub director: String,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The internal CA's certificate, PEM.
    pub ca: String,
}

/// `POST /agent/v1/renew`: a director asks for its next certificate, known by the one it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RenewRequest {
    /// Certificate request (PKCS #10, PEM).
    pub csr: String,
}

/// The URI name in the console's client certificate.
pub fn console_uri(installation: &str) -> String {
    format!("caribe://{installation}/console")
}

/// The URI name in a director's certificate.
pub fn director_uri(installation: &str, director_id: &str) -> String {
    format!("caribe://{installation}/director/{director_id}")
}
