//! The programs that run when this director becomes active, and when it does not own any more.
//!
//! They run on a thread of their own, one after the other, and nothing waits for them. No shell; arguments are the words
//! of the setting. Only programs in the hook folders are run, and only such as nobody but their owner may change: who
//! may change a configuration in the console is not thereby allowed to run anything on a director. What was run for a
//! state is noted on the disk, so that a restarted agent does not run it again; after a boot it does.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lvs::wire::{HookOutcome, HookStatus};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::disk::Folder;

/// Beside the folder `hooks` in the agent's own, where administrators keep their programs.
const SHARED: &str = "/etc/caribe/hooks";
const FILE: &str = "hooks.json";
const REMEDY: &str = "the program of the present state runs once more";
/// How long a program may run.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

/// The programs of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Commands {
    /// Run on becoming active.
    pub(crate) active: Option<String>,
    /// Run on ceasing to be.
    pub(crate) inactive: Option<String>,
}

/// For which state a program was run last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Page {
    /// During which boot.
    boot: String,
    active: bool,
}

/// The way to the thread.
#[derive(Clone, Debug)]
pub(crate) struct Hooks(Sender<(bool, Commands)>);

impl Hooks {
    /// Starts the thread, which ends when the last of these is dropped; `told` hears how each run goes. Once `leaving` is
    /// set, nobody waits for a program any more.
    pub(crate) fn start(
        folder: Folder,
        boot: String,
        leaving: Arc<AtomicBool>,
        told: impl Fn(HookStatus) + Send + 'static,
    ) -> std::io::Result<(Hooks, JoinHandle<()>)> {
        let (states, inbox) = channel();
        let runner =
            Runner { folders: vec![folder.path("hooks"), PathBuf::from(SHARED)], limit: LIMIT, leaving };
        let run = move || watch(&inbox, &runner, &folder, &boot, &told);
        let thread = std::thread::Builder::new().name("hooks".to_owned()).spawn(run)?;
        Ok((Hooks(states), thread))
    }

    /// This director owns the addresses now, or does not. Said twice, it counts once.
    pub(crate) fn state(&self, active: bool, commands: Commands) {
        let _ = self.0.send((active, commands));
    }
}

fn watch(
    inbox: &Receiver<(bool, Commands)>,
    runner: &Runner,
    folder: &Folder,
    boot: &str,
    told: &dyn Fn(HookStatus),
) {
    let page = folder.read_json::<Page>(FILE, REMEDY).unwrap_or_else(|error| {
        tracing::warn!(%error, "for which state a program ran last is lost");
        None
    });
    // A machine that has just booted has not been active: there is nothing to undo.
    let mut last = page.is_some_and(|page| page.boot == boot && page.active);
    while let Ok((mut active, mut commands)) = inbox.recv() {
        // What was overtaken while a program ran is not run any more.
        while let Ok(newer) = inbox.try_recv() {
            (active, commands) = newer;
        }
        if active == last {
            continue;
        }
        last = active;
        let page = Page { boot: boot.to_owned(), active };
        let bytes = serde_json::to_vec(&page).unwrap_or_default();
        if let Err(error) = folder.write(FILE, &bytes) {
            tracing::warn!(%error, "cannot note for which state a program ran");
        }
        let Some(command) = (if active { commands.active } else { commands.inactive }) else { continue };
        told(HookStatus { active, outcome: HookOutcome::Running });
        let outcome = runner.run(&command, active);
        tracing::info!(active, ?outcome, "the program of this state has run");
        told(HookStatus { active, outcome });
    }
}

/// How programs are run.
struct Runner {
    folders: Vec<PathBuf>,
    limit: Duration,
    /// The agent ends: programs go on by themselves.
    leaving: Arc<AtomicBool>,
}

impl Runner {
    fn run(&self, command: &str, active: bool) -> HookOutcome {
        let mut words = command.split_whitespace();
        let started = words.next().ok_or_else(|| "no program is named".to_owned()).and_then(|program| {
            let file = self.find(program)?;
            let mut command = Command::new(file);
            command.args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            command.env("CARIBE_STATE", if active { "active" } else { "standby" });
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.current_dir("/").process_group(0);
            command.spawn().map_err(|error| format!("{program} cannot be run: {error}"))
        });
        match started {
            Ok(child) => self.wait(child),
            Err(reason) => HookOutcome::Failed { reason },
        }
    }

    fn wait(&self, mut child: Child) -> HookOutcome {
        let deadline = Instant::now() + self.limit;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return judged(status),
                Ok(None) if self.leaving.load(Ordering::Relaxed) => return HookOutcome::Running,
                Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK),
                Ok(None) => {
                    end(&mut child);
                    let seconds = self.limit.as_secs();
                    return HookOutcome::Failed {
                        reason: format!("ended after {seconds} s without an end of its own"),
                    };
                }
                Err(error) => return HookOutcome::Failed { reason: error.to_string() },
            }
        }
    }

    /// The program's file: really in one of the folders, and nobody else's to change.
    fn find(&self, program: &str) -> Result<PathBuf, String> {
        let folders =
            || self.folders.iter().map(|each| each.display().to_string()).collect::<Vec<_>>().join(", ");
        let candidates: Vec<PathBuf> = match Path::new(program) {
            path if path.is_absolute() => vec![path.to_owned()],
            path => self.folders.iter().map(|folder| folder.join(path)).collect(),
        };
        let found = candidates.iter().find_map(|path| std::fs::canonicalize(path).ok());
        let file = found.ok_or_else(|| format!("there is no {program} in {}", folders()))?;
        let inside =
            |folder: &PathBuf| std::fs::canonicalize(folder).is_ok_and(|real| file.starts_with(real));
        if !self.folders.iter().any(inside) {
            return Err(format!("{program} is not in {}; only programs there are run", folders()));
        }
        let mode = std::fs::metadata(&file).map_err(|error| error.to_string())?.permissions().mode();
        if mode & 0o022 != 0 {
            return Err(format!("{program} may be changed by others than its owner"));
        }
        Ok(file)
    }
}

fn judged(status: ExitStatus) -> HookOutcome {
    if status.success() { HookOutcome::Succeeded } else { HookOutcome::Failed { reason: status.to_string() } }
}

/// Ends the program with everything it has started.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, name: &str, script: &str) -> String {
        std::fs::create_dir_all(folder).unwrap();
        let file = folder.join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        file.display().to_string()
    }

    fn reason(outcome: HookOutcome) -> String {
        match outcome {
            HookOutcome::Failed { reason } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_programs_of_the_folders_run_and_their_words_are_never_a_shells() {
        let place = tempfile::tempdir().unwrap();
        let hooks = place.path().join("hooks");
        let told = place.path().join("told");
        let script = format!("printf '%s\\n' \"$CARIBE_STATE\" \"$@\" > {}", told.display());
        let good = program(&hooks, "tell", &script);
        let outside = program(place.path(), "outside", "exit 0");
        let runner =
            Runner { folders: vec![hooks.clone()], limit: Duration::from_secs(20), leaving: Arc::default() };
        assert_eq!(runner.run(&format!("{good} a $(id) ;rm"), true), HookOutcome::Succeeded);
        assert_eq!(std::fs::read_to_string(&told).unwrap(), "active\na\n$(id)\n;rm\n");
        assert_eq!(runner.run("tell", false), HookOutcome::Succeeded, "found by its name");
        assert!(reason(runner.run(&outside, true)).contains("only programs there are run"));
        let way_out = format!("{}/../outside", hooks.display());
        assert!(reason(runner.run(&way_out, true)).contains("only programs there are run"));
        assert!(reason(runner.run("missing", true)).starts_with("there is no missing"));
        program(&hooks, "bad", "exit 3");
        assert!(reason(runner.run("bad", true)).contains('3'));
        std::fs::set_permissions(&good, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(reason(runner.run(&good, true)).contains("changed by others"));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_with_its_children() {
        let place = tempfile::tempdir().unwrap();
        let marker = place.path().join("alive");
        let child = format!("(while :; do date > {}; sleep 0.05; done) & wait", marker.display());
        program(&place.path().join("hooks"), "hang", &child);
        let runner = Runner {
            folders: vec![place.path().join("hooks")],
            limit: Duration::from_millis(400),
            leaving: Arc::default(),
        };
        assert!(reason(runner.run("hang", true)).contains("without an end"));
        let _ = std::fs::remove_file(&marker);
        std::thread::sleep(Duration::from_millis(300));
        assert!(!marker.exists(), "its children are gone too");
    }

    #[test]
    fn a_state_runs_its_program_once_also_across_restarts() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let told = place.path().join("told");
        let script = format!("echo \"$CARIBE_STATE\" >> {}", told.display());
        program(&place.path().join("hooks"), "tell", &script);
        let commands = Commands { active: Some("tell".to_owned()), inactive: Some("tell".to_owned()) };
        let run = |boot: &str, states: &[bool]| {
            let (done, ran) = channel();
            let (hooks, thread) =
                Hooks::start(folder.clone(), boot.to_owned(), Arc::default(), move |status| {
                    if status.outcome != HookOutcome::Running {
                        let _ = done.send(status);
                    }
                })
                .unwrap();
            let mut runs = 0;
            for state in states {
                hooks.state(*state, commands.clone());
                runs += usize::from(ran.recv_timeout(Duration::from_secs(2)).is_ok());
            }
            drop(hooks);
            thread.join().unwrap();
            runs
        };
        assert_eq!(run("boot-1", &[false]), 0, "it has not been active since the boot");
        assert_eq!(run("boot-1", &[true]), 1);
        assert_eq!(run("boot-1", &[true]), 0, "a restarted agent that is still active");
        assert_eq!(run("boot-1", &[false]), 1);
        assert_eq!(run("boot-1", &[true]), 1);
        assert_eq!(run("boot-2", &[true]), 1, "after a boot nothing of it is left");
        assert_eq!(std::fs::read_to_string(&told).unwrap(), "active\nstandby\nactive\nactive\n");
    }
}
