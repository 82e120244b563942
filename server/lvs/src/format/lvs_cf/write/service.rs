//! `virtual` and `server` blocks as the old pages wrote them.

use std::collections::BTreeMap;

use crate::finding::{Code, Finding};
use crate::format::lvs_cf::value::{escapes, netmask};
use crate::format::lvs_cf::vocabulary::Scope;
use crate::model::{
    Check, Cluster, CommandLine, LoadMonitor, LoadSource, Matching, Monitor, Protocol, Question, RealServer,
    Start, VirtualServer,
};
use crate::table::Family;

use super::sheet::Block;
use super::values::{Value, Writer, comments};
use super::{INDENTS, OLD_SCHEDULERS};

/// What was kept of a service, without masks that had nothing to belong to when they were read and have it now: beside
/// it they would be read as its own.
fn kept_now(server: &VirtualServer) -> BTreeMap<String, String> {
    let mut kept = server.kept.clone();
    for (word, owner) in [("pmask", server.persistence.is_some()), ("vip_nmask", server.vip.is_some())] {
        let is_mask = |text: &String| (0..=32).any(|length| netmask(length).to_string() == *text);
        if owner && kept.get(word).is_some_and(is_mask) {
            kept.remove(word);
        }
    }
    kept
}

impl Writer {
    pub(super) fn virtual_server(
        &mut self,
        cluster: &Cluster,
        index: usize,
        server: &VirtualServer,
    ) -> Block {
        let pointer = format!("/virtual_servers/{index}");
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
        if !server.quorum.is_usual() {
            self.refuse(format!("{pointer}/quorum"), Code::ExportQuorum);
        }
        self.monitor(&format!("{pointer}/monitor"), &server.monitor);
        let [indent, _] = INDENTS;
        let name_refused = self.name(0, "virtual", &server.name, &pointer);
        let kept = kept_now(server);
        let entries = self.entries(Scope::Virtual, indent, (&kept, &pointer), |writer, word| {
            writer.service(word, &pointer, server)
        });
        let refused = std::mem::take(&mut self.refused);
        let servers = server.real_servers.iter().enumerate().map(|(index, real)| {
            self.real_server(cluster, server, format!("{pointer}/real_servers/{index}"), real)
        });
        Block {
            scope: Scope::Virtual,
            name: server.name.clone(),
            name_refused,
            entries,
            comments: comments(&kept, Scope::Virtual),
            servers: servers.collect(),
            refused,
            pointer,
        }
    }

    /// Refuses all that Piranha's checker does not do.
    fn monitor(&mut self, pointer: &str, monitor: &Monitor) {
        match monitor.checks.as_slice() {
            [check] if fits(&check.question) => self.only_there(&format!("{pointer}/checks/0"), check),
            [check] => {
                self.refuse_with(format!("{pointer}/checks/0"), Code::ExportCheck, "kind", check.kind());
            }
            checks => {
                self.refuse_with(format!("{pointer}/checks"), Code::ExportChecks, "count", checks.len());
            }
        }
        if monitor.port.is_some() {
            self.refuse(format!("{pointer}/port"), Code::ExportCheckPort);
        }
        for (field, tries) in [("fall", monitor.fall), ("rise", monitor.rise)] {
            if tries != 1 {
                self.refuse_with(format!("{pointer}/{field}"), Code::ExportTries, "value", tries);
            }
        }
        if monitor.start != Start::Unknown {
            self.refuse(format!("{pointer}/start"), Code::ExportStartUp);
        }
        let elsewhere = [
            ("source", monitor.source.is_some()),
            ("interface", monitor.interface.is_some()),
            ("mark", monitor.mark.is_some()),
            ("data_path", monitor.data_path),
        ];
        for (field, _) in elsewhere.iter().filter(|(_, given)| *given) {
            self.refuse(format!("{pointer}/{field}"), Code::ExportCheckWay);
        }
        if monitor.damping.is_some() {
            self.refuse(format!("{pointer}/damping"), Code::ExportDamping);
        }
        if monitor.interval_ms != monitor.timeout_ms {
            let finding = Finding::field(format!("{pointer}/interval_ms"), Code::ExportPeriod);
            let finding = finding.with("interval", monitor.interval_ms);
            self.refused.push(finding.with("timeout", monitor.timeout_ms));
        }
    }

    /// Refuses what one check does otherwise than its monitor.
    fn only_there(&mut self, pointer: &str, check: &Check) {
        let plain = Check::from(check.question.clone());
        if *check != plain {
            self.refuse(pointer, Code::ExportCheckDiffers);
        }
        if let Question::SendExpect { matching: Matching::Contains, .. } = check.question {
            self.refuse(format!("{pointer}/matching"), Code::ExportCheckContains);
        }
        if let Question::Program { regex: true, .. } = check.question {
            self.refuse(format!("{pointer}/regex"), Code::ExportCheckContains);
        }
    }

    /// A load monitor as Piranha runs it: a program, within its own bounds.
    fn load_monitor(&mut self, pointer: String, load: Option<&LoadMonitor>) -> Option<Value> {
        let Some(load) = load else { return Some(Value { text: "none".to_owned(), pointer }) };
        let LoadSource::Program { command } = &load.source else {
            self.refuse(pointer, Code::ExportLoadAgent);
            return None;
        };
        if *load != LoadMonitor::piranha(command.clone()) {
            self.refuse(&pointer, Code::ExportLoadBounds);
        }
        let text = self.program(command, &format!("{pointer}/command"));
        if text == "none" {
            // Which says that there is no monitor.
            self.refuse_with(&pointer, Code::ExportValue, "value", "none");
        }
        let plain = !text.contains([' ', '\t', '"', '\'', '#']);
        let quoted = self.quoted(&text, &pointer);
        Some(Value { text: if plain { text } else { quoted }, pointer })
    }

    /// A program with its arguments, which the original separates at blanks.
    fn program(&mut self, command: &CommandLine, pointer: &str) -> String {
        command.unquoted().unwrap_or_else(|| {
            let text = command.to_string();
            self.refuse_with(pointer, Code::ExportValue, "value", text.escape_debug());
            text
        })
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
            "load_monitor" => {
                let pointer = format!("{pointer}/monitor/load_monitor");
                self.load_monitor(pointer, server.monitor.load_monitor.as_ref())
            }
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
            "timeout" => {
                let field = "monitor/timeout_ms";
                at(field, self.seconds(server.monitor.timeout_ms, &format!("{pointer}/{field}")))
            }
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
                Some(Value { text: address, pointer })
            }
        }
    }

    /// The lines of a check, as the original would have to be told.
    fn check(&mut self, word: &str, pointer: &str, server: &VirtualServer) -> Option<Value> {
        let [check] = server.monitor.checks.as_slice() else { return None };
        let pointer = format!("{pointer}/monitor/checks/0");
        let (send, expect, regex, command) = match &check.question {
            Question::SendExpect { send, expect, matching } if send.is_some() || expect.is_some() => {
                (send, expect, *matching == Matching::Regex, None)
            }
            Question::Program { command, expect, send, .. } => {
                // What the original reads but never looks at.
                if word == "use_regex" && server.kept.contains_key(word) {
                    return None;
                }
                (send, expect, false, Some(command))
            }
            Question::Connect | Question::SendExpect { .. } => {
                if word == "send" && server.port == 80 && server.protocol != Protocol::Udp {
                    self.refuse(pointer, Code::ExportConnectCheck);
                }
                return None;
            }
            _ => return None,
        };
        let field = match word {
            "send" => "send",
            "expect" => "expect",
            "use_regex" => "matching",
            _ => "command",
        };
        let pointer = format!("{pointer}/{field}");
        let text = match word {
            "send" => self.quoted(&escapes(send.as_ref()?).0, &pointer),
            "expect" => self.quoted(&escapes(expect.as_ref()?).0, &pointer),
            "use_regex" => u8::from(regex).to_string(),
            _ => {
                let text = self.program(command?, &pointer);
                self.quoted(&text, &pointer)
            }
        };
        Some(Value { text, pointer })
    }

    fn real_server(
        &mut self,
        cluster: &Cluster,
        service: &VirtualServer,
        pointer: String,
        real: &RealServer,
    ) -> Block {
        let [outer, indent] = INDENTS;
        let name_refused = self.name(outer, "server", &real.name, &pointer);
        self.same_forwarding(real.forwarding, cluster, &real.name, format!("{pointer}/forwarding"));
        if real.limit.is_some() {
            self.refuse(format!("{pointer}/limit"), Code::ExportLimit);
        }
        if real.backup {
            self.refuse_with(format!("{pointer}/backup"), Code::ExportBackup, "name", &real.name);
        }
        if real.quiesce.is_some_and(|own| own != service.quiesce) {
            self.refuse_with(format!("{pointer}/quiesce"), Code::ExportQuiesceOwn, "name", &real.name);
        }
        if real.monitor.is_some() {
            self.refuse_with(format!("{pointer}/monitor"), Code::ExportCheckOwn, "name", &real.name);
        }
        let entries = self.entries(Scope::Server, indent, (&real.kept, &pointer), |writer, word| {
            let at = |field: &str, text: String| Some(Value { text, pointer: format!("{pointer}/{field}") });
            match word {
                "address" if real.address.is_unspecified() => None,
                "address" => at("address", writer.address(real.address, &format!("{pointer}/address"))),
                "active" => at("active", u8::from(real.active).to_string()),
                "port" => at("port", real.port?.to_string()),
                "weight" => {
                    if real.weight.0 == 0 {
                        writer.refuse(format!("{pointer}/weight"), Code::ExportWeight);
                    }
                    at("weight", real.weight.0.to_string())
                }
                _ => None,
            }
        });
        Block {
            scope: Scope::Server,
            name: real.name.clone(),
            name_refused,
            entries,
            comments: comments(&real.kept, Scope::Server),
            servers: Vec::new(),
            refused: std::mem::take(&mut self.refused),
            pointer,
        }
    }
}

/// Whether Piranha's checker can ask it.
fn fits(question: &Question) -> bool {
    matches!(question, Question::Connect | Question::SendExpect { .. } | Question::Program { .. })
}
