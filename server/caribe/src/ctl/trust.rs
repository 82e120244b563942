//! Which console the client believes: one with a certificate that this machine's authorities vouch for, or exactly the
//! one whose fingerprint a person compared.
//!
//! A name or lifetime in a certificate that was compared says nothing more and is not looked at. Called by `client`.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest as _, Sha256};

/// The fingerprint of a certificate: `sha256:` and the digest of its DER form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(String);

impl Fingerprint {
    /// Reads `sha256:HEX`; case, colons and spaces between the digits are as other programs print them.
    pub(super) fn parse(text: &str) -> Result<Fingerprint> {
        let lower = text.trim().to_ascii_lowercase();
        let digits: String = lower
            .strip_prefix("sha256:")
            .unwrap_or(&lower)
            .chars()
            .filter(|character| !matches!(character, ':' | ' '))
            .collect();
        if digits.len() != 64 || !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            bail!(
                "{text:?} is no fingerprint; it is sha256: and 64 hexadecimal digits, as caribe serve prints it behind \
                 the word browser-certificate"
            );
        }
        Ok(Fingerprint(format!("sha256:{digits}")))
    }

    fn of(certificate: &CertificateDer<'_>) -> Fingerprint {
        Fingerprint(format!("sha256:{}", hex::encode(Sha256::digest(certificate))))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Believes by fingerprint where there is one, else by the machine's authorities; keeps what was shown.
#[derive(Debug)]
pub(super) struct Believes {
    wanted: Option<Fingerprint>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    shown: Mutex<Option<Fingerprint>>,
}

impl Believes {
    pub(super) fn new(wanted: Option<Fingerprint>) -> Result<Arc<Believes>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        if wanted.is_none() {
            // What cannot be read is left out; a machine without any authority believes only by fingerprint.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let authorities = match roots.is_empty() {
            true => None,
            false => Some(
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                    .build()
                    .context("this machine's authorities cannot be used")?,
            ),
        };
        Ok(Arc::new(Believes { wanted, authorities, provider, shown: Mutex::new(None) }))
    }

    /// TLS settings that go by it.
    pub(super) fn config(self: &Arc<Self>) -> Result<ClientConfig> {
        let verifier: Arc<dyn ServerCertVerifier> = self.clone();
        Ok(ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth())
    }

    /// The certificate that the last server showed, believed or not.
    pub(super) fn shown(&self) -> Option<Fingerprint> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Believes {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint::of(end_entity);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown.clone());
        match (&self.wanted, &self.authorities) {
            (Some(wanted), _) if *wanted == shown => Ok(ServerCertVerified::assertion()),
            (Some(wanted), _) => Err(rustls::Error::General(format!(
                "its certificate has the fingerprint {}, expected {}; if the console was given a new one, compare it \
                 and log in again",
                shown.as_str(),
                wanted.as_str()
            ))),
            (None, Some(authorities)) => {
                authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            (None, None) => Err(rustls::Error::General("this machine has no authorities".to_owned())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_browsers_and_openssl_print_it() {
        let plain = format!("sha256:{}", "ab".repeat(32));
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(Fingerprint::parse(&plain).unwrap(), Fingerprint::parse(&colons).unwrap());
        assert_eq!(Fingerprint::parse(&colons).unwrap().as_str(), plain);
        for wrong in ["", "sha256:", "sha1:abcd", &"g".repeat(64), &"a".repeat(63)] {
            assert!(Fingerprint::parse(wrong).is_err(), "{wrong}");
        }
    }
}
