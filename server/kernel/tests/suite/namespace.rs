//! A network namespace for one test, and the programs that look at it from outside of Caribe.
#![allow(unsafe_code, reason = "unshare and packet sockets have no safe form in the standard library")]

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs `test` on a thread of its own in a new network namespace, and hands its panic on.
pub(crate) fn inside(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(|| {
        // SAFETY: unshare takes no pointers; it changes the network namespace of this thread alone.
        let unshared = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        assert_eq!(unshared, 0, "unshare: {} (root is needed)", std::io::Error::last_os_error());
        run(&["ip", "link", "set", "lo", "up"]);
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Runs a program in the namespace of this thread; its output. It must succeed.
pub(crate) fn run(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output().expect(words[0]);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Makes a cable from `name`, with [`MAC`](crate::bench::MAC), to `far0`; both ends up.
pub(crate) fn cable(name: &str) {
    let near = ["ip", "link", "add", name, "address", "02:00:5e:00:00:51", "type", "veth"];
    run(&[&near[..], &["peer", "name", "far0"]].concat());
    for end in [name, "far0"] {
        // No address of the kernel's own, which would go on changing for seconds while it is probed.
        run(&["ip", "link", "set", end, "addrgenmode", "none"]);
        run(&["ip", "link", "set", end, "up"]);
    }
}

/// Receives every frame that arrives at one interface.
pub(crate) struct Capture(OwnedFd);

impl Capture {
    pub(crate) fn on(interface: &str) -> Self {
        let every = (libc::ETH_P_ALL as u16).to_be();
        let name = std::ffi::CString::new(interface).expect("name");
        // SAFETY: socket() takes no pointers and its result is a descriptor nobody else owns; `name` is a live C string;
        // `address` is plain data that bind() only reads, with its own size.
        unsafe {
            let socket = libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, i32::from(every));
            assert!(socket >= 0, "packet socket: {}", std::io::Error::last_os_error());
            let socket = OwnedFd::from_raw_fd(socket);
            let mut address: libc::sockaddr_ll = std::mem::zeroed();
            address.sll_family = libc::AF_PACKET as u16;
            address.sll_protocol = every;
            address.sll_ifindex = libc::if_nametoindex(name.as_ptr()) as i32;
            assert_ne!(address.sll_ifindex, 0, "no interface {interface}");
            let length = std::mem::size_of::<libc::sockaddr_ll>() as u32;
            assert_eq!(libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length), 0);
            Capture(socket)
        }
    }

    /// Waits for a frame that satisfies `wanted`.
    pub(crate) fn wait_for(&self, what: &str, wanted: impl Fn(&[u8]) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut buffer = [0_u8; 2048];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} arrived");
            let mut poll = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one live pollfd; then a live buffer with its own length.
            let received = unsafe {
                if libc::poll(&raw mut poll, 1, left.as_millis() as i32 + 1) <= 0 {
                    continue;
                }
                libc::recv(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT)
            };
            if let Ok(length) = usize::try_from(received)
                && wanted(&buffer[..length])
            {
                return;
            }
        }
    }
}
