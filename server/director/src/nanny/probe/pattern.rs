//! What an answer must look like, and the escapes that texts of lvs.cf are written with.

use lvs::model::Pattern as Regex;

/// Bytes of an answer that are looked at.
pub(super) const LOOKED_AT: usize = 64 * 1024;

/// What an answer is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// Anything that can be read, the end of the connection included.
    Readable,
    /// At least one byte.
    Anything,
    /// These bytes at its beginning.
    Prefix(Vec<u8>),
    /// These bytes anywhere.
    Contains(Vec<u8>),
    /// A regular expression that matches anywhere.
    Regex(Regex),
}

/// What can be said of an answer that may not be whole yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It fits, whatever else comes.
    Yes,
    /// It may still come to fit.
    Perhaps,
    /// It cannot fit any more.
    No,
}

impl Pattern {
    /// The pattern of a text of lvs.cf: empty is anything readable, `*` alone at least one byte, else a prefix.
    pub(super) fn prefix(text: &str) -> Self {
        match text {
            "" => Pattern::Readable,
            "*" => Pattern::Anything,
            text => Pattern::Prefix(unescaped(text)),
        }
    }

    /// The same for a text that may stand anywhere.
    pub(super) fn contains(text: &str) -> Self {
        match Pattern::prefix(text) {
            Pattern::Prefix(bytes) => Pattern::Contains(bytes),
            other => other,
        }
    }

    /// A regular expression over bytes, not anchored; the error says what is wrong with it.
    pub(super) fn regex(text: &str) -> Result<Self, String> {
        Regex::new(text).map(Pattern::Regex)
    }

    /// Whether a whole text fits.
    pub(super) fn found_in(&self, bytes: &[u8]) -> bool {
        match self {
            Pattern::Readable => true,
            Pattern::Anything => !bytes.is_empty(),
            Pattern::Prefix(prefix) => bytes.starts_with(prefix),
            Pattern::Contains(part) => contains(bytes, part),
            Pattern::Regex(regex) => regex.is_match(bytes),
        }
    }

    /// Compares what has come so far.
    pub(super) fn fit(&self, bytes: &[u8], ended: bool) -> Fit {
        let open = if ended || bytes.len() >= LOOKED_AT { Fit::No } else { Fit::Perhaps };
        match self {
            Pattern::Readable if ended || !bytes.is_empty() => Fit::Yes,
            Pattern::Anything if !bytes.is_empty() => Fit::Yes,
            Pattern::Readable | Pattern::Anything => open,
            Pattern::Prefix(prefix) if bytes.starts_with(prefix) => Fit::Yes,
            Pattern::Prefix(prefix) if prefix.starts_with(bytes) => open,
            Pattern::Prefix(_) => Fit::No,
            Pattern::Contains(part) if contains(bytes, part) => Fit::Yes,
            Pattern::Regex(regex) if regex.is_match(bytes) => Fit::Yes,
            Pattern::Contains(_) | Pattern::Regex(_) => open,
        }
    }
}

/// Whether `part` occurs in `bytes`; nothing occurs everywhere.
pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

/// An expression of lvs.cf: a doubled backslash is one, all other escapes are the expression's own.
pub(super) fn unescaped_expression(text: &str) -> String {
    text.replace("\\\\", "\\")
}

/// The bytes of a text with the escapes `\r \n \t \\ \' \"`, and `\xHH` for any byte. Other backslashes stand for
/// themselves.
pub(super) fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'\\', [b'r', after @ ..]) => (b'\r', after),
            (b'\\', [b'n', after @ ..]) => (b'\n', after),
            (b'\\', [b't', after @ ..]) => (b'\t', after),
            (b'\\', [escaped @ (b'\\' | b'\'' | b'"'), after @ ..]) => (*escaped, after),
            (b'\\', [b'x', high, low, after @ ..]) => match hex_byte(*high, *low) {
                Some(byte) => (byte, after),
                None => (b'\\', rest.get(1..).unwrap_or_default()),
            },
            (byte, after) => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_lvs_cf_and_bytes() {
        assert_eq!(
            unescaped(r#"GET / HTTP/1.0\r\n\r\n\t\\\'\"\x00\xfF"#),
            b"GET / HTTP/1.0\r\n\r\n\t\\'\"\0\xff"
        );
        assert_eq!(unescaped(r"a\.b\x4"), br"a\.b\x4", "others stand for themselves");
        assert_eq!(unescaped(r"end\"), br"end\");
    }

    #[test]
    fn a_prefix_may_come_in_parts() {
        let pattern = Pattern::prefix("HTTP/1");
        assert_eq!(pattern.fit(b"", false), Fit::Perhaps);
        assert_eq!(pattern.fit(b"HTT", false), Fit::Perhaps);
        assert_eq!(pattern.fit(b"HTT", true), Fit::No);
        assert_eq!(pattern.fit(b"HTTP/1.0 500", false), Fit::Yes, "as with Piranha, more is not looked at");
        assert_eq!(pattern.fit(b"http", false), Fit::No);
    }

    #[test]
    fn anything_readable_and_anything_at_all_differ_in_the_end_of_a_connection() {
        assert_eq!(Pattern::prefix("").fit(b"", true), Fit::Yes);
        assert_eq!(Pattern::prefix("*").fit(b"", true), Fit::No);
        assert_eq!(Pattern::prefix("*").fit(b"x", false), Fit::Yes);
    }

    #[test]
    fn expressions_look_at_bytes_and_are_bounded() {
        let pattern = Pattern::regex("(?-u)\\xff+ok$").unwrap();
        assert_eq!(pattern.fit(b"\xff\xffok", false), Fit::Yes);
        assert_eq!(pattern.fit(b"\xff", false), Fit::Perhaps);
        assert_eq!(pattern.fit(&vec![b'x'; LOOKED_AT], false), Fit::No);
        assert!(Pattern::regex("(").is_err());
        assert!(Pattern::regex("a{1000}{1000}{1000}").is_err(), "an expression may not take all memory");
    }
}
