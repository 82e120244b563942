//! The shield after a hand-over: what it drops is not answered, and it falls with the kernel that raised it.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use kernel::{Kernel as _, LinuxKernel, Shielded};

use crate::bench::{Needs, linux_runs};
use crate::namespace::{inside, run};

#[test]
fn packets_of_unknown_connections_are_dropped_and_new_ones_pass() {
    if !linux_runs(Needs::Network) {
        return;
    }
    inside(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap();
        let mut kernel = LinuxKernel::without_ipvs().unwrap();
        let many = (1..=200).map(|n| SocketAddr::from(([192, 0, 2, n], 443)));
        let shielded = Shielded {
            arriving: many.chain([here, "[2001:db8::1]:80".parse().unwrap()]).collect(),
            replies: ["10.0.0.1:8080".parse().unwrap(), "[2001:db8::2]:80".parse().unwrap()].into(),
        };
        kernel.shield(Some(&shielded)).expect("the shield is raised");
        let seen = run(&["nft", "list", "ruleset"]);
        for word in ["caribe-handover", "192.0.2.200 . 443", "hook forward", "2001:db8::2 . 80", "drop"] {
            assert!(seen.contains(word), "{word} is missing in\n{seen}");
        }
        // A SYN passes; what follows it is of no connection that IPVS knows, and is dropped.
        let client = TcpStream::connect_timeout(&here, Duration::from_secs(5)).expect("a SYN passes");
        std::io::Write::write_all(&mut &client, b"hello").unwrap();
        listener.set_nonblocking(true).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let nobody = listener.accept();
        assert!(nobody.is_err(), "its ACK is dropped, so that nobody is connected");
        // Raised again, it replaces the one before; ended, nothing is left and the connection goes on.
        kernel.shield(Some(&shielded)).expect("again");
        kernel.shield(None).unwrap();
        assert_eq!(run(&["nft", "list", "ruleset"]).trim(), "");
        listener.set_nonblocking(false).unwrap();
        assert!(listener.accept().is_ok(), "retransmission brings it through");
        kernel.shield(Some(&Shielded::default())).expect("there may be nothing to shield");
        kernel.shield(Some(&shielded)).unwrap();
        drop(kernel);
        assert_eq!(run(&["nft", "list", "ruleset"]).trim(), "", "it falls with its owner");
    });
}
