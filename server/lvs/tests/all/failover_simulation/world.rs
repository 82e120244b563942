//! A world: two nodes, the network between them, its faults, and the promises that are looked after.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use lvs::failover::{Action, Answer, Beat, Event, Moment, Order, Question, Reason};
use lvs::wire::State;

use super::chance::Chance;
use super::node::{Life, Node, pair};
use super::storm::{Fault, draw};

/// A defect planted around the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Does not notice that the partner is active.
    DeafToActive,
    /// Stays in fault when its interfaces are back.
    NeverRecovers,
    /// Begins again at the first epoch after each start.
    ForgetsEpochs,
    /// Starts as if it had no partner.
    ClaimsUnheard,
    /// Takes a long sleep for no time at all.
    Sleepwalks,
    /// Leaves the addresses in its kernel.
    KeepsAddresses,
    /// Finds nobody who holds the addresses, whoever does.
    LooksAway,
    /// Takes itself for connected, however cut off it is.
    SeesNetwork,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Happening {
    Deadline(usize),
    Arrival(usize, Box<Beat>),
    Fault(Fault),
    /// The network is whole from here on; nothing more goes wrong than single crashes, hangs and orders.
    Heal,
    Reserved(usize, u64),
    /// The kernel has got the addresses.
    Held(usize),
    /// A look for the addresses is over; it began then.
    Looked(usize, Moment),
    /// A look for the gateway is over: what it brings, and whether the node was cut off when it began.
    Reached(usize, bool, bool),
}

pub(crate) struct World {
    chance: Chance,
    flaw: Flaw,
    now: Moment,
    nodes: [Node; 2],
    queue: BinaryHeap<Reverse<(Moment, u64, usize)>>,
    happenings: BTreeMap<usize, Happening>,
    counter: usize,
    sessions: u64,
    loss: u64,
    cut: [bool; 2],
    /// Each has looked for the gateway while it was cut off, and nothing has changed since.
    cut_off: [bool; 2],
    /// When packets from the partner's address that are not authentic last came: a sign of the network.
    forged: [Option<Moment>; 2],
    healed: Option<Moment>,
    /// No beat arrives before this: the ports are not open yet.
    blocked_until: Moment,
    /// When each began to look for the addresses last.
    looking: [Option<Moment>; 2],
    /// The last moment at which a fault of the calm phase happened or ended.
    disturbed: Moment,
    recorded: Vec<Beat>,
    epochs: BTreeMap<u64, usize>,
    pub(crate) told: Vec<String>,
}

const STORM: Duration = Duration::from_secs(12);
const CALM: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(40);
/// The longest a packet travels once the network is whole.
const TRAVEL: Duration = Duration::from_millis(5);
/// How long a look for the addresses takes.
const WINDOW: Duration = Duration::from_millis(240);

impl World {
    pub(crate) fn new(seed: u64, flaw: Flaw) -> Self {
        let mut chance = Chance::new(seed);
        let interval = Duration::from_millis([20, 100, 100, 200][chance.below(4) as usize]);
        let deadtime = interval * (3 + chance.below(4) as u32);
        let preempt = chance.percent(40).then(|| chance.between(0, 1000));
        let settings = pair(interval, deadtime, preempt);
        let mut world = World {
            nodes: settings.map(|mut settings| {
                if flaw == Flaw::ClaimsUnheard {
                    settings.partner =
                        settings.partner.filter(|_| settings.seat == lvs::model::Seat::Primary);
                }
                // Every second world has a gateway.
                settings.gateway = seed % 2 == 1;
                let session = chance.number() | 1;
                Node::new(settings, session)
            }),
            chance,
            flaw,
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            counter: 0,
            sessions: 0,
            loss: 0,
            cut: [false; 2],
            cut_off: [false; 2],
            forged: [None; 2],
            healed: None,
            blocked_until: Duration::ZERO,
            looking: [None; 2],
            disturbed: Duration::ZERO,
            recorded: Vec::new(),
            epochs: BTreeMap::new(),
            told: Vec::new(),
        };
        for (at, fault) in draw(&mut world.chance, Duration::ZERO, STORM, true) {
            world.plan(at, Happening::Fault(fault));
        }
        world.plan(STORM, Happening::Heal);
        for (at, fault) in draw(&mut world.chance, STORM + Duration::from_secs(8), CALM, false) {
            world.plan(at, Happening::Fault(fault));
        }
        // One of them may be started later than the other.
        let late = world.chance.between(0, 500);
        world.plan(Duration::ZERO, Happening::Deadline(0));
        world.plan(late, Happening::Fault(Fault::Start(1)));
        world.nodes[1].life = Life::Gone;
        world
    }

    /// A world that begins with a power cut of both directors, and with their ports blocked for a while.
    pub(crate) fn after_a_power_cut(seed: u64, flaw: Flaw) -> Self {
        let mut world = World::new(seed, flaw);
        world.queue.clear();
        world.happenings.clear();
        world.nodes[0].life = Life::Gone;
        for node in 0..2 {
            let at = world.chance.between(0, 1500);
            world.plan(at, Happening::Fault(Fault::Boot(node)));
        }
        world.blocked_until = world.chance.between(1000, 12_000);
        world.plan(world.blocked_until, Happening::Heal);
        let calm = world.blocked_until + Duration::from_secs(8);
        for (at, fault) in draw(&mut world.chance, calm, CALM, false) {
            world.plan(at, Happening::Fault(fault));
        }
        world
    }

    /// Plays it to its end.
    pub(crate) fn play(&mut self) -> Result<(), String> {
        while let Some(Reverse((at, _, key))) = self.queue.pop() {
            if at > END {
                break;
            }
            self.now = at;
            let Some(happening) = self.happenings.remove(&key) else { continue };
            self.happen(happening)?;
            self.look()?;
        }
        self.look_at_the_end()
    }

    fn plan(&mut self, at: Moment, happening: Happening) {
        self.counter += 1;
        self.queue.push(Reverse((at, self.counter as u64, self.counter)));
        self.happenings.insert(self.counter, happening);
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Deadline(node) => {
                let due = self.nodes[node].machine.next_deadline().is_some_and(|at| at <= self.now);
                if self.nodes[node].life == Life::Running && due {
                    self.step(node, Event::Tick)?;
                } else {
                    self.arm(node);
                }
            }
            Happening::Arrival(node, beat) => match self.nodes[node].life {
                Life::Running => {
                    self.cut_off[node] = false;
                    self.step(node, Event::Beat(*beat))?;
                }
                Life::Hung => self.nodes[node].receive(*beat),
                Life::Gone => {}
            },
            Happening::Reserved(node, upto) => {
                let node = &mut self.nodes[node];
                node.disk = node.disk.max(upto);
                if node.life == Life::Running {
                    node.machine.step(Event::Reserved(upto), self.now);
                }
            }
            Happening::Held(node) => {
                if self.nodes[node].life == Life::Running {
                    self.step(node, Event::Holds(true))?;
                }
            }
            Happening::Looked(node, since) => {
                if self.nodes[node].life == Life::Running {
                    let answer = Answer::Owner(self.is_answered(node, since));
                    self.step(node, Event::Answer(answer))?;
                }
            }
            Happening::Reached(node, answers, cut) => {
                if self.nodes[node].life == Life::Running {
                    self.cut_off[node] = cut && self.cut[node];
                    self.step(node, Event::Answer(Answer::Gateway(answers)))?;
                }
            }
            Happening::Fault(fault) => self.fault(fault)?,
            Happening::Heal => {
                self.tell("the network is whole".to_owned());
                self.healed = Some(self.now);
                self.disturbed = self.now;
                self.loss = 0;
                self.cut = [false; 2];
                self.cut_off = [false; 2];
                for node in 0..2 {
                    match self.nodes[node].life {
                        Life::Gone => self.fault(Fault::Start(node))?,
                        Life::Hung => self.fault(Fault::Wake(node))?,
                        Life::Running => {}
                    }
                    self.fault(Fault::Links(node, true))?;
                    self.fault(Fault::Hold(node, false))?;
                }
            }
        }
        Ok(())
    }

    fn fault(&mut self, fault: Fault) -> Result<(), String> {
        self.tell(format!("{fault:?}"));
        self.disturbed = self.now;
        match fault {
            Fault::Loss(percent) => self.loss = percent,
            Fault::Cut(node, cut) => {
                self.cut[node] = cut;
                self.cut_off[node] = false;
            }
            Fault::Kill(node) if self.nodes[node].life == Life::Running => self.nodes[node].life = Life::Gone,
            Fault::PowerOff(node) => {
                self.nodes[node].life = Life::Gone;
                self.nodes[node].kernel = None;
            }
            Fault::Boot(node) if self.nodes[node].life == Life::Gone => self.start_after(node, true)?,
            Fault::Start(node) if self.nodes[node].life == Life::Gone => self.start(node)?,
            Fault::Hang(node) if self.nodes[node].life == Life::Running => self.nodes[node].life = Life::Hung,
            Fault::Wake(node) if self.nodes[node].life == Life::Hung => self.wake(node)?,
            Fault::Links(node, usable) => {
                self.nodes[node].links = usable;
                let kept = self.flaw == Flaw::NeverRecovers && usable;
                if self.nodes[node].life == Life::Running && !kept {
                    self.step(node, Event::Links(usable))?;
                }
            }
            Fault::Stop(node, release) => self.order(node, Order::Stop { release })?,
            Fault::SwitchOver(node) => self.order(node, Order::SwitchOver { force: true })?,
            Fault::TakeOver(node) => self.order(node, Order::TakeOver)?,
            Fault::Hold(node, held) => self.order(node, Order::Hold(held))?,
            Fault::Forge(node) if self.nodes[node].life == Life::Running => {
                self.forged[node] = Some(self.now);
                self.step(node, Event::Forged(1))?
            }
            Fault::Replay(node) => {
                for _ in 0..20 {
                    let which = self.chance.below(self.recorded.len() as u64) as usize;
                    let Some(beat) = self.recorded.get(which).cloned() else { break };
                    let at = self.now + self.chance.between(0, 5);
                    self.plan(at, Happening::Arrival(node, Box::new(beat)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn order(&mut self, node: usize, order: Order) -> Result<(), String> {
        if self.nodes[node].life == Life::Running { self.step(node, Event::Order(order)) } else { Ok(()) }
    }

    /// Whether a look of this node that began then finds the addresses with its partner. The backup gives way to a look
    /// of the primary, too.
    fn is_answered(&self, node: usize, since: Moment) -> bool {
        let other = 1 - node;
        let looks = node == 1 && self.looking[other].is_some_and(|at| at >= since.saturating_sub(WINDOW));
        let reached = !self.cut[node] && self.nodes[node].links && self.nodes[other].links;
        self.flaw != Flaw::LooksAway && reached && (self.nodes[other].holds(self.now) || looks)
    }

    fn start(&mut self, node: usize) -> Result<(), String> {
        let boot = self.nodes[node].kernel.is_none() && self.chance.percent(50);
        self.start_after(node, boot)
    }

    fn start_after(&mut self, node: usize, boot: bool) -> Result<(), String> {
        self.sessions += 1;
        self.cut_off[node] = false;
        let session = self.chance.number() | 1;
        if self.flaw == Flaw::ForgetsEpochs {
            self.nodes[node].disk = 0;
        }
        self.nodes[node].start(session, boot, self.now);
        if !self.nodes[node].links && self.flaw != Flaw::NeverRecovers {
            self.step(node, Event::Links(false))?;
        }
        self.step(node, Event::Ready(true))
    }

    fn wake(&mut self, node: usize) -> Result<(), String> {
        self.nodes[node].life = Life::Running;
        self.cut_off[node] = false;
        if self.flaw == Flaw::Sleepwalks {
            // As if each timer had fired in time.
            while let Some(due) = self.nodes[node].machine.next_deadline().filter(|due| *due < self.now) {
                let now = std::mem::replace(&mut self.now, due);
                self.nodes[node].machine.step(Event::Tick, due);
                self.now = now;
            }
        }
        self.step(node, Event::Tick)?;
        for beat in std::mem::take(&mut self.nodes[node].socket) {
            self.step(node, Event::Beat(beat))?;
        }
        Ok(())
    }

    fn step(&mut self, node: usize, event: Event) -> Result<(), String> {
        if let Event::Beat(beat) = &event
            && self.flaw == Flaw::DeafToActive
            && beat.state == State::Active
        {
            return Ok(());
        }
        let now = self.now;
        let before = (self.nodes[node].heard, self.nodes[node].had(now));
        let actions = self.nodes[node].step(event, now);
        for action in actions {
            match action {
                Action::Send(beat) => self.send(node, beat),
                Action::Enter { state, reason, epoch } => {
                    self.tell(format!("{node} {state:?} {reason:?} {epoch}"));
                    if state == State::Active {
                        self.look_at_claim(node, reason, epoch, before)?;
                    }
                }
                Action::Ask(Question::Owner) => {
                    self.looking[node] = Some(now);
                    self.plan(now + WINDOW, Happening::Looked(node, now));
                }
                Action::Ask(Question::Gateway) => {
                    let cut = self.cut[node] || !self.nodes[node].links;
                    let answers = !cut || self.flaw == Flaw::SeesNetwork;
                    let at = if answers { now + self.gateway_travel(node) } else { now + WINDOW };
                    self.plan(at, Happening::Reached(node, answers, cut));
                }
                Action::Reserve(upto) => {
                    let at = now + self.chance.between(1, 50);
                    self.plan(at, Happening::Reserved(node, upto));
                }
                Action::Own { .. } => {
                    let at = now + self.chance.between(0, 30);
                    self.plan(at, Happening::Held(node));
                }
                Action::Done => {
                    self.tell(format!("{node} is done"));
                    self.nodes[node].life = Life::Gone;
                }
                Action::Disown if self.flaw == Flaw::KeepsAddresses => {
                    self.nodes[node].kernel = Some(super::node::FOREVER);
                }
                _ => {}
            }
        }
        self.arm(node);
        self.look()
    }

    /// How long the gateway's answer takes; drawn without changing what else a seed means.
    fn gateway_travel(&self, node: usize) -> Moment {
        Duration::from_millis(1 + (self.now.as_micros() as u64 + node as u64) % 20)
    }

    fn arm(&mut self, node: usize) {
        if self.nodes[node].life != Life::Running {
            return;
        }
        if let Some(at) = self.nodes[node].machine.next_deadline()
            && self.nodes[node].last_deadline != Some(at)
        {
            self.nodes[node].last_deadline = Some(at);
            // A timer fires a little late, as timers do.
            let at = at.max(self.now) + Duration::from_micros(self.chance.below(2000));
            self.plan(at, Happening::Deadline(node));
        }
    }

    fn send(&mut self, node: usize, beat: Beat) {
        if self.recorded.len() < 200 {
            self.recorded.push(beat.clone());
        }
        let to = 1 - node;
        // Two paths carry each beat.
        for _ in 0..2 {
            let stormy = self.healed.is_none();
            if self.now < self.blocked_until
                || self.cut[to]
                || !self.nodes[node].links
                || self.chance.percent(self.loss)
            {
                continue;
            }
            let travel = if stormy && self.chance.percent(5) {
                self.chance.between(1, 400)
            } else {
                self.chance.between(0, TRAVEL.as_millis() as u64)
            };
            self.plan(self.now + travel, Happening::Arrival(to, Box::new(beat.clone())));
        }
    }

    fn tell(&mut self, what: String) {
        self.told.push(format!("{:>9.3} {what}", self.now.as_secs_f64()));
    }

    fn look_at_claim(
        &mut self,
        node: usize,
        reason: Reason,
        epoch: u64,
        (heard, had): (Option<Moment>, bool),
    ) -> Result<(), String> {
        if let Some(other) = self.epochs.insert(epoch, node) {
            return Err(format!("epoch {epoch} was claimed twice, by {other} and {node}"));
        }
        let settings = &self.nodes[node].settings;
        let forged = self.forged[node].is_some_and(|at| self.now <= at + settings.deadtime * 2);
        if self.cut_off[node] && !forged && reason == Reason::PartnerSilent && !had {
            return Err(format!("{node} claimed while it was cut off from the network"));
        }
        let since = heard.unwrap_or_default().max(self.nodes[node].started);
        let answered = !matches!(reason, Reason::PartnerSilent | Reason::Alone);
        // A claim in answer to the partner needs a beat; any other needs its silence.
        let listened = if answered {
            self.nodes[node].heard.is_some()
        } else {
            self.now.saturating_sub(since) >= settings.deadtime
        };
        if listened { Ok(()) } else { Err(format!("{node} claimed without listening ({reason:?})")) }
    }

    /// What must hold after every step.
    fn look(&mut self) -> Result<(), String> {
        if self.now < self.blocked_until && self.nodes.iter().all(Node::owns) {
            return Err(format!("two owners at {:?} while no beat arrives", self.now));
        }
        let Some(healed) = self.healed else { return Ok(()) };
        let interval = self.nodes[0].settings.interval;
        let bound = healed + interval * 3 + TRAVEL * 3;
        let two = self.nodes.iter().all(Node::owns);
        if two && self.now > bound {
            return Err(format!("two owners at {:?} on a whole network", self.now));
        }
        // A boot's listening, a silence, and a hand-over that was not taken up.
        let patience = Duration::from_secs(5) + self.nodes[0].settings.deadtime * 6;
        let quiet = self.now > self.disturbed.max(healed) + patience;
        if quiet && !self.nodes.iter().any(Node::owns) && self.nodes.iter().all(Node::healthy) {
            return Err(format!("no owner at {:?} although nothing is wrong", self.now));
        }
        Ok(())
    }

    /// What must hold once all is quiet: one owner, whose kernel alone holds the addresses.
    fn look_at_the_end(&mut self) -> Result<(), String> {
        let owners: Vec<usize> = (0..2).filter(|node| self.nodes[*node].owns()).collect();
        if owners.is_empty() && self.nodes.iter().any(Node::healthy) {
            return Err("no owner although one could be".to_owned());
        }
        let holding: Vec<usize> = (0..2).filter(|node| self.nodes[*node].holds(self.now)).collect();
        if self.nodes.iter().all(Node::healthy) && holding != owners {
            return Err(format!("{owners:?} own, the kernels of {holding:?} hold the addresses"));
        }
        Ok(())
    }
}
