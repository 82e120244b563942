//! How a demo outside speaks to the lab inside (a virtual machine, or namespaces): where things are on the lab's
//! management network, and one request a connection, as a line of JSON each way.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

/// The management network.
pub const NETWORK: &str = "172.31.0.0/24";
/// Where the console is on it: a machine of the lab, or what leads to the host outside.
pub const CONSOLE: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 2);
/// Where the lab's own program is on it.
pub const LAB: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 5);
/// The port on which the lab takes requests.
pub const PORT: u16 = 7000;

/// A request line is short; this bounds what is read.
const LONGEST: u64 = 64 << 10;

/// A director's place in the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Director {
    /// Its name in the imported cluster.
    pub name: &'static str,
    /// Its namespace.
    pub namespace: &'static str,
    /// Its address on the management network.
    pub management: Ipv4Addr,
}

impl Director {
    /// Where its agent listens, in scenarios.
    pub fn agent(&self) -> SocketAddr {
        self.agent_on(3637)
    }

    /// Where its agent listens when that is on another port.
    pub fn agent_on(&self, port: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.management), port)
    }
}

/// The two directors: primary and backup.
pub const DIRECTORS: [Director; 2] = [
    Director { name: "director-a", namespace: "d1", management: Ipv4Addr::new(172, 31, 0, 21) },
    Director { name: "director-b", namespace: "d2", management: Ipv4Addr::new(172, 31, 0, 22) },
];

/// What is asked of the lab.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Run `caribe agent join` on a director.
    Join {
        /// Its name in the cluster.
        director: String,
        /// The console as the director reaches it.
        url: String,
        /// The join token.
        token: String,
        /// Fingerprint of the console's internal CA.
        fingerprint: String,
    },
    /// Say what became of the traffic.
    Tally,
}

/// The lab's answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reply {
    /// Whether it was done.
    pub done: bool,
    /// What was said while doing it.
    pub said: String,
    /// Answered requests by server, since the traffic began.
    #[serde(default)]
    pub served: BTreeMap<String, u64>,
    /// Failed requests since the traffic began.
    #[serde(default)]
    pub failed: u64,
}

/// Asks the lab behind `address`.
pub fn ask(address: SocketAddr, request: &Request) -> Result<Reply> {
    let limit = Duration::from_secs(60);
    let mut stream = TcpStream::connect_timeout(&address, limit).context("the lab does not listen")?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line).context("the lab does not answer")?;
    let reply: Reply = serde_json::from_str(&line).context("the lab's answer")?;
    if !reply.done {
        bail!("{}", reply.said);
    }
    Ok(reply)
}

/// Answers requests one after the other, for as long as the process lives.
pub fn serve(listener: &TcpListener, mut answer: impl FnMut(Request) -> Result<Reply>) -> Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut line = String::new();
        // A connection without a request is somebody looking whether we listen.
        let read = BufReader::new(Read::by_ref(&mut stream).take(LONGEST)).read_line(&mut line);
        if read.is_err() || line.is_empty() {
            continue;
        }
        let reply = serde_json::from_str(&line).context("the request").and_then(&mut answer);
        let reply = reply.unwrap_or_else(|error| Reply { said: format!("{error:#}"), ..Reply::default() });
        // Who asked may have gone; the next one counts.
        let _ = stream.write_all(format!("{}\n", serde_json::to_string(&reply)?).as_bytes());
    }
}
