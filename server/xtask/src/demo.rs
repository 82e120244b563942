//! `cargo xtask demo`: a console on this machine's loopback; two directors, two real servers, a router and clients on
//! a real kernel behind it; scenario A imported; steady traffic. The browser test uses the same set-up, imported or
//! empty. Never listens on anything but the loopback, and leaves nothing behind.

use std::fs::{self, DirBuilder, File};
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::sync::mpsc;
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
pub(crate) const SCENARIO_A: &str = include_str!("../../testkit/fixtures/scenario-a.cf");
/// What the imported cluster is called.
pub const CLUSTER: &str = "demo";
/// Piranha's port, and the first that is tried.
const PORT: u16 = 3636;
/// How long a step of the start may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// A demo may run for days.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What is there to be tried, with a cluster that runs.
const TO_TRY: &str = "\
To try: change the weight of a real server (VIRTUAL SERVERS → REAL SERVER), look at CHANGES, activate it, and see the
counts move in CONTROL/MONITORING; drain a real server; hand over to the other director (DIRECTORS); bring an
older revision back (REVISIONS).";

/// The same where all is still to be done.
const NEWCOMERS_WAY: &str = "\
To try: make the first account with the code; import server/testkit/fixtures/scenario-a.cf; activate it (CHANGES).
Then let both directors join: in DIRECTORS → Join give the address to dial that stands above, make the join command,
and paste it here behind the director's name, as if you were on that machine: director-a caribe agent join …";

/// The command line's options.
#[derive(clap::Args)]
pub struct Arguments {
    /// Leave the console without an account and the cluster to be imported: the newcomer's way, in the browser.
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
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn make() -> Result<Folder> {
        let path = std::env::temp_dir().join(format!("caribe-xtask-{}", std::process::id()));
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
        println!("1. Building the program and the lab …");
        let caribe = programs::binary("caribe")?;
        let lab = programs::binary("lab")?;
        println!("2. Starting a console on this machine's loopback …");
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
        println!(
            "3. Starting the cluster {} …",
            match options.place {
                Place::Guest => "in a virtual machine of 1 GB; without acceleration, up to two minutes",
                Place::Native => "in namespaces of this host",
            }
        );
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
        println!("4. Importing an lvs.cf, letting both directors join, waiting until clients are served …");
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

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The first free port from `wanted` on; any where that is 0.
pub(crate) fn free_port(wanted: u16) -> Result<u16> {
    let last = if wanted == 0 { 0 } else { wanted.saturating_add(99) };
    for port in wanted..=last {
        if let Ok(listener) = TcpListener::bind(loopback(port)) {
            return Ok(listener.local_addr()?.port());
        }
    }
    bail!("no port from {wanted} to {last} is free")
}

/// A password nobody can guess and anybody can type: 20 characters of 32, 100 bits.
pub(crate) fn password() -> Result<String> {
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
    // What is missing is said before minutes go into building.
    place.require()?;
    if let Some(text) = programs::first_build() {
        println!("{text}");
    }
    let stop = Stop::listen()?;
    let options = Options { account: !arguments.newcomer, imported: !arguments.newcomer, place };
    let mut demo = match Demo::start(options) {
        Err(_) if stop.is_asked() => return Ok(ExitCode::SUCCESS),
        started => started?,
    };
    println!();
    println!("  open          {}", demo.url);
    println!("  certificate   {}", demo.certificate);
    match demo.user {
        Some(user) => println!("  sign in       {user}   {}", demo.password),
        None => println!("  setup code    {}", demo.setup_code()?),
    }
    if !arguments.newcomer {
        println!("  cluster       {CLUSTER}, imported from server/testkit/fixtures/scenario-a.cf");
    }
    if arguments.newcomer {
        for director in &DIRECTORS {
            let dial = demo.dial(director).map(|address| address.to_string()).unwrap_or_default();
            println!("  {:<13} dial {dial}", director.name);
        }
    }
    println!();
    println!(
        "The browser will warn: the certificate is the console's own. Compare its SHA-256 fingerprint with the line above."
    );
    println!("{}", if arguments.newcomer { NEWCOMERS_WAY } else { TO_TRY });
    println!("Clients ask for a page five times a second. Ctrl-C ends all of it.");
    let typed = arguments.newcomer.then(typed_lines);
    while !stop.is_asked() {
        demo.is_well()?;
        if let Some(line) = typed.as_ref().and_then(|lines| lines.try_recv().ok()) {
            obey(&demo, &line);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("\nEnding …");
    wait::give_up(false);
    let tally = demo.tally().unwrap_or_default();
    demo.stop()?;
    println!("Requests answered: {:?}", tally.served);
    Ok(ExitCode::SUCCESS)
}

/// What is typed at the terminal, line by line; ends with the process.
fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A join command that was pasted behind a director's name: that director and the token.
fn pasted(line: &str) -> Option<(&'static Director, &str)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let director = DIRECTORS.iter().find(|director| director.name == name)?;
    words.find(|word| *word == "--token")?;
    words.next().map(|token| (director, token))
}

/// Runs a pasted join command on its director, and says what came of it.
fn obey(demo: &Demo, line: &str) {
    match pasted(line) {
        _ if line.trim().is_empty() => {}
        Some((director, token)) => match demo.join(director, token) {
            Ok(said) => println!("{}: {}", director.name, said.trim()),
            Err(error) => println!("{}: {error:#}", director.name),
        },
        None => println!("Expected: a director's name, then the join command that its page shows."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_join_command_names_its_director() {
        let line = "director-a caribe agent join https://localhost:3636 --token abc --fingerprint sha256:1";
        let (director, token) = pasted(line).unwrap();
        assert_eq!((director.name, token), ("director-a", "abc"));
        assert!(pasted("caribe agent join https://localhost:3636 --token abc").is_none());
        assert!(pasted("director-a caribe agent join --token").is_none());
    }

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
