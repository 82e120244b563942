//! Passkeys, with an authenticator that signs: made, used alone and after a password, removed; and what they keep out.

use console::{
    Actor, AuditEntry, Console, NewSession, PasskeyError, PasskeyPlace, PasskeyQuestion, Role,
    SecondFactorError, SignIn,
};

use crate::authenticator::Authenticator;
use crate::place::{Place, address, admin};
use crate::software_key::SoftwareKey;

const PASSWORD: &str = "violet harbour kettle";
const OTHER: &str = "seven green anchors";
const HERE: &str = "lb.example:3636";
const ORIGIN: &str = "https://lb.example:3636";

fn at(console: &Console, authority: &str) -> PasskeyPlace {
    console.passkey_place_of_page(Some(authority), Some(&format!("https://{authority}"))).unwrap()
}

fn here(console: &Console) -> PasskeyPlace {
    at(console, HERE)
}

async fn signed_in(console: &Console, user: &str) -> SignIn {
    console.login(user, PASSWORD, address()).await.unwrap()
}

async fn person(console: &Console, user: &str) -> NewSession {
    console.set_password(&Actor::local(), user, PASSWORD, Role::Editor).await.unwrap();
    signed_in(console, user).await.whole().unwrap()
}

async fn begin(console: &Console, session: &NewSession, name: &str) -> Result<String, PasskeyError> {
    let (who, cookie) = (&session.info.actor, &session.cookie);
    console.begin_passkey(who, cookie, (PASSWORD, name), &here(console), address()).await
}

async fn finish(console: &Console, session: &NewSession, answer: &str) -> Result<Vec<String>, PasskeyError> {
    let (who, cookie) = (&session.info.actor, &session.cookie);
    console.finish_passkey(who, cookie, answer, &here(console), address()).await
}

async fn add(console: &Console, session: &NewSession, name: &str) -> (SoftwareKey, Vec<String>) {
    let options = begin(console, session, name).await.unwrap();
    let (key, answer) = SoftwareKey::make(&options, ORIGIN);
    let codes = finish(console, session, &answer).await.unwrap();
    (key, codes)
}

fn ask(console: &Console) -> PasskeyQuestion {
    console.ask_passkey(&here(console), address()).unwrap()
}

async fn enter(console: &Console, asked: &PasskeyQuestion, answer: &str) -> Result<NewSession, PasskeyError> {
    console.login_with_passkey(&asked.cookie, answer, &here(console), address()).await
}

/// Signs in with the passkey alone.
async fn alone(console: &Console, key: &mut SoftwareKey) -> Result<NewSession, PasskeyError> {
    let asked = ask(console);
    let answer = key.sign(&asked.options, ORIGIN);
    enter(console, &asked, &answer).await
}

async fn log(console: &Console, action: &str) -> Vec<AuditEntry> {
    let log = console.audit(&Actor::local(), None, None, 500).await.unwrap();
    log.into_iter().filter(|row| row.action == action).collect()
}

#[tokio::test]
async fn one_is_made_with_the_password_and_the_first_brings_recovery_codes() {
    let place = Place::new().await;
    let console = &place.console;
    let session = person(console, "alice").await;
    let elsewhere = signed_in(console, "alice").await.whole().unwrap();
    let (who, cookie) = (&session.info.actor, &session.cookie);
    let wrong = console.begin_passkey(who, cookie, (OTHER, "laptop"), &here(console), address()).await;
    assert!(matches!(wrong, Err(PasskeyError::WrongPassword)), "{wrong:?}");
    place.pass(2);
    for name in ["", "  ", "a\u{7}b", &"x".repeat(61)] {
        let refused = begin(console, &session, name).await;
        assert!(matches!(refused, Err(PasskeyError::Name)), "{name:?}: {refused:?}");
    }
    let over = finish(console, &session, "{}").await;
    assert!(matches!(over, Err(PasskeyError::Over)), "nothing was asked: {over:?}");

    let options = begin(console, &session, " laptop ").await.unwrap();
    let asked: serde_json::Value = serde_json::from_str(&options).unwrap();
    assert_eq!(
        (&asked["rp"]["id"], &asked["user"]["name"]),
        (&"lb.example".into(), &"alice".into()),
        "{asked}"
    );
    let (mut laptop, answer) = SoftwareKey::make(&options, ORIGIN);
    let stolen = finish(console, &elsewhere, &answer).await;
    assert!(matches!(stolen, Err(PasskeyError::Over)), "it is bound to the session: {stolen:?}");
    let codes = finish(console, &session, &answer).await.unwrap();
    assert_eq!(codes.len(), 10);
    let again = finish(console, &session, &answer).await;
    assert!(matches!(again, Err(PasskeyError::Over)), "once: {again:?}");
    assert!(console.session(&session.cookie).await.unwrap().is_some());
    assert!(console.session(&elsewhere.cookie).await.unwrap().is_none(), "other sessions end");

    // A second one, with the first named as one that is there.
    let taken = begin(console, &session, "laptop").await;
    assert!(matches!(taken, Err(PasskeyError::NameTaken)), "{taken:?}");
    let options = begin(console, &session, "phone").await.unwrap();
    let asked: serde_json::Value = serde_json::from_str(&options).unwrap();
    assert_eq!(asked["excludeCredentials"].as_array().unwrap().len(), 1, "{asked}");
    assert_eq!(asked["user"]["id"], laptop.handle.as_str(), "the same account to authenticators");
    let (_, answer) = SoftwareKey::make(&options, ORIGIN);
    assert_eq!(finish(console, &session, &answer).await.unwrap(), [""; 0], "the codes stay good");
    place.pass(60);
    alone(console, &mut laptop).await.unwrap();
    let own = console.own_passkeys(who).await.unwrap();
    let seen: Vec<_> =
        own.iter().map(|one| (one.name.as_str(), one.host.as_str(), one.used.is_some())).collect();
    assert_eq!(seen, [("laptop", "lb.example", true), ("phone", "lb.example", false)]);
    let state = console.second_factor(who).await.unwrap();
    assert_eq!((state.since, state.passkeys, state.recovery_codes, state.is_on()), (None, 2, 10, true));
    let added = log(console, "passkey.add").await;
    assert_eq!(
        (added.len(), added[1].subject.as_str(), added[1].detail.as_str()),
        (2, "alice", "laptop for lb.example")
    );
    let token = console.create_token(&Actor::local(), "ci", Role::Viewer, None).await.unwrap();
    let robot = console.bearer(&token.secret).await.unwrap().unwrap();
    assert!(console.own_passkeys(&robot).await.is_err(), "a token is no person");
}

#[tokio::test]
async fn a_new_one_that_was_made_elsewhere_or_unseen_is_refused() {
    let place = Place::new().await;
    let console = &place.console;
    let session = person(console, "alice").await;
    let challenge = |options: &str| {
        serde_json::from_str::<serde_json::Value>(options).unwrap()["challenge"].as_str().unwrap().to_owned()
    };
    for wrong in ["origin", "host", "challenge", "unverified", "garbage"] {
        let options = begin(console, &session, "laptop").await.unwrap();
        let (mut key, _) = SoftwareKey::make(&options, ORIGIN);
        let answer = match wrong {
            "origin" => key.registration(&challenge(&options), "https://evil.example"),
            "host" => {
                key.host = "evil.example".to_owned();
                key.registration(&challenge(&options), ORIGIN)
            }
            "challenge" => key.registration("AAAAAAAAAAAAAAAAAAAAAA", ORIGIN),
            "unverified" => {
                key.verifies = false;
                key.registration(&challenge(&options), ORIGIN)
            }
            _ => "{\"id\":\"AA\"}".to_owned(),
        };
        let refused = finish(console, &session, &answer).await;
        assert!(matches!(refused, Err(PasskeyError::Refused)), "{wrong}: {refused:?}");
    }
    // Answered too late, and at another name than asked.
    let options = begin(console, &session, "laptop").await.unwrap();
    place.pass(5 * 60);
    let late = finish(console, &session, &SoftwareKey::make(&options, ORIGIN).1).await;
    assert!(matches!(late, Err(PasskeyError::Over)), "{late:?}");
    let options = begin(console, &session, "laptop").await.unwrap();
    let (who, answer) = (&session.info.actor, SoftwareKey::make(&options, ORIGIN).1);
    let there = at(console, "other.example:3636");
    let moved = console.finish_passkey(who, &session.cookie, &answer, &there, address()).await;
    assert!(matches!(moved, Err(PasskeyError::Over)), "{moved:?}");
    assert!(console.own_passkeys(who).await.unwrap().is_empty());

    // A credential that somebody has cannot be another's as well.
    let (key, _) = add(console, &session, "laptop").await;
    let bob = person(console, "bob").await;
    let options = begin(console, &bob, "mine").await.unwrap();
    let twice = finish(console, &bob, &key.registration(&challenge(&options), ORIGIN)).await;
    assert!(matches!(twice, Err(PasskeyError::Refused)), "{twice:?}");
}

#[tokio::test]
async fn it_signs_in_alone_and_whatever_is_wrong_gets_one_answer() {
    let place = Place::new().await;
    let console = &place.console;
    let session = person(console, "alice").await;
    let (mut key, _) = add(console, &session, "laptop").await;
    let entered = alone(console, &mut key).await.unwrap();
    assert_eq!(entered.info.actor.name, "alice");
    assert!(console.session(&entered.cookie).await.unwrap().is_some());

    // The same answer again, to the same question and to another.
    let asked = ask(console);
    let answer = key.sign(&asked.options, ORIGIN);
    enter(console, &asked, &answer).await.unwrap();
    let replayed = enter(console, &asked, &answer).await;
    assert!(matches!(replayed, Err(PasskeyError::Over)), "{replayed:?}");
    place.pass(2);
    let replayed = enter(console, &ask(console), &answer).await;
    assert!(matches!(replayed, Err(PasskeyError::Refused)), "{replayed:?}");
    place.pass(900);

    let sign = |key: &mut SoftwareKey, asked: &PasskeyQuestion| key.sign(&asked.options, ORIGIN);
    for wrong in ["origin", "host", "challenge", "unverified", "signature", "unknown", "handle"] {
        let asked = ask(console);
        let answer = match wrong {
            "origin" => key.sign(&asked.options, "https://evil.example"),
            "host" => {
                key.host = "evil.example".to_owned();
                let answer = sign(&mut key, &asked);
                key.host = "lb.example".to_owned();
                answer
            }
            "challenge" => {
                key.counter += 1;
                key.proof("AAAAAAAAAAAAAAAAAAAAAA", ORIGIN)
            }
            "unverified" => {
                key.verifies = false;
                let answer = sign(&mut key, &asked);
                key.verifies = true;
                answer
            }
            "signature" => {
                let (ours, theirs) = (sign(&mut key, &asked), sign(&mut key, &ask(console)));
                let mut answer: serde_json::Value = serde_json::from_str(&ours).unwrap();
                let theirs: serde_json::Value = serde_json::from_str(&theirs).unwrap();
                answer["response"]["signature"] = theirs["response"]["signature"].clone();
                answer.to_string()
            }
            "unknown" => {
                let id = std::mem::replace(&mut key.id, vec![9; 32]);
                let answer = sign(&mut key, &asked);
                key.id = id;
                answer
            }
            _ => {
                let answer: serde_json::Value = serde_json::from_str(&sign(&mut key, &asked)).unwrap();
                let handle = answer["response"]["userHandle"].as_str().unwrap().to_owned();
                answer.to_string().replace(&handle, &format!("AAAA{}", &handle[4..]))
            }
        };
        let refused = enter(console, &asked, &answer).await;
        assert!(matches!(refused, Err(PasskeyError::Refused)), "{wrong}: {refused:?}");
        place.pass(900);
        alone(console, &mut key).await.unwrap_or_else(|error| panic!("after {wrong}: {error}"));
    }
    let refused = log(console, "passkey.refused").await;
    assert_eq!(refused.len(), 8);
    assert!(refused.iter().all(|row| row.actor == "nobody" && row.source == "192.0.2.99"), "{refused:?}");
    let unknown = refused.iter().filter(|row| row.subject == "(unknown passkey)").count();
    assert_eq!(unknown, 1, "{refused:?}");
    let logins = log(console, "passkey.login").await;
    assert_eq!(logins.len(), 9);
    assert_eq!(
        (logins[0].actor.as_str(), logins[0].detail.as_str()),
        ("account/alice", "laptop for lb.example, alone")
    );
    assert_eq!(log(console, "session.login").await.len(), 10, "one with the password");

    // Too late, by another browser, at another name, of an account that is switched off, removed.
    let asked = ask(console);
    let answer = key.sign(&asked.options, ORIGIN);
    let other = ask(console);
    let stolen = enter(console, &other, &answer).await;
    assert!(matches!(stolen, Err(PasskeyError::Refused)), "{stolen:?}");
    place.pass(5 * 60);
    let late = enter(console, &asked, &answer).await;
    assert!(matches!(late, Err(PasskeyError::Over)), "{late:?}");
    place.pass(900);
    let there = at(console, "other.example:3636");
    let asked = console.ask_passkey(&there, address()).unwrap();
    key.host = "other.example".to_owned();
    let answer = key.sign(&asked.options, "https://other.example:3636");
    let elsewhere = console.login_with_passkey(&asked.cookie, &answer, &there, address()).await;
    assert!(matches!(elsewhere, Err(PasskeyError::Refused)), "a passkey of another name: {elsewhere:?}");
    key.host = "lb.example".to_owned();
    place.pass(900);
    console.change_account(&Actor::local(), "alice", None, Some(true)).await.unwrap();
    let disabled = alone(console, &mut key).await;
    assert!(matches!(disabled, Err(PasskeyError::Refused)), "{disabled:?}");
    console.change_account(&Actor::local(), "alice", None, Some(false)).await.unwrap();
    place.pass(900);
    alone(console, &mut key).await.unwrap();
    let id = console.passkeys(&Actor::local(), "alice").await.unwrap()[0].id.clone();
    console.remove_passkey(&Actor::local(), "alice", &id).await.unwrap();
    let removed = alone(console, &mut key).await;
    assert!(matches!(removed, Err(PasskeyError::Refused)), "{removed:?}");
}

#[tokio::test]
async fn wrong_answers_wait_longer_each_time() {
    let place = Place::new().await;
    let console = &place.console;
    let session = person(console, "alice").await;
    let (mut key, _) = add(console, &session, "laptop").await;
    for wait in [1, 2, 4, 8] {
        let asked = ask(console);
        let answer = key.sign(&asked.options, "https://evil.example");
        let refused = enter(console, &asked, &answer).await;
        assert!(matches!(refused, Err(PasskeyError::Refused)), "{refused:?}");
        let early = alone(console, &mut key).await;
        assert!(matches!(early, Err(PasskeyError::Wait { .. })), "{wait}: {early:?}");
        place.pass(wait);
    }
    alone(console, &mut key).await.unwrap();
}

#[tokio::test]
async fn a_counter_that_goes_back_is_told_as_a_copy() {
    let place = Place::new().await;
    let console = &place.console;
    let session = person(console, "alice").await;
    let (mut key, _) = add(console, &session, "laptop").await;
    alone(console, &mut key).await.unwrap();
    key.counter -= 1;
    let copied = alone(console, &mut key).await;
    assert!(matches!(copied, Err(PasskeyError::Copied)), "{copied:?}");
    let own = console.own_passkeys(&session.info.actor).await.unwrap();
    assert!(own[0].suspect.is_some(), "{own:?}");
    let rows = log(console, "passkey.refused").await;
    assert!(rows[0].detail.contains("as if there were a copy") && rows[0].subject == "alice", "{rows:?}");
    place.pass(2);
    alone(console, &mut key).await.expect("the one that is ahead goes on");
}

#[tokio::test]
async fn after_the_password_it_takes_the_place_of_a_code() {
    let place = Place::new().await;
    let console = &place.console;
    let session = person(console, "alice").await;
    let (mut key, codes) = add(console, &session, "laptop").await;
    let bob = person(console, "bob").await;
    let (mut bobs, _) = add(console, &bob, "bob's").await;
    let half = signed_in(console, "alice").await.half().expect("a passkey is asked for");
    let waits = console.awaits_code(&half.cookie).await.unwrap().unwrap();
    assert_eq!((waits.app, waits.passkey), (false, true));
    let none = console.ask_second_passkey("nothing", &here(console), address()).await;
    assert!(matches!(none, Err(PasskeyError::Over)), "{none:?}");
    let second = |half: &str, answer: String| {
        let half = half.to_owned();
        async move { console.finish_login_with_passkey(&half, &answer, &here(console), address()).await }
    };
    // Somebody else's passkey, which would be right alone.
    let options = console.ask_second_passkey(&half.cookie, &here(console), address()).await.unwrap();
    let others = second(&half.cookie, bobs.sign(&options, ORIGIN)).await;
    assert!(matches!(others, Err(PasskeyError::Refused)), "{others:?}");
    place.pass(2);
    // An answer to the question of a login without a password is none to this one.
    let asked = ask(console);
    let crossed = second(&half.cookie, key.sign(&asked.options, ORIGIN)).await;
    assert!(matches!(crossed, Err(PasskeyError::Over)), "{crossed:?}");
    place.pass(2);
    let options = console.ask_second_passkey(&half.cookie, &here(console), address()).await.unwrap();
    let entered = second(&half.cookie, key.sign(&options, ORIGIN)).await.unwrap();
    assert_eq!(entered.info.actor.name, "alice");
    let again = console.ask_second_passkey(&half.cookie, &here(console), address()).await;
    assert!(matches!(again, Err(PasskeyError::Over)), "half a login is good once: {again:?}");
    let logins = log(console, "passkey.login").await;
    assert_eq!(logins[0].detail, "laptop for lb.example, after the password");

    // Recovery codes stand alone where there is no app; six digits are nothing here.
    let half = signed_in(console, "alice").await.half().unwrap();
    let digits = console.finish_login(&half.cookie, "123456", address()).await;
    assert!(matches!(digits, Err(SecondFactorError::WrongCode)), "{digits:?}");
    place.pass(2);
    let (_, left) = console.finish_login(&half.cookie, &codes[0], address()).await.unwrap();
    assert_eq!(left, Some(9));
    let half = signed_in(console, "alice").await.half().unwrap();
    let used = console.finish_login(&half.cookie, &codes[0], address()).await;
    assert!(matches!(used, Err(SecondFactorError::WrongCode)), "{used:?}");
    place.pass(2);
    let fresh = console.new_recovery_codes(&session.info.actor, PASSWORD, "", address()).await.unwrap();
    assert_eq!(fresh.len(), 10);
    let half = signed_in(console, "alice").await.half().unwrap();
    let old = console.finish_login(&half.cookie, &codes[1], address()).await;
    assert!(matches!(old, Err(SecondFactorError::WrongCode)), "{old:?}");
}

#[tokio::test]
async fn it_goes_with_the_password_and_the_last_takes_the_codes_along() {
    let place = Place::new().await;
    let console = &place.console;
    let session = person(console, "alice").await;
    let (mut key, _) = add(console, &session, "laptop").await;
    let (who, cookie) = (&session.info.actor, &session.cookie);
    let elsewhere = alone(console, &mut key).await.unwrap();
    let id = console.own_passkeys(who).await.unwrap()[0].id.clone();
    let wrong = console.remove_own_passkey(who, cookie, &id, OTHER, address()).await;
    assert!(matches!(wrong, Err(PasskeyError::WrongPassword)), "{wrong:?}");
    place.pass(2);
    let bob = person(console, "bob").await;
    let others = console.remove_own_passkey(&bob.info.actor, &bob.cookie, &id, PASSWORD, address()).await;
    assert!(matches!(others, Err(PasskeyError::Missing(_))), "{others:?}");
    console.remove_own_passkey(who, cookie, &id, PASSWORD, address()).await.unwrap();
    assert!(console.session(&elsewhere.cookie).await.unwrap().is_none());
    assert!(console.session(cookie).await.unwrap().is_some());
    let state = console.second_factor(who).await.unwrap();
    assert_eq!((state.passkeys, state.recovery_codes, state.is_on()), (0, 0, false));
    signed_in(console, "alice").await.whole().expect("the password alone");
    assert_eq!(log(console, "passkey.remove").await[0].detail, "laptop for lb.example by its person");
}

#[tokio::test]
async fn an_app_beside_it_leaves_the_codes_and_is_not_confirmed_by_one() {
    let place = Place::new().await;
    let console = &place.console;
    let session = person(console, "alice").await;
    let (_, codes) = add(console, &session, "laptop").await;
    let (who, cookie) = (&session.info.actor, &session.cookie);
    let begun = console.begin_second_factor(who, PASSWORD, address()).await.unwrap();
    let with_code = console.confirm_second_factor(who, cookie, &codes[0], address()).await;
    assert!(matches!(with_code, Err(SecondFactorError::WrongCode)), "{with_code:?}");
    place.pass(2);
    let app = Authenticator::of(&begun.secret);
    let first = app.code(place.now());
    assert_eq!(console.confirm_second_factor(who, cookie, &first, address()).await.unwrap(), [""; 0]);
    let state = console.second_factor(who).await.unwrap();
    assert_eq!((state.since.is_some(), state.recovery_codes), (true, 10));
    let half = signed_in(console, "alice").await.half().unwrap();
    console.finish_login(&half.cookie, &codes[0], address()).await.unwrap();
    // Without the app the passkey stays, and the codes with it.
    place.pass(30);
    let code = app.code(place.now());
    console.end_second_factor(who, cookie, PASSWORD, &code, address()).await.unwrap();
    let state = console.second_factor(who).await.unwrap();
    assert_eq!((state.since, state.passkeys, state.recovery_codes), (None, 1, 9));
    let none = console.end_second_factor(who, cookie, PASSWORD, &codes[1], address()).await;
    assert!(matches!(none, Err(SecondFactorError::Over)), "there is no app: {none:?}");
}

#[tokio::test]
async fn it_is_what_administrators_demand_and_take_away() {
    let place = Place::new().await;
    let console = &place.console;
    let session = person(console, "alice").await;
    console.require_second_factor(&Actor::local(), Some(Role::Editor)).await.unwrap();
    assert!(console.session(&session.cookie).await.unwrap().unwrap().must_enrol);
    let (mut key, _) = add(console, &session, "laptop").await;
    assert!(!console.session(&session.cookie).await.unwrap().unwrap().must_enrol);
    assert!(console.account(&Actor::local(), "alice").await.unwrap().second_factor);

    let own = console.remove_passkey(&admin("alice"), "Alice", "x").await;
    assert!(matches!(own, Err(PasskeyError::Own)), "{own:?}");
    let editor = console.passkeys(&session.info.actor, "alice").await;
    assert!(matches!(editor, Err(PasskeyError::Forbidden { needs: Role::Admin })), "{editor:?}");
    let missing = console.remove_passkey(&Actor::local(), "alice", "pk_none").await;
    assert!(matches!(missing, Err(PasskeyError::Missing(_))), "{missing:?}");
    console.remove_second_factor(&Actor::local(), "alice").await.unwrap();
    assert!(console.session(&session.cookie).await.unwrap().is_none());
    let gone = alone(console, &mut key).await;
    assert!(matches!(gone, Err(PasskeyError::Refused)), "{gone:?}");
    assert!(!console.account(&Actor::local(), "alice").await.unwrap().second_factor);
    assert!(signed_in(console, "alice").await.whole().unwrap().info.must_enrol);
    let none = console.remove_second_factor(&Actor::local(), "alice").await;
    assert!(matches!(none, Err(SecondFactorError::Off)), "{none:?}");
    assert_eq!(log(console, "second-factor.remove").await[0].detail, "passkeys: 1");
}
