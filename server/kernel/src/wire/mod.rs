//! The kernel's netlink formats, its connection table's text and its sync messages as pure functions: bytes in, values out,
//! and back.
//!
//! No socket, no state. Decoders never panic and never read past what they were given, whatever the bytes. Layouts
//! are those of `linux/netlink.h`, `linux/genetlink.h`, `linux/ip_vs.h`, `linux/if_addr.h`, `linux/if_link.h`,
//! `linux/rtnetlink.h` and `linux/neighbour.h`.

pub mod attribute;
pub mod connections;
pub mod control;
pub mod copies;
pub mod fou;
pub mod ipvs;
pub mod message;
pub mod nft;
pub mod packets;
pub mod route;
pub mod way;

#[cfg(test)]
mod tests;

/// Bytes that are no message of the expected layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed netlink message")]
pub struct Malformed;

/// The next multiple of four: netlink pads everything to 4 bytes.
pub(crate) fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}

/// Takes `count` bytes off the front.
pub(crate) fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], Malformed> {
    let (front, rest) = bytes.split_at_checked(count).ok_or(Malformed)?;
    *bytes = rest;
    Ok(front)
}

/// Takes a fixed number of bytes off the front.
pub(crate) fn take_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (front, rest) = bytes.split_first_chunk::<N>().ok_or(Malformed)?;
    *bytes = rest;
    Ok(*front)
}
