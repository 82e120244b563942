//! Databases asked for a sign of life without a password: the greeting of MySQL, the start-up answer of PostgreSQL, PING of
//! Redis.
//!
//! A server that refuses us in its own words is alive: only those words that say it cannot serve anybody are a failure.

use lvs::model::Secret;
use tokio::io::{AsyncRead, AsyncWrite};

use super::talk::Talk;
use super::trail::Trail;
use super::{Fault, Question, socket};

/// The longest message that is read.
const LONGEST: usize = 16 * 1024;

/// Reads the greeting of a MySQL or MariaDB server, logs in as `user` without a password and leaves again with COM_QUIT
/// (the "connection phase" of its protocol). A greeting alone would do, but a server counts conversations that stop there
/// as errors and blocks who makes too many of them; a refused login it does not.
pub(super) async fn mysql(question: &Question, user: &str, trail: &Trail) -> Result<(), Fault> {
    let mut talk = Talk::new(socket::connect(question, trail).await?, trail);
    let (_, greeting) = packet(&mut talk).await?;
    match greeting.first() {
        // Protocol version 10 or 9, then the server's version.
        Some(9 | 10) => {}
        // Too many connections, or our address is blocked.
        Some(0xff) => return Err(Fault::protocol(error_text(&greeting))),
        _ => return Err(Fault::protocol(NO_MYSQL)),
    }
    talk.send(&login(user)).await?;
    for _ in 0..3 {
        let (number, answer) = packet(&mut talk).await?;
        match answer.first() {
            Some(0) => break,
            // Refused in its own words.
            Some(0xff) => return Ok(()),
            // Another way to log in: without a password that is nothing at all.
            Some(0xfe) => talk.send(&[0, 0, 0, number.wrapping_add(1)]).await?,
            _ => return Err(Fault::protocol(NO_MYSQL)),
        }
    }
    let _ = talk.send(&[1, 0, 0, 0, 1]).await;
    Ok(())
}

const NO_MYSQL: &str = "no answer of a MySQL server";

/// One packet with its number.
async fn packet<S>(talk: &mut Talk<S>) -> Result<(u8, Vec<u8>), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let head = talk.bytes(4).await?;
    let length = little_endian(head.get(..3).unwrap_or_default());
    if length == 0 || length > LONGEST {
        return Err(Fault::protocol(NO_MYSQL));
    }
    Ok((head.last().copied().unwrap_or_default(), talk.bytes(length).await?))
}

/// HandshakeResponse41 without a password.
fn login(user: &str) -> Vec<u8> {
    // LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH.
    let mut body = (0x1_u32 | 0x200 | 0x8000 | 0x8_0000).to_le_bytes().to_vec();
    body.extend(0x0100_0000_u32.to_le_bytes());
    // utf8, and what is reserved.
    body.push(33);
    body.extend([0; 23]);
    body.extend(user.bytes().filter(|&byte| byte != 0).take(64));
    body.extend([0, 0]);
    body.extend(b"mysql_native_password\0");
    let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
    [&[length, 0, 0, 1], body.as_slice()].concat()
}

/// The words of an ERR packet: after the number, and after the state that newer servers put between.
fn error_text(packet: &[u8]) -> String {
    let words = packet.get(3..).unwrap_or_default();
    let words = if words.first() == Some(&b'#') { words.get(6..).unwrap_or_default() } else { words };
    String::from_utf8_lossy(words).into_owned()
}

fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | usize::from(byte))
}

/// Starts a session of PostgreSQL (protocol 3.0) as `user` and looks at the first message: a request for a password, or a
/// refusal, is a sign of life; a server that starts up, shuts down or has no connection left is down (SQLSTATE classes
/// 57 and 53).
pub(super) async fn postgres(
    question: &Question,
    user: &str,
    database: Option<&str>,
    trail: &Trail,
) -> Result<(), Fault> {
    let mut talk = Talk::new(socket::connect(question, trail).await?, trail);
    talk.send(&startup(user, database)).await?;
    let kind = talk.bytes(1).await?;
    let length = talk.bytes(4).await?.into_iter().fold(0_usize, |value, byte| value << 8 | usize::from(byte));
    if !(4..=LONGEST).contains(&length) {
        return Err(Fault::protocol("no answer of a PostgreSQL server"));
    }
    let body = talk.bytes(length - 4).await?;
    let verdict = match kind.first() {
        Some(b'R' | b'v') => Ok(()),
        Some(b'E') => refusal(&body),
        _ => Err(Fault::protocol("no answer of a PostgreSQL server")),
    };
    // Terminate; the server need not wait for a password that never comes.
    let _ = talk.send(&[b'X', 0, 0, 0, 4]).await;
    verdict
}

fn startup(user: &str, database: Option<&str>) -> Vec<u8> {
    let mut body = 0x0003_0000_u32.to_be_bytes().to_vec();
    let database = database.map(|database| ["database", database]);
    let words = [["user", user], ["application_name", "caribe"]].into_iter().chain(database);
    for word in words.flatten() {
        body.extend(word.bytes().filter(|&byte| byte != 0));
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), &body].concat()
}

/// An ErrorResponse: fields of one letter and a text each.
fn refusal(body: &[u8]) -> Result<(), Fault> {
    let field = |letter: u8| {
        let fields = body.split(|&byte| byte == 0).filter_map(<[u8]>::split_first);
        let mut found = fields.filter(|(first, _)| **first == letter);
        found.next().map(|(_, text)| String::from_utf8_lossy(text).into_owned())
    };
    let state = field(b'C').unwrap_or_default();
    if state.starts_with("57") || state.starts_with("53") || state.is_empty() {
        return Err(Fault::protocol(
            field(b'M').unwrap_or_else(|| "no answer of a PostgreSQL server".to_owned()),
        ));
    }
    Ok(())
}

/// Logs in where there is a password, and sends PING; `+PONG` and a demand for a password are signs of life, a server that still loads its data is not.
pub(super) async fn redis(
    question: &Question,
    login: Option<&(Option<String>, Secret)>,
    trail: &Trail,
) -> Result<(), Fault> {
    let mut talk = Talk::new(socket::connect(question, trail).await?, trail);
    if let Some((user, password)) = login {
        let words = ["AUTH"].into_iter().chain(user.as_deref()).chain([password.reveal()]);
        talk.send(&array(&words.collect::<Vec<_>>())).await?;
        let line = talk.line().await?;
        if line != b"+OK" {
            return Err(Fault::protocol(String::from_utf8_lossy(&line).into_owned()));
        }
    }
    talk.send(b"PING\r\n").await?;
    let line = talk.line().await?;
    let needs_password = line.starts_with(b"-NOAUTH") || line.starts_with(b"-NOPERM");
    match line.split_first() {
        Some((b'+', b"PONG")) => Ok(()),
        _ if needs_password => Ok(()),
        Some((b'-', words)) => Err(Fault::protocol(String::from_utf8_lossy(words).into_owned())),
        _ => Err(Fault::protocol("no answer of a Redis server")),
    }
}

/// A command as the server reads it: each word with its length, so that none can be taken for another.
fn array(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_up_message_says_its_own_length() {
        let message = startup("caribe\0x", None);
        assert_eq!(
            message.len(),
            usize::try_from(u32::from_be_bytes(message[..4].try_into().unwrap())).unwrap()
        );
        assert!(message.ends_with(b"user\0caribex\0application_name\0caribe\0\0"));
    }

    #[test]
    fn a_refusal_is_a_sign_of_life_unless_nobody_is_served() {
        assert!(refusal(b"SFATAL\0C28000\0Mrole \"caribe\" does not exist\0\0").is_ok());
        assert!(refusal(b"SFATAL\0C57P03\0Mthe database system is starting up\0\0").is_err());
        assert!(refusal(b"SFATAL\0C53300\0Mtoo many clients\0\0").is_err());
        assert!(refusal(b"").is_err());
    }
}
