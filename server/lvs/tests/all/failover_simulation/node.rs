//! One director of a simulated world: its machine, its kernel's addresses, its disk.

use std::time::Duration;

use lvs::failover::{Action, Beat, Event, Heartbeat, Lease, Moment, Name, Settings, Start};
use lvs::model::Seat;
use lvs::wire::State;

/// Packets that a socket keeps for a process that does not read.
const SOCKET: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    /// Stopped by a debugger or a swapping machine; the socket goes on collecting.
    Hung,
    /// The process is gone; the kernel goes on, unless the host is down.
    Gone,
}

pub(crate) struct Node {
    pub(crate) settings: Settings,
    pub(crate) machine: Heartbeat,
    pub(crate) life: Life,
    /// Packets that wait to be read.
    pub(crate) socket: Vec<Beat>,
    /// Until when the kernel holds the addresses; `None` where it does not.
    pub(crate) kernel: Option<Moment>,
    pub(crate) lease: Lease,
    /// The epochs that the disk knows as reserved.
    pub(crate) disk: u64,
    pub(crate) links: bool,
    /// The kernel held the addresses at the start of the process, or it was told to hold them, and not to give them up since.
    pub(crate) found: bool,
    pub(crate) started: Moment,
    /// When the machine last counted a beat: copies and replays do not break a silence.
    pub(crate) heard: Option<Moment>,
    pub(crate) last_deadline: Option<Moment>,
}

/// For ever, on the scale of a world.
pub(crate) const FOREVER: Moment = Duration::from_secs(1_000_000);

impl Node {
    pub(crate) fn new(settings: Settings, session: u64) -> Self {
        let start = Start { session, floor: 0, listen: settings.deadtime, holds: false, carrier: true };
        Node {
            machine: Heartbeat::new(settings.clone(), start, Duration::ZERO),
            settings,
            life: Life::Running,
            socket: Vec::new(),
            kernel: None,
            lease: Lease::Permanent,
            disk: 0,
            links: true,
            found: false,
            started: Duration::ZERO,
            heard: None,
            last_deadline: None,
        }
    }

    /// The process starts again; `boot`: so does the host.
    pub(crate) fn start(&mut self, session: u64, boot: bool, now: Moment) {
        if boot {
            self.kernel = None;
        }
        let floor = self.disk;
        let listen = if boot { Duration::from_secs(3) } else { self.settings.deadtime };
        let start = Start { session, floor, listen, holds: self.holds(now), carrier: true };
        self.found = start.holds;
        self.machine = Heartbeat::new(self.settings.clone(), start, now);
        self.life = Life::Running;
        self.lease = Lease::Permanent;
        self.started = now;
        self.heard = None;
        self.socket.clear();
    }

    pub(crate) fn owns(&self) -> bool {
        self.life == Life::Running && self.machine.state() == State::Active
    }

    /// Whether it could own: it runs and nothing is wrong with it.
    pub(crate) fn healthy(&self) -> bool {
        self.life == Life::Running && self.links
    }

    pub(crate) fn holds(&self, now: Moment) -> bool {
        self.kernel.is_some_and(|until| now < until)
    }

    /// Whether its kernel held the addresses when this process began, or was asked to hold them: it only goes on then.
    pub(crate) fn had(&self, now: Moment) -> bool {
        self.found || self.holds(now)
    }

    pub(crate) fn receive(&mut self, beat: Beat) {
        if self.socket.len() < SOCKET {
            self.socket.push(beat);
        }
    }

    pub(crate) fn step(&mut self, event: Event, now: Moment) -> Vec<Action> {
        let counted = self.machine.view().counts.heard;
        let actions = self.machine.step(event, now);
        if self.machine.view().counts.heard > counted {
            self.heard = Some(now);
        }
        for action in &actions {
            match action {
                Action::Lease(lease) => {
                    self.lease = *lease;
                    if self.holds(now) {
                        self.kernel = Some(self.life_of_addresses(now));
                    }
                }
                Action::Own { .. } => {
                    self.kernel = Some(self.life_of_addresses(now));
                    self.found = true;
                }
                Action::Disown => {
                    self.kernel = None;
                    self.found = false;
                }
                _ => {}
            }
        }
        actions
    }

    fn life_of_addresses(&self, now: Moment) -> Moment {
        match self.lease {
            Lease::Permanent => FOREVER,
            Lease::For(life) => now + life,
        }
    }
}

/// Two directors of one cluster, as a configuration would have them.
pub(crate) fn pair(interval: Duration, deadtime: Duration, preempt: Option<Duration>) -> [Settings; 2] {
    let names = [Name::of("dir_a"), Name::of("dir_b")];
    let [a, b] = names;
    [(a, b, Seat::Primary, 150), (b, a, Seat::Backup, 100)].map(|(director, partner, seat, priority)| {
        Settings {
            cluster: Name::of("cl_1"),
            director,
            partner: Some(partner),
            seat,
            priority,
            interval,
            deadtime,
            preempt,
            lease: Duration::from_secs(2),
            witness: false,
            gateway: false,
            revision: 1,
            digest: [1; 16],
        }
    })
}
