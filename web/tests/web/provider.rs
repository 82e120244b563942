//! An identity provider for the tests: discovery, keys, authorization, token and userinfo over real TLS with a CA of its
//! own. It checks what a real one checks (client, redirect address, PKCE, each code once), signs with keys of its own, and
//! lies where a test asks it to.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const CLIENT: &str = "caribe-console";
pub(crate) const SECRET: &str = "a secret: of+the/client";

/// What the provider does otherwise than it should, or otherwise than most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Twist {
    #[default]
    None,
    /// Signs with RSA.
    Rsa,
    /// The claims are not in the token, but with `userinfo`.
    Userinfo,
    /// `userinfo` is about somebody else.
    UserinfoOfAnother,
    Nonce,
    Audience,
    Issuer,
    Expired,
    FromTheFuture,
    /// `alg: none`, without a signature.
    Unsigned,
    /// Signed with a key that is not among its own.
    Key,
    /// Signed with the client's secret (HS256).
    SharedSecret,
    /// The content was changed after it was signed.
    Changed,
    /// No ID token at all.
    NoToken,
    /// It says that it is another provider that answers.
    AnotherAnswers,
    /// Whoever it is refuses.
    Denies,
    /// It is asked to ask again, and does not.
    AsksNobody,
    /// It does not say when it asked.
    NoAuthTime,
    /// It calls itself otherwise.
    DiscoveryOfAnother,
    /// Every answer leads elsewhere.
    Redirects,
    /// Every answer is 10 MiB long.
    Endless,
}

struct Grant {
    nonce: String,
    challenge: String,
    redirect: String,
    asked_at: Option<i64>,
}

struct Inner {
    issuer: String,
    now: Arc<AtomicI64>,
    twist: Twist,
    subject: String,
    claims: Map<String, Value>,
    grants: HashMap<String, Grant>,
    /// When the person last typed their password there.
    signed_in: Option<i64>,
    asked: Vec<String>,
}

#[derive(Clone)]
struct Shared {
    inner: Arc<Mutex<Inner>>,
    key: Arc<EcdsaKeyPair>,
    foreign: Arc<EcdsaKeyPair>,
    rsa: Arc<aws_lc_rs::rsa::KeyPair>,
}

/// It answers until it is dropped.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    /// PEM.
    pub(crate) authority: String,
    shared: Shared,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn ecdsa() -> EcdsaKeyPair {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap()
}

fn random() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A certificate for localhost and the authority that made it.
fn certificates() -> (rustls::ServerConfig, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "the provider's authority");
    let authority = params.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::from_params(&params, &key);
    let own_key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let own = own.signed_by(&own_key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], PrivatePkcs8KeyDer::from(own_key.serialize_der()).into())
        .unwrap();
    (config, authority.pem())
}

impl Provider {
    /// Begins to answer. `now`: its clock.
    pub(crate) async fn new(now: Arc<AtomicI64>) -> Provider {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let issuer = format!("https://localhost:{}/realms/ops", address.port());
        let (tls, authority) = certificates();
        let inner = Inner {
            issuer: issuer.clone(),
            now,
            twist: Twist::None,
            subject: "subject-1".to_owned(),
            claims: Map::new(),
            grants: HashMap::new(),
            signed_in: None,
            asked: Vec::new(),
        };
        let shared = Shared {
            inner: Arc::new(Mutex::new(inner)),
            key: Arc::new(ecdsa()),
            foreign: Arc::new(ecdsa()),
            rsa: Arc::new(aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap()),
        };
        let router = Router::new()
            .route("/realms/ops/.well-known/openid-configuration", get(discovery))
            .route("/realms/ops/keys", get(keys))
            .route("/realms/ops/authorize", get(authorize))
            .route("/realms/ops/token", post(token))
            .route("/realms/ops/userinfo", get(userinfo))
            .layer(axum::middleware::from_fn_with_state(shared.clone(), lie))
            .with_state(shared.clone());
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, router) = (acceptor.clone(), router.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = hyper_util::service::TowerToHyperService::new(router);
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        let provider = Provider { issuer, authority, shared, task };
        provider.person("subject-1", json!({ "preferred_username": "alice", "groups": ["/lb/operators"] }));
        provider
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap()
    }

    pub(crate) fn twist(&self, twist: Twist) {
        self.inner().twist = twist;
    }

    /// Who sits there from now on, and what is said of them.
    pub(crate) fn person(&self, subject: &str, claims: Value) {
        let mut inner = self.inner();
        inner.subject = subject.to_owned();
        inner.claims = claims.as_object().unwrap().clone();
        inner.signed_in = None;
    }

    /// The paths that were asked.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.inner().asked.clone()
    }

    /// What a browser does that is sent there, and a person who signs in: gives the address it is sent back to.
    pub(crate) async fn sign_in(&self, location: &str) -> String {
        assert!(location.starts_with(&format!("{}/authorize?", self.issuer)), "{location}");
        let authority = reqwest::Certificate::from_pem(self.authority.as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_merge([authority])
            .build()
            .unwrap();
        let answer = client.get(location).send().await.unwrap();
        let status = answer.status();
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        to.unwrap_or_else(|| panic!("{status}"))
    }
}

async fn lie(
    State(shared): State<Shared>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let twist = {
        let mut inner = shared.inner.lock().unwrap();
        inner.asked.push(request.uri().path().to_owned());
        inner.twist
    };
    match twist {
        Twist::Redirects => {
            (StatusCode::FOUND, [(header::LOCATION, "https://localhost:1/elsewhere")]).into_response()
        }
        Twist::Endless => {
            // Without a length: it has to be noticed while it is read.
            let piece = bytes::Bytes::from(vec![b' '; 64 * 1024]);
            let pieces = (0..160).map(move |_| Ok::<_, std::io::Error>(piece.clone()));
            let body = axum::body::Body::from_stream(futures_util::stream::iter(pieces));
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        _ => next.run(request).await,
    }
}

async fn discovery(State(shared): State<Shared>) -> Json<Value> {
    let inner = shared.inner.lock().unwrap();
    let issuer = &inner.issuer;
    let named =
        if inner.twist == Twist::DiscoveryOfAnother { "https://id.example.org" } else { issuer.as_str() };
    Json(json!({
        "issuer": named,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // As one that would let itself be talked into anything.
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "scopes_supported": ["openid", "profile", "email", "groups"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

/// Modulus and exponent out of a SubjectPublicKeyInfo.
fn rsa_numbers(key: &aws_lc_rs::rsa::KeyPair) -> (Vec<u8>, Vec<u8>) {
    use x509_parser::prelude::FromDer as _;
    let der = key.public_key().as_der().unwrap();
    let (_, info) = x509_parser::x509::SubjectPublicKeyInfo::from_der(der.as_ref()).unwrap();
    match info.parsed().unwrap() {
        x509_parser::public_key::PublicKey::RSA(key) => {
            let bare =
                |bytes: &[u8]| bytes.iter().skip_while(|byte| **byte == 0).copied().collect::<Vec<u8>>();
            (bare(key.modulus), bare(key.exponent))
        }
        _ => panic!("no RSA key"),
    }
}

async fn keys(State(shared): State<Shared>) -> Json<Value> {
    let point = shared.key.public_key().as_ref();
    let (x, y) = point[1..].split_at(32);
    let (modulus, exponent) = rsa_numbers(&shared.rsa);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Json(json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "e1", "x": text(x), "y": text(y) },
        { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "r1", "n": text(&modulus), "e": text(&exponent) },
        { "kty": "a kind that nobody knows", "kid": "z" },
    ] }))
}

async fn authorize(State(shared): State<Shared>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let right =
        of("response_type") == "code" && of("client_id") == CLIENT && of("code_challenge_method") == "S256";
    if !right || !of("scope").split(' ').any(|scope| scope == "openid") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut inner = shared.inner.lock().unwrap();
    let now = inner.now.load(Ordering::SeqCst);
    let must_ask = of("prompt") == "login" && of("max_age") == "0";
    if inner.signed_in.is_none() || (must_ask && inner.twist != Twist::AsksNobody) {
        inner.signed_in = Some(now);
    }
    let mut back = reqwest::Url::parse(&of("redirect_uri")).unwrap();
    if inner.twist == Twist::Denies {
        back.query_pairs_mut().append_pair("error", "access_denied").append_pair("state", &of("state"));
    } else {
        let code = random();
        let asked_at = inner.signed_in.filter(|_| inner.twist != Twist::NoAuthTime);
        let grant = Grant {
            nonce: of("nonce"),
            challenge: of("code_challenge"),
            redirect: of("redirect_uri"),
            asked_at,
        };
        inner.grants.insert(code.clone(), grant);
        let answers = match inner.twist {
            Twist::AnotherAnswers => "https://id.example.org".to_owned(),
            _ => inner.issuer.clone(),
        };
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &of("state"))
            .append_pair("iss", &answers);
    }
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}

/// What RFC 6749 section 2.3.1 makes of a name and a secret.
fn is_client(headers: &HeaderMap) -> bool {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let expected = STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET)));
    headers.get(header::AUTHORIZATION).is_some_and(|value| value == &format!("Basic {expected}"))
}

async fn token(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Form(asked): Form<HashMap<String, String>>,
) -> Response {
    let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
    if !is_client(&headers) {
        return refuse("invalid_client");
    }
    let mut inner = shared.inner.lock().unwrap();
    // Each code is good once.
    let Some(grant) = inner.grants.remove(&of("code")) else { return refuse("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(of("code_verifier").as_bytes()));
    if of("grant_type") != "authorization_code"
        || challenge != grant.challenge
        || of("redirect_uri") != grant.redirect
    {
        return refuse("invalid_grant");
    }
    let access = random();
    let mut answer = json!({ "access_token": access, "token_type": "Bearer", "expires_in": 60 });
    if inner.twist != Twist::NoToken {
        answer["id_token"] = json!(id_token(&shared, &inner, &grant, &access));
    }
    Json(answer).into_response()
}

fn id_token(shared: &Shared, inner: &Inner, grant: &Grant, access: &str) -> String {
    let (twist, now) = (inner.twist, inner.now.load(Ordering::SeqCst));
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let half = Sha256::digest(access.as_bytes());
    let mut claims = json!({
        "iss": inner.issuer, "sub": inner.subject, "aud": CLIENT, "nonce": grant.nonce, "iat": now, "exp": now + 300,
        "at_hash": text(&half[..16]),
    });
    if let Some(at) = grant.asked_at {
        claims["auth_time"] = json!(at);
    }
    if !matches!(twist, Twist::Userinfo | Twist::UserinfoOfAnother) {
        claims.as_object_mut().unwrap().extend(inner.claims.clone());
    }
    match twist {
        Twist::Nonce => claims["nonce"] = json!("another"),
        Twist::Audience => claims["aud"] = json!(["somebody-else"]),
        Twist::Issuer => claims["iss"] = json!("https://id.example.org"),
        Twist::Expired => (claims["iat"], claims["exp"]) = (json!(now - 900), json!(now - 600)),
        Twist::FromTheFuture => (claims["iat"], claims["exp"]) = (json!(now + 600), json!(now + 900)),
        _ => {}
    }
    let header = match twist {
        Twist::Unsigned => json!({ "alg": "none" }),
        Twist::SharedSecret => json!({ "alg": "HS256" }),
        Twist::Rsa => json!({ "alg": "RS256", "kid": "r1", "typ": "JWT" }),
        _ => json!({ "alg": "ES256", "kid": "e1", "typ": "JWT" }),
    };
    let mut signed =
        format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()));
    let random = SystemRandom::new();
    let signature = match twist {
        Twist::Unsigned => Vec::new(),
        Twist::SharedSecret => {
            let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
            mac.update(signed.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        Twist::Rsa => {
            let mut signature = vec![0; shared.rsa.public_modulus_len()];
            shared.rsa.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
            signature
        }
        Twist::Key => shared.foreign.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
        _ => shared.key.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
    };
    if twist == Twist::Changed {
        claims["groups"] = json!(["/lb/admins"]);
        signed = format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()));
    }
    format!("{signed}.{}", text(&signature))
}

async fn userinfo(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !bearer.starts_with("Bearer ") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let inner = shared.inner.lock().unwrap();
    let mut claims = inner.claims.clone();
    let subject = if inner.twist == Twist::UserinfoOfAnother { "somebody-else" } else { &inner.subject };
    claims.insert("sub".to_owned(), json!(subject));
    Json(claims).into_response()
}
