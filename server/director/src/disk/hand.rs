//! A thread that works on files for somebody who must not wait for a disk: a disk that hangs (a failing drive, a frozen
//! file system, storage over a network that is gone) holds up this thread, and its client goes on without an answer.
//!
//! One piece of work at a time, in the order in which it came. What has no answer in time is not called off: it may
//! still be done later, but always before anything that is asked for afterwards. Used by [`super::Folder`] only.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long work that is late already is waited for before the next piece.
const LATE: Duration = Duration::from_millis(250);

type Work = Box<dyn FnOnce() + Send>;

/// The way to the thread, which ends when this is dropped and its work is done.
#[derive(Debug)]
pub(super) struct Hand(Mutex<Desk>);

#[derive(Debug)]
struct Desk {
    work: Sender<Work>,
    /// Ends when the work is done that had no answer in time.
    late: Option<Receiver<()>>,
}

impl Hand {
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let (work, pieces) = channel::<Work>();
        let run = move || pieces.into_iter().for_each(|piece| piece());
        // Never joined: nobody can end a thread that waits for a disk.
        std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Hand(Mutex::new(Desk { work, late: None })))
    }

    /// Has work done, and waits for its result at most this long (and for what is late already a quarter of a second
    /// before); none where there is none by then.
    pub(super) fn run<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let mut desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(late) = &desk.late {
            if late.recv_timeout(patience.min(LATE)) == Err(RecvTimeoutError::Timeout) {
                return None;
            }
            desk.late = None;
        }
        let (answer, answered) = channel();
        let (working, done) = channel();
        let piece = move || {
            // Nobody may wait for it any more.
            let _ = answer.send(work());
            drop(working);
        };
        desk.work.send(Box::new(piece)).ok()?;
        let result = answered.recv_timeout(patience).ok();
        if result.is_none() {
            desk.late = Some(done);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn work_that_hangs_holds_nobody_up_and_comes_before_what_follows() {
        let hand = Hand::start("hand").unwrap();
        assert_eq!(hand.run(LONG, || 1), Some(1));
        let (release, released) = channel::<()>();
        let (order, done) = channel();
        let first = order.clone();
        let hanging = move || {
            let _ = released.recv();
            first.send("late").unwrap();
        };
        assert_eq!(hand.run(SHORT, hanging), None);
        assert_eq!(hand.run(SHORT, || 2), None, "not begun while the disk hangs");
        drop(release);
        let next = move || order.send("next").unwrap();
        while hand.run(LONG, next.clone()).is_none() {}
        assert_eq!(done.into_iter().take(2).collect::<Vec<_>>(), ["late", "next"]);
    }
}
