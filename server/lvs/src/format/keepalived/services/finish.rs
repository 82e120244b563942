//! From a `virtual_server` and its real servers to the virtual servers that it stands for.

use super::super::groups::Target;
use super::super::kept;
use super::super::reader::{Origin, Reader};
use super::super::servers::{self, Server};
use super::super::syntax_notes::excerpt;
use super::super::timing::commonest;
use super::super::tree::Statement;
use super::defaults::flag;
use super::{Draft, GROUP, Service};
use crate::finding::Code;
use crate::model::{Id, Monitor, Protocol, Quorum, SorryCheck, SorryServer, Vip, VirtualServer};
use crate::table::Family;

/// What happens on failure is said once where all servers say the same.
pub(super) fn inhibit(draft: &mut Draft<'_>, servers: &mut [Server]) {
    let said = |server: &Server| server.inhibits.unwrap_or(draft.inhibits);
    let all = !servers.is_empty() && servers.iter().all(said);
    for server in servers.iter_mut() {
        server.server.quiesce = Some(said(server)).filter(|own| *own != (draft.inhibits || all));
    }
    draft.inhibits |= all;
}

/// What keepalived makes of a quorum that could never be reached, or never be lost.
pub(super) fn quorum(reader: &mut Reader<'_>, draft: &mut Draft<'_>, servers: &[Server]) {
    let weights = servers.iter().map(|server| u32::from(server.server.weight.0));
    let sum = weights.fold(0, u32::saturating_add);
    if let Some((quorum, origin)) = &mut draft.quorum
        && *quorum > sum.max(1)
    {
        let taken = sum.max(1);
        reader
            .warn(*origin, Code::KeepalivedQuorum)
            .with("quorum", *quorum)
            .with("sum", sum)
            .suggest(Some(taken.to_string()));
        *quorum = taken;
    }
    if sum == 0 && !servers.is_empty() && draft.quorum.is_none() {
        let name = excerpt(&draft.statement.words());
        reader.warn(draft.statement.origin(), Code::KeepalivedWeightsNone).with("name", name);
    }
    let quorum = draft.quorum.map_or(1, |(quorum, _)| quorum);
    if let Some((hysteresis, origin)) = &mut draft.hysteresis
        && *hysteresis >= quorum
    {
        let taken = quorum.saturating_sub(1);
        reader
            .warn(*origin, Code::KeepalivedHysteresis)
            .with("hysteresis", *hysteresis)
            .with("quorum", quorum)
            .suggest(Some(taken.to_string()));
        *hysteresis = taken;
    }
}

/// Says which servers nobody checks.
pub(super) fn unchecked(reader: &mut Reader<'_>, statement: &Statement, servers: &[Server]) {
    let without = || servers.iter().filter(|server| servers::is_unchecked(&server.server));
    let count = without().count();
    if count > 0 && count == servers.len() {
        reader.warn(statement.origin(), Code::KeepalivedUnchecked).with("name", excerpt(&statement.words()));
        return;
    }
    for server in without() {
        let origin = server.origins.find("").unwrap_or(statement.origin());
        reader.warn(origin, Code::KeepalivedUncheckedServer).with("address", server.server.address);
    }
}

/// One virtual server for one thing that it is reached by.
pub(super) fn finish(draft: &Draft<'_>, target: Target, origin: Origin, servers: &[Server]) -> Service {
    let (vip, mark, port) = match target {
        Target::Address(address, port) => {
            (Some(Vip { address, prefix: None, device: None }), None, port.unwrap_or(0))
        }
        Target::Mark(mark) => (None, Some(mark), 0),
    };
    let protocol = match (mark, draft.protocol) {
        (None, protocol) => protocol.map_or(Protocol::Udp, |(protocol, _)| protocol),
        // Only its checks would use one; one packet at a time means UDP.
        (Some(_), _) if draft.one_packet.is_some() => Protocol::Udp,
        (Some(_), _) => Protocol::default(),
    };
    let family = draft.family.filter(|family| mark.is_some() && *family == Family::Ipv6);
    let mut server = VirtualServer {
        id: Id::default(),
        name: String::new(),
        active: true,
        vip,
        mark,
        marked: Vec::new(),
        family,
        protocol,
        port,
        scheduler: draft.scheduler(),
        scheduler_flags: draft.flags.iter().filter_map(|(inner, _)| flag(&inner.keyword.text)).collect(),
        persistence: draft.persistent.value(),
        one_packet: draft.one_packet.is_some(),
        quiesce: draft.inhibits,
        quorum: Quorum {
            weight: draft.quorum.map_or(1, |(weight, _)| weight),
            hysteresis: draft.hysteresis.map_or(0, |(hysteresis, _)| hysteresis),
        },
        sorry_server: draft.sorry.map(|(address, given, _)| SorryServer {
            address,
            port: given.filter(|given| *given != port),
            forwarding: Some(draft.sorry_forwarding.unwrap_or(draft.forwarding())),
            check: SorryCheck::Never,
        }),
        monitor: Monitor::none(),
        real_servers: Vec::new(),
        kept: draft.kept.clone(),
    };
    let mut origins = draft.origins.clone();
    origins.insert("", draft.statement.origin());
    origins.insert("/vip", origin);
    origins.insert("/port", origin);
    let key = server.key().map(|key| key.to_string()).unwrap_or_default();
    match &draft.group {
        Some(group) => {
            server.name = draft.name.as_ref().map_or(key.clone(), |name| format!("{name} {key}"));
            kept::keep_text(&mut server.kept, GROUP, group);
        }
        None => server.name = draft.name.clone().unwrap_or(key),
    }
    for (index, real) in servers.iter().enumerate() {
        let mut real = real.clone();
        servers::settle_port(&mut real, port);
        if real.server.name.is_empty() {
            real.server.name = server.server_key(&real.server).to_string();
        }
        origins.graft(&format!("/real_servers/{index}"), &real.origins);
        server.real_servers.push(real.server);
    }
    monitors(&mut server);
    Service { server, origins }
}

/// The commonest monitor becomes the service's; servers keep theirs where it differs.
fn monitors(server: &mut VirtualServer) {
    let Some(common) = commonest(server.real_servers.iter().filter_map(|real| real.monitor.as_ref())) else {
        return;
    };
    server.monitor = common.clone();
    for real in &mut server.real_servers {
        real.monitor = real.monitor.take().filter(|own| *own != server.monitor);
    }
}
