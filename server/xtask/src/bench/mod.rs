//! `cargo xtask bench`: what tables cost ours and the others, measured side by side, as a table of ratios and as JSON.
//!
//! Two parts. The lab's scenario `measure-table` runs in a guest whose clock counts instructions, so that its figures
//! repeat on a busy machine; the console is measured on this machine itself, by its clock. BENCHMARKS.md says what the
//! figures mean. Never fails for a figure, except the short form: there an aim that was met and is missed by far fails.

mod aims;
mod console;
mod figures;

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
    /// Leave the guest out, or the console.
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
}

/// One of the two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Tables, in the guest.
    Table,
    /// The console, on this machine.
    Console,
}

/// The programs that are measured, and those that measure.
struct Programs {
    caribe: PathBuf,
    lab: PathBuf,
    bulk: PathBuf,
}

impl Programs {
    fn build(release: bool) -> Result<Programs> {
        let mut words = vec!["build", "--locked"];
        if release {
            words.push("--release");
            words.extend(["--package", "caribe", "--package", "testkit", "--package", "kernel"]);
        } else {
            // As the lab is built, so that no library is compiled once more.
            words.extend(["--workspace", "--test", "edges"]);
        }
        words.extend(["--bin", "caribe", "--bin", "lab", "--example", "bulk"]);
        let built = programs::build(&words)?;
        let pick = |name: &str| {
            let found = built.iter().find(|(target, _)| target == name);
            found.map(|(_, path)| path.clone()).with_context(|| format!("cargo built no {name}"))
        };
        Ok(Programs { caribe: pick("caribe")?, lab: pick("lab")?, bulk: pick("bulk")? })
    }
}

/// Measures, prints the table, writes the JSON.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let with = |part: Part| arguments.only.is_none_or(|only| only == part);
    if with(Part::Table) {
        guest::require()?;
    }
    let runs = arguments.runs.unwrap_or(if arguments.short { 3 } else { 5 });
    let services = arguments.services.unwrap_or(if arguments.short { 100 } else { 1_000 });
    if runs == 0 || !(1..=4_000).contains(&services) {
        bail!("1 to 4000 virtual servers and at least one repetition are expected");
    }
    let release = !(arguments.short || arguments.unoptimised);
    let programs = Programs::build(release)?;
    let mut figures = Figures::default();
    let mut kernel = Value::Null;
    if with(Part::Table) {
        let limit = if arguments.short { SHORT_LIMIT } else { LIMIT };
        kernel = table(&programs, services, runs, limit, &mut figures)?;
    }
    if with(Part::Console) {
        console::measure(&programs.caribe, services, runs, &mut figures)?;
    }
    let judged = aims::judge(&figures, release, services);
    let text = aims::show(&figures, &judged);
    println!("\n{text}");
    let folder = programs::target().join("bench");
    fs::create_dir_all(&folder)?;
    let content = json!({
        "services": services, "real_servers_each": 10, "runs": runs, "release": release, "guest_kernel": kernel,
        "machine": machine(), "figures": figures.to_json(), "aims": aims::to_json(&judged),
    });
    let file = folder.join("bench.json");
    fs::write(&file, serde_json::to_string_pretty(&content)?)?;
    fs::write(folder.join("bench.txt"), &text)?;
    println!("{}", file.display());
    let lost: Vec<_> = judged.iter().filter(|judged| judged.lost_by_far()).collect();
    for judged in &lost {
        println!("MISSED BY FAR: {}", judged.aim.what);
    }
    Ok(if arguments.short && !lost.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The scenario in the guest; the name of the guest's kernel.
fn table(
    programs: &Programs,
    services: u16,
    runs: u16,
    limit: Duration,
    figures: &mut Figures,
) -> Result<Value> {
    println!("Tables of {services} virtual servers, {runs} times, in a guest that counts instructions …");
    let ended = guest::run(&guest::Run {
        name: "bench".into(),
        programs: vec![programs.lab.clone(), programs.caribe.clone(), programs.bulk.clone()],
        command: ["lab", "run", "measure-table"].map(str::to_owned).to_vec(),
        environment: vec![
            ("LAB_RUNS".into(), runs.to_string()),
            ("LAB_SERVICES".into(), services.to_string()),
        ],
        limit,
        clock: guest::Clock::Instructions,
        show: guest::Show::Lines,
        ..guest::Run::default()
    })?;
    if ended.code != 0 {
        bail!("the measurement ended with {}; see {}", ended.code, ended.results.display());
    }
    let text = fs::read_to_string(ended.results.join("figures.json")).context("no figures")?;
    let handed: Value = serde_json::from_str(&text)?;
    figures.take(handed.get("figures").context("no figures")?)?;
    Ok(handed.get("kernel").cloned().unwrap_or_default())
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
