//! What the directors themselves are prepared with: what is asked for, how it gets there, and that it goes as it came.

use crate::fixture::kernel::{Fail, ModelKernel};
use crate::fixture::{ip, scenario_a, scenario_b, scenario_d, text, valid, virtual_server};
use lvs::Cluster;
use lvs::drift::{Pace, Watch, found};
use lvs::health::{EXPIRE_QUIESCENT, Standings};
use lvs::model::{DriftPolicy, Forwarding, Seat};
use lvs::plan::{Holding, Ownership, Row, desired, plan};
use lvs::table::{AddressRow, Desired, HOST_PARAMETERS, Link, Observed, for_each_interface};

/// A director as it was installed: two interfaces, and the kernel's own values.
fn installed() -> ModelKernel {
    let mut kernel = ModelKernel::default();
    for (index, name) in ["eth0", "eth1", "lo"].into_iter().enumerate() {
        let link = Link { index: index as u32 + 1, up: true, carrier: true, mac: Vec::new() };
        kernel.observed.links.insert(name.to_owned(), link);
    }
    let links = kernel.observed.links.clone();
    for name in HOST_PARAMETERS.iter().flat_map(|name| for_each_interface(name, links.keys())) {
        let value = if name.ends_with("send_redirects") { "1" } else { "0" };
        kernel.observed.sysctls.insert(name, value.to_owned());
    }
    kernel
}

/// Scenario D with what its script set up beside the table.
fn prepared() -> Cluster {
    let mut cluster = scenario_d();
    cluster.global.host.prepare = true;
    cluster.global.host.masquerade = vec!["192.168.81.0/24 eth0".parse().unwrap()];
    cluster
}

fn wanted(cluster: &Cluster, holding: Holding) -> Desired {
    desired(&valid(cluster.clone()), Seat::Primary, holding, &Standings::default())
}

const RULE: &str = "ip saddr 192.168.81.0/24 ip daddr != 192.168.81.0/24 oifname eth0 masquerade";

#[test]
fn a_director_is_prepared_and_left_as_it_was() {
    let (mut kernel, mut ours) = (installed(), Ownership::default());
    let before = kernel.observed.clone();
    let up = kernel.pass(&wanted(&prepared(), Holding::Addresses), &mut ours, Fail::Nothing);
    let table = format!(
        "nft table inet caribe {{ chain outwards {{ type nat hook postrouting priority srcnat; {RULE}; }} }}"
    );
    assert_eq!(
        text(&up.steps)[..6],
        [
            "sysctl -w net.ipv4.conf.all.send_redirects=0",
            "sysctl -w net.ipv4.conf.default.send_redirects=0",
            "sysctl -w net.ipv4.conf.eth0.send_redirects=0",
            "sysctl -w net.ipv4.conf.eth1.send_redirects=0",
            "sysctl -w net.ipv4.ip_forward=1",
            &table,
        ]
    );
    assert_eq!(ours.parameters.len(), 5);
    let again = kernel.pass(&wanted(&prepared(), Holding::TableOnly), &mut ours, Fail::Nothing);
    assert!(
        !text(&again.steps).iter().any(|step| step.starts_with("sysctl") || step.starts_with("nft")),
        "a standby is prepared as well: {:?}",
        text(&again.steps)
    );
    let down = kernel.pass(&Desired::default(), &mut ours, Fail::Nothing);
    let down = text(&down.steps);
    assert_eq!(down[down.len() - 6], "nft delete table inet caribe", "{down:?}");
    assert_eq!(down[down.len() - 1], "sysctl -w net.ipv4.ip_forward=0", "forwarding ends last: {down:?}");
    assert_eq!((&kernel.observed.sysctls, &kernel.observed.packets), (&before.sysctls, &None));
    assert_eq!(ours, Ownership::default());
}

#[test]
fn what_the_host_had_set_itself_stays() {
    let (mut kernel, mut ours) = (installed(), Ownership::default());
    kernel.observed.sysctls.insert("net.ipv4.ip_forward".into(), "1".into());
    kernel.pass(&wanted(&prepared(), Holding::Addresses), &mut ours, Fail::Nothing);
    let down = kernel.pass(&Desired::default(), &mut ours, Fail::Nothing);
    assert!(!text(&down.steps).iter().any(|step| step.contains("ip_forward")), "{:?}", text(&down.steps));
}

#[test]
fn a_crash_in_between_forgets_no_former_value() {
    for at in 0..6 {
        let (mut kernel, mut ours) = (installed(), Ownership::default());
        let before = kernel.observed.sysctls.clone();
        let up = wanted(&prepared(), Holding::Addresses);
        kernel.pass(&up, &mut ours, Fail::AndCrash(at));
        kernel.pass(&up, &mut ours, Fail::Nothing);
        kernel.pass(&Desired::default(), &mut ours, Fail::Nothing);
        assert_eq!(kernel.observed.sysctls, before, "after a crash at step {at}");
    }
}

#[test]
fn a_lost_list_takes_nothing_away() {
    let (mut kernel, mut ours) = (installed(), Ownership::default());
    kernel.pass(&wanted(&prepared(), Holding::Addresses), &mut ours, Fail::Nothing);
    ours.lost = true;
    let down = plan(&Desired::default(), &kernel.observed, &ours);
    assert_eq!(text(&down.steps), Vec::<String>::new());
}

#[test]
fn forwarding_is_for_those_who_need_it() {
    let forwards = |cluster: &Cluster| -> Vec<String> {
        let names = wanted(cluster, Holding::TableOnly).sysctls.into_keys();
        names.filter(|name| name.ends_with("forward") || name.ends_with("forwarding")).collect()
    };
    assert!(forwards(&scenario_a()).is_empty(), "nobody asked for it");
    let mut nat = scenario_a();
    nat.global.host.prepare = true;
    assert_eq!(forwards(&nat), ["net.ipv4.ip_forward"]);
    let mut direct = scenario_b();
    direct.global.host.prepare = true;
    assert!(forwards(&direct).is_empty(), "nothing passes a director that forwards directly");
    direct.global.host.masquerade = vec!["2001:db8:1::/64".parse().unwrap()];
    assert_eq!(forwards(&direct), ["net.ipv6.conf.all.forwarding"]);
    nat.virtual_servers[0]
        .real_servers
        .iter_mut()
        .for_each(|real| real.forwarding = Some(Forwarding::Direct));
    nat.global.nat_router = None;
    assert!(forwards(&nat).is_empty());
}

#[test]
fn an_order_and_the_setting_agree_on_persistence_that_ends() {
    let mut cluster = scenario_b();
    let value = |cluster: &Cluster, ordered: Option<bool>| {
        let standings = Standings { expire_quiescent: ordered, ..Standings::default() };
        let wanted = desired(&valid(cluster.clone()), Seat::Primary, Holding::Addresses, &standings);
        wanted.sysctls.get(EXPIRE_QUIESCENT).cloned()
    };
    assert_eq!([value(&cluster, None), value(&cluster, Some(false))], [None, Some("0".to_owned())]);
    cluster.global.host.expire_quiescent_template = Some(true);
    assert_eq!(value(&cluster, None).unwrap(), "1");
    assert_eq!(value(&cluster, Some(false)).unwrap(), "1");
    cluster.global.host.expire_quiescent_template = Some(false);
    assert_eq!(value(&cluster, Some(true)).unwrap(), "1");
}

/// One service for http and https, by a mark.
fn by_mark() -> Cluster {
    let mut cluster = scenario_b();
    let shop = &mut cluster.virtual_servers[0];
    shop.mark = std::num::NonZeroU32::new(7);
    shop.marked =
        ["tcp 192.168.1.250 80", "tcp 192.168.1.250 443"].map(|text| text.parse().unwrap()).to_vec();
    cluster
}

#[test]
fn packets_are_marked_before_the_address_leads_them_here() {
    let mut kernel = installed();
    kernel.add_address(&"eth0 192.168.1.10/24".parse().unwrap(), AddressRow::default()).unwrap();
    let mut ours = Ownership::default();
    let up = text(&kernel.pass(&wanted(&by_mark(), Holding::Addresses), &mut ours, Fail::Nothing).steps);
    let place = |start: &str| up.iter().position(|step| step.starts_with(start)).unwrap();
    assert!(place("nft") < place("ip addr add"), "{up:?}");
    assert!(up[place("nft")].contains("ip daddr 192.168.1.250 tcp dport 443 meta mark set 7"), "{up:?}");
    let mut fewer = by_mark();
    fewer.virtual_servers[0].marked.pop();
    let change = text(&kernel.pass(&wanted(&fewer, Holding::Addresses), &mut ours, Fail::Nothing).steps);
    assert_eq!(change.len(), 1, "the table is replaced at once: {change:?}");
}

#[test]
fn rules_that_somebody_changes_are_repaired_whatever_the_policy() {
    let (mut kernel, mut ours) = (installed(), Ownership::default());
    let goal = wanted(&prepared(), Holding::Addresses);
    kernel.pass(&goal, &mut ours, Fail::Nothing);
    let mut watch = Watch::new(Pace { first_ms: 1_000, longest_ms: 60_000 }, false);
    watch.verified(&[]);
    let theirs = |rules: Option<Vec<String>>| {
        let mut observed = kernel.observed.clone();
        observed.packets = rules;
        observed
    };
    let added = theirs(Some(vec![RULE.to_owned(), "?".to_owned()]));
    let steps = plan(&goal, &added, &ours).steps;
    assert_eq!(found(&steps, &added), [format!("nft table inet caribe {{ {RULE}; ? }}")]);
    let steps = plan(&goal, &theirs(None), &ours).steps;
    let decision = watch.decide(steps.clone(), DriftPolicy::Hold, 10_000);
    assert_eq!(decision.drift[0].row, Row::Packets);
    assert_eq!(decision.until_ms, Some(11_000));
    assert_eq!(watch.decide(steps, DriftPolicy::Hold, 11_000).now.len(), 1);
}

#[test]
fn what_cannot_be_is_said_at_its_field() {
    let found = |change: &dyn Fn(&mut Cluster)| -> Vec<String> {
        let mut cluster = by_mark();
        change(&mut cluster);
        let said = |finding: &lvs::finding::Finding| {
            format!("{} {}", finding.pointer().unwrap_or_default(), finding.code.as_str())
        };
        cluster.findings().iter().map(said).collect()
    };
    let masquerade = |text: &'static str| {
        found(&move |cluster: &mut Cluster| {
            cluster.global.host.prepare = true;
            cluster.global.host.masquerade.push(text.parse().unwrap());
        })
    };
    let place = "/global/host/masquerade";
    assert!(found(&|_| {}).is_empty());
    assert!(masquerade("10.0.0.0/8 eth0").is_empty());
    assert_eq!(masquerade("10.0.0.7/8"), [format!("{place}/0/source masquerade-network")]);
    assert_eq!(masquerade("0.0.0.0/0"), [format!("{place}/0/source masquerade-everything")]);
    assert_eq!(masquerade("10.0.0.0/8 eth0:1"), [format!("{place}/0/device masquerade-label")]);
    let twice = found(&|cluster| {
        cluster.global.host.masquerade = vec!["10.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    });
    let unforwarded = "/global/host/prepare masquerade-unforwarded".to_owned();
    assert_eq!(twice, [format!("{place}/1/source masquerade-twice"), unforwarded]);

    let shop = "/virtual_servers/0/marked";
    assert_eq!(found(&|c| c.virtual_servers[0].mark = None), [format!("{shop} marked-without-mark")]);
    let marked = |text: &'static str| {
        found(&move |cluster: &mut Cluster| cluster.virtual_servers[0].marked[1] = text.parse().unwrap())
    };
    assert_eq!(marked("tcp 192.168.1.250 0-9"), [format!("{shop}/1/port marked-ports")]);
    assert_eq!(marked("tcp 192.168.1.250 90-81"), [format!("{shop}/1/port marked-ports")]);
    assert_eq!(marked("tcp 2001:db8::1 443"), [format!("{shop}/1/address marked-family")]);
    assert_eq!(marked("tcp 192.168.1.250 79-81"), [format!("{shop}/1 marked-taken")]);
    let other = found(&|cluster| {
        let mut other = virtual_server("other", "192.168.1.251", 80);
        other.mark = std::num::NonZeroU32::new(8);
        other.vip.as_mut().unwrap().address = ip("192.168.1.251");
        other.marked = vec!["tcp 192.168.1.250 443".parse().unwrap()];
        cluster.virtual_servers.push(other);
    });
    assert_eq!(other, ["/virtual_servers/1/marked/0 marked-taken"]);
}

#[test]
fn a_configuration_without_it_reads_and_writes_as_before() {
    let text = serde_json::to_string(&scenario_a()).unwrap();
    assert!(!text.contains("\"host\"") && !text.contains("\"marked\""), "{text}");
    let all = {
        let mut all = by_mark();
        all.global.host = prepared().global.host;
        all
    };
    let again: Cluster = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
    assert_eq!(again, all);
    assert_eq!(
        serde_json::from_str::<Observed>(&serde_json::to_string(&Observed::default()).unwrap()).unwrap(),
        Observed::default()
    );
}
