//! A world of two directors, each of ours or as pulse is: loss, partitions, crashes, orders, link faults; and what must
//! hold in it after every step.

use std::time::Duration;

use lvs::failover::pulse::{Pulse, Word};
use lvs::failover::{Action, Event, Moment, Order};
use lvs::model::Seat;
use lvs::wire::State;

use super::{DEADTIME, INTERVAL, SEATS, ms, settings};

/// Pulse as its sources are: 0.8.6, or an earlier one that waits where both are inactive.
pub(crate) struct Legacy {
    seat: Seat,
    early: bool,
    active: bool,
    send_at: Moment,
    need_at: Moment,
}

impl Legacy {
    fn tick(&mut self, now: Moment) -> Vec<Word> {
        let mut said = Vec::new();
        if now >= self.need_at {
            self.need_at = now + DEADTIME;
            self.active = true;
        }
        if now >= self.send_at {
            self.send_at = now + INTERVAL;
            said.push(self.word());
        }
        said
    }

    fn word(&self) -> Word {
        if self.active { Word::Active } else { Word::Inactive }
    }

    fn hear(&mut self, word: Word, now: Moment) -> Vec<Word> {
        self.need_at = now + DEADTIME;
        match (self.active, word, self.seat) {
            (true, Word::Active, Seat::Backup) => {
                self.active = false;
                vec![Word::Active]
            }
            (false, Word::Inactive, Seat::Primary) => {
                self.active = true;
                Vec::new()
            }
            (false, Word::Inactive, Seat::Backup) => {
                self.active = !self.early;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

pub(crate) enum Node {
    Ours(Box<Pulse>),
    Legacy(Legacy),
    Down,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    Pulse,
    EarlyPulse,
}

/// Random numbers that are the same for the same seed (SplitMix64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

pub(crate) struct World {
    kinds: [Kind; 2],
    pub(crate) nodes: [Node; 2],
    started: [Moment; 2],
    /// What each has heard since it started.
    heard: [Option<Word>; 2],
    pub(crate) now: Moment,
    /// On its way: when it arrives, to whom, what.
    wire: Vec<(Moment, usize, Word)>,
    pub(crate) chance: Chance,
    pub(crate) loss: u64,
    pub(crate) cut: bool,
    /// Since when nothing was lost, cut, started or stopped.
    pub(crate) calm_since: Moment,
    both_since: Option<Moment>,
    what: String,
}

const STEP: Duration = Duration::from_millis(20);

impl World {
    pub(crate) fn new(kinds: [Kind; 2], seed: u64) -> Self {
        let mut world = World {
            kinds,
            nodes: [Node::Down, Node::Down],
            started: [ms(0); 2],
            heard: [None; 2],
            now: ms(0),
            wire: Vec::new(),
            chance: Chance(seed),
            loss: 0,
            cut: false,
            calm_since: ms(0),
            both_since: None,
            what: format!("{kinds:?} seed {seed}"),
        };
        world.loss = world.chance.below(31);
        world.start(0);
        world.start(1);
        world
    }

    fn start(&mut self, node: usize) {
        let seat = SEATS[node];
        self.nodes[node] = match self.kinds[node] {
            Kind::Ours => Node::Ours(Box::new(Pulse::new(settings(seat), false, self.now))),
            kind => Node::Legacy(Legacy {
                seat,
                early: kind == Kind::EarlyPulse,
                active: false,
                send_at: self.now + INTERVAL,
                need_at: self.now + DEADTIME,
            }),
        };
        (self.started[node], self.heard[node]) = (self.now, None);
        self.calm_since = self.now;
    }

    fn active(&self, node: usize) -> bool {
        match &self.nodes[node] {
            Node::Ours(machine) => machine.state() == State::Active,
            Node::Legacy(legacy) => legacy.active,
            Node::Down => false,
        }
    }

    fn event(&mut self, node: usize, event: Event) {
        let before = self.active(node);
        let now = self.now;
        let said = match (&mut self.nodes[node], event) {
            (Node::Ours(machine), event) => {
                let word = |action: Action| match action {
                    Action::Word(word) => Some(word),
                    _ => None,
                };
                machine.step(event, now).into_iter().filter_map(word).collect()
            }
            (Node::Legacy(legacy), Event::Word(Ok(word))) => legacy.hear(word, now),
            (Node::Legacy(legacy), _) => legacy.tick(now),
            (Node::Down, _) => Vec::new(),
        };
        if self.kinds[node] == Kind::Ours && !before && self.active(node) {
            let listened = now - self.started[node] >= DEADTIME;
            assert!(listened || self.heard[node].is_some(), "{}: claimed without listening", self.what);
        }
        for word in said {
            if !self.cut && self.chance.below(100) >= self.loss {
                let delay = ms(1 + self.chance.below(30));
                self.wire.push((now + delay, 1 - node, word));
            }
        }
    }

    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now + ms(milliseconds);
        while self.now < end {
            self.now += STEP;
            let due: Vec<_> = self.wire.extract_if(.., |(at, ..)| *at <= self.now).collect();
            for (_, node, word) in due {
                self.heard[node] = Some(word);
                self.event(node, Event::Word(Ok(word)));
            }
            for node in [0, 1] {
                self.event(node, Event::Tick);
            }
            self.look();
        }
    }

    /// Two owners are apart again after the next beats, once the network carries them.
    fn look(&mut self) {
        let both = self.active(0) && self.active(1);
        let since = if both { Some(self.both_since.unwrap_or(self.now)) } else { None };
        self.both_since = since;
        if let Some(since) = since {
            let calm = self.now - since.max(self.calm_since);
            let bound = INTERVAL * 2 + ms(100);
            assert!(calm <= bound, "{}: two owners for {calm:?} at {:?}", self.what, self.now);
        }
    }

    pub(crate) fn trouble(&mut self) {
        let node = self.chance.below(2) as usize;
        match self.chance.below(6) {
            0 => self.cut = !self.cut,
            1 => self.nodes[node] = Node::Down,
            2 if matches!(self.nodes[node], Node::Down) => self.start(node),
            3 => self.event(node, Event::Order(Order::SwitchOver { force: false })),
            // A legacy director knows no farewell.
            4 if self.kinds[node] == Kind::Ours => {
                self.event(node, Event::Order(Order::Stop { release: false }));
                self.nodes[node] = Node::Down;
            }
            5 if self.kinds[node] == Kind::Ours => {
                let usable = self.chance.below(2) == 0;
                self.event(node, Event::Links(usable));
            }
            _ => {}
        }
        self.calm_since = self.now;
    }

    /// All is well again: soon one of them serves, and goes on.
    pub(crate) fn heal(&mut self) {
        (self.cut, self.loss) = (false, 0);
        for node in [0, 1] {
            if matches!(self.nodes[node], Node::Down) {
                self.start(node);
            }
            if self.kinds[node] == Kind::Ours {
                self.event(node, Event::Links(true));
            }
        }
        self.calm_since = self.now;
        self.run(12_000);
        let owners = [self.active(0), self.active(1)];
        assert_ne!(owners[0], owners[1], "{}: {owners:?} once settled", self.what);
        let end = self.now + ms(5_000);
        while self.now < end {
            self.run(100);
            assert_eq!([self.active(0), self.active(1)], owners, "{}: it does not stay", self.what);
        }
    }
}
