//! `cargo xtask demo`: a console on this machine's loopback; two directors, two real servers, a router and clients on
//! a real kernel behind it; scenario A imported; steady traffic. The browser test uses the same set-up, imported or
//! empty. Never listens on anything but the loopback, and leaves nothing behind.

use std::fs::{self, DirBuilder, File};
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use testkit::api::Api;
use testkit::caribe::{Console, Program};
use testkit::control::{self, DIRECTORS, Director, Reply, Request};
use testkit::pump::{self, End};
use testkit::wait::{self, Seen};

use crate::guest::{self, Guest};
use crate::lab::Place;
use crate::stop::Stop;
use crate::{native, programs};

/// The file that is imported.
const SCENARIO_A: &str = include_str!("../../testkit/fixtures/scenario-a.cf");
/// What the imported cluster is called.
pub const CLUSTER: &str = "demo";
/// Piranha's port, and the first that is tried.
const PORT: u16 = 3636;
/// How long a step of the start may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// A demo may run for days.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The command line's options.
#[derive(clap::Args)]
pub struct Arguments {
    /// Leave the console without an account and the cluster to be imported: the newcomer's way.
    #[arg(long)]
    newcomer: bool,
    /// Run in namespaces of this host (needs root and ip_vs), never in a virtual machine.
    #[arg(long, conflicts_with = "guest")]
    native: bool,
    /// Run in a virtual machine, also where this host has ip_vs.
    #[arg(long)]
    guest: bool,
}

/// What a demo starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Make the first account. Otherwise the setup code does.
    pub account: bool,
    /// Import scenario A, join both directors, activate. Otherwise a browser does.
    pub imported: bool,
    /// Where the cluster runs.
    pub place: Place,
}

/// A running demo. Dropping it ends all of it.
pub struct Demo {
    /// Address of the pages.
    pub url: String,
    /// The account, where one was made.
    pub user: Option<&'static str>,
    /// Its password, made up for this run.
    pub password: String,
    /// Fingerprint of the certificate a browser sees.
    pub certificate: String,
    /// Fingerprint of the internal CA, for join commands.
    pub fingerprint: String,
    /// The console.
    pub console: Console,
    /// Its API, with a token that may do everything.
    pub api: Api,
    control: SocketAddr,
    agents: [u16; 2],
    cluster: Behind,
    // Last: the folders go when all that uses them has ended.
    _folder: Folder,
}

/// What the cluster runs in.
enum Behind {
    Guest(Guest),
    Native(Child),
}

impl Drop for Behind {
    fn drop(&mut self) {
        if let Behind::Native(child) = self {
            // All of the namespaces' processes end with the first one; a guest ends by its own drop.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Folder> {
        let path = std::env::temp_dir().join(format!("caribe-demo-{}", std::process::id()));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Demo {
    /// Starts everything and waits until it is ready to be looked at.
    pub fn start(options: Options) -> Result<Demo> {
        let caribe = programs::binary("caribe", "caribe")?;
        let lab = programs::binary("testkit", "lab")?;
        let folder = Folder::make()?;
        let [a, b, control] = [free_port(0)?, free_port(0)?, free_port(0)?].map(loopback);
        let agents = [a.port(), b.port()];

        let program = Program { binary: caribe.clone(), namespace: None };
        let data = folder.0.join("console");
        let listen = loopback(free_port(PORT)?);
        let console = Console::start(&program, &data, listen, &folder.0.join("console.log"))?;
        let password = password()?;
        let user = options.account.then_some("admin");
        if let Some(user) = user {
            console.account(user, &password)?;
        }
        let api = console.api(&console.token("demo", &[])?)?;

        let command = vec!["lab", "demo"];
        let ports = [console.address.port(), a.port(), b.port()].map(|port| port.to_string());
        let command: Vec<String> = command.into_iter().map(str::to_owned).chain(ports).collect();
        let cluster = match options.place {
            Place::Guest => in_guest(&[lab, caribe], command, [a, b, control])?,
            Place::Native => in_namespaces(&lab, command, &folder.0, [a, b, control], console.address)?,
        };
        let demo = Demo {
            url: console.url(),
            user,
            password,
            certificate: console.certificate.clone(),
            fingerprint: console.fingerprint.clone(),
            console,
            api,
            control,
            agents,
            cluster,
            _folder: folder,
        };
        if options.imported {
            demo.import()?;
        }
        Ok(demo)
    }

    /// Imports scenario A, joins both directors and waits until clients are served.
    fn import(&self) -> Result<()> {
        let file = self.console.data.join("scenario-a.cf");
        fs::write(&file, SCENARIO_A)?;
        let mut cluster = self.console.program.read_cluster(&file)?;
        if let Some(name) = cluster.pointer_mut("/name") {
            *name = CLUSTER.into();
        }
        self.api.make_it_so(CLUSTER, &cluster)?;
        for (director, port) in DIRECTORS.iter().zip(self.agents) {
            let token = self.api.join_token(CLUSTER, director.name, &loopback(port).to_string())?.token;
            self.join(director, &token)?;
        }
        wait::until("clients being served", PATIENCE, || {
            let tally = self.tally()?;
            Ok(if tally.served.len() == 2 { Seen::Yes(()) } else { Seen::not_yet(format!("{tally:?}")) })
        })
    }

    /// Runs `caribe agent join` on a director, with a token from the console. The agent there has been waiting for it.
    pub fn join(&self, director: &Director, token: &str) -> Result<String> {
        let url = format!("https://{}:{}", control::CONSOLE, self.console.address.port());
        let request = Request::Join {
            director: director.name.to_owned(),
            url,
            token: token.to_owned(),
            fingerprint: self.fingerprint.clone(),
        };
        control::ask(self.control, &request).map(|reply| reply.said)
    }

    /// Where this machine reaches a director's agent; what a person would enter as its address to dial.
    pub fn dial(&self, director: &Director) -> Option<SocketAddr> {
        let known = DIRECTORS.iter().zip(self.agents).find(|(known, _)| *known == director);
        known.map(|(_, port)| loopback(port))
    }

    /// What became of the traffic so far.
    pub fn tally(&self) -> Result<Reply> {
        control::ask(self.control, &Request::Tally)
    }

    /// The one-time code for the first account, while there is none.
    pub fn setup_code(&mut self) -> Result<String> {
        self.console.setup_code()
    }

    /// An error once the console or the cluster has ended by itself.
    pub fn is_well(&mut self) -> Result<()> {
        if !self.console.runs()? {
            bail!("the console has ended");
        }
        let runs = match &mut self.cluster {
            Behind::Guest(guest) => guest.runs()?,
            Behind::Native(child) => child.try_wait()?.is_none(),
        };
        if runs { Ok(()) } else { bail!("the cluster has ended") }
    }

    /// Ends all of it, the console in an orderly way.
    pub fn stop(self) -> Result<()> {
        let Demo { console, cluster, _folder: folder, .. } = self;
        drop(cluster);
        let status = console.stop()?;
        drop(folder);
        if status.success() { Ok(()) } else { bail!("the console ended with {status}") }
    }
}

fn in_guest(programs: &[PathBuf], command: Vec<String>, ports: [SocketAddr; 3]) -> Result<Behind> {
    let [a, b, control] = ports;
    let mut forwards = vec![(control, SocketAddr::from((control::LAB, control::PORT)))];
    for (director, outside) in DIRECTORS.iter().zip([a, b]) {
        forwards.push((outside, director.agent_on(outside.port())));
    }
    let mut guest = Guest::boot(&guest::Run {
        name: "demo".into(),
        programs: programs.to_vec(),
        command,
        forwards,
        limit: FOREVER,
        apart: true,
        ..guest::Run::default()
    })?;
    guest.wait_for("start of the cluster", PATIENCE, |line| line == "@demo ready")?;
    Ok(Behind::Guest(guest))
}

fn in_namespaces(
    lab: &Path,
    mut command: Vec<String>,
    folder: &Path,
    ports: [SocketAddr; 3],
    console: SocketAddr,
) -> Result<Behind> {
    native::require()?;
    let socket = |name: &str| End::Unix(folder.join(name));
    pump::start(&socket("console"), &End::Tcp(console))?;
    let names = DIRECTORS.iter().map(|director| director.name).chain(["control"]);
    for (name, outside) in names.zip(ports) {
        pump::start(&End::Tcp(outside), &socket(name))?;
    }
    command.push(folder.to_string_lossy().into_owned());
    let child = native::isolated(lab, command.get(1..).unwrap_or_default())?
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot run unshare")?;
    let cluster = Behind::Native(child);
    let [_, _, control] = ports;
    wait::until("start of the cluster", PATIENCE, || Ok(Seen::Yes(control::ask(control, &Request::Tally)?)))?;
    Ok(cluster)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The first free port from `wanted` on; any where that is 0.
fn free_port(wanted: u16) -> Result<u16> {
    let last = if wanted == 0 { 0 } else { wanted.saturating_add(99) };
    for port in wanted..=last {
        if let Ok(listener) = TcpListener::bind(loopback(port)) {
            return Ok(listener.local_addr()?.port());
        }
    }
    bail!("no port from {wanted} to {last} is free")
}

/// A password nobody can guess and anybody can type: 20 characters of 32, 100 bits.
fn password() -> Result<String> {
    let letters = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0u8; 20];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random)).context("no randomness")?;
    let mut text = String::new();
    for (place, byte) in random.iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            text.push('-');
        }
        text.push(letters.get(usize::from(byte % 32)).copied().map_or('x', char::from));
    }
    Ok(text)
}

/// `cargo xtask demo`: starts it, says how to look at it, ends it when asked.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let place = match (arguments.native, arguments.guest) {
        (true, _) => Place::Native,
        (_, true) => Place::Guest,
        _ => Place::fitting(),
    };
    let stop = Stop::listen()?;
    println!(
        "Starting a console here, and a cluster {} …",
        match place {
            Place::Guest => "in a small virtual machine",
            Place::Native => "in namespaces of this host",
        }
    );
    let options = Options { account: !arguments.newcomer, imported: !arguments.newcomer, place };
    let mut demo = match Demo::start(options) {
        Err(_) if stop.is_asked() => return Ok(ExitCode::SUCCESS),
        started => started?,
    };
    println!();
    println!("  open          {}", demo.url);
    println!("  certificate   {}", demo.certificate);
    match demo.user {
        Some(user) => println!("  log in        {user}   {}", demo.password),
        None => println!("  setup code    {}", demo.setup_code()?),
    }
    if !arguments.newcomer {
        println!("  cluster       {CLUSTER}, imported from server/testkit/fixtures/scenario-a.cf");
    }
    println!();
    println!("Clients ask for a page five times a second. Ctrl-C ends all of it.");
    while !stop.is_asked() {
        demo.is_well()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("\nEnding …");
    wait::give_up(false);
    let tally = demo.tally().unwrap_or_default();
    demo.stop()?;
    println!("Requests answered: {:?}", tally.served);
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over() {
        let taken = TcpListener::bind(loopback(0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(free_port(port).unwrap(), port);
    }

    #[test]
    fn passwords_differ_and_can_be_typed() {
        let (one, other) = (password().unwrap(), password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 23);
        assert!(one.chars().all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit()));
    }
}
