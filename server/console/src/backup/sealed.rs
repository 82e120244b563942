//! A stream under a passphrase: what is written is encrypted and authenticated in chunks, and read back only whole.
//!
//! XChaCha20-Poly1305 in the STREAM construction (`aead::stream`), with a key that Argon2id makes of the passphrase.
//! A head in front says how; it is authenticated with every chunk. A chunk that was changed, moved or left out, and an
//! end that is missing, are errors. Pure but for the reader and writer it is given. Called by `backup` alone.
//!
//! | bytes | head |
//! |---|---|
//! | 16 | `caribe backup 1\n` |
//! | 12 | Argon2id: memory in KiB, passes, lanes; each 32 bits, big-endian |
//! | 16 | its salt |
//! | 19 | the stream's nonce |

use std::io::{self, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::aead::{KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305};

/// What every backup begins with; the number is the form's.
const MAGIC: &[u8; 16] = b"caribe backup 1\n";
const SALT: usize = 16;
const NONCE: usize = 19;
const HEAD: usize = MAGIC.len() + 12 + SALT + NONCE;
/// Plain bytes of a chunk, and what encryption adds to each.
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;

/// What a key costs: about half a second and 256 MiB, once for a backup.
const COST: Cost = Cost { memory_kib: 256 << 10, passes: 3, lanes: 1 };
/// A file that asks for more than this is not one of ours.
const MOST: Cost = Cost { memory_kib: 1 << 20, passes: 16, lanes: 16 };

/// What Argon2id is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        COST
    }
}

/// Why a backup cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealError {
    #[error("this is no backup of a Caribe console")]
    NotOurs,
    #[error("the passphrase is another one, or the file was damaged at its beginning")]
    Passphrase,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Random bytes of a head.
pub(super) struct Fresh {
    pub(super) salt: [u8; SALT],
    pub(super) nonce: [u8; NONCE],
}

fn key(passphrase: &str, salt: &[u8], cost: Cost) -> io::Result<Key> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(io::Error::other)?;
    let mut key = Key::default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key)
        .map_err(io::Error::other)?;
    Ok(key)
}

/// A stream has at most 2³² chunks.
fn too_long(_: chacha20poly1305::aead::Error) -> io::Error {
    io::Error::other("the backup would be longer than 256 TiB")
}

/// Encrypts what is written to it. [`Sealer::finish`] writes the end; without it nothing can be read back.
pub(super) struct Sealer<W: Write> {
    to: W,
    head: [u8; HEAD],
    stream: EncryptorBE32<XChaCha20Poly1305>,
    chunk: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    /// Writes the head.
    pub(super) fn begin(mut to: W, passphrase: &str, fresh: &Fresh, cost: Cost) -> io::Result<Self> {
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        for number in [cost.memory_kib, cost.passes, cost.lanes] {
            head.extend_from_slice(&number.to_be_bytes());
        }
        head.extend_from_slice(&fresh.salt);
        head.extend_from_slice(&fresh.nonce);
        let head: [u8; HEAD] = head.try_into().map_err(|_| io::Error::other("the head's length"))?;
        let cipher = XChaCha20Poly1305::new(&key(passphrase, &fresh.salt, cost)?);
        to.write_all(&head)?;
        let stream = EncryptorBE32::from_aead(cipher, &fresh.nonce.into());
        Ok(Sealer { to, head, stream, chunk: Vec::with_capacity(CHUNK) })
    }

    /// Writes the last chunk; only now the backup is whole.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let payload = Payload { msg: &self.chunk, aad: &self.head };
        let sealed = self.stream.encrypt_last(payload).map_err(too_long)?;
        self.to.write_all(&sealed)?;
        Ok(self.to)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk goes out only when more comes: the last one is sealed as the last.
        if self.chunk.len() == CHUNK {
            let payload = Payload { msg: &self.chunk, aad: &self.head };
            let sealed = self.stream.encrypt_next(payload).map_err(too_long)?;
            self.to.write_all(&sealed)?;
            self.chunk.clear();
        }
        let taken = bytes.get(..CHUNK - self.chunk.len()).unwrap_or(bytes);
        self.chunk.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Decrypts what a [`Sealer`] wrote. Everything it gives was authenticated; a damaged or shortened rest is an error.
pub(super) struct Opener<R: Read> {
    from: R,
    head: [u8; HEAD],
    /// None once the last chunk was read.
    stream: Option<DecryptorBE32<XChaCha20Poly1305>>,
    /// The next sealed chunk, read ahead to know whether it is the last.
    ahead: Vec<u8>,
    plain: Vec<u8>,
    given: usize,
}

impl<R: Read> Opener<R> {
    /// Reads the head and the first chunk, which tells whether the passphrase is right.
    pub(super) fn begin(mut from: R, passphrase: &str) -> Result<Self, SealError> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SealError::NotOurs,
            _ => SealError::Io(error),
        })?;
        let (magic, rest) = head.split_at(MAGIC.len());
        let (numbers, rest) = rest.split_at(12);
        let (salt, nonce) = rest.split_at(SALT);
        let mut numbers = numbers.chunks_exact(4).map(|four| four.try_into().map_or(0, u32::from_be_bytes));
        let mut next = || numbers.next().unwrap_or_default();
        let cost = Cost { memory_kib: next(), passes: next(), lanes: next() };
        let fits =
            cost.memory_kib <= MOST.memory_kib && cost.passes <= MOST.passes && cost.lanes <= MOST.lanes;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| SealError::NotOurs)?;
        if magic != MAGIC || !fits {
            return Err(SealError::NotOurs);
        }
        let cipher = XChaCha20Poly1305::new(&key(passphrase, salt, cost)?);
        let stream = Some(DecryptorBE32::from_aead(cipher, &nonce.into()));
        let ahead = sealed_chunk(&mut from)?;
        let mut opener = Opener { from, head, stream, ahead, plain: Vec::new(), given: 0 };
        opener.open_next().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => SealError::Passphrase,
            _ => SealError::Io(error),
        })?;
        Ok(opener)
    }

    /// Opens the chunk that was read ahead.
    fn open_next(&mut self) -> io::Result<()> {
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        let sealed = std::mem::take(&mut self.ahead);
        self.ahead = sealed_chunk(&mut self.from)?;
        let payload = Payload { msg: &sealed, aad: &self.head };
        let damaged = |_| io::Error::new(io::ErrorKind::InvalidData, "the backup was damaged or cut off");
        self.plain = if self.ahead.is_empty() {
            stream.decrypt_last(payload).map_err(damaged)?
        } else {
            let plain = stream.decrypt_next(payload).map_err(damaged)?;
            self.stream = Some(stream);
            plain
        };
        self.given = 0;
        Ok(())
    }
}

/// A whole chunk, or what is left; empty at the end.
fn sealed_chunk(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK + TAG);
    from.take((CHUNK + TAG) as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.plain.len() && self.stream.is_some() {
            self.open_next()?;
        }
        let left = self.plain.get(self.given..).unwrap_or_default();
        let count = left.len().min(into.len());
        for (to, from) in into.iter_mut().zip(left) {
            *to = *from;
        }
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    fn sealed(content: &[u8]) -> Vec<u8> {
        let fresh = Fresh { salt: [7; SALT], nonce: [9; NONCE] };
        let mut sealer = Sealer::begin(Vec::new(), "correct horse", &fresh, CHEAP).unwrap();
        sealer.write_all(content).unwrap();
        sealer.finish().unwrap()
    }

    fn opened(file: &[u8], passphrase: &str) -> Result<Vec<u8>, SealError> {
        let mut content = Vec::new();
        Opener::begin(file, passphrase)?.read_to_end(&mut content)?;
        Ok(content)
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|place| (place % 251) as u8).collect()
    }

    #[test]
    fn what_was_sealed_is_read_back_at_every_length_around_a_chunk() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5] {
            let content = content(length);
            assert_eq!(opened(&sealed(&content), "correct horse").unwrap(), content, "{length}");
        }
    }

    #[test]
    fn another_passphrase_opens_nothing() {
        let refused = opened(&sealed(b"secret"), "correct hors").unwrap_err();
        assert!(matches!(refused, SealError::Passphrase), "{refused}");
    }

    #[test]
    fn no_byte_can_be_changed_and_no_end_cut_off() {
        let file = sealed(&content(2 * CHUNK + 100));
        for place in [0, 20, 30, 50, HEAD, HEAD + CHUNK, HEAD + CHUNK + TAG + 1, file.len() - 1] {
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert!(opened(&changed, "correct horse").is_err(), "byte {place}");
        }
        for length in [0, HEAD, HEAD + CHUNK + TAG, HEAD + 2 * (CHUNK + TAG), file.len() - 1] {
            assert!(opened(&file[..length], "correct horse").is_err(), "cut at {length}");
        }
        let mut swapped = file[..HEAD].to_vec();
        swapped.extend_from_slice(&file[HEAD + CHUNK + TAG..HEAD + 2 * (CHUNK + TAG)]);
        swapped.extend_from_slice(&file[HEAD..HEAD + CHUNK + TAG]);
        swapped.extend_from_slice(&file[HEAD + 2 * (CHUNK + TAG)..]);
        assert!(opened(&swapped, "correct horse").is_err(), "chunks in another order");
    }

    #[test]
    fn a_head_that_asks_for_too_much_is_no_backup() {
        let mut file = sealed(b"x");
        file[MAGIC.len()] = 0x7f;
        assert!(matches!(opened(&file, "correct horse"), Err(SealError::NotOurs)));
        assert!(matches!(
            opened(b"PK\x03\x04 something else, long enough for a head ......................", "p"),
            Err(SealError::NotOurs)
        ));
    }
}
