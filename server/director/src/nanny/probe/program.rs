//! An external program asked about a server: no shell, nothing of our environment, a process group of its own that does not
//! outlive the probe.
//!
//! Only programs in the agent's own folders are run: who may change a configuration in the console is not thereby allowed to
//! run anything on a director.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lvs::health::{Failure, LoadReport, LoadWeight, ProgramFailure, Trouble};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::pattern::Pattern;
use super::trail::Trail;
use super::{Fault, Question, down, socket};

/// Bytes of output that are looked at; what comes after is read and thrown away.
const OUTPUT: usize = 4 * 1024;
/// How long output may come after the program's end, from children it left behind.
const AFTER: Duration = Duration::from_millis(100);

/// What programs may be run, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Programs {
    /// Folders that hold them.
    pub(crate) folders: Vec<PathBuf>,
    /// The user they run as; the agent's own where absent.
    pub(crate) user: Option<String>,
}

/// A program with what it is told.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(super) programs: Arc<Programs>,
    /// Name or path, then the arguments; `%h` and `%p` stand for address and port.
    pub(super) words: Vec<String>,
    pub(super) judged: Judged,
}

/// What of a program's run is the verdict.
#[derive(Clone, Debug)]
pub(crate) enum Judged {
    /// Its exit status: 0 is up.
    Status,
    /// The same, and 2 to 255 say the weight (keepalived's `misc_dynamic`).
    StatusAsWeight,
    /// Its output.
    Output(Option<Pattern>),
}

impl Program {
    pub(super) async fn run(&self, question: &Question, trail: &Trail) -> Result<Option<LoadReport>, Fault> {
        let (status, output) = self.finish(question, trail).await?;
        self.judge(status, &output)
    }

    /// What it prints, where it ends well.
    pub(super) async fn output(&self, question: &Question, trail: &Trail) -> Result<Vec<u8>, Fault> {
        let (status, output) = self.finish(question, trail).await?;
        self.judge(status, &output).map(|_| output)
    }

    async fn finish(&self, question: &Question, trail: &Trail) -> Result<(ExitStatus, Vec<u8>), Fault> {
        let (file, arguments) = self.command(question)?;
        let mut command = Command::new(&file);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(user) = &self.programs.user {
            let (user, group) = account(user)?;
            command.uid(user).gid(group);
        }
        let mut child = Group::start(command)?;
        trail.connected(None);
        child.finish(trail).await
    }

    /// The file, which must be in an allowed folder, and the arguments.
    fn command(&self, question: &Question) -> Result<(PathBuf, Vec<String>), Fault> {
        let Some((name, arguments)) = self.words.split_first() else {
            return Err(Fault::setting("no program is named"));
        };
        let file = self.programs.find(name)?;
        let word = |word: &String| match word.as_str() {
            "%h" => question.target.ip().to_string(),
            "%p" => question.target.port().to_string(),
            _ => word.clone(),
        };
        Ok((file, arguments.iter().map(word).collect()))
    }

    fn judge(&self, status: ExitStatus, output: &[u8]) -> Result<Option<LoadReport>, Fault> {
        let failed = |reason| Err(down(Failure::Program { reason }));
        let code = match (status.code(), status.signal()) {
            (Some(code), _) => code,
            (None, signal) => return failed(ProgramFailure::Signal { signal: signal.unwrap_or_default() }),
        };
        match &self.judged {
            Judged::StatusAsWeight if code >= 2 => {
                let weight = LoadWeight::Weight(u32::try_from(code - 2).unwrap_or_default());
                return Ok(Some(LoadReport { weight: Some(weight), state: None }));
            }
            _ if code != 0 => return failed(ProgramFailure::Exit { status: code }),
            Judged::Status | Judged::StatusAsWeight => {}
            Judged::Output(None) => {}
            Judged::Output(Some(pattern)) => {
                let line = output.strip_suffix(b"\n").unwrap_or(output);
                let fits = match pattern {
                    Pattern::Prefix(text) => line == text || output == text,
                    pattern => pattern.found_in(line),
                };
                if !fits {
                    return Err(down(Failure::Mismatch));
                }
            }
        }
        Ok(None)
    }
}

impl Programs {
    /// The program of this name: in one of the folders, nowhere else, and not one that anybody may change.
    fn find(&self, name: &str) -> Result<PathBuf, Fault> {
        let missing =
            |detail: String| Fault::down(Failure::Program { reason: ProgramFailure::Missing }, detail);
        let shown = || self.folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>();
        let candidates: Vec<PathBuf> = if Path::new(name).is_absolute() {
            vec![PathBuf::from(name)]
        } else {
            self.folders.iter().map(|folder| folder.join(name)).collect()
        };
        // Links and dots resolved on both sides: what counts is where the file really is.
        let real = candidates.iter().find_map(|file| fs::canonicalize(file).ok());
        let Some(file) = real else {
            return Err(missing(format!("there is no {name} in {}", shown().join(", "))));
        };
        let inside = |folder: &PathBuf| fs::canonicalize(folder).is_ok_and(|folder| file.starts_with(folder));
        if !self.folders.iter().any(inside) {
            let folders = shown().join(", ");
            return Err(missing(format!(
                "{} is not in {folders}; only programs there are run",
                file.display()
            )));
        }
        match fs::metadata(&file) {
            Ok(facts) if facts.mode() & 0o022 != 0 => {
                Err(missing(format!("{} may be changed by others and is not run", file.display())))
            }
            Ok(facts) if facts.is_file() => Ok(file),
            _ => Err(missing(format!("{} is no program", file.display()))),
        }
    }
}

/// A program with all it has started. It ends when this is dropped.
struct Group {
    child: Child,
    group: Option<Pid>,
}

impl Group {
    fn start(mut command: Command) -> Result<Self, Fault> {
        let child = command.spawn().map_err(|error| not_started(&error))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Group { child, group })
    }

    /// Waits for its end, reading what it says.
    async fn finish(&mut self, trail: &Trail) -> Result<(ExitStatus, Vec<u8>), Fault> {
        let (output, errors) = (self.child.stdout.take(), self.child.stderr.take());
        let (mut said, mut complained) = (Vec::new(), Vec::new());
        let status = {
            let mut reading = std::pin::pin!(async {
                tokio::join!(read(output, &mut said, trail), read(errors, &mut complained, trail))
            });
            tokio::select! {
                status = self.child.wait() => {
                    let _ = timeout(AFTER, reading).await;
                    status
                }
                _ = &mut reading => self.child.wait().await,
            }
        };
        let status = status.map_err(|error| Fault::trouble(Trouble::Lost, error.to_string()))?;
        Ok((status, said))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Nobody left of it is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>, trail: &Trail) {
    let Some(mut from) = from else { return };
    let mut part = [0; 1024];
    while let Ok(count) = from.read(&mut part).await {
        let Some(part) = part.get(..count).filter(|part| !part.is_empty()) else { return };
        trail.received(part);
        let room = OUTPUT.saturating_sub(kept.len());
        kept.extend(part.iter().take(room));
    }
}

fn not_started(error: &io::Error) -> Fault {
    let trouble = match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE) => Trouble::Descriptors,
        Some(Errno::AGAIN | Errno::NOMEM) => Trouble::Resources,
        Some(Errno::PERM) => Trouble::Permission,
        _ => {
            let reason = ProgramFailure::Missing;
            return Fault::down(Failure::Program { reason }, error.to_string());
        }
    };
    Fault::trouble(trouble, error.to_string())
}

/// User and group of an account of this machine (passwd(5)).
fn account(name: &str) -> Result<(u32, u32), Fault> {
    let missing = || Fault::setting(format!("there is no user {name:?} on this machine"));
    let unread = |error: io::Error| match socket::lacking(&error) {
        Some(trouble) => Fault::trouble(trouble, error.to_string()),
        None => Fault::setting(error.to_string()),
    };
    let accounts = fs::read_to_string("/etc/passwd").map_err(unread)?;
    let found = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| {
        match fields.as_slice() {
            [user, _, uid, gid, ..] if *user == name => Some((uid.parse().ok()?, gid.parse().ok()?)),
            _ => None,
        }
    });
    found.ok_or_else(missing)
}
