//! `caribe convert FILE… --to KIND`: a configuration as another kind of file.
//!
//! Reads as `check` does and writes as the console's downloads do; both are `lvs::format`'s. The text goes to standard
//! output or a file, everything that is said about it to standard error. Exit codes: 0 written, 1 not usable, or
//! refused because that kind of file cannot express it, 2 wrong usage, unreadable or unwritable file.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use lvs::format::encode;
use lvs::format::export::{Export, ExportFile, ExportKind, export, for_daemons};
use lvs::format::report::{Line, Report};
use lvs::{Cluster, Finding, Severity};

use crate::USAGE;
use crate::check;
use crate::cli::Convert;
use crate::input::{self, Given};

/// Reads the files, and writes what they say.
pub(crate) fn run(arguments: &Convert) -> ExitCode {
    match convert(arguments) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("caribe: {reason}");
            ExitCode::from(USAGE)
        }
    }
}

fn convert(arguments: &Convert) -> Result<ExitCode, String> {
    let to = arguments.to.kind();
    // Only an lvs.cf has a use for the layout of an lvs.cf.
    let Given { outcome, latin1 } = input::read(&arguments.input, false, to == ExportKind::LvsCf)?;
    let report = Report::new(&outcome);
    check::print_findings(&mut std::io::stderr().lock(), &check::named(&arguments.input.files), &report)
        .map_err(|error| error.to_string())?;
    if !report.is_usable() {
        return Ok(ExitCode::FAILURE);
    }
    let cluster = chosen(report, arguments.candidate.as_deref())?;
    if arguments.strict && to != ExportKind::LvsCf {
        return Err("--strict is for --to lvs.cf".to_owned());
    }
    let export = if arguments.strict { for_daemons(&cluster) } else { export(&cluster, to) };
    match export {
        Ok(export) => {
            for finding in &export.left_out {
                eprintln!("{}", said(finding, &cluster));
            }
            // An lvs.cf goes out as it came in.
            let latin1 = latin1 && to == ExportKind::LvsCf;
            write(&export, latin1, arguments.output.as_deref())?;
            match export.left_out.len() {
                0 => {}
                1 => eprintln!("caribe: written; one setting is not in it, named above"),
                count => eprintln!("caribe: written; {count} settings are not in it, named above"),
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(refused) => {
            for finding in &refused {
                eprintln!("{}", said(finding, &cluster));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The cluster that is meant where a text holds several.
fn chosen(report: Report, name: Option<&str>) -> Result<Cluster, String> {
    let mut found: Vec<Cluster> = report.cluster.into_iter().chain(report.candidates).collect();
    let names: Vec<String> = found.iter().map(|cluster| cluster.name.clone()).collect();
    let at = match name {
        Some(name) => names.iter().position(|known| known == name),
        None if found.len() == 1 => Some(0),
        None => None,
    };
    match (at, name) {
        (Some(at), _) => Ok(found.swap_remove(at)),
        (None, Some(name)) => Err(format!("there is no {name:?} in it; there is: {}", names.join(", "))),
        (None, None) => {
            Err(format!("it holds several configurations; choose one with --candidate: {}", names.join(", ")))
        }
    }
}

/// A finding about a field of a cluster, with the names people know it by.
fn said(finding: &Finding, cluster: &Cluster) -> String {
    let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
    let line = Line::new("", finding);
    let pointer = finding.pointer().unwrap_or("");
    let place = named(pointer, cluster);
    let colon = if place.is_empty() { "" } else { ": " };
    let text: String = format!("{place}{colon}{}", line.text)
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    format!("{severity}: {text} [{}]", line.code)
}

/// A JSON pointer with names in place of the numbers of virtual and real servers and directors.
fn named(pointer: &str, cluster: &Cluster) -> String {
    let mut parts = pointer.split('/').skip(1);
    let mut words: Vec<String> = Vec::new();
    let mut service = None;
    while let Some(part) = parts.next() {
        let index = || pointer_index(parts.clone().next());
        let name = match part {
            "virtual_servers" => {
                service = index().and_then(|index| cluster.virtual_servers.get(index));
                service.map(|server| server.name.clone())
            }
            "real_servers" => service
                .zip(index())
                .and_then(|(server, index)| server.real_servers.get(index))
                .map(|server| server.name.clone()),
            "directors" => index().and_then(|index| cluster.directors.get(index)).map(|d| d.name.clone()),
            _ => None,
        };
        match name {
            Some(name) => {
                parts.next();
                words.push(name);
            }
            None => words.push(part.to_owned()),
        }
    }
    words.join(" / ")
}

fn pointer_index(part: Option<&str>) -> Option<usize> {
    part?.parse().ok()
}

/// One file to standard output or to a file; several to a folder, or each below a line with its name. In Latin-1 where
/// that is asked for and can hold it.
fn write(export: &Export, latin1: bool, output: Option<&Path>) -> Result<(), String> {
    let failed = |path: &Path, error: &std::io::Error| format!("{}: {error}", path.display());
    let bytes = |file: &ExportFile| {
        let old = if latin1 { encode(&file.text) } else { None };
        old.unwrap_or_else(|| file.text.clone().into_bytes())
    };
    match (output, export.files.as_slice()) {
        (Some(path), [file]) if !path.is_dir() => {
            fs::write(path, bytes(file)).map_err(|error| failed(path, &error))
        }
        (Some(folder), files) => {
            fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
            for file in files {
                let path = folder.join(&file.name);
                fs::write(&path, bytes(file)).map_err(|error| failed(&path, &error))?;
            }
            Ok(())
        }
        (None, files) => {
            let mut out = std::io::stdout().lock();
            for file in files {
                if files.len() > 1 {
                    writeln!(out, "# ---- {} ----", file.name).map_err(|error| error.to_string())?;
                }
                out.write_all(&bytes(file)).map_err(|error| error.to_string())?;
            }
            out.flush().map_err(|error| error.to_string())
        }
    }
}
