//! From texts to values: numbers, addresses, devices, masks. Blank means "not set" where that is possible.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::str::FromStr;

use lvs::model::{Device, Forwarding, Tunnel, TunnelChecksum, TunnelKind};

use crate::fields::Fields;
use crate::forms::{Form, Row, rows};
use crate::locale::Locale;

/// Reads the texts of one form and keeps what is to be said about them.
pub(crate) struct Reader<'a> {
    fields: &'a Fields,
    locale: Locale,
    form: Form,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(known: &'static [&'static str], fields: &'a Fields, locale: Locale) -> Self {
        Reader { fields, locale, form: Form::new(known, fields.clone()) }
    }

    /// The form as typed, with all that was said.
    pub(crate) fn finish(self) -> Form {
        self.form
    }

    /// Says that a field cannot be taken.
    pub(crate) fn wrong(&mut self, name: &str, key: &'static str) {
        self.form.error(name, self.locale.say(key));
    }

    pub(crate) fn text(&self, name: &str) -> &'a str {
        self.fields.get(name).trim()
    }

    /// The text with the blanks at its ends.
    pub(crate) fn raw(&self, name: &str) -> &'a str {
        self.fields.get(name)
    }

    /// The rows of a repeated part that were sent.
    pub(crate) fn rows(&self, part: &str) -> Vec<Row> {
        rows::of(self.fields, part)
    }

    pub(crate) fn ticked(&self, name: &str) -> bool {
        self.fields.ticked(name)
    }

    pub(crate) fn contains(&self, name: &str, value: &str) -> bool {
        self.fields.contains(name, value)
    }

    /// The text, none where blank.
    pub(crate) fn filled(&self, name: &str) -> Option<String> {
        self.fields.filled(name).map(ToOwned::to_owned)
    }

    fn parsed<T: FromStr>(&mut self, name: &str, key: &'static str) -> Option<T> {
        let text = self.fields.filled(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.wrong(name, key);
        }
        value
    }

    /// A number where one is given; `old` where the text is none.
    pub(crate) fn number<T: FromStr>(&mut self, name: &str, old: Option<T>) -> Option<T> {
        match self.fields.filled(name) {
            None => None,
            Some(_) => self.parsed(name, "wrong-number").or(old),
        }
    }

    /// A number that must be given.
    pub(crate) fn needed_number<T: FromStr>(&mut self, name: &str, old: T) -> T {
        if self.fields.filled(name).is_none() {
            self.wrong(name, "wrong-missing");
            return old;
        }
        self.parsed(name, "wrong-number").unwrap_or(old)
    }

    /// A firewall mark, decimal or `0x…`; blank or 0 means none.
    pub(crate) fn mark(&mut self, name: &str, old: Option<NonZeroU32>) -> Option<NonZeroU32> {
        let text = self.fields.filled(name)?;
        let number = match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.parse::<u32>().ok(),
        };
        match number {
            Some(number) => NonZeroU32::new(number),
            None => {
                self.wrong(name, "wrong-number");
                old
            }
        }
    }

    /// An address where one is given.
    pub(crate) fn address(&mut self, name: &str, old: Option<IpAddr>) -> Option<IpAddr> {
        match self.fields.filled(name) {
            None => None,
            Some(_) => self.parsed(name, "wrong-address").or(old),
        }
    }

    /// An address that must be given.
    pub(crate) fn needed_address(&mut self, name: &str, old: IpAddr) -> IpAddr {
        if self.fields.filled(name).is_none() {
            self.wrong(name, "wrong-missing");
            return old;
        }
        self.parsed(name, "wrong-address").unwrap_or(old)
    }

    /// Addresses, separated by blanks, commas or line ends; `old` where one of them is none.
    pub(crate) fn addresses(&mut self, name: &str, old: Vec<IpAddr>) -> Vec<IpAddr> {
        let words = self.text(name).split(|c: char| c == ',' || c.is_whitespace());
        let read: Result<Vec<IpAddr>, _> = words.filter(|w| !w.is_empty()).map(str::parse).collect();
        if read.is_err() {
            self.wrong(name, "wrong-addresses");
        }
        read.unwrap_or(old)
    }

    /// One value on each line; `old` where one of them is none.
    pub(crate) fn lines<T: FromStr>(&mut self, name: &str, key: &'static str, old: Vec<T>) -> Vec<T> {
        let lines = self.text(name).lines().map(str::trim).filter(|line| !line.is_empty());
        let read: Result<Vec<T>, _> = lines.map(str::parse).collect();
        if read.is_err() {
            self.wrong(name, key);
        }
        read.unwrap_or(old)
    }

    /// A switch that may be left alone: blank, `on` or `off`.
    pub(crate) fn switch(&mut self, name: &str, old: Option<bool>) -> Option<bool> {
        self.choice(name, &[("", None), ("on", Some(true)), ("off", Some(false))], old)
    }

    /// An interface with an optional label.
    pub(crate) fn device(&mut self, name: &str, old: Option<Device>) -> Option<Device> {
        match self.fields.filled(name) {
            None => None,
            Some(_) => self.parsed(name, "wrong-device").or(old),
        }
    }

    /// A prefix length, or an IPv4 mask as Piranha's lists had them.
    pub(crate) fn prefix(&mut self, name: &str, old: Option<u8>) -> Option<u8> {
        // Piranha's lists wrote 0.0.0.0 for "Unused".
        let text = self.fields.filled(name).filter(|t| *t != "0.0.0.0")?;
        let read = match text.parse::<Ipv4Addr>() {
            Ok(mask) => mask_length(mask),
            Err(_) => text.trim_start_matches('/').parse().ok(),
        };
        if read.is_none() {
            self.wrong(name, "wrong-mask");
            return old;
        }
        read
    }

    /// One word of a list; `old` where it is none of them.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, all: &[(&str, T)], old: T) -> T {
        let text = self.text(name);
        match all.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => *value,
            None => {
                self.wrong(name, "wrong-choice");
                old
            }
        }
    }

    /// Forwarding with a tunnel's details; none where the list says "as the cluster".
    pub(crate) fn forwarding(&mut self, old: Option<Forwarding>) -> Option<Forwarding> {
        let word = self.text("forwarding");
        if word.is_empty() {
            return None;
        }
        let Ok(read) = Forwarding::from_str(word) else {
            self.wrong("forwarding", "wrong-choice");
            return old;
        };
        let Forwarding::Tunnel(_) = read else { return Some(read) };
        let before = match old {
            Some(Forwarding::Tunnel(tunnel)) => tunnel,
            _ => Tunnel::default(),
        };
        let kinds = [("ipip", TunnelKind::Ipip), ("gue", TunnelKind::Gue), ("gre", TunnelKind::Gre)];
        let sums = [
            ("none", TunnelChecksum::None),
            ("full", TunnelChecksum::Full),
            ("remote", TunnelChecksum::Remote),
        ];
        Some(Forwarding::Tunnel(Tunnel {
            kind: self.choice("forwarding.tunnel.kind", &kinds, before.kind),
            port: self.number("forwarding.tunnel.port", Some(before.port)).unwrap_or(0),
            checksum: self.choice("forwarding.tunnel.checksum", &sums, before.checksum),
        }))
    }
}

/// The word of a switch that may be left alone.
pub(crate) fn switch_word(value: Option<bool>) -> &'static str {
    match value {
        None => "",
        Some(true) => "on",
        Some(false) => "off",
    }
}

/// Values, one on each line.
pub(crate) fn line_texts<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Leading ones of a mask, none where it has a hole.
fn mask_length(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    (bits.leading_ones() + bits.trailing_zeros().min(32) >= 32)
        .then(|| u8::try_from(bits.leading_ones()).unwrap_or(32))
}

/// The texts of a forwarding.
pub(crate) fn forwarding_texts(fields: Fields, forwarding: Option<Forwarding>) -> Fields {
    let tunnel = match forwarding {
        Some(Forwarding::Tunnel(tunnel)) => tunnel,
        _ => Tunnel::default(),
    };
    let kind = match tunnel.kind {
        TunnelKind::Ipip => "ipip",
        TunnelKind::Gue => "gue",
        TunnelKind::Gre => "gre",
    };
    let checksum = match tunnel.checksum {
        TunnelChecksum::None => "none",
        TunnelChecksum::Full => "full",
        TunnelChecksum::Remote => "remote",
    };
    fields
        .with("forwarding", forwarding.map_or("", Forwarding::as_str))
        .with("forwarding.tunnel.kind", kind)
        .with_some("forwarding.tunnel.port", Some(tunnel.port).filter(|p| *p != 0))
        .with("forwarding.tunnel.checksum", checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_read_as_lengths() {
        let read = |text: &str| {
            let fields = Fields::default().with("m", text);
            let mut reader = Reader::new(&["m"], &fields, Locale::default());
            let value = reader.prefix("m", None);
            (value, reader.finish().failed())
        };
        assert_eq!(read("255.255.255.0"), (Some(24), false));
        assert_eq!(read("255.255.255.255"), (Some(32), false));
        assert_eq!(read("0.0.0.0"), (None, false));
        assert_eq!(read("/64"), (Some(64), false));
        assert_eq!(read(" 27 "), (Some(27), false));
        assert_eq!(read("255.0.255.0"), (None, true));
        assert_eq!(read("wide"), (None, true));
        assert_eq!(read(""), (None, false));
    }
}
