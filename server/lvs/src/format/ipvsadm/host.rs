//! What a script says of its host: which program a command runs, and which addresses it puts on which interface.
//!
//! Tells where a virtual address belongs, so that an imported script loses neither device nor mask. Nothing is run.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::places::Spot;
use super::options::Word;
use super::shell_variables::Token;
use crate::model::{Cluster, Device, Vip};
use crate::table::Family;

/// A program whose commands are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Ipvsadm,
    /// `ip` of iproute2.
    Ip,
    Ifconfig,
    Sysctl,
    /// `iptables` and `ip6tables`.
    Iptables(Family),
    /// What writes to a file below `/proc/sys`, which is the first word.
    Parameter,
}

/// Words before a command that only say how it is run.
const WRAPPERS: [&str; 9] = ["sudo", "exec", "command", "nohup", "env", "time", "action", "eval", "then"];

/// Commands that leave traffic as it is.
const HARMLESS: [&str; 56] = [
    "echo",
    "printf",
    "exit",
    "return",
    ".",
    "source",
    "test",
    "[",
    "[[",
    "]",
    "true",
    "false",
    ":",
    "set",
    "unset",
    "shift",
    "break",
    "continue",
    "read",
    "sleep",
    "touch",
    "rm",
    "mkdir",
    "logger",
    "grep",
    "awk",
    "sed",
    "cat",
    "cd",
    "ls",
    "wait",
    "trap",
    "success",
    "failure",
    "status",
    "usage",
    "start",
    "stop",
    "restart",
    "tee",
    "modprobe",
    "insmod",
    "lsmod",
    "chkconfig",
    "yum",
    "dnf",
    "apt",
    "apt-get",
    "rpm",
    "chmod",
    "ipvsadm-save",
    "watch",
    "ping",
    "arping",
    "$0",
    "date",
];

/// The program that a command runs and where its arguments begin; none where it is another.
pub(super) fn program(words: &[Token]) -> Option<(Program, usize)> {
    let at = command(words);
    let program = match basename(&words.get(at)?.text) {
        "ipvsadm" => Program::Ipvsadm,
        "ip" => Program::Ip,
        "ifconfig" => Program::Ifconfig,
        "sysctl" => Program::Sysctl,
        "iptables" | "iptables-nft" | "iptables-legacy" => Program::Iptables(Family::Ipv4),
        "ip6tables" | "ip6tables-nft" | "ip6tables-legacy" => Program::Iptables(Family::Ipv6),
        file if file.starts_with("/proc/sys/") => return Some((Program::Parameter, at)),
        // A variable that was set in another file.
        other if other.starts_with('$') && other.to_ascii_lowercase().contains("ipvsadm") => Program::Ipvsadm,
        _ => return None,
    };
    Some((program, at + 1))
}

/// The name of a command for people: `sysctl`, `ip route`.
pub(super) fn name(words: &[Token]) -> Option<String> {
    let at = command(words);
    let first = basename(&words.get(at)?.text);
    let second = words.iter().skip(at + 1).map(|word| word.text.as_str()).find(|text| !text.starts_with('-'));
    let name = match second {
        Some(second) if first == "ip" => format!("ip {second}"),
        _ => first.to_owned(),
    };
    // Longer than any name: a piece of prose, or of hostile input.
    Some(name.chars().take(80).collect())
}

/// Whether a command sets nothing up.
pub(super) fn is_harmless(words: &[Token]) -> bool {
    let at = command(words);
    words.get(at).is_none_or(|word| {
        let name = if word.text.starts_with("/proc/") || word.text.starts_with("/sys/") {
            word.text.as_str()
        } else {
            basename(&word.text)
        };
        HARMLESS.contains(&name) || word.unknown.is_some()
    })
}

/// Where the command's own name is: behind a prompt that was pasted along, and behind words such as `sudo`.
fn command(words: &[Token]) -> usize {
    let is_prompt = |word: &Token| word.text.ends_with(['#', '$', '%']) && !word.text.starts_with('-');
    let prompt = words.iter().take(4).position(is_prompt).map_or(0, |at| at + 1);
    let mut at = prompt;
    while let Some(word) = words.get(at) {
        let wrapper = WRAPPERS.contains(&basename(&word.text));
        // Options of the wrapper, and what `action` prints.
        let argument = at > prompt && (word.text.starts_with('-') || word.text.contains([' ', '=']));
        if !wrapper && !argument {
            break;
        }
        at += 1;
    }
    at
}

fn basename(text: &str) -> &str {
    if text.starts_with("/proc/") || text.starts_with("/sys/") {
        return text;
    }
    text.rsplit('/').next().unwrap_or(text)
}

/// Addresses on interfaces, as a script puts them there.
#[derive(Debug, Default)]
pub(super) struct Hints(BTreeMap<IpAddr, (Vip, Spot)>);

impl Hints {
    /// Reads a command of `ip` or `ifconfig`; whether it is one that puts an address on an interface, or takes one
    /// away.
    pub(super) fn read(&mut self, program: Program, words: &[Word<'_>]) -> bool {
        let hint = match program {
            Program::Ip => ip(words),
            Program::Ifconfig => ifconfig(words),
            _ => return false,
        };
        let Some(hint) = hint else { return false };
        if let Some((vip, spot)) = hint {
            self.0.entry(vip.address).or_insert((vip, spot));
        }
        true
    }

    /// Whether no address is known.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where an address was put on an interface.
    pub(super) fn spot(&self, address: IpAddr) -> Option<Spot> {
        self.0.get(&address).map(|(_, spot)| *spot)
    }

    /// Gives the virtual addresses of a cluster their devices; what is left over comes back.
    pub(super) fn place(&self, cluster: &mut Cluster) -> Vec<(IpAddr, Vip, Spot)> {
        let mut left = self.0.clone();
        for vip in cluster.virtual_servers.iter_mut().filter_map(|server| server.vip.as_mut()) {
            if let Some((hint, _)) = self.0.get(&vip.address) {
                vip.clone_from(hint);
                left.remove(&vip.address);
            }
        }
        left.into_iter().map(|(address, (vip, spot))| (address, vip, spot)).collect()
    }
}

/// An address with its place, nothing where one is taken away; none where the command is about something else.
type Hint = Option<Option<(Vip, Spot)>>;

/// `ip [-4] addr add 192.0.2.1/24 [brd +] dev eth0 [label eth0:1]`
fn ip(words: &[Word<'_>]) -> Hint {
    let mut words = words.iter().skip_while(|word| word.text.starts_with('-'));
    let is = |word: Option<&Word<'_>>, full: &str| {
        word.is_some_and(|word| !word.text.is_empty() && full.starts_with(word.text))
    };
    if !is(words.next(), "address") {
        return None;
    }
    let verb = words.next();
    if is(verb, "delete") || is(verb, "flush") || is(verb, "show") || is(verb, "list") || verb.is_none() {
        return Some(None);
    }
    if !is(verb, "add") && !is(verb, "replace") && !is(verb, "change") {
        return None;
    }
    let (mut address, mut device, mut label) = (None, None, None);
    while let Some(word) = words.next() {
        match word.text {
            "dev" => device = words.next(),
            "label" => label = words.next(),
            "brd" | "broadcast" | "scope" | "peer" | "anycast" | "valid_lft" | "preferred_lft" | "proto" => {
                words.next();
            }
            "local" => address = words.next(),
            _ if address.is_none() => address = Some(word),
            _ => {}
        }
    }
    let device = label.or(device);
    let (address, device) = (address?, device?);
    let (text, prefix) = match address.text.split_once('/') {
        Some((text, prefix)) => (text, Some(prefix)),
        None => (address.text, None),
    };
    hint(text, prefix, device.text, address.spot)
}

/// `ifconfig eth0:1 192.0.2.1 [netmask 255.255.255.0] [broadcast …] [up]`
fn ifconfig(words: &[Word<'_>]) -> Hint {
    let device = words.first()?;
    let rest = || words.iter().skip(1).filter(|word| !matches!(word.text, "inet" | "inet6" | "add"));
    let Some(address) = rest().next() else { return Some(None) };
    if address.text.parse::<IpAddr>().is_err() && !address.text.contains('/') {
        // `ifconfig eth0:1 down`
        return matches!(address.text, "up" | "down").then_some(None);
    }
    let (text, prefix) = match address.text.split_once('/') {
        Some((text, prefix)) => (text, Some(prefix)),
        None => (address.text, rest().skip_while(|word| word.text != "netmask").nth(1).map(|word| word.text)),
    };
    hint(text, prefix, device.text, address.spot)
}

/// A hint of its parts; the prefix may be a length or a mask.
fn hint(address: &str, prefix: Option<&str>, device: &str, spot: Spot) -> Hint {
    let address: IpAddr = address.parse().ok()?;
    let device: Device = device.parse().ok()?;
    if device.interface() == "lo" {
        // On a real server; a director never has it there.
        return None;
    }
    let prefix = match prefix {
        None => None,
        Some(text) => {
            let mask = || text.parse().ok().and_then(|mask| ipnet::ip_mask_to_prefix(mask).ok());
            Some(text.parse().ok().or_else(mask)?)
        }
    };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    if prefix.is_some_and(|prefix: u8| prefix > bits) {
        return None;
    }
    Some(Some((Vip { address, prefix, device: Some(device) }, spot)))
}
