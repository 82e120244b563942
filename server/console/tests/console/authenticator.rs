//! An authenticator app, written from RFC 6238 and RFC 4648 and from nothing of ours. The pages' tests use it as well.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// What a person's telephone holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Typed by hand: base32 with blanks.
    pub fn of(typed: &str) -> Self {
        let mut bits = String::new();
        for letter in typed.chars().filter(|c| !c.is_whitespace()) {
            let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("base32");
            bits.push_str(&format!("{value:05b}"));
        }
        let whole = bits.as_bytes().chunks_exact(8);
        let byte = |chunk: &[u8]| u8::from_str_radix(std::str::from_utf8(chunk).unwrap(), 2).unwrap();
        Authenticator(whole.map(byte).collect())
    }

    /// Read from a picture.
    pub fn of_address(address: &str) -> Self {
        let rest = address.strip_prefix("otpauth://totp/Caribe:").expect("an address of ours");
        let secret = rest.split(['?', '&']).find_map(|part| part.strip_prefix("secret=")).unwrap();
        Authenticator::of(secret)
    }

    /// The secret's bytes.
    #[allow(dead_code, reason = "the pages never show them")]
    pub fn key(&self) -> &[u8] {
        &self.0
    }

    /// The code at a moment, seconds since 1970.
    pub fn code(&self, now: i64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).unwrap();
        mac.update(&(now / 30).to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let at = usize::from(digest[19] & 15);
        let four = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap());
        format!("{:06}", (four & 0x7fff_ffff) % 1_000_000)
    }
}
