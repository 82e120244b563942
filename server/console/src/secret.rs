//! Random secrets, their hashes, and comparing without telling how far two agree.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Failure;

/// Random bytes of the generator that TLS uses, which the operating system seeds by a system call: a container or
/// change of root without `/dev` will do.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    let generator = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    generator.fill(&mut bytes).map_err(|_| Failure::Internal("there are no random numbers".to_owned()))?;
    Ok(bytes)
}

/// 256 random bits, base64url: 43 characters.
pub(crate) fn token() -> Result<String, Failure> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// An identifier: the prefix and 80 random bits in lowercase base32 (`vs_k3x…`).
pub(crate) fn id(prefix: &str) -> Result<String, Failure> {
    Ok(format!("{prefix}{}", base32(&random::<10>()?)))
}

/// Lowercase base32 (RFC 4648 alphabet) without padding: no letter is easily read as another.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let index = (held >> bits) as usize & 31;
            text.extend(ALPHABET.get(index).map(|c| char::from(*c)));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        let index = (held << (5 - bits)) as usize & 31;
        text.extend(ALPHABET.get(index).map(|c| char::from(*c)));
    }
    text
}

/// SHA-256 of a secret, hex: what is stored of it. Secrets hashed here are random, so a fast hash is enough.
pub(crate) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// A second secret that follows from a first and does not give it away.
pub(crate) fn derive(purpose: &str, secret: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(purpose.as_bytes());
    digest.update([0]);
    digest.update(secret.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

/// Whether two texts are the same, in time that does not depend on where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn secrets_differ_and_have_their_length() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
        assert!(same(&one, &one) && !same(&one, &other) && !same(&one, ""));
        assert_ne!(derive("a", &one), derive("b", &one));
    }
}
