//! The questions that are asked, each once however many services want to know; and when one may begin.
//!
//! Who asks gets the next answer, also one that is on its way already, and never the same answer twice. An answer that is
//! newer than what somebody knows is given to them at once: from then on both ask at the same moments, and one probe does
//! for both. Probes in flight are bounded in all and per target, so that neither this machine's sockets nor a server are
//! exhausted by questions. No clock and no socket is touched here; `desk` calls it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lvs::health::{Ask, Moment, Outcome};

use super::evidence::Notes;
use super::probe::{Answer, Question};

/// Probes of one target that may be in flight at once.
const PER_TARGET: u32 = 32;
/// Between the beginnings of two probes of one target.
const APART: Duration = Duration::from_millis(1);

/// What makes two questions the same.
pub(super) type Key = [u8; 32];

/// All questions.
#[derive(Debug)]
pub(super) struct Book {
    entries: BTreeMap<u64, Entry>,
    by_key: HashMap<Key, u64>,
    askers: HashMap<Ask, Asker>,
    next: u64,
    /// Questions that wait for their turn, oldest first; and whether their target may be asked at this moment.
    queue: VecDeque<(u64, bool)>,
    /// Those that wait because their target was asked just now.
    later: BTreeMap<(Moment, u64), ()>,
    targets: HashMap<IpAddr, Target>,
    in_flight: usize,
    /// Most probes in flight.
    limit: usize,
}

#[derive(Debug)]
struct Entry {
    question: Arc<Question>,
    key: Key,
    users: u32,
    state: Stage,
    /// Who gets the next answer.
    waiting: Vec<Ask>,
    /// Answers so far.
    answers: u64,
    last: Option<(Outcome, Moment)>,
    notes: Notes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Queued,
    Asked(Moment),
}

#[derive(Clone, Copy, Debug)]
struct Asker {
    entry: u64,
    /// The answer it got last.
    seen: u64,
    interval: Duration,
}

#[derive(Debug, Default)]
struct Target {
    in_flight: u32,
    free_at: Moment,
    waiting: VecDeque<u64>,
}

/// A probe to begin.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) number: u64,
    pub(super) question: Arc<Question>,
}

/// An answer for one asker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) ask: Ask,
    pub(super) outcome: Outcome,
    pub(super) began: Moment,
}

impl Book {
    pub(super) fn new(limit: usize) -> Self {
        Book {
            entries: BTreeMap::new(),
            by_key: HashMap::new(),
            askers: HashMap::new(),
            next: 0,
            queue: VecDeque::new(),
            later: BTreeMap::new(),
            targets: HashMap::new(),
            in_flight: 0,
            limit: limit.max(1),
        }
    }

    /// These and no other questions from now on. What is known of those that stay is kept; a probe of one that goes is
    /// left to end.
    pub(super) fn set(&mut self, asks: impl IntoIterator<Item = (Ask, Key, Arc<Question>, Duration)>) {
        let before = std::mem::take(&mut self.askers);
        for entry in self.entries.values_mut() {
            entry.users = 0;
            entry.waiting.clear();
        }
        for (ask, key, question, interval) in asks {
            let number = *self.by_key.entry(key).or_insert_with(|| {
                self.next += 1;
                self.next
            });
            let entry = self.entries.entry(number).or_insert_with(|| Entry {
                question,
                key,
                users: 0,
                state: Stage::Idle,
                waiting: Vec::new(),
                answers: 0,
                last: None,
                notes: Notes::default(),
            });
            entry.users += 1;
            let seen = before.get(&ask).filter(|asker| asker.entry == number).map_or(0, |asker| asker.seen);
            self.askers.insert(ask, Asker { entry: number, seen, interval });
        }
        let gone: Vec<u64> =
            self.entries.iter().filter(|(_, entry)| entry.users == 0).map(|(number, _)| *number).collect();
        for number in gone {
            let Some(entry) = self.entries.get(&number) else { continue };
            self.by_key.remove(&entry.key);
            if !matches!(entry.state, Stage::Asked(_)) {
                self.entries.remove(&number);
            }
        }
    }

    /// Somebody wants an answer. One that is there already and new to them comes back at once.
    pub(super) fn ask(&mut self, ask: Ask, now: Moment) -> Option<Told> {
        let asker = self.askers.get_mut(&ask)?;
        let entry = self.entries.get_mut(&asker.entry)?;
        if let Some((outcome, began)) = &entry.last
            && asker.seen < entry.answers
            && began.saturating_add(asker.interval) > now
        {
            asker.seen = entry.answers;
            return Some(Told { ask, outcome: outcome.clone(), began: *began });
        }
        if !entry.waiting.contains(&ask) {
            entry.waiting.push(ask);
        }
        if entry.state == Stage::Idle {
            entry.state = Stage::Queued;
            self.queue.push_back((asker.entry, false));
        }
        None
    }

    /// The probes that may begin now.
    pub(super) fn start(&mut self, now: Moment) -> Vec<Start> {
        while let Some((&(at, number), ())) = self.later.first_key_value() {
            if at > now {
                break;
            }
            self.later.pop_first();
            self.queue.push_back((number, true));
        }
        let mut starts = Vec::new();
        while self.in_flight < self.limit {
            let Some((number, free)) = self.queue.pop_front() else { break };
            let Some(entry) = self.entries.get_mut(&number) else { continue };
            let target = self.targets.entry(entry.question.target.ip()).or_default();
            if target.in_flight >= PER_TARGET {
                target.waiting.push_back(number);
                continue;
            }
            if !free {
                let at = target.free_at.max(now);
                target.free_at = at.saturating_add(APART);
                if at > now {
                    self.later.insert((at, number), ());
                    continue;
                }
            }
            target.in_flight += 1;
            self.in_flight += 1;
            entry.state = Stage::Asked(now);
            starts.push(Start { number, question: Arc::clone(&entry.question) });
        }
        starts
    }

    /// When a probe that waits for its target may begin.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.later.first_key_value().map(|(&(at, _), ())| at)
    }

    /// Takes an answer; says who gets it, and whether it is of another kind than the one before.
    pub(super) fn finish(&mut self, number: u64, answer: Answer) -> (Vec<Told>, bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(entry) = self.entries.get_mut(&number) else { return (Vec::new(), false) };
        let address = entry.question.target.ip();
        if let Some(target) = self.targets.get_mut(&address) {
            target.in_flight = target.in_flight.saturating_sub(1);
            self.queue.extend(target.waiting.pop_front().map(|number| (number, true)));
            if target.in_flight == 0 && target.waiting.is_empty() {
                self.targets.remove(&address);
            }
        }
        let Stage::Asked(began) = entry.state else { return (Vec::new(), false) };
        entry.state = Stage::Idle;
        if entry.users == 0 {
            self.entries.remove(&number);
            return (Vec::new(), false);
        }
        entry.answers += 1;
        let other = entry.last.as_ref().is_none_or(|(last, _)| !alike(last, &answer.outcome));
        entry.last = Some((answer.outcome.clone(), began));
        let mut told = Vec::with_capacity(entry.waiting.len());
        for ask in entry.waiting.drain(..) {
            if let Some(asker) = self.askers.get_mut(&ask) {
                asker.seen = entry.answers;
                told.push(Told { ask, outcome: answer.outcome.clone(), began });
            }
        }
        entry.notes.take(&entry.question, answer);
        (told, other)
    }

    /// What is noted about one asker's question, with the question.
    pub(super) fn notes(&self, ask: &Ask) -> Option<(&Question, &Notes)> {
        let entry = self.entries.get(&self.askers.get(ask)?.entry)?;
        Some((&entry.question, &entry.notes))
    }

    /// One asker's question.
    pub(super) fn question(&self, ask: &Ask) -> Option<Arc<Question>> {
        let entry = self.entries.get(&self.askers.get(ask)?.entry)?;
        Some(Arc::clone(&entry.question))
    }

    /// Notes an answer that came beside the turn.
    pub(super) fn note(&mut self, ask: &Ask, answer: Answer) {
        let entry = self.askers.get(ask).and_then(|asker| self.entries.get_mut(&asker.entry));
        if let Some(entry) = entry {
            entry.notes.take(&Arc::clone(&entry.question), answer);
        }
    }

    /// How many questions there are, and how many are on their way.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.entries.len(), self.in_flight)
    }

    /// All who ask this question, which may be more than wait for it.
    #[cfg(test)]
    fn waiting(&self, ask: &Ask) -> usize {
        self.askers.get(ask).and_then(|asker| self.entries.get(&asker.entry)).map_or(0, |e| e.waiting.len())
    }
}

/// Whether two outcomes are of one kind: a status code that changes is news, a load that does is not.
fn alike(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Up { .. }, Outcome::Up { .. }) => true,
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nanny::probe::{Prepared, Way};
    use lvs::health::Failure;

    const INTERVAL: Duration = Duration::from_secs(1);

    fn ask(service: u16, server: &str) -> Ask {
        Ask {
            service: format!("tcp 192.0.2.1:{service}").parse().unwrap(),
            server: server.parse().unwrap(),
            sorry: false,
            check: 0,
        }
    }

    fn book(asks: &[(Ask, u8)], limit: usize) -> Book {
        let mut book = Book::new(limit);
        set(&mut book, asks);
        book
    }

    fn set(book: &mut Book, asks: &[(Ask, u8)]) {
        let question = |ask: &Ask| {
            Arc::new(Question {
                target: (ask.server.address, ask.server.port).into(),
                way: Way::default(),
                timeout: INTERVAL,
                asked: Arc::new(Prepared::Connect),
                through: None,
            })
        };
        book.set(asks.iter().map(|(ask, key)| (*ask, [*key; 32], question(ask), INTERVAL)));
    }

    fn at(ms: u64) -> Moment {
        Duration::from_millis(ms)
    }

    fn down() -> Answer {
        Answer::plain(Outcome::Down(Failure::Refused))
    }

    #[test]
    fn ten_services_that_ask_the_same_are_one_probe() {
        let asks: Vec<(Ask, u8)> = (1..=10).map(|service| (ask(service, "10.0.0.1:80"), 1)).collect();
        let mut book = book(&asks, 100);
        for (ask, _) in &asks {
            assert_eq!(book.ask(*ask, at(0)), None);
        }
        let starts = book.start(at(0));
        assert_eq!(starts.len(), 1);
        let (told, news) = book.finish(starts[0].number, down());
        assert!(told.len() == 10 && news && told.iter().all(|told| told.began == at(0)));
        assert!(book.start(at(1)).is_empty());
    }

    #[test]
    fn a_newer_answer_is_given_at_once_and_never_twice() {
        let (a, b) = (ask(1, "10.0.0.1:80"), ask(2, "10.0.0.1:80"));
        let mut book = book(&[(a, 1), (b, 1)], 100);
        book.ask(a, at(0));
        let starts = book.start(at(0));
        book.finish(starts[0].number, down());
        let told = book.ask(b, at(300)).unwrap();
        assert_eq!(told.began, at(0), "from now on both are due at the same moments");
        // A retry wants another answer than the one that is known.
        assert_eq!(book.ask(b, at(550)), None);
        assert_eq!(book.waiting(&b), 1);
        assert_eq!(book.start(at(550)).len(), 1);
        // What is older than an interval is no answer any more.
        let c = ask(3, "10.0.0.1:80");
        set(&mut book, &[(a, 1), (b, 1), (c, 1)]);
        assert_eq!(book.ask(c, at(5_000)), None);
    }

    #[test]
    fn probes_are_bounded_in_all_and_per_target() {
        let many: Vec<(Ask, u8)> =
            (0..50).map(|number| (ask(80, &format!("10.0.0.{}:80", number + 1)), number)).collect();
        let mut all = book(&many, 10);
        many.iter().for_each(|(ask, _)| drop(all.ask(*ask, at(0))));
        let starts = all.start(at(0));
        assert_eq!(starts.len(), 10);
        assert!(all.start(at(5)).is_empty());
        all.finish(starts[0].number, down());
        assert_eq!(all.start(at(5)).len(), 1);

        let one: Vec<(Ask, u8)> =
            (0..50).map(|number| (ask(80, &format!("10.0.0.1:{}", number + 1)), number)).collect();
        let mut book = book(&one, 1000);
        one.iter().for_each(|(ask, _)| drop(book.ask(*ask, at(0))));
        assert_eq!(book.start(at(0)).len(), 1, "one a millisecond");
        let mut begun = Vec::new();
        for ms in 1..200 {
            begun.extend(book.start(at(ms)));
        }
        assert_eq!(begun.len(), 31, "and no more than 32 at a time");
        book.finish(begun[0].number, down());
        assert_eq!(book.start(at(300)).len(), 1);
    }

    #[test]
    fn what_nobody_asks_any_more_is_forgotten_once_its_probe_has_ended() {
        let (a, b) = (ask(1, "10.0.0.1:80"), ask(1, "10.0.0.2:80"));
        let mut book = book(&[(a, 1), (b, 2)], 100);
        book.ask(a, at(0));
        let starts = book.start(at(0));
        set(&mut book, &[(b, 2)]);
        assert_eq!(book.counts(), (2, 1));
        assert_eq!(book.finish(starts[0].number, down()), (Vec::new(), false));
        assert_eq!(book.counts(), (1, 0));
        assert_eq!(book.ask(a, at(1)), None);
        assert!(book.start(at(1)).is_empty());
    }
}
