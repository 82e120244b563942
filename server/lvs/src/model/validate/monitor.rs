//! Rules for checks: which questions make sense, and within which times.

use super::words;
use crate::finding::{Code, Finding, Findings};
use crate::model::{Check, HttpCheck, Monitor};

/// Most checks of one server.
pub const CHECKS_MAXIMUM: usize = 16;
/// Shortest time between two checks, milliseconds.
pub const MONITOR_INTERVAL_MINIMUM_MS: u32 = 100;
/// Longest time between two checks, milliseconds: a day.
pub const MONITOR_INTERVAL_MAXIMUM_MS: u32 = 86_400_000;
/// Longest time a check may take, milliseconds: an hour.
pub const MONITOR_TIMEOUT_MAXIMUM_MS: u32 = 3_600_000;
/// Most failures or successes in a row that may be asked for.
pub const TRIES_MAXIMUM: u32 = 1_000;
/// Longest re-entry time, seconds.
pub const REENTRY_MAXIMUM_S: u32 = 86_400;

/// All rules of one monitor.
pub(super) fn check(findings: &mut Findings, pointer: &str, monitor: &Monitor) {
    let mut range = |field: &str, code: Code, value: u32, minimum: u32, maximum: u32| {
        if !(minimum..=maximum).contains(&value) {
            findings.push(
                Finding::field(format!("{pointer}/{field}"), code)
                    .with("minimum", minimum)
                    .with("maximum", maximum)
                    .with("value", value),
            );
        }
    };
    range(
        "interval_ms",
        Code::MonitorInterval,
        monitor.interval_ms,
        MONITOR_INTERVAL_MINIMUM_MS,
        MONITOR_INTERVAL_MAXIMUM_MS,
    );
    range("timeout_ms", Code::MonitorTimeout, monitor.timeout_ms, 1, MONITOR_TIMEOUT_MAXIMUM_MS);
    range("fall", Code::MonitorTries, monitor.fall, 1, TRIES_MAXIMUM);
    range("rise", Code::MonitorTries, monitor.rise, 1, TRIES_MAXIMUM);
    if let Some(delay) = monitor.retry_delay_ms {
        range("retry_delay_ms", Code::MonitorInterval, delay, 0, MONITOR_INTERVAL_MAXIMUM_MS);
    }
    if monitor.port == Some(0) {
        findings.push(Finding::field(format!("{pointer}/port"), Code::MonitorPort));
    }
    if monitor.reentry_s > REENTRY_MAXIMUM_S {
        findings.push(
            Finding::field(format!("{pointer}/reentry_s"), Code::MonitorReentry)
                .with("maximum", REENTRY_MAXIMUM_S)
                .with("value", monitor.reentry_s),
        );
    }
    if monitor.checks.len() > CHECKS_MAXIMUM {
        findings.push(
            Finding::field(format!("{pointer}/checks"), Code::ChecksMany)
                .with("maximum", CHECKS_MAXIMUM)
                .with("count", monitor.checks.len()),
        );
    }
    for (index, check) in monitor.checks.iter().enumerate() {
        question(findings, &format!("{pointer}/checks/{index}"), check);
    }
}

fn question(findings: &mut Findings, pointer: &str, check: &Check) {
    let mut text = |field: &str, text: &Option<String>| {
        if let Some(text) = text {
            words::text(findings, &format!("{pointer}/{field}"), text);
        }
    };
    match check {
        Check::Connect | Check::Ping => {}
        Check::SendExpect { send, expect, .. } => {
            text("send", send);
            text("expect", expect);
        }
        Check::Program { command, expect, send, .. } => {
            text("send", send);
            text("expect", expect);
            words::command(findings, &format!("{pointer}/command"), command);
        }
        Check::Command { command } => words::command(findings, &format!("{pointer}/command"), command),
        Check::Http(http) => web(findings, pointer, http),
        Check::Smtp { helo } => host(findings, &format!("{pointer}/helo"), helo.as_deref()),
        Check::Dns { name, .. } => {
            let visible = |c: char| c.is_ascii_graphic();
            if name.is_empty() || name.len() > 255 || !name.chars().all(visible) {
                findings.push(
                    Finding::field(format!("{pointer}/name"), Code::CheckName)
                        .with("text", name.escape_debug()),
                );
            }
        }
        Check::Udp { send, expect, .. } => {
            hexadecimal(findings, &format!("{pointer}/send"), send.as_deref(), false);
            hexadecimal(findings, &format!("{pointer}/expect"), expect.as_deref(), true);
        }
    }
}

fn web(findings: &mut Findings, pointer: &str, http: &HttpCheck) {
    let path = format!("{pointer}/path");
    words::text(findings, &path, &http.path);
    // A request line and a header are made of these; a line end would make two.
    if !http.path.starts_with('/') || !http.path.chars().all(|c| !c.is_control() && c != ' ') {
        findings.push(Finding::field(path, Code::CheckPath).with("text", http.path.escape_debug()));
    }
    host(findings, &format!("{pointer}/host"), http.host.as_deref());
    if let Some(digest) = &http.digest
        && (digest.len() != 32 || !digest.chars().all(|c| c.is_ascii_hexdigit()))
    {
        findings.push(
            Finding::field(format!("{pointer}/digest"), Code::CheckDigest)
                .with("text", digest.escape_debug()),
        );
    }
    if let Some(body) = &http.body {
        words::text(findings, &format!("{pointer}/body"), body);
    }
}

fn host(findings: &mut Findings, pointer: &str, host: Option<&str>) {
    let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '\\' | '"');
    if let Some(host) = host
        && (host.is_empty() || host.len() > 255 || !host.chars().all(allowed))
    {
        findings.push(Finding::field(pointer, Code::CheckName).with("text", host.escape_debug()));
    }
}

fn hexadecimal(findings: &mut Findings, pointer: &str, text: Option<&str>, wildcards: bool) {
    let Some(text) = text else { return };
    let allowed = |c: &char| c.is_ascii_hexdigit() || (wildcards && matches!(c, 'x' | 'X'));
    let digits: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.iter().all(allowed) {
        findings.push(Finding::field(pointer, Code::CheckBytes).with("text", text.escape_debug()));
    }
    words::text(findings, pointer, text);
}
