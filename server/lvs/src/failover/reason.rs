//! Why: the reasons for a change of state, for not claiming, and what is odd about the partner. The pages and the event
//! log show them in words; the words are in the catalogue, by these names.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::vrrp::advert::Mismatch;

/// Why a state was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The agent has started and listens.
    Started,
    /// Its own timer fired so late that the partner may have taken over meanwhile: it listens again.
    Late,
    /// There is no partner to wait for.
    Alone,
    /// Nothing authentic was heard of the partner for the deadtime.
    PartnerSilent,
    /// The partner said that it stops.
    PartnerStopped,
    /// The partner said that it cannot serve.
    PartnerFault,
    /// The partner is held by its operator.
    PartnerHeld,
    /// Neither is active, and this one is preferred (or already holds the addresses).
    Preferred,
    /// Neither is active, and the preferred partner does not claim.
    PartnerPassive,
    /// The partner handed over.
    Granted,
    /// A hand-over was offered and not taken up.
    TakenBack,
    /// The partner is active.
    PartnerActive,
    /// Both were active; the partner's epoch is higher.
    PartnerNewer,
    /// This one handed over.
    HandedOver,
    /// Neither is active, and the partner is preferred.
    PartnerPreferred,
    /// An interface that is needed lost its carrier or is gone.
    LinkDown,
    /// The life of the virtual addresses could not be renewed.
    LeaseFailed,
    /// What kept it from serving is over.
    Recovered,
    /// It was told to stop.
    Stopped,
}

/// Why a director that could claim does not, or does not follow an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// Its operator holds it.
    #[error("this director is held")]
    Held,
    /// Beats with another key arrive from the partner's address, and somebody answers for a virtual address.
    #[error("the partner speaks with another key and holds the addresses")]
    OtherKey,
    /// The console has just heard the partner say that it is active.
    #[error("the partner has just said that it is active")]
    Witness,
    /// The partner was never heard, and somebody answers for a virtual address.
    #[error("somebody answers for a virtual address, and the partner has not been heard yet")]
    AddressInUse,
    /// The gateway does not answer and nothing else is heard: this director is the one that is cut off.
    #[error("this director is cut off from the network")]
    Isolated,
    /// An order to hand over: the partner is not heard.
    #[error("the partner is not heard")]
    PartnerAbsent,
    /// An order to hand over: the partner is not a standby that can take over.
    #[error("the partner is not a standby that can take over")]
    PartnerUnable,
    /// An order to hand over: the partner has not the connections yet.
    #[error("the partner does not have the connections yet")]
    PartnerNotReady,
    /// An order that this director's state does not allow.
    #[error("this director's state does not allow it")]
    WrongState,
}

impl Refused {
    /// All of them.
    pub const ALL: [Refused; 9] = [
        Refused::AddressInUse,
        Refused::Held,
        Refused::OtherKey,
        Refused::Witness,
        Refused::Isolated,
        Refused::PartnerAbsent,
        Refused::PartnerUnable,
        Refused::PartnerNotReady,
        Refused::WrongState,
    ];
}

/// What is odd at present, beside the state. Each is raised and cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    /// The partner is not heard.
    PartnerSilent,
    /// The partner is heard and does not hear this director.
    OneWay,
    /// Beats from the partner's address fail authentication.
    OtherKey,
    /// The partner holds another revision.
    OtherRevision,
    /// The partner sits in the same seat.
    SameSeat,
    /// Somebody else speaks under this director's name.
    SameDirector,
    /// The partner's interval is another one.
    OtherInterval,
    /// Both directors are active.
    BothActive,
    /// The epoch could not be reserved on the disk before it was used.
    EpochNotDurable,
    /// VRRP: somebody advertises one of our virtual routers in a way that does not fit ours.
    Mismatch(Mismatch),
    /// The partner sends what is no beat of Piranha for virtual servers.
    OtherService,
    /// The protocol authenticates nothing: anybody on the network can speak as the partner.
    Unauthenticated,
    /// It would claim, and does not.
    NotClaiming(Refused),
}
