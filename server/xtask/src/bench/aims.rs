//! What is aimed at, as ratios to a peer of the same run or as plain bounds, and the table that says what came of it.
//! Pure. Called by the bench.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::figures::{Figures, Spread};

/// An aim is lost by far where it is missed by more than this factor: smaller tables and a program that is not optimised
/// shift a ratio, a change of kind in the work shifts it more.
const FAR: f64 = 2.0;

/// One aim.
#[derive(Debug)]
pub(super) struct Aim {
    /// What is compared, for people.
    pub(super) what: &'static str,
    /// Samples of ours; several are added.
    ours: &'static [&'static str],
    /// Samples of the peer; none: ours alone is bounded.
    peer: Option<&'static str>,
    /// The most that the ratio, or ours, may be.
    most: f64,
    /// Only a release build can be held to it.
    optimised: bool,
    /// Only a table of this many virtual servers or more can be held to it.
    services: u16,
}

const fn ratio(what: &'static str, ours: &'static [&'static str], peer: &'static str, most: f64) -> Aim {
    Aim { what, ours, peer: Some(peer), most, optimised: false, services: 0 }
}

const fn bound(what: &'static str, ours: &'static [&'static str], most: f64) -> Aim {
    Aim { what, ours, peer: None, most, optimised: false, services: 0 }
}

const fn optimised(aim: Aim) -> Aim {
    Aim { optimised: true, ..aim }
}

/// Fixed costs of a push weigh the more the smaller the table is.
const fn of_large_tables(aim: Aim) -> Aim {
    Aim { services: 1_000, ..aim }
}

const AIMS: &[Aim] = &[
    ratio("all rows written, kernel part : ipvsadm -R", &["kernel/apply ms"], "ipvsadm/-R ms", 0.2),
    ratio(
        "all rows written, kernel part : keepalived's start",
        &["kernel/apply ms"],
        "keepalived/start CPU ms",
        0.45,
    ),
    of_large_tables(optimised(ratio(
        "activated in the console to converged : ipvsadm -R",
        &["agent/activation ms"],
        "ipvsadm/-R ms",
        0.5,
    ))),
    bound("one weight: messages to the kernel", &["kernel/one weight messages"], 1.0),
    bound("one weight: writes of the agent", &["agent/one weight writes"], 1.0),
    bound("nothing changed: writes of the agent", &["agent/nothing changed writes"], 0.0),
    // Reading is mostly our own code, which is many times slower where it is not optimised.
    optimised(ratio(
        "table read with its counters : ipvsadm -Ln --stats",
        &["kernel/observe ms"],
        "ipvsadm/-Ln --stats ms",
        0.3,
    )),
    optimised(ratio(
        "count of each second : ipvsadm -Ln --stats",
        &["kernel/count of each second ms"],
        "ipvsadm/-Ln --stats ms",
        0.12,
    )),
    optimised(bound("agent with a full table, idle: % of a processor", &["agent/idle CPU %"], 1.0)),
    optimised(bound("agent with a full table: memory, KiB", &["agent/memory KiB"], 30.0 * 1024.0)),
    ratio(
        "host cut off, clients wait: our defaults : keepalived's",
        &["caribe, heartbeat, defaults/host cut off: longest wait ms"],
        "keepalived, defaults/host cut off: longest wait ms",
        0.25,
    ),
    ratio(
        "interfaces down, clients wait: our defaults : keepalived's",
        &["caribe, heartbeat, defaults/interfaces down: longest wait ms"],
        "keepalived, defaults/interfaces down: longest wait ms",
        0.25,
    ),
    ratio(
        "host cut off, clients wait: our VRRP : keepalived's, 1 s both",
        &["caribe, VRRP 2, 1 s/host cut off: longest wait ms"],
        "keepalived, defaults/host cut off: longest wait ms",
        1.0,
    ),
    ratio(
        "interfaces down, clients wait: our VRRP : keepalived's, 1 s both",
        &["caribe, VRRP 2, 1 s/interfaces down: longest wait ms"],
        "keepalived, defaults/interfaces down: longest wait ms",
        1.0,
    ),
    bound(
        "planned, connections not copied: failed requests of a 20 ms poll",
        &["caribe, heartbeat, defaults/planned: failed"],
        1.0,
    ),
    optimised(ratio(
        "processor time of a TCP check : keepalived's",
        &["caribe/1000 checks a second: CPU each us"],
        "keepalived/1000 checks a second: CPU each us",
        0.7,
    )),
    optimised(ratio(
        "the same where ten services share a server : keepalived's",
        &["caribe/1000 checks a second, 10 services share each server: CPU each us"],
        "keepalived/1000 checks a second, 10 services share each server: CPU each us",
        0.1,
    )),
    optimised(ratio(
        "memory for 10,000 checks : keepalived's",
        &["caribe/10000 checks every 10 s: memory KiB"],
        "keepalived/10000 checks every 10 s: memory KiB",
        1.0,
    )),
    ratio(
        "silent server out, checked every second : keepalived's",
        &["caribe/silent server: row gone ms"],
        "keepalived/silent server: row gone ms",
        0.3,
    ),
    optimised(bound("200 open pages: % of a processor", &["pages/200 pages: CPU %"], 50.0)),
    optimised(bound("an open page: bytes a second", &["pages/each: bytes a second"], 100_000.0)),
    optimised(bound("console, idle, as started: memory, KiB", &["console/memory KiB"], 60.0 * 1024.0)),
    optimised(bound("console, start to first page, ms", &["console/first page ms"], 100.0)),
    optimised(bound(
        "console, list of all virtual servers, page: first byte, ms",
        &["console/list page ms"],
        150.0,
    )),
    optimised(bound(
        "console, list of all virtual servers, API: first byte, ms",
        &["console/list API ms"],
        150.0,
    )),
];

/// What else is set beside each other, without an aim.
const BESIDE: &[Aim] = &[
    ratio(
        "one weight, kernel part : ipvsadm -e",
        &["kernel/one weight ms"],
        "ipvsadm/one weight ms",
        f64::INFINITY,
    ),
    ratio(
        "one weight, agent's processor time and all : keepalived's reload",
        &["agent/one weight ms"],
        "keepalived/reload one weight CPU ms",
        f64::INFINITY,
    ),
    ratio(
        "nothing changed, agent's processor time : keepalived's reload",
        &["agent/nothing changed CPU ms"],
        "keepalived/reload unchanged CPU ms",
        f64::INFINITY,
    ),
    ratio(
        "all rows, agent's processor time : keepalived's start",
        &["agent/apply CPU ms"],
        "keepalived/start CPU ms",
        f64::INFINITY,
    ),
    ratio(
        "refusing server out, checked every second : keepalived's",
        &["caribe/refusing server: row gone ms"],
        "keepalived/refusing server: row gone ms",
        f64::INFINITY,
    ),
    ratio("memory, agent : keepalived", &["agent/memory KiB"], "keepalived/memory KiB", f64::INFINITY),
];

/// What came of an aim.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) aim: &'static Aim,
    spread: Spread,
    /// Whether this run can be held to it.
    counts: bool,
}

impl Judged {
    fn met(&self) -> bool {
        self.spread.median <= self.aim.most
    }

    /// Missed by more than what a smaller table or a slower build explains.
    pub(super) fn lost_by_far(&self) -> bool {
        self.counts && self.spread.median > self.aim.most * FAR
    }

    fn verdict(&self) -> &'static str {
        match (self.aim.most.is_finite(), self.counts, self.met()) {
            (false, ..) => "",
            (_, false, _) => "not held to it",
            (_, _, true) => "met",
            (_, _, false) => "MISSED",
        }
    }
}

/// Every aim whose samples are there.
pub(super) fn judge(figures: &Figures, release: bool, services: u16) -> Vec<Judged> {
    let one = |aim: &'static Aim| {
        let mut ours: Option<Vec<f64>> = None;
        for name in aim.ours {
            let samples = figures.of(name)?;
            ours = Some(match ours {
                None => samples.to_vec(),
                Some(sum) => sum.iter().zip(samples).map(|(a, b)| a + b).collect(),
            });
        }
        let ours = ours?;
        let spread = match aim.peer {
            Some(peer) => Spread::of_ratio(&ours, figures.of(peer)?)?,
            None => Spread::of(&ours)?,
        };
        let counts = (release || !aim.optimised) && services >= aim.services;
        Some(Judged { aim, spread, counts })
    };
    AIMS.iter().chain(BESIDE).filter_map(one).collect()
}

/// Both tables: the aims, then every figure.
pub(super) fn show(figures: &Figures, judged: &[Judged]) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{:<66} {:>10} {:>21} {:>8}", "", "median", "least to most", "aim");
    for judged in judged {
        let Spread { median, least, most } = judged.spread;
        let aim = if judged.aim.most.is_finite() { number(judged.aim.most) } else { String::new() };
        let ends = format!("{} to {}", number(least), number(most));
        let line = format!(
            "{:<66} {:>10} {ends:>21} {aim:>8}  {}",
            judged.aim.what,
            number(median),
            judged.verdict()
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(text, "\n{:<66} {:>10} {:>21}", "figure", "median", "least to most");
    for name in figures.names() {
        let Some(Spread { median, least, most }) = figures.of(name).and_then(Spread::of) else { continue };
        let ends = format!("{} to {}", number(least), number(most));
        let _ = writeln!(text, "{name:<66} {:>10} {ends:>21}", number(median));
    }
    text
}

/// Three digits are more than a measurement deserves.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small == 0.0 || small >= 1.0 && small.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.3}"),
    }
}

pub(super) fn to_json(judged: &[Judged]) -> Value {
    let one = |judged: &Judged| {
        let Spread { median, least, most } = judged.spread;
        let aim = judged.aim.most.is_finite().then_some(judged.aim.most);
        json!({
            "what": judged.aim.what, "ours": judged.aim.ours, "peer": judged.aim.peer, "median": median,
            "least": least, "most": most, "aim": aim, "held_to_it": judged.counts,
            "met": aim.map(|_| judged.met()),
        })
    };
    judged.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(apply: f64) -> Figures {
        let mut figures = Figures::default();
        figures.add("kernel/apply ms", apply);
        figures.add("ipvsadm/-R ms", 100.0);
        figures.add("agent/activation ms", 400.0);
        figures.add("agent/memory KiB", 40_000.0);
        figures
    }

    #[test]
    fn a_ratio_is_met_missed_and_lost_by_far() {
        for (apply, verdict, far) in [(15.0, "met", false), (25.0, "MISSED", false), (45.0, "MISSED", true)] {
            let figures = figures(apply);
            let judged = judge(&figures, true, 1_000);
            let first = judged.first().unwrap();
            assert_eq!((first.verdict(), first.lost_by_far()), (verdict, far), "{apply}");
        }
    }

    #[test]
    fn a_small_or_slow_run_is_not_held_to_what_depends_on_size_and_build() {
        let figures = figures(15.0);
        let far = |release, services| {
            judge(&figures, release, services).iter().filter(|judged| judged.lost_by_far()).count()
        };
        assert_eq!((far(true, 1_000), far(true, 100), far(false, 1_000)), (1, 0, 0));
    }

    #[test]
    fn every_aim_that_has_samples_is_in_the_table_with_its_verdict() {
        let figures = figures(15.0);
        let judged = judge(&figures, true, 1_000);
        let text = show(&figures, &judged);
        assert_eq!(judged.len(), 3);
        assert!(text.contains("0.150") && text.contains("MISSED"), "{text}");
        let json = to_json(&judged);
        assert_eq!(json.pointer("/0/met"), Some(&json!(true)));
    }
}
