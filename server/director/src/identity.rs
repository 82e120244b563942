//! Who this director is: its key, its certificate, the CA it believes and the console it asks.
//!
//! The key is made here and never leaves the folder; it stays the same through renewals, so that renewing replaces
//! exactly one file. Credentials are checked before they are stored: the certificate must be for our key, carry our
//! URI name and come from the CA of the pin. Used by `join`, `renew` and [`crate::Agent::open`].

use std::fmt;
use std::sync::Arc;

use lvs::wire::{Credentials, director_uri};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};

use crate::certificate::{Facts, Pin};
use crate::disk::{DiskError, Folder, LoadError};
use crate::trust;

pub(crate) const IDENTITY: &str = "identity.json";
const KEY: &str = "key.pem";
const CERTIFICATE: &str = "cert.pem";
const CA: &str = "ca.pem";
const JOIN_AGAIN: &str =
    "join this director again with a new token (caribe agent join); traffic is not touched";

/// Who this director is, as it is stored (`identity.json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The console's installation.
    pub installation: String,
    /// The console's id of this director.
    pub director_id: String,
    /// Its name in the cluster when it joined.
    pub director: String,
    /// Where the console is (`https://HOST:PORT`).
    pub console: String,
    /// Fingerprint of the CA that was believed at joining.
    pub fingerprint: Pin,
}

/// A private key; shows nothing of itself.
pub(crate) struct Key {
    pair: KeyPair,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// A key or certificate request that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the key cannot be used: {0}")]
pub struct KeyError(String);

impl From<rcgen::Error> for KeyError {
    fn from(error: rcgen::Error) -> Self {
        KeyError(error.to_string())
    }
}

impl Key {
    /// A new key, ECDSA on P-256.
    pub(crate) fn generate() -> Result<Self, KeyError> {
        Ok(Key { pair: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)? })
    }

    /// A certificate request (PKCS #10, PEM) for this key. The names in the certificate are the console's to give.
    pub(crate) fn request(&self) -> Result<String, KeyError> {
        let mut params = CertificateParams::default();
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, "Caribe director");
        params.distinguished_name = subject;
        Ok(params.serialize_request(&self.pair)?.pem()?)
    }

    fn public_key(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }
}

/// Why credentials from a console are not believed. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Not PEM, or not a certificate.
    #[error("the console sent a certificate that cannot be read")]
    Unreadable,
    /// The CA is not the one that was pinned.
    #[error("the console sent an authority with the fingerprint {got}, expected {expected}")]
    Authority {
        /// What came.
        got: Pin,
        /// What was to come.
        expected: Pin,
    },
    /// The certificate is for another key.
    #[error("the console sent a certificate for another key")]
    Key,
    /// The certificate names somebody else.
    #[error("the console sent a certificate for {got:?}, expected {expected:?}")]
    Name {
        /// The name in it.
        got: Vec<String>,
        /// The name it must carry.
        expected: String,
    },
    /// The installation is not the one whose console answered.
    #[error("the console of installation {console} sent credentials of installation {got}")]
    Installation {
        /// Whose console it is.
        console: String,
        /// What came.
        got: String,
    },
    /// The signature, lifetime or purpose is wrong.
    #[error("the console sent a certificate that is of no use: {0}")]
    Useless(String),
}

/// Credentials that have been checked.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) identity: Identity,
    pub(crate) ends_s: i64,
    certificate: String,
    ca: String,
}

/// Checks what a console sent in answer to a join or a renewal. `now` is the wall clock.
pub(crate) fn check(
    credentials: &Credentials,
    key: &Key,
    pin: Pin,
    console: &str,
    console_installation: &str,
    now: UnixTime,
) -> Result<Checked, CredentialsError> {
    let read =
        |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| CredentialsError::Unreadable);
    let (certificate, ca) = (read(&credentials.certificate)?, read(&credentials.ca)?);
    let got = Pin::of_certificate(&ca).map_err(|_| CredentialsError::Unreadable)?;
    if got != pin {
        return Err(CredentialsError::Authority { got, expected: pin });
    }
    if credentials.installation != console_installation {
        return Err(CredentialsError::Installation {
            console: console_installation.to_owned(),
            got: credentials.installation.clone(),
        });
    }
    let facts = Facts::of(&certificate).map_err(|_| CredentialsError::Unreadable)?;
    if facts.public_key != key.public_key() {
        return Err(CredentialsError::Key);
    }
    let expected = director_uri(&credentials.installation, &credentials.director_id);
    if facts.caribe_name().ok() != Some(expected.as_str()) {
        return Err(CredentialsError::Name { got: facts.uris, expected });
    }
    trust::verify_ours(&certificate, &ca, now)
        .map_err(|error| CredentialsError::Useless(error.to_string()))?;
    Ok(Checked {
        identity: Identity {
            installation: credentials.installation.clone(),
            director_id: credentials.director_id.clone(),
            director: credentials.director.clone(),
            console: console.to_owned(),
            fingerprint: pin,
        },
        ends_s: facts.ends_s,
        certificate: credentials.certificate.clone(),
        ca: credentials.ca.clone(),
    })
}

/// Stores what a join brought. `identity.json` comes last: without it the folder counts as not joined.
pub(crate) fn store(folder: &Folder, key: &Key, checked: &Checked) -> Result<(), DiskError> {
    let identity = serde_json::to_vec_pretty(&checked.identity).map_err(|error| DiskError {
        action: "write",
        path: folder.path(IDENTITY),
        source: error.into(),
    })?;
    folder.write(KEY, key.pair.serialize_pem().as_bytes())?;
    folder.write(CA, checked.ca.as_bytes())?;
    folder.write(CERTIFICATE, checked.certificate.as_bytes())?;
    folder.write(IDENTITY, &identity)
}

/// Stores a renewed certificate; key, CA and identity stay.
pub(crate) fn store_renewed(folder: &Folder, checked: &Checked) -> Result<(), DiskError> {
    folder.write(CERTIFICATE, checked.certificate.as_bytes())
}

/// The director's identity with everything TLS needs.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) identity: Identity,
    pub(crate) key: Key,
    pub(crate) ca: CertificateDer<'static>,
    pub(crate) certificate: Certificate,
}

/// Our certificate at the moment.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) certified: Arc<CertifiedKey>,
    /// Start of its lifetime, seconds since 1970.
    pub(crate) begins_s: i64,
    /// End of its lifetime, seconds since 1970.
    pub(crate) ends_s: i64,
    /// Serial number in hex.
    pub(crate) serial: String,
}

/// Whether this folder has joined; its identity may still be of no use.
pub(crate) fn is_there(folder: &Folder) -> bool {
    folder.path(IDENTITY).exists()
}

/// Reads the identity; none where this folder has not joined. An expired certificate loads: it may still renew.
pub(crate) fn load(folder: &Folder) -> Result<Option<Loaded>, LoadError> {
    let Some(identity) = folder.read_json::<Identity>(IDENTITY, JOIN_AGAIN)? else { return Ok(None) };
    let need =
        |name| folder.read(name)?.ok_or_else(|| folder.unusable(name, "the file is missing", JOIN_AGAIN));
    let (key, ca) = (need(KEY)?, need(CA)?);
    let text =
        String::from_utf8(key).map_err(|_| folder.unusable(KEY, "it is no PEM private key", JOIN_AGAIN))?;
    let pair =
        KeyPair::from_pem(&text).map_err(|_| folder.unusable(KEY, "it is no PEM private key", JOIN_AGAIN))?;
    let ca = CertificateDer::from_pem_slice(&ca)
        .map_err(|_| folder.unusable(CA, "it is no PEM certificate", JOIN_AGAIN))?;
    if Pin::of_certificate(&ca).ok() != Some(identity.fingerprint) {
        return Err(folder.unusable(CA, "it is not the authority of identity.json", JOIN_AGAIN));
    }
    let key = Key { pair };
    let certificate = load_certificate(folder, &key)?;
    let expected = director_uri(&identity.installation, &identity.director_id);
    let names_us = certificate
        .certified
        .end_entity_cert()
        .ok()
        .and_then(|leaf| Facts::of(leaf).ok())
        .is_some_and(|facts| facts.caribe_name().is_ok_and(|name| name == expected));
    if !names_us {
        return Err(folder.unusable(CERTIFICATE, format!("it is not for {expected}"), JOIN_AGAIN));
    }
    Ok(Some(Loaded { identity, key, ca, certificate }))
}

/// Reads our certificate, which must be for `key`.
pub(crate) fn load_certificate(folder: &Folder, key: &Key) -> Result<Certificate, LoadError> {
    let unusable = |detail: &str| folder.unusable(CERTIFICATE, detail, JOIN_AGAIN);
    let pem = folder.read(CERTIFICATE)?.ok_or_else(|| unusable("the file is missing"))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| unusable("it is no PEM certificate"))?;
    let leaf = chain.first().ok_or_else(|| unusable("it holds no certificate"))?;
    let facts = Facts::of(leaf).map_err(|error| unusable(&error.to_string()))?;
    if facts.public_key != key.public_key() {
        return Err(unusable("it is not for the key in key.pem"));
    }
    let private = PrivateKeyDer::try_from(key.pair.serialize_der())
        .map_err(|_| unusable("the key in key.pem has an unknown form"))?;
    let certified = CertifiedKey::from_der(chain, private, &trust::provider())
        .map_err(|error| unusable(&error.to_string()))?;
    Ok(Certificate {
        certified: Arc::new(certified),
        begins_s: facts.begins_s,
        ends_s: facts.ends_s,
        serial: facts.serial,
    })
}
