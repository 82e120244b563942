//! The way to an address over rtnetlink: the route to it (`struct rtmsg`) and the neighbour at its end (`struct ndmsg`).

use std::net::IpAddr;

use lvs::table::Family;

use super::attribute::Attributes;
use super::message::Message;
use super::{Malformed, take, take_array};

/// `RTA_DST` and so on.
mod route {
    pub(super) const DESTINATION: u16 = 1;
    pub(super) const INTERFACE: u16 = 4;
    pub(super) const GATEWAY: u16 = 5;
    pub(super) const SOURCE: u16 = 7;
    pub(super) const VIA: u16 = 18;
}

/// `NDA_DST`, `NDA_LLADDR`.
mod neighbour {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const HARDWARE: u16 = 2;
}

/// `NUD_REACHABLE`, `NUD_STALE`, `NUD_DELAY`, `NUD_PROBE`, `NUD_NOARP`, `NUD_PERMANENT`: the hardware address is to be used.
const USABLE: u16 = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80;

/// How this machine reaches an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The address is one of this machine's own (`RTN_LOCAL`).
    pub own: bool,
    /// Index of the interface.
    pub interface: u32,
    /// The router in between, where there is one.
    pub gateway: Option<IpAddr>,
    /// The address that this machine would use as its own.
    pub source: Option<IpAddr>,
}

/// Asks for the route to an address.
pub fn route_to(address: IpAddr) -> Message {
    let mut message = Message::new(libc::RTM_GETROUTE, 0);
    let length = if address.is_ipv4() { 32 } else { 128 };
    message.raw(&[family(address), length, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    message.put_address(route::DESTINATION, address);
    message
}

/// The route to an address. A kind that leads nowhere (unreachable, blackhole) never comes: the kernel answers an error.
pub fn decode_route(mut payload: &[u8]) -> Result<Way, Malformed> {
    let [family, ..] = take_array::<7>(&mut payload)?;
    let [kind] = take_array(&mut payload)?;
    take(&mut payload, 4)?; // flags
    let (mut interface, mut gateway, mut source) = (None, None, None);
    for attribute in Attributes::new(payload) {
        let attribute = attribute?;
        match attribute.kind {
            route::INTERFACE => interface = Some(attribute.u32()?),
            route::GATEWAY => gateway = Some(attribute.address(family.into())?),
            route::SOURCE => source = Some(attribute.address(family.into())?),
            // A router of the other family (RFC 5549): its family, then its address.
            route::VIA => {
                let (head, address) = attribute.value.split_first_chunk::<2>().ok_or(Malformed)?;
                gateway = Some(match address {
                    v4 if i32::from(u16::from_ne_bytes(*head)) == libc::AF_INET => {
                        IpAddr::from(<[u8; 4]>::try_from(v4).map_err(|_| Malformed)?)
                    }
                    v6 => IpAddr::from(<[u8; 16]>::try_from(v6).map_err(|_| Malformed)?),
                });
            }
            _ => {}
        }
    }
    Ok(Way { own: kind == libc::RTN_LOCAL, interface: interface.ok_or(Malformed)?, gateway, source })
}

/// Asks for a neighbour of an interface. The kernel answers ENOENT where it knows of none.
pub fn neighbour(interface: u32, address: IpAddr) -> Message {
    let mut message = Message::new(libc::RTM_GETNEIGH, 0);
    message.raw(&[family(address), 0, 0, 0]);
    message.raw(&interface.to_ne_bytes());
    message.raw(&[0; 4]);
    message.put_address(neighbour::ADDRESS, address);
    message
}

/// A neighbour's Ethernet address; none while the kernel looks for it, or where it has one of another kind.
pub fn decode_neighbour(mut payload: &[u8]) -> Result<Option<[u8; 6]>, Malformed> {
    take(&mut payload, 8)?; // family, padding, interface
    let state = u16::from_ne_bytes(take_array(&mut payload)?);
    take(&mut payload, 2)?; // flags, type
    for attribute in Attributes::new(payload) {
        let attribute = attribute?;
        if attribute.kind == neighbour::HARDWARE && state & USABLE != 0 {
            return Ok(attribute.value.try_into().ok());
        }
    }
    Ok(None)
}

fn family(address: IpAddr) -> u8 {
    match Family::of(address) {
        Family::Ipv4 => libc::AF_INET as u8,
        Family::Ipv6 => libc::AF_INET6 as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payload of a message as it is sent, which is also the form in which such things are answered.
    fn payload(message: &Message) -> Vec<u8> {
        let mut bytes = Vec::new();
        message.write(&mut bytes, 1, 0);
        bytes.split_off(16)
    }

    fn answer(kind: u8, attributes: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut message = Message::new(libc::RTM_NEWROUTE, 0);
        message.raw(&[libc::AF_INET as u8, 32, 0, 0, 254, 0, 0, kind, 0, 0, 0, 0]);
        attributes(&mut message);
        payload(&message)
    }

    #[test]
    fn a_route_says_where_it_leads() {
        let address = |text: &str| -> IpAddr { text.parse().unwrap() };
        let through = answer(1, |message| {
            message.put_address(1, address("192.0.2.1"));
            message.put_u32(4, 3);
            message.put_address(5, address("10.0.0.254"));
            message.put_address(7, address("10.0.0.1"));
        });
        let way = decode_route(&through).unwrap();
        assert_eq!((way.own, way.interface), (false, 3));
        assert_eq!((way.gateway, way.source), (Some(address("10.0.0.254")), Some(address("10.0.0.1"))));
        let own = decode_route(&answer(2, |message| message.put_u32(4, 1))).unwrap();
        assert_eq!(own, Way { own: true, interface: 1, gateway: None, source: None });
        let by_other_family = answer(1, |message| {
            message.put_u32(4, 3);
            let router: std::net::Ipv6Addr = "fe80::1".parse().unwrap();
            message.put(18, &[(libc::AF_INET6 as u16).to_ne_bytes().as_slice(), &router.octets()].concat());
        });
        assert_eq!(decode_route(&by_other_family).unwrap().gateway, Some(address("fe80::1")));
        assert_eq!(decode_route(&answer(1, |_| ())), Err(Malformed));
        for length in 0..through.len() {
            let _ = decode_route(&through[..length]);
        }
    }

    #[test]
    fn a_neighbour_counts_while_its_address_is_to_be_used() {
        let entry = |state: u8, hardware: &[u8]| {
            let mut message = Message::new(libc::RTM_NEWNEIGH, 0);
            message.raw(&[libc::AF_INET as u8, 0, 0, 0, 3, 0, 0, 0, state, 0, 0, 0]);
            message.put(2, hardware);
            payload(&message)
        };
        let mac = [2, 0, 0, 0, 0, 9];
        for (state, known) in
            [(0x01, None), (0x02, Some(mac)), (0x04, Some(mac)), (0x20, None), (0x80, Some(mac))]
        {
            assert_eq!(decode_neighbour(&entry(state, &mac)).unwrap(), known, "state {state}");
        }
        assert_eq!(decode_neighbour(&entry(2, &[1, 2, 3])).unwrap(), None);
        assert_eq!(decode_neighbour(&[0; 11]), Err(Malformed));
    }
}
