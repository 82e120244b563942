//! `cargo xtask package`: the Debian package, made with `dpkg-deb` alone, and beside it the list of components.
//!
//! What is not written by hand below `packaging/` is made by the program itself (settings file, manual pages, completions) or
//! from the dependency graph (licences, components), so that none of it can be out of date. Needs no root. Called by people
//! who release, and by the trial.

mod components;
mod needs;
pub mod trial;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use md5::{Digest as _, Md5};

use crate::{programs, system};

/// What to make.
#[derive(clap::Args)]
pub struct Arguments {
    /// Package this program instead of building one.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where to put it; `target/package` otherwise.
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Of the package, behind the program's version.
    #[arg(long, default_value_t = 1)]
    revision: u32,
    /// Try it instead: install, start, upgrade and remove it in a root of its own (needs root).
    #[arg(long)]
    trial: bool,
}

/// Files of the packaging folder that are installed as they are.
const UNITS: [&str; 4] = [
    "caribe-console.service",
    "caribe-agent.service",
    "caribe-real-server.service",
    "caribe-real-server-setup.service",
];
/// Scripts that dpkg runs.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];
/// The settings file; an administrator's changes survive upgrades.
const SETTINGS: &str = "etc/caribe/caribe.toml";

/// Makes the package and prints where it is.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.trial {
        trial::run(&binary(arguments)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let made = make(arguments)?;
    println!("{}", made.package.display());
    println!("{}", made.components.display());
    Ok(ExitCode::SUCCESS)
}

/// What was made.
pub struct Made {
    /// The package.
    pub package: PathBuf,
    /// The list of components (CycloneDX).
    pub components: PathBuf,
}

/// Makes the package.
fn make(arguments: &Arguments) -> Result<Made> {
    let binary = binary(arguments)?;
    let output = arguments.output.clone().unwrap_or_else(|| programs::target().join("package"));
    assemble(&binary, &output, arguments.revision, Packed::Small)
}

/// How much time goes into making it small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packed {
    /// As it is released.
    Small,
    /// As it is tried.
    Quickly,
}

/// The program that was named, else one that is built now.
fn binary(arguments: &Arguments) -> Result<PathBuf> {
    match &arguments.binary {
        Some(file) => Ok(file.clone()),
        None => built(),
    }
}

fn built() -> Result<PathBuf> {
    println!("Building the release program …");
    let built =
        programs::build(&["build", "--release", "--locked", "--package", "caribe", "--bin", "caribe"])?;
    let found = built.into_iter().find(|(target, _)| target == "caribe");
    found.map(|(_, path)| path).context("cargo built no caribe")
}

/// Makes the package of a program that is there.
pub fn assemble(binary: &Path, output: &Path, revision: u32, packed: Packed) -> Result<Made> {
    let root = output.join("root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    let version = format!("{}-{revision}", env!("CARGO_PKG_VERSION"));
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("no Debian name is known for {other}"),
    };
    let packaging = programs::root().join("packaging");
    let stage = Stage { root: root.clone() };

    let program = fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    stage.file("usr/bin/caribe", 0o755, &program)?;
    for unit in UNITS {
        let content = fs::read(packaging.join("systemd").join(unit))?;
        stage.file(&format!("usr/lib/systemd/system/{unit}"), 0o644, &content)?;
    }
    // Where administrators put programs that checks, and changes of state, may run.
    for folder in ["etc/caribe/checks", "etc/caribe/hooks", "usr/lib/caribe/checks"] {
        stage.folder(folder)?;
    }
    let program = stage.path("usr/bin/caribe");
    let said = |words: &[&str]| system::output(Command::new(&program).args(words));
    stage.file(SETTINGS, 0o644, said(&["sample-config"])?.as_bytes())?;
    let completions = said(&["completions", "bash"])?;
    stage.file("usr/share/bash-completion/completions/caribe", 0o644, completions.as_bytes())?;
    let manual = stage.folder("usr/share/man/man1")?;
    said(&["man", &manual.to_string_lossy()])?;
    for page in fs::read_dir(&manual)? {
        let page = page?.path();
        // Without name and time: the same pages make the same package.
        system::run(Command::new("gzip").args(["-9", "--no-name"]).arg(&page))?;
    }
    let graph = components::Graph::read()?;
    let documents = "usr/share/doc/caribe";
    stage.file(&format!("{documents}/copyright"), 0o644, copyright()?.as_bytes())?;
    stage.file(&format!("{documents}/libraries"), 0o644, graph.licences()?.as_bytes())?;
    let changes = fs::read(programs::root().join("CHANGELOG.md"))?;
    stage.file(&format!("{documents}/CHANGELOG.md"), 0o644, &changes)?;

    let files = stage.files()?;
    let sizes = files.iter().map(|file| Ok(fs::metadata(stage.path(file))?.len()));
    let size: u64 = sizes.sum::<Result<u64>>()?;
    let depends = needs::of(&fs::read(binary)?);
    let control = fs::read_to_string(packaging.join("debian/control"))?
        .replace("@VERSION@", &version)
        .replace("@ARCHITECTURE@", architecture)
        .replace("@SIZE@", &size.div_ceil(1024).to_string())
        .replace("@DEPENDS@", &depends.join(", "));
    stage.file("DEBIAN/control", 0o644, control.as_bytes())?;
    stage.file("DEBIAN/conffiles", 0o644, format!("/{SETTINGS}\n").as_bytes())?;
    for script in SCRIPTS {
        let content = fs::read(packaging.join("debian").join(script))?;
        stage.file(&format!("DEBIAN/{script}"), 0o755, &content)?;
    }
    let mut sums = String::new();
    for file in files.iter().filter(|file| *file != SETTINGS) {
        sums.push_str(&format!("{}  {file}\n", hex::encode(Md5::digest(fs::read(stage.path(file))?))));
    }
    stage.file("DEBIAN/md5sums", 0o644, sums.as_bytes())?;

    let package = output.join(format!("caribe_{version}_{architecture}.deb"));
    system::run(
        Command::new(system::program("dpkg-deb")?)
            .args(["--build", "--root-owner-group"])
            .arg(match packed {
                Packed::Small => "-Zxz",
                Packed::Quickly => "-Znone",
            })
            .arg(&root)
            .arg(&package)
            .env("SOURCE_DATE_EPOCH", committed().unwrap_or_else(|| "0".to_owned())),
    )?;
    let components = output.join("caribe.cdx.json");
    fs::write(&components, serde_json::to_string_pretty(&graph.components())?)?;
    Ok(Made { package, components })
}

/// When the sources were committed, so that the same sources make the same package.
fn committed() -> Option<String> {
    let mut command = Command::new("git");
    command.current_dir(programs::root()).args(["log", "-1", "--format=%ct"]);
    system::output(&mut command).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Who may do what with it.
fn copyright() -> Result<String> {
    let text = |name: &str| fs::read_to_string(programs::root().join(name)).with_context(|| name.to_owned());
    let (mit, apache) = (text("LICENSE-MIT")?, text("LICENSE-APACHE")?);
    Ok(format!(
        "Caribe may be used under either of the MIT License or the Apache License 2.0, at your option.\n\
         The libraries it contains are listed with their licences in the file libraries beside this one.\n\n\
         {mit}\n{apache}"
    ))
}

/// The tree of files that becomes the package.
struct Stage {
    root: PathBuf,
}

impl Stage {
    fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// A folder, open to all whatever this user's umask is.
    fn folder(&self, folder: &str) -> Result<PathBuf> {
        let mut path = self.root.clone();
        for part in std::iter::once("").chain(folder.split('/')) {
            path.push(part);
            if !path.is_dir() {
                fs::create_dir_all(&path)?;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            }
        }
        Ok(path)
    }

    fn file(&self, file: &str, mode: u32, content: &[u8]) -> Result<()> {
        if let Some((folder, _)) = file.rsplit_once('/') {
            self.folder(folder)?;
        }
        let path = self.path(file);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(mode))?)
    }

    /// All files, in order, without what dpkg keeps for itself.
    fn files(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    // The manual pages were written by others.
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode_of(&path)?))?;
                    let name = path.strip_prefix(&self.root)?.to_string_lossy().into_owned();
                    found.push(name);
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Readable by all, written by root, run where somebody may run it.
fn mode_of(path: &Path) -> Result<u32> {
    let runs = fs::metadata(path)?.permissions().mode() & 0o100 != 0;
    Ok(if runs { 0o755 } else { 0o644 })
}
