//! The lines of `/proc/net/ip_vs_conn` and `/proc/net/ip_vs_app`: numbers are hexadecimal, addresses in network order.
//!
//! Whatever a line says, nothing here panics; one that is not understood is none.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use lvs::connections::{Connection, ConnectionState};

/// An entry of the connection table; none for the head line, and for an entry that cannot be told to another kernel in our
/// words: of an unknown protocol or state, waiting for a connection to come, or bound to what a persistence engine found
/// within packets.
pub fn connection(line: &str) -> Option<Connection> {
    let mut words = line.split_ascii_whitespace();
    let mut next = || words.next();
    let protocol = match next()? {
        "TCP" => 6,
        "UDP" => 17,
        "SCTP" => 132,
        "IP" => 0,
        _ => return None,
    };
    let client = place(next()?, next()?)?;
    let service = place(next()?, next()?)?;
    let server = place(next()?, next()?)?;
    let state = ConnectionState::of(protocol, next()?, client.port() == 0)?;
    // A time that is over but not yet acted on has wrapped around.
    let left_s = next()?.parse::<u64>().ok()?;
    let left_s = u32::try_from(left_s).ok().filter(|left| *left < u32::MAX / 2).unwrap_or_default();
    if next().is_some() {
        return None;
    }
    Some(Connection { protocol, client, service, server, state, left_s })
}

fn place(address: &str, port: &str) -> Option<SocketAddr> {
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?)),
        _ => IpAddr::V6(address.parse().ok()?),
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

/// Protocol and port of a service that a helper rewrites; none for the head line and for unknown protocols.
pub fn helped(line: &str) -> Option<(u8, u16)> {
    let mut words = line.split_ascii_whitespace();
    let protocol = match words.next()? {
        "TCP" => 6,
        "UDP" => 17,
        "SCTP" => 132,
        _ => return None,
    };
    Some((protocol, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(protocol: u8, name: &str, template: bool) -> ConnectionState {
        ConnectionState::of(protocol, name, template).unwrap()
    }

    #[test]
    fn entries_of_both_families_are_read() {
        let line = "TCP AC100002 D431 C0A801FA 0050 0A000064 0050 SYN_RECV         59";
        let read = connection(line).unwrap();
        assert_eq!(
            read,
            Connection {
                protocol: 6,
                client: "172.16.0.2:54321".parse().unwrap(),
                service: "192.168.1.250:80".parse().unwrap(),
                server: "10.0.0.100:80".parse().unwrap(),
                state: state(6, "SYN_RECV", false),
                left_s: 59,
            }
        );
        assert_eq!(read.state.number(), 3);
        let line = "UDP 2001:0db8:0000:0000:0000:0000:0000:0001 04D2 2001:0db8:0000:0000:0000:0000:0000:0002 0035 \
                    2001:0db8:0000:0000:0000:0000:0000:0003 0035 UDP             300";
        let read = connection(line).unwrap();
        assert_eq!(
            (read.client, read.server),
            ("[2001:db8::1]:1234".parse().unwrap(), "[2001:db8::3]:53".parse().unwrap())
        );
        assert_eq!((read.protocol, read.state.number(), read.left_s), (17, 0, 300));
    }

    #[test]
    fn templates_have_no_client_port() {
        let line = "IP  AC100000 0000 00000005 0000 0A000064 0000 ASSURED         299";
        let read = connection(line).unwrap();
        assert_eq!((read.protocol, read.state), (0, ConnectionState::Template { assured: true }));
        assert_eq!(read.service.ip().to_string(), "0.0.0.5");
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        for line in [
            "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData",
            "",
            "TCP",
            "TCP AC100002 D431 C0A801FA 0050 0A000064 0050 SYN_RECV",
            "TCP AC100002 D431 C0A801FA 0050 0A000064 0050 BUG! 1",
            "TCP AC100002 0000 C0A801FA 0050 0A000064 0050 LISTEN 120",
            "TCP AC100002 D431 C0A801FA 0050 0A000064 10050 NONE 1",
            "TCP XC100002 D431 C0A801FA 0050 0A000064 0050 NONE 1",
            "ESP AC100002 0000 C0A801FA 0000 0A000064 0000 NONE 1",
            "UDP AC100002 0000 C0A801FA 13C4 0A000064 13C4 NONE 99 sip some-call-id",
        ] {
            assert_eq!(connection(line), None, "{line}");
        }
        let over = "TCP AC100002 D431 C0A801FA 0050 0A000064 0050 TIME_WAIT 18446744073709551";
        assert_eq!(connection(over).unwrap().left_s, 0, "its time is over");
    }

    #[test]
    fn helpers_name_protocol_and_port() {
        assert_eq!(helped("prot port    usecnt name"), None);
        assert_eq!(helped("TCP  21      1      ftp"), Some((6, 21)));
    }
}
