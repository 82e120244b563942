//! Certificate authorities for tests, with the names and purposes the console's one gives.

use lvs::wire::{Credentials, console_uri, director_uri};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};

pub(crate) const INSTALLATION: &str = "in_1";
pub(crate) const DIRECTOR: &str = "d_1";

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: Certificate,
}

/// A certificate with its key and its CA.
pub(crate) struct Leaf {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
}

impl Leaf {
    pub(crate) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }
}

/// Names and purposes of a leaf that is valid from yesterday to next month.
pub(crate) fn leaf_params(uri: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(30);
    params
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Caribe internal authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    pub(crate) fn leaf_with(&self, params: &CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        Leaf { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    pub(crate) fn leaf(&self, uri: &str) -> Leaf {
        self.leaf_with(&leaf_params(uri))
    }

    pub(crate) fn console(&self) -> Leaf {
        self.leaf(&console_uri(INSTALLATION))
    }

    pub(crate) fn director(&self, id: &str) -> Leaf {
        self.leaf(&director_uri(INSTALLATION, id))
    }

    /// Signs a certificate request as the console would, giving it these names.
    pub(crate) fn sign(&self, csr: &str, names: CertificateParams) -> Certificate {
        let mut request = CertificateSigningRequestParams::from_pem(csr).unwrap();
        request.params = names;
        request.signed_by(&self.issuer).unwrap()
    }

    pub(crate) fn credentials(&self, csr: &str) -> Credentials {
        Credentials {
            installation: INSTALLATION.to_owned(),
            director_id: DIRECTOR.to_owned(),
            director: "a".to_owned(),
            certificate: self.sign(csr, leaf_params(&director_uri(INSTALLATION, DIRECTOR))).pem(),
            ca: self.certificate.pem(),
        }
    }

    pub(crate) fn pin(&self) -> String {
        director::Pin::of_certificate(self.certificate.der()).unwrap().to_string()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }
}
