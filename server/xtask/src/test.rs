//! `cargo xtask test`: all kinds of tests, one after the other, each with its time. A kind that cannot run here is
//! skipped loudly; where `CI` is set, that is a failure. Called by developers and `.ci/run`.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::lab::{self, Place};
use crate::{bench, guest, package, programs, system};

/// How often `--long` runs each scenario.
const LONG_ROUNDS: usize = 5;
/// Cases per property with `--long`; the library's own number otherwise.
const LONG_CASES: &str = "20000";
/// Cases that a property may pass over with `--long`, in all.
const LONG_REJECTS: &str = "2000000";
/// Scenarios that go on and on, and their rounds with `--long`: a soak of half an hour, activations with a kill in each.
const LONG_RUNS: [(&str, u16); 2] = [("soak", 120), ("sweep", 300)];
/// How long such a run may take.
const LONG_LIMIT: Duration = Duration::from_secs(3 * 3600);
/// How long one run in the lab may take; many times what it takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// Which tests to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only what takes seconds: pure rules, file formats, and the order of the tree.
    #[arg(long, conflicts_with_all = ["long", "only"])]
    fast: bool,
    /// Many more cases of each property, and every scenario several times.
    #[arg(long)]
    long: bool,
    /// Only this kind (unit, suite, lab, bench, package, browser) or this scenario of the lab.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// A kind of tests.
struct Kind {
    name: &'static str,
    about: &'static str,
    /// The programs it needs of this machine; asked for before anything is built.
    programs: fn() -> Vec<system::Needed>,
    /// What must be there; an error is the reason to skip.
    needs: fn() -> Result<()>,
    run: fn(&Arguments) -> Result<bool>,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "unit",
        about: "rules, properties, store, pages, order of the tree",
        programs: || system::JUDGES.to_vec(),
        needs: nothing,
        run: unit,
    },
    Kind {
        name: "suite",
        about: "the kernel suite on a real kernel",
        programs: kernel_programs,
        needs: kernel,
        run: suite,
    },
    Kind {
        name: "lab",
        about: "scenarios on a real kernel",
        programs: lab_programs,
        needs: kernel,
        run: scenarios,
    },
    Kind {
        name: "bench",
        about: "tables beside ipvsadm and keepalived, the console: no aim is lost by far",
        programs: guest::needed,
        needs: || guest::prepare(false),
        run: |_| bench::short(),
    },
    Kind {
        name: "package",
        about: "the package installed, upgraded, removed; its services as their users; its units",
        programs: package_programs,
        needs: root,
        run: packaged,
    },
    Kind {
        name: "browser",
        about: "a newcomer's way, and passkeys, in a real browser",
        programs: browser_programs,
        needs: browser_and_kernel,
        run: browser,
    },
];

/// How a kind ended.
enum End {
    Passed,
    Failed,
    Skipped(String),
}

/// Runs what was asked for; the exit code says whether all of it passed.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(text) = programs::first_build() {
        println!("{text}");
    }
    if arguments.fast {
        let begun = Instant::now();
        let passed = cargo_test(arguments, &["--package", "lvs", "--package", "xtask"])?;
        println!(
            "{} fast tests, {:.1} s",
            if passed { "passed" } else { "FAILED" },
            begun.elapsed().as_secs_f32()
        );
        return Ok(code(passed));
    }
    let chosen = chosen(arguments)?;
    provide(&chosen);
    if arguments.only.is_none() {
        println!(
            "All of it takes about half an hour on two cores, once everything is built. --fast takes seconds."
        );
    }
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    let mut ends = Vec::new();
    for kind in chosen {
        println!("==> {}: {}", kind.name, kind.about);
        let begun = Instant::now();
        let end = match (kind.needs)() {
            Err(why) => End::Skipped(format!("{why:#}")),
            Ok(()) => match (kind.run)(arguments) {
                Ok(true) => End::Passed,
                Ok(false) => End::Failed,
                Err(error) => {
                    eprintln!("{}: {error:#}", kind.name);
                    End::Failed
                }
            },
        };
        ends.push((kind.name, end, begun.elapsed()));
    }
    println!();
    let mut passed = true;
    for (name, end, took) in &ends {
        let took = took.as_secs_f32();
        match end {
            End::Passed => println!("passed   {name:<10} {took:7.1} s"),
            End::Failed => println!("FAILED   {name:<10} {took:7.1} s"),
            End::Skipped(why) => println!("SKIPPED  {name:<10} nothing was tested: {why}"),
        }
        passed &= matches!(end, End::Passed) || matches!(end, End::Skipped(_)) && !ci;
    }
    if ci && ends.iter().any(|(_, end, _)| matches!(end, End::Skipped(_))) {
        println!("CI is set: a skipped test is a failure");
    }
    Ok(code(passed))
}

fn code(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn chosen(arguments: &Arguments) -> Result<Vec<&'static Kind>> {
    let Some(only) = &arguments.only else { return Ok(KINDS.iter().collect()) };
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == only) {
        return Ok(vec![kind]);
    }
    let scenarios = lab::scenarios()?;
    if !scenarios.iter().any(|scenario| scenario.name == *only) {
        let kinds = KINDS.iter().map(|kind| kind.name);
        let known: Vec<&str> = kinds.chain(scenarios.iter().map(|scenario| scenario.name.as_str())).collect();
        bail!("nothing is called {only:?}; there are: {}", known.join(", "));
    }
    Ok(KINDS.iter().filter(|kind| kind.name == "lab").collect())
}

/// Installs what is missing where that may be, and says otherwise what is: before minutes go into the first kind.
fn provide(chosen: &[&Kind]) {
    let mut wanted: Vec<system::Needed> = Vec::new();
    for needed in chosen.iter().flat_map(|kind| (kind.programs)()) {
        if !wanted.contains(&needed) {
            wanted.push(needed);
        }
    }
    let Some(advice) = system::advice(&wanted) else { return };
    let lacking = if system::installs() { system::require(&wanted) } else { Err(anyhow::anyhow!(advice)) };
    if let Err(error) = lacking {
        println!("{error:#}");
        println!("What needs them is skipped below.");
    }
}

fn kernel_programs() -> Vec<system::Needed> {
    Place::fitting().needed()
}

fn lab_programs() -> Vec<system::Needed> {
    [system::SERVERS, &kernel_programs()].concat()
}

fn browser_programs() -> Vec<system::Needed> {
    [system::BROWSER, &kernel_programs()].concat()
}

fn nothing() -> Result<()> {
    Ok(())
}

fn kernel() -> Result<()> {
    match Place::fitting() {
        Place::Native => Ok(()),
        Place::Guest => guest::prepare(false),
    }
}

fn browser_and_kernel() -> Result<()> {
    system::require(system::BROWSER)?;
    kernel()
}

fn unit(arguments: &Arguments) -> Result<bool> {
    cargo_test(arguments, &["--workspace"])
}

fn suite(_: &Arguments) -> Result<bool> {
    in_lab(&["suite".to_owned()], 1)
}

fn scenarios(arguments: &Arguments) -> Result<bool> {
    let one = arguments.only.as_deref().filter(|only| *only != "lab");
    let rounds = if arguments.long { LONG_ROUNDS } else { 1 };
    let mut passed = in_lab(&[one.unwrap_or("all").to_owned()], rounds)?;
    for (name, runs) in
        LONG_RUNS.iter().filter(|(name, _)| arguments.long && one.is_none_or(|one| one == *name))
    {
        let environment = [("LAB_RUNS".to_owned(), runs.to_string())];
        // Most of it is waiting, which takes no time on this clock.
        let names = [(*name).to_owned()];
        let outcomes =
            lab::run_all(Place::Guest, &names, &environment, guest::Clock::Instructions, LONG_LIMIT)?;
        passed &= outcomes.iter().all(|outcome| outcome.passed);
    }
    Ok(passed)
}

fn in_lab(names: &[String], rounds: usize) -> Result<bool> {
    let mut passed = true;
    for round in 1..=rounds {
        if rounds > 1 {
            println!("==> round {round} of {rounds}");
        }
        passed &= lab::run_all(Place::fitting(), names, &[], guest::Clock::Ordinary, LIMIT)?
            .iter()
            .all(|outcome| outcome.passed);
    }
    Ok(passed)
}

fn package_programs() -> Vec<system::Needed> {
    package::trial::NEEDED.to_vec()
}

fn root() -> Result<()> {
    system::require(package::trial::NEEDED)?;
    if system::is_root() { Ok(()) } else { bail!("a package is installed by root only") }
}

fn packaged(_: &Arguments) -> Result<bool> {
    package::trial::run(&programs::binary("caribe")?).map(|()| true)
}

fn browser(arguments: &Arguments) -> Result<bool> {
    // The whole workspace, so that libraries have the features they are built with for everything else.
    cargo_test(
        arguments,
        &["--workspace", "--features", "xtask/browser", "--test", "browser", "--test", "passkeys"],
    )
}

fn cargo_test(arguments: &Arguments, which: &[&str]) -> Result<bool> {
    let mut command: Command = programs::cargo();
    // One program that fails says nothing of those after it.
    command.args(["test", "--quiet", "--no-fail-fast"]).args(which);
    if arguments.long {
        command.env("PROPTEST_CASES", LONG_CASES).env("PROPTEST_MAX_GLOBAL_REJECTS", LONG_REJECTS);
    }
    lab::passes(&mut command)
}
