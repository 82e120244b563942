//! `virtual_server` with its `real_server` blocks.
//!
//! What is switched off becomes comments, because keepalived knows no such thing. Called by `write`, once for both
//! directors.

use super::Said;
use super::checkers;
use super::given_back;
use super::page::Page;
use crate::finding::{Code, Finding};
use crate::format::keepalived::reader::Seconds;
use crate::format::keepalived::syntax_words::Block;
use crate::format::keepalived::timing::commonest;
use crate::model::{
    Cluster, Forwarding, LoadSource, Monitor, RealServer, Scheduler, SchedulerFlag, SorryCheck, SorryServer,
    Start, Tunnel, TunnelChecksum, TunnelKind, VirtualServer,
};
use crate::table::Family;

/// All virtual servers. Whether keepalived runs a program to check one.
pub(super) fn write(page: &mut Page, said: &mut Said, cluster: &Cluster) -> bool {
    let mut runs_programs = false;
    for (index, server) in cluster.virtual_servers.iter().enumerate() {
        let pointer = format!("/virtual_servers/{index}");
        let forwarding = usual(cluster, server);
        let mut service =
            Service { cluster, server, pointer, forwarding, timing: usual_timing(server), runs_programs };
        let answers = server.real_servers.iter().any(|real| real.active) || server.sorry_server.is_some();
        if server.active && answers {
            service.write(page, said);
            runs_programs = service.runs_programs;
        } else {
            // Nothing of it counts, so nothing of it can be wrong.
            let mut unsaid = Said::default();
            page.comment(&format!("Not active: {}", server.name));
            if let Some(vip) = server.vip.as_ref().filter(|vip| vip.device.is_some()) {
                let device = vip.device.as_ref().map_or("", |device| device.as_str());
                page.comment(&format!("Its address is {}/{} on {device}.", vip.address, vip.prefix_length()));
            }
            page.off();
            service.write(page, &mut unsaid);
            page.on();
            let code =
                if server.active { Code::ExportKeepalivedServers } else { Code::ExportKeepalivedInactive };
            said.warn(Finding::field(&service.pointer, code).with("name", &server.name));
        }
        page.gap();
    }
    runs_programs
}

struct Service<'c> {
    cluster: &'c Cluster,
    server: &'c VirtualServer,
    pointer: String,
    /// Forwarding of all its servers that name no other.
    forwarding: Forwarding,
    /// Timing of all its servers that name no other.
    timing: Option<(u32, bool)>,
    runs_programs: bool,
}

impl Service<'_> {
    fn write(&mut self, page: &mut Page, said: &mut Said) {
        let server = self.server;
        page.open(match (server.mark, &server.vip, server.port) {
            (Some(mark), ..) => format!("virtual_server fwmark {mark}"),
            (None, Some(vip), 0) => format!("virtual_server {}", vip.address),
            (None, Some(vip), port) => format!("virtual_server {} {port}", vip.address),
            // Refused by the rules of clusters.
            (None, None, _) => "virtual_server".to_owned(),
        });
        let written = [
            "snmp_name",
            "lvs_sched",
            "lb_algo",
            "lvs_method",
            "lb_kind",
            "protocol",
            "ip_family",
            "persistence_timeout",
            "persistence_granularity",
            "ops",
            "inhibit_on_failure",
            "quorum",
            "hysteresis",
            "delay_loop",
            "alpha",
            "sorry_server",
            "sorry_server_lvs_method",
            "real_server",
        ];
        page.line(format!("snmp_name {}", said.plain(&format!("{}/name", self.pointer), &server.name)));
        self.balancing(page);
        if self.inhibits() {
            page.line("inhibit_on_failure");
        }
        if let Some(sorry) = &server.sorry_server
            && sorry.check != SorryCheck::Never
        {
            let pointer = format!("{}/sorry_server/check", self.pointer);
            said.warn(Finding::field(pointer, Code::ExportKeepalivedSorryCheck));
        }
        self.quorum(page, said);
        if let Some((interval_ms, alpha)) = self.timing {
            page.line(format!("delay_loop {}", Seconds(interval_ms)));
            if alpha {
                page.line("alpha");
            }
        }
        let active = || server.real_servers.iter().filter(|real| real.active);
        match &server.sorry_server {
            Some(sorry) if active().next().is_none() => self.sorry_alone(page, said, sorry),
            Some(sorry) => self.sorry(page, sorry),
            None => {}
        }
        if active().next().is_some() && active().all(|real| real.weight.0 == 0) {
            let pointer = format!("{}/real_servers", self.pointer);
            said.refuse(Finding::field(pointer, Code::ExportKeepalivedWeights).with("name", &server.name));
        }
        load(page, said, &format!("{}/monitor", self.pointer), &server.monitor);
        self.runs_programs |=
            given_back::words(page, said, (&server.kept, &self.pointer), Block::Service, &written);
        for (index, real) in server.real_servers.iter().enumerate() {
            let pointer = format!("{}/real_servers/{index}", self.pointer);
            if real.active {
                self.real_server(page, said, &pointer, real);
                continue;
            }
            page.comment(&format!("Not active: {}", real.name));
            page.off();
            let runs_programs = self.runs_programs;
            self.real_server(page, &mut Said::default(), &pointer, real);
            self.runs_programs = runs_programs;
            page.on();
            said.warn(Finding::field(&pointer, Code::ExportKeepalivedInactive).with("name", &real.name));
        }
        page.close();
    }

    fn quorum(&self, page: &mut Page, said: &mut Said) {
        let active = self.server.real_servers.iter().filter(|real| real.active);
        let sum = active.map(|real| u32::from(real.weight.0)).fold(0, u32::saturating_add).max(1);
        let weight = self.server.quorum.weight.min(sum);
        // keepalived reduces it by itself, and says so whenever it reads the file.
        if weight < self.server.quorum.weight {
            said.warn(
                Finding::field(format!("{}/quorum/weight", self.pointer), Code::ExportKeepalivedQuorum)
                    .with("quorum", self.server.quorum.weight)
                    .with("sum", sum),
            );
        }
        if weight > 1 {
            page.line(format!("quorum {weight}"));
        }
        let hysteresis = self.server.quorum.hysteresis.min(weight.saturating_sub(1));
        if hysteresis > 0 {
            page.line(format!("hysteresis {hysteresis}"));
        }
    }

    /// Whether servers keep their place with weight 0 when they fail, unless they say otherwise.
    fn inhibits(&self) -> bool {
        let mut active = self.server.real_servers.iter().filter(|real| real.active).peekable();
        self.server.quiesce || active.peek().is_some() && active.all(|real| self.server.quiesces(real))
    }

    /// How connections are handed out.
    fn balancing(&self, page: &mut Page) {
        let server = self.server;
        page.line(format!("lvs_sched {}", server.scheduler));
        for flag in &server.scheduler_flags {
            page.line(flag_word(server.scheduler, *flag));
        }
        page.line(format!("lvs_method {}", method(self.forwarding)));
        if server.mark.is_none() {
            page.line(format!("protocol {}", server.protocol.as_str().to_ascii_uppercase()));
        } else if self.names_family() {
            page.line(if server.family() == Family::Ipv6 { "ip_family inet6" } else { "ip_family inet" });
        }
        if let Some(persistence) = server.persistence {
            page.line(format!("persistence_timeout {}", persistence.timeout_s));
            // Each client by itself is what is meant without a mask, too.
            let single = server.family().bits();
            match (persistence.prefix.filter(|length| *length != single), server.family()) {
                (None, _) => {}
                (Some(length), Family::Ipv6) => page.line(format!("persistence_granularity {length}")),
                (Some(length), Family::Ipv4) => {
                    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length.into())).unwrap_or(0);
                    page.line(format!("persistence_granularity {}", std::net::Ipv4Addr::from(mask)));
                }
            }
        }
        if server.one_packet {
            page.line("ops");
        }
    }

    /// Whether keepalived would take a service by mark for one of the other family: it looks at the servers.
    fn names_family(&self) -> bool {
        let other = |address| Family::of(address) == Family::Ipv6;
        let servers = self.server.real_servers.iter().map(|real| real.address);
        let sorry = self.server.sorry_server.iter().map(|sorry| sorry.address);
        self.server.family() == Family::Ipv6 || servers.chain(sorry).any(other)
    }

    /// The port that stands behind a server's address; none where keepalived would clear it or take it from the
    /// service.
    fn port(&self, port: u16, forwarding: Forwarding) -> Option<u16> {
        let cleared = self.server.mark.is_some() && forwarding != Forwarding::Nat;
        (port != 0 && !cleared).then_some(port)
    }

    fn sorry(&self, page: &mut Page, sorry: &SorryServer) {
        let forwarding = sorry.forwarding_in(&self.cluster.global);
        let port = self.port(self.server.sorry_key(sorry).port, forwarding);
        page.line(format!("sorry_server {}{}", sorry.address, behind(port)));
        if forwarding != self.forwarding {
            page.line(format!("sorry_server_lvs_method {}", method(forwarding)));
        }
    }

    /// A sorry server that answers always: keepalived drops a service that has nothing else.
    fn sorry_alone(&self, page: &mut Page, said: &mut Said, sorry: &SorryServer) {
        let forwarding = sorry.forwarding_in(&self.cluster.global);
        let port = self.port(self.server.sorry_key(sorry).port, forwarding);
        page.open(format!("real_server {}{}", sorry.address, behind(port)));
        page.line("snmp_name sorry-server");
        page.line("weight 1");
        page.close();
        said.warn(
            Finding::field(format!("{}/sorry_server", self.pointer), Code::ExportKeepalivedSorry)
                .with("address", sorry.address)
                .with("name", &self.server.name),
        );
    }

    fn real_server(&mut self, page: &mut Page, said: &mut Said, pointer: &str, real: &RealServer) {
        let key = self.server.server_key(real);
        let port = self.port(key.port, real.forwarding_in(&self.cluster.global));
        page.open(format!("real_server {}{}", real.address, behind(port)));
        let mut written =
            vec!["snmp_name", "weight", "lvs_method", "uthreshold", "lthreshold", "inhibit_on_failure"];
        page.line(format!("snmp_name {}", said.plain(&format!("{pointer}/name"), &real.name)));
        page.line(format!("weight {}", real.weight.0));
        let forwarding = real.forwarding_in(&self.cluster.global);
        if forwarding != self.forwarding {
            page.line(format!("lvs_method {}", method(forwarding)));
        }
        match (self.server.quiesces(real), self.inhibits()) {
            (true, false) => page.line("inhibit_on_failure"),
            (false, true) => page.line("inhibit_on_failure no"),
            _ => {}
        }
        if real.backup {
            let finding = Finding::field(format!("{pointer}/backup"), Code::ExportKeepalivedBackup);
            said.refuse(finding.with("name", &real.name));
        }
        if let Some(limit) = real.limit {
            page.line(format!("uthreshold {}", limit.upper));
            if limit.lower > 0 {
                page.line(format!("lthreshold {}", limit.lower));
            }
        }
        let (monitor, monitor_pointer) = match &real.monitor {
            Some(own) => (own, format!("{pointer}/monitor")),
            None => (&self.server.monitor, format!("{}/monitor", self.pointer)),
        };
        written.extend(["delay_loop", "alpha"]);
        self.own_timing(page, monitor);
        if real.monitor.is_some() {
            load(page, said, &monitor_pointer, monitor);
        }
        if !monitor.checks.is_empty() {
            checkers::lost(said, &monitor_pointer, monitor, real.weight);
        }
        let asked = checkers::Ports { server: port, asked: monitor.port.unwrap_or(key.port) };
        self.runs_programs |= checkers::write(page, said, &monitor_pointer, monitor, asked);
        self.runs_programs |= given_back::words(page, said, (&real.kept, pointer), Block::Server, &written);
        page.close();
    }

    /// What differs from the service's timing for one server.
    fn own_timing(&self, page: &mut Page, monitor: &Monitor) {
        let own = timing(monitor);
        if let Some((interval_ms, _)) =
            own.filter(|(own, _)| self.timing.is_none_or(|(common, _)| common != *own))
        {
            page.line(format!("delay_loop {}", Seconds(interval_ms)));
        }
        let begins_down = |timing: Option<(u32, bool)>| timing.is_some_and(|(_, alpha)| alpha);
        if begins_down(own) != begins_down(self.timing) {
            page.line(if begins_down(own) { "alpha yes" } else { "alpha no" });
        }
    }
}

/// How often a monitor's first check asks, milliseconds, and whether its servers begin as down; none where it asks
/// nothing.
fn timing(monitor: &Monitor) -> Option<(u32, bool)> {
    let first = monitor.checks.first()?;
    Some((monitor.times(first).interval_ms, monitor.start != Start::Up))
}

/// Says that nobody asks for the load, and where it was asked for.
fn load(page: &mut Page, said: &mut Said, pointer: &str, monitor: &Monitor) {
    let Some(load) = &monitor.load_monitor else { return };
    let value = match &load.source {
        LoadSource::Program { command } => command.to_string(),
        LoadSource::Line { port, .. } | LoadSource::Http { port, .. } => format!("port {port}"),
    };
    page.comment(&format!("load_monitor = {value}"));
    let pointer = format!("{pointer}/load_monitor");
    said.warn(Finding::field(pointer, Code::ExportKeepalivedComment).with("value", value));
}

/// The timing of most of the active servers that are checked.
fn usual_timing(server: &VirtualServer) -> Option<(u32, bool)> {
    let active = server.real_servers.iter().filter(|real| real.active);
    let timings: Vec<_> =
        active.filter_map(|real| timing(real.monitor.as_ref().unwrap_or(&server.monitor))).collect();
    commonest(timings.iter()).copied()
}

/// What most of the active servers have; the sorry server's where there is none, else the cluster's.
fn usual(cluster: &Cluster, server: &VirtualServer) -> Forwarding {
    let own: Vec<Forwarding> = server
        .real_servers
        .iter()
        .filter(|real| real.active)
        .map(|real| real.forwarding_in(&cluster.global))
        .collect();
    let sorry = || server.sorry_server.as_ref().map(|sorry| sorry.forwarding_in(&cluster.global));
    commonest(own.iter()).copied().or_else(sorry).unwrap_or(cluster.global.forwarding)
}

fn behind(port: Option<u16>) -> String {
    port.map_or_else(String::new, |port| format!(" {port}"))
}

/// A forwarding method in keepalived's words.
fn method(forwarding: Forwarding) -> String {
    let Tunnel { kind, port, checksum } = match forwarding {
        Forwarding::Nat => return "NAT".to_owned(),
        Forwarding::Direct => return "DR".to_owned(),
        Forwarding::Tunnel(tunnel) => tunnel,
    };
    let kind = match kind {
        TunnelKind::Ipip => String::new(),
        TunnelKind::Gue => format!(" type gue port {port}"),
        TunnelKind::Gre => " type gre".to_owned(),
    };
    let checksum = match checksum {
        TunnelChecksum::None => "",
        TunnelChecksum::Full => " csum",
        TunnelChecksum::Remote => " remcsum",
    };
    format!("TUN{kind}{checksum}")
}

/// The word of a flag: keepalived has names of their own for the hashing schedulers.
fn flag_word(scheduler: Scheduler, flag: SchedulerFlag) -> String {
    match (scheduler, flag) {
        (Scheduler::Sh | Scheduler::Mh, SchedulerFlag::Fallback | SchedulerFlag::Port) => {
            format!("{scheduler}-{flag}")
        }
        (_, SchedulerFlag::Fallback) => "flag-1".to_owned(),
        (_, SchedulerFlag::Port) => "flag-2".to_owned(),
        (_, SchedulerFlag::Flag3) => "flag-3".to_owned(),
    }
}
