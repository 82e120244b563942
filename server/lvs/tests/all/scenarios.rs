//! Real deployments as an operator would read them: what each director holds, and how it gets there.

use crate::fixture::kernel::{Fail, ModelKernel};
use crate::fixture::{ip, place, scenario_a, scenario_b, scenario_d, text, valid};
use lvs::format::ipvsadm::save;
use lvs::health::Standings;
use lvs::model::{Forwarding, Persistence, Seat, SorryServer, Tunnel, TunnelKind};
use lvs::plan::{Holding, Ownership, desired, plan};
use lvs::table::{AddressKey, AddressRow, Observed, interface_sysctl};

#[test]
fn a_nat_pair_from_nothing() {
    let cluster = valid(scenario_a());
    let active = desired(&cluster, Seat::Primary, Holding::Addresses, &Standings::default());
    assert_eq!(
        save(&active.table),
        "-A -t 192.168.1.250:80 -s wlc\n\
         -a -t 192.168.1.250:80 -r 10.0.0.100:80 -m -w 1\n\
         -a -t 192.168.1.250:80 -r 10.0.0.200:80 -m -w 1\n"
    );
    let plan = plan(&active, &Observed::default(), &Ownership::default());
    assert_eq!(
        text(&plan.steps),
        [
            "sysctl -w net.ipv4.conf.eth0.promote_secondaries=1",
            "sysctl -w net.ipv4.conf.eth1.promote_secondaries=1",
            "-A -t 192.168.1.250:80 -s wlc",
            "-a -t 192.168.1.250:80 -r 10.0.0.100:80 -m -w 1",
            "-a -t 192.168.1.250:80 -r 10.0.0.200:80 -m -w 1",
            "ip addr add 192.168.1.250/24 dev eth0 label eth0:1",
            "ip addr add 10.0.0.254/16 dev eth1 label eth1:1",
        ]
    );
}

#[test]
fn a_nat_pair_steps_back_without_losing_its_table() {
    let cluster = valid(scenario_a());
    let mut kernel = ModelKernel::default();
    kernel.add_address(&"eth0 192.168.1.10/24".parse().unwrap(), AddressRow::default()).unwrap();
    let mut ownership = Ownership::default();
    let active = desired(&cluster, Seat::Primary, Holding::Addresses, &Standings::default());
    kernel.pass(&active, &mut ownership, Fail::Nothing);
    let standby = desired(&cluster, Seat::Primary, Holding::TableOnly, &Standings::default());
    let plan = kernel.pass(&standby, &mut ownership, Fail::Nothing);
    assert_eq!(
        text(&plan.steps),
        ["ip addr del 192.168.1.250/24 dev eth0", "ip addr del 10.0.0.254/16 dev eth1"]
    );
    let left: Vec<String> = kernel.observed.addresses.keys().map(ToString::to_string).collect();
    assert_eq!(left, ["eth0 192.168.1.10/24"]);
}

#[test]
fn a_direct_routing_pair_adopts_what_is_there() {
    let mut cluster = scenario_b();
    cluster.virtual_servers[0].persistence = Some(Persistence { timeout_s: 300, prefix: Some(24) });
    let active = desired(&valid(cluster), Seat::Primary, Holding::Addresses, &Standings::default());

    // Somebody ran ipvsadm before: our service with an old server, and one that we were never asked for.
    let table = "-A -t 192.168.1.250:80 -s rr\n\
                 -a -t 192.168.1.250:80 -r 192.168.1.111:80 -g -w 5\n\
                 -a -t 192.168.1.250:80 -r 192.168.1.99:80 -g -w 1\n\
                 -A -u 192.168.1.10:53 -s rr -o\n";
    let (Some(table), findings) = lvs::format::ipvsadm::read(table) else { panic!("not read") };
    assert_eq!(findings, []);
    let observed = Observed { table, ..Observed::default() };
    let plan = plan(&active, &observed, &Ownership::default());
    assert_eq!(
        text(&plan.steps),
        [
            "sysctl -w net.ipv4.conf.eth0.promote_secondaries=1",
            "-E -t 192.168.1.250:80 -s wlc -p 300 -M 255.255.255.0",
            "-e -t 192.168.1.250:80 -r 192.168.1.111:80 -g -w 1",
            "-a -t 192.168.1.250:80 -r 192.168.1.222:80 -g -w 1",
            "-d -t 192.168.1.250:80 -r 192.168.1.99:80",
            "ip addr add 192.168.1.250/24 dev eth0 label eth0:1",
        ]
    );
    assert_eq!(plan.adopted.iter().map(ToString::to_string).collect::<Vec<_>>(), ["tcp 192.168.1.250:80"]);
    assert_eq!(plan.foreign.iter().map(ToString::to_string).collect::<Vec<_>>(), ["udp 192.168.1.10:53"]);
}

#[test]
fn a_service_switched_off_goes_after_its_address() {
    let mut cluster = scenario_b();
    let mut kernel = ModelKernel::default();
    let mut ownership = Ownership::default();
    let before = desired(&valid(cluster.clone()), Seat::Primary, Holding::Addresses, &Standings::default());
    kernel.pass(&before, &mut ownership, Fail::Nothing);
    cluster.virtual_servers[0].active = false;
    let after = desired(&valid(cluster), Seat::Primary, Holding::Addresses, &Standings::default());
    let plan = kernel.pass(&after, &mut ownership, Fail::Nothing);
    assert_eq!(text(&plan.steps), ["ip addr del 192.168.1.250/24 dev eth0", "-D -t 192.168.1.250:80"]);
    assert_eq!(ownership, Ownership::default());
}

#[test]
fn another_virtual_address_changes_hands_in_order() {
    let mut cluster = scenario_b();
    let mut kernel = ModelKernel::default();
    let mut ownership = Ownership::default();
    let before = desired(&valid(cluster.clone()), Seat::Primary, Holding::Addresses, &Standings::default());
    kernel.pass(&before, &mut ownership, Fail::Nothing);
    cluster.virtual_servers[0].vip.as_mut().unwrap().address = ip("192.168.1.251");
    cluster.virtual_servers[0].real_servers.pop();
    let after = desired(&valid(cluster), Seat::Primary, Holding::Addresses, &Standings::default());
    assert_eq!(
        text(&kernel.pass(&after, &mut ownership, Fail::Nothing).steps),
        [
            "ip addr del 192.168.1.250/24 dev eth0",
            "-A -t 192.168.1.251:80 -s wlc",
            "-a -t 192.168.1.251:80 -r 192.168.1.111:80 -g -w 1",
            "ip addr add 192.168.1.251/24 dev eth0 label eth0:1",
            "-D -t 192.168.1.250:80",
        ]
    );
}

#[test]
fn an_address_the_host_held_before_is_borrowed() {
    let cluster = valid(scenario_d());
    let desired = desired(&cluster, Seat::Primary, Holding::Addresses, &Standings::default());
    let mut kernel = ModelKernel::default();
    let own = "ens33 192.168.91.141/24".parse().unwrap();
    kernel.add_address(&own, AddressRow::default()).unwrap();
    let mut ownership = Ownership::default();
    let plan = kernel.pass(&desired, &mut ownership, Fail::Nothing);
    assert_eq!(
        text(&plan.steps),
        [
            "-A -t 192.168.91.141:80 -s wrr -p 120",
            "-a -t 192.168.91.141:80 -r 192.168.81.142:80 -m -w 1",
            "-a -t 192.168.91.141:80 -r 192.168.81.143:80 -m -w 1",
        ]
    );
    assert_eq!(ownership.borrowed.iter().copied().collect::<Vec<_>>(), [ip("192.168.91.141")]);
    // Nothing wanted any more: the service goes, the host keeps its address.
    let plan = kernel.pass(&lvs::table::Desired::default(), &mut ownership, Fail::Nothing);
    assert_eq!(text(&plan.steps), ["-D -t 192.168.91.141:80"]);
    assert!(kernel.observed.addresses.contains_key(&own));
    // And were it gone, nobody would put it back in the host's stead.
    let mut ownership = ownership.claim(&desired, &kernel.observed);
    kernel.observed.addresses.clear();
    let plan = kernel.pass(&desired, &mut ownership, Fail::Nothing);
    assert!(text(&plan.steps).iter().all(|step| !step.starts_with("ip ")), "{:?}", text(&plan.steps));
}

#[test]
fn the_sorry_server_answers_only_when_nobody_else_is_asked_to() {
    let mut cluster = scenario_a();
    let web = &mut cluster.virtual_servers[0];
    web.sorry_server = Some(SorryServer {
        address: ip("10.0.0.99"),
        port: Some(8080),
        forwarding: None,
        check: Default::default(),
    });
    let table = |cluster| {
        save(&desired(&valid(cluster), Seat::Primary, Holding::TableOnly, &Standings::default()).table)
    };
    assert!(!table(cluster.clone()).contains("10.0.0.99"));
    for real in &mut cluster.virtual_servers[0].real_servers {
        real.active = false;
    }
    assert_eq!(
        table(cluster),
        "-A -t 192.168.1.250:80 -s wlc\n-a -t 192.168.1.250:80 -r 10.0.0.99:8080 -m -w 1\n"
    );
}

#[test]
fn two_virtual_servers_share_an_address_and_each_server_its_own_forwarding() {
    let mut cluster = scenario_a();
    let mut tls = cluster.virtual_servers[0].clone();
    tls.name = "https".into();
    tls.port = 443;
    tls.real_servers[0].forwarding = Some(Forwarding::Direct);
    tls.real_servers[1].forwarding =
        Some(Forwarding::Tunnel(Tunnel { kind: TunnelKind::Gue, port: 6080, ..Tunnel::default() }));
    cluster.virtual_servers.push(tls);
    let desired = desired(&valid(cluster), Seat::Primary, Holding::Addresses, &Standings::default());
    assert_eq!(desired.addresses.len(), 2); // the VIP and the NAT router
    assert_eq!(
        save(&desired.table),
        "-A -t 192.168.1.250:80 -s wlc\n\
         -a -t 192.168.1.250:80 -r 10.0.0.100:80 -m -w 1\n\
         -a -t 192.168.1.250:80 -r 10.0.0.200:80 -m -w 1\n\
         -A -t 192.168.1.250:443 -s wlc\n\
         -a -t 192.168.1.250:443 -r 10.0.0.100:443 -g -w 1\n\
         -a -t 192.168.1.250:443 -r 10.0.0.200:443 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum\n"
    );
}

#[test]
fn timeouts_are_set_only_where_they_differ() {
    let mut cluster = scenario_a();
    cluster.global.timeouts = lvs::model::Timeouts { tcp: Some(600), tcpfin: Some(0), udp: Some(300) };
    let desired = desired(&valid(cluster), Seat::Primary, Holding::TableOnly, &Standings::default());
    let timeouts = lvs::table::KernelTimeouts { tcp: 900, tcpfin: 120, udp: 300 };
    let mut observed = Observed { timeouts, ..Observed::default() };
    let steps = text(&plan(&desired, &observed, &Ownership::default()).steps);
    assert_eq!(steps[0], "ipvsadm --set 600 0 0");
    observed.timeouts.tcp = 600;
    let steps = text(&plan(&desired, &observed, &Ownership::default()).steps);
    assert!(!steps.iter().any(|step| step.contains("--set")));
}

#[test]
fn a_vlan_interface_has_an_unambiguous_kernel_parameter() {
    let mut cluster = scenario_b();
    cluster.virtual_servers[0].vip.as_mut().unwrap().device = Some("eth0.100:1".parse().unwrap());
    let desired = desired(&valid(cluster), Seat::Primary, Holding::Addresses, &Standings::default());
    let names: Vec<&String> = desired.sysctls.keys().collect();
    assert_eq!(names, ["net.ipv4.conf.eth0/100.promote_secondaries"]);
    assert_eq!(*names[0], interface_sysctl("ipv4", "eth0.100", "promote_secondaries"));
}

/// From one place of the same address to another; what is planned, in order.
fn moved(from: &str, to: &str) -> Vec<String> {
    let mut kernel = ModelKernel::default();
    let mut ownership = Ownership::default();
    let at = |key: AddressKey| lvs::table::Desired {
        addresses: [(key, Default::default())].into(),
        ..Default::default()
    };
    kernel.pass(&at(place(from)), &mut ownership, Fail::Nothing);
    text(&kernel.pass(&at(place(to)), &mut ownership, Fail::Nothing).steps)
}

#[test]
fn an_address_that_moves_is_never_nowhere() {
    assert_eq!(
        moved("eth0 192.0.2.1/32", "eth0 192.0.2.1/24"),
        ["ip addr add 192.0.2.1/24 dev eth0", "ip addr del 192.0.2.1/32 dev eth0"]
    );
    assert_eq!(
        moved("eth0 192.0.2.1/32", "eth1 192.0.2.1/32"),
        ["ip addr add 192.0.2.1/32 dev eth1", "ip addr del 192.0.2.1/32 dev eth0"]
    );
    // IPv6 holds an address once per interface: the kernel would refuse the second.
    assert_eq!(
        moved("eth0 2001:db8::1/128", "eth0 2001:db8::1/64"),
        ["ip addr del 2001:db8::1/128 dev eth0", "ip addr add 2001:db8::1/64 dev eth0 nodad preferred_lft 0",]
    );
    assert_eq!(
        moved("eth0 2001:db8::1/64", "eth1 2001:db8::1/64"),
        ["ip addr add 2001:db8::1/64 dev eth1 nodad preferred_lft 0", "ip addr del 2001:db8::1/64 dev eth0",]
    );
}

/// A director that is a real server of its partner has the address on its loopback; `caribe real-server` puts it there.
#[test]
fn the_loopback_is_the_real_servers_whoever_put_the_address_there() {
    for tagged in [false, true] {
        let mut kernel = ModelKernel::default();
        let loopback: lvs::table::AddressKey = "lo 192.0.2.1/32".parse().unwrap();
        kernel.add_address(&loopback, AddressRow { tagged, ..AddressRow::default() }).unwrap();
        let mut ownership = Ownership::default();
        let place: lvs::table::AddressKey = "eth0 192.0.2.1/24".parse().unwrap();
        let addresses = [(place, lvs::table::DesiredAddress::default())].into();
        let active = lvs::table::Desired { addresses, ..Default::default() };
        let standby = lvs::table::Desired::default();
        for _ in 0..2 {
            let steps = text(&kernel.pass(&active, &mut ownership, Fail::Nothing).steps);
            assert_eq!(steps, ["ip addr add 192.0.2.1/24 dev eth0"], "{tagged}");
            let steps = text(&kernel.pass(&standby, &mut ownership, Fail::Nothing).steps);
            assert_eq!(steps, ["ip addr del 192.0.2.1/24 dev eth0"], "{tagged}");
        }
        assert!(kernel.observed.addresses.contains_key(&loopback));
    }
}

#[test]
fn another_label_changes_nothing() {
    let mut cluster = scenario_b();
    let mut kernel = ModelKernel::default();
    let mut ownership = Ownership::default();
    let before = desired(&valid(cluster.clone()), Seat::Primary, Holding::Addresses, &Standings::default());
    kernel.pass(&before, &mut ownership, Fail::Nothing);
    cluster.virtual_servers[0].vip.as_mut().unwrap().device = Some("eth0:7".parse().unwrap());
    let after = desired(&valid(cluster), Seat::Primary, Holding::Addresses, &Standings::default());
    assert_eq!(plan(&after, &kernel.observed, &ownership).steps, []);
}

#[test]
fn our_address_going_does_not_take_the_hosts_own_along() {
    // Ours came first and is the subnet's primary; nobody switched promotion on.
    let ours: lvs::table::AddressKey = "eth0 192.0.2.1/24".parse().unwrap();
    let hosts: lvs::table::AddressKey = "eth0 192.0.2.9/24".parse().unwrap();
    let mut kernel = ModelKernel::default();
    kernel.add_address(&ours, AddressRow { tagged: true, ..AddressRow::default() }).unwrap();
    kernel.add_address(&hosts, AddressRow::default()).unwrap();
    let mut ownership = Ownership { addresses: [ours].into(), ..Ownership::default() };
    let plan = kernel.pass(&lvs::table::Desired::default(), &mut ownership, Fail::Nothing);
    assert_eq!(
        text(&plan.steps),
        ["sysctl -w net.ipv4.conf.eth0.promote_secondaries=1", "ip addr del 192.0.2.1/24 dev eth0"]
    );
    assert!(kernel.observed.addresses.contains_key(&hosts));
}
