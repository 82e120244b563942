//! `persistence_timeout` and `persistence_granularity`: the same client gets the same real server.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::kept;
use super::reader::{Origin, Reader, whole};
use super::syntax_notes::excerpt;
use super::tree::Statement;
use crate::finding::Code;
use crate::model::{PERSISTENCE_MAXIMUM_S, Persistence};
use crate::table::Family;

/// Seconds where the keyword stands alone.
const DEFAULT_S: u32 = 360;

/// What a service says of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Persistent {
    timeout_s: Option<u32>,
    /// Prefix length, and where and as what it was given.
    granularity: Option<(Option<u8>, Origin, String)>,
}

impl Persistent {
    /// Reads `persistence_timeout [SECONDS]`; 0 is refused by keepalived, which leaves persistence off.
    pub(super) fn timeout(&mut self, reader: &mut Reader<'_>, statement: &Statement) {
        let Some(word) = statement.argument(0) else {
            self.timeout_s = Some(DEFAULT_S);
            reader.warn(statement.origin(), Code::KeepalivedPersistence).with("taken", DEFAULT_S);
            return;
        };
        if whole(&word.text) == Some(0) {
            reader.warn(statement.value_origin(), Code::KeepalivedPersistenceOff);
            return;
        }
        let before = self.timeout_s.map_or("no persistence".to_owned(), |seconds| seconds.to_string());
        self.timeout_s = reader.number(statement, 1, PERSISTENCE_MAXIMUM_S, before).or(self.timeout_s);
    }

    /// Reads `persistence_granularity MASK`: a netmask for IPv4, a prefix length for IPv6.
    pub(super) fn granularity(
        &mut self,
        reader: &mut Reader<'_>,
        statement: &Statement,
        family: Option<Family>,
    ) {
        let Some(word) = reader.value(statement) else { return };
        let bits = family.unwrap_or(Family::Ipv4).bits();
        let prefix = if let Ok(mask) = word.text.parse::<Ipv4Addr>() {
            let length = mask.to_bits().leading_ones();
            if length + mask.to_bits().trailing_zeros() < u32::BITS {
                let taken = Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - length).unwrap_or(0));
                reader
                    .warn(statement.origin_of(word), Code::MaskGaps)
                    .with("mask", mask)
                    .with("value", taken);
            }
            u8::try_from(length).ok().filter(|length| *length > 0)
        } else {
            let length = word.text.strip_prefix('/').unwrap_or(&word.text).parse::<u8>().ok();
            let length = length.filter(|length| (1..=bits).contains(length));
            if length.is_some() && bits == 32 {
                reader
                    .warn(statement.origin_of(word), Code::KeepalivedGranularityLength)
                    .with("text", excerpt(&word.text));
            }
            length
        };
        if prefix.is_none() {
            reader
                .warn(statement.origin_of(word), Code::KeepalivedGranularity)
                .with("text", excerpt(&word.text));
            return;
        }
        let prefix = prefix.filter(|length| *length < bits);
        self.granularity = Some((prefix, statement.origin(), kept::text(statement)));
    }

    /// What both mean together. `all_ports` is where a service says that it has no port, which needs persistence.
    pub(super) fn settle(
        &mut self,
        reader: &mut Reader<'_>,
        all_ports: Option<Origin>,
        kept: &mut BTreeMap<String, String>,
    ) {
        if let Some(origin) = all_ports.filter(|_| self.timeout_s.is_none()) {
            reader.warn(origin, Code::KeepalivedPortAll).with("taken", DEFAULT_S);
            self.timeout_s = Some(DEFAULT_S);
        }
        if let Some((_, origin, text)) = self.granularity.take_if(|_| self.timeout_s.is_none()) {
            reader.warn(origin, Code::KeepalivedGranularityAlone);
            kept::keep_text(kept, "persistence_granularity", &text);
        }
    }

    /// The setting.
    pub(super) fn value(&self) -> Option<Persistence> {
        let prefix = self.granularity.as_ref().and_then(|(prefix, ..)| *prefix);
        self.timeout_s.map(|timeout_s| Persistence { timeout_s, prefix })
    }
}
