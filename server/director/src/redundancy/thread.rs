//! The thread itself: packets, commands and deadlines in, beats and roles out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant, SystemTime};

use kernel::{Lease, Paths};
use lvs::failover::pulse::{ByteOrder, Pulse, Word};
use lvs::failover::vrrp::Vrrp;
use lvs::failover::{
    Action, Answer, Beat, Event, Heartbeat, LENGTH, Lease as Life, Machine, Moment, Order, Question, Start,
    Unopened, View,
};
use lvs::wire::{State, Testimony};

use super::ledger::Ledger;
use super::overlap::Overlap;
use super::partnership::LONG_LISTENING;
use super::routers::Routers;
use super::scout::Errands;
use super::{Command, Connections, Holding, Leases, News, Partnership, Role};

mod changing;
mod ending;
mod hailing;

/// So many forged packets at once are a flood.
const FLOOD: u64 = 32;
/// The longest pause in one; much shorter than any interval.
const BREATH: Duration = Duration::from_millis(4);
/// Between two tellings of nothing but dropped packets.
const COUNTED: Duration = Duration::from_secs(1);
/// How long the thread sleeps when it has nobody to speak with.
const IDLE: Duration = Duration::from_secs(3600);

pub(super) struct Thread {
    inbox: Receiver<Command>,
    paths: Paths,
    routers: Routers,
    /// Of a partner that speaks Piranha's beat.
    byte_order: ByteOrder,
    lease: Box<dyn Lease>,
    leases: Leases,
    ledger: Ledger,
    errands: Errands,
    connections: Arc<Connections>,
    news: Box<dyn Fn(News) + Send>,
    origin: Instant,
    running: Option<Running>,
    /// Whether the interfaces that are needed can be used, as far as that was told.
    links: Option<bool>,
    /// A machine has run before in this process: the partner knows this director's ways.
    ran: bool,
    /// Who waits for the end.
    stopping: Option<Sender<()>>,
    over: bool,
}

/// A machine with its configuration.
struct Running {
    machine: Machine,
    partnership: Partnership,
    /// What is still spoken beside it.
    overlap: Overlap,
    /// Another protocol that begins once the partner knows of it, too.
    next: Option<Box<Partnership>>,
    /// How it is told of that, where the present protocol cannot tell.
    hail: Option<hailing::Hail>,
    /// It ends once the partner knows of it, too.
    ending: Option<ending::Ending>,
    began: Moment,
    role: Role,
    life: Life,
    /// Some of the addresses may be here.
    found: bool,
    shown: Option<View>,
    shown_at: Moment,
    /// Packets from the partner's address that are no authentic beats.
    unopened: Unopened,
    lease_failing: bool,
}

impl Thread {
    pub(super) fn new(
        inbox: Receiver<Command>,
        paths: Paths,
        (lease, leases): (Box<dyn Lease>, Leases),
        (ledger, errands): (Ledger, Errands),
        connections: Arc<Connections>,
        news: Box<dyn Fn(News) + Send>,
    ) -> Self {
        let origin = Instant::now();
        Thread {
            inbox,
            paths,
            routers: Routers::default(),
            byte_order: ByteOrder::default(),
            lease,
            leases,
            ledger,
            errands,
            connections,
            news,
            origin,
            running: None,
            links: None,
            ran: false,
            stopping: None,
            over: false,
        }
    }

    /// The loop; ends with a stop, or when nobody holds the door any more.
    pub(super) fn run(mut self) {
        let mut failing = false;
        while !self.over {
            let mut called = false;
            loop {
                match self.inbox.try_recv() {
                    Ok(command) => {
                        called = true;
                        self.obey(command);
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            self.look(called);
            self.listen();
            self.tick();
            let next = self.running.as_ref().and_then(|running| running.machine.next_deadline());
            let next = next.into_iter().chain(self.next_hail()).min();
            let wait = next.map_or(IDLE, |at| at.saturating_sub(self.now()));
            let wait = self.routers.patience().map_or(wait, |patience| wait.min(patience));
            if self.over {
                break;
            }
            match self.paths.wait_with(&self.routers.descriptors(), wait) {
                Ok(_) => failing = false,
                Err(error) => {
                    if !failing {
                        tracing::error!(%error, "the heartbeat cannot wait for packets; looking instead");
                    }
                    failing = true;
                    std::thread::sleep(wait.min(Duration::from_millis(10)));
                }
            }
        }
        if let Some(done) = self.stopping.take() {
            let _ = done.send(());
        }
    }

    fn now(&self) -> Moment {
        self.origin.elapsed()
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Configure(Ok(partnership)) => self.configure(*partnership),
            Command::Configure(Err(alone)) => self.part(alone),
            Command::Event(Event::Links(usable)) => self.see_links(usable),
            Command::Event(event) => {
                self.step(event);
            }
            Command::Order(order, answer) => {
                let refused = self.step(Event::Order(order)).into_iter().find_map(|action| match action {
                    Action::Refuse(refused) => Some(refused),
                    _ => None,
                });
                let followed = match (refused, &self.running) {
                    (Some(refused), _) => Err(refused),
                    (None, Some(_)) => Ok(()),
                    (None, None) => Err(lvs::failover::Refused::PartnerAbsent),
                };
                if let (Ok(()), Order::Hold(held)) = (&followed, order) {
                    self.ledger.hold(held);
                }
                let _ = answer.send(followed);
            }
            Command::Testify(answer) => {
                let view = self.running.as_ref().map(|running| running.machine.view());
                let _ = answer.send(view.map(|view| Testimony { state: view.state, epoch: view.epoch }));
            }
            Command::Witnessed { asked, active } => {
                let view = self.running.as_ref().map(|running| running.machine.view());
                let heard = view.and_then(|view| view.partner).map(|partner| partner.heard_at);
                // What the partner said before it was heard last is worth nothing any more.
                if heard.is_none_or(|heard| heard <= asked) {
                    let unknown = Answer::Unknown(Question::Witness);
                    self.step(Event::Answer(active.map_or(unknown, Answer::Witness)));
                }
            }
            Command::Stop { release, done } => {
                self.stopping = Some(done);
                if self.running.is_some() {
                    self.step(Event::Order(Order::Stop { release }));
                } else {
                    self.over = true;
                }
            }
        }
    }

    fn begin(&mut self, partnership: Partnership, overlap: Overlap, now: Moment) {
        let held = self.lease.held(&partnership.addresses).unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot see which addresses are here");
            Vec::new()
        });
        let holds = !held.is_empty();
        // Switched on just now, or after a boot: the partner may still have to learn of it.
        let long = self.ran || self.ledger.remembered.booted;
        let settings = &partnership.settings;
        let start = Start {
            session: session(),
            floor: self.ledger.remembered.floor,
            listen: if long { LONG_LISTENING.max(settings.deadtime) } else { settings.deadtime },
            holds,
            carrier: partnership.carrier,
        };
        let machine = match (self.routers.settings(), &partnership.pulse) {
            (Some(vrrp), _) => Machine::Vrrp(Box::new(Vrrp::new(vrrp.clone(), holds, now))),
            (None, Some(pulse)) => Machine::Pulse(Box::new(Pulse::new(pulse.clone(), holds, now))),
            (None, None) => Machine::Heartbeat(Box::new(Heartbeat::new(settings.clone(), start, now))),
        };
        tracing::info!(
            holds,
            paths = partnership.paths.len(),
            listen_ms = start.listen.as_millis(),
            "heartbeat begins"
        );
        let role = Role::undecided();
        (self.news)(News::Role(role.clone(), SystemTime::now()));
        self.running = Some(Running {
            machine,
            partnership,
            overlap,
            next: None,
            hail: None,
            ending: None,
            began: now,
            role,
            life: Life::Permanent,
            found: holds,
            shown: None,
            shown_at: now,
            unopened: Unopened::default(),
            lease_failing: false,
        });
        self.ran = true;
        if self.ledger.remembered.held {
            self.step(Event::Order(Order::Hold(true)));
        }
        if self.routers.settings().is_some() {
            // VRRP says nothing of connections: what is missing can only be seen here.
            self.step(Event::Ready(true));
        }
        self.step(Event::Tick);
        self.tell_links(None);
    }

    /// Takes in whether the interfaces that are needed can be used.
    fn see_links(&mut self, usable: bool) {
        self.links = Some(usable);
        if self.routers.settings().is_some() {
            self.tell_links(Some(usable));
        } else {
            self.step(Event::Links(usable));
        }
    }

    /// Tells VRRP's machine whether its interfaces can be used, with what is watched beside them.
    fn tell_links(&mut self, watched: Option<bool>) {
        if self.routers.settings().is_some() {
            let usable = self.routers.links(watched);
            self.step(Event::Links(usable));
        }
    }

    /// Looks at VRRP's interfaces: an address may have come, a cable may be out.
    fn look(&mut self, called: bool) {
        if !self.routers.look(called) {
            return;
        }
        let now = self.now();
        if let (Some(running), Some(settings)) = (&mut self.running, self.routers.settings())
            && let Machine::Vrrp(machine) = &mut running.machine
        {
            let actions = machine.configure(settings.clone(), now);
            self.act(actions);
        }
        self.tell_links(None);
    }

    /// Takes in what has come over the paths.
    fn listen(&mut self) {
        let Some(running) = &mut self.running else {
            self.paths.receive(|_, _, _| {});
            return;
        };
        let began = Instant::now();
        let mut events = self.routers.receive();
        let (mut forged, mut settled) = (0, false);
        let Running { partnership, overlap, unopened, next, hail, .. } = running;
        let beats =
            hail.as_ref().and(next.as_deref()).or(partnership.keys.is_some().then_some(&*partnership));
        let (words, order, now) = (partnership.pulse.is_some(), &mut self.byte_order, self.origin.elapsed());
        self.paths.receive(|path, partner, packet| {
            let beats = beats.filter(|_| !words || packet.len() == LENGTH);
            match beats.map(|beats| (beats, overlap.open(beats, path, packet, now))) {
                Some((beats, Ok(opened))) => {
                    if Some(opened.beat.sender) == beats.settings.partner {
                        self.connections.partner.store(opened.beat.connections, Ordering::Relaxed);
                        hail.iter_mut().for_each(|hail| hail.hear(&opened.beat, now));
                    }
                    settled |= opened.settled && overlap.is_open();
                    events.push(Event::Beat(opened.beat));
                }
                Some((_, Err(why))) if partner => {
                    forged += 1;
                    unopened.count(why);
                }
                // Strangers are not listened to; that is all that Piranha's protocol has.
                None if words && partner => {
                    let word = Word::decode(packet);
                    *order = word.map_or(*order, |(_, order)| order);
                    events.push(Event::Word(word.map(|(word, _)| word)));
                }
                Some(_) | None => {}
            }
        });
        if forged > 0 {
            events.push(Event::Forged(forged));
        }
        for event in events {
            self.step(event);
        }
        if self.running.as_ref().is_some_and(|running| running.ending.is_some()) {
            self.consider_end(settled);
        } else if settled || self.running.as_ref().is_some_and(|running| running.waits_in_vain(self.now())) {
            self.settled();
        }
        if forged >= FLOOD {
            // The socket drops what is too much: at most half of one processor goes into refusing packets.
            std::thread::sleep(began.elapsed().min(BREATH));
        }
    }

    fn tick(&mut self) {
        let due = self.running.as_ref().and_then(|running| running.machine.next_deadline());
        if due.is_some_and(|at| at <= self.now()) {
            self.step(Event::Tick);
        }
        self.hail(false);
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        let now = self.now();
        let Some(running) = &mut self.running else { return Vec::new() };
        let actions = running.machine.step(event, now);
        self.act(actions.clone());
        actions
    }

    fn act(&mut self, actions: Vec<Action>) {
        let Some(running) = &mut self.running else { return };
        let before = running.role.clone();
        let mut failed = false;
        for action in actions {
            match action {
                Action::Send(beat) => {
                    let connections = self.connections.own.load(Ordering::Relaxed);
                    let (beat, now) = (Beat { connections, ..beat }, self.origin.elapsed());
                    for (packet, paths) in running.overlap.packets(&running.partnership, beat, now) {
                        self.paths.send_over(&packet, &paths);
                    }
                }
                Action::Enter { state, reason, epoch } => {
                    let claims = state == State::Active;
                    let evidence = if claims { running.machine.view().evidence } else { Default::default() };
                    running.role.evidence = evidence;
                    running.role.state = state;
                    running.role.epoch = epoch;
                    running.role.reason = reason;
                    if state == State::Starting && running.role.holding == Holding::Own {
                        running.role.holding = Holding::AsFound;
                    }
                    let undecided = running.role.holding == Holding::AsFound;
                    if undecided && state != State::Starting && !running.found {
                        // There is nothing to be told to give up.
                        running.role.holding = Holding::Nothing;
                    }
                }
                Action::Own { often_until } => {
                    running.role.holding = Holding::Own;
                    running.found = true;
                    running.role.often_until = often_until.map(|at| self.origin + at);
                }
                Action::Disown => {
                    // Nothing is renewed from here on, so that what is removed stays away.
                    self.leases.set(Default::default());
                    running.role.holding = Holding::Nothing;
                    running.found = false;
                    running.role.often_until = None;
                }
                Action::Announce => (self.news)(News::Announce),
                Action::Lease(life) => {
                    running.life = life;
                    let (renewed, news) = renew(&mut *self.lease, &self.leases, running);
                    failed |= !renewed;
                    if let Some(trouble) = news {
                        (self.news)(News::Lease(trouble));
                    }
                }
                Action::Reserve(upto) => self.ledger.reserve(upto),
                Action::Ask(question) => self.errands.ask(question, self.origin.elapsed()),
                // The view tells the concerns, and whoever gave the order tells its refusal: no log is written here.
                Action::Concern(..) | Action::Refuse(_) => {}
                Action::Word(word) => {
                    let paths = running.own_paths();
                    self.paths.send_over(&word.encode(self.byte_order), &paths);
                }
                Action::Advertise { router, priority } => self.routers.advertise(router, priority),
                Action::Done => self.over = true,
            }
        }
        if running.role != before {
            (self.news)(News::Role(running.role.clone(), SystemTime::now()));
        }
        self.show();
        if failed {
            self.step(Event::LeaseFailed);
        }
    }

    /// Tells what is to be shown, where it has changed. Ages are no news, nor are packets that come all the time; those that
    /// are dropped are told once in a while.
    fn show(&mut self) {
        let now = self.now();
        let Some(running) = &mut self.running else { return };
        let mut view = running.machine.view();
        view.counts.unopened = running.unopened;
        running.name_difference(&mut view, now);
        let told = running.shown.as_ref();
        let same = told.is_some_and(|before| quiet(before) == quiet(&view));
        let dropped = |view: &View| (view.counts.dropped(), view.counts.late);
        let waits =
            now < running.shown_at + COUNTED || told.is_some_and(|told| dropped(told) == dropped(&view));
        if !same || !waits {
            running.shown = Some(view.clone());
            running.shown_at = now;
            (self.news)(News::View(Some(Box::new(view))));
        }
    }
}

/// What is news at once.
fn quiet(view: &View) -> View {
    let mut view = view.clone();
    view.counts = Default::default();
    if let Some(partner) = &mut view.partner {
        partner.heard_at = Moment::ZERO;
    }
    view
}

/// Renews the life of what is held: whether that succeeded, and what is new about it.
fn renew(
    lease: &mut dyn Lease,
    leases: &Leases,
    running: &mut Running,
) -> (bool, Option<Option<kernel::Error>>) {
    let addresses = leases.lock();
    if addresses.is_empty() {
        return (true, None);
    }
    let life = match running.life {
        Life::Permanent => None,
        Life::For(life) => Some(life),
    };
    let trouble = lease.renew(&addresses, life).err();
    // What somebody took away is for the reconcile thread to put back.
    let renewed = trouble.as_ref().is_none_or(|error| error.kind == kernel::Kind::Gone);
    let failing = trouble.is_some();
    let changed = std::mem::replace(&mut running.lease_failing, failing) != failing;
    (renewed, changed.then_some(trouble))
}

/// A number that no earlier start had.
fn session() -> u64 {
    let mut bytes = [0; 8];
    if rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes).is_err() {
        tracing::error!("the system gives no random numbers; a recorded beat could be taken for a fresh one");
    }
    u64::from_ne_bytes(bytes) | 1
}
