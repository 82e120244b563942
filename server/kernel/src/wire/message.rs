//! Netlink messages: building one to send, splitting a received datagram into many (`struct nlmsghdr`).

use std::net::IpAddr;

use super::attribute::NESTED;
use super::{Malformed, aligned, take, take_array};

/// Bytes of a message header.
pub const HEADER: usize = 16;
/// Bytes of the generic netlink header that follows it (`struct genlmsghdr`).
pub const GENERIC_HEADER: usize = 4;

/// A message to be sent. Sequence number and acknowledgement are filled in when it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
    flags: u16,
}

impl Message {
    /// A message of this type. `flags` are added to `NLM_F_REQUEST`.
    pub fn new(kind: u16, flags: i32) -> Self {
        // All NLM_F_ flags are 16-bit values; libc types them as int.
        let flags = (libc::NLM_F_REQUEST | flags) as u16;
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&[0; 10]);
        Message { bytes, flags }
    }

    /// A message of a generic netlink family, version 1.
    pub fn generic(family: u16, command: u8, flags: i32) -> Self {
        let mut message = Message::new(family, flags);
        message.raw(&[command, 1, 0, 0]);
        message
    }

    /// A message of netfilter: its kind, address family and resource (`struct nfgenmsg`).
    pub fn netfilter(kind: u16, family: u8, resource: u16, flags: i32) -> Self {
        let mut message = Message::new(kind, flags);
        let [high, low] = resource.to_be_bytes();
        message.raw(&[family, 0, high, low]);
        message
    }

    /// Appends bytes that are no attribute (a family's fixed header), padded.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.pad();
    }

    /// Appends an attribute.
    pub fn put(&mut self, kind: u16, value: &[u8]) {
        // Values are addresses, numbers and names of at most 20 bytes.
        let length = u16::try_from(value.len().saturating_add(4)).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.raw(value);
    }

    /// Appends an 8-bit number.
    pub fn put_u8(&mut self, kind: u16, value: u8) {
        self.put(kind, &[value]);
    }

    /// Appends a 16-bit number in the machine's order.
    pub fn put_u16(&mut self, kind: u16, value: u16) {
        self.put(kind, &value.to_ne_bytes());
    }

    /// Appends a 16-bit number in network order.
    pub fn put_u16_be(&mut self, kind: u16, value: u16) {
        self.put(kind, &value.to_be_bytes());
    }

    /// Appends a 32-bit number in the machine's order.
    pub fn put_u32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_ne_bytes());
    }

    /// Appends a 32-bit number in network order.
    pub fn put_u32_be(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_be_bytes());
    }

    /// Appends a text with its closing NUL, which the kernel insists on.
    pub fn put_text(&mut self, kind: u16, value: &str) {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.put(kind, &bytes);
    }

    /// Appends an address in network order: 4 or 16 bytes.
    pub fn put_address(&mut self, kind: u16, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => self.put(kind, &v4.octets()),
            IpAddr::V6(v6) => self.put(kind, &v6.octets()),
        }
    }

    /// Appends an attribute that holds what `inner` appends.
    pub fn nest(&mut self, kind: u16, inner: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.put(kind | NESTED, &[]);
        inner(self);
        let length = u16::try_from(self.bytes.len().saturating_sub(start)).unwrap_or(u16::MAX);
        overwrite(&mut self.bytes, start, &length.to_ne_bytes());
    }

    /// Bytes it will take in a batch.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the finished message to a datagram. `flags` are added to its own.
    pub fn write(&self, datagram: &mut Vec<u8>, sequence: u32, flags: i32) {
        let start = datagram.len();
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        datagram.extend_from_slice(&self.bytes);
        overwrite(datagram, start, &length.to_ne_bytes());
        overwrite(datagram, start + 6, &(self.flags | flags as u16).to_ne_bytes());
        overwrite(datagram, start + 8, &sequence.to_ne_bytes());
    }

    fn pad(&mut self) {
        self.bytes.resize(aligned(self.bytes.len()), 0);
    }
}

/// Replaces bytes of a header that was written before.
fn overwrite(bytes: &mut [u8], at: usize, value: &[u8]) {
    let place = bytes.get_mut(at..at.saturating_add(value.len()));
    debug_assert!(place.is_some(), "only headers already written are overwritten");
    if let Some(place) = place {
        place.copy_from_slice(value);
    }
}

/// One received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Message type: a family's, or one of `NLMSG_*`.
    pub kind: u16,
    /// `NLM_F_*`.
    pub flags: u16,
    /// The sequence number of the request it answers; 0 for events.
    pub sequence: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl Reply<'_> {
    /// The result carried by `NLMSG_ERROR` and `NLMSG_DONE`: 0, or a positive error number. `NLMSG_DONE` of old
    /// kernels carries none and means success.
    pub fn result(&self) -> Result<i32, Malformed> {
        let mut payload = self.payload;
        if payload.is_empty() && i32::from(self.kind) == libc::NLMSG_DONE {
            return Ok(0);
        }
        Ok(i32::from_ne_bytes(take_array(&mut payload)?).saturating_neg().max(0))
    }
}

/// The messages of one datagram. After a malformed one it ends.
#[derive(Clone, Copy, Debug)]
pub struct Replies<'a>(&'a [u8]);

impl<'a> Replies<'a> {
    /// Splits `datagram`.
    pub fn new(datagram: &'a [u8]) -> Self {
        Replies(datagram)
    }

    fn read(&mut self) -> Result<Reply<'a>, Malformed> {
        let length = usize::try_from(u32::from_ne_bytes(take_array(&mut self.0)?)).map_err(|_| Malformed)?;
        let kind = u16::from_ne_bytes(take_array(&mut self.0)?);
        let flags = u16::from_ne_bytes(take_array(&mut self.0)?);
        let sequence = u32::from_ne_bytes(take_array(&mut self.0)?);
        take(&mut self.0, 4)?; // the sender's port, known from the socket address
        let payload = take(&mut self.0, length.checked_sub(HEADER).ok_or(Malformed)?)?;
        let padding = aligned(length).saturating_sub(length).min(self.0.len());
        take(&mut self.0, padding)?;
        Ok(Reply { kind, flags, sequence, payload })
    }
}

impl<'a> Iterator for Replies<'a> {
    type Item = Result<Reply<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.len() < HEADER {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.0 = &[];
        }
        Some(read)
    }
}
