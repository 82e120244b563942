//! Input that no honest client sends, on both listeners: each is answered with a 4xx or a closed connection, nothing
//! panics, and both go on serving.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use testkit::https::{self, Client, Identity, Trust};

use crate::network::{DIRECTORS, Servers};
use crate::stage::Stage;

/// How long an answer may take: longer than any honest one does under emulation.
const LIMIT: Duration = Duration::from_secs(20);

/// A listener under attack, and how to ask whether it still serves.
struct Listener {
    name: &'static str,
    client: Client,
    /// A path that answers 200, with the head lines it needs.
    healthy: (&'static str, String),
    /// A path that takes JSON, with its method.
    takes_json: (&'static str, String),
    /// Head lines with which JSON is taken.
    head: String,
    log: PathBuf,
}

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let (mut console, _api, mut agents) = stage.cluster(&stage.scenario_a(Servers::Nat)?)?;
    let [primary, _] = &DIRECTORS;
    let token = console.token("hostile", &[])?;
    let identity =
        Identity::read(&console.data.join("pki/console.pem"), &console.data.join("pki/console.key"))?;
    let listeners = [
        Listener {
            name: "console",
            client: console.client()?.within(LIMIT),
            healthy: ("/healthz", String::new()),
            takes_json: ("PUT", "/api/v1/clusters/a".into()),
            head: format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n"),
            log: stage.log("console"),
        },
        Listener {
            name: "agent",
            client: Client::new(primary.agent(), Trust::Anyone, None, Some(identity))?.within(LIMIT),
            healthy: ("/v1/status", String::new()),
            takes_json: ("PUT", "/v1/target".into()),
            head: "content-type: application/json\r\n".into(),
            log: stage.log(primary.name),
        },
    ];
    for listener in &listeners {
        let cases = cases(listener);
        for (what, bytes) in &cases {
            attack(listener, what, bytes)?;
        }
        not_tls(listener.client.address())?;
        idle(listener)?;
        stage.say(&format!(
            "{}: {} kinds of bad requests, no TLS at all, idle connections",
            listener.name,
            cases.len()
        ));
        serves(listener)?;
        let log = std::fs::read_to_string(&listener.log)?;
        if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
            bail!("{} panicked: {line}", listener.name);
        }
    }
    if !console.runs()? {
        bail!("the console has ended");
    }
    for agent in &mut agents {
        if !agent.runs()? {
            bail!("an agent has ended");
        }
    }
    stage.both_serve(30)
}

/// Bytes to send, each kind with a name. All are to be answered with 4xx, or by closing the connection.
fn cases(listener: &Listener) -> Vec<(&'static str, Vec<u8>)> {
    let (method, path) = &listener.takes_json;
    let head = &listener.head;
    let with_body = |body: &[u8]| {
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}content-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        bytes
    };
    let plain = |text: String| text.into_bytes();
    let get = listener.healthy.0;
    vec![
        ("noise", vec![0x80; 4096]),
        ("a line without a version", plain("GET /\r\n\r\n".into())),
        ("an unknown version", plain(format!("GET {get} HTTP/7.7\r\nhost: x\r\n\r\n"))),
        ("a head line without a colon", plain(format!("GET {get} HTTP/1.1\r\nhost x\r\n\r\n"))),
        ("NUL in a head line", plain(format!("GET {get} HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n"))),
        (
            "a huge head line",
            plain(format!("GET {get} HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "b".repeat(1 << 20))),
        ),
        (
            "thousands of head lines",
            plain(format!("GET {get} HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(5000))),
        ),
        (
            "a huge path",
            plain(format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "a".repeat(300_000))),
        ),
        (
            "an unknown path",
            plain("GET /../../etc/passwd%00 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".into()),
        ),
        ("an unknown method", plain(format!("BREW {get} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))),
        (
            "a negative length",
            plain(format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{head}content-length: -1\r\n\r\n")),
        ),
        (
            "two lengths",
            plain(format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\n{head}content-length: 1\r\ncontent-length: 2\r\n\r\nab"
            )),
        ),
        (
            "a chunk of no size",
            plain(format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}transfer-encoding: chunked\r\n\r\nxyz\r\n\r\n"
            )),
        ),
        (
            "a length beyond every limit",
            plain(format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}content-length: 99999999999\r\n\r\n{{"
            )),
        ),
        ("more bytes than are taken", with_body(&vec![b' '; 20 << 20])),
        ("an empty body", with_body(b"")),
        ("no JSON", with_body(b"weight = 1")),
        ("half a JSON", with_body(b"{\"name\": \"a\", \"directors\": [{")),
        ("JSON that is no UTF-8", with_body(b"{\"name\": \"\xff\xfe\"}")),
        ("deeply nested JSON", with_body("[".repeat(500_000).as_bytes())),
        ("JSON of another shape", with_body(b"{\"name\": 7, \"virtual_servers\": {}}")),
        (
            "numbers out of range",
            with_body(b"{\"name\": \"a\", \"virtual_servers\": [{\"name\": \"v\", \"port\": 70000}]}"),
        ),
    ]
}

fn attack(listener: &Listener, what: &str, bytes: &[u8]) -> Result<()> {
    let what = format!("{}: {what}", listener.name);
    match listener.client.raw(bytes) {
        Ok(answer) if !answer.is_empty() => {
            let line = String::from_utf8_lossy(answer.get(..12).unwrap_or_default()).into_owned();
            if !line.starts_with("HTTP/1.1 4") && !line.starts_with("HTTP/1.0 4") {
                bail!("{what}: answered {line:?}");
            }
        }
        Err(error) if https::kept_waiting(&error) => bail!("{what}: no answer within {} s", LIMIT.as_secs()),
        // A closed connection without an answer is an answer, too.
        _ => {}
    }
    serves(listener).with_context(|| format!("after {what}"))
}

fn serves(listener: &Listener) -> Result<()> {
    let (path, _) = &listener.healthy;
    let answer = listener.client.request("GET", path, &[], b"")?;
    if answer.status != 200 {
        bail!("{} answers {} to {path}", listener.name, answer.status);
    }
    Ok(())
}

/// Bytes that are no TLS, and a handshake that stops in the middle.
fn not_tls(address: SocketAddr) -> Result<()> {
    let half_a_hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    for bytes in [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], &[0xff; 65536], &half_a_hello] {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        // The server may close at any byte, or wait for the rest; neither must disturb others.
        let _ = stream.write_all(bytes);
        let _ = stream.read(&mut [0; 512]);
    }
    Ok(())
}

/// Many connections that say nothing must not keep others out.
fn idle(listener: &Listener) -> Result<()> {
    let mut held = Vec::new();
    for _ in 0..50 {
        held.push(TcpStream::connect(listener.client.address())?);
    }
    serves(listener).context("while fifty connections say nothing")?;
    drop(held);
    Ok(())
}
