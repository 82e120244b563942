//! Join tokens, certificates, and what each director may have.

use std::net::SocketAddr;

use console::{Actor, Edit, Error, PushOutcome, Role};
use lvs::wire::{Credentials, Digest, JoinRequest, Refusal, RenewRequest};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::place::{Place, actor, admin, web};

fn peer() -> SocketAddr {
    "192.0.2.2:50000".parse().unwrap()
}

fn csr() -> String {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap()
}

fn request(token: &str) -> JoinRequest {
    JoinRequest { token: token.to_owned(), csr: csr(), listen_port: 3637, version: "0.1.0".to_owned() }
}

fn certificate(credentials: &Credentials) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(credentials.certificate.as_bytes()).unwrap()
}

async fn with_web() -> Place {
    let place = Place::new().await;
    place.console.create_cluster(&admin("alice"), web()).await.unwrap();
    place.console.activate(&admin("alice"), "web", "").await.unwrap();
    place
}

async fn token(place: &Place, director: &str) -> String {
    place.console.join_token(&admin("alice"), "web", director, None).await.unwrap().token
}

async fn joined(place: &Place, director: &str) -> Credentials {
    let token = token(place, director).await;
    place.console.join(request(&token), peer()).await.unwrap()
}

async fn rows(place: &Place, action: &str) -> usize {
    let rows = place.console.audit(&Actor::local(), None, None, 500).await.unwrap();
    rows.iter().filter(|row| row.action == action).count()
}

#[tokio::test]
async fn a_token_brings_one_director_in_and_its_target_out() {
    let place = with_web().await;
    let console = &place.console;
    let made = console.join_token(&admin("alice"), "web", "director-a", None).await.unwrap();
    let command = made.command("https://console.example:3636");
    assert_eq!(
        command,
        format!(
            "caribe agent join https://console.example:3636 --token {} --fingerprint {}",
            made.token,
            console.pki().ca_fingerprint()
        )
    );
    assert!(!format!("{made:?}").contains(&made.token));
    let got = console.join(request(&made.token), peer()).await.unwrap();
    assert_eq!((got.director.as_str(), got.director_id.as_str()), ("director-a", made.director_id.as_str()));
    assert_eq!(got.installation, console.pki().installation());
    let views = console.directors(&admin("alice"), "web").await.unwrap();
    let (a, b) = (&views[0], &views[1]);
    assert!(a.enrolled && a.certificate_ends.is_some() && a.token_expires.is_none());
    assert_eq!(a.dial.as_deref(), Some("192.0.2.2:3637"), "where it joined from");
    assert!(!b.enrolled && b.id.is_none() && b.live.is_none());

    let target = console.target_for(&certificate(&got), peer()).await.unwrap();
    assert_eq!((target.director.as_str(), target.revision, target.force), ("director-a", 1, false));
    assert_eq!(target.digest, Digest::of(&target.cluster));
    assert_eq!(rows(&place, "director.join").await, 1);
}

#[tokio::test]
async fn used_expired_and_unknown_tokens_are_refused_with_their_reason() {
    let place = with_web().await;
    let console = &place.console;
    let refused = |token: String| async move {
        match console.join(request(&token), peer()).await {
            Err(Refusal::Token { detail }) => detail,
            other => panic!("{other:?}"),
        }
    };
    let used = token(&place, "director-a").await;
    console.join(request(&used), peer()).await.unwrap();
    assert_eq!(refused(used).await, "used");
    let expired = token(&place, "director-b").await;
    place.pass(15 * 60);
    assert_eq!(refused(expired).await, "expired");
    let replaced = token(&place, "director-b").await;
    let newest = token(&place, "director-b").await;
    assert_eq!(refused(replaced).await, "unknown", "a newer token ends the older");
    for unknown in ["", "nonsense", &"x".repeat(1 << 20)] {
        assert_eq!(refused(unknown.to_owned()).await, "unknown");
    }
    assert_eq!(rows(&place, "director.join").await, 1);
    assert!(rows(&place, "director.join-refused").await >= 5);

    // A request that cannot be signed does not spend the token.
    let bad = JoinRequest { csr: "nonsense".to_owned(), ..request(&newest) };
    assert!(matches!(console.join(bad, peer()).await, Err(Refusal::Malformed { .. })));
    console.join(request(&newest), peer()).await.unwrap();
}

#[tokio::test]
async fn refusals_are_recorded_but_cannot_fill_the_disk() {
    let place = with_web().await;
    for _ in 0..200 {
        assert!(place.console.join(request("nonsense"), peer()).await.is_err());
    }
    let recorded = rows(&place, "director.join-refused").await;
    assert!((10..30).contains(&recorded), "{recorded}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_joins_with_one_token_exactly_one_wins() {
    let place = with_web().await;
    let token = token(&place, "director-a").await;
    let mut tasks = Vec::new();
    for n in 0..8 {
        // Half of them as if another process served the same folder.
        let console = if n % 2 == 0 { place.console.clone() } else { place.again().await };
        let request = request(&token);
        tasks.push(tokio::spawn(async move { console.join(request, peer()).await }));
    }
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(refusal) => assert_eq!(refusal, Refusal::Token { detail: "used".to_owned() }),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn certificates_renew_also_when_expired_but_not_when_revoked_or_foreign() {
    let place = with_web().await;
    let console = &place.console;
    let first = joined(&place, "director-a").await;
    let renew = |shown: Credentials| async move {
        console.renew(&certificate(&shown), RenewRequest { csr: csr() }, peer()).await
    };
    let second = renew(first.clone()).await.unwrap();
    assert_eq!(second.director_id, first.director_id);
    assert!(
        console.target_for(&certificate(&first), peer()).await.is_ok(),
        "the old one stays good until it ends"
    );

    place.pass(31 * 86_400);
    let refused = console.target_for(&certificate(&second), peer()).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Identity { detail } if detail.contains("expired")), "{refused}");
    let third = renew(second.clone()).await.unwrap();
    assert!(console.target_for(&certificate(&third), peer()).await.is_ok());

    console.revoke(&admin("alice"), "web", "director-a").await.unwrap();
    for shown in [&second, &third] {
        let refused = renew(shown.clone()).await.unwrap_err();
        assert!(matches!(&refused, Refusal::Identity { detail } if detail.contains("revoked")), "{refused}");
    }
    assert!(!console.directors(&admin("alice"), "web").await.unwrap()[0].enrolled);
    assert!(matches!(
        console.repush(&admin("alice"), "web", "director-a").await.unwrap().outcome,
        PushOutcome::NotEnrolled
    ));

    let elsewhere = with_web().await;
    let foreign = joined(&elsewhere, "director-a").await;
    let refused = renew(foreign).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Identity { detail } if detail.contains("CA")), "{refused}");
    let own = CertificateDer::from_pem_file(place.folder.path().join("pki/console.pem")).unwrap();
    let refused = console.target_for(&own, peer()).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Identity { detail } if detail.contains("/console")), "{refused}");
}

#[tokio::test]
async fn a_replaced_machine_ends_the_certificate_of_the_old_one() {
    let place = with_web().await;
    let old = joined(&place, "director-a").await;
    let new = joined(&place, "director-a").await;
    assert_eq!(old.director_id, new.director_id);
    assert!(place.console.target_for(&certificate(&new), peer()).await.is_ok());
    let refused = place.console.target_for(&certificate(&old), peer()).await.unwrap_err();
    assert!(matches!(refused, Refusal::Identity { .. }), "{refused}");
}

#[tokio::test]
async fn each_director_gets_its_own_target_and_one_that_left_gets_none() {
    let place = with_web().await;
    let console = &place.console;
    let (a, b) = (joined(&place, "director-a").await, joined(&place, "director-b").await);
    assert_eq!(console.target_for(&certificate(&a), peer()).await.unwrap().director, "director-a");
    assert_eq!(console.target_for(&certificate(&b), peer()).await.unwrap().director, "director-b");

    let alice = admin("alice");
    console.change(&alice, "web", Edit::RemoveDirector("director-b".to_owned()), None).await.unwrap();
    console.change(&alice, "web", Edit::Redundancy(Default::default()), None).await.unwrap();
    console.activate(&alice, "web", "").await.unwrap();
    assert!(console.target_for(&certificate(&b), peer()).await.is_err());
    let views = console.directors(&alice, "web").await.unwrap();
    assert_eq!(
        views.iter().map(|v| (v.name.as_str(), v.seat.is_some())).collect::<Vec<_>>(),
        [("director-a", true), ("director-b", false)]
    );
    let held = console.repush(&alice, "web", "director-b").await.unwrap();
    assert!(matches!(held.outcome, PushOutcome::Held { .. }));
    console.delete_cluster(&alice, "web").await.unwrap();
    let gone = console.target_for(&certificate(&a), peer()).await.unwrap_err();
    assert!(matches!(gone, Refusal::Identity { .. }), "{gone}");
}

#[tokio::test]
async fn a_director_may_join_from_a_draft_and_keeps_its_identity_under_a_new_name() {
    let place = Place::new().await;
    let console = &place.console;
    let alice = admin("alice");
    console.create_cluster(&alice, web()).await.unwrap();
    let unknown = console.join_token(&alice, "web", "director-z", None).await;
    assert!(matches!(unknown, Err(Error::Missing(_))), "{unknown:?}");
    let others = console.join_token(&admin("bob"), "web", "director-a", None).await;
    assert!(matches!(others, Err(Error::Missing(_))), "it is only in alice's draft");
    let forbidden = console.join_token(&actor("alice", Role::Approver), "web", "director-a", None).await;
    assert!(matches!(forbidden, Err(Error::Forbidden { needs: Role::Admin })));
    let got = joined(&place, "director-a").await;
    let none = console.target_for(&certificate(&got), peer()).await.unwrap_err();
    assert!(matches!(none, Refusal::Failed { .. }), "nothing runs yet: {none}");
    console.activate(&alice, "web", "").await.unwrap();
    assert_eq!(console.target_for(&certificate(&got), peer()).await.unwrap().revision, 1);

    let mut director = web().directors[0].clone();
    director.name = "lb1".to_owned();
    let edit = Edit::PutDirector { previous: Some("director-a".to_owned()), director };
    console.change(&alice, "web", edit, None).await.unwrap();
    console.activate(&alice, "web", "").await.unwrap();
    let target = console.target_for(&certificate(&got), peer()).await.unwrap();
    assert_eq!((target.director.as_str(), target.director_id), ("lb1", got.director_id));
}

#[tokio::test]
async fn an_unreachable_director_is_a_result_and_is_remembered() {
    let place = with_web().await;
    let console = &place.console;
    joined(&place, "director-a").await;
    // A port that was free a moment ago: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    console.set_dial(&admin("alice"), "web", "director-a", &format!("127.0.0.1:{port}")).await.unwrap();
    let result = console.repush(&admin("alice"), "web", "director-a").await.unwrap();
    assert!(
        matches!(&result.outcome, PushOutcome::Unreachable { reason } if reason.contains("127.0.0.1")),
        "{result:?}"
    );
    let view = &console.directors(&admin("alice"), "web").await.unwrap()[0];
    let last = view.last_push.as_ref().unwrap();
    assert_eq!((last.revision, last.outcome.as_str()), (1, "unreachable"));
    let bad = console.set_dial(&admin("alice"), "web", "director-a", "https://x/").await;
    assert!(matches!(bad, Err(Error::Refused(_))), "{bad:?}");
}

#[tokio::test]
async fn a_started_console_says_why_a_director_is_not_connected() {
    let place = with_web().await;
    let console = &place.console;
    joined(&place, "director-a").await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    console.set_dial(&admin("alice"), "web", "director-a", &format!("127.0.0.1:{port}")).await.unwrap();
    let mut changes = console.changes();
    console.start();
    let deadline = std::time::Duration::from_secs(30);
    tokio::time::timeout(deadline, async {
        loop {
            changes.changed().await.unwrap();
            let live = console.live("web").await.unwrap();
            let a = &live.directors[0];
            assert!(!a.connected);
            if a.last_error.as_deref().is_some_and(|e| e.contains(&port.to_string())) {
                return;
            }
        }
    })
    .await
    .unwrap();
    console.stop().await;
}
