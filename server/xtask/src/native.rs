//! The lab without a virtual machine: the same programs in a network and mount namespace of their own, on a host
//! whose kernel has IPVS. Never touches the host's own interfaces, tables or named namespaces: all that the program
//! makes vanishes with its last process.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::guest::{Ended, Run, folder};
use crate::system;

/// Whether this host's kernel has IPVS: loaded, built in, or a module that resolves.
pub fn has_ip_vs() -> bool {
    if Path::new("/proc/net/ip_vs").exists() || Path::new("/sys/module/ip_vs").exists() {
        return true;
    }
    let Some(modprobe) = system::find("modprobe") else { return false };
    let found = Command::new(modprobe).args(["--quiet", "--dry-run", "ip_vs"]).output();
    found.is_ok_and(|output| output.status.success())
}

/// The command that runs another one in fresh namespaces, with a `/run/netns` of its own.
pub fn isolated(program: &Path, arguments: &[String]) -> Result<Command> {
    let mut command = Command::new(system::program("unshare")?);
    // The inner mount hides the host's named namespaces; `ip netns` then sees only what the program itself makes.
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command.arg(system::program("sh")?).args(["-c", "mount -t tmpfs tmpfs /run && exec \"$0\" \"$@\""]);
    command.arg(program).args(arguments);
    Ok(command)
}

/// Makes sure that runs can take place here: root, ip_vs, the tools, and the modules the lab needs.
pub fn require() -> Result<()> {
    require_tools()?;
    // Inside the namespaces nothing can be loaded on demand.
    let modules = ["ip_vs", "veth", "bridge", "dummy", "ipip", "nf_tables"];
    let loaded = system::run(Command::new(system::program("modprobe")?).arg("-a").args(modules));
    loaded.context("cannot load the modules of the lab")
}

/// The programs that native runs need.
pub fn needed() -> Vec<system::Needed> {
    system::TOOLS.iter().filter(|tool| tool.program != "busybox").copied().collect()
}

/// The same without loading a module: what can be said before anything is built.
pub fn require_tools() -> Result<()> {
    if !system::is_root() {
        bail!("a native run needs root");
    }
    if !has_ip_vs() {
        bail!("this host's kernel has no ip_vs; leave --native out to run in a virtual machine");
    }
    system::require(&needed())
}

/// Runs a command to its end, as [`crate::guest::run`] does in a virtual machine.
pub fn run(run: &Run) -> Result<Ended> {
    require()?;
    let results = folder().join("runs").join(&run.name).join("results");
    if results.exists() {
        fs::remove_dir_all(&results)?;
    }
    fs::create_dir_all(&results)?;
    let (name, arguments) = run.command.split_first().context("nothing to run")?;
    let ours =
        run.programs.iter().find(|program| program.file_name().is_some_and(|file| file == name.as_str()));
    let program = match ours {
        Some(program) => program.clone(),
        None => system::program(name)?,
    };
    let mut command = isolated(&program, arguments)?;
    command.envs(run.environment.iter().map(|(name, value)| (name, value)));
    let mut child =
        command.current_dir(&results).stdin(Stdio::null()).spawn().context("cannot run unshare")?;
    let deadline = Instant::now() + run.limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended { code: status.code().unwrap_or(1), results });
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            bail!("{} ran into its time limit; see {}", run.name, results.display());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
