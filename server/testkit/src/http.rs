//! Plain HTTP for traffic: a server that answers with its name, and a client that asks once. As small as it can be,
//! so that what a test counts is the director's work and not ours.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Path of an answer that never ends: a line with the server's name and [`LINE`] bytes, every [`BEAT`].
pub const STREAM: &str = "/stream";
/// Bytes of a line.
const LINE: usize = 1000;
/// Between two lines.
const BEAT: Duration = Duration::from_millis(20);

/// Answers every request with `name` until the process ends. One thread for each connection.
pub fn serve(listen: SocketAddr, name: &str) -> Result<()> {
    let listener = TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    println!("listening {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept()?;
        let name = name.to_owned();
        // A client that goes away in the middle is its own matter.
        std::thread::spawn(move || answer(stream, &name).ok());
    }
}

fn answer(mut stream: TcpStream, name: &str) -> Result<()> {
    // A client whose packets were lost again and again sends its request much later than it connects.
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") && request.len() < 16 << 10 {
        let count = stream.read(&mut part)?;
        if count == 0 {
            return Ok(());
        }
        request.extend_from_slice(part.get(..count).unwrap_or_default());
    }
    if request.starts_with(format!("GET {STREAM} ").as_bytes()) {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n")?;
        let line = format!("{name:.<width$}\n", width = LINE - 1);
        loop {
            stream.write_all(line.as_bytes())?;
            std::thread::sleep(BEAT);
        }
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{name}",
        name.len()
    )?;
    Ok(())
}

/// Follows an answer that never ends and says of each line who sent it. Ends with an error when the connection does, or
/// when nothing comes for the time of the limit.
pub fn follow(from: SocketAddr, limit: Duration, mut line: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&from, limit).context("connect")?;
    stream.set_read_timeout(Some(limit))?;
    write!(stream, "GET {STREAM} HTTP/1.1\r\nhost: {from}\r\nconnection: close\r\n\r\n").context("send")?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(text) = lines.next().transpose().context("the transfer broke")? {
        if text.len() + 1 == LINE {
            line(text.trim_end_matches('.'))?;
        }
    }
    bail!("the transfer ended")
}

/// Asks once and returns the body; the limit holds for connecting and for each read.
pub fn get(from: SocketAddr, limit: Duration) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&from, limit).context("connect")?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    write!(stream, "GET / HTTP/1.1\r\nhost: {from}\r\nconnection: close\r\n\r\n").context("send")?;
    let mut answer = Vec::new();
    stream.take(64 << 10).read_to_end(&mut answer).context("receive")?;
    let text = String::from_utf8_lossy(&answer);
    match text.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
        _ => bail!("not an answer: {:?}", text.chars().take(80).collect::<String>()),
    }
}
