//! The nanny: checks the real servers, on a runtime and a thread of its own with less right to the processor than the
//! heartbeat.
//!
//! ```text
//!  configuration, orders ─→ desk ─ asks ─→ book ─ starts ─→ probe ─┐
//!                            ↑ (lvs::health decides)               │
//!                            └───────────── answers ───────────────┘
//!   desk ─→ standings ─→ the reconcile thread      desk ─→ statuses ─→ board ─→ stream
//! ```
//!
//! It decides nothing about a server itself: `lvs::health` says which question is due and what an answer means. It never
//! writes to the kernel, and never waits for a disk. The agent opens it, the reconcile thread configures it and fetches what
//! stands, the listener takes orders and questions for it.

mod book;
mod desk;
mod ends;
mod evidence;
mod lower;
mod memory;
mod probe;
mod summary;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lvs::counters::Counters;
use lvs::health::{Orders, Outcome, Roster, Stale, Standings, Trouble};
use lvs::model::ValidCluster;
use lvs::table::Table;
use lvs::wire::{CheckKey, CheckStatus, CheckedNow, Refusal, State};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::board::Board;
use crate::disk::Folder;
use desk::Desk;
pub(crate) use desk::Statuses;
use memory::Writer;
pub(crate) use probe::Programs;
use probe::{Answer, Doorstep};

/// Descriptors that the rest of the agent may need.
const SPARE: u64 = 256;
/// The most probes in flight, however many descriptors there are.
const IN_FLIGHT: usize = 4096;
/// Answers taken in at once.
const BATCH: usize = 256;
/// The least time between two tellings of statuses, and of the sum of them.
const TELL: Duration = Duration::from_millis(100);
const SUM: Duration = Duration::from_secs(1);
/// Probes begin at multiples of this: a thousand a second, each at its own moment, would wake the processor for each.
const BEGIN: Duration = Duration::from_millis(20);
/// The least time between two writings of verdicts.
const WRITE: Duration = Duration::from_secs(2);
/// How long the thread may do nothing before that is told; it comes round every second at least.
const SILENT: Duration = Duration::from_secs(10);
/// How much less right to the processor the checks have than the rest (nice(2)).
const NICE: i32 = 5;

/// The door to the checks. Clones are the same door.
#[derive(Clone)]
pub(crate) struct Nanny(Arc<Inside>);

struct Inside {
    desk: Mutex<Desk>,
    doorstep: Doorstep,
    wake: Notify,
    stopping: AtomicBool,
    /// The reconcile thread has been told that other standings wait for it.
    told: AtomicBool,
    /// When the thread came round last.
    round: Mutex<Instant>,
    folder: Folder,
}

impl Nanny {
    /// Opens it with what is remembered in the agent's folder. Nothing is asked before it is configured and started.
    pub(crate) fn open(folder: &Folder, programs: Programs, director_id: &str) -> Self {
        let (verdicts, orders) = (memory::verdicts(folder), memory::orders(folder));
        let desk = Desk::new(programs, director_id, descriptors(), verdicts, orders, Box::new(jitter));
        Nanny(Arc::new(Inside {
            desk: Mutex::new(desk),
            doorstep: Doorstep::default(),
            wake: Notify::new(),
            stopping: AtomicBool::new(false),
            told: AtomicBool::new(false),
            round: Mutex::new(Instant::now()),
            folder: folder.clone(),
        }))
    }

    /// Starts the threads. `tell` is called when other standings wait to be fetched.
    pub(crate) fn start(
        &self,
        board: Arc<Board>,
        tell: impl Fn() + Send + 'static,
    ) -> std::io::Result<Vec<JoinHandle<()>>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (writer, writing) = Writer::start(self.0.folder.clone())?;
        let inside = self.0.clone();
        let run = move || {
            // Without the right to it all threads are alike; the checks are then only bounded in number.
            let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
            // As a task like the probes: what runs outside of all tasks is woken by a call of the kernel each time.
            let watch = Loop { inside, board, tell, writer }.run();
            let _ = runtime.block_on(async move { tokio::spawn(watch).await });
        };
        let asking = std::thread::Builder::new().name("nanny".to_owned()).spawn(run)?;
        Ok(vec![asking, writing])
    }

    /// Another configuration; `table` is what the kernel holds. Says what stands.
    pub(crate) fn configure(&self, cluster: &ValidCluster, table: &Table) -> Arc<Standings> {
        let standings = self.desk().configure(cluster, table);
        self.0.wake.notify_one();
        standings
    }

    /// Nothing is to be checked.
    pub(crate) fn clear(&self) {
        self.desk().clear();
        self.0.wake.notify_one();
    }

    /// What stands now.
    pub(crate) fn standings(&self) -> Arc<Standings> {
        self.0.told.store(false, Ordering::Relaxed);
        self.desk().standings()
    }

    /// What the kernel has counted, for drains.
    pub(crate) fn count(&self, counters: Arc<Counters>) {
        self.desk().count(counters);
        self.0.wake.notify_one();
    }

    /// Whether somebody waits for connections to end.
    pub(crate) fn drains(&self) -> bool {
        self.desk().drains()
    }

    /// Takes orders: durable first, then in force.
    pub(crate) fn orders(&self, orders: Orders) -> Result<(), Refusal> {
        let stale = |Stale { offered, held }| match offered == held {
            true => Refusal::OtherContent { revision: held },
            false => Refusal::OlderRevision { offered, held },
        };
        self.desk().follows(&orders).map_err(stale)?;
        memory::store_orders(&self.0.folder, &orders)
            .map_err(|error| Refusal::Failed { detail: error.to_string() })?;
        let mut desk = self.desk();
        // Another one may have come while this one was written.
        desk.follows(&orders).map_err(stale)?;
        tracing::info!(serial = orders.serial, orders = orders.orders.len(), "orders");
        desk.place(orders);
        drop(desk);
        self.0.wake.notify_one();
        Ok(())
    }

    /// All about one real server; none where it is not checked here.
    pub(crate) fn status(&self, key: &CheckKey) -> Option<CheckStatus> {
        self.desk().status(key)
    }

    /// Asks all questions of one real server at once, beside their usual turn; none where it is not checked here.
    pub(crate) async fn check_now(&self, key: &CheckKey) -> Option<CheckedNow> {
        let questions = {
            let desk = self.desk();
            desk.status(key)?;
            desk.questions(key)
        };
        let asked = questions.iter().map(|(_, question)| probe::ask(question, &self.0.doorstep));
        let began = Instant::now();
        let answers = futures_util::future::join_all(asked).await;
        let mut desk = self.desk();
        let answers = questions.into_iter().zip(answers).map(|((ask, question), answer)| {
            let evidence = evidence::shown_now(&question, &answer);
            desk.extra(&ask, answer, began);
            evidence
        });
        let answers = answers.collect();
        drop(desk);
        self.0.wake.notify_one();
        Some(CheckedNow { answers })
    }

    /// Asks once what a configuration of its own says; nothing of it is kept, and no verdict follows from it.
    pub(crate) async fn check_try(&self, cluster: &ValidCluster) -> CheckedNow {
        let programs = self.desk().programs();
        let mut roster = Roster::default();
        let _ = roster.configure(cluster, &Table::default(), None, &mut || 0, Duration::ZERO);
        let questions = lower::questions(cluster, &roster, &programs);
        let asked = questions.iter().map(|(_, _, question, _)| probe::ask(question, &self.0.doorstep));
        let answers = futures_util::future::join_all(asked).await;
        let shown = questions.iter().zip(&answers);
        CheckedNow {
            answers: shown
                .map(|((_, _, question, _), answer)| evidence::shown_now(question, answer))
                .collect(),
        }
    }

    /// How long the checks have not gone on, where that is longer than it may be. Called from another thread, because one
    /// that hangs cannot say so.
    pub(crate) fn silent(&self, now: Instant) -> Option<Duration> {
        let round = *self.0.round.lock().unwrap_or_else(PoisonError::into_inner);
        Some(now.saturating_duration_since(round)).filter(|silent| *silent > SILENT)
    }

    /// Tells for ever when the checks do not go on; once they do, they tell themselves how they are.
    pub(crate) async fn watch(self, board: Arc<Board>) {
        loop {
            tokio::time::sleep(SILENT / 4).await;
            if let Some(silent) = self.silent(Instant::now()) {
                board.post(|status| {
                    let checking = status.checking.get_or_insert_default();
                    if checking.silent_s.is_none() {
                        tracing::error!(seconds = silent.as_secs(), "the checks do not go on");
                    }
                    checking.silent_s = Some(silent.as_secs());
                });
            }
        }
    }

    /// Ends it; what is known is written once more.
    pub(crate) fn stop(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
        self.0.wake.notify_one();
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk()
    }
}

impl Inside {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What runs on the thread.
struct Loop<T> {
    inside: Arc<Inside>,
    board: Arc<Board>,
    tell: T,
    writer: Writer,
}

/// When something may be done again that is not to be done too often.
struct Pause {
    least: Duration,
    next: Instant,
}

impl Pause {
    fn new(least: Duration) -> Self {
        Pause { least, next: Instant::now() }
    }

    fn over(&mut self, now: Instant) -> bool {
        let over = self.next <= now;
        if over {
            self.next = now + self.least;
        }
        over
    }
}

/// The next moment at which probes begin.
fn together(moment: Duration) -> Duration {
    let rounds = moment.as_nanos().div_ceil(BEGIN.as_nanos());
    BEGIN.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
}

impl<T: Fn()> Loop<T> {
    async fn run(self) {
        let (back, mut answers) = unbounded_channel();
        let mut batch: Vec<(u64, Answer)> = Vec::new();
        let origin = Instant::now();
        let (mut tell, mut sum, mut write) = (Pause::new(TELL), Pause::new(SUM), Pause::new(WRITE));
        while !self.inside.stopping.load(Ordering::Relaxed) {
            *self.inside.round.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            let work = {
                let mut desk = self.inside.desk();
                desk.alone(self.board.alone());
                for (number, answer) in batch.drain(..) {
                    desk.answered(number, answer);
                }
                let work = desk.work();
                if desk.stands_anew() && !self.inside.told.swap(true, Ordering::Relaxed) {
                    (self.tell)();
                }
                work
            };
            for start in work.starts {
                let ticket = Ticket { number: start.number, back: back.clone(), answer: None };
                let doorstep = self.inside.doorstep.clone();
                tokio::spawn(async move {
                    let mut ticket = ticket;
                    ticket.answer = Some(probe::ask(&start.question, &doorstep).await);
                });
            }
            let now = Instant::now();
            if tell.over(now) {
                self.show();
            }
            if sum.over(now) {
                self.sum_up();
            }
            if write.over(now) {
                self.write();
            }
            let begins = work.next.map(|next| origin + together(next.saturating_duration_since(origin)));
            let next = begins.unwrap_or(tell.next.max(now + TELL)).min(tell.next).min(sum.next);
            tokio::select! {
                biased;
                () = self.inside.wake.notified() => {}
                _ = answers.recv_many(&mut batch, BATCH) => {}
                () = tokio::time::sleep_until(next.into()) => {}
            }
        }
        self.show();
        self.write();
    }

    fn show(&self) {
        let statuses = self.inside.desk().statuses();
        if let Some(statuses) = statuses {
            self.board.checks(statuses);
        }
        let happened = self.inside.desk().happened();
        happened.into_iter().for_each(|what| self.board.journal().note(what));
        let orders = self.inside.desk().orders_status();
        self.board.orders(orders);
    }

    fn sum_up(&self) {
        let active = self.board.state() == State::Active;
        let checking = {
            let mut desk = self.inside.desk();
            desk.look_at_orders(active);
            desk.checking()
        };
        self.board.post(|status| status.checking = Some(checking));
    }

    fn write(&self) {
        let memory = self.inside.desk().memory();
        if let Some(memory) = memory {
            self.writer.write(memory);
        }
    }
}

/// Gives the answer back, whatever becomes of the probe.
struct Ticket {
    number: u64,
    back: UnboundedSender<(u64, Answer)>,
    answer: Option<Answer>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let answer = self.answer.take();
        let lost = || Answer::plain(Outcome::Undecided(Trouble::Lost));
        let _ = self.back.send((self.number, answer.unwrap_or_else(lost)));
    }
}

/// Lets this process have as many descriptors as it may, and says how many probes may be in flight with them.
fn descriptors() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        let _ = setrlimit(Resource::Nofile, limit);
    }
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(most.saturating_sub(SPARE)).unwrap_or(IN_FLIGHT).clamp(8, IN_FLIGHT)
}

/// A number at random, to spread the first probes.
fn jitter() -> u16 {
    let mut bytes = [0; 2];
    // Without random numbers they all begin together, which is only less calm.
    let _ = rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
    u16::from_ne_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Journal;

    #[test]
    fn a_checker_that_hangs_is_told_by_somebody_else() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let nanny = Nanny::open(&folder, Programs::default(), "dir_1");
        let board = Arc::new(Board::new("dir_1", 0, Journal::open(place.path()).0));
        let _threads = nanny.start(board, || {}).unwrap();
        let round = || *nanny.0.round.lock().unwrap();
        let first = round();
        let patience = Instant::now() + Duration::from_secs(60);
        while round() == first {
            assert!(Instant::now() < patience, "it comes round by itself");
            std::thread::yield_now();
        }
        assert_eq!(nanny.silent(Instant::now()), None);
        // It cannot go on while somebody else has the desk.
        let held = nanny.desk();
        let later = round() + SILENT + Duration::from_secs(3);
        assert!(nanny.silent(later).is_some_and(|silent| silent > SILENT));
        drop(held);
        nanny.stop();
    }
}
