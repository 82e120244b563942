//! Probes that speak TLS: certificates that are good, and each way of not being so.

use super::*;
use crate::nanny::probe::tls::Terms;

/// A TLS server with this certificate, that answers each request with a page.
fn secure(chain: rcgen::CertifiedKey<rcgen::KeyPair>) -> SocketAddr {
    let key = rustls::pki_types::PrivateKeyDer::try_from(chain.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    server(move |mut stream| {
        let mut session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::Stream::new(&mut session, &mut stream);
        if stream.read(&mut [0; 1024]).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    })
}

fn signed(name: &str, ends: time::OffsetDateTime) -> rcgen::CertifiedKey<rcgen::KeyPair> {
    let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(30);
    parameters.not_after = ends;
    let signing_key = rcgen::KeyPair::generate().unwrap();
    let cert = parameters.self_signed(&signing_key).unwrap();
    rcgen::CertifiedKey { cert, signing_key }
}

#[tokio::test]
async fn a_certificate_is_verified_unless_that_is_switched_off() {
    let ends = time::OffsetDateTime::now_utc() + time::Duration::days(30);
    let good = signed("a.example", ends);
    let authority = good.cert.pem();
    let address = secure(good);
    let tls = |name: &str, verify: bool, authority: &str| {
        Prepared::Tls(Terms {
            verify,
            name: Some(name.to_owned()),
            authorities: Some(authority.to_owned()),
            send_name: true,
            identity: None,
        })
    };
    let answer = put_to(&question_of(address, tls("a.example", true, &authority), LONG)).await;
    assert_eq!(answer.outcome, UP, "{:?}", answer.detail);
    assert_eq!(answer.marks.certificate_ends_s, Some(ends.unix_timestamp()));
    assert!(answer.marks.tls.is_some());
    let reason = |answer: &Answer| match failed(answer) {
        Failure::Tls { reason } => *reason,
        other => panic!("{other:?}"),
    };
    let answer = put_to(&question_of(address, tls("b.example", true, &authority), LONG)).await;
    assert_eq!(reason(&answer), TlsFailure::Name);
    let stranger = signed("a.example", ends).cert.pem();
    let answer = put_to(&question_of(address, tls("a.example", true, &stranger), LONG)).await;
    assert_eq!(reason(&answer), TlsFailure::Untrusted);
    let old = signed("a.example", time::OffsetDateTime::now_utc() - time::Duration::days(1));
    let authority = old.cert.pem();
    let address = secure(old);
    let answer = put_to(&question_of(address, tls("a.example", true, &authority), LONG)).await;
    assert_eq!(reason(&answer), TlsFailure::Expired);
    let answer = put_to(&question_of(address, tls("a.example", false, &authority), LONG)).await;
    assert_eq!(answer.outcome, UP, "{:?}", answer.detail);
    let page = json!({"kind": "http", "tls": {"verify": false}, "host": "other.example"});
    assert_eq!(asked(address, page).await.outcome, UP);
    let answer =
        put_to(&question_of(says(b"SSH-2.0-x\r\n"), tls("a.example", false, &authority), LONG)).await;
    assert_eq!(reason(&answer), TlsFailure::NotTls);
}
