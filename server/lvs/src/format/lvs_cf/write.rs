//! An lvs.cf as the old pages wrote it, for the original daemons.
//!
//! One blank between words, double quotes only, `port` before the servers, every line short enough for the old
//! pages. What the original cannot express is refused by the name of the field, all of it at once; nothing is left
//! out in silence: words that it does not know become comments.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

use crate::finding::{Code, Finding, Findings, Severity};
use crate::model::{
    Check, Cluster, Director, Forwarding, LoadMonitor, Protocol, RealServer, Scheduler, Seat, Tunnel,
    VirtualServer,
};
use crate::table::Family;

use super::lexer::{Quote, words};
use super::value::{escapes, netmask};
use super::vocabulary::Scope;

/// The schedulers that the original knows.
pub(super) const OLD_SCHEDULERS: [Scheduler; 8] = [
    Scheduler::Rr,
    Scheduler::Wrr,
    Scheduler::Lc,
    Scheduler::Wlc,
    Scheduler::Lblc,
    Scheduler::Lblcr,
    Scheduler::Dh,
    Scheduler::Sh,
];

/// Longest line that the old pages write back whole, bytes.
const LINE_MAXIMUM: usize = 79;
/// The same for the lines of a check.
const CHECK_LINE_MAXIMUM: usize = 299;
/// Blanks before the lines of a `virtual` and of a `server` block.
const INDENTS: [usize; 2] = [5, 9];

/// Writes a cluster as an lvs.cf, or says what an lvs.cf cannot express. A cluster with errors is not written.
pub fn write(cluster: &Cluster) -> Result<String, Findings> {
    let mut refused = cluster.findings();
    refused.retain(|finding| finding.severity == Severity::Error);
    let mut writer = Writer { text: String::new(), refused };
    writer.cluster(cluster);
    if writer.refused.is_empty() { Ok(writer.text) } else { Err(writer.refused) }
}

struct Writer {
    text: String,
    refused: Findings,
}

/// A line's value, and the field it comes from.
struct Value {
    text: String,
    pointer: String,
}

impl Writer {
    fn refuse(&mut self, pointer: impl Into<String>, code: Code) {
        self.refused.push(Finding::field(pointer, code));
    }

    fn refuse_with(
        &mut self,
        pointer: impl Into<String>,
        code: Code,
        name: &'static str,
        value: impl Display,
    ) {
        self.refused.push(Finding::field(pointer, code).with(name, value));
    }

    fn line(&mut self, indent: usize, word: &str, value: Value) {
        let line = format!("{:indent$}{word} = {}", "", value.text);
        let limit = match word {
            "send" | "expect" | "send_program" => CHECK_LINE_MAXIMUM,
            _ => LINE_MAXIMUM,
        };
        if line.len() > limit {
            self.refused.push(
                Finding::field(&value.pointer, Code::ExportLine)
                    .with("length", line.len())
                    .with("limit", limit),
            );
        }
        if line.contains(['\n', '\r']) {
            self.refuse_with(value.pointer, Code::ExportValue, "value", line.escape_debug());
            return;
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }

    /// What a file held that its own daemons would not have read, as comments. Braces would confuse the old pages.
    fn comments(&mut self, indent: usize, kept: &BTreeMap<String, String>, scope: Scope) {
        for (word, text) in kept {
            if scope.words().contains(&word.as_str()) || is_failover(word) {
                continue;
            }
            let lines = text.split(['\n', '\r']).map(|line| format!("{word} = {line}"));
            for line in lines {
                let line: String = line
                    .chars()
                    .filter(|c| !c.is_control())
                    .map(|c| match c {
                        '{' => '(',
                        '}' => ')',
                        c => c,
                    })
                    .collect();
                self.text.push_str(&format!("{:indent$}# {line}\n", ""));
            }
        }
    }

    /// A string in double quotes, as far as the original can read it back.
    fn quoted(&mut self, text: &str, pointer: &str) -> String {
        let quoted = format!("\"{text}\"");
        let line = format!("x = {quoted}");
        let (read, _) = words(&line);
        let fits = matches!(read.as_slice(), [_, _, value]
            if value.text == text && value.quote == Some(Quote::Double) && !value.open);
        if !fits {
            self.refuse_with(pointer, Code::ExportValue, "value", text.escape_debug());
        }
        quoted
    }

    fn address(&mut self, address: IpAddr, pointer: &str) -> String {
        if Family::of(address) != Family::Ipv4 {
            self.refuse_with(pointer, Code::ExportFamily, "address", address);
        }
        address.to_string()
    }

    fn seconds(&mut self, milliseconds: u32, pointer: &str) -> String {
        if !milliseconds.is_multiple_of(1000) {
            self.refuse_with(pointer, Code::ExportSeconds, "value", milliseconds);
        }
        (milliseconds / 1000).to_string()
    }

    fn forwarding(&mut self, forwarding: Forwarding, pointer: &str) -> &'static str {
        if matches!(forwarding, Forwarding::Tunnel(tunnel) if tunnel != Tunnel::default()) {
            self.refuse(pointer, Code::ExportTunnel);
        }
        forwarding.as_str()
    }

    /// Refuses a method of its own that is not the cluster's.
    fn same_forwarding(&mut self, own: Option<Forwarding>, cluster: &Cluster, name: &str, pointer: String) {
        if own.is_some_and(|own| own != cluster.global.forwarding) {
            self.refuse_with(pointer, Code::ExportForwarding, "name", name);
        }
    }

    fn cluster(&mut self, cluster: &Cluster) {
        let seat = |seat| cluster.directors.iter().enumerate().find(|(_, director)| director.seat == seat);
        let (primary, backup) = (seat(Seat::Primary), seat(Seat::Backup));
        if primary.is_none() {
            self.refuse("/directors", Code::ExportDirector);
        }
        if let (Some((_, a)), Some((b_index, b))) = (primary, backup)
            && a.private.is_some() != b.private.is_some()
        {
            self.refuse(format!("/directors/{b_index}/private"), Code::ExportPrivate);
        }
        for word in Scope::Global.words() {
            let value = self.global(word, cluster, primary, backup).or_else(|| kept(&cluster.kept, word));
            if let Some(value) = value {
                self.line(0, word, value);
            }
        }
        self.comments(0, &cluster.kept, Scope::Global);
        for (head, body) in cluster.kept.iter().filter(|(word, _)| is_failover(word)) {
            self.failover(head, body);
        }
        for (index, server) in cluster.virtual_servers.iter().enumerate() {
            self.virtual_server(cluster, index, server);
        }
    }

    /// The value of a directive outside all blocks, where the model has one.
    fn global(
        &mut self,
        word: &str,
        cluster: &Cluster,
        primary: Option<(usize, &Director)>,
        backup: Option<(usize, &Director)>,
    ) -> Option<Value> {
        let redundancy = &cluster.redundancy;
        let global = &cluster.global;
        let at = |pointer: &str, text: String| Some(Value { text, pointer: pointer.to_owned() });
        let director = |writer: &mut Self, director: Option<(usize, &Director)>, private: bool| {
            let (index, director) = director?;
            let (field, address) =
                if private { ("private", director.private?) } else { ("public", director.public) };
            let pointer = format!("/directors/{index}/{field}");
            Some(Value { text: writer.address(address, &pointer), pointer })
        };
        match word {
            "primary" => director(self, primary, false),
            "primary_private" => director(self, primary, true),
            "backup" => director(self, backup, false),
            "backup_private" => director(self, backup, true),
            "backup_active" => at("/redundancy/enabled", u8::from(redundancy.enabled).to_string()),
            "heartbeat_port" => at("/redundancy/heartbeat_port", redundancy.heartbeat_port.to_string()),
            "keepalive" => {
                let pointer = "/redundancy/interval_ms";
                at(pointer, self.seconds(redundancy.interval_ms, pointer))
            }
            "deadtime" => {
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
                let pointer = "/redundancy/sync/interface";
                if redundancy.sync.enabled && redundancy.sync.interface.is_none() {
                    self.refuse(pointer, Code::ExportSyncInterface);
                }
                at(pointer, redundancy.sync.interface.as_ref()?.to_string())
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

    fn command(&mut self, pointer: &str, command: Option<&str>) -> Option<Value> {
        let command = command?;
        Some(Value { text: self.quoted(command, pointer), pointer: pointer.to_owned() })
    }

    /// The first line of a block; its name must be one word without quotes.
    fn head(&mut self, indent: usize, kind: &str, name: &str, pointer: &str) {
        let line = format!("{:indent$}{kind} {name} {{", "");
        let (read, _) = words(&line);
        let fits = matches!(read.as_slice(), [_, word, _] if word.raw == name && word.quote.is_none())
            && name != "="
            && !name.contains(['"', '\'', '{', '}']);
        if !fits {
            self.refuse_with(format!("{pointer}/name"), Code::ExportName, "name", name);
        }
        if line.len() > LINE_MAXIMUM {
            let finding = Finding::field(format!("{pointer}/name"), Code::ExportLine);
            self.refused.push(finding.with("length", line.len()).with("limit", LINE_MAXIMUM));
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }

    /// A failover service as it was kept, in the usual indentation.
    fn failover(&mut self, head: &str, body: &str) {
        self.text.push_str(head);
        self.text.push('\n');
        let mut depth = 0_usize;
        for line in body.lines().filter(|line| !line.trim().is_empty()) {
            let line = line.trim();
            if line.starts_with('}') {
                depth = depth.saturating_sub(1);
            }
            let indent = INDENTS.get(depth).copied().unwrap_or(9);
            self.text.push_str(&format!("{:indent$}{line}\n", ""));
            depth += usize::from(line.ends_with('{'));
        }
        self.text.push_str("}\n");
    }

    fn virtual_server(&mut self, cluster: &Cluster, index: usize, server: &VirtualServer) {
        let pointer = format!("/virtual_servers/{index}");
        self.head(0, "virtual", &server.name, &pointer);
        if server.one_packet {
            self.refuse(format!("{pointer}/one_packet"), Code::ExportOnePacket);
        }
        if !server.scheduler_flags.is_empty() {
            self.refuse(format!("{pointer}/scheduler_flags"), Code::ExportSchedulerFlags);
        }
        if server.family() != Family::Ipv4 && server.vip.is_none() {
            self.refuse_with(format!("{pointer}/family"), Code::ExportFamily, "address", server.family());
        }
        if let Some(sorry) = &server.sorry_server {
            let pointer = format!("{pointer}/sorry_server");
            self.same_forwarding(
                sorry.forwarding,
                cluster,
                "the sorry server",
                format!("{pointer}/forwarding"),
            );
            if sorry.port.is_some_and(|port| port != server.port) {
                self.refuse(format!("{pointer}/port"), Code::ExportSorryPort);
            }
        }
        let [indent, _] = INDENTS;
        for word in Scope::Virtual.words() {
            let value = self.service(word, &pointer, server).or_else(|| kept(&server.kept, word));
            if let Some(value) = value {
                self.line(indent, word, value);
            }
        }
        self.comments(indent, &server.kept, Scope::Virtual);
        for (index, real) in server.real_servers.iter().enumerate() {
            self.real_server(cluster, &format!("{pointer}/real_servers/{index}"), real);
        }
        self.text.push_str("}\n");
    }

    /// The value of a directive of a `virtual` block, where the model has one.
    fn service(&mut self, word: &str, pointer: &str, server: &VirtualServer) -> Option<Value> {
        let at = |field: &str, text: String| Some(Value { text, pointer: format!("{pointer}/{field}") });
        match word {
            "active" => at("active", u8::from(server.active).to_string()),
            "address" => self.vip(pointer, server),
            "sorry_server" => {
                let sorry = server.sorry_server.as_ref()?;
                let field = "sorry_server/address";
                at(field, self.address(sorry.address, &format!("{pointer}/{field}")))
            }
            "vip_nmask" => at("vip/prefix", netmask(server.vip.as_ref()?.prefix?).to_string()),
            "fwmark" => at("mark", server.mark?.to_string()),
            "port" => at("port", server.port.to_string()),
            "persistent" => at("persistence/timeout_s", server.persistence?.timeout_s.to_string()),
            "pmask" => at("persistence/prefix", netmask(server.persistence?.prefix?).to_string()),
            "send" | "expect" | "use_regex" | "send_program" => self.check(word, pointer, server),
            "load_monitor" => match &server.monitor.load_monitor {
                LoadMonitor::None => at("monitor/load_monitor", "none".to_owned()),
                LoadMonitor::Command(command) => {
                    let field = "monitor/load_monitor";
                    let quoted = self.quoted(command, &format!("{pointer}/{field}"));
                    let plain = !command.contains([' ', '\t', '"', '\'', '#']);
                    at(field, if plain { command.clone() } else { quoted })
                }
            },
            "scheduler" => {
                if !OLD_SCHEDULERS.contains(&server.scheduler) {
                    let pointer = format!("{pointer}/scheduler");
                    self.refuse_with(pointer, Code::ExportScheduler, "scheduler", server.scheduler);
                }
                at("scheduler", server.scheduler.to_string())
            }
            "protocol" => {
                if server.protocol == Protocol::Sctp {
                    let pointer = format!("{pointer}/protocol");
                    self.refuse_with(pointer, Code::ExportProtocol, "protocol", server.protocol);
                }
                at("protocol", server.protocol.to_string())
            }
            "timeout" => at("monitor/timeout_s", server.monitor.timeout_s.to_string()),
            "reentry" => {
                if server.monitor.reentry_s == 0 {
                    self.refuse(format!("{pointer}/monitor/reentry_s"), Code::ExportReentry);
                }
                at("monitor/reentry_s", server.monitor.reentry_s.to_string())
            }
            "quiesce_server" => at("quiesce", u8::from(server.quiesce).to_string()),
            _ => None,
        }
    }

    fn vip(&mut self, pointer: &str, server: &VirtualServer) -> Option<Value> {
        let vip = server.vip.as_ref()?;
        let pointer = format!("{pointer}/vip");
        // An inactive entry that never had an address has no such line.
        if vip.address.is_unspecified() && vip.device.is_none() {
            return None;
        }
        let address = self.address(vip.address, &format!("{pointer}/address"));
        match &vip.device {
            Some(device) => Some(Value { text: format!("{address} {device}"), pointer }),
            None => {
                self.refuse(format!("{pointer}/device"), Code::ExportDevice);
                None
            }
        }
    }

    /// The lines of a check, as the original would have to be told.
    fn check(&mut self, word: &str, pointer: &str, server: &VirtualServer) -> Option<Value> {
        let pointer = format!("{pointer}/monitor/check");
        let (send, expect, regex, command) = match &server.monitor.check {
            Check::SendExpect { send, expect, regex } if send.is_some() || expect.is_some() => {
                (send, expect, regex, None)
            }
            Check::Program { command, expect, send, regex } => (send, expect, regex, Some(command)),
            Check::Connect | Check::SendExpect { .. } => {
                if word == "send" && server.port == 80 && server.protocol != Protocol::Udp {
                    self.refuse(pointer, Code::ExportConnectCheck);
                }
                return None;
            }
        };
        let field = match word {
            "send" => "send",
            "expect" => "expect",
            "use_regex" => "regex",
            _ => "command",
        };
        let pointer = format!("{pointer}/{field}");
        let text = match word {
            "send" => self.quoted(&escapes(send.as_ref()?).0, &pointer),
            "expect" => self.quoted(&escapes(expect.as_ref()?).0, &pointer),
            "use_regex" => u8::from(*regex).to_string(),
            _ => self.quoted(command?, &pointer),
        };
        Some(Value { text, pointer })
    }

    fn real_server(&mut self, cluster: &Cluster, pointer: &str, real: &RealServer) {
        let [outer, indent] = INDENTS;
        self.head(outer, "server", &real.name, pointer);
        self.same_forwarding(real.forwarding, cluster, &real.name, format!("{pointer}/forwarding"));
        if real.limit.is_some() {
            self.refuse(format!("{pointer}/limit"), Code::ExportLimit);
        }
        if real.weight.0 == 0 {
            self.refuse(format!("{pointer}/weight"), Code::ExportWeight);
        }
        let value = |field: &str, text: String| Value { text, pointer: format!("{pointer}/{field}") };
        if !real.address.is_unspecified() {
            let address = self.address(real.address, &format!("{pointer}/address"));
            self.line(indent, "address", value("address", address));
        }
        self.line(indent, "active", value("active", u8::from(real.active).to_string()));
        if let Some(port) = real.port {
            self.line(indent, "port", value("port", port.to_string()));
        }
        self.line(indent, "weight", value("weight", real.weight.0.to_string()));
        self.text.push_str(&format!("{:outer$}}}\n", ""));
    }
}

/// A directive that was put aside when a file was read, as it stood there.
fn kept(kept: &BTreeMap<String, String>, word: &str) -> Option<Value> {
    kept.get(word).map(|text| Value { text: text.clone(), pointer: format!("/kept/{word}") })
}

/// Whether a kept text is a failover service.
fn is_failover(key: &str) -> bool {
    key.starts_with("failover ") && key.ends_with(" {")
}
