//! Reading the certificate a director showed: whose it is, which serial, until when.

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A director, as its certificate names it. Whether that certificate may still be used is not said here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// `dir_…`.
    pub(crate) director_id: String,
    /// Serial number, lowercase hex.
    pub(crate) serial: String,
    /// When it ends, seconds since 1970.
    pub(crate) ends: i64,
}

/// Why a certificate names no director of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PeerError {
    /// It cannot be read.
    #[error("the certificate cannot be read")]
    Malformed,
    /// Another CA signed it.
    #[error("the certificate is not from this console's CA")]
    Foreign,
    /// It names something else: another installation, the console, nothing.
    #[error("the certificate names {0}, not a director of this console")]
    Name(String),
}

/// The handshake has checked the chain already; the signature is checked here again, because this function decides
/// who somebody is and must not depend on how the caller came by the certificate.
pub(super) fn director(
    certificate: &CertificateDer<'_>,
    ca: &CertificateDer<'_>,
    installation: &str,
) -> Result<Peer, PeerError> {
    let (_, ca) = X509Certificate::from_der(ca).map_err(|_| PeerError::Malformed)?;
    let (rest, parsed) = X509Certificate::from_der(certificate).map_err(|_| PeerError::Malformed)?;
    if !rest.is_empty() {
        return Err(PeerError::Malformed);
    }
    parsed.verify_signature(Some(ca.public_key())).map_err(|_| PeerError::Foreign)?;
    let names = uri_names(&parsed);
    let prefix = lvs::wire::director_uri(installation, "");
    match names.as_slice() {
        [name] => match name.strip_prefix(&prefix) {
            Some(id) if !id.is_empty() => Ok(Peer {
                director_id: id.to_owned(),
                serial: hex::encode(parsed.raw_serial()),
                ends: parsed.validity().not_after.timestamp(),
            }),
            _ => Err(PeerError::Name(name.clone())),
        },
        [] => Err(PeerError::Name("nobody".to_owned())),
        _ => Err(PeerError::Name(names.join(" and "))),
    }
}

/// The URI names of a certificate.
pub(super) fn uri_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        })
        .collect()
}

/// When a certificate ends, seconds since 1970.
pub(super) fn ends(certificate: &CertificateDer<'_>) -> Option<i64> {
    X509Certificate::from_der(certificate).ok().map(|(_, c)| c.validity().not_after.timestamp())
}
