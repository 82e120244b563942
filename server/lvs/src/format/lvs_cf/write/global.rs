//! The directives outside every block.

use crate::finding::{Code, Finding};
use crate::format::lvs_cf::value::netmask;
use crate::format::lvs_cf::vocabulary::Scope;
use crate::model::{Cluster, Director, Redundancy, RedundancyProtocol, Seat};

use super::sheet::Sheet;
use super::values::{Value, Writer, comments, is_failover};

/// A director with its index.
type Seated<'c> = Option<(usize, &'c Director)>;

impl Writer {
    pub(super) fn cluster(&mut self, cluster: &Cluster) -> Sheet {
        let seat = |seat| cluster.directors.iter().enumerate().find(|(_, director)| director.seat == seat);
        let (primary, backup) = (seat(Seat::Primary), seat(Seat::Backup));
        self.directors(primary, backup);
        self.redundancy(&cluster.redundancy);
        let entries = self.entries(Scope::Global, 0, (&cluster.kept, ""), |writer, word| {
            writer.global(word, cluster, primary, backup)
        });
        let refused = std::mem::take(&mut self.refused);
        let failovers = cluster.kept.iter().filter(|(word, _)| is_failover(word));
        let services = cluster.virtual_servers.iter().enumerate();
        let services = services.map(|(index, server)| self.virtual_server(cluster, index, server)).collect();
        Sheet {
            entries,
            comments: comments(&cluster.kept, Scope::Global),
            failovers: failovers.map(|(head, body)| (head.clone(), body.clone())).collect(),
            services,
            refused,
            damaged: std::mem::take(&mut self.damaged),
        }
    }

    fn directors(&mut self, primary: Seated<'_>, backup: Seated<'_>) {
        if primary.is_none() {
            self.refuse("/directors", Code::ExportDirector);
        }
        for (index, director) in [primary, backup].into_iter().flatten() {
            if director.public.is_none() {
                let pointer = format!("/directors/{index}/public");
                self.refuse_with(pointer, Code::ExportDirectorAddress, "name", &director.name);
            }
        }
        if let (Some((_, a)), Some((b_index, b))) = (primary, backup)
            && a.private.is_some() != b.private.is_some()
        {
            self.refuse(format!("/directors/{b_index}/private"), Code::ExportPrivate);
        }
    }

    /// What no line is there for.
    fn redundancy(&mut self, redundancy: &Redundancy) {
        if matches!(redundancy.protocol, RedundancyProtocol::Vrrp(_)) {
            self.refuse("/redundancy/protocol", Code::ExportVrrp);
        }
        if redundancy.enabled && redundancy.preempt {
            self.refuse("/redundancy/preempt", Code::ExportPreempt);
        }
        for (index, vip) in redundancy.addresses.iter().enumerate() {
            let finding = Finding::field(format!("/redundancy/addresses/{index}"), Code::ExportAddress);
            self.refused.push(finding.with("address", vip.address));
        }
        if redundancy.sync.enabled && redundancy.sync.interface.is_none() {
            self.refuse("/redundancy/sync/interface", Code::ExportSyncInterface);
        }
    }

    /// The value of a directive outside all blocks, where the model has one.
    fn global(
        &mut self,
        word: &str,
        cluster: &Cluster,
        primary: Seated<'_>,
        backup: Seated<'_>,
    ) -> Option<Value> {
        let redundancy = &cluster.redundancy;
        let global = &cluster.global;
        let at = |pointer: &str, text: String| Some(Value { text, pointer: pointer.to_owned() });
        let timed = redundancy.enabled || has_whole_seconds(redundancy);
        match word {
            "primary" => self.director(primary, false),
            "primary_private" => self.director(primary, true),
            "backup" => self.director(backup, false),
            "backup_private" => self.director(backup, true),
            "backup_active" => at("/redundancy/enabled", u8::from(redundancy.enabled).to_string()),
            "heartbeat_port" => at("/redundancy/heartbeat_port", redundancy.heartbeat_port.to_string()),
            "keepalive" if timed => {
                let pointer = "/redundancy/interval_ms";
                at(pointer, self.seconds(redundancy.interval_ms, pointer))
            }
            "deadtime" if timed => {
                let pointer = "/redundancy/deadtime_ms";
                at(pointer, self.seconds(redundancy.deadtime_ms, pointer))
            }
            "network" => {
                let pointer = "/global/forwarding";
                at(pointer, self.forwarding(global.forwarding, pointer).to_owned())
            }
            "nat_router" => {
                let router = global.nat_router.as_ref()?;
                let address = self.address(router.address, "/global/nat_router/address");
                at("/global/nat_router", format!("{address} {}", router.device))
            }
            "nat_nmask" => {
                let length = global.nat_router.as_ref()?.prefix?;
                at("/global/nat_router/prefix", netmask(length).to_string())
            }
            "active_cmd" => self.command("/redundancy/active_cmd", redundancy.active_cmd.as_deref()),
            "inactive_cmd" => self.command("/redundancy/inactive_cmd", redundancy.inactive_cmd.as_deref()),
            "monitor_links" => {
                at("/redundancy/monitor_links", u8::from(redundancy.monitor_links).to_string())
            }
            "syncdaemon" => at("/redundancy/sync/enabled", u8::from(redundancy.sync.enabled).to_string()),
            "syncd_iface" => {
                at("/redundancy/sync/interface", redundancy.sync.interface.as_ref()?.to_string())
            }
            "syncd_id" if redundancy.sync.enabled || redundancy.sync.id != 0 => {
                at("/redundancy/sync/id", redundancy.sync.id.to_string())
            }
            "tcp_timeout" => at("/global/timeouts/tcp", global.timeouts.tcp?.to_string()),
            "tcpfin_timeout" => at("/global/timeouts/tcpfin", global.timeouts.tcpfin?.to_string()),
            "udp_timeout" => at("/global/timeouts/udp", global.timeouts.udp?.to_string()),
            _ => None,
        }
    }

    fn director(&mut self, director: Seated<'_>, private: bool) -> Option<Value> {
        let (index, director) = director?;
        let (field, address) =
            if private { ("private", director.private?) } else { ("public", director.public?) };
        let pointer = format!("/directors/{index}/{field}");
        Some(Value { text: self.address(address, &pointer), pointer })
    }

    fn command(&mut self, pointer: &str, command: Option<&str>) -> Option<Value> {
        let command = command?;
        Some(Value { text: self.quoted(command, pointer), pointer: pointer.to_owned() })
    }
}

/// Whether the timers of the directors can be said in seconds.
pub(super) fn has_whole_seconds(redundancy: &Redundancy) -> bool {
    redundancy.interval_ms.is_multiple_of(1000) && redundancy.deadtime_ms.is_multiple_of(1000)
}
