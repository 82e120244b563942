//! What is wrong in a cluster at this moment, of what runs and what its directors last reported. Pure; the pages show
//! it, alerts are made of it.

use lvs::Cluster;
use lvs::health::{Instruction, Reason, Trouble, Verdict};
use lvs::model::{Monitor, Question};
use lvs::table::{ServerKey, ServiceKey};
use lvs::wire::{CheckStatus, Checking};
use serde::{Deserialize, Serialize};

use crate::{LiveCluster, LiveDirector, Sync};

/// A certificate that ends within this time is a problem: agents renew theirs at half of their life.
const CERTIFICATE_S: i64 = 5 * 86_400;

/// The kinds of problems, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// Several directors say that they are active.
    SeveralActive,
    /// Directors answer, and none is active.
    NobodyActive,
    /// A virtual server has less than its quorum.
    QuorumLost,
    /// A real server's checks fail.
    ServerDown,
    /// A director does not answer.
    NoData,
    /// The checks of a director do not work themselves.
    Checks,
    /// A director holds something else than what runs.
    OutOfStep,
    /// Rows of a director's kernel were changed by somebody else.
    Drift,
    /// The certificate that a real server shows to its checks ends soon, or has ended.
    ServerCertificate,
    /// A director's certificate ends soon.
    Certificate,
}

impl ProblemKind {
    /// All of them, the worst first.
    pub const ALL: [ProblemKind; 10] = [
        ProblemKind::SeveralActive,
        ProblemKind::NobodyActive,
        ProblemKind::QuorumLost,
        ProblemKind::ServerDown,
        ProblemKind::NoData,
        ProblemKind::Checks,
        ProblemKind::OutOfStep,
        ProblemKind::Drift,
        ProblemKind::ServerCertificate,
        ProblemKind::Certificate,
    ];

    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            ProblemKind::SeveralActive => "several-active",
            ProblemKind::NobodyActive => "nobody-active",
            ProblemKind::QuorumLost => "quorum-lost",
            ProblemKind::ServerDown => "server-down",
            ProblemKind::NoData => "no-data",
            ProblemKind::Checks => "checks",
            ProblemKind::OutOfStep => "out-of-step",
            ProblemKind::Drift => "drift",
            ProblemKind::ServerCertificate => "server-certificate",
            ProblemKind::Certificate => "certificate",
        }
    }

    /// The kind of a word.
    pub fn named(word: &str) -> Option<Self> {
        ProblemKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether clients notice it, or may at any moment.
    pub fn is_critical(self) -> bool {
        matches!(self, ProblemKind::SeveralActive | ProblemKind::NobodyActive | ProblemKind::QuorumLost)
    }
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemOf {
    /// The cluster as a whole.
    Cluster,
    /// A director, by name.
    Director(String),
    /// A virtual server, by id and name.
    Service(String, String),
    /// A real server: ids and names of its virtual server and itself.
    Server {
        /// Id of the virtual server.
        service_id: String,
        /// Its name.
        service: String,
        /// Id of the real server.
        id: String,
        /// Its name.
        name: String,
    },
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// What it is about.
    pub of: ProblemOf,
    /// Why a real server counts as down.
    pub reason: Option<Reason>,
    /// What most checks of a director lack.
    pub trouble: Option<Trouble>,
    /// Real servers whose checks do not work; none where all of them do not go on.
    pub count: Option<u32>,
    /// When a certificate ends, or since when a server is down, in seconds since 1970.
    pub at_s: Option<i64>,
}

impl Problem {
    fn new(kind: ProblemKind, of: ProblemOf) -> Self {
        Problem { kind, of, reason: None, trouble: None, count: None, at_s: None }
    }

    /// Since when it lasts, in seconds since 1970, where that is known.
    pub fn since_s(&self) -> Option<i64> {
        self.at_s.filter(|_| matches!(self.kind, ProblemKind::NoData | ProblemKind::ServerDown))
    }

    /// What tells it from every other of the same cluster.
    pub fn key(&self) -> String {
        let of = match &self.of {
            ProblemOf::Cluster => String::new(),
            ProblemOf::Director(name) => name.clone(),
            ProblemOf::Service(id, _) => id.clone(),
            ProblemOf::Server { service_id, id, .. } => format!("{service_id}/{id}"),
        };
        format!("{} {of}", self.kind.as_str())
    }
}

/// Whether it can be seen at this moment that a problem is over. A director that does not answer says nothing about
/// itself, and nobody who answers nothing about real servers.
pub(crate) fn can_see(live: &LiveCluster, problem: &Problem) -> bool {
    let mut known = live.directors.iter().filter(|director| director.id.is_some());
    match (problem.kind, &problem.of) {
        _ if live.running.is_none() => true,
        (ProblemKind::NoData, _) => true,
        (ProblemKind::SeveralActive, _) => known.all(|director| director.connected),
        (_, ProblemOf::Cluster) => known.any(|director| director.connected),
        (_, ProblemOf::Director(name)) => known.all(|director| director.name != *name || director.connected),
        (_, ProblemOf::Service(..) | ProblemOf::Server { .. }) => {
            witness(live).is_some_and(|director| director.checks.is_some())
        }
    }
}

/// The director whose checks count: the active one, else one that answers and checks.
fn witness(live: &LiveCluster) -> Option<&LiveDirector> {
    live.active()
        .or_else(|| live.directors.iter().find(|director| director.connected && director.checks.is_some()))
}

/// What is wrong with a director's checker itself.
fn of_checks(checking: &Checking, of: ProblemOf) -> Option<Problem> {
    let troubled = || checking.troubled.values().sum::<u32>();
    let count = checking.silent_s.is_none().then(|| troubled().saturating_add(checking.stuck));
    if count == Some(0) {
        return None;
    }
    let most = checking.troubled.iter().max_by_key(|(_, count)| **count);
    let trouble = most.map(|(trouble, _)| *trouble).filter(|_| count.is_some());
    Some(Problem { trouble, count, ..Problem::new(ProblemKind::Checks, of) })
}

fn of_directors(live: &LiveCluster, now: i64, problems: &mut Vec<Problem>) {
    let connected = || live.directors.iter().filter(|director| director.connected);
    let active = connected().filter(|director| director.is_active()).count();
    match active {
        0 if connected().any(|director| director.status.is_some()) => {
            problems.push(Problem::new(ProblemKind::NobodyActive, ProblemOf::Cluster));
        }
        0 | 1 => {}
        _ => problems.push(Problem::new(ProblemKind::SeveralActive, ProblemOf::Cluster)),
    }
    for director in live.directors.iter().filter(|director| director.id.is_some()) {
        let of = || ProblemOf::Director(director.name.clone());
        if !director.connected {
            let at_s = Some(director.since.as_second());
            problems.push(Problem { at_s, ..Problem::new(ProblemKind::NoData, of()) });
            continue;
        }
        match director.sync {
            Sync::Drifted { .. } => problems.push(Problem::new(ProblemKind::Drift, of())),
            Sync::Behind { .. } | Sync::Ahead { .. } | Sync::OtherContent { .. } => {
                problems.push(Problem::new(ProblemKind::OutOfStep, of()));
            }
            Sync::Unknown | Sync::InSync | Sync::Applying => {}
        }
        if let Some(checking) = director.status.as_ref().and_then(|status| status.checking.as_ref()) {
            problems.extend(of_checks(checking, of()));
        }
        let ends = director.status.as_ref().map_or(0, |status| status.certificate_ends_s);
        if ends > 0 && ends - now < CERTIFICATE_S {
            problems.push(Problem { at_s: Some(ends), ..Problem::new(ProblemKind::Certificate, of()) });
        }
    }
}

/// When the certificate ends that a real server shows, where one of its checks asks to be told and it is time.
fn certificate_ends(monitor: &Monitor, status: &CheckStatus, now: i64) -> Option<i64> {
    let ends = monitor.checks.iter().zip(&status.checks).filter_map(|(check, seen)| {
        let days = match &check.question {
            Question::Tls { tls } => tls.expiry_days,
            Question::Http(http) => http.tls.as_ref()?.expiry_days,
            _ => return None,
        };
        let ends = seen.success.as_ref()?.certificate_ends_s?;
        (days > 0 && ends.saturating_sub(now) < i64::from(days) * 86_400).then_some(ends)
    });
    ends.min()
}

fn of_servers(content: &Cluster, live: &LiveCluster, now: i64, problems: &mut Vec<Problem>) {
    let Some(checks) = witness(live).and_then(|director| director.checks.as_ref()) else { return };
    for service in content.virtual_servers.iter().filter(|service| service.active) {
        let key: Option<ServiceKey> = service.key();
        let Some(known) = key.and_then(|key| checks.get(&key)) else { continue };
        if !known.quorum.all && !known.servers.is_empty() {
            let of = ProblemOf::Service(service.id.0.clone(), service.name.clone());
            problems.push(Problem::new(ProblemKind::QuorumLost, of));
        }
        for real in service.real_servers.iter().filter(|real| real.active) {
            let key: ServerKey = service.server_key(real);
            let Some(status) = known.servers.get(&key) else { continue };
            let of = || ProblemOf::Server {
                service_id: service.id.0.clone(),
                service: service.name.clone(),
                id: real.id.0.clone(),
                name: real.name.clone(),
            };
            let monitor = real.monitor.as_ref().unwrap_or(&service.monitor);
            if let at_s @ Some(_) = certificate_ends(monitor, status, now) {
                problems.push(Problem { at_s, ..Problem::new(ProblemKind::ServerCertificate, of()) });
            }
            let away = status.order.as_ref().is_some_and(|o| o.order.instruction == Instruction::Disabled);
            if status.verdict == Verdict::Down && !away {
                let (reason, at_s) = (Some(status.reason.clone()), Some(status.since_s));
                problems.push(Problem { reason, at_s, ..Problem::new(ProblemKind::ServerDown, of()) });
            }
        }
    }
}

/// All that is wrong, the worst first. Where nothing runs nothing is wrong.
pub fn problems(content: &Cluster, live: &LiveCluster, now: i64) -> Vec<Problem> {
    let mut problems = Vec::new();
    if live.running.is_none() {
        return problems;
    }
    of_directors(live, now, &mut problems);
    of_servers(content, live, now, &mut problems);
    problems.sort_by(|a, b| (a.kind, &a.of).cmp(&(b.kind, &b.of)));
    problems
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use lvs::health::Failure;
    use lvs::model::Seat;
    use lvs::wire::{ServiceChecks, State};

    use super::*;

    fn director(name: &str, state: State) -> LiveDirector {
        let status = serde_json::from_value(serde_json::json!({
            "director_id": "dir_1", "version": "0", "seat": null, "state": state, "state_ms": 0, "revision": 1,
            "digest": null, "in_sync": true, "kernel_writes": 0, "holds": [], "foreign": [],
        }));
        LiveDirector {
            id: Some(format!("dir_{name}")),
            connected: true,
            sync: Sync::InSync,
            status: Some(status.unwrap()),
            ..LiveDirector::unjoined(name, Seat::Primary, Timestamp::from_second(500).unwrap())
        }
    }

    fn content() -> Cluster {
        serde_json::from_value(serde_json::json!({
            "name": "web",
            "virtual_servers": [{
                "id": "vs_1", "name": "www", "vip": { "address": "192.0.2.1" }, "port": 80,
                "real_servers": [
                    { "id": "rs_1", "name": "one", "address": "10.0.0.1" },
                    { "id": "rs_2", "name": "two", "address": "10.0.0.2" },
                ],
            }],
        }))
        .unwrap()
    }

    fn down(instruction: Option<&str>) -> serde_json::Value {
        let mut status = serde_json::json!({
            "verdict": "down", "reason": Reason::Failed { failure: Failure::Status { code: 503 }, failures: 3 },
            "since_s": 400, "standing": lvs::health::Standing::Out,
        });
        if let Some(instruction) = instruction {
            status["order"] = serde_json::json!({
                "target": lvs::health::OrderTarget::Machine { address: "10.0.0.1".parse().unwrap() },
                "order": { "instruction": instruction, "given_s": 1, "by": "account/x", "reason": "" },
            });
        }
        status
    }

    fn with_checks(all: bool, status: serde_json::Value) -> LiveDirector {
        let mut director = director("a", State::Active);
        let mut checks = ServiceChecks::default();
        checks.quorum.all = all;
        checks.servers.insert("10.0.0.1:80".parse().unwrap(), serde_json::from_value(status).unwrap());
        director.checks = Some(std::sync::Arc::new([("tcp 192.0.2.1:80".parse().unwrap(), checks)].into()));
        director
    }

    fn kinds(directors: Vec<LiveDirector>, running: Option<u64>) -> Vec<&'static str> {
        let live = LiveCluster { running, directors };
        problems(&content(), &live, 1_000).iter().map(|problem| problem.kind.as_str()).collect()
    }

    #[test]
    fn a_sound_cluster_and_one_where_nothing_runs_have_no_problem() {
        let pair = || vec![director("a", State::Active), director("b", State::Standby)];
        assert!(kinds(pair(), Some(1)).is_empty());
        assert!(kinds(vec![director("a", State::Active), director("b", State::Active)], None).is_empty());
    }

    #[test]
    fn owners_contact_revision_drift_and_certificates_are_looked_at() {
        assert_eq!(
            kinds(vec![director("a", State::Active), director("b", State::Active)], Some(1)),
            ["several-active"]
        );
        assert_eq!(kinds(vec![director("a", State::Standby)], Some(1)), ["nobody-active"]);
        let away = LiveDirector { connected: false, ..director("b", State::Active) };
        assert_eq!(kinds(vec![director("a", State::Active), away.clone()], Some(1)), ["no-data"]);
        assert!(
            kinds(vec![director("a", State::Active), LiveDirector { id: None, ..away }], Some(1)).is_empty()
        );
        let with = |sync| {
            kinds(
                vec![director("a", State::Active), LiveDirector { sync, ..director("b", State::Standby) }],
                Some(1),
            )
        };
        assert_eq!(with(Sync::Behind { held: None }), ["out-of-step"]);
        assert_eq!(with(Sync::Drifted { rows: 2, held: true }), ["drift"]);
        let mut ending = director("a", State::Active);
        ending.status.as_mut().unwrap().certificate_ends_s = 1_000 + 4 * 86_400;
        assert_eq!(kinds(vec![ending.clone()], Some(1)), ["certificate"]);
        ending.status.as_mut().unwrap().certificate_ends_s = 1_000 + 6 * 86_400;
        assert!(kinds(vec![ending], Some(1)).is_empty());
    }

    #[test]
    fn a_checker_that_does_not_work_is_a_problem_of_its_director() {
        let found = |checking: serde_json::Value| {
            let mut director = director("a", State::Active);
            director.status.as_mut().unwrap().checking = Some(serde_json::from_value(checking).unwrap());
            let live = LiveCluster { running: Some(1), directors: vec![director] };
            let found = problems(&content(), &live, 1_000);
            found.iter().map(|p| (p.kind.as_str(), p.trouble, p.count)).collect::<Vec<_>>()
        };
        let checking = |stuck: u32, troubled: serde_json::Value, silent: Option<u64>| {
            serde_json::json!({ "questions": 9, "up": 5, "down": 0, "re_entering": 0, "unknown": 0,
                "stuck": stuck, "troubled": troubled, "silent_s": silent })
        };
        assert!(found(checking(0, serde_json::json!({}), None)).is_empty());
        let lacking = serde_json::json!({ "descriptors": 3, "late": 1 });
        assert_eq!(
            found(checking(2, lacking.clone(), None)),
            [("checks", Some(Trouble::Descriptors), Some(6))]
        );
        assert_eq!(found(checking(1, serde_json::json!({}), None)), [("checks", None, Some(1))]);
        assert_eq!(found(checking(0, lacking, Some(20))), [("checks", None, None)]);
    }

    #[test]
    fn a_certificate_of_a_real_server_is_told_in_the_days_that_its_check_says() {
        const DAY: i64 = 86_400;
        let found = |check: serde_json::Value, ends: i64| {
            let mut content = content();
            content.virtual_servers[0].monitor.checks = vec![serde_json::from_value(check).unwrap()];
            let evidence = serde_json::json!({
                "at_s": 900, "outcome": { "outcome": "up" }, "target": "10.0.0.1:80",
                "timings": { "total_us": 5 }, "certificate_ends_s": ends,
            });
            let status = serde_json::json!({
                "verdict": "up", "reason": Reason::Started, "since_s": 400,
                "standing": lvs::health::Standing::In { weight: 1 },
                "checks": [{ "kind": "tls", "verdict": "up", "success": evidence }],
            });
            let live = LiveCluster { running: Some(1), directors: vec![with_checks(true, status)] };
            let found = problems(&content, &live, 1_000);
            found.iter().map(|problem| (problem.kind.as_str(), problem.at_s)).collect::<Vec<_>>()
        };
        let tls = |days: u16| serde_json::json!({ "kind": "tls", "tls": { "expiry_days": days } });
        assert!(found(tls(14), 1_000 + 14 * DAY).is_empty());
        let ends = 1_000 + 14 * DAY - 1;
        assert_eq!(found(tls(14), ends), [("server-certificate", Some(ends))]);
        assert!(found(tls(7), ends).is_empty() && found(tls(0), 0).is_empty());
        assert_eq!(
            found(tls(1), 0),
            [("server-certificate", Some(0))],
            "it has ended, and nobody verifies it"
        );
        let http = serde_json::json!({ "kind": "http", "tls": { "expiry_days": 30 } });
        assert_eq!(found(http, ends).len(), 1);
        assert!(found(serde_json::json!({ "kind": "http" }), ends).is_empty());
    }

    #[test]
    fn a_server_that_somebody_took_out_is_no_problem_and_a_lost_quorum_is_the_worse_one() {
        assert_eq!(kinds(vec![with_checks(true, down(None))], Some(1)), ["server-down"]);
        assert_eq!(kinds(vec![with_checks(false, down(None))], Some(1)), ["quorum-lost", "server-down"]);
        assert!(kinds(vec![with_checks(true, down(Some("disabled")))], Some(1)).is_empty());
        assert_eq!(kinds(vec![with_checks(true, down(Some("draining")))], Some(1)), ["server-down"]);
        let live = LiveCluster { running: Some(1), directors: vec![with_checks(true, down(None))] };
        let found = problems(&content(), &live, 1_000);
        assert_eq!((found[0].at_s, found[0].key().as_str()), (Some(400), "server-down vs_1/rs_1"));
        for kind in ProblemKind::ALL {
            assert_eq!(ProblemKind::named(kind.as_str()), Some(kind));
        }
    }
}
