//! Codes that change with time (RFC 6238): six digits, 30 seconds, HMAC-SHA-1, as every authenticator app computes them.
//!
//! Pure: time comes as a step. Which steps were used is remembered by the caller, `second_factor`.

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;

use crate::secret;

/// Bytes of a secret: the length that RFC 4226 recommends.
pub(super) const SECRET: usize = 20;
/// Seconds of a step.
const STEP: i64 = 30;
/// Steps that a device's clock may be off, either way.
const SKEW: i64 = 1;
/// Digits of a code.
pub(super) const DIGITS: usize = 6;

/// The step of a moment.
fn step_of(now: i64) -> i64 {
    now.div_euclid(STEP)
}

/// The code of a step.
fn code(key: &[u8], step: i64) -> String {
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else { return String::new() };
    mac.update(&step.to_be_bytes());
    let digest: [u8; 20] = mac.finalize().into_bytes().into();
    // RFC 4226 section 5.3: four bytes from where the last four bits say.
    let at = usize::from(digest.last().copied().unwrap_or_default() & 0xf);
    let bytes = digest.get(at..at + 4).unwrap_or_default();
    let number = bytes.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) & 0x7fff_ffff;
    format!("{:0DIGITS$}", number % 1_000_000)
}

/// The step whose code was typed: the present one or a neighbour, and later than `last`. None where there is none.
pub(super) fn matching(key: &[u8], typed: &str, last: i64, now: i64) -> Option<i64> {
    let present = step_of(now);
    // All are computed and compared, whichever it is.
    let same = |step: &i64| secret::same(&code(key, *step), typed);
    let found: Vec<i64> = (present - SKEW..=present + SKEW).filter(same).collect();
    found.into_iter().find(|step| *step > last)
}

/// A secret as people type it: base32 in groups of four.
pub(super) fn groups(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

/// A secret as apps take it.
pub(super) fn shown(key: &[u8]) -> String {
    secret::base32(key).to_uppercase()
}

/// The address that apps read from a picture. `place` tells several consoles apart.
pub(super) fn address(key: &[u8], account: &str, place: Option<&str>) -> String {
    let label = place.map_or_else(|| account.to_owned(), |place| format!("{account} ({place})"));
    let label = utf8_percent_encode(&label, NON_ALPHANUMERIC);
    format!("otpauth://totp/Caribe:{label}?secret={}&issuer=Caribe", shown(key))
}

#[cfg(test)]
pub(crate) fn code_at(key: &[u8], now: i64) -> String {
    code(key, step_of(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the last six of its eight digits.
    const KEY: &[u8] = b"12345678901234567890";
    const TIMES: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (now, expected) in TIMES {
            assert_eq!(code_at(KEY, now), expected, "{now}");
            assert_eq!(matching(KEY, expected, 0, now), Some(now / 30));
        }
    }

    #[test]
    fn a_neighbouring_step_is_taken_once_and_others_never() {
        let now = 1_234_567_890;
        let step = now / 30;
        for (typed, expected) in
            [(-2, None), (-1, Some(step - 1)), (0, Some(step)), (1, Some(step + 1)), (2, None)]
        {
            assert_eq!(matching(KEY, &code_at(KEY, now + typed * 30), 0, now), expected, "{typed}");
        }
        let present = code_at(KEY, now);
        assert_eq!(matching(KEY, &present, step, now), None, "used");
        assert_eq!(
            matching(KEY, &code_at(KEY, now - 30), step, now),
            None,
            "older than the one that was used"
        );
        assert_eq!(matching(KEY, &code_at(KEY, now + 30), step, now), Some(step + 1));
        for wrong in ["", "00592", "0059240", "５０５９２４"] {
            assert_eq!(matching(KEY, wrong, 0, now), None, "{wrong}");
        }
    }

    #[test]
    fn apps_are_told_the_account_and_the_console() {
        assert_eq!(groups(&shown(KEY)), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(
            address(KEY, "al.ice@x", Some("lb 1")),
            "otpauth://totp/Caribe:al%2Eice%40x%20%28lb%201%29?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Caribe"
        );
        assert!(address(KEY, "alice", None).starts_with("otpauth://totp/Caribe:alice?"));
    }
}
