//! Connections of the memory kernel: those that a test put there, and what was told of them.

use std::collections::BTreeSet;
use std::time::Instant;

use lvs::connections::{Connection, Copied};
use lvs::table::SyncRow;

use super::MemoryKernel;
use crate::Connections;
use crate::error::{Errno, Error};
use crate::explain::failed;

/// How many go into one message here.
const AT_ONCE: usize = 38;

impl MemoryKernel {
    /// Puts a connection into the table.
    pub fn put_connection(&self, connection: Connection) {
        self.state().connections.push(connection);
    }

    /// Every connection that was told so far, in this order, and as which daemon.
    pub fn sent(&self) -> Vec<(SyncRow, Copied)> {
        self.state().sent.clone()
    }
}

impl Connections for MemoryKernel {
    fn read(&mut self, _until: Instant, each: &mut dyn FnMut(Connection)) -> Result<bool, Error> {
        let there = self.state().connections.clone();
        there.into_iter().for_each(each);
        Ok(true)
    }

    fn helped(&mut self) -> Result<BTreeSet<(u8, u16)>, Error> {
        Ok(BTreeSet::new())
    }

    fn send(&mut self, daemon: &SyncRow, copies: &[Copied]) -> Result<usize, Error> {
        let mut state = self.state();
        if !state.links.contains_key(&daemon.interface) {
            return Err(failed(format!("send connections on {}", daemon.interface), Errno(libc::ENODEV)));
        }
        let some = copies.iter().take(AT_ONCE);
        let count = some.len();
        state.sent.extend(some.map(|copied| (daemon.clone(), *copied)));
        Ok(count)
    }
}
