//! Plain HTTP for traffic: a server that answers with its name, and a client that asks once. As small as it can be,
//! so that what a test counts is the director's work and not ours.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

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
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") && request.len() < 16 << 10 {
        let count = stream.read(&mut part)?;
        if count == 0 {
            return Ok(());
        }
        request.extend_from_slice(part.get(..count).unwrap_or_default());
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{name}",
        name.len()
    )?;
    Ok(())
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
