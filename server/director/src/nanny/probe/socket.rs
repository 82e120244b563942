//! Sockets for probes: opened without waiting, with the source, mark and interface that were asked for; and what an error
//! of theirs means.
//!
//! The one question here is whose fault an error is. What this machine lacks (descriptors, ports, memory, a route, a
//! permission) says nothing about a real server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use lvs::health::{Failure, Trouble};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use super::trail::Trail;
use super::{Fault, Question, down};

/// Opens a socket of this kind, bound as the question wants it.
pub(super) fn open(question: &Question, kind: Type, protocol: Protocol) -> Result<Socket, Fault> {
    let domain = Domain::for_address(question.target);
    let socket = Socket::new(domain, kind.nonblocking(), Some(protocol)).map_err(local)?;
    let way = &question.way;
    if way.mark != 0 {
        socket.set_mark(way.mark).map_err(local)?;
    }
    if let Some(interface) = &way.interface {
        socket.bind_device(Some(interface.as_bytes())).map_err(local)?;
    }
    if way.source.is_some() || way.port != 0 {
        let any = match question.target {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        if way.port != 0 {
            let _ = socket.set_reuse_address(true);
        }
        socket.bind(&SocketAddr::new(way.source.unwrap_or(any), way.port).into()).map_err(local)?;
    }
    Ok(socket)
}

/// Connects by TCP.
pub(super) async fn connect(question: &Question, trail: &Trail) -> Result<TcpStream, Fault> {
    let socket = open(question, Type::STREAM, Protocol::TCP)?;
    connect_with(socket, question, trail).await
}

/// Connects by TCP and leaves at once: the server's kernel answers, its program never notices. Nothing waits for the
/// end of such a connection on either side, so that no port is held for a minute after each check.
pub(super) async fn touch(question: &Question, trail: &Trail) -> Result<(), Fault> {
    let socket = open(question, Type::STREAM, Protocol::TCP)?;
    // The last part of the handshake would only be sent with the first data.
    let _ = socket.set_tcp_quickack(false);
    let _ = socket.set_linger(Some(Duration::ZERO));
    connect_with(socket, question, trail).await.map(drop)
}

/// Connects a socket that has been opened.
pub(super) async fn connect_with(
    socket: Socket,
    question: &Question,
    trail: &Trail,
) -> Result<TcpStream, Fault> {
    let socket = TcpSocket::from_std_stream(socket.into());
    let stream = socket.connect(question.target).await.map_err(|error| on_connect(&error))?;
    trail.connected(stream.local_addr().ok());
    Ok(stream)
}

/// A UDP socket that only speaks with the target, and hears when it is refused.
pub(super) fn datagrams(question: &Question, trail: &Trail) -> Result<UdpSocket, Fault> {
    let socket = open(question, Type::DGRAM, Protocol::UDP)?;
    socket.connect(&question.target.into()).map_err(|error| on_connect(&error))?;
    let socket = UdpSocket::from_std(socket.into()).map_err(local)?;
    trail.connected(socket.local_addr().ok());
    Ok(socket)
}

/// An error of opening or preparing a socket: always this machine's.
pub(super) fn local(error: io::Error) -> Fault {
    let trouble = match Errno::from_io_error(&error) {
        Some(Errno::PERM | Errno::ACCESS) => Trouble::Permission,
        _ => lacking(&error).unwrap_or(Trouble::SourceAddress),
    };
    Fault::trouble(trouble, error.to_string())
}

/// An error of connecting.
pub(super) fn on_connect(error: &io::Error) -> Fault {
    if let Some(lacking) = lacking(error) {
        return Fault::trouble(lacking, error.to_string());
    }
    match Errno::from_io_error(error) {
        // Without a route the packet never left; what comes from a router on the way arrives as "no route to host".
        Some(Errno::NETUNREACH | Errno::NETDOWN) => Fault::trouble(Trouble::SourceAddress, error.to_string()),
        // The local firewall said no.
        Some(Errno::PERM | Errno::ACCESS) => Fault::trouble(Trouble::Permission, error.to_string()),
        _ => on_talk(error),
    }
}

/// An error of sending or receiving.
pub(super) fn on_talk(error: &io::Error) -> Fault {
    if let Some(lacking) = lacking(error) {
        return Fault::trouble(lacking, error.to_string());
    }
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => down(Failure::Refused),
        Some(Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED) => down(Failure::Reset),
        Some(Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::HOSTDOWN | Errno::TIMEDOUT) => {
            down(Failure::Unreachable)
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof => down(Failure::ClosedEarly),
        _ => Fault::protocol(error.to_string()),
    }
}

/// What this machine has run out of.
pub(super) fn lacking(error: &io::Error) -> Option<Trouble> {
    match Errno::from_io_error(error)? {
        Errno::MFILE | Errno::NFILE => Some(Trouble::Descriptors),
        Errno::ADDRNOTAVAIL | Errno::ADDRINUSE | Errno::AGAIN => Some(Trouble::SourceAddress),
        Errno::NOBUFS | Errno::NOMEM => Some(Trouble::Resources),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs::health::Outcome;

    #[test]
    fn what_this_machine_lacks_is_no_verdict_on_a_server() {
        let of = |errno: Errno| on_connect(&io::Error::from(errno));
        for errno in [
            Errno::MFILE,
            Errno::NFILE,
            Errno::ADDRNOTAVAIL,
            Errno::NOBUFS,
            Errno::NOMEM,
            Errno::NETDOWN,
            Errno::NETUNREACH,
            Errno::PERM,
        ] {
            assert!(matches!(of(errno).outcome, Outcome::Undecided(_)), "{errno}");
        }
        for errno in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::CONNRESET] {
            assert!(matches!(of(errno).outcome, Outcome::Down(_)), "{errno}");
        }
    }
}
