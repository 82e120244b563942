//! The TLS rules of every connection the console takes part in, and who is believed on it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lvs::wire::AGENT_ALPN;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::peer;
use crate::Failure;

/// The cryptography of every connection.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Shows whatever certificate is the newest.
#[derive(Debug)]
struct Newest(Arc<RwLock<Arc<CertifiedKey>>>);

impl Newest {
    fn get(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Newest {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
}

impl ResolvesClientCert for Newest {
    fn resolve(&self, _hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let certified = self.get();
        certified.key.choose_scheme(schemes).is_some().then_some(certified)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

pub(super) fn web_server(certificate: Arc<RwLock<Arc<CertifiedKey>>>) -> Result<Arc<ServerConfig>, Failure> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|e| Failure::of("TLS", e))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Newest(certificate)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn roots(ca: CertificateDer<'static>) -> Result<Arc<RootCertStore>, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(ca).map_err(|e| Failure::of("internal CA", e))?;
    Ok(Arc::new(roots))
}

pub(super) fn agent_server(
    certificate: Arc<RwLock<Arc<CertifiedKey>>>,
    ca: CertificateDer<'static>,
) -> Result<Arc<ServerConfig>, Failure> {
    let inner = WebPkiClientVerifier::builder_with_provider(roots(ca)?, provider())
        .allow_unauthenticated()
        .build()
        .map_err(|e| Failure::of("TLS", e))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|e| Failure::of("TLS", e))?
        .with_client_cert_verifier(Arc::new(LateRenewal { inner }))
        .with_cert_resolver(Arc::new(Newest(certificate)));
    config.alpn_protocols = vec![AGENT_ALPN.to_vec()];
    // Every connection shows its certificate anew: nothing is resumed.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

pub(super) fn director_client(
    certificate: Arc<RwLock<Arc<CertifiedKey>>>,
    ca: CertificateDer<'static>,
    name: String,
) -> Result<Arc<ClientConfig>, Failure> {
    let verifier = DirectorVerifier { roots: roots(ca)?, name, provider: provider() };
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|e| Failure::of("TLS", e))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(Newest(certificate)));
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Believes client certificates of the internal CA, expired ones included: an expired one may still renew, and only
/// the request says what is wanted. All other rules (chain, use, signature) stay.
#[derive(Debug)]
struct LateRenewal {
    inner: Arc<dyn ClientCertVerifier>,
}

impl ClientCertVerifier for LateRenewal {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        match self.inner.verify_client_cert(end_entity, intermediates, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            )) => {
                let last = peer::ends(end_entity)
                    .and_then(|ends| u64::try_from(ends).ok())
                    .ok_or(rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
                let last = UnixTime::since_unix_epoch(Duration::from_secs(last.saturating_sub(1)));
                self.inner.verify_client_cert(end_entity, intermediates, last)
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Believes exactly one director, wherever it is dialled.
#[derive(Debug)]
struct DirectorVerifier {
    roots: Arc<RootCertStore>,
    name: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for DirectorVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _host: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        let (_, parsed) = X509Certificate::from_der(end_entity)
            .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let names = peer::uri_names(&parsed);
        if names.as_slice() == [self.name.as_str()] {
            return Ok(ServerCertVerified::assertion());
        }
        let shown = if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") };
        Err(rustls::Error::General(format!(
            "expected {}, but the certificate there names {shown}",
            self.name
        )))
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
