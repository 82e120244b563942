//! `caribe real-server`: on a real server, the load agent, its state, and the set-up for direct routing and tunnels.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use director::real_server::{LoadAgent, change_state, load_modules, report, serve, set_up};
use lvs::health::AgentState;
use lvs::real_server::{Encapsulation, Limits, Mode, Wanted, networkd, script};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::real_server_words::{
    EncapsulationWord, LoadLimits, ModeWord, Place, PrintWord, RealServer, Serve, Setup, State,
};
use crate::settings::{self, MaybeMode};
use crate::{notify, signals};

/// Runs one of them.
pub(crate) async fn run(arguments: RealServer, settings: settings::RealServer) -> anyhow::Result<()> {
    let folder = |place| folder(place, &settings);
    match arguments.command {
        State::Serve(serving) => listen(serving, &settings).await,
        State::Ready(place) => state(&folder(place), AgentState::Ready, ""),
        State::Drain(reason) => state(&folder(reason.place), AgentState::Drain, &reason.reason),
        State::Maint(reason) => state(&folder(reason.place), AgentState::Maintenance, &reason.reason),
        State::Status(asked) => {
            let (report, wrong) = report(&folder(asked.place), &limits(asked.limits)?);
            print!("{}", report.json());
            match wrong {
                Some(wrong) => bail!("{wrong}"),
                None => Ok(()),
            }
        }
        State::Setup(setup) => prepare(setup, &settings),
    }
}

fn folder(place: Place, settings: &settings::RealServer) -> PathBuf {
    place.data.unwrap_or_else(|| settings.data.clone())
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

async fn listen(serving: Serve, settings: &settings::RealServer) -> anyhow::Result<()> {
    let says = LoadAgent { limits: limits(serving.limits)?, folder: folder(serving.place, settings) };
    let bind = async |address| {
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
    };
    let line = bind(serving.line.unwrap_or(settings.line)).await?;
    println!("line {}", line.local_addr()?);
    let http = match serving.http.or(settings.http.0) {
        Some(address) => {
            let http = bind(address).await?;
            println!("http http://{}/", http.local_addr()?);
            Some(http)
        }
        None => None,
    };
    notify::ready(&format!("load agent at {}", line.local_addr()?));
    let alive = tokio::spawn(notify::keep_alive(async || true));
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(serve(says, line, http, stopped));
    signals::stop().await?;
    notify::ending();
    alive.abort();
    stop.send_replace(true);
    Ok(serving.await?)
}

fn state(folder: &Path, state: AgentState, reason: &str) -> anyhow::Result<()> {
    change_state(folder, state, reason)?;
    println!("{}", lvs::real_server::write_state(state, reason).trim_end());
    Ok(())
}

/// What is to be set up, by words or by settings; none where nothing is.
fn wanted(setup: &Setup, settings: &settings::RealServer) -> anyhow::Result<Option<Wanted>> {
    let (mode, vips, encapsulation, port) = if setup.settings {
        let mode = match settings.mode {
            MaybeMode::None => None,
            MaybeMode::Direct => Some(ModeWord::Direct),
            MaybeMode::Tunnel => Some(ModeWord::Tunnel),
        };
        ensure!(
            mode.is_some() != settings.vips.is_empty(),
            "[real_server] of the settings file: mode and vips belong together; expected are both, such as mode = \"direct\" \
             and vips = [\"192.0.2.10\"], or neither"
        );
        (mode, &settings.vips, settings.encapsulation, settings.gue_port)
    } else {
        let encapsulation = setup.encapsulation.unwrap_or_default();
        ensure!(
            setup.encapsulation.is_none() || setup.mode == Some(ModeWord::Tunnel),
            "--encapsulation is for --mode tunnel; packets of direct routing are not wrapped in anything"
        );
        ensure!(
            setup.gue_port.is_none() || encapsulation == EncapsulationWord::Gue,
            "--gue-port is for --encapsulation gue; the others have no port"
        );
        (setup.mode, &setup.vips, encapsulation, setup.gue_port.unwrap_or(settings::GUE_PORT))
    };
    let encapsulation = match encapsulation {
        EncapsulationWord::Ipip => Encapsulation::Ipip,
        EncapsulationWord::Gue => Encapsulation::Gue { port },
        EncapsulationWord::Gre => Encapsulation::Gre,
    };
    let mode = mode.map(|mode| match mode {
        ModeWord::Direct => Mode::Direct,
        ModeWord::Tunnel => Mode::Tunnel(encapsulation),
    });
    Ok(mode.map(|mode| Wanted { mode, vips: vips.iter().copied().collect() }))
}

fn prepare(setup: Setup, settings: &settings::RealServer) -> anyhow::Result<()> {
    let wanted = wanted(&setup, settings)?;
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
    let wanted = match wanted {
        _ if setup.undo => None,
        None if !setup.settings => bail!("--mode and --vip say what is to be set up; --undo takes it back"),
        wanted => wanted,
    };
    let data = folder(setup.place, settings);
    let steps = match setup.modules {
        true => load_modules(&data, wanted.as_ref())?,
        false => set_up(&data, wanted.as_ref(), setup.dry_run)?,
    };
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
