//! Back-off against guessing: each wrong attempt makes the next wait longer, per account and per address.
//!
//! An attempt is counted when it begins and forgiven when it succeeds, so that many at the same time gain nothing.
//! Nobody is locked out for good. Pure: time comes as an argument, in seconds.

use std::collections::HashMap;
use std::net::IpAddr;

/// The longest wait.
const LONGEST: i64 = 15 * 60;
/// An account or address that was quiet for this long starts anew.
const FORGET: i64 = 60 * 60;
/// Wrong attempts that an address has free; many people may share one.
const ADDRESS_FREE: u32 = 5;
/// Refusals that are recorded before recording slows down, per kind and address.
const RECORDS_FREE: u32 = 20;
/// Entries kept at most; beyond, the one that was quiet for the longest goes.
const ENTRIES: usize = 10_000;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    failures: u32,
    until: i64,
    last: i64,
}

/// Who tries what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(IpAddr),
}

/// All that is remembered of wrong attempts.
#[derive(Debug)]
pub(crate) struct Backoff {
    entries: HashMap<Key, Entry>,
    account_free: u32,
    address_free: u32,
}

/// IPv6 clients choose their own last 64 bits.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

/// The wait after so many failures: 1 s, doubling, up to 15 minutes.
fn delay(failures: u32) -> i64 {
    match failures {
        0 => 0,
        n => 1_i64.checked_shl(n - 1).unwrap_or(LONGEST).clamp(1, LONGEST),
    }
}

impl Backoff {
    /// For guesses at secrets.
    pub(crate) fn of_guesses() -> Self {
        Backoff { entries: HashMap::new(), account_free: 0, address_free: ADDRESS_FREE }
    }

    /// For rows about refusals that anybody can cause.
    pub(crate) fn of_records() -> Self {
        Backoff { entries: HashMap::new(), account_free: RECORDS_FREE, address_free: RECORDS_FREE }
    }

    /// Begins an attempt; or the seconds to wait until one is looked at.
    pub(crate) fn begin(&mut self, account: &str, from: IpAddr, now: i64) -> Result<(), u64> {
        let keys = [Key::Account(account.to_lowercase()), Key::Address(network(from))];
        let wait =
            keys.iter().filter_map(|key| self.entries.get(key)).map(|e| e.until - now).max().unwrap_or(0);
        if wait > 0 {
            return Err(wait.unsigned_abs());
        }
        for key in keys {
            let free = if matches!(key, Key::Address(_)) { self.address_free } else { self.account_free };
            self.make_room(&key, now);
            let entry = self.entries.entry(key).or_default();
            if now - entry.last > FORGET {
                *entry = Entry::default();
            }
            entry.failures = entry.failures.saturating_add(1);
            entry.until = now + delay(entry.failures.saturating_sub(free));
            entry.last = now;
        }
        Ok(())
    }

    /// The attempt was right: the account starts anew, the address gets its attempt back.
    pub(crate) fn succeeded(&mut self, account: &str, from: IpAddr) {
        self.entries.remove(&Key::Account(account.to_lowercase()));
        if let Some(entry) = self.entries.get_mut(&Key::Address(network(from))) {
            entry.failures = entry.failures.saturating_sub(1);
            entry.until = 0;
        }
    }

    fn make_room(&mut self, key: &Key, now: i64) {
        if self.entries.len() < ENTRIES || self.entries.contains_key(key) {
            return;
        }
        self.entries.retain(|_, entry| now - entry.last <= FORGET);
        if self.entries.len() >= ENTRIES
            && let Some(oldest) = self.entries.iter().min_by_key(|(_, e)| e.last).map(|(k, _)| k.clone())
        {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_wrong_attempt_doubles_the_wait_up_to_a_quarter_of_an_hour() {
        let mut backoff = Backoff::of_guesses();
        let mut now = 1_000;
        let mut waits = Vec::new();
        for n in 0..13_u8 {
            // Another address each time: the account alone is counted.
            let from = IpAddr::from([192, 0, 2, n]);
            backoff.begin("alice", from, now).unwrap();
            let wait = backoff.begin("alice", address("198.51.100.1"), now).unwrap_err();
            waits.push(wait);
            assert!(backoff.begin("ALICE", from, now + wait as i64 - 1).is_err());
            now += wait as i64;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    }

    #[test]
    fn waiting_attempts_do_not_make_the_wait_longer() {
        let mut backoff = Backoff::of_guesses();
        backoff.begin("alice", address("192.0.2.1"), 10).unwrap();
        for _ in 0..100 {
            assert_eq!(backoff.begin("alice", address("192.0.2.1"), 10), Err(1));
        }
        backoff.begin("alice", address("192.0.2.1"), 11).unwrap();
    }

    #[test]
    fn an_address_waits_after_a_few_wrong_attempts_at_any_account() {
        let mut backoff = Backoff::of_guesses();
        for n in 0..6 {
            backoff.begin(&format!("user{n}"), address("2001:db8::1"), 10).unwrap();
        }
        // The same /64, another host part, an account never tried.
        assert_eq!(backoff.begin("other", address("2001:db8::2"), 10), Err(1));
        backoff.begin("other", address("2001:db8:0:1::2"), 10).unwrap();
    }

    #[test]
    fn success_forgives_the_account_and_time_forgives_all() {
        let mut backoff = Backoff::of_guesses();
        let from = address("192.0.2.1");
        for now in [0, 1, 3] {
            backoff.begin("alice", from, now).unwrap();
        }
        backoff.succeeded("Alice", from);
        backoff.begin("alice", from, 3).unwrap();
        assert_eq!(backoff.begin("alice", from, 3), Err(1));
        let later = 3 + FORGET + 1;
        backoff.begin("alice", from, later).unwrap();
        assert_eq!(backoff.begin("alice", from, later), Err(1));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut backoff = Backoff::of_guesses();
        for n in 0..(ENTRIES as u32 * 2) {
            let _ = backoff.begin(&n.to_string(), IpAddr::from(n.to_be_bytes()), i64::from(n));
        }
        assert!(backoff.entries.len() <= ENTRIES);
    }
}
