//! An lvs.cf as the old pages wrote it, for the original daemons.
//!
//! One blank between words, double quotes only, `port` before the servers, every line short enough for the old
//! pages. What the original cannot express is refused by the name of the field, all of it at once; nothing is left
//! out in silence: words that it does not know become comments.

mod service;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

use crate::finding::{Code, Finding, Findings, Severity};
use crate::format::collector::Collector;
use crate::model::{Cluster, Director, Forwarding, Scheduler, Seat, Tunnel};
use crate::table::Family;

use super::blocks::parse;
use super::document::{Item, Kind};
use super::lexer::{Quote, words};
use super::value::netmask;
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

    /// What a file held that its own daemons would not have read, as comments.
    fn comments(&mut self, indent: usize, kept: &BTreeMap<String, String>, scope: Scope) {
        for (word, text) in kept {
            if !scope.words().contains(&word.as_str()) && !is_failover(word) {
                self.comment(indent, word, text);
            }
        }
    }

    /// A kept text, a comment for each of its lines. Braces would confuse the old pages even there.
    fn comment(&mut self, indent: usize, word: &str, text: &str) {
        for line in text.split(['\n', '\r']) {
            let line: String = format!("{word} = {line}")
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
                if private { ("private", director.private?) } else { ("public", director.public?) };
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

    /// A failover service as it was kept, in the usual indentation; one that would not be read as such again, because
    /// its braces do not match, becomes comments.
    fn failover(&mut self, head: &str, body: &str) {
        let mut text = format!("{head}\n");
        let mut depth = 0_usize;
        for line in body.lines() {
            if line.starts_with('}') {
                depth = depth.saturating_sub(1);
            }
            let indent = INDENTS.get(depth).copied().unwrap_or(9);
            text.push_str(&format!("{:indent$}{line}\n", ""));
            depth += usize::from(line.ends_with('{'));
        }
        text.push_str("}\n");
        let mut collector = Collector::default();
        let document = parse(&text, &mut collector);
        let whole = matches!(document.items.as_slice(), [Item::Block(block)]
            if block.kind == Kind::Failover && block.kept_text() == body);
        if whole && collector.findings().is_empty() {
            self.text.push_str(&text);
        } else {
            self.comment(0, head, body);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::lvs_cf::read;
    use crate::model::{Check, ConnectionLimit, Protocol, SchedulerFlag, TunnelKind, VirtualServer, Weight};

    fn scenario() -> Cluster {
        read(include_str!("../../../../testkit/fixtures/scenario-a.cf")).cluster.unwrap()
    }

    fn refused(change: impl FnOnce(&mut Cluster)) -> Vec<(String, &'static str)> {
        let mut cluster = scenario();
        change(&mut cluster);
        let findings = write(&cluster).expect_err("written");
        findings.iter().map(|f| (f.pointer().unwrap().to_owned(), f.code.as_str())).collect()
    }

    #[test]
    fn what_the_original_cannot_express_is_refused_by_name() {
        fn on(server: impl FnOnce(&mut VirtualServer)) -> impl FnOnce(&mut Cluster) {
            |cluster| server(&mut cluster.virtual_servers[0])
        }
        let tunnel = |kind, port| Forwarding::Tunnel(Tunnel { kind, port, ..Tunnel::default() });
        type Case = (Box<dyn FnOnce(&mut Cluster)>, &'static str, &'static str);
        let cases: [Case; 21] = [
            (Box::new(|c| c.directors.clear()), "/directors", "export-director"),
            (Box::new(|c| c.directors[1].private = None), "/directors/1/private", "export-private"),
            (Box::new(|c| c.redundancy.interval_ms = 250), "/redundancy/interval_ms", "export-seconds"),
            (Box::new(|c| c.redundancy.deadtime_ms = 18_500), "/redundancy/deadtime_ms", "export-seconds"),
            (
                Box::new(|c| c.redundancy.sync.enabled = true),
                "/redundancy/sync/interface",
                "export-sync-interface",
            ),
            (
                Box::new(move |c| c.global.forwarding = tunnel(TunnelKind::Gre, 0)),
                "/global/forwarding",
                "export-tunnel",
            ),
            (
                Box::new(on(|v| v.scheduler = Scheduler::Mh)),
                "/virtual_servers/0/scheduler",
                "export-scheduler",
            ),
            (
                Box::new(on(|v| {
                    v.scheduler = Scheduler::Sh;
                    v.scheduler_flags.insert(SchedulerFlag::Port);
                })),
                "/virtual_servers/0/scheduler_flags",
                "export-scheduler-flags",
            ),
            (
                Box::new(on(|v| {
                    v.protocol = Protocol::Udp;
                    v.one_packet = true;
                })),
                "/virtual_servers/0/one_packet",
                "export-one-packet",
            ),
            (Box::new(on(|v| v.protocol = Protocol::Sctp)), "/virtual_servers/0/protocol", "export-protocol"),
            (
                Box::new(on(|v| v.vip.as_mut().unwrap().device = None)),
                "/virtual_servers/0/vip/device",
                "export-device",
            ),
            (Box::new(on(|v| v.name = "my shop".into())), "/virtual_servers/0/name", "export-name"),
            (Box::new(on(|v| v.name = "é".repeat(64))), "/virtual_servers/0/name", "export-line"),
            (
                Box::new(on(|v| v.monitor.checks = vec![Check::Connect])),
                "/virtual_servers/0/monitor/checks/0",
                "export-connect-check",
            ),
            (
                Box::new(on(|v| {
                    v.monitor.checks = vec![Check::SendExpect {
                        send: Some("say \"hi\" now".into()),
                        expect: None,
                        regex: false,
                    }];
                })),
                "/virtual_servers/0/monitor/checks/0/send",
                "export-value",
            ),
            (
                Box::new(on(|v| v.monitor.reentry_s = 0)),
                "/virtual_servers/0/monitor/reentry_s",
                "export-reentry",
            ),
            (
                Box::new(on(|v| v.real_servers[1].weight = Weight(0))),
                "/virtual_servers/0/real_servers/1/weight",
                "export-weight",
            ),
            (
                Box::new(on(|v| {
                    v.real_servers[0].limit = Some(ConnectionLimit { upper: 9, lower: 0 });
                })),
                "/virtual_servers/0/real_servers/0/limit",
                "export-limit",
            ),
            (
                Box::new(on(|v| v.real_servers[0].forwarding = Some(Forwarding::Direct))),
                "/virtual_servers/0/real_servers/0/forwarding",
                "export-forwarding",
            ),
            (
                Box::new(on(|v| {
                    v.real_servers[0].forwarding = Some(Forwarding::Tunnel(Tunnel::default()));
                    v.real_servers[0].address = "2001:db8::1".parse().unwrap();
                })),
                "/virtual_servers/0/real_servers/0/address",
                "export-family",
            ),
            (Box::new(on(|v| v.port = 0)), "/virtual_servers/0/port", "port-zero"),
        ];
        for (change, pointer, code) in cases {
            let refused = refused(change);
            assert!(refused.contains(&(pointer.to_owned(), code)), "{pointer} {code}: {refused:?}");
        }
        let all = refused(|cluster| {
            cluster.redundancy.interval_ms = 250;
            cluster.virtual_servers[0].scheduler = Scheduler::Nq;
        });
        assert_eq!(all.len(), 2, "{all:?}");
    }

    #[test]
    fn kept_texts_cannot_break_out_of_their_place() {
        let mut cluster = scenario();
        for (word, text) in [
            ("mode {", "1\nprimary = 203.0.113.9\n}"),
            ("failover a {", "}\nprimary = 203.0.113.9"),
            ("failover b {", "server x {"),
            ("failover c {\nprimary = 203.0.113.9\nd {", ""),
        ] {
            cluster.kept.insert(word.into(), text.into());
        }
        let text = write(&cluster).unwrap();
        assert!(
            text.lines().filter(|line| line.contains("203.0.113.9")).all(|line| line.starts_with("# ")),
            "{text}"
        );
        assert_eq!(read(&text).cluster.unwrap().directors, cluster.directors);
        cluster.kept.insert("debug_level".into(), "NONE\nprimary = 203.0.113.9".into());
        assert_eq!(write(&cluster).unwrap_err()[0].code, Code::ExportValue);
    }
}
