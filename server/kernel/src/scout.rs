//! Looks who has an address on a network: ARP probes and neighbour solicitations that claim nothing themselves, and what
//! is answered to them.
//!
//! It says what was heard and draws no conclusions. It blocks for as long as it looks, so the director calls it on a
//! thread of its own, never on the heartbeat's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind};
use crate::explain::failed;
use crate::frames::{self, Word};
use crate::linux::network::Network;
use crate::sys;

/// Questions for each address in one look.
const ROUNDS: u32 = 3;
/// How long a look in the background takes.
const WINDOW: Duration = Duration::from_millis(300);
/// Frames read at most in one look, so that a busy network does not prolong it.
const FRAMES: usize = 20_000;

/// What was heard during a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Who answered for an address: hardware addresses.
    pub holders: BTreeMap<IpAddr, BTreeSet<[u8; 6]>>,
    /// Addresses that somebody else looks for at the same time.
    pub sought: BTreeSet<IpAddr>,
    /// Somebody else was heard, whatever it said.
    pub others: bool,
}

/// Looks on this machine's interfaces, in the network namespace of the thread that opened it.
pub struct Scout {
    network: Network,
    packets: OwnedFd,
}

/// An interface during a look.
struct Post {
    index: u32,
    mac: [u8; 6],
    addresses: BTreeSet<IpAddr>,
    sockets: Vec<OwnedFd>,
}

impl Scout {
    /// Opens the sockets that every look needs.
    ///
    /// # Errors
    /// Without CAP_NET_RAW, or when no descriptor is left.
    pub fn open() -> Result<Self, Error> {
        let packets =
            sys::packet().map_err(|error| failed("open a socket to look for addresses", error.into()))?;
        Ok(Scout { network: Network::open()?, packets })
    }

    /// Asks on each interface for its addresses, several times within `window`, and says what was heard in that time.
    ///
    /// # Errors
    /// When an interface is missing, is down or has no Ethernet address; nothing is known then.
    pub fn look(
        &mut self,
        places: &BTreeMap<String, BTreeSet<IpAddr>>,
        window: Duration,
    ) -> Result<Sighting, Error> {
        self.look_until(places, window, |_| false)
    }

    /// The same, which ends as soon as what was heard is `enough`.
    ///
    /// # Errors
    /// As [`Scout::look`].
    pub fn look_until(
        &mut self,
        places: &BTreeMap<String, BTreeSet<IpAddr>>,
        window: Duration,
        enough: impl Fn(&Sighting) -> bool,
    ) -> Result<Sighting, Error> {
        let posts: Vec<Post> =
            places.iter().map(|(name, addresses)| self.post(name, addresses)).collect::<Result<_, _>>()?;
        let mut sighting = Sighting::default();
        let mut budget = FRAMES;
        let begun = Instant::now();
        for round in 1..=ROUNDS {
            self.ask(&posts)?;
            while let Some(left) = (begun + window * round / ROUNDS).checked_duration_since(Instant::now()) {
                let sockets: Vec<BorrowedFd<'_>> =
                    posts.iter().flat_map(|post| &post.sockets).map(|socket| socket.as_fd()).collect();
                sys::wait_any(&sockets, left).map_err(|error| failed("look for an address", error.into()))?;
                posts.iter().for_each(|post| post.hear(&mut sighting, &mut budget));
                if budget == 0 || enough(&sighting) {
                    return Ok(sighting);
                }
            }
        }
        Ok(sighting)
    }

    /// Asks once more and waits for no answer: whoever looks for the same addresses now learns that they are taken.
    ///
    /// # Errors
    /// As [`Scout::look`].
    pub fn remind(&mut self, places: &BTreeMap<String, BTreeSet<IpAddr>>) -> Result<(), Error> {
        let posts: Vec<Post> =
            places.iter().map(|(name, addresses)| self.post(name, addresses)).collect::<Result<_, _>>()?;
        self.ask(&posts)
    }

    fn post(&mut self, name: &str, addresses: &BTreeSet<IpAddr>) -> Result<Post, Error> {
        let operation = || format!("look for addresses on {name}");
        let link = self.network.link(name).map_err(|errno| failed(operation(), errno))?;
        let mac = link.ethernet().ok_or_else(|| {
            Error::new(operation(), Kind::Unsupported, format!("{name} has no Ethernet address"))
        })?;
        let index = link.link.index;
        let kinds: BTreeSet<u16> =
            addresses.iter().map(|a| if a.is_ipv4() { frames::ARP } else { frames::IPV6 }).collect();
        let sockets = kinds
            .into_iter()
            .map(|kind| sys::packets_of(index, kind).map_err(|error| failed(operation(), error.into())))
            .collect::<Result<_, _>>()?;
        Ok(Post { index, mac, addresses: addresses.clone(), sockets })
    }

    fn ask(&self, posts: &[Post]) -> Result<(), Error> {
        for post in posts {
            for address in &post.addresses {
                let sent = match address {
                    IpAddr::V4(v4) => {
                        let frame = frames::arp_probe(post.mac, *v4);
                        sys::send_frame(&self.packets, post.index, frames::ARP, &frame)
                    }
                    IpAddr::V6(v6) => {
                        let frame = frames::neighbour_probe(post.mac, *v6);
                        sys::send_frame(&self.packets, post.index, frames::IPV6, &frame)
                    }
                };
                sent.map_err(|error| failed(format!("look for {address}"), error.into()))?;
            }
        }
        Ok(())
    }
}

/// One look on a thread of its own, which ends by itself. Nothing comes where it fails.
pub(crate) fn in_the_background(places: BTreeMap<String, BTreeSet<IpAddr>>) -> Receiver<Sighting> {
    let (sender, receiver) = mpsc::channel();
    let look = move || match Scout::open().and_then(|mut scout| scout.look(&places, WINDOW)) {
        // Nobody waits for it any more where that fails.
        Ok(sighting) => drop(sender.send(sighting)),
        Err(error) => tracing::debug!(%error, "cannot ask around"),
    };
    if let Err(error) = std::thread::Builder::new().name("ask-around".to_owned()).spawn(look) {
        tracing::debug!(%error, "cannot ask around");
    }
    receiver
}

impl Post {
    fn hear(&self, sighting: &mut Sighting, budget: &mut usize) {
        // Headers and what is asked are in the first bytes; the rest of a long frame is cut off.
        let mut buffer = [0; 128];
        for socket in &self.sockets {
            while *budget > 0 {
                let Ok(length) = sys::receive_raw(socket, &mut buffer) else { break };
                *budget -= 1;
                let Some((sender, word)) = buffer.get(..length).and_then(frames::word) else { continue };
                if sender == self.mac {
                    continue;
                }
                sighting.others = true;
                match word {
                    Word::Has(address) if self.addresses.contains(&address) => {
                        sighting.holders.entry(address).or_default().insert(sender);
                    }
                    Word::Seeks(address) if self.addresses.contains(&address) => {
                        sighting.sought.insert(address);
                    }
                    _ => {}
                }
            }
        }
    }
}
