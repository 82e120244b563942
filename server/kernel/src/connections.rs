//! The connections that this kernel knows, and the means to tell some of them to the partner's.
//!
//! IPVS has no request for either: entries are read from `/proc/net/ip_vs_conn`, and sent as the kernel's own sync daemon
//! does, to the daemon that receives. It chooses nothing and never waits between messages; the agent gives it a thread.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lvs::connections::{Connection, Copied};
use lvs::table::SyncRow;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::error::{Errno, Error};
use crate::explain::failed;
use crate::wire::connections;
use crate::wire::copies::{GROUP, LONGEST, PORT, message};

/// Of the network namespace of the thread that reads.
const TABLE: &str = "/proc/thread-self/net/ip_vs_conn";
const HELPERS: &str = "/proc/thread-self/net/ip_vs_app";
/// A line of the table is far shorter; what is longer is not read on.
const LINE: u64 = 1024;
/// Entries read between two looks at the clock.
const AT_ONCE: usize = 256;
/// Longest wait for a full queue of the interface.
const PATIENCE: Duration = Duration::from_millis(200);

/// Reads this kernel's connections and tells them to the partner's.
pub trait Connections: Send {
    /// Gives `each` every entry of the table that can be told; false when `until` came before its end. The kernel looks
    /// through the table anew for every page of it, so that a very large one takes seconds.
    ///
    /// # Errors
    /// [`Kind::Gone`](crate::Kind::Gone) where this kernel has no IPVS.
    fn read(&mut self, until: Instant, each: &mut dyn FnMut(Connection)) -> Result<bool, Error>;

    /// Protocol and port of services whose packets a helper of the kernel rewrites.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    fn helped(&mut self) -> Result<BTreeSet<(u8, u16)>, Error>;

    /// Sends one message with as many of these as fit, the first ones, to whoever receives as this running daemon would
    /// send; how many they were.
    ///
    /// # Errors
    /// Where the interface is gone or down. Whether anybody received it nobody knows.
    fn send(&mut self, daemon: &SyncRow, copies: &[Copied]) -> Result<usize, Error>;
}

/// This machine's, in the network namespace of the thread that uses it.
#[derive(Default)]
pub struct LinuxConnections {
    open: Option<(SyncRow, Socket, SockAddr)>,
}

impl LinuxConnections {
    /// Opens nothing yet.
    pub fn new() -> Self {
        LinuxConnections::default()
    }
}

impl Connections for LinuxConnections {
    fn read(&mut self, until: Instant, each: &mut dyn FnMut(Connection)) -> Result<bool, Error> {
        let read = File::open(TABLE).map_err(Errno::from).and_then(|file| {
            let mut lines = BufReader::with_capacity(64 * 1024, file);
            let mut line = Vec::new();
            for number in 1_usize.. {
                line.clear();
                if (&mut lines).take(LINE).read_until(b'\n', &mut line)? == 0 {
                    return Ok(true);
                }
                if let Some(connection) = std::str::from_utf8(&line).ok().and_then(connections::connection) {
                    each(connection);
                }
                if number.is_multiple_of(AT_ONCE) && Instant::now() >= until {
                    break;
                }
            }
            Ok(false)
        });
        read.map_err(|errno| failed("read the connections", errno))
    }

    fn helped(&mut self) -> Result<BTreeSet<(u8, u16)>, Error> {
        let text = std::fs::read_to_string(HELPERS).map_err(Errno::from);
        let text = text.map_err(|errno| failed("read the helpers of connections", errno))?;
        Ok(text.lines().filter_map(connections::helped).collect())
    }

    fn send(&mut self, daemon: &SyncRow, copies: &[Copied]) -> Result<usize, Error> {
        let longest = match daemon.maxlen {
            0 => LONGEST,
            told => usize::from(told).min(LONGEST),
        };
        let Some((bytes, count)) = message(daemon.id, longest, copies) else { return Ok(0) };
        let operation = || format!("send connections on {}", daemon.interface);
        let sent = match self.open.take().filter(|(before, ..)| before == daemon) {
            Some((_, socket, to)) => Ok((socket, to)),
            None => open(daemon),
        }
        .and_then(|(socket, to)| {
            socket.send_to(&bytes, &to)?;
            Ok((socket, to))
        });
        let (socket, to) = sent.map_err(|error| failed(operation(), error.into()))?;
        self.open = Some((daemon.clone(), socket, to));
        Ok(count)
    }
}

/// A socket that speaks as the daemon does; the kernel takes the interface's own address as source.
fn open(daemon: &SyncRow) -> std::io::Result<(Socket, SockAddr)> {
    let group = daemon.group.unwrap_or(GROUP);
    let port = if daemon.port == 0 { PORT } else { daemon.port };
    let hops = daemon.ttl.max(1).into();
    let domain = if group.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind_device(Some(daemon.interface.as_bytes()))?;
    if group.is_ipv4() {
        socket.set_multicast_ttl_v4(hops)?;
        socket.set_multicast_loop_v4(false)?;
    } else {
        socket.set_multicast_hops_v6(hops)?;
        socket.set_multicast_loop_v6(false)?;
    }
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok((socket, SocketAddr::new(group, port).into()))
}
