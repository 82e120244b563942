//! What outlives a restart of the agent: the verdicts, and the orders in force. Files of the agent's folder, written on a
//! thread where nobody waits for a disk.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use lvs::health::{Memory, Orders};
use serde::{Deserialize, Serialize};

use super::evidence::wall_ms;
use crate::disk::{DiskError, Folder};

const VERDICTS: &str = "checks.json";
const VERDICTS_REMEDY: &str = "all real servers are checked anew; what the kernel holds stays until then";
const ORDERS: &str = "orders.json";
const ORDERS_REMEDY: &str = "no order holds here until the console sends them again";

/// The verdicts with the moment they were written.
#[derive(Serialize, Deserialize)]
struct Page {
    at_ms: i64,
    memory: Memory,
}

/// The way to the writing thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Writer(Sender<Memory>);

impl Writer {
    /// Starts it.
    pub(super) fn start(folder: Folder) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (way, pages) = channel::<Memory>();
        let write = move || {
            let mut failing = false;
            while let Ok(mut memory) = pages.recv() {
                // Only the newest counts.
                while let Ok(newer) = pages.try_recv() {
                    memory = newer;
                }
                let page = Page { at_ms: wall_ms(SystemTime::now()), memory };
                let written = serde_json::to_vec(&page)
                    .map_err(|error| error.to_string())
                    .and_then(|bytes| folder.write(VERDICTS, &bytes).map_err(|error| error.to_string()));
                match written {
                    Ok(()) => failing = false,
                    Err(error) if !failing => {
                        failing = true;
                        tracing::error!(%error, "verdicts cannot be remembered");
                    }
                    Err(_) => {}
                }
            }
        };
        let thread = std::thread::Builder::new().name("verdicts".to_owned()).spawn(write)?;
        Ok((Writer(way), thread))
    }

    pub(super) fn write(&self, memory: Memory) {
        let _ = self.0.send(memory);
    }
}

/// What was remembered, and how long ago.
pub(super) fn verdicts(folder: &Folder) -> Option<(Memory, Duration)> {
    let page = folder.read_json::<Page>(VERDICTS, VERDICTS_REMEDY).unwrap_or_else(|error| {
        tracing::warn!(%error, "what the checks remembered is lost");
        None
    })?;
    let away = wall_ms(SystemTime::now()).saturating_sub(page.at_ms);
    Some((page.memory, Duration::from_millis(u64::try_from(away).unwrap_or(0))))
}

/// The orders that hold; none where there are none or they cannot be read.
pub(super) fn orders(folder: &Folder) -> Orders {
    let read = folder.read_json::<Orders>(ORDERS, ORDERS_REMEDY).unwrap_or_else(|error| {
        tracing::error!(%error, "the orders are lost");
        None
    });
    read.unwrap_or_default()
}

/// Makes orders durable before they hold.
pub(super) fn store_orders(folder: &Folder, orders: &Orders) -> Result<(), DiskError> {
    let bytes = serde_json::to_vec(orders).map_err(|error| DiskError {
        action: "write",
        path: folder.path(ORDERS),
        source: error.into(),
    })?;
    folder.write(ORDERS, &bytes)
}
