//! How answers become verdicts and weights: the settings of one real server, lowered from its monitor.

use std::time::Duration;

use crate::model::{
    self, Check, LoadSource, Monitor, Question, RealServer, SorryCheck, SorryServer, VirtualServer,
};

/// How one real server is judged. Shared by the members of a service that are judged alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What is asked, each with its pace; none: the server always counts as up.
    pub checks: Vec<(Check, Pace)>,
    /// How several checks make one verdict.
    pub combine: Combine,
    /// What it counts as before anything is known.
    pub start: Start,
    /// How one that comes and goes is kept out; none: it is not.
    pub damping: Option<Damping>,
    /// How a server gets its weight when it comes in.
    pub slow_start: SlowStart,
    /// How reported load changes the weight; none: it does not.
    pub load: Option<LoadRule>,
}

/// The pace of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the beginning of one probe to the beginning of the next.
    pub interval: Duration,
    /// All the time that a probe may take; the prober ends it then.
    pub timeout: Duration,
    /// Between a failure and the next probe while the server still counts as up; the interval where absent.
    pub retry_delay: Option<Duration>,
    /// Failures in a row that take a server out; at least 1.
    pub fall: u32,
    /// Successes in a row that bring a failed server back; at least 1. A re-entry time is counted in here and not timed,
    /// so that neither a late nor a spread probe decides.
    pub rise: u32,
}

impl Pace {
    /// Successes in a row that bring a failed server back.
    pub(super) fn rise(&self) -> u32 {
        self.rise.max(1)
    }

    /// Failures in a row that take a server out.
    pub(super) fn fall(&self) -> u32 {
        self.fall.max(1)
    }
}

/// How several checks make one verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Combine {
    /// Up while all are.
    #[default]
    All,
    /// Up while one is.
    Any,
}

/// What a server counts as before its first result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Nothing: a row that the kernel has stays, one that it has not is not added. The first result decides.
    #[default]
    Unknown,
    /// Up; one failure as the first result takes it out (keepalived).
    Up,
    /// Down; it has to come back as after a failure. A row that the kernel has stays until the first result even so.
    Down,
}

/// A server that falls so often is kept out, however it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    /// So many falls; at least 1.
    pub falls: u32,
    /// Within this time.
    pub within: Duration,
    /// Keep it out for so long after the last of them.
    pub hold: Duration,
}

/// How a server gets its weight when it comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlowStart {
    /// At once.
    #[default]
    Off,
    /// Piranha's: from a 32nd of the weight, at least 1, doubled after each of these times.
    Doubling(Duration),
    /// In even steps for so long.
    Linear(Duration),
}

/// How reported load changes the weight. Bounds are in percent of the configured weight; it never becomes 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadRule {
    /// What the server reports is its weight.
    Reported {
        /// At least.
        least: u32,
        /// At most.
        most: u32,
    },
    /// Piranha's `load_monitor`: a load average below 1 raises the weight bit by bit, one above lowers it. There the
    /// bounds were 100 and 1000.
    Average {
        /// At least.
        least: u32,
        /// At most.
        most: u32,
    },
}

/// How often Piranha's rule for load acts.
pub(super) const PIRANHA_STEP: Duration = Duration::from_secs(20);

impl Policy {
    /// How a real server of a service is judged.
    pub fn of(service: &VirtualServer, server: &RealServer) -> Self {
        Policy::of_monitor(server.monitor.as_ref().unwrap_or(&service.monitor))
    }

    /// How a service's real servers without checks of their own are judged.
    pub fn of_service(service: &VirtualServer) -> Self {
        Policy::of_monitor(&service.monitor)
    }

    /// How a service's sorry server is judged.
    pub fn of_sorry(service: &VirtualServer, sorry: &SorryServer) -> Self {
        match sorry.check {
            SorryCheck::Never => Policy::unchecked(),
            SorryCheck::Connect => {
                let checks = vec![Check::from(Question::Connect)];
                Policy::of_monitor(&Monitor { checks, ..service.monitor.clone() })
            }
            SorryCheck::Same => Policy::of_monitor(&service.monitor),
        }
    }

    /// Of a server that nobody checks.
    pub fn unchecked() -> Self {
        Policy {
            checks: Vec::new(),
            combine: Combine::All,
            start: Start::Unknown,
            damping: None,
            slow_start: SlowStart::Off,
            load: None,
        }
    }

    fn of_monitor(monitor: &Monitor) -> Self {
        let ms = |ms: u32| Duration::from_millis(u64::from(ms));
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        let pace = |check: &Check| {
            let times = monitor.times(check);
            Pace {
                interval: ms(times.interval_ms.max(1)),
                timeout: ms(times.timeout_ms.max(1)),
                retry_delay: Some(ms(times.retry_delay_ms)),
                fall: times.fall,
                rise: monitor.successes_to_return(),
            }
        };
        Policy {
            checks: monitor.checks.iter().map(|check| (check.clone(), pace(check))).collect(),
            combine: match monitor.combine {
                model::Combine::All => Combine::All,
                model::Combine::Any => Combine::Any,
            },
            start: match monitor.start {
                model::Start::Unknown => Start::Unknown,
                model::Start::Up => Start::Up,
                model::Start::Down => Start::Down,
            },
            damping: monitor.damping.map(|damping| Damping {
                falls: damping.failures,
                within: seconds(damping.within_s),
                hold: seconds(damping.hold_s),
            }),
            slow_start: monitor.slow_start.map_or(SlowStart::Off, |slow| match slow.ramp {
                model::Ramp::Linear => SlowStart::Linear(seconds(slow.seconds)),
                model::Ramp::Doubling => {
                    SlowStart::Doubling(seconds(slow.seconds) / model::SlowStart::DOUBLINGS)
                }
            }),
            load: load_rule(monitor),
        }
    }
}

/// Piranha's rule for its programs; an agent, and a program of a check, say the weight themselves.
fn load_rule(monitor: &Monitor) -> Option<LoadRule> {
    let says_weight = |check: &Check| matches!(check.question, Question::Command { weight: true, .. });
    match &monitor.load_monitor {
        Some(load) => {
            let (least, most) = (load.minimum_percent, load.maximum_percent);
            Some(match load.source {
                LoadSource::Program { .. } => LoadRule::Average { least, most },
                LoadSource::Line { .. } | LoadSource::Http { .. } => LoadRule::Reported { least, most },
            })
        }
        None if monitor.checks.iter().any(says_weight) => {
            Some(LoadRule::Reported { least: 0, most: u32::from(u16::MAX) * 100 })
        }
        None => None,
    }
}
