//! `lb_kind`, also called `lvs_method`: how packets get to a real server.

use super::reader::{Reader, whole};
use super::syntax_notes::excerpt;
use super::tree::Statement;
use super::values;
use crate::finding::Code;
use crate::model::{Forwarding, Tunnel, TunnelChecksum, TunnelKind};

/// The word of keepalived.
pub(super) fn word(forwarding: Forwarding) -> &'static str {
    match forwarding {
        Forwarding::Nat => "NAT",
        Forwarding::Direct => "DR",
        Forwarding::Tunnel(_) => "TUN",
    }
}

/// Reads `NAT`, `DR` or `TUN [type KIND [port N]] [nocsum|csum|remcsum]`; none where it is none of them.
pub(super) fn read(reader: &mut Reader<'_>, statement: &Statement, taken: Forwarding) -> Option<Forwarding> {
    let Some(first) = statement.argument(0) else {
        _ = reader.value(statement);
        return None;
    };
    let choices = [
        ("NAT", Forwarding::Nat),
        ("DR", Forwarding::Direct),
        ("TUN", Forwarding::Tunnel(Tunnel::default())),
    ];
    let chosen = reader.choice(statement, first, &choices, word(taken))?;
    let Forwarding::Tunnel(mut tunnel) = chosen else {
        if let Some(further) = statement.argument(1).filter(|word| word.text != "type") {
            values::option(reader, statement, further);
        }
        return Some(chosen);
    };
    let mut words = statement.arguments.iter().skip(1);
    while let Some(option) = words.next() {
        match option.text.as_str() {
            "type" => {
                let Some(kind) = words.next() else { break };
                let kinds = [("ipip", TunnelKind::Ipip), ("gue", TunnelKind::Gue), ("gre", TunnelKind::Gre)];
                tunnel.kind = reader.choice(statement, kind, &kinds, "ipip").unwrap_or_default();
            }
            "port" => {
                let Some(word) = words.next() else { break };
                let port =
                    whole(&word.text).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
                match port {
                    Some(port) => tunnel.port = port,
                    None => reader.range(statement, word, 1, u16::MAX, 0),
                }
            }
            "nocsum" => tunnel.checksum = TunnelChecksum::None,
            "csum" => tunnel.checksum = TunnelChecksum::Full,
            "remcsum" => tunnel.checksum = TunnelChecksum::Remote,
            other => {
                reader
                    .warn(statement.origin_of(option), Code::KeepalivedOption)
                    .with("text", excerpt(other))
                    .with("word", &statement.keyword.text);
            }
        }
    }
    Some(Forwarding::Tunnel(tunnel))
}
