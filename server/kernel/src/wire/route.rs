//! Addresses and links over rtnetlink (`struct ifaddrmsg`, `struct ifinfomsg`).

use std::net::IpAddr;

use lvs::table::{AddressKey, DesiredAddress, Family, Link};

use super::attribute::{Attribute, Attributes};
use super::message::Message;
use super::{Malformed, take, take_array};

/// The protocol tag (`IFA_PROTO`) on addresses that Caribe added: 202, 0xCA. The kernel itself uses 1 to 3. Linux before 5.18
/// neither keeps nor reports it.
pub const ADDRESS_TAG: u8 = 0xCA;

/// `IFA_LOCAL` and so on.
mod address {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const LOCAL: u16 = 2;
    pub(super) const LABEL: u16 = 3;
    pub(super) const CACHEINFO: u16 = 6;
    pub(super) const FLAGS: u16 = 8;
    pub(super) const PROTO: u16 = 11;
}

/// `IFLA_ADDRESS`, `IFLA_IFNAME`.
mod link {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const NAME: u16 = 3;
}

/// `IFA_F_SECONDARY`; the same bit means *temporary* on IPv6.
const SECONDARY: u32 = 0x01;
/// `IFA_F_NODAD`.
const NO_DUPLICATE_DETECTION: u32 = 0x02;
/// `IFA_F_NOPREFIXROUTE`.
pub(crate) const NO_PREFIX_ROUTE: u32 = 0x200;
/// `INFINITY_LIFE_TIME`.
const FOREVER: u32 = u32::MAX;
/// `ARPHRD_ETHER`.
const ETHERNET: u16 = 1;
/// `ARPHRD_INFINIBAND`.
const INFINIBAND: u16 = 32;

/// An address of a dump or an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedAddress {
    /// Index of its interface.
    pub interface: u32,
    /// The address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// `IFA_F_*`.
    pub flags: u32,
    /// The label as the kernel has it: the interface's name where none was given.
    pub label: Option<String>,
    /// `IFA_PROTO`; 0 for none.
    pub protocol: u8,
    /// Seconds it is still valid; absent for ever.
    pub valid_s: Option<u32>,
}

impl DumpedAddress {
    /// Whether it is a secondary of another IPv4 address in its subnet.
    pub fn secondary(&self) -> bool {
        self.address.is_ipv4() && self.flags & SECONDARY != 0
    }
}

/// A link of a dump or an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedLink {
    /// Its name.
    pub name: String,
    /// `ARPHRD_*`.
    pub hardware: u16,
    /// What we show of it.
    pub link: Link,
}

impl DumpedLink {
    /// Its Ethernet address, where it is an Ethernet-like link.
    pub fn ethernet(&self) -> Option<[u8; 6]> {
        if self.hardware == ETHERNET { self.link.mac.as_slice().try_into().ok() } else { None }
    }
}

fn address_header(message: &mut Message, family: Family, prefix: u8, interface: u32) {
    let [a, b, c, d] = interface.to_ne_bytes();
    // Flags go as an attribute (they are wider than this byte); scope 0 is global.
    message.raw(&[family_byte(family), prefix, 0, 0, a, b, c, d]);
}

fn family_byte(family: Family) -> u8 {
    match family {
        Family::Ipv4 => libc::AF_INET as u8,
        Family::Ipv6 => libc::AF_INET6 as u8,
    }
}

/// Puts an address on the interface with this index: tagged, without broadcast address, for ever. An IPv6 address is
/// usable at once (no duplicate detection) and deprecated from the start, so that it is not chosen as a source.
pub fn add_address(interface: u32, key: &AddressKey, desired: &DesiredAddress) -> Message {
    let mut message = Message::new(libc::RTM_NEWADDR, libc::NLM_F_CREATE | libc::NLM_F_EXCL);
    address_header(&mut message, Family::of(key.address), key.prefix, interface);
    message.put_address(address::LOCAL, key.address);
    message.put_address(address::ADDRESS, key.address);
    match key.address {
        IpAddr::V4(_) => {
            if let Some(label) = &desired.label {
                message.put_text(address::LABEL, label);
            }
        }
        IpAddr::V6(_) => {
            message.put_u32(address::FLAGS, NO_DUPLICATE_DETECTION);
            // struct ifa_cacheinfo: preferred and valid seconds, then two time stamps that are only output.
            let mut lifetimes = [0; 16];
            lifetimes[4..8].copy_from_slice(&FOREVER.to_ne_bytes());
            message.put(address::CACHEINFO, &lifetimes);
        }
    }
    message.put_u8(address::PROTO, ADDRESS_TAG);
    message
}

/// Gives an address that is there this many more seconds to live, or an endless life. Only its life is changed: label
/// and flags are those it was added with.
///
/// An IPv6 address that was there for ever would, with its first renewal, give its own end to the route of its network,
/// although the host's own address stands behind that route: after a fail-over the host would lose the network. So each
/// renewal is two messages: one that lets go of the route, and one that wants it back, which leaves a route alone that
/// somebody else wants for ever (`inet6_addr_modify` of Linux).
pub fn renew_address(
    interface: u32,
    key: &AddressKey,
    desired: &DesiredAddress,
    seconds: Option<u32>,
) -> Vec<Message> {
    let renewal = |flags: u32| {
        let mut message = Message::new(libc::RTM_NEWADDR, libc::NLM_F_REPLACE);
        address_header(&mut message, Family::of(key.address), key.prefix, interface);
        message.put_address(address::LOCAL, key.address);
        message.put_address(address::ADDRESS, key.address);
        let valid = seconds.unwrap_or(FOREVER);
        // An IPv6 address stays deprecated, so that it is not chosen as a source; IPv4 knows no such choice.
        let preferred = match key.address {
            IpAddr::V4(_) => {
                if let Some(label) = &desired.label {
                    message.put_text(address::LABEL, label);
                }
                valid
            }
            IpAddr::V6(_) => {
                message.put_u32(address::FLAGS, flags);
                0
            }
        };
        let mut lifetimes = [0; 16];
        lifetimes[..4].copy_from_slice(&preferred.to_ne_bytes());
        lifetimes[4..8].copy_from_slice(&valid.to_ne_bytes());
        message.put(address::CACHEINFO, &lifetimes);
        message.put_u8(address::PROTO, ADDRESS_TAG);
        message
    };
    let ends = key.address.is_ipv6() && seconds.is_some();
    let lets_go = ends.then(|| renewal(NO_DUPLICATE_DETECTION | NO_PREFIX_ROUTE));
    lets_go.into_iter().chain([renewal(NO_DUPLICATE_DETECTION)]).collect()
}

/// Takes an address off the interface with this index.
pub fn remove_address(interface: u32, key: &AddressKey) -> Message {
    let mut message = Message::new(libc::RTM_DELADDR, 0);
    address_header(&mut message, Family::of(key.address), key.prefix, interface);
    message.put_address(address::LOCAL, key.address);
    message.put_address(address::ADDRESS, key.address);
    message
}

/// Asks for all addresses.
pub fn addresses() -> Message {
    let mut message = Message::new(libc::RTM_GETADDR, libc::NLM_F_DUMP);
    message.raw(&[0; 8]);
    message
}

/// Asks for all links.
pub fn links() -> Message {
    let mut message = Message::new(libc::RTM_GETLINK, libc::NLM_F_DUMP);
    message.raw(&[0; 16]);
    message
}

/// Switches the link with this index on or off (`IFF_UP`); nothing else of it changes.
pub fn switch_link(interface: u32, up: bool) -> Message {
    let mut message = Message::new(libc::RTM_NEWLINK, 0);
    let on = libc::IFF_UP as u32;
    message.raw(&[0; 4]);
    message.raw(&interface.to_ne_bytes());
    message.raw(&(if up { on } else { 0 }).to_ne_bytes());
    message.raw(&on.to_ne_bytes());
    message
}

/// Asks for the link with this name.
pub fn link_named(name: &str) -> Message {
    let mut message = Message::new(libc::RTM_GETLINK, 0);
    message.raw(&[0; 16]);
    message.put_text(link::NAME, name);
    message
}

/// Asks for the link with this index.
pub fn link_at(interface: u32) -> Message {
    let mut message = Message::new(libc::RTM_GETLINK, 0);
    message.raw(&[0; 4]);
    message.raw(&interface.to_ne_bytes());
    message.raw(&[0; 8]);
    message
}

/// An address; none for one of another family than IPv4 or IPv6.
pub fn decode_address(mut payload: &[u8]) -> Result<Option<DumpedAddress>, Malformed> {
    let [family, prefix, flags, _scope] = take_array(&mut payload)?;
    let interface = u32::from_ne_bytes(take_array(&mut payload)?);
    let family = u16::from(family);
    if ![libc::AF_INET, libc::AF_INET6].contains(&i32::from(family)) {
        return Ok(None);
    }
    let (mut local, mut peer): (Option<Attribute<'_>>, Option<Attribute<'_>>) = (None, None);
    let (mut flags, mut label, mut protocol, mut valid_s) = (u32::from(flags), None, 0, None);
    for attribute in Attributes::new(payload) {
        let attribute = attribute?;
        match attribute.kind {
            address::LOCAL => local = Some(attribute),
            address::ADDRESS => peer = Some(attribute),
            address::LABEL => label = Some(attribute.text()?.to_owned()),
            address::FLAGS => flags = attribute.u32()?,
            address::PROTO => protocol = attribute.u8()?,
            address::CACHEINFO => {
                let mut value = attribute.value;
                take(&mut value, 4)?; // preferred lifetime
                let valid = u32::from_ne_bytes(take_array(&mut value)?);
                valid_s = (valid != FOREVER).then_some(valid);
            }
            _ => {}
        }
    }
    // LOCAL is the interface's own address; ADDRESS is the same, or the far end of a point-to-point link. IPv6 leaves
    // LOCAL out where there is no far end.
    let address = local.or(peer).ok_or(Malformed)?.address(family)?;
    Ok(Some(DumpedAddress { interface, address, prefix, flags, label, protocol, valid_s }))
}

/// A link; none for the per-family messages that other subsystems send in the same group.
pub fn decode_link(mut payload: &[u8]) -> Result<Option<DumpedLink>, Malformed> {
    let [family, _padding] = take_array(&mut payload)?;
    let hardware = u16::from_ne_bytes(take_array(&mut payload)?);
    let index = u32::from_ne_bytes(take_array(&mut payload)?);
    let flags = u32::from_ne_bytes(take_array(&mut payload)?);
    take(&mut payload, 4)?; // the change mask
    if i32::from(family) != libc::AF_UNSPEC {
        return Ok(None);
    }
    let (mut name, mut mac) = (None, Vec::new());
    for attribute in Attributes::new(payload) {
        let attribute = attribute?;
        match attribute.kind {
            link::NAME => name = Some(attribute.text()?.to_owned()),
            // Tunnels put their local IP address here.
            link::ADDRESS if [ETHERNET, INFINIBAND].contains(&hardware) => mac = attribute.value.to_vec(),
            _ => {}
        }
    }
    // IFF_UP and IFF_LOWER_UP are single bits that libc types as int.
    let up = flags & libc::IFF_UP as u32 != 0;
    let carrier = flags & libc::IFF_LOWER_UP as u32 != 0;
    let name = name.ok_or(Malformed)?;
    Ok(Some(DumpedLink { name, hardware, link: Link { index, up, carrier, mac } }))
}
