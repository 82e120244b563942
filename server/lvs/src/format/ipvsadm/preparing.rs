//! What a script sets up on the director beside the table: kernel parameters, masquerading, and marks of packets.
//!
//! Only what the model can say in full is taken; of everything else the caller says that it is not read. Nothing is run.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;

use super::super::places::Spot;
use super::options::Word;
use crate::health::EXPIRE_QUIESCENT;
use crate::model::{
    Cluster, HostSetup, MARKED_MAXIMUM, MASQUERADES_MAXIMUM, MarkedTraffic, Masquerade, Protocol, Vip,
};
use crate::table::{CONNTRACK, EXPIRE_NODEST, FORWARD_IPV4, FORWARD_IPV6, Family, is_host_parameter};

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Preparing {
    host: HostSetup,
    marks: BTreeMap<(NonZeroU32, Family), (Vec<MarkedTraffic>, Spot)>,
}

/// Where the files of kernel parameters are.
const FOLDER: &str = "/proc/sys/";

impl Preparing {
    /// `sysctl [-w] name=value …`; whether all of it is taken.
    pub(super) fn sysctl(&mut self, words: &[Word<'_>]) -> bool {
        let mut settings = words.iter().filter(|word| !word.text.starts_with('-')).peekable();
        let plain =
            |word: &Word<'_>| !word.text.starts_with('-') || matches!(word.text, "-w" | "-q" | "-e" | "-n");
        let any = settings.peek().is_some() && words.iter().all(plain);
        any && settings.fold(true, |all, word| {
            let taken =
                word.text.split_once('=').is_some_and(|(name, value)| self.parameter(name.trim(), value));
            all && taken
        })
    }

    /// `echo value > /proc/sys/…`, as the file and then the command.
    pub(super) fn file(&mut self, words: &[Word<'_>]) -> bool {
        let [path, program, .., value] = words else { return false };
        let name = path
            .text
            .strip_prefix(FOLDER)
            .map(|rest| rest.replace('.', "\0").replace('/', ".").replace('\0', "/"));
        matches!(program.text, "echo" | "printf")
            && name.is_some_and(|name| self.parameter(&name, value.text))
    }

    fn parameter(&mut self, name: &str, value: &str) -> bool {
        // sysctl(8) takes slashes, too.
        let name = if name.contains('.') { name.to_owned() } else { name.replace('/', ".") };
        let switch = match value.trim().trim_matches('"') {
            "0" => false,
            "1" => true,
            _ => return false,
        };
        let host = &mut self.host;
        match (name.as_str(), switch) {
            (EXPIRE_NODEST, value) => host.expire_nodest_conn = Some(value),
            (EXPIRE_QUIESCENT, value) => host.expire_quiescent_template = Some(value),
            (CONNTRACK, value) => host.conntrack = Some(value),
            (FORWARD_IPV4 | FORWARD_IPV6, true) => host.prepare = true,
            (redirects, false) if redirects.ends_with(".send_redirects") && is_host_parameter(redirects) => {
                host.prepare = true;
            }
            _ => return false,
        }
        true
    }

    /// A command of iptables; whether it is taken, or sets nothing up.
    pub(super) fn iptables(&mut self, family: Family, words: &[Word<'_>]) -> bool {
        let Some(rule) = Rule::read(words) else { return false };
        match rule {
            Rule { clears: true, .. } => true,
            Rule {
                chain: "POSTROUTING", table: "nat", target: "MASQUERADE", source: Some(source), ..
            } => {
                let device = rule.leaves.map(str::parse).transpose();
                let (Ok(source), Ok(device)) = (network(source), device) else { return false };
                let fits = rule.destination.is_none() && rule.protocol.is_none() && rule.mark.is_none();
                if !fits || source.prefix_len() == 0 || Family::of(source.addr()) != family {
                    return false;
                }
                let leaving = Masquerade { source, device };
                let known = &mut self.host.masquerade;
                // One too many is enough for the cluster's rules to refuse it.
                if known.len() <= MASQUERADES_MAXIMUM && !known.contains(&leaving) {
                    known.push(leaving);
                }
                true
            }
            Rule { chain: "PREROUTING", table: "mangle", target: "MARK", mark: Some(mark), .. } => {
                self.marks(family, mark, &rule, words).is_some()
            }
            _ => false,
        }
    }

    fn marks(&mut self, family: Family, mark: &str, rule: &Rule<'_>, words: &[Word<'_>]) -> Option<()> {
        let mark = mark.split_once('/').map_or(mark, |(mark, _)| mark);
        let number = match mark.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => mark.parse().ok()?,
        };
        let address =
            network(rule.destination?).ok().filter(|network| network.prefix_len() == family.bits())?.addr();
        let protocol = Protocol::ALL.into_iter().find(|protocol| Some(protocol.as_str()) == rule.protocol)?;
        if rule.source.is_some() || rule.leaves.is_some() || Family::of(address) != family {
            return None;
        }
        let mut marked = Vec::new();
        for ports in rule.ports?.split(',') {
            let (first, last) =
                ports.split_once(':').map_or((ports, None), |(first, last)| (first, Some(last)));
            let last = last.map(str::parse).transpose().ok()?;
            marked.push(MarkedTraffic { address, protocol, port: first.parse().ok()?, last });
        }
        let spot = words.first().map(|word| word.spot)?;
        let entry = self.marks.entry((NonZeroU32::new(number)?, family)).or_insert((Vec::new(), spot));
        for traffic in marked {
            if entry.0.len() <= MARKED_MAXIMUM && !entry.0.contains(&traffic) {
                entry.0.push(traffic);
            }
        }
        Some(())
    }

    /// Puts it into the cluster. Returns where packets were marked for no service of it.
    pub(super) fn complete(self, cluster: &mut Cluster) -> Vec<Spot> {
        cluster.global.host = self.host;
        let mut unused = Vec::new();
        for ((mark, family), (marked, spot)) in self.marks {
            let of = |server: &&mut crate::model::VirtualServer| {
                server.mark == Some(mark) && server.family() == family
            };
            let Some(server) = cluster.virtual_servers.iter_mut().find(of) else {
                unused.push(spot);
                continue;
            };
            // The one address of a service by mark, so that it moves with the directors.
            let mut addresses: Vec<IpAddr> = marked.iter().map(|traffic| traffic.address).collect();
            addresses.dedup();
            if let (None, [address]) = (&server.vip, addresses.as_slice()) {
                server.vip = Some(Vip { address: *address, prefix: None, device: None });
                server.family = None;
            }
            server.marked = marked;
        }
        unused
    }
}

fn network(text: &str) -> Result<ipnet::IpNet, ()> {
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().map_err(drop)?;
    let bits = Family::of(address).bits();
    let prefix = match prefix {
        "" => bits,
        text => {
            let mask = || text.parse().ok().and_then(|mask| ipnet::ip_mask_to_prefix(mask).ok());
            text.parse().ok().or_else(mask).ok_or(())?
        }
    };
    ipnet::IpNet::new(address, prefix).map(|network| network.trunc()).map_err(drop)
}

/// The words of an iptables command that are understood.
#[derive(Debug, Default)]
struct Rule<'w> {
    table: &'w str,
    chain: &'w str,
    target: &'w str,
    source: Option<&'w str>,
    destination: Option<&'w str>,
    leaves: Option<&'w str>,
    protocol: Option<&'w str>,
    ports: Option<&'w str>,
    mark: Option<&'w str>,
    /// It only takes rules away, which Caribe never does with rules of others.
    clears: bool,
}

impl<'w> Rule<'w> {
    /// None where a word is not understood.
    fn read(words: &[Word<'w>]) -> Option<Self> {
        let mut rule = Rule { table: "filter", ..Rule::default() };
        let mut words = words.iter().map(|word| word.text).peekable();
        while let Some(word) = words.next() {
            match word {
                "-F" | "--flush" | "-X" | "--delete-chain" | "-Z" | "--zero" | "-D" | "--delete" => {
                    rule.clears = true
                }
                "-t" | "--table" => rule.table = words.next()?,
                "-A" | "--append" => rule.chain = words.next()?,
                "-I" | "--insert" => {
                    rule.chain = words.next()?;
                    words.next_if(|word| word.parse::<u32>().is_ok());
                }
                "-s" | "--source" | "--src" => rule.source = Some(words.next()?),
                "-d" | "--destination" | "--dst" => rule.destination = Some(words.next()?),
                "-o" | "--out-interface" => rule.leaves = Some(words.next()?),
                "-p" | "--protocol" | "--proto" => rule.protocol = Some(words.next()?),
                "--dport" | "--destination-port" | "--dports" | "--destination-ports" => {
                    rule.ports = Some(words.next()?)
                }
                "-m" | "--match" => {
                    let understood =
                        matches!(words.next()?, "tcp" | "udp" | "sctp" | "multiport" | "comment");
                    understood.then_some(())?;
                }
                "--comment" => drop(words.next()?),
                "-j" | "--jump" => rule.target = words.next()?,
                "--set-mark" | "--set-xmark" => rule.mark = Some(words.next()?),
                "-w" | "--wait" => drop(words.next_if(|word| word.parse::<u32>().is_ok())),
                _ if rule.clears => {}
                _ => return None,
            }
        }
        Some(rule)
    }
}
