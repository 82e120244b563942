//! VRRP: the packets of a real keepalived, and the rules of a pair, with time by hand.

mod packets;

use std::net::IpAddr;
use std::time::Duration;

use lvs::failover::vrrp::advert::{Advert, Mismatch};
use lvs::failover::vrrp::{Router, Settings, Vrrp};
use lvs::failover::{Action, Answer, Asks, Concern, Event, Moment, Order, Question, Reason, Refused, Sign};
use lvs::model::VrrpVersion;
use lvs::wire::State;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn settings(priority: u8, last: u8, preempt: Option<Duration>) -> Settings {
    let source = IpAddr::from([10, 9, 0, last]);
    let router = |virtual_router_id, address| Router {
        virtual_router_id,
        priority,
        source,
        addresses: vec![ip(address)],
        password: None,
    };
    Settings {
        version: VrrpVersion::V2,
        interval: ms(1000),
        preempt,
        lease: Some(Duration::from_secs(2)),
        asks: Asks::default(),
        routers: vec![router(51, "10.9.0.100"), router(52, "10.9.1.100")],
    }
}

/// Two routers on a wire. `up` says whether what a node sends arrives, for each virtual router.
struct Pair {
    now: Moment,
    nodes: [Option<Vrrp>; 2],
    settings: [Settings; 2],
    up: [[bool; 2]; 2],
    did: [Vec<Action>; 2],
    /// What the advertisements of a node look like to the other, where they do not fit.
    mismatch: Option<Mismatch>,
}

impl Pair {
    fn new(settings: [Settings; 2]) -> Self {
        let now = ms(5000);
        let nodes = settings.clone().map(|settings| Some(Vrrp::new(settings, false, now)));
        Pair { now, nodes, settings, up: [[true; 2]; 2], did: [vec![], vec![]], mismatch: None }
    }

    fn settled() -> Self {
        let mut pair = Pair::new([settings(150, 1, None), settings(100, 2, None)]);
        pair.run(6000);
        assert_eq!(pair.states(), [State::Active, State::Standby]);
        pair.did = [vec![], vec![]];
        pair
    }

    fn states(&self) -> [State; 2] {
        [0, 1].map(|node| self.nodes[node].as_ref().map_or(State::Stopped, Vrrp::state))
    }

    fn tell(&mut self, node: usize, event: Event) {
        let mut events = std::collections::VecDeque::from([(node, event)]);
        while let Some((to, event)) = events.pop_front() {
            let Some(machine) = self.nodes[to].as_mut() else { continue };
            for action in machine.step(event, self.now) {
                if let Action::Advertise { router, priority } = action
                    && self.up[to][router]
                {
                    let own = &self.settings[to].routers[router];
                    let advert = Advert {
                        version: VrrpVersion::V2,
                        virtual_router_id: own.virtual_router_id,
                        priority,
                        interval: self.settings[to].interval,
                        addresses: own.addresses.clone(),
                        password: None,
                    };
                    let advert = self.mismatch.map_or(Ok(advert), Err);
                    events.push_back((1 - to, Event::Advert { router, source: own.source, advert }));
                }
                self.did[to].push(action);
            }
        }
    }

    fn run(&mut self, milliseconds: u64) {
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

    fn reason(&self, node: usize) -> Reason {
        self.nodes[node].as_ref().unwrap().view().reason
    }

    fn until(&mut self, node: usize, state: State) -> Duration {
        let from = self.now;
        while self.states()[node] != state {
            assert!(self.now - from < Duration::from_secs(60), "never {state:?}");
            self.run(1);
        }
        self.now - from
    }
}

#[test]
fn both_start_and_the_higher_priority_is_first() {
    let mut pair = Pair::new([settings(150, 1, None), settings(100, 2, None)]);
    // 3 x 1 s + (256 - 150) / 256 s
    assert_eq!(pair.until(0, State::Active), ms(3415));
    pair.run(5000);
    assert_eq!(pair.states(), [State::Active, State::Standby]);
}

#[test]
fn a_dead_master_is_replaced_after_keepaliveds_time() {
    let mut pair = Pair::settled();
    let last = pair.did[0].len();
    pair.run(1000);
    assert!(pair.did[0].len() > last);
    pair.nodes[0] = None;
    let took = pair.until(1, State::Active);
    assert!(took <= ms(3610) && took >= ms(2600), "{took:?}");
    assert_eq!(pair.reason(1), Reason::PartnerSilent);
}

#[test]
fn a_stopping_master_is_replaced_after_the_skew() {
    let mut pair = Pair::settled();
    pair.tell(0, Event::Order(Order::Stop { release: false }));
    assert!(pair.did[0].iter().any(|a| matches!(a, Action::Advertise { priority: 0, .. })));
    let took = pair.until(1, State::Active);
    assert!(took >= ms(609) && took <= ms(611), "{took:?}");
}

#[test]
fn it_preempts_only_when_asked_and_ready() {
    for (preempt, ready, expected) in [
        (None, true, State::Standby),
        (Some(ms(0)), false, State::Standby),
        (Some(ms(0)), true, State::Active),
        (Some(ms(2000)), true, State::Active),
    ] {
        let mut pair = Pair::settled();
        pair.nodes[0] = None;
        pair.until(1, State::Active);
        pair.settings[0].preempt = preempt;
        pair.nodes[0] = Some(Vrrp::new(pair.settings[0].clone(), false, pair.now));
        pair.tell(0, Event::Ready(ready));
        pair.run(12_000);
        assert_eq!(pair.states()[0], expected, "{preempt:?} {ready}");
        if expected == State::Active {
            assert_eq!(pair.states()[1], State::Standby);
            // The other one was there all the time.
            assert_eq!(pair.reason(0), Reason::Preferred, "{preempt:?}");
        }
    }
}

#[test]
fn a_lower_master_that_dies_while_it_is_outbid_was_silent() {
    let mut pair = Pair::settled();
    pair.nodes[0] = None;
    pair.until(1, State::Active);
    // It waits a minute before it takes back, which the other one does not live to see.
    pair.settings[0].preempt = Some(ms(60_000));
    pair.nodes[0] = Some(Vrrp::new(pair.settings[0].clone(), false, pair.now));
    pair.tell(0, Event::Ready(true));
    pair.run(5_000);
    pair.nodes[1] = None;
    pair.until(0, State::Active);
    assert_eq!(pair.reason(0), Reason::PartnerSilent);
}

#[test]
fn a_healed_split_leaves_the_better_one_and_it_announces_again() {
    // Whichever of the two is heard first once they hear each other.
    for apart in (6000..7000).step_by(20) {
        let mut pair = Pair::settled();
        pair.up = [[false; 2]; 2];
        pair.run(apart);
        assert_eq!(pair.states(), [State::Active, State::Active]);
        pair.did = [vec![], vec![]];
        pair.up = [[true; 2]; 2];
        pair.run(1100);
        assert_eq!(pair.states(), [State::Active, State::Standby]);
        assert!(pair.did[0].contains(&Action::Announce), "after {apart} ms");
        assert!(pair.did[1].contains(&Action::Disown));
    }
}

#[test]
fn between_equals_the_higher_address_wins() {
    let mut pair = Pair::new([settings(100, 1, None), settings(100, 2, None)]);
    pair.up = [[false; 2]; 2];
    pair.run(6000);
    pair.up = [[true; 2]; 2];
    pair.run(1100);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
}

#[test]
fn one_lost_path_of_two_does_not_make_a_second_master() {
    let mut pair = Pair::settled();
    pair.up[0] = [true, false];
    pair.run(10_000);
    assert_eq!(pair.states(), [State::Active, State::Standby]);
}

#[test]
fn a_partner_that_advertises_otherwise_is_named_and_not_fought() {
    let mut pair = Pair::settled();
    pair.mismatch = Some(Mismatch::Password);
    pair.run(10_000);
    assert_eq!(pair.states(), [State::Active, State::Standby]);
    let concerns = pair.nodes[1].as_ref().unwrap().view().concerns;
    assert!(concerns.contains(&Concern::Mismatch(Mismatch::Password)));
    pair.nodes[0] = None;
    assert!(pair.until(1, State::Active) < ms(3700));
    pair.run(5000);
    assert!(pair.nodes[1].as_ref().unwrap().view().concerns.is_empty());
}

#[test]
fn an_operator_moves_the_addresses_and_they_stay() {
    let mut pair = Pair::settled();
    pair.settings[0].preempt = Some(ms(0));
    let settings = pair.settings[0].clone();
    let now = pair.now;
    pair.nodes[0].as_mut().unwrap().configure(settings, now);
    pair.tell(0, Event::Ready(true));
    pair.tell(0, Event::Order(Order::SwitchOver { force: false }));
    assert!(pair.until(1, State::Active) <= ms(611));
    pair.run(10_000);
    assert_eq!(pair.states(), [State::Standby, State::Active], "it does not preempt what was ordered");
    pair.nodes[0].as_mut().unwrap().configure(pair.settings[0].clone(), pair.now);
    pair.tell(0, Event::Order(Order::TakeOver));
    assert_eq!(pair.states(), [State::Active, State::Standby]);
}

#[test]
fn a_fault_gives_way_at_once_and_comes_back_as_a_standby() {
    let mut pair = Pair::settled();
    pair.tell(0, Event::Links(false));
    assert_eq!(pair.states()[0], State::Fault);
    assert!(pair.until(1, State::Active) <= ms(611));
    pair.tell(0, Event::Links(true));
    pair.run(8000);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
}

#[test]
fn whoever_slept_listens_before_it_goes_on() {
    let mut pair = Pair::settled();
    let sleeper = pair.nodes[0].take();
    pair.until(1, State::Active);
    pair.nodes[0] = sleeper;
    pair.run(0);
    assert_eq!(pair.nodes[0].as_ref().unwrap().view().reason, Reason::Late);
    pair.run(2000);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
    assert!(pair.did[0].contains(&Action::Disown));
}

#[test]
fn a_held_router_does_not_claim() {
    let mut pair = Pair::settled();
    pair.tell(1, Event::Order(Order::Hold(true)));
    pair.nodes[0] = None;
    pair.run(8000);
    assert_eq!(pair.states()[1], State::Standby);
    pair.tell(1, Event::Order(Order::Hold(false)));
    assert!(pair.until(1, State::Active) <= ms(1001));
}

#[test]
fn who_advertises_is_shown_while_it_does() {
    let mut pair = Pair::settled();
    let view = pair.nodes[1].as_ref().unwrap().view();
    assert_eq!(view.partner.unwrap().state, State::Active);
    let heard = view.routers[0].heard.unwrap();
    assert_eq!((heard.priority, heard.mismatch), (150, None));
    assert_eq!(heard.source, pair.settings[0].routers[0].source);
    pair.mismatch = Some(Mismatch::Interval);
    pair.run(2000);
    let view = pair.nodes[1].as_ref().unwrap().view();
    assert_eq!((view.partner, view.routers[0].heard.unwrap().mismatch), (None, Some(Mismatch::Interval)));
    pair.nodes[0] = None;
    pair.until(1, State::Active);
    pair.run(5000);
    assert_eq!(pair.nodes[1].as_ref().unwrap().view().routers[0].heard, None);
}

#[test]
fn a_backup_that_is_cut_off_does_not_become_master() {
    let asks = Asks { gateway: true, witness: true };
    let mut pair = Pair::new([settings(150, 1, None), Settings { asks, ..settings(100, 2, None) }]);
    pair.run(6000);
    assert_eq!(pair.states(), [State::Active, State::Standby]);
    pair.did = [vec![], vec![]];
    pair.run(2000);
    let asked = |pair: &Pair, question| pair.did[1].contains(&Action::Ask(question));
    assert!(!asked(&pair, Question::Gateway), "nobody is asked while a master is heard");
    pair.up[0] = [false; 2];
    let before = (0..4000).any(|_| {
        pair.run(1);
        asked(&pair, Question::Gateway)
    });
    assert!(before && asked(&pair, Question::Witness) && pair.states()[1] == State::Standby);
    pair.tell(1, Event::Answer(Answer::Gateway(false)));
    pair.tell(1, Event::Answer(Answer::Unknown(Question::Witness)));
    pair.run(6000);
    let view = pair.nodes[1].as_ref().unwrap().view();
    assert_eq!(view.state, State::Standby);
    assert!(view.concerns.contains(&Concern::NotClaiming(Refused::Isolated)));
    assert_eq!(view.evidence, [Sign::NetworkSilent, Sign::WitnessSilent].into());
    // Back on the network, the master's advertisements have their time to arrive.
    pair.tell(1, Event::Answer(Answer::Gateway(true)));
    pair.run(2500);
    assert_eq!(pair.states()[1], State::Standby);
    pair.tell(1, Event::Answer(Answer::Witness(true)));
    pair.run(2500);
    let view = pair.nodes[1].as_ref().unwrap().view();
    assert!(view.concerns.contains(&Concern::NotClaiming(Refused::Witness)), "{view:?}");
    pair.nodes[0] = None;
    assert!(pair.until(1, State::Active) <= ms(4000));
    let view = pair.nodes[1].as_ref().unwrap().view();
    assert_eq!(view.evidence, [Sign::NetworkHeard, Sign::WitnessActive].into());
    assert!(!view.concerns.iter().any(|concern| matches!(concern, Concern::NotClaiming(_))));
}
