//! What keepalived takes for what a `virtual_server` does not say, and what it makes of combinations.

use super::super::forwarding;
use super::super::groups::Target;
use super::super::kept;
use super::super::reader::Reader;
use super::super::syntax_notes::excerpt;
use super::Draft;
use crate::finding::Code;
use crate::model::{Forwarding, Protocol, SchedulerFlag};
use crate::table::Family;

/// Takes what keepalived takes for what is not said, and what it makes of combinations.
pub(super) fn defaults(reader: &mut Reader<'_>, draft: &mut Draft<'_>) {
    let statement = draft.statement;
    let key = excerpt(&statement.words());
    let mut missing = |word: &str, taken: &str| {
        reader
            .warn(statement.origin(), Code::KeepalivedDefault)
            .with("word", word)
            .with("name", &key)
            .with("taken", taken);
    };
    if draft.scheduler.is_none() {
        missing("lb_algo", "wlc");
    }
    if draft.forwarding.is_none() {
        missing("lb_kind", "NAT");
    }
    if draft.is_mark() {
        if let Some((_, origin)) = draft.protocol.take() {
            reader.warn(origin, Code::KeepalivedMarkProtocol);
        }
    } else if draft.protocol.is_none() {
        missing("protocol", "UDP");
    }
    let protocol = draft.protocol.map(|(protocol, _)| protocol);
    if let Some(origin) = draft.one_packet
        && !draft.is_mark()
        && protocol.is_some_and(|protocol| protocol != Protocol::Udp)
    {
        reader.warn(origin, Code::KeepalivedOps);
        draft.one_packet = None;
    }
    sorry(reader, draft);
    // All ports of an address need persistence.
    let all_ports = draft.targets.iter().any(|(target, _)| matches!(target, Target::Address(_, None)));
    draft.persistent.settle(reader, all_ports.then(|| statement.origin()), &mut draft.kept);
    flags(reader, draft);
}

/// The sorry server has the family of the service, and its port where packets are not translated.
fn sorry(reader: &mut Reader<'_>, draft: &mut Draft<'_>) {
    let Some((address, port, origin)) = draft.sorry else { return };
    let forwarding = draft.sorry_forwarding.unwrap_or(draft.forwarding());
    let wanted = draft.family.filter(|family| *family != Family::of(address));
    if let Some(family) = wanted.filter(|_| !matches!(forwarding, Forwarding::Tunnel(_))) {
        reader.warn(origin, Code::KeepalivedServerFamily).with("address", address).with("family", family);
        draft.sorry = None;
        return;
    }
    if forwarding == Forwarding::Nat {
        return;
    }
    if let Some(port) = port {
        let service_port = match draft.targets.first() {
            Some((Target::Address(_, wanted), _)) if draft.group.is_none() => wanted.unwrap_or(0),
            _ => port,
        };
        if port != service_port {
            reader
                .warn(origin, Code::KeepalivedPortReset)
                .with("forwarding", forwarding::word(forwarding))
                .with("port", port)
                .with("service_port", service_port)
                .suggest(Some(service_port));
        }
    }
    draft.sorry = Some((address, None, origin));
}

/// Keeps the flags that the scheduler has.
fn flags(reader: &mut Reader<'_>, draft: &mut Draft<'_>) {
    let scheduler = draft.scheduler();
    draft.flags.retain(|(statement, so_far)| {
        let word = statement.keyword.text.as_str();
        let has = flag(word).is_some_and(|flag| scheduler.flags().contains(&flag))
            && (word.starts_with("flag") || word.starts_with(scheduler.as_str()));
        // A name with the scheduler in it is only known behind the line that chooses that one.
        let early = has && !word.starts_with("flag") && *so_far != scheduler;
        let fits = has && !early;
        if !fits {
            let code = if early { Code::KeepalivedFlagEarly } else { Code::KeepalivedFlag };
            reader.warn(statement.origin(), code).with("flag", word).with("scheduler", scheduler);
            kept::keep(&mut draft.kept, "", statement);
        }
        fits
    });
}

pub(super) fn flag(word: &str) -> Option<SchedulerFlag> {
    match word {
        "flag-1" | "sh-fallback" | "mh-fallback" => Some(SchedulerFlag::Fallback),
        "flag-2" | "sh-port" | "mh-port" => Some(SchedulerFlag::Port),
        "flag-3" => Some(SchedulerFlag::Flag3),
        _ => None,
    }
}
