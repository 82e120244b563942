//! Asks through the data path: a handshake with the virtual address on the real server, as clients' packets come there.
//!
//! Many knock at once with one set of sockets, which is opened when the first one does and closed when nobody has for a
//! while. A thread of its own hears the answers, whatever runtime those who wait for them are on. `probe` calls it after a
//! server has answered at its own address.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kernel::{Door, Ears, Heard, Kind, Knock, Knocked, Knocker};
use lvs::health::{Failure, Trouble};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::trail::Trail;
use super::{Fault, Question, down, random};

/// Until a handshake is begun again for the first time; then twice as long each time.
const AGAIN: Duration = Duration::from_millis(300);
/// Until it is tried again while the kernel looks for the server's hardware address; then twice as long, up to [`AGAIN`].
const LOOKING: Duration = Duration::from_millis(10);
/// How long the hearing thread waits before it looks whether anybody is left to hear for.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many times in a row, with nobody waiting, before the sockets are closed.
const IDLE: u32 = 60;
/// Ports that knocks come from: above those that kernels take by themselves.
const PORTS: (u16, u16) = (61_000, 4_000);

/// Where all probes of an agent knock. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Doorstep(Arc<Inside>);

#[derive(Default)]
struct Inside {
    knocker: Mutex<Option<Knocker>>,
    /// Who waits for an answer, by the number of the knock.
    waiting: Mutex<BTreeMap<u32, Waiter>>,
}

struct Waiter {
    knock: Knock,
    told: oneshot::Sender<Knocked>,
}

impl Inside {
    fn knocker(&self) -> MutexGuard<'_, Option<Knocker>> {
        self.knocker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u32, Waiter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A knock under way. However its probe ends, the server is told so and nobody waits any more.
struct Underway<'a> {
    inside: &'a Inside,
    knock: Knock,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.inside.waiting().remove(&self.knock.number());
        if let Some(knocker) = self.inside.knocker().as_ref() {
            // What the server is not told it finds out by itself, later.
            let _ = knocker.end(&self.knock);
        }
    }
}

impl fmt::Debug for Doorstep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Doorstep")
    }
}

impl Doorstep {
    /// Asks at a door until it is answered; whoever calls it bounds the time.
    pub(super) async fn knock(&self, question: &Question, door: Door, trail: &Trail) -> Result<(), Fault> {
        trail.through();
        let (first, count) = PORTS;
        let port = first + u16::from_ne_bytes(random()?) % count;
        let source = question.way.source;
        let Some(knock) = self.with(|knocker| knocker.prepare(door, source, port))? else { return Ok(()) };
        let (told, mut answer) = oneshot::channel();
        self.0.waiting().insert(knock.number(), Waiter { knock: knock.clone(), told });
        let mut underway = Underway { inside: &self.0, knock };
        let (mut again, mut looking) = (AGAIN, LOOKING);
        loop {
            let begun = self.with(|knocker| knocker.begin(&mut underway.knock))?;
            let pause = if begun { again } else { looking };
            if begun {
                again = again.saturating_mul(2);
            } else {
                looking = looking.saturating_mul(2).min(AGAIN);
            }
            match timeout(pause, &mut answer).await {
                Ok(Ok(Knocked::Opened)) => return Ok(()),
                Ok(Ok(Knocked::Refused)) => return Err(down(Failure::DataPathRefused)),
                Ok(Err(_)) => return Err(Fault::trouble(Trouble::Lost, "answers cannot be heard")),
                Err(_) => {}
            }
        }
    }

    /// Does something with the sockets, which are opened where they are not.
    fn with<T>(&self, act: impl FnOnce(&mut Knocker) -> Result<T, kernel::Error>) -> Result<T, Fault> {
        let mut place = self.0.knocker();
        let knocker = match place.take() {
            Some(knocker) => knocker,
            None => {
                let (knocker, ears) = Knocker::open(u16::from_ne_bytes(random()?)).map_err(lacking)?;
                let inside = Arc::downgrade(&self.0);
                let thread = std::thread::Builder::new().name("doorstep".to_owned());
                thread
                    .spawn(move || hear(&ears, &inside))
                    .map_err(|error| Fault::trouble(Trouble::Resources, error.to_string()))?;
                knocker
            }
        };
        act(place.insert(knocker)).map_err(lacking)
    }
}

/// Tells those who wait what has come in. Ends with the doorstep, when nobody has waited for a while, or when nothing can be
/// heard: whoever waits then knows that, and the next knock opens other sockets.
fn hear(ears: &Ears, inside: &Weak<Inside>) {
    let mut idle = 0;
    while idle < IDLE {
        let heard = ears.hear(PATIENCE);
        let Some(inside) = inside.upgrade() else { return };
        match heard {
            Ok(heard) => {
                let mut waiting = inside.waiting();
                idle = if heard.is_empty() && waiting.is_empty() { idle + 1 } else { 0 };
                heard.iter().for_each(|heard| tell(&mut waiting, heard));
            }
            Err(error) => {
                tracing::warn!(%error, "answers through the data path cannot be heard");
                break;
            }
        }
    }
    if let Some(inside) = inside.upgrade() {
        let closed = inside.knocker().take();
        inside.waiting().clear();
        drop(closed);
    }
}

fn tell(waiting: &mut BTreeMap<u32, Waiter>, heard: &Heard) {
    if waiting.get(&heard.number).is_some_and(|waiter| waiter.knock.is_answered_by(heard))
        && let Some(waiter) = waiting.remove(&heard.number)
    {
        // Its probe may have ended at this moment.
        let _ = waiter.told.send(heard.answer);
    }
}

/// What this machine lacks says nothing about a real server.
fn lacking(error: kernel::Error) -> Fault {
    let trouble = match error.kind {
        Kind::Denied => Trouble::Permission,
        Kind::Unsupported | Kind::Invalid => Trouble::NotPossibleHere,
        Kind::Transient | Kind::Busy => Trouble::Resources,
        Kind::Gone | Kind::Exists => Trouble::SourceAddress,
    };
    Fault::trouble(trouble, error.to_string())
}
