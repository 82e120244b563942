//! The wires between two directors: UDP sockets, one for each pair of addresses, waited on together.
//!
//! It carries packets and knows nothing of what is in them. A path that cannot be used (an address that is not there
//! yet, a network that is down) never stops the others; it is tried again. Used by the agent's heartbeat thread alone,
//! which a [`Waker`] calls back from its waiting.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::error::Error;
use crate::explain::failed;
use crate::sys;

/// Between two tries to open a path.
const REOPEN: Duration = Duration::from_secs(1);
/// Packets taken from one path before the caller is asked again, so that a flood on one cannot hold up the rest.
const AT_ONCE: usize = 64;
/// DSCP CS6 (network control) as a type of service (RFC 2474, RFC 4594).
const NETWORK_CONTROL: i32 = 0xc0;

/// Where a path begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Our address and port.
    pub local: SocketAddr,
    /// The partner's.
    pub partner: SocketAddr,
    /// Whether the partner may send from any port of its. Otherwise the kernel drops all that comes from elsewhere, before
    /// anybody is woken.
    pub any_port: bool,
}

/// Which network the paths run over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wires {
    /// The machine's.
    #[default]
    Network,
    /// The loopback, for tests of several directors in one process: an address becomes 127, then its last three bytes.
    Loopback,
}

impl Wires {
    fn place(self, address: SocketAddr) -> SocketAddr {
        match (self, address.ip()) {
            (Wires::Loopback, IpAddr::V4(ip)) => {
                let [_, b, c, d] = ip.octets();
                SocketAddr::from(([127, b, c, d], address.port()))
            }
            _ => address,
        }
    }
}

/// The open paths.
pub struct Paths {
    wires: Wires,
    paths: Vec<Open>,
    wake: UnixDatagram,
}

struct Open {
    path: Path,
    socket: Option<UdpSocket>,
    opened: Option<Instant>,
}

/// Ends a wait of [`Paths`] from another thread.
pub struct Waker(UnixDatagram);

impl Waker {
    /// Ends the present wait, or the next one.
    pub fn wake(&self) {
        // A full buffer means that it is being woken already.
        let _ = self.0.send(&[0]);
    }

    /// Another one for the same paths.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn another(&self) -> Result<Waker, Error> {
        self.0.try_clone().map(Waker).map_err(|error| failed("copy a waker", error.into()))
    }
}

impl Paths {
    /// No path yet, and the means to end its waits.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new(wires: Wires) -> Result<(Self, Waker), Error> {
        let pair = || -> io::Result<_> {
            let (wake, waker) = UnixDatagram::pair()?;
            wake.set_nonblocking(true)?;
            waker.set_nonblocking(true)?;
            Ok((wake, waker))
        };
        let (wake, waker) = pair().map_err(|error| failed("open a waker", error.into()))?;
        Ok((Paths { wires, paths: Vec::new(), wake }, Waker(waker)))
    }

    /// Uses exactly these paths from now on; those that stay keep their sockets.
    pub fn set(&mut self, paths: &[Path]) {
        let mut before = std::mem::take(&mut self.paths);
        let place = |address| self.wires.place(address);
        self.paths = paths
            .iter()
            .map(|path| Path { local: place(path.local), partner: place(path.partner), ..*path })
            .map(|path| match before.iter().position(|open| open.path == path) {
                Some(at) => before.swap_remove(at),
                None => Open { path, socket: None, opened: None },
            })
            .collect();
    }

    /// Sends a packet on every path; how many took it.
    pub fn send(&mut self, packet: &[u8]) -> usize {
        self.paths.iter_mut().filter_map(|open| open.send(packet)).count()
    }

    /// The same on the paths of these numbers alone.
    pub fn send_over(&mut self, packet: &[u8], numbers: &[usize]) -> usize {
        let chosen = self.paths.iter_mut().enumerate().filter(|(number, _)| numbers.contains(number));
        chosen.filter_map(|(_, open)| open.send(packet)).count()
    }

    /// Waits until something can be received, somebody calls, or the time is over; true unless it is over.
    ///
    /// # Errors
    /// When the kernel cannot wait.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool, Error> {
        self.wait_with(&[], timeout)
    }

    /// The same, with other sockets beside the paths.
    ///
    /// # Errors
    /// When the kernel cannot wait.
    pub fn wait_with(&mut self, others: &[BorrowedFd<'_>], timeout: Duration) -> Result<bool, Error> {
        let mut descriptors: Vec<BorrowedFd<'_>> = vec![self.wake.as_fd()];
        descriptors.extend(others.iter().copied());
        descriptors.extend(self.paths.iter().filter_map(|open| open.socket.as_ref()).map(AsFd::as_fd));
        let ready = sys::wait_any(&descriptors, timeout)
            .map_err(|error| failed("wait for the partner", error.into()))?;
        let mut calls = [0; 16];
        while self.wake.recv(&mut calls).is_ok() {}
        Ok(ready)
    }

    /// Hands what has come in to `take`: the path's number, whether the partner's address sent it, the packet.
    pub fn receive(&mut self, mut take: impl FnMut(usize, bool, &[u8])) {
        // Longer than any packet of ours, so that a longer one is seen to be too long.
        let mut buffer = [0; 1024];
        for (number, open) in self.paths.iter_mut().enumerate() {
            for _ in 0..AT_ONCE {
                let Some(socket) = &open.socket else { break };
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => {
                        let partner = from.ip() == open.path.partner.ip();
                        take(number, partner, buffer.get(..length).unwrap_or_default());
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if is_echo(&error) => {}
                    Err(_) => {
                        open.socket = None;
                        break;
                    }
                }
            }
        }
    }
}

/// Whether an error is an ICMP answer to an earlier packet: the partner's port was closed, a filter refused. Anybody can
/// forge one, so that none may close a socket or cost a packet.
fn is_echo(error: &io::Error) -> bool {
    let answers = [
        libc::ECONNREFUSED,
        libc::EHOSTUNREACH,
        libc::ENETUNREACH,
        libc::EHOSTDOWN,
        libc::ENONET,
        libc::ENOPROTOOPT,
        libc::EOPNOTSUPP,
        libc::EMSGSIZE,
        libc::EPROTO,
    ];
    error.raw_os_error().is_some_and(|number| answers.contains(&number))
}

impl Open {
    fn send(&mut self, packet: &[u8]) -> Option<()> {
        self.reopen();
        let socket = self.socket.as_ref()?;
        let strict = !self.path.any_port;
        let send = || if strict { socket.send(packet) } else { socket.send_to(packet, self.path.partner) };
        let sent = match send() {
            Err(error) if is_echo(&error) => send(),
            sent => sent,
        };
        self.note(sent)
    }

    /// Opens the socket, if it is closed and was not tried a moment ago.
    fn reopen(&mut self) {
        if self.socket.is_some() || self.opened.is_some_and(|at| at.elapsed() < REOPEN) {
            return;
        }
        self.opened = Some(Instant::now());
        let open = || -> io::Result<UdpSocket> {
            let domain = Domain::for_address(self.path.local);
            let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
            // An earlier path from here to another address of the partner may still be in use.
            socket.set_reuse_address(true)?;
            socket.bind(&self.path.local.into())?;
            if !self.path.any_port {
                socket.connect(&self.path.partner.into())?;
            }
            let socket = UdpSocket::from(socket);
            socket.set_nonblocking(true)?;
            // Ahead of what the machine forwards; not every system has it.
            let _ = sys::mark_urgent(&socket, self.path.local.is_ipv4(), NETWORK_CONTROL);
            Ok(socket)
        };
        match open() {
            Ok(socket) => self.socket = Some(socket),
            Err(error) => {
                tracing::debug!(local = %self.path.local, %error, "a heartbeat path cannot be opened yet");
            }
        }
    }

    fn note(&mut self, sent: io::Result<usize>) -> Option<()> {
        match sent {
            Ok(_) => Some(()),
            // The address went away: another socket may find it again.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EADDRNOTAVAIL)) => {
                self.socket = None;
                None
            }
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn path(local: SocketAddr, partner: SocketAddr) -> Path {
        Path { local, partner, any_port: false }
    }

    /// Two free ports.
    fn ports() -> [u16; 2] {
        [0, 0].map(|_| UdpSocket::bind(local(0)).unwrap().local_addr().unwrap().port())
    }

    #[test]
    fn packets_go_both_ways_and_name_their_path() {
        let [a, b] = ports();
        let (mut left, _waker) = Paths::new(Wires::Network).unwrap();
        let (mut right, _waker) = Paths::new(Wires::Network).unwrap();
        left.set(&[path(local(a), local(b))]);
        right.set(&[path(local(b), local(a))]);
        assert_eq!(right.send(b"first"), 1, "the socket opens with the first packet");
        assert_eq!(left.send(b"hello"), 1);
        assert!(right.wait(Duration::from_secs(10)).unwrap());
        let mut seen = Vec::new();
        right.receive(|path, partner, packet| seen.push((path, partner, packet.to_vec())));
        assert_eq!(seen, [(0, true, b"hello".to_vec())]);
    }

    #[test]
    fn what_comes_from_another_port_wakes_nobody_unless_the_path_allows_it() {
        for any_port in [false, true] {
            let [a, b] = ports();
            let (mut left, _waker) = Paths::new(Wires::Network).unwrap();
            left.set(&[Path { any_port, ..path(local(a), local(b)) }]);
            left.send(b"opens it");
            let stranger = UdpSocket::bind(local(0)).unwrap();
            stranger.send_to(b"hello", local(a)).unwrap();
            let partner = UdpSocket::bind(local(b)).unwrap();
            partner.send_to(b"world", local(a)).unwrap();
            let mut seen = Vec::new();
            while seen.last() != Some(&b"world".to_vec()) {
                assert!(left.wait(Duration::from_secs(10)).unwrap());
                left.receive(|_, _, packet| seen.push(packet.to_vec()));
            }
            assert_eq!(seen.contains(&b"hello".to_vec()), any_port);
        }
    }

    #[test]
    fn a_partner_whose_port_was_closed_gets_the_next_packet() {
        let [a, b] = ports();
        let (mut left, _waker) = Paths::new(Wires::Network).unwrap();
        left.set(&[path(local(a), local(b))]);
        assert_eq!(left.send(b"refused"), 1);
        let partner = UdpSocket::bind(local(b)).unwrap();
        partner.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(left.send(b"again"), 1, "the refusal of the first one does not count");
        let mut buffer = [0; 16];
        assert_eq!(partner.recv(&mut buffer).unwrap(), 5);
    }

    #[test]
    fn a_path_without_its_address_does_not_stop_the_others() {
        let [a, b] = ports();
        let (mut left, _waker) = Paths::new(Wires::Network).unwrap();
        let missing = SocketAddr::from(([192, 0, 2, 1], a));
        left.set(&[path(missing, local(b)), path(local(a), local(b))]);
        assert_eq!(left.send(b"x"), 1);
    }

    #[test]
    fn a_wait_ends_by_a_call_or_in_time() {
        let (mut paths, waker) = Paths::new(Wires::Network).unwrap();
        assert!(!paths.wait(Duration::from_millis(1)).unwrap());
        waker.wake();
        assert!(paths.wait(Duration::from_secs(60)).unwrap());
        let other = waker.another().unwrap();
        let caller = std::thread::spawn(move || other.wake());
        assert!(paths.wait(Duration::from_secs(60)).unwrap());
        caller.join().unwrap();
    }
}
