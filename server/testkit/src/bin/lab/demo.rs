//! The inner half of a demo: the network with real servers, clients and two directors whose agents wait to be joined
//! to a console outside. Ends with the machine or its namespaces.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::caribe::Agent;
use testkit::control::{self, LAB, PORT, Reply, Request};
use testkit::process::Background;
use testkit::pump::{self, End};

use crate::network::{CONSOLE, DIRECTORS, Servers};
use crate::stage::Stage;

/// A few requests a second.
const INTERVAL: Duration = Duration::from_millis(200);

/// Runs for ever. `console` is the console's port, `agents` the ports of the two agents, the same outside and inside.
/// With `sockets`, what would cross the uplink goes through Unix sockets in that folder instead.
pub(crate) fn run(console: u16, agents: [u16; 2], sockets: Option<&Path>) -> Result<()> {
    let stage = Stage::set(Servers::Nat, sockets.is_none().then_some("eth0"))?;
    let listener = TcpListener::bind(SocketAddr::new(IpAddr::V4(LAB), PORT))?;
    let _to_console = sockets.map(|folder| lead(&stage, folder, console, agents)).transpose()?;
    let mut running = Vec::new();
    for (director, port) in DIRECTORS.iter().zip(agents) {
        let data = stage.data(director.namespace);
        std::fs::create_dir_all(&data)?;
        let log = stage.log(director.name);
        let address = director.agent_on(port);
        running.push(Agent::start(&stage.caribe(director.namespace), &data, address, &log)?);
    }
    let mut traffic = stage.traffic(INTERVAL)?;
    println!("@demo ready");
    control::serve(&listener, |request| match request {
        Request::Join { director, url, token, fingerprint } => {
            let place =
                DIRECTORS.iter().position(|known| known.name == director).context("no such director")?;
            let (director, port) = DIRECTORS.get(place).zip(agents.get(place)).context("no such director")?;
            let program = stage.caribe(director.namespace);
            let data = stage.data(director.namespace);
            let joined = Agent::join(&program, &data, &url, &token, &fingerprint, director.agent_on(*port))?;
            Ok(Reply { done: joined.status.success(), said: joined.said(), ..Reply::default() })
        }
        Request::Tally => {
            let tally = traffic.tally();
            let failed = u64::try_from(tally.failed.len()).unwrap_or(u64::MAX);
            Ok(Reply { done: true, said: String::new(), served: tally.served.clone(), failed })
        }
    })
}

/// Ways in and out for a lab without an uplink.
fn lead(stage: &Stage, folder: &Path, console: u16, agents: [u16; 2]) -> Result<Background> {
    pump::start(&End::Unix(folder.join("control")), &End::Tcp(SocketAddr::new(IpAddr::V4(LAB), PORT)))?;
    for (director, port) in DIRECTORS.iter().zip(agents) {
        pump::start(&End::Unix(folder.join(director.name)), &End::Tcp(director.agent_on(port)))?;
    }
    let from = End::Tcp(SocketAddr::new(IpAddr::V4(CONSOLE), console)).to_string();
    let to = End::Unix(folder.join("console")).to_string();
    let command = stage.lab("console", &["pump", &from, &to]);
    Background::start("pump", command, &stage.log("pump"))
}

/// `lab pump FROM TO`: leads connections until it is ended.
pub(crate) fn pump(from: &str, to: &str) -> Result<()> {
    pump::start(&from.parse()?, &to.parse()?)?;
    println!("listening {from}");
    loop {
        std::thread::park();
    }
}
