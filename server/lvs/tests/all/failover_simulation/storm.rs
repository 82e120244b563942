//! What goes wrong in a world, and when: a list of faults drawn from its seed.

use std::time::Duration;

use lvs::failover::Moment;

use super::chance::Chance;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Percent of packets lost, in both directions.
    Loss(u64),
    /// Nothing arrives at this node.
    Cut(usize, bool),
    /// The process dies; the kernel goes on.
    Kill(usize),
    /// The machine dies.
    PowerOff(usize),
    /// It comes up.
    Boot(usize),
    /// It is started again.
    Start(usize),
    /// It stops without noticing.
    Hang(usize),
    /// It goes on.
    Wake(usize),
    /// A needed interface loses its carrier, or has it again.
    Links(usize, bool),
    /// An ordinary end of the process.
    Stop(usize, bool),
    SwitchOver(usize),
    TakeOver(usize),
    Hold(usize, bool),
    /// Packets from the partner's address that are not authentic.
    Forge(usize),
    /// Something recorded earlier is sent again.
    Replay(usize),
}

/// Faults with their times, in order. A severe storm has every kind; a mild one only what a healed, loss-free network
/// still has to bear: crashes, hangs and orders.
pub(crate) fn draw(chance: &mut Chance, from: Moment, until: Moment, severe: bool) -> Vec<(Moment, Fault)> {
    let mut faults = Vec::new();
    let mut at = from;
    loop {
        at += chance.between(20, if severe { 1500 } else { 6000 });
        if at >= until {
            break;
        }
        let node = chance.below(2) as usize;
        let later = at + chance.between(50, 4000);
        let pair = |begin, end| vec![(at, begin), (later, end)];
        let drawn = match chance.below(if severe { 14 } else { 7 }) {
            0 => pair(Fault::Kill(node), Fault::Start(node)),
            1 => pair(Fault::PowerOff(node), Fault::Start(node)),
            2 => pair(Fault::Hang(node), Fault::Wake(node)),
            3 => pair(Fault::Stop(node, chance.percent(30)), Fault::Start(node)),
            4 => vec![(at, Fault::SwitchOver(node))],
            5 => vec![(at, Fault::TakeOver(node))],
            6 => vec![(at, Fault::Replay(node))],
            7 => pair(Fault::Loss(chance.below(31)), Fault::Loss(0)),
            8 | 9 => pair(Fault::Cut(node, true), Fault::Cut(node, false)),
            10 => {
                let mut both = pair(Fault::Cut(0, true), Fault::Cut(0, false));
                both.extend(pair(Fault::Cut(1, true), Fault::Cut(1, false)));
                both
            }
            11 => pair(Fault::Links(node, false), Fault::Links(node, true)),
            12 => pair(Fault::Hold(node, true), Fault::Hold(node, false)),
            _ => vec![(at, Fault::Forge(node))],
        };
        faults.extend(drawn.into_iter().filter(|(at, _)| *at < until));
        if !severe {
            // One thing at a time, and time to settle.
            at = later + Duration::from_secs(6);
        }
    }
    faults.sort_by_key(|(at, _)| *at);
    faults
}
