//! The internal CA: one per installation, ECDSA P-256, ten years. It signs the console's own identity and directors.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;

use super::{DAY, disk, fingerprint};
use crate::{Failure, secret};

/// Days a CA lives.
const CA_DAYS: i64 = 3652;
/// Days a director's certificate lives; agents renew long before.
pub(crate) const DIRECTOR_DAYS: i64 = 30;
/// Clocks of directors may be behind ours by this many seconds.
const SKEW: i64 = 3600;
/// A certificate request of ours is below 1 KiB.
const REQUEST_LIMIT: usize = 8 << 10;

/// Why a certificate request was not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// Too long, no PKCS #10, or its own signature is wrong.
    #[error("the certificate request cannot be read: {0}")]
    Malformed(String),
    /// Another kind of key.
    #[error("the certificate request must hold an ECDSA P-256 key")]
    Key,
    /// Signing failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A certificate just signed.
pub(crate) struct Issued {
    /// The certificate, PEM.
    pub(crate) pem: String,
    /// Its serial number, lowercase hex.
    pub(crate) serial: String,
    /// When it ends, seconds since 1970.
    pub(crate) ends: i64,
}

/// The CA with its key.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    pub(crate) fn open(folder: &Path, installation: &str, now: i64) -> Result<Self, Failure> {
        let (certificate, key) = (folder.join("ca.pem"), folder.join("ca.key"));
        match (disk::read(&certificate)?, disk::read(&key)?) {
            (Some(pem), Some(key)) => Self::load(pem, &key),
            // The certificate is written last: without it the CA was never used.
            (None, _) => {
                let (pem, key_pem) = make(installation, now).map_err(|e| Failure::of("internal CA", e))?;
                disk::write(&key, key_pem.as_bytes())?;
                disk::write(&certificate, pem.as_bytes())?;
                Self::load(pem, &key_pem)
            }
            (Some(_), None) => {
                Err(Failure::Internal(format!("{}: the key of the internal CA is missing", key.display())))
            }
        }
    }

    fn load(pem: String, key: &str) -> Result<Self, Failure> {
        let of = |e: rcgen::Error| Failure::of("internal CA", e);
        let key = KeyPair::from_pem(key).map_err(of)?;
        let der =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| Failure::of("internal CA", e))?;
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(of)?;
        Ok(Authority { issuer, der, pem })
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.der.clone()
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn fingerprint(&self) -> String {
        match x509_parser::parse_x509_certificate(&self.der) {
            Ok((_, certificate)) => fingerprint(certificate.tbs_certificate.subject_pki.raw),
            Err(_) => String::new(),
        }
    }

    /// Signs a key as the holder of `uri`, to serve and to dial.
    pub(crate) fn issue(
        &self,
        key: &impl PublicKeyData,
        common_name: &str,
        uri: &str,
        days: i64,
        now: i64,
    ) -> Result<Issued, Failure> {
        let of = |e: rcgen::Error| Failure::of("certificate", e);
        let ends = now + days * DAY;
        let serial = serial()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(common_name);
        params.subject_alt_names = vec![SanType::URI(uri.try_into().map_err(of)?)];
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.not_before = moment(now - SKEW)?;
        params.not_after = moment(ends)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(key, &self.issuer).map_err(of)?;
        Ok(Issued { pem: certificate.pem(), serial: hex::encode(serial), ends })
    }

    /// Signs a director's request. Names, uses and times are ours; only the public key is taken.
    pub(crate) fn issue_director(
        &self,
        csr: &str,
        installation: &str,
        director_id: &str,
        now: i64,
    ) -> Result<Issued, RequestError> {
        if csr.len() > REQUEST_LIMIT {
            return Err(RequestError::Malformed("too long".to_owned()));
        }
        let request = CertificateSigningRequestParams::from_pem(csr)
            .map_err(|error| RequestError::Malformed(error.to_string()))?;
        if request.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(RequestError::Key);
        }
        let uri = lvs::wire::director_uri(installation, director_id);
        Ok(self.issue(&request.public_key, director_id, &uri, DIRECTOR_DAYS, now)?)
    }
}

fn make(installation: &str, now: i64) -> Result<(String, String), Failure> {
    let of = |e: rcgen::Error| Failure::of("internal CA", e);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(of)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&format!("Caribe {installation}"));
    params.serial_number = Some(SerialNumber::from_slice(&serial()?));
    params.not_before = moment(now - DAY)?;
    params.not_after = moment(now + CA_DAYS * DAY)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).map_err(of)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

pub(super) fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// 127 random bits. The first byte is never 0 and never has its top bit set, so that DER keeps all 16 as they are.
pub(super) fn serial() -> Result<[u8; 16], Failure> {
    let mut bytes = secret::random::<16>()?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(bytes)
}

pub(super) fn moment(seconds: i64) -> Result<OffsetDateTime, Failure> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|e| Failure::of("certificate time", e))
}
