//! Programs by argument vector: run to their end, or kept in the background with their output. Never a shell. A
//! background program ends with the value that holds it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

use crate::wait::{self, Seen};

/// How long lines of a program that has ended are still waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a program said when it had ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Both outputs, for a message.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr).trim().to_owned()
    }
}

/// A command from words.
pub fn command<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> Command {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().map(|word| word.as_ref().to_owned()).unwrap_or_default());
    command.args(words);
    command
}

/// Runs a command to its end, whatever the end; `input` is its standard input.
pub fn finish(mut command: Command, input: &[u8]) -> Result<Finished> {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {shown}"))?;
    let pipe = child.stdin.take();
    // Written beside the reading: a program that complains of every line would else fill its pipe and wait for us.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program that does not read its input may have closed it; its exit code tells more than this would.
            pipe.map(|mut pipe| pipe.write_all(input))
        });
        child.wait_with_output()
    })?;
    Ok(Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a command that must succeed and returns its standard output.
pub fn run(command: Command) -> Result<String> {
    let shown = format!("{command:?}");
    let finished = finish(command, b"")?;
    if !finished.status.success() {
        bail!("{shown}: {}: {}", finished.status, finished.said());
    }
    Ok(finished.stdout)
}

/// A program in the background. Its standard output is kept by line, its standard error goes to a file.
pub struct Background {
    name: String,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Background {
    /// Starts a command. It gets a process group of its own, so that an interrupt at the terminal reaches only us.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Background> {
        let errors = File::options().create(true).append(true).open(log)?;
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start {name}: {command:?}"))?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        if let Some(output) = child.stdout.take() {
            let lines = Arc::clone(&lines);
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
                    held(&lines).push(line);
                }
            });
        }
        Ok(Background { name: name.to_owned(), child, lines })
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        held(&self.lines).clone()
    }

    /// Takes the lines that came since the last time.
    pub fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut *held(&self.lines))
    }

    /// Waits for a line of the form `WORD VALUE` and returns the value.
    pub fn wait_for_word(&mut self, word: &str, limit: Duration) -> Result<String> {
        let name = self.name.clone();
        let prefix = format!("{word} ");
        let mut gone: Option<Instant> = None;
        let said = wait::until(&format!("\"{word}\" from {name}"), limit, || {
            // Looked at before the lines: what it wrote before it ended must not be missed.
            let ended = self.child.try_wait()?;
            let found =
                held(&self.lines).iter().find_map(|line| line.strip_prefix(&prefix).map(str::to_owned));
            Ok(match (found, ended) {
                (Some(value), _) => Seen::Yes(Ok(value)),
                (None, Some(status)) if gone.get_or_insert_with(Instant::now).elapsed() > LAST_WORDS => {
                    Seen::Yes(Err(status))
                }
                (None, Some(status)) => Seen::not_yet(format!("it has ended: {status}")),
                (None, None) => Seen::not_yet("it has not said so"),
            })
        })?;
        said.map_err(|status| anyhow!("{name} has ended without {word:?}: {status}"))
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Ends it at once (SIGKILL), as a crash would.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        send(signal, self.child.id())
    }

    /// Asks it to end (SIGTERM) and waits for that.
    pub fn stop(mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let name = self.name.clone();
        wait::until(&format!("the end of {name}"), limit, || {
            Ok(match self.child.try_wait()? {
                Some(status) => Seen::Yes(status),
                None => Seen::not_yet("it still runs"),
            })
        })
    }
}

/// Sends a process a signal. Without the program `kill`, which not every machine has.
pub fn send(signal: Signal, process: u32) -> Result<()> {
    let id = i32::try_from(process).ok().and_then(Pid::from_raw).context("no number of a process")?;
    kill_process(id, signal).with_context(|| format!("cannot send {signal:?} to process {process}"))
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may be gone already; otherwise it must not outlive the test. Nothing is left to report either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A reader that panicked leaves whole lines behind; they are as good as before.
fn held(lines: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
