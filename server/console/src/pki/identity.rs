//! What the console shows of itself: to directors under the internal CA, to browsers self-signed.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::authority::{Authority, moment, name, serial};
use super::{DAY, OWN_DAYS, OWN_RENEW_DAYS, console_name, disk, trust};
use crate::Failure;

/// The console's identity towards directors, with the CA's certificate behind it, made or renewed where due.
pub(super) fn console(
    folder: &Path,
    authority: &Authority,
    installation: &str,
    now: i64,
) -> Result<Arc<CertifiedKey>, Failure> {
    let (certificate, key) = (folder.join("console.pem"), folder.join("console.key"));
    if let (Some(pem), Some(key_pem)) = (disk::read(&certificate)?, disk::read(&key)?)
        && lasts(&pem, now, console_due)
        && let Ok(certified) = certified(&pem, &key_pem, Some(authority.der()))
    {
        return Ok(certified);
    }
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|e| Failure::of("console key", e))?;
    let issued = authority.issue(&pair, "Caribe console", &console_name(installation), OWN_DAYS, now)?;
    store(&certificate, &key, &issued.pem, &pair.serialize_pem())?;
    certified(&issued.pem, &pair.serialize_pem(), Some(authority.der()))
}

/// The browser certificate: self-signed, for the given names and this machine. Made at first start and renewed where
/// due; a pair that an administrator put there is kept for as long as it lasts.
pub(super) fn web(folder: &Path, host_names: &[String], now: i64) -> Result<Arc<CertifiedKey>, Failure> {
    let (certificate, key) = (folder.join("web.pem"), folder.join("web.key"));
    if let (Some(pem), Some(key_pem)) = (disk::read(&certificate)?, disk::read(&key)?)
        && lasts(&pem, now, web_due)
        && let Ok(certified) = certified(&pem, &key_pem, None)
    {
        return Ok(certified);
    }
    let of = |e: rcgen::Error| Failure::of("browser certificate", e);
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(of)?;
    let mut names: Vec<String> = Vec::new();
    for host in host_names.iter().map(String::as_str).chain(["localhost", "127.0.0.1", "::1"]) {
        if !host.is_empty() && !names.iter().any(|n| n == host) {
            names.push(host.to_owned());
        }
    }
    let common = names.first().cloned().unwrap_or_default();
    let mut params = CertificateParams::new(names).map_err(of)?;
    params.distinguished_name = name(&common);
    params.serial_number = Some(SerialNumber::from_slice(&serial()?));
    params.not_before = moment(now - DAY)?;
    params.not_after = moment(now + OWN_DAYS * DAY)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let pem = params.self_signed(&pair).map_err(of)?.pem();
    store(&certificate, &key, &pem, &pair.serialize_pem())?;
    certified(&pem, &pair.serialize_pem(), None)
}

/// The key first: a certificate without its key would be of no use, the other way round it is made again.
fn store(certificate: &Path, key: &Path, pem: &str, key_pem: &str) -> Result<(), Failure> {
    disk::write(key, key_pem.as_bytes())?;
    disk::write(certificate, pem.as_bytes())
}

fn lasts(pem: &str, now: i64, due: fn(&CertificateDer<'_>) -> Option<i64>) -> bool {
    let der = CertificateDer::from_pem_slice(pem.as_bytes());
    der.is_ok_and(|der| due(&der).is_some_and(|due| due > now))
}

/// When the console's identity is to be renewed, seconds since 1970; none where it cannot be read.
pub(super) fn console_due(der: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    Some(certificate.validity().not_after.timestamp() - OWN_RENEW_DAYS * DAY)
}

/// When the browser certificate is to be replaced: ours before it ends, one that an authority has signed for the
/// administrator, and that may live for less than our margin, only when it has ended.
pub(super) fn web_due(der: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let ends = certificate.validity().not_after.timestamp();
    Some(if certificate.issuer() == certificate.subject() { ends - OWN_RENEW_DAYS * DAY } else { ends })
}

fn certified(
    pem: &str,
    key: &str,
    authority: Option<CertificateDer<'static>>,
) -> Result<Arc<CertifiedKey>, Failure> {
    let of = |e: rustls::pki_types::pem::Error| Failure::of("certificate file", e);
    let mut chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(of)?;
    chain.extend(authority);
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(of)?;
    let certified =
        CertifiedKey::from_der(chain, key, &trust::provider()).map_err(|e| Failure::of("key", e))?;
    Ok(Arc::new(certified))
}
