//! Our own names: what one director says of itself, its services and real servers.
//!
//! Labels `service` and `server` are names, as people gave them, beside the keys that make them one of a kind:
//! `key` and `address`. A row of a table that is not ours has its key for a name.

use std::collections::BTreeMap;

use super::text::{Exposition, Kind, Label, Metric};
use crate::counters::{Counters, Totals};
use crate::failover::Reason;
use crate::health::Verdict;
use crate::model::Cluster;
use crate::table::{ServerKey, ServiceKey};
use crate::wire::{CheckerStatus, Checks, State, Status};

const STATES: [State; 5] = [State::Starting, State::Standby, State::Active, State::Fault, State::Stopped];
const VERDICTS: [Verdict; 4] = [Verdict::Unknown, Verdict::Up, Verdict::Down, Verdict::ReEntering];

macro_rules! metrics {
    ($( $id:ident = $kind:ident $name:literal $help:literal; )*) => { $(
        const $id: Metric = Metric { name: $name, help: $help, kind: Kind::$kind };
    )* };
}

metrics! {
    BUILD = Gauge "caribe_build_info" "Always 1; the version is in the label.";
    STATE = Gauge "caribe_director_state" "1 for the state that the director is in.";
    STATE_SECONDS = Gauge "caribe_director_state_seconds" "How long it has been in that state.";
    REVISION = Gauge "caribe_config_revision" "The revision that the director holds.";
    IN_SYNC = Gauge "caribe_config_in_sync" "1 where its kernel holds all of that revision.";
    DRIFT = Gauge "caribe_drift_rows" "Rows of ours that somebody else changed.";
    FOREIGN = Gauge "caribe_foreign_services" "Services in its kernel that Caribe was never asked for.";
    FAILURES = Gauge "caribe_failed_steps" "Changes to its kernel that failed at the last pass.";
    WRITES = Counter "caribe_kernel_writes_total" "Changes asked of the kernel since the agent started.";
    HELD = Gauge "caribe_vip_held" "1 for each virtual address that the director holds.";
    EPOCH = Gauge "caribe_heartbeat_epoch" "Epoch of its claim, or the highest it knows.";
    READY = Gauge "caribe_heartbeat_ready" "1 where it could take over without losing connections that can be kept.";
    ON_HOLD = Gauge "caribe_heartbeat_held" "1 where its operator holds it.";
    PARTNER = Gauge "caribe_partner_state" "1 for the state that the partner says it is in.";
    DROPPED = Counter "caribe_heartbeat_dropped_total" "Packets of the heartbeat that were not followed, by reason, since it began.";
    CONCERNS = Gauge "caribe_heartbeat_concerns" "What is odd about the partner, or about not claiming.";
    LINK_FAULTS = Gauge "caribe_link_faults" "Interfaces that are needed and cannot be used.";
    CERTIFICATE = Gauge "caribe_agent_certificate_expiry_seconds" "When the agent's certificate ends, since 1970.";
    FAILOVERS = Counter "caribe_failovers_total" "How often the director became active, by the reason.";
    RELEASES = Counter "caribe_releases_total" "How often the director ceased to be active, by the reason.";
    CHECK_QUESTIONS = Gauge "caribe_check_questions" "Questions that are asked of real servers.";
    CHECKS_STUCK = Gauge "caribe_checks_stuck" "Real servers whose checker has had no result for several intervals.";
    CHECKS_TROUBLED = Gauge "caribe_checks_troubled" "Real servers that cannot be asked, for a reason on the director.";
    SERVICE_CONNECTIONS = Counter "caribe_service_connections_total" "Connections scheduled since the service was added.";
    SERVICE_IN_PACKETS = Counter "caribe_service_in_packets_total" "Packets towards its real servers.";
    SERVICE_OUT_PACKETS = Counter "caribe_service_out_packets_total" "Packets from its real servers; none with direct routing and tunnels.";
    SERVICE_IN_BYTES = Counter "caribe_service_in_bytes_total" "Bytes towards its real servers.";
    SERVICE_OUT_BYTES = Counter "caribe_service_out_bytes_total" "Bytes from its real servers; none with direct routing and tunnels.";
    SERVER_CONNECTIONS_TOTAL = Counter "caribe_server_connections_total" "Connections scheduled to the real server since it was added.";
    SERVER_IN_PACKETS = Counter "caribe_server_in_packets_total" "Packets towards the real server.";
    SERVER_OUT_PACKETS = Counter "caribe_server_out_packets_total" "Packets from the real server; none with direct routing and tunnels.";
    SERVER_IN_BYTES = Counter "caribe_server_in_bytes_total" "Bytes towards the real server.";
    SERVER_OUT_BYTES = Counter "caribe_server_out_bytes_total" "Bytes from the real server; none with direct routing and tunnels.";
    SERVER_CONNECTIONS = Gauge "caribe_server_connections" "Connections of the real server, by state.";
    SERVER_WEIGHT = Gauge "caribe_server_weight" "Weight of the real server in the kernel.";
    SERVER_HEALTH = Gauge "caribe_server_health" "1 for what the checks say of the real server.";
    SERVER_ORDERED = Gauge "caribe_server_ordered" "1 where an order holds for the real server.";
    PROBE_SECONDS = Gauge "caribe_probe_last_duration_seconds" "How long the last good answer of the real server took, by check.";
    SERVER_CERTIFICATE = Gauge "caribe_server_certificate_expiry_seconds" "When the real server's certificate ends, since 1970.";
}

/// How often a director became active and ceased to be since its agent started, by the reason; none where its seat
/// alone decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    active: BTreeMap<Option<Reason>, u64>,
    released: BTreeMap<Option<Reason>, u64>,
}

impl Tally {
    /// The state changed.
    pub fn moved(&mut self, from: State, to: State, reason: Option<Reason>) {
        let reasons = match (from, to) {
            (from, to) if from == to => return,
            (_, State::Active) => &mut self.active,
            (State::Active, _) => &mut self.released,
            _ => return,
        };
        *reasons.entry(reason).or_default() += 1;
    }
}

/// The reason as the API writes it.
fn word(reason: Option<Reason>) -> String {
    let word = serde_json::to_value(reason).unwrap_or_default();
    word.as_str().unwrap_or("seat").to_owned()
}

/// What is known of one director.
#[derive(Clone, Copy, Debug)]
pub struct DirectorView<'a> {
    /// Its status.
    pub status: &'a Status,
    /// Its cluster, for the names of services and real servers.
    pub cluster: Option<&'a Cluster>,
    /// Its counters.
    pub counters: Option<&'a Counters>,
    /// What its checks say.
    pub checks: Option<&'a Checks>,
    /// How often its state changed, where that is known.
    pub tally: Option<&'a Tally>,
    /// Whether numbers of single real servers are wanted.
    pub servers: bool,
}

/// Which program this is.
pub fn build(exposition: &mut Exposition, version: &str) {
    exposition.add(&BUILD, &[("version", version)], 1_u32);
}

/// All of a director's numbers.
pub fn director(exposition: &mut Exposition, view: &DirectorView<'_>) {
    itself(exposition, view.status);
    if let Some(tally) = view.tally {
        for (metric, reasons) in [(&FAILOVERS, &tally.active), (&RELEASES, &tally.released)] {
            for (reason, count) in reasons {
                exposition.add(metric, &[("reason", &word(*reason))], *count);
            }
        }
    }
    let names = Names::of(view.cluster);
    for (key, service) in view.counters.into_iter().flatten() {
        let named = names.service(key);
        let text = key.to_string();
        let labels = [("service", named), ("key", text.as_str())];
        totals(exposition, &SERVICE, &labels, &service.totals);
        for (server, counters) in service.servers.iter().filter(|_| view.servers) {
            let address = server.to_string();
            let name = names.server(key, server).unwrap_or(&address);
            let labels = [("service", named), ("key", &text), ("server", name), ("address", &address)];
            totals(exposition, &SERVER, &labels, &counters.totals);
            exposition.add(&SERVER_WEIGHT, &labels, counters.weight);
            let by_state = [
                ("active", counters.active),
                ("inactive", counters.inactive),
                ("persistent", counters.persistent),
            ];
            for (state, count) in by_state {
                exposition.add(&SERVER_CONNECTIONS, &[&labels[..], &[("state", state)]].concat(), count);
            }
        }
    }
    if view.servers {
        checks(exposition, view.checks, &names);
    }
}

fn itself(exposition: &mut Exposition, status: &Status) {
    for state in STATES {
        exposition.add(&STATE, &[("state", state.as_str())], u8::from(status.state == state));
    }
    exposition.add_number(&STATE_SECONDS, &[], status.state_ms as f64 / 1000.0);
    if let Some(revision) = status.revision {
        exposition.add(&REVISION, &[], revision);
    }
    exposition.add(&IN_SYNC, &[], u8::from(status.in_sync));
    exposition.add(&DRIFT, &[], status.drift_count);
    exposition.add(&FOREIGN, &[], count(status.foreign.len()));
    exposition.add(&FAILURES, &[], count(status.failures.len()));
    exposition.add(&WRITES, &[], status.kernel_writes);
    for key in &status.holds {
        exposition.add(&HELD, &[("vip", &key.address.to_string()), ("device", &key.interface)], 1_u32);
    }
    exposition.add_number(&CERTIFICATE, &[], status.certificate_ends_s as f64);
    if let Some(heartbeat) = &status.heartbeat {
        exposition.add(&EPOCH, &[], heartbeat.epoch);
        exposition.add(&READY, &[], u8::from(heartbeat.ready));
        exposition.add(&ON_HOLD, &[], u8::from(heartbeat.held));
        for (reason, dropped) in heartbeat.counts.dropped() {
            exposition.add(&DROPPED, &[("reason", reason)], dropped);
        }
        exposition.add(&CONCERNS, &[], count(heartbeat.concerns.len()));
        exposition.add(&LINK_FAULTS, &[], count(heartbeat.links.len()));
        for state in STATES {
            let is = heartbeat.partner.is_some_and(|partner| partner.state == state);
            exposition.add(&PARTNER, &[("state", state.as_str())], u8::from(is));
        }
    }
    if let Some(checking) = &status.checking {
        exposition.add(&CHECK_QUESTIONS, &[], checking.questions);
        exposition.add(&CHECKS_STUCK, &[], checking.stuck);
        exposition.add(&CHECKS_TROUBLED, &[], checking.troubled.values().sum::<u32>());
    }
}

fn checks(exposition: &mut Exposition, checks: Option<&Checks>, names: &Names<'_>) {
    for (key, service) in checks.into_iter().flatten() {
        let named = names.service(key);
        let text = key.to_string();
        for (server, status) in &service.servers {
            let address = server.to_string();
            let name = names.server(key, server).unwrap_or(&address);
            let labels =
                [("service", named), ("key", text.as_str()), ("server", name), ("address", &address)];
            for verdict in VERDICTS {
                let labels = [&labels[..], &[("state", verdict.as_str())]].concat();
                exposition.add(&SERVER_HEALTH, &labels, u8::from(status.verdict == verdict));
            }
            if let Some(order) = &status.order {
                let labels = [&labels[..], &[("order", order.order.instruction.as_str())]].concat();
                exposition.add(&SERVER_ORDERED, &labels, 1_u32);
            }
            let stuck = matches!(status.checker, CheckerStatus::Stuck { .. });
            for check in status.checks.iter().filter(|_| !stuck) {
                let Some(success) = &check.success else { continue };
                let labels = [&labels[..], &[("check", check.kind.as_str())]].concat();
                exposition.add_number(&PROBE_SECONDS, &labels, success.timings.total_us as f64 / 1e6);
                if let Some(ends) = success.certificate_ends_s {
                    exposition.add_number(&SERVER_CERTIFICATE, &labels, ends as f64);
                }
            }
        }
    }
}

/// The five families of totals of one kind of row.
struct TotalsOf {
    connections: &'static Metric,
    in_packets: &'static Metric,
    out_packets: &'static Metric,
    in_bytes: &'static Metric,
    out_bytes: &'static Metric,
}

const SERVICE: TotalsOf = TotalsOf {
    connections: &SERVICE_CONNECTIONS,
    in_packets: &SERVICE_IN_PACKETS,
    out_packets: &SERVICE_OUT_PACKETS,
    in_bytes: &SERVICE_IN_BYTES,
    out_bytes: &SERVICE_OUT_BYTES,
};
const SERVER: TotalsOf = TotalsOf {
    connections: &SERVER_CONNECTIONS_TOTAL,
    in_packets: &SERVER_IN_PACKETS,
    out_packets: &SERVER_OUT_PACKETS,
    in_bytes: &SERVER_IN_BYTES,
    out_bytes: &SERVER_OUT_BYTES,
};

fn totals(exposition: &mut Exposition, of: &TotalsOf, labels: &[Label<'_>], totals: &Totals) {
    exposition.add(of.connections, labels, totals.connections);
    exposition.add(of.in_packets, labels, totals.in_packets);
    exposition.add(of.out_packets, labels, totals.out_packets);
    exposition.add(of.in_bytes, labels, totals.in_bytes);
    exposition.add(of.out_bytes, labels, totals.out_bytes);
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// What people call services and real servers.
struct Names<'a> {
    services: BTreeMap<ServiceKey, (&'a str, BTreeMap<ServerKey, &'a str>)>,
}

impl<'a> Names<'a> {
    fn of(cluster: Option<&'a Cluster>) -> Self {
        let servers = cluster.into_iter().flat_map(|cluster| &cluster.virtual_servers);
        let named = servers.filter_map(|server| {
            let reals = server.real_servers.iter();
            let reals = reals.map(|real| (server.server_key(real), real.name.as_str())).collect();
            Some((server.key()?, (server.name.as_str(), reals)))
        });
        Names { services: named.collect() }
    }

    /// A service's name; empty for one that is not ours.
    fn service(&self, key: &ServiceKey) -> &'a str {
        self.services.get(key).map_or("", |(name, _)| name)
    }

    fn server(&self, service: &ServiceKey, server: &ServerKey) -> Option<&'a str> {
        self.services.get(service)?.1.get(server).copied()
    }
}
