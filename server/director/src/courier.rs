//! Takes this kernel's connections to the partner's when the addresses go there, and when the partner has come back without
//! any, on a thread of its own.
//!
//! The kernel's own daemon tells nothing of a connection before its third packet, and what it tells may be two seconds late:
//! without this, clients would wait as long, or be reset. It decides neither when nor which (`reconcile::handover`,
//! [`lvs::connections::Choice`]); it never sends longer than it is told to, so that connections never arrive where the
//! director has long gone on without them.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kernel::Connections;
use lvs::connections::{Choice, Chosen};
use lvs::table::{KernelTimeouts, SyncRow, Table};

/// Connections sent at most.
const MOST: usize = 100_000;
/// Of the time that there is, reading takes at most this share.
const READING: u32 = 2;
/// Messages sent in one go, and the pause after them: some 75,000 connections a second. A receiving kernel keeps about fifty
/// messages that it has not looked at yet.
const PACE: usize = 8;
const PAUSE: Duration = Duration::from_millis(4);

/// What is to be taken, and by when.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    /// The daemon that it is sent as.
    pub(crate) daemon: SyncRow,
    /// The services and real servers that connections belong to.
    pub(crate) table: Table,
    pub(crate) timeouts: KernelTimeouts,
    /// Also connections that ended long ago.
    pub(crate) all: bool,
    pub(crate) until: Instant,
}

/// The door to the thread, which ends with it, after what it is about.
pub(crate) struct Courier(Sender<Parcel>);

impl Courier {
    /// Starts the thread.
    pub(crate) fn start(mut connections: Box<dyn Connections>) -> io::Result<(Self, JoinHandle<()>)> {
        let (door, inbox) = channel();
        let run = move || {
            let mut parcel = inbox.recv().ok();
            while let Some(present) = parcel {
                parcel = carry(connections.as_mut(), &present, &inbox).or_else(|| inbox.recv().ok());
            }
        };
        let thread = std::thread::Builder::new().name("connections".to_owned()).spawn(run)?;
        Ok((Courier(door), thread))
    }

    /// Takes this instead of what it is taking.
    pub(crate) fn take(&self, parcel: Parcel) {
        let _ = self.0.send(parcel);
    }
}

/// Takes one parcel, or as much of it as there is time for before another one comes.
fn carry(connections: &mut dyn Connections, parcel: &Parcel, inbox: &Receiver<Parcel>) -> Option<Parcel> {
    let began = Instant::now();
    let took_ms = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (chosen, complete) = match choose(connections, parcel, began) {
        Ok(chosen) => chosen,
        Err(error) => {
            tracing::warn!(%error, "the partner's kernel has to do without the latest connections");
            return None;
        }
    };
    let read_ms = took_ms();
    let mut rest = chosen.copies.as_slice();
    for number in 1_usize.. {
        if rest.is_empty() || Instant::now() >= parcel.until {
            break;
        }
        match connections.send(&parcel.daemon, rest) {
            Ok(count) => rest = rest.get(count.max(1)..).unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "the partner's kernel has to do without the latest connections");
                return None;
            }
        }
        if number.is_multiple_of(PACE) {
            if let Ok(newer) = inbox.try_recv() {
                return Some(newer);
            }
            std::thread::sleep(PAUSE);
        }
    }
    let (sent, unsent) = (chosen.copies.len().saturating_sub(rest.len()), rest.len());
    let left_out = chosen.left_out;
    tracing::info!(
        sent,
        unsent,
        left_out,
        complete,
        read_ms,
        took_ms = took_ms(),
        "connections sent to the partner"
    );
    None
}

/// What is to be sent, and whether the whole table was read.
fn choose(
    connections: &mut dyn Connections,
    parcel: &Parcel,
    began: Instant,
) -> Result<(Chosen, bool), kernel::Error> {
    let helped = connections.helped()?;
    let choice = Choice::new(&parcel.table, parcel.timeouts, &helped, MOST);
    let mut choice = if parcel.all { choice.of_all() } else { choice };
    let until = began + parcel.until.saturating_duration_since(began) / READING;
    let complete = connections.read(until, &mut |connection| choice.consider(connection))?;
    Ok((choice.finish(), complete))
}
