//! Ends of tunnels in memory: they are there once they were asked for, as after `modprobe`.

use std::collections::BTreeSet;

use lvs::real_server::{End, GuePort};
use lvs::table::Link;

use super::MemoryKernel;
use crate::Links;
use crate::error::{Errno, Error};
use crate::explain::failed;

impl Links for MemoryKernel {
    fn provide(&mut self, end: End) {
        if end == End::Fou {
            self.state().gue.get_or_insert_default();
            return;
        }
        let there = self.state().links.contains_key(end.name());
        if !there {
            self.set_link(end.name(), Link { index: 100, ..Link::default() });
        }
    }

    fn switch(&mut self, interface: &str, up: bool) -> Result<(), Error> {
        let mut state = self.state();
        state.writes += 1;
        match state.links.get_mut(interface) {
            Some(link) => link.up = up,
            None => return Err(failed(format!("switch {interface}"), Errno(libc::ENODEV))),
        }
        Ok(())
    }

    fn gue_ports(&mut self) -> Result<Option<BTreeSet<GuePort>>, Error> {
        Ok(self.state().gue.clone())
    }

    fn listen(&mut self, port: GuePort, on: bool) -> Result<(), Error> {
        let mut state = self.state();
        state.writes += 1;
        let wrong = |errno| Err(failed(format!("tunnels in UDP on port {}", port.port), Errno(errno)));
        let Some(ports) = &mut state.gue else { return wrong(libc::ENOENT) };
        let changed = if on { ports.insert(port) } else { ports.remove(&port) };
        match (changed, on) {
            (true, _) => Ok(()),
            (false, true) => wrong(libc::EADDRINUSE),
            (false, false) => wrong(libc::ENOENT),
        }
    }
}
