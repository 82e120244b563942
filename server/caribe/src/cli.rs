//! The command line: words, flags and their environment variables; nothing is done here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::logs::LogFormat;

/// Manages Linux Virtual Server (IPVS) clusters: console, director agent and tools in one program.
#[derive(Debug, Parser)]
#[command(name = "caribe", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Settings file [default: /etc/caribe/caribe.toml where it exists].
    #[arg(long, global = true, value_name = "FILE", env = "CARIBE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Form of log lines.
    #[arg(long, global = true, value_name = "FORMAT", env = "CARIBE_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Log level, also per module (info,director=debug).
    #[arg(long, global = true, value_name = "FILTER", env = "CARIBE_LOG")]
    pub(crate) log: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the console: pages, REST API, and the link to every director.
    Serve(Serve),
    /// Run the director agent, or join it to a console.
    Agent(Agent),
    /// Create or reset an account of the console; the password is asked for, or read from standard input.
    Passwd(Passwd),
    /// Manage API tokens.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Read a configuration file and say what is in it and what is wrong with it.
    Check(Check),
    /// Print a settings file that says every default.
    SampleConfig,
    /// Print the version.
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The console's folder [default: /var/lib/caribe/console].
    #[arg(long, value_name = "DIR", env = "CARIBE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one [default: 0.0.0.0:3636].
    #[arg(long, value_name = "ADDR:PORT", env = "CARIBE_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// One more host name or address for the browser certificate made at the first start; may be repeated.
    #[arg(long = "name", value_name = "HOST", env = "CARIBE_NAMES", value_delimiter = ',')]
    pub(crate) names: Vec<String>,
    /// Also start a director agent on this machine, as a process of its own.
    #[arg(long, env = "CARIBE_AGENT")]
    pub(crate) agent: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Agent {
    #[command(subcommand)]
    pub(crate) command: Option<AgentCommand>,
    #[command(flatten)]
    pub(crate) place: AgentPlace,
    /// When stopped, give up virtual addresses and services instead of leaving traffic running.
    #[arg(long)]
    pub(crate) release: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AgentPlace {
    /// The agent's folder [default: /var/lib/caribe/agent].
    #[arg(long, value_name = "DIR", env = "CARIBE_AGENT_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen for the console [default: [::]:3637].
    #[arg(long, value_name = "ADDR:PORT", env = "CARIBE_AGENT_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Enrol this director at a console.
    Join(Join),
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The console, as https://HOST:3636.
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The single-use token that the console's page shows; `-` reads it from standard input.
    #[arg(long, value_name = "TOKEN", env = "CARIBE_JOIN_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
    /// Fingerprint of the console's internal CA, as sha256:HEX.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) fingerprint: String,
    #[command(flatten)]
    pub(crate) place: AgentPlace,
}

#[derive(Debug, Args)]
pub(crate) struct Passwd {
    /// The console's folder [default: /var/lib/caribe/console].
    #[arg(long, value_name = "DIR", env = "CARIBE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// The account.
    #[arg(value_name = "USER", default_value = "admin")]
    pub(crate) user: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it; it cannot be shown again.
    Create(TokenCreate),
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    /// The console's folder [default: /var/lib/caribe/console].
    #[arg(long, value_name = "DIR", env = "CARIBE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// What it is for; unique.
    #[arg(long)]
    pub(crate) name: String,
    /// What it may do; may be repeated. Without one: everything.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scopes: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What kind of file it is.
    #[arg(long, value_enum, default_value_t = From::Auto)]
    pub(crate) from: From,
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Kinds of files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// Found out by its content.
    Auto,
    /// Piranha's configuration file.
    #[value(name = "lvs.cf")]
    LvsCf,
    /// Output of `ipvsadm --save`.
    Ipvsadm,
}
