//! Telling the neighbours where an address lives: gratuitous ARP and unsolicited NA, on a thread of their own.
//!
//! An announcement leaves no trace that could be observed, so it is no plan step. It is keyed by address and the
//! moment the address was gained: a burst over all of them, again after 1 s and 5 s (packets get lost, switches
//! learn), then a slow refresh for as long as it is held. The reconcile thread says what is held ([`Airwaves::hold`]);
//! once that returns, nothing is announced that is no longer held. Borrowed addresses never come here.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kernel::Announce;
use lvs::table::{AddressKey, Link};

/// Between two announcements while another kernel may still answer for the address.
const OFTEN: Duration = Duration::from_millis(150);
/// When an address is announced after it was gained; then every `refresh`.
const ROUNDS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5)];
/// The longest wait before a failed announcement is tried again.
const RETRY_LONGEST: Duration = Duration::from_secs(30);
/// Announcements sent in one go; then the wire gets a pause.
const PACE: usize = 64;
const PAUSE: Duration = Duration::from_millis(2);

/// A moment at which an address was gained; higher is later.
pub(crate) type Moment = u64;

/// Which address has been held since when. A carrier that returns, or another hardware address (a bond that
/// failed over), counts as gaining it again: the neighbours may have learnt something else meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Gains {
    last: Moment,
    held: BTreeMap<AddressKey, (Moment, Option<Link>)>,
}

impl Gains {
    /// Brings the list in line with what is held now.
    pub(crate) fn update<'a>(
        &mut self,
        held: impl Iterator<Item = &'a AddressKey>,
        links: &BTreeMap<String, Link>,
    ) -> BTreeMap<AddressKey, Moment> {
        let mut now = BTreeMap::new();
        for key in held {
            let link = links.get(&key.interface).cloned();
            let moment = match self.held.get(key) {
                Some((moment, before)) if !regained(before.as_ref(), link.as_ref()) => *moment,
                _ => {
                    self.last += 1;
                    self.last
                }
            };
            now.insert(key.clone(), (moment, link));
        }
        self.held = now;
        self.held.iter().map(|(key, (moment, _))| (key.clone(), *moment)).collect()
    }
}

fn regained(before: Option<&Link>, now: Option<&Link>) -> bool {
    let works = |link: Option<&Link>| link.is_some_and(|link| link.up && link.carrier);
    let mac = |link: Option<&Link>| link.map(|link| link.mac.clone());
    (works(now) && !works(before)) || (works(now) && mac(now) != mac(before))
}

/// When each held address is announced next. Pure; the moment is an argument.
#[derive(Debug)]
struct Rounds {
    entries: BTreeMap<AddressKey, Entry>,
    refresh: Duration,
    /// Until then every address is announced often.
    often_until: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    gained: Moment,
    since: Instant,
    round: usize,
    failures: u32,
    next: Instant,
}

impl Rounds {
    fn hold(&mut self, held: &BTreeMap<AddressKey, Moment>, now: Instant) {
        self.entries.retain(|key, entry| held.get(key) == Some(&entry.gained));
        for (key, gained) in held {
            let fresh = Entry { gained: *gained, since: now, round: 0, failures: 0, next: now };
            self.entries.entry(key.clone()).or_insert(fresh);
        }
    }

    /// Begins the rounds of all addresses anew.
    fn again(&mut self, now: Instant) {
        for entry in self.entries.values_mut() {
            (entry.since, entry.round, entry.next) = (now, 0, now);
        }
    }

    fn due(&self, now: Instant) -> Vec<AddressKey> {
        self.entries.iter().filter(|(_, entry)| entry.next <= now).map(|(key, _)| key.clone()).collect()
    }

    fn is_due(&self, key: &AddressKey, now: Instant) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.next <= now)
    }

    fn next(&self) -> Option<Instant> {
        self.entries.values().map(|entry| entry.next).min()
    }

    /// Notes a sent announcement; true where it ended a row of failures.
    fn sent(&mut self, key: &AddressKey, now: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        entry.round += 1;
        entry.next = match ROUNDS.get(entry.round) {
            // A round that comes late does not pull the next one on top of itself.
            Some(after) => (entry.since + *after).max(now + Duration::from_millis(1)),
            None => now + self.refresh,
        };
        if self.often_until.is_some_and(|until| now < until) {
            entry.next = entry.next.min(now + OFTEN);
            entry.round = entry.round.min(1);
        }
        std::mem::take(&mut entry.failures) > 0
    }

    /// Notes a failed announcement; true for the first in a row. The round is not counted as done.
    fn failed(&mut self, key: &AddressKey, now: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        let wait = Duration::from_secs(1).saturating_mul(1 << entry.failures.min(5)).min(RETRY_LONGEST);
        entry.failures += 1;
        entry.next = now + wait;
        entry.failures == 1
    }
}

/// The one door to the announcing thread.
#[derive(Clone)]
pub(crate) struct Airwaves {
    inner: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    rounds: Rounds,
    announcer: Box<dyn Announce>,
    stopped: bool,
}

impl Airwaves {
    /// Starts the thread; it ends with [`Airwaves::stop`].
    pub(crate) fn start(
        announcer: Box<dyn Announce>,
        refresh: Duration,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let rounds = Rounds { entries: BTreeMap::new(), refresh, often_until: None };
        let state = State { rounds, announcer, stopped: false };
        let airwaves = Airwaves { inner: Arc::new((Mutex::new(state), Condvar::new())) };
        let its = airwaves.clone();
        let thread = std::thread::Builder::new().name("announce".to_owned()).spawn(move || its.run())?;
        Ok((airwaves, thread))
    }

    /// Announces exactly these from now on. Waits for at most the one frame that is being sent.
    pub(crate) fn hold(&self, held: &BTreeMap<AddressKey, Moment>) {
        self.lock().rounds.hold(held, Instant::now());
        self.inner.1.notify_one();
    }

    /// Until then announces every address often; none ends it.
    pub(crate) fn often(&self, until: Option<Instant>) {
        self.lock().rounds.often_until = until;
    }

    /// Announces all that is held again, in rounds.
    pub(crate) fn again(&self) {
        self.lock().rounds.again(Instant::now());
        self.inner.1.notify_one();
    }

    /// Ends the thread; nothing is announced once this returns.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.inner.1.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        loop {
            let due = {
                let mut state = self.lock();
                loop {
                    if state.stopped {
                        return;
                    }
                    let now = Instant::now();
                    let due = state.rounds.due(now);
                    if !due.is_empty() {
                        break due;
                    }
                    let wait = state.rounds.next().map(|next| next.saturating_duration_since(now));
                    state = match wait {
                        Some(wait) => {
                            self.inner.1.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                        }
                        None => self.inner.1.wait(state).unwrap_or_else(PoisonError::into_inner),
                    };
                }
            };
            for batch in due.chunks(PACE) {
                for key in batch {
                    self.send(key);
                }
                if due.len() > PACE {
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    /// Sends one announcement, with the lock held for that one frame, so that `hold` and `stop` mean what they say.
    fn send(&self, key: &AddressKey) {
        let mut state = self.lock();
        if state.stopped || !state.rounds.is_due(key, Instant::now()) {
            return;
        }
        let State { rounds, announcer, .. } = &mut *state;
        match announcer.announce(&key.interface, key.address) {
            Ok(()) => {
                if rounds.sent(key, Instant::now()) {
                    tracing::info!(vip = %key.address, device = %key.interface, "announced again");
                }
            }
            Err(error) => {
                if rounds.failed(key, Instant::now()) {
                    tracing::warn!(vip = %key.address, device = %key.interface, %error, "cannot announce; retrying");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> AddressKey {
        text.parse().unwrap()
    }

    fn links(carrier: bool, mac: u8) -> BTreeMap<String, Link> {
        BTreeMap::from([("eth0".to_owned(), Link { index: 2, up: true, carrier, mac: vec![mac; 6] })])
    }

    /// The seconds at which the address is announced within `until` seconds, sending `fails` times without success.
    fn announced(until: u64, mut fails: u32) -> Vec<u64> {
        let start = Instant::now();
        let vip = key("eth0 192.0.2.1/32");
        let mut rounds =
            Rounds { entries: BTreeMap::new(), refresh: Duration::from_secs(60), often_until: None };
        rounds.hold(&BTreeMap::from([(vip.clone(), 1)]), start);
        (0..until)
            .filter(|second| {
                let now = start + Duration::from_secs(*second);
                if !rounds.is_due(&vip, now) {
                    return false;
                }
                if fails > 0 {
                    fails -= 1;
                    rounds.failed(&vip, now);
                    return false;
                }
                rounds.sent(&vip, now);
                true
            })
            .collect()
    }

    #[test]
    fn a_gained_address_is_announced_in_rounds() {
        assert_eq!(announced(200, 0), [0, 1, 5, 65, 125, 185]);
    }

    #[test]
    fn a_failed_round_is_done_later() {
        assert_eq!(announced(100, 3), [7, 8, 9, 69]);
    }

    #[test]
    fn holding_again_keeps_the_rounds_and_a_new_moment_starts_them() {
        let (start, vip) = (Instant::now(), key("eth0 192.0.2.1/32"));
        let mut rounds =
            Rounds { entries: BTreeMap::new(), refresh: Duration::from_secs(60), often_until: None };
        let held = BTreeMap::from([(vip.clone(), 1)]);
        rounds.hold(&held, start);
        rounds.sent(&vip, start);
        rounds.hold(&held, start);
        assert!(rounds.due(start).is_empty());
        rounds.hold(&BTreeMap::from([(vip.clone(), 2)]), start);
        assert_eq!(rounds.due(start), [vip]);
        rounds.hold(&BTreeMap::new(), start);
        assert_eq!(rounds.next(), None);
    }

    #[test]
    fn a_returning_carrier_and_another_hardware_address_are_new_moments() {
        let vip = key("eth0 192.0.2.1/32");
        let mut gains = Gains::default();
        let mut moment = |links| gains.update([&vip].into_iter(), &links).get(&vip).copied();
        assert_eq!(moment(links(true, 1)), Some(1));
        assert_eq!(moment(links(true, 1)), Some(1));
        assert_eq!(moment(links(false, 1)), Some(1));
        assert_eq!(moment(links(true, 1)), Some(2));
        assert_eq!(moment(links(true, 2)), Some(3));
        assert!(gains.update(std::iter::empty(), &links(true, 2)).is_empty());
        assert_eq!(gains.update([&vip].into_iter(), &links(true, 2)).get(&vip), Some(&4));
    }
}
