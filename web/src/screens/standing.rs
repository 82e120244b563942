//! Whether a virtual server or a real server is up, in a word, for the lists: what is switched on is not up for that
//! alone. Decides nothing: the verdicts are the directors'.

use console::LiveCluster;
use lvs::health::Verdict;
use lvs::model::{RealServer, VirtualServer};
use lvs::wire::Checks;

use crate::locale::Locale;

/// A word with its look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) tone: &'static str,
    pub(super) icon: &'static str,
    pub(super) word: String,
}

/// What is known of one real server, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Off,
    NoDirector,
    NotChecked,
    Said(Verdict),
}

impl Known {
    fn word(self, locale: Locale) -> Standing {
        let (tone, icon, key) = match self {
            Known::Off => ("idle", "stopped", "status-off"),
            Known::NoDirector => ("idle", "idle", "status-no-director"),
            Known::NotChecked => ("idle", "idle", "status-unchecked"),
            Known::Said(Verdict::Up) => ("good", "up", "status-on"),
            Known::Said(Verdict::Down) => ("bad", "bad", "status-down"),
            Known::Said(Verdict::ReEntering) => ("warn", "starting", "status-returning"),
            Known::Said(Verdict::Unknown) => ("idle", "idle", "status-unknown"),
        };
        Standing { tone, icon, word: locale.say(key).to_string() }
    }
}

/// The active director's checks, else those of any that is connected; an outer none where no director is connected.
fn checks(live: &LiveCluster) -> Option<Option<&Checks>> {
    let director = live.active().or_else(|| live.directors.iter().find(|director| director.connected))?;
    Some(director.checks.as_deref())
}

fn known(live: &LiveCluster, server: &VirtualServer, real: &RealServer) -> Known {
    if !server.active || !real.active {
        return Known::Off;
    }
    let Some(checks) = checks(live) else { return Known::NoDirector };
    if real.monitor.as_ref().unwrap_or(&server.monitor).checks.is_empty() {
        return Known::NotChecked;
    }
    let service = server.key().and_then(|key| checks?.get(&key));
    let status = service.and_then(|service| service.servers.get(&server.server_key(real)));
    Known::Said(status.map_or(Verdict::Unknown, |status| status.verdict))
}

/// A real server's.
pub(super) fn of_real(
    locale: Locale,
    live: &LiveCluster,
    server: &VirtualServer,
    real: &RealServer,
) -> Standing {
    known(live, server, real).word(locale)
}

/// A virtual server's: up where any of its real servers is; otherwise the best that is known of one.
pub(super) fn of_service(locale: Locale, live: &LiveCluster, server: &VirtualServer) -> Standing {
    if !server.active {
        return Known::Off.word(locale);
    }
    let all: Vec<Known> = server.real_servers.iter().map(|real| known(live, server, real)).collect();
    let best = [
        Known::Said(Verdict::Up),
        Known::NoDirector,
        Known::NotChecked,
        Known::Said(Verdict::ReEntering),
        Known::Said(Verdict::Unknown),
        Known::Said(Verdict::Down),
    ];
    match best.into_iter().find(|one| all.contains(one)) {
        Some(one) => one.word(locale),
        None if checks(live).is_none() => Known::NoDirector.word(locale),
        None => Standing { tone: "warn", icon: "warn", word: locale.say("status-no-server").to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lvs::health::Reason;
    use lvs::wire::{CheckStatus, CheckerStatus, ServiceChecks};
    use serde_json::json;

    use super::*;

    fn server(checks: serde_json::Value) -> VirtualServer {
        serde_json::from_value(json!({
            "name": "www", "vip": { "address": "192.0.2.1" }, "port": 80, "monitor": { "checks": checks },
            "real_servers": [{ "name": "one", "address": "10.0.0.1" }, { "name": "two", "address": "10.0.0.2" }],
        }))
        .unwrap()
    }

    fn status(verdict: Verdict) -> CheckStatus {
        CheckStatus {
            verdict,
            reason: Reason::Started,
            since_s: 0,
            standing: lvs::health::Standing::In { weight: 1 },
            climbing: false,
            agent: Default::default(),
            order: None,
            checker: CheckerStatus::Working,
            checks: Vec::new(),
        }
    }

    fn live(connected: bool, verdicts: &[(&str, Verdict)]) -> LiveCluster {
        let servers =
            verdicts.iter().map(|(key, verdict)| (key.parse().unwrap(), status(*verdict))).collect();
        let service = ServiceChecks { servers, ..ServiceChecks::default() };
        let checks: Checks = [("tcp 192.0.2.1:80".parse().unwrap(), service)].into();
        let director = console::LiveDirector {
            id: Some("dir_1".to_owned()),
            name: "d1".to_owned(),
            seat: None,
            connected,
            since: jiff::Timestamp::UNIX_EPOCH,
            last_error: None,
            sync: console::Sync::Unknown,
            status: None,
            status_at: None,
            snapshot: None,
            snapshot_at: None,
            counters: None,
            counters_at: None,
            checks: Some(Arc::new(checks)),
            checks_at: None,
            orders: None,
        };
        LiveCluster { running: Some(1), directors: vec![director] }
    }

    #[test]
    fn nothing_is_up_that_nobody_has_seen_up() {
        let connect = json!([{ "kind": "connect" }]);
        let word =
            |live: &LiveCluster, server: &VirtualServer| of_service(Locale::default(), live, server).word;
        let checked = server(connect);
        let up = [("10.0.0.1:80", Verdict::Up), ("10.0.0.2:80", Verdict::Down)];
        let down = [("10.0.0.1:80", Verdict::Down), ("10.0.0.2:80", Verdict::Down)];
        assert_eq!(word(&live(true, &up), &checked), "Up");
        assert_eq!(word(&live(true, &down), &checked), "Down");
        assert_eq!(word(&live(true, &[]), &checked), "Not known yet");
        assert_eq!(word(&live(false, &up), &checked), "No director");
        assert_eq!(word(&live(true, &up), &server(json!([]))), "Not checked");
        assert_eq!(
            word(&live(true, &[]), &VirtualServer { active: false, ..checked.clone() }),
            "Switched off"
        );
        let none = VirtualServer { real_servers: Vec::new(), ..checked.clone() };
        assert_eq!(word(&live(true, &[]), &none), "No real server");
        let real = |at: usize| {
            of_real(Locale::default(), &live(true, &up), &checked, &checked.real_servers[at]).word
        };
        assert_eq!((real(0), real(1)), ("Up".to_owned(), "Down".to_owned()));
    }
}
