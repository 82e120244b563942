//! What is read from certificates: the URI name, the public key, the lifetime; and the pin of the internal CA.
//!
//! Only reading. Signatures and lifetimes are verified by rustls (`trust`); a host name is never looked at.

use std::fmt;
use std::str::FromStr;

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// SHA-256 of a CA's SubjectPublicKeyInfo (RFC 7469 section 2.4 pins the same bytes), written `sha256:HEX`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pin([u8; 32]);

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is sha256: and 64 hexadecimal digits, as the console prints it")]
pub struct PinError;

/// A certificate that cannot be read, or says nothing of use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No X.509.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// Not exactly one `caribe://` URI name.
    #[error("the certificate carries no Caribe name")]
    Nameless,
}

/// What the agent wants to know of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// URI names (RFC 5280 section 4.2.1.6).
    pub(crate) uris: Vec<String>,
    /// SubjectPublicKeyInfo, DER.
    pub(crate) public_key: Vec<u8>,
    /// Start of the lifetime, seconds since 1970.
    pub(crate) begins_s: i64,
    /// End of the lifetime, seconds since 1970.
    pub(crate) ends_s: i64,
    /// Serial number in hex, for logs on both sides.
    pub(crate) serial: String,
}

impl Facts {
    /// Reads a certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Result<Self, CertificateError> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::Unreadable)?;
        let names = parsed.subject_alternative_name().map_err(|_| CertificateError::Unreadable)?;
        let uris = names
            .iter()
            .flat_map(|extension| &extension.value.general_names)
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some((*uri).to_owned()),
                _ => None,
            })
            .collect();
        Ok(Facts {
            uris,
            public_key: parsed.public_key().raw.to_vec(),
            begins_s: parsed.validity().not_before.timestamp(),
            ends_s: parsed.validity().not_after.timestamp(),
            serial: hex::encode(parsed.raw_serial()),
        })
    }

    /// The one `caribe://` name; a certificate with none or several names nobody.
    pub(crate) fn caribe_name(&self) -> Result<&str, CertificateError> {
        let mut names = self.uris.iter().filter(|uri| uri.starts_with("caribe://"));
        match (names.next(), names.next()) {
            (Some(name), None) => Ok(name),
            _ => Err(CertificateError::Nameless),
        }
    }
}

/// The installation of a console's URI name; none where the name is not a console's.
pub(crate) fn console_installation(name: &str) -> Option<&str> {
    let installation = name.strip_prefix("caribe://")?.strip_suffix("/console")?;
    (!installation.is_empty() && !installation.contains('/')).then_some(installation)
}

impl Pin {
    /// The pin of a public key (SubjectPublicKeyInfo, DER).
    pub fn of_public_key(public_key: &[u8]) -> Self {
        Pin(Sha256::digest(public_key).into())
    }

    /// The pin of a certificate's public key.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, CertificateError> {
        Facts::of(certificate).map(|facts| Pin::of_public_key(&facts.public_key))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let digits = text.trim().strip_prefix("sha256:").ok_or(PinError)?;
        let bytes = hex::decode(digits).map_err(|_| PinError)?;
        bytes.try_into().map(Pin).map_err(|_| PinError)
    }
}

impl TryFrom<String> for Pin {
    type Error = PinError;

    fn try_from(text: String) -> Result<Self, PinError> {
        text.parse()
    }
}

impl From<Pin> for String {
    fn from(pin: Pin) -> String {
        pin.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_it_is_written() {
        let pin = Pin::of_public_key(b"key");
        assert_eq!(pin.to_string().parse(), Ok(pin));
        assert_eq!(pin.to_string().to_uppercase().replace("SHA256", "sha256").parse(), Ok(pin));
        for wrong in ["", "sha256:", "sha256:00", "sha1:00", &pin.to_string()[7..], "sha256:zz"] {
            assert_eq!(wrong.parse::<Pin>(), Err(PinError), "{wrong}");
        }
    }

    #[test]
    fn only_a_console_name_names_a_console() {
        assert_eq!(console_installation(&lvs::wire::console_uri("in_1")), Some("in_1"));
        assert_eq!(console_installation(&lvs::wire::director_uri("in_1", "d_1")), None);
        assert_eq!(console_installation("caribe://in_1/director/console"), None);
        assert_eq!(console_installation("caribe:///console"), None);
        assert_eq!(console_installation("caribe://a/b/console"), None);
        assert_eq!(console_installation("https://in_1/console"), None);
    }

    #[test]
    fn rubbish_is_no_certificate() {
        let rubbish = CertificateDer::from(vec![0x30, 0x82, 0xff, 0xff, 1, 2, 3]);
        assert_eq!(Facts::of(&rubbish), Err(CertificateError::Unreadable));
    }
}
