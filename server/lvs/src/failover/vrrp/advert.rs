//! VRRP advertisements as they are on the wire: version 2 (RFC 3768, with the simple password that keepalived still
//! speaks) and version 3 (RFC 9568).
//!
//! The functions take and give the payload of IP protocol 112; sockets, the TTL of 255 and the multicast groups belong
//! to the caller.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::VrrpVersion;

/// The most addresses that an advertisement can carry.
pub const ADDRESSES: usize = 255;

const ADVERTISEMENT: u8 = 1;
const NONE: u8 = 0;
const PASS: u8 = 1;
const PROTOCOL: u8 = 112;
/// Bytes of the password field, which version 2 always has.
const PASSWORD: usize = 8;

/// One advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// Of the protocol.
    pub version: VrrpVersion,
    /// Virtual router id.
    pub virtual_router_id: u8,
    /// 0: the sender gives the addresses up.
    pub priority: u8,
    /// Whole seconds in version 2, hundredths in version 3.
    pub interval: Duration,
    /// All of one family.
    pub addresses: Vec<IpAddr>,
    /// Version 2 only.
    pub password: Option<[u8; PASSWORD]>,
}

/// Why an advertisement for a virtual router of ours is not accepted. A partner that ignored it in silence would be a
/// second master; each of these is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mismatch {
    /// Not as long as it says, or otherwise no advertisement.
    Malformed,
    /// The other version.
    Version,
    /// Another kind of authentication.
    Authentication,
    /// Another password.
    Password,
    /// Another interval (version 2; version 3 follows the master's).
    Interval,
    /// The checksum does not fit.
    Checksum,
    /// Other addresses.
    Addresses,
    /// One of our addresses is advertised as another virtual router.
    VirtualRouterId,
    /// Sent to one address where ours go to the multicast group, or the other way round.
    Delivery,
}

/// What a version 3 checksum over IPv4 covers beside the advertisement. The RFCs can be read in two ways, and old
/// releases of keepalived had a third; a receiver takes all, and a sender says it as the partner does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cover {
    /// A pseudo-header with the packet's own addresses, as keepalived does by default.
    #[default]
    Addresses,
    /// Nothing (keepalived's `v3_checksum_as_v2`, and some routers).
    Nothing,
    /// A pseudo-header with the multicast group, although it was sent to one address (keepalived before 1.3.7).
    Group,
}

impl Cover {
    const ALL: [Cover; 3] = [Cover::Addresses, Cover::Nothing, Cover::Group];

    /// What the checksum of a payload covers; none where it fits nothing.
    pub fn of(payload: &[u8], source: IpAddr, destination: IpAddr) -> Option<Cover> {
        let version = VrrpVersion::try_from(payload.first()? >> 4).ok()?;
        let length = 8 + usize::from(*payload.get(3)?) * if source.is_ipv4() { 4 } else { 16 };
        let length = if version == VrrpVersion::V2 { length + PASSWORD } else { length };
        let whole = payload.get(..length)?;
        let several = version == VrrpVersion::V3 && source.is_ipv4();
        let covers = if several { &Cover::ALL[..] } else { &Cover::ALL[..1] };
        covers.iter().copied().find(|cover| checksum(version, *cover, source, destination, whole) == 0)
    }
}

/// The multicast group that advertisements of a family go to.
pub fn group(ipv4: bool) -> IpAddr {
    if ipv4 {
        IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18))
    } else {
        IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12))
    }
}

/// Whether a payload advertises one of these addresses, whatever else it says.
pub fn advertises(payload: &[u8], source: IpAddr, addresses: &[IpAddr]) -> bool {
    let width = if source.is_ipv4() { 4 } else { 16 };
    let count = payload.get(3).copied().map_or(0, usize::from);
    let listed = payload.get(8..).unwrap_or_default().chunks_exact(width).take(count);
    listed.filter_map(address).any(|address| addresses.contains(&address))
}

/// What a receiver knows of its virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Of the protocol.
    pub version: VrrpVersion,
    /// Its own interval.
    pub interval: Duration,
    /// Its own password.
    pub password: Option<[u8; PASSWORD]>,
    /// Its own addresses.
    pub addresses: &'a [IpAddr],
}

/// A password as the wire has it: cut at eight bytes, filled with zeros.
pub fn password(text: &str) -> [u8; PASSWORD] {
    let mut field = [0; PASSWORD];
    for (place, byte) in field.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    field
}

/// The virtual router id of a payload, so that the caller finds whose it is.
pub fn virtual_router_id(payload: &[u8]) -> Option<u8> {
    payload.get(1).copied()
}

impl Advert {
    /// The payload from `source` to `destination`.
    pub fn encode(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        self.encode_with(Cover::Addresses, source, destination)
    }

    /// The same with a checksum that covers what the partner's does.
    pub fn encode_with(&self, cover: Cover, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        let version = u8::from(self.version);
        let count = u8::try_from(self.addresses.len()).unwrap_or(u8::MAX);
        let mut payload = vec![version << 4 | ADVERTISEMENT, self.virtual_router_id, self.priority, count];
        match self.version {
            VrrpVersion::V2 => {
                let seconds = u8::try_from(self.interval.as_secs()).unwrap_or(u8::MAX).max(1);
                payload.extend([if self.password.is_some() { PASS } else { NONE }, seconds]);
            }
            VrrpVersion::V3 => {
                let hundredths =
                    u16::try_from(self.interval.as_millis() / 10).unwrap_or(0xfff).clamp(1, 0xfff);
                payload.extend(hundredths.to_be_bytes());
            }
        }
        payload.extend([0, 0]);
        for address in self.addresses.iter().take(usize::from(count)) {
            match address {
                IpAddr::V4(address) => payload.extend(address.octets()),
                IpAddr::V6(address) => payload.extend(address.octets()),
            }
        }
        if self.version == VrrpVersion::V2 {
            payload.extend(self.password.unwrap_or_default());
        }
        let sum = checksum(self.version, cover, source, destination, &payload).to_be_bytes();
        for (place, byte) in payload.iter_mut().skip(6).zip(sum) {
            *place = byte;
        }
        payload
    }

    /// The advertisement in a payload, checked in keepalived's order.
    pub fn decode(
        payload: &[u8],
        source: IpAddr,
        destination: IpAddr,
        expected: &Expected<'_>,
    ) -> Result<Advert, Mismatch> {
        let Some(&[kind, virtual_router_id, priority, count, five, six, _, _]) = payload.first_chunk() else {
            return Err(Mismatch::Malformed);
        };
        if kind & 0x0f != ADVERTISEMENT {
            return Err(Mismatch::Malformed);
        }
        let version = VrrpVersion::try_from(kind >> 4).map_err(|_| Mismatch::Malformed)?;
        if version != expected.version {
            return Err(Mismatch::Version);
        }
        let width = if source.is_ipv4() { 4 } else { 16 };
        let body = payload.get(8..).unwrap_or_default();
        // Ethernet fills short frames; what is behind the advertisement is not part of it.
        let (addresses, rest) =
            body.split_at_checked(usize::from(count) * width).ok_or(Mismatch::Malformed)?;
        let mut length = 8 + addresses.len();
        let mut password = None;
        let interval = match version {
            VrrpVersion::V2 => {
                let field = rest.first_chunk::<PASSWORD>().ok_or(Mismatch::Malformed)?;
                length += PASSWORD;
                let kind = if expected.password.is_some() { PASS } else { NONE };
                if five != kind {
                    return Err(Mismatch::Authentication);
                }
                password = (five == PASS).then_some(*field);
                if password != expected.password {
                    return Err(Mismatch::Password);
                }
                Duration::from_secs(u64::from(six))
            }
            VrrpVersion::V3 => Duration::from_millis(u64::from(u16::from_be_bytes([five & 0x0f, six])) * 10),
        };
        if interval.is_zero() || version == VrrpVersion::V2 && interval != expected.interval {
            return Err(Mismatch::Interval);
        }
        let whole = payload.get(..length).ok_or(Mismatch::Malformed)?;
        if Cover::of(whole, source, destination).is_none() {
            return Err(Mismatch::Checksum);
        }
        let addresses: Vec<IpAddr> = addresses.chunks_exact(width).filter_map(address).collect();
        if !same(&addresses, expected.addresses) {
            return Err(Mismatch::Addresses);
        }
        Ok(Advert { version, virtual_router_id, priority, interval, addresses, password })
    }
}

/// The same addresses in any order: some implementations sort them.
fn same(a: &[IpAddr], b: &[IpAddr]) -> bool {
    a.len() == b.len() && a.iter().all(|address| b.contains(address))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Some(octets) = bytes.as_array::<4>() {
        return Some(IpAddr::V4(Ipv4Addr::from(*octets)));
    }
    bytes.as_array::<16>().map(|octets| IpAddr::V6(Ipv6Addr::from(*octets)))
}

/// The internet checksum (RFC 1071). Version 3 includes a pseudo-header, as keepalived does by default for IPv4 too.
/// Over a payload whose checksum is in place the result is 0.
fn checksum(version: VrrpVersion, cover: Cover, source: IpAddr, destination: IpAddr, payload: &[u8]) -> u16 {
    let mut sum = Sum(0);
    let destination = if cover == Cover::Group { group(source.is_ipv4()) } else { destination };
    match (version, source, destination) {
        (VrrpVersion::V2, ..) => {}
        _ if cover == Cover::Nothing => {}
        (VrrpVersion::V3, IpAddr::V4(source), IpAddr::V4(destination)) => {
            sum.add(&source.octets());
            sum.add(&destination.octets());
            sum.add(&[0, PROTOCOL]);
            sum.add(&u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
        (VrrpVersion::V3, source, destination) => {
            for end in [source, destination] {
                match end {
                    IpAddr::V4(address) => sum.add(&address.to_ipv6_mapped().octets()),
                    IpAddr::V6(address) => sum.add(&address.octets()),
                }
            }
            sum.add(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
            sum.add(&[0, 0, 0, PROTOCOL]);
        }
    }
    sum.add(payload);
    sum.folded()
}

struct Sum(u64);

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks(2) {
            let high = pair.first().copied().unwrap_or_default();
            let low = pair.get(1).copied().unwrap_or_default();
            self.0 += u64::from(u16::from_be_bytes([high, low]));
        }
    }

    fn folded(&self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap_or_default()
    }
}
