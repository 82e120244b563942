//! The life of virtual addresses: how long the kernel keeps them without being told again.
//!
//! It changes nothing but lifetimes, on a socket of its own, so that the heartbeat thread can do it while another
//! thread works on the table. Which addresses, and how long, is for the caller to say.

use std::collections::BTreeMap;
use std::time::Duration;

use lvs::table::{AddressKey, DesiredAddress};

use crate::error::Error;
use crate::explain::failed;
use crate::linux::network::Network;

/// Renews the life of addresses.
pub trait Lease: Send {
    /// Gives the addresses this much longer to live, or an endless life. Whole seconds; less counts as one.
    ///
    /// # Errors
    /// When one of them could not be renewed; the others were.
    fn renew(
        &mut self,
        addresses: &BTreeMap<AddressKey, DesiredAddress>,
        life: Option<Duration>,
    ) -> Result<(), Error>;

    /// Those of the addresses that the kernel holds.
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    fn held(&mut self, addresses: &BTreeMap<AddressKey, DesiredAddress>) -> Result<Vec<AddressKey>, Error>;
}

/// Renews on this machine, in the network namespace of the thread that opened it.
pub struct LinuxLease(Network);

impl LinuxLease {
    /// Opens its socket.
    ///
    /// # Errors
    /// When no netlink socket can be opened.
    pub fn open() -> Result<Self, Error> {
        Ok(LinuxLease(Network::open()?))
    }
}

impl Lease for LinuxLease {
    fn renew(
        &mut self,
        addresses: &BTreeMap<AddressKey, DesiredAddress>,
        life: Option<Duration>,
    ) -> Result<(), Error> {
        let seconds = life.map(|life| u32::try_from(life.as_secs()).unwrap_or(u32::MAX).max(1));
        self.0.renew(addresses, seconds)
    }

    fn held(&mut self, addresses: &BTreeMap<AddressKey, DesiredAddress>) -> Result<Vec<AddressKey>, Error> {
        let (_, present) = self.0.observe()?;
        Ok(addresses.keys().filter(|key| present.contains_key(key)).cloned().collect())
    }
}

/// The error of a renewal.
pub(crate) fn not_renewed(key: &AddressKey, errno: crate::error::Errno) -> Error {
    failed(format!("renew the life of {key}"), errno)
}
