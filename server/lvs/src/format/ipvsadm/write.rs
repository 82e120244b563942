//! From table rows to the words of ipvsadm.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use crate::model::{Protocol, SchedulerFlag, Tunnel, TunnelChecksum, TunnelKind};
use crate::table::{Family, Forward, Persist, ServerRow, ServiceKey, ServiceRow, Table};

/// A table as `ipvsadm --save --numeric` prints it, by key: one `-A` line for each service, one `-a` line for each
/// of its servers after it. Read again it gives the same table.
pub fn save(table: &Table) -> String {
    let mut text = String::new();
    for (key, service) in &table.services {
        let words = service_words(key);
        // Writing into a String cannot fail.
        let _ = writeln!(text, "-A {words} {}", settings_words(key, &service.row));
        for (server, row) in &service.servers {
            let _ = writeln!(text, "-a {words} -r {server} {}", server_words(row));
        }
    }
    text
}

/// Which service: `-t 192.0.2.1:80`, `-u [2001:db8::1]:53`, `-f 5`, `-f 5 -6`.
pub fn service_words(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Address { protocol, address, port } => {
            let option = match protocol {
                Protocol::Tcp => "-t",
                Protocol::Udp => "-u",
                Protocol::Sctp => "--sctp-service",
            };
            format!("{option} {}", std::net::SocketAddr::new(*address, *port))
        }
        ServiceKey::Mark { mark, family: Family::Ipv4 } => format!("-f {mark}"),
        ServiceKey::Mark { mark, family: Family::Ipv6 } => format!("-f {mark} -6"),
    }
}

/// A service's settings: `-s wlc -p 300 -M 255.255.255.0 -o -b sh-port`.
pub fn settings_words(key: &ServiceKey, row: &ServiceRow) -> String {
    let mut words = format!("-s {}", row.scheduler);
    if let Some(Persist { timeout_s, mask }) = row.persistence {
        let _ = write!(words, " -p {timeout_s}");
        let _ = match key.family() {
            Family::Ipv4 if mask == u32::MAX => Ok(()),
            Family::Ipv4 => write!(words, " -M {}", Ipv4Addr::from_bits(mask)),
            Family::Ipv6 if mask == u32::from(Family::Ipv6.bits()) => Ok(()),
            Family::Ipv6 => write!(words, " -M {mask}"),
        };
    }
    if row.one_packet {
        words.push_str(" -o");
    }
    let flags: Vec<&str> = row.flags.iter().filter_map(|flag| flag_word(&row.scheduler, *flag)).collect();
    if !flags.is_empty() {
        let _ = write!(words, " -b {}", flags.join(","));
    }
    words
}

/// A flag's word depends on the scheduler. ipvsadm has no word for the third flag of sh and mh, which means nothing.
pub(super) fn flag_word(scheduler: &str, flag: SchedulerFlag) -> Option<&'static str> {
    match (scheduler, flag) {
        ("sh", SchedulerFlag::Fallback) => Some("sh-fallback"),
        ("sh", SchedulerFlag::Port) => Some("sh-port"),
        ("mh", SchedulerFlag::Fallback) => Some("mh-fallback"),
        ("mh", SchedulerFlag::Port) => Some("mh-port"),
        ("sh" | "mh", SchedulerFlag::Flag3) => None,
        (_, SchedulerFlag::Fallback) => Some("flag-1"),
        (_, SchedulerFlag::Port) => Some("flag-2"),
        (_, SchedulerFlag::Flag3) => Some("flag-3"),
    }
}

/// A real server's settings: `-m -w 1`, `-i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum`, `-g -w 1 -x 100 -y 50`.
pub fn server_words(row: &ServerRow) -> String {
    let mut words = format!("{} -w {}", forward_word(row.forward), row.weight);
    if let Forward::Tunnel(Tunnel { kind, port, checksum }) = row.forward {
        let _ = write!(words, " --tun-type {}", kind.as_str());
        if kind == TunnelKind::Gue {
            let _ = write!(words, " --tun-port {port}");
        }
        if kind != TunnelKind::Ipip {
            words.push_str(match checksum {
                TunnelChecksum::None => " --tun-nocsum",
                TunnelChecksum::Full => " --tun-csum",
                TunnelChecksum::Remote => " --tun-remcsum",
            });
        }
    }
    for (option, limit) in [("-x", row.upper), ("-y", row.lower)] {
        if limit != 0 {
            let _ = write!(words, " {option} {limit}");
        }
    }
    words
}

/// ipvsadm has words for three methods and prints every other as direct routing.
pub(super) fn forward_word(forward: Forward) -> &'static str {
    match forward {
        Forward::Masquerade => "-m",
        Forward::Tunnel(_) => "-i",
        Forward::Direct | Forward::Local | Forward::Bypass => "-g",
    }
}
