//! The command line of `cargo xtask`; all the work is in the library.
#![allow(clippy::print_stderr, reason = "a command-line tool talks on its terminal")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{demo, lab, test};

/// Tasks of the Caribe project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Start a console on this machine, with a whole cluster and traffic behind it, until interrupted.
    Demo(demo::Arguments),
    /// Run scenarios on a real kernel: in a small virtual machine, or in namespaces of this host.
    Lab(lab::Arguments),
    /// Run the tests: all of them, or some.
    Test(test::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Lab(arguments) => lab::run(&arguments),
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
