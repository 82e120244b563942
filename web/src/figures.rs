//! Numbers as people read them: grouped, with SI prefixes, never with false precision.

/// A count with thin groups of three: `12 345`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A rate with three significant digits and an SI prefix: `0`, `0.5`, `12.3`, `4.56 k`, `1.2 M`.
pub(crate) fn rate(value: f64) -> String {
    if !value.is_finite() || value < 0.05 {
        return "0".to_owned();
    }
    let mut scaled = value;
    let mut prefix = "";
    for next in ["k", "M", "G", "T"] {
        if scaled < 999.5 {
            break;
        }
        scaled /= 1000.0;
        prefix = next;
    }
    let decimals = if scaled < 9.995 && !prefix.is_empty() { 2 } else { usize::from(scaled < 99.95) };
    let space = if prefix.is_empty() { "" } else { "\u{202f}" };
    format!("{scaled:.decimals$}{space}{prefix}")
}

/// Bytes per second as bits per second with an SI prefix.
pub(crate) fn bits(bytes_per_second: f64) -> String {
    rate(bytes_per_second * 8.0)
}

/// Microseconds as milliseconds with one decimal.
pub(crate) fn milliseconds(us: u64) -> String {
    format!("{}.{}\u{202f}ms", count(us / 1000), us % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1\u{202f}000");
        assert_eq!(count(u64::MAX), "18\u{202f}446\u{202f}744\u{202f}073\u{202f}709\u{202f}551\u{202f}615");
    }

    #[test]
    fn rates_keep_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.01, "0"),
            (0.5, "0.5"),
            (12.34, "12.3"),
            (123.4, "123"),
            (999.6, "1.00\u{202f}k"),
            (4_560.0, "4.56\u{202f}k"),
            (45_600.0, "45.6\u{202f}k"),
            (1_200_000.0, "1.20\u{202f}M"),
            (f64::NAN, "0"),
            (f64::INFINITY, "0"),
        ] {
            assert_eq!(rate(value), text, "{value}");
        }
    }
}
