//! The second factor: set up, asked for at the login, used up, taken away; and what it keeps out.

use console::{Actor, AuditEntry, HalfSession, LoginError, NewSession, Role, SecondFactorError, SignIn};

use crate::authenticator::Authenticator;
use crate::place::{Place, actor, address, admin};

const PASSWORD: &str = "violet harbour kettle";
const OTHER: &str = "seven green anchors";

/// Alice's console, and what she signs in with.
struct Alice {
    place: Place,
    app: Authenticator,
    recovery: Vec<String>,
    session: NewSession,
}

impl Alice {
    /// With a second factor.
    async fn new() -> Alice {
        let place = Place::new().await;
        place.console.set_password(&Actor::local(), "alice", PASSWORD, Role::Editor).await.unwrap();
        let session = signed_in(&place).await.whole().unwrap();
        let (app, recovery) = enrol(&place, &session).await;
        Alice { place, app, recovery, session }
    }

    /// The code of now; each is good once, so time passes first.
    fn code(&self) -> String {
        self.place.pass(30);
        self.app.code(self.place.now())
    }

    async fn half(&self) -> HalfSession {
        signed_in(&self.place).await.half().expect("a code is asked for")
    }

    async fn finish(&self, code: &str) -> Result<(NewSession, Option<usize>), SecondFactorError> {
        let half = self.half().await;
        self.place.console.finish_login(&half.cookie, code, address()).await
    }

    async fn log(&self, action: &str) -> Vec<AuditEntry> {
        let log = self.place.console.audit(&Actor::local(), None, None, 500).await.unwrap();
        log.into_iter().filter(|row| row.action == action).collect()
    }
}

async fn signed_in(place: &Place) -> SignIn {
    place.console.login("alice", PASSWORD, address()).await.unwrap()
}

async fn enrol(place: &Place, session: &NewSession) -> (Authenticator, Vec<String>) {
    let alice = &session.info.actor;
    let begun = place.console.begin_second_factor(alice, PASSWORD, address()).await.unwrap();
    let app = Authenticator::of(&begun.secret);
    assert_eq!(Authenticator::of_address(&begun.address), app, "the picture says the same");
    let code = app.code(place.now());
    let recovery =
        place.console.confirm_second_factor(alice, &session.cookie, &code, address()).await.unwrap();
    (app, recovery)
}

#[tokio::test]
async fn it_is_set_up_with_the_password_and_a_first_code() {
    let place = Place::new().await;
    let console = &place.console;
    console.set_password(&Actor::local(), "alice", PASSWORD, Role::Editor).await.unwrap();
    let session = signed_in(&place).await.whole().unwrap();
    let elsewhere = signed_in(&place).await.whole().unwrap();
    let alice = &session.info.actor;
    let wrong = console.begin_second_factor(alice, OTHER, address()).await;
    assert!(matches!(wrong, Err(SecondFactorError::WrongPassword)), "{wrong:?}");
    place.pass(2);
    let early = console.confirm_second_factor(alice, &session.cookie, "123456", address()).await;
    assert!(matches!(early, Err(SecondFactorError::Over)), "nothing was begun: {early:?}");

    // Begun and never confirmed, it asks for nothing; begun too long ago, it cannot be confirmed.
    let begun = console.begin_second_factor(alice, PASSWORD, address()).await.unwrap();
    assert_eq!(begun.secret.len(), 39, "160 bits in groups of four: {}", begun.secret);
    signed_in(&place).await.whole().unwrap();
    place.pass(10 * 60);
    let code = Authenticator::of(&begun.secret).code(place.now());
    let late = console.confirm_second_factor(alice, &session.cookie, &code, address()).await;
    assert!(matches!(late, Err(SecondFactorError::Over)), "{late:?}");
    assert!(matches!(console.begun_second_factor(alice).await, Err(SecondFactorError::Over)));

    // A wrong first code, then the right one for what is shown once more.
    let begun = console.begin_second_factor(alice, PASSWORD, address()).await.unwrap();
    let wrong = console.confirm_second_factor(alice, &session.cookie, "abcdef", address()).await;
    assert!(matches!(wrong, Err(SecondFactorError::WrongCode)), "{wrong:?}");
    place.pass(2);
    assert_eq!(console.begun_second_factor(alice).await.unwrap().secret, begun.secret);
    let code = Authenticator::of(&begun.secret).code(place.now());
    let codes = console.confirm_second_factor(alice, &session.cookie, &code, address()).await.unwrap();
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 19), "{codes:?}");
    let state = console.second_factor(alice).await.unwrap();
    assert_eq!((state.since.is_some(), state.recovery_codes, state.required), (true, 10, false));
    assert!(console.session(&session.cookie).await.unwrap().is_some());
    assert!(console.session(&elsewhere.cookie).await.unwrap().is_none(), "other sessions end");
    let twice = console.begin_second_factor(alice, PASSWORD, address()).await;
    assert!(matches!(twice, Err(SecondFactorError::On)), "{twice:?}");
    let listed = console.account(&Actor::local(), "alice").await.unwrap();
    assert!(listed.second_factor);
    let log = console.audit(&Actor::local(), None, None, 10).await.unwrap();
    assert!(log.iter().any(|row| row.action == "second-factor.enrol" && row.subject == "alice"), "{log:?}");
    let token = console.create_token(&Actor::local(), "ci", Role::Viewer, None).await.unwrap();
    let robot = console.bearer(&token.secret).await.unwrap().unwrap();
    let none = console.begin_second_factor(&robot, PASSWORD, address()).await;
    assert!(matches!(none, Err(SecondFactorError::Missing(_))), "a token is no person: {none:?}");
}

#[tokio::test]
async fn a_password_alone_opens_nothing_and_each_code_is_good_once() {
    let alice = Alice::new().await;
    let console = &alice.place.console;
    let half = alice.half().await;
    assert!(console.session(&half.cookie).await.unwrap().is_none(), "no session");
    assert!(console.awaits_code(&half.cookie).await.unwrap().is_some());
    let code = alice.code();
    let spaced = format!(" {} {}", &code[..3], &code[3..]);
    let (session, left) = console.finish_login(&half.cookie, &spaced, address()).await.unwrap();
    assert_eq!((session.info.actor.name.as_str(), left), ("alice", None));
    let again = console.finish_login(&half.cookie, &code, address()).await;
    assert!(matches!(again, Err(SecondFactorError::Over)), "a half login is good once: {again:?}");

    // The same code by somebody who looked over her shoulder, and the one before it.
    let replayed = alice.finish(&code).await;
    assert!(matches!(replayed, Err(SecondFactorError::WrongCode)), "{replayed:?}");
    alice.place.pass(2);
    let older = alice.app.code(alice.place.now() - 30);
    let replayed = alice.finish(&older).await;
    assert!(matches!(replayed, Err(SecondFactorError::WrongCode)), "{replayed:?}");
    alice.place.pass(60);
    // A clock that is one step ahead or behind is forgiven, two are not.
    alice.finish(&alice.app.code(alice.place.now() - 30)).await.unwrap();
    alice.finish(&alice.app.code(alice.place.now() + 30)).await.unwrap();
    alice.place.pass(60);
    for off in [-60, 60] {
        let code = alice.app.code(alice.place.now() + off);
        assert!(matches!(alice.finish(&code).await, Err(SecondFactorError::WrongCode)), "{off}");
        alice.place.pass(3);
    }
    let refused = alice.log("second-factor.refused").await;
    assert_eq!(refused.len(), 4);
    assert!(refused.iter().all(|row| row.actor == "nobody" && row.subject == "alice"), "{refused:?}");
    assert_eq!(refused[0].source, "192.0.2.99");
}

#[tokio::test]
async fn a_half_login_ends_by_age_and_with_the_password() {
    let alice = Alice::new().await;
    let console = &alice.place.console;
    let half = alice.half().await;
    alice.place.pass(5 * 60);
    assert!(console.awaits_code(&half.cookie).await.unwrap().is_none());
    let late = console.finish_login(&half.cookie, &alice.code(), address()).await;
    assert!(matches!(late, Err(SecondFactorError::Over)), "{late:?}");

    let half = alice.half().await;
    console.set_password(&Actor::local(), "alice", OTHER, Role::Editor).await.unwrap();
    let over = console.finish_login(&half.cookie, &alice.code(), address()).await;
    assert!(matches!(over, Err(SecondFactorError::Over)), "{over:?}");
    // A password that a code has set is one half as well.
    console.set_password(&Actor::local(), "root", PASSWORD, Role::Admin).await.unwrap();
    let reset = console.reset_password(&admin("root"), "alice").await.unwrap();
    let entered = console.use_password_code(&reset.code, PASSWORD, address()).await.unwrap();
    let half = entered.half().expect("a code is asked for");
    console.change_account(&admin("root"), "alice", None, Some(true)).await.unwrap();
    assert!(console.finish_login(&half.cookie, &alice.code(), address()).await.is_err(), "disabled");
    for cookie in ["", "x", &"a".repeat(43), &"é".repeat(1 << 10)] {
        assert!(console.awaits_code(cookie).await.unwrap().is_none());
        let nobody = console.finish_login(cookie, "123456", address()).await;
        assert!(matches!(nobody, Err(SecondFactorError::Over)), "{nobody:?}");
    }
}

#[tokio::test]
async fn recovery_codes_are_good_once_and_others_take_their_place() {
    let mut alice = Alice::new().await;
    let code = alice.recovery[0].clone();
    let (_, left) = alice.finish(&code.to_uppercase().replace('-', " ")).await.unwrap();
    assert_eq!(left, Some(9));
    let used = alice.finish(&code).await;
    assert!(matches!(used, Err(SecondFactorError::WrongCode)), "{used:?}");
    alice.place.pass(2);
    let rows = alice.log("second-factor.recovery").await;
    assert_eq!((rows[0].actor.as_str(), rows[0].detail.as_str()), ("account/alice", "9 left"));

    let person = alice.session.info.actor.clone();
    let console = &alice.place.console;
    let wrong = console.new_recovery_codes(&person, OTHER, &alice.code(), address()).await;
    assert!(matches!(wrong, Err(SecondFactorError::WrongPassword)), "{wrong:?}");
    alice.place.pass(2);
    let wrong = console.new_recovery_codes(&person, PASSWORD, "000000", address()).await;
    assert!(matches!(wrong, Err(SecondFactorError::WrongCode)), "{wrong:?}");
    alice.place.pass(2);
    let fresh = console.new_recovery_codes(&person, PASSWORD, &alice.code(), address()).await.unwrap();
    let old = std::mem::replace(&mut alice.recovery, fresh);
    let gone = alice.finish(&old[1]).await;
    assert!(matches!(gone, Err(SecondFactorError::WrongCode)), "{gone:?}");
    alice.place.pass(2);
    assert_eq!(alice.finish(&alice.recovery[1]).await.unwrap().1, Some(9));
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_and_ends_after_eight() {
    let alice = Alice::new().await;
    let console = &alice.place.console;
    let mut waited = Vec::new();
    for _ in 0..8 {
        let half = alice.half().await;
        assert!(matches!(alice.finish("000000").await, Err(SecondFactorError::WrongCode)));
        // A right password does not make the wait any shorter, and neither does another address.
        let early =
            console.finish_login(&half.cookie, &alice.app.code(0), "198.51.100.7".parse().unwrap()).await;
        let Err(SecondFactorError::Wait { seconds }) = early else { panic!("{early:?}") };
        waited.push(seconds);
        alice.place.pass(i64::try_from(seconds).unwrap());
    }
    assert_eq!(waited, [1, 2, 4, 8, 16, 32, 64, 128]);
    let stopped = alice.finish(&alice.code()).await;
    assert!(matches!(stopped, Err(SecondFactorError::Stopped)), "even the right one: {stopped:?}");
    alice.place.pass(256);
    assert!(
        alice.log("second-factor.refused").await.iter().any(|row| row.detail.contains("not taken any more"))
    );
    alice.finish(&alice.recovery[0]).await.unwrap();
    alice.finish(&alice.code()).await.expect("a recovery code puts it right");
}

#[tokio::test]
async fn it_is_taken_away_by_its_person_with_a_code_or_by_an_administrator() {
    let alice = Alice::new().await;
    let console = &alice.place.console;
    let (person, cookie) = (alice.session.info.actor.clone(), alice.session.cookie.clone());
    let wrong = console.end_second_factor(&person, &cookie, PASSWORD, "000000", address()).await;
    assert!(matches!(wrong, Err(SecondFactorError::WrongCode)), "{wrong:?}");
    alice.place.pass(2);
    console.end_second_factor(&person, &cookie, PASSWORD, &alice.code(), address()).await.unwrap();
    signed_in(&alice.place).await.whole().expect("the password is enough again");
    assert!(console.session(&cookie).await.unwrap().is_some());
    assert_eq!(console.second_factor(&person).await.unwrap().recovery_codes, 0);

    enrol(&alice.place, &alice.session).await;
    let half = alice.half().await;
    let forbidden = console.remove_second_factor(&actor("eve", Role::Approver), "alice").await;
    assert!(matches!(forbidden, Err(SecondFactorError::Forbidden { needs: Role::Admin })), "{forbidden:?}");
    let own = console.remove_second_factor(&admin("Alice"), "alice").await;
    assert!(matches!(own, Err(SecondFactorError::Own)), "one's own needs a code: {own:?}");
    console.remove_second_factor(&admin("root"), "alice").await.unwrap();
    assert!(console.session(&cookie).await.unwrap().is_none(), "sessions end");
    assert!(console.awaits_code(&half.cookie).await.unwrap().is_none());
    signed_in(&alice.place).await.whole().expect("the password is enough");
    let off = console.remove_second_factor(&Actor::local(), "alice").await;
    assert!(matches!(off, Err(SecondFactorError::Off)), "{off:?}");
    let nobody = console.remove_second_factor(&Actor::local(), "nobody").await;
    assert!(matches!(nobody, Err(SecondFactorError::Missing(_))), "{nobody:?}");
    let rows = alice.log("second-factor.remove").await;
    let who: Vec<&str> = rows.iter().map(|row| row.actor.as_str()).collect();
    assert_eq!(who, ["account/root", "account/alice"]);
}

#[tokio::test]
async fn where_it_is_demanded_a_session_without_one_says_so() {
    let place = Place::new().await;
    let console = &place.console;
    console.set_password(&Actor::local(), "alice", PASSWORD, Role::Editor).await.unwrap();
    let session = signed_in(&place).await.whole().unwrap();
    let must = async || console.session(&session.cookie).await.unwrap().unwrap().must_enrol;
    assert!(!session.info.must_enrol && !must().await);
    let forbidden = console.require_second_factor(&actor("alice", Role::Approver), None).await;
    assert!(forbidden.is_err());
    for (least, expected) in [(Role::Admin, false), (Role::Editor, true), (Role::Viewer, true)] {
        console.require_second_factor(&admin("root"), Some(least)).await.unwrap();
        assert_eq!(console.second_factor_required().await.unwrap(), Some(least));
        assert_eq!(must().await, expected, "{least}");
        assert_eq!(signed_in(&place).await.whole().unwrap().info.must_enrol, expected);
    }
    // Tokens have no device: they are not concerned.
    let token = console.create_token(&Actor::local(), "ci", Role::Editor, None).await.unwrap();
    assert!(console.bearer(&token.secret).await.unwrap().is_some());
    enrol(&place, &session).await;
    assert!(!must().await);
    console.require_second_factor(&admin("root"), None).await.unwrap();
    assert_eq!(console.second_factor_required().await.unwrap(), None);
    let log = console.audit(&Actor::local(), None, None, 1).await.unwrap();
    assert_eq!(
        (log[0].action.as_str(), log[0].detail.as_str()),
        ("settings.second-factor", "viewer -> nobody")
    );
}

#[tokio::test]
async fn no_secret_of_it_is_in_the_database_and_another_key_opens_none() {
    let alice = Alice::new().await;
    let half = alice.half().await;
    let (cookie, code) = (alice.session.cookie.clone(), alice.code());
    alice.place.console.stop().await;
    let bytes = std::fs::read(alice.place.folder.path().join("caribe.db")).unwrap();
    let found = |piece: &[u8]| bytes.windows(piece.len()).any(|window| window == piece);
    assert!(found(b"alice"));
    let letters = alice.recovery[0].replace('-', "");
    for secret in [alice.app.key(), half.cookie.as_bytes(), cookie.as_bytes(), letters.as_bytes()] {
        assert!(!found(secret), "{secret:?}");
    }
    // The database without the key beside it: codes of the app are of no use, recovery codes are.
    std::fs::remove_file(alice.place.folder.path().join("pki/secrets.key")).unwrap();
    let again = alice.place.again().await;
    let half = async || again.login("alice", PASSWORD, address()).await.unwrap().half().unwrap();
    let lost = again.finish_login(&half().await.cookie, &code, address()).await;
    assert!(matches!(lost, Err(SecondFactorError::Stopped)), "{lost:?}");
    alice.place.pass(2);
    again.finish_login(&half().await.cookie, &alice.recovery[0], address()).await.unwrap();
    let wrong = again.login("alice", OTHER, address()).await;
    assert!(matches!(wrong, Err(LoginError::Wrong)), "{wrong:?}");
    again.stop().await;
}
