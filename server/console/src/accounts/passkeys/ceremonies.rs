//! What browsers were asked about passkeys and have not answered yet.
//!
//! Each question is good once, for five minutes, for whoever was asked: a session, a login after its password, or a
//! browser at the login. In memory alone, and bounded: whoever asks too often puts out their own first. Called by the
//! functions beside it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use webauthn_rp::request::register::USER_HANDLE_MAX_LEN;
use webauthn_rp::{DiscoverableAuthenticationServerState, RegistrationServerState};

use super::PasskeyPlace;
use crate::accounts::backoff::network;

/// Seconds from question to answer.
pub(super) const LIFE: i64 = 5 * 60;
/// Questions that are open at once.
const MOST: usize = 4096;
/// Those of one address.
const MOST_OF_ONE: usize = 64;

/// What was asked for.
#[derive(Debug)]
pub(super) enum Question {
    /// A new passkey, and what it will be called.
    New {
        state: RegistrationServerState<USER_HANDLE_MAX_LEN>,
        account: String,
        handle: [u8; USER_HANDLE_MAX_LEN],
        name: String,
    },
    /// A signature of one that is there.
    Proof(DiscoverableAuthenticationServerState),
}

#[derive(Debug)]
struct Open {
    question: Question,
    place: PasskeyPlace,
    from: IpAddr,
    until: i64,
}

/// All that is open.
#[derive(Debug, Default)]
pub(in crate::accounts) struct Ceremonies {
    open: Mutex<HashMap<String, Open>>,
}

impl Ceremonies {
    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks whoever `whom` names, in place of what they were asked before.
    pub(super) fn ask(&self, whom: String, question: Question, place: &PasskeyPlace, from: IpAddr, now: i64) {
        let mut all = self.locked();
        all.retain(|_, open| open.until > now);
        all.remove(&whom);
        let from = network(from);
        let oldest = |all: &HashMap<String, Open>, fits: &dyn Fn(&Open) -> bool| {
            let of = all.iter().filter(|(_, open)| fits(open));
            of.min_by_key(|(_, open)| open.until).map(|(whom, _)| whom.clone())
        };
        let full_of_one = all.values().filter(|open| open.from == from).count() >= MOST_OF_ONE;
        let out = if full_of_one {
            oldest(&all, &|open| open.from == from)
        } else if all.len() >= MOST {
            oldest(&all, &|_| true)
        } else {
            None
        };
        if let Some(out) = out {
            all.remove(&out);
        }
        all.insert(whom, Open { question, place: place.clone(), from, until: now + LIFE });
    }

    /// What they were asked, once, where they answer in time and at the same place.
    pub(super) fn take(&self, whom: &str, place: &PasskeyPlace, now: i64) -> Option<Question> {
        let open = self.locked().remove(whom)?;
        (open.until > now && open.place == *place).then_some(open.question)
    }
}

#[cfg(test)]
mod tests {
    use webauthn_rp::DiscoverableCredentialRequestOptions;
    use webauthn_rp::request::{AsciiDomain, RpId};

    use super::*;

    fn question() -> Question {
        let host = RpId::Domain(AsciiDomain::try_from("lb.example".to_owned()).unwrap());
        Question::Proof(DiscoverableCredentialRequestOptions::passkey(&host).start_ceremony().unwrap().0)
    }

    fn place(host: &str) -> PasskeyPlace {
        PasskeyPlace { host: host.to_owned(), origin: format!("https://{host}") }
    }

    #[test]
    fn each_is_good_once_in_time_and_at_its_place() {
        let all = Ceremonies::default();
        let (here, from) = (place("lb.example"), IpAddr::from([192, 0, 2, 1]));
        let ask = || all.ask("me".to_owned(), question(), &here, from, 10);
        ask();
        assert!(all.take("you", &here, 10).is_none());
        assert!(all.take("me", &here, 10 + LIFE - 1).is_some());
        assert!(all.take("me", &here, 11).is_none(), "once");
        ask();
        assert!(all.take("me", &here, 10 + LIFE).is_none(), "too late");
        ask();
        assert!(all.take("me", &place("other.example"), 11).is_none());
        assert!(all.take("me", &here, 11).is_none(), "a wrong place uses it up");
    }

    #[test]
    fn the_memory_is_bounded_and_one_address_puts_out_its_own() {
        let all = Ceremonies::default();
        let here = place("lb.example");
        all.ask("me".to_owned(), question(), &here, IpAddr::from([198, 51, 100, 1]), 10);
        for n in 0..200 {
            all.ask(format!("loud {n}"), question(), &here, IpAddr::from([192, 0, 2, 1]), 11);
        }
        assert_eq!(all.locked().len(), MOST_OF_ONE + 1);
        assert!(all.take("loud 199", &here, 12).is_some());
        for n in 0..5000_u32 {
            all.ask(format!("many {n}"), question(), &here, IpAddr::from((n << 8).to_be_bytes()), 12);
        }
        assert_eq!(all.locked().len(), MOST);
    }
}
