//! The command line of `cargo xtask`; all the work is in the library.
#![allow(clippy::print_stderr, reason = "a command-line tool talks on its terminal")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{bench, demo, lab, package, test};

/// Tasks of the Caribe project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure what large tables cost ours, ipvsadm and keepalived, side by side.
    Bench(bench::Arguments),
    /// Start a console on this machine, with a whole cluster and traffic behind it, until interrupted.
    Demo(demo::Arguments),
    /// Make the Debian package, with the lists of what is in it.
    Package(package::Arguments),
    /// Run scenarios on a real kernel: in a small virtual machine, or in namespaces of this host.
    Lab(lab::Arguments),
    /// Run the tests: all of them, or some.
    Test(test::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Lab(arguments) => lab::run(&arguments),
        Task::Package(arguments) => package::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
