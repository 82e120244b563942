//! Two machines on one wire, and time by hand.

use std::collections::BTreeSet;
use std::time::Duration;

use lvs::failover::{
    Action, Answer, Beat, Concern, Event, Heartbeat, Moment, Name, Question, Reason, Settings, Start,
};
use lvs::model::Seat;
use lvs::wire::State;

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

pub(crate) fn settings(node: usize) -> Settings {
    let names = [Name::of("a"), Name::of("b")];
    Settings {
        cluster: Name::of("cluster"),
        director: names[node],
        partner: Some(names[1 - node]),
        seat: [Seat::Primary, Seat::Backup][node],
        priority: [150, 100][node],
        interval: ms(100),
        deadtime: ms(500),
        preempt: None,
        lease: Duration::from_secs(2),
        witness: false,
        gateway: false,
        revision: 7,
        digest: [7; 16],
    }
}

pub(crate) fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// Two directors; `None` is one that is switched off.
pub(crate) struct Pair {
    pub(crate) now: Moment,
    pub(crate) nodes: [Option<Heartbeat>; 2],
    /// Whether what this node sends arrives.
    pub(crate) sends: [bool; 2],
    /// What each did since it was last asked.
    pub(crate) did: [Vec<Action>; 2],
    pub(crate) sessions: u64,
    /// What is answered to the question who holds the addresses; none: nothing is.
    pub(crate) owner: [Option<Answer>; 2],
}

impl Pair {
    pub(crate) fn new() -> Self {
        Pair {
            now: ms(1000),
            nodes: [None, None],
            sends: [true; 2],
            did: [vec![], vec![]],
            sessions: 0,
            owner: [Some(Answer::Unknown(Question::Owner)); 2],
        }
    }

    /// Both started, and settled: A is active.
    pub(crate) fn settled() -> Self {
        Self::settled_with(settings(A), settings(B))
    }

    pub(crate) fn settled_with(a: Settings, b: Settings) -> Self {
        let mut pair = Pair::new();
        pair.start(A, a, 500);
        pair.start(B, b, 500);
        pair.run(1500);
        pair.forget();
        pair
    }

    pub(crate) fn start(&mut self, node: usize, settings: Settings, listen: u64) {
        self.sessions += 1;
        let floor = self.sessions * 10_000;
        let start = Start { session: self.sessions, floor, listen: ms(listen), holds: false, carrier: true };
        self.nodes[node] = Some(Heartbeat::new(settings, start, self.now));
    }

    pub(crate) fn node(&self, node: usize) -> &Heartbeat {
        self.nodes[node].as_ref().unwrap()
    }

    pub(crate) fn state(&self, node: usize) -> State {
        self.node(node).state()
    }

    pub(crate) fn states(&self) -> [State; 2] {
        [self.state(A), self.state(B)]
    }

    pub(crate) fn reason(&self, node: usize) -> Reason {
        self.node(node).view().reason
    }

    pub(crate) fn concerns(&self, node: usize) -> BTreeSet<Concern> {
        self.node(node).view().concerns
    }

    pub(crate) fn forget(&mut self) {
        self.did = [vec![], vec![]];
    }

    /// What a node did, without the beats.
    pub(crate) fn deeds(&self, node: usize) -> Vec<Action> {
        self.did[node].iter().filter(|action| !matches!(action, Action::Send(_))).cloned().collect()
    }

    pub(crate) fn tell(&mut self, node: usize, event: Event) {
        let mut events = vec![(node, event)];
        while let Some((to, event)) = events.pop() {
            let Some(machine) = self.nodes[to].as_mut() else { continue };
            for action in machine.step(event, self.now) {
                if let Action::Send(beat) = &action
                    && self.sends[to]
                {
                    events.insert(0, (1 - to, Event::Beat(beat.clone())));
                }
                if let Action::Own { .. } = action {
                    events.insert(0, (to, Event::Holds(true)));
                }
                if action == Action::Ask(Question::Owner)
                    && let Some(answer) = self.owner[to]
                {
                    events.insert(0, (to, Event::Answer(answer)));
                }
                if let Action::Reserve(upto) = action {
                    events.insert(0, (to, Event::Reserved(upto)));
                }
                self.did[to].push(action);
            }
        }
    }

    /// Lets time pass, in which each machine is called when it asked to be.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now + ms(milliseconds);
        loop {
            let due = (0..2).filter_map(|n| Some((self.nodes[n].as_ref()?.next_deadline()?, n))).min();
            match due {
                Some((at, node)) if at <= end => {
                    self.now = self.now.max(at);
                    self.tell(node, Event::Tick);
                }
                _ => break,
            }
        }
        self.now = end;
    }

    /// How long until the node is in a state.
    pub(crate) fn until(&mut self, node: usize, state: State) -> Duration {
        let from = self.now;
        while self.state(node) != state {
            assert!(self.now - from < Duration::from_secs(60), "never {state:?}");
            self.run(1);
        }
        self.now - from
    }

    pub(crate) fn last_beat(&self, node: usize) -> Beat {
        let sent = self.did[node].iter().rev().find_map(|action| match action {
            Action::Send(beat) => Some(beat.clone()),
            _ => None,
        });
        sent.unwrap()
    }

    pub(crate) fn last_beat_of_active(&mut self) -> Beat {
        self.run(200);
        self.last_beat(A)
    }

    pub(crate) fn last_beat_of_standby(&mut self) -> Beat {
        self.run(200);
        self.last_beat(B)
    }
}
