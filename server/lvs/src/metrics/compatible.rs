//! The names that existing dashboards ask for: node_exporter's `ipvs` collector and keepalived-exporter, unchanged.
//!
//! A director serves them for itself; a console, which knows many directors, does not. Where node_exporter runs on the
//! same host its own collector should be switched off (`--no-collector.ipvs`).

use std::net::IpAddr;

use super::text::{Exposition, Kind, Metric};
use crate::counters::{Counters, Totals};
use crate::table::ServiceKey;
use crate::wire::{State, Status};

macro_rules! metrics {
    ($( $id:ident = $kind:ident $name:literal $help:literal; )*) => { $(
        const $id: Metric = Metric { name: $name, help: $help, kind: Kind::$kind };
    )* };
}

metrics! {
    CONNECTIONS = Counter "node_ipvs_connections_total" "The total number of connections made.";
    IN_PACKETS = Counter "node_ipvs_incoming_packets_total" "The total number of incoming packets.";
    OUT_PACKETS = Counter "node_ipvs_outgoing_packets_total" "The total number of outgoing packets.";
    IN_BYTES = Counter "node_ipvs_incoming_bytes_total" "The total amount of incoming data.";
    OUT_BYTES = Counter "node_ipvs_outgoing_bytes_total" "The total amount of outgoing data.";
    ACTIVE = Gauge "node_ipvs_backend_connections_active" "The current active connections by local and remote address.";
    INACTIVE = Gauge "node_ipvs_backend_connections_inactive" "The current inactive connections by local and remote address.";
    WEIGHT = Gauge "node_ipvs_backend_weight" "The current backend weight by local and remote address.";
    UP = Gauge "keepalived_up" "1 while the director's agent runs.";
    STATE = Gauge "keepalived_vrrp_state" "State of the virtual router: 0 init, 1 backup, 2 master, 3 fault.";
}

/// What a kernel has forwarded in all since it was started, removed services included.
pub fn kernel_totals(exposition: &mut Exposition, totals: &Totals) {
    exposition.add(&CONNECTIONS, &[], totals.connections);
    exposition.add(&IN_PACKETS, &[], totals.in_packets);
    exposition.add(&OUT_PACKETS, &[], totals.out_packets);
    exposition.add(&IN_BYTES, &[], totals.in_bytes);
    exposition.add(&OUT_BYTES, &[], totals.out_bytes);
}

/// Rows of the table, and the state as a virtual router's; `instance` is what the cluster is called.
pub fn compatible(
    exposition: &mut Exposition,
    instance: &str,
    status: &Status,
    counters: Option<&Counters>,
    vips: &[(IpAddr, String)],
) {
    for (key, service) in counters.into_iter().flatten() {
        let (address, port, protocol, mark) = match key {
            ServiceKey::Address { protocol, address, port } => {
                (address.to_string(), port.to_string(), protocol.as_str().to_ascii_uppercase(), String::new())
            }
            // As /proc/net/ip_vs writes a mark, which is where node_exporter reads it.
            ServiceKey::Mark { mark, .. } => {
                (String::new(), "0".to_owned(), "FWM".to_owned(), format!("{mark:08X}"))
            }
        };
        for (server, counters) in &service.servers {
            let (remote, remote_port) = (server.address.to_string(), server.port.to_string());
            let labels = [
                ("local_address", address.as_str()),
                ("local_port", &port),
                ("remote_address", &remote),
                ("remote_port", &remote_port),
                ("proto", &protocol),
                ("local_mark", &mark),
            ];
            exposition.add(&ACTIVE, &labels, counters.active);
            exposition.add(&INACTIVE, &labels, counters.inactive);
            exposition.add(&WEIGHT, &labels, counters.weight);
        }
    }
    exposition.add(&UP, &[], 1_u32);
    let state: u32 = match status.state {
        State::Starting | State::Stopped => 0,
        State::Standby => 1,
        State::Active => 2,
        State::Fault => 3,
    };
    let vrid = status.heartbeat.as_ref().and_then(|heartbeat| heartbeat.routers.first());
    let vrid = vrid.map_or_else(String::new, |router| router.virtual_router_id.to_string());
    for (address, interface) in vips {
        let address = address.to_string();
        let labels = [("iname", instance), ("intf", interface), ("vrid", &vrid), ("ip_address", &address)];
        exposition.add(&STATE, &labels, state);
    }
}
