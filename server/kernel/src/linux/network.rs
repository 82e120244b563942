//! Links, addresses and the ways to others over one rtnetlink socket.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lvs::plan::Step;
use lvs::table::{AddressKey, AddressRow, DesiredAddress, Link};

use crate::error::{Errno, Error, Kind};
use crate::explain::{failed, refused};
use crate::lease::not_renewed;
use crate::socket::{Outcome, Socket};
use crate::wire::message::Message;
use crate::wire::route::{self, ADDRESS_TAG, DumpedAddress, DumpedLink};
use crate::wire::way::{self, Way};

/// The socket for links and addresses.
pub(crate) struct Network {
    socket: Socket,
}

/// Interfaces by name, and addresses.
type Picture = (BTreeMap<String, Link>, BTreeMap<AddressKey, AddressRow>);

impl Network {
    pub(crate) fn open() -> Result<Self, Error> {
        let socket = Socket::open(libc::NETLINK_ROUTE)
            .map_err(|errno| failed("open the kernel's network configuration", errno))?;
        Ok(Network { socket })
    }

    /// All links as the kernel lists them.
    pub(crate) fn links(&mut self) -> Result<Vec<DumpedLink>, Error> {
        let links = self.socket.dump(&route::links(), route::decode_link);
        links.map_err(|errno| failed("read the interfaces", errno))
    }

    /// All addresses as the kernel lists them.
    pub(crate) fn addresses(&mut self) -> Result<Vec<DumpedAddress>, Error> {
        let addresses = self.socket.dump(&route::addresses(), route::decode_address);
        addresses.map_err(|errno| failed("read the addresses", errno))
    }

    /// One link by name.
    pub(crate) fn link(&mut self, name: &str) -> Result<DumpedLink, Errno> {
        // The kernel would answer ERANGE; such an interface cannot exist.
        if name.is_empty() || name.len() > 15 {
            return Err(Errno(libc::ENODEV));
        }
        let answer = self.socket.request(&route::link_named(name))?;
        route::decode_link(&answer)?.ok_or(Errno(libc::EBADMSG))
    }

    /// The link with this index.
    pub(crate) fn link_at(&mut self, index: u32) -> Result<DumpedLink, Error> {
        let answer = self.socket.request(&route::link_at(index));
        let link = answer.and_then(|answer| route::decode_link(&answer)?.ok_or(Errno(libc::EBADMSG)));
        link.map_err(|errno| failed("read an interface", errno))
    }

    /// How this machine reaches an address.
    pub(crate) fn way_to(&mut self, address: IpAddr) -> Result<Way, Error> {
        let answer = self.socket.request(&way::route_to(address));
        let way = answer.and_then(|answer| Ok(way::decode_route(&answer)?));
        way.map_err(|errno| {
            let operation = format!("find a route to {address}");
            match errno {
                Errno(libc::ENETUNREACH | libc::EHOSTUNREACH) => {
                    Error::answered(operation, Kind::Gone, "there is none", errno)
                }
                errno => failed(operation, errno),
            }
        })
    }

    /// The Ethernet address of a neighbour; none while it is not known.
    pub(crate) fn neighbour(&mut self, interface: u32, address: IpAddr) -> Result<Option<[u8; 6]>, Error> {
        match self.socket.request(&way::neighbour(interface, address)) {
            Err(Errno(libc::ENOENT)) => Ok(None),
            answer => {
                let found = answer.and_then(|answer| Ok(way::decode_neighbour(&answer)?));
                found.map_err(|errno| failed(format!("find the neighbour {address}"), errno))
            }
        }
    }

    /// Switches an interface on or off.
    pub(crate) fn switch(&mut self, interface: &str, up: bool) -> Result<(), Error> {
        let operation = || format!("switch {interface} {}", if up { "on" } else { "off" });
        let index = self.link(interface).map_err(|errno| failed(operation(), errno))?.link.index;
        let outcome = self.socket.batch(&[route::switch_link(index, up)]).pop();
        match outcome.and_then(|outcome| outcome.error) {
            None => Ok(()),
            Some(errno) => Err(failed(operation(), errno)),
        }
    }

    /// Links and addresses in the model's words.
    pub(crate) fn observe(&mut self) -> Result<Picture, Error> {
        let links = self.links()?;
        let names: BTreeMap<u32, String> =
            links.iter().map(|link| (link.link.index, link.name.clone())).collect();
        let links = links.into_iter().map(|link| (link.name, link.link)).collect();
        let mut addresses = BTreeMap::new();
        for dumped in self.addresses()? {
            // An interface that appeared after the links were read; its event makes us look again.
            let Some(interface) = names.get(&dumped.interface) else { continue };
            let (address, prefix) = (dumped.address, dumped.prefix);
            let key = AddressKey { interface: interface.clone(), address, prefix };
            let row = AddressRow {
                secondary: dumped.secondary(),
                tagged: dumped.protocol == ADDRESS_TAG,
                label: dumped.label.filter(|label| label != interface),
                valid_s: dumped.valid_s,
            };
            addresses.insert(key, row);
        }
        Ok((links, addresses))
    }

    /// Carries out address steps, many to a send.
    pub(super) fn apply(&mut self, steps: &[Step]) -> Vec<Result<(), Error>> {
        let mut indices = BTreeMap::new();
        let prepared: Vec<Result<Message, Errno>> =
            steps.iter().map(|step| self.encode(step, &mut indices)).collect();
        let messages: Vec<Message> = prepared.iter().filter_map(|message| message.clone().ok()).collect();
        let mut outcomes = self.socket.batch(&messages).into_iter();
        let results = steps.iter().zip(prepared).map(|(step, prepared)| match prepared {
            Err(errno) => Err(refused(step, errno)),
            Ok(_) => match outcomes.next() {
                Some(outcome) => judge(step, outcome),
                None => Err(refused(step, Errno(libc::EBADMSG))),
            },
        });
        results.collect()
    }

    /// Renews the life of addresses, many to a send; the error is the first one's.
    pub(crate) fn renew(
        &mut self,
        addresses: &BTreeMap<AddressKey, DesiredAddress>,
        seconds: Option<u32>,
    ) -> Result<(), Error> {
        let mut indices = BTreeMap::new();
        let mut keys = Vec::with_capacity(addresses.len());
        let mut messages = Vec::with_capacity(addresses.len());
        let mut first = Ok(());
        for (key, row) in addresses {
            match self.index(&key.interface, &mut indices) {
                Ok(index) => {
                    for message in route::renew_address(index, key, row, seconds) {
                        keys.push(key);
                        messages.push(message);
                    }
                }
                Err(errno) => first = first.and(Err(not_renewed(key, errno))),
            }
        }
        let outcomes = self.socket.batch(&messages);
        let failed = keys.iter().zip(outcomes).filter_map(|(key, outcome)| Some((key, outcome.error?)));
        failed.fold(first, |first, (key, errno)| first.and(Err(not_renewed(key, errno))))
    }

    /// The number of an interface, asked for once.
    fn index(
        &mut self,
        interface: &str,
        indices: &mut BTreeMap<String, Result<u32, Errno>>,
    ) -> Result<u32, Errno> {
        match indices.get(interface) {
            Some(known) => *known,
            None => {
                let found = self.link(interface).map(|link| link.link.index);
                indices.insert(interface.to_owned(), found);
                found
            }
        }
    }

    fn encode(
        &mut self,
        step: &Step,
        indices: &mut BTreeMap<String, Result<u32, Errno>>,
    ) -> Result<Message, Errno> {
        let (Step::AddAddress { key, .. } | Step::RemoveAddress { key }) = step else {
            return Err(Errno(libc::EINVAL));
        };
        let index = self.index(&key.interface, indices);
        Ok(match step {
            Step::AddAddress { row, .. } => route::add_address(index?, key, row),
            _ => route::remove_address(index?, key),
        })
    }
}

/// The result of a step; see the same rule for services.
fn judge(step: &Step, outcome: Outcome) -> Result<(), Error> {
    let Some(errno) = outcome.error else { return Ok(()) };
    let done_before = outcome.repeated
        && matches!(
            (step, errno.0),
            (Step::AddAddress { .. }, libc::EEXIST) | (Step::RemoveAddress { .. }, libc::EADDRNOTAVAIL)
        );
    if done_before { Ok(()) } else { Err(refused(step, errno)) }
}
