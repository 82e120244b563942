//! What the machine can tell about itself, for the status that the agent sends to the console.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::Moment;
use super::super::beat::BadBeat;
use super::super::outside::Sign;
use super::super::reason::{Concern, Reason};
use super::super::vrrp::RouterView;
use super::Heartbeat;
use crate::wire::State;

/// Packets from the partner's address that are no authentic beats, by what is wrong with them. The machine leaves them to
/// whoever opens the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", default)]
pub struct Unopened {
    /// Shorter or longer than a beat.
    pub length: u64,
    /// Something else than a beat.
    pub magic: u64,
    /// A layout this build does not know.
    pub version: u64,
    /// Made with a key that is not known here.
    pub key: u64,
    /// Made with another key of a known id, or changed on the way.
    pub tag: u64,
    /// Authentic, with a field out of range.
    pub field: u64,
}

impl Unopened {
    /// One more.
    pub fn count(&mut self, why: BadBeat) {
        let place = match why {
            BadBeat::Length => &mut self.length,
            BadBeat::Magic => &mut self.magic,
            BadBeat::Version => &mut self.version,
            BadBeat::Key => &mut self.key,
            BadBeat::Tag => &mut self.tag,
            BadBeat::Field => &mut self.field,
        };
        *place += 1;
    }
}

/// How many packets, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", default)]
pub struct Counts {
    /// Beats sent; each once, on however many paths.
    pub sent: u64,
    /// Beats of the partner that counted.
    pub heard: u64,
    /// Copies of the newest one, from the other path.
    pub duplicates: u64,
    /// Older than the newest, or of a session that is over.
    pub old: u64,
    /// Not authentic, from the partner's address.
    pub forged: u64,
    /// Authentic, of another cluster or from a director that is not the partner.
    pub strangers: u64,
    /// Our own, come back.
    pub reflected: u64,
    /// Times that we ourselves were late.
    pub late: u64,
    /// What is wrong with those that are not authentic.
    #[serde(flatten)]
    pub unopened: Unopened,
}

impl Counts {
    /// What was not followed, each with its word in the catalogue and in metrics; what happens all the time (copies from
    /// the other path) is not among it.
    pub fn dropped(&self) -> [(&'static str, u64); 10] {
        let Unopened { length, magic, version, key, tag, field } = self.unopened;
        [
            ("length", length),
            ("magic", magic),
            ("version", version),
            ("key", key),
            ("tag", tag),
            ("field", field),
            ("replayed", self.old),
            ("stranger", self.strangers),
            ("reflected", self.reflected),
            ("other", self.forged.saturating_sub(length + magic + version + key + tag + field)),
        ]
    }
}

/// The partner, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Its state.
    pub state: State,
    /// The revision it holds, where the protocol says it.
    pub revision: Option<u64>,
    /// Whether it could take over without losing connections.
    pub ready: bool,
    /// Whether its operator holds it.
    pub held: bool,
    /// When it was last heard.
    pub heard_at: Moment,
}

/// Everything that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The lived state.
    pub state: State,
    /// Why it was entered.
    pub reason: Reason,
    /// When.
    pub entered: Moment,
    /// The epoch of the claim, or the highest known.
    pub epoch: u64,
    /// Whether this director is held.
    pub held: bool,
    /// Whether it is ready to take over.
    pub ready: bool,
    /// What the partner last said in answer to us.
    pub partner: Option<Partner>,
    /// VRRP's virtual routers; none with another protocol.
    pub routers: Vec<RouterView>,
    /// What is odd.
    pub concerns: BTreeSet<Concern>,
    /// What was found out about a silent partner: for an active director that which it claimed on.
    pub evidence: BTreeSet<Sign>,
    /// Packets.
    pub counts: Counts,
}

impl Heartbeat {
    /// The present view.
    pub fn view(&self) -> View {
        View {
            state: self.state(),
            reason: self.reason,
            entered: self.entered,
            epoch: self.epoch(),
            held: self.held,
            ready: self.ready,
            partner: self.heard.fresh.as_ref().map(|(beat, at)| Partner {
                state: beat.state,
                revision: Some(beat.revision),
                ready: beat.ready,
                held: beat.held,
                heard_at: *at,
            }),
            routers: Vec::new(),
            concerns: self.concerns.clone(),
            evidence: match self.phase {
                super::Phase::Active => self.outside.claimed(),
                _ => self.outside.signs().into_iter().chain(self.owner_sign()).collect(),
            },
            counts: self.counts,
        }
    }
}
