//! Connections that one kernel knows and another has never seen: sent as we send them, taken in by the kernel's daemon.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use kernel::{Connections as _, Kernel as _, LinuxConnections, LinuxKernel};
use lvs::connections::{Choice, Connection, ConnectionState};
use lvs::plan::Step;
use lvs::table::{KernelTimeouts, SyncRole, SyncRow};

use crate::bench::{Needs, add, linux_runs, table};
use crate::namespace::{cable, inside, run};

const ROWS: &str = "
    -A -t 192.0.2.1:80 -s rr
    -a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 1
    -A -u [2001:db8::1]:53 -s rr
    -a -u [2001:db8::1]:53 -r [2001:db8:1::1]:53 -g -w 1
    -A -f 5 -s rr -p 300
    -a -f 5 -r 10.0.0.2:0 -i -w 1
";
const PATIENCE: Duration = Duration::from_secs(10);

fn connections() -> Vec<Connection> {
    let of = |protocol, places: [&str; 3], state: &str, left_s| {
        let [client, service, server] = places.map(|place| place.parse::<std::net::SocketAddr>().unwrap());
        let state = ConnectionState::of(protocol, state, client.port() == 0).unwrap();
        Connection { protocol, client, service, server, state, left_s }
    };
    let web = ["192.0.2.1:80", "10.0.0.1:8080"];
    vec![
        of(6, ["198.51.100.1:1001", web[0], web[1]], "SYN_RECV", 59),
        of(6, ["198.51.100.1:1002", web[0], web[1]], "ESTABLISHED", 500),
        of(6, ["198.51.100.1:1003", web[0], web[1]], "FIN_WAIT", 118),
        of(17, ["[2001:db8:9::1]:1004", "[2001:db8::1]:53", "[2001:db8:1::1]:53"], "UDP", 200),
        of(6, ["198.51.100.1:1005", "192.0.2.9:443", "10.0.0.2:443"], "ESTABLISHED", 899),
        of(0, ["198.51.100.1:0", "0.0.0.5:0", "10.0.0.2:0"], "ASSURED", 200),
    ]
}

/// What tells connections apart, in one order, and seconds left, which pass.
fn told(mut connections: Vec<Connection>) -> (Vec<Connection>, Vec<u32>) {
    connections.sort_by_key(|connection| connection.client);
    let left = connections.iter().map(|connection| connection.left_s).collect();
    (connections.into_iter().map(|connection| Connection { left_s: 0, ..connection }).collect(), left)
}

/// The partner: takes the other end of the cable into its own namespace, runs the daemon, and waits for connections.
fn partner(say: &std::sync::mpsc::Sender<String>, cable_came: &std::sync::mpsc::Receiver<()>) {
    let itself = std::fs::read_link("/proc/thread-self").unwrap();
    say.send(itself.file_name().unwrap().to_string_lossy().into_owned()).unwrap();
    cable_came.recv().expect("the cable's end has come");
    run(&["ip", "address", "add", "10.9.9.2/24", "dev", "far0"]);
    run(&["ip", "link", "set", "far0", "up"]);
    let mut kernel = LinuxKernel::open().unwrap();
    let daemon = SyncRow { interface: "far0".to_owned(), id: 7, ..SyncRow::default() };
    let steps = [add(ROWS), vec![Step::StartSync { role: SyncRole::Backup, row: daemon }]].concat();
    assert!(kernel.apply(&steps).iter().all(Result::is_ok));
    say.send("ready".to_owned()).unwrap();
    let (wanted, _) = told(connections());
    let deadline = Instant::now() + PATIENCE;
    let (found, left) = loop {
        let mut found = Vec::new();
        assert!(LinuxConnections::new().read(deadline, &mut |each| found.push(each)).unwrap());
        // A look while connections come in tells some twice and others not at all: the kernel goes by the row's place.
        let (found, left) = told(found);
        if found == wanted {
            break (found, left);
        }
        assert!(Instant::now() < deadline, "it has {found:?}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let of = |protocol: u8, port: u16| {
        let place = found.iter().position(|each| (each.protocol, each.client.port()) == (protocol, port));
        left[place.unwrap()]
    };
    assert!((40..=59).contains(&of(6, 1001)) && (480..=500).contains(&of(6, 1002)), "{left:?}");
    assert!((280..=300).contains(&of(0, 0)), "a template has its whole life: {left:?}");
    // They are bound to the real servers, each counted as what it is.
    let counters = kernel.counters().unwrap();
    let count = |service: &str, server: &str| {
        let counters = counters[&service.parse().unwrap()].servers[&server.parse().unwrap()];
        (counters.active, counters.inactive, counters.persistent)
    };
    assert_eq!(count("tcp 192.0.2.1:80", "10.0.0.1:8080"), (2, 1, 0));
    assert_eq!(count("udp [2001:db8::1]:53", "[2001:db8:1::1]:53"), (0, 1, 0));
    assert_eq!(count("fwmark 5", "10.0.0.2:0"), (1, 0, 1));
}

#[test]
fn the_receiving_daemon_takes_connections_as_we_send_them() {
    if !linux_runs(Needs::Ipvs) {
        return;
    }
    inside(|| {
        cable("cut0");
        run(&["ip", "address", "add", "10.9.9.1/24", "dev", "cut0"]);
        let (say, hear) = channel();
        let (give, take) = channel();
        let there = std::thread::spawn(move || inside(move || partner(&say, &take)));
        let theirs = hear.recv_timeout(PATIENCE).expect("its namespace");
        run(&["ip", "link", "set", "far0", "netns", &theirs]);
        give.send(()).unwrap();
        hear.recv_timeout(6 * PATIENCE).expect("its daemon");
        let rows = table(ROWS);
        let timeouts = KernelTimeouts { tcp: 900, tcpfin: 120, udp: 300 };
        let none = Default::default();
        let mut choice = Choice::new(&rows, timeouts, &none, 100);
        connections().into_iter().for_each(|connection| choice.consider(connection));
        let copies = choice.finish().copies;
        let daemon = SyncRow { interface: "cut0".to_owned(), id: 7, ..SyncRow::default() };
        assert_eq!(LinuxConnections::new().send(&daemon, &copies).expect("sent"), copies.len());
        if let Err(panic) = there.join() {
            std::panic::resume_unwind(panic);
        }
        let lost = SyncRow { interface: "nosuch0".to_owned(), ..daemon };
        let error = LinuxConnections::new().send(&lost, &copies).expect_err("no such interface");
        assert_eq!(error.to_string(), "send connections on nosuch0: there is no such interface");
    });
}
