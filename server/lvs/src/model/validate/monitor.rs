//! Rules for how real servers are checked: times, results in a row, and what weight comes of them.

use super::questions;
use super::words;
use crate::finding::{Code, Finding, Findings};
use crate::model::{Combine, LoadMonitor, LoadSource, Monitor};

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
/// Longest time of a slow start, seconds: five times the longest check, for a ramp that doubles at every check.
pub const SLOW_START_MAXIMUM_S: u32 = 18_000;
/// Longest times of damping, seconds: a day.
pub const DAMPING_MAXIMUM_S: u32 = 86_400;
/// Greatest part of its weight that a load monitor may give a server, percent.
pub const LOAD_MAXIMUM_PERCENT: u32 = 10_000;

/// The rules of one monitor, with where its fields are.
struct Rules<'f> {
    findings: &'f mut Findings,
    pointer: &'f str,
}

impl Rules<'_> {
    fn range(&mut self, field: &str, code: Code, value: u32, minimum: u32, maximum: u32) {
        if !(minimum..=maximum).contains(&value) {
            self.findings.push(
                Finding::field(format!("{}/{field}", self.pointer), code)
                    .with("minimum", minimum)
                    .with("maximum", maximum)
                    .with("value", value),
            );
        }
    }

    fn interval(&mut self, field: &str, value: u32) {
        let (minimum, maximum) = (MONITOR_INTERVAL_MINIMUM_MS, MONITOR_INTERVAL_MAXIMUM_MS);
        self.range(field, Code::MonitorInterval, value, minimum, maximum);
    }

    fn timeout(&mut self, field: &str, value: u32) {
        self.range(field, Code::MonitorTimeout, value, 1, MONITOR_TIMEOUT_MAXIMUM_MS);
    }

    fn tries(&mut self, field: &str, value: u32) {
        self.range(field, Code::MonitorTries, value, 1, TRIES_MAXIMUM);
    }

    fn delay(&mut self, field: &str, value: u32) {
        self.range(field, Code::MonitorInterval, value, 0, MONITOR_INTERVAL_MAXIMUM_MS);
    }

    fn port(&mut self, field: &str, port: Option<u16>) {
        if port == Some(0) {
            self.findings.push(Finding::field(format!("{}/{field}", self.pointer), Code::MonitorPort));
        }
    }
}

/// All rules of one monitor by itself.
pub(super) fn check(findings: &mut Findings, pointer: &str, monitor: &Monitor) {
    let mut rules = Rules { findings, pointer };
    rules.interval("interval_ms", monitor.interval_ms);
    rules.timeout("timeout_ms", monitor.timeout_ms);
    rules.tries("fall", monitor.fall);
    rules.tries("rise", monitor.rise);
    rules.delay("retry_delay_ms", monitor.retry_delay_ms);
    if let Some(spread) = monitor.spread_ms {
        rules.range("spread_ms", Code::MonitorSpread, spread, 0, MONITOR_INTERVAL_MAXIMUM_MS);
    }
    rules.range("reentry_s", Code::MonitorReentry, monitor.reentry_s, 0, REENTRY_MAXIMUM_S);
    rules.port("port", monitor.port);
    policy(&mut rules, monitor);
    if monitor.checks.len() > CHECKS_MAXIMUM {
        findings.push(
            Finding::field(format!("{pointer}/checks"), Code::ChecksMany)
                .with("maximum", CHECKS_MAXIMUM)
                .with("count", monitor.checks.len()),
        );
    }
    if monitor.combine == Combine::Any && monitor.checks.len() < 2 {
        findings.push(Finding::field(format!("{pointer}/combine"), Code::MonitorAnyOne).warning());
    }
    for (index, check) in monitor.checks.iter().enumerate() {
        let pointer = format!("{pointer}/checks/{index}");
        questions::check(findings, &pointer, &check.question);
        let mut rules = Rules { findings, pointer: &pointer };
        rules.port("port", check.port);
        rules.port("source_port", check.source_port);
        if let Some(interval) = check.interval_ms {
            rules.interval("interval_ms", interval);
        }
        if let Some(timeout) = check.timeout_ms {
            rules.timeout("timeout_ms", timeout);
        }
        if let Some(fall) = check.fall {
            rules.tries("fall", fall);
        }
        if let Some(delay) = check.retry_delay_ms {
            rules.delay("retry_delay_ms", delay);
        }
    }
}

fn policy(rules: &mut Rules<'_>, monitor: &Monitor) {
    if let Some(damping) = &monitor.damping {
        let most = DAMPING_MAXIMUM_S;
        rules.range("damping/failures", Code::DampingFailures, damping.failures, 2, TRIES_MAXIMUM);
        rules.range("damping/within_s", Code::DampingTime, damping.within_s, 1, most);
        rules.range("damping/hold_s", Code::DampingTime, damping.hold_s, 1, most);
    }
    if let Some(slow) = &monitor.slow_start {
        rules.range("slow_start/seconds", Code::SlowStartTime, slow.seconds, 1, SLOW_START_MAXIMUM_S);
    }
    if let Some(load) = &monitor.load_monitor {
        load_monitor(rules, load);
    }
}

fn load_monitor(rules: &mut Rules<'_>, load: &LoadMonitor) {
    rules.interval("load_monitor/interval_ms", load.interval_ms);
    let (lowest, highest) = (load.minimum_percent, load.maximum_percent);
    let pointer = format!("{}/load_monitor", rules.pointer);
    if lowest > highest || highest > LOAD_MAXIMUM_PERCENT || highest == 0 {
        rules.findings.push(
            Finding::field(format!("{pointer}/minimum_percent"), Code::LoadBounds)
                .with("minimum", 0)
                .with("maximum", LOAD_MAXIMUM_PERCENT)
                .with("lowest", lowest)
                .with("highest", highest),
        );
    }
    match &load.source {
        LoadSource::Program { command } => {
            // Piranha's own programs are known by their names.
            let known =
                matches!(command.words(), [only] if matches!(only.as_str(), "rup" | "ruptime" | "uptime"));
            if !known {
                words::command(rules.findings, &format!("{pointer}/command"), command);
            }
        }
        LoadSource::Line { port, send } => {
            if let Some(send) = send {
                words::text(rules.findings, &format!("{pointer}/send"), send);
            }
            agent_port(rules.findings, &pointer, *port);
        }
        LoadSource::Http { port, path } => {
            questions::path(rules.findings, &pointer, path);
            agent_port(rules.findings, &pointer, *port);
        }
    }
}

fn agent_port(findings: &mut Findings, pointer: &str, port: u16) {
    if port == 0 {
        findings.push(Finding::field(format!("{pointer}/port"), Code::LoadAgentPort));
    }
}
