//! `caribe check FILE…`: what configuration files say, and what is wrong with them.
//!
//! The reading is `lvs::format`'s, the same as the console's import. Findings go to standard error as lines, or with
//! `--json` to standard output as one object. Exit codes: 0 usable, 1 not usable, 2 wrong usage or unreadable file.

use std::io::Write;
use std::process::ExitCode;

use lvs::Severity;
use lvs::format::report::Report;

use crate::USAGE;
use crate::cli::Check;
use crate::input;

/// Reads the files and answers on the terminal.
pub(crate) fn run(arguments: &Check) -> ExitCode {
    let outcome = match input::read(&arguments.input, arguments.strict, false).map(|read| read.outcome) {
        Ok(outcome) => outcome,
        Err(reason) => {
            eprintln!("caribe: {reason}");
            if arguments.json {
                let first = arguments.input.files.first().map(|file| file.display().to_string());
                // Where not even that can be said, the exit code says it.
                let _ = print_object(&Report::unread(&first.unwrap_or_default(), &reason));
            }
            return ExitCode::from(USAGE);
        }
    };
    let report = Report::new(&outcome);
    let written = match arguments.json {
        true => print_object(&report),
        false => print_lines(&named(&arguments.input.files), &report),
    };
    if let Err(error) = written {
        eprintln!("caribe: {error}");
        return ExitCode::from(USAGE);
    }
    if report.is_usable() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_object(report: &Report) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, report)?;
    writeln!(out)
}

/// Each finding on a line of its own, what to write instead below it, and at last whether errors keep it from being
/// used. Goes to standard error; `convert` says the same.
pub(crate) fn print_findings(to: &mut impl Write, name: &str, report: &Report) -> std::io::Result<()> {
    for line in &report.findings {
        writeln!(to, "{line}")?;
        if let Some(instead) = line.instead() {
            writeln!(to, "    suggestion: {instead}")?;
        }
    }
    if !report.is_usable() {
        let errors = report.findings.iter().filter(|line| line.severity == Severity::Error).count();
        writeln!(to, "{name}: not usable: {errors} {}", if errors == 1 { "error" } else { "errors" })?;
    }
    Ok(())
}

/// The files as they were named.
pub(crate) fn named(files: &[std::path::PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn print_lines(name: &str, report: &Report) -> std::io::Result<()> {
    let mut err = std::io::stderr().lock();
    print_findings(&mut err, name, report)?;
    let mut out = std::io::stdout().lock();
    let found = |cluster: &lvs::Cluster| {
        let servers: usize = cluster.virtual_servers.iter().map(|v| v.real_servers.len()).sum();
        format!(
            "directors: {}, virtual servers: {}, real servers: {servers}",
            cluster.directors.len(),
            cluster.virtual_servers.len(),
        )
    };
    if let Some(cluster) = &report.cluster {
        writeln!(out, "{name}: usable; {}", found(cluster))?;
    }
    if !report.candidates.is_empty() {
        writeln!(out, "{name}: usable; holds {} clusters, one per node:", report.candidates.len())?;
        for cluster in &report.candidates {
            writeln!(out, "  {}: {}", cluster.name, found(cluster))?;
        }
    }
    Ok(())
}
