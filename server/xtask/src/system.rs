//! What the tasks need from the machine: programs, and the packages that bring them.
//!
//! Installs them itself where it may (root, apt), and names them otherwise. Never starts a service: a package that
//! brings one is installed with starting denied. Called by every task that boots a guest or opens a browser.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// A program and the Debian package it comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The program as found along the path, or an absolute file where it is not a program.
    pub program: &'static str,
    /// The package.
    pub package: &'static str,
}

pub(crate) const fn needed(program: &'static str, package: &'static str) -> Needed {
    Needed { program, package }
}

/// What a guest is run with.
pub const EMULATOR: Needed = needed("qemu-system-x86_64", "qemu-system-x86");

/// What goes into the guest beside our own programs (and, except busybox, what native runs use).
pub const TOOLS: &[Needed] = &[
    needed("busybox", "busybox-static"),
    needed("kmod", "kmod"),
    needed("ip", "iproute2"),
    needed("ipvsadm", "ipvsadm"),
    needed("nft", "nftables"),
    needed("tcpdump", "tcpdump"),
    KEEPALIVED,
];

const KEEPALIVED: Needed = needed("keepalived", "keepalived");

const NGINX: Needed = needed("nginx", "nginx-light");
const REDIS: Needed = needed("redis-server", "redis-server");
const DNSMASQ: Needed = needed("dnsmasq", "dnsmasq-base");
const POSTGRES: Needed = needed(POSTGRES_FOLDER, "postgresql");

/// Where PostgreSQL lives, each version in a folder of its own.
pub(crate) const POSTGRES_FOLDER: &str = "/usr/lib/postgresql";

/// Servers as the distribution brings them, along the path; scenarios of checks run them.
pub(crate) const ALONG_THE_PATH: &[Needed] = &[NGINX, REDIS, DNSMASQ];

/// All servers that scenarios of checks run.
pub const SERVERS: &[Needed] = &[NGINX, REDIS, DNSMASQ, POSTGRES];

/// The judges of the files we write, the servers that probes are put to, and the client of the README's script.
pub const JUDGES: &[Needed] = &[
    KEEPALIVED,
    NGINX,
    POSTGRES,
    REDIS,
    DNSMASQ,
    needed("curl", "curl"),
    needed("prometheus", "prometheus"),
    needed("ansible-playbook", "ansible-core"),
];

/// What a browser test needs; the font, so that pictures of Chinese pages show no boxes.
pub const BROWSER: &[Needed] = &[
    needed("chromium", "chromium"),
    needed("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "fonts-noto-cjk"),
];

/// Where a program is, along the path and in the folders of system programs.
pub fn find(program: &str) -> Option<PathBuf> {
    if program.starts_with('/') {
        return Some(PathBuf::from(program)).filter(|path| path.exists());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| {
            fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
}

/// The path of a program that must be there.
pub fn program(name: &str) -> Result<PathBuf> {
    find(name).with_context(|| format!("{name} is not installed"))
}

/// Whether this process is root, by the owner of its own entry in `/proc`.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

/// Those of the wanted that are not there.
fn missing(wanted: &[Needed]) -> Vec<Needed> {
    wanted.iter().filter(|needed| find(needed.program).is_none()).copied().collect()
}

/// How a person gets what is missing; none where nothing is.
pub fn advice(wanted: &[Needed]) -> Option<String> {
    let lacking = missing(wanted);
    if lacking.is_empty() {
        return None;
    }
    let (mut programs, mut packages) = (Vec::new(), Vec::new());
    for needed in lacking {
        programs.push(needed.program);
        packages.push(needed.package);
    }
    let (programs, packages) = (programs.join(", "), packages.join(" "));
    Some(format!(
        "missing: {programs}. On Debian or Ubuntu: sudo apt-get install --no-install-recommends {packages}"
    ))
}

/// Whether missing packages are installed from here: as root, where apt is.
pub fn installs() -> bool {
    is_root() && find("apt-get").is_some()
}

/// Makes sure that all programs are there. Installs what is missing where it may; otherwise the error names it.
pub fn require(wanted: &[Needed]) -> Result<()> {
    let Some(advice) = advice(wanted) else { return Ok(()) };
    if !installs() {
        bail!(advice);
    }
    let packages: Vec<&str> = missing(wanted).iter().map(|needed| needed.package).collect();
    eprintln!("xtask: installing {}", packages.join(", "));
    install(&packages)?;
    let still = missing(wanted);
    if let Some(first) = still.first() {
        bail!("{} was installed, but {} is still not there", first.package, first.program);
    }
    Ok(())
}

fn install(packages: &[&str]) -> Result<()> {
    let _quiet = ServicesStayOff::begin()?;
    apt(["update", "--quiet", "--quiet"])?;
    apt(["install", "--yes", "--quiet", "--quiet", "--no-install-recommends"].iter().chain(packages))
}

/// Runs `apt-get` without questions.
pub fn apt<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    run(&mut command)
}

/// Runs a command to its end; its output is shown only when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// Runs a command to its end and returns what it wrote.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output = command.output().with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        bail!(
            "{shown}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// While it lives, package scripts may start no service (`invoke-rc.d` asks `/usr/sbin/policy-rc.d`, where 101
/// forbids). A policy that the machine already has is left as it is.
struct ServicesStayOff {
    ours: bool,
}

impl ServicesStayOff {
    const POLICY: &str = "/usr/sbin/policy-rc.d";

    fn begin() -> Result<Self> {
        let policy = Path::new(Self::POLICY);
        if policy.exists() {
            return Ok(ServicesStayOff { ours: false });
        }
        fs::write(policy, "#!/bin/sh\nexit 101\n").context("cannot forbid the start of services")?;
        let guard = ServicesStayOff { ours: true };
        fs::set_permissions(policy, fs::Permissions::from_mode(0o755))?;
        Ok(guard)
    }
}

impl Drop for ServicesStayOff {
    fn drop(&mut self) {
        if self.ours {
            // Nothing better can be done about a failure here than to leave the file.
            let _ = fs::remove_file(Self::POLICY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package_and_nothing_else_is() {
        let absent = needed("no-such-program-anywhere", "the-package");
        assert_eq!(advice(&[needed("sh", "dash")]), None);
        let advice = advice(&[needed("sh", "dash"), absent]).unwrap();
        assert!(advice.contains("no-such-program-anywhere") && advice.ends_with(" the-package"), "{advice}");
        assert!(!advice.contains("dash"), "{advice}");
    }

    #[test]
    fn a_program_of_every_system_is_found_and_an_unknown_one_is_not() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-anywhere").is_none());
        assert!(find("/etc/no-such-file").is_none());
    }
}
