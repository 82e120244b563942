//! Fetches the distribution's kernel for the guest: the package is downloaded and unpacked below `target/lab`, never
//! installed. Called by the image builder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::system;

/// Packages that depend on the newest kernel, the smallest kernel first (Debian, then Ubuntu).
const NEWEST: &[&str] = &["linux-image-cloud-amd64", "linux-image-virtual", "linux-image-generic"];

/// Modules that the guest carries, beside those they depend on. A star at the end stands for any ending.
const MODULES: &[&str] = &[
    "8021q",
    "af_packet",
    "bonding",
    "bridge",
    "crc32c*",
    "dummy",
    "fou*",
    "gre",
    "ip6_gre",
    "ip6_tunnel",
    "ip_gre",
    "ip_tunnel",
    "ip_vs*",
    "ipip",
    "ipvlan",
    "loop",
    "macvlan",
    "nf_conntrack*",
    "nf_nat*",
    "nf_tables*",
    "nfnetlink*",
    "nft_*",
    "sch_netem",
    "sctp",
    "sit",
    "tun",
    "veth",
    "virtio_blk",
    "virtio_net",
    "virtio_pci",
    "virtio_rng",
];

/// An unpacked kernel.
pub(super) struct Kernel {
    /// Its version, as `uname -r` will say.
    pub(super) version: String,
    /// The image to boot.
    pub(super) image: PathBuf,
    /// The folder with its modules, named after the version.
    pub(super) modules: PathBuf,
}

/// The kernel below `folder`; fetched when there is none yet, or when `refresh` asks for the newest.
pub(super) fn fetch(folder: &Path, refresh: bool) -> Result<Kernel> {
    let unpacked = folder.join("kernel");
    // Written last, so that an interrupted download is not taken for a kernel.
    let complete = unpacked.join("complete");
    if refresh || !complete.exists() {
        eprintln!(
            "xtask: fetching the guest's kernel, about 30 MB from this machine's package mirror (once)"
        );
        download(&unpacked).context("cannot fetch a kernel package")?;
        fs::write(&complete, "")?;
    }
    locate(&unpacked)
}

fn download(unpacked: &Path) -> Result<()> {
    for program in ["apt-get", "apt-cache", "dpkg-deb"] {
        if system::find(program).is_none() {
            bail!("{program} is missing; the lab takes its kernel from a Debian or Ubuntu package");
        }
    }
    let packages = match packages() {
        Ok(packages) => packages,
        // A fresh container has no package lists yet.
        Err(_) if system::is_root() => {
            system::apt(["update", "--quiet", "--quiet"])?;
            packages()?
        }
        Err(error) => return Err(error),
    };
    if unpacked.exists() {
        fs::remove_dir_all(unpacked)?;
    }
    fs::create_dir_all(unpacked)?;
    let mut command = Command::new("apt-get");
    command.arg("download").args(&packages).current_dir(unpacked).env("LC_ALL", "C");
    if let Err(error) = system::run(&mut command) {
        if !system::is_root() {
            return Err(error.context("the package lists may be too old; sudo apt-get update renews them"));
        }
        system::apt(["update", "--quiet", "--quiet"])?;
        system::run(&mut command)?;
    }
    for entry in fs::read_dir(unpacked)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "deb") {
            system::run(Command::new("dpkg-deb").arg("-x").arg(&path).arg(unpacked))?;
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The packages that hold the newest kernel and its modules.
fn packages() -> Result<Vec<String>> {
    for newest in NEWEST {
        let mut found = BTreeSet::new();
        let mut ask = vec![(*newest).to_owned()];
        while let Some(name) = ask.pop() {
            let Ok(text) = system::output(
                Command::new("apt-cache").args(["depends", "--no-recommends", "--no-suggests"]).arg(&name),
            ) else {
                continue;
            };
            for depends in text.lines().filter_map(|line| line.trim().strip_prefix("Depends: ")) {
                let ours =
                    ["linux-image-", "linux-modules-"].iter().any(|prefix| depends.starts_with(prefix));
                if ours && found.insert(depends.to_owned()) {
                    ask.push(depends.to_owned());
                }
            }
        }
        if !found.is_empty() {
            return Ok(found.into_iter().collect());
        }
    }
    bail!("none of the packages {} is known to apt", NEWEST.join(", "))
}

fn locate(unpacked: &Path) -> Result<Kernel> {
    let image = fs::read_dir(unpacked.join("boot"))
        .context("the kernel package holds no /boot")?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")))
        .context("the kernel package holds no image")?;
    let version = image
        .file_name()
        .and_then(|name| name.to_str()?.strip_prefix("vmlinuz-"))
        .context("the kernel image has no version")?
        .to_owned();
    let modules = ["lib/modules", "usr/lib/modules"]
        .iter()
        .map(|folder| unpacked.join(folder).join(&version))
        .find(|folder| folder.is_dir())
        .with_context(|| format!("no modules for {version}"))?;
    Ok(Kernel { version, image, modules })
}

/// Copies the modules the guest needs, with all they depend on, to `into/lib/modules/VERSION` and makes the tables
/// there by which they are loaded on demand.
pub(super) fn stage(kernel: &Kernel, into: &Path) -> Result<()> {
    let dependencies = dependencies(kernel)?;
    let mut wanted: Vec<&str> = dependencies
        .keys()
        .map(String::as_str)
        .filter(|path| MODULES.iter().any(|module| is(path, module)))
        .collect();
    let mut taken = BTreeSet::new();
    while let Some(path) = wanted.pop() {
        if taken.insert(path) {
            wanted.extend(dependencies.get(path).into_iter().flatten().map(String::as_str));
        }
    }
    if !taken.iter().any(|path| is(path, "ip_vs")) {
        bail!("the kernel {} has no ip_vs module", kernel.version);
    }
    let target = into.join("lib/modules").join(&kernel.version);
    let tables = ["modules.order", "modules.builtin", "modules.builtin.modinfo"];
    for file in taken.iter().copied().chain(tables) {
        let from = kernel.modules.join(file);
        let to = target.join(file);
        if let (true, Some(parent)) = (from.exists(), to.parent()) {
            fs::create_dir_all(parent)?;
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    depmod(into, &kernel.version)
}

/// Each module of the package with those it needs, by path below the folder of modules.
fn dependencies(kernel: &Kernel) -> Result<BTreeMap<String, Vec<String>>> {
    let table = kernel.modules.join("modules.dep");
    if !table.exists() {
        // Packages leave this to their installation, which does not happen here.
        let root = kernel
            .modules
            .ancestors()
            .find(|folder| folder.ends_with("lib"))
            .and_then(Path::parent)
            .context("the modules are not below a lib folder")?;
        depmod(root, &kernel.version)?;
    }
    let text = fs::read_to_string(&table).with_context(|| format!("cannot read {}", table.display()))?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(module, needs)| (module.to_owned(), needs.split_whitespace().map(str::to_owned).collect()))
        .collect())
}

fn depmod(root: &Path, version: &str) -> Result<()> {
    // kmod answers to several names; the distribution may keep `depmod` out of an ordinary user's path.
    let depmod = system::program("depmod")?;
    system::run(Command::new(depmod).arg("-b").arg(root).arg(version))
}

/// Whether a module's path is that of a named module. The kernel treats `-` and `_` in names alike.
fn is(path: &str, module: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = file.split('.').next().unwrap_or(file).replace('-', "_");
    match module.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == module,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_known_by_name_whatever_their_ending_and_packing() {
        assert!(is("kernel/net/netfilter/ipvs/ip_vs_wlc.ko.xz", "ip_vs*"));
        assert!(is("kernel/arch/x86/crypto/crc32c-intel.ko", "crc32c_intel"));
        assert!(!is("kernel/net/ipv4/ipip.ko", "ip"));
    }
}
