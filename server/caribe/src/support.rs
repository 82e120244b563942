//! `caribe support-bundle`: finds out whose folder it is, has it collected, and writes the file. What is in it belongs to
//! `console` and `director`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use console::{Actor, Console, pack};
use jiff::Timestamp;
use lvs::support::Bundle;

use crate::settings::{Serve, Settings};
use crate::{accounts, cli, words};

/// Whose folder it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Console,
    Agent,
}

impl Of {
    fn as_str(self) -> &'static str {
        match self {
            Of::Console => "console",
            Of::Agent => "agent",
        }
    }
}

/// Writes the bundle of what is in a folder.
pub(crate) async fn run(arguments: cli::SupportBundle, settings: Settings) -> anyhow::Result<()> {
    let (of, data) = find(arguments.data, &settings)?;
    let mut bundle = match of {
        Of::Console => of_console(data, settings.serve.clone()).await,
        Of::Agent => tokio::task::spawn_blocking(move || director::support(&data)).await?,
    };
    bundle.text("settings.toml", toml::to_string(&settings).context("the settings cannot be written")?);
    let packed = pack(bundle, of.as_str(), Timestamp::now())?;
    let file = match arguments.output {
        Some(file) if file.is_dir() => file.join(&packed.name),
        Some(file) => file,
        None => PathBuf::from(&packed.name),
    };
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut to| to.write_all(&packed.archive));
    written.with_context(|| format!("cannot write {}", file.display()))?;
    println!("{}: {} bytes", file.display(), packed.archive.len());
    println!("it holds no secret of ours; its MANIFEST says what is in it, and what is not");
    Ok(())
}

/// Whose folder is meant: the one that was named, else the console's or the agent's of the settings.
fn find(named: Option<PathBuf>, settings: &Settings) -> anyhow::Result<(Of, PathBuf)> {
    let of = |data: &Path| {
        if Console::is_there(data) {
            return Some(Of::Console);
        }
        director::is_agent(data).then_some(Of::Agent)
    };
    let places = match named {
        Some(data) => vec![data],
        None => vec![settings.serve.data.clone(), settings.agent.data.clone()],
    };
    if let Some(found) = places.iter().find_map(|data| Some((of(data)?, data.clone()))) {
        return Ok(found);
    }
    let looked: Vec<String> = places.iter().map(|data| data.display().to_string()).collect();
    bail!(
        "there is no console and no agent in {}; name the folder of one with --data, and be its user or root",
        looked.join(" or ")
    )
}

/// One that does not open is told as well: that is when a bundle is wanted most.
async fn of_console(data: PathBuf, settings: Serve) -> Bundle {
    let told = async {
        let console = accounts::open(Some(data), settings).await?;
        let told = console.support(&Actor::local()).await;
        console.stop().await;
        anyhow::Ok(told?)
    };
    let mut bundle = told.await.unwrap_or_else(|error| {
        let mut bundle = Bundle::default();
        bundle.leave_out("all of the console", &words::in_words(&error));
        bundle
    });
    bundle.leave_out(
        "what directors report at this moment",
        "only the running console knows; its page SETTINGS gives a bundle that holds it",
    );
    bundle
}
