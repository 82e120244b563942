//! The few system calls the standard library does not offer: netlink and packet sockets.
//!
//! The only file of the crate with `unsafe`. It knows nothing of what is sent; `socket`, `events`, `announcer`
//! and others call it.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Length of a C structure as the system calls want it.
fn length_of<T>() -> libc::socklen_t {
    // Structures here are a few dozen bytes.
    mem::size_of::<T>() as libc::socklen_t
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn checked_size(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

fn open(domain: libc::c_int, kind: libc::c_int, protocol: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: socket() takes no pointers; a non-negative result is a descriptor that nobody else owns.
    unsafe {
        let descriptor = checked(libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol))?;
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}

/// Opens a netlink socket of `protocol` (`NETLINK_GENERIC`, `NETLINK_ROUTE`) subscribed to the legacy group bits `groups`.
pub(crate) fn netlink(protocol: libc::c_int, groups: u32) -> io::Result<OwnedFd> {
    let socket = open(libc::AF_NETLINK, libc::SOCK_RAW, protocol)?;
    // SAFETY: sockaddr_nl is plain data, for which all zeroes is a valid value.
    let mut address: libc::sockaddr_nl = unsafe { mem::zeroed() };
    address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    address.nl_groups = groups;
    // SAFETY: the pointer is to a live sockaddr_nl and the length is its own; bind() only reads it.
    let bound = unsafe {
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length_of::<libc::sockaddr_nl>())
    };
    checked(bound)?;
    Ok(socket)
}

/// Opens a socket for sending raw frames. Protocol 0: it receives nothing, so no queue can overflow.
pub(crate) fn packet() -> io::Result<OwnedFd> {
    open(libc::AF_PACKET, libc::SOCK_RAW, 0)
}

/// Opens a non-blocking socket that receives whole frames of one Ethernet type on one interface.
pub(crate) fn packets_of(interface: u32, ether_type: u16) -> io::Result<OwnedFd> {
    let socket = open(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK, 0)?;
    bind_to_link(&socket, &link_address(interface, ether_type)?)?;
    Ok(socket)
}

/// Opens a socket as [`packet`] does, which never blocks.
pub(crate) fn frames() -> io::Result<OwnedFd> {
    open(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK, 0)
}

/// Opens a non-blocking socket for packets without their frames' headers. It receives nothing before [`hear`].
pub(crate) fn payloads() -> io::Result<OwnedFd> {
    open(libc::AF_PACKET, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK, 0)
}

/// Has a packet socket receive what comes in with one Ethernet type, on every interface.
pub(crate) fn hear(socket: &OwnedFd, ether_type: u16) -> io::Result<()> {
    bind_to_link(socket, &link_address(0, ether_type)?)
}

fn bind_to_link(socket: &OwnedFd, address: &libc::sockaddr_ll) -> io::Result<()> {
    // SAFETY: the pointer is to a live sockaddr_ll and the length is its own; bind() only reads it.
    let bound = unsafe {
        libc::bind(socket.as_raw_fd(), std::ptr::from_ref(address).cast(), length_of::<libc::sockaddr_ll>())
    };
    checked(bound).map(drop)
}

fn link_address(interface: u32, ether_type: u16) -> io::Result<libc::sockaddr_ll> {
    // SAFETY: sockaddr_ll is plain data, for which all zeroes is a valid value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::c_ushort;
    address.sll_protocol = ether_type.to_be();
    address.sll_ifindex =
        libc::c_int::try_from(interface).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    Ok(address)
}

/// Has what is sent go ahead of other traffic: a type of service (traffic class in IPv6) and the matching queue.
pub(crate) fn mark_urgent(socket: &impl AsFd, ipv4: bool, service: libc::c_int) -> io::Result<()> {
    let (level, option) =
        if ipv4 { (libc::IPPROTO_IP, libc::IP_TOS) } else { (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) };
    set_option(socket, level, option, service)?;
    // TC_PRIO_CONTROL
    set_option(socket, libc::SOL_SOCKET, libc::SO_PRIORITY, 7)
}

/// Sets an integer socket option.
pub(crate) fn set_option(
    socket: &impl AsFd,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the pointer is to a live c_int and the length is its own; setsockopt() only reads it.
    let set = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            length_of::<libc::c_int>(),
        )
    };
    checked(set).map(|_| ())
}

/// Sends one datagram to the kernel.
pub(crate) fn send(socket: &OwnedFd, datagram: &[u8]) -> io::Result<()> {
    loop {
        // SAFETY: pointer and length describe the live slice `datagram`; send() only reads it.
        let sent = unsafe { libc::send(socket.as_raw_fd(), datagram.as_ptr().cast(), datagram.len(), 0) };
        match checked_size(sent) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Receives one netlink datagram without blocking. Gives its full length (longer than `buffer` when it was cut) and
/// the sender's port (0 is the kernel).
pub(crate) fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<(usize, u32)> {
    // SAFETY: sockaddr_nl is plain data, for which all zeroes is a valid value.
    let mut from: libc::sockaddr_nl = unsafe { mem::zeroed() };
    let mut from_length = length_of::<libc::sockaddr_nl>();
    // SAFETY: pointer and length describe the live, exclusively borrowed `buffer`; `from` and its length are live and
    // of the size that is passed. MSG_TRUNC changes only the returned length, never how much is written.
    let received = unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            libc::MSG_DONTWAIT | libc::MSG_TRUNC,
            (&raw mut from).cast(),
            &raw mut from_length,
        )
    };
    Ok((checked_size(received)?, from.nl_pid))
}

/// Waits until something can be received; false when `timeout` passed first.
pub(crate) fn wait_readable(socket: &OwnedFd, timeout: Duration) -> io::Result<bool> {
    wait_any(&[socket.as_fd()], timeout)
}

/// Waits until something can be received on any of the sockets; false when `timeout` passed first.
pub(crate) fn wait_any(sockets: &[BorrowedFd<'_>], timeout: Duration) -> io::Result<bool> {
    let mut polls: Vec<libc::pollfd> = sockets
        .iter()
        .map(|socket| libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    // Rounded up: a wait of 0.4 ms must not become a busy loop of 0 ms.
    let milliseconds = timeout.as_nanos().div_ceil(1_000_000);
    let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
    // SAFETY: pointer and count describe the live vector of pollfd, which poll() writes to and does not keep.
    match checked(unsafe { libc::poll(polls.as_mut_ptr(), polls.len() as libc::nfds_t, milliseconds) }) {
        Ok(ready) => Ok(ready > 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sends a complete Ethernet frame out of the interface with this index.
pub(crate) fn send_frame(socket: &OwnedFd, interface: u32, ether_type: u16, frame: &[u8]) -> io::Result<()> {
    let to = link_address(interface, ether_type)?;
    // SAFETY: pointer and length describe the live slice `frame`, `to` is live and its length its own; both are only read.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const to).cast(),
            length_of::<libc::sockaddr_ll>(),
        )
    };
    checked_size(sent).map(|_| ())
}

/// Opens a non-blocking raw socket of an IP protocol.
pub(crate) fn raw(ipv4: bool, protocol: libc::c_int) -> io::Result<OwnedFd> {
    let domain = if ipv4 { libc::AF_INET } else { libc::AF_INET6 };
    open(domain, libc::SOCK_RAW | libc::SOCK_NONBLOCK, protocol)
}

/// Sets a socket option that is a structure or a text, given as its bytes.
pub(crate) fn set_option_bytes(
    socket: &impl AsFd,
    level: libc::c_int,
    option: libc::c_int,
    value: &[u8],
) -> io::Result<()> {
    let length = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: pointer and length describe the live slice `value`; setsockopt() only reads it.
    let set =
        unsafe { libc::setsockopt(socket.as_fd().as_raw_fd(), level, option, value.as_ptr().cast(), length) };
    checked(set).map(|_| ())
}

/// An address as the system calls want it, and its length. A link-local one needs its interface.
fn socket_address(address: IpAddr, interface: u32) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: sockaddr_storage is plain data, for which all zeroes is a valid value.
    let mut storage: libc::sockaddr_storage = unsafe { mem::zeroed() };
    let place = &raw mut storage;
    match address {
        IpAddr::V4(address) => {
            // SAFETY: sockaddr_storage is as large and as aligned as every kind of address.
            let inner = unsafe { &mut *place.cast::<libc::sockaddr_in>() };
            inner.sin_family = libc::AF_INET as libc::sa_family_t;
            inner.sin_addr.s_addr = u32::from_ne_bytes(address.octets());
            (storage, length_of::<libc::sockaddr_in>())
        }
        IpAddr::V6(address) => {
            // SAFETY: sockaddr_storage is as large and as aligned as every kind of address.
            let inner = unsafe { &mut *place.cast::<libc::sockaddr_in6>() };
            inner.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            inner.sin6_addr.s6_addr = address.octets();
            inner.sin6_scope_id = interface;
            (storage, length_of::<libc::sockaddr_in6>())
        }
    }
}

/// Gives a raw socket its own address.
pub(crate) fn bind(socket: &OwnedFd, address: IpAddr, interface: u32) -> io::Result<()> {
    let (storage, length) = socket_address(address, interface);
    // SAFETY: the pointer is to a live address of that length; bind() only reads it.
    checked(unsafe { libc::bind(socket.as_raw_fd(), (&raw const storage).cast(), length) }).map(|_| ())
}

/// Sends one packet to an address.
pub(crate) fn send_to(socket: &OwnedFd, packet: &[u8], to: IpAddr, interface: u32) -> io::Result<()> {
    let (storage, length) = socket_address(to, interface);
    // SAFETY: pointers and lengths describe the live slice and the live address; sendto() only reads them.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            packet.as_ptr().cast(),
            packet.len(),
            0,
            (&raw const storage).cast(),
            length,
        )
    };
    checked_size(sent).map(|_| ())
}

/// A received packet of a raw IPv6 socket, beside its bytes.
pub(crate) struct Received {
    /// How many bytes came; not more than fit.
    pub(crate) length: usize,
    /// From whom.
    pub(crate) source: Ipv6Addr,
    /// To whom, where the socket was told to say so (`IPV6_RECVPKTINFO`).
    pub(crate) destination: Option<Ipv6Addr>,
    /// Hop limit left, where the socket was told to say so (`IPV6_RECVHOPLIMIT`).
    pub(crate) hops: Option<u8>,
}

/// Receives one packet of a raw IPv6 socket without blocking.
pub(crate) fn receive_ipv6(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<Received> {
    // Aligned as control messages have to be, and long enough for the two.
    let mut control = [0_u64; 16];
    // SAFETY: sockaddr_in6 and msghdr are plain data, for which all zeroes is a valid value.
    let (mut from, mut message): (libc::sockaddr_in6, libc::msghdr) = unsafe { mem::zeroed() };
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    message.msg_name = (&raw mut from).cast();
    message.msg_namelen = length_of::<libc::sockaddr_in6>();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = mem::size_of_val(&control) as _;
    // SAFETY: all pointers in `message` are to live, exclusively borrowed values of the lengths given with them.
    let length =
        checked_size(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) })?;
    let mut received =
        Received { length, source: Ipv6Addr::from(from.sin6_addr.s6_addr), destination: None, hops: None };
    // SAFETY: `message` is as recvmsg() left it; the macros stay within the control buffer, and what is read is copied
    // out without a claim about its alignment.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            let (level, kind) = ((*header).cmsg_level, (*header).cmsg_type);
            if (level, kind) == (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) {
                let hops = libc::CMSG_DATA(header).cast::<libc::c_int>().read_unaligned();
                received.hops = u8::try_from(hops).ok();
            } else if (level, kind) == (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) {
                let info = libc::CMSG_DATA(header).cast::<libc::in6_pktinfo>().read_unaligned();
                received.destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok(received)
}

/// Receives one packet of a raw socket, header included, without blocking; how many bytes came.
pub(crate) fn receive_raw(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: pointer and length describe the live, exclusively borrowed `buffer`.
    checked_size(unsafe {
        libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT)
    })
}
