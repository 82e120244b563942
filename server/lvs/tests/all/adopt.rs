//! A running kernel becomes a configuration that asks for exactly what it holds.

use crate::fixture;
use std::collections::BTreeSet;

use crate::fixture::{director, ip, place, random};
use lvs::adopt::{Becomes, Offer, Other, Side, adopt, offers};
use lvs::format::ipvsadm;
use lvs::health::Standings;
use lvs::model::{Cluster, ConnectionLimit, Forwarding, Scheduler, Seat, Timeouts, Weight};
use lvs::plan::{Holding, Ownership, Row, desired, plan};
use lvs::table::{AddressRow, Forward, KernelTimeouts, Observed, ServiceKey, Table};
use lvs::wire::Snapshot;
use lvs::{Code, Severity};
use proptest::prelude::*;

const KERNEL: KernelTimeouts = KernelTimeouts { tcp: 900, tcpfin: 120, udp: 300 };

/// A kernel with this table (`ipvsadm -S -n`) and these addresses, `eth0:1 192.0.2.1/24` where labelled.
fn snapshot(table: &str, addresses: &[&str]) -> Snapshot {
    let (table, findings) = ipvsadm::read(table);
    let table = table.unwrap_or_else(|| panic!("{findings:?}"));
    let mut observed = Observed { table, timeouts: KERNEL, ..Observed::default() };
    for text in addresses {
        let (device, rest) = text.split_once(' ').unwrap();
        let interface = device.split(':').next().unwrap();
        let row = AddressRow {
            label: device.contains(':').then(|| device.to_owned()),
            secondary: device.contains(':'),
            ..AddressRow::default()
        };
        observed.addresses.insert(place(&format!("{interface} {rest}")), row);
    }
    Snapshot { observed, ownership: Ownership::default() }
}

fn side<'a>(director: &'a str, snapshot: &'a Snapshot) -> Side<'a> {
    Side { director, snapshot }
}

/// A cluster of which nothing is known but its directors.
fn bare(directors: &[&str]) -> Cluster {
    let seats = [Seat::Primary, Seat::Backup];
    let directors = directors.iter().zip(seats).map(|(address, seat)| {
        let name = if seat == Seat::Primary { "director-a" } else { "director-b" };
        director(name, seat, address, None)
    });
    Cluster { name: "web".into(), directors: directors.collect(), ..Cluster::default() }
}

fn all(offers: &[Offer]) -> BTreeSet<Row> {
    offers.iter().map(|offer| offer.row.clone()).collect()
}

/// The steps that activating the cluster takes on the director of that seat.
fn steps(cluster: &Cluster, seat: Seat, snapshot: &Snapshot) -> Vec<String> {
    let valid = cluster.clone().validate().unwrap();
    let holding = if seat == Seat::Primary { Holding::Addresses } else { Holding::TableOnly };
    let plan =
        plan(&desired(&valid, seat, holding, &Standings::default()), &snapshot.observed, &snapshot.ownership);
    plan.steps.iter().map(ToString::to_string).collect()
}

fn row(text: &str) -> Row {
    text.parse().unwrap()
}

const NAT_FOR_NGINX: &str = "\
-A -t 192.168.91.141:80 -s wrr -p 120
-a -t 192.168.91.141:80 -r 192.168.81.142:80 -m -w 1
-a -t 192.168.91.141:80 -r 192.168.81.143:80 -m -w 2
";

#[test]
fn a_director_set_up_by_hand_becomes_a_cluster_and_nothing_changes() {
    let there =
        snapshot(NAT_FOR_NGINX, &["lo 127.0.0.1/8", "eth0 192.168.91.141/24", "eth1 192.168.81.141/24"]);
    let cluster = bare(&["192.168.91.141"]);
    let offers = offers(&cluster, side("director-a", &there), &[]);
    let [offer] = offers.as_slice() else { panic!("{offers:?}") };
    assert_eq!(offer.row, row("tcp 192.168.91.141:80"));
    assert_eq!(offer.found.join("\n") + "\n", NAT_FOR_NGINX);
    let device = Some(("eth0".to_owned(), 24));
    let name = "tcp 192.168.91.141:80".to_owned();
    assert_eq!(offer.becomes, Becomes::VirtualServer { name, real_servers: 2, device });
    assert!(offer.changes.is_empty() && offer.findings.is_empty() && !offer.known, "{offer:?}");

    let adoption = adopt(&cluster, side("director-a", &there), &[], &all(&offers));
    let server = &adoption.cluster.virtual_servers[0];
    assert_eq!((server.scheduler, server.persistence.unwrap().timeout_s), (Scheduler::Wrr, 120));
    assert!(server.monitor.checks.is_empty(), "a kernel says nothing of checks");
    assert_eq!(adoption.cluster.global.forwarding, Forwarding::Nat);
    assert_eq!(adoption.cluster.global.timeouts, Timeouts::default());
    assert_eq!(steps(&adoption.cluster, Seat::Primary, &there), Vec::<String>::new());
}

/// Everything is already called something else, on both directors, with more than a service.
#[test]
fn a_pair_becomes_one_cluster() {
    let table = "\
-A -t 192.0.2.250:80 -s wlc
-a -t 192.0.2.250:80 -r 10.0.0.100:80 -m -w 1 -x 100 -y 50
-A -u 192.0.2.251:53 -s rr -o
-a -u 192.0.2.251:53 -r 10.0.0.100:53 -g -w 0
";
    let mut a = snapshot(
        table,
        &[
            "eth0 192.0.2.10/24",
            "eth0:1 192.0.2.250/24",
            "eth0:2 192.0.2.251/24",
            "eth1 10.0.0.10/16",
            "eth1:1 10.0.0.254/16",
        ],
    );
    a.observed.timeouts = KernelTimeouts { tcp: 1_800, ..KERNEL };
    let mut b = snapshot(&table.replace("rr -o", "wrr -o"), &["eth0 192.0.2.20/24", "eth1 10.0.0.20/16"]);
    b.observed.timeouts = KERNEL;
    let cluster = bare(&["192.0.2.10", "192.0.2.20"]);
    let (first, second) = (side("director-a", &a), side("director-b", &b));

    let found = offers(&cluster, first, &[second]);
    let rows: Vec<String> = found.iter().map(|offer| offer.row.to_string()).collect();
    // The hosts' own addresses are offered where nothing says whose they are: 10.0.0.10 is no director's address here,
    // but does not look like one that moves.
    let expected = ["tcp 192.0.2.250:80", "udp 192.0.2.251:53", "eth1 10.0.0.254/16", "session timeouts"];
    assert_eq!(rows, expected);
    let other = |same| vec![Other { director: "director-b".into(), same }];
    assert_eq!((&found[0].others, &found[1].others), (&other(true), &other(false)));
    assert_eq!((&found[2].becomes, &found[2].others), (&Becomes::NatRouter, &vec![]));
    assert_eq!((&found[3].becomes, &found[3].others), (&Becomes::Timeouts, &other(false)));
    let codes = |offer: &Offer| offer.findings.iter().map(|f| f.code).collect::<Vec<_>>();
    assert_eq!(codes(&found[0]), [Code::AdoptAddressStays]);
    assert!(codes(&found[1]).contains(&Code::AdoptDiffers), "{:?}", found[1]);

    let adoption = adopt(&cluster, first, &[second], &all(&found));
    let adopted = &adoption.cluster;
    let device = |index: usize| {
        let vip = adopted.virtual_servers[index].vip.as_ref().unwrap();
        (vip.device.as_ref().unwrap().to_string(), vip.prefix)
    };
    assert_eq!((device(0), device(1)), (("eth0:1".into(), Some(24)), ("eth0:2".into(), Some(24))));
    let router = adopted.global.nat_router.as_ref().unwrap();
    assert_eq!(
        (router.address, router.device.as_str(), router.prefix),
        (ip("10.0.0.254"), "eth1:1", Some(16))
    );
    assert_eq!(adopted.global.timeouts, Timeouts { tcp: Some(1_800), tcpfin: None, udp: None });
    let real = &adopted.virtual_servers[0].real_servers[0];
    assert_eq!(real.limit, Some(ConnectionLimit { upper: 100, lower: 50 }));
    assert_eq!(adopted.virtual_servers[1].real_servers[0].forwarding, Some(Forwarding::Direct));
    assert_eq!(steps(adopted, Seat::Primary, &a), Vec::<String>::new());
    // What differs on the partner is what its plan changes, and nothing else.
    let theirs = ["ipvsadm --set 1800 0 0", "-E -u 192.0.2.251:53 -s rr -o"];
    assert_eq!(steps(adopted, Seat::Backup, &b), theirs);

    // Seen from the partner afterwards: known, and nothing more to take.
    let again = offers(adopted, second, &[first]);
    let known: Vec<(String, bool)> = again.iter().map(|o| (o.row.to_string(), o.known)).collect();
    assert_eq!(known, [("tcp 192.0.2.250:80".to_owned(), true), ("udp 192.0.2.251:53".to_owned(), true)]);
    assert!(again[0].changes.is_empty());
}

#[test]
fn only_what_was_chosen_is_taken_and_the_rest_of_the_cluster_stays() {
    let table = NAT_FOR_NGINX.to_owned() + "-A -f 7 -s sh -b sh-port\n-a -f 7 -r 10.0.0.1:0 -i -w 1\n";
    let there = snapshot(&table, &["eth0 192.168.91.141/24"]);
    let mut cluster = bare(&["192.168.91.141"]);
    cluster.global.forwarding = Forwarding::Direct;
    cluster.virtual_servers.push(fixture::virtual_server("tcp 192.168.91.141:80", "192.0.2.9", 25));
    let chosen = BTreeSet::from([row("tcp 192.168.91.141:80"), row("tcp 192.0.2.77:80")]);
    let adoption = adopt(&cluster, side("director-a", &there), &[], &chosen);
    assert_eq!(adoption.taken, BTreeSet::from([row("tcp 192.168.91.141:80")]));
    assert_eq!(adoption.findings[0].code, Code::AdoptRowUnknown);
    let [before, taken] = adoption.cluster.virtual_servers.as_slice() else { panic!() };
    assert_eq!(before, &cluster.virtual_servers[0]);
    assert_eq!(taken.name, "tcp 192.168.91.141:80 (2)");
    assert_eq!(adoption.cluster.global, cluster.global);
    assert!(taken.real_servers.iter().all(|real| real.forwarding == Some(Forwarding::Nat)));
}

#[test]
fn what_cannot_be_asked_for_is_said_with_the_steps_it_would_take() {
    let mut there = snapshot(NAT_FOR_NGINX, &["eth0 192.168.91.141/24"]);
    let key: ServiceKey = "tcp 192.168.91.141:80".parse().unwrap();
    let service = there.observed.table.services.get_mut(&key).unwrap();
    service.row.scheduler = "house".into();
    let mut servers = service.servers.values_mut();
    servers.next().unwrap().weight = 70_000;
    // The director itself, on another port: only NAT can say that, and the kernel keeps it as it is.
    servers.next().unwrap().forward = Forward::Local;
    drop(servers);
    let local = service.servers.pop_last().unwrap().1;
    service.servers.insert("192.168.81.143:8080".parse().unwrap(), local);
    let found = offers(&bare(&["192.168.91.141"]), side("director-a", &there), &[]);
    let changes =
        ["-E -t 192.168.91.141:80 -s wlc -p 120", "-e -t 192.168.91.141:80 -r 192.168.81.142:80 -m -w 65535"];
    assert_eq!(found[0].changes, changes);
    let codes: Vec<Code> = found[0].findings.iter().map(|f| f.code).collect();
    for code in [Code::IpvsadmScheduler, Code::IpvsadmWeight, Code::IpvsadmForwarding] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    assert!(found[0].findings.iter().all(|f| f.severity == Severity::Warning));
}

#[test]
fn drift_is_taken_over_and_names_stay() {
    let table = "\
-A -t 192.0.2.1:80 -s wlc
-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1
-a -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 1
";
    let mut cluster = bare(&["192.0.2.101"]);
    let mut server = fixture::virtual_server("http", "192.0.2.1", 80);
    server.real_servers =
        vec![fixture::real_server("one", "10.0.0.1"), fixture::real_server("two", "10.0.0.2")];
    server.real_servers[0].id = lvs::model::Id("rs_1".into());
    cluster.virtual_servers = vec![server];
    let owned = |table: &str| {
        let mut there = snapshot(table, &[]);
        let address = place("eth0 192.0.2.1/32");
        there.observed.addresses.insert(address.clone(), AddressRow::default());
        there.ownership.services.insert("tcp 192.0.2.1:80".parse().unwrap());
        there.ownership.addresses.insert(address);
        there
    };
    let there = owned(table);
    assert_eq!(steps(&cluster, Seat::Primary, &there), Vec::<String>::new());
    assert!(offers(&cluster, side("director-a", &there), &[]).is_empty(), "our own rows are not offered");

    let chosen = BTreeSet::from([row("tcp 192.0.2.1:80")]);
    let changed = owned(
        "-A -t 192.0.2.1:80 -s sed
-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 9
-a -t 192.0.2.1:80 -r 10.0.0.3:8080 -m -w 2
",
    );
    let adoption = adopt(&cluster, side("director-a", &changed), &[], &chosen);
    let http = &adoption.cluster.virtual_servers[0];
    assert_eq!((http.name.as_str(), http.scheduler), ("http", Scheduler::Sed));
    assert_eq!(http.monitor, cluster.virtual_servers[0].monitor);
    let reals: Vec<_> = http.real_servers.iter().map(|r| (r.name.as_str(), r.active, r.weight.0)).collect();
    assert_eq!(reals, [("one", true, 9), ("two", false, 1), ("10.0.0.3:8080", true, 2)]);
    assert_eq!(http.real_servers[0].id.0, "rs_1");
    assert_eq!(steps(&adoption.cluster, Seat::Primary, &changed), Vec::<String>::new());

    // Taken back the same way.
    let back = adopt(&adoption.cluster, side("director-a", &there), &[], &chosen);
    let reals: Vec<_> =
        back.cluster.virtual_servers[0].real_servers.iter().map(|r| (r.name.as_str(), r.active)).collect();
    assert_eq!(reals, [("one", true), ("two", true), ("10.0.0.3:8080", false)]);

    // Deleted: switched off, not forgotten.
    let gone = owned("");
    let adoption = adopt(&cluster, side("director-a", &gone), &[], &chosen);
    assert!(!adoption.cluster.virtual_servers[0].active);
    let timeouts = Snapshot {
        observed: Observed { timeouts: KernelTimeouts { udp: 7, ..KERNEL }, ..gone.observed },
        ..gone
    };
    let adoption = adopt(&cluster, side("director-a", &timeouts), &[], &BTreeSet::from([Row::Timeouts]));
    assert_eq!(adoption.cluster.global.timeouts, Timeouts { udp: Some(7), ..Timeouts::default() });
}

#[test]
fn an_address_is_taken_where_the_kernel_has_it() {
    let mut cluster = bare(&["192.0.2.101"]);
    cluster.virtual_servers = vec![fixture::virtual_server("http", "192.0.2.1", 80)];
    let moved = snapshot("", &["eth5 192.0.2.1/28", "eth0 192.0.2.77/32"]);
    let chosen = BTreeSet::from([row("eth0 192.0.2.1/32"), row("eth0 192.0.2.77/32")]);
    let adoption = adopt(&cluster, side("director-a", &moved), &[], &chosen);
    let vip = adoption.cluster.virtual_servers[0].vip.as_ref().unwrap();
    assert_eq!((vip.device.as_ref().unwrap().as_str(), vip.prefix), ("eth5", Some(28)));
    assert_eq!(adoption.cluster.redundancy.addresses[0].address, ip("192.0.2.77"));
    let gone = snapshot("", &[]);
    let adoption = adopt(&adoption.cluster, side("director-a", &gone), &[], &chosen);
    assert_eq!(adoption.cluster.virtual_servers[0].vip.as_ref().unwrap().device, None);
    assert!(adoption.cluster.redundancy.addresses.is_empty());
}

/// A table whose rows can be asked for: flags that the scheduler has, masks without gaps.
fn askable(mut table: Table) -> Table {
    for service in table.services.values_mut() {
        let scheduler: Scheduler = service.row.scheduler.parse().unwrap();
        service.row.scheduler_flags_retain(scheduler);
        if let Some(persist) = service.row.persistence.as_mut().filter(|p| p.mask == 0xff00_ff00) {
            persist.mask = 0xffff_0000;
        }
    }
    table
}

trait Retain {
    fn scheduler_flags_retain(&mut self, scheduler: Scheduler);
}

impl Retain for lvs::table::ServiceRow {
    fn scheduler_flags_retain(&mut self, scheduler: Scheduler) {
        self.flags.retain(|flag| scheduler.flags().contains(flag));
    }
}

proptest! {
    #![proptest_config(random::config())]

    #[test]
    fn adopting_a_whole_kernel_changes_nothing((mut kernel, _) in random::kernel()) {
        kernel.observed.table = askable(kernel.observed.table);
        for row in kernel.observed.addresses.values_mut() {
            row.tagged = false;
        }
        let timeouts = &mut kernel.observed.timeouts;
        (timeouts.tcp, timeouts.tcpfin, timeouts.udp) = (timeouts.tcp.max(1), timeouts.tcpfin.max(1), timeouts.udp.max(1));
        let there = Snapshot { observed: kernel.observed, ownership: Ownership::default() };
        let cluster = Cluster { name: "web".into(), ..bare(&["192.0.2.200"]) };
        let found = offers(&cluster, side("director-a", &there), &[]);
        prop_assert!(found.iter().all(|offer| offer.changes.is_empty()), "{:?}", found);
        let adoption = adopt(&cluster, side("director-a", &there), &[], &all(&found));
        prop_assert_eq!(adoption.taken, all(&found));
        let valid = adoption.cluster.validate().map_err(|f| TestCaseError::fail(format!("{f:?}")))?;
        let plan = plan(&desired(&valid, Seat::Primary, Holding::Addresses, &Standings::default()), &there.observed, &there.ownership);
        prop_assert_eq!(fixture::text(&plan.steps), Vec::<String>::new());
        prop_assert!(plan.foreign.is_empty());
    }

    #[test]
    fn taking_over_whatever_drifted_leaves_nothing_to_repair(
        cluster in random::cluster(), table in random::table(),
    ) {
        let before = desired(&cluster, Seat::Backup, Holding::TableOnly, &Standings::default());
        let ownership = Ownership {
            services: before.table.services.keys().copied().collect(),
            ..Ownership::default()
        };
        let mut table = askable(table);
        table.services.retain(|key, _| ownership.services.contains(key));
        let observed = Observed { table, timeouts: KERNEL, ..Observed::default() };
        let there = Snapshot { observed, ownership };
        let drift: BTreeSet<Row> =
            plan(&before, &there.observed, &there.ownership).steps.iter().map(Row::of).collect();
        let adoption = adopt(cluster.cluster(), side("a", &there), &[], &drift);
        prop_assert_eq!(&adoption.taken, &drift);
        let ids = |c: &Cluster| c.virtual_servers.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        prop_assert_eq!(ids(&adoption.cluster), ids(cluster.cluster()));
        let valid = adoption.cluster.validate().map_err(|f| TestCaseError::fail(format!("{f:?}")))?;
        let after = desired(&valid, Seat::Backup, Holding::TableOnly, &Standings::default());
        let left = plan(&after, &there.observed, &there.ownership).steps;
        prop_assert_eq!(fixture::text(&left), Vec::<String>::new());
    }
}

#[test]
fn weights_of_zero_and_empty_services_are_taken_as_they_are() {
    let there = snapshot("-A -t 192.0.2.1:80 -s wlc\n-A -f 3 -s wlc\n-a -f 3 -r 10.0.0.1:0 -g -w 0\n", &[]);
    let cluster = bare(&["192.0.2.200"]);
    let found = offers(&cluster, side("director-a", &there), &[]);
    let adoption = adopt(&cluster, side("director-a", &there), &[], &all(&found));
    assert_eq!(adoption.cluster.virtual_servers[1].real_servers[0].weight, Weight(0));
    assert_eq!(steps(&adoption.cluster, Seat::Primary, &there), Vec::<String>::new());
}
