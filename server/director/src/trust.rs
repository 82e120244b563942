//! Who is believed on the network: the console, by the internal CA and the URI name in its certificate.
//!
//! Hosts and addresses are never compared. Before joining, the CA is known by its pin alone and must come in the
//! chain; afterwards it is the one that was stored. TLS 1.3 only, with the provider named here rather than a
//! process-wide default. Used by `dial` (as client) and by the listener (as server).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError as Unacceptable, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme,
};

use lvs::wire::{AGENT_ALPN, console_uri};

use crate::certificate::{Facts, Pin, console_installation};
use crate::identity::Certificate;

/// TLS settings that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsError(pub(crate) String);

impl TlsError {
    pub(crate) fn of(error: impl fmt::Display) -> Self {
        TlsError(error.to_string())
    }
}

/// The cryptography of every connection the agent makes or takes.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What makes a console believable.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Before joining: a CA with this pin, in the chain the console shows.
    Pin(Pin),
    /// After joining: this CA and this installation.
    Authority {
        /// The internal CA.
        ca: CertificateDer<'static>,
        /// The installation the console must be of.
        installation: String,
    },
}

/// Verifies that a server is the console, and keeps what it said about itself for the caller.
#[derive(Debug)]
pub(crate) struct ConsoleVerifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<Seen>>,
}

/// A console that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its installation.
    pub(crate) installation: String,
}

impl ConsoleVerifier {
    pub(crate) fn new(trust: Trust) -> Arc<Self> {
        Arc::new(ConsoleVerifier { trust, provider: provider(), seen: Mutex::new(None) })
    }

    /// The console of the last finished verification.
    pub(crate) fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn authority<'a>(&'a self, chain: &'a [CertificateDer<'a>]) -> Result<&'a CertificateDer<'a>, String> {
        match &self.trust {
            Trust::Authority { ca, .. } => Ok(ca),
            Trust::Pin(pin) => chain
                .iter()
                .find(|certificate| Pin::of_certificate(certificate).is_ok_and(|p| p == *pin))
                .ok_or_else(|| {
                    let shown: Vec<String> = chain
                        .iter()
                        .filter_map(|certificate| Pin::of_certificate(certificate).ok())
                        .map(|pin| pin.to_string())
                        .collect();
                    format!(
                        "none of its authorities has the fingerprint {pin}, but {}. Take the one that caribe serve \
                         prints after the word fingerprint, or a new join command",
                        if shown.is_empty() { "it showed none".to_owned() } else { shown.join(", ") }
                    )
                }),
        }
    }
}

impl ServerCertVerifier for ConsoleVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refused = |reason: String| rustls::Error::General(format!("this is not the console: {reason}"));
        let authority = self.authority(intermediates).map_err(refused)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        let facts = Facts::of(end_entity).map_err(|error| refused(error.to_string()))?;
        let name = facts.caribe_name().map_err(|error| refused(error.to_string()))?;
        let installation =
            console_installation(name).ok_or_else(|| refused(format!("its certificate names {name}")))?;
        if let Trust::Authority { installation: ours, .. } = &self.trust
            && ours != installation
        {
            return Err(refused(format!("its certificate names {name}, expected {}", console_uri(ours))));
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Seen { installation: installation.to_owned() });
        Ok(ServerCertVerified::assertion())
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

/// TLS settings for dialling the console, with our certificate where there is one yet.
pub(crate) fn client_config(
    verifier: Arc<ConsoleVerifier>,
    certified: Option<Arc<CertifiedKey>>,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::of)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match certified {
        Some(certified) => builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
            CertifiedKey::clone(&certified),
        ))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![AGENT_ALPN.to_vec()];
    Ok(config)
}

/// Gives each new connection the newest certificate, so that a renewal needs no new listener.
#[derive(Debug)]
pub(crate) struct Newest(pub(crate) tokio::sync::watch::Receiver<Certificate>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.borrow().certified.clone())
    }
}

/// Verifies that a client certificate comes from the internal CA; whose it is, the listener checks per request.
pub(crate) fn client_verifier(ca: &CertificateDer<'static>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone()).map_err(TlsError::of)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(TlsError::of)?;
    Ok(verifier)
}

/// TLS settings of the agent's listener: TLS 1.3, a client certificate of the internal CA required.
pub(crate) fn server_config(
    ca: &CertificateDer<'static>,
    certificate: Arc<dyn ResolvesServerCert>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::of)?
        .with_client_cert_verifier(client_verifier(ca)?)
        .with_cert_resolver(certificate);
    // A console that offers nothing, its agent protocol or plain HTTP is understood alike.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), AGENT_ALPN.to_vec()];
    Ok(config)
}

/// TLS settings of a listener that asks for no certificate: callers prove themselves otherwise.
pub(crate) fn public_config(certificate: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::of)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// That `certificate` is good for both of a director's uses, listening and dialling, under `ca`.
pub(crate) fn verify_ours(
    certificate: &CertificateDer<'static>,
    ca: &CertificateDer<'static>,
    now: UnixTime,
) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone())?;
    verify_server_cert_signed_by_trust_anchor(
        &ParsedCertificate::try_from(certificate)?,
        &roots,
        &[],
        now,
        provider().signature_verification_algorithms.all,
    )?;
    client_verifier(ca)
        .map_err(|_| rustls::Error::from(Unacceptable::UnknownIssuer))?
        .verify_client_cert(certificate, &[], now)
        .map(|_| ())
}
