//! The lab's guest: a small virtual machine with a kernel that has IPVS, run under plain software emulation, so that
//! it works wherever a program may run. Never needs root, host networking or hardware virtualisation, and never asks
//! whether the latter is there: a device node for it does not mean that it works.
//!
//! Called by the lab (a run to its end) and by the demo (a running machine with forwarded ports).

mod archive;
mod image;
mod kernel;
pub(crate) mod libraries;
mod servers;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use testkit::wait;

use crate::system;

/// Memory of a guest, MiB, and of one for very large tables.
const MIB: &str = "1024";
const LARGE_MIB: &str = "4096";
/// Room for what a run hands back; the file is sparse.
const RESULTS_BYTES: u64 = 256 << 20;

/// What the guest's time is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// This machine's.
    #[default]
    Ordinary,
    /// One nanosecond for each instruction of its only processor, and none while that waits: measurements repeat however
    /// busy this machine is. A machine of its own kind; only ratios of what was measured in it mean something elsewhere.
    Instructions,
}

/// Whether a guest's console is shown on our terminal as it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// It is only kept.
    #[default]
    No,
    /// Line by line.
    Lines,
    /// Each line behind the run's name: another guest's lines come between.
    Named,
}

/// One thing to run in a guest.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What the run is called: its folder below `target/lab/runs`.
    pub name: String,
    /// Programs of this machine that the guest gets, in `/lab/bin`.
    pub programs: Vec<PathBuf>,
    /// Whether the guest gets the servers of the distribution, which take a while to unpack.
    pub servers: bool,
    /// Whether the guest gets memory for very large tables.
    pub large: bool,
    /// Program and arguments; the first word is a name in `/lab/bin` or a tool of the guest.
    pub command: Vec<String>,
    /// Additional environment.
    pub environment: Vec<(String, String)>,
    /// Ports of this machine that lead to addresses on the guest's network; none: the guest has no network.
    pub forwards: Vec<(SocketAddr, SocketAddr)>,
    /// How long the guest may run, by this machine's clock.
    pub limit: Duration,
    /// What its time is.
    pub clock: Clock,
    /// Show the guest's console as it comes.
    pub show: Show,
    /// Keep interrupts at the terminal from the guest: whoever runs it ends it in order.
    pub apart: bool,
}

/// How a run ended.
pub struct Ended {
    /// The exit code of what was run.
    pub code: i32,
    /// The folder with the files it left (its working folder in the guest), `console.log` beside them.
    pub results: PathBuf,
}

/// A booted guest. Dropping it ends it.
pub struct Guest {
    child: Child,
    reader: Option<JoinHandle<()>>,
    lines: mpsc::Receiver<String>,
    folder: PathBuf,
    deadline: Instant,
    // Held while the guest runs: a second run of the same name takes another folder.
    _turn: File,
}

/// Where the lab keeps its images and results.
pub fn folder() -> PathBuf {
    crate::programs::target().join("lab")
}

/// Makes sure that the emulator, the tools and the base image are there; what a first run does at its start.
pub fn prepare(refresh: bool) -> Result<()> {
    base(refresh).map(drop)
}

/// Makes sure of the emulator and the tools alone; before anything is built, so that what is missing is said at once.
pub fn require() -> Result<()> {
    if cfg!(not(target_arch = "x86_64")) {
        bail!("the lab's guest is an x86-64 machine, and our programs for it are built here");
    }
    system::require(&needed())
}

/// What a guest needs of this machine.
pub fn needed() -> Vec<system::Needed> {
    [&[system::EMULATOR], system::TOOLS].concat()
}

fn base(refresh: bool) -> Result<image::Base> {
    require()?;
    let folder = folder();
    let _turn = turn(&folder, "base")?;
    image::base(&folder, refresh)
}

/// The archive with the servers of the distribution.
fn servers() -> Result<PathBuf> {
    system::require(system::SERVERS)?;
    let folder = folder();
    let _turn = turn(&folder, "base")?;
    servers::archive(&folder)
}

/// Waits until no other process uses what `name` stands for, below `folder`; the turn ends with the file.
fn turn(folder: &Path, name: &str) -> Result<File> {
    fs::create_dir_all(folder)?;
    let file = File::create(folder.join(format!("{name}.lock")))?;
    file.lock().with_context(|| format!("cannot lock {name}"))?;
    Ok(file)
}

/// A folder for a run that no running guest uses: `NAME`, else `NAME-2` and so on. It is ours while the file lives.
fn place(runs: &Path, name: &str) -> Result<(File, PathBuf)> {
    fs::create_dir_all(runs)?;
    for number in 1..100 {
        let name = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let file = File::create(runs.join(format!("{name}.lock")))?;
        if file.try_lock().is_ok() {
            return Ok((file, runs.join(name)));
        }
    }
    bail!("a hundred runs of {name} are under way")
}

impl Guest {
    /// Boots a guest that runs a command.
    pub fn boot(run: &Run) -> Result<Guest> {
        let base = base(false)?;
        let (turn, folder) = place(&folder().join("runs"), &run.name)?;
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let archive = folder.join("boot.cpio");
        let mut content = fs::read(&base.archive)?;
        if run.servers {
            content.extend(fs::read(servers()?)?);
        }
        content.extend(image::run(run, &folder)?);
        fs::write(&archive, content)?;
        let disk = folder.join("results.raw");
        File::create(&disk)?.set_len(RESULTS_BYTES)?;
        let mut command = Command::new(system::program(system::EMULATOR.program)?);
        command
            .args(["-accel", "tcg", "-cpu", "max", "-m", if run.large { LARGE_MIB } else { MIB }])
            .args(match run.clock {
                Clock::Ordinary => ["-smp", "2"].as_slice(),
                Clock::Instructions => &["-smp", "1", "-icount", "shift=0,sleep=off", "-rtc", "clock=vm"],
            })
            .args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none"])
            .args(["-serial", "stdio", "-device", "virtio-rng-pci"])
            .arg("-kernel")
            .arg(&base.kernel)
            .arg("-initrd")
            .arg(&archive)
            .args([
                "-append",
                "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off random.trust_cpu=on tsc=reliable",
            ])
            .arg("-drive")
            .arg(format!("file={},format=raw,if=virtio,cache=unsafe", disk.display()));
        network(&mut command, &run.forwards);
        if run.apart {
            command.process_group(0);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("cannot start the emulator")?;
        let output = child.stdout.take().context("the emulator has no output")?;
        let log = File::create(folder.join("console.log"))?;
        let (sender, lines) = mpsc::channel();
        let prefix = match run.show {
            Show::No => None,
            Show::Lines => Some(String::new()),
            Show::Named => Some(format!("{:<16} | ", run.name)),
        };
        let reader = std::thread::spawn(move || {
            read_console(BufReader::new(output), log, prefix.as_deref(), &sender);
        });
        Ok(Guest {
            child,
            reader: Some(reader),
            lines,
            folder,
            deadline: Instant::now() + run.limit,
            _turn: turn,
        })
    }

    /// Waits for a line of the guest's console that satisfies `wanted`, and returns it.
    pub fn wait_for(&mut self, what: &str, limit: Duration, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let deadline = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) if wanted(&line) => return Ok(line),
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Timeout) if wait::given_up() => bail!("interrupted"),
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    bail!("no {what} within {} s; see {}", limit.as_secs(), self.console().display())
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    bail!("the guest ended before {what}; see {}", self.console().display())
                }
            }
        }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The guest's serial console, as text.
    pub fn console(&self) -> PathBuf {
        self.folder.join("console.log")
    }

    /// Waits until the guest has powered off, and takes what it handed back.
    pub fn finish(mut self) -> Result<Ended> {
        loop {
            if self.child.try_wait()?.is_some() {
                break;
            }
            if Instant::now() >= self.deadline {
                bail!("the guest ran into its time limit; see {}", self.console().display());
            }
            // The console ends with the emulator; until then its lines only need to be taken off the queue.
            while let Ok(_line) = self.lines.recv_timeout(Duration::from_millis(50)) {}
        }
        if let Some(reader) = self.reader.take() {
            // It returns when the console closes, which has happened; a panic in it loses only log lines.
            let _ = reader.join();
        }
        let results = self.folder.join("results");
        fs::create_dir_all(&results)?;
        let disk = self.folder.join("results.raw");
        let unpacked = Command::new("tar")
            .arg("-x")
            .arg("-f")
            .arg(&disk)
            .arg("-C")
            .arg(&results)
            .output()
            .context("no tar")?;
        let code = fs::read_to_string(results.join("exit-code")).ok();
        let Some(code) = code.as_deref().map(str::trim).and_then(|text| text.parse().ok()) else {
            bail!(
                "the guest handed back no exit code ({}); see {}",
                String::from_utf8_lossy(&unpacked.stderr).trim(),
                self.console().display()
            );
        };
        for spent in [disk, self.folder.join("boot.cpio"), self.folder.join("stripped")] {
            if spent.exists() {
                fs::remove_file(spent)?;
            }
        }
        Ok(Ended { code, results })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Already gone after `finish`; otherwise it must not outlive us. Either way nothing is left to report.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command in a guest of its own, to its end.
pub fn run(run: &Run) -> Result<Ended> {
    Guest::boot(run)?.finish()
}

fn network(command: &mut Command, forwards: &[(SocketAddr, SocketAddr)]) {
    if forwards.is_empty() {
        command.args(["-nic", "none"]);
        return;
    }
    let (network, console) = (testkit::control::NETWORK, testkit::control::CONSOLE);
    // The address under which the emulator leads to this machine's loopback is the console's in the lab.
    let mut nic = format!("user,model=virtio-net-pci,net={network},host={console}");
    for (here, there) in forwards {
        nic.push_str(&format!(",hostfwd=tcp:{here}-{there}"));
    }
    command.arg("-nic").arg(nic);
}

fn read_console(
    input: impl std::io::Read,
    mut log: File,
    shown_behind: Option<&str>,
    lines: &mpsc::Sender<String>,
) {
    let mut input = BufReader::new(input);
    let mut bytes = Vec::new();
    // A console is not always UTF-8, and ends its lines with CR LF.
    while let Ok(1..) = input.read_until(b'\n', &mut bytes) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        bytes.clear();
        if writeln!(log, "{line}").is_err() {
            return;
        }
        // The kernel's last words cannot be silenced.
        let ours = line.starts_with("@lab") || line.ends_with("reboot: Power down");
        if let Some(prefix) = shown_behind.filter(|_| !ours) {
            println!("{prefix}{line}");
        }
        // Nobody may be waiting for lines any more; the log still wants them.
        let _ = lines.send(line);
    }
}

/// The last lines of a guest's console, for a failure's report.
pub fn last_lines(console: &Path, count: usize) -> String {
    let text = fs::read_to_string(console).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_the_same_name_do_not_share_a_folder() {
        let runs = std::env::temp_dir().join(format!("caribe-runs-{}", std::process::id()));
        let (first, one) = place(&runs, "x").unwrap();
        let (_second, two) = place(&runs, "x").unwrap();
        assert_eq!((one.clone(), two), (runs.join("x"), runs.join("x-2")));
        drop(first);
        // A program that another test is just starting has the lock, too, until it runs.
        let free = || place(&runs, "x").unwrap().1 == one;
        let mut tries = (0..500).inspect(|_| std::thread::sleep(Duration::from_millis(10)));
        assert!(free() || tries.any(|_| free()), "the folder is not free again");
        fs::remove_dir_all(runs).unwrap();
    }
}
