//! `cargo xtask lab`: runs scenarios, the kernel crate's suite or any program on a real kernel. Called from the
//! command line and by `cargo xtask test`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{guest, native, programs, system};

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
        for (name, about) in scenarios()? {
            println!("{name:<16} {about}");
        }
        println!("{:<16} the kernel crate's own test suite", "suite");
        return Ok(ExitCode::SUCCESS);
    }
    let environment: Vec<_> =
        arguments.runs.iter().map(|runs| ("LAB_RUNS".to_owned(), runs.to_string())).collect();
    let outcomes = run_all(place, &arguments.names, &environment, limit)?;
    let passed = outcomes.iter().all(|outcome| outcome.passed);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs scenarios one after the other, each on a machine of its own.
pub fn run_all(
    place: Place,
    names: &[String],
    environment: &[(String, String)],
    limit: Duration,
) -> Result<Vec<Outcome>> {
    let known: Vec<String> = scenarios()?.into_iter().map(|(name, _)| name).collect();
    let mut wanted = Vec::new();
    for name in names {
        match name.as_str() {
            // Measurements take long and fail for no figure; they are run by name.
            "all" => wanted.extend(known.iter().filter(|name| !name.starts_with("measure-")).cloned()),
            name if name == "suite" || known.iter().any(|known| known == name) => {
                wanted.push(name.to_owned())
            }
            other => bail!("no scenario {other:?}; there are: {}", known.join(", ")),
        }
    }
    // The lab's own checks need nothing of ours.
    let bare = |name: &String| name == "suite" || name.starts_with("bare-");
    let mut ours = vec![programs::binary("lab")?];
    if !wanted.iter().all(bare) {
        ours.push(programs::binary("caribe")?);
    }
    let mut outcomes = Vec::new();
    for name in wanted {
        println!("==> lab: {name}");
        let run = if name == "suite" {
            let program = programs::test("suite")?;
            let environment = [("CARIBE_KERNEL".to_owned(), "linux".to_owned())];
            let arguments = ["--test-threads=1".to_owned()];
            guest::Run { name, ..program_run(&program, &arguments, &environment, limit)? }
        } else {
            guest::Run {
                command: vec!["lab".into(), "run".into(), name.clone()],
                name,
                programs: ours.clone(),
                environment: environment.to_vec(),
                limit,
                show: true,
                ..guest::Run::default()
            }
        };
        outcomes.push(outcome(place, &run));
    }
    report(&outcomes);
    Ok(outcomes)
}

/// The names of all scenarios, each with what it shows.
pub fn scenarios() -> Result<Vec<(String, String)>> {
    let lab = programs::binary("lab")?;
    let text = system::output(Command::new(lab).arg("list"))?;
    let split =
        |line: &str| line.split_once(' ').map(|(name, about)| (name.to_owned(), about.trim().to_owned()));
    Ok(text.lines().filter_map(split).collect())
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
        show: true,
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
            eprintln!("{error:#}");
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
