//! Notices of changed links and addresses; only Linux has them.

use std::time::Duration;

use kernel::events::Events;

use crate::bench::{Needs, linux_runs};
use crate::namespace::{self, run};

/// Long enough for an event that must come.
const LONG: Duration = Duration::from_secs(10);
/// How long nothing must happen.
const SHORT: Duration = Duration::from_millis(300);

fn settled(events: &mut Events) {
    while events.wait(SHORT).unwrap() {}
}

#[test]
fn changes_wake_and_refreshes_do_not() {
    if !linux_runs(Needs::Network) {
        return;
    }
    namespace::inside(|| {
        namespace::cable("cut0");
        run(&["ip", "link", "set", "cut0", "down"]);
        let mut events = Events::open().unwrap();
        settled(&mut events);
        let lease = |verb, seconds| {
            run(&[
                "ip",
                "address",
                verb,
                "192.0.2.1/32",
                "dev",
                "cut0",
                "valid_lft",
                seconds,
                "preferred_lft",
                seconds,
            ]);
        };
        let steps: [(&str, bool, &dyn Fn()); 9] = [
            ("link up", true, &|| drop(run(&["ip", "link", "set", "cut0", "up"]))),
            ("address", true, &|| lease("add", "100")),
            ("refresh", false, &|| lease("change", "200")),
            ("for ever", false, &|| lease("change", "forever")),
            ("refresh again", false, &|| lease("change", "50")),
            ("another address", true, &|| {
                drop(run(&["ip", "address", "add", "2001:db8::1/128", "dev", "cut0", "nodad"]))
            }),
            ("address gone", true, &|| drop(run(&["ip", "address", "del", "192.0.2.1/32", "dev", "cut0"]))),
            ("link down", true, &|| drop(run(&["ip", "link", "set", "cut0", "down"]))),
            ("link gone", true, &|| drop(run(&["ip", "link", "del", "cut0"]))),
        ];
        for (what, wakes, step) in steps {
            step();
            let timeout = if wakes { LONG } else { SHORT };
            assert_eq!(events.wait(timeout).unwrap(), wakes, "{what}");
            settled(&mut events);
        }
    });
}

#[test]
fn lost_events_count_as_a_change() {
    if !linux_runs(Needs::Network) {
        return;
    }
    namespace::inside(|| {
        namespace::cable("cut0");
        let mut events = Events::open().unwrap();
        settled(&mut events);
        // Far more events than the receive buffer holds; in the end nothing is different.
        let mut kernel = kernel::LinuxKernel::without_ipvs().unwrap();
        let key = |last: u32| lvs::table::AddressKey {
            interface: "cut0".to_owned(),
            address: std::net::Ipv4Addr::from_bits(0xc612_0000 + last).into(),
            prefix: 32,
        };
        let adds: Vec<_> = (1..2000)
            .map(|last| lvs::plan::Step::AddAddress { key: key(last), row: Default::default() })
            .collect();
        let removes: Vec<_> =
            (1..2000).map(|last| lvs::plan::Step::RemoveAddress { key: key(last) }).collect();
        use kernel::Kernel as _;
        for result in kernel.apply(&adds).into_iter().chain(kernel.apply(&removes)) {
            result.unwrap();
        }
        assert!(events.wait(LONG).unwrap());
        settled(&mut events);
        run(&["ip", "address", "add", "192.0.2.1/32", "dev", "cut0"]);
        assert!(events.wait(LONG).unwrap(), "it goes on working");
    });
}
