//! An ICMP echo and its answer, through an unprivileged socket where the system allows one, else a raw one.

use lvs::health::Trouble;
use socket2::{Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::trail::Trail;
use super::{Fault, Question, socket};

/// Types of messages (RFC 792, RFC 4443).
const ECHO_V4: (u8, u8) = (8, 0);
const ECHO_V6: (u8, u8) = (128, 129);
/// Bytes after the eight of the header.
const PAYLOAD: &[u8] = b"caribe asks whether you are there";

/// `number` tells this echo from others.
pub(super) async fn ask(question: &Question, number: [u8; 4], trail: &Trail) -> Result<(), Fault> {
    let ipv4 = question.target.is_ipv4();
    let (socket, raw) = open(question)?;
    socket.connect(&question.target_without_port().into()).map_err(|error| socket::on_connect(&error))?;
    trail.connected(socket.local_addr().ok().and_then(|address| address.as_socket()));
    let (asked, answered) = if ipv4 { ECHO_V4 } else { ECHO_V6 };
    let echo = echo(asked, number, ipv4);
    // The runtime's datagram socket only sends and receives; that this one carries ICMP is all the same to it.
    let socket = UdpSocket::from_std(socket.into()).map_err(socket::local)?;
    socket.send(&echo).await.map_err(|error| socket::on_connect(&error))?;
    trail.sent(&echo);
    loop {
        let mut buffer = [0; 1024];
        let read = socket.recv(&mut buffer).await.map_err(|error| socket::on_talk(&error))?;
        let packet = buffer.get(..read).unwrap_or_default();
        let message = if raw && ipv4 { without_header(packet) } else { packet };
        // An unprivileged socket has the kernel's own identifier in place of ours, and sees nobody else's.
        let (identifier, sequence) = (message.get(4..6), message.get(6..8));
        let ours = !raw || identifier == number.get(..2);
        if message.first() == Some(&answered) && ours && sequence == number.get(2..) {
            trail.received(message);
            return Ok(());
        }
    }
}

/// The socket, and whether it is a raw one.
fn open(question: &Question) -> Result<(Socket, bool), Fault> {
    let protocol = if question.target.is_ipv4() { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
    match socket::open(question, Type::DGRAM, protocol) {
        Ok(socket) => Ok((socket, false)),
        Err(fault) if fault.is(Trouble::Permission) || fault.is(Trouble::SourceAddress) => {
            socket::open(question, Type::RAW, protocol).map(|socket| (socket, true))
        }
        Err(fault) => Err(fault),
    }
}

fn echo(kind: u8, number: [u8; 4], ipv4: bool) -> Vec<u8> {
    let mut message = [[kind, 0, 0, 0].as_slice(), &number, PAYLOAD].concat();
    if ipv4 {
        // In IPv6 the kernel counts the sum, which covers addresses.
        let sum = checksum(&message).to_be_bytes();
        for (place, byte) in message.iter_mut().skip(2).zip(sum) {
            *place = byte;
        }
    }
    message
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    };
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

/// An IPv4 packet without its header.
fn without_header(packet: &[u8]) -> &[u8] {
    let words = packet.first().map_or(0, |first| usize::from(first & 15));
    packet.get(words * 4..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_sums_up_to_nothing() {
        let message = echo(8, [1, 2, 3, 4], true);
        assert_eq!(checksum(&message), 0);
        assert_eq!(&message[4..8], [1, 2, 3, 4]);
        assert_eq!(without_header(&[0x45; 24]).len(), 4);
        assert!(without_header(&[]).is_empty());
    }
}
