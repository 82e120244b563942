//! Leads connections from one place to another, bytes as they are: how a console outside and directors in namespaces
//! reach each other without a network between them. Unix sockets cross network namespaces; nothing of the host's
//! network is touched.

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

/// One end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// An address.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Tcp(address) => write!(f, "tcp:{address}"),
            End::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for End {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("tcp", address)) => Ok(End::Tcp(address.parse()?)),
            Some(("unix", path)) => Ok(End::Unix(path.into())),
            _ => bail!("{text:?} is neither tcp:ADDR:PORT nor unix:PATH"),
        }
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn connect(to: &End) -> io::Result<Stream> {
        match to {
            End::Tcp(address) => TcpStream::connect(address).map(Stream::Tcp),
            End::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
        }
    }

    fn again(&self) -> io::Result<Stream> {
        match self {
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
        }
    }

    fn end_of_writing(&self) {
        // The other side may have ended the connection already.
        let _ = match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }
}

impl io::Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
        }
    }
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.flush(),
            Stream::Unix(stream) => stream.flush(),
        }
    }
}

/// Listens at `from` (at once) and leads each connection to `to`, on threads that live as long as the process.
pub fn start(from: &End, to: &End) -> Result<()> {
    let to = to.clone();
    match from {
        End::Tcp(address) => {
            let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {from}"))?;
            std::thread::spawn(move || {
                for stream in listener.incoming().map_while(io::Result::ok) {
                    lead(Stream::Tcp(stream), &to);
                }
            });
        }
        End::Unix(path) => {
            let listener = UnixListener::bind(path).with_context(|| format!("cannot listen on {from}"))?;
            std::thread::spawn(move || {
                for stream in listener.incoming().map_while(io::Result::ok) {
                    lead(Stream::Unix(stream), &to);
                }
            });
        }
    }
    Ok(())
}

fn lead(here: Stream, to: &End) {
    let to = to.clone();
    std::thread::spawn(move || {
        // Nobody there: the connection closes, as it would without us.
        let Ok(there) = Stream::connect(&to) else { return };
        let (Ok(mut here_in), Ok(mut there_out)) = (here.again(), there.again()) else { return };
        let (mut here_out, mut there_in) = (here, there);
        let back = std::thread::spawn(move || {
            // A connection that breaks ends both ways; there is nothing to tell anybody.
            let _ = io::copy(&mut there_in, &mut here_out);
            here_out.end_of_writing();
        });
        let _ = io::copy(&mut here_in, &mut there_out);
        there_out.end_of_writing();
        let _ = back.join();
    });
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn bytes_go_both_ways_and_the_end_is_passed_on() {
        let echo = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = End::Tcp(echo.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = echo.accept().unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all.reverse();
            stream.write_all(&all).unwrap();
        });
        let folder = std::env::temp_dir().join(format!("pump-{}", std::process::id()));
        let from: End = format!("unix:{}", folder.display()).parse().unwrap();
        start(&from, &to).unwrap();
        let End::Unix(path) = &from else { panic!("{from}") };
        let mut stream = UnixStream::connect(path).unwrap();
        stream.write_all(b"abc").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(all, b"cba");
    }
}
