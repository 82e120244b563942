//! Where weights come from besides the configured one.

use serde::{Deserialize, Serialize};

use super::command::CommandLine;

/// How often a load agent is asked where nothing else is said, milliseconds.
pub const LOAD_INTERVAL_MS: u32 = 5_000;

/// A source of weights, and the bounds of what it may do to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoadMonitor {
    /// Who says it; written beside the other fields, with its `kind`.
    #[serde(flatten)]
    pub source: LoadSource,
    /// Least weight it may bring, percent of the configured one.
    #[serde(default = "minimum")]
    pub minimum_percent: u32,
    /// Greatest weight it may bring, percent of the configured one.
    #[serde(default = "maximum")]
    pub maximum_percent: u32,
    /// How often it is asked, milliseconds.
    #[serde(default = "interval")]
    pub interval_ms: u32,
}

/// Who says how loaded a real server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum LoadSource {
    /// A program of Piranha's (`rup`, `ruptime`, `uptime`) or any other; the server's address is its last argument. It
    /// prints the load average behind the word "load".
    Program {
        /// Program and arguments; no shell reads them.
        command: CommandLine,
    },
    /// An agent on the real server that answers a connection with one line, as HAProxy's agent-check has it: `75%`,
    /// `drain`, `down`, `up 50%`.
    Line {
        /// Its TCP port.
        port: u16,
        /// What is sent first; nothing where absent. Escapes are those of the checks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        send: Option<String>,
    },
    /// An agent on the real server that answers GET with JSON (`caribe real-server`).
    Http {
        /// Its TCP port.
        port: u16,
        /// Path of the page.
        #[serde(default = "path")]
        path: String,
    },
}

fn minimum() -> u32 {
    10
}

fn maximum() -> u32 {
    100
}

fn interval() -> u32 {
    LOAD_INTERVAL_MS
}

fn path() -> String {
    "/load".to_owned()
}

impl LoadMonitor {
    /// A source with the usual bounds: the weight is only ever lowered, to a tenth at most.
    pub fn new(source: LoadSource) -> Self {
        LoadMonitor {
            source,
            minimum_percent: minimum(),
            maximum_percent: maximum(),
            interval_ms: LOAD_INTERVAL_MS,
        }
    }

    /// A program as Piranha runs it: about every 20 seconds, and the weight is only ever raised, to its tenfold at most.
    pub fn piranha(command: CommandLine) -> Self {
        LoadMonitor {
            source: LoadSource::Program { command },
            minimum_percent: 100,
            maximum_percent: 1_000,
            interval_ms: 20_000,
        }
    }
}

impl LoadSource {
    /// The word that tells its kind in the API and in forms.
    pub fn kind(&self) -> &'static str {
        match self {
            LoadSource::Program { .. } => "program",
            LoadSource::Line { .. } => "line",
            LoadSource::Http { .. } => "http",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_keeps_its_shape_as_json() {
        let monitor: LoadMonitor = serde_json::from_str(r#"{"kind":"line","port":7777}"#).unwrap();
        assert_eq!(monitor, LoadMonitor::new(LoadSource::Line { port: 7777, send: None }));
        assert!(serde_json::from_str::<LoadMonitor>(r#"{"kind":"line","port":7777,"least":3}"#).is_err());
        let json = serde_json::to_string(&LoadMonitor::piranha(CommandLine::new(["rup"]))).unwrap();
        assert_eq!(
            json,
            r#"{"kind":"program","command":["rup"],"minimum_percent":100,"maximum_percent":1000,"interval_ms":20000}"#
        );
    }
}
