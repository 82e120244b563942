//! Connection sync as steps: who sends and who takes, in which order, and what a standby without it must not hold.

use crate::fixture::kernel::{Fail, ModelKernel};
use crate::fixture::{director, ip, real_server, virtual_server};
use lvs::health::Standings;
use lvs::model::{ConnectionSync, Forwarding, Redundancy, Seat};
use lvs::plan::{Holding, Ownership, desired, without_partner};
use lvs::table::{AddressKey, AddressRow, SyncRole, SyncRow};
use lvs::{Cluster, ValidCluster};

const OWN: &str = "eth1 10.0.0.2/24";
const LOOPBACK: &str = "lo 192.0.2.1/32";

fn pair(sync: ConnectionSync) -> ValidCluster {
    let cluster = Cluster {
        name: "pair".into(),
        directors: vec![
            director("a", Seat::Primary, "192.0.2.101", Some("10.0.0.1")),
            director("b", Seat::Backup, "192.0.2.102", Some("10.0.0.2")),
        ],
        redundancy: Redundancy { enabled: true, sync, ..Redundancy::default() },
        virtual_servers: vec![virtual_server("web", "192.0.2.1", 80)],
        ..Cluster::default()
    };
    cluster.validate().unwrap()
}

fn synced() -> ValidCluster {
    pair(ConnectionSync { enabled: true, id: 7, ..ConnectionSync::default() })
}

struct Machine {
    kernel: ModelKernel,
    ours: Ownership,
    cluster: ValidCluster,
}

impl Machine {
    fn new(cluster: ValidCluster, addresses: &[&str]) -> Machine {
        let mut kernel = ModelKernel::default();
        for key in addresses {
            kernel.add_address(&key.parse().unwrap(), AddressRow::default()).unwrap();
        }
        Machine { kernel, ours: Ownership::default(), cluster }
    }

    /// The steps of a pass that makes this true.
    fn become_(&mut self, holding: Holding) -> Vec<String> {
        let desired = desired(&self.cluster, Seat::Backup, holding, &Standings::default());
        let plan = self.kernel.pass(&desired, &mut self.ours, Fail::Nothing);
        plan.steps.iter().map(ToString::to_string).collect()
    }

    fn services(&self) -> usize {
        self.kernel.observed.table.services.len()
    }

    fn runs(&self) -> Vec<SyncRole> {
        self.kernel.observed.sync.keys().copied().collect()
    }
}

#[test]
fn a_director_takes_connections_as_standby_and_sends_them_as_active() {
    let mut machine = Machine::new(synced(), &[OWN]);
    let steps = machine.become_(Holding::TableOnly);
    assert_eq!(
        steps[..2],
        [
            "sysctl -w net.ipv4.vs.backup_only=1",
            "ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 7",
        ],
        "by default on the private path; the kernel does not schedule from the first service on"
    );
    assert_eq!(
        machine.become_(Holding::AddressesNew),
        [
            "sysctl -w net.ipv4.vs.backup_only=0",
            "ipvsadm --start-daemon master --mcast-interface eth1 --syncid 7",
            "ip addr add 192.0.2.1/32 dev eth0",
        ],
        "it schedules and sends before the first packet comes, and still takes what is on its way"
    );
    assert_eq!(
        machine.become_(Holding::Addresses),
        ["ipvsadm --stop-daemon backup", "sysctl -w net.ipv4.vs.backup_only=1"],
        "the parameter follows the daemon: the other way round the kernel would stop scheduling in between"
    );
    assert_eq!(
        machine.become_(Holding::TableOnlyNew),
        [
            "ip addr del 192.0.2.1/32 dev eth0",
            "ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 7",
        ],
        "what it has not sent yet goes on being sent"
    );
    assert_eq!(machine.become_(Holding::TableOnly), ["ipvsadm --stop-daemon master"]);
    assert_eq!(machine.runs(), [SyncRole::Backup]);
}

#[test]
fn a_partner_is_sent_nobody_before_the_kernel_begins_to_schedule() {
    let mut cluster = synced().cluster().clone();
    cluster.global.forwarding = Forwarding::Direct;
    let addresses = cluster.directors.iter().filter_map(|director| director.public);
    cluster.virtual_servers[0].real_servers =
        addresses.map(|address| real_server(&format!("s{address}"), &address.to_string())).collect();
    let mut machine = Machine::new(cluster.validate().unwrap(), &[OWN]);
    machine.become_(Holding::TableOnly);
    let spared = without_partner(&machine.cluster, Seat::Backup, &Standings::default()).unwrap();
    let desired = desired(&machine.cluster, Seat::Backup, Holding::AddressesNew, &spared);
    let steps = machine.kernel.pass(&desired, &mut machine.ours, Fail::Nothing).steps;
    let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps[..2],
        ["-e -t 192.0.2.1:80 -r 192.0.2.101:80 -g -w 0", "sysctl -w net.ipv4.vs.backup_only=0",],
        "the partner schedules until it has heard: what it is sent would come back"
    );
}

#[test]
fn a_changed_interface_or_id_starts_the_daemon_anew_and_switched_off_sync_ends_it() {
    let mut machine = Machine::new(synced(), &[OWN]);
    machine.become_(Holding::Addresses);
    machine.cluster = pair(ConnectionSync { enabled: true, interface: Some("eth2".parse().unwrap()), id: 7 });
    let start = "ipvsadm --start-daemon master --mcast-interface eth2 --syncid 7";
    assert_eq!(machine.become_(Holding::Addresses), ["ipvsadm --stop-daemon master", start]);
    machine.cluster = pair(ConnectionSync::default());
    assert_eq!(machine.become_(Holding::Addresses), ["ipvsadm --stop-daemon master"]);
    assert_eq!(machine.ours.sync.len(), 0);
}

#[test]
fn a_daemon_that_somebody_else_started_stays_until_sync_is_asked_for() {
    let mut machine = Machine::new(pair(ConnectionSync::default()), &[OWN]);
    let theirs = SyncRow { interface: "eth0".into(), id: 3, port: 8848, ..SyncRow::default() };
    machine.kernel.observed.sync.insert(SyncRole::Master, theirs.clone());
    machine.become_(Holding::Addresses);
    assert_eq!(machine.kernel.observed.sync[&SyncRole::Master], theirs);
    machine.cluster = synced();
    assert!(machine.become_(Holding::Addresses).contains(&"ipvsadm --stop-daemon master".to_owned()));
    assert_eq!(machine.kernel.observed.sync[&SyncRole::Master].interface, "eth1");
}

#[test]
fn without_sync_a_standby_with_the_address_on_lo_holds_its_service_only_while_it_is_active() {
    let mut machine = Machine::new(pair(ConnectionSync::default()), &[OWN, LOOPBACK]);
    machine.become_(Holding::TableOnly);
    assert_eq!(machine.services(), 0);
    let steps = machine.become_(Holding::AddressesNew);
    assert!(steps[0].starts_with("-A -t 192.0.2.1:80"), "{steps:?}");
    assert_eq!(steps[1..], ["ip addr add 192.0.2.1/32 dev eth0"]);
    machine.become_(Holding::TableOnlyNew);
    assert_eq!(machine.services(), 0);
    // The host's own address is never ours to touch, wherever it is.
    let lo: AddressKey = LOOPBACK.parse().unwrap();
    assert!(machine.kernel.observed.addresses.contains_key(&lo));
}

#[test]
fn with_sync_the_same_standby_is_warm_unless_the_daemon_cannot_run() {
    let mut machine = Machine::new(synced(), &[OWN, LOOPBACK]);
    machine.become_(Holding::TableOnly);
    assert_eq!((machine.services(), machine.runs()), (1, vec![SyncRole::Backup]));
    // The agent saw that it could not be started, and it does not run.
    machine.kernel.observed.sync.clear();
    let mut desired = desired(&machine.cluster, Seat::Backup, Holding::TableOnly, &Standings::default());
    desired.sync.as_mut().unwrap().refused = true;
    machine.kernel.pass(&desired, &mut machine.ours, Fail::Nothing);
    assert_eq!(machine.services(), 0);
    // The attempt of that pass succeeded: the service comes back with the next.
    machine.kernel.pass(&desired, &mut machine.ours, Fail::Nothing);
    assert_eq!(machine.services(), 1);
    assert_eq!(ip("192.0.2.1"), machine.cluster.cluster().virtual_servers[0].vip.as_ref().unwrap().address);
}
