//! Sign-ins that have been begun and wait for the provider: each is found by its state, good once, for ten minutes, and
//! for the browser that began it. They are kept in memory: after a restart of the console people begin again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::secret;

/// Seconds from the button to the way back.
pub(super) const LIFE: i64 = 10 * 60;
/// Begun and not finished from one address; many people may share one.
const OF_ONE: usize = 50;
/// Begun and not finished altogether.
const ALL: usize = 5_000;

/// Somebody who is signed in and shows once more who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Again {
    /// Their account.
    pub(super) account: String,
    /// The hash of the session that ends when the new one begins.
    pub(super) session: Option<String>,
}

/// A sign-in that waits for the provider.
#[derive(Clone)]
pub(super) struct Flow {
    /// What the browser was given, hashed.
    pub(super) cookie: String,
    /// What the token has to repeat.
    pub(super) nonce: String,
    /// What proves that the code is fetched by whoever asked for it (PKCE).
    pub(super) verifier: String,
    /// Where the browser wanted to go.
    pub(super) next: String,
    pub(super) begun: i64,
    pub(super) from: IpAddr,
    pub(super) again: Option<Again>,
    /// What was set when it was begun; another provider's answer must not end it.
    pub(super) settings: String,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("begun", &self.begun).field("from", &self.from).finish_non_exhaustive()
    }
}

/// Those that wait, by the hash of their state.
#[derive(Debug, Default)]
pub(crate) struct Flows(Mutex<HashMap<String, Flow>>);

impl Flows {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Flow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one; the oldest give way where there are too many.
    pub(super) fn begin(&self, state: &str, flow: Flow) {
        let mut all = self.all();
        all.retain(|_, one| one.begun + LIFE > flow.begun);
        let own = all.values().filter(|one| one.from == flow.from).count();
        if own >= OF_ONE || all.len() >= ALL {
            let fits = |one: &Flow| own < OF_ONE || one.from == flow.from;
            let oldest = all.iter().filter(|(_, one)| fits(one)).min_by_key(|(_, one)| one.begun);
            if let Some(hash) = oldest.map(|(hash, _)| hash.clone()) {
                all.remove(&hash);
            }
        }
        all.insert(secret::hash(state), flow);
    }

    /// Takes one away for good, where the browser is the one that began it.
    pub(super) fn take(&self, state: &str, cookie: &str, now: i64) -> Option<Flow> {
        let (hash, cookie) = (secret::hash(state), secret::hash(cookie));
        let mut all = self.all();
        let fits = all.get(&hash).is_some_and(|flow| secret::same(&flow.cookie, &cookie));
        let flow = if fits { all.remove(&hash) } else { None };
        flow.filter(|flow| flow.begun + LIFE > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(from: [u8; 4], begun: i64) -> Flow {
        Flow {
            cookie: secret::hash("cookie"),
            nonce: String::new(),
            verifier: String::new(),
            next: "/".to_owned(),
            begun,
            from: from.into(),
            again: None,
            settings: String::new(),
        }
    }

    #[test]
    fn each_is_good_once_for_its_browser_for_ten_minutes() {
        let flows = Flows::default();
        flows.begin("state", flow([192, 0, 2, 1], 100));
        assert!(flows.take("state", "another", 101).is_none());
        assert!(flows.take("other", "cookie", 101).is_none());
        assert!(flows.take("state", "cookie", 101).is_some());
        assert!(flows.take("state", "cookie", 101).is_none(), "used");
        flows.begin("late", flow([192, 0, 2, 1], 100));
        assert!(flows.take("late", "cookie", 100 + LIFE).is_none());
    }

    #[test]
    fn one_address_fills_its_own_places_alone() {
        let flows = Flows::default();
        flows.begin("mine", flow([192, 0, 2, 1], 0));
        for n in 0..200_i64 {
            flows.begin(&n.to_string(), flow([192, 0, 2, 2], n));
        }
        assert_eq!(flows.all().len(), OF_ONE + 1);
        assert!(flows.take("mine", "cookie", 200).is_some());
        assert!(flows.take("0", "cookie", 200).is_none());
        assert!(flows.take("199", "cookie", 200).is_some());
        for n in 0..ALL * 2 {
            let from = u32::try_from(n).unwrap().to_be_bytes();
            flows.begin(&format!("many {n}"), flow(from, 200));
        }
        assert!(flows.all().len() <= ALL);
    }
}
