//! A mail server's greeting, answered and ended politely (RFC 5321 sections 3.1, 4.2.1).

use lvs::health::Failure;
use tokio::io::{AsyncRead, AsyncWrite};

use super::talk::Talk;
use super::trail::Trail;
use super::{Fault, Question, down, socket};

/// Lines of one reply that are read; real servers send a handful.
const LINES: usize = 100;

pub(super) async fn ask(question: &Question, helo: &str, trail: &Trail) -> Result<(), Fault> {
    let mut talk = Talk::new(socket::connect(question, trail).await?, trail);
    expect(&mut talk, 220).await?;
    talk.send(format!("HELO {helo}\r\n").as_bytes()).await?;
    expect(&mut talk, 250).await?;
    talk.send(b"QUIT\r\n").await?;
    // A server that only closes now has said enough.
    let _ = reply(&mut talk).await;
    Ok(())
}

async fn expect<S>(talk: &mut Talk<S>, wanted: u16) -> Result<(), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match reply(talk).await? {
        code if code == wanted => Ok(()),
        code => Err(down(Failure::Status { code })),
    }
}

/// The code of a reply, which may have several lines.
async fn reply<S: AsyncRead + AsyncWrite + Unpin>(talk: &mut Talk<S>) -> Result<u16, Fault> {
    for _ in 0..LINES {
        let line = talk.line().await?;
        let code = line.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let Some(code) = code.filter(|code| (200..600).contains(code)) else {
            return Err(Fault::protocol("no reply of a mail server"));
        };
        match line.get(3) {
            Some(b'-') => {}
            None | Some(b' ') => return Ok(code),
            Some(_) => {
                return Err(Fault::protocol("no reply of a mail server"));
            }
        }
    }
    Err(Fault::protocol(format!("a reply of more than {LINES} lines")))
}
