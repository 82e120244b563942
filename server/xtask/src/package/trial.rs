//! The package tried for real: installed by dpkg into a root of its own, started there as the users that it made, upgraded over
//! an administrator's changes, removed and purged; its units read by systemd's own checkers. Changes nothing of this machine:
//! the root is a folder, and the maintainer scripts run inside it. Needs root. Called by `cargo xtask test`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use testkit::process::Background;
use testkit::wait::{self, Seen};

use super::{Packed, SETTINGS, UNITS, assemble};
use crate::guest::libraries;
use crate::{programs, system};

/// What the trial needs of this machine.
pub const NEEDED: &[system::Needed] = &[
    system::needed("dpkg", "dpkg"),
    system::needed("dpkg-deb", "dpkg"),
    system::needed("gzip", "gzip"),
    system::needed("chroot", "coreutils"),
];

/// What the maintainer scripts and the package's dependencies give a system.
const PROGRAMS: [&str; 7] = ["sh", "getent", "groupadd", "useradd", "install", "rm", "rmdir"];
/// The most that `systemd-analyze security` may find, in its tenths.
const EXPOSURE: [(&str, &str); 4] = [
    ("caribe-console.service", "15"),
    ("caribe-agent.service", "30"),
    ("caribe-real-server.service", "15"),
    ("caribe-real-server-setup.service", "20"),
];
/// Listening on loopback, on a free port.
const LISTEN: &str = "127.0.0.1:0";
/// What runs as each of the users.
const PARTS: [(&str, &[&str]); 3] = [
    ("console", &["serve", "--listen", LISTEN]),
    ("agent", &["agent", "--listen", LISTEN]),
    ("real-server", &["real-server", "serve", "--line", LISTEN]),
];
/// How long a service may take to say that it is ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tries the package of this program.
pub fn run(binary: &Path) -> Result<()> {
    let folder = programs::target().join("package-trial");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let lean = without_symbols(binary, &folder)?;
    let made =
        [1, 2].map(|revision| assemble(&lean, &folder.join(revision.to_string()), revision, Packed::Quickly));
    let [first, second] = made;
    let (first, second) = (first?.package, second?.package);
    let system = System::make(folder.join("system"), &lean)?;

    system.dpkg(&["--install", &first.to_string_lossy()])?;
    let users = system.users()?;
    for ((part, _), user) in PARTS.iter().zip(&users) {
        let data = fs::metadata(system.path(&format!("var/lib/caribe/{part}")))?;
        ensure!(
            data.uid() == user.id && data.permissions().mode() & 0o777 == 0o700,
            "{part}: wrong owner or mode"
        );
    }
    println!("installed: users {:?}", users.each_ref().map(|user| user.id));
    units(&system)?;
    for ((part, words), user) in PARTS.iter().zip(&users) {
        system.serves(part, user, words)?;
    }
    let database = system.path("var/lib/caribe/console");
    ensure!(fs::read_dir(&database)?.count() > 0, "the console has written nothing to its folder");
    system.prepares_nothing(&users[2])?;

    let settings = system.path(SETTINGS);
    let changed = fs::read_to_string(&settings)?.replace("filter = \"info\"", "filter = \"warn\"");
    fs::write(&settings, &changed)?;
    system.dpkg(&["--install", &second.to_string_lossy()])?;
    ensure!(fs::read_to_string(&settings)? == changed, "an upgrade has overwritten the settings");
    ensure!(system.users()? == users, "an upgrade has changed the users");
    ensure!(changed.contains("\"warn\""), "the settings file says nothing of the log's filter");
    system.serves(PARTS[0].0, &users[0], PARTS[0].1)?;
    println!("upgraded: settings and data are as they were, the console starts on them");

    system.dpkg(&["--remove", "caribe"])?;
    ensure!(!system.path("usr/bin/caribe").exists() && settings.exists() && database.exists(), "removal");
    system.dpkg(&["--purge", "caribe"])?;
    ensure!(!settings.exists() && !database.exists(), "purged, but settings or data are there");
    println!("removed: data stay; purged: they are gone");
    fs::remove_dir_all(&folder).context("cannot remove the trial's folder")
}

/// The program without debug symbols, which would be most of the package.
fn without_symbols(binary: &Path, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let lean = folder.join("caribe");
    match system::find("strip") {
        Some(strip) => system::run(Command::new(strip).arg("-o").arg(&lean).arg(binary))?,
        None => drop(fs::copy(binary, &lean)?),
    }
    Ok(lean)
}

/// What systemd says of the units, where it can be asked.
fn units(system: &System) -> Result<()> {
    let Some(analyze) = system::find("systemd-analyze") else {
        println!("NOT CHECKED: the units; there is no systemd-analyze");
        return Ok(());
    };
    for unit in UNITS {
        let file = system.path(&format!("usr/lib/systemd/system/{unit}"));
        // Programs are looked for on this machine, where the package is not installed.
        let copy = file.with_file_name(format!("trial-{unit}"));
        let text = fs::read_to_string(&file)?;
        fs::write(&copy, text.replace("/usr/bin/caribe ", "/bin/true "))?;
        let output = Command::new(&analyze).args(["verify", "--man=no"]).arg(&copy).output()?;
        fs::remove_file(&copy)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // It may complain of other units of this machine.
        let ours: Vec<&str> = said.lines().filter(|line| line.contains(unit)).collect();
        ensure!(ours.is_empty(), "{unit}: {}", ours.join("\n"));
    }
    for (unit, most) in EXPOSURE {
        let file = system.path(&format!("usr/lib/systemd/system/{unit}"));
        let threshold = format!("--threshold={most}");
        let arguments = ["security", "--offline=true", "--no-pager", &threshold];
        let output = Command::new(&analyze).args(arguments).arg(&file).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let verdict =
            said.lines().find(|line| line.contains("exposure level")).unwrap_or("it said nothing").trim();
        ensure!(output.status.success(), "{unit}: {verdict}");
        println!("{verdict}");
    }
    Ok(())
}

/// A user that the package made.
#[derive(Debug, PartialEq, Eq)]
struct User {
    id: u32,
    group: u32,
}

/// A root of its own.
struct System {
    root: PathBuf,
}

impl System {
    /// A small system: a shell, the tools that the scripts need, and an empty database of packages.
    fn make(root: PathBuf, program: &Path) -> Result<System> {
        let folders = ["usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "dev", "etc", "proc", "run", "tmp"];
        let ours = [
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
            "var/lib/dpkg/triggers",
            "var/lib/dpkg/alternatives",
        ];
        for folder in folders.iter().chain(&ours) {
            fs::create_dir_all(root.join(folder))?;
        }
        for link in ["bin", "sbin", "lib", "lib64"] {
            symlink(format!("usr/{link}"), root.join(link))?;
        }
        let system = System { root };
        for (file, text) in [
            ("var/lib/dpkg/status", ""),
            ("dev/null", ""),
            ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
            ("etc/group", "root:x:0:\n"),
            ("etc/nsswitch.conf", "passwd: files\ngroup: files\n"),
        ] {
            fs::write(system.path(file), text)?;
        }
        // In place of the device, which not everybody may make.
        fs::set_permissions(system.path("dev/null"), fs::Permissions::from_mode(0o666))?;
        for name in PROGRAMS {
            let place = fs::canonicalize(system::program(name)?)?;
            system.copy(&place, &format!("usr/bin/{name}"))?;
            system.libraries(&place)?;
        }
        system.libraries(program)?;
        Ok(system)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    fn copy(&self, from: &Path, to: &str) -> Result<()> {
        let to = self.path(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().context("a file without a folder")?)?;
        fs::copy(from, &to).map(drop).with_context(|| format!("cannot copy {}", from.display()))
    }

    fn libraries(&self, program: &Path) -> Result<()> {
        for library in libraries::of(program)? {
            self.copy(&library, &libraries::merged(&library))?;
        }
        Ok(())
    }

    /// Runs dpkg on it; what it says is shown where it fails.
    fn dpkg(&self, words: &[&str]) -> Result<()> {
        let root = format!("--root={}", self.root.display());
        let log = format!("--log={}", self.path("dpkg.log").display());
        // The packages it depends on are there as files, not as packages.
        let own = [root.as_str(), log.as_str(), "--force-depends"];
        system::run(
            Command::new(system::program("dpkg")?)
                .args(own)
                .args(words)
                .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
                .env("DEBIAN_FRONTEND", "noninteractive")
                .stdin(std::process::Stdio::null()),
        )
    }

    /// The users of console, agent and real server.
    fn users(&self) -> Result<[User; 3]> {
        let text = fs::read_to_string(self.path("etc/passwd"))?;
        let one = |name: &str| -> Result<User> {
            let line = text.lines().find(|line| line.starts_with(&format!("{name}:")));
            let line = line.with_context(|| format!("no user {name}"))?;
            let mut numbers = line.split(':').skip(2).map(str::parse);
            let mut next = || numbers.next().context("a short line")?.context("no number");
            let user = User { id: next()?, group: next()? };
            ensure!(user.id != 0 && line.ends_with("/nologin"), "{line}");
            Ok(user)
        };
        Ok([one("caribe-console")?, one("caribe-agent")?, one("caribe-real-server")?])
    }

    /// With the settings as they come a real server's set-up has nothing to do, and needs no right to do it.
    fn prepares_nothing(&self, user: &User) -> Result<()> {
        for words in [&["--settings", "--modules"][..], &["--settings"], &["--undo"]] {
            let mut command = Command::new(system::program("chroot")?);
            command.arg(format!("--userspec={}:{}", user.id, user.group)).arg("--groups=").arg(&self.root);
            command.args(["/usr/bin/caribe", "real-server", "setup"]).args(words).env_clear();
            let said = system::output(&mut command)?;
            ensure!(said.trim() == "nothing to do", "real-server setup {words:?}: {said}");
        }
        Ok(())
    }

    /// Starts a service as its user, waits until it has told its manager that it is ready and alive, and ends it in order.
    fn serves(&self, name: &str, user: &User, words: &[&str]) -> Result<()> {
        let socket = self.path("run/notify");
        if socket.exists() {
            fs::remove_file(&socket)?;
        }
        let manager = UnixDatagram::bind(&socket)?;
        manager.set_read_timeout(Some(Duration::from_millis(100)))?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777))?;
        let mut command = Command::new(system::program("chroot")?);
        command
            .arg(format!("--userspec={}:{}", user.id, user.group))
            .arg("--groups=")
            .arg(&self.root)
            .arg("/usr/bin/caribe")
            .args(words)
            .env_clear()
            .env("NOTIFY_SOCKET", "/run/notify")
            // A sign of life every quarter of this.
            .env("WATCHDOG_USEC", "800000");
        let service = Background::start(name, command, &self.path(&format!("{name}.log")))?;
        let mut heard = Vec::new();
        let mut hear = |wanted: &str, times: usize| {
            wait::until(&format!("{wanted} from the {name}"), PATIENCE, || {
                let mut bytes = [0; 4096];
                while let Ok(count) = manager.recv(&mut bytes) {
                    let text = String::from_utf8_lossy(bytes.get(..count).unwrap_or_default()).into_owned();
                    heard.extend(text.lines().map(str::to_owned));
                    if count == 0 || heard.iter().filter(|line| *line == wanted).count() >= times {
                        break;
                    }
                }
                let count = heard.iter().filter(|line| *line == wanted).count();
                Ok(if count >= times { Seen::Yes(()) } else { Seen::not_yet(format!("it said {heard:?}")) })
            })
        };
        let log = self.path(&format!("{name}.log"));
        let said = || testkit::caribe::last_lines(&log, 10);
        hear("READY=1", 1).with_context(said)?;
        hear("WATCHDOG=1", 3).with_context(said)?;
        let ended = service.stop(PATIENCE)?;
        if !ended.success() {
            bail!("the {name} ended with {ended}: {}", said());
        }
        println!("the {name} runs as user {} and told its manager so", user.id);
        Ok(())
    }
}
