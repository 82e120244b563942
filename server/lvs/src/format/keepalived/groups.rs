//! `virtual_server_group`: addresses, ranges of addresses and firewall marks that are served alike.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use ipnet::IpNet;

use super::reader::{Origin, Reader, whole};
use super::syntax_notes::excerpt;
use super::tree::Statement;
use super::values;
use crate::finding::Code;
use crate::table::Family;

/// Services that all groups of a text may stand for.
pub(super) const SERVICES_MAXIMUM: usize = 4_096;

/// What a service is reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An address, and a port where one is given.
    Address(IpAddr, Option<u16>),
    /// A firewall mark.
    Mark(NonZeroU32),
}

/// What services are reached by, and where each was given.
pub(super) type Targets = Vec<(Target, Origin)>;

/// A group.
#[derive(Debug)]
pub(super) struct Group {
    /// Its name.
    pub(super) name: String,
    /// Its entries, ranges written out.
    pub(super) targets: Targets,
}

/// Reads a block. `room` is how many services may still be written out.
pub(super) fn read(reader: &mut Reader<'_>, statement: &Statement, room: &mut usize) -> Group {
    if statement.argument(0).is_none() {
        values::name_missing(reader, statement);
    }
    let name = statement.argument(0).map_or("unnamed", |word| word.text.as_str()).to_owned();
    let mut targets = Vec::new();
    for line in statement.inside() {
        let origin = line.origin();
        let found = if line.is("fwmark") {
            mark(reader, line).map(|mark| vec![Target::Mark(mark)]).unwrap_or_default()
        } else {
            addresses(reader, line, *room)
        };
        if found.len() > *room {
            reader.error(origin, Code::KeepalivedGroupLarge).with("limit", SERVICES_MAXIMUM);
            break;
        }
        *room -= found.len();
        targets.extend(found.into_iter().map(|target| (target, origin)));
    }
    if statement.inside().is_empty() {
        values::incomplete(reader, statement, "entry");
    }
    Group { name, targets }
}

/// A firewall mark behind the keyword.
pub(super) fn mark(reader: &mut Reader<'_>, statement: &Statement) -> Option<NonZeroU32> {
    // `virtual_server fwmark N` has the word as its first argument, a line of a group as its keyword.
    let at = usize::from(!statement.is("fwmark"));
    let Some(word) = statement.argument(at) else {
        reader.warn(statement.origin(), Code::ValueMissing).with("word", "fwmark");
        return None;
    };
    let number = whole(&word.text).and_then(|number| u32::try_from(number).ok()).and_then(NonZeroU32::new);
    if number.is_none() {
        reader.warn(statement.origin_of(word), Code::KeepalivedMark).with("text", excerpt(&word.text));
    }
    number
}

/// `ADDRESS [PORT]`, `FIRST-LAST [PORT]` or `NETWORK/LENGTH [PORT]`; a range is one more than `room` long at most.
fn addresses(reader: &mut Reader<'_>, line: &Statement, room: usize) -> Vec<Target> {
    let text = line.keyword.text.as_str();
    let port = match line.argument(0) {
        None => None,
        Some(word) => match whole(&word.text).and_then(|port| u16::try_from(port).ok()) {
            Some(port) => Some(port).filter(|port| *port != 0),
            None => {
                reader.warn(line.origin(), Code::KeepalivedGroupEntry).with("text", excerpt(&line.raw));
                return Vec::new();
            }
        },
    };
    if let Ok(address) = text.parse::<IpAddr>() {
        return vec![Target::Address(address, port)];
    }
    let Some((first, count)) = range(text) else {
        reader.warn(line.origin(), Code::KeepalivedGroupEntry).with("text", excerpt(&line.raw));
        return Vec::new();
    };
    (0..count)
        .take(room.saturating_add(1))
        .map(|step| Target::Address(step_from(first, step), port))
        .collect()
}

/// The first address of a range and how many there are.
fn range(text: &str) -> Option<(IpAddr, u32)> {
    if text.contains('/') {
        let network: IpNet = text.parse().ok()?;
        let few = 1_u32.checked_shl(u32::from(network.max_prefix_len() - network.prefix_len()));
        return (network.addr() == network.network()).then(|| (network.addr(), few.unwrap_or(u32::MAX)));
    }
    let (first, last) = text.split_once('-')?;
    let first: IpAddr = first.parse().ok()?;
    match (first, last.parse::<IpAddr>()) {
        (_, Err(_)) => up_to(first, last),
        (IpAddr::V4(from), Ok(IpAddr::V4(to))) => {
            let steps = to.to_bits().checked_sub(from.to_bits())?;
            Some((first, steps.saturating_add(1)))
        }
        (IpAddr::V6(from), Ok(IpAddr::V6(to))) => {
            let steps = to.to_bits().checked_sub(from.to_bits())?;
            Some((first, u32::try_from(steps).unwrap_or(u32::MAX).saturating_add(1)))
        }
        _ => None,
    }
}

/// How many addresses lie from one to the last number: of IPv4 the last byte, of IPv6 the last four digits.
fn up_to(first: IpAddr, last: &str) -> Option<(IpAddr, u32)> {
    let (from, to) = match first {
        IpAddr::V4(address) => (u32::from(address.octets()[3]), u32::from(last.parse::<u8>().ok()?)),
        IpAddr::V6(address) => {
            (u32::from(address.segments()[7]), u32::from(u16::from_str_radix(last, 16).ok()?))
        }
    };
    (to > from).then(|| (first, to - from + 1))
}

fn step_from(first: IpAddr, step: u32) -> IpAddr {
    match first {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits().wrapping_add(step)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits().wrapping_add(step.into())).into(),
    }
}

/// The family of an address; a mark has none.
pub(super) fn family(target: &Target) -> Option<Family> {
    match target {
        Target::Address(address, _) => Some(Family::of(*address)),
        Target::Mark(_) => None,
    }
}

/// The one family of all addresses; none where there are two, or no address.
pub(super) fn common_family(targets: &Targets) -> Option<Family> {
    let mut families = targets.iter().filter_map(|(target, _)| family(target));
    let first = families.next()?;
    families.all(|other| other == first).then_some(first)
}

/// Leaves out the addresses of a group that servers of the family wanted cannot stand behind.
pub(super) fn keep_family(reader: &mut Reader<'_>, targets: &mut Targets, wanted: Family) {
    let mut said: Option<Origin> = None;
    targets.retain(|(target, origin)| {
        let Target::Address(address, _) = target else { return true };
        let fits = Family::of(*address) == wanted;
        if !fits && said != Some(*origin) {
            said = Some(*origin);
            reader.warn(*origin, Code::KeepalivedGroupFamily).with("address", address).with("family", wanted);
        }
        fits
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_in_their_last_part() {
        let first: IpAddr = "192.0.2.250".parse().unwrap();
        assert_eq!(range("192.0.2.250-252"), Some((first, 3)));
        assert_eq!(range("192.0.2.250-192.0.3.1"), Some((first, 8)));
        assert_eq!(range("192.0.2.250-192.0.2.250"), Some((first, 1)));
        assert_eq!(range("192.0.2.250/31"), Some((first, 2)));
        assert_eq!(range("2001:db8::/64"), Some(("2001:db8::".parse().unwrap(), u32::MAX)));
        for text in [
            "192.0.2.250/29",
            "192.0.2.250/33",
            "192.0.3.1-192.0.2.250",
            "192.0.2.1-2001:db8::2",
            "192.0.2.1",
        ] {
            assert_eq!(range(text), None, "{text}");
        }
        assert_eq!(step_from(first, 2), "192.0.2.252".parse::<IpAddr>().unwrap());
        for last in ["250", "249", "300", "x", ""] {
            assert_eq!(up_to(first, last), None, "{last}");
        }
        let six: IpAddr = "2001:db8::ff".parse().unwrap();
        assert_eq!(range("2001:db8::ff-101"), Some((six, 3)));
        assert_eq!(range("2001:db8::ff-2001:db8::101"), Some((six, 3)));
        assert_eq!(step_from(six, 1), "2001:db8::100".parse::<IpAddr>().unwrap());
    }
}
