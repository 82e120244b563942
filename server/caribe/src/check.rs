//! `caribe check FILE`: what a configuration file says, and what is wrong with it.
//!
//! The reading is `lvs::format`'s, the same as the console's import. Findings go to standard error as lines, or with
//! `--json` to standard output as one object. Exit codes: 0 usable, 1 not usable, 2 unreadable file.

use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;

use lvs::format::report::{Line, Report};
use lvs::format::{FileKind, decode, detect, read};

use crate::USAGE;
use crate::cli::{Check, From};

/// No file of these kinds is larger; the console's import has the same bound.
const LARGEST: u64 = 2 * 1024 * 1024;

/// Reads the file and answers on the terminal.
pub(crate) fn run(arguments: &Check) -> ExitCode {
    let name = arguments.file.display().to_string();
    let bytes = match load(arguments) {
        Ok(bytes) => bytes,
        Err(reason) => {
            eprintln!("caribe: {name}: {reason}");
            return ExitCode::from(USAGE);
        }
    };
    let report = check(&name, &bytes, arguments.from);
    let written = if arguments.json { print_object(&report) } else { print_lines(&name, &report) };
    if let Err(error) = written {
        eprintln!("caribe: {error}");
        return ExitCode::from(USAGE);
    }
    if report.is_usable() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn load(arguments: &Check) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = if arguments.file.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        File::open(&arguments.file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(length) if length as u64 > LARGEST => {
            Err("larger than 2 MiB; this is no configuration file".to_owned())
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    }
}

fn check(name: &str, bytes: &[u8], from: From) -> Report {
    let (text, encoding) = decode(bytes);
    let kind = match from {
        From::Auto => detect(&text),
        From::LvsCf => FileKind::LvsCf,
        From::Ipvsadm => FileKind::Ipvsadm,
    };
    let mut report = Report::new(name, read(&text, kind));
    if let Some(finding) = encoding {
        report.findings.insert(0, Line::new(name, &finding));
    }
    report
}

fn print_object(report: &Report) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, report)?;
    writeln!(out)
}

fn print_lines(name: &str, report: &Report) -> std::io::Result<()> {
    let mut err = std::io::stderr().lock();
    for line in &report.findings {
        writeln!(err, "{line}")?;
    }
    if let Some(cluster) = &report.cluster {
        let servers: usize = cluster.virtual_servers.iter().map(|v| v.real_servers.len()).sum();
        writeln!(
            std::io::stdout(),
            "{name}: usable; directors: {}, virtual servers: {}, real servers: {servers}",
            cluster.directors.len(),
            cluster.virtual_servers.len(),
        )?;
    }
    Ok(())
}
