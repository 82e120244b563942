//! The network between two directors falls apart and heals, while both are well and each serves its own side: one of them
//! stays, says so at once, and whoever is in front of the directors finds it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use testkit::process::Background;
use testkit::wait::{self, Seen};

use crate::network::{self, DIRECTORS, Director, Servers, VIP};
use crate::pair::{EVERY, Figures, checking, found_at, holds, one_owner, owner, runs, settled, unplugged};
use crate::stage::{PATIENCE, SERVERS, Stage};

/// The longest a client may wait: a deadtime of 500 ms, and a margin for an emulated machine.
const LONGEST: u64 = 2_000;
/// Rounds of announcements are four seconds apart at most.
const APART: Duration = Duration::from_secs(5);

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let (_console, api, _agents) = stage.cluster(&stage.pair(Servers::Nat, false)?)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    let mut figures = Figures::default();
    let mut traffic = stage.traffic_within(EVERY, EVERY * 10)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    let heard = Announcements::start(&stage)?;
    for _ in 0..runs() {
        for (lost, stays) in [(first, second), (second, first)] {
            settled(&api, stays)?;
            traffic.forget();
            heard.forget();
            unplugged(lost, true)?;
            one_owner(stays)?;
            figures.note(
                &stage,
                &mut traffic,
                "the active director loses its network, not its carrier",
                LONGEST,
            )?;
            heard.both_forms(stays)?;
            ensure!(holds(lost)?, "{} gave up what nobody it could hear had claimed", lost.name);

            heard.rounds_end()?;
            traffic.forget();
            heard.forget();
            unplugged(lost, false)?;
            let healed = Instant::now();
            let kept = loop {
                match [holds(lost)?, holds(stays)?] {
                    [true, true] if healed.elapsed() < PATIENCE => {}
                    [false, true] => break healed.elapsed(),
                    held => {
                        bail!("after {} ms they hold the address: {held:?}", healed.elapsed().as_millis())
                    }
                }
            };
            stage.say(&format!(
                "{} ms after the network healed one director holds the address",
                kept.as_millis()
            ));
            heard.both_forms(stays)?;
            owner(&api, stays, lost)?;
            found_at(stays)?;
            figures.note(&stage, &mut traffic, "the network healed", LONGEST)?;
            heard.forget();
            settled(&api, lost)?;
            // It found no server while it was alone with its addresses.
            checking(&api, lost, &[("/up", SERVERS.len())])?;
            let late = heard.from(lost)?;
            ensure!(late.is_empty(), "{} goes on announcing what it has not: {late:?}", lost.name);
        }
    }
    figures.show(&stage);
    Ok(())
}

/// What the router in front of the directors hears of the virtual address by ARP.
struct Announcements(Background);

impl Announcements {
    fn start(stage: &Stage) -> Result<Self> {
        let vip = VIP.to_string();
        let words = [
            "tcpdump", "-Z", "root", "-n", "-e", "-t", "-l", "-i", "pub0", "arp", "and", "src", "host", &vip,
        ];
        let command = network::within("router", &words);
        let log = stage.log("announcements");
        let heard = Background::start("tcpdump", command, &log)?;
        wait::until("tcpdump listens", PATIENCE, || {
            let said = std::fs::read_to_string(&log)?;
            Ok(if said.contains("listening on") { Seen::Yes(()) } else { Seen::not_yet(said) })
        })?;
        Ok(Announcements(heard))
    }

    fn forget(&self) {
        drop(self.0.take_lines());
    }

    /// Waits until the rounds of a take-over are over: nothing comes for longer than they are apart.
    fn rounds_end(&self) -> Result<()> {
        let mut last = Instant::now();
        wait::until("the end of a take-over's announcements", PATIENCE, || {
            if !self.0.take_lines().is_empty() {
                last = Instant::now();
            }
            let quiet = last.elapsed();
            Ok(if quiet > APART { Seen::Yes(()) } else { Seen::not_yet(format!("quiet for {quiet:?}")) })
        })
    }

    /// The announcements of one director.
    fn from(&self, director: &Director) -> Result<Vec<String>> {
        let mac = network::hardware_address(director.namespace, "eth0")?;
        Ok(self.0.lines().into_iter().filter(|line| line.starts_with(&mac)).collect())
    }

    /// Waits until a director has announced the address to everybody, as a request and as a reply: some hosts only take
    /// the one, some only the other.
    fn both_forms(&self, director: &Director) -> Result<()> {
        wait::until(&format!("{} announces the address in both forms", director.name), PATIENCE, || {
            let lines = self.from(director)?;
            let all = |form: &str| {
                let mut lines = lines.iter().filter(|line| line.contains("> ff:ff:ff:ff:ff:ff"));
                lines.any(|line| line.contains(form))
            };
            let both = all(&format!("Request who-has {VIP}")) && all(&format!("Reply {VIP} is-at"));
            Ok(if both { Seen::Yes(()) } else { Seen::not_yet(format!("{lines:?}")) })
        })
    }
}
