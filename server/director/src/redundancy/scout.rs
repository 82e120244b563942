//! Finds answers to what the heartbeat asks, on a thread of its own: who holds the virtual addresses, and whether the
//! network is there at all. What the console is asked is found out elsewhere (`witness`).
//!
//! The heartbeat thread hands a question over and goes on; the answer comes back like any other event, or not in time.
//! What was seen on the network is judged here by pure functions; looking belongs to `kernel`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use kernel::{Scout, Sighting, Wires};
use lvs::failover::{Answer, Event, Moment, Question};
use lvs::model::{Cluster, Seat};
use lvs::table::{AddressKey, DesiredAddress};

use super::Heart;
use super::witness::{Inquiries, Inquiry};

/// How long a look takes.
const WINDOW: Duration = Duration::from_millis(240);
/// After a look that found nobody: whoever looks a moment later hears that the addresses are about to be taken.
const REMINDERS: usize = 7;
const REMINDER: Duration = Duration::from_millis(100);
/// Virtual addresses that are asked for on an interface; they move together.
const ENOUGH: usize = 4;
/// Real servers that are asked for beside the gateway: whoever answers is a sign of the network.
const NEIGHBOURS: usize = 8;

/// Where to look, as the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grounds {
    /// Virtual addresses by interface.
    addresses: BTreeMap<String, BTreeSet<IpAddr>>,
    /// Own addresses, each with the partner's on the same network.
    pairs: Vec<(IpAddr, IpAddr)>,
    /// Whether a look of the partner at the same time counts as its claim.
    gives_way: bool,
    /// The router that tells whether this director is cut off.
    gateway: Option<IpAddr>,
    /// Others that may answer beside it.
    neighbours: BTreeSet<IpAddr>,
    /// The directors' own addresses: a console there is no witness.
    machines: BTreeSet<IpAddr>,
}

impl Grounds {
    pub(super) fn of(
        addresses: &BTreeMap<AddressKey, DesiredAddress>,
        pairs: &[(Option<IpAddr>, Option<IpAddr>)],
        seat: Seat,
    ) -> Self {
        let mut by_interface: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
        for key in addresses.keys().filter(|key| key.interface != "lo") {
            let there = by_interface.entry(key.interface.clone()).or_default();
            if there.len() < ENOUGH {
                there.insert(key.address);
            }
        }
        let pairs = pairs.iter().filter_map(|(own, partner)| Some(((*own)?, (*partner)?))).collect();
        Grounds { addresses: by_interface, pairs, gives_way: seat == Seat::Backup, ..Grounds::default() }
    }

    /// With what the cluster says of the world outside.
    pub(super) fn within(self, cluster: &Cluster) -> Self {
        let own = cluster.directors.iter().flat_map(|director| [director.public, director.private]);
        let floating = self.addresses.values().flatten().copied();
        let machines: BTreeSet<IpAddr> = own.flatten().chain(floating).collect();
        let partners = self.pairs.iter().map(|(_, partner)| *partner);
        let servers = cluster.virtual_servers.iter().flat_map(|server| &server.real_servers);
        let neighbours = partners.chain(servers.map(|real| real.address).take(NEIGHBOURS)).collect();
        Grounds { gateway: cluster.redundancy.gateway, neighbours, machines, ..self }
    }

    /// The partner's addresses on an interface.
    fn partners(&self, interface: &str, holders: &BTreeMap<IpAddr, String>) -> BTreeSet<IpAddr> {
        let here = |own: &IpAddr| holders.get(own).is_some_and(|holder| holder == interface);
        self.pairs.iter().filter(|(own, _)| here(own)).map(|(_, partner)| *partner).collect()
    }

    /// What is asked for: the virtual addresses, and the partner's own beside them.
    fn places(&self, holders: &BTreeMap<IpAddr, String>) -> BTreeMap<String, BTreeSet<IpAddr>> {
        let with = |(interface, addresses): (&String, &BTreeSet<IpAddr>)| {
            (interface.clone(), addresses | &self.partners(interface, holders))
        };
        self.addresses.iter().map(with).collect()
    }

    /// Whether the partner's machine answered for a virtual address. A real server that answers though it should not is
    /// another machine; where the partner has no address of its own on that network, nobody can be told from it.
    fn is_held(&self, sighting: &Sighting, holders: &BTreeMap<IpAddr, String>) -> bool {
        let heard = |address: &IpAddr| sighting.holders.get(address).cloned().unwrap_or_default();
        self.addresses.iter().any(|(interface, addresses)| {
            let partners = self.partners(interface, holders);
            let machines: BTreeSet<[u8; 6]> = partners.iter().flat_map(heard).collect();
            addresses.iter().any(|address| {
                let answered = heard(address).iter().any(|mac| partners.is_empty() || machines.contains(mac));
                answered || (self.gives_way && sighting.sought.contains(address))
            })
        })
    }
}

/// What the thread is told.
enum Errand {
    Grounds(Grounds),
    Ask(Question),
}

/// The way to the thread, which ends when this is dropped, and to the console.
pub(super) struct Errands {
    thread: Sender<Errand>,
    inquiries: Arc<Inquiries>,
    machines: BTreeSet<IpAddr>,
}

impl Errands {
    /// Look here from now on.
    pub(super) fn look_at(&mut self, grounds: Grounds) {
        self.machines.clone_from(&grounds.machines);
        let _ = self.thread.send(Errand::Grounds(grounds));
    }

    /// Find an answer to what is asked now.
    pub(super) fn ask(&self, question: Question, now: Moment) {
        if question == Question::Witness {
            self.inquiries.send_replace(Some(Inquiry { asked: now, machines: self.machines.clone() }));
        } else {
            let _ = self.thread.send(Errand::Ask(question));
        }
    }
}

/// Starts the thread.
pub(super) fn start(
    door: Heart,
    wires: Wires,
    inquiries: Arc<Inquiries>,
) -> std::io::Result<(Errands, JoinHandle<()>)> {
    let (thread, inbox) = channel();
    let body = move || Runner { door, wires, scout: None, grounds: Grounds::default() }.run(&inbox);
    let runs = std::thread::Builder::new().name("scout".to_owned()).spawn(body)?;
    Ok((Errands { thread, inquiries, machines: BTreeSet::new() }, runs))
}

struct Runner {
    door: Heart,
    wires: Wires,
    scout: Option<Scout>,
    grounds: Grounds,
}

impl Runner {
    fn run(mut self, inbox: &Receiver<Errand>) {
        let mut reminders = 0;
        loop {
            let errand = match reminders {
                0 => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                _ => inbox.recv_timeout(REMINDER),
            };
            match errand {
                Ok(errand) => {
                    // A question that was asked again meanwhile is answered once.
                    let mut questions = BTreeSet::new();
                    for errand in std::iter::once(errand).chain(inbox.try_iter()) {
                        match errand {
                            Errand::Grounds(grounds) => self.grounds = grounds,
                            Errand::Ask(question) => drop(questions.insert(question)),
                        }
                    }
                    for question in questions {
                        let answer = self.find(question);
                        if answer == Answer::Owner(false) {
                            reminders = REMINDERS;
                        }
                        self.door.event(Event::Answer(answer));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    reminders -= 1;
                    self.remind();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn find(&mut self, question: Question) -> Answer {
        match question {
            Question::Owner => self.owner().map_or(Answer::Unknown(question), Answer::Owner),
            Question::Gateway => self.network().map_or(Answer::Unknown(question), Answer::Gateway),
            Question::Witness => Answer::Unknown(question),
        }
    }

    fn owner(&mut self) -> Option<bool> {
        let holders = self.door.links.holders();
        let places = self.grounds.places(&holders);
        if places.is_empty() || self.wires != Wires::Network {
            return None;
        }
        let seen = self.scout().and_then(|scout| scout.look(&places, WINDOW));
        let seen =
            seen.inspect_err(|error| tracing::warn!(%error, "cannot look who holds the addresses")).ok()?;
        let held = self.grounds.is_held(&seen, &holders);
        tracing::debug!(held, ?seen, "looked who holds the addresses");
        Some(held)
    }

    /// Whether the gateway, or anybody else on its network, is heard.
    fn network(&mut self) -> Option<bool> {
        let gateway = self.grounds.gateway.filter(|_| self.wires == Wires::Network)?;
        let own = match source_towards(gateway) {
            Ok(own) => own,
            // No interface leads there any more.
            Err(ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown) => {
                return Some(false);
            }
            Err(_) => return None,
        };
        let interface = self.door.links.holders().get(&own).cloned()?;
        if !self.door.links.works(&interface) {
            return Some(false);
        }
        let mut asked = self.grounds.neighbours.clone();
        asked.insert(gateway);
        let places = BTreeMap::from([(interface, asked)]);
        let seen = self.scout().and_then(|scout| scout.look_until(&places, WINDOW, |seen| seen.others));
        let seen = seen.inspect_err(|error| tracing::warn!(%error, "cannot look for the gateway")).ok()?;
        tracing::debug!(?seen, "looked for the gateway");
        Some(seen.others)
    }

    fn remind(&mut self) {
        let places = self.grounds.addresses.clone();
        if let Err(error) = self.scout().and_then(|scout| scout.remind(&places)) {
            tracing::debug!(%error, "cannot remind others");
        }
    }

    fn scout(&mut self) -> Result<&mut Scout, kernel::Error> {
        let scout = match self.scout.take() {
            Some(scout) => scout,
            None => Scout::open()?,
        };
        Ok(self.scout.insert(scout))
    }
}

/// The own address from which the kernel would send to another one. Nothing is sent.
fn source_towards(other: IpAddr) -> Result<IpAddr, ErrorKind> {
    let any: IpAddr =
        if other.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).map_err(|error| error.kind())?;
    // The discard port (RFC 863); connecting only chooses a route.
    socket.connect((other, 9)).map_err(|error| error.kind())?;
    Ok(socket.local_addr().map_err(|error| error.kind())?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTNER: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 2];

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn grounds(seat: Seat) -> Grounds {
        Grounds {
            addresses: [("eth0".to_owned(), [ip("192.0.2.80")].into())].into(),
            pairs: vec![(ip("192.0.2.1"), ip("192.0.2.2")), (ip("10.0.0.1"), ip("10.0.0.2"))],
            gives_way: seat == Seat::Backup,
            ..Grounds::default()
        }
    }

    fn sighting(holders: &[(&str, [u8; 6])]) -> Sighting {
        let holders = holders.iter().map(|(address, mac)| (ip(address), [*mac].into())).collect();
        Sighting { holders, ..Sighting::default() }
    }

    #[test]
    fn only_the_partners_machine_holds_the_addresses() {
        let here =
            BTreeMap::from([(ip("192.0.2.1"), "eth0".to_owned()), (ip("10.0.0.1"), "eth1".to_owned())]);
        let grounds = grounds(Seat::Primary);
        assert_eq!(grounds.places(&here)["eth0"], [ip("192.0.2.2"), ip("192.0.2.80")].into());
        let held = |seen: &[(&str, [u8; 6])]| grounds.is_held(&sighting(seen), &here);
        assert!(!held(&[]));
        assert!(!held(&[("192.0.2.2", PARTNER)]), "it is there and does not hold them");
        assert!(held(&[("192.0.2.2", PARTNER), ("192.0.2.80", PARTNER)]));
        assert!(!held(&[("192.0.2.2", PARTNER), ("192.0.2.80", OTHER)]), "a real server that answers");
        assert!(!held(&[("192.0.2.80", OTHER)]), "the same with the partner dead");
        // Nothing of the partner's is known on that network.
        assert!(grounds.is_held(&sighting(&[("192.0.2.80", OTHER)]), &BTreeMap::new()));
    }

    #[test]
    fn of_two_that_look_at_the_same_time_the_backup_gives_way() {
        let seen = Sighting { sought: [ip("192.0.2.80")].into(), ..Sighting::default() };
        let judged = [Seat::Primary, Seat::Backup].map(|seat| grounds(seat).is_held(&seen, &BTreeMap::new()));
        assert_eq!(judged, [false, true]);
    }
}
