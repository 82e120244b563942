//! Netlink attributes: length, type, value, padding (`struct nlattr`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Malformed, aligned, take, take_array};

/// Marks an attribute whose value is a list of attributes (`NLA_F_NESTED`).
pub const NESTED: u16 = 0x8000;
/// The bits of the type field that are the type (`NLA_TYPE_MASK`).
const TYPE_MASK: u16 = 0x3fff;

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type, without flag bits.
    pub kind: u16,
    /// Its value, without padding.
    pub value: &'a [u8],
}

/// The attributes in a piece of a message. After a malformed one it ends.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// Reads attributes from `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Attributes(bytes)
    }

    fn read(&mut self) -> Result<Attribute<'a>, Malformed> {
        let length = usize::from(u16::from_ne_bytes(take_array(&mut self.0)?));
        let kind = u16::from_ne_bytes(take_array(&mut self.0)?);
        let value = take(&mut self.0, length.checked_sub(4).ok_or(Malformed)?)?;
        let padding = aligned(length).saturating_sub(length).min(self.0.len());
        take(&mut self.0, padding)?;
        Ok(Attribute { kind: kind & TYPE_MASK, value })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        // Less than a header is padding (the kernel's own rule, nla_ok).
        if self.0.len() < 4 {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.0 = &[];
        }
        Some(read)
    }
}

impl<'a> Attribute<'a> {
    fn array<const N: usize>(&self) -> Result<[u8; N], Malformed> {
        self.value.try_into().map_err(|_| Malformed)
    }

    /// An 8-bit number.
    pub fn u8(&self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A 16-bit number in the machine's order.
    pub fn u16(&self) -> Result<u16, Malformed> {
        self.array().map(u16::from_ne_bytes)
    }

    /// A 16-bit number in network order.
    pub fn u16_be(&self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// A 32-bit number in the machine's order.
    pub fn u32(&self) -> Result<u32, Malformed> {
        self.array().map(u32::from_ne_bytes)
    }

    /// A 32-bit number in network order.
    pub fn u32_be(&self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// A number of 32 or 64 bits in the machine's order, whichever the kernel sent.
    pub fn number(&self) -> Result<u64, Malformed> {
        match self.value.len() {
            4 => self.u32().map(u64::from),
            _ => self.array().map(u64::from_ne_bytes),
        }
    }

    /// A text that ends at the first NUL or at the end.
    pub fn text(&self) -> Result<&'a str, Malformed> {
        let end = self.value.iter().position(|byte| *byte == 0).unwrap_or(self.value.len());
        let text = self.value.get(..end).ok_or(Malformed)?;
        std::str::from_utf8(text).map_err(|_| Malformed)
    }

    /// The attributes within.
    pub fn nested(&self) -> Attributes<'a> {
        Attributes(self.value)
    }

    /// An IPv4 address: the first four bytes (IPVS always sends sixteen).
    pub fn ipv4(&self) -> Result<IpAddr, Malformed> {
        let bytes = self.value.first_chunk::<4>().ok_or(Malformed)?;
        Ok(IpAddr::V4(Ipv4Addr::from(*bytes)))
    }

    /// An IPv6 address.
    pub fn ipv6(&self) -> Result<IpAddr, Malformed> {
        self.array::<16>().map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))
    }

    /// An address of the family with this number (`AF_INET`, `AF_INET6`).
    pub fn address(&self, family: u16) -> Result<IpAddr, Malformed> {
        match i32::from(family) {
            libc::AF_INET => self.ipv4(),
            libc::AF_INET6 => self.ipv6(),
            _ => Err(Malformed),
        }
    }
}
