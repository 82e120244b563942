//! The IPVS table.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use kernel::{Kernel as _, Kind};
use lvs::counters::{Counters, ServerCounters, Totals};
use lvs::model::{SchedulerFlag, Timeouts, Tunnel, TunnelChecksum, TunnelKind};
use lvs::plan::Step;
use lvs::table::{Forward, KernelTimeouts, Persist, ServerKey, ServerRow, ServiceKey, ServiceRow};

use crate::bench::{Bench, add, set};

fn service(text: &str) -> ServiceKey {
    text.parse().expect("a service key")
}

fn server(text: &str) -> ServerKey {
    text.parse().expect("a server key")
}

fn scheduled(scheduler: &str) -> ServiceRow {
    ServiceRow {
        scheduler: scheduler.to_owned(),
        flags: Default::default(),
        persistence: None,
        one_packet: false,
    }
}

fn weighted(forward: Forward, weight: u32) -> ServerRow {
    ServerRow { forward, weight, upper: 0, lower: 0 }
}

pub(crate) fn every_kind_of_service(bench: &mut Bench) {
    let text = "
        -A -t 192.0.2.1:80 -s wlc
        -A -t 192.0.2.2:0 -s rr -p 360
        -A -t 192.0.2.3:443 -s wrr -p 50 -M 255.255.255.0
        -A -t [2001:db8::1]:80 -s wlc
        -A -t [2001:db8::2]:443 -s sh -p 2678400 -M 64
        -A -u 192.0.2.1:53 -s rr -o
        -A -u [2001:db8::1]:53 -s rr -o
        -A --sctp-service 192.0.2.1:2905 -s lc
        -A -f 5 -s mh -b mh-fallback,mh-port
        -A -f 6 -s sh -p 10 -b sh-port
        -A -f 7 -6 -s sh -p 10 -M 48 -b sh-fallback
        -A -f 4294967295 -s dh
    ";
    bench.succeed(&add(text));
    bench.holds(text);
    let removals: Vec<Step> =
        bench.observe(&[]).table.services.into_keys().map(|key| Step::RemoveService { key }).collect();
    bench.succeed(&removals);
    bench.holds("");
    // Flags that mean nothing to a scheduler are kept all the same.
    let key = service("tcp 192.0.2.9:80");
    let row = ServiceRow { flags: SchedulerFlag::ALL.into_iter().collect(), ..scheduled("rr") };
    bench.succeed(&[Step::AddService { key, row: row.clone() }]);
    assert_eq!(bench.observe(&[]).table.services[&key].row, row);
}

pub(crate) fn every_scheduler_of_every_kernel(bench: &mut Bench) {
    let text: String =
        ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"]
            .iter()
            .zip(1..)
            .map(|(scheduler, port)| format!("-A -t 192.0.2.1:{port} -s {scheduler}\n"))
            .collect();
    bench.succeed(&add(&text));
    bench.holds(&text);
}

pub(crate) fn every_kind_of_real_server(bench: &mut Bench) {
    let text = "
        -A -t 192.0.2.1:80 -s wlc
        -a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 1
        -a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 65535
        -a -t 192.0.2.1:80 -r 10.0.0.3:80 -i -w 0 --tun-type ipip
        -a -t 192.0.2.1:80 -r 10.0.0.4:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
        -a -t 192.0.2.1:80 -r 10.0.0.5:80 -i -w 1 --tun-type gue --tun-port 6081 --tun-csum
        -a -t 192.0.2.1:80 -r 10.0.0.6:80 -i -w 1 --tun-type gue --tun-port 6082 --tun-remcsum
        -a -t 192.0.2.1:80 -r 10.0.0.7:80 -i -w 1 --tun-type gre --tun-nocsum
        -a -t 192.0.2.1:80 -r 10.0.0.8:80 -i -w 1 --tun-type gre --tun-csum
        -a -t 192.0.2.1:80 -r 10.0.0.9:80 -m -w 7 -x 100 -y 50
        -a -t 192.0.2.1:80 -r 10.0.0.10:80 -m -w 7 -x 100
        -A -t [2001:db8::1]:80 -s wlc
        -a -t [2001:db8::1]:80 -r [2001:db8::10]:8080 -m -w 1
        -a -t [2001:db8::1]:80 -r [2001:db8::11]:80 -g -w 1
        -A -f 3 -s rr
        -a -f 3 -r 10.0.0.1:0 -g -w 1
    ";
    bench.succeed(&add(text));
    bench.holds(text);
    // Either family behind the other, through a tunnel.
    let tunnel = weighted(Forward::Tunnel(Tunnel::default()), 1);
    let mixed = [("tcp 192.0.2.1:80", "[2001:db8::20]:80"), ("tcp [2001:db8::1]:80", "10.0.0.20:80")]
        .map(|(virtual_service, real)| (service(virtual_service), server(real)));
    bench.succeed(&mixed.map(|(service, key)| Step::AddServer { service, key, row: tunnel }));
    let table = bench.observe(&[]).table;
    for (service, server) in mixed {
        assert_eq!(table.services[&service].servers.get(&server), Some(&tunnel));
    }
    bench.succeed(&mixed.map(|(service, key)| Step::RemoveServer { service, key }));
    bench.holds(text);
}

pub(crate) fn one_mark_for_both_families(bench: &mut Bench) {
    let text = "
        -A -f 1 -s rr
        -a -f 1 -r 10.0.0.1:0 -g -w 1
        -A -f 1 -6 -s wrr
        -a -f 1 -6 -r [2001:db8::10]:0 -g -w 2
    ";
    bench.succeed(&add(text));
    bench.holds(text);
    bench.succeed(&[Step::RemoveService { key: service("fwmark 1 ipv6") }]);
    bench.holds("-A -f 1 -s rr\n-a -f 1 -r 10.0.0.1:0 -g -w 1");
}

pub(crate) fn changes_in_place_keep_the_servers(bench: &mut Bench) {
    bench.succeed(&add("
        -A -t 192.0.2.1:80 -s wlc -p 300 -b flag-1
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1
        -a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1
    "));
    bench.succeed(&set("-A -t 192.0.2.1:80 -s sh -b sh-port"));
    bench.holds(
        "
        -A -t 192.0.2.1:80 -s sh -b sh-port
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1
        -a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1
    ",
    );
    bench.succeed(&set("
        -A -t 192.0.2.1:80 -s wrr -p 60 -M 255.255.0.0
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 9 --tun-type gue --tun-port 6080 --tun-csum -x 9 -y 3
    "));
    bench.holds(
        "
        -A -t 192.0.2.1:80 -s wrr -p 60 -M 255.255.0.0
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 9 --tun-type gue --tun-port 6080 --tun-csum -x 9 -y 3
        -a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1
    ",
    );
    // Back to what a plain server is; nothing of the tunnel stays.
    bench.succeed(&set("
        -A -t 192.0.2.1:80 -s wrr
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 0 --tun-type ipip
    "));
    let plain = "
        -A -t 192.0.2.1:80 -s wrr
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 0 --tun-type ipip
        -a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1
    ";
    bench.holds(plain);
    assert_eq!(bench.observe(&[]).table, crate::bench::table(plain));
}

pub(crate) fn what_the_kernel_refuses(bench: &mut Bench) {
    let there = "
        -A -t 192.0.2.1:80 -s wlc
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1
    ";
    bench.succeed(&add(there));
    let (known, unknown) = (service("tcp 192.0.2.1:80"), service("udp 192.0.2.1:80"));
    let (first, second) = (server("10.0.0.1:80"), server("10.0.0.2:80"));
    let plain = weighted(Forward::Masquerade, 1);
    let cases = [
        (
            Step::AddService { key: known, row: scheduled("rr") },
            Kind::Exists,
            "add service tcp 192.0.2.1:80: the service exists already",
        ),
        (
            Step::AddService { key: unknown, row: scheduled("nosuch") },
            Kind::Unsupported,
            "add service udp 192.0.2.1:80: the kernel has no scheduler nosuch",
        ),
        (
            Step::SetService { key: known, row: scheduled("nosuch") },
            Kind::Unsupported,
            "change service tcp 192.0.2.1:80: the kernel has no scheduler nosuch",
        ),
        (
            Step::SetService { key: unknown, row: scheduled("rr") },
            Kind::Gone,
            "change service udp 192.0.2.1:80: there is no such service",
        ),
        (
            Step::RemoveService { key: unknown },
            Kind::Gone,
            "remove service udp 192.0.2.1:80: there is no such service",
        ),
        (
            Step::AddServer { service: unknown, key: first, row: plain },
            Kind::Gone,
            "add real server 10.0.0.1:80 to udp 192.0.2.1:80: there is no such service",
        ),
        (
            Step::AddServer { service: known, key: first, row: plain },
            Kind::Exists,
            "add real server 10.0.0.1:80 to tcp 192.0.2.1:80: the service has this real server already",
        ),
        (
            Step::SetServer { service: known, key: second, row: plain },
            Kind::Gone,
            "change real server 10.0.0.2:80 of tcp 192.0.2.1:80: the service has no such real server",
        ),
        (
            Step::RemoveServer { service: known, key: second },
            Kind::Gone,
            "remove real server 10.0.0.2:80 from tcp 192.0.2.1:80: the service has no such real server",
        ),
        (
            Step::RemoveServer { service: unknown, key: first },
            Kind::Gone,
            "remove real server 10.0.0.1:80 from udp 192.0.2.1:80: there is no such service",
        ),
        (
            Step::AddServer { service: known, key: second, row: weighted(Forward::Direct, 1 << 31) },
            Kind::Invalid,
            "add real server 10.0.0.2:80 to tcp 192.0.2.1:80: the weight is above 2147483647, or the lower threshold above the upper one",
        ),
        (
            Step::SetServer { service: known, key: first, row: ServerRow { upper: 5, lower: 6, ..plain } },
            Kind::Invalid,
            "change real server 10.0.0.1:80 of tcp 192.0.2.1:80: the weight is above 2147483647, or the lower threshold above the upper one",
        ),
        (
            Step::AddServer { service: known, key: server("[2001:db8::1]:80"), row: plain },
            Kind::Invalid,
            "add real server [2001:db8::1]:80 to tcp 192.0.2.1:80: a real server of the other address family can only be reached through a tunnel",
        ),
        (
            Step::AddServer { service: known, key: server("224.0.0.1:80"), row: plain },
            Kind::Invalid,
            "add real server 224.0.0.1:80 to tcp 192.0.2.1:80: the kernel accepts no real server at this address",
        ),
        (
            Step::AddServer {
                service: known,
                key: second,
                row: weighted(
                    Forward::Tunnel(Tunnel {
                        kind: TunnelKind::Gue,
                        port: 0,
                        checksum: TunnelChecksum::None,
                    }),
                    1,
                ),
            },
            Kind::Invalid,
            "add real server 10.0.0.2:80 to tcp 192.0.2.1:80: the kernel accepts no real server at this address, or its tunnel is incomplete (GUE needs a port)",
        ),
        (
            Step::AddService { key: unknown, row: scheduled("a-name-too-long-for-it") },
            Kind::Invalid,
            "add service udp 192.0.2.1:80: a-name-too-long-for-it cannot be a scheduler's name",
        ),
    ];
    for (step, kind, words) in cases {
        bench.refuse(step, kind, words);
    }
    for mask in [0, 129, u32::MAX] {
        let row = ServiceRow { persistence: Some(Persist { timeout_s: 60, mask }), ..scheduled("rr") };
        bench.refuse(
            Step::AddService { key: service("tcp [2001:db8::1]:80"), row },
            Kind::Invalid,
            "add service tcp [2001:db8::1]:80: the persistence mask of an IPv6 service is a prefix length from 1 to 128",
        );
    }
    bench.holds(there);
}

pub(crate) fn an_error_in_the_middle_stops_nothing(bench: &mut Bench) {
    let text = "
        -A -t 192.0.2.1:80 -s wlc
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1
        -a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1
    ";
    let mut steps = add(text);
    steps.insert(2, steps[1].clone());
    steps.insert(0, Step::RemoveService { key: service("fwmark 9") });
    steps.push(Step::RemoveServer { service: service("tcp 192.0.2.1:80"), key: server("10.0.0.9:80") });
    let before = bench.kernel.writes();
    assert_eq!(
        bench.apply(&steps),
        [
            "remove service fwmark 9: there is no such service",
            "ok",
            "ok",
            "add real server 10.0.0.1:80 to tcp 192.0.2.1:80: the service has this real server already",
            "ok",
            "remove real server 10.0.0.9:80 from tcp 192.0.2.1:80: the service has no such real server",
        ]
    );
    assert_eq!(bench.kernel.writes() - before, 6);
    bench.holds(text);
    assert_eq!(bench.apply(&[]), Vec::<String>::new());
    bench.observe(&["net.ipv4.ip_forward"]);
    assert_eq!(bench.kernel.writes() - before, 6, "reading is not writing");
}

pub(crate) fn a_large_table_with_errors_in_every_batch(bench: &mut Bench) {
    let mut text = String::new();
    for service in 0..200 {
        text.push_str(&format!("-A -t 192.0.2.{service}:80 -s wlc\n"));
        for server in 1..=6 {
            text.push_str(&format!(
                "-a -t 192.0.2.{service}:80 -r 10.0.{service}.{server}:80 -g -w {server}\n"
            ));
        }
    }
    // Each row twice: the second time it is there already.
    let steps: Vec<Step> = add(&text).into_iter().flat_map(|step| [step.clone(), step]).collect();
    let results = bench.apply(&steps);
    for (pair, step) in results.chunks(2).zip(steps.chunks(2)) {
        assert_eq!(pair[0], "ok", "{step:?}");
        assert!(pair[1].ends_with("already"), "{}", pair[1]);
    }
    assert_eq!(bench.observe(&[]).table, crate::bench::table(&text));
    bench.holds(&text);
}

pub(crate) fn session_timeouts(bench: &mut Bench) {
    let read = |bench: &mut Bench| bench.observe(&[]).timeouts;
    assert_eq!(read(bench), KernelTimeouts { tcp: 900, tcpfin: 120, udp: 300 }, "the kernel's own");
    let some = Timeouts { tcp: Some(7200), tcpfin: None, udp: Some(0) };
    bench.succeed(&[Step::SetTimeouts { timeouts: some }]);
    assert_eq!(read(bench), KernelTimeouts { tcp: 7200, tcpfin: 120, udp: 300 }, "absent ones and 0 stay");
    let all = Timeouts { tcp: Some(901), tcpfin: Some(121), udp: Some(301) };
    bench.succeed(&[Step::SetTimeouts { timeouts: all }]);
    assert_eq!(read(bench), KernelTimeouts { tcp: 901, tcpfin: 121, udp: 301 });
    bench.refuse(
        Step::SetTimeouts { timeouts: Timeouts { tcp: Some(u32::MAX), ..all } },
        Kind::Invalid,
        "set the session timeouts: a timeout is longer than the kernel can count",
    );
    assert_eq!(read(bench), KernelTimeouts { tcp: 901, tcpfin: 121, udp: 301 });
}

/// Kernels of today give back the method they were given (very old ones said *local*).
pub(crate) fn the_directors_own_address_as_real_server(bench: &mut Bench) {
    let address = Step::AddAddress { key: "lo 10.9.9.9/32".parse().unwrap(), row: Default::default() };
    bench.succeed(&[address]);
    let text = "
        -A -t 192.0.2.1:80 -s wlc
        -a -t 192.0.2.1:80 -r 10.9.9.9:80 -g -w 1
        -a -t 192.0.2.1:80 -r 127.0.0.1:80 -m -w 1
    ";
    bench.succeed(&add(text));
    bench.holds(text);
}

pub(crate) fn counters_of_a_fresh_table(bench: &mut Bench) {
    bench.succeed(&add("
        -A -t 192.0.2.1:80 -s wlc
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 3
        -a -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 0
        -A -f 1 -s rr
    "));
    let counters = bench.kernel.counters().expect("counters");
    assert_eq!(counters.len(), 2);
    assert!(counters[&service("fwmark 1")].servers.is_empty());
    let counted = &counters[&service("tcp 192.0.2.1:80")];
    assert_eq!(counted.totals, Totals::default());
    assert_eq!(counted.servers[&server("10.0.0.1:80")], ServerCounters { weight: 3, ..Default::default() });
    assert_eq!(counted.servers[&server("10.0.0.2:80")], ServerCounters::default());
}

pub(crate) fn counters_of_a_quiet_service_are_read_where_they_are_due(bench: &mut Bench) {
    bench.succeed(&add("
        -A -t 192.0.2.1:80 -s wlc
        -a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 3
        -A -t 192.0.2.1:81 -s wlc
        -a -t 192.0.2.1:81 -r 10.0.0.1:81 -m -w 3
    "));
    let [quiet, other] = ["tcp 192.0.2.1:80", "tcp 192.0.2.1:81"].map(service);
    let fresh = bench.kernel.counters().expect("counters");
    // Numbers that no kernel has counted: who has them has not been read.
    let mut before = fresh.clone();
    for counted in before.values_mut().flat_map(|service| service.servers.values_mut()) {
        counted.active = 77;
    }
    let mut since = |before: &Counters, due: &[ServiceKey]| {
        bench.kernel.counters_since(before, &due.iter().copied().collect()).expect("counters")
    };
    let seen = since(&before, &[other]);
    assert_eq!((&seen[&quiet], &seen[&other]), (&before[&quiet], &fresh[&other]));
    // Totals that have moved, a service that was not there before, and nothing at all before.
    before.get_mut(&quiet).unwrap().totals.connections = 5;
    before.remove(&other);
    assert_eq!(since(&before, &[]), fresh);
    assert_eq!(since(&Counters::new(), &[]), fresh);
}

pub(crate) fn steps_of_all_kinds_in_their_order(bench: &mut Bench) {
    bench.link("cut0");
    let vip = "cut0 192.0.2.1/32".parse().unwrap();
    let mut steps = vec![
        Step::RemoveAddress { key: vip },
        Step::SetSysctl { name: "net.ipv4.vs.conntrack".to_owned(), value: "1".to_owned() },
        Step::SetTimeouts { timeouts: Timeouts { tcp: Some(1000), ..Default::default() } },
    ];
    steps.extend(add("-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 3"));
    steps.push(Step::AddAddress { key: "cut0 192.0.2.1/32".parse().unwrap(), row: Default::default() });
    steps.push(Step::RemoveService { key: service("fwmark 77") });
    assert_eq!(
        bench.apply(&steps),
        [
            "remove address 192.0.2.1/32 from cut0: the interface has no such address",
            "ok",
            "ok",
            "ok",
            "ok",
            "ok",
            "remove service fwmark 77: there is no such service",
        ]
    );
    let observed = bench.observe(&["net.ipv4.vs.conntrack"]);
    assert_eq!(observed.sysctls["net.ipv4.vs.conntrack"], "1");
    assert_eq!(observed.timeouts.tcp, 1000);
    assert!(observed.addresses.contains_key(&"cut0 192.0.2.1/32".parse().unwrap()));
}

/// The kernel's own client and server, through its own table: connections, packets and bytes must show up.
#[test]
fn counters_of_real_connections() {
    if !crate::bench::linux_runs(crate::bench::Needs::Ipvs) {
        return;
    }
    crate::namespace::inside(|| {
        let mut kernel = kernel::LinuxKernel::open().unwrap();
        let vip = Step::AddAddress { key: "lo 192.0.2.1/32".parse().unwrap(), row: Default::default() };
        let real = Step::AddAddress { key: "lo 10.9.9.9/32".parse().unwrap(), row: Default::default() };
        let (key, behind) = (service("tcp 192.0.2.1:80"), server("10.9.9.9:8080"));
        let steps = [
            vip,
            real,
            Step::AddService { key, row: scheduled("rr") },
            Step::AddServer { service: key, key: behind, row: weighted(Forward::Masquerade, 1) },
        ];
        for result in kernel.apply(&steps) {
            result.unwrap();
        }
        let listener = TcpListener::bind("10.9.9.9:8080").unwrap();
        let mut open = Vec::new();
        for _ in 0..3 {
            let mut client = TcpStream::connect("192.0.2.1:80").unwrap();
            let (mut served, _) = listener.accept().unwrap();
            client.write_all(&[1; 1000]).unwrap();
            let mut received = [0; 1000];
            served.read_exact(&mut received).unwrap();
            open.push((client, served));
        }
        // The kernel publishes totals every two seconds; connections it counts at once.
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let counters = kernel.counters().unwrap();
            let counted = &counters[&key];
            let behind = counted.servers[&behind];
            assert_eq!((behind.active, behind.inactive), (3, 0));
            if behind.totals.connections == 3 && behind.totals.in_bytes > 3000 {
                assert!(behind.totals.in_packets >= 6 && behind.totals.out_packets >= 3);
                assert_eq!(counted.totals.connections, 3);
                break;
            }
            assert!(Instant::now() < deadline, "{counted:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    });
}
