//! TLS to a real server: the handshake, whether its certificate is believed, and when it ends.
//!
//! The certificate is verified for the name that is asked for unless the check switches that off; then it is still read,
//! so that its end can be told.

use std::sync::{Arc, OnceLock};

use lvs::health::{Failure, TlsFailure};
use lvs::model::Secret;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};
use rustls_native_certs::{CertificateResult, ErrorKind, load_native_certs};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::trail::Trail;
use super::{Fault, Question, socket};
use crate::certificate::Facts;

/// How a server is spoken with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// Whether its certificate must be valid.
    pub(super) verify: bool,
    /// The name it must be valid for, and that is sent (SNI); the address where absent.
    pub(super) name: Option<String>,
    /// Whether it is sent.
    pub(super) send_name: bool,
    /// Authorities that are believed, PEM; those of the system where absent.
    pub(super) authorities: Option<String>,
    /// Our certificate and key, PEM.
    pub(super) identity: Option<(String, Secret)>,
}

/// Connects and shakes hands.
pub(super) async fn connect(
    question: &Question,
    terms: &Terms,
    trail: &Trail,
) -> Result<TlsStream<TcpStream>, Fault> {
    let mut config = config(terms)?;
    config.enable_sni = terms.send_name;
    let name = match &terms.name {
        Some(name) => ServerName::try_from(name.clone())
            .map_err(|_| Fault::setting(format!("{name:?} is no name for TLS")))?,
        None => ServerName::from(question.target.ip()),
    };
    let stream = socket::connect(question, trail).await?;
    trail.securing();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.map_err(|error| on_handshake(&error))?;
    trail.secured();
    let (_, session) = stream.get_ref();
    let leaf = session.peer_certificates().and_then(<[CertificateDer<'_>]>::first);
    trail.lock().certificate_ends_s = leaf.and_then(|leaf| Facts::of(leaf).ok()).map(|facts| facts.ends_s);
    Ok(stream)
}

fn config(terms: &Terms) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::setting(error.to_string()))?;
    let builder = if terms.verify {
        builder.with_root_certificates(roots(terms)?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
    };
    match &terms.identity {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
            let chain = chain.map_err(|_| Fault::setting("the client certificate cannot be read"))?;
            let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes())
                .map_err(|_| Fault::setting("the client's key cannot be read"))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| Fault::setting(error.to_string()))
        }
    }
}

/// The authorities that are believed: those of the check, else those of the system.
fn roots(terms: &Terms) -> Result<Arc<RootCertStore>, Fault> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let Some(given) = &terms.authorities else { return system(&SYSTEM, load_native_certs) };
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(given.as_bytes()).filter_map(Result::ok));
    if store.is_empty() {
        return Err(Fault::setting("the authority's certificate cannot be read"));
    }
    Ok(Arc::new(store))
}

/// The system's list, read once. What this machine could not read just now is read again, and no answer until then: a
/// list that is cut short would make strangers of servers that are well.
fn system(
    known: &OnceLock<Arc<RootCertStore>>,
    load: impl FnOnce() -> CertificateResult,
) -> Result<Arc<RootCertStore>, Fault> {
    if let Some(known) = known.get() {
        return Ok(known.clone());
    }
    let loaded = load();
    let lacking = loaded.errors.iter().find_map(|error| match &error.kind {
        ErrorKind::Io { inner, .. } => socket::lacking(inner).map(|trouble| (trouble, error.to_string())),
        _ => None,
    });
    if let Some((trouble, detail)) = lacking {
        return Err(Fault::trouble(trouble, detail));
    }
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(loaded.certs);
    if store.is_empty() {
        return Err(Fault::setting("the system has no list of authorities (ca-certificates)"));
    }
    Ok(known.get_or_init(|| Arc::new(store)).clone())
}

/// What a failed handshake says about the server.
fn on_handshake(error: &std::io::Error) -> Fault {
    let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return socket::on_talk(error);
    };
    let reason = match cause {
        Error::InvalidCertificate(problem) => certificate(problem),
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateUnknown,
        ) => TlsFailure::ClientCertificate,
        Error::InvalidMessage(_) => TlsFailure::NotTls,
        _ => TlsFailure::Handshake,
    };
    Fault::down(Failure::Tls { reason }, cause.to_string())
}

fn certificate(problem: &CertificateError) -> TlsFailure {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFailure::Name
        }
        CertificateError::Revoked => TlsFailure::Revoked,
        _ => TlsFailure::Untrusted,
    }
}

/// Believes every certificate; signatures of the handshake are still checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs::health::{Outcome, Trouble};

    #[test]
    fn a_list_that_could_not_be_read_for_lack_of_descriptors_is_read_again() {
        let known = OnceLock::new();
        let one = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let one = || vec![one.cert.der().clone()];
        // Part of it was read: that is no list.
        let lacking = || {
            let mut result = CertificateResult::default();
            let inner = std::io::Error::from(rustix::io::Errno::MFILE);
            let path = "/etc/ssl/certs/a.pem".into();
            let kind = ErrorKind::Io { inner, path };
            result.errors.push(rustls_native_certs::Error { context: "read", kind });
            result.certs = one();
            result
        };
        let fault = system(&known, lacking).unwrap_err();
        assert_eq!(fault.outcome, Outcome::Undecided(Trouble::Descriptors));
        assert!(system(&known, CertificateResult::default).is_err(), "none is no list either");
        let whole = || {
            let mut result = CertificateResult::default();
            result.certs = one();
            result
        };
        assert_eq!(system(&known, whole).unwrap().len(), 1);
        assert_eq!(system(&known, lacking).unwrap().len(), 1, "it is not read a second time");
    }
}
