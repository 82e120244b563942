//! Director agents check servers of the distribution and servers with faults, and say the right of each: verdict, row in
//! both kernels, sentence and class of failure. Then servers are stopped and started again.

pub(super) mod catalogue;
pub(super) mod judge;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use testkit::api::Api;
use testkit::process::Background;
use testkit::traffic::LIMIT;
use testkit::wait::{self, Seen};

use self::catalogue::{Case, FAULTY, NAME, Says, WELL, content, faulty, slow, table, well};
use self::judge::{Views, agreed, never_changed, show};
use crate::distribution::{self, Certificates, Database};
use crate::network::{self, DIRECTORS, Servers};
use crate::pair::owner;
use crate::stage::{self, PATIENCE, Stage, no_failure};

/// Servers that are stopped and started again, by the names of their virtual servers.
const STOPPED: [&str; 6] = ["web", "web-secure", "web-unverified", "cache", "names", "database"];
/// The longest that the row of a server may stay that refuses, with checks every two seconds under emulation.
const GONE: Duration = Duration::from_secs(10);
/// The same for its return; starting takes a while, too.
const BACK: Duration = Duration::from_secs(30);
/// What a stopped server is said to do.
const REFUSED: Says = Says::Down("refused", "It refuses connections: nobody listens there.");

/// Faults that are the network's: a port from which nothing comes back, and, where it is asked for, one that loses every
/// fourth packet.
const SILENT: &str = "table inet lab {
    chain in { type filter hook input priority 0; tcp dport 8006 drop; }
}
";
const LOSSY: &str = "table inet loss {
    counter lost { }
    chain in { type filter hook input priority 0; tcp dport 8003 numgen random mod 100 < 25 counter name lost drop; }
}
";

/// Servers of the distribution that run, on the machine of those that are well.
pub(super) struct Running {
    certificates: Certificates,
    servers: Vec<Background>,
}

impl Running {
    /// Those that start at once.
    pub(super) fn start(stage: &Stage) -> Result<Running> {
        let certificates = Certificates::make(NAME, "other.example")?;
        let mut running = Running { certificates, servers: Vec::new() };
        running.again(stage)?;
        Ok(running)
    }

    fn again(&mut self, stage: &Stage) -> Result<()> {
        let Certificates { good, other, own, .. } = &self.certificates;
        let at = |port: u16| format!("{WELL}:{port}");
        let sites = [(at(81), None), (at(443), Some(good)), (at(8443), Some(other)), (at(9443), Some(own))];
        let sites: Vec<_> = sites.iter().map(|(listen, identity)| (listen.as_str(), *identity)).collect();
        self.servers.push(distribution::nginx(stage, "rs1", &sites)?);
        self.servers.push(distribution::redis(stage, "rs1", WELL)?);
        self.servers.push(distribution::dnsmasq(stage, "rs1", WELL, &format!("/{NAME}/192.0.2.7"))?);
        Ok(())
    }

    /// What checks of them trust.
    pub(super) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Fails where one of them has ended.
    pub(super) fn are_well(&mut self) -> Result<()> {
        for server in &mut self.servers {
            ensure!(server.runs()?, "a server of the distribution has ended: {:?}", server.lines());
        }
        Ok(())
    }
}

pub(super) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let mut database = Database::make(&stage)?;
    let mut running = Running::start(&stage)?;
    let _odd = odd(&stage)?;
    network::rules("rs2", SILENT)?;
    let all: Vec<Case> = [well(running.certificates()), slow(), faulty(running.certificates())]
        .into_iter()
        .flatten()
        .collect();
    let cases: Vec<&Case> = all.iter().collect();
    let (_console, api, agents) = stage.cluster(&content(&stage, &cases)?)?;
    let postgres = database.start(&stage, "rs1", WELL)?;
    stage.say("the database is made");
    running.servers.push(postgres);
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    let views = agreed(&api, &cases, |case| case.says)?;
    running.are_well()?;
    show(&stage, &views, &cases)?;
    let whole = table(&cases, |case| case.says == Says::Up);
    for director in &DIRECTORS {
        stage.wait_for_table(director, &whole)?;
    }
    served(&stage)?;

    network::rules("rs2", LOSSY)?;
    stopped(&stage, &api, &mut running, &mut database, &cases)?;
    counted_on(&stage, &api, &cases)?;
    lossy(&stage, &api, &cases)?;
    owner(&api, first, second)?;
    drop(agents);
    Ok(())
}

/// The servers with faults, and those that are only slow.
fn odd(stage: &Stage) -> Result<Vec<Background>> {
    let kinds = [
        ("mail", 25),
        ("drips", 8001),
        ("hangs", 8002),
        ("resets", 8004),
        ("resets-now-and-then", 8007),
        ("ends-early", 8008),
    ];
    let start = |name: &str, words: &[&str]| {
        let mut server = Background::start(name, stage.lab("rs2", words), &stage.log(name))?;
        server.wait_for_word("listening", PATIENCE)?;
        Ok(server)
    };
    let odd =
        kinds.iter().map(|(kind, port)| start(kind, &["odd-server", kind, &format!("{FAULTY}:{port}")]));
    odd.chain([start("lossy", &["http-server", &format!("{FAULTY}:8003"), "lossy"])]).collect()
}

/// A client gets the page of nginx through the virtual address.
fn served(stage: &Stage) -> Result<()> {
    let mut traffic = stage.traffic_to(&format!("{}:81", network::VIP), Duration::ZERO, LIMIT)?;
    traffic.wait_for_answers(20, PATIENCE)?;
    no_failure(&traffic.tally().failed)?;
    stage.say(&format!("a client is served: {:?}", traffic.tally().served));
    Ok(())
}

/// What is stopped leaves both tables and is said to refuse; what is started comes back.
fn stopped(
    stage: &Stage,
    api: &Api,
    running: &mut Running,
    database: &mut Database,
    cases: &[&Case],
) -> Result<()> {
    let chosen: Vec<&Case> = cases.iter().copied().filter(|case| STOPPED.contains(&case.name)).collect();
    ensure!(chosen.len() == STOPPED.len(), "some servers have other names");
    for server in running.servers.drain(..) {
        distribution::stop(server)?;
    }
    stage.say("nginx, Redis, dnsmasq and PostgreSQL are stopped");
    rows(stage, &chosen, false, GONE)?;
    let views = agreed(api, &chosen, |_| REFUSED)?;
    show(stage, &views, &chosen)?;
    let left = |case: &Case| case.says == Says::Up && !STOPPED.contains(&case.name);
    for director in &DIRECTORS {
        stage.wait_for_table(director, &table(cases, left))?;
    }
    running.again(stage)?;
    running.servers.push(database.start(stage, "rs1", WELL)?);
    stage.say("they are started again");
    rows(stage, &chosen, true, BACK)?;
    agreed(api, &chosen, |case| case.says)?;
    running.are_well()
}

/// Waits until the rows of these are in both tables, or are not, and says how long each took.
fn rows(stage: &Stage, cases: &[&Case], there: bool, longest: Duration) -> Result<()> {
    let began = Instant::now();
    let mut waiting: Vec<_> = cases
        .iter()
        .flat_map(|case| DIRECTORS.iter().map(move |director| (case.name, case.row(), director)))
        .collect();
    let what = if there { "back" } else { "gone" };
    wait::until(&format!("the rows to be {what}"), longest, || {
        for director in &DIRECTORS {
            let table = stage::table(director)?;
            let has = |row: &str| table.lines().any(|line| line.trim_end() == row);
            waiting.retain(|(name, row, of)| {
                let wait = of.name != director.name || has(row) != there;
                if !wait {
                    let took = began.elapsed().as_millis();
                    stage.say(&format!("{name:<20} {}: the row is {what} after {took} ms", of.name));
                }
                wait
            });
        }
        let left: Vec<&str> = waiting.iter().map(|(name, ..)| *name).collect();
        Ok(if left.is_empty() { Seen::Yes(()) } else { Seen::not_yet(format!("{left:?} are not")) })
    })
}

/// A server that stays down is said to have failed ever more often: what is shown is of now.
fn counted_on(stage: &Stage, api: &Api, cases: &[&Case]) -> Result<()> {
    let closed = named(cases, "closed")?;
    for director in &DIRECTORS {
        let count = || Ok::<_, anyhow::Error>(Views::of(api)?.one(closed, director.name)?.in_a_row());
        let before = count()?;
        let after = wait::until("the count of failures to rise", PATIENCE, || {
            let now = count()?;
            Ok(if now > before { Seen::Yes(now) } else { Seen::not_yet(format!("it is {now}")) })
        })?;
        stage.say(&format!("{} of closed: failed {before}, then {after} times in a row", director.name));
    }
    Ok(())
}

/// A server behind a network that loses packets stays up, and what is kept of its checks tells of them; so with one that
/// resets a connection now and then.
fn lossy(stage: &Stage, api: &Api, cases: &[&Case]) -> Result<()> {
    for (name, class, least) in [("lossy", "timed-out", 2), ("resets-now-and-then", "reset", 1)] {
        let case = named(cases, name)?;
        for director in &DIRECTORS {
            let view =
                wait::until(&format!("{} to note failures of {name}", director.name), PATIENCE, || {
                    let view = Views::of(api)?.one(case, director.name)?;
                    let failures = view.failures();
                    Ok(if failures >= least {
                        Seen::Yes(view)
                    } else {
                        Seen::not_yet(format!("{failures} are noted"))
                    })
                })?;
            let seen = view.at("/health/checks/0/failure/outcome/failure");
            ensure!(seen.is_some_and(|seen| seen == class), "{name}: {seen:?} instead of {class}");
            stage.say(&format!(
                "{name} {}: \"{}\" {} of the recent answers failed, the last with {}",
                director.name,
                view.text(),
                view.failures(),
                view.at("/health/checks/0/failure").map(ToString::to_string).unwrap_or_default(),
            ));
        }
        agreed(api, &[case], |case| case.says)?;
        never_changed(api, case)?;
    }
    stage.say(&format!("{} packets were lost", network::counted("rs2", "lost")?));
    Ok(())
}

fn named<'a>(cases: &[&'a Case], name: &str) -> Result<&'a Case> {
    cases.iter().copied().find(|case| case.name == name).with_context(|| format!("nothing is called {name}"))
}
