//! How real servers are checked: the questions, how often, how many answers it takes, and what weight comes of it.
//!
//! Only values with their defaults; which of them make sense together is in `validate`, what results mean is in
//! `health`. Made by forms, the API and the readers of files.

mod check;
mod command;
mod http;
mod load;
mod pattern;
mod policy;
mod tls;

use std::net::IpAddr;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

pub use check::{Check, DnsRecord, Matching, Question};
pub use command::{CommandLine, CommandLineError};
pub use http::{BodyMatch, Header, HttpCheck, HttpMethod, HttpVersion, StatusRange, StatusRangeError};
pub use load::{LOAD_INTERVAL_MS, LoadMonitor, LoadSource};
pub use pattern::Pattern;
pub use policy::{Combine, Damping, Quorum, Ramp, SlowStart, SorryCheck, Start, Times};
pub use tls::{ClientIdentity, TlsOptions};

use super::device::Device;

/// How real servers are checked. Without any check a server always counts as up.
///
/// The defaults are those of a new virtual server: a server that refuses connections is out within two and a half
/// seconds, one gone silent within six and a half; with `interval_ms` 1000 and `timeout_ms` 800 a silent one is out
/// within three. Readers of files set every field to what the file means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Monitor {
    /// What is asked. None: not checked.
    pub checks: Vec<Check>,
    /// Whether all checks must succeed or any one of them.
    #[serde(skip_serializing_if = "is_default")]
    pub combine: Combine,
    /// Port that is asked; the real server's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Address that is asked from, one of the director's own; the kernel's choice where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// Interface that is asked through, whatever the routes say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<Device>,
    /// Firewall mark of the packets that ask (`SO_MARK`), for routing rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<NonZeroU32>,
    /// Also asks as clients' packets arrive, after a good answer and with as much time again: a TCP handshake with the
    /// virtual address on the real server, by direct routing or through the tunnel. Directors are not asked so.
    #[serde(skip_serializing_if = "is_default")]
    pub data_path: bool,
    /// Time from the beginning of one check to that of the next, milliseconds (lvs.cf `timeout`, keepalived
    /// `delay_loop`).
    pub interval_ms: u32,
    /// Time that a whole check may take, milliseconds, however the answer trickles in (lvs.cf `timeout`, keepalived
    /// `connect_timeout`).
    pub timeout_ms: u32,
    /// Failures in a row that take a server out (keepalived: `retry` and one).
    pub fall: u32,
    /// Successes in a row that bring it back.
    pub rise: u32,
    /// Time between a failure and the next try while the server still counts as up, milliseconds (keepalived
    /// `delay_before_retry`).
    pub retry_delay_ms: u32,
    /// Seconds a failed server must answer again before it is used (lvs.cf `reentry`). As in Piranha this is counted
    /// in checks: see [`Monitor::successes_to_return`].
    pub reentry_s: u32,
    /// Time over which the first checks are spread at random, milliseconds; the interval where absent (keepalived
    /// `warmup`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread_ms: Option<u32>,
    /// What a server counts as before its first result.
    #[serde(skip_serializing_if = "is_default")]
    pub start: Start,
    /// Keeps a server out that comes and goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damping: Option<Damping>,
    /// Raises the weight of a returning server bit by bit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<SlowStart>,
    /// Where weights come from besides the configured one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_monitor: Option<LoadMonitor>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for Monitor {
    fn default() -> Self {
        Monitor {
            checks: vec![Check::from(Question::Connect)],
            combine: Combine::All,
            port: None,
            source: None,
            interface: None,
            mark: None,
            data_path: false,
            interval_ms: 2_000,
            timeout_ms: 2_000,
            fall: 2,
            rise: 2,
            retry_delay_ms: 250,
            reentry_s: 0,
            spread_ms: None,
            start: Start::Unknown,
            damping: None,
            slow_start: None,
            load_monitor: None,
        }
    }
}

impl Monitor {
    /// Servers that nobody checks.
    pub fn none() -> Self {
        Monitor { checks: Vec::new(), ..Monitor::default() }
    }

    /// What Piranha does with every real server, where a file says nothing of times: one failure takes out, the first
    /// success after the start brings in, and weights double every 20 seconds.
    pub fn piranha(period_s: u32, reentry_s: u32) -> Self {
        let period_ms = period_s.saturating_mul(1_000);
        Monitor {
            interval_ms: period_ms,
            timeout_ms: period_ms,
            fall: 1,
            rise: 1,
            retry_delay_ms: period_ms,
            reentry_s,
            slow_start: Some(SlowStart::piranha(period_s)),
            ..Monitor::default()
        }
    }

    /// The times of one check: its own where it has them, else the monitor's.
    pub fn times(&self, check: &Check) -> Times {
        Times {
            interval_ms: check.interval_ms.unwrap_or(self.interval_ms),
            timeout_ms: check.timeout_ms.unwrap_or(self.timeout_ms),
            fall: check.fall.unwrap_or(self.fall),
            retry_delay_ms: check.retry_delay_ms.unwrap_or(self.retry_delay_ms),
        }
    }

    /// How many successes in a row bring a server back that is down: `rise`, or as many as fit into the re-entry time
    /// where those are more (Piranha's floor of `reentry` by `timeout`).
    pub fn successes_to_return(&self) -> u32 {
        let within = self.reentry_s.saturating_mul(1_000).checked_div(self.interval_ms).unwrap_or(0);
        self.rise.max(within).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_keep_their_shape_as_json() {
        let monitor: Monitor = serde_json::from_str(
            r#"{"checks":[{"kind":"http","path":"/up","status":["200","301-302"],"port":8080}]}"#,
        )
        .unwrap();
        let [Check { question: Question::Http(http), port: Some(8080), .. }] = monitor.checks.as_slice()
        else {
            panic!("no web check")
        };
        assert!(http.tls.is_none() && http.status.len() == 2);
        let json = serde_json::to_string(&monitor).unwrap();
        assert_eq!(serde_json::from_str::<Monitor>(&json).unwrap(), monitor);
        for wrong in [
            r#"{"checks":[{"kind":"http","pat":"/"}]}"#,
            r#"{"checks":[{"kind":"connect","pat":"/"}]}"#,
            r#"{"checks":[{"kind":"ping","prt":1}]}"#,
            r#"{"checks":[{"port":1}]}"#,
            r#"{"cheks":[]}"#,
        ] {
            assert!(serde_json::from_str::<Monitor>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_returning_server_answers_as_often_as_fits_into_the_re_entry_time() {
        for (period_s, reentry_s, successes) in [(6, 15, 2), (6, 5, 1), (10, 180, 18), (7, 21, 3)] {
            assert_eq!(Monitor::piranha(period_s, reentry_s).successes_to_return(), successes);
        }
        assert_eq!(Monitor::default().successes_to_return(), 2);
        assert_eq!(Monitor { interval_ms: 0, ..Monitor::default() }.successes_to_return(), 2);
    }
}
