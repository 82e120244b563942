//! What the heartbeat must remember across restarts: how far epochs are reserved, during which boot of the machine it ran
//! last, and whether its operator holds it. Written on a thread of its own, so that no beat ever waits for a disk.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use lvs::failover::Event;
use serde::{Deserialize, Serialize};

use super::Heart;
use crate::disk::Folder;

const FILE: &str = "heartbeat.json";
const REMEDY: &str = "epochs begin above those that the partner knows";
/// Changes with each boot (Linux, `random(4)`).
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Page {
    /// Epochs up to this one may have been used.
    reserved: u64,
    /// The boot during which this was written.
    boot: String,
    /// Its operator holds it.
    #[serde(default)]
    held: bool,
}

/// What was found at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    /// Epochs up to this one may have been used before.
    pub(super) floor: u64,
    /// The machine has booted since; or nothing is remembered at all.
    pub(super) booted: bool,
    /// Its operator held it.
    pub(super) held: bool,
}

/// Something to note.
enum Note {
    Reserved(u64),
    Held(bool),
}

/// The way to the writing thread.
pub(super) struct Ledger {
    pub(super) remembered: Remembered,
    notes: Sender<Note>,
}

impl Ledger {
    /// Has epochs reserved up to this one; the thread is told when it is durable. A heartbeat that begins later in this
    /// process begins above them too.
    pub(super) fn reserve(&mut self, upto: u64) {
        self.remembered.floor = self.remembered.floor.max(upto);
        let _ = self.notes.send(Note::Reserved(upto));
    }

    /// Has a hold, or its end, remembered.
    pub(super) fn hold(&mut self, held: bool) {
        self.remembered.held = held;
        let _ = self.notes.send(Note::Held(held));
    }
}

/// Reads the file and starts the writing thread, which ends when the ledger is dropped.
pub(super) fn start(folder: Folder, door: Heart) -> std::io::Result<(Ledger, JoinHandle<()>)> {
    let boot = boot();
    let page = folder.read_json::<Page>(FILE, REMEDY).unwrap_or_else(|error| {
        tracing::warn!(%error, "what the heartbeat remembered is lost");
        None
    });
    let page = page.unwrap_or_default();
    let booted = page.boot != boot || boot.is_empty();
    let remembered = Remembered { floor: page.reserved, booted, held: page.held };
    let (notes, requests) = channel();
    let write = move || {
        let mut page = Page { boot, ..page };
        while let Ok(note) = requests.recv() {
            match note {
                Note::Reserved(upto) => page.reserved = upto,
                Note::Held(held) => page.held = held,
            }
            let written = serde_json::to_vec(&page)
                .map_err(|error| error.to_string())
                .and_then(|bytes| folder.write(FILE, &bytes).map_err(|error| error.to_string()));
            match written {
                Ok(()) => door.event(Event::Reserved(page.reserved)),
                Err(error) => tracing::error!(%error, "what the heartbeat must remember cannot be written"),
            }
        }
    };
    let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(write)?;
    Ok((Ledger { remembered, notes }, thread))
}

/// Names the present boot of the machine; empty where it is not known.
pub(crate) fn boot() -> String {
    std::fs::read_to_string(BOOT).unwrap_or_default().trim().to_owned()
}
