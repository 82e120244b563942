//! A datagram that must not be refused (keepalived's `UDP_CHECK`): an ICMP error is a failure, silence only where an answer is
//! needed.

use std::time::Duration;

use lvs::health::Failure;
use tokio::time::timeout;

use super::trail::Trail;
use super::{Fault, Question, down, socket, talk};

/// What is sent and what must come back.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(super) send: Vec<u8>,
    /// What the answer must begin with; none for any half byte.
    pub(super) expect: Vec<Option<u8>>,
    pub(super) reply_needed: bool,
}

impl Datagram {
    /// Reads hexadecimal bytes; `fallback` is sent where none are given.
    pub(super) fn new(
        send: Option<&str>,
        expect: Option<&str>,
        reply_needed: bool,
        fallback: [u8; 8],
    ) -> Result<Self, Fault> {
        let digits = |text: &str| text.chars().filter(|char| !char.is_whitespace()).collect::<String>();
        let send = match send {
            Some(text) => hex::decode(digits(text)).map_err(|error| Fault::setting(error.to_string()))?,
            None => fallback.to_vec(),
        };
        let nibble = |digit: char| match digit {
            'x' | 'X' => Ok(None),
            digit => match digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
                Some(digit) => Ok(Some(digit)),
                None => Err(Fault::setting(format!("{digit:?} is no hexadecimal digit"))),
            },
        };
        let expect = digits(expect.unwrap_or_default()).chars().map(nibble).collect::<Result<_, _>>()?;
        Ok(Datagram { send, expect, reply_needed })
    }

    fn fits(&self, answer: &[u8]) -> bool {
        let nibbles = answer.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        answer.len() * 2 >= self.expect.len()
            && nibbles.zip(&self.expect).all(|(found, wanted)| wanted.is_none_or(|wanted| wanted == found))
    }
}

/// `patience` is what is left of the probe's time; where no answer is needed, silence until shortly before its end is well.
pub(super) async fn ask(
    question: &Question,
    datagram: &Datagram,
    patience: Duration,
    trail: &Trail,
) -> Result<(), Fault> {
    let socket = socket::datagrams(question, trail)?;
    let asked = talk::ask(&socket, &datagram.send, trail);
    let answer = if datagram.reply_needed {
        asked.await?
    } else {
        match timeout(patience.mul_f32(0.9), asked).await {
            Ok(answer) => answer?,
            Err(_) => return Ok(()),
        }
    };
    if datagram.fits(&answer) { Ok(()) } else { Err(down(Failure::Mismatch)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_compared_by_half_bytes() {
        let datagram = Datagram::new(Some("00 ff"), Some("0a XX b"), true, [0; 8]).unwrap();
        assert_eq!(datagram.send, [0, 0xff]);
        assert!(datagram.fits(&[0x0a, 0x77, 0xb9]) && datagram.fits(&[0x0a, 0, 0xb0, 1]));
        assert!(!datagram.fits(&[0x0a, 0x77]) && !datagram.fits(&[0x0b, 0x77, 0xb9]));
        assert!(Datagram::new(Some("0"), None, false, [0; 8]).is_err());
        assert!(Datagram::new(None, Some("0g"), false, [0; 8]).is_err());
    }
}
