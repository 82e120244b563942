//! Certificates that end: agents and the console get their next ones by themselves, over real TLS, while configuration
//! goes on being pushed. Time passes by giving certificates out in the past: the console's clock is behind the
//! machine's while they are made.

use std::sync::{Arc, Mutex};

use console::Actor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{CLUSTER, Member, Place, eventually, machine_s, small};

const DAY: i64 = 86_400;
/// What a director's certificate lives; it also begins an hour before it is made.
const LIFE: i64 = 30 * DAY;
const SKEW: i64 = 3600;
/// What the console's own certificates live, and how long before their end they are renewed.
const OWN: i64 = 397 * DAY;
const OWN_BEFORE: i64 = 60 * DAY;

/// Changes one weight and sees it in the kernels.
async fn push(place: &Place, members: &[&Member], weight: u32) {
    let path = format!("/clusters/{CLUSTER}/virtual-servers/http/real-servers/one?activate=true");
    let done = place.api("PATCH", &path, Some(&json!({ "weight": weight }))).await;
    for member in members {
        place.in_sync(member).await;
        let table = kernel::Kernel::observe(&mut member.kernel.clone(), &Default::default()).unwrap().table;
        let weights: Vec<u32> = table
            .services
            .values()
            .flat_map(|service| service.servers.values())
            .map(|server| server.weight)
            .collect();
        assert_eq!(weights, [weight], "{}: {done}", member.name);
    }
}

async fn recorded(place: &Place, action: &str) -> usize {
    let rows = place.console.audit(&Actor::local(), None, None, 500).await.unwrap();
    rows.iter().filter(|row| row.action == action).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_due_renews_by_itself_and_pushes_go_on() {
    let place = Place::new().await;
    place.api("POST", "/clusters?activate=true", Some(&small())).await;
    // Two thirds of its life are over in two seconds.
    place.ahead(2 + SKEW - (LIFE + SKEW) / 3 * 2);
    let a = place.join("director-a").await;
    place.ahead(0);
    let b = place.join("director-b").await;
    let (a, b) = (place.start(a).await, place.start(b).await);
    let first = a.agent.status().certificate_ends_s;
    assert!(first < machine_s() + LIFE / 2, "it was made twenty days ago");
    for member in [&a, &b] {
        place.in_sync(member).await;
    }
    push(&place, &[&a, &b], 2).await;
    eventually("the next certificate", async || a.agent.status().certificate_ends_s > first).await;
    assert!(a.agent.status().certificate_ends_s >= machine_s() + LIFE - 60);
    assert_eq!(recorded(&place, "director.renew").await, 1, "and only the one that was due");
    push(&place, &[&a, &b], 3).await;

    let views = place.console.directors(&Actor::local(), CLUSTER).await.unwrap();
    assert_eq!(views[0].certificate_ends.unwrap().as_second(), a.agent.status().certificate_ends_s);
    place.end(vec![a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_renews_and_a_revoked_one_does_not() {
    let place = Place::new().await;
    place.api("POST", "/clusters?activate=true", Some(&small())).await;
    // Directors that are switched off until their certificates have ended, which is in a few seconds.
    place.ahead(5 - LIFE);
    let (a, b) = (place.join("director-a").await, place.join("director-b").await);
    place.ahead(0);
    eventually("the end of both certificates", async || machine_s() > a.ends.max(b.ends)).await;
    place.console.revoke(&Actor::local(), CLUSTER, "director-b").await.unwrap();
    let file = b.settings.data.join("cert.pem");
    let before = std::fs::read(&file).unwrap();

    let (a, b) = (place.start(a).await, place.start(b).await);
    place.in_sync(&a).await;
    assert!(a.agent.status().certificate_ends_s >= machine_s() + LIFE - 60);
    eventually("a refusal", async || recorded(&place, "director.renew-refused").await > 1).await;
    assert!(b.agent.status().certificate_ends_s < machine_s());
    assert_eq!(std::fs::read(&file).unwrap(), before, "what it has stays as it is");
    assert_eq!(recorded(&place, "director.renew").await, 1);
    let live = place.console.live(CLUSTER).await.unwrap();
    assert!(live.directors.iter().all(|d| d.connected == (d.name == "director-a")));
    push(&place, &[&a], 2).await;
    place.end(vec![a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_renews_its_own_certificates_while_it_serves() {
    // They are due since a minute by the machine's clock, and not yet by the console's.
    let place = Place::with(OWN_BEFORE - OWN - 60, -DAY).await;
    let members = place.pair().await;
    let own = place.folder.path().join("console/pki/console.pem");
    let (shown, fingerprint) = (shown(&place).await, place.console.pki().web_fingerprint());
    let identity = std::fs::read(&own).unwrap();
    place.ahead(0);
    eventually("a new identity", async || std::fs::read(&own).unwrap() != identity).await;
    eventually("a new browser certificate", async || self::shown(&place).await != shown).await;
    assert_ne!(place.console.pki().web_fingerprint(), fingerprint);
    push(&place, &members.iter().collect::<Vec<_>>(), 2).await;
    place.end(members).await;
}

/// The certificate that the listener shows a browser now.
async fn shown(place: &Place) -> Vec<u8> {
    let seen = Arc::new(Seen::default());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(seen.clone())
        .with_no_client_auth();
    let stream = TcpStream::connect(place.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let shown = seen.0.lock().unwrap().clone();
    assert!(!shown.is_empty());
    shown
}

/// Takes any server and remembers its certificate.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<u8>>);

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.0.lock().unwrap() = certificate.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
