//! The table of packet rules: what is asked for is there, as nft sees it, too; what somebody else does to it is seen; no
//! other table is touched.

use kernel::Kind;
use lvs::plan::Step;
use lvs::table::{PacketRule, PacketRules};

use crate::bench::Bench;
use crate::namespace::run;

fn mark(number: u32, text: &str) -> PacketRule {
    PacketRule::Mark { mark: number.try_into().unwrap(), traffic: text.parse().unwrap() }
}

fn leaving(text: &str) -> PacketRule {
    PacketRule::Masquerade(text.parse().unwrap())
}

fn set(rules: impl IntoIterator<Item = PacketRule>) -> (Step, Vec<String>) {
    let rules = PacketRules(rules.into_iter().collect());
    let texts = rules.texts();
    (Step::SetPackets { rules }, texts)
}

pub(crate) fn rules_come_change_and_go(bench: &mut Bench) {
    assert_eq!(bench.observe(&[]).packets, None);
    let none = "remove the packet rules: there is no such table";
    bench.refuse(Step::RemovePackets, Kind::Gone, none);
    let (all, texts) = set([
        mark(7, "tcp 192.0.2.1 80"),
        mark(7, "tcp 192.0.2.1 8000-8080"),
        mark(0x8000_0001, "sctp 2001:db8::1 443"),
        leaving("192.168.81.0/24"),
        leaving("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff00/120 enp0s31f6np1"),
    ]);
    bench.succeed(&[all.clone(), all]);
    assert_eq!(bench.observe(&[]).packets, Some(texts));
    if bench.memory.is_none() {
        let seen = run(&["nft", "-n", "list", "table", "inet", "caribe"]);
        for words in [
            "type filter hook prerouting priority -150; policy accept;",
            "ip daddr 192.0.2.1 tcp dport 8000-8080 meta mark set 0x00000007",
            "ip6 daddr 2001:db8::1 sctp dport 443 meta mark set 0x80000001",
            "type nat hook postrouting priority 100; policy accept;",
            "ip saddr 192.168.81.0/24 ip daddr != 192.168.81.0/24 masquerade",
            "ip6 saddr 2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff00/120",
            "oifname \"enp0s31f6np1\" masquerade",
        ] {
            assert!(seen.contains(words), "{words} is missing in\n{seen}");
        }
    }
    let (fewer, texts) = set([mark(9, "udp 192.0.2.1 53")]);
    bench.succeed(&[fewer]);
    assert_eq!(bench.observe(&[]).packets, Some(texts));
    bench.succeed(&[Step::RemovePackets]);
    assert_eq!(bench.observe(&[]).packets, None);
}

pub(crate) fn what_others_do_to_rules_is_seen(bench: &mut Bench) {
    let (step, texts) = set([mark(7, "tcp 192.0.2.1 80"), mark(7, "tcp 192.0.2.1 443")]);
    let foreign =
        "add table ip filter; add chain ip filter input { type filter hook input priority 0; policy drop; }";
    if bench.memory.is_none() {
        run(&["nft", foreign]);
    }
    let before = bench.memory.is_none().then(|| run(&["nft", "list", "table", "ip", "filter"]));
    bench.succeed(std::slice::from_ref(&step));
    match &bench.memory {
        Some(memory) => memory.put_packets(Some([texts.clone(), vec!["?".to_owned()]].concat())),
        None => drop(run(&["nft", "add rule inet caribe marks tcp dport 81 meta mark set 9"])),
    }
    assert_eq!(bench.observe(&[]).packets, Some([texts.clone(), vec!["?".to_owned()]].concat()));
    match &bench.memory {
        Some(memory) => memory.put_packets(Some(Vec::new())),
        None => drop(run(&["nft", "flush table inet caribe"])),
    }
    assert_eq!(bench.observe(&[]).packets, Some(Vec::new()));
    match &bench.memory {
        Some(memory) => memory.put_packets(None),
        None => drop(run(&["nft", "delete table inet caribe"])),
    }
    assert_eq!(bench.observe(&[]).packets, None);
    bench.succeed(&[step]);
    assert_eq!(bench.observe(&[]).packets, Some(texts));
    bench.succeed(&[Step::RemovePackets]);
    assert_eq!(before, bench.memory.is_none().then(|| run(&["nft", "list", "table", "ip", "filter"])));
}

pub(crate) fn a_star_asks_for_every_interface(bench: &mut Bench) {
    bench.link("cut0");
    let name = "net.ipv4.conf.cut0.send_redirects";
    bench.succeed(&[Step::SetSysctl { name: name.to_owned(), value: "0".to_owned() }]);
    let read = bench.observe(&["net.ipv4.conf.*.send_redirects"]).sysctls;
    assert_eq!(read.get(name).map(String::as_str), Some("0"), "{read:?}");
    assert!(!read.keys().any(|name| name.contains(".lo.") || name.contains('*')), "{read:?}");
}
