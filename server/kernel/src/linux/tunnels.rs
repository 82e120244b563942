//! Ports on which this kernel takes packets of tunnels in UDP.

use std::collections::BTreeSet;

use lvs::real_server::GuePort;

use crate::error::{Errno, Error};
use crate::explain::failed;
use crate::socket::Socket;
use crate::wire::{control, fou};

/// A socket and the family's number; none where the kernel knows of no such ports, because their module is not loaded.
fn open() -> Result<Option<(Socket, u16)>, Errno> {
    let mut socket = Socket::open(libc::NETLINK_GENERIC)?;
    match socket.request(&control::get_family(fou::FAMILY)) {
        Ok(answer) => Ok(Some((socket, control::family(&answer)?))),
        Err(Errno(libc::ENOENT)) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// All of them; none where the kernel knows of no such ports.
pub(super) fn gue_ports() -> Result<Option<BTreeSet<GuePort>>, Error> {
    let read = || -> Result<_, Errno> {
        let Some((mut socket, family)) = open()? else { return Ok(None) };
        Ok(Some(socket.dump(&fou::ports(family), fou::decode_port)?.into_iter().collect()))
    };
    read().map_err(|errno| failed("read the ports of tunnels in UDP", errno))
}

/// Takes packets on a port, or takes them no more.
pub(super) fn listen(port: GuePort, on: bool) -> Result<(), Error> {
    let change = || -> Result<(), Errno> {
        let (mut socket, family) = open()?.ok_or(Errno(libc::ENOENT))?;
        let message = if on { fou::add_port(family, port) } else { fou::remove_port(family, port) };
        socket.batch(&[message]).pop().and_then(|outcome| outcome.error).map_or(Ok(()), Err)
    };
    let operation = format!("{} tunnels in UDP on port {}", if on { "take" } else { "end" }, port.port);
    change().map_err(|errno| failed(operation, errno))
}
