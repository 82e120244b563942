//! Messages of generic netlink's family `fou`: ports on which the kernel takes packets of tunnels in UDP.

use lvs::real_server::GuePort;
use lvs::table::Family;

use super::attribute::Attributes;
use super::message::{GENERIC_HEADER, Message};
use super::{Malformed, take};

/// The family's name.
pub const FAMILY: &str = "fou";
/// `FOU_CMD_*`.
const ADD: u8 = 1;
const DELETE: u8 = 2;
const GET: u8 = 3;
/// `FOU_ATTR_*`.
const PORT: u16 = 1;
const ADDRESS_FAMILY: u16 = 2;
const TYPE: u16 = 4;
/// `FOU_ENCAP_GUE`.
const GUE: u8 = 2;

/// Asks for all ports.
pub fn ports(family: u16) -> Message {
    Message::generic(family, GET, libc::NLM_F_DUMP)
}

/// Has packets taken on a port, from whomever they come.
pub fn add_port(family: u16, port: GuePort) -> Message {
    let mut message = named(family, ADD, port);
    message.put_u8(TYPE, GUE);
    message
}

/// Has them taken no more.
pub fn remove_port(family: u16, port: GuePort) -> Message {
    named(family, DELETE, port)
}

fn named(family: u16, command: u8, port: GuePort) -> Message {
    let mut message = Message::generic(family, command, 0);
    message.put_u16_be(PORT, port.port);
    message.put_u8(
        ADDRESS_FAMILY,
        match port.family {
            Family::Ipv4 => libc::AF_INET as u8,
            Family::Ipv6 => libc::AF_INET6 as u8,
        },
    );
    message
}

/// A port of a list; none where it is for another encapsulation.
pub fn decode_port(mut payload: &[u8]) -> Result<Option<GuePort>, Malformed> {
    take(&mut payload, GENERIC_HEADER)?;
    let (mut port, mut family, mut kind) = (None, None, None);
    for attribute in Attributes::new(payload) {
        let attribute = attribute?;
        match attribute.kind {
            PORT => port = Some(attribute.u16_be()?),
            ADDRESS_FAMILY => family = Some(attribute.u8()?),
            TYPE => kind = Some(attribute.u8()?),
            _ => {}
        }
    }
    let family = match family.map(i32::from) {
        Some(libc::AF_INET6) => Family::Ipv6,
        _ => Family::Ipv4,
    };
    Ok(port.filter(|_| kind == Some(GUE)).map(|port| GuePort { port, family }))
}

#[cfg(test)]
mod tests {
    use super::super::message::Replies;
    use super::*;

    /// Generic header and attributes, as `ip fou add port 6080 gue` sends them.
    #[test]
    fn a_port_is_named_as_ip_names_it_and_read_back() {
        for (family, byte) in [(Family::Ipv4, 2), (Family::Ipv6, 10)] {
            let port = GuePort { port: 6080, family };
            let mut datagram = Vec::new();
            add_port(0x20, port).write(&mut datagram, 7, 0);
            let reply = Replies::new(&datagram).next().unwrap().unwrap();
            let expected = [
                &[1, 1, 0, 0][..],
                &[6, 0, 1, 0, 0x17, 0xc0, 0, 0],
                &[5, 0, 2, 0, byte, 0, 0, 0],
                &[5, 0, 4, 0, 2, 0, 0, 0],
            ]
            .concat();
            assert_eq!(reply.payload, expected);
            assert_eq!(decode_port(reply.payload), Ok(Some(port)));
            // A direct encapsulation (type 1) is nobody's tunnel of ours.
            let mut direct = expected;
            direct[24] = 1;
            assert_eq!(decode_port(&direct), Ok(None));
        }
        assert!(decode_port(&[1]).is_err() && decode_port(&[1, 1, 0, 0]) == Ok(None));
    }
}
