//! Piranha's beat as it is on the wire: one word of four bytes in the sender's byte order, and nothing else. Whoever can
//! send from the partner's address can say it.

use thiserror::Error;

/// Sent by an active director.
const ACTIVE: u32 = 0xbdad_dbda;
/// Sent by one that is not.
const INACTIVE: u32 = 0xadbd_dabd;
/// What pulse says when it manages services of its own kind (FOS) instead of virtual servers.
const FAILOVER_SERVICES: [u32; 3] = [0xbeef_babe, 0xdead_beef, 0xdead_dada];

/// What a beat says of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It holds the addresses.
    Active,
    /// It does not.
    Inactive,
}

/// The byte order of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteOrder {
    /// The least significant byte first: nearly all machines that ran Piranha.
    #[default]
    Little,
    /// The most significant byte first.
    Big,
}

/// Why a packet is no beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadWord {
    /// Not four bytes.
    #[error("a beat has 4 bytes, not {0}")]
    Length(usize),
    /// The partner runs failover services, not virtual servers.
    #[error("the partner runs failover services (FOS), not virtual servers")]
    OtherService,
    /// No word that pulse says.
    #[error("{0:#010x} is no word of pulse")]
    Unknown(u32),
}

impl Word {
    /// The four bytes for a partner of this byte order, which knows no other.
    pub fn encode(self, order: ByteOrder) -> [u8; 4] {
        let word = match self {
            Word::Active => ACTIVE,
            Word::Inactive => INACTIVE,
        };
        match order {
            ByteOrder::Little => word.to_le_bytes(),
            ByteOrder::Big => word.to_be_bytes(),
        }
    }

    /// What a packet says, and the byte order of who sent it.
    ///
    /// # Errors
    /// Where it is no beat of a director with virtual servers.
    pub fn decode(packet: &[u8]) -> Result<(Word, ByteOrder), BadWord> {
        let bytes = <[u8; 4]>::try_from(packet).map_err(|_| BadWord::Length(packet.len()))?;
        let both =
            [(u32::from_le_bytes(bytes), ByteOrder::Little), (u32::from_be_bytes(bytes), ByteOrder::Big)];
        for (word, order) in both {
            match word {
                ACTIVE => return Ok((Word::Active, order)),
                INACTIVE => return Ok((Word::Inactive, order)),
                other if FAILOVER_SERVICES.contains(&other) => return Err(BadWord::OtherService),
                _ => {}
            }
        }
        Err(BadWord::Unknown(u32::from_le_bytes(bytes)))
    }
}
