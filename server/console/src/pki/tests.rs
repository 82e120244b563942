//! Handshakes between the console's TLS rules and real certificates, good and bad.

use std::os::unix::fs::PermissionsExt;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SanType};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

const NOW: i64 = 1_800_000_000;

fn real_now() -> i64 {
    jiff::Timestamp::now().as_second()
}

struct Place {
    _folder: tempfile::TempDir,
    pki: Pki,
}

fn place(now: i64) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let pki = Pki::open(folder.path(), "installation-1", &["console.example".to_owned()], now).unwrap();
    Place { _folder: folder, pki }
}

/// A director's key with a certificate made at `now`.
fn director(pki: &Pki, id: &str, now: i64) -> Arc<CertifiedKey> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let issued = pki.issue_director(&csr, id, now).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(issued.pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    Arc::new(CertifiedKey::from_der(chain, key, &trust::provider()).unwrap())
}

/// What both sides say of a handshake; the client has to read, because a TLS 1.3 server refuses after the client is
/// done.
async fn shake(
    server: Arc<rustls::ServerConfig>,
    client: Arc<ClientConfig>,
) -> (Result<(), String>, Result<(), String>) {
    let (near, far) = tokio::io::duplex(64 << 10);
    let serving = async {
        match TlsAcceptor::from(server).accept(near).await {
            Ok(mut stream) => {
                tokio::io::AsyncWriteExt::write_all(&mut stream, b"x").await.unwrap();
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    };
    let dialling = async {
        let name = ServerName::try_from("anything.example").unwrap();
        let mut stream = TlsConnector::from(client).connect(name, far).await.map_err(|e| e.to_string())?;
        let mut byte = [0; 1];
        match tokio::io::AsyncReadExt::read_exact(&mut stream, &mut byte).await {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    };
    tokio::join!(serving, dialling)
}

/// A client that trusts everybody and shows what it is given.
fn client(certified: Option<Arc<CertifiedKey>>) -> Arc<ClientConfig> {
    #[derive(Debug)]
    struct Everybody(Arc<rustls::crypto::CryptoProvider>);
    impl rustls::client::danger::ServerCertVerifier for Everybody {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            chain: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: rustls::pki_types::UnixTime,
        ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
            assert_eq!(
                chain.len(),
                1,
                "the CA's own certificate comes along, for the fingerprint to be compared"
            );
            Ok(rustls::client::danger::ServerCertVerified::assertion())
        }
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            Err(rustls::Error::General("TLS 1.3 only".to_owned()))
        }
        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            rustls::crypto::verify_tls13_signature(
                message,
                cert,
                dss,
                &self.0.signature_verification_algorithms,
            )
        }
        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
    let builder = ClientConfig::builder_with_provider(trust::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Everybody(trust::provider())));
    let mut config = match certified {
        Some(certified) => builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
            CertifiedKey::clone(&certified),
        ))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![lvs::wire::AGENT_ALPN.to_vec()];
    Arc::new(config)
}

/// A director's listener, as far as TLS goes.
fn listener(certified: Arc<CertifiedKey>) -> Arc<rustls::ServerConfig> {
    let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(CertifiedKey::clone(&certified)));
    let config = rustls::ServerConfig::builder_with_provider(trust::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    Arc::new(config)
}

#[tokio::test]
async fn agents_come_in_without_a_certificate_with_ours_and_with_an_expired_one_but_not_with_another_ca_s() {
    let now = real_now();
    let here = place(now);
    let elsewhere = place(now);
    let server = here.pki.agent_server_config().unwrap();
    for (what, shown, good) in [
        ("none", None, true),
        ("ours", Some(director(&here.pki, "dir_a", now)), true),
        ("expired", Some(director(&here.pki, "dir_a", now - 40 * DAY)), true),
        ("not yet valid", Some(director(&here.pki, "dir_a", now + 2 * DAY)), false),
        ("another CA's", Some(director(&elsewhere.pki, "dir_a", now)), false),
        ("another CA's, expired", Some(director(&elsewhere.pki, "dir_a", now - 40 * DAY)), false),
    ] {
        let (served, dialled) = shake(Arc::clone(&server), client(shown)).await;
        assert_eq!(served.is_ok(), good, "{what}: {served:?}");
        assert_eq!(dialled.is_ok(), good, "{what}: {dialled:?}");
    }
}

#[tokio::test]
async fn the_console_believes_exactly_the_director_it_dials() {
    let now = real_now();
    let here = place(now);
    let elsewhere = place(now);
    let dial = here.pki.director_client_config("dir_a").unwrap();
    for (what, shown, good) in [
        ("itself", director(&here.pki, "dir_a", now), true),
        ("another director", director(&here.pki, "dir_b", now), false),
        ("its name from another CA", director(&elsewhere.pki, "dir_a", now), false),
        ("itself, expired", director(&here.pki, "dir_a", now - 40 * DAY), false),
    ] {
        let (_, dialled) = shake(listener(shown), Arc::clone(&dial)).await;
        assert_eq!(dialled.is_ok(), good, "{what}: {dialled:?}");
    }
    let (_, dialled) = shake(listener(director(&here.pki, "dir_b", now)), dial).await;
    let reason = dialled.unwrap_err();
    assert!(reason.contains("director/dir_a") && reason.contains("director/dir_b"), "{reason}");
}

#[test]
fn only_the_public_key_is_taken_from_a_request() {
    let here = place(NOW);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut greedy = CertificateParams::default();
    greedy.distinguished_name = authority::name("Caribe console");
    greedy.subject_alt_names = vec![SanType::URI(console_name("installation-1").try_into().unwrap())];
    let csr = greedy.serialize_request(&key).unwrap().pem().unwrap();
    let issued = here.pki.issue_director(&csr, "dir_a", NOW).unwrap();
    let der = CertificateDer::from_pem_slice(issued.pem.as_bytes()).unwrap();
    let peer = here.pki.peer(&der).unwrap();
    assert_eq!(peer, Peer { director_id: "dir_a".to_owned(), serial: issued.serial, ends: NOW + 30 * DAY });
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert_eq!(parsed.subject().to_string(), "CN=dir_a");
    assert!(!parsed.is_ca());
    let uses = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(uses.client_auth && uses.server_auth && !uses.any);
}

#[test]
fn requests_that_are_none_and_other_keys_are_refused() {
    let here = place(NOW);
    let refused = |csr: &str| here.pki.issue_director(csr, "dir_a", NOW).err().map(|e| e.to_string());
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let other = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    assert!(refused(&other).unwrap().contains("P-256"));
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let good = CertificateParams::default().serialize_request(&key).unwrap();
    assert!(refused(&good.pem().unwrap()).is_none());
    // The last bytes are the request's own signature.
    let mut der = good.der().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &der);
    let tampered =
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n");
    for csr in ["", "nonsense", &tampered, &"x".repeat(1 << 20)] {
        assert!(refused(csr).is_some());
    }
}

#[test]
fn the_console_s_own_certificates_name_no_director() {
    let here = place(NOW);
    let elsewhere = place(NOW);
    let own = here.pki.console.read().unwrap().cert[0].clone();
    assert!(matches!(here.pki.peer(&own), Err(PeerError::Name(name)) if name.ends_with("/console")));
    let web = here.pki.web.read().unwrap().cert[0].clone();
    assert_eq!(here.pki.peer(&web), Err(PeerError::Foreign));
    let foreign = director(&elsewhere.pki, "dir_a", NOW).cert[0].clone();
    assert_eq!(here.pki.peer(&foreign), Err(PeerError::Foreign));
    assert_eq!(here.pki.peer(&CertificateDer::from(vec![1, 2, 3])), Err(PeerError::Malformed));
}

#[test]
fn keys_stay_and_are_ours_alone_and_what_ends_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let open = |now| Pki::open(folder.path(), "installation-1", &[], now).unwrap();
    let first = open(NOW);
    let (ca, web) = (first.ca_fingerprint(), first.web_fingerprint());
    assert!(ca.starts_with("sha256:") && ca.len() == 71 && ca != web);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
    let again = open(NOW + DAY);
    assert_eq!((again.ca_fingerprint(), again.web_fingerprint()), (ca.clone(), web.clone()));
    again.renew(NOW + (OWN_DAYS - OWN_RENEW_DAYS + 1) * DAY).unwrap();
    assert_ne!(again.web_fingerprint(), web);
    assert_eq!(again.ca_fingerprint(), ca);
    std::fs::remove_file(folder.path().join("ca.key")).unwrap();
    assert!(
        Pki::open(folder.path(), "installation-1", &[], NOW).is_err(),
        "a lost key is not replaced silently"
    );
}

#[test]
fn a_short_lived_pair_of_an_administrator_is_kept_until_it_ends() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), place(NOW));
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let thirty_days = authority.pki.issue_director(&csr, "dir_a", NOW).unwrap().pem;
    std::fs::write(folder.path().join("web.pem"), &thirty_days).unwrap();
    std::fs::write(folder.path().join("web.key"), key.serialize_pem()).unwrap();
    let theirs = fingerprint(&CertificateDer::from_pem_slice(thirty_days.as_bytes()).unwrap());
    let pki = Pki::open(folder.path(), "installation-1", &[], NOW + DAY).unwrap();
    assert_eq!(pki.web_fingerprint(), theirs);
    assert!(!pki.is_due(NOW + 29 * DAY));
    pki.renew(NOW + 29 * DAY).unwrap();
    assert_eq!(pki.web_fingerprint(), theirs);
    assert!(pki.is_due(NOW + 31 * DAY));
    pki.renew(NOW + 31 * DAY).unwrap();
    assert_ne!(pki.web_fingerprint(), theirs);
}
