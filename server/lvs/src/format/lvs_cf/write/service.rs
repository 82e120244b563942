//! `virtual` and `server` blocks as the old pages wrote them.

use crate::finding::Code;
use crate::format::lvs_cf::value::{escapes, netmask};
use crate::format::lvs_cf::vocabulary::Scope;
use crate::model::{Check, Cluster, LoadMonitor, Protocol, RealServer, VirtualServer};
use crate::table::Family;

use super::{INDENTS, OLD_SCHEDULERS, Value, Writer, kept};

impl Writer {
    pub(super) fn virtual_server(&mut self, cluster: &Cluster, index: usize, server: &VirtualServer) {
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
            "timeout" => {
                let monitor = &server.monitor;
                if !monitor.timeout_ms.is_multiple_of(1000) {
                    let pointer = format!("{pointer}/monitor/timeout_ms");
                    self.refuse_with(pointer, Code::ExportSeconds, "value", monitor.timeout_ms);
                }
                at("monitor/timeout_ms", (monitor.timeout_ms / 1000).to_string())
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
                None
            }
        }
    }

    /// The lines of a check, as the original would have to be told.
    fn check(&mut self, word: &str, pointer: &str, server: &VirtualServer) -> Option<Value> {
        let [check] = server.monitor.checks.as_slice() else { return None };
        let pointer = format!("{pointer}/monitor/checks/0");
        let (send, expect, regex, command) = match check {
            Check::SendExpect { send, expect, regex } if send.is_some() || expect.is_some() => {
                (send, expect, regex, None)
            }
            Check::Program { command, expect, send, regex } => (send, expect, regex, Some(command)),
            _ => {
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
