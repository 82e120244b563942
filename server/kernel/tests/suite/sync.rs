//! Daemons of connection sync.

use std::net::IpAddr;

use kernel::Kind;
use lvs::plan::Step;
use lvs::table::{SyncRole, SyncRow};

use crate::bench::{Bench, add};

fn start(role: SyncRole, interface: &str, id: u8) -> Step {
    let row = SyncRow { interface: interface.to_owned(), id, ..SyncRow::default() };
    Step::StartSync { role, row }
}

pub(crate) fn daemons_come_and_go(bench: &mut Bench) {
    bench.link("cut0");
    let address = Step::AddAddress { key: "cut0 10.9.9.1/24".parse().unwrap(), row: Default::default() };
    bench.succeed(&[address, start(SyncRole::Backup, "cut0", 7)]);
    let found = bench.observe(&[]).sync;
    let asked = SyncRow { interface: "cut0".to_owned(), id: 7, ..SyncRow::default() };
    assert!(asked.fits(&found[&SyncRole::Backup]), "{found:?}");
    let group = Some(IpAddr::from([224, 0, 0, 81]));
    let there = &found[&SyncRole::Backup];
    assert_eq!((there.group, there.port, there.ttl, found.len()), (group, 8848, 1, 1));
    bench.refuse(
        start(SyncRole::Backup, "cut0", 7),
        Kind::Exists,
        "start the backup sync daemon on cut0: such a daemon runs already",
    );
    let row = SyncRow { maxlen: 1000, port: 8849, ttl: 3, interface: "cut0".to_owned(), ..asked };
    bench.succeed(&[Step::StartSync { role: SyncRole::Master, row: row.clone() }]);
    let found = bench.observe(&[]).sync;
    assert_eq!(found[&SyncRole::Master], SyncRow { group, ..row });
    bench.succeed(&[Step::StopSync { role: SyncRole::Backup }, Step::StopSync { role: SyncRole::Master }]);
    assert!(bench.observe(&[]).sync.is_empty());
    let nothing = "stop the master sync daemon: no such daemon runs";
    bench.refuse(Step::StopSync { role: SyncRole::Master }, Kind::Gone, nothing);
}

pub(crate) fn what_the_kernel_refuses_of_daemons(bench: &mut Bench) {
    bench.link("cut0");
    bench.refuse(
        start(SyncRole::Master, "nosuch0", 0),
        Kind::Gone,
        "start the master sync daemon on nosuch0: there is no interface nosuch0",
    );
    let missing = "start the master sync daemon on 10.0.0.1: no interface holds 10.0.0.1, the path between the directors";
    bench.refuse(start(SyncRole::Master, "10.0.0.1", 0), Kind::Gone, missing);
    let mixed = "
        -A -t 192.0.2.1:80 -s wlc
        -a -t 192.0.2.1:80 -r [2001:db8::1]:80 -i -w 1
    ";
    bench.succeed(&add(mixed));
    let why = "a real server of another address family than its service excludes connection sync";
    let words = format!("start the backup sync daemon on cut0: {why}");
    bench.refuse(start(SyncRole::Backup, "cut0", 0), Kind::Invalid, &words);
}
