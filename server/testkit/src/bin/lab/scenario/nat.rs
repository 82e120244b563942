//! Scenario A: a Piranha NAT pair, imported from its lvs.cf, in two joined directors.

use anyhow::{Result, bail};
use testkit::api;
use testkit::wait::{self, Seen};

use crate::network::{DIRECTORS, Servers};
use crate::stage::{CLUSTER, PATIENCE, Stage, addresses};

/// What both kernels must hold.
pub(crate) const TABLE: &str = "\
-A -t 192.168.1.250:80 -s wlc
-a -t 192.168.1.250:80 -r 10.0.0.100:80 -m -w 1
-a -t 192.168.1.250:80 -r 10.0.0.200:80 -m -w 1
";

/// The addresses that move.
const FLOATING: [&str; 2] = ["eth0 192.168.1.250/24", "eth1 10.0.0.254/16"];

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let (_console, api, _agents) = stage.cluster(&stage.scenario_a(Servers::Nat)?)?;
    for director in &DIRECTORS {
        stage.wait_for_table(director, TABLE)?;
    }
    let [primary, backup] = &DIRECTORS;
    let held = addresses(primary.namespace)?;
    for address in FLOATING {
        if !held.iter().any(|found| found == address) {
            bail!("{} does not hold {address}: {held:?}", primary.name);
        }
        if addresses(backup.namespace)?.iter().any(|found| found == address) {
            bail!("{} holds {address} as well", backup.name);
        }
    }
    stage.say("virtual address and NAT router are on the primary alone");
    stage.both_serve(60)?;

    // The kernel publishes its counters every two seconds.
    let counted = wait::until("counters of the requests", PATIENCE, || {
        let counters = api.get(&format!("/clusters/{CLUSTER}/status"))?;
        let connections = connections(&counters);
        Ok(if connections >= 60 { Seen::Yes(connections) } else { Seen::not_yet(connections) })
    })?;
    stage.both_serve(30)?;
    wait::until("counters that move on", PATIENCE, || {
        let counters = api.get(&format!("/clusters/{CLUSTER}/status"))?;
        let now = connections(&counters);
        Ok(if now >= counted + 30 { Seen::Yes(()) } else { Seen::not_yet(format!("{counted}, then {now}")) })
    })?;
    stage.say(&format!("the API counted {counted} connections, and more after more traffic"));
    let shown = stage.wait_in_sync(&api, primary)?;
    let state = api::text(&shown, "/live/status/state")?;
    if state != "active" {
        bail!("the primary says it is {state}");
    }
    Ok(())
}

/// Connections of all services on all directors, as the live view shows them.
fn connections(live: &serde_json::Value) -> u64 {
    let list = |value: &serde_json::Value, name: &str| {
        value.get(name).and_then(serde_json::Value::as_array).cloned().unwrap_or_default()
    };
    list(live, "counters")
        .iter()
        .flat_map(|director| list(director, "services"))
        .filter_map(|service| service.pointer("/totals/connections")?.as_u64())
        .sum()
}
