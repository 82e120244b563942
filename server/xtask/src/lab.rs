//! `cargo xtask lab`: runs scenarios, or any program, on a real kernel. Called from the command line and by
//! `cargo xtask test`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::guest;

/// What to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run this program instead of scenarios; its arguments follow after `--`.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Arguments of the program.
    #[arg(last = true)]
    arguments: Vec<String>,
    /// Fetch the newest kernel first.
    #[arg(long)]
    refresh: bool,
    /// Seconds a guest may run.
    #[arg(long, default_value_t = 300)]
    limit: u64,
}

/// Runs what was asked for; the exit code is that of what ran.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.refresh {
        guest::prepare(true)?;
    }
    let limit = Duration::from_secs(arguments.limit);
    if let Some(program) = &arguments.program {
        let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut command = vec![name.clone()];
        command.extend(arguments.arguments.iter().cloned());
        let ended = guest::run(&guest::Run {
            name,
            programs: vec![program.clone()],
            command,
            limit,
            show: true,
            ..guest::Run::default()
        })?;
        println!("results: {}", ended.results.display());
        return Ok(ExitCode::from(u8::try_from(ended.code).unwrap_or(1)));
    }
    guest::prepare(false)?;
    Ok(ExitCode::SUCCESS)
}
