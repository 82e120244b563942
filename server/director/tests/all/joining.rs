//! Joining, renewing and fetching, against a console on the loopback.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use director::{CredentialsError, DialError, JoinError, join};
use lvs::wire::{AGENT_ALPN, Credentials, JoinRequest, Refusal, RenewRequest, Target, director_uri};
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::authority::{Authority, DIRECTOR, INSTALLATION, Leaf, leaf_params};
use crate::tls::serve;
use crate::world::{World, cluster, eventually, target, until};

/// A console that signs, and what it was asked.
pub(crate) struct Console {
    pub(crate) authority: Authority,
    /// Changes what it would answer to a join or a renewal.
    twist: fn(&Authority, &str, Credentials) -> Credentials,
    target: Mutex<Option<Target>>,
    renewals: AtomicUsize,
    joins: AtomicUsize,
}

impl Console {
    pub(crate) fn new(authority: Authority) -> Self {
        Console {
            authority,
            twist: |_, _, credentials| credentials,
            target: Mutex::new(None),
            renewals: AtomicUsize::new(0),
            joins: AtomicUsize::new(0),
        }
    }

    /// Listens with this certificate; `chain` says whether it shows its authority.
    pub(crate) async fn listen(self: &Arc<Self>, leaf: &Leaf, chain: bool) -> SocketAddr {
        let router = Router::new()
            .route("/agent/v1/join", post(joined))
            .route("/agent/v1/renew", post(renewed))
            .route("/agent/v1/target", get(fetched))
            .with_state(self.clone());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .unwrap();
        let mut shown = vec![leaf.certificate.der().clone()];
        shown.extend(chain.then(|| self.authority.der()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(shown, leaf.key_der())
            .unwrap();
        config.alpn_protocols = vec![AGENT_ALPN.to_vec()];
        serve(router, Arc::new(config)).await
    }
}

async fn joined(State(console): State<Arc<Console>>, Json(request): Json<JoinRequest>) -> Response {
    console.joins.fetch_add(1, Ordering::Relaxed);
    if request.token != "good" {
        let refusal = Refusal::Token { detail: "expired".to_owned() };
        return (StatusCode::FORBIDDEN, Json(refusal)).into_response();
    }
    assert_eq!(request.listen_port, 3637);
    let credentials = console.authority.credentials(&request.csr);
    Json((console.twist)(&console.authority, &request.csr, credentials)).into_response()
}

type Peer = axum::Extension<Arc<[CertificateDer<'static>]>>;

async fn renewed(
    State(console): State<Arc<Console>>,
    _: Peer,
    Json(request): Json<RenewRequest>,
) -> Response {
    console.renewals.fetch_add(1, Ordering::Relaxed);
    let credentials = console.authority.credentials(&request.csr);
    Json((console.twist)(&console.authority, &request.csr, credentials)).into_response()
}

async fn fetched(State(console): State<Arc<Console>>, _: Peer) -> Response {
    match console.target.lock().unwrap().clone() {
        Some(target) => Json(target).into_response(),
        None => {
            let refusal = Refusal::Failed { detail: "nothing is activated yet".to_owned() };
            (StatusCode::NOT_FOUND, Json(refusal)).into_response()
        }
    }
}

fn url(address: SocketAddr) -> String {
    format!("https://localhost:{}", address.port())
}

#[tokio::test]
async fn a_director_joins_by_the_fingerprint_alone() {
    let console = Arc::new(Console::new(Authority::new()));
    let address = console.listen(&console.authority.console(), true).await;
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("agent");
    let joined = join(&data, &url(address), "good", &console.authority.pin(), 3637).await.unwrap();
    assert_eq!((joined.director.as_str(), joined.director_id.as_str()), ("a", DIRECTOR));
    assert_eq!((joined.installation.as_str(), joined.console), (INSTALLATION, url(address)));
    let settings = director::Settings {
        data: data.clone(),
        listen: "127.0.0.1:0".parse().unwrap(),
        programs: Vec::new(),
        programs_user: None,
    };
    let agent = director::Agent::open(settings).unwrap();
    assert_eq!(agent.status().certificate_ends_s, joined.certificate_ends_s);
    assert_eq!(agent.identity().director_id, DIRECTOR);
    let error = join(&data, &url(address), "good", &console.authority.pin(), 3637).await.unwrap_err();
    assert!(matches!(error, JoinError::InUse(_)), "not under a running agent: {error}");
    drop(agent);
    join(&data, &url(address), "good", &console.authority.pin(), 3637).await.unwrap();
    for name in ["identity.json", "key.pem", "cert.pem", "ca.pem"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(data.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// Tries to join and returns why not; nothing may have been stored.
async fn refused(console: &Arc<Console>, leaf: &Leaf, chain: bool, token: &str, pin: &str) -> JoinError {
    let address = console.listen(leaf, chain).await;
    let place = tempfile::tempdir().unwrap();
    let error = join(place.path(), &url(address), token, pin, 3637).await.unwrap_err();
    let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "lock"), "{error}: {left:?}");
    error
}

#[tokio::test]
async fn a_server_that_is_not_the_console_is_not_even_shown_the_token() {
    let authority = Authority::new();
    let (right, pin) = (authority.console(), authority.pin());
    let director = authority.director("d_2");
    let console = Arc::new(Console::new(authority));
    let foreign = Authority::new();
    let false_friend = foreign.console();
    let cases = [
        ("another fingerprint", refused(&console, &right, true, "good", &foreign.pin()).await),
        ("no authority in the chain", refused(&console, &right, false, "good", &pin).await),
        ("a director's certificate", refused(&console, &director, true, "good", &pin).await),
        ("a leaf of another authority", refused(&console, &false_friend, true, "good", &pin).await),
    ];
    for (case, error) in cases {
        assert!(matches!(error, JoinError::Console(DialError::Handshake { .. })), "{case}: {error:?}");
    }
    assert_eq!(console.joins.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_refused_token_and_wrong_credentials_store_nothing() {
    let console = Arc::new(Console::new(Authority::new()));
    let (leaf, pin) = (console.authority.console(), console.authority.pin());
    let error = refused(&console, &leaf, true, "bad", &pin).await;
    assert!(matches!(&error, JoinError::Console(DialError::Refused(Refusal::Token { .. }))), "{error:?}");
    assert!(error.to_string().contains("expired"), "{error}");

    type Twist = fn(&Authority, &str, Credentials) -> Credentials;
    type Expected = fn(&CredentialsError) -> bool;
    let cases: [(&str, Twist, Expected); 6] = [
        (
            "a certificate for another key",
            |authority, _, c| Credentials {
                certificate: authority.director(DIRECTOR).certificate.pem(),
                ..c
            },
            |e| matches!(e, CredentialsError::Key),
        ),
        (
            "another director's name",
            |_, _, c| Credentials { director_id: "d_2".to_owned(), ..c },
            |e| matches!(e, CredentialsError::Name { .. }),
        ),
        (
            "another authority",
            |_, _, c| Credentials { ca: Authority::new().certificate.pem(), ..c },
            |e| matches!(e, CredentialsError::Authority { .. }),
        ),
        (
            "another installation",
            |authority, csr, c| Credentials {
                installation: "in_2".to_owned(),
                certificate: authority.sign(csr, leaf_params(&director_uri("in_2", DIRECTOR))).pem(),
                ..c
            },
            |e| matches!(e, CredentialsError::Installation { .. }),
        ),
        (
            "signed by somebody else",
            |_, csr, c| Credentials {
                certificate: Authority::new()
                    .sign(csr, leaf_params(&director_uri(INSTALLATION, DIRECTOR)))
                    .pem(),
                ..c
            },
            |e| matches!(e, CredentialsError::Useless(_)),
        ),
        (
            "no certificate",
            |_, _, c| Credentials { certificate: "none".to_owned(), ..c },
            |e| matches!(e, CredentialsError::Unreadable),
        ),
    ];
    for (case, twist, expected) in cases {
        let console = Arc::new(Console { twist, ..Console::new(Authority::new()) });
        let (leaf, pin) = (console.authority.console(), console.authority.pin());
        let error = refused(&console, &leaf, true, "good", &pin).await;
        assert!(matches!(&error, JoinError::Credentials(error) if expected(error)), "{case}: {error:?}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let place = tempfile::tempdir().unwrap();
    let pin = Authority::new().pin();
    let error = join(place.path(), "https://localhost:1", "t", "sha256:12", 1).await.unwrap_err();
    assert!(matches!(error, JoinError::Fingerprint(_)), "{error:?}");
    let error = join(place.path(), "localhost", "t", &pin, 1).await.unwrap_err();
    assert!(matches!(error, JoinError::Console(DialError::Address(_))), "{error:?}");
    let error = join(place.path(), "https://127.0.0.1:1", "t", &pin, 1).await.unwrap_err();
    assert!(matches!(error, JoinError::Console(DialError::Unreachable { .. })), "{error:?}");
}

#[tokio::test]
async fn a_certificate_past_two_thirds_is_renewed_and_used() {
    for ended in [false, true] {
        let console = Arc::new(Console::new(Authority::new()));
        let mut old = leaf_params(&director_uri(INSTALLATION, DIRECTOR));
        let now = time::OffsetDateTime::now_utc();
        old.not_before = now - time::Duration::days(80);
        old.not_after = if ended { now - time::Duration::hours(1) } else { now + time::Duration::days(10) };
        let leaf = console.authority.leaf_with(&old);
        let address = if ended {
            listen_to_anybody(&console).await
        } else {
            console.listen(&console.authority.console(), true).await
        };
        let world = World::new();
        enrol(&world, &leaf, &console.authority, &url(address), &console.authority.pin());
        let before = old.not_after.unix_timestamp();
        let agent = world.start();
        let status = until(&agent, "renewed", |s| s.certificate_ends_s > before).await;
        assert!(console.renewals.load(Ordering::Relaxed) >= 1);
        agent.stop(false).await;
        let again = world.open();
        assert_eq!(again.status().certificate_ends_s, status.certificate_ends_s, "and stored");
    }
}

/// A console whose listener leaves lifetimes to its handlers, as the real one does for renewals.
async fn listen_to_anybody(console: &Arc<Console>) -> SocketAddr {
    let router = Router::new().route("/agent/v1/renew", post(renewed_by_anybody)).with_state(console.clone());
    let leaf = console.authority.console();
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.certificate.der().clone(), console.authority.der()], leaf.key_der())
            .unwrap();
    config.alpn_protocols = vec![AGENT_ALPN.to_vec()];
    serve(router, Arc::new(config)).await
}

async fn renewed_by_anybody(
    State(console): State<Arc<Console>>,
    Json(request): Json<RenewRequest>,
) -> Response {
    console.renewals.fetch_add(1, Ordering::Relaxed);
    Json(console.authority.credentials(&request.csr)).into_response()
}

fn enrol(world: &World, leaf: &Leaf, authority: &Authority, console: &str, pin: &str) {
    world.enrol(leaf, console);
    let identity = std::fs::read_to_string(world.path("identity.json")).unwrap();
    let identity = identity.replace(&world.authority.pin(), pin);
    std::fs::write(world.path("identity.json"), identity).unwrap();
    std::fs::write(world.path("ca.pem"), authority.certificate.pem()).unwrap();
}

#[tokio::test]
async fn a_renewal_for_somebody_else_is_not_stored() {
    let mut console = Console::new(Authority::new());
    console.twist = |authority, csr, c| Credentials {
        director_id: "d_2".to_owned(),
        certificate: authority.sign(csr, leaf_params(&director_uri(INSTALLATION, "d_2"))).pem(),
        ..c
    };
    let console = Arc::new(console);
    let address = console.listen(&console.authority.console(), true).await;
    let world = World::new();
    let mut old = leaf_params(&director_uri(INSTALLATION, DIRECTOR));
    old.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(80);
    let leaf = console.authority.leaf_with(&old);
    enrol(&world, &leaf, &console.authority, &url(address), &console.authority.pin());
    let agent = world.start();
    eventually("tried twice", || console.renewals.load(Ordering::Relaxed) >= 2).await;
    assert_eq!(agent.status().certificate_ends_s, old.not_after.unix_timestamp());
    agent.stop(false).await;
    assert_eq!(std::fs::read_to_string(world.path("cert.pem")).unwrap(), leaf.certificate.pem());
}

#[tokio::test]
async fn a_director_without_configuration_fetches_it() {
    let console = Arc::new(Console::new(Authority::new()));
    let address = console.listen(&console.authority.console(), true).await;
    let world = World::new();
    let leaf = console.authority.director(DIRECTOR);
    enrol(&world, &leaf, &console.authority, &url(address), &console.authority.pin());
    let agent = world.start();
    until(&agent, "the first look", |s| s.last_error.is_none()).await;
    *console.target.lock().unwrap() = Some(Target { director_id: "d_2".to_owned(), ..target(1, cluster()) });
    // Somebody else's is refused; then ours comes.
    *console.target.lock().unwrap() = Some(target(4, cluster()));
    let status = until(&agent, "fetched and applied", |s| s.in_sync).await;
    assert_eq!((status.revision, world.services().len()), (Some(4), 1));
    agent.stop(false).await;
}
