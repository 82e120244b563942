//! Piranha's beat: the words of pulse, the rules of a pair by hand, and random worlds in which one of our directors has
//! a partner that behaves as pulse does, or another of ours.

mod world;

use std::time::Duration;

use lvs::failover::pulse::{BadWord, ByteOrder, Pulse, Settings, Word};
use lvs::failover::{
    Action, Answer, Asks, Concern, Event, Lease, Moment, Order, Question, Reason, Refused, Sign,
};
use lvs::model::Seat;
use lvs::wire::State;
use world::{Kind, Node, World};

const INTERVAL: Duration = Duration::from_millis(500);
const DEADTIME: Duration = Duration::from_millis(3_000);
const SEATS: [Seat; 2] = [Seat::Primary, Seat::Backup];

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn settings(seat: Seat) -> Settings {
    Settings {
        seat,
        interval: INTERVAL,
        deadtime: DEADTIME,
        preempt: None,
        lease: ms(4_000),
        asks: Asks::default(),
    }
}

#[test]
fn words_are_those_of_pulse_in_either_byte_order() {
    for (word, order, bytes) in [
        (Word::Active, ByteOrder::Little, [0xda, 0xdb, 0xad, 0xbd]),
        (Word::Inactive, ByteOrder::Little, [0xbd, 0xda, 0xbd, 0xad]),
        (Word::Active, ByteOrder::Big, [0xbd, 0xad, 0xdb, 0xda]),
        (Word::Inactive, ByteOrder::Big, [0xad, 0xbd, 0xda, 0xbd]),
    ] {
        assert_eq!(word.encode(order), bytes);
        assert_eq!(Word::decode(&bytes), Ok((word, order)));
    }
    for failover_services in [[0xbe, 0xba, 0xef, 0xbe], [0xef, 0xbe, 0xad, 0xde], [0xda, 0xda, 0xad, 0xde]] {
        assert_eq!(Word::decode(&failover_services), Err(BadWord::OtherService));
    }
    assert_eq!(Word::decode(&[0xda, 0xdb, 0xad]), Err(BadWord::Length(3)));
    assert_eq!(Word::decode(&[0; 5]), Err(BadWord::Length(5)));
    assert_eq!(Word::decode(&[1, 0, 0, 0]), Err(BadWord::Unknown(1)));
}

/// One of our directors, spoken to by hand.
struct Alone {
    machine: Pulse,
    now: Moment,
    did: Vec<Action>,
}

impl Alone {
    fn new(settings: Settings) -> Self {
        Alone { machine: Pulse::new(settings, false, ms(0)), now: ms(0), did: Vec::new() }
    }

    fn tell(&mut self, event: Event) -> Vec<Action> {
        let actions = self.machine.step(event, self.now);
        self.did.extend(actions.clone());
        actions
    }

    fn hear(&mut self, word: Word) -> Vec<Action> {
        self.tell(Event::Word(Ok(word)))
    }

    /// Lets time pass, with the partner saying this once an interval.
    fn run(&mut self, milliseconds: u64, word: Option<Word>) {
        let end = self.now + ms(milliseconds);
        let mut said = self.now;
        while self.now < end {
            self.now += ms(10);
            if let Some(word) = word.filter(|_| self.now >= said + INTERVAL) {
                said = self.now;
                self.hear(word);
            }
            self.tell(Event::Tick);
        }
    }

    fn words(&self) -> Vec<Word> {
        let word = |action: &Action| match action {
            Action::Word(word) => Some(*word),
            _ => None,
        };
        self.did.iter().filter_map(word).collect()
    }
}

#[test]
fn a_silent_partner_is_replaced_after_the_deadtime_and_not_before() {
    for seat in SEATS {
        let mut node = Alone::new(settings(seat));
        node.run(2_990, None);
        assert_eq!(node.machine.state(), State::Starting);
        node.run(20, None);
        assert_eq!(node.machine.state(), State::Active);
        assert_eq!(node.machine.view().reason, Reason::PartnerSilent);
        assert_eq!(node.words().last(), Some(&Word::Active));
        assert!(node.did.contains(&Action::Lease(Lease::Permanent)), "nobody is there to take over");
        assert!(node.machine.view().concerns.contains(&Concern::Unauthenticated));
    }
}

#[test]
fn of_two_active_ones_the_backup_gives_way_and_the_primary_announces() {
    let mut backup = Alone::new(settings(Seat::Backup));
    backup.run(3_100, None);
    let did = backup.hear(Word::Active);
    assert_eq!(did[0], Action::Word(Word::Active), "once more, so that the primary learns of it");
    assert!(did.contains(&Action::Disown));
    assert_eq!(backup.machine.state(), State::Standby);

    let mut primary = Alone::new(settings(Seat::Primary));
    primary.run(3_100, None);
    assert!(primary.hear(Word::Active).contains(&Action::Announce));
    assert!(primary.machine.view().concerns.contains(&Concern::BothActive));
    primary.hear(Word::Inactive);
    assert!(!primary.machine.view().concerns.contains(&Concern::BothActive));
    primary.run(4_000, Some(Word::Inactive));
    assert_eq!(primary.machine.state(), State::Active);
    assert!(primary.did.contains(&Action::Lease(Lease::For(ms(4_000)))));
}

#[test]
fn of_two_inactive_ones_the_primary_begins_and_the_backup_waits_for_it() {
    let mut primary = Alone::new(settings(Seat::Primary));
    primary.hear(Word::Inactive);
    assert_eq!(primary.machine.state(), State::Active);
    let mut backup = Alone::new(settings(Seat::Backup));
    backup.run(1_100, Some(Word::Inactive));
    assert_eq!(backup.machine.state(), State::Starting);
    backup.run(1_500, Some(Word::Inactive));
    assert_eq!(
        (backup.machine.state(), backup.machine.view().reason),
        (State::Active, Reason::PartnerPassive)
    );
}

#[test]
fn a_returned_primary_stays_standby_unless_taking_back_is_asked_for() {
    let mut node = Alone::new(settings(Seat::Primary));
    node.run(20_000, Some(Word::Active));
    assert_eq!(node.machine.state(), State::Standby);
    let mut node = Alone::new(Settings { preempt: Some(ms(5_000)), ..settings(Seat::Primary) });
    node.run(5_000, Some(Word::Active));
    assert_eq!(node.machine.state(), State::Standby);
    node.run(1_000, Some(Word::Active));
    assert_eq!(node.machine.state(), State::Active);
    let mut node = Alone::new(Settings { preempt: Some(ms(0)), ..settings(Seat::Backup) });
    node.run(20_000, Some(Word::Active));
    assert_eq!(node.machine.state(), State::Standby, "only the primary is given way to");
}

#[test]
fn an_order_passes_the_addresses_on_and_a_partner_that_does_not_take_them_loses_them_again() {
    let active = || {
        let mut node = Alone::new(settings(Seat::Primary));
        node.hear(Word::Inactive);
        node.did.clear();
        node
    };
    let mut node = active();
    let did = node.tell(Event::Order(Order::SwitchOver { force: false }));
    assert!(did.contains(&Action::Word(Word::Inactive)) && did.contains(&Action::Disown));
    node.run(10_000, Some(Word::Active));
    assert_eq!(node.machine.state(), State::Standby);
    let mut node = active();
    node.tell(Event::Order(Order::SwitchOver { force: false }));
    node.run(2_500, Some(Word::Inactive));
    assert_eq!(node.machine.state(), State::Standby);
    node.run(1_500, Some(Word::Inactive));
    assert_eq!((node.machine.state(), node.machine.view().reason), (State::Active, Reason::TakenBack));
    node.run(4_000, None);
    let did = node.tell(Event::Order(Order::SwitchOver { force: false }));
    assert!(did.contains(&Action::Refuse(Refused::PartnerAbsent)));
}

#[test]
fn an_end_is_said_where_somebody_hears_it_and_else_leaves_everything() {
    let mut node = Alone::new(settings(Seat::Primary));
    node.hear(Word::Inactive);
    let did = node.tell(Event::Order(Order::Stop { release: false }));
    assert!(did.contains(&Action::Word(Word::Inactive)) && did.contains(&Action::Disown));
    assert_eq!(did.last(), Some(&Action::Done));
    assert_eq!(node.machine.next_deadline(), None);
    let mut node = Alone::new(settings(Seat::Primary));
    node.run(3_100, None);
    let did = node.tell(Event::Order(Order::Stop { release: false }));
    assert!(did.contains(&Action::Lease(Lease::Permanent)) && !did.contains(&Action::Disown));
}

#[test]
fn links_leases_holds_and_sleep_keep_it_from_claiming() {
    let mut node = Alone::new(settings(Seat::Backup));
    node.tell(Event::Order(Order::Hold(true)));
    node.run(6_000, None);
    assert!(node.machine.view().concerns.contains(&Concern::NotClaiming(Refused::Held)));
    assert_eq!(node.machine.state(), State::Starting);
    node.tell(Event::Order(Order::Hold(false)));
    assert_eq!(node.machine.state(), State::Active);
    assert!(node.tell(Event::Links(false)).contains(&Action::Disown));
    node.run(6_000, None);
    assert_eq!(node.machine.state(), State::Fault);
    node.tell(Event::Links(true));
    node.run(3_100, None);
    assert_eq!(node.machine.state(), State::Active);
    assert!(node.tell(Event::LeaseFailed).contains(&Action::Disown));
    let mut node = Alone::new(settings(Seat::Backup));
    node.hear(Word::Active);
    node.now += ms(60_000);
    node.tell(Event::Tick);
    assert_eq!(node.machine.state(), State::Standby, "it was not listening");
    assert_eq!(node.machine.view().counts.late, 1);
}

#[test]
fn a_partner_that_speaks_something_else_is_named_and_not_taken_for_dead() {
    let mut node = Alone::new(settings(Seat::Backup));
    node.tell(Event::Word(Err(BadWord::OtherService)));
    assert!(node.machine.view().concerns.contains(&Concern::OtherService));
    for _ in 0..10 {
        node.run(1_000, None);
        node.tell(Event::Word(Err(BadWord::Length(152))));
    }
    assert_eq!(node.machine.state(), State::Starting, "the partner lives, whatever it speaks");
    node.run(3_100, None);
    assert_eq!(node.machine.state(), State::Active);
    assert!(!node.machine.view().concerns.contains(&Concern::OtherService));
}

/// With a loss no calm can be told.
fn world(kinds: [Kind; 2], seed: u64) {
    let mut world = World::new(kinds, seed);
    for _ in 0..12 {
        let time = 100 + world.chance.below(6_000);
        let lossy = world.loss > 0;
        let end = world.now + ms(time);
        while world.now < end {
            world.run(100);
            if lossy || world.cut {
                world.calm_since = world.now;
            }
        }
        world.trouble();
    }
    world.heal();
}

#[test]
fn one_of_ours_and_pulse_settle_in_every_world() {
    use Kind::{EarlyPulse, Ours, Pulse};
    for kinds in [[Ours, Pulse], [Pulse, Ours], [Ours, EarlyPulse], [EarlyPulse, Ours], [Ours, Ours]] {
        for seed in 0..400 {
            world(kinds, seed);
        }
    }
}

#[test]
fn a_planted_flaw_is_caught() {
    // Two directors in the backup's seat never both give way to nobody: a pair set up like this must be noticed.
    let caught = std::panic::catch_unwind(|| {
        for seed in 0..20 {
            let mut world = World::new([Kind::Ours, Kind::Ours], seed);
            let twice = settings(Seat::Primary);
            world.nodes = [0, 1].map(|_| Node::Ours(Box::new(Pulse::new(twice.clone(), false, ms(0)))));
            world.heal();
        }
    });
    assert!(caught.is_err());
}

#[test]
fn a_director_that_is_cut_off_does_not_claim_and_listens_when_it_is_back() {
    let asks = Asks { gateway: true, witness: false };
    let mut node = Alone::new(Settings { asks, ..settings(Seat::Backup) });
    node.run(4_000, Some(Word::Active));
    assert!(
        !node.did.contains(&Action::Ask(Question::Gateway)),
        "nobody is asked while the partner is heard"
    );
    node.run(2_900, None);
    assert!(node.did.contains(&Action::Ask(Question::Gateway)));
    node.tell(Event::Answer(Answer::Gateway(false)));
    node.run(5_000, None);
    let view = node.machine.view();
    assert_eq!(view.state, State::Standby);
    assert!(view.concerns.contains(&Concern::NotClaiming(Refused::Isolated)));
    node.tell(Event::Answer(Answer::Gateway(true)));
    node.run(2_500, None);
    assert_eq!(node.machine.state(), State::Standby);
    node.run(1_500, None);
    assert_eq!(node.machine.state(), State::Active);
    assert_eq!(node.machine.view().evidence, [Sign::NetworkHeard].into());
}
