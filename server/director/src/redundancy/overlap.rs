//! A change of how two directors speak with each other, in two phases: what was spoken and what is to be spoken are both
//! sent and both taken, until each has heard that the other hears it the new way; only then the old ends. Until then no
//! beat comes more seldom and no deadtime is shorter than before. Pure.
//!
//! What confirms it is the beat itself: it names its sender's revision, and says whether the sender hears this director
//! over a present path, sealed with the present key. A partner that never gets the new configuration goes on as before,
//! and so does this director, beside the new.

use lvs::failover::{BadBeat, Beat, Keyring, Moment, Settings};
use std::time::Duration;

use kernel::Path;

use super::Partnership;

/// Earlier ways that are still spoken; a partner that missed more of them has to be pushed to.
const MOST: usize = 4;

/// How beats were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    paths: Vec<Path>,
    keys: Keyring,
    interval: Duration,
    deadtime: Duration,
    lease: Duration,
}

impl Way {
    fn of(partnership: &Partnership) -> Option<Way> {
        let settings = &partnership.settings;
        Some(Way {
            paths: partnership.paths.clone(),
            keys: partnership.keys.clone()?,
            interval: settings.interval,
            deadtime: settings.deadtime,
            lease: settings.lease,
        })
    }
}

/// What is still spoken beside the present way.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlap {
    /// Oldest first.
    before: Vec<Way>,
    /// The partner has not confirmed the newest configuration yet.
    pending: bool,
    /// When a beat last came the present way from a partner with the same revision.
    heard: Option<Moment>,
}

/// A beat that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) beat: Beat,
    /// Both directors hear each other the present way: nothing else needs to be spoken.
    pub(super) settled: bool,
}

impl Overlap {
    /// Another configuration of the same partnership begins.
    pub(super) fn change(&mut self, old: &Partnership, new: &Partnership) {
        self.pending = true;
        let same =
            (old.settings.cluster, old.settings.partner) == (new.settings.cluster, new.settings.partner);
        if old.settings.revision != new.settings.revision || old.keys != new.keys {
            self.heard = None;
        }
        match (Way::of(old), Way::of(new)) {
            (Some(way), Some(present)) if same => {
                self.before.retain(|known| *known != way && *known != present);
                if way != present {
                    self.before.push(way);
                }
                let many = self.before.len().saturating_sub(MOST);
                self.before.drain(..many);
            }
            _ => self.before.clear(),
        }
    }

    /// A configuration has come that the partner shall know of first.
    pub(super) fn begin_waiting(&mut self) {
        self.pending = true;
        self.heard = None;
    }

    /// Whether the partner has to confirm something yet.
    pub(super) fn is_open(&self) -> bool {
        self.pending
    }

    /// When a beat last came the present way from a partner with the same revision, since that was last changed.
    pub(super) fn heard_at(&self) -> Option<Moment> {
        self.heard
    }

    /// Nothing but the present way from now on.
    pub(super) fn end(&mut self) {
        self.before.clear();
        self.pending = false;
    }

    /// The settings that hold meanwhile.
    pub(super) fn settings(&self, present: &Partnership) -> Settings {
        let mut settings = present.settings.clone();
        for way in &self.before {
            settings.interval = settings.interval.min(way.interval);
            settings.deadtime = settings.deadtime.max(way.deadtime);
            settings.lease = settings.lease.max(way.lease);
        }
        settings
    }

    /// All paths: first the present ones.
    pub(super) fn paths(&self, present: &Partnership) -> Vec<Path> {
        let mut all = present.paths.clone();
        for path in self.before.iter().flat_map(|way| &way.paths) {
            if !all.contains(path) {
                all.push(*path);
            }
        }
        all
    }

    /// The packets of a beat, each with the paths it goes over.
    pub(super) fn packets(
        &self,
        present: &Partnership,
        beat: Beat,
        now: Moment,
    ) -> Vec<(Vec<u8>, Vec<usize>)> {
        let Some(keys) = &present.keys else { return Vec::new() };
        let recent = |at: Moment| now.saturating_sub(at) <= present.settings.lease;
        let beat = Beat { settled: self.heard.is_some_and(recent), ..beat };
        let own = present.paths.len();
        let mut packets = vec![(beat.seal(keys), (0..own).collect())];
        let all = self.paths(present);
        for way in &self.before {
            let told = way.keys.sending() == keys.sending();
            let places = all.iter().enumerate();
            let rest: Vec<usize> = places
                .filter(|(place, path)| way.paths.contains(path) && !(told && *place < own))
                .map(|(place, _)| place)
                .collect();
            if !rest.is_empty() {
                packets.push((beat.seal(&way.keys), rest));
            }
        }
        packets
    }

    /// Opens what came over the path of this number.
    pub(super) fn open(
        &mut self,
        present: &Partnership,
        path: usize,
        packet: &[u8],
        now: Moment,
    ) -> Result<Opened, BadBeat> {
        let keys = present.keys.as_ref().ok_or(BadBeat::Key)?;
        let (beat, newest) = match Beat::open(packet, &keys.sending_alone()) {
            Ok(beat) => (beat, true),
            Err(error @ (BadBeat::Key | BadBeat::Tag)) => {
                let rings = std::iter::once(keys).filter(|keys| keys.accepts_more());
                let mut rings = rings.chain(self.before.iter().map(|way| &way.keys));
                (rings.find_map(|ring| Beat::open(packet, ring).ok()).ok_or(error)?, false)
            }
            Err(error) => return Err(error),
        };
        let own = &present.settings;
        let same = (beat.revision, beat.digest) == (own.revision, own.digest);
        let confirms = newest && same && path < present.paths.len() && Some(beat.sender) == own.partner;
        if confirms {
            self.heard = Some(now);
        }
        let settled = confirms && beat.settled;
        Ok(Opened { beat, settled })
    }
}

#[cfg(test)]
mod tests {
    use lvs::failover::{Key, Name};
    use lvs::model::Seat;
    use lvs::wire::State;

    use super::*;

    /// How one of two directors speaks: port, key, interval and the revision it holds.
    fn speaks(own: u8, port: u16, key: (u16, u8), interval: u64, revision: u64) -> Partnership {
        let names = [Name::of("a"), Name::of("b")];
        let place = usize::from(own);
        let end = |side: u8| format!("192.0.2.{}:{port}", side + 1).parse().unwrap();
        let path = Path { local: end(own), partner: end(1 - own), any_port: false };
        let settings = Settings {
            cluster: Name::of("cluster"),
            director: names[place],
            partner: Some(names[1 - place]),
            seat: [Seat::Primary, Seat::Backup][place],
            priority: 100,
            interval: Duration::from_millis(interval),
            deadtime: Duration::from_millis(interval * 5),
            preempt: None,
            lease: Duration::from_secs(2),
            witness: false,
            gateway: false,
            revision,
            digest: [revision as u8; 16],
        };
        Partnership {
            settings,
            keys: Some(Keyring::new(Key::new(key.0, [key.1; 32]), Vec::new())),
            paths: vec![path],
            vrrp: None,
            pulse: None,
            addresses: Default::default(),
            grounds: Default::default(),
            needed: Default::default(),
            carrier: true,
        }
    }

    struct Side {
        overlap: Overlap,
        present: Partnership,
        sequence: u64,
    }

    impl Side {
        fn new(present: Partnership) -> Self {
            Side { overlap: Overlap::default(), present, sequence: 0 }
        }

        fn take(&mut self, new: Partnership) {
            self.overlap.change(&self.present, &new);
            self.present = new;
        }

        fn send(&mut self, now: Moment) -> Vec<(Vec<u8>, Path)> {
            self.sequence += 1;
            let settings = self.overlap.settings(&self.present);
            let beat = Beat {
                cluster: settings.cluster,
                sender: settings.director,
                session: 1,
                heard: 0,
                heard_sequence: 0,
                sequence: self.sequence,
                epoch: 1,
                grant: None,
                state: State::Standby,
                seat: settings.seat,
                ready: true,
                wants: false,
                held: false,
                holds: false,
                settled: false,
                priority: 100,
                interval: settings.interval,
                revision: settings.revision,
                digest: settings.digest,
                connections: 0,
            };
            let paths = self.overlap.paths(&self.present);
            let packets = self.overlap.packets(&self.present, beat, now);
            let over = packets.iter().flat_map(|(packet, over)| over.iter().map(move |at| (packet, *at)));
            over.map(|(packet, at)| (packet.clone(), paths[at])).collect()
        }

        /// Takes what the other sent; whether any of it was a beat.
        fn hear(&mut self, packets: &[(Vec<u8>, Path)], now: Moment) -> bool {
            let paths = self.overlap.paths(&self.present);
            let mut heard = false;
            for (packet, path) in packets {
                let here = |own: &Path| (own.local, own.partner) == (path.partner, path.local);
                let Some(place) = paths.iter().position(here) else { continue };
                if let Ok(opened) = self.overlap.open(&self.present, place, packet, now) {
                    heard = true;
                    if opened.settled {
                        self.overlap.end();
                        return true;
                    }
                }
            }
            heard
        }
    }

    /// One beat each way; whether each heard the other.
    fn exchange(a: &mut Side, b: &mut Side, now: u64) -> [bool; 2] {
        let now = Duration::from_millis(now);
        let (from_a, from_b) = (a.send(now), b.send(now));
        let heard_a = a.hear(&from_b, now);
        [heard_a, b.hear(&from_a, now)]
    }

    type Spoken = (u16, (u16, u8), u64);
    const OLD: Spoken = (539, (1, 7), 100);

    fn side(own: u8, (port, key, interval): Spoken, revision: u64) -> Partnership {
        speaks(own, port, key, interval, revision)
    }

    #[test]
    fn no_beat_is_missed_whoever_gets_the_change_first_and_however_late_the_other() {
        for new in [
            (540, (1, 7), 100),
            (539, (2, 8), 100),
            (539, (1, 8), 100),
            (600, (3, 9), 20),
            (539, (1, 7), 900),
        ] {
            for first in [0, 1] {
                let mut sides = [Side::new(side(0, OLD, 1)), Side::new(side(1, OLD, 1))];
                let mut now = 0;
                let mut run = |sides: &mut [Side; 2]| {
                    let [a, b] = sides;
                    for _ in 0..10 {
                        now += 100;
                        assert_eq!(exchange(a, b, now), [true, true], "{new:?}, {first} first, at {now}");
                    }
                };
                run(&mut sides);
                sides[first].take(side(first as u8, new, 2));
                run(&mut sides);
                assert!(sides[first].overlap.is_open(), "the other does not hold it yet");
                assert!(
                    sides[first].overlap.settings(&sides[first].present).deadtime
                        >= Duration::from_millis(500)
                );
                sides[1 - first].take(side(1 - first as u8, new, 2));
                run(&mut sides);
                assert!(sides.iter().all(|side| !side.overlap.is_open()), "{new:?}: both hear it");
                run(&mut sides);
            }
        }
    }

    #[test]
    fn a_new_path_that_does_not_work_never_ends_the_old_one() {
        let new = (540, (1, 7), 100);
        let mut sides = [Side::new(side(0, OLD, 1)), Side::new(side(1, OLD, 1))];
        for (own, side_) in sides.iter_mut().enumerate() {
            side_.take(side(own as u8, new, 2));
        }
        let [a, b] = &mut sides;
        for now in 1..50 {
            let now = Duration::from_millis(now * 100);
            let works = |packets: Vec<(Vec<u8>, Path)>| -> Vec<_> {
                packets
                    .into_iter()
                    .filter(|(_, path)| path.local != "192.0.2.1:540".parse().unwrap())
                    .collect()
            };
            let (from_a, from_b) = (works(a.send(now)), works(b.send(now)));
            assert!(a.hear(&from_b, now) && b.hear(&from_a, now));
            assert!(a.overlap.is_open() && b.overlap.is_open(), "one direction of the new path is closed");
        }
    }

    #[test]
    fn several_changes_that_the_partner_missed_are_all_still_spoken() {
        let mut sides = [Side::new(side(0, OLD, 1)), Side::new(side(1, OLD, 1))];
        sides[0].take(side(0, (540, (1, 7), 100), 2));
        sides[0].take(side(0, (541, (2, 8), 100), 3));
        let [a, b] = &mut sides;
        assert_eq!(exchange(a, b, 100), [true, true]);
        // Back to what the partner holds: nothing is left over once both have it.
        a.take(side(0, OLD, 4));
        assert_eq!(exchange(a, b, 200), [true, true]);
        b.take(side(1, OLD, 4));
        for now in [300, 400, 500] {
            assert_eq!(exchange(a, b, now), [true, true]);
        }
        assert!(!a.overlap.is_open());
    }
}
