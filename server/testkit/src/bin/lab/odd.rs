//! Servers that behave badly in one way each, ports that nobody else gets, and a program run as nobody: what scenarios of
//! checks need on their machines. Each runs as a process of its own until it is ended.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use testkit::process;

/// Between two bytes, or two lines, of what is slow.
const SLOW: Duration = Duration::from_secs(1);
/// How long a conversation may last in all.
const LONGEST: Duration = Duration::from_secs(60);
/// The user and group that stand for nobody.
pub(crate) const NOBODY: u32 = 65_534;
/// Of so many connections from one address, the last one is reset.
const NOW_AND_THEN: u32 = 4;

/// What a web server says that is well.
const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nodd";

/// Behaves in this way to everybody.
pub(crate) fn serve(kind: &str, listen: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    println!("listening {listen}");
    let mut seen: BTreeMap<IpAddr, u32> = BTreeMap::new();
    let mut held = Vec::new();
    loop {
        let (stream, peer) = listener.accept()?;
        stream.set_read_timeout(Some(LONGEST))?;
        let count = seen.entry(peer.ip()).or_default();
        *count += 1;
        let now = count.is_multiple_of(NOW_AND_THEN);
        // A client that goes away in the middle is its own matter.
        match kind {
            "hangs" => held.push(stream),
            "resets" => drop(std::thread::spawn(move || reset(&stream).ok())),
            "resets-now-and-then" if now => drop(std::thread::spawn(move || reset(&stream).ok())),
            "resets-now-and-then" => drop(std::thread::spawn(move || page(stream).ok())),
            "ends-early" => drop(std::thread::spawn(move || end_early(stream).ok())),
            "drips" => drop(std::thread::spawn(move || drip(stream).ok())),
            "mail" => drop(std::thread::spawn(move || mail(stream).ok())),
            _ => bail!("no odd server is called {kind:?}"),
        }
    }
}

/// Closing what has not been read resets the connection.
fn reset(stream: &TcpStream) -> Result<()> {
    stream.peek(&mut [0])?;
    Ok(())
}

/// Reads a request to its empty line.
fn request(stream: &TcpStream) -> Result<()> {
    for line in BufReader::new(stream).lines() {
        if line?.is_empty() {
            return Ok(());
        }
    }
    bail!("the request has no end")
}

fn page(mut stream: TcpStream) -> Result<()> {
    request(&stream)?;
    Ok(stream.write_all(PAGE.as_bytes())?)
}

/// Half of a status line.
fn end_early(mut stream: TcpStream) -> Result<()> {
    request(&stream)?;
    Ok(stream.write_all(b"HTTP/1.")?)
}

/// A good page, one byte a second.
fn drip(mut stream: TcpStream) -> Result<()> {
    request(&stream)?;
    for byte in PAGE.bytes() {
        stream.write_all(&[byte])?;
        std::thread::sleep(SLOW);
    }
    Ok(())
}

/// A mail server that greets with three lines, a line a second.
fn mail(mut stream: TcpStream) -> Result<()> {
    for line in ["220-mail.example greets slowly\r\n", "220-and in several lines\r\n"] {
        stream.write_all(line.as_bytes())?;
        std::thread::sleep(SLOW);
    }
    stream.write_all(b"220 ready\r\n")?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(line) = lines.next().transpose()? {
        if line.eq_ignore_ascii_case("quit") {
            stream.write_all(b"221 bye\r\n")?;
            break;
        }
        stream.write_all(b"250 well\r\n")?;
    }
    Ok(())
}

/// Takes all ports of a range, so that nobody else on the machine gets one.
pub(crate) fn hold(first: u16, last: u16) -> Result<()> {
    let mut held = Vec::new();
    for port in first..=last {
        let address = (Ipv4Addr::UNSPECIFIED, port);
        held.push((TcpListener::bind(address)?, UdpSocket::bind(address)?));
    }
    println!("holding {}", held.len());
    // Until its owner closes the other end, which is never: it is killed.
    loop {
        std::thread::sleep(LONGEST);
    }
}

/// Becomes this program as nobody.
pub(crate) fn as_nobody(words: &[&str]) -> Result<()> {
    let mut command = process::command(words);
    command.uid(NOBODY).gid(NOBODY);
    bail!("{words:?}: {}", command.exec())
}
