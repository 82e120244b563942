//! What has happened: the entries of a director's journal and of the console's event log, as types.
//!
//! A director numbers its entries; the console keeps them by that number, so that an entry sent twice is kept once.
//! The sentences are in the catalogue, by [`Happening::word`]. No entry holds a secret.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::failover::{Concern, Reason, Refused, Sign};
use crate::health::{self, Instruction, OrderEnd, Verdict};
use crate::table::{ServerKey, ServiceKey};
use crate::wire::{DirectorOrder, LinkTrouble, State};

/// An entry of a director's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// Rising on one director, across restarts; not without gaps.
    pub number: u64,
    /// When, milliseconds since 1970 on the director's clock.
    pub at_ms: i64,
    /// What.
    pub what: Happening,
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Happening {
    /// The agent has started.
    AgentStarted {
        /// Its version.
        version: String,
    },
    /// The agent ends, as it was told to.
    AgentStopped {
        /// Whether it let go of everything.
        release: bool,
    },
    /// The lived state has changed.
    State {
        /// The one before.
        from: State,
        /// The new one.
        to: State,
        /// Why, where the heartbeat decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// The epoch that goes with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<u64>,
        /// What a claim was made on.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        evidence: BTreeSet<Sign>,
    },
    /// Something is odd about the partner, or about not claiming.
    ConcernRaised {
        /// What.
        concern: Concern,
    },
    /// It is odd no longer.
    ConcernCleared {
        /// What.
        concern: Concern,
    },
    /// An operator gave an order.
    Order {
        /// Which.
        order: DirectorOrder,
        /// Even where connections are lost that could be kept.
        #[serde(default)]
        force: bool,
        /// Why it was not followed, if it was not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<Refused>,
    },
    /// A configuration was taken and made true.
    Configured {
        /// Its number.
        revision: u64,
        /// Steps that were done.
        steps: u64,
        /// Steps that failed at first.
        failures: u64,
    },
    /// The checks say something else of a real server, or of a sorry server.
    Verdict {
        /// Of which service.
        service: ServiceKey,
        /// Which.
        server: ServerKey,
        /// Whether it is the sorry server.
        #[serde(default)]
        sorry: bool,
        /// What they said before.
        from: Verdict,
        /// What they say now.
        to: Verdict,
        /// Why.
        reason: health::Reason,
    },
    /// Somebody else changed a row of ours.
    Drifted {
        /// Which (`plan::Row` as text).
        row: String,
        /// Whether it stays until somebody decides.
        held: bool,
    },
    /// Such a row was put right.
    Repaired {
        /// Which.
        row: String,
    },
    /// The life of the virtual addresses cannot be renewed.
    LeaseFailed {
        /// The kernel's reason.
        reason: String,
    },
    /// It is renewed again.
    LeaseRenewed,
    /// An interface that is needed cannot be used.
    LinkLost {
        /// Which.
        interface: String,
        /// Why.
        trouble: LinkTrouble,
    },
    /// It can be used again.
    LinkBack {
        /// Which.
        interface: String,
    },
    /// The program for its state has run.
    HookRan {
        /// On becoming active; else on ceasing to be.
        active: bool,
        /// Why it failed, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
    },
    /// The console reaches the director.
    ContactMade,
    /// The console does not reach the director any more.
    ContactLost {
        /// Why.
        reason: String,
    },
    /// Somebody activated a revision.
    Activated {
        /// Its number.
        revision: u64,
        /// Who.
        by: String,
        /// The message given with it.
        message: String,
    },
    /// A configuration is on trial: it is undone unless somebody keeps it.
    OnTrial {
        /// Its number.
        revision: u64,
        /// Seconds it is given.
        seconds: u64,
    },
    /// It stays.
    Kept {
        /// Its number.
        revision: u64,
        /// Who keeps it; empty where a director was told.
        by: String,
    },
    /// Nobody kept it in time, and the director holds what it held before.
    WentBack {
        /// The one that was on trial.
        revision: u64,
        /// The one it holds again.
        to: u64,
    },
    /// It was undone by a new revision that says what the one before said.
    Undone {
        /// The one that was on trial.
        revision: u64,
        /// The new one.
        new: u64,
        /// Who asked for it; empty where the time was over.
        by: String,
    },
    /// An operator ordered a real server, or a machine, to serve, to drain or to stay out.
    Ordered {
        /// `http / web1`, or the machine's address.
        server: String,
        /// What.
        instruction: Instruction,
        /// Who.
        by: String,
        /// Why, in their words; may be empty.
        reason: String,
    },
    /// An order for a real server has come to its end, or to its deadline.
    OrderCame {
        /// Of which service.
        service: ServiceKey,
        /// Which.
        server: ServerKey,
        /// How.
        end: OrderEnd,
    },
    /// What a newer or older program wrote and this one does not know.
    #[serde(untagged)]
    Unknown(serde_json::Map<String, serde_json::Value>),
}

/// How much an entry matters to whoever is on duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// As it should be.
    Info,
    /// To be looked at in working hours.
    Warning,
    /// Service is affected, or only one failure away from it.
    Critical,
}

impl Severity {
    /// All, the least first.
    pub const ALL: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

    /// The word in the API and in catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }

    /// The severity of that word.
    pub fn named(word: &str) -> Option<Self> {
        Severity::ALL.into_iter().find(|severity| severity.as_str() == word)
    }
}

impl Happening {
    /// The word that names its kind in the API and in catalogue keys.
    pub fn word(&self) -> &str {
        match self {
            Happening::AgentStarted { .. } => "agent-started",
            Happening::AgentStopped { .. } => "agent-stopped",
            Happening::State { .. } => "state",
            Happening::ConcernRaised { .. } => "concern-raised",
            Happening::ConcernCleared { .. } => "concern-cleared",
            Happening::Order { .. } => "order",
            Happening::Configured { .. } => "configured",
            Happening::Verdict { .. } => "verdict",
            Happening::Drifted { .. } => "drifted",
            Happening::Repaired { .. } => "repaired",
            Happening::LeaseFailed { .. } => "lease-failed",
            Happening::LeaseRenewed => "lease-renewed",
            Happening::LinkLost { .. } => "link-lost",
            Happening::LinkBack { .. } => "link-back",
            Happening::HookRan { .. } => "hook-ran",
            Happening::ContactMade => "contact-made",
            Happening::ContactLost { .. } => "contact-lost",
            Happening::Activated { .. } => "activated",
            Happening::OnTrial { .. } => "on-trial",
            Happening::Kept { .. } => "kept",
            Happening::WentBack { .. } => "went-back",
            Happening::Undone { .. } => "undone",
            Happening::Ordered { .. } => "ordered",
            Happening::OrderCame { .. } => "order-came",
            Happening::Unknown(map) => map.get("kind").and_then(|kind| kind.as_str()).unwrap_or("unknown"),
        }
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            Happening::State { to: State::Fault, .. }
            | Happening::LeaseFailed { .. }
            | Happening::LinkLost { .. }
            | Happening::ConcernRaised { concern: Concern::BothActive } => Severity::Critical,
            Happening::State { to: State::Active, reason: Some(Reason::PartnerSilent), .. }
            | Happening::ContactLost { .. }
            | Happening::ConcernRaised { .. }
            | Happening::Drifted { .. }
            | Happening::HookRan { failed: Some(_), .. }
            | Happening::Verdict { to: Verdict::Down, .. }
            | Happening::OrderCame { end: OrderEnd::Overdue { .. } | OrderEnd::Cut, .. }
            | Happening::WentBack { .. }
            | Happening::Undone { .. }
            | Happening::Order { refused: Some(_), .. } => Severity::Warning,
            Happening::Configured { failures, .. } if *failures > 0 => Severity::Warning,
            _ => Severity::Info,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_shape_as_json() {
        let entry = Entry {
            number: 7,
            at_ms: 1_700_000_000_000,
            what: Happening::State {
                from: State::Standby,
                to: State::Active,
                reason: Some(Reason::PartnerSilent),
                epoch: Some(5),
                evidence: [Sign::NetworkHeard].into(),
            },
        };
        let json = serde_json::to_string(&entry).unwrap();
        assert_eq!(
            json,
            r#"{"number":7,"at_ms":1700000000000,"what":{"kind":"state","from":"standby","to":"active","reason":"partner-silent","epoch":5,"evidence":["network-heard"]}}"#
        );
        assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry);
        assert_eq!(entry.what.severity(), Severity::Warning);
    }

    #[test]
    fn what_another_version_wrote_is_kept_as_it_is() {
        let json = r#"{"number":8,"at_ms":1,"what":{"kind":"moon-rose","phase":"full"}}"#;
        let entry: Entry = serde_json::from_str(json).unwrap();
        assert_eq!((entry.what.word(), entry.what.severity()), ("moon-rose", Severity::Info));
        assert_eq!(serde_json::to_string(&entry).unwrap(), json);
    }

    #[test]
    fn severities_have_words() {
        for severity in Severity::ALL {
            assert_eq!(Severity::named(severity.as_str()), Some(severity));
        }
        assert_eq!(Severity::named("dire"), None);
    }
}
