//! When drift is repaired: delays, fights, policies, and what is no drift.

use std::collections::BTreeSet;

use lvs::drift::{Decision, Pace, Watch, found};
use lvs::model::DriftPolicy::{Hold, Repair};
use lvs::plan::{Row, Step};
use lvs::table::{AddressKey, Observed, ServerKey, ServiceKey};
use serde_json::json;

const PACE: Pace = Pace { first_ms: 1_000, longest_ms: 60_000 };

fn service(text: &str) -> ServiceKey {
    text.parse().unwrap()
}

/// A real server too many.
fn extra(key: &str) -> Step {
    let server: ServerKey = "10.0.0.9:80".parse().unwrap();
    Step::RemoveServer { service: service(key), key: server }
}

/// A service that is gone.
fn gone(key: &str) -> Step {
    let row = serde_json::from_value(json!({"scheduler": "wlc"})).unwrap();
    Step::AddService { key: service(key), row }
}

fn address(key: &str) -> Step {
    let key: AddressKey = key.parse().unwrap();
    Step::AddAddress { key, row: Default::default() }
}

fn rows(steps: &[Step]) -> BTreeSet<Row> {
    steps.iter().map(Row::of).collect()
}

/// A watch over a kernel that was once right.
fn settled() -> Watch {
    let mut watch = Watch::new(PACE, false);
    watch.verified(&[]);
    watch
}

fn waiting(decision: &Decision) -> Vec<String> {
    decision.drift.iter().map(|drifting| drifting.row.to_string()).collect()
}

const WEB: &str = "tcp 192.0.2.1:80";

#[test]
fn a_new_configuration_never_waits() {
    let mut watch = Watch::new(PACE, false);
    let steps = vec![gone(WEB), address("eth0 192.0.2.1/32")];
    let decision = watch.decide(steps.clone(), Hold, 0);
    assert_eq!((decision.now, decision.drift.len()), (steps.clone(), 0));
    assert!(watch.repaired(&rows(&steps), 0).is_empty(), "what was asked for is no repair");
    let mut watch = settled();
    assert!(watch.decide(steps.clone(), Hold, 0).now.is_empty());
    watch.renew();
    assert_eq!(watch.decide(steps.clone(), Hold, 0).now, steps);
}

#[test]
fn drift_is_shown_and_repaired_after_the_delay() {
    let mut watch = settled();
    let decision = watch.decide(vec![extra(WEB)], Repair, 5_000);
    assert!(decision.now.is_empty());
    assert_eq!(decision.until_ms, Some(6_000));
    assert_eq!((decision.drift[0].since_ms, decision.drift[0].due_ms), (5_000, Some(6_000)));
    assert!(watch.decide(vec![extra(WEB)], Repair, 5_999).now.is_empty(), "the delay does not begin anew");
    let decision = watch.decide(vec![extra(WEB)], Repair, 6_000);
    assert_eq!((decision.now, decision.drift.len()), (vec![extra(WEB)], 0));
    assert_eq!(watch.repaired(&rows(&[extra(WEB)]), 6_000), [(Row::Service(service(WEB)), 1)]);
}

/// The moments (seconds) at which a row that drifts again at once is repaired, within ten minutes.
#[test]
fn a_fight_is_fought_less_and_less_often_and_forgotten_when_it_ends() {
    let mut watch = settled();
    let mut moments = Vec::new();
    for second in 0..600_u64 {
        let decision = watch.decide(vec![extra(WEB)], Repair, second * 1_000);
        if !decision.now.is_empty() {
            moments.push(second);
            let times = watch.repaired(&rows(&decision.now), second * 1_000);
            assert_eq!(times[0].1 as usize, moments.len());
        }
    }
    assert_eq!(moments, [1, 4, 9, 18, 35, 68, 129, 190, 251, 312, 373, 434, 495, 556]);
    let quiet = 556_000 + 2 * 60_000 + 60_000;
    assert!(watch.decide(vec![], Repair, quiet).drift.is_empty());
    let decision = watch.decide(vec![extra(WEB)], Repair, quiet);
    assert_eq!(decision.until_ms, Some(quiet + 1_000));
}

#[test]
fn others_are_not_held_back_and_the_order_stays() {
    let mut watch = Watch::new(PACE, false);
    // One row has never taken; another drifts.
    watch.verified(&[gone("udp 192.0.2.1:53")]);
    let steps = vec![gone("udp 192.0.2.1:53"), extra(WEB), extra("udp 192.0.2.1:53")];
    let decision = watch.decide(steps, Repair, 0);
    assert_eq!(decision.now, [gone("udp 192.0.2.1:53"), extra("udp 192.0.2.1:53")]);
    assert_eq!(waiting(&decision), [WEB]);
    // Once it has taken, it drifts like the others.
    watch.verified(&[]);
    assert_eq!(watch.decide(vec![gone("udp 192.0.2.1:53")], Repair, 0).now, []);
}

#[test]
fn held_rows_wait_for_a_person_however_long_it_takes() {
    let mut watch = settled();
    let dns = "udp 192.0.2.2:53";
    let steps = || vec![extra(WEB), extra(dns), Step::SetTimeouts { timeouts: Default::default() }];
    for now in [0, 1_000, 100_000_000] {
        let decision = watch.decide(steps(), Hold, now);
        assert_eq!((decision.now.len(), decision.until_ms), (0, None));
        assert_eq!(waiting(&decision), [WEB, dns, "session timeouts"]);
        assert!(decision.drift.iter().all(|drifting| drifting.since_ms == 0));
    }
    watch.approve(&BTreeSet::from([Row::Service(service(dns))]));
    let decision = watch.decide(steps(), Hold, 100_000_001);
    assert_eq!(decision.now, [extra(dns)]);
    watch.repaired(&rows(&decision.now), 100_000_001);
    assert_eq!(waiting(&watch.decide(steps(), Hold, 100_000_002)), [WEB, dns, "session timeouts"]);
    watch.approve(&BTreeSet::new());
    assert_eq!(watch.decide(steps(), Hold, 100_000_003).now, steps());
    // What was approved and went right by itself is not approved for ever.
    watch.decide(vec![], Hold, 100_000_004);
    assert!(watch.decide(steps(), Hold, 100_000_005).now.is_empty());
}

#[test]
fn addresses_and_parameters_are_repaired_under_either_policy() {
    let mut watch = settled();
    let parameter = Step::SetSysctl { name: "net.ipv4.conf.eth0.x".into(), value: "1".into() };
    let steps = vec![parameter, address("eth0 192.0.2.1/32")];
    assert!(watch.decide(steps.clone(), Hold, 0).now.is_empty());
    assert_eq!(watch.decide(steps.clone(), Hold, 1_000).now, steps);
}

#[test]
fn an_address_waits_with_the_service_it_would_lead_to() {
    let mut watch = settled();
    let steps = || vec![gone(WEB), address("eth0 192.0.2.1/32"), address("eth0 192.0.2.9/32")];
    watch.decide(steps(), Hold, 0);
    let decision = watch.decide(steps(), Hold, 2_000);
    assert_eq!(decision.now, [address("eth0 192.0.2.9/32")]);
    assert_eq!(waiting(&decision), [WEB, "eth0 192.0.2.1/32"]);
    assert_eq!(decision.drift[1].due_ms, None);
    watch.approve(&BTreeSet::from([Row::Service(service(WEB))]));
    assert_eq!(watch.decide(steps(), Hold, 2_001).now, steps());
}

#[test]
fn a_restarted_agent_goes_on_holding_what_is_changed_and_adds_what_is_missing() {
    let steps = vec![extra(WEB), gone("udp 192.0.2.1:53"), extra("tcp 192.0.2.3:80")];
    let mut watch = Watch::new(PACE, true);
    let decision = watch.decide(steps.clone(), Hold, 0);
    assert_eq!(decision.now, [gone("udp 192.0.2.1:53")]);
    watch.verified(&[extra(WEB), extra("tcp 192.0.2.3:80")]);
    assert_eq!(waiting(&watch.decide(vec![extra(WEB)], Hold, 1)), [WEB]);
    // A configuration that was never true here, or is to be repaired anyway, is made true.
    for (resumed, policy) in [(false, Hold), (true, Repair)] {
        assert_eq!(Watch::new(PACE, resumed).decide(steps.clone(), policy, 0).now, steps);
    }
}

#[test]
fn drift_is_said_as_the_kernel_holds_it() {
    let observed: Observed = serde_json::from_value(json!({
        "table": { WEB: {
            "row": {"scheduler": "rr"},
            "servers": {"10.0.0.9:80": {"forward": "masquerade", "weight": 7}},
        }},
        "addresses": {},
        "timeouts": {"tcp": 1, "tcpfin": 2, "udp": 3},
        "sysctls": {},
        "links": {},
    }))
    .unwrap();
    let steps = [
        Step::SetService {
            key: service(WEB),
            row: serde_json::from_value(json!({"scheduler": "wlc"})).unwrap(),
        },
        extra(WEB),
        gone("udp 192.0.2.1:53"),
        address("eth0 192.0.2.1/32"),
        Step::SetTimeouts { timeouts: Default::default() },
    ];
    let lines =
        ["-A -t 192.0.2.1:80 -s rr", "-a -t 192.0.2.1:80 -r 10.0.0.9:80 -m -w 7", "ipvsadm --set 1 2 3"];
    assert_eq!(found(&steps, &observed), lines);
}
