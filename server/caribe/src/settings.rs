//! This machine's own settings: what `caribe serve` and `caribe agent` need to start.
//!
//! Three layers, later ones win: the settings file, `CARIBE_…` environment variables, flags (clap merges the last
//! two). They never hold a cluster's configuration, which lives in revisions, nor a secret. Unknown keys are refused,
//! and the sample file is made from the same list that reads it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::logs::LogFormat;
use crate::real_server_words::EncapsulationWord;

/// Where the settings file is looked for when none is named; it may be absent there.
pub(crate) const DEFAULT_FILE: &str = "/etc/caribe/caribe.toml";

/// Port of the console: Piranha's.
pub(crate) const CONSOLE_PORT: u16 = 3636;
/// Port of the agent.
pub(crate) const AGENT_PORT: u16 = 3637;
/// Port of the load agent.
pub(crate) const LOAD_PORT: u16 = 3639;
/// Port of generic UDP encapsulation (RFC draft-ietf-intarea-gue).
pub(crate) const GUE_PORT: u16 = 6080;

/// The settings file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) log: Log,
    pub(crate) serve: Serve,
    pub(crate) backup: Backup,
    pub(crate) agent: Agent,
    pub(crate) real_server: RealServer,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) filter: String,
}

/// `[serve]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Serve {
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) names: Vec<String>,
    pub(crate) agent: bool,
    pub(crate) local_webhooks: bool,
}

/// `[backup]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Backup {
    pub(crate) folder: PathBuf,
    pub(crate) passphrase_file: PathBuf,
    pub(crate) every_h: u16,
    pub(crate) keep: u16,
}

/// `[agent]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Agent {
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) metrics: MaybeAddress,
    pub(crate) programs: Vec<PathBuf>,
    pub(crate) programs_user: Option<String>,
}

/// `[real_server]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RealServer {
    pub(crate) data: PathBuf,
    pub(crate) mode: MaybeMode,
    pub(crate) vips: Vec<IpAddr>,
    pub(crate) encapsulation: EncapsulationWord,
    pub(crate) gue_port: u16,
    pub(crate) line: SocketAddr,
    pub(crate) http: MaybeAddress,
}

/// How packets come from the director; an empty text where nothing has to be set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MaybeMode {
    #[default]
    #[serde(rename = "")]
    None,
    Direct,
    Tunnel,
}

/// An address and port, or none: written as an empty text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct MaybeAddress(pub(crate) Option<SocketAddr>);

impl TryFrom<String> for MaybeAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(MaybeAddress(None));
        }
        let address = text.parse().map_err(|_| {
            format!("{text:?} is no address with a port, such as \"127.0.0.1:3638\" or \"[::]:3638\"")
        })?;
        Ok(MaybeAddress(Some(address)))
    }
}

impl From<MaybeAddress> for String {
    fn from(MaybeAddress(address): MaybeAddress) -> String {
        address.map_or_else(String::new, |address| address.to_string())
    }
}

impl Default for Log {
    fn default() -> Self {
        Log { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

impl Default for Serve {
    fn default() -> Self {
        Serve {
            data: PathBuf::from("/var/lib/caribe/console"),
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, CONSOLE_PORT)),
            names: Vec::new(),
            agent: false,
            local_webhooks: false,
        }
    }
}

impl Default for Backup {
    fn default() -> Self {
        Backup { folder: PathBuf::new(), passphrase_file: PathBuf::new(), every_h: 24, keep: 14 }
    }
}

impl Default for Agent {
    fn default() -> Self {
        Agent {
            data: PathBuf::from("/var/lib/caribe/agent"),
            listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, AGENT_PORT)),
            metrics: MaybeAddress(None),
            programs: ["/etc/caribe/checks", "/usr/lib/caribe/checks"].map(PathBuf::from).to_vec(),
            programs_user: Some(String::new()),
        }
    }
}

impl Default for RealServer {
    fn default() -> Self {
        RealServer {
            data: PathBuf::from("/var/lib/caribe/real-server"),
            mode: MaybeMode::None,
            vips: Vec::new(),
            encapsulation: EncapsulationWord::Ipip,
            gue_port: GUE_PORT,
            line: SocketAddr::from((Ipv6Addr::UNSPECIFIED, LOAD_PORT)),
            http: MaybeAddress(None),
        }
    }
}

/// Every key with what it means, in the order of the sample.
const KEYS: &[(&str, &str)] = &[
    ("log.format", "Log lines on standard error: \"text\" for people, \"json\" for machines."),
    ("log.filter", "Level (error, warn, info, debug, trace), also per module: \"info,director=debug\"."),
    ("serve.data", "The console's folder: database, keys, certificates. Back it up; mode 0700."),
    (
        "serve.listen",
        "Address and port of pages, API and joining directors; \"[::]:3636\" listens on IPv4 and IPv6.",
    ),
    ("serve.names", "More host names and addresses for the browser certificate made at the first start."),
    (
        "serve.agent",
        "Also start a director agent on this machine, as a process of its own with the settings of [agent].",
    ),
    (
        "serve.local_webhooks",
        "Whether alerts may be posted to this machine itself and to link-local addresses, where services trust whoever speaks from here.",
    ),
    (
        "backup.folder",
        "Where caribe serve puts encrypted backups of the console by itself; \"\" is nowhere. With the package: \"/var/lib/caribe/backups\".",
    ),
    (
        "backup.passphrase_file",
        "A file whose first line is the passphrase of the backups, at least 12 characters; only its owner may read it. Keep a copy elsewhere.",
    ),
    ("backup.every_h", "Hours between two backups."),
    ("backup.keep", "How many of them are kept; others are never removed."),
    ("agent.data", "The agent's folder: identity, last good configuration, owned rows; mode 0700."),
    ("agent.listen", "Address and port on which the console reaches this agent."),
    (
        "agent.metrics",
        "Address and port where Prometheus may read /metrics, with the token in the file metrics-token of the agent's folder; \"\" is nowhere.",
    ),
    (
        "agent.programs",
        "Folders whose programs may be run to check real servers; no other program checks them.",
    ),
    ("agent.programs_user", "The user those programs run as; \"\" is the agent's own."),
    (
        "real_server.data",
        "The folder of a real server: what it was before it was set up, and its file state.",
    ),
    (
        "real_server.mode",
        "What caribe-real-server sets up: \"direct\" for direct routing, \"tunnel\" for tunnels, \"\" for nothing (NAT).",
    ),
    ("real_server.vips", "The virtual addresses that this real server takes packets for."),
    ("real_server.encapsulation", "Of tunnels: \"ipip\", \"gue\" or \"gre\", as in the console."),
    ("real_server.gue_port", "The UDP port of \"gue\", as in the console."),
    ("real_server.line", "Address and port on which the load agent says its line."),
    ("real_server.http", "Address and port where it says the same as JSON over HTTP; \"\" is nowhere."),
];

impl Settings {
    /// Reads `file`; without one, [`DEFAULT_FILE`] where it exists, else the defaults.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let (path, required) = match file {
            Some(path) => (path, true),
            None => (Path::new(DEFAULT_FILE), false),
        };
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => {
                Ok(Settings::default())
            }
            Err(error) => Err(anyhow::anyhow!("{}: {error}", path.display())),
        }
    }

    /// A settings file that says the defaults, each with its meaning.
    pub(crate) fn sample() -> String {
        let defaults = toml::Table::try_from(Settings::default()).unwrap_or_default();
        let mut text =
            String::from("# Settings of Caribe on this machine. Every value below is the default.\n");
        let mut section = "";
        for (key, meaning) in KEYS {
            let Some((table, name)) = key.split_once('.') else { continue };
            let Some(value) = defaults.get(table).and_then(|t| t.get(name)) else { continue };
            if table != section {
                text.push_str(&format!("\n[{table}]\n"));
                section = table;
            }
            text.push_str(&format!("# {meaning}\n{name} = {value}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_says_every_key_and_reads_back_as_the_defaults() {
        let sample = Settings::sample();
        assert_eq!(toml::from_str::<Settings>(&sample).unwrap(), Settings::default());
        let defaults = toml::Table::try_from(Settings::default()).unwrap();
        for (section, keys) in &defaults {
            for key in keys.as_table().unwrap().keys() {
                assert!(KEYS.iter().any(|(name, _)| *name == format!("{section}.{key}")), "{section}.{key}");
                assert!(sample.contains(&format!("\n{key} = ")), "{section}.{key} is not in the sample");
            }
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("caribe.toml");
        std::fs::write(&file, "[serve]\nlisten = \"127.0.0.1:1\"\nlissten = 3\n").unwrap();
        let error = Settings::load(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("lissten") && error.contains("caribe.toml"), "{error}");
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error() {
        assert!(Settings::load(Some(Path::new("/nonexistent/caribe.toml"))).is_err());
    }
}
