//! Taking on another configuration: what holds at once, and what waits until the partner has it, too.

use lvs::failover::{Machine, Moment};
use lvs::wire::State;

use super::{Overlap, Running, Thread};
use crate::redundancy::{News, Partnership};

impl Running {
    /// Whether a change to another protocol is held back until the partner knows of it. Beats tell: of a change between two
    /// protocols without them nobody can hear.
    fn waits_for(&self, new: &Partnership) -> bool {
        let same = self.partnership.settings.partner == new.settings.partner;
        matches!(self.machine, Machine::Heartbeat(_)) != new.keys.is_some() && same
    }

    /// The partner is about to count as dead: it may have changed already.
    pub(super) fn waits_in_vain(&self, now: Moment) -> bool {
        match self.hail {
            Some(_) => self.hails_in_vain(now),
            None => self.next.is_some() && self.is_quiet(now),
        }
    }

    /// Whether the partner's silence is nearly as long as its death would be. VRRP knows no deadtime but three intervals.
    pub(super) fn is_quiet(&self, now: Moment) -> bool {
        let settings = &self.partnership.settings;
        let deadtime = match self.machine {
            Machine::Vrrp(_) => settings.interval * 3,
            Machine::Heartbeat(_) | Machine::Pulse(_) => settings.deadtime.max(settings.interval * 3),
        };
        self.silence(now) >= deadtime.saturating_sub(settings.interval)
    }
}

impl Thread {
    /// Takes on a configuration. The state survives a change of it, but not the end of the partnership.
    pub(super) fn configure(&mut self, new: Partnership) {
        let now = self.now();
        if let Some(running) = &mut self.running {
            running.ending = None;
        }
        self.end_hailing();
        if let Some(running) = &mut self.running
            && running.waits_for(&new)
        {
            if new.keys.is_some() {
                return self.begin_hailing(new, now);
            }
            // Everything else of it can wait, too: the heartbeat says that it is here, and hears when it is there.
            let mark = (new.settings.revision, new.settings.digest);
            (running.partnership.settings.revision, running.partnership.settings.digest) = mark;
            running.next = Some(Box::new(new));
            running.overlap.begin_waiting();
            return self.settings_changed(now);
        }
        if let Some(running) = &mut self.running {
            running.overlap.change(&running.partnership, &new);
        }
        let running = self.running.as_ref();
        let paths = running.map_or_else(|| new.paths.clone(), |running| running.overlap.paths(&new));
        self.paths.set(&paths);
        self.routers.configure(new.vrrp.clone());
        self.errands.look_at(new.grounds.clone());
        let Some(running) = &mut self.running else {
            return self.begin(new, Overlap::default(), now);
        };
        let actions = match (&mut running.machine, self.routers.settings(), &new.pulse) {
            (Machine::Heartbeat(machine), None, None) => {
                machine.configure(running.overlap.settings(&new), now)
            }
            (Machine::Vrrp(machine), Some(settings), _) => machine.configure(settings.clone(), now),
            (Machine::Pulse(machine), None, Some(settings)) => machine.configure(settings.clone(), now),
            // Another protocol: who is active is found out anew, and what is here stays until then.
            _ => return self.begin(new, Overlap::default(), now),
        };
        running.partnership = new;
        self.act(actions);
        self.tell_links(None);
    }

    /// The heartbeat goes on with settings that have changed by themselves.
    pub(super) fn settings_changed(&mut self, now: Moment) {
        let Some(running) = &mut self.running else { return };
        if let Machine::Heartbeat(machine) = &mut running.machine {
            let actions = machine.configure(running.overlap.settings(&running.partnership), now);
            self.act(actions);
        }
    }

    /// Both directors hear each other the present way: what was spoken beside it ends.
    pub(super) fn settled(&mut self) {
        let now = self.now();
        self.say_farewell(now);
        let Some(running) = &mut self.running else { return };
        running.overlap.end();
        // The first beat in another protocol's place says already that the partner is heard.
        let overlap = running.overlap.clone();
        let next = running.next.take();
        self.paths.set(&running.partnership.paths);
        (self.news)(News::Settled);
        tracing::info!("both directors speak as configured, and no other way");
        match next {
            Some(next) => self.configure_anew(*next, overlap, now),
            None => self.settings_changed(now),
        }
    }

    /// Before another protocol begins the partner should hear that it is known to have the change, too: it waits for that.
    fn say_farewell(&mut self, now: Moment) {
        /// One may be lost.
        const TIMES: usize = 3;
        for _ in 0..TIMES {
            let Some(running) = self.running.as_mut().filter(|running| running.next.is_some()) else {
                return;
            };
            match &mut running.machine {
                Machine::Heartbeat(machine) => {
                    let actions = machine.say_again(now);
                    self.act(actions);
                }
                Machine::Vrrp(_) | Machine::Pulse(_) => self.hail(true),
            }
        }
    }

    /// Another protocol in the place of the one that was spoken.
    fn configure_anew(&mut self, partnership: Partnership, overlap: Overlap, now: Moment) {
        let view = self.running.as_ref().map(|running| running.machine.view());
        let was_active = view.is_some_and(|view| view.state == State::Active);
        // It was heard, or has listened for long.
        let partnership = Partnership { carrier: true, ..partnership };
        self.paths.set(&partnership.paths);
        self.routers.configure(partnership.vrrp.clone());
        self.errands.look_at(partnership.grounds.clone());
        self.begin(partnership, overlap, now);
        if let Some(running) = self.running.as_mut().filter(|_| was_active) {
            // Its standby would claim before this director had listened.
            let actions = running.machine.go_on(now);
            self.act(actions);
        }
        // Whoever watches the links tells no more than changes.
        if let Some(usable) = self.links {
            self.see_links(usable);
        }
    }
}
