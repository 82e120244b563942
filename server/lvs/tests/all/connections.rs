//! Which connections a director that gives its addresses away sends to its partner's kernel, and in which order.

use std::collections::BTreeSet;

use lvs::connections::{Choice, Chosen, Connection, ConnectionState};
use lvs::format::ipvsadm;
use lvs::table::{Forward, KernelTimeouts, Table};

const TIMEOUTS: KernelTimeouts = KernelTimeouts { tcp: 900, tcpfin: 120, udp: 300 };

fn table(text: &str) -> Table {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (rows, findings) = ipvsadm::read(&lines.join("\n"));
    rows.unwrap_or_else(|| panic!("{findings:?}"))
}

/// `tcp|udp|ip CLIENT SERVICE SERVER STATE LEFT`
fn connection(text: &str) -> Connection {
    let words: Vec<&str> = text.split(' ').collect();
    let protocol = match words[0] {
        "tcp" => 6,
        "udp" => 17,
        _ => 0,
    };
    let place = |at: usize| words[at].parse::<std::net::SocketAddr>().unwrap();
    let client = place(1);
    Connection {
        protocol,
        client,
        service: place(2),
        server: place(3),
        state: ConnectionState::of(protocol, words[4], client.port() == 0).unwrap(),
        left_s: words[5].parse().unwrap(),
    }
}

fn choose(table: &Table, helped: &[(u8, u16)], most: usize, lines: &[&str]) -> Chosen {
    let helped: BTreeSet<(u8, u16)> = helped.iter().copied().collect();
    let mut choice = Choice::new(table, TIMEOUTS, &helped, most);
    lines.iter().for_each(|line| choice.consider(connection(line)));
    choice.finish()
}

const WEB: &str = "
    -A -t 192.0.2.1:80 -s wlc -p 300
    -a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1
    -a -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 1
    -A -u 192.0.2.1:53 -s rr
    -a -u 192.0.2.1:53 -r 10.0.0.1:53 -g -w 1
";

/// The clients' ports, in the order of sending.
fn ports(chosen: &Chosen) -> Vec<u16> {
    chosen.copies.iter().map(|copied| copied.connection.client.port()).collect()
}

#[test]
fn what_moved_last_goes_first_whatever_its_timeout_is() {
    let chosen = choose(
        &table(WEB),
        &[],
        100,
        &[
            "tcp 198.51.100.1:1001 192.0.2.1:80 10.0.0.1:80 ESTABLISHED 100",
            "tcp 198.51.100.1:1002 192.0.2.1:80 10.0.0.1:80 ESTABLISHED 898",
            "tcp 198.51.100.1:1003 192.0.2.1:80 10.0.0.2:80 SYN_RECV 59",
            "udp 198.51.100.1:1004 192.0.2.1:53 10.0.0.1:53 UDP 300",
            "tcp 198.51.100.1:1005 192.0.2.1:80 10.0.0.2:80 FIN_WAIT 119",
            "tcp 198.51.100.1:1006 192.0.2.1:80 10.0.0.2:80 ESTABLISHED 899",
            "tcp 198.51.100.0:0 192.0.2.1:80 10.0.0.2:80 ASSURED 299",
        ],
    );
    // Within a second: connections, then what binds clients, then what is ending.
    assert_eq!(ports(&chosen), [1004, 1003, 1006, 0, 1005, 1002, 1001]);
    assert_eq!(chosen.left_out, 0);
}

#[test]
fn a_life_goes_on_where_it_was_and_a_template_keeps_all_of_its() {
    let lines = [
        "tcp 198.51.100.1:1001 192.0.2.1:80 10.0.0.1:80 ESTABLISHED 100",
        "tcp 198.51.100.1:1002 192.0.2.1:80 10.0.0.1:80 SYN_RECV 0",
        "tcp 198.51.100.0:0 192.0.2.1:80 10.0.0.2:80 NONE 7",
    ];
    let chosen = choose(&table(WEB), &[], 100, &lines);
    let lives: Vec<(u16, u32)> =
        chosen.copies.iter().map(|copied| (copied.connection.client.port(), copied.life_s)).collect();
    assert_eq!(lives, [(1002, 1), (0, 300), (1001, 100)]);
}

#[test]
fn what_ended_long_ago_and_what_belongs_to_nothing_stays() {
    let chosen = choose(
        &table(WEB),
        &[],
        100,
        &[
            "tcp 198.51.100.1:1001 192.0.2.1:80 10.0.0.1:80 TIME_WAIT 100",
            "tcp 198.51.100.1:1002 192.0.2.1:80 10.0.0.1:80 CLOSE_WAIT 55",
            "tcp 198.51.100.1:1003 192.0.2.1:443 10.0.0.1:443 ESTABLISHED 899",
            "tcp 198.51.100.1:1004 192.0.2.1:80 10.0.0.9:80 ESTABLISHED 899",
        ],
    );
    assert_eq!(ports(&chosen), [1004, 1002], "a removed real server's connections go on as the others'");
    assert_eq!(chosen.copies[0].forward, Forward::Masquerade);
    assert_eq!(chosen.left_out, 2);
}

#[test]
fn of_more_than_can_be_sent_the_oldest_stay() {
    let lines: Vec<String> = (0..50_u16)
        .map(|n| format!("tcp 198.51.100.1:{} 192.0.2.1:80 10.0.0.1:80 ESTABLISHED {}", 1000 + n, 850 + n))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let chosen = choose(&table(WEB), &[], 10, &lines);
    assert_eq!(ports(&chosen), (1040..1050).rev().collect::<Vec<u16>>());
    assert_eq!(chosen.left_out, 40);
}

#[test]
fn a_mark_is_found_by_the_real_server_and_by_the_template() {
    let rows = table(
        "
        -A -f 5 -s rr -p 60
        -a -f 5 -r 10.0.0.1:0 -g -w 1
        -A -f 6 -s rr
        -a -f 6 -r 10.0.0.2:0 -i -w 1
        -A -f 7 -s rr
        -a -f 7 -r 10.0.0.3:0 -g -w 1
        -A -f 8 -s rr
        -a -f 8 -r 10.0.0.3:0 -g -w 1
        -A -f 9 -s rr
        -a -f 9 -r 10.0.0.4:0 -g -w 1
        -A -f 10 -s rr
        -a -f 10 -r 10.0.0.4:0 -i -w 1
        ",
    );
    let of = |line: &str| {
        choose(&rows, &[], 9, &[line]).copies.first().map(|copied| (copied.mark, copied.forward))
    };
    assert_eq!(
        of("tcp 198.51.100.1:1001 192.0.2.7:443 10.0.0.1:443 ESTABLISHED 899"),
        Some((5, Forward::Direct))
    );
    let tunnel = of("udp 198.51.100.1:1001 192.0.2.7:53 10.0.0.2:53 UDP 299").unwrap();
    assert!(matches!(tunnel, (6, Forward::Tunnel(_))), "{tunnel:?}");
    assert_eq!(of("ip 198.51.100.0:0 0.0.0.5:0 10.0.0.1:0 ASSURED 59"), Some((5, Forward::Direct)));
    assert_eq!(of("ip 198.51.100.0:0 0.0.0.6:0 10.0.0.2:0 ASSURED 59"), None, "it binds nobody");
    let either = of("tcp 198.51.100.1:1001 192.0.2.7:443 10.0.0.3:443 ESTABLISHED 899");
    assert_eq!(either, Some((0, Forward::Direct)), "both lead there in the same way");
    let neither = of("tcp 198.51.100.1:1001 192.0.2.7:443 10.0.0.4:443 ESTABLISHED 899");
    assert_eq!(neither, None, "which way cannot be known");
}

#[test]
fn connections_that_a_helper_may_have_shifted_are_left_to_the_kernel() {
    let rows = table(
        "
        -A -t 192.0.2.1:21 -s rr -p 300
        -a -t 192.0.2.1:21 -r 10.0.0.1:21 -m -w 1
        -a -t 192.0.2.1:21 -r 10.0.0.2:21 -g -w 1
        ",
    );
    let lines = [
        "tcp 198.51.100.1:1001 192.0.2.1:21 10.0.0.1:21 ESTABLISHED 899",
        "tcp 198.51.100.1:1002 192.0.2.1:21 10.0.0.1:21 SYN_RECV 59",
        "tcp 198.51.100.1:1003 192.0.2.1:21 10.0.0.2:21 ESTABLISHED 899",
        "tcp 198.51.100.1:1004 192.0.2.1:20 10.0.0.1:20 ESTABLISHED 899",
        "tcp 198.51.100.1:1005 192.0.2.1:40000 10.0.0.1:40000 ESTABLISHED 899",
    ];
    assert_eq!(ports(&choose(&rows, &[(6, 21)], 9, &lines)), [1002, 1003, 1004, 1005]);
    assert_eq!(ports(&choose(&rows, &[], 9, &lines)).len(), 5, "without a helper nothing is shifted");
}

#[test]
fn ipv6_and_a_service_of_all_ports() {
    let rows = table(
        "
        -A -t [2001:db8::1]:0 -s rr -p 300
        -a -t [2001:db8::1]:0 -r [2001:db8:1::1]:0 -g -w 1
        ",
    );
    let chosen = choose(
        &rows,
        &[],
        9,
        &[
            "tcp [2001:db8:9::1]:1001 [2001:db8::1]:8443 [2001:db8:1::1]:8443 ESTABLISHED 899",
            "tcp [2001:db8:9::]:0 [2001:db8::1]:0 [2001:db8:1::1]:0 ASSURED 299",
            "tcp 198.51.100.1:1001 192.0.2.1:80 [2001:db8:1::1]:80 ESTABLISHED 899",
        ],
    );
    assert_eq!((ports(&chosen), chosen.left_out), (vec![1001, 0], 1));
}
