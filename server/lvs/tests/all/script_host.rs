//! A script that sets up more than the table: forwarding, masquerading and marks become settings.

use lvs::Cluster;
use lvs::format::ipvsadm::read_cluster;
use lvs::model::HostSetup;

/// Scenario D as it was set up.
const SCRIPT: &str = r#"#!/bin/bash
# NAT director for the nginx servers
VIP=192.168.91.141
case "$1" in
start)
    echo 1 > /proc/sys/net/ipv4/ip_forward
    echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects
    echo 0 > /proc/sys/net/ipv4/conf/default/send_redirects
    echo "0" > /proc/sys/net/ipv4/conf/ens33/send_redirects
    iptables -t nat -F
    iptables -t nat -A POSTROUTING -s 192.168.81.0/24 -j MASQUERADE
    ipvsadm -C
    ipvsadm -A -t $VIP:80 -s wrr -p 120
    ipvsadm -a -t $VIP:80 -r 192.168.81.142:80 -m -w 1
    ;;
stop)
    ipvsadm -C
    echo 0 > /proc/sys/net/ipv4/ip_forward
    ;;
esac
"#;

fn read(text: &str) -> (Cluster, Vec<String>) {
    let (cluster, findings) = read_cluster(text);
    let said = findings.iter().map(|finding| format!("{finding} [{}]", finding.code.as_str()));
    let said = said.filter(|said| !said.contains("vip-unmanaged") && !said.contains("directors-missing"));
    (cluster.unwrap(), said.collect())
}

#[test]
fn scenario_d_keeps_what_its_script_set_up() {
    let (cluster, said) = read(SCRIPT);
    assert_eq!(said, Vec::<String>::new());
    let expected = HostSetup {
        prepare: true,
        masquerade: vec!["192.168.81.0/24".parse().unwrap()],
        ..HostSetup::default()
    };
    assert_eq!(cluster.global.host, expected);
}

#[test]
fn parameters_of_ipvs_are_taken_with_their_values() {
    let text = "sysctl -w net.ipv4.vs.expire_nodest_conn=1 net.ipv4.vs.conntrack=0\n\
                sysctl -q net/ipv4/vs/expire_quiescent_template=1\n\
                ipvsadm -A -t 192.0.2.1:80 -s rr\n";
    let (cluster, said) = read(text);
    let host = cluster.global.host;
    assert_eq!(
        (host.expire_nodest_conn, host.conntrack, host.expire_quiescent_template, host.prepare),
        (Some(true), Some(false), Some(true), false),
        "{said:?}"
    );
}

#[test]
fn marks_go_to_their_service() {
    let text = "iptables -t mangle -A PREROUTING -d 192.0.2.1/32 -p tcp -m multiport --dports 80,443 -j MARK --set-mark 0x7\n\
                iptables -t mangle -A PREROUTING -d 192.0.2.1 -p tcp --dport 5000:5100 -j MARK --set-mark 7\n\
                iptables -t mangle -A PREROUTING -d 192.0.2.9 -p tcp --dport 25 -j MARK --set-mark 9\n\
                ip addr add 192.0.2.1/24 dev eth0\n\
                ipvsadm -A -f 7 -s rr -p 300\n\
                ipvsadm -a -f 7 -r 10.0.0.1:0 -g\n";
    let (cluster, said) = read(text);
    let shop = &cluster.virtual_servers[0];
    let marked: Vec<String> = shop.marked.iter().map(ToString::to_string).collect();
    assert_eq!(marked, ["tcp 192.0.2.1 80", "tcp 192.0.2.1 443", "tcp 192.0.2.1 5000-5100"]);
    let vip = shop.vip.as_ref().unwrap();
    assert_eq!((vip.prefix_length(), vip.device.as_ref().unwrap().as_str()), (24, "eth0"));
    assert_eq!(said.len(), 1, "a mark that no service has: {said:?}");
    assert!(said[0].starts_with("3:") && said[0].contains("script-commands"), "{said:?}");
}

#[test]
fn what_cannot_be_said_in_full_is_not_taken() {
    for command in [
        "iptables -t nat -A POSTROUTING -j MASQUERADE",
        "iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -d 192.0.2.0/24 -j MASQUERADE",
        "iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -j SNAT --to 192.0.2.1",
        "iptables -t mangle -A PREROUTING -i eth0 -d 192.0.2.1 -p tcp --dport 80 -j MARK --set-mark 7",
        "iptables -A INPUT -p vrrp -j ACCEPT",
        "sysctl -w net.ipv4.ip_forward=0",
        "sysctl -w net.core.somaxconn=1024",
        "sysctl -p",
        "echo 2 > /proc/sys/net/ipv4/vs/conntrack",
    ] {
        let (cluster, said) = read(&format!("{command}\nipvsadm -A -t 192.0.2.1:80 -s rr\n"));
        assert_eq!(cluster.global.host, HostSetup::default(), "{command}");
        assert!(said.iter().any(|said| said.contains("script-commands")), "{command}: {said:?}");
    }
}
