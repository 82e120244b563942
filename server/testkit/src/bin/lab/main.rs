//! The lab's program: scenarios that drive Caribe from outside on a real kernel, and the small servers and clients
//! they need. Runs as root, in the guest or in namespaces of its own; `cargo xtask lab` starts it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "test programs talk on their terminal")]

mod beats;
mod cost;
mod demo;
mod distribution;
mod figures;
mod flood;
mod network;
mod odd;
mod pair;
mod rival;
mod scenario;
mod stage;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use testkit::{http, traffic};

/// The file that says why a scenario failed; `cargo xtask` reads it.
const FAILURE: &str = "failure";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match answer(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn answer(words: &[&str]) -> Result<()> {
    match words {
        ["list"] => {
            for scenario in scenario::ALL {
                let manner = if scenario.alone { "alone" } else { "beside" };
                let manner = manner.to_owned() + if scenario.servers { "+servers" } else { "" };
                println!("{:<20} {manner:<14} {}", scenario.name, scenario.about);
            }
            Ok(())
        }
        ["run", name] => run(name),
        ["demo", console, a, b, sockets @ ..] => {
            demo::run(console.parse()?, [a.parse()?, b.parse()?], sockets.first().map(Path::new))
        }
        ["pump", from, to] => demo::pump(from, to),
        ["http-server", listen, name] => http::serve(listen.parse()?, name),
        ["traffic", to, every, limit] => {
            let milliseconds = |text: &str| text.parse().map(Duration::from_millis);
            traffic::send(to.parse()?, milliseconds(every)?, milliseconds(limit)?, None)
        }
        ["transfer", from, limit] => {
            traffic::transfer(from.parse()?, limit.parse().map(Duration::from_millis)?)
        }
        ["odd-server", kind, listen] => odd::serve(kind, listen.parse()?),
        ["hold-ports", first, last] => odd::hold(first.parse()?, last.parse()?),
        ["as-nobody", program @ ..] => odd::as_nobody(program),
        ["flood", to, rate, seconds] => flood::send(to.parse()?, rate.parse()?, seconds.parse()?),
        _ => {
            bail!(
                "usage: lab list | run NAME | demo CONSOLE-PORT AGENT-PORT AGENT-PORT [SOCKETS] | pump FROM TO | \
             http-server ADDR:PORT NAME | traffic ADDR:PORT EVERY-MS LIMIT-MS | transfer ADDR:PORT LIMIT-MS | \
             flood ADDR:PORT PER-SECOND SECONDS | odd-server KIND ADDR:PORT | hold-ports FIRST LAST | as-nobody PROGRAM …"
            )
        }
    }
}

fn run(name: &str) -> Result<()> {
    let scenario = scenario::ALL.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.with_context(|| format!("no scenario {name:?}; see lab list"))?;
    println!("# {}: {}", scenario.name, scenario.about);
    let begun = Instant::now();
    if let Err(error) = (scenario.run)() {
        // The current folder is the one of results; who runs many scenarios repeats this at the end.
        std::fs::write(FAILURE, format!("{error:#}")).context(FAILURE)?;
        return Err(error);
    }
    println!("# {}: passed in {:.1} s", scenario.name, begun.elapsed().as_secs_f32());
    Ok(())
}
