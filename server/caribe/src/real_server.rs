//! `caribe real-server`: on a real server, the load agent, its state, and the set-up for direct routing and tunnels.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use director::real_server::{LoadAgent, change_state, report, serve, set_up};
use lvs::health::AgentState;
use lvs::real_server::{Limits, Mode, Wanted, networkd, script};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::real_server_words::{LoadLimits, ModeWord, Place, PrintWord, RealServer, Serve, Setup, State};
use crate::signals;

/// Runs one of them.
pub(crate) async fn run(arguments: RealServer) -> anyhow::Result<()> {
    match arguments.command {
        State::Serve(serving) => listen(serving).await,
        State::Ready(place) => state(place, AgentState::Ready, ""),
        State::Drain(reason) => state(reason.place, AgentState::Drain, &reason.reason),
        State::Maint(reason) => state(reason.place, AgentState::Maintenance, &reason.reason),
        State::Status(asked) => {
            let (report, wrong) = report(&folder(asked.place), &limits(asked.limits)?);
            print!("{}", report.json());
            match wrong {
                Some(wrong) => bail!("{wrong}"),
                None => Ok(()),
            }
        }
        State::Setup(setup) => prepare(setup),
    }
}

fn folder(place: Place) -> PathBuf {
    place.data
}

fn limits(words: LoadLimits) -> anyhow::Result<Limits> {
    let milli = |load: f64| {
        ensure!(
            load.is_finite() && (0.0..=10_000.0).contains(&load),
            "{load} is no load average for a processor; expected is a number from 0 to 10000, such as 1.5"
        );
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most ten million")]
        Ok((load * 1000.0).round() as u32)
    };
    let (full, least_at) = (milli(words.full_load)?, milli(words.least_load)?);
    ensure!(
        full < least_at,
        "--full-load {} must be less than --least-load {}",
        words.full_load,
        words.least_load
    );
    Ok(Limits { full, least_at, least: words.least })
}

async fn listen(serving: Serve) -> anyhow::Result<()> {
    let says = LoadAgent { limits: limits(serving.limits)?, folder: folder(serving.place) };
    let bind = async |address| {
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
    };
    let line = bind(serving.line).await?;
    println!("line {}", line.local_addr()?);
    let http = match serving.http {
        Some(address) => {
            let http = bind(address).await?;
            println!("http http://{}/", http.local_addr()?);
            Some(http)
        }
        None => None,
    };
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(serve(says, line, http, stopped));
    signals::stop().await?;
    stop.send_replace(true);
    Ok(serving.await?)
}

fn state(place: Place, state: AgentState, reason: &str) -> anyhow::Result<()> {
    change_state(&folder(place), state, reason)?;
    println!("{}", lvs::real_server::write_state(state, reason).trim_end());
    Ok(())
}

fn prepare(setup: Setup) -> anyhow::Result<()> {
    let mode = match setup.mode {
        Some(ModeWord::Direct) => Some(Mode::Direct),
        Some(ModeWord::Tunnel) => Some(Mode::Tunnel),
        None => None,
    };
    let wanted = mode.map(|mode| Wanted { mode, vips: setup.vips.into_iter().collect() });
    if let Some(print) = setup.print {
        let wanted =
            wanted.context("--print needs --mode and --vip: it says what would be done on any machine")?;
        match print {
            PrintWord::Script => print!("{}", script(&wanted, setup.undo)),
            PrintWord::Networkd if setup.undo => {
                networkd(&wanted).into_iter().for_each(|(path, _)| println!("rm {path}"));
            }
            PrintWord::Networkd => {
                networkd(&wanted).into_iter().for_each(|(path, text)| println!("### {path}\n{text}"));
            }
        }
        return Ok(());
    }
    let wanted = if setup.undo {
        None
    } else {
        Some(wanted.context("--mode and --vip say what is to be set up; --undo takes it back")?)
    };
    let steps = set_up(&folder(setup.place), wanted.as_ref(), setup.dry_run)?;
    for step in &steps {
        println!("{step}");
    }
    match (steps.is_empty(), setup.dry_run) {
        (true, _) => println!("nothing to do"),
        (false, true) => println!("# not done (--dry-run)"),
        (false, false) => println!("# done"),
    }
    Ok(())
}
