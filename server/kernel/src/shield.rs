//! For the moment after a hand-over: packets of TCP connections that this kernel does not know yet are dropped, not
//! answered with a reset, so that both ends try again until the connection has been copied here.
//!
//! The kernel ties the table to the socket that made it: when the agent ends, however it ends, it is gone. Needs Linux
//! 5.12; before that the moment is unshielded.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use crate::error::Error;
use crate::explain::failed;
use crate::transaction;
use crate::wire::nft;

/// More are not shielded: a table of this size takes a few milliseconds.
const MOST: usize = 4096;

/// What is shielded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shielded {
    /// Services: what clients send to them.
    pub arriving: BTreeSet<SocketAddr>,
    /// Real servers behind address translation: what they send back.
    pub replies: BTreeSet<SocketAddr>,
}

/// A raised shield; it falls when this is dropped.
pub(crate) struct Shield {
    _socket: OwnedFd,
}

impl Shield {
    /// Raises it.
    pub(crate) fn raise(shielded: &Shielded) -> Result<Shield, Error> {
        let some = |all: &BTreeSet<SocketAddr>| all.iter().copied().take(MOST).collect();
        let messages = nft::table(&some(&shielded.arriving), &some(&shielded.replies));
        let raised = transaction::carry_out(&messages).map(|socket| Shield { _socket: socket });
        raised.map_err(|errno| failed("drop packets of unknown connections after a hand-over", errno))
    }
}
