//! Values of an lvs.cf: numbers, addresses, masks and strings, read as the daemons read them.
//!
//! Pure functions of a word; what they cannot read or had to assume comes back as codes, and the reader puts them
//! to their lines. Host names are recognised and never looked up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::format::names::is_host_name;

/// A C integer: decimal, `0x` hexadecimal, or octal behind a leading zero; with a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// What it is worth.
    pub(super) value: i64,
    /// Whether a leading zero made it something else than it looks like.
    pub(super) octal: bool,
}

/// Reads a C integer (`strtol` with base 0, nothing left over).
pub(super) fn number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (magnitude, octal) = magnitude(digits)?;
    let value = i64::try_from(magnitude).ok()?;
    Some(Number { value: if negative { -value } else { value }, octal })
}

fn magnitude(digits: &str) -> Option<(u64, bool)> {
    let radix = |digits: &str, radix| {
        let all = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        all.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
    };
    if let Some(hexadecimal) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return radix(hexadecimal, 16).map(|value| (value, false));
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return radix(digits, 8).map(|value| (value, radix(digits, 10) != Some(value)));
    }
    radix(digits, 10).map(|value| (value, false))
}

/// What a word that should be an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// An IPv4 address in the usual four decimal parts.
    Plain(Ipv4Addr),
    /// An IPv4 address in another form that the classic resolver takes (`10.1`, hexadecimal, octal).
    OddForm(Ipv4Addr),
    /// An IPv6 address, which the daemons do not know.
    Newer(Ipv6Addr),
    /// A name that would have to be looked up.
    Name,
    /// None of these.
    Bad,
}

/// Reads an address; `localhost` is the one name that is known.
pub(super) fn address(text: &str) -> Address {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Address::Plain(address);
    }
    if text.eq_ignore_ascii_case("localhost") {
        return Address::Plain(Ipv4Addr::LOCALHOST);
    }
    if let Some(address) = classic(text) {
        return Address::OddForm(address);
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Address::Newer(address);
    }
    if is_host_name(text) { Address::Name } else { Address::Bad }
}

/// The classic resolver's forms: one to four parts, each decimal, octal or hexadecimal; the last fills what is left.
pub(super) fn classic(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u64> =
        text.split('.').take(5).map(|part| magnitude(part).map(|(value, _)| value)).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 || leading.iter().any(|part| *part > 255) {
        return None;
    }
    let free_bits = 32 - 8 * u32::try_from(leading.len()).ok()?;
    if *last >= 1 << free_bits {
        return None;
    }
    let high = leading.iter().fold(0, |bits, part| bits << 8 | part);
    u32::try_from(high << free_bits | last).ok().map(Ipv4Addr::from)
}

/// What a word that should be a mask is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mask {
    /// Not given (`0.0.0.0`).
    Unset,
    /// Leading bits.
    Prefix {
        /// How many.
        length: u8,
        /// Whether it was written in another form than four decimal parts.
        odd_form: bool,
    },
    /// Ones with zeros between them; the daemons take it as it is.
    Gaps {
        /// The mask.
        mask: Ipv4Addr,
        /// Its leading ones.
        leading: u8,
    },
    /// No mask.
    Bad,
}

/// Reads a mask: the forms of addresses, and beyond the daemons `/24` and `24`.
pub(super) fn mask(text: &str) -> Mask {
    let short = text.strip_prefix('/').unwrap_or(text);
    if let Some(length) = short.parse::<u8>().ok().filter(|length| (1..=32).contains(length)) {
        return Mask::Prefix { length, odd_form: true };
    }
    classic_mask(text)
}

/// Reads a mask in the forms of addresses alone, as the daemons do.
pub(super) fn classic_mask(text: &str) -> Mask {
    let Some(mask) = classic(text) else { return Mask::Bad };
    let bits = u32::from(mask);
    let leading = u8::try_from(bits.leading_ones()).unwrap_or(32);
    if bits == 0 {
        Mask::Unset
    } else if bits.leading_ones() + bits.trailing_zeros() == 32 {
        Mask::Prefix { length: leading, odd_form: text.parse() != Ok(mask) }
    } else {
        Mask::Gaps { mask, leading }
    }
}

/// The mask of a prefix length, in four decimal parts.
pub(super) fn netmask(length: u8) -> Ipv4Addr {
    Ipv4Addr::from(u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0))
}

/// Whether an address says that there is none.
pub(super) fn is_unset(address: IpAddr) -> bool {
    address.is_unspecified()
}

/// A string of `send` and `expect` in its plain form: a backslash that begins no escape is doubled.
///
/// Returns the string and the first such sequence. The escapes are `\n \r \t \\ \' \"`.
pub(super) fn escapes(text: &str) -> (String, Option<String>) {
    let mut plain = String::with_capacity(text.len());
    let mut unknown = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(c);
        if c != '\\' {
            continue;
        }
        match chars.clone().next() {
            Some(next @ ('n' | 'r' | 't' | '\\' | '\'' | '"')) => {
                plain.push(next);
                chars.next();
            }
            next => {
                plain.push('\\');
                unknown.get_or_insert_with(|| std::iter::once('\\').chain(next).collect());
            }
        }
    }
    (plain, unknown)
}

/// A request whose `\r\n` lost their backslashes on the way (`GET / HTTP/1.0rnrn`), with them put back.
pub(super) fn lost_backslashes(text: &str) -> Option<String> {
    if text.contains('\\') {
        return None;
    }
    let head_length = ["HTTP/1.0rn", "HTTP/1.1rn"]
        .iter()
        .find_map(|version| text.find(version).map(|at| at + version.len() - 2))
        .or_else(|| text.ends_with("rnrn").then(|| text.trim_end_matches("rn").len()))?;
    let (head, mut rest) = text.split_at_checked(head_length)?;
    let mut repaired = head.to_owned();
    // Behind the version every `rn` that ends the text or comes before a header's name was a line end.
    while !rest.is_empty() {
        let ends_line = rest.strip_prefix("rn").filter(|after| {
            after.trim_start_matches("rn").is_empty()
                || is_header(after)
                || rest.len() == text.len() - head_length
        });
        if let Some(after) = ends_line {
            repaired.push_str("\\r\\n");
            rest = after;
        } else {
            let mut chars = rest.chars();
            repaired.extend(chars.next());
            rest = chars.as_str();
        }
    }
    Some(repaired)
}

/// Whether a text begins with the name of a header and its colon.
fn is_header(text: &str) -> bool {
    let Some((name, _)) = text.get(..32.min(text.len())).unwrap_or("").split_once(':') else { return false };
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphabetic() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, expected) in [
            ("10", Some((10, false))),
            ("010", Some((8, true))),
            ("07", Some((7, false))),
            ("0x50", Some((80, false))),
            ("-3", Some((-3, false))),
            ("+3", Some((3, false))),
            ("0", Some((0, false))),
            ("08", None),
            ("", None),
            ("-", None),
            ("0x", None),
            ("5s", None),
            ("- 3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(number(text).map(|n| (n.value, n.octal)), expected, "{text}");
        }
    }

    #[test]
    fn addresses_take_the_classic_forms() {
        let v4 = |text: &str| text.parse().unwrap();
        assert_eq!(address("192.0.2.1"), Address::Plain(v4("192.0.2.1")));
        assert_eq!(address("10.1"), Address::OddForm(v4("10.0.0.1")));
        assert_eq!(address("0xc0.0.2.010"), Address::OddForm(v4("192.0.2.8")));
        assert_eq!(address("localhost"), Address::Plain(Ipv4Addr::LOCALHOST));
        assert_eq!(address("2001:db8::1"), Address::Newer("2001:db8::1".parse().unwrap()));
        for name in ["www.example.com", "web-1", "www"] {
            assert_eq!(address(name), Address::Name, "{name}");
        }
        for bad in ["300.1.2.3", "1.2.3.4.5", "192.0.2.1/24", "", "a b", "1.2.3.08", "1..2", "192.0.2.1:80"] {
            assert_eq!(address(bad), Address::Bad, "{bad}");
        }
    }

    #[test]
    fn masks_may_be_short_or_have_gaps() {
        assert_eq!(mask("255.255.255.0"), Mask::Prefix { length: 24, odd_form: false });
        assert_eq!(mask("0.0.0.0"), Mask::Unset);
        assert_eq!(mask("/24"), Mask::Prefix { length: 24, odd_form: true });
        assert_eq!(mask("0xffffff00"), Mask::Prefix { length: 24, odd_form: true });
        assert_eq!(mask("255.255.255"), Mask::Gaps { mask: "255.255.0.255".parse().unwrap(), leading: 16 });
        assert_eq!(mask("/33"), Mask::Bad);
        assert_eq!(mask("mask"), Mask::Bad);
        for length in 0..=32 {
            let written = netmask(length).to_string();
            let expected = if length == 0 { Mask::Unset } else { Mask::Prefix { length, odd_form: false } };
            assert_eq!(mask(&written), expected);
        }
    }

    #[test]
    fn escapes_that_are_none_are_doubled() {
        assert_eq!(escapes(r"GET / HTTP/1.0\r\n\r\n"), (r"GET / HTTP/1.0\r\n\r\n".into(), None));
        assert_eq!(escapes(r"1\.1\\"), (r"1\\.1\\".into(), Some(r"\.".into())));
        assert_eq!(escapes(r"end\"), (r"end\\".into(), Some(r"\".into())));
    }

    #[test]
    fn lost_backslashes_are_put_back() {
        for (text, expected) in [
            ("GET / HTTP/1.0rnrn", Some(r"GET / HTTP/1.0\r\n\r\n")),
            (
                "GET /internal HTTP/1.1rnHost: burn.example.comrnrn",
                Some(r"GET /internal HTTP/1.1\r\nHost: burn.example.com\r\n\r\n"),
            ),
            (
                "GET / HTTP/1.1rnHost: arnUser-Agent: brnrn",
                Some(r"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\n\r\n"),
            ),
            ("QUITrnrn", Some(r"QUIT\r\n\r\n")),
            (r"GET / HTTP/1.0\r\n\r\n", None),
            ("turn", None),
            ("GET / HTTP/1.0", None),
        ] {
            assert_eq!(lost_backslashes(text).as_deref(), expected, "{text}");
        }
    }
}
