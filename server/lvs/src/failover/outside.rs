//! What the world outside says while the partner is silent: the gateway, which tells whether this director is the one
//! that is cut off, and the console, which may have just heard the partner (*witness*). The same rules in every protocol.
//!
//! Pure; the machines ask, answer and judge through it. It never decides for a director that is active.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Moment;
use super::event::{Action, Answer, Question};
use super::reason::Refused;
use crate::model::Redundancy;

/// A claim waits at most this long for the gateway. It is asked so early that with the usual settings nothing is waited
/// for, and it answers at once where it is there.
pub(super) const WAIT: Moment = Moment::from_millis(300);

/// Whom a director asks before it claims, as its configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// The console, whether the partner says that it is active.
    pub witness: bool,
    /// The gateway, whether this director reaches the network.
    pub gateway: bool,
}

impl Asks {
    /// What the settings say.
    pub fn of(redundancy: &Redundancy) -> Asks {
        Asks { witness: redundancy.witness, gateway: redundancy.gateway.is_some() }
    }

    fn anybody(self) -> bool {
        self.witness || self.gateway
    }
}

/// What was found out about a silent partner: evidence for a claim, or against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// The gateway, or somebody else on its network, was heard.
    NetworkHeard,
    /// Neither the gateway nor anybody else on its network was heard.
    NetworkSilent,
    /// Nobody could look whether the gateway answers.
    NetworkUnknown,
    /// The console has just heard the partner say that it is active.
    WitnessActive,
    /// The console has just heard the partner say that it is not active.
    WitnessPassive,
    /// The console did not answer in time, or did not reach the partner.
    WitnessSilent,
    /// The partner's machine answered for a virtual address.
    AddressHeld,
    /// Nobody answered for the virtual addresses.
    AddressFree,
}

impl Sign {
    /// All of them.
    pub const ALL: [Sign; 8] = [
        Sign::NetworkHeard,
        Sign::NetworkSilent,
        Sign::NetworkUnknown,
        Sign::WitnessActive,
        Sign::WitnessPassive,
        Sign::WitnessSilent,
        Sign::AddressHeld,
        Sign::AddressFree,
    ];
}

/// What an answer may be: not there yet, nobody could tell, or yes or no.
type Told = Option<Option<bool>>;

/// What the questions have brought since the partner was heard last.
#[derive(Clone, Debug, Default)]
pub(super) struct Outside {
    asked_at: Option<Moment>,
    /// When it was asked first in this silence.
    first_at: Option<Moment>,
    asks: Asks,
    gateway: Told,
    /// When the gateway began to answer after it had not.
    back_at: Option<Moment>,
    witness: Told,
    /// When the partner was last said to be active.
    veto_at: Option<Moment>,
    /// What the present claim was made on.
    claimed: BTreeSet<Sign>,
}

impl Outside {
    /// When it was asked last.
    pub(super) fn asked_at(&self) -> Option<Moment> {
        self.asked_at
    }

    /// The partner was heard: what was found out is over. What a claim was made on stays known.
    pub(super) fn clear(&mut self) {
        *self = Outside { claimed: std::mem::take(&mut self.claimed), ..Outside::default() };
    }

    /// This director claims, on what is known now and on `more`.
    pub(super) fn claim(&mut self, more: Option<Sign>) {
        let claimed = self.signs().into_iter().chain(more).collect();
        *self = Outside { claimed, ..Outside::default() };
    }

    /// Asks whoever is to be asked.
    pub(super) fn ask(&mut self, asks: Asks, now: Moment, out: &mut Vec<Action>) {
        self.asked_at = Some(now);
        self.first_at = self.first_at.or(self.asked_at);
        self.asks = asks;
        let questions = [(asks.witness, Question::Witness), (asks.gateway, Question::Gateway)];
        out.extend(questions.into_iter().filter(|(wanted, _)| *wanted).map(|(_, q)| Action::Ask(q)));
    }

    /// Takes an answer; one to a question that was not asked is nothing.
    pub(super) fn answer(&mut self, answer: Answer, now: Moment) {
        if self.asked_at.is_none() {
            return;
        }
        match answer {
            Answer::Witness(active) => {
                self.witness = Some(Some(active));
                self.veto_at = active.then_some(now);
            }
            Answer::Gateway(answers) => {
                if answers && self.gateway == Some(Some(false)) {
                    self.back_at = Some(now);
                }
                self.gateway = Some(Some(answers));
            }
            Answer::Unknown(Question::Witness) => self.witness = Some(None),
            Answer::Unknown(Question::Gateway) => self.gateway = Some(None),
            Answer::Owner(_) | Answer::Unknown(Question::Owner) => {}
        }
    }

    /// Whether a claim waits for the gateway's answer.
    pub(super) fn waits(&self, asks: Asks, now: Moment) -> bool {
        asks.gateway && self.gateway.is_none() && self.waits_until().is_none_or(|until| now < until)
    }

    /// How long it does at most; none before anybody was asked.
    pub(super) fn waits_until(&self) -> Option<Moment> {
        self.first_at.map(|asked| asked + WAIT)
    }

    /// What speaks against a claim. A word of the partner's holds for `window`; whoever was cut off listens that long
    /// when it is not any more, since the partner could not be heard before.
    pub(super) fn refusal(&self, asks: Asks, window: Moment, now: Moment) -> Option<Refused> {
        let recently = |at: Option<Moment>| at.is_some_and(|at| now.saturating_sub(at) <= window);
        if asks.witness && recently(self.veto_at) {
            return Some(Refused::Witness);
        }
        let cut_off = self.gateway == Some(Some(false)) || recently(self.back_at);
        (asks.gateway && cut_off).then_some(Refused::Isolated)
    }

    /// When to ask: at `first`, and again from then on before a word of the partner's has lost its weight.
    pub(super) fn question_time(&self, asks: Asks, first: Moment, window: Moment) -> Option<Moment> {
        asks.anybody().then(|| self.asked_at.map_or(first, |asked| asked + window / 2))
    }

    /// What is known now.
    pub(super) fn signs(&self) -> BTreeSet<Sign> {
        if self.asked_at.is_none() {
            return BTreeSet::new();
        }
        let network = self.gateway.map(|told| match told {
            Some(true) => Sign::NetworkHeard,
            Some(false) => Sign::NetworkSilent,
            None => Sign::NetworkUnknown,
        });
        let witness = self.asks.witness.then_some(match self.witness.flatten() {
            Some(true) => Sign::WitnessActive,
            Some(false) => Sign::WitnessPassive,
            None => Sign::WitnessSilent,
        });
        network.into_iter().chain(witness).collect()
    }

    /// What the present claim was made on.
    pub(super) fn claimed(&self) -> BTreeSet<Sign> {
        self.claimed.clone()
    }
}
