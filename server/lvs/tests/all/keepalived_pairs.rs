//! Two keepalived.conf files, one for each node: what they say differently is named, and what holds them apart.

use lvs::format::{Outcome, Source, keepalived};

use crate::keepalived_texts::said;

fn read(one: &str, two: &str) -> Outcome {
    keepalived::read(&[Source { name: "a", text: one }, Source { name: "b", text: two }], None)
}

fn node(priority: u8, body: &str) -> String {
    format!(
        "vrrp_instance V {{\n interface eth0\n virtual_router_id 51\n priority {priority}\n virtual_ipaddress {{\n  192.0.2.1\n }}\n{body}}}\n"
    )
}

fn unicast(own: &str, peers: &str) -> String {
    format!(" unicast_src_ip {own}\n unicast_peer {{\n  {peers}\n }}\n")
}

#[test]
fn partners_that_do_not_send_to_each_other_are_told() {
    let code = "keepalived-split-peer";
    let (one, two) = (unicast("192.0.2.10", "192.0.2.20"), unicast("192.0.2.20", "192.0.2.10"));
    for (first, second, told) in [
        (one.as_str(), two.as_str(), vec![]),
        (&unicast("192.0.2.10", "192.0.2.20\n  192.0.2.21"), &two, vec![]),
        (&unicast("192.0.2.10", "192.0.2.99"), &two, vec!["a:9"]),
        (&one, &unicast("192.0.2.20", "192.0.2.99"), vec!["b:9"]),
        (&unicast("192.0.2.11", "192.0.2.20"), &two, vec!["b:9"]),
        // What a node sends from is not known.
        (&one, " unicast_peer {\n  192.0.2.99\n }\n", vec!["b:8"]),
        (" unicast_peer {\n  192.0.2.20\n }\n", " unicast_peer {\n  192.0.2.10\n }\n", vec![]),
    ] {
        let outcome = read(&node(150, first), &node(100, second));
        let found: Vec<_> = said(&outcome)
            .into_iter()
            .filter_map(|line| Some(line.strip_suffix(code)?.trim().to_owned()))
            .collect();
        assert_eq!(found, told, "{first}{second}: {:?}", said(&outcome));
        assert!(outcome.is_usable());
    }
}

#[test]
fn times_that_are_apart_are_told_as_what_they_are() {
    for (version, one, two, code) in [
        (2, "1", "3", Some("keepalived-split")),
        (2, "2", "2", None),
        (3, "1", "3", Some("keepalived-second-apart")),
        (3, "1", "2", Some("keepalived-nodes-differ")),
        (3, "0.5", "0.7", Some("keepalived-nodes-differ")),
        (3, "0.5", "0.5", None),
    ] {
        let body = |interval: &str| format!(" version {version}\n advert_int {interval}\n");
        let outcome = read(&node(150, &body(one)), &node(100, &body(two)));
        let found: Vec<_> = said(&outcome).into_iter().filter(|line| line.starts_with("b:9 ")).collect();
        let told: Vec<_> = code.into_iter().map(|code| format!("b:9 {code}")).collect();
        assert_eq!(found, told, "{version} {one} {two}: {:?}", said(&outcome));
        let interval = outcome.cluster.unwrap().redundancy.interval_ms;
        assert_eq!(interval, (one.parse::<f64>().unwrap() * 1_000.0) as u32);
    }
}

#[test]
fn what_only_the_second_file_says_is_named() {
    let service = |body: &str, server: &str| {
        format!(
            "virtual_server 192.0.2.1 80 {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n{body} real_server 10.0.0.1 80 {{\n{server} }}\n}}\n"
        )
    };
    let kept = "keepalived-nodes-kept";
    let (plain, track) = (node(150, ""), node(100, " garp_master_delay 9\n"));
    let outcome = read(&plain, &track);
    let lines = said(&outcome);
    assert!(lines.contains(&format!("b:1 {kept}")), "{lines:?}");
    let cluster = outcome.cluster.unwrap();
    assert!(cluster.kept.contains_key("keepalived:backup/vrrp_instance V/garp_master_delay"));
    let (one, two) =
        (plain.clone() + &service("", ""), node(100, "") + &service(" omega\n", "  notify_up /x\n"));
    let lines = said(&read(&one, &two));
    assert_eq!(lines.iter().filter(|line| line.ends_with(kept)).count(), 2, "{lines:?}");
    assert!(lines.contains(&format!("b:9 {kept}")) && lines.contains(&format!("b:14 {kept}")), "{lines:?}");
    // A service and a time of it.
    let lines = said(&read(&plain, &two));
    assert!(lines.contains(&"b:9 keepalived-only".to_owned()), "{lines:?}");
    let slow = service(" delay_loop 20\n", "  TCP_CHECK {\n  }\n");
    let fast = service(" delay_loop 5\n", "  TCP_CHECK {\n  }\n");
    let lines = said(&read(&(plain + &slow), &(node(100, "") + &fast)));
    assert!(
        lines.iter().any(|line| line.starts_with("b:") && line.ends_with("keepalived-nodes-differ")),
        "{lines:?}"
    );
}
