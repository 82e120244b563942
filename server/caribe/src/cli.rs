//! The command line: words, flags and their environment variables; nothing is done here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lvs::format::FileKind;
use lvs::format::export::ExportKind;

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
    Agent(Box<Agent>),
    /// On a real server: the load agent that weights follow, and the set-up that direct routing and tunnels need.
    RealServer(Box<crate::real_server_words::RealServer>),
    /// Create or reset an account of the console; the password is asked for, or read from standard input.
    Passwd(Passwd),
    /// Manage API tokens.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Write all that this console needs to go on elsewhere into one encrypted file.
    Backup(Backup),
    /// Put a backup into an empty folder, or only show what is in it.
    Restore(Restore),
    /// Write what a developer needs to help you into one file: the state of a console or an agent, without secrets.
    SupportBundle(SupportBundle),
    /// Read configuration files and say what is in them and what is wrong with them.
    Check(Check),
    /// Write a configuration as another kind of file.
    Convert(Convert),
    /// Use a console from the command line, with an API token.
    Ctl(Box<crate::ctl::words::Ctl>),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a folder.
    Man {
        /// The folder.
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
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
    /// A host name or address of this console, for the browser certificate made at the first start; may be repeated.
    /// The first is the one that is shown and put into join commands.
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
    /// Where Prometheus may read metrics, with the token in the folder's file metrics-token [default: nowhere].
    #[arg(long, value_name = "ADDR:PORT", env = "CARIBE_AGENT_METRICS")]
    pub(crate) metrics: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct AgentPlace {
    /// The agent's folder [default: /var/lib/caribe/agent].
    #[arg(long, value_name = "DIR", env = "CARIBE_AGENT_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen for the console [default: [::]:3637].
    #[arg(long, value_name = "ADDR:PORT", env = "CARIBE_AGENT_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// A folder whose programs may be run to check real servers; may be given several times [default:
    /// /etc/caribe/checks and /usr/lib/caribe/checks].
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Vec<PathBuf>,
    /// The user those programs run as [default: the agent's own].
    #[arg(long, value_name = "USER")]
    pub(crate) programs_user: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Enrol this director at a console.
    Join(Join),
    /// Give an order to the agent that runs on this machine; needs no console.
    Order(LocalOrder),
    /// Show how the agent that runs on this machine is.
    Status(LocalStatus),
}

#[derive(Debug, Args)]
pub(crate) struct LocalOrder {
    /// What it is to do.
    #[arg(value_enum)]
    pub(crate) order: OrderWord,
    /// Even where connections are lost that could be kept by waiting.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) place: AgentPlace,
}

/// An order by its word.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum OrderWord {
    /// Hand over to the partner (on the active director).
    SwitchOver,
    /// Ask the partner to hand over (on the standby).
    TakeOver,
    /// Do not claim and do not hand over, until told to resume; survives a restart of the agent.
    Hold,
    /// End a hold.
    Resume,
}

#[derive(Debug, Args)]
pub(crate) struct LocalStatus {
    /// The whole status as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: AgentPlace,
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
    /// Take the account's second factor away as well: the phone is lost, and the recovery codes are too.
    #[arg(long)]
    pub(crate) remove_second_factor: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it; it cannot be shown again.
    Create(TokenCreate),
}

#[derive(Debug, Args)]
#[command(
    after_help = "The file holds the database, and the keys of the CA that the directors trust; without the passphrase nobody can\n\
                        open it. The console may run meanwhile. caribe serve makes backups by itself where its settings file says\n\
                        so ([backup])."
)]
pub(crate) struct Backup {
    /// The console's folder [default: /var/lib/caribe/console].
    #[arg(long, value_name = "DIR", env = "CARIBE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// A file whose first line is the passphrase and that only its owner may read; otherwise it is asked for, or read
    /// from standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The file to write, or the folder to write it into; no file is written over.
    #[arg(value_name = "FILE-or-FOLDER")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Directors keep working meanwhile. The restored console has the same CA and dials them where they were; one that\n\
                        holds a newer configuration than the backup is left alone until somebody decides on its page.\n\
                        Run it as the user of the service, or as root into a folder of that user's."
)]
pub(crate) struct Restore {
    /// Where the console is to be: a folder that is empty or not there [default: /var/lib/caribe/console].
    #[arg(long, value_name = "DIR", env = "CARIBE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// A file whose first line is the passphrase and that only its owner may read; otherwise it is asked for, or read
    /// from standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Show what is in it, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The backup.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(
    after_help = "It changes nothing, and works beside the running service and without it. Where a secret stood, ******** stands;\n\
                        keys, passwords and tokens are left out. Names, addresses and notes are in it: look through it before\n\
                        you give it away. The file MANIFEST in it lists the others."
)]
pub(crate) struct SupportBundle {
    /// The folder of a console or of an agent [default: the console's where there is one, else the agent's].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The file to write, or the folder to write it into; no file is written over [default: a name with the time, here].
    #[arg(long, short, value_name = "FILE-or-FOLDER")]
    pub(crate) output: Option<PathBuf>,
}

/// What a token can be made for, each including the ones before it.
pub(crate) const SCOPES: [&str; 5] = ["read", "runtime:write", "config:write", "config:activate", "admin"];

#[derive(Debug, Args)]
#[command(after_help = "Scopes, each including the ones before it:\n\
                        \x20 read             see everything but secrets\n\
                        \x20 runtime:write    orders: drain, enable, hand over\n\
                        \x20 config:write     drafts, imports, adopting\n\
                        \x20 config:activate  activate, push, keep or undo a trial\n\
                        \x20 admin            accounts, tokens, audit log, letting directors join; what a token may do without a scope")]
pub(crate) struct TokenCreate {
    /// The console's folder [default: /var/lib/caribe/console].
    #[arg(long, value_name = "DIR", env = "CARIBE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// What it is for; unique.
    #[arg(long)]
    pub(crate) name: String,
    /// What it may do; may be repeated. Without one: everything.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', value_parser = SCOPES)]
    pub(crate) scopes: Vec<String>,
}

/// Configuration files and how they are read.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// The file; `-` is standard input. Several are the nodes of one keepalived cluster, and files that they include.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// What kind of file it is.
    #[arg(long, value_enum, value_name = "KIND", default_value_t = From::Auto)]
    pub(crate) from: From,
    /// Look host names up; otherwise they are findings.
    #[arg(long)]
    pub(crate) resolve: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Findings go to standard error as FILE:LINE:COLUMN: error|warning: text [code].\n\
                        Exit codes: 0 usable, 1 not usable, 2 wrong usage or unreadable file.")]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Refuse everything that the original program refuses.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "What the kind of file cannot express is refused by name on standard error, or, where it can be left out,\n\
                        written without it and named there as a warning.\n\
                        Exit codes: 0 written, 1 not usable or refused, 2 wrong usage, unreadable or unwritable file."
)]
pub(crate) struct Convert {
    #[command(flatten)]
    pub(crate) input: Input,
    /// What to write.
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) to: To,
    /// Write to this file, or into this folder where there is a file for each director [default: standard output].
    #[arg(long, short, value_name = "FILE-or-FOLDER")]
    pub(crate) output: Option<PathBuf>,
    /// Which configuration is meant, where a pasted text holds several.
    #[arg(long, value_name = "NAME")]
    pub(crate) candidate: Option<String>,
    /// To an lvs.cf: write anew, or as comments, the lines of the text it came from that Piranha's daemons refuse.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Kinds of files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// Found out by its content.
    Auto,
    /// Piranha's configuration file.
    #[value(name = "lvs.cf")]
    LvsCf,
    /// Output of `ipvsadm --save`, or a shell script that calls ipvsadm.
    Ipvsadm,
    /// A keepalived.conf, or several: the nodes of one cluster, and files that they include.
    Keepalived,
    /// Any text that keepalived.conf files were pasted into.
    KeepalivedPaste,
}

impl From {
    /// The kind; none where the content is to tell.
    pub(crate) fn kind(self) -> Option<FileKind> {
        match self {
            From::Auto => None,
            From::LvsCf => Some(FileKind::LvsCf),
            From::Ipvsadm => Some(FileKind::Ipvsadm),
            From::Keepalived => Some(FileKind::Keepalived),
            From::KeepalivedPaste => Some(FileKind::KeepalivedPaste),
        }
    }
}

/// Kinds of files that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum To {
    /// Piranha's configuration file.
    #[value(name = "lvs.cf")]
    LvsCf,
    /// A keepalived.conf for each director.
    Keepalived,
    /// The table of an active director, for `ipvsadm --restore`.
    Ipvsadm,
    /// The cluster as the API shows and accepts it, passwords included.
    Json,
}

impl To {
    pub(crate) fn kind(self) -> ExportKind {
        match self {
            To::LvsCf => ExportKind::LvsCf,
            To::Keepalived => ExportKind::Keepalived,
            To::Ipvsadm => ExportKind::Ipvsadm,
            To::Json => ExportKind::Json,
        }
    }
}
