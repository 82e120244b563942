//! Beats, leases and the question who is active, on one dedicated thread.
//!
//! The thread (`thread`) carries out what the state machine of `lvs::failover` decides; nothing on it waits for a disk,
//! a log, the table or the async runtime. What it decides reaches the reconcile thread as a [`Role`]; what it must
//! remember across restarts is written by a small thread of its own (`ledger`), and what it asks the world outside is
//! found out on another (`scout`), or asked of the console (`witness`). A change of how the directors speak is made in two phases (`overlap`). Whether there is a partner to speak
//! with at all is said in `partnership`, from the configuration.

pub(crate) mod hooks;
pub(crate) mod ledger;
mod links;
mod overlap;
mod partnership;
mod routers;
mod scout;
mod thread;
pub(crate) mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use kernel::events::Picture;
use kernel::{Lease, Paths, Waker, Wires};
use lvs::failover::{Event, Moment, Order, Reason, Refused, Sign, View};
use lvs::table::{AddressKey, DesiredAddress};
use lvs::wire::{LinkFault, State, Testimony};

use tokio::sync::watch;

use crate::disk::Folder;
use crate::intake::Held;
use links::Links;
use partnership::Alone;
pub(crate) use partnership::{Partnership, partnership};
use witness::{Inquiries, Inquiry};

/// What this director is at present, as the heartbeat decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) state: State,
    pub(crate) reason: Reason,
    pub(crate) epoch: u64,
    pub(crate) holding: Holding,
    /// Until then another kernel may still hold the addresses.
    pub(crate) often_until: Option<Instant>,
    /// What a claim was made on.
    pub(crate) evidence: BTreeSet<Sign>,
}

impl Role {
    /// Before the heartbeat has decided anything.
    pub(crate) fn undecided() -> Self {
        Role {
            state: State::Starting,
            reason: Reason::Started,
            epoch: 0,
            holding: Holding::AsFound,
            often_until: None,
            evidence: BTreeSet::new(),
        }
    }
}

/// What is to become of the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// They are ours.
    Own,
    /// Not decided: those that are there stay, none is added.
    AsFound,
    /// They are the partner's.
    Nothing,
}

/// News for the reconcile thread.
#[derive(Debug)]
pub(crate) enum News {
    /// The role has changed, at that moment.
    Role(Role, SystemTime),
    /// Announce all addresses again.
    Announce,
    /// The life of the addresses cannot be renewed, or can be again.
    Lease(Option<kernel::Error>),
    /// Both directors speak the present way alone.
    Settled,
    /// The heartbeat has ended: the seat alone decides.
    Ended,
    /// Something to show has changed; none where there is no heartbeat.
    View(Option<Box<View>>),
}

/// What the thread is told.
enum Command {
    Configure(Result<Box<Partnership>, Alone>),
    Event(Event),
    Order(Order, Sender<Result<(), Refused>>),
    /// Says who is asked; nothing where there is no heartbeat.
    Testify(Sender<Option<Testimony>>),
    /// What the console has heard of the partner, when it was asked; none where nobody could tell.
    Witnessed {
        asked: Moment,
        active: Option<bool>,
    },
    Stop {
        release: bool,
        done: Sender<()>,
    },
}

/// How many connections each of the two kernels holds, as far as known.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    own: AtomicU32,
    partner: AtomicU32,
}

impl Connections {
    /// Takes in this director's own count, for its beats.
    pub(crate) fn counted(&self, connections: u64) {
        self.own.store(u32::try_from(connections).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Whether this kernel has nearly all that the partner's has. The last ones may be so new that they were not sent
    /// yet, or so old that they never will be.
    pub(crate) fn nearly_equal(&self) -> bool {
        /// The number that may be missing in any case.
        const FEW: u32 = 16;
        let (own, partner) = (self.own.load(Ordering::Relaxed), self.partner.load(Ordering::Relaxed));
        let missing = partner.saturating_sub(own);
        missing <= FEW.max(partner / 10)
    }
}

/// The virtual addresses whose life the thread renews while they are ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases(Arc<Mutex<BTreeMap<AddressKey, DesiredAddress>>>);

impl Leases {
    /// Exactly these from now on.
    pub(crate) fn set(&self, addresses: BTreeMap<AddressKey, DesiredAddress>) {
        *self.lock() = addresses;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AddressKey, DesiredAddress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The door to the thread. Clones are the same door.
#[derive(Clone)]
pub(crate) struct Heart {
    commands: Sender<Command>,
    waker: Arc<Waker>,
    pub(crate) connections: Arc<Connections>,
    links: Arc<Links>,
    inquiries: Arc<Inquiries>,
}

impl Heart {
    /// Makes the door, and what the thread behind it needs.
    pub(crate) fn new(wires: Wires) -> Result<(Self, Chest), kernel::Error> {
        let (paths, waker) = Paths::new(wires)?;
        let (commands, inbox) = channel();
        let connections = Arc::new(Connections::default());
        let links = Arc::new(Links::default());
        let inquiries = Arc::new(Inquiries::new(None));
        let waker = Arc::new(waker);
        let heart = Heart { commands, waker, connections, links, inquiries };
        Ok((heart.clone(), Chest { inbox, paths, wires, heart }))
    }

    /// Takes on a configuration; without a partnership there is nobody to speak with, once a heartbeat that runs has
    /// ended ([`News::Ended`]). Answers with the interfaces that cannot be used, where anybody can tell.
    pub(crate) fn configure(&self, held: &Held, partnership: Option<Partnership>) -> Option<Vec<LinkFault>> {
        let outcome = self.links.need(partnership.as_ref().map(|partnership| partnership.needed.clone()));
        let carrier = self.links.carrier();
        let partnership = partnership.map(|partnership| Box::new(Partnership { carrier, ..partnership }));
        self.tell(Command::Configure(partnership.ok_or_else(|| Alone::of(held))));
        outcome.events.into_iter().for_each(|event| self.event(event));
        outcome.faults
    }

    /// Takes in what the kernel says of links and addresses; answers as [`Heart::configure`] does.
    pub(crate) fn see(&self, picture: Picture) -> Option<Vec<LinkFault>> {
        let outcome = self.links.see(picture);
        outcome.events.into_iter().for_each(|event| self.event(event));
        outcome.faults
    }

    /// Tells of something that happened.
    pub(crate) fn event(&self, event: Event) {
        self.tell(Command::Event(event));
    }

    /// Gives an operator's order; why it is not followed, if it is not. Blocks for as long as a step takes.
    pub(crate) fn order(&self, order: Order) -> Result<(), Refused> {
        let (answer, answered) = channel();
        self.tell(Command::Order(order, answer));
        answered.recv().unwrap_or(Err(Refused::WrongState))
    }

    /// What the thread says of itself at this moment; nothing where it does not answer in time, or nobody speaks with
    /// anybody. Blocks.
    pub(crate) fn testimony(&self) -> Option<Testimony> {
        /// The thread answers within a step; one that hangs shall not be vouched for.
        const PATIENCE: Duration = Duration::from_millis(500);
        let (answer, answered) = channel();
        self.tell(Command::Testify(answer));
        answered.recv_timeout(PATIENCE).ok().flatten()
    }

    /// The questions to the console.
    pub(crate) fn inquiries(&self) -> watch::Receiver<Option<Inquiry>> {
        self.inquiries.subscribe()
    }

    /// What the console has heard of the partner, when it was asked.
    pub(crate) fn witnessed(&self, asked: Moment, active: Option<bool>) {
        self.tell(Command::Witnessed { asked, active });
    }

    /// Ends the thread: hands over where somebody can take over. Blocks until that is done, at most a deadtime.
    pub(crate) fn stop(&self, release: bool) {
        let (done, is_done) = channel();
        self.tell(Command::Stop { release, done });
        // The sender is dropped with the thread.
        let _ = is_done.recv();
    }

    fn tell(&self, command: Command) {
        if self.commands.send(command).is_ok() {
            self.waker.wake();
        }
    }
}

/// What the thread is made of.
pub(crate) struct Chest {
    inbox: Receiver<Command>,
    paths: Paths,
    wires: Wires,
    /// For the ledger and the scout, who answer like anybody else.
    heart: Heart,
}

impl Chest {
    /// Starts the thread and the ledger's.
    pub(crate) fn start(
        self,
        lease: Box<dyn Lease>,
        leases: Leases,
        folder: Folder,
        news: impl Fn(News) + Send + 'static,
    ) -> std::io::Result<Vec<std::thread::JoinHandle<()>>> {
        let door = self.heart;
        let connections = door.connections.clone();
        let (errands, scout) = scout::start(door.clone(), self.wires, door.inquiries.clone())?;
        let (ledger, writer) = ledger::start(folder, door)?;
        let helpers = (ledger, errands);
        let thread = thread::Thread::new(
            self.inbox,
            self.paths,
            (lease, leases),
            helpers,
            connections,
            Box::new(news),
        );
        let beats = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || thread.run())?;
        Ok(vec![beats, writer, scout])
    }
}
