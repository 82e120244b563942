//! A value as a small number: exact up to 255 units, from there within 0.4 % of it, so that the difference between two
//! neighbours nearly always fits one byte.

use super::VALUES;

/// Units in one, by the order of a sample's values: hundredths of connections and packets per second, whole else.
const UNITS: [f64; VALUES] = [1.0, 1.0, 1.0, 100.0, 100.0, 100.0, 1.0, 1.0];
/// Steps of one doubling.
const STEPS: u64 = 128;
/// The exponent from which values are no longer exact.
const EXACT: u32 = 7;

/// The code of a whole number of units.
fn encode(units: u64) -> u32 {
    if units < STEPS {
        return u32::try_from(units).unwrap_or(0);
    }
    let exponent = |units: u64| 63 - units.leading_zeros();
    let first = exponent(units);
    // To the nearest step; that may be the first one of the next doubling.
    let rounded = match first {
        EXACT => units,
        first => units.saturating_add(1 << (first - EXACT - 1)),
    };
    let exponent = exponent(rounded);
    let within = (rounded >> (exponent - EXACT)) & (STEPS - 1);
    u32::try_from(u64::from(exponent - EXACT + 1) * STEPS + within).unwrap_or(0)
}

/// The units of a code.
fn decode(code: u32) -> u64 {
    let (doubling, within) = (u64::from(code) / STEPS, u64::from(code) % STEPS);
    match doubling {
        0 => within,
        1..=57 => (STEPS + within) << (doubling - 1),
        _ => u64::MAX,
    }
}

/// The codes of a sample's values.
pub(super) fn codes(values: [f64; VALUES]) -> [u32; VALUES] {
    let mut codes = [0; VALUES];
    for ((code, value), units) in codes.iter_mut().zip(values).zip(UNITS) {
        // A cast of a float saturates; what is no number counts as 0.
        *code = encode((value * units).round() as u64);
    }
    codes
}

/// The values of codes.
pub(super) fn values(codes: [u32; VALUES]) -> [f64; VALUES] {
    let mut values = [0.0; VALUES];
    for ((value, code), units) in values.iter_mut().zip(codes).zip(UNITS) {
        *value = decode(code) as f64 / units;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_exact_and_large_ones_near() {
        for units in 0..=255 {
            assert_eq!(decode(encode(units)), units);
        }
        let mut units = 256_u64;
        let mut before = encode(255);
        while units < u64::MAX / 3 {
            let code = encode(units);
            assert!(code >= before, "{units}: the order is kept");
            before = code;
            let back = decode(code);
            let wrong = back.abs_diff(units) as f64 / units as f64;
            assert!(wrong <= 0.0040, "{units} became {back}");
            units += units / 97 + 1;
        }
        assert!(decode(encode(u64::MAX)) >= u64::MAX / 2);
        let _ = decode(u32::MAX);
    }

    #[test]
    fn rates_keep_their_hundredths_and_nonsense_is_zero() {
        let back = values(codes([3.0, 200.0, 7.0, 0.25, f64::NAN, -5.0, 100.0, f64::INFINITY]));
        assert_eq!(back[..7], [3.0, 200.0, 7.0, 0.25, 0.0, 0.0, 100.0]);
        assert!(back[7] > 1e18);
    }
}
