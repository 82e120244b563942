//! Messages of IPVS connection sync, version 1 (`net/netfilter/ipvs/ip_vs_sync.c`), as the kernel's receiving daemon takes
//! them. Numbers are in network byte order.

use std::net::{IpAddr, SocketAddr};

use lvs::connections::{ConnectionState, Copied};
use lvs::table::Forward;

use super::aligned;

/// Where the daemons speak unless they are told otherwise.
pub const GROUP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(224, 0, 0, 81));
/// Its UDP port.
pub const PORT: u16 = 8848;
/// Longest message where the daemon does not say what fits: what a path of 1,500 bytes carries, with room for tunnels.
pub const LONGEST: usize = 1400;

const HEAD: usize = 8;
const VERSION: u8 = 1;
/// Connections in one message: the count is one byte.
const MOST: usize = 255;
/// Bytes of an entry without options.
const IPV4: u16 = 36;
const IPV6: u16 = 72;
/// `STYPE_F_INET6`.
const INET6: u8 = 1;
/// `IP_VS_CONN_F_*`.
const NO_OUTPUT: u32 = 0x80;
const INACTIVE: u32 = 0x100;
const TEMPLATE: u32 = 0x1000;

/// The message that carries the first of these, and how many of them are in it; as many as fit into `longest` bytes, but
/// at least one. None where there is nothing to carry.
pub fn message(sync_id: u8, longest: usize, copies: &[Copied]) -> Option<(Vec<u8>, usize)> {
    let mut bytes = vec![0; HEAD];
    let mut count = 0_usize;
    for copied in copies.iter().take(MOST) {
        let size = usize::from(size(copied));
        if count > 0 && bytes.len() + aligned(size) > longest {
            break;
        }
        entry(&mut bytes, copied);
        count += 1;
    }
    let length = u16::try_from(bytes.len()).ok()?;
    let head = bytes.first_chunk_mut::<HEAD>()?;
    let [high, low] = length.to_be_bytes();
    // The first byte counts the entries of version 0, whose receivers then drop the message.
    *head = [0, sync_id, high, low, u8::try_from(count).ok()?, VERSION, 0, 0];
    (count > 0).then_some((bytes, count))
}

fn size(copied: &Copied) -> u16 {
    if copied.connection.client.is_ipv4() { IPV4 } else { IPV6 }
}

fn entry(bytes: &mut Vec<u8>, copied: &Copied) {
    let connection = &copied.connection;
    bytes.push(if connection.client.is_ipv4() { 0 } else { INET6 });
    bytes.push(connection.protocol);
    // The upper four bits are the entry's version, 0.
    bytes.extend(size(copied).to_be_bytes());
    bytes.extend(flags(copied).to_be_bytes());
    bytes.extend(connection.state.number().to_be_bytes());
    let places = [connection.client, connection.service, connection.server];
    places.iter().for_each(|place| bytes.extend(place.port().to_be_bytes()));
    bytes.extend(copied.mark.to_be_bytes());
    bytes.extend(copied.life_s.to_be_bytes());
    places.iter().for_each(|place| address(bytes, place));
}

fn address(bytes: &mut Vec<u8>, place: &SocketAddr) {
    match place.ip() {
        IpAddr::V4(ip) => bytes.extend(ip.octets()),
        IpAddr::V6(ip) => bytes.extend(ip.octets()),
    }
}

fn flags(copied: &Copied) -> u32 {
    let forward = match copied.forward {
        Forward::Masquerade => 0,
        Forward::Local => 1,
        Forward::Tunnel(_) => 2,
        Forward::Direct => 3,
        Forward::Bypass => 4,
    };
    // Only translation sees what real servers send back.
    let output = if copied.forward == Forward::Masquerade { 0 } else { NO_OUTPUT };
    let state = copied.connection.state;
    let active = if state.is_active() { 0 } else { INACTIVE };
    let template = if matches!(state, ConnectionState::Template { .. }) { TEMPLATE } else { 0 };
    forward | output | active | template
}

#[cfg(test)]
mod tests {
    use lvs::connections::Connection;

    use super::*;

    fn copied(state: ConnectionState, forward: Forward) -> Copied {
        Copied {
            connection: Connection {
                protocol: 6,
                client: "172.16.0.2:54321".parse().unwrap(),
                service: "192.168.1.250:80".parse().unwrap(),
                server: "10.0.0.100:8080".parse().unwrap(),
                state,
                left_s: 59,
            },
            forward,
            mark: 0,
            life_s: 59,
        }
    }

    fn tcp(name: &str) -> ConnectionState {
        ConnectionState::of(6, name, false).unwrap()
    }

    /// Written from the layout in `ip_vs_sync.c`, field by field.
    #[test]
    fn a_half_open_connection_as_the_kernel_reads_it() {
        let (bytes, count) = message(7, LONGEST, &[copied(tcp("SYN_RECV"), Forward::Masquerade)]).unwrap();
        let expected = [
            &[0, 7, 0, 44, 1, 1, 0, 0][..],
            &[0, 6, 0, 36, 0, 0, 0, 0],
            &[0, 3, 0xd4, 0x31, 0, 80, 0x1f, 0x90],
            &[0, 0, 0, 0, 0, 0, 0, 59],
            &[172, 16, 0, 2, 192, 168, 1, 250, 10, 0, 0, 100],
        ];
        assert_eq!((bytes, count), (expected.concat(), 1));
    }

    #[test]
    fn an_ipv6_template_of_a_mark_as_the_kernel_reads_it() {
        let copied = Copied {
            connection: Connection {
                protocol: 0,
                client: "[2001:db8::]:0".parse().unwrap(),
                service: "[0:5::]:0".parse().unwrap(),
                server: "[2001:db8:1::1]:0".parse().unwrap(),
                state: ConnectionState::of(0, "ASSURED", true).unwrap(),
                left_s: 10,
            },
            forward: Forward::Direct,
            mark: 5,
            life_s: 300,
        };
        let (bytes, _) = message(0, LONGEST, &[copied]).unwrap();
        let mut expected = vec![0, 0, 0, 80, 1, 1, 0, 0];
        expected.extend([1, 0, 0, 72, 0, 0, 0x11, 0x83]);
        expected.extend([0, 1, 0, 0, 0, 0, 0, 0]);
        expected.extend([0, 0, 0, 5, 0, 0, 1, 44]);
        for words in [[0x2001, 0xdb8, 0, 0, 0], [0, 5, 0, 0, 0], [0x2001, 0xdb8, 1, 0, 1]] {
            let [a, b, c, d, last] = words;
            expected.extend([a, b, c, d, 0, 0, 0, last].iter().flat_map(|word: &u16| word.to_be_bytes()));
        }
        assert_eq!(bytes, expected);
    }

    #[test]
    fn flags_tell_forwarding_and_whether_it_is_active() {
        let of = |name: &str, forward| flags(&copied(tcp(name), forward));
        assert_eq!(of("ESTABLISHED", Forward::Masquerade), 0);
        assert_eq!(of("ESTABLISHED", Forward::Direct), 0x83);
        assert_eq!(of("FIN_WAIT", Forward::Direct), 0x183);
        assert_eq!(of("SYN_RECV", Forward::Tunnel(lvs::model::Tunnel::default())), 0x82);
    }

    #[test]
    fn a_message_holds_what_fits_and_the_rest_goes_into_the_next() {
        let copies = vec![copied(tcp("ESTABLISHED"), Forward::Direct); 300];
        let (bytes, count) = message(1, LONGEST, &copies).unwrap();
        assert_eq!((bytes.len(), count), (8 + 38 * 36, 38));
        let (bytes, count) = message(1, 60_000, &copies).unwrap();
        assert_eq!((bytes.len(), count, bytes[4]), (8 + 255 * 36, 255, 255));
        assert_eq!(message(1, 20, &copies).unwrap().1, 1, "one always goes");
        assert_eq!(message(1, LONGEST, &[]), None);
    }
}
