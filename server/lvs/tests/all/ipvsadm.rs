//! ipvsadm's text, in and out.

use crate::fixture::random;
use lvs::Severity;
use lvs::finding::Findings;
use lvs::format::ipvsadm::{read, read_cluster, save};
use lvs::health::Standings;
use lvs::model::{Forwarding, Seat, Weight};
use lvs::plan::{Holding, desired};
use proptest::prelude::*;

/// What ipvsadm 1.31 printed on Linux 6.1 with `-S -n`, of services and servers of every kind; sorted by key.
const SAVED: &str = "\
-A -t 10.9.0.1:0 -s ovf -p 60
-A -t 10.9.0.2:0 -s ovf -p 60 -M 255.0.255.0
-A -t 10.9.0.5:9 -s ovf -p 2678400
-A -t 10.9.0.9:9 -s wlc
-A -t 10.9.0.12:9 -s rr -p 360 -M 255.255.255.0
-a -t 10.9.0.12:9 -r 10.9.9.9:9 -g -w 1
-A -t 192.168.1.250:80 -s wlc -p 300 -M 255.255.255.0
-a -t 192.168.1.250:80 -r 9.1.0.1:80 -m -w 1
-a -t 192.168.1.250:80 -r 10.0.0.20:80 -m -w 70000
-a -t 192.168.1.250:80 -r 10.0.0.100:80 -m -w 1
-A -t [2001:db8::1]:443 -s rr
-a -t [2001:db8::1]:443 -r 10.0.0.9:443 -i -w 1 --tun-type ipip
-a -t [2001:db8::1]:443 -r [2001:db8::2]:443 -g -w 1
-a -t [2001:db8::1]:443 -r [2001:db8::2]:8443 -m -w 1
-A -u 192.168.1.250:53 -s sh -o -b sh-fallback,sh-port
-A -u 192.168.1.250:54 -s mh -p 360 -b mh-port
-A -u 192.168.1.250:55 -s rr -b flag-1,flag-2,flag-3
-A --sctp-service 10.9.0.1:99 -s fo
-A -f 5 -s rr
-a -f 5 -r 10.0.0.100:0 -i -w 1 --tun-type ipip
-a -f 5 -r 10.0.0.101:0 -g -w 1
-a -f 5 -r 10.0.0.102:88 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum
-a -f 5 -r 10.0.0.103:88 -i -w 1 --tun-type gre --tun-csum
-a -f 5 -r 10.0.0.104:88 -i -w 1 --tun-type gre --tun-nocsum
-a -f 5 -r 10.0.0.105:88 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -f 5 -r [2001:db8::6]:88 -i -w 1 --tun-type ipip
-A -f 5 -6 -s rr -p 50
-A -f 6 -6 -s rr -p 50 -M 64
-a -f 6 -6 -r [2001:db8::5]:80 -g -w 1
-A -f 7 -s rr -o
";

fn said(findings: &Findings) -> Vec<String> {
    let word = |severity| if severity == Severity::Error { "error" } else { "warning" };
    findings.iter().map(|f| format!("{}: {} [{}]", word(f.severity), f, f.code.as_str())).collect()
}

#[test]
fn the_tools_own_text_comes_back_word_for_word() {
    let (table, findings) = read(SAVED);
    assert_eq!(said(&findings), Vec::<String>::new());
    assert_eq!(save(&table.unwrap()), SAVED);
}

#[test]
fn hand_written_lines_mean_what_the_tool_makes_of_them() {
    // Each line was given to ipvsadm 1.31; on the right what its save said then.
    let cases = [
        ("ipvsadm -A -t 10.9.0.9:9", "-A -t 10.9.0.9:9 -s wlc\n"),
        ("/sbin/ipvsadm -At 10.9.0.11:9 -srr -p20", "-A -t 10.9.0.11:9 -s rr -p 20\n"),
        (
            "--add-service --tcp-service 10.9.0.10:9 --scheduler=rr --persistent 20",
            "-A -t 10.9.0.10:9 -s rr -p 20\n",
        ),
        ("-A -t 10.9.0.12:9 -s rr -p -M 255.255.255.0", "-A -t 10.9.0.12:9 -s rr -p 360 -M 255.255.255.0\n"),
        ("-A -f -1 -s rr", "-A -f 4294967295 -s rr\n"),
        ("-A -t 10.9.0.1 -s ovf -p 60 -M 255.255.255.255", "-A -t 10.9.0.1:0 -s ovf -p 60\n"),
        (
            "-A -u 10.0.0.1:53\n-a -u 10.0.0.1:53 -r 10.9.9.9",
            "-A -u 10.0.0.1:53 -s wlc\n-a -u 10.0.0.1:53 -r 10.9.9.9:53 -g -w 1\n",
        ),
        (
            "-A -t 1.2.3.4:5\n-a -t 1.2.3.4:5 -r 9.1.0.1 -m -x 9 -y 3",
            "-A -t 1.2.3.4:5 -s wlc\n-a -t 1.2.3.4:5 -r 9.1.0.1:5 -m -w 1 -x 9 -y 3\n",
        ),
        (
            "-A -f 5\n-a -f 5 -r 10.0.0.100 -i",
            "-A -f 5 -s wlc\n-a -f 5 -r 10.0.0.100:0 -i -w 1 --tun-type ipip\n",
        ),
        ("-A -t 10.9.0.1:http", "-A -t 10.9.0.1:80 -s wlc\n"),
        ("-A -u localhost:domain", "-A -u 127.0.0.1:53 -s wlc\n"),
        ("-A --fwmark-service 5 --ipv6 --persistent --netmask 64", "-A -f 5 -6 -s wlc -p 360 -M 64\n"),
        (
            "ipvsadm -A -t 1.2.3.4:5; ipvsadm -a -t 1.2.3.4:5 -r 1.1.1.1 -m",
            "-A -t 1.2.3.4:5 -s wlc\n-a -t 1.2.3.4:5 -r 1.1.1.1:5 -m -w 1\n",
        ),
        ("-A -t 1.2.3.4:5\n-Z\n-L -n --stats\n-S", "-A -t 1.2.3.4:5 -s wlc\n"),
        ("# a remark\n\n-A -t 1.2.3.4:5\n-E -t 1.2.3.4:5 -s rr\n", "-A -t 1.2.3.4:5 -s rr\n"),
        ("-A -t 1.2.3.4:5\n-C\n-A -t 1.2.3.4:6", "-A -t 1.2.3.4:6 -s wlc\n"),
        ("-A -t 1.2.3.4:5\n-A -t 1.2.3.4:6\n-D -t 1.2.3.4:5", "-A -t 1.2.3.4:6 -s wlc\n"),
        (
            "-A -t 1.2.3.4:5\n-a -t 1.2.3.4:5 -r 1.1.1.1 -m\n-a -t 1.2.3.4:5 -r 1.1.1.2 -m\n-e -t 1.2.3.4:5 -r 1.1.1.2 -m -w 7\n-d -t 1.2.3.4:5 -r 1.1.1.1:5",
            "-A -t 1.2.3.4:5 -s wlc\n-a -t 1.2.3.4:5 -r 1.1.1.2:5 -m -w 7\n",
        ),
    ];
    for (text, expected) in cases {
        let (table, findings) = read(text);
        assert_eq!(said(&findings), Vec::<String>::new(), "{text}");
        assert_eq!(save(&table.unwrap()), expected, "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_column() {
    // (text, what is said); an error leaves no table, a warning does.
    let service = "-A -t 1.2.3.4:80\n";
    let cases: &[(&str, &str)] = &[
        (
            "-A -t www:80",
            "error: 1:7: www is a host name, which is not looked up; write its address [host-name]",
        ),
        (
            "-A -t 1.2.3.4:frontdoor",
            "error: 1:7: 1.2.3.4:frontdoor is no address with a port: numbers, names, or an IPv6 address in brackets [ipvsadm-address]",
        ),
        (
            "-A -t 2001:db8::1",
            "error: 1:7: 2001:db8::1 is no address with a port: numbers, names, or an IPv6 address in brackets [ipvsadm-address]",
        ),
        (
            "-A -t [1.2.3.4]:80",
            "error: 1:7: [1.2.3.4]:80 is no address with a port: numbers, names, or an IPv6 address in brackets [ipvsadm-address]",
        ),
        (
            "-A -t 1.2.3.4:",
            "error: 1:7: 1.2.3.4: is no address with a port: numbers, names, or an IPv6 address in brackets [ipvsadm-address]",
        ),
        (
            "-A -u 1.2.3.4:ssh",
            "error: 1:7: 1.2.3.4:ssh is no address with a port: numbers, names, or an IPv6 address in brackets [ipvsadm-address]",
        ),
        ("-A -t 1.2.3.4", "error: 1:7: port 0 means all ports and needs -p [ipvsadm-port-zero]"),
        (
            "-A -s rr",
            "error: 1:1: -A needs a service: -t, -u, --sctp-service or -f [ipvsadm-service-missing]",
        ),
        ("  -A -t", "error: 1:6: -t needs a value [ipvsadm-value-missing]"),
        ("-A -t 1.2.3.4:80 -s foo", "error: 1:21: foo is no scheduler of IPVS [ipvsadm-scheduler]"),
        (
            "-A -t 1.2.3.4:80 -q",
            "error: 1:18: -q is no option of ipvsadm that describes a table [ipvsadm-word]",
        ),
        (
            "-A -t 1.2.3.4:80 rr",
            "error: 1:18: rr is no option of ipvsadm that describes a table [ipvsadm-word]",
        ),
        (
            "-A -t 1.2.3.4:80 -s rr -b sh-port",
            "error: 1:27: the scheduler rr has no flag sh-port [ipvsadm-flag]",
        ),
        ("-A -t 1.2.3.4:80 -o", "error: 1:18: -o is for UDP services [ipvsadm-one-packet]"),
        ("-A -t 1.2.3.4:80 -p 0", "error: 1:21: 0 is no number from 1 to 2678400 [ipvsadm-number]"),
        (
            "-A -t 1.2.3.4:80 -p 2678401",
            "error: 1:21: 2678401 is no number from 1 to 2678400 [ipvsadm-number]",
        ),
        (
            "-A -t 1.2.3.4:80 -p 5 -M 24",
            "error: 1:26: 24 is no netmask (IPv4) or prefix length from 1 to 128 (IPv6) [ipvsadm-mask]",
        ),
        ("-A -t 1.2.3.4:80 -M 255.0.0.0", "warning: 1:21: -M has no effect without -p [ipvsadm-mask-unused]"),
        (
            "-A -t 1.2.3.4:80 -p 5 --pe sip",
            "warning: 1:28: the persistence engine sip is not supported and left out [ipvsadm-engine]",
        ),
        ("-A -f 0", "error: 1:7: 0 is no number from 1 to 4294967295 [ipvsadm-number]"),
        (
            "-A -t 1.2.3.4:80 -u 1.2.3.4:80",
            "error: 1:18: -u and -t exclude each other; ipvsadm refuses the line [ipvsadm-conflict]",
        ),
        ("-A -t 1.2.3.4:80 -6", "error: 1:18: -6 does not go with -t [ipvsadm-option-unused]"),
        ("-A -t 1.2.3.4:80 -w 5", "error: 1:18: -w does not go with -A [ipvsadm-option-unused]"),
        ("-t 1.2.3.4:80", "error: 1:1: the line says neither -A nor -a [ipvsadm-command-missing]"),
        (
            "-A -t 1.2.3.4:80\n-A -t 1.2.3.4:80",
            "warning: 2:7: the service tcp 1.2.3.4:80 is added again; ipvsadm refuses that, and the first line counts [ipvsadm-service-again]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -m",
            "error: 1:7: the service tcp 1.2.3.4:80 is not added anywhere [ipvsadm-service-unknown]",
        ),
        (
            "-A -t 1.2.3.4:80\n--start-daemon master",
            "warning: 2:1: --start-daemon describes no table and is passed over [ipvsadm-command-unused]",
        ),
        ("-A -t 1.2.3.4:80\n--set 900 120", "error: 2:1: --set needs a value [ipvsadm-value-missing]"),
        ("-A -t 1.2.3.4:80 -s rr -s wrr", "error: 1:24: -s says again what -s already said [ipvsadm-twice]"),
        ("-A -6 -f 5", "warning: 1:4: ipvsadm wants -6 after -f; it is read as if it were [ipvsadm-order]"),
        ("-A -t [::1]:80 -6", "warning: 1:16: -6 does not go with -t [ipvsadm-option-unused]"),
        (
            "-D -t 1.2.3.4:81\n-A -t 1.2.3.4:80",
            "warning: 1:7: tcp 1.2.3.4:81 was not added before, so there is nothing to delete [ipvsadm-delete-unknown]",
        ),
        (
            "-E -t 1.2.3.4:80 -s rr",
            "warning: 1:7: tcp 1.2.3.4:80 was not added before; ipvsadm refuses to edit it, here it is added [ipvsadm-edit-unknown]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -m\n-A -t 1.2.3.4:80",
            "warning: 1:7: the service tcp 1.2.3.4:80 is added only in line 2; ipvsadm refuses a real server before its service, here it is added to it [ipvsadm-service-later]",
        ),
        (
            "\u{2013}A -t 1.2.3.4:80 \u{2014}scheduler rr",
            "warning: 1:1: \u{2013} was read as a hyphen [typographic-dash]",
        ),
        (
            "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags",
            "error: 1:1: this is a table as ipvsadm -L shows it to people; what ipvsadm -S -n prints is needed [ipvsadm-listing]",
        ),
        ("# nothing", "warning: no service is described [ipvsadm-empty]"),
    ];
    let servers: &[(&str, &str)] = &[
        ("-a -t 1.2.3.4:80", "error: 2:1: -a needs a real server: -r [ipvsadm-server-missing]"),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -m -g",
            "error: 2:32: -g and -m exclude each other; ipvsadm refuses the line [ipvsadm-conflict]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1:81 -g",
            "warning: 2:21: direct cannot change the port; ipvsadm takes 80 instead of 81 [ipvsadm-port-forced]",
        ),
        (
            "-a -t 1.2.3.4:80 -r [2001:db8::1]:80 -g",
            "error: 2:21: 2001:db8::1 is not IPv4 as the service is; only a tunnel carries one family in the other [family-needs-tunnel]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -m --tun-type gre",
            "error: 2:32: --tun-type does not go with -m [ipvsadm-option-unused]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -i --tun-type gue",
            "error: 2:32: a GUE tunnel needs a UDP port [tunnel-port-missing]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -i --tun-type gre --tun-port 9",
            "error: 2:47: a tunnel of kind gre has no port; only GUE has one [tunnel-port-unused]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -i --tun-csum",
            "error: 2:32: a tunnel of kind ipip has no full checksum [tunnel-checksum]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -i --tun-type vxlan",
            "error: 2:43: vxlan is no kind of tunnel: ipip, gue or gre [ipvsadm-tunnel]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -m -w -1",
            "error: 2:35: -1 is no number from 0 to 2147483647 [ipvsadm-number]",
        ),
        (
            "-e -t 1.2.3.4:80 -r 1.1.1.1 -m",
            "warning: 2:21: 1.1.1.1:80 was not added before; ipvsadm refuses to edit it, here it is added [ipvsadm-edit-unknown]",
        ),
        (
            "-a -t 1.2.3.4:80 -r 1.1.1.1 -m\n-a -t 1.2.3.4:80 -r 1.1.1.1 -m -w 9",
            "warning: 3:21: the real server 1.1.1.1:80 is added again; ipvsadm refuses that, and the first line counts [ipvsadm-server-again]",
        ),
        (
            "-d -t 1.2.3.4:80 -r 1.1.1.1:80",
            "warning: 2:21: 1.1.1.1:80 was not added before, so there is nothing to delete [ipvsadm-delete-unknown]",
        ),
    ];
    let with_service = servers.iter().map(|(line, expected)| (format!("{service}{line}"), *expected));
    for (text, expected) in cases.iter().map(|(text, e)| ((*text).to_owned(), *e)).chain(with_service) {
        let (table, findings) = read(&text);
        assert_eq!(said(&findings), [expected], "{text}");
        assert_eq!(table.is_some(), expected.starts_with("warning"), "{text}");
    }
}

#[test]
fn every_wrong_line_is_named_not_only_the_first() {
    let (table, findings) = read("-A -t a:1\n-A -t 1.2.3.4:80\n-A -t 1.2.3.4:81 -s x -w 1\n-Q\n");
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(table, None);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("1:7") && lines[1].starts_with("3:") && lines[2].starts_with("4:1"));
}

#[test]
fn columns_count_characters() {
    let (_, findings) = read("-A\u{a0}-t\u{3000}名:80");
    assert_eq!(
        said(&findings),
        [
            "warning: 1:3: U+00A0 was read as a blank; to the original it is part of a word [odd-blank]",
            "error: 1:7: 名:80 is no address with a port: numbers, names, or an IPv6 address in brackets [ipvsadm-address]",
        ]
    );
}

#[test]
fn a_table_becomes_a_cluster_to_go_on_with() {
    let text = "-A -t 192.168.91.141:80 -s wrr -p 120\n\
                -a -t 192.168.91.141:80 -r 192.168.81.142:8080 -m -w 1\n\
                -a -t 192.168.91.141:80 -r 192.168.81.143:80 -m -w 70000\n\
                -a -t 192.168.91.141:80 -r 192.168.81.144:80 -g -w 1 -x 50\n\
                -A -f 6 -6 -s sh -b sh-port\n";
    let (cluster, findings) = read_cluster(text);
    assert_eq!(
        said(&findings),
        [
            "warning: no director is named, so nothing will forward traffic [directors-missing]",
            "warning: 1:7: no device is given, so 192.168.91.141 is not put on any interface here; the host or its \
             router must already have it [vip-unmanaged]",
            "warning: 3:28: the weight 70000 is above 65535, which is used instead [ipvsadm-weight]",
        ]
    );
    let cluster = cluster.unwrap();
    assert_eq!(cluster.global.forwarding, Forwarding::Nat);
    let [web, mark] = &cluster.virtual_servers[..] else { panic!("two services") };
    assert_eq!((web.name.as_str(), web.port), ("tcp 192.168.91.141:80", 80));
    assert_eq!((mark.name.as_str(), mark.port), ("fwmark 6 ipv6", 0));
    let reals: Vec<_> =
        web.real_servers.iter().map(|r| (r.name.as_str(), r.port, r.weight, r.forwarding)).collect();
    assert_eq!(
        reals,
        [
            ("192.168.81.142:8080", Some(8080), Weight(1), None),
            ("192.168.81.143:80", None, Weight(65_535), None),
            ("192.168.81.144:80", None, Weight(1), Some(Forwarding::Direct)),
        ]
    );
}

#[test]
fn a_mask_with_gaps_is_no_cluster() {
    let (cluster, findings) = read_cluster("-A -t 1.2.3.4:80 -p 9 -M 255.0.255.0\n");
    assert_eq!(cluster, None);
    assert!(
        said(&findings).contains(
            &"error: 1:7: the mask 255.0.255.0 has gaps; a prefix length is needed [ipvsadm-mask-gaps]"
                .to_owned()
        )
    );
}

#[test]
fn a_text_without_end_is_refused() {
    let text = "#".repeat(lvs::format::ipvsadm::TEXT_MAXIMUM + 1);
    let (table, findings) = read(&text);
    assert_eq!((table, findings.len()), (None, 1));
}

proptest! {
    #![proptest_config(random::config())]

    #[test]
    fn a_table_survives_its_text(table in random::table()) {
        let text = save(&table);
        let (read, findings) = read(&text);
        let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
        prop_assert_eq!(errors, Vec::<&lvs::Finding>::new(), "{}", text);
        prop_assert_eq!(read.unwrap(), table);
    }

    #[test]
    fn a_cluster_made_of_a_text_asks_for_the_same_table(cluster in random::cluster()) {
        let table = desired(&cluster, Seat::Primary, Holding::TableOnly, &Standings::default()).table;
        let text = save(&table);
        let (drafted, findings) = read_cluster(&text);
        prop_assert!(drafted.is_some(), "{:?}\n{}", said(&findings), text);
        let again = desired(&drafted.unwrap().validate().unwrap(), Seat::Primary, Holding::TableOnly, &Standings::default()).table;
        prop_assert_eq!(save(&again), text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(-[AaEeDdCtufrsp6Mobgimxyw]| |[0-9:.,]|--tun-(type|port) |\\[::1\\]|wlc|\n|\\PC){0,60}") {
        let (table, findings) = read(&text);
        prop_assert_eq!(table.is_none(), findings.iter().any(|f| f.severity == Severity::Error));
        let _ = read_cluster(&text);
    }
}
