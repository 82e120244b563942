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
