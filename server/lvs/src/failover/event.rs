//! What a machine is told and what it answers.

use std::net::IpAddr;
use std::time::Duration;

use super::Moment;
use super::beat::Beat;
use super::pulse::{BadWord, Word};
use super::reason::{Concern, Reason, Refused};
use super::vrrp::advert::{Advert, Mismatch};
use crate::wire::State;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A deadline has come, or nothing in particular.
    Tick,
    /// An authentic beat came in.
    Beat(Beat),
    /// An advertisement for one of our virtual routers came in, or one that does not fit it.
    Advert {
        /// Which of the settings' routers.
        router: usize,
        /// Who sent it.
        source: IpAddr,
        /// The advertisement, or why it is not accepted.
        advert: Result<Advert, Mismatch>,
    },
    /// A word of Piranha's beat came from the partner's address, or what is none.
    Word(Result<Word, BadWord>),
    /// So many packets that are no authentic beats came from the partner's address.
    Forged(u64),
    /// Whether all interfaces that are needed can be used.
    Links(bool),
    /// The first carrier on a heartbeat path since the machine booted.
    Carrier,
    /// Whether this director could take over with the connections that can be kept.
    Ready(bool),
    /// Epochs up to this one are reserved durably.
    Reserved(u64),
    /// Whether the kernel holds all of the addresses that were asked for with [`Action::Own`].
    Holds(bool),
    /// The addresses' life could not be renewed.
    LeaseFailed,
    /// What a question brought.
    Answer(Answer),
    /// An operator's order, or the end of the process.
    Order(Order),
}

/// A question for the world outside, asked from the second missed beat on, so that an answer adds no time. Who holds
/// the addresses is also asked before the claim of a director that has never heard its partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// To the console: does the partner say, at this moment, that it is active?
    Witness,
    /// Does the gateway answer?
    Gateway,
    /// Does anybody answer for one of the virtual addresses?
    Owner,
}

/// What a question brought. No answer is not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The partner's own signed word, newer than its last beat: is it active?
    Witness(bool),
    /// Whether the gateway answered.
    Gateway(bool),
    /// Whether the partner's machine, or one that cannot be told from it, answered for a virtual address.
    Owner(bool),
    /// Nobody can be asked here.
    Unknown(Question),
}

/// What an operator, or the end of the process, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To the active director: hand over. `force`: even to a partner that has not all connections.
    SwitchOver {
        /// Do not wait for the partner's connections.
        force: bool,
    },
    /// To the standby: ask the partner to hand over.
    TakeOver,
    /// Hold: do not claim, and do not hand over by yourself; or end the hold.
    Hold(bool),
    /// Stop: hand over to a ready partner, else leave everything as it is. `release`: give the addresses up anyway.
    Stop {
        /// Give the addresses up whether there is a partner or not.
        release: bool,
    },
}

/// Something to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this beat now, on every path.
    Send(Beat),
    /// Send an advertisement for one of the settings' virtual routers now.
    Advertise {
        /// Which.
        router: usize,
        /// With which priority; 0 gives the addresses up.
        priority: u8,
    },
    /// Send this word of Piranha's beat now, on every path.
    Word(Word),
    /// The lived state has changed.
    Enter {
        /// The new one.
        state: State,
        /// Why.
        reason: Reason,
        /// The epoch that goes with it.
        epoch: u64,
    },
    /// Complete the table, then add the addresses, then announce them.
    Own {
        /// Until then announce often, for another kernel may still hold the addresses.
        often_until: Option<Moment>,
    },
    /// Stop attracting traffic, then give the addresses up.
    Disown,
    /// Announce all addresses again.
    Announce,
    /// Renew the life of the addresses in the kernel.
    Lease(Lease),
    /// Reserve epochs durably up to this one, and say so.
    Reserve(u64),
    /// Find an answer, if there is one in time.
    Ask(Question),
    /// Something odd begins (`true`) or is over.
    Concern(Concern, bool),
    /// The order just given is not followed.
    Refuse(Refused),
    /// It has stopped; nothing more will come.
    Done,
}

/// How long the addresses live in the kernel without being renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Until somebody removes them.
    Permanent,
    /// This long.
    For(Duration),
}
