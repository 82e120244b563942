//! Our nftables table: its rules as texts, and what changes them.
//!
//! A kernel in which nobody wants the table is asked for it once, so that a director without packet rules does not pay for
//! them at every look.

use lvs::plan::Step;

use crate::error::{Errno, Error};
use crate::explain::{failed, refused};
use crate::socket::Socket;
use crate::transaction;
use crate::wire::packets::{self, BaseChain};

/// What is known of the table between two looks.
pub(super) struct Packets {
    socket: Option<Socket>,
    /// It may be there.
    look: bool,
}

/// What a kernel says that has no nf_tables, or to who may not ask: there is no table then, and making one will say why.
fn is_absent(errno: Errno) -> bool {
    let none = [
        libc::ENOENT,
        libc::EPERM,
        libc::EINVAL,
        libc::EOPNOTSUPP,
        libc::EPROTONOSUPPORT,
        libc::EAFNOSUPPORT,
    ];
    none.contains(&errno.0)
}

impl Packets {
    pub(super) fn new() -> Self {
        Packets { socket: None, look: true }
    }

    /// The texts of its rules; none where there is no such table.
    pub(super) fn observe(&mut self) -> Result<Option<Vec<String>>, Error> {
        if !self.look {
            return Ok(None);
        }
        match self.read() {
            Ok(rules) => Ok(Some(rules)),
            Err(errno) if is_absent(errno) => {
                (self.look, self.socket) = (false, None);
                Ok(None)
            }
            Err(errno) => Err(failed("read the packet rules", errno)),
        }
    }

    fn read(&mut self) -> Result<Vec<String>, Errno> {
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(Socket::open(libc::NETLINK_NETFILTER)?),
        };
        socket.request(&packets::table())?;
        socket.dump(&packets::rules(), packets::decode_rule)
    }

    /// Carries out a step that concerns the table.
    pub(super) fn apply(&mut self, step: &Step) -> Result<(), Error> {
        let messages = match step {
            Step::SetPackets { rules } => packets::replace(rules),
            Step::RemovePackets => packets::remove(),
            _ => return Err(refused(step, Errno(libc::EINVAL))),
        };
        self.look = true;
        transaction::carry_out(&messages).map(drop).map_err(|errno| refused(step, errno))
    }
}

/// All base chains of the machine; none where the kernel does not say.
pub(crate) fn base_chains() -> Vec<BaseChain> {
    let dumped = Socket::open(libc::NETLINK_NETFILTER)
        .and_then(|mut socket| socket.dump(&packets::chains(), packets::decode_chain));
    dumped.unwrap_or_default()
}
