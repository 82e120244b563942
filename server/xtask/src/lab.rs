//! `cargo xtask lab`: runs scenarios, the kernel crate's suite or any program on a real kernel. Called from the
//! command line and by `cargo xtask test`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{guest, lanes, native, programs, system};

/// What the kernel crate's own tests are called here.
const SUITE: &str = "suite";

/// What to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Scenarios, by name; `all`, or `suite` for the kernel crate's tests. Without one: a list.
    names: Vec<String>,
    /// Run this program instead; its arguments follow after `--`.
    #[arg(long, value_name = "FILE", conflicts_with = "names")]
    program: Option<PathBuf>,
    /// Arguments of the program.
    #[arg(last = true)]
    arguments: Vec<String>,
    /// Run in namespaces of this host (needs root and ip_vs), never in a virtual machine.
    #[arg(long, conflicts_with = "guest")]
    native: bool,
    /// Run in a virtual machine, also where this host has ip_vs.
    #[arg(long)]
    guest: bool,
    /// On a clock that counts the guest's instructions: figures repeat however busy this machine is, and waiting costs
    /// no time. The guest has one processor then.
    #[arg(long, conflicts_with = "native")]
    count_instructions: bool,
    /// Fetch the newest kernel first.
    #[arg(long)]
    refresh: bool,
    /// How often scenarios that measure do each thing.
    #[arg(long)]
    runs: Option<u32>,
    /// Seconds a run may take.
    #[arg(long, default_value_t = 300)]
    limit: u64,
}

/// Where runs take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a virtual machine.
    Guest,
    /// In namespaces of this host.
    Native,
}

impl Place {
    /// Namespaces where this host can do it, else a virtual machine.
    pub fn fitting() -> Place {
        if system::is_root() && native::has_ip_vs() { Place::Native } else { Place::Guest }
    }

    /// Makes sure that this machine has what a run there needs, before anything is built.
    pub fn require(self) -> Result<()> {
        match self {
            Place::Guest => guest::require(),
            Place::Native => native::require_tools(),
        }
    }

    /// The programs that a run there needs.
    pub fn needed(self) -> Vec<system::Needed> {
        match self {
            Place::Guest => guest::needed(),
            Place::Native => native::needed(),
        }
    }
}

/// How one run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What ran.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// How long it took, boot included.
    pub took: Duration,
    /// What to look at: the results, or the console of a guest that did not end well.
    pub look: PathBuf,
}

/// Runs what was asked for; the exit code says whether all of it passed.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let place = match (arguments.native, arguments.guest) {
        (true, _) => Place::Native,
        (_, true) => Place::Guest,
        _ if arguments.count_instructions => Place::Guest,
        _ => Place::fitting(),
    };
    place.require()?;
    if arguments.refresh {
        guest::prepare(true)?;
    }
    let limit = Duration::from_secs(arguments.limit);
    if let Some(program) = &arguments.program {
        let run = program_run(program, &arguments.arguments, &[], limit)?;
        let ended = end(place, &run)?;
        println!("results: {}", ended.results.display());
        return Ok(ExitCode::from(u8::try_from(ended.code).unwrap_or(1)));
    }
    if arguments.names.is_empty() {
        for Scenario { name, about, .. } in scenarios()? {
            println!("{name:<20} {about}");
        }
        println!("{SUITE:<20} the kernel crate's own test suite");
        return Ok(ExitCode::SUCCESS);
    }
    let environment: Vec<_> =
        arguments.runs.iter().map(|runs| ("LAB_RUNS".to_owned(), runs.to_string())).collect();
    let clock =
        if arguments.count_instructions { guest::Clock::Instructions } else { guest::Clock::Ordinary };
    let outcomes = run_all(place, &arguments.names, &environment, clock, limit)?;
    let passed = outcomes.iter().all(|outcome| outcome.passed);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A scenario that the lab knows.
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Whether it needs the machine for itself.
    pub alone: bool,
    /// Whether it runs servers of the distribution.
    pub servers: bool,
}

/// Something that was asked for by its name.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    name: String,
    alone: bool,
    servers: bool,
}

/// Runs scenarios, each on a machine of its own: those that can, two at a time.
pub fn run_all(
    place: Place,
    names: &[String],
    environment: &[(String, String)],
    clock: guest::Clock,
    limit: Duration,
) -> Result<Vec<Outcome>> {
    let wanted = wanted(names, &scenarios()?)?;
    // The lab's own checks need nothing of ours.
    let bare = |one: &Wanted| one.name == SUITE || one.name.starts_with("bare-");
    if wanted.iter().any(|one| one.servers) {
        system::require(system::SERVERS)?;
    }
    let mut ours = vec![programs::binary("lab")?];
    if !wanted.iter().all(bare) {
        ours.push(programs::binary("caribe")?);
    }
    let mut jobs = Vec::new();
    for Wanted { name, alone, servers } in wanted {
        let run = if name == SUITE {
            let program = programs::test(SUITE)?;
            let environment = [("CARIBE_KERNEL".to_owned(), "linux".to_owned())];
            let arguments = ["--test-threads=1".to_owned()];
            guest::Run { name, ..program_run(&program, &arguments, &environment, limit)? }
        } else {
            guest::Run {
                command: vec!["lab".into(), "run".into(), name.clone()],
                name,
                programs: ours.clone(),
                servers,
                environment: environment.to_vec(),
                limit,
                clock,
                ..guest::Run::default()
            }
        };
        jobs.push(lanes::Job { work: run, alone });
    }
    let lanes = match place {
        Place::Guest => lanes::fitting(),
        // Its lines go to our terminal as they are; nobody could tell whose they are.
        Place::Native => 1,
    };
    let outcomes = lanes::run(lanes, jobs, |run, company| {
        println!("==> lab: {}", run.name);
        let show = if company { guest::Show::Named } else { guest::Show::Lines };
        outcome(place, &guest::Run { show, ..run })
    });
    report(&outcomes);
    Ok(outcomes)
}

/// The scenarios that names stand for.
fn wanted(names: &[String], known: &[Scenario]) -> Result<Vec<Wanted>> {
    let mut wanted = Vec::new();
    for name in names {
        let found = known.iter().filter(|scenario| match name.as_str() {
            // Measurements take long and fail for no figure; they are run by name.
            "all" => !scenario.name.starts_with("measure-"),
            name => scenario.name == name,
        });
        let before = wanted.len();
        wanted.extend(found.map(|scenario| Wanted {
            name: scenario.name.clone(),
            alone: scenario.alone,
            servers: scenario.servers,
        }));
        if name == SUITE {
            wanted.push(Wanted { name: name.clone(), alone: true, servers: false });
        }
        if wanted.len() == before {
            let known: Vec<&str> = known.iter().map(|scenario| scenario.name.as_str()).collect();
            bail!("no scenario {name:?}; there are: {}", known.join(", "));
        }
    }
    Ok(wanted)
}

/// All scenarios, as the lab's program lists them.
pub fn scenarios() -> Result<Vec<Scenario>> {
    let lab = programs::binary("lab")?;
    let text = system::output(Command::new(lab).arg("list"))?;
    let read = |line: &str| {
        let (name, rest) = line.split_once(' ')?;
        let (manner, about) = rest.trim().split_once(' ')?;
        let has = |word: &str| manner.split('+').any(|part| part == word);
        let (alone, servers) = (has("alone"), has("servers"));
        Some(Scenario { name: name.into(), about: about.trim().into(), alone, servers })
    };
    Ok(text.lines().filter_map(read).collect())
}

fn program_run(
    program: &Path,
    arguments: &[String],
    environment: &[(String, String)],
    limit: Duration,
) -> Result<guest::Run> {
    let name = program.file_name().context("a program without a name")?.to_string_lossy().into_owned();
    let mut command = vec![name.clone()];
    command.extend(arguments.iter().cloned());
    Ok(guest::Run {
        name,
        programs: vec![program.to_owned()],
        command,
        environment: environment.to_vec(),
        limit,
        show: guest::Show::Lines,
        ..guest::Run::default()
    })
}

fn end(place: Place, run: &guest::Run) -> Result<guest::Ended> {
    match place {
        Place::Guest => guest::run(run),
        Place::Native => native::run(run),
    }
}

fn outcome(place: Place, run: &guest::Run) -> Outcome {
    let begun = Instant::now();
    let (passed, look) = match end(place, run) {
        Ok(ended) => (ended.code == 0, ended.results),
        Err(error) => {
            eprintln!("{}: {error:#}", run.name);
            (false, guest::folder().join("runs").join(&run.name))
        }
    };
    Outcome { name: run.name.clone(), passed, took: begun.elapsed(), look }
}

fn report(outcomes: &[Outcome]) {
    for outcome in outcomes {
        let took = outcome.took.as_secs_f32();
        if outcome.passed {
            println!("    passed {:<16} {took:6.1} s", outcome.name);
        } else {
            println!("    FAILED {:<16} {took:6.1} s   see {}", outcome.name, outcome.look.display());
            // Written by the lab's program, far above in a long log.
            if let Ok(why) = std::fs::read_to_string(outcome.look.join("failure")) {
                println!("           {why}");
            }
        }
    }
}

/// Runs a command with its output on our terminal and says whether it passed.
pub fn passes(command: &mut Command) -> Result<bool> {
    let shown = format!("{command:?}");
    Ok(command.stdin(Stdio::null()).status().with_context(|| format!("cannot run {shown}"))?.success())
}
