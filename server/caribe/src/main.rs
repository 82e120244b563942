//! The binary: command line, settings and wiring. Every decision is made in the crates it calls.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program answers on its terminal"
)]

mod accounts;
mod agent;
mod backup;
mod check;
mod cli;
mod convert;
mod ctl;
mod embedded;
#[cfg(test)]
mod halves;
mod input;
mod listen;
mod local;
mod logs;
mod manual;
mod notify;
mod real_server;
mod real_server_words;
mod serve;
mod settings;
mod signals;
mod support;
mod words;

use std::process::ExitCode;

use clap::Parser;

use cli::{AgentCommand, Cli, Command, TokenCommand};
use settings::Settings;

/// Wrong usage or an unreadable file, as clap's own exit code.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("caribe: {}", words::in_words(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Check(arguments) => return Ok(check::run(&arguments)),
        Command::Convert(arguments) => return Ok(convert::run(&arguments)),
        Command::Completions { shell } => {
            manual::completions(shell);
            return Ok(ExitCode::SUCCESS);
        }
        Command::Man { folder } => {
            manual::pages(&folder)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::SampleConfig => {
            print!("{}", Settings::sample());
            return Ok(ExitCode::SUCCESS);
        }
        Command::Version => {
            println!("caribe {}", env!("CARGO_PKG_VERSION"));
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }

    let settings = match Settings::load(cli.config.as_deref()) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("caribe: {}", words::in_words(&error));
            return Ok(ExitCode::from(USAGE));
        }
    };
    // Two providers may be linked in one day; naming ours keeps rustls from having to guess.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let quiet = matches!(
        cli.command,
        Command::Passwd(_)
            | Command::Token { .. }
            | Command::Ctl(_)
            | Command::Backup(_)
            | Command::Restore(_)
            | Command::SupportBundle(_)
    );
    let quiet = quiet || matches!(&cli.command, Command::RealServer(real) if !real.serves());
    let filter = cli.log.as_deref().unwrap_or(if quiet { "warn" } else { &settings.log.filter });
    let log = logs::start(cli.log_format.unwrap_or(settings.log.format), filter, !quiet)?;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::spawn(log.tell_losses());
        match cli.command {
            Command::Ctl(ctl) => return ctl::run(*ctl).await,
            Command::Serve(arguments) => serve::run(arguments, settings).await,
            Command::Agent(mut arguments) => match arguments.command.take() {
                Some(AgentCommand::Join(join)) => agent::join(join, settings.agent).await,
                Some(AgentCommand::Order(order)) => local::order(order, settings.agent),
                Some(AgentCommand::Status(status)) => local::status(status, settings.agent),
                None => agent::run(*arguments, settings.agent).await,
            },
            Command::RealServer(arguments) => real_server::run(*arguments, settings.real_server).await,
            Command::Passwd(arguments) => accounts::passwd(arguments, settings.serve).await,
            Command::Token { command: TokenCommand::Create(arguments) } => {
                accounts::create_token(arguments, settings.serve).await
            }
            Command::Backup(arguments) => backup::make(arguments, settings.serve).await,
            Command::Restore(arguments) => backup::restore(arguments, settings.serve).await,
            Command::SupportBundle(arguments) => support::run(arguments, settings).await,
            // Answered above, without settings.
            Command::Check(_)
            | Command::Convert(_)
            | Command::Completions { .. }
            | Command::Man { .. }
            | Command::SampleConfig
            | Command::Version => Ok(()),
        }?;
        Ok(ExitCode::SUCCESS)
    })
}
