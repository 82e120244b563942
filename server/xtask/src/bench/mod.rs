//! `cargo xtask bench`: ours and the others, measured side by side, as a table of ratios and as JSON.
//!
//! Most parts are scenarios of the lab that run in a guest whose clock counts instructions, so that their figures repeat
//! on a busy machine; the console's start is measured on this machine itself, by its clock. BENCHMARKS.md says what
//! the figures mean. Never fails for a figure, except the short form: there an aim that was met and is missed by far
//! fails, and so does a piece of work that has become more by far.

mod aims;
mod console;
mod figures;
mod growth;
mod pieces;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::{guest, programs, system};
use figures::Figures;

/// How long the guest may take, by this machine's clock.
const LIMIT: Duration = Duration::from_secs(2 * 3600);
/// The same for the short form.
const SHORT_LIMIT: Duration = Duration::from_secs(600);

/// What to measure.
#[derive(clap::Args)]
pub struct Arguments {
    /// A tenth of the table, three repetitions, the program as the tests build it; a few minutes. Fails where an aim is
    /// missed by far.
    #[arg(long)]
    short: bool,
    /// Repetitions.
    #[arg(long)]
    runs: Option<u16>,
    /// Virtual servers, with ten real servers each.
    #[arg(long)]
    services: Option<u16>,
    /// Measure the program as the tests build it, which takes no release build. The figures of the console mean little then.
    #[arg(long)]
    unoptimised: bool,
    /// Only these parts; without it all of them, of the short form `pieces`, `table` and `console`.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Pieces of the pure core: plans, packets, files.
    Pieces,
    /// Large tables: written, changed, read.
    Table,
    /// The same at other sizes: how cost grows.
    Growth,
    /// Fail-over: how long clients wait.
    Failover,
    /// Checks of real servers: processor time, memory, how soon they see.
    Checks,
    /// Open pages and API calls of a console with a large cluster.
    Pages,
    /// The console's start and its lists, on this machine.
    Console,
}

impl Part {
    const ALL: [Part; 7] =
        [Part::Pieces, Part::Table, Part::Growth, Part::Failover, Part::Checks, Part::Pages, Part::Console];
    const SHORT: [Part; 3] = [Part::Pieces, Part::Table, Part::Console];

    fn is_in_the_guest(self) -> bool {
        self != Part::Console
    }
}

/// The programs that are measured, and those that measure.
struct Programs {
    caribe: PathBuf,
    lab: PathBuf,
    bulk: PathBuf,
    pieces: PathBuf,
}

impl Programs {
    fn build(release: bool) -> Result<Programs> {
        let mut words = vec!["build", "--locked"];
        if release {
            words.push("--release");
            words.extend([
                "--package",
                "caribe",
                "--package",
                "testkit",
                "--package",
                "kernel",
                "--package",
                "lvs",
            ]);
        } else {
            // As the lab is built, so that no library is compiled once more.
            words.extend(["--workspace", "--test", "edges"]);
        }
        words.extend(["--bin", "caribe", "--bin", "lab", "--example", "bulk", "--example", "pieces"]);
        let built = programs::build(&words)?;
        let pick = |name: &str| {
            let found = built.iter().find(|(target, _)| target == name);
            found.map(|(_, path)| path.clone()).with_context(|| format!("cargo built no {name}"))
        };
        Ok(Programs {
            caribe: pick("caribe")?,
            lab: pick("lab")?,
            bulk: pick("bulk")?,
            pieces: pick("pieces")?,
        })
    }
}

/// The short form, for `cargo xtask test`: whether no aim is lost by far.
pub fn short() -> Result<bool> {
    let arguments =
        Arguments { short: true, runs: None, services: None, unoptimised: false, only: Vec::new() };
    measure(&arguments)
}

/// Measures, prints the table, writes the JSON; the short form fails where an aim is lost by far.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let kept = measure(arguments)?;
    Ok(if arguments.short && !kept { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Whether no aim is lost by far.
fn measure(arguments: &Arguments) -> Result<bool> {
    let parts: &[Part] = match (arguments.only.as_slice(), arguments.short) {
        ([], true) => &Part::SHORT,
        ([], false) => &Part::ALL,
        (only, _) => only,
    };
    if parts.iter().any(|part| part.is_in_the_guest()) {
        guest::require()?;
    }
    let runs = arguments.runs.unwrap_or(if arguments.short { 3 } else { 5 });
    let services = arguments.services.unwrap_or(if arguments.short { 100 } else { 1_000 });
    if runs == 0 || !(2..=4_000).contains(&services) {
        bail!("2 to 4000 virtual servers and at least one repetition are expected");
    }
    let release = !(arguments.short || arguments.unoptimised);
    let mut bench = Bench {
        programs: Programs::build(release)?,
        limit: if arguments.short { SHORT_LIMIT } else { LIMIT },
        figures: Figures::default(),
        kernel: Value::Null,
        grown: Vec::new(),
    };
    let mut failed = Vec::new();
    for part in parts {
        let measured = match part {
            Part::Pieces => bench.pieces(),
            Part::Table => bench.lab("measure-table", services, runs),
            Part::Growth => bench.growth(runs.min(3)),
            Part::Failover => bench.lab("measure-failover", services, runs),
            Part::Checks => bench
                .lab("measure-checks", services, runs)
                .and_then(|()| bench.lab("measure-many-checks", services, runs)),
            Part::Pages => bench.lab("measure-console", services, runs),
            Part::Console => console::measure(&bench.programs.caribe, services, runs, &mut bench.figures),
        };
        // One part takes minutes: what the others have measured is not lost with it.
        if let Err(error) = measured {
            eprintln!("{part:?}: {error:#}");
            failed.push(format!("{part:?}"));
        }
        bench.keep(services, runs, release)?;
    }
    let judged = aims::judge(&bench.figures, release, services);
    println!("\n{}\n{}", aims::show(&bench.figures, &judged), growth::show(&bench.grown));
    println!("{}", folder().join("bench.json").display());
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(", "));
    }
    let lost: Vec<_> = judged.iter().filter(|judged| judged.lost_by_far()).collect();
    for judged in &lost {
        println!("MISSED BY FAR: {}", judged.aim.what);
    }
    let heavier = pieces::heavier(&bench.figures, release);
    for text in &heavier {
        println!("MORE WORK: {text}");
    }
    Ok(lost.is_empty() && heavier.is_empty())
}

/// Where the figures are left.
fn folder() -> PathBuf {
    programs::target().join("bench")
}

/// What the parts share.
struct Bench {
    programs: Programs,
    limit: Duration,
    figures: Figures,
    /// The guest's.
    kernel: Value,
    grown: Vec<growth::Grown>,
}

impl Bench {
    /// One scenario; its figures join the others.
    fn lab(&mut self, scenario: &str, services: u16, runs: u16) -> Result<()> {
        let figures = self.measured(scenario, services, runs)?;
        self.figures.take(&figures)
    }

    /// The table at several sizes.
    fn growth(&mut self, runs: u16) -> Result<()> {
        let mut sizes = Vec::new();
        for size in growth::SIZES {
            let mut figures = Figures::default();
            figures.take(&self.measured("measure-table", size, runs)?)?;
            sizes.push((size, figures));
            self.grown = growth::of(&sizes);
        }
        Ok(())
    }

    /// Leaves what has been measured so far, as JSON and as the table.
    fn keep(&self, services: u16, runs: u16, release: bool) -> Result<()> {
        let judged = aims::judge(&self.figures, release, services);
        let content = json!({
            "services": services, "real_servers_each": 10, "runs": runs, "release": release,
            "guest_kernel": self.kernel, "machine": machine(), "figures": self.figures.to_json(),
            "aims": aims::to_json(&judged), "growth": growth::to_json(&self.grown),
        });
        fs::create_dir_all(folder())?;
        fs::write(folder().join("bench.json"), serde_json::to_string_pretty(&content)?)?;
        let text = format!("{}\n{}", aims::show(&self.figures, &judged), growth::show(&self.grown));
        fs::write(folder().join("bench.txt"), text).map_err(Into::into)
    }

    /// A scenario in the guest; the figures that it hands back.
    fn measured(&mut self, scenario: &str, services: u16, runs: u16) -> Result<Value> {
        println!(
            "{scenario}: {services} virtual servers, {runs} times, in a guest that counts instructions …"
        );
        let programs = &self.programs;
        self.counted(guest::Run {
            name: format!("bench-{scenario}"),
            programs: vec![programs.lab.clone(), programs.caribe.clone(), programs.bulk.clone()],
            command: ["lab", "run", scenario].map(str::to_owned).to_vec(),
            environment: vec![
                ("LAB_RUNS".into(), runs.to_string()),
                ("LAB_SERVICES".into(), services.to_string()),
            ],
            large: services > 1_000,
            ..guest::Run::default()
        })
    }

    /// The pieces of the pure core.
    fn pieces(&mut self) -> Result<()> {
        println!("pieces: in a guest that counts instructions …");
        let figures = self.counted(guest::Run {
            name: "bench-pieces".to_owned(),
            programs: vec![self.programs.pieces.clone()],
            command: vec!["pieces".to_owned()],
            ..guest::Run::default()
        })?;
        self.figures.take(&figures)
    }

    /// What a run hands back, on the clock that counts instructions.
    fn counted(&mut self, run: guest::Run) -> Result<Value> {
        let ended = guest::run(&guest::Run {
            limit: self.limit,
            clock: guest::Clock::Instructions,
            show: guest::Show::Lines,
            ..run.clone()
        })?;
        if ended.code != 0 {
            bail!("{} ended with {}; see {}", run.name, ended.code, ended.results.display());
        }
        let text = fs::read_to_string(ended.results.join("figures.json")).context("no figures")?;
        let mut handed: Value = serde_json::from_str(&text)?;
        if let Some(kernel) = handed.get("kernel") {
            self.kernel = kernel.clone();
        }
        Ok(handed.get_mut("figures").context("no figures")?.take())
    }
}

/// What this machine is, as far as the figures depend on it.
fn machine() -> Value {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let after_colon = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let version = |program: &str, argument: &str| {
        let output =
            std::process::Command::new(system::program(program).ok()?).arg(argument).output().ok()?;
        // keepalived says its version on standard error.
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Some(text.lines().next()?.to_owned())
    };
    json!({
        "processor": after_colon(&read("/proc/cpuinfo"), "model name"),
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": after_colon(&read("/proc/meminfo"), "MemTotal"),
        "system": after_colon(&read("/etc/os-release").replace('=', ":"), "PRETTY_NAME"),
        "ipvsadm": version("ipvsadm", "--version"),
        "keepalived": version("keepalived", "--version"),
        "emulator": version("qemu-system-x86_64", "--version"),
        "compiler": version("rustc", "--version"),
    })
}
